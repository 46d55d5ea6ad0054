#include "nets/stylegan2_export.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "nets/stylegan2.h"

enum { PART_BYTES = 48, NAME_BYTES = 96 };

typedef struct {
    const idem_weights *from;
    idem_weights *to;
} job;

/* The shape of t with n more dimensions of 1 before it. */
static idem_shape behind_ones(const idem_weight *t, int n) {
    idem_shape s = {.rank = t->shape.rank + n};
    for (int i = 0; i < s.rank && i < IDEM_MAX_RANK; i++)
        s.d[i] = i < n ? 1 : t->shape.d[i - n];
    return s;
}

/* Copies the tensor `from` as `to`, with n dimensions of 1 before its shape. */
static int copy(const job *j, const char *from, const char *to, int ones) {
    const idem_weight *t = idem_weights_find(j->from, from);
    if (!t)
        return idem_fail("the generator has no tensor %s", from);
    idem_shape shape = behind_ones(t, ones);
    idem_weight *copy = idem_weights_add(j->to, to, shape);
    if (!copy)
        return -1;
    memcpy(copy->data, t->data, (size_t)idem_shape_count(&shape) * sizeof *t->data);
    return 0;
}

/* [1, 3, 3, 1] x [1, 3, 3, 1] / 64 times the gain 4 of up-sampling by 2 both ways */
static int add_kernel(const job *j, const char *name) {
    static const float line[4] = {1, 3, 3, 1};
    idem_weight *t = idem_weights_add(j->to, name, IDEM_SHAPE(4, 4));
    for (int i = 0; t && i < 16; i++)
        t->data[i] = line[i / 4] * line[i % 4] / 16;
    return t ? 0 : -1;
}

static int copy_named(const job *j, const char *from, const char *from_part, const char *to, const char *to_part,
                      int ones) {
    char a[NAME_BYTES], b[NAME_BYTES];
    snprintf(a, sizeof a, "%s.%s", from, from_part);
    snprintf(b, sizeof b, "%s.%s", to, to_part);
    return copy(j, a, b, ones);
}

/* Convolution i of synthesis (odd ones up-sample) and, after even ones, the to-RGB layer. */
static int convert_layer(const job *j, int i) {
    char from[PART_BYTES], to[PART_BYTES], name[NAME_BYTES];
    int side = idem_stylegan2_noise_side(i);
    bool up = i % 2 == 1;
    snprintf(from, sizeof from, "synthesis.b%d.conv%d", side, !up);
    snprintf(to, sizeof to, i ? "convs.%d" : "conv1", i - 1);
    snprintf(name, sizeof name, "%s.conv.blur.kernel", to);
    if (copy_named(j, from, "weight", to, "conv.weight", 1) || (up && add_kernel(j, name)) ||
        copy_named(j, from, "affine.weight", to, "conv.modulation.weight", 0) ||
        copy_named(j, from, "affine.bias", to, "conv.modulation.bias", 0) ||
        copy_named(j, from, "noise_strength", to, "noise.weight", 1) ||
        copy_named(j, from, "bias", to, "activate.bias", 0))
        return -1;
    char noise[PART_BYTES];
    snprintf(noise, sizeof noise, "noises.noise_%d", i);
    snprintf(name, sizeof name, "%s.noise_const", from);
    if (copy(j, name, noise, 2))
        return -1;
    if (up)
        return 0;
    snprintf(from, sizeof from, "synthesis.b%d.torgb", side);
    snprintf(to, sizeof to, i ? "to_rgbs.%d" : "to_rgb1", i / 2 - 1);
    snprintf(name, sizeof name, "%s.upsample.kernel", to);
    if (copy_named(j, from, "weight", to, "conv.weight", 1) ||
        copy_named(j, from, "affine.weight", to, "conv.modulation.weight", 0) ||
        copy_named(j, from, "affine.bias", to, "conv.modulation.bias", 0) || (i && add_kernel(j, name)))
        return -1;
    snprintf(name, sizeof name, "%s.bias", from);
    const idem_weight *bias = idem_weights_find(j->from, name);
    if (!bias || idem_shape_count(&bias->shape) != 3)
        return idem_fail("%s is missing or does not have 3 numbers", name);
    snprintf(name, sizeof name, "%s.bias", to);
    idem_weight *copied = idem_weights_add(j->to, name, IDEM_SHAPE(1, 3, 1, 1));
    if (copied)
        memcpy(copied->data, bias->data, 3 * sizeof(float));
    return copied ? 0 : -1;
}

static int convert_ada(const job *j, const idem_stylegan2 *s) {
    char from[PART_BYTES], to[PART_BYTES];
    for (int i = 0; i < s->mapping_layers; i++)
        for (int k = 0; k < 2; k++) {
            static const char *const parts[] = {"weight", "bias"};
            snprintf(from, sizeof from, "mapping.fc%d", i);
            snprintf(to, sizeof to, "style.%d", i + 1);
            if (copy_named(j, from, parts[k], to, parts[k], 0))
                return -1;
        }
    if (copy(j, "synthesis.b4.const", "input.input", 1))
        return -1;
    for (int i = 0; i < s->n_noise; i++)
        if (convert_layer(j, i))
            return -1;
    return idem_weights_find(j->from, "mapping.w_avg") ? copy(j, "mapping.w_avg", "latent_avg", 0) : 0;
}

/* The same tensors, and the missing kernels. */
static int complete(const job *j, const idem_stylegan2 *s) {
    char name[NAME_BYTES];
    for (size_t i = 0; i < idem_weights_count(j->from); i++)
        if (copy(j, idem_weights_at(j->from, i)->name, idem_weights_at(j->from, i)->name, 0))
            return -1;
    for (int i = 1; i < s->n_noise; i++) {
        snprintf(name, sizeof name, i % 2 ? "convs.%d.conv.blur.kernel" : "to_rgbs.%d.upsample.kernel",
                 i % 2 ? i - 1 : i / 2 - 1);
        if (!idem_weights_find(j->to, name) && add_kernel(j, name))
            return -1;
    }
    return 0;
}

idem_weights *idem_stylegan2_export(const idem_weights *w) {
    idem_stylegan2 s;
    const char *key, *value;
    if (idem_stylegan2_open(&s, w, ""))
        return NULL;
    job j = {w, idem_weights_new()};
    int status = j.to ? 0 : -1;
    for (size_t i = 0; !status && idem_weights_meta_at(w, i, &key, &value) == 0; i++)
        status = idem_weights_set_meta(j.to, key, value);
    if (!status)
        status = s.layout == IDEM_STYLEGAN2_ADA ? convert_ada(&j, &s) : complete(&j, &s);
    if (!status)
        return j.to;
    idem_weights_free(j.to);
    return NULL;
}
