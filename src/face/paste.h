/* Pasting a painted face back into its photograph, through the inverse of the frame.
 *
 * Colours are matched in CIELAB: mean and deviation of the face, then a smooth correction that takes what still differs
 * along the edge into the face (the membrane of Perez et al. 2003, "Poisson Image Editing", screened: it fades within a
 * seventh of the frame, and stops at edges where the two show different things). The face is cut out along a line where
 * both agree (seam.h), with a soft edge, and gets the photograph's grain (grain.h). Of the photograph's own face
 * nothing comes back but mean colours and the strength of its grain. */
#ifndef IDEM_FACE_PASTE_H
#define IDEM_FACE_PASTE_H

#include <stdint.h>

#include "face/crop.h"
#include "face/seam.h"
#include "media/image.h"

/* Enlarged by more than this a painted face is visibly softer than what surrounds it. */
#define IDEM_PASTE_ENLARGED 2.0

/* How a face is fitted to its photograph. Plain numbers, which a video may smooth over time. */
typedef struct {
    double gain[3], shift[3];     /* of L, a, b: gain * x + shift */
    float radius[IDEM_SEAM_RAYS]; /* the line about the face, about the centre that follows from its landmarks */
} idem_paste_fit;

/* Where a face was pasted: a part of the photograph, and of each of its pixels how much is the new face's. */
typedef struct {
    int x, y, width, height;
    uint8_t *mask; /* [height, width], 0 .. 255; where it is 0, and outside, nothing was changed */
} idem_pasted;
void idem_pasted_free(idem_pasted *p);

/* face: a square picture of the frame. frame and points: as the photograph was aligned by (68 landmarks, unit
 * coordinates of the photograph). */
int idem_paste(idem_image *photo, const idem_image *face, const idem_crop *frame, const float (*points)[2]);

/* In steps. */
int idem_paste_match(idem_paste_fit *fit, const idem_image *photo, const idem_image *face, const idem_crop *frame,
                     const float (*points)[2]);
/* about: to be freed by the caller; NULL: not wanted. */
int idem_paste_with(idem_image *photo, const idem_image *face, const idem_crop *frame, const float (*points)[2],
                    const idem_paste_fit *fit, idem_pasted *about);

#endif
