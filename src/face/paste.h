/* Pasting a painted face back into its photograph: through the inverse of the frame, under a mask of the face with soft
 * edges, its colours matched to those that were there. */
#ifndef IDEM_FACE_PASTE_H
#define IDEM_FACE_PASTE_H

#include "face/crop.h"
#include "media/image.h"

/* face: a square picture of the frame. frame and points: as the photograph was aligned by (unit coordinates of the
 * photograph). Pixels further from the landmarks than a tenth of the frame are not touched. */
int idem_paste(idem_image *photo, const idem_image *face, const idem_crop *frame, const float (*points)[2]);

#endif
