#include "nets/discriminator.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/ops.h"
#include "engine/precision.h"

/* [1, 3, 3, 1] / 8 for each axis */
static const float blur_kernel[4] = {0.125f, 0.375f, 0.375f, 0.125f};

/* The weight of a convolution, with its equalised rate folded in. */
static idem_node *bind_conv(idem_binder *b, const char *name, int64_t in, int kernel, float gain) {
    idem_shape shape = idem_bind_shape(b, "%s.weight", name);
    const int64_t out = shape.rank == 4 ? shape.d[0] : 1;
    idem_node *weight = idem_bind(b, IDEM_SHAPE(out, in, kernel, kernel), "%s.weight", name);
    return idem_scale(weight, gain / sqrtf((float)(in * kernel * kernel)));
}

/* The bias and leaky ReLU after a convolution. */
static idem_node *activate(idem_binder *b, idem_node *x, const char *name, float gain) {
    if (!x)
        return NULL;
    return idem_styled(x, NULL, NULL, idem_bind(b, IDEM_SHAPE(x->shape.d[1]), "%s.bias", name), 0.2f, gain);
}

static idem_node *plain(idem_binder *b, idem_node *x, const char *conv, const char *bias, int kernel, bool bf16) {
    if (!x)
        return NULL;
    idem_node *weight = bind_conv(b, conv, x->shape.d[1], kernel, 1);
    idem_window win = idem_window_make(kernel, 1, kernel / 2);
    win.bf16 = bf16;
    return activate(b, idem_conv(x, weight, NULL, win), bias, sqrtf(2));
}

/* (conv2(conv1(x)) + skip(x)) / sqrt 2, the division folded into both branches. */
static idem_node *block(idem_binder *b, idem_node *x, int i, bool bf16) {
    char conv[48], bias[48];
    snprintf(conv, sizeof conv, "convs.%d.conv1.0", i);
    snprintf(bias, sizeof bias, "convs.%d.conv1.1", i);
    idem_node *y = plain(b, x, conv, bias, 3, bf16);
    if (!y)
        return NULL;
    y = idem_filter(y, blur_kernel, 4, 1, 1, (int[4]){2, 2, 2, 2});
    snprintf(conv, sizeof conv, "convs.%d.conv2.1", i);
    snprintf(bias, sizeof bias, "convs.%d.conv2.2", i);
    idem_window win = idem_window_make(3, 2, 0);
    win.bf16 = bf16;
    y = idem_conv(y, bind_conv(b, conv, x->shape.d[1], 3, 1), NULL, win);
    y = activate(b, y, bias, 1);
    snprintf(conv, sizeof conv, "convs.%d.skip.1", i);
    idem_node *skip = idem_filter(x, blur_kernel, 4, 1, 2, (int[4]){1, 1, 1, 1});
    idem_node *weight = bind_conv(b, conv, x->shape.d[1], 1, 1 / sqrtf(2));
    return idem_add(y, idem_conv(skip, weight, NULL, idem_window_make(1, 1, 0)));
}

/* [N, C, H, W] -> [N, 1, H, W]: the deviation of every number over its group of pictures, averaged over the numbers.
 * Group m holds the pictures m, m + M, m + 2 M, ... for M groups. */
static idem_node *deviation(idem_node *x) {
    const int64_t n = x->shape.d[0], numbers = idem_shape_count(&x->shape) / n;
    int64_t group = IDEM_DISCRIMINATOR_GROUP < n ? IDEM_DISCRIMINATOR_GROUP : n;
    while (n % group)
        group--;
    const int64_t groups = n / group;
    idem_node *rows = idem_reshape(x, IDEM_SHAPE(group, groups * numbers));
    idem_shape one = IDEM_SHAPE(1, groups * numbers);
    idem_node *centred = idem_sub(rows, idem_reduce_sum(rows, one, 1 / (float)group));
    idem_node *variance = idem_reduce_sum(idem_square(centred), one, 1 / (float)group);
    idem_node *s = idem_unary(idem_affine(variance, 1, 1e-8f), IDEM_UNARY_SQRT, 0, 0);
    s = idem_reduce_sum(idem_reshape(s, IDEM_SHAPE(groups, numbers)), IDEM_SHAPE(groups, 1), 1 / (float)numbers);
    s = idem_broadcast(idem_reshape(s, IDEM_SHAPE(1, groups)), IDEM_SHAPE(group, groups));
    return idem_broadcast(idem_reshape(s, IDEM_SHAPE(n, 1, 1, 1)), IDEM_SHAPE(n, 1, x->shape.d[2], x->shape.d[3]));
}

static idem_node *with_deviation(idem_node *x, int parts) {
    if (!x)
        return NULL;
    idem_node *piece[parts];
    const int64_t n = x->shape.d[0] / parts;
    for (int p = 0; p < parts; p++) {
        idem_node *part = parts == 1 ? x : idem_slice(x, 0, p * n, n, 1);
        piece[p] = part ? deviation(part) : NULL;
    }
    idem_node *planes = parts == 1 ? piece[0] : idem_concat(piece, parts, 0);
    return idem_concat((idem_node *const[]){x, planes}, 2, 1);
}

static idem_node *linear(idem_binder *b, idem_node *x, const char *name) {
    if (!x)
        return NULL;
    idem_shape shape = idem_bind_shape(b, "%s.weight", name);
    const int64_t in = x->shape.d[1], out = shape.rank == 2 ? shape.d[0] : 1;
    idem_node *weight = idem_scale(idem_bind(b, IDEM_SHAPE(out, in), "%s.weight", name), 1 / sqrtf((float)in));
    return idem_linear(x, weight, idem_bind(b, IDEM_SHAPE(out), "%s.bias", name));
}

idem_node *idem_discriminator(idem_binder *b, idem_node *x, int parts) {
    if (!x)
        return NULL;
    const int64_t *d = x->shape.d;
    char text[64];
    if (x->shape.rank != 4 || d[1] != 3 || d[2] != d[3] || d[2] < 8 || (d[2] & (d[2] - 1)) || parts < 1 || d[0] % parts)
        return idem_fail_null("discriminator: pictures are %s in %d parts, expected [N, 3, S, S] with S a power of two "
                              "and N a multiple of the parts",
                              idem_shape_text(&x->shape, text), parts);
    idem_node *y = plain(b, x, "convs.0.0", "convs.0.1", 1, false);
    for (int i = 1; y && y->shape.d[2] > 4; i++) {
        char scope[24];
        snprintf(scope, sizeof scope, "d%lld", (long long)y->shape.d[2]);
        idem_scope_push(b->graph, scope);
        y = block(b, y, i, y && idem_bf16_at(idem_bf16(), (int)y->shape.d[2], (int)x->shape.d[2]));
        idem_scope_pop(b->graph);
    }
    y = plain(b, with_deviation(y, parts), "final_conv.0", "final_conv.1", 3, false);
    if (!y)
        return NULL;
    y = idem_reshape(y, IDEM_SHAPE(d[0], idem_shape_count(&y->shape) / d[0]));
    y = idem_leaky_relu(linear(b, y, "final_linear.0"), 0.2f, sqrtf(2));
    return linear(b, y, "final_linear.1");
}

int idem_discriminator_finish(idem_binder *b) {
    return idem_binder_finish(b, "discriminator", "*.kernel");
}

/* ---- fresh weights ---- */

static int add(idem_weights *w, const char *prefix, const char *name, idem_shape shape, idem_rng *rng) {
    char full[128];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    idem_weight *t = idem_weights_add(w, full, shape);
    if (t && rng)
        idem_rng_fill_normal(rng, t->data, (size_t)idem_shape_count(&shape));
    return t ? 0 : -1;
}

static int add_block(idem_weights *w, const char *prefix, int i, int in, int out, idem_rng *rng) {
    const struct {
        const char *format;
        idem_shape shape;
        bool random;
    } tensors[] = {
        {"convs.%d.conv1.0.weight", IDEM_SHAPE(in, in, 3, 3), true},  {"convs.%d.conv1.1.bias", IDEM_SHAPE(in), false},
        {"convs.%d.conv2.1.weight", IDEM_SHAPE(out, in, 3, 3), true}, {"convs.%d.conv2.2.bias", IDEM_SHAPE(out), false},
        {"convs.%d.skip.1.weight", IDEM_SHAPE(out, in, 1, 1), true},
    };
    for (size_t k = 0; k < sizeof tensors / sizeof *tensors; k++) {
        char name[48];
        snprintf(name, sizeof name, tensors[k].format, i);
        if (add(w, prefix, name, tensors[k].shape, tensors[k].random ? rng : NULL))
            return -1;
    }
    return 0;
}

int idem_discriminator_init(idem_weights *w, const char *prefix, int size, const int *widths, idem_rng *rng) {
    int r = 0, i = 1;
    while (4 << r < size && r < 10)
        r++;
    if (r < 1 || 4 << r != size)
        return idem_fail("discriminator: side %d, expected a power of two from 8 to 2048", size);
    if (add(w, prefix, "convs.0.0.weight", IDEM_SHAPE(widths[r], 3, 1, 1), rng) ||
        add(w, prefix, "convs.0.1.bias", IDEM_SHAPE(widths[r]), NULL))
        return -1;
    for (; r > 0; r--)
        if (add_block(w, prefix, i++, widths[r], widths[r - 1], rng))
            return -1;
    const int c = widths[0];
    return add(w, prefix, "final_conv.0.weight", IDEM_SHAPE(c, c + 1, 3, 3), rng) ||
                   add(w, prefix, "final_conv.1.bias", IDEM_SHAPE(c), NULL) ||
                   add(w, prefix, "final_linear.0.weight", IDEM_SHAPE(c, c * 16), rng) ||
                   add(w, prefix, "final_linear.0.bias", IDEM_SHAPE(c), NULL) ||
                   add(w, prefix, "final_linear.1.weight", IDEM_SHAPE(1, c), rng) ||
                   add(w, prefix, "final_linear.1.bias", IDEM_SHAPE(1), NULL)
               ? -1
               : 0;
}
