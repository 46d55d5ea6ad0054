/* The frame: the place of the face in a generator's pictures. Generators trained on aligned pictures always put it at
 * one place, so one constant crop per network fits all their pictures; it is found once, on generated pictures, and
 * stored with the model. */
#ifndef IDEM_FACE_FRAME_H
#define IDEM_FACE_FRAME_H

#include <stdint.h>

#include "face/crop.h"
#include "format/weights.h"

typedef struct {
    float five[5][2];     /* mean eyes, nose, mouth corners, unit coordinates */
    idem_crop recogniser; /* five points to the 112 x 112 template, similarity */
    idem_crop landmark;   /* an upright square box about the face */
    int pictures, failed; /* pictures used; further pictures without a face or landmarks */
} idem_frame;

/* From 68 landmarks of n pictures (unit coordinates, [n][68][2]; a picture whose first number is NaN counts as failed):
 * the median of each point over the pictures, then both crops. -1 if fewer than half of the pictures have a face. */
int idem_frame_find(idem_frame *frame, const float (*points)[68][2], int n);
/* From only five points (unit coordinates), as on a model card. */
int idem_frame_from_five(idem_frame *frame, const float (*five)[2]);

/* outside [size * size]: 1 for each pixel outside the face, which is the ellipse in the landmark net's box, else 0. */
int idem_frame_outside(const idem_frame *frame, int size, uint8_t *outside);

/* Metadata "frame.five", "frame.recogniser", "frame.landmark", "frame.pictures" of a weight file. */
int idem_frame_store(const idem_frame *frame, idem_weights *w);
/* -1 with a message if it is absent or malformed. */
int idem_frame_load(idem_frame *frame, const idem_weights *w);

#endif
