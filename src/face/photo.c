#include "face/photo.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "face/align.h"

/* Least sides for finding the largest face, and all faces. The second suffices for the smallest faces. */
enum { FIRST_LOOK = 480, SECOND_LOOK = 720, COARSE = 128 /* frames below this need more pixels */ };

static int least_of(int wanted) {
    return wanted == 1 ? FIRST_LOOK : SECOND_LOOK;
}

static bool is_reduced(const idem_photo *p) {
    return p->image.width < p->width || p->image.height < p->height;
}

static double shorter_side(const idem_photo *p) {
    return fmin(p->image.width, p->image.height);
}

/* Decodes again with sides of at least `least` pixels. */
static int enlarge(idem_photo *p, const char *path, double least) {
    idem_image_free(&p->image);
    return idem_image_load_reduced(&p->image, path, (int)fmin(ceil(least), 1e6), &p->width, &p->height);
}

static int find(idem_photo *p, idem_finder *f, int wanted) {
    const idem_find_options options = {.search = wanted == 1 ? IDEM_FIND_LARGEST : IDEM_FIND_ALL};
    p->n = idem_finder_run(f, &p->image, &options, &p->faces);
    return p->n < 0 ? -1 : 0;
}

/* Side of the smallest wanted frame in pixels of the image; 0: none. */
static double smallest_frame(const idem_photo *p, int wanted) {
    double least = HUGE_VAL;
    for (int i = 0; i < p->n && i < wanted; i++) {
        idem_crop frame;
        if (idem_align_frame(&frame, (const float(*)[2])p->faces[i].points, p->image.width, p->image.height) == 0)
            least = fmin(least, idem_align_side(&frame, p->image.width, p->image.height));
    }
    return isfinite(least) ? least : 0;
}

idem_ahead *idem_photo_ahead(const char *const *paths, size_t n, int wanted) {
    return idem_ahead_new(paths, n, least_of(wanted));
}

int idem_photo_next(idem_photo *p, idem_ahead *a) {
    *p = (idem_photo){0};
    return idem_ahead_next(a, &p->image, &p->width, &p->height);
}

static int find_in(idem_photo *p, idem_finder *f, const char *path, int side, int wanted) {
    if ((is_reduced(p) && shorter_side(p) < least_of(wanted) && enlarge(p, path, least_of(wanted))) ||
        find(p, f, wanted))
        return -1;
    if (p->n == 0 && is_reduced(p) && shorter_side(p) < SECOND_LOOK &&
        (enlarge(p, path, SECOND_LOOK) || find(p, f, wanted)))
        return -1;
    double smallest = smallest_frame(p, wanted);
    if (smallest == 0 || smallest >= side || !is_reduced(p))
        return 0;
    if (enlarge(p, path, side / smallest * shorter_side(p)))
        return -1;
    return smallest < COARSE ? idem_finder_refine(f, &p->image, p->faces, p->n) : 0;
}

int idem_photo_find(idem_photo *p, idem_finder *f, const char *path, int side, int wanted) {
    int status = find_in(p, f, path, side, wanted);
    if (status)
        idem_photo_close(p);
    return status;
}

int idem_photo_open(idem_photo *p, idem_finder *f, const char *path, int side, int wanted) {
    *p = (idem_photo){0};
    if (idem_image_load_reduced(&p->image, path, least_of(wanted), &p->width, &p->height))
        return -1;
    return idem_photo_find(p, f, path, side, wanted);
}

void idem_photo_close(idem_photo *p) {
    idem_image_free(&p->image);
    free(p->faces);
    p->faces = NULL;
    p->n = 0;
}
