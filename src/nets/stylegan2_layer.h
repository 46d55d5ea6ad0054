/* The differences of the two layouts of StyleGAN2: names, gains and orientation of one layer's weights. Only for
 * stylegan2.c. */
#ifndef IDEM_NETS_STYLEGAN2_LAYER_H
#define IDEM_NETS_STYLEGAN2_LAYER_H

#include "nets/stylegan2.h"

/* A modulated convolution ready for use: gains are folded in. Nodes that a to-RGB layer does not have are NULL. */
typedef struct {
    int in, out;        /* widths */
    idem_node *weight;  /* [O, I, K, K]; for an up-sampling layer [I, O, 3, 3], as for idem_conv_data */
    idem_node *energy;  /* [O, I]: sum of squares over the kernel, for demodulation */
    idem_node *style_w; /* [I, D] */
    idem_node *style_b; /* [I] */
    idem_node *bias;    /* [O] */
    idem_node *noise;   /* [1 or N, 1, side, side], strength folded in */
} idem_stylegan2_layer;

/* Convolution i (0 .. n_noise - 1; odd ones up-sample). noise NULL: the stored buffer. -1 when building failed. */
int idem_stylegan2_bind_conv(idem_stylegan2_layer *l, idem_binder *b, const idem_stylegan2 *s, int i, idem_node *noise);
/* The to-RGB layer of resolution number r (0: 4x4). */
int idem_stylegan2_bind_rgb(idem_stylegan2_layer *l, idem_binder *b, const idem_stylegan2 *s, int r);
/* The constant [1, C, 4, 4] that synthesis starts from. */
idem_node *idem_stylegan2_bind_start(idem_binder *b, const idem_stylegan2 *s);
/* Weight [out, in] and bias [out] of mapping layer i with in inputs, gains folded in. */
int idem_stylegan2_bind_mapping(idem_binder *b, const idem_stylegan2 *s, int i, int in, idem_node **weight,
                                idem_node **bias);

#endif
