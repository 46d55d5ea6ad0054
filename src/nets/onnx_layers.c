/* ONNX operators with weights or windows: convolution, normalisation, pooling, products. */
#include <string.h>

#include "engine/ops.h"
#include "nets/onnx_build.h"

/* ---- windows ---- */

static int window_pair(const idem_onnx_node *n, const char *name, int fallback, int out[2]) {
    size_t count;
    const int64_t *v = idem_onnx_ints(n, name, &count);
    out[0] = out[1] = fallback;
    if (!v)
        return 0;
    if (count != 2)
        return idem_fail("%s (%s): %s has %zu numbers; only two-dimensional windows are supported", n->name, n->op_type,
                         name, count);
    for (int i = 0; i < 2; i++) {
        if (v[i] < 1 || v[i] > 1 << 16)
            return idem_fail("%s (%s): %s is %lld", n->name, n->op_type, name, (long long)v[i]);
        out[i] = (int)v[i];
    }
    return 0;
}

/* Kernel (unless it is known: kernel[0] > 0), stride, dilation and padding for a picture of h x w. */
static int window_read(const idem_onnx_node *n, int64_t h, int64_t w, idem_window *win) {
    const int64_t side[2] = {h, w};
    if (win->kernel[0] == 0 && window_pair(n, "kernel_shape", 0, win->kernel))
        return -1;
    if (win->kernel[0] < 1)
        return idem_fail("%s (%s): kernel_shape is missing", n->name, n->op_type);
    if (window_pair(n, "strides", 1, win->stride) || window_pair(n, "dilations", 1, win->dilation))
        return -1;
    const char *automatic = idem_onnx_string(n, "auto_pad", "NOTSET");
    if (strncmp(automatic, "SAME_", 5) == 0) {
        for (int i = 0; i < 2; i++) {
            int64_t out = (side[i] + win->stride[i] - 1) / win->stride[i];
            int64_t all = (out - 1) * win->stride[i] + (int64_t)(win->kernel[i] - 1) * win->dilation[i] + 1 - side[i];
            all = all < 0 ? 0 : all;
            int64_t less = all / 2, more = all - less;
            win->pad[i] = (int)(strcmp(automatic, "SAME_LOWER") == 0 ? more : less);
            win->pad[i + 2] = (int)(all - win->pad[i]);
        }
    } else if (strcmp(automatic, "VALID") != 0) {
        size_t count;
        const int64_t *v = idem_onnx_ints(n, "pads", &count);
        for (size_t i = 0; v && i < count; i++)
            if (count != 4 || v[i] < 0 || v[i] > 1 << 16)
                return idem_fail("%s (%s): pads must be four numbers of 0 or more", n->name, n->op_type);
        for (size_t i = 0; v && i < count; i++)
            win->pad[i] = (int)v[i];
    }
    return 0;
}

static idem_node *picture(const idem_onnx_builder *b, const idem_onnx_node *n) {
    idem_node *x = idem_onnx_in_node(b, n, 0);
    char text[64];
    if (x && x->shape.rank != 4)
        return idem_fail_null("%s (%s): input is %s; only pictures [N, C, H, W] are supported", n->name, n->op_type,
                              idem_shape_text(&x->shape, text));
    return x;
}

/* ---- batch normalisation ---- */

typedef struct {
    const idem_onnx_tensor *p[4]; /* gamma, beta, mean, variance: [C] each */
    float eps;
} norm;

static int norm_read(const idem_onnx_builder *b, const idem_onnx_node *n, norm *out) {
    if (idem_onnx_int(n, "training_mode", 0)) /* opset 14 and later */
        return idem_fail(
            "%s (BatchNormalization): is in training mode: export the network for inference (model.eval())", n->name);
    for (size_t i = 0; i < 4; i++) {
        const idem_onnx_val *v = idem_onnx_in(b, n, i + 1);
        if (!v || !v->constant || !v->constant->f || v->constant->shape.rank != 1 || v->constant->count == 0 ||
            (i && v->constant->count != out->p[0]->count))
            return idem_fail("%s (BatchNormalization): input %zu must be a constant with one number per channel",
                             n->name, i + 1);
        out->p[i] = v->constant;
    }
    out->eps = idem_onnx_float(n, "epsilon", 1e-5f);
    return 0;
}

static idem_node *norm_param(const idem_onnx_builder *b, const norm *m, int i) {
    return idem_const(b->graph, m->p[i]->name, m->p[i]->shape, m->p[i]->f);
}

static int op_batch_norm(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    norm m;
    idem_node *x = idem_onnx_in_node(b, n, 0);
    if (!x || norm_read(b, n, &m))
        return -1;
    const int64_t c = (int64_t)m.p[0]->count;
    if ((x->shape.rank != 4 && x->shape.rank != 2) || x->shape.d[1] != c) {
        char text[64];
        return idem_fail("%s (BatchNormalization): input is %s, expected [N, %lld] or [N, %lld, H, W]", n->name,
                         idem_shape_text(&x->shape, text), (long long)c, (long long)c);
    }
    idem_node *rows[2];
    for (int i = 0; i < 2; i++)
        rows[i] = idem_reshape(norm_param(b, &m, i + 2), IDEM_SHAPE(1, c));
    idem_node *stats = idem_concat(rows, 2, 0);
    return idem_onnx_set_node(out[0], idem_bn_apply(x, stats, norm_param(b, &m, 0), norm_param(b, &m, 1), m.eps));
}

/* The normalisation that is the only reader of this node's output, to be folded into the weights. NULL: none. */
static const idem_onnx_node *norm_behind(const idem_onnx_builder *b, const idem_onnx_node *n, size_t *index) {
    const idem_onnx_val *v = idem_onnx_val_find(b, n->outputs[0]);
    if (!v || v->users != 1)
        return NULL;
    for (size_t i = (size_t)(n - b->model->nodes) + 1; i < b->model->n_nodes; i++) {
        const idem_onnx_node *next = &b->model->nodes[i];
        if (b->done[i] || strcmp(next->op_type, "BatchNormalization") != 0 || next->n_inputs < 5 ||
            next->n_outputs < 1 || strcmp(next->inputs[0], n->outputs[0]) != 0)
            continue;
        *index = i;
        return next;
    }
    return NULL;
}

/* weight and bias of a convolution followed by n: done by frozen nodes, so once at plan time. */
static int fold_norm(const idem_onnx_builder *b, const idem_onnx_node *n, idem_node **weight, idem_node **bias) {
    norm m;
    if (norm_read(b, n, &m))
        return -1;
    const int64_t c = (int64_t)m.p[0]->count;
    if ((*weight)->shape.d[0] != c)
        return idem_fail("%s (BatchNormalization): %lld channels, the convolution before it has %lld", n->name,
                         (long long)c, (long long)(*weight)->shape.d[0]);
    idem_node *scale = idem_mul(norm_param(b, &m, 0), idem_rsqrt(idem_affine(norm_param(b, &m, 3), 1, m.eps)));
    idem_node *mean = norm_param(b, &m, 2);
    idem_node *shift = idem_mul(*bias ? idem_sub(*bias, mean) : idem_scale(mean, -1), scale);
    *weight = idem_mul(*weight, idem_reshape(scale, IDEM_SHAPE(c, 1, 1, 1)));
    *bias = idem_add(shift, norm_param(b, &m, 1));
    return *weight && *bias ? 0 : -1;
}

/* ---- products ---- */

static int op_conv(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    idem_node *x = picture(b, n), *weight = x ? idem_onnx_in_node(b, n, 1) : NULL, *bias = NULL;
    if (!weight)
        return -1;
    if (weight->shape.rank != 4)
        return idem_fail("%s (Conv): weight rank is %d, expected 4", n->name, weight->shape.rank);
    if (idem_onnx_in(b, n, 2) && !(bias = idem_onnx_in_node(b, n, 2)))
        return -1;
    const int64_t groups = idem_onnx_int(n, "group", 1);
    if (groups < 1 || groups > weight->shape.d[0] || weight->shape.d[2] > 1 << 16 || weight->shape.d[3] > 1 << 16)
        return idem_fail("%s (Conv): %lld groups", n->name, (long long)groups);
    idem_window win = {.kernel = {(int)weight->shape.d[2], (int)weight->shape.d[3]}, .groups = (int)groups};
    if (window_read(n, x->shape.d[2], x->shape.d[3], &win))
        return -1;
    size_t next_index;
    const idem_onnx_node *next = norm_behind(b, n, &next_index);
    if (next) {
        idem_node **folded = b->folded[n - b->model->nodes];
        if (!folded[0]) {
            if (fold_norm(b, next, &weight, &bias))
                return -1;
            folded[0] = weight;
            folded[1] = bias;
        }
        weight = folded[0];
        bias = folded[1];
        b->done[next_index] = true;
        out[0] = idem_onnx_val_find(b, next->outputs[0]);
    }
    return idem_onnx_set_node(out[0], idem_conv(x, weight, bias, win));
}

static int op_gemm(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const bool ta = idem_onnx_int(n, "transA", 0) != 0, tb = idem_onnx_int(n, "transB", 0) != 0;
    const float alpha = idem_onnx_float(n, "alpha", 1), beta = idem_onnx_float(n, "beta", 1);
    idem_node *x = idem_onnx_in_node(b, n, 0), *weight = idem_onnx_in_node(b, n, 1), *bias = NULL;
    if (!x || !weight || (idem_onnx_in(b, n, 2) && !(bias = idem_onnx_in_node(b, n, 2))))
        return -1;
    if (alpha != 1)
        weight = idem_scale(weight, alpha);
    if (bias && beta != 1)
        bias = idem_scale(bias, beta);
    if (!ta && tb && (!bias || bias->shape.rank == 1))
        return idem_onnx_set_node(out[0], idem_linear(x, weight, bias));
    idem_node *y = idem_matmul(x, weight, ta, tb);
    return idem_onnx_set_node(out[0], bias ? idem_add(y, bias) : y);
}

static int op_matmul(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    idem_node *x = idem_onnx_in_node(b, n, 0), *y = x ? idem_onnx_in_node(b, n, 1) : NULL;
    if (!y)
        return -1;
    const int rank = x->shape.rank;
    if (rank == y->shape.rank && (rank == 2 || rank == 3))
        return idem_onnx_set_node(out[0], idem_matmul(x, y, false, false));
    if (rank < 3 || y->shape.rank != 2) {
        char p[64], q[64];
        return idem_fail("%s (MatMul): %s times %s is not supported", n->name, idem_shape_text(&x->shape, p),
                         idem_shape_text(&y->shape, q));
    }
    const int64_t k = x->shape.d[rank - 1];
    idem_shape shape = x->shape;
    shape.d[rank - 1] = y->shape.d[1];
    x = idem_reshape(x, IDEM_SHAPE(idem_shape_count(&x->shape) / k, k));
    return idem_onnx_set_node(out[0], idem_reshape(idem_matmul(x, y, false, false), shape));
}

/* ---- pooling ---- */

/* Extra padding after the end that completes the last, partial window; a window may not start after the picture. */
static int ceil_extra(const idem_window *w, int i, int64_t side) {
    const int64_t span = (int64_t)(w->kernel[i] - 1) * w->dilation[i] + 1;
    const int64_t padded = side + w->pad[i] + w->pad[i + 2];
    if (padded < span)
        return 0;
    int64_t out = (padded - span + w->stride[i] - 1) / w->stride[i] + 1;
    if ((out - 1) * w->stride[i] >= side + w->pad[i])
        out--;
    const int64_t extra = (out - 1) * w->stride[i] + span - padded;
    return extra > 0 ? (int)extra : 0;
}

/* How many of the window's cells at output o lie in the picture or its declared padding. */
static int64_t cells(const idem_window *w, int i, int64_t side, int64_t o) {
    int64_t end = o * w->stride[i] + w->kernel[i], padded = side + w->pad[i] + w->pad[i + 2];
    return (end < padded ? end : padded) - o * w->stride[i];
}

static int op_pool(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const bool maximum = strcmp(n->op_type, "MaxPool") == 0, count_pad = idem_onnx_int(n, "count_include_pad", 0) != 0;
    idem_node *x = picture(b, n);
    idem_window win = {.groups = 1};
    if (!x || window_read(n, x->shape.d[2], x->shape.d[3], &win))
        return -1;
    if (n->n_outputs > 1 && out[1] && out[1]->needed)
        return idem_fail("%s (%s): the output of indices is not supported", n->name, n->op_type);
    const idem_window declared = win;
    int extra = 0;
    for (int i = 0; i < 2 && idem_onnx_int(n, "ceil_mode", 0); i++) {
        const int e = ceil_extra(&declared, i, x->shape.d[2 + i]);
        win.pad[i + 2] += e;
        extra += e;
    }
    if (maximum)
        return idem_onnx_set_node(out[0], idem_maxpool(x, win));
    idem_node *y = idem_avgpool(x, win, count_pad);
    if (y && count_pad && extra) {
        /* The added padding does not count: divides by the existing cells instead of the whole window. */
        const int64_t h = y->shape.d[2], w = y->shape.d[3], all = (int64_t)win.kernel[0] * win.kernel[1];
        if (declared.dilation[0] != 1 || declared.dilation[1] != 1)
            return idem_fail("%s (AveragePool): ceil_mode with dilation is not supported", n->name);
        float *factor = idem_arena_array(idem_graph_arena(b->graph), (size_t)(h * w), sizeof *factor);
        if (!factor)
            return -1;
        for (int64_t i = 0; i < h * w; i++)
            factor[i] = (float)all /
                        (float)(cells(&declared, 0, x->shape.d[2], i / w) * cells(&declared, 1, x->shape.d[3], i % w));
        y = idem_mul(y, idem_const(b->graph, n->name, IDEM_SHAPE(1, 1, h, w), factor));
    }
    return idem_onnx_set_node(out[0], y);
}

static int op_global_pool(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    idem_node *x = picture(b, n);
    if (!x)
        return -1;
    return idem_onnx_set_node(out[0], idem_reshape(idem_mean_hw(x), IDEM_SHAPE(x->shape.d[0], x->shape.d[1], 1, 1)));
}

static int op_reduce(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    idem_node *x = idem_onnx_in_node(b, n, 0);
    const int64_t *axes;
    size_t n_axes = 0;
    const int found = idem_onnx_list(b, n, "axes", 1, &axes, &n_axes);
    if (!x || found < 0)
        return -1;
    if (n_axes == 0 && idem_onnx_int(n, "noop_with_empty_axes", 0))
        return idem_onnx_set_node(out[0], x);
    const bool mean = strcmp(n->op_type, "ReduceMean") == 0, norm2 = strcmp(n->op_type, "ReduceL2") == 0;
    if (norm2 || strcmp(n->op_type, "ReduceSumSquare") == 0)
        x = idem_square(x);
    if (!x)
        return -1;
    bool gone[IDEM_MAX_RANK] = {false};
    for (int i = 0; i < x->shape.rank; i++)
        gone[i] = !found || n_axes == 0;
    for (size_t i = 0; found && i < n_axes; i++) {
        const int axis = idem_onnx_axis(n, axes[i], x->shape.rank);
        if (axis < 0)
            return -1;
        gone[axis] = true;
    }
    idem_shape ones = x->shape, kept = {.rank = 0};
    for (int i = 0; i < x->shape.rank; i++) {
        if (gone[i])
            ones.d[i] = 1;
        else
            kept.d[kept.rank++] = x->shape.d[i];
    }
    const bool keep = idem_onnx_int(n, "keepdims", 1) != 0;
    if (mean && !keep && x->shape.rank == 4 && !gone[0] && !gone[1] && gone[2] && gone[3])
        return idem_onnx_set_node(out[0], idem_mean_hw(x));
    const float scale = mean ? (float)((double)idem_shape_count(&ones) / (double)idem_shape_count(&x->shape)) : 1;
    idem_node *y = idem_reduce_sum(x, ones, scale);
    if (norm2)
        y = idem_unary(y, IDEM_UNARY_SQRT, 0, 0);
    return idem_onnx_set_node(out[0], keep ? y : idem_reshape(y, kept));
}

const idem_onnx_op idem_onnx_layer_ops[] = {
    {"Conv", op_conv},
    {"BatchNormalization", op_batch_norm},
    {"Gemm", op_gemm},
    {"MatMul", op_matmul},
    {"MaxPool", op_pool},
    {"AveragePool", op_pool},
    {"ReduceMean", op_reduce},
    {"ReduceSum", op_reduce},
    {"ReduceL2", op_reduce},
    {"ReduceSumSquare", op_reduce},
    {"GlobalAveragePool", op_global_pool},
    {NULL, NULL},
};
