/* The public library (include/idem.h) over model.h and pipe.h. */
#include "idem.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "learn/model.h"
#include "learn/pipe.h"
#include "media/image.h"

enum { BATCH = 8, BATCH_MAX = 256, KINDS = IDEM_PIPE_MAP + 1 };

struct idem_context {
    idem_model *model;
    int threads, batch;
    idem_pipe *pipes[KINDS]; /* made at first use; they share one activation buffer */
    idem_pipe *sample;       /* as the kind SAMPLE, for psi below */
    float psi;
};

#define TEXT(x) #x
#define VERSION(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)

const char *idem_version(void) {
    return VERSION(IDEM_VERSION_MAJOR, IDEM_VERSION_MINOR, IDEM_VERSION_PATCH);
}

const char *idem_last_error(void) {
    return idem_error();
}

void idem_options_default(idem_options *options) {
    *options = (idem_options){.struct_size = sizeof *options, .batch = BATCH};
}

idem_context *idem_open(const idem_options *options) {
    if (!options || options->struct_size != sizeof *options)
        return idem_fail_null("idem_open: options were not set by idem_options_default of this version");
    if (!options->generator)
        return idem_fail_null("idem_open: no generator; set options.generator to a StyleGAN2 weight file");
    if (options->batch < 0 || options->batch > BATCH_MAX || options->threads < 0)
        return idem_fail_null("idem_open: batch is %d (expected 0 to %d), threads %d (expected 0 or more)",
                              options->batch, BATCH_MAX, options->threads);
    idem_context *c = calloc(1, sizeof *c);
    if (!c)
        return idem_fail_null("out of memory for a context");
    c->threads = options->threads;
    c->batch = options->batch ? options->batch : BATCH;
    c->model = idem_model_open(options->generator);
    if (!c->model || (options->mapper && idem_model_load_mapper(c->model, options->mapper)) ||
        idem_model_load_frozen(c->model, options->models)) {
        idem_close(c);
        return NULL;
    }
    return c;
}

void idem_close(idem_context *c) {
    if (!c)
        return;
    for (int i = KINDS; i-- > 0;)
        idem_pipe_free(c->pipes[i]);
    idem_pipe_free(c->sample);
    idem_model_free(c->model);
    free(c);
}

int idem_get_info(const idem_context *c, idem_info *info) {
    if (info->struct_size != sizeof *info)
        return idem_fail("idem_get_info: struct_size is %zu, expected %zu; set it to sizeof(idem_info)",
                         info->struct_size, sizeof *info);
    const idem_model_info *m = idem_model_about(c->model);
    info->size = m->size;
    info->identity_dim = m->id_dim;
    info->attribute_dim = m->has_mapper ? m->attr_dim : 0;
    info->w_dim = m->w_dim;
    return 0;
}

/* ---- running ---- */

static idem_pipe *pipe_of(idem_context *c, idem_pipe_kind kind) {
    bool needs_mapper = kind == IDEM_PIPE_ATTRIBUTES || kind == IDEM_PIPE_MAP;
    if (needs_mapper && !idem_model_about(c->model)->has_mapper)
        return idem_fail_null("no mapper is loaded; set options.mapper to a file that idem train made");
    if (!c->pipes[kind]) {
        idem_plan_options options = {.threads = c->threads};
        c->pipes[kind] = idem_pipe_new(c->model, kind, c->batch, 1, &options);
    }
    return c->pipes[kind];
}

static int check_count(int n) {
    return n >= 1 ? 0 : idem_fail("n is %d pictures, expected 1 or more", n);
}

/* Bytes in, numbers out. */
static int encode(idem_context *c, idem_pipe_kind kind, const uint8_t *rgb, int n, float *code) {
    idem_pipe *p = check_count(n) ? NULL : pipe_of(c, kind);
    if (!p)
        return -1;
    size_t numbers = idem_pipe_in_size(p, 0), dim = idem_pipe_out_size(p, 0);
    int size = idem_model_about(c->model)->size, status = 0;
    float *x = malloc((size_t)c->batch * numbers * sizeof *x);
    if (!x)
        return idem_fail("out of memory for %d pictures", c->batch);
    for (int first = 0; first < n && !status; first += c->batch) {
        int count = n - first < c->batch ? n - first : c->batch;
        for (int i = 0; i < count; i++) {
            idem_image im = {.width = size, .height = size, .rgb = (uint8_t *)rgb + (size_t)(first + i) * numbers};
            idem_image_to_float(x + (size_t)i * numbers, &im, 0, 1);
        }
        status = idem_pipe_run(p, (size_t)count, (const float *const[]){x, NULL},
                               (float *const[]){code + (size_t)first * dim, NULL});
    }
    free(x);
    return status;
}

/* Numbers in, pictures out through output `port`; the other output goes to w when that is given. */
static int paint(idem_context *c, idem_pipe *p, const float *const *in, int n, int port, float *w, uint8_t *rgb) {
    size_t numbers = idem_pipe_out_size(p, port), width = port ? idem_pipe_out_size(p, 0) : 0;
    int size = idem_model_about(c->model)->size, status = 0;
    float *y = malloc((size_t)c->batch * numbers * sizeof *y);
    if (!y)
        return idem_fail("out of memory for %d pictures", c->batch);
    for (int first = 0; first < n && !status; first += c->batch) {
        int count = n - first < c->batch ? n - first : c->batch;
        const float *part[IDEM_PIPE_PORTS] = {NULL};
        for (int k = 0; k < IDEM_PIPE_PORTS && in[k]; k++)
            part[k] = in[k] + (size_t)first * idem_pipe_in_size(p, k);
        float *out[IDEM_PIPE_PORTS] = {NULL};
        if (port)
            out[0] = w ? w + (size_t)first * width : NULL;
        out[port] = y;
        status = idem_pipe_run(p, (size_t)count, part, out);
        for (int i = 0; i < count && !status && rgb; i++) {
            idem_image im = {0};
            status = idem_image_from_float(&im, y + (size_t)i * numbers, size, size, 0, 1);
            if (!status)
                memcpy(rgb + (size_t)(first + i) * numbers, im.rgb, numbers);
            idem_image_free(&im);
        }
    }
    free(y);
    return status;
}

int idem_encode_identity(idem_context *c, const uint8_t *rgb, int n, float *code) {
    return encode(c, IDEM_PIPE_IDENTITY, rgb, n, code);
}

int idem_encode_attributes(idem_context *c, const uint8_t *rgb, int n, float *code) {
    return encode(c, IDEM_PIPE_ATTRIBUTES, rgb, n, code);
}

int idem_map(idem_context *c, const float *identity, const float *attributes, int n, float *w) {
    idem_pipe *p = check_count(n) ? NULL : pipe_of(c, IDEM_PIPE_MAP);
    if (!p)
        return -1;
    return idem_pipe_run(p, (size_t)n, (const float *const[]){identity, attributes}, (float *const[]){w, NULL});
}

int idem_generate(idem_context *c, const float *w, int n, uint8_t *rgb) {
    idem_pipe *p = check_count(n) ? NULL : pipe_of(c, IDEM_PIPE_PICTURE);
    return p ? paint(c, p, (const float *const[]){w, NULL}, n, 0, NULL, rgb) : -1;
}

int idem_compose(idem_context *c, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n, uint8_t *out_rgb) {
    idem_pipe *p = check_count(n) ? NULL : pipe_of(c, IDEM_PIPE_MAP);
    if (!p)
        return -1;
    float *id = malloc((size_t)n * idem_pipe_in_size(p, 0) * sizeof *id);
    float *attr = malloc((size_t)n * idem_pipe_in_size(p, 1) * sizeof *attr);
    int status = id && attr ? 0 : idem_fail("out of memory for %d pictures", n);
    /* Codes of all pictures first: out may be one of the inputs. */
    if (!status && !idem_encode_identity(c, identity_rgb, n, id) && !idem_encode_attributes(c, attribute_rgb, n, attr))
        status = paint(c, p, (const float *const[]){id, attr}, n, 1, NULL, out_rgb);
    else
        status = -1;
    free(id);
    free(attr);
    return status;
}

int idem_sample(idem_context *c, uint64_t seed, float truncation, int n, float *w, uint8_t *rgb) {
    if (check_count(n))
        return -1;
    if (!(truncation >= 0 && truncation <= 1))
        return idem_fail("truncation is %g, expected 0 to 1", (double)truncation);
    if (!c->sample || c->psi != truncation) {
        idem_pipe_free(c->sample);
        c->psi = truncation;
        c->sample = idem_pipe_new(c->model, IDEM_PIPE_SAMPLE, c->batch, truncation,
                                  &(idem_plan_options){.threads = c->threads});
    }
    if (!c->sample)
        return -1;
    int z_dim = idem_model_about(c->model)->z_dim;
    float *z = malloc((size_t)n * (size_t)z_dim * sizeof *z);
    if (!z)
        return idem_fail("out of memory for %d codes", n);
    idem_rng r = idem_rng_make(seed, "sample");
    idem_rng_fill_normal(&r, z, (size_t)n * (size_t)z_dim);
    int status = paint(c, c->sample, (const float *const[]){z, NULL}, n, 1, w, rgb);
    free(z);
    return status;
}

/* ---- files ---- */

int idem_read_picture(idem_context *c, const char *path, uint8_t *rgb) {
    int size = idem_model_about(c->model)->size, status;
    idem_image file = {0}, small = {0};
    if (idem_image_load(&file, path))
        return -1;
    status = idem_image_resize(&small, &file, size, size);
    if (!status)
        memcpy(rgb, small.rgb, (size_t)size * (size_t)size * 3);
    idem_image_free(&file);
    idem_image_free(&small);
    return status;
}

int idem_write_picture(idem_context *c, const char *path, const uint8_t *rgb) {
    const idem_model_info *m = idem_model_about(c->model);
    idem_image im = {.width = m->size, .height = m->size, .rgb = (uint8_t *)rgb};
    return idem_image_save_png(
        &im, path, (const char *const[]){"Software", "idem", "synthetic", "true", "generator", m->hash, NULL});
}
