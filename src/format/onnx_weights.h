/* The constants of an ONNX model as named tensors. */
#ifndef IDEM_FORMAT_ONNX_WEIGHTS_H
#define IDEM_FORMAT_ONNX_WEIGHTS_H

#include "format/onnx.h"
#include "format/weights.h"

/* Initialisers by name, in the order of the names; integers become float32 as in all other files. The structure of the
 * network is lost. NULL with a message. */
idem_weights *idem_onnx_weights(const idem_onnx *m, const char *what);

#endif
