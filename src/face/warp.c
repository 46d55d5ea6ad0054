#include "face/warp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "engine/op.h"

enum { FAR = 50 }; /* how many sides beyond the photograph a crop may reach: keeps indices small */

typedef struct {
    const idem_image *photo;
    double m[6]; /* target pixel centres (i + 0.5) / w to source pixel indices */
    double reach_x, reach_y;
    idem_warp_border border;
    int w, room; /* of the target; taps on either axis at most */
} job;

/* Where index i of a row of n lies in the row. */
static int fold(int i, int n, idem_warp_border border) {
    if (i >= 0 && i < n)
        return i;
    if (border == IDEM_WARP_EDGE || n == 1)
        return i < 0 ? 0 : n - 1;
    int period = 2 * (n - 1);
    i %= period;
    i = i < 0 ? i + period : i;
    return i < n ? i : period - i;
}

/* Weights and source indices of the triangle of half-width `reach` about `centre`; how many. */
static int taps(float *weight, int *index, double centre, double reach, int size, idem_warp_border border) {
    int from = (int)ceil(centre - reach), to = (int)floor(centre + reach);
    float sum = 0;
    int n = 0;
    for (int i = from; i <= to; i++) {
        weight[n] = (float)(1 - fabs(i - centre) / reach);
        sum += weight[n];
        index[n++] = fold(i, size, border);
    }
    for (int i = 0; i < n; i++)
        weight[i] /= sum;
    return n;
}

static void warp_row(float *out, const job *j, int y, int h, float *weights, int *indices) {
    const idem_image *p = j->photo;
    float *wx = weights, *wy = weights + j->room;
    int *ix = indices, *iy = indices + j->room;
    double v = (y + 0.5) / h;
    for (int x = 0; x < j->w; x++) {
        double u = (x + 0.5) / j->w;
        int nx = taps(wx, ix, j->m[0] * u + j->m[1] * v + j->m[2], j->reach_x, p->width, j->border);
        int ny = taps(wy, iy, j->m[3] * u + j->m[4] * v + j->m[5], j->reach_y, p->height, j->border);
        float r = 0, g = 0, b = 0;
        for (int t = 0; t < ny; t++) {
            const uint8_t *row = p->rgb + (size_t)iy[t] * (size_t)p->width * 3;
            float rr = 0, gg = 0, bb = 0;
            for (int s = 0; s < nx; s++) {
                const uint8_t *at = row + (size_t)ix[s] * 3;
                rr += wx[s] * at[0];
                gg += wx[s] * at[1];
                bb += wx[s] * at[2];
            }
            r += wy[t] * rr;
            g += wy[t] * gg;
            b += wy[t] * bb;
        }
        out[3 * x] = r;
        out[3 * x + 1] = g;
        out[3 * x + 2] = b;
    }
}

int idem_warp(float *out, int h, int w, const idem_image *photo, const idem_crop *crop, idem_warp_border border) {
    if (h < 1 || w < 1 || photo->width < 1 || photo->height < 1)
        return idem_fail("warp: %dx%d to %dx%d, expected sides of at least 1", photo->width, photo->height, w, h);
    job j = {.photo = photo, .border = border, .w = w};
    for (int k = 0; k < 6; k++)
        j.m[k] = (double)crop->m[k] * (k < 3 ? photo->width : photo->height);
    for (int k = 0; k < 6; k++)
        if (!(fabs((double)crop->m[k]) <= FAR))
            return idem_fail("warp: coefficient %d of the crop is %g, expected at most %d photographs", k,
                             (double)crop->m[k], FAR);
    j.m[2] -= 0.5;
    j.m[5] -= 0.5;
    j.reach_x = fmax(1, hypot(j.m[0] / w, j.m[1] / h));
    j.reach_y = fmax(1, hypot(j.m[3] / w, j.m[4] / h));
    j.room = (int)(2 * fmax(j.reach_x, j.reach_y)) + 3;
    int threads = idem_threads();
    float *weights = malloc((size_t)threads * 2 * (size_t)j.room * sizeof *weights);
    int *indices = malloc((size_t)threads * 2 * (size_t)j.room * sizeof *indices);
    if (!weights || !indices) {
        free(weights);
        free(indices);
        return idem_fail_as(IDEM_MEMORY, "out of memory for warping a picture");
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int part = 0; part < threads; part++)
        for (int y = part; y < h; y += threads)
            warp_row(out + (size_t)y * (size_t)w * 3, &j, y, h, weights + (size_t)part * 2 * (size_t)j.room,
                     indices + (size_t)part * 2 * (size_t)j.room);
    free(weights);
    free(indices);
    return 0;
}
