/* The unit of the Inception family: branches of normalised convolutions with ReLU, concatenated along the channels. A
 * table of rows describes a block; inception3.c and inception_resnet.c consist of such tables. */
#ifndef IDEM_NETS_INCEPTION_BLOCK_H
#define IDEM_NETS_INCEPTION_BLOCK_H

#include "nets/norm_conv.h"

typedef enum {
    IDEM_FROM_INPUT,
    IDEM_FROM_LAST, /* the row above */
    IDEM_FROM_SAME, /* the input of the row above */
    IDEM_FROM_POOL, /* the block's pooled input */
} idem_inception_source;

typedef struct {
    const char *name; /* of the unit: conv and bn lie below it; NULL: the source itself is concatenated */
    idem_inception_source from;
    int out; /* width of fresh weights; 0: the block's `width` */
    int height, width;
    int stride;
    bool joined;      /* part of the output */
} idem_inception_row; /* stride 2 goes without padding, as in all of the family */

/* x [N, I, H, W] -> the concatenated rows; NULL for NULL. */
idem_node *idem_inception_block(const idem_norm_conv_kind *k, const char *name, idem_node *x, idem_node *pooled,
                                const idem_inception_row *rows, int n, int width);

/* One unit, NAME.conv and NAME.bn, followed by ReLU. */
idem_node *idem_inception_unit(const idem_norm_conv_kind *k, idem_node *x, const char *name, idem_norm_conv_shape s);

#endif
