/* Pasting a painted face back into its photograph: through the inverse of the frame, under a mask of the face with soft
 * edges, its colours matched to those that were there. */
#ifndef IDEM_FACE_PASTE_H
#define IDEM_FACE_PASTE_H

#include "face/crop.h"
#include "media/image.h"

/* Where a face was pasted: a part of the photograph, and of each of its pixels how much is the new face's. */
typedef struct {
    int x, y, width, height;
    uint8_t *mask; /* [height, width], 0 .. 255; outside of it nothing was touched */
} idem_pasted;
void idem_pasted_free(idem_pasted *p);

/* What turns the face's colours into the photograph's: gain * c + shift, c from 0 to 255. */
typedef struct {
    double gain[3], shift[3];
} idem_paste_colours;

/* face: a square picture of the frame. frame and points: as the photograph was aligned by (unit coordinates of the
 * photograph). Pixels further from the landmarks than a tenth of the frame are not touched. */
int idem_paste(idem_image *photo, const idem_image *face, const idem_crop *frame, const float (*points)[2]);

/* In steps, for callers who smooth colours from picture to picture or want to know where it was. */
int idem_paste_match(idem_paste_colours *colours, const idem_image *photo, const idem_image *face,
                     const idem_crop *frame, const float (*points)[2]);
/* about: to be freed by the caller; NULL: not wanted. */
int idem_paste_with(idem_image *photo, const idem_image *face, const idem_crop *frame, const float (*points)[2],
                    const idem_paste_colours *colours, idem_pasted *about);

#endif
