#include "train/gan/sampler.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "train/gan/data.h"
#include "train/gan/graph.h"

enum { CODES = 64, PICTURES = 8, MEAN_OF = 4096 };

struct idem_gan_sampler {
    idem_weights *weights;
    idem_stylegan2 about;
    idem_graph *graph;
    idem_node *z, *mapped, *w, *picture;
    idem_plan *mapping, *synthesis;
    float *mean, *codes; /* [W], [CODES, W] */
};

static int build(idem_gan_sampler *s, const idem_plan_options *options) {
    if (idem_stylegan2_open(&s->about, s->weights, IDEM_GAN_AVERAGE) || !(s->graph = idem_graph_new()))
        return -1;
    s->z = idem_input(s->graph, "z", IDEM_SHAPE(CODES, s->about.z_dim));
    s->w = idem_input(s->graph, "w", IDEM_SHAPE(PICTURES, s->about.w_dim));
    /* Bound as trainable, because frozen weights are read only once. */
    idem_binder b = idem_binder_make(s->graph, s->weights, s->about.prefix, true);
    s->mapped = idem_stylegan2_mapping(&b, &s->about, s->z);
    s->picture = idem_stylegan2_synthesis(&b, &s->about, s->w, NULL);
    if (!s->mapped || !s->picture || idem_stylegan2_finish(&b, &s->about))
        return -1;
    s->mapping = idem_plan_new(&s->mapped, 1, options);
    s->synthesis = idem_plan_new(&s->picture, 1, options);
    const size_t width = (size_t)s->about.w_dim;
    s->mean = idem_arena_array(idem_graph_arena(s->graph), width, sizeof *s->mean);
    s->codes = idem_arena_array(idem_graph_arena(s->graph), CODES * width, sizeof *s->codes);
    return s->mapping && s->synthesis && s->mean && s->codes ? 0 : -1;
}

idem_gan_sampler *idem_gan_sampler_new(idem_weights *w, const idem_plan_options *options) {
    idem_gan_sampler *s = calloc(1, sizeof *s);
    if (!s)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a sampler");
    s->weights = w;
    if (build(s, options)) {
        idem_gan_sampler_free(s);
        return NULL;
    }
    return s;
}

void idem_gan_sampler_free(idem_gan_sampler *s) {
    if (!s)
        return;
    idem_plan_free(s->mapping);
    idem_plan_free(s->synthesis);
    if (s->graph)
        idem_graph_free(s->graph);
    free(s);
}

size_t idem_gan_sampler_z(const idem_gan_sampler *s) {
    return (size_t)s->about.z_dim;
}

/* n <= CODES */
static int map(idem_gan_sampler *s, size_t n, const float *z) {
    const size_t width = (size_t)s->about.w_dim;
    memcpy(s->z->leaf, z, n * (size_t)s->about.z_dim * sizeof *z);
    if (idem_plan_run(s->mapping))
        return -1;
    memcpy(s->codes, idem_plan_value(s->mapping, s->mapped), n * width * sizeof *s->codes);
    return 0;
}

const float *idem_gan_sampler_mean(idem_gan_sampler *s) {
    const size_t width = (size_t)s->about.w_dim, numbers = (size_t)CODES * (size_t)s->about.z_dim;
    double *sum = calloc(width, sizeof *sum);
    float *z = malloc(numbers * sizeof *z);
    idem_rng rng = idem_rng_make(0, "gan.mean");
    int status = sum && z ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for the mean code");
    for (int k = 0; k < MEAN_OF / CODES && !status; k++) {
        idem_rng_fill_normal(&rng, z, numbers);
        status = map(s, CODES, z);
        for (size_t i = 0; i < CODES * width && !status; i++)
            sum[i % width] += (double)s->codes[i];
    }
    for (size_t i = 0; i < width && !status; i++)
        s->mean[i] = (float)(sum[i] / MEAN_OF);
    free(sum);
    free(z);
    return status ? NULL : s->mean;
}

int idem_gan_sampler_run(idem_gan_sampler *s, size_t n, const float *z, float psi, float *pictures) {
    const size_t width = (size_t)s->about.w_dim, side = (size_t)s->about.size, picture = side * side * 3;
    for (size_t first = 0; first < n; first += CODES) {
        const size_t codes = n - first < CODES ? n - first : CODES;
        if (map(s, codes, z + first * (size_t)s->about.z_dim))
            return -1;
        /* Truncated by 1 they stay as they are, whichever mean was the last. */
        for (size_t i = 0; i < codes * width && psi < 1; i++)
            s->codes[i] = s->mean[i % width] + psi * (s->codes[i] - s->mean[i % width]);
        for (size_t k = 0; k < codes; k += PICTURES) {
            const size_t some = codes - k < PICTURES ? codes - k : PICTURES;
            memcpy(s->w->leaf, s->codes + k * width, some * width * sizeof(float));
            if (idem_plan_run(s->synthesis))
                return -1;
            memcpy(pictures + (first + k) * picture, idem_plan_value(s->synthesis, s->picture),
                   some * picture * sizeof(float));
        }
    }
    return 0;
}

static int describe(const idem_gan_recipe *r, int64_t shown, idem_weights *out) {
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"size", r->size},         {"z_dim", r->z_dim},
                   {"w_dim", r->w_dim},       {"mapping_layers", r->mapping_layers},
                   {"held_out", r->held_out}, {"pictures_shown", shown}};
    char text[32];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(text, sizeof text, "%" PRId64, numbers[i].value);
        if (idem_weights_set_meta(out, numbers[i].key, text))
            return -1;
    }
    snprintf(text, sizeof text, "%" PRIu64, r->seed);
    return idem_weights_set_meta(out, "format", "idem") || idem_weights_set_meta(out, "kind", "stylegan2") ||
                   idem_weights_set_meta(out, "seed", text)
               ? -1
               : 0;
}

/* The file's shapes are those of initial tensors; binding has changed the trained ones. */
static int copy_average(const idem_gan_sampler *s, const idem_gan_recipe *r, idem_weights *out) {
    const idem_stylegan2_dims dims = idem_gan_dims(r);
    idem_rng rng = idem_rng_make(0, "gan.shapes");
    if (idem_stylegan2_init(out, IDEM_GAN_AVERAGE, &dims, &rng))
        return -1;
    for (size_t i = 0; i < idem_weights_count(out); i++) {
        idem_weight *t = idem_weights_at(out, i);
        const idem_weight *from = idem_weights_find(s->weights, t->name);
        if (!from || idem_shape_count(&from->shape) != idem_shape_count(&t->shape))
            return idem_fail("%s: is not in this run, or of another size", t->name);
        idem_weight_read(from, t->data);
    }
    idem_weight *mean = idem_weights_add(out, "latent_avg", IDEM_SHAPE(s->about.w_dim));
    if (!mean)
        return -1;
    memcpy(mean->data, s->mean, (size_t)s->about.w_dim * sizeof(float));
    return 0;
}

/* Of the rounded values in the file. */
static int hash_file(const char *path, char hash[17]) {
    idem_weights *w;
    if (idem_weights_load(&w, path))
        return -1;
    char all[17];
    const int status = idem_stylegan2_unwrap(w);
    if (!status)
        idem_stylegan2_hash(hash, all, w);
    idem_weights_free(w);
    return status;
}

int idem_gan_sampler_save(idem_gan_sampler *s, const idem_gan_recipe *r, int64_t shown, const char *path,
                          idem_dtype dtype, char hash[17]) {
    idem_weights *out = idem_weights_new();
    const int status = !out || copy_average(s, r, out) || describe(r, shown, out) ||
                               (idem_gan_data_split(s->weights) && idem_gan_data_store_split(out)) ||
                               idem_weights_save(out, path, dtype)
                           ? -1
                           : 0;
    idem_weights_free(out);
    return status || (hash && hash_file(path, hash)) ? -1 : 0;
}
