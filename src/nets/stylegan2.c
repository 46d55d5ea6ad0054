#include "nets/stylegan2.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops.h"
#include "engine/precision.h"
#include "nets/stylegan2_layer.h"

/* [1, 3, 3, 1] / 8 times 2 for each axis: the gain of up-sampling by 2. */
static const float blur_kernel[4] = {0.25f, 0.75f, 0.75f, 0.25f};

int idem_stylegan2_noise_side(int i) {
    return 4 << (i + 1) / 2;
}

static const idem_weight *find(const idem_weights *w, const char *prefix, const char *format, int number) {
    char name[96], full[IDEM_PREFIX_BYTES + 96];
    snprintf(name, sizeof name, format, number);
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return idem_weights_find(w, full);
}

static bool has_generator(const idem_weights *w, const char *prefix, idem_stylegan2_layout *layout) {
    *layout = find(w, prefix, "synthesis.b4.const", 0) ? IDEM_STYLEGAN2_ADA : IDEM_STYLEGAN2_CONVERSION;
    return *layout == IDEM_STYLEGAN2_ADA || find(w, prefix, "input.input", 0);
}

static const idem_weight *find_mean(const idem_stylegan2 *s, const idem_weights *w) {
    if (s->layout == IDEM_STYLEGAN2_ADA)
        return find(w, s->prefix, "mapping.w_avg", 0);
    const idem_weight *mean = find(w, "", "latent_avg", 0); /* stored beside g_ema, not in it */
    return mean ? mean : find(w, s->prefix, "latent_avg", 0);
}

/* Searches for the tensor that every generator has; known wrappers first. */
static int find_prefix(char prefix[IDEM_PREFIX_BYTES], const idem_weights *w) {
    static const char *const known[] = {"g_ema.", "G_ema.", ""}, *const signs[] = {"input.input", "synthesis.b4.const"};
    enum { PLACES = 2 };
    char found[2 * PLACES][IDEM_PREFIX_BYTES];
    idem_stylegan2_layout layout;
    int n = 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (has_generator(w, known[i], &layout)) {
            strcpy(prefix, known[i]);
            return 0;
        }
    for (int i = 0; i < 2; i++) {
        const int places = idem_weights_prefixes(w, signs[i], found + n, PLACES);
        n += places < PLACES ? places : PLACES;
    }
    if (n == 0)
        return idem_fail("contains no StyleGAN2 generator: neither input.input nor synthesis.b4.const is there, with "
                         "any prefix; `idem model inspect` lists its networks");
    if (n > 1)
        return idem_fail("contains several StyleGAN2 generators, below \"%s\" and \"%s\": keep one of them", found[0],
                         found[1]);
    strcpy(prefix, found[0]);
    return 0;
}

int idem_stylegan2_unwrap(idem_weights *w) {
    char prefix[IDEM_PREFIX_BYTES];
    idem_weights_unwrap(w);
    return find_prefix(prefix, w) || (*prefix && idem_weights_select_with(w, prefix, "latent_avg")) ? -1 : 0;
}

static bool begins(const char *name, const char *with) {
    return !strncmp(name, with, strlen(with));
}

static bool ends(const char *name, const char *with) {
    const size_t n = strlen(name), k = strlen(with);
    return n >= k && !strcmp(name + n - k, with);
}

static bool paints(const char *name) {
    static const char *const parts[] = {"style.",   "input.input", "conv1.",     "to_rgb1.",  "convs.",
                                        "to_rgbs.", "noises.",     "mapping.fc", "synthesis."};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (begins(name, parts[i]))
            return !ends(name, ".kernel") && !ends(name, ".resample_filter");
    return false;
}

void idem_stylegan2_hash(char some[17], char all[17], const idem_weights *w) {
    idem_weights_hash_some(some, all, w, paints);
}

/* [W], or [L, W] of equal rows, as stored by programs that need a w for every layer. */
static int check_mean(const idem_stylegan2 *s, const idem_weight *mean) {
    const int64_t count = idem_shape_count(&mean->shape);
    char text[64];
    if (count % s->w_dim)
        return idem_fail("%s is %s, expected [%d]", mean->name, idem_shape_text(&mean->shape, text), s->w_dim);
    for (int64_t i = s->w_dim; i < count; i++)
        if (mean->data[i] != mean->data[i % s->w_dim])
            return idem_fail("%s is %s with rows that differ, expected one mean w of %d", mean->name,
                             idem_shape_text(&mean->shape, text), s->w_dim);
    return 0;
}

/* Metadata written by idem train-generator. */
static int check_said(const idem_stylegan2 *s, const idem_weights *w) {
    const struct {
        const char *key;
        int found;
    } said[] = {{"size", s->size}, {"z_dim", s->z_dim}, {"w_dim", s->w_dim}, {"mapping_layers", s->mapping_layers}};
    const char *kind = idem_weights_meta(w, "kind");
    for (size_t i = 0; i < sizeof said / sizeof *said && kind && !strcmp(kind, "stylegan2"); i++) {
        const char *text = idem_weights_meta(w, said[i].key);
        if (text && strtol(text, NULL, 10) != said[i].found)
            return idem_fail("its metadata has %s = %s, but its tensors give %d: they are not of one generator",
                             said[i].key, text, said[i].found);
    }
    return 0;
}

int idem_stylegan2_open(idem_stylegan2 *s, const idem_weights *w, const char *prefix) {
    *s = (idem_stylegan2){.bf16 = idem_bf16()};
    if (prefix && strlen(prefix) >= sizeof s->prefix)
        return idem_fail("prefix \"%s\" is too long: %zu bytes at most", prefix, sizeof s->prefix - 1);
    if (prefix)
        strcpy(s->prefix, prefix);
    else if (find_prefix(s->prefix, w))
        return -1;
    prefix = s->prefix;
    if (!has_generator(w, prefix, &s->layout))
        return idem_fail(
            "there is no StyleGAN2 generator below \"%s\": neither input.input nor synthesis.b4.const is there",
            prefix);
    const idem_weight *mean = find_mean(s, w); /* which no binder sees */
    if (mean && idem_weight_check(mean))
        return -1;

    const bool ada = s->layout == IDEM_STYLEGAN2_ADA;
    int resolutions = 1;
    while (resolutions < 10 && (ada ? find(w, prefix, "synthesis.b%d.conv1.weight", 4 << resolutions)
                                    : find(w, prefix, "to_rgbs.%d.conv.weight", resolutions - 1)))
        resolutions++;
    if (resolutions < 2)
        return idem_fail("the StyleGAN2 generator below \"%s\" stops at 4x4: layers of 8x8 and above are missing",
                         prefix);
    s->size = 4 << (resolutions - 1);
    s->n_ws = 2 * resolutions;
    s->n_noise = s->n_ws - 1;

    const idem_weight *style =
        find(w, prefix, ada ? "synthesis.b4.conv1.affine.weight" : "conv1.conv.modulation.weight", 0);
    if (!style || style->shape.rank != 2)
        return idem_fail("the StyleGAN2 generator below \"%s\" has no usable style weight in its first layer", prefix);
    s->w_dim = (int)style->shape.d[1];

    if (ada && find(w, prefix, "mapping.embed.weight", 0))
        return idem_fail(
            "this StyleGAN2-ADA generator is conditional (mapping.embed): only unconditional ones are supported");
    for (;; s->mapping_layers++) {
        const idem_weight *layer =
            find(w, prefix, ada ? "mapping.fc%d.weight" : "style.%d.weight", s->mapping_layers + !ada);
        if (!layer)
            break;
        if (layer->shape.rank != 2)
            return idem_fail("%s: rank is %d, expected 2", layer->name, layer->shape.rank);
        if (s->mapping_layers == 0)
            s->z_dim = (int)layer->shape.d[1];
    }
    return (mean && check_mean(s, mean)) || check_said(s, w) ? -1 : 0;
}

const float *idem_stylegan2_mean_w(const idem_stylegan2 *s, const idem_weights *w) {
    idem_weight *mean = (idem_weight *)find_mean(s, w);
    if (!mean)
        return NULL;
    mean->used = true;
    return mean->data;
}

idem_node *idem_stylegan2_mapping(idem_binder *b, const idem_stylegan2 *s, idem_node *z) {
    if (!z)
        return NULL;
    if (s->mapping_layers == 0)
        return idem_fail_null("this StyleGAN2 generator has no mapping network: it accepts only w");
    if (z->shape.rank != 2 || z->shape.d[1] != s->z_dim) {
        char text[64];
        return idem_fail_null("z is %s, expected [N, %d]", idem_shape_text(&z->shape, text), s->z_dim);
    }
    idem_scope_push(b->graph, "mapping");
    idem_node *power = idem_reduce_sum(idem_square(z), IDEM_SHAPE(z->shape.d[0], 1), 1.0f / (float)s->z_dim);
    idem_node *x = idem_mul(z, idem_rsqrt(idem_affine(power, 1, 1e-8f)));
    for (int i = 0; i < s->mapping_layers; i++) {
        idem_node *weight, *bias;
        if (!x || idem_stylegan2_bind_mapping(b, s, i, (int)x->shape.d[1], &weight, &bias))
            x = NULL;
        else
            x = idem_leaky_relu(idem_linear(x, weight, bias), 0.2f, sqrtf(2));
    }
    idem_scope_pop(b->graph);
    return x;
}

idem_node *idem_stylegan2_truncate(const idem_stylegan2 *s, idem_node *w, idem_node *mean, float psi, int cutoff) {
    if (!w || !mean)
        return NULL;
    idem_node *cut = idem_add(idem_scale(w, psi), idem_scale(mean, 1 - psi));
    if (cutoff < 0 || cutoff >= s->n_ws)
        return cut;
    idem_shape one = IDEM_SHAPE(w->shape.d[0], 1, s->w_dim);
    idem_node *layer[2] = {idem_reshape(cut, one), idem_reshape(w, one)}, *part[2];
    const int first[2] = {cutoff, s->n_ws - cutoff};
    int n = 0;
    for (int i = 0; i < 2; i++)
        if (first[i] > 0)
            part[n++] = idem_broadcast(layer[i], IDEM_SHAPE(w->shape.d[0], first[i], s->w_dim));
    return n == 1 ? part[0] : idem_concat(part, n, 1);
}

/* The w of layer i. */
static idem_node *pick(idem_node *ws, int i) {
    if (!ws || ws->shape.rank == 2)
        return ws;
    return idem_reshape(idem_slice(ws, 1, i, 1, 1), IDEM_SHAPE(ws->shape.d[0], ws->shape.d[2]));
}

/* Input channels times the style [N, I]: as the batch shares the weights, this equals modulating them. */
static idem_node *modulate(idem_node *x, idem_node *style) {
    if (!x || !style)
        return NULL;
    return idem_mul(x, idem_reshape(style, IDEM_SHAPE(style->shape.d[0], style->shape.d[1], 1, 1)));
}

/* idem_styled made of plain operators, which can be differentiated repeatedly. */
static idem_node *styled_plainly(idem_node *x, idem_node *scale, idem_node *plane, idem_node *bias) {
    if (!x || !scale || !plane || !bias)
        return NULL;
    x = idem_mul(x, idem_reshape(scale, IDEM_SHAPE(scale->shape.d[0], scale->shape.d[1], 1, 1)));
    x = idem_add(idem_add(x, plane), idem_reshape(bias, IDEM_SHAPE(1, bias->shape.d[0], 1, 1)));
    return idem_leaky_relu(x, 0.2f, sqrtf(2));
}

static idem_node *conv_layer(const idem_stylegan2_layer *l, idem_node *x, idem_node *w, bool up, bool twice,
                             bool bf16) {
    idem_window win = idem_window_make(3, up ? 2 : 1, up ? 0 : 1);
    win.bf16 = bf16;
    idem_node *style = idem_linear(w, l->style_w, l->style_b);
    /* 1 / sqrt(sum over I, K of (weight * style)^2), as one product over I: [N, O] */
    idem_node *demod = idem_rsqrt(idem_affine(idem_matmul(idem_square(style), l->energy, false, true), 1, 1e-8f));
    x = modulate(x, style);
    if (up && x) {
        const int64_t h = 2 * x->shape.d[2] + 1;
        x = idem_conv_data(x, l->weight, win, h, h);
        x = idem_filter(x, blur_kernel, 4, 1, 1, (int[4]){1, 1, 1, 1});
    } else {
        x = idem_conv(x, l->weight, NULL, win);
    }
    return twice ? styled_plainly(x, demod, l->noise, l->bias)
                 : idem_styled(x, demod, l->noise, l->bias, 0.2f, sqrtf(2));
}

static idem_node *rgb_layer(const idem_stylegan2_layer *l, idem_node *x, idem_node *w, idem_node *skip) {
    idem_node *style = idem_linear(w, l->style_w, l->style_b);
    idem_node *rgb = idem_conv(modulate(x, style), l->weight, l->bias, idem_window_make(1, 1, 0));
    if (!skip)
        return rgb;
    return idem_add(rgb, idem_filter(skip, blur_kernel, 4, 2, 1, (int[4]){2, 2, 1, 1}));
}

idem_node *idem_stylegan2_synthesis(idem_binder *b, const idem_stylegan2 *s, idem_node *ws, idem_node *const *noise) {
    if (!ws)
        return NULL;
    const int rank = ws->shape.rank;
    if ((rank != 2 && rank != 3) || ws->shape.d[rank - 1] != s->w_dim || (rank == 3 && ws->shape.d[1] != s->n_ws)) {
        char text[64];
        return idem_fail_null("w is %s, expected [N, %d, %d] or [N, %d]", idem_shape_text(&ws->shape, text), s->n_ws,
                              s->w_dim, s->w_dim);
    }
    idem_node *x = idem_stylegan2_bind_start(b, s), *rgb = NULL;
    for (int i = 0; i < s->n_noise; i++) {
        idem_stylegan2_layer l;
        char scope[32];
        snprintf(scope, sizeof scope, "g%d.%s", idem_stylegan2_noise_side(i), i % 2 ? "up" : "conv");
        idem_scope_push(b->graph, scope);
        if (idem_stylegan2_bind_conv(&l, b, s, i, noise ? noise[i] : NULL))
            x = NULL;
        else
            x = conv_layer(&l, x, pick(ws, i), i % 2 == 1, s->twice,
                           idem_bf16_at(s->bf16, idem_stylegan2_noise_side(i), s->size));
        idem_scope_pop(b->graph);
        if (!x)
            return NULL;
        if (i % 2 == 1)
            continue;
        snprintf(scope, sizeof scope, "g%d.rgb", idem_stylegan2_noise_side(i));
        idem_scope_push(b->graph, scope);
        if (idem_stylegan2_bind_rgb(&l, b, s, i / 2))
            rgb = NULL;
        else
            rgb = rgb_layer(&l, x, pick(ws, i + 1), rgb);
        idem_scope_pop(b->graph);
        if (!rgb)
            return NULL;
    }
    return rgb;
}

int idem_stylegan2_finish(idem_binder *b, const idem_stylegan2 *s) {
    char what[48];
    snprintf(what, sizeof what, "StyleGAN2 of %d pixels", s->size);
    return idem_binder_finish(b, what,
                              s->layout == IDEM_STYLEGAN2_ADA
                                  ? "*.resample_filter|mapping.w_avg|mapping.*|synthesis.*.noise_const"
                                  : "*.blur.kernel|*.upsample.kernel|latent_avg|style.*|noises.*");
}
