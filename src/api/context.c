/* The public library (include/idem.h): versions, errors, opening and closing. */
#define _GNU_SOURCE
#include "idem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/context.h"
#include "api/structs.h"
#include "base/log.h"
#include "base/status.h"
#include "engine/isa.h"
#include "engine/precision.h"
#include "engine/threads.h"

enum { BATCH = 4, BATCH_MAX = 256, REFINE_MAX = 1000 };

/* Sizes of the struct in programs compiled before the later fields existed. */
static const size_t earlier_options[] = {offsetof(idem_options, identity_net), offsetof(idem_options, refine),
                                         offsetof(idem_options, precision), offsetof(idem_options, pose)};

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

int idem_set_error(int kind, const char *message) {
    if (!message)
        return idem_fail("idem_set_error: message is NULL");
    if (kind < IDEM_ERROR_NONE || kind > IDEM_ERROR_INTERNAL)
        return idem_fail("idem_set_error: kind is %d, expected %d to %d", kind, IDEM_ERROR_NONE, IDEM_ERROR_INTERNAL);
    return idem_fail_as((idem_kind)kind, "%s", message);
}

void idem_options_init(idem_options *options, size_t struct_size) {
    idem_struct_clear(options, struct_size);
}

/* Options that belong together are set together. */
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

/* A copy of complete options, all within their ranges. */
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
    if (o->generator_only && (o->mapper || o->identity_net))
        return idem_fail("idem_open: generator_only is set beside a %s", o->mapper ? "mapper" : "recogniser");
    if (!o->generator && (o->mapper || o->identity_net))
        return idem_fail("idem_open: no generator for the %s; set options.generator to a StyleGAN2 weight file",
                         o->mapper ? "mapper" : "recogniser");
    if (o->pose < 0 || o->pose > IDEM_POSE_ALWAYS)
        return idem_fail("idem_open: pose is %d, expected 0 to %d", o->pose, IDEM_POSE_ALWAYS);
    if (o->batch < 0 || o->batch > BATCH_MAX)
        return idem_fail("idem_open: batch is %d, expected 0 to %d", o->batch, BATCH_MAX);
    if (o->threads < 0 || o->threads > IDEM_THREADS_MOST)
        return idem_fail("idem_open: threads is %d, expected 0 to %d", o->threads, IDEM_THREADS_MOST);
    if (o->precision < 0 || o->precision > IDEM_PRECISION_AUTO)
        return idem_fail("idem_open: precision is %d, expected 0 to %d", o->precision, IDEM_PRECISION_AUTO);
    if (o->refine < 0 || o->refine > REFINE_MAX)
        return idem_fail("idem_open: refine is %d, expected 0 to %d", o->refine, REFINE_MAX);
    return check_networks(o);
}

idem_context *idem_open(const idem_options *options) {
    idem_options o;
    if (take_options(&o, options) || idem_isa_check())
        return NULL;
    idem_context *c = calloc(1, sizeof *c);
    if (!c)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a context");
    c->refine = o.refine;
    const idem_studio_options studio = {.generator = o.generator,
                                        .mapper = o.mapper,
                                        .models = o.models,
                                        .identity_net = o.identity_net,
                                        .identity_preprocess = o.identity_preprocess,
                                        .attributes = {.net = o.attribute_net, .norm = o.attribute_norm},
                                        .batch = o.batch ? o.batch : BATCH,
                                        .threads = o.threads,
                                        .generator_only = o.generator_only,
                                        .pose = (idem_pose_wanted)o.pose,
                                        .stop = &c->cancelled};
    const bool before = idem_bf16();
    if (o.precision != IDEM_PRECISION_THREAD)
        idem_set_precision(o.precision);
    c->studio = idem_studio_open(&studio);
    idem_bf16_set(before);
    if (c->studio)
        return c;
    idem_close(c);
    return NULL;
}

void idem_close(idem_context *c) {
    if (!c)
        return;
    idem_studio_free(c->studio);
    free(c);
}

int idem_context_check(const char *call, const idem_context *c, bool arrays, int n) {
    if (!c)
        return idem_fail("%s: the context is NULL; idem_open gives one", call);
    if (!arrays)
        return idem_fail("%s: an argument is NULL", call);
    return n >= 1 ? 0 : idem_fail("%s: n is %d pictures, expected 1 or more", call, n);
}

/* In programs compiled before the later fields existed. */
typedef struct {
    size_t struct_size;
    int size, identity_dim, attribute_dim, w_dim;
} earlier_info;

int idem_get_info(const idem_context *c, idem_info *info) {
    if (idem_context_check("idem_get_info", c, info, 1))
        return -1;
    const size_t bytes = info->struct_size;
    if (bytes != sizeof *info && bytes != sizeof(earlier_info))
        return idem_fail("idem_get_info: struct_size is %zu, expected %zu; set it to sizeof(idem_info)", bytes,
                         sizeof *info);
    idem_info all = {.struct_size = bytes, .generator = "", .mapper = ""};
    const idem_model_info *m = idem_studio_about(c->studio);
    if (m) {
        all.size = m->size;
        all.identity_dim = m->id_dim;
        all.attribute_dim = m->has_mapper ? m->attr_dim : 0;
        all.w_dim = m->w_dim;
        all.layers = m->layers;
        all.z_dim = m->z_dim;
        all.generator = m->hash;
        all.mapper = m->mapper ? m->mapper : "";
    }
    memcpy(info, &all, bytes);
    return 0;
}

/* ---- while it works ---- */

int idem_set_batch(idem_context *c, int batch) {
    if (idem_context_check("idem_set_batch", c, true, 1))
        return -1;
    if (batch < 1 || batch > BATCH_MAX)
        return idem_fail("idem_set_batch: batch is %d, expected 1 to %d", batch, BATCH_MAX);
    idem_studio_set_batch(c->studio, batch);
    return 0;
}

int idem_free_networks(idem_context *c, int what) {
    if (idem_context_check("idem_free_networks", c, true, 1))
        return -1;
    if (what & ~(IDEM_FREE_FINDER | IDEM_FREE_PAINTING | IDEM_FREE_RECOGNISERS))
        return idem_fail("idem_free_networks: what is %d, expected bits of IDEM_FREE_...", what);
    idem_studio_release(c->studio,
                        (what & IDEM_FREE_FINDER ? (unsigned)IDEM_RELEASE_FINDER : 0) |
                            (what & IDEM_FREE_PAINTING ? (unsigned)IDEM_RELEASE_PIPES | IDEM_RELEASE_REFINING : 0) |
                            (what & IDEM_FREE_RECOGNISERS ? (unsigned)IDEM_RELEASE_EMBEDDER : 0));
    return 0;
}

void idem_cancel(idem_context *c) {
    if (c)
        c->cancelled = 1;
}

void idem_resume(idem_context *c) {
    if (c)
        c->cancelled = 0;
}

int idem_set_progress(idem_context *c, idem_progress_function *function, void *user) {
    if (idem_context_check("idem_set_progress", c, true, 1))
        return -1;
    idem_studio_set_told(c->studio, function, user);
    return 0;
}

static struct {
    idem_log_function *function;
    void *user;
} listener;

static void pass_on(void *user, idem_log_level level, const char *line) {
    (void)user;
    listener.function(listener.user, level == IDEM_LOG_WARNING ? IDEM_LOG_LINE_WARNING : IDEM_LOG_LINE_NOTE, line);
}

void idem_set_log(idem_log_function *function, void *user) {
    listener.function = function;
    listener.user = user;
    idem_log_set_sink(function ? pass_on : NULL, NULL);
}
