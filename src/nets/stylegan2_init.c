/* Fresh weights of a StyleGAN2 generator, in the layout of the PyTorch conversion. */
#include <stdio.h>
#include <string.h>

#include "nets/stylegan2.h"

typedef struct {
    idem_weights *weights;
    const char *prefix;
    const idem_stylegan2_dims *dims;
    idem_rng *rng;
} maker;

/* NAME.TAIL of this shape: standard normal times `deviation`, plus `mean`. */
static int add(const maker *m, const char *name, const char *tail, idem_shape shape, float deviation, float mean) {
    char full[160];
    snprintf(full, sizeof full, "%s%s%s", m->prefix, name, tail);
    idem_weight *t = idem_weights_add(m->weights, full, shape);
    if (!t)
        return -1;
    const int64_t n = idem_shape_count(&shape);
    if (deviation != 0)
        idem_rng_fill_normal(m->rng, t->data, (size_t)n);
    for (int64_t i = 0; i < n; i++)
        t->data[i] = t->data[i] * deviation + mean;
    return 0;
}

/* [1, 3, 3, 1] both ways with the gain 4 of up-sampling: stored by the conversion, never trained. */
static int add_kernel(const maker *m, const char *name, const char *tail) {
    static const float row[4] = {0.25f, 0.75f, 0.75f, 0.25f};
    char full[160];
    snprintf(full, sizeof full, "%s%s%s", m->prefix, name, tail);
    idem_weight *t = idem_weights_add(m->weights, full, IDEM_SHAPE(4, 4));
    for (int i = 0; t && i < 16; i++)
        t->data[i] = row[i / 4] * row[i % 4];
    return t ? 0 : -1;
}

static int add_modulated(const maker *m, const char *name, int in, int out, int kernel) {
    return add(m, name, ".conv.weight", IDEM_SHAPE(1, out, in, kernel, kernel), 1, 0) ||
                   add(m, name, ".conv.modulation.weight", IDEM_SHAPE(in, m->dims->w_dim), 1, 0) ||
                   add(m, name, ".conv.modulation.bias", IDEM_SHAPE(in), 0, 1)
               ? -1
               : 0;
}

static int add_conv(const maker *m, const char *name, int in, int out, bool up) {
    return add_modulated(m, name, in, out, 3) || (up && add_kernel(m, name, ".conv.blur.kernel")) ||
                   add(m, name, ".noise.weight", IDEM_SHAPE(1), 0, 0) ||
                   add(m, name, ".activate.bias", IDEM_SHAPE(out), 0, 0)
               ? -1
               : 0;
}

static int add_rgb(const maker *m, const char *name, int in, bool up) {
    return add_modulated(m, name, in, 3, 1) || add(m, name, ".bias", IDEM_SHAPE(1, 3, 1, 1), 0, 0) ||
                   (up && add_kernel(m, name, ".upsample.kernel"))
               ? -1
               : 0;
}

static int add_resolution(const maker *m, int r) {
    char name[48];
    const int *c = m->dims->widths;
    for (int k = 0; k < 2; k++) {
        snprintf(name, sizeof name, "convs.%d", 2 * (r - 1) + k);
        if (add_conv(m, name, k ? c[r] : c[r - 1], c[r], k == 0))
            return -1;
    }
    snprintf(name, sizeof name, "to_rgbs.%d", r - 1);
    return add_rgb(m, name, c[r], true);
}

int idem_stylegan2_init(idem_weights *w, const char *prefix, const idem_stylegan2_dims *dims, idem_rng *rng) {
    const maker m = {w, prefix, dims, rng};
    char name[48];
    if (dims->size < 8 || dims->size > 2048 || (dims->size & (dims->size - 1)))
        return idem_fail("generator: side %d, expected a power of two from 8 to 2048", dims->size);
    for (int i = 0; i < dims->mapping_layers; i++) {
        snprintf(name, sizeof name, "style.%d", i + 1);
        const int in = i ? dims->w_dim : dims->z_dim;
        if (add(&m, name, ".weight", IDEM_SHAPE(dims->w_dim, in), 1 / IDEM_STYLEGAN2_MAPPING_RATE, 0) ||
            add(&m, name, ".bias", IDEM_SHAPE(dims->w_dim), 0, 0))
            return -1;
    }
    const int c = dims->widths[0];
    if (add(&m, "input.input", "", IDEM_SHAPE(1, c, 4, 4), 1, 0) || add_conv(&m, "conv1", c, c, false) ||
        add_rgb(&m, "to_rgb1", c, false))
        return -1;
    int planes = 1;
    for (int r = 1; 4 << r <= dims->size; r++, planes += 2)
        if (add_resolution(&m, r))
            return -1;
    for (int i = 0; i < planes; i++) {
        const int side = idem_stylegan2_noise_side(i);
        snprintf(name, sizeof name, "noises.noise_%d", i);
        if (add(&m, name, "", IDEM_SHAPE(1, 1, side, side), 1, 0))
            return -1;
    }
    return 0;
}
