/* Pasting a painted face back into its photograph, through the inverse of the frame.
 *
 * Colours are matched in CIELAB: mean and deviation of the face, then a smooth correction that continues the remaining
 * differences at the edge into the face (the membrane of Perez et al. 2003, "Poisson Image Editing", screened: it fades
 * within a seventh of the frame, and stops at edges where the two show different objects). The face is cut out along an
 * outline where both agree (seam.h), with a soft edge, and gets the photograph's grain (grain.h). Of the photograph's
 * face only mean colours and the strength of its grain are used. */
#ifndef IDEM_FACE_PASTE_H
#define IDEM_FACE_PASTE_H

#include <stdint.h>

#include "face/crop.h"
#include "face/seam.h"
#include "media/image.h"

/* A painted face that is enlarged by more than this is visibly softer than its surroundings. */
#define IDEM_PASTE_ENLARGED 2.0

/* The fit of a face to its photograph. Plain numbers, which may be smoothed over time in a video. */
typedef struct {
    double gain[3], shift[3];     /* of L, a, b: gain * x + shift */
    float radius[IDEM_SEAM_RAYS]; /* the outline, as distances from the centre given by the landmarks */
} idem_paste_fit;

/* Where a face was pasted: a part of the photograph, and the new face's weight at each of its pixels. */
typedef struct {
    int x, y, width, height;
    uint8_t *mask; /* [height, width], 0 .. 255; 0, as outside, means unchanged */
} idem_pasted;
void idem_pasted_free(idem_pasted *p);

/* face: a square picture of the frame. frame and points: those of the alignment (68 landmarks, unit coordinates of the
 * photograph). */
int idem_paste(idem_image *photo, const idem_image *face, const idem_crop *frame, const float (*points)[2]);

/* In steps. */
int idem_paste_match(idem_paste_fit *fit, const idem_image *photo, const idem_image *face, const idem_crop *frame,
                     const float (*points)[2]);
/* about: freed by the caller; may be NULL. */
int idem_paste_with(idem_image *photo, const idem_image *face, const idem_crop *frame, const float (*points)[2],
                    const idem_paste_fit *fit, idem_pasted *about);

#endif
