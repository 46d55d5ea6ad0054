/* Inside src/learn only: finds where a generator puts the face, by detector and landmark net on generated pictures. */
#ifndef IDEM_LEARN_MODEL_FRAME_H
#define IDEM_LEARN_MODEL_FRAME_H

#include "face/frame.h"
#include "format/onnx.h"
#include "learn/model.h"

/* The same frame each time: the pictures' seed is fixed. -1 when fewer than half of them show a face. */
int idem_model_find_frame(idem_frame *frame, idem_model *m, const idem_onnx *detect, const idem_onnx *landmark);

#endif
