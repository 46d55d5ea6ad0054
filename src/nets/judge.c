#include "nets/judge.h"

#include <stdio.h>

#include "engine/ops.h"

/* Convolution, bias and scale layer in one: weight * scale, bias * scale + shift. "down" is stride 2 without padding.
 */
static idem_node *conv(idem_binder *b, idem_node *x, const char *name, bool down) {
    if (!x)
        return NULL;
    const idem_shape shape = idem_bind_shape(b, "%s/conv/filters", name);
    const bool known = shape.rank == 4;
    const int64_t k = known ? shape.d[0] : 1, out = known ? shape.d[3] : 1;
    if (k > 31)
        return idem_fail_null("%s/conv/filters: a window of %lld is not plausible", name, (long long)k);
    idem_scope_push(b->graph, name);
    idem_node *filters = idem_bind(b, IDEM_SHAPE(k, k, x->shape.d[1], out), "%s/conv/filters", name);
    idem_node *bias = idem_bind(b, IDEM_SHAPE(out), "%s/conv/bias", name);
    idem_node *scale = idem_bind(b, IDEM_SHAPE(out), "%s/scale/weights", name);
    idem_node *shift = idem_bind(b, IDEM_SHAPE(out), "%s/scale/biases", name);
    idem_node *weight =
        idem_mul(idem_permute(filters, (int[]){3, 2, 0, 1}), idem_reshape(scale, IDEM_SHAPE(out, 1, 1, 1)));
    bias = idem_add(idem_mul(bias, scale), shift);
    x = idem_conv(x, weight, bias, idem_window_make((int)k, down ? 2 : 1, down ? 0 : (int)k / 2));
    idem_scope_pop(b->graph);
    return x;
}

/* Zeros after the end of an axis, up to `size`. */
static idem_node *grow(idem_node *x, int axis, int64_t size) {
    return x && x->shape.d[axis] < size ? idem_embed(x, axis, 0, size, 1) : x;
}

static idem_node *residual(idem_binder *b, idem_node *x, const char *name, bool down) {
    char first[64], second[64];
    snprintf(first, sizeof first, "%s/conv1", name);
    snprintf(second, sizeof second, "%s/conv2", name);
    idem_node *y = conv(b, idem_relu(conv(b, x, first, down)), second, false);
    if (!y)
        return NULL;
    if (down)
        x = idem_avgpool(x, idem_window_make(2, 2, 0), false);
    /* The shortcut lacks channels, the convolutions lack the last row and column. */
    for (int axis = 1; axis < 4 && x && y; axis++) {
        x = grow(x, axis, y->shape.d[axis]);
        y = x ? grow(y, axis, x->shape.d[axis]) : NULL;
    }
    return idem_relu(idem_add(x, y));
}

idem_node *idem_judge(idem_binder *b, idem_node *x) {
    static const char *const blocks[] = {"conv32_1",     "conv32_2",  "conv32_3",     "conv64_down",     "conv64_1",
                                         "conv64_2",     "conv64_3",  "conv128_down", "conv128_1",       "conv128_2",
                                         "conv256_down", "conv256_1", "conv256_2",    "conv256_down_out"};
    static const float mean[3] = {122.782f, 117.001f, 104.298f};
    if (!x)
        return NULL;
    /* 255 as in the package (dlib's net divides by 256). */
    x = idem_scale(idem_sub(x, idem_const(b->graph, "mean", IDEM_SHAPE(1, 3, 1, 1), mean)), 1.0f / 255);
    x = idem_maxpool(idem_relu(conv(b, x, "conv32_down", true)), idem_window_make(3, 2, 0));
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        int at = 0;
        while (blocks[i][at] && blocks[i][at] != '_')
            at++;
        x = residual(b, x, blocks[i], blocks[i][at + 1] == 'd');
    }
    x = idem_mean_hw(x);
    if (x)
        x = idem_matmul(x, idem_bind(b, IDEM_SHAPE(x->shape.d[1], IDEM_JUDGE_DIM), "fc"), false, false);
    if (b->missing || b->misshapen)
        x = idem_binder_finish(b, "judge", NULL) ? NULL : x;
    return x;
}
