/* Any weight file to safetensors or to a PyTorch checkpoint. */
#ifndef IDEM_MODEL_CONVERT_H
#define IDEM_MODEL_CONVERT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum { IDEM_CONVERT_UNKNOWN, IDEM_CONVERT_SAFETENSORS, IDEM_CONVERT_TORCH } idem_convert_kind;

/* By the name: .safetensors, or .pt and .pth. */
idem_convert_kind idem_convert_kind_of(const char *path);

typedef struct {
    const char *from, *to;
    bool half;  /* float16 instead of float32 */
    bool frame; /* store the place of the face in a generator's pictures, found by the downloaded networks */
    double
        spread; /* factor on the distance of a generator's w from their mean (nets/stylegan2_spread.h); 1: unchanged */
    const char *licence, *origin; /* metadata; NULL: unchanged. Only safetensors has metadata */
    const char *models;           /* folder of those networks; NULL: base/models.h */
} idem_conversion;

/* Writes the network in `from` without enclosing dictionaries. tensors: their number; may be NULL. -1 with a message.
 */
int idem_weights_convert(const idem_conversion *c, size_t *tensors);

#endif
