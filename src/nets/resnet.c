#include "nets/resnet.h"

#include <math.h>
#include <stdio.h>

#include "engine/ops.h"

static const float bn_eps = 1e-5f;

typedef struct {
    idem_binder *b;
    idem_resnet_stats stats;
    idem_running_list *running;
} builder;

/* Running averages take no gradient, even in a trainable network. */
static idem_node *bind_frozen(idem_binder *b, int64_t c, const char *norm, const char *what) {
    const bool trainable = b->trainable;
    b->trainable = false;
    idem_node *n = idem_bind(b, IDEM_SHAPE(c), "%s.%s", norm, what);
    b->trainable = trainable;
    return n;
}

static idem_weight *find_average(const idem_binder *b, const char *norm, const char *what, int64_t c) {
    char name[160];
    snprintf(name, sizeof name, "%s%s.%s", b->prefix, norm, what);
    idem_weight *w = idem_weights_find(b->weights, name);
    if (!w || idem_shape_count(&w->shape) != c)
        return idem_fail_null("%s is missing or does not have %lld numbers", name, (long long)c);
    w->used = true;
    return w;
}

/* Convolution and batch norm; `conv` and `norm` are their names. */
static idem_node *conv_norm(builder *r, idem_node *x, const char *conv, const char *norm, int kernel, int stride) {
    idem_binder *b = r->b;
    if (!x)
        return NULL;
    const idem_shape shape = idem_bind_shape(b, "%s.weight", conv);
    const int64_t out = shape.rank == 4 ? shape.d[0] : 1;
    const idem_window win = idem_window_make(kernel, stride, kernel / 2);
    idem_scope_push(b->graph, conv);
    idem_node *weight = idem_bind(b, IDEM_SHAPE(out, x->shape.d[1], kernel, kernel), "%s.weight", conv), *y = NULL;
    idem_node *gamma = idem_bind(b, IDEM_SHAPE(out), "%s.weight", norm),
              *beta = idem_bind(b, IDEM_SHAPE(out), "%s.bias", norm);
    if (r->stats == IDEM_RESNET_FIXED_STATS) {
        idem_node *mean = bind_frozen(b, out, norm, "running_mean"), *var = bind_frozen(b, out, norm, "running_var");
        idem_node *scale = idem_mul(gamma, idem_rsqrt(idem_affine(var, 1, bn_eps)));
        y = idem_conv(x, idem_mul(weight, idem_reshape(scale, IDEM_SHAPE(out, 1, 1, 1))),
                      idem_sub(beta, idem_mul(mean, scale)), win);
    } else if (r->running->n == IDEM_MAX_RUNNING) {
        idem_fail("more than %d batch norms in one network", IDEM_MAX_RUNNING);
    } else {
        idem_node *c = idem_conv(x, weight, NULL, win), *stats = idem_bn_stats(c);
        idem_running item = {.stats = stats,
                             .mean = find_average(b, norm, "running_mean", out),
                             .var = find_average(b, norm, "running_var", out)};
        y = item.mean && item.var ? idem_bn_apply(c, stats, gamma, beta, bn_eps) : NULL;
        if (y) {
            item.count = (double)idem_shape_count(&c->shape) / (double)out;
            r->running->item[r->running->n++] = item;
        }
    }
    idem_scope_pop(b->graph);
    return y;
}

static idem_node *block(builder *r, idem_node *x, int layer, int number, int stride) {
    char conv[48], norm[48], down[48];
    idem_node *y = x;
    snprintf(conv, sizeof conv, "layer%d.%d.conv3.weight", layer, number);
    const bool bottleneck = idem_bind_has(r->b, "%s", conv);
    const int n = bottleneck ? 3 : 2;
    for (int i = 0; i < n; i++) {
        snprintf(conv, sizeof conv, "layer%d.%d.conv%d", layer, number, i + 1);
        snprintf(norm, sizeof norm, "layer%d.%d.bn%d", layer, number, i + 1);
        /* The 3x3 convolution takes the stride: the first of a basic block, the middle one of a bottleneck. */
        y = conv_norm(r, y, conv, norm, bottleneck && i != 1 ? 1 : 3, i == (bottleneck ? 1 : 0) ? stride : 1);
        if (i < n - 1)
            y = idem_relu(y);
    }
    snprintf(down, sizeof down, "layer%d.%d.downsample", layer, number);
    if (idem_bind_has(r->b, "%s.0.weight", down)) {
        snprintf(conv, sizeof conv, "layer%d.%d.downsample.0", layer, number);
        snprintf(norm, sizeof norm, "layer%d.%d.downsample.1", layer, number);
        x = conv_norm(r, x, conv, norm, 1, stride);
    }
    return idem_relu(idem_add(y, x));
}

idem_node *idem_resnet(idem_binder *b, idem_node *x, idem_resnet_stats stats, idem_running_list *running) {
    builder r = {.b = b, .stats = stats, .running = running};
    if (!x)
        return NULL;
    x = idem_relu(conv_norm(&r, x, "conv1", "bn1", 7, 2));
    x = idem_maxpool(x, idem_window_make(3, 2, 1));
    for (int layer = 1; layer <= 4; layer++)
        for (int i = 0; x && (i == 0 || idem_bind_has(b, "layer%d.%d.conv1.weight", layer, i)); i++)
            x = block(&r, x, layer, i, layer > 1 && i == 0 ? 2 : 1);
    x = idem_mean_hw(x);
    if (!x && (b->missing || b->misshapen))
        idem_resnet_finish(b); /* shapes went astray because tensors did: that is the message to give */
    return x;
}

int idem_resnet_finish(idem_binder *b) {
    return idem_binder_finish(b, "ResNet", "fc.*|*.num_batches_tracked");
}

void idem_running_update(const idem_running_list *l, const idem_plan *p, float momentum) {
    for (int i = 0; i < l->n; i++) {
        const idem_running *r = &l->item[i];
        const float *stats = idem_plan_value(p, r->stats);
        const int64_t c = idem_shape_count(&r->mean->shape);
        const float unbias = r->count > 1 ? (float)(r->count / (r->count - 1)) : 1;
        for (int64_t k = 0; k < c; k++) {
            r->mean->data[k] += momentum * (stats[k] - r->mean->data[k]);
            r->var->data[k] += momentum * (stats[c + k] * unbias - r->var->data[k]);
        }
    }
}

/* ---- fresh weights ---- */

static int init_conv_norm(idem_weights *w, const char *prefix, const char *conv, const char *norm, int in, int out,
                          int kernel, idem_rng *rng) {
    static const char *const parts[4] = {"weight", "bias", "running_mean", "running_var"};
    char name[160];
    snprintf(name, sizeof name, "%s%s.weight", prefix, conv);
    idem_weight *weight = idem_weights_add(w, name, IDEM_SHAPE(out, in, kernel, kernel));
    if (!weight)
        return -1;
    const size_t count = (size_t)out * (size_t)in * (size_t)(kernel * kernel);
    const float deviation = sqrtf(2 / (float)(out * kernel * kernel));
    idem_rng_fill_normal(rng, weight->data, count);
    for (size_t i = 0; i < count; i++)
        weight->data[i] *= deviation;
    for (int p = 0; p < 4; p++) {
        snprintf(name, sizeof name, "%s%s.%s", prefix, norm, parts[p]);
        idem_weight *t = idem_weights_add(w, name, IDEM_SHAPE(out));
        if (!t)
            return -1;
        for (int i = 0; i < out && (p == 0 || p == 3); i++)
            t->data[i] = 1;
    }
    return 0;
}

int idem_resnet_init(idem_weights *w, const char *prefix, int depth, idem_rng *rng) {
    static const struct {
        int depth, blocks[4];
    } kinds[] = {
        {18, {2, 2, 2, 2}}, {34, {3, 4, 6, 3}}, {50, {3, 4, 6, 3}}, {101, {3, 4, 23, 3}}, {152, {3, 8, 36, 3}}};
    const int *blocks = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].depth == depth)
            blocks = kinds[i].blocks;
    if (!blocks)
        return idem_fail("there is no ResNet-%d: expected 18, 34, 50, 101 or 152", depth);
    const bool bottleneck = depth >= 50;
    if (init_conv_norm(w, prefix, "conv1", "bn1", 3, 64, 7, rng))
        return -1;
    int in = 64;
    for (int layer = 1; layer <= 4; layer++) {
        const int mid = 32 << layer, out = bottleneck ? 4 * mid : mid;
        for (int i = 0; i < blocks[layer - 1]; i++) {
            char conv[48], norm[48];
            const int n = bottleneck ? 3 : 2;
            for (int k = 0; k < n; k++) {
                snprintf(conv, sizeof conv, "layer%d.%d.conv%d", layer, i, k + 1);
                snprintf(norm, sizeof norm, "layer%d.%d.bn%d", layer, i, k + 1);
                if (init_conv_norm(w, prefix, conv, norm, k == 0 ? in : mid, k == n - 1 ? out : mid,
                                   bottleneck && k != 1 ? 1 : 3, rng))
                    return -1;
            }
            snprintf(conv, sizeof conv, "layer%d.%d.downsample.0", layer, i);
            snprintf(norm, sizeof norm, "layer%d.%d.downsample.1", layer, i);
            if (i == 0 && in != out && init_conv_norm(w, prefix, conv, norm, in, out, 1, rng))
                return -1;
            in = out;
        }
    }
    return 0;
}

int idem_resnet_width(const idem_weights *w, const char *prefix) {
    for (int k = 3; k >= 2; k--) {
        char name[160];
        snprintf(name, sizeof name, "%slayer4.0.conv%d.weight", prefix, k);
        const idem_weight *t = idem_weights_find(w, name);
        if (t && t->shape.rank == 4)
            return (int)t->shape.d[0];
    }
    return 0;
}
