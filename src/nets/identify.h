/* Finds the networks in a set of weights: each by a tensor that only its kind has, then confirmed by building it. */
#ifndef IDEM_NETS_IDENTIFY_H
#define IDEM_NETS_IDENTIFY_H

#include "format/onnx.h"
#include "format/weights.h"

typedef struct {
    const char *name;               /* "StyleGAN2 generator" */
    char prefix[IDEM_PREFIX_BYTES]; /* of its tensors' names; "" for none */
    char about[320];                /* size, inputs and outputs in words; or why the network cannot be built */
    bool fits;
} idem_network;

/* At most `most` networks; returns their number. Converts the tensors to the engine's memory order. */
int idem_identify(idem_weights *w, idem_network *found, int most);

/* The same for an ONNX model, which is one network: built for its own input size, or for 112 x 112 if that is free. */
void idem_identify_onnx(const idem_onnx *m, idem_network *found);

#endif
