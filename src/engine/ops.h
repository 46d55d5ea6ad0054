/* Constructors of every operator. Each checks its inputs and infers the shape; NULL inputs give NULL (the first
 * failure's message stays), so a builder needs one check at its end. Letters: N pictures, C channels, H, W height and
 * width, O, I output and input channels, K kernel. "2x" marks operators that are differentiable any number of times;
 * others are differentiable once. */
#ifndef IDEM_ENGINE_OPS_H
#define IDEM_ENGINE_OPS_H

#include "engine/graph.h"

/* ---- elementwise, numpy broadcasting on logical shapes (2x) ---- */
idem_node *idem_add(idem_node *a, idem_node *b);
idem_node *idem_sub(idem_node *a, idem_node *b);
idem_node *idem_mul(idem_node *a, idem_node *b);
idem_node *idem_div(idem_node *a, idem_node *b);

typedef enum {
    IDEM_UNARY_AFFINE, /* a x + b */
    IDEM_UNARY_RELU,
    IDEM_UNARY_LEAKY_RELU, /* b * (x > 0 ? x : a x) */
    IDEM_UNARY_EXP,
    IDEM_UNARY_LOG,
    IDEM_UNARY_SQRT,
    IDEM_UNARY_RSQRT, /* 1 / sqrt(x) */
    IDEM_UNARY_SQUARE,
    IDEM_UNARY_ABS,  /* gradient 0 at 0, as PyTorch */
    IDEM_UNARY_SIGN, /* gradient 0 */
    IDEM_UNARY_STEP, /* x > 0 ? a : b; gradient 0 */
    IDEM_UNARY_SIGMOID,
    IDEM_UNARY_SOFTPLUS, /* log(1 + exp x), without overflow */
    IDEM_UNARY_TANH,
    IDEM_UNARY_POW,           /* x^a, x >= 0 */
    IDEM_UNARY_CLAMP,         /* into [a, b]; gradient 1 strictly inside and at the ends, as PyTorch */
    IDEM_UNARY_ONE_MINUS_POW, /* 1 - (1 - x)^a, to the last digits of a small x; 1 with gradient 0 where x >= 1 */
} idem_unary_kind;
idem_node *idem_unary(idem_node *x, idem_unary_kind kind, float a, float b); /* 2x */
static inline idem_node *idem_scale(idem_node *x, float a) {
    return idem_unary(x, IDEM_UNARY_AFFINE, a, 0);
}
static inline idem_node *idem_affine(idem_node *x, float a, float b) {
    return idem_unary(x, IDEM_UNARY_AFFINE, a, b);
}
static inline idem_node *idem_relu(idem_node *x) {
    return idem_unary(x, IDEM_UNARY_RELU, 0, 0);
}
/* gain * leaky(x, slope) */
static inline idem_node *idem_leaky_relu(idem_node *x, float slope, float gain) {
    return idem_unary(x, IDEM_UNARY_LEAKY_RELU, slope, gain);
}
static inline idem_node *idem_square(idem_node *x) {
    return idem_unary(x, IDEM_UNARY_SQUARE, 0, 0);
}
static inline idem_node *idem_abs(idem_node *x) {
    return idem_unary(x, IDEM_UNARY_ABS, 0, 0);
}
static inline idem_node *idem_rsqrt(idem_node *x) {
    return idem_unary(x, IDEM_UNARY_RSQRT, 0, 0);
}
static inline idem_node *idem_softplus(idem_node *x) {
    return idem_unary(x, IDEM_UNARY_SOFTPLUS, 0, 0);
}
/* x > 0 ? x : slope[c] x; slope is [C] or [C, 1, 1]; the axis is 1 of rank 4 or the last of rank 2. Gradients to x and
 * slope, once. */
idem_node *idem_prelu(idem_node *x, idem_node *slope);

/* ---- reductions (2x) ---- */
/* Sums over the broadcast axes: `shape` must broadcast to x's shape. scale multiplies the sum (1/count gives means). */
idem_node *idem_reduce_sum(idem_node *x, idem_shape shape, float scale);
idem_node *idem_sum_all(idem_node *x);  /* to a scalar */
idem_node *idem_mean_all(idem_node *x); /* to a scalar */
/* The opposite: repeats x to a shape it broadcasts to. */
idem_node *idem_broadcast(idem_node *x, idem_shape shape);
/* reduce_sum(a * b, shape) without storing the product; a and b of equal shape. */
idem_node *idem_dot(idem_node *a, idem_node *b, idem_shape shape);

/* ---- shape (2x) ---- */
idem_node *idem_reshape(idem_node *x, idem_shape shape); /* row-major logical order, as PyTorch's reshape */
idem_node *idem_permute(idem_node *x, const int *axes);  /* out axis i = in axis axes[i] */
/* Channel i * (C / groups) + j of [N, C, H, W] becomes channel j * groups + i: ShuffleNet's shuffle, without conversion
 * to row-major order. */
idem_node *idem_shuffle(idem_node *x, int64_t groups);
/* [N, C, H, W] -> [N, H * W, C]: a view. */
idem_node *idem_pixels(idem_node *x);
/* x[start : start+size*step : step] along an axis; size elements; step >= 1. */
idem_node *idem_slice(idem_node *x, int axis, int64_t start, int64_t size, int64_t step);
/* The inverse of slice: places x into `full` zeros along the axis. Padding is embed with step 1. */
idem_node *idem_embed(idem_node *x, int axis, int64_t start, int64_t full, int64_t step);
idem_node *idem_concat(idem_node *const *x, int n, int axis);

/* ---- products (2x) ---- */
/* [M, K] x [K, N]; ta, tb: the operand is stored transposed. Rank 3 multiplies batch by batch. */
idem_node *idem_matmul(idem_node *a, idem_node *b, bool ta, bool tb);
/* y = x W^T + b: x [N, I], W [O, I], b [O] or NULL */
idem_node *idem_linear(idem_node *x, idem_node *weight, idem_node *bias);

typedef struct {
    int kernel[2], stride[2],
        dilation[2]; /* height, width; dilation 1 is dense. conv takes the kernel from its weight */
    int pad[4];      /* top, left, bottom, right; >= 0 */
    int groups;
    bool bf16; /* the convolution and its data gradient may multiply in bfloat16: kernels with whole vectors do */
} idem_window;
/* {stride, stride}, the same pad on all four sides, dilation 1, groups 1 */
idem_window idem_window_make(int kernel, int stride, int pad);
/* x [N, I, H, W] * weight [O, I/groups, KH, KW] + bias [O] or NULL -> [N, O, H', W'] (cross-correlation, PyTorch's
 * conv2d) */
idem_node *idem_conv(idem_node *x, idem_node *weight, idem_node *bias, idem_window win);
/* Transposed convolution = data gradient of conv: dy [N, O, H', W'], weight as above -> [N, I, h, w] */
idem_node *idem_conv_data(idem_node *dy, idem_node *weight, idem_window win, int64_t h, int64_t w);
/* Weight gradient of conv: x [N, I, H, W], dy [N, O, H', W'] -> [O, I/groups, KH, KW] (kernel from win) */
idem_node *idem_conv_weight(idem_node *x, idem_node *dy, idem_window win);

/* ---- pooling ---- */
idem_node *idem_maxpool(idem_node *x,
                        idem_window win); /* padding is -infinity; ceil mode through bottom/right padding; once */
/* Average over the window; count_pad: padding counts in the divisor (PyTorch's count_include_pad). (2x) */
idem_node *idem_avgpool(idem_node *x, idem_window win, bool count_pad);
idem_node *idem_avgpool_grad(idem_node *dy, idem_window win, bool count_pad, int64_t h, int64_t w);
idem_node *idem_mean_hw(idem_node *x); /* [N, C, H, W] -> [N, C] (2x) */

/* ---- resampling: linear in the picture, the same for every channel (2x) ---- */
/* Zero-insert by `up`, pad (negative crops), filter both ways with the separable kernel k[n] (true convolution: the
 * kernel is flipped, which matters only if it is not symmetric), keep every `down`-th. Kernel values are used
 * unchanged, including any gain. Out height = ((H * up + pad[0] + pad[2] - n) / down) + 1. StyleGAN2's upfirdn2d. pad:
 * top, left, bottom, right */
idem_node *idem_filter(idem_node *x, const float *kernel, int n, int up, int down, const int pad[4]);
/* Sparse map from H*W source pixels to h*w target pixels: y[n,c,p] = sum_k value[k] x[n,c,column[k]], k in start[p] ..
 * start[p+1]-1. Copied into the graph. Crops, similarity warps and resizing use it. */
typedef struct {
    int rows, columns; /* h*w targets, H*W sources */
    const int *start;  /* rows + 1 */
    const int *column; /* start[rows] */
    const float *value;
} idem_sparse;
idem_node *idem_spatial_map(idem_node *x, const idem_sparse *map, int64_t h, int64_t w);

/* Applies a separate warp, colour matrix and cut-out box to every picture: x [N, 3, H, W], numbers [N,
 * IDEM_AUGMENT_NUMBERS]; no gradient to the numbers. Pixel (x, y) of the result, both counted from the centre ((W-1)/2,
 * (H-1)/2), is the colour matrix times the sample at (m0 x + m1 y + m2, m3 x + m4 y + m5), plus the offset; 0 inside
 * the box. Samples are cubic (a = -0.75), borders mirrored (PyTorch's grid_sample, "reflection"). (2x) */
enum {
    IDEM_AUGMENT_WARP = 0,   /* 6: m */
    IDEM_AUGMENT_COLOUR = 6, /* 9: rows of the matrix */
    IDEM_AUGMENT_OFFSET = 15,
    IDEM_AUGMENT_BOX = 18, /* x0, y0, x1, y1 in pixels from the top left corner; the last two outside */
    IDEM_AUGMENT_NUMBERS = 22
};
idem_node *idem_augment(idem_node *x, idem_node *numbers);

/* ---- normalisation and activations ---- */
/* Batch statistics over N, H, W (or N of rank 2): [2, C], row 0 mean, row 1 biased variance. */
idem_node *idem_bn_stats(idem_node *x);
/* (x - mean) / sqrt(var + eps) * gamma + beta with stats [2, C]; gradients reach x through the statistics when stats is
 * idem_bn_stats(x) of the same x, as one fused node; once. */
idem_node *idem_bn_apply(idem_node *x, idem_node *stats, idem_node *gamma, idem_node *beta, float eps);
/* gain * leaky(x * scale[N, C] + plane[1 or N, 1, H, W] + bias[C], slope) for x [N, C, H, W] in one pass; scale, plane,
 * bias may be NULL. slope 1 and gain 1 make it linear. Gradients to all four, once (2x with respect to x and bias when
 * scale is NULL). */
idem_node *idem_styled(idem_node *x, idem_node *scale, idem_node *plane, idem_node *bias, float slope, float gain);
idem_node *idem_softmax(idem_node *x, int axis); /* once */

/* ---- graphs run by several processes, each on its part of one batch ---- */

/* sum: x[n] becomes the sum over all processes; all call it at the same node, so their graphs and plans must be equal.
 * It cannot report a failure here: its provider records the failure, and checks it after the run. */
typedef struct {
    void (*sum)(void *user, float *x, size_t n);
    void *user;
    int parts; /* processes */
} idem_sharing;

/* x summed over all parts; `with` must live as long as the graph. */
idem_node *idem_shared_sum(idem_node *x, const idem_sharing *with);
/* Combines idem_bn_stats of a part, [2, C], to those of the whole batch; all parts have the same size. */
idem_node *idem_shared_stats(idem_node *stats, const idem_sharing *with);

#endif
