/* Finds the place of the face in a generator's pictures, by detector and landmark net. */
#ifndef IDEM_FACE_FRAME_SEARCH_H
#define IDEM_FACE_FRAME_SEARCH_H

#include "face/frame.h"
#include "format/onnx.h"

enum { IDEM_FRAME_BATCH = 8 };

/* draw fills x [IDEM_FRAME_BATCH, size, size, 3] with the next pictures, in [0, 1] with possible overshoots; 0 or -1.
 * It is called eight times. -1 also if fewer than half of the pictures show a face. */
int idem_frame_search(idem_frame *frame, int size, int (*draw)(void *user, float *x), void *user,
                      const idem_onnx *detect, const idem_onnx *landmark);

#endif
