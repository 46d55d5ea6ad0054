#include "nets/stylegan2_layer.h"

#include <math.h>
#include <stdio.h>

#include "base/rng.h"
#include "engine/ops.h"

/* Side of resolution number r. */
static int side_of(int r) {
    return 4 << r;
}

/* The names of the tensors of convolution i or to-RGB r, without the binder's prefix. */
static void conv_path(char path[48], const idem_stylegan2 *s, int i) {
    if (s->layout == IDEM_STYLEGAN2_ADA)
        snprintf(path, 48, "synthesis.b%d.conv%d", side_of((i + 1) / 2), i == 0 ? 1 : (i + 1) % 2);
    else if (i == 0)
        snprintf(path, 48, "conv1");
    else
        snprintf(path, 48, "convs.%d", i - 1);
}

static void rgb_path(char path[48], const idem_stylegan2 *s, int r) {
    if (s->layout == IDEM_STYLEGAN2_ADA)
        snprintf(path, 48, "synthesis.b%d.torgb", side_of(r));
    else if (r == 0)
        snprintf(path, 48, "to_rgb1");
    else
        snprintf(path, 48, "to_rgbs.%d", r - 1);
}

/* The trainable nodes shared by both kinds of layer; gains: of the weight and of the style's output. */
static int bind_modulated(idem_stylegan2_layer *l, idem_binder *b, const idem_stylegan2 *s, const char *path,
                          int kernel, float *style_gain) {
    const bool ada = s->layout == IDEM_STYLEGAN2_ADA;
    const char *conv = ada ? "" : ".conv", *style = ada ? ".affine" : ".conv.modulation";
    idem_shape shape = idem_bind_shape(b, "%s%s.weight", path, conv);
    if (!idem_bind_has(b, "%s%s.weight", path, conv))
        return idem_fail("%s%s%s.weight is missing%s", b->prefix, path, conv,
                         kernel == 1
                             ? ": every resolution must have its to-RGB layer, as in the architecture \"skip\"; "
                               "\"orig\" and \"resnet\" are not supported"
                             : "");
    /* [1, O, I, K, K] in the conversion, unless an earlier binding has removed the leading 1. */
    int skip = shape.rank == 5;
    if (shape.rank - skip != 4 || shape.d[skip + 2] != kernel || shape.d[skip + 3] != kernel ||
        shape.d[skip] > 1 << 20 || shape.d[skip + 1] > 1 << 20) {
        char text[64];
        return idem_fail("%s%s%s.weight: shape is %s, expected a %dx%d modulated convolution", b->prefix, path, conv,
                         idem_shape_text(&shape, text), kernel, kernel);
    }
    l->out = (int)shape.d[skip];
    l->in = (int)shape.d[skip + 1];
    l->weight = idem_bind(b, IDEM_SHAPE(l->out, l->in, kernel, kernel), "%s%s.weight", path, conv);
    const float gain = 1 / sqrtf((float)(l->in * kernel * kernel));
    /* ADA does not scale demodulated weights; it scales the style of to-RGB layers instead. */
    *style_gain = ada && kernel == 1 ? gain : 1;
    if (!ada)
        l->weight = idem_scale(l->weight, gain);
    const float rate = *style_gain / sqrtf((float)s->w_dim);
    l->style_w = idem_scale(idem_bind(b, IDEM_SHAPE(l->in, s->w_dim), "%s%s.weight", path, style), rate);
    l->style_b = idem_bind(b, IDEM_SHAPE(l->in), "%s%s.bias", path, style);
    if (*style_gain != 1)
        l->style_b = idem_scale(l->style_b, *style_gain);
    return l->weight && l->style_w && l->style_b ? 0 : -1;
}

/* The noise buffer of convolution i. Early conversions stored none: then noise of a fixed seed is used. */
static idem_node *stored_noise(idem_binder *b, const idem_stylegan2 *s, const char *path, int i) {
    const int64_t side = idem_stylegan2_noise_side(i);
    char name[64];
    if (s->layout == IDEM_STYLEGAN2_ADA)
        snprintf(name, sizeof name, "%s.noise_const", path);
    else
        snprintf(name, sizeof name, "noises.noise_%d", i);
    if (!idem_bind_has(b, "%s", name)) {
        idem_rng rng = idem_rng_make(0, name);
        float *values = idem_arena_array(idem_graph_arena(b->graph), (size_t)(side * side), sizeof *values);
        if (!values)
            return NULL;
        idem_rng_fill_normal(&rng, values, (size_t)(side * side));
        return idem_const(b->graph, name, IDEM_SHAPE(1, 1, side, side), values);
    }
    const bool trainable = b->trainable;
    b->trainable = false;
    idem_node *noise = idem_bind(b, IDEM_SHAPE(1, 1, side, side), "%s", name);
    b->trainable = trainable;
    return noise;
}

int idem_stylegan2_bind_conv(idem_stylegan2_layer *l, idem_binder *b, const idem_stylegan2 *s, int i,
                             idem_node *noise) {
    const bool ada = s->layout == IDEM_STYLEGAN2_ADA, up = i % 2 == 1;
    char path[48];
    float style_gain;
    conv_path(path, s, i);
    *l = (idem_stylegan2_layer){0};
    if (bind_modulated(l, b, s, path, 3, &style_gain))
        return -1;
    l->energy = idem_reshape(idem_reduce_sum(idem_square(l->weight), IDEM_SHAPE(l->out, l->in, 1, 1), 1),
                             IDEM_SHAPE(l->out, l->in));
    if (up)
        l->weight = idem_permute(l->weight, (int[]){1, 0, 2, 3});
    l->bias = idem_bind(b, IDEM_SHAPE(l->out), ada ? "%s.bias" : "%s.activate.bias", path);
    idem_node *strength = idem_bind(b, IDEM_SHAPE(1, 1, 1, 1), ada ? "%s.noise_strength" : "%s.noise.weight", path);
    if (!noise)
        noise = stored_noise(b, s, path, i);
    l->noise = idem_mul(noise, strength);
    return l->energy && l->weight && l->bias && l->noise ? 0 : -1;
}

int idem_stylegan2_bind_rgb(idem_stylegan2_layer *l, idem_binder *b, const idem_stylegan2 *s, int r) {
    char path[48];
    float style_gain;
    rgb_path(path, s, r);
    *l = (idem_stylegan2_layer){0};
    if (bind_modulated(l, b, s, path, 1, &style_gain))
        return -1;
    if (l->out != 3)
        return idem_fail("%s%s: makes %d channels, expected 3 (RGB)", b->prefix, path, l->out);
    l->bias = idem_bind(b, IDEM_SHAPE(l->out), "%s.bias", path);
    return l->bias ? 0 : -1;
}

idem_node *idem_stylegan2_bind_start(idem_binder *b, const idem_stylegan2 *s) {
    const char *name = s->layout == IDEM_STYLEGAN2_ADA ? "synthesis.b4.const" : "input.input";
    idem_shape shape = idem_bind_shape(b, "%s", name);
    return idem_bind(b, IDEM_SHAPE(1, shape.rank >= 3 ? shape.d[shape.rank - 3] : 1, 4, 4), "%s", name);
}

int idem_stylegan2_bind_mapping(idem_binder *b, const idem_stylegan2 *s, int i, int in, idem_node **weight,
                                idem_node **bias) {
    const bool ada = s->layout == IDEM_STYLEGAN2_ADA;
    const int number = ada ? i : i + 1;
    const char *base = ada ? "mapping.fc" : "style.";
    idem_shape shape = idem_bind_shape(b, "%s%d.weight", base, number);
    const int out = i == s->mapping_layers - 1 ? s->w_dim : shape.rank == 2 ? (int)shape.d[0] : 1;
    const float rate = IDEM_STYLEGAN2_MAPPING_RATE;
    *weight = idem_scale(idem_bind(b, IDEM_SHAPE(out, in), "%s%d.weight", base, number), rate / sqrtf((float)in));
    *bias = idem_scale(idem_bind(b, IDEM_SHAPE(out), "%s%d.bias", base, number), rate);
    return *weight && *bias ? 0 : -1;
}
