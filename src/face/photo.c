#include "face/photo.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "face/align.h"

enum { FIRST_LOOK = 480, SECOND_LOOK = 1440 }; /* least sides for finding faces: large ones, small ones */

/* How much larger the picture would have to be for the smallest of the wanted frames to have `side` pixels. */
static double shortage(const idem_photo *p, int side, int wanted) {
    double most = 0;
    for (int i = 0; i < p->n && i < wanted; i++) {
        idem_crop frame;
        if (idem_align_frame(&frame, (const float(*)[2])p->faces[i].points, p->image.width, p->image.height) == 0)
            most = fmax(most, side / idem_align_side(&frame, p->image.width, p->image.height));
    }
    return most;
}

static int look(idem_photo *p, idem_finder *f, const char *path, int least) {
    if (least) {
        idem_image_free(&p->image);
        if (idem_image_load_reduced(&p->image, path, least, &p->width, &p->height))
            return -1;
    }
    p->n = idem_finder_run(f, &p->image, p->faces, IDEM_FACES_MAX);
    return p->n < 0 ? -1 : 0;
}

static bool is_reduced(const idem_photo *p) {
    return p->image.width < p->width || p->image.height < p->height;
}

idem_ahead *idem_photo_ahead(const char *const *paths, size_t n) {
    return idem_ahead_new(paths, n, FIRST_LOOK);
}

int idem_photo_next(idem_photo *p, idem_ahead *a) {
    *p = (idem_photo){0};
    return idem_ahead_next(a, &p->image, &p->width, &p->height);
}

int idem_photo_find(idem_photo *p, idem_finder *f, const char *path, int side, int wanted) {
    int status = look(p, f, path, 0);
    if (!status && p->n == 0 && is_reduced(p))
        status = look(p, f, path, SECOND_LOOK);
    double factor = status ? 0 : shortage(p, side, wanted);
    if (!status && factor > 1 && is_reduced(p)) {
        double smaller = p->image.width < p->image.height ? p->image.width : p->image.height;
        status = look(p, f, path, (int)fmin(ceil(factor * smaller), 1e6));
    }
    if (status)
        idem_photo_close(p);
    return status;
}

int idem_photo_open(idem_photo *p, idem_finder *f, const char *path, int side, int wanted) {
    *p = (idem_photo){0};
    if (idem_image_load_reduced(&p->image, path, FIRST_LOOK, &p->width, &p->height))
        return -1;
    return idem_photo_find(p, f, path, side, wanted);
}

void idem_photo_close(idem_photo *p) {
    idem_image_free(&p->image);
    p->n = 0;
}
