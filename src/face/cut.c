#include "face/cut.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "face/align.h"

/* A square picture whose frame is at most this far from its borders counts as aligned; a generator's samples are within
 * 6 %. */
static const double in_frame = 0.08;

void idem_cuts_free(idem_cut *cuts, int n) {
    for (int i = 0; i < n; i++)
        idem_image_free(&cuts[i].picture);
    free(cuts);
}

int idem_cut_whole(idem_cut *cut, idem_photo *photo, int size) {
    *cut = (idem_cut){.frame = {{1, 0, 0, 0, 1, 0}}};
    if (photo->image.width == size && photo->image.height == size) {
        cut->picture = photo->image;
        photo->image = (idem_image){0};
        return 0;
    }
    return idem_image_resize(&cut->picture, &photo->image, size, size);
}

bool idem_cut_is_whole(const idem_crop *frame) {
    return idem_align_off(frame) < in_frame;
}

int idem_cut_face(idem_cut *cut, const idem_photo *photo, int face, int size, bool may_be_whole) {
    *cut = (idem_cut){0};
    memcpy(cut->points, photo->faces[face].points, sizeof cut->points);
    if (idem_align_frame(&cut->frame, (const float(*)[2])cut->points, photo->width, photo->height))
        return -1;
    if (may_be_whole && photo->width == photo->height && idem_cut_is_whole(&cut->frame))
        return idem_image_resize(&cut->picture, &photo->image, size, size);
    cut->cut_out = true;
    return idem_align_picture(&cut->picture, &photo->image, &cut->frame, size);
}

int idem_cut_sees_whole(const idem_photo *photo, idem_finder *f, int size, idem_found *face) {
    /* Decoded too small: the search decodes it again. */
    if (photo->image.width < photo->width && photo->image.width < size)
        return 0;
    return idem_finder_sees_frame(f, &photo->image, in_frame, face);
}

int idem_cut_at_a_look(idem_cut *cut, idem_photo *photo, idem_finder *f, int size) {
    idem_found face;
    const int seen = idem_cut_sees_whole(photo, f, size, &face);
    if (seen <= 0)
        return seen;
    if (idem_cut_whole(cut, photo, size))
        return -1;
    memcpy(cut->points, face.points, sizeof face.points);
    return 1;
}

static int cut_largest(idem_cut *cut, idem_photo *photo, idem_finder *f, const char *path, int size) {
    const int whole = idem_cut_at_a_look(cut, photo, f, size);
    if (whole)
        return whole < 0 ? -1 : 0;
    if (idem_photo_find(photo, f, path, size, 1))
        return -1;
    if (photo->n)
        return idem_cut_face(cut, photo, 0, size, true);
    idem_fail("%s: no face found", path);
    return 1;
}

int idem_cut_file(idem_cut *cut, idem_finder *f, const char *path, int size) {
    idem_photo photo;
    *cut = (idem_cut){0};
    idem_ahead *ahead = idem_photo_ahead(&path, 1, 1);
    int status = ahead ? idem_photo_next(&photo, ahead) : -1;
    idem_ahead_free(ahead);
    if (status)
        return -1;
    status = cut_largest(cut, &photo, f, path, size);
    idem_photo_close(&photo);
    return status;
}

int idem_cut_largest(idem_image *picture, idem_finder *f, const char *path, int size) {
    idem_cut cut;
    const int status = idem_cut_file(&cut, f, path, size);
    if (!status)
        *picture = cut.picture;
    return status;
}
