#include "nets/mobilenet2.h"

#include <stdio.h>

#include "engine/ops.h"
#include "nets/resample.h"

static const float bn_eps = 1e-3f;

/* `kernel` [1 or 3 on each side], batch norm by stored statistics folded into it. Stride 2 has the padding of Keras: at
 * the start only if the side is odd. */
static idem_node *unit(idem_binder *b, idem_node *x, const char *conv, const char *norm, int stride, bool depthwise) {
    if (!x)
        return NULL;
    const char *const kernel = depthwise ? "depthwise_kernel" : "kernel";
    const idem_shape shape = idem_bind_shape(b, "%s/%s", conv, kernel);
    const int64_t side = shape.rank == 4 && shape.d[0] == 3 ? 3 : 1, in = x->shape.d[1];
    const int64_t out = depthwise ? in : shape.rank == 4 ? shape.d[3] : 1;
    idem_scope_push(b->graph, conv);
    const idem_shape wanted = depthwise ? IDEM_SHAPE(side, side, in, 1) : IDEM_SHAPE(side, side, in, out);
    idem_node *weight = idem_bind(b, wanted, "%s/%s", conv, kernel);
    idem_node *gamma = idem_bind(b, IDEM_SHAPE(out), "%s/gamma", norm);
    idem_node *beta = idem_bind(b, IDEM_SHAPE(out), "%s/beta", norm);
    idem_node *mean = idem_bind(b, IDEM_SHAPE(out), "%s/moving_mean", norm);
    idem_node *var = idem_bind(b, IDEM_SHAPE(out), "%s/moving_variance", norm);
    idem_node *scale = idem_mul(gamma, idem_rsqrt(idem_affine(var, 1, bn_eps)));
    weight = idem_permute(weight, depthwise ? (int[]){2, 3, 0, 1} : (int[]){3, 2, 0, 1});
    weight = idem_mul(weight, idem_reshape(scale, IDEM_SHAPE(out, 1, 1, 1)));
    idem_window win = idem_window_make((int)side, stride, (int)side / 2);
    for (int axis = 0; axis < 2 && stride == 2; axis++) /* pad: top, left, bottom, right */
        win.pad[axis] = (int)(x->shape.d[2 + axis] % 2);
    win.groups = depthwise ? (int)in : 1;
    x = idem_conv(x, weight, idem_sub(beta, idem_mul(mean, scale)), win);
    idem_scope_pop(b->graph);
    return x;
}

static idem_node *relu6(idem_node *x) {
    return idem_unary(x, IDEM_UNARY_CLAMP, 0, 6);
}

/* Expansion (except in the first block), depthwise, projection; with a shortcut if the shape does not change. */
static idem_node *block(idem_binder *b, idem_node *x, int i, int stride) {
    static const char *const parts[] = {"expand", "depthwise", "project"};
    idem_node *y = x;
    for (int part = i == 0; part < 3; part++) {
        char conv[64], norm[72];
        if (i)
            snprintf(conv, sizeof conv, "block_%d_%s", i, parts[part]);
        else
            snprintf(conv, sizeof conv, "expanded_conv_%s", parts[part]);
        snprintf(norm, sizeof norm, "%s_BN", conv);
        y = unit(b, y, conv, norm, part == 1 ? stride : 1, part == 1);
        if (part < 2)
            y = relu6(y);
    }
    return x && y && idem_shape_equal(&x->shape, &y->shape) ? idem_add(x, y) : y;
}

static int stride_of(int block) {
    return block == 1 || block == 3 || block == 6 || block == 13 ? 2 : 1;
}

int idem_mobilenet2_blocks(idem_binder *b, idem_node *x, const int *blocks, int n, idem_node **out) {
    x = relu6(unit(b, x, "Conv1", "bn_Conv1", 2, false));
    for (int i = 0, k = 0; k < n; i++) {
        x = block(b, x, i, stride_of(i));
        if (i == blocks[k])
            out[k++] = x;
    }
    return b->missing || b->misshapen ? idem_binder_finish(b, "MobileNetV2", NULL) : x ? 0 : -1;
}

idem_node *idem_mobilenet2(idem_binder *b, idem_node *x) {
    static const int last = IDEM_MOBILENET2_BLOCKS - 1;
    x = idem_resample_bilinear(x, IDEM_MOBILENET2_SIDE, IDEM_MOBILENET2_SIDE);
    if (!x || idem_mobilenet2_blocks(b, x, &last, 1, &x))
        return NULL;
    x = idem_mean_hw(relu6(unit(b, x, "Conv_1", "Conv_1_bn", 1, false)));
    if (b->missing || b->misshapen)
        x = idem_binder_finish(b, "MobileNetV2", NULL) ? NULL : x;
    return x;
}
