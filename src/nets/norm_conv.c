#include "nets/norm_conv.h"

#include <math.h>
#include <stdio.h>

#include "engine/ops.h"

enum { NAME_BYTES = 200 };

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

/* Running averages take no gradient, even in a trainable network. */
static idem_node *bind_frozen(idem_binder *b, int64_t c, const char *norm, const char *what) {
    const bool trainable = b->trainable;
    b->trainable = false;
    idem_node *n = idem_bind(b, IDEM_SHAPE(c), "%s.%s", norm, what);
    b->trainable = trainable;
    return n;
}

static idem_weight *find_average(const idem_binder *b, const char *norm, const char *what, int64_t c) {
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%s%s.%s", b->prefix, norm, what);
    idem_weight *w = idem_weights_find(b->weights, name);
    if (!w || idem_shape_count(&w->shape) != c)
        return idem_fail_null("%s is missing or does not have %lld numbers", name, (long long)c);
    if (!w->used && idem_weight_check(w))
        return NULL;
    w->used = true;
    return w;
}

/* Whether to normalise a frozen convolution's few results, which does not copy its many weights. */
static bool has_few_results(const idem_binder *b, const idem_node *x, const idem_node *weight, const idem_window *win) {
    enum { TIMES = 64 };
    if (b->trainable || !x || !weight)
        return false;
    const int64_t places = x->shape.d[0] * x->shape.d[2] * x->shape.d[3] / (win->stride[0] * win->stride[1]);
    return idem_shape_count(&weight->shape) >= TIMES * places * weight->shape.d[0];
}

/* y = conv(x) normalised by the stored averages, as one convolution with a bias. */
static idem_node *by_averages(const idem_norm_conv_kind *k, idem_node *x, idem_node *weight, idem_node *gamma,
                              idem_node *beta, const char *norm, idem_window win) {
    const int64_t out = weight ? weight->shape.d[0] : 1;
    idem_node *mean = bind_frozen(k->binder, out, norm, "running_mean"),
              *var = bind_frozen(k->binder, out, norm, "running_var");
    if (k->stats == IDEM_APART_STATS || has_few_results(k->binder, x, weight, &win)) {
        const idem_shape row = IDEM_SHAPE(1, out);
        idem_node *rows[2] = {idem_reshape(mean, row), idem_reshape(var, row)};
        return idem_bn_apply(idem_conv(x, weight, NULL, win), idem_concat(rows, 2, 0), gamma, beta, k->eps);
    }
    idem_node *scale = idem_mul(gamma, idem_rsqrt(idem_affine(var, 1, k->eps)));
    return idem_conv(x, idem_mul(weight, idem_reshape(scale, IDEM_SHAPE(out, 1, 1, 1))),
                     idem_sub(beta, idem_mul(mean, scale)), win);
}

static idem_node *by_batch(const idem_norm_conv_kind *k, idem_node *x, idem_node *weight, idem_node *gamma,
                           idem_node *beta, const char *norm, idem_window win) {
    if (k->running->n == IDEM_MAX_RUNNING)
        return idem_fail_null("more than %d batch norms in one network", IDEM_MAX_RUNNING);
    idem_node *c = idem_conv(x, weight, NULL, win), *stats = idem_bn_stats(c);
    const idem_sharing *sharing = k->running->sharing;
    if (sharing)
        stats = idem_shared_stats(stats, sharing);
    if (!stats)
        return NULL;
    const int64_t out = c->shape.d[1];
    idem_running item = {.stats = stats,
                         .mean = find_average(k->binder, norm, "running_mean", out),
                         .var = find_average(k->binder, norm, "running_var", out),
                         .count = (double)idem_shape_count(&c->shape) / (double)out * (sharing ? sharing->parts : 1)};
    if (!item.mean || !item.var)
        return NULL;
    k->running->item[k->running->n++] = item;
    return idem_bn_apply(c, stats, gamma, beta, k->eps);
}

idem_node *idem_norm_conv(const idem_norm_conv_kind *k, idem_node *x, const char *conv, const char *norm,
                          idem_norm_conv_shape s) {
    idem_binder *b = k->binder;
    if (!x)
        return NULL;
    if (k->fresh && !idem_bind_has(b, "%s.weight", conv) &&
        idem_norm_conv_init(b->weights, b->prefix, conv, norm, IDEM_SHAPE(s.out, x->shape.d[1], s.height, s.width),
                            k->fresh))
        return NULL;
    const idem_shape shape = idem_bind_shape(b, "%s.weight", conv);
    const int64_t out = shape.rank >= 2 ? shape.d[0] : 1;
    idem_window win = idem_window_make(1, s.stride, 0);
    for (int side = 0; side < 4 && !s.valid; side++)
        win.pad[side] = (side % 2 ? s.width : s.height) / 2;
    idem_scope_push(b->graph, conv);
    idem_node *weight = idem_bind(b, IDEM_SHAPE(out, x->shape.d[1], s.height, s.width), "%s.weight", conv);
    idem_node *gamma = idem_bind(b, IDEM_SHAPE(out), "%s.weight", norm),
              *beta = idem_bind(b, IDEM_SHAPE(out), "%s.bias", norm);
    idem_node *y = (k->stats == IDEM_BATCH_STATS ? by_batch : by_averages)(k, x, weight, gamma, beta, norm, win);
    idem_scope_pop(b->graph);
    return y;
}

int idem_norm_conv_init(idem_weights *w, const char *prefix, const char *conv, const char *norm, idem_shape weight,
                        idem_rng *rng) {
    static const char *const parts[4] = {"weight", "bias", "running_mean", "running_var"};
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%s%s.weight", prefix, conv);
    idem_weight *t = idem_weights_add(w, name, weight);
    if (!t)
        return -1;
    const int64_t out = weight.d[0];
    const size_t count = (size_t)idem_shape_count(&weight);
    const float deviation = sqrtf(2 / (float)(out * weight.d[2] * weight.d[3]));
    idem_rng_fill_normal(rng, t->data, count);
    for (size_t i = 0; i < count; i++)
        t->data[i] *= deviation;
    for (int p = 0; p < 4; p++) {
        snprintf(name, sizeof name, "%s%s.%s", prefix, norm, parts[p]);
        t = idem_weights_add(w, name, IDEM_SHAPE(out));
        if (!t)
            return -1;
        for (int64_t i = 0; i < out && (p == 0 || p == 3); i++)
            t->data[i] = 1;
    }
    return 0;
}
