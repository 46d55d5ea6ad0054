#include "nets/mlp.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/ops.h"

static const float leak = IDEM_MLP_SLOPE;

idem_node *idem_mlp(idem_binder *b, const char *name, idem_node *x, float slope) {
    if (!x)
        return NULL;
    int layers = 0;
    while (idem_bind_has(b, "%s.%d.weight", name, layers))
        layers++;
    if (layers == 0)
        return idem_fail_null("%s%s.0.weight is missing: this file does not contain the network", b->prefix, name);
    idem_scope_push(b->graph, name);
    for (int i = 0; i < layers && x; i++) {
        const idem_shape shape = idem_bind_shape(b, "%s.%d.weight", name, i);
        const int64_t in = x->shape.d[x->shape.rank - 1], out = shape.rank == 2 ? shape.d[0] : 1;
        idem_node *weight = idem_bind(b, IDEM_SHAPE(out, in), "%s.%d.weight", name, i);
        x = idem_linear(x, weight, idem_bind(b, IDEM_SHAPE(out), "%s.%d.bias", name, i));
        if (i < layers - 1)
            x = idem_leaky_relu(x, slope, 1);
    }
    idem_scope_pop(b->graph);
    return x;
}

static int init_layer(idem_weights *w, const char *name, int number, int in, int out, bool glorot, idem_rng *rng) {
    char full[64];
    snprintf(full, sizeof full, "%s.%d.weight", name, number);
    idem_weight *weight = idem_weights_add(w, full, IDEM_SHAPE(out, in));
    snprintf(full, sizeof full, "%s.%d.bias", name, number);
    if (!weight || !idem_weights_add(w, full, IDEM_SHAPE(out)))
        return -1;
    const size_t count = (size_t)in * (size_t)out;
    if (glorot) {
        const double limit = sqrt(6.0 / (in + out));
        for (size_t i = 0; i < count; i++)
            weight->data[i] = (float)((2 * idem_rng_uniform(rng) - 1) * limit);
    } else {
        const float deviation = (float)sqrt(2 / (1 + (double)leak * leak) / in);
        idem_rng_fill_normal(rng, weight->data, count);
        for (size_t i = 0; i < count; i++)
            weight->data[i] *= deviation;
    }
    return 0;
}

int idem_mapper_init(idem_weights *w, int in, int out, const float *mean, idem_rng *rng) {
    const int width[5] = {in, 2048, 1024, 512, out};
    for (int i = 0; i < 4; i++)
        if (init_layer(w, "mapper", i, width[i], width[i + 1], i < 2, rng))
            return -1;
    if (mean)
        memcpy(idem_weights_find(w, "mapper.3.bias")->data, mean, (size_t)out * sizeof *mean);
    return 0;
}

int idem_pixel_mapper_init(idem_weights *w, int in, int out, idem_rng *rng) {
    const int width[4] = {in, 1024, 512, out};
    for (int i = 0; i < 3; i++)
        if (init_layer(w, "pixel_mapper", i, width[i], width[i + 1], true, rng))
            return -1;
    return 0;
}

int idem_critic_init(idem_weights *w, int in, idem_rng *rng) {
    const int width[5] = {in, 256, 128, 64, 1};
    for (int i = 0; i < 4; i++)
        if (init_layer(w, "critic", i, width[i], width[i + 1], false, rng))
            return -1;
    return 0;
}
