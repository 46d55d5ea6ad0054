/* The public library (include/idem.h) over model.h and pipe.h. */
#define _GNU_SOURCE
#include "idem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "base/rng.h"
#include "base/status.h"
#include "engine/isa.h"
#include "engine/threads.h"
#include "model/origin.h"
#include "media/image.h"

enum { BATCH = 4, BATCH_MAX = 256, THREADS_MAX = 4096, REFINE_MAX = 1000 };

/* Sizes of the struct in programs compiled before it had the fields that follow. */
static const size_t earlier_options[] = {offsetof(idem_options, identity_net), offsetof(idem_options, refine)};

#define TEXT(x) #x
#define VERSION(a, b, c) TEXT(a) "." TEXT(b) "." TEXT(c)

const char *idem_version(void) {
    return VERSION(IDEM_VERSION_MAJOR, IDEM_VERSION_MINOR, IDEM_VERSION_PATCH);
}

_Static_assert((int)IDEM_ERROR_NONE == (int)IDEM_NO_ERROR && (int)IDEM_ERROR_INPUT == (int)IDEM_INPUT &&
                   (int)IDEM_ERROR_MISSING == (int)IDEM_MISSING && (int)IDEM_ERROR_MEMORY == (int)IDEM_MEMORY &&
                   (int)IDEM_ERROR_INTERRUPTED == (int)IDEM_INTERRUPTED &&
                   (int)IDEM_ERROR_INTERNAL == (int)IDEM_INTERNAL,
               "kinds of idem.h and status.h");

const char *idem_last_error(void) {
    return idem_error();
}

void idem_options_init(idem_options *options, size_t struct_size) {
    if (!options || struct_size < sizeof options->struct_size)
        return;
    memset(options, 0, struct_size);
    options->struct_size = struct_size;
}

/* What belongs together is there together. */
static int check_networks(const idem_options *o) {
    if (o->identity_preprocess && !o->identity_net)
        return idem_fail("idem_open: identity_preprocess is \"%s\" for no identity_net; name the recogniser's file",
                         o->identity_preprocess);
    if ((o->attribute_net || o->attribute_norm) && !o->mapper)
        return idem_fail("idem_open: attribute_%s is \"%s\" without a mapper, which brings the attribute encoder",
                         o->attribute_net ? "net" : "norm", o->attribute_net ? o->attribute_net : o->attribute_norm);
    return 0;
}

static bool is_options_size(size_t n) {
    bool known = n == sizeof(idem_options);
    for (size_t i = 0; i < sizeof earlier_options / sizeof *earlier_options; i++)
        known = known || n == earlier_options[i];
    return known;
}

/* A copy of options that are whole and within their ranges. */
static int take_options(idem_options *o, const idem_options *given) {
    if (!given)
        return idem_fail("idem_open: options is NULL");
    if (given->struct_size > sizeof *o)
        return idem_fail("idem_open: options have %zu bytes, this library (%s) knows %zu; link a newer one",
                         given->struct_size, idem_version(), sizeof *o);
    if (!is_options_size(given->struct_size))
        return idem_fail("idem_open: options have %zu bytes, expected %zu; call idem_options_default first",
                         given->struct_size, sizeof *o);
    idem_options_init(o, sizeof *o);
    memcpy(o, given, given->struct_size);
    if (!o->generator)
        return idem_fail("idem_open: no generator; set options.generator to a StyleGAN2 weight file");
    if (o->batch < 0 || o->batch > BATCH_MAX)
        return idem_fail("idem_open: batch is %d, expected 0 to %d", o->batch, BATCH_MAX);
    if (o->threads < 0 || o->threads > THREADS_MAX)
        return idem_fail("idem_open: threads is %d, expected 0 to %d", o->threads, THREADS_MAX);
    if (o->refine < 0 || o->refine > REFINE_MAX)
        return idem_fail("idem_open: refine is %d, expected 0 to %d", o->refine, REFINE_MAX);
    return check_networks(o);
}

static int load(idem_model *m, const idem_options *o) {
    if ((o->identity_net && idem_model_choose_recogniser(m, o->identity_net, o->identity_preprocess)) ||
        (o->mapper && idem_model_load_mapper(m, o->mapper)))
        return -1;
    const idem_attr_choice attributes = {.net = o->attribute_net, .norm = o->attribute_norm};
    if (o->mapper && idem_model_check_attributes(m, &attributes))
        return -1;
    return idem_model_load_frozen(m, o->models);
}

idem_context *idem_open(const idem_options *options) {
    idem_options o;
    if (take_options(&o, options) || idem_isa_check())
        return NULL;
    idem_context *c = calloc(1, sizeof *c);
    if (!c)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a context");
    c->threads = o.threads;
    c->batch = o.batch ? o.batch : BATCH;
    c->refine = o.refine;
    c->model = idem_model_open(o.generator);
    if (c->model && o.models && !(c->models = strdup(o.models))) {
        idem_close(c);
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a context");
    }
    const idem_team before = idem_team_enter(c->threads);
    const int status = !c->model || load(c->model, &o);
    idem_team_leave(&before);
    if (!status)
        return c;
    idem_close(c);
    return NULL;
}

void idem_close(idem_context *c) {
    if (!c)
        return;
    for (int i = 0; i < IDEM_CONTEXT_PIPES; i++)
        idem_pipe_free(c->slots[i].pipe);
    idem_painter_free(c->painter);
    idem_finder_free(c->finder);
    idem_model_free(c->model);
    free(c->models);
    free(c);
}

int idem_context_check(const char *call, const idem_context *c, bool arrays, int n) {
    if (!c)
        return idem_fail("%s: the context is NULL; idem_open gives one", call);
    if (!arrays)
        return idem_fail("%s: an argument is NULL", call);
    return n >= 1 ? 0 : idem_fail("%s: n is %d pictures, expected 1 or more", call, n);
}

int idem_get_info(const idem_context *c, idem_info *info) {
    if (idem_context_check("idem_get_info", c, info, 1))
        return -1;
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

static idem_pipe *pipe_of(idem_context *c, idem_pipe_kind kind, float psi) {
    bool needs_mapper = kind == IDEM_PIPE_ATTRIBUTES || kind == IDEM_PIPE_CODE || kind == IDEM_PIPE_MAP;
    if (needs_mapper && !idem_model_about(c->model)->has_mapper)
        return idem_fail_null("no mapper is loaded; set options.mapper to a file that idem train made");
    idem_pipe **pipe = &c->slots[kind].pipe;
    if (*pipe && c->slots[kind].psi == psi)
        return *pipe;
    idem_pipe_free(*pipe);
    *pipe = NULL;
    idem_plan_options options = {.threads = c->threads};
    for (int i = 0; i < IDEM_CONTEXT_PIPES && !options.share; i++)
        options.share = c->slots[i].pipe ? idem_pipe_plan(c->slots[i].pipe) : NULL;
    c->slots[kind].psi = psi;
    return *pipe = idem_pipe_new(c->model, kind, c->batch, psi, &options);
}

/* Bytes in, numbers out. */
static int encode(idem_context *c, idem_pipe_kind kind, const uint8_t *rgb, int n, float *code) {
    idem_pipe *p = pipe_of(c, kind, 1);
    if (!p)
        return -1;
    size_t numbers = idem_pipe_in_size(p, 0), dim = idem_pipe_out_size(p, 0);
    int size = idem_model_about(c->model)->size, status = 0;
    float *x = malloc((size_t)c->batch * numbers * sizeof *x);
    if (!x)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", c->batch);
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
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", c->batch);
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
        for (int i = 0; i < count && !status; i++) {
            idem_image im;
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
    return idem_context_check("idem_encode_identity", c, rgb && code, n) ? -1
                                                                         : encode(c, IDEM_PIPE_IDENTITY, rgb, n, code);
}

int idem_encode_attributes(idem_context *c, const uint8_t *rgb, int n, float *code) {
    return idem_context_check("idem_encode_attributes", c, rgb && code, n)
               ? -1
               : encode(c, IDEM_PIPE_ATTRIBUTES, rgb, n, code);
}

int idem_map(idem_context *c, const float *identity, const float *attributes, int n, float *w) {
    idem_pipe *p =
        idem_context_check("idem_map", c, identity && attributes && w, n) ? NULL : pipe_of(c, IDEM_PIPE_CODE, 1);
    if (!p)
        return -1;
    return idem_pipe_run(p, (size_t)n, (const float *const[]){identity, attributes}, (float *const[]){w, NULL});
}

int idem_generate(idem_context *c, const float *w, int n, uint8_t *rgb) {
    idem_pipe *p = idem_context_check("idem_generate", c, w && rgb, n) ? NULL : pipe_of(c, IDEM_PIPE_PICTURE, 1);
    return p ? paint(c, p, (const float *const[]){w, NULL}, n, 0, NULL, rgb) : -1;
}

/* One pair after the other: out may be one of the inputs. */
static int compose_refined(idem_context *c, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n,
                           uint8_t *out_rgb) {
    const int size = idem_model_about(c->model)->size;
    const size_t numbers = (size_t)size * (size_t)size * 3;
    const idem_plan_options options = {.threads = c->threads};
    if (!c->painter && !(c->painter = idem_painter_new(c->model, 1, c->refine, &options)))
        return -1;
    float *x = malloc(3 * numbers * sizeof *x);
    int status = x ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for a pair of pictures");
    for (size_t i = 0; i < (size_t)n && !status; i++) {
        const idem_pair pair = {.x_id = x, .x_attr = x + numbers};
        const idem_image id = {.width = size, .height = size, .rgb = (uint8_t *)identity_rgb + i * numbers},
                         attr = {.width = size, .height = size, .rgb = (uint8_t *)attribute_rgb + i * numbers};
        idem_image out = {0};
        idem_image_to_float(x, &id, 0, 1);
        idem_image_to_float(x + numbers, &attr, 0, 1);
        status = idem_painter_run(c->painter, 1, &pair, x + 2 * numbers) ||
                         idem_image_from_float(&out, x + 2 * numbers, size, size, 0, 1)
                     ? -1
                     : 0;
        if (!status)
            memcpy(out_rgb + i * numbers, out.rgb, numbers);
        idem_image_free(&out);
    }
    free(x);
    return status;
}

int idem_compose(idem_context *c, const uint8_t *identity_rgb, const uint8_t *attribute_rgb, int n, uint8_t *out_rgb) {
    bool arrays = identity_rgb && attribute_rgb && out_rgb;
    idem_pipe *p = idem_context_check("idem_compose", c, arrays, n) ? NULL : pipe_of(c, IDEM_PIPE_MAP, 1);
    if (!p)
        return -1;
    if (c->refine)
        return compose_refined(c, identity_rgb, attribute_rgb, n, out_rgb);
    float *id = malloc((size_t)n * idem_pipe_in_size(p, 0) * sizeof *id);
    float *attr = malloc((size_t)n * idem_pipe_in_size(p, 1) * sizeof *attr);
    int status = id && attr ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", n);
    /* Codes of all pictures first: out may be one of the inputs. */
    status = status || encode(c, IDEM_PIPE_IDENTITY, identity_rgb, n, id) ||
             encode(c, IDEM_PIPE_ATTRIBUTES, attribute_rgb, n, attr) ||
             paint(c, p, (const float *const[]){id, attr}, n, 1, NULL, out_rgb);
    free(id);
    free(attr);
    return status ? -1 : 0;
}

int idem_sample(idem_context *c, uint64_t seed, float truncation, int n, float *w, uint8_t *rgb) {
    if (idem_context_check("idem_sample", c, w || rgb, n))
        return -1;
    if (!(truncation >= 0 && truncation <= 1))
        return idem_fail("idem_sample: truncation is %g, expected 0 to 1", (double)truncation);
    idem_pipe *p = pipe_of(c, rgb ? IDEM_PIPE_SAMPLE : IDEM_PIPE_MAPPING, truncation);
    if (!p)
        return -1;
    size_t numbers = (size_t)n * idem_pipe_in_size(p, 0);
    float *z = malloc(numbers * sizeof *z);
    if (!z)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", n);
    idem_rng r = idem_rng_make(seed, "sample");
    idem_rng_fill_normal(&r, z, numbers);
    const float *const in[] = {z, NULL};
    int status = rgb ? paint(c, p, in, n, 1, w, rgb) : idem_pipe_run(p, (size_t)n, in, (float *const[]){w, NULL});
    free(z);
    return status;
}

/* ---- files ---- */

int idem_read_picture(idem_context *c, const char *path, uint8_t *rgb) {
    idem_image file, small = {0};
    if (idem_context_check("idem_read_picture", c, path && rgb, 1) || idem_image_load(&file, path))
        return -1;
    int size = idem_model_about(c->model)->size, status = idem_image_resize(&small, &file, size, size);
    if (!status)
        memcpy(rgb, small.rgb, (size_t)size * (size_t)size * 3);
    idem_image_free(&file);
    idem_image_free(&small);
    return status;
}

int idem_write_picture(idem_context *c, const char *path, const uint8_t *rgb) {
    if (idem_context_check("idem_write_picture", c, path && rgb, 1))
        return -1;
    const idem_model_info *m = idem_model_about(c->model);
    idem_image im = {.width = m->size, .height = m->size, .rgb = (uint8_t *)rgb};
    idem_origin origin;
    idem_origin_of(&origin, IDEM_SOURCE_GENERATED, c->model, NULL);
    return idem_image_save_png(&im, path, &origin.marks);
}
