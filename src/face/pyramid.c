#include "face/pyramid.h"

#include <math.h>

#include "base/status.h"
#include "face/warp.h"

enum { LEAST = 64 }; /* no copy has a smaller side */

/* Means of 2 x 2 pixels; the last row and column of an odd side are repeated. */
static int halve(idem_image *out, const idem_image *in) {
    if (idem_image_new(out, (in->width + 1) / 2, (in->height + 1) / 2))
        return -1;
    for (int y = 0; y < out->height; y++) {
        const uint8_t *a = in->rgb + (size_t)(2 * y) * (size_t)in->width * 3;
        const uint8_t *b = 2 * y + 1 < in->height ? a + (size_t)in->width * 3 : a;
        uint8_t *to = out->rgb + (size_t)y * (size_t)out->width * 3;
        for (int x = 0; x < in->width / 2; x++)
            for (int c = 0; c < 3; c++)
                to[3 * x + c] = (uint8_t)((a[6 * x + c] + a[6 * x + 3 + c] + b[6 * x + c] + b[6 * x + 3 + c] + 2) / 4);
        if (in->width % 2) {
            const size_t last = 3 * ((size_t)in->width - 1);
            for (size_t c = 0; c < 3; c++)
                to[last / 2 + c] = (uint8_t)((a[last + c] + b[last + c] + 1) / 2);
        }
    }
    return 0;
}

int idem_pyramid_make(idem_pyramid *p, const idem_image *photo) {
    *p = (idem_pyramid){.level = {*photo}, .n = 1};
    while (p->n < IDEM_PYRAMID_MAX) {
        const idem_image *last = &p->level[p->n - 1];
        if (last->width < 2 * LEAST || last->height < 2 * LEAST)
            break;
        if (halve(&p->level[p->n], last)) {
            idem_pyramid_free(p);
            return -1;
        }
        p->n++;
    }
    return 0;
}

void idem_pyramid_free(idem_pyramid *p) {
    for (int i = 1; i < p->n; i++)
        idem_image_free(&p->level[i]);
    *p = (idem_pyramid){0};
}

int idem_pyramid_warp(float *out, int h, int w, const idem_pyramid *p, const idem_crop *crop) {
    const float *m = crop->m;
    const idem_image *photo = &p->level[0];
    double step = fmin(hypot((double)m[0] * photo->width, (double)m[3] * photo->height) / w,
                       hypot((double)m[1] * photo->width, (double)m[4] * photo->height) / h);
    int k = 0;
    idem_crop at = *crop;
    for (; k + 1 < p->n && step >= 2; k++)
        step /= 2;
    /* A copy of an odd side extends up to one of its pixels beyond the photograph. */
    double x = (double)photo->width / p->level[k].width, y = (double)photo->height / p->level[k].height;
    for (int i = 0; i < 3; i++) {
        at.m[i] = (float)(m[i] * x / (1 << k));
        at.m[i + 3] = (float)(m[i + 3] * y / (1 << k));
    }
    return idem_warp(out, h, w, &p->level[k], &at, IDEM_WARP_GROUND);
}
