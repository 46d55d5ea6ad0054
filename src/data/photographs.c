#include "data/photographs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/models.h"
#include "base/sha256.h"
#include "base/status.h"
#include "data/content_split.h"
#include "data/epochs.h"
#include "data/picture_cache.h"
#include "data/weather.h"
#include "face/cut.h"
#include "media/format.h"

enum { HASH = 32, PATH_SIZE = 4096, LEAST = 6, LEAST_APART = 4, SHARE_APART = 10 };

struct idem_photographs {
    idem_picture_cache *cache;
    int side;
    size_t picture;     /* bytes */
    size_t apart;       /* photographs held out */
    uint32_t *order;    /* held-out ones first */
    idem_epochs epochs; /* of the others */
    uint64_t seed;
    double weather;
    float *memory; /* of a picture, for idem_weather */
    char digest[65];
};

/* The maker of pictures from files, and its callbacks. */
typedef struct {
    idem_finder *finder; /* opened at first use */
    char detect[PATH_SIZE], landmark[PATH_SIZE];
    const idem_photographs_options *options;
} cutter;

/* ---- cutting ---- */

static int cut(void *user, const char *path, int size, idem_image *out) {
    cutter *c = user;
    const idem_plan_options options = {.threads = c->options->threads, .stop = c->options->stop};
    if (!c->finder && !(c->finder = idem_finder_new(&(idem_finder_files){c->detect, c->landmark, NULL}, &options)))
        return -1;
    return idem_cut_largest(out, c->finder, path, size);
}

static void on_progress(void *user, size_t done, size_t count) {
    const idem_photographs_options *o = ((const cutter *)user)->options;
    if (o->progress)
        o->progress(o->user, done, count);
}

static void on_bad(void *user, const char *why) {
    const idem_photographs_options *o = ((const cutter *)user)->options;
    if (o->bad)
        o->bad(o->user, why);
}

/* The rule by which faces are cut, and the networks that find them. */
static int hash_rule(cutter *c, char hex[65]) {
    char nets[2][65];
    if (idem_models_find(c->detect, sizeof c->detect, c->options->models, "fr_detect.onnx") ||
        idem_models_find(c->landmark, sizeof c->landmark, c->options->models, "fr_landmark.onnx") ||
        idem_sha256_file(c->detect, nets[0]) || idem_sha256_file(c->landmark, nets[1]))
        return -1;
    idem_sha256 sha = idem_sha256_make();
    idem_sha256_add(&sha, IDEM_CUT_RULE, sizeof IDEM_CUT_RULE);
    idem_sha256_add(&sha, nets, sizeof nets);
    idem_sha256_end(&sha, hex);
    return 0;
}

/* ---- order ---- */

static void hash_order(idem_photographs *p, const char *rule, size_t count, int size) {
    char text[128];
    idem_sha256 sha = idem_sha256_make();
    idem_sha256_add(&sha, text, (size_t)snprintf(text, sizeof text, "%s %d %zu ", rule, size, p->apart));
    for (size_t i = 0; i < count; i++)
        idem_sha256_add(&sha, idem_picture_cache_hash(p->cache, p->order[i]), HASH);
    idem_sha256_end(&sha, p->digest);
}

static int split(idem_photographs *p, const char *dir, const char *rule, const idem_photographs_options *o) {
    const size_t count = idem_picture_cache_count(p->cache), tenth = count / SHARE_APART / 2 * 2;
    if (count < LEAST || count > UINT32_MAX)
        return idem_fail("%s: %zu pictures (" IDEM_FORMATS ") with a face were found, expected at least %d: name a "
                         "folder with photographs or aligned faces",
                         dir, count, LEAST);
    p->apart = 2 * (size_t)o->pairs < tenth ? 2 * (size_t)o->pairs : tenth < LEAST_APART ? LEAST_APART : tenth;
    if (!(p->order = malloc(count * sizeof *p->order)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for the order of %zu photographs", count);
    if (idem_content_split(p->order, p->cache, dir, o->seed, "photographs.split", p->apart))
        return -1;
    hash_order(p, rule, count, o->size);
    if (o->expected && strcmp(o->expected, p->digest))
        return idem_fail("%s: these are not the photographs of the run (%zu new, %zu missing; or other networks that "
                         "find faces): give it its photographs, or start another run in a new folder",
                         dir, idem_picture_cache_new(p->cache), idem_picture_cache_gone(p->cache));
    return idem_epochs_make(&p->epochs, o->seed, "photographs.order", p->order + p->apart, count - p->apart);
}

/* ---- life ---- */

static int open_photographs(idem_photographs *p, const char *dir, const char *cache,
                            const idem_photographs_options *o) {
    cutter c = {.options = o};
    char rule[65], start[9];
    if (hash_rule(&c, rule))
        return -1;
    snprintf(start, sizeof start, "%.8s", rule);
    const idem_picture_cache_options of_cache = {.size = o->size,
                                                 .make = cut,
                                                 .rule = (uint32_t)strtoul(start, NULL, 16),
                                                 .borrow = o->borrow,
                                                 .stop = o->stop,
                                                 .progress = on_progress,
                                                 .bad = on_bad,
                                                 .user = &c};
    p->cache = idem_picture_cache_open(dir, cache, &of_cache);
    idem_finder_free(c.finder);
    return !p->cache || split(p, dir, rule, o) ? -1 : idem_picture_cache_keep(p->cache);
}

idem_photographs *idem_photographs_open(const char *dir, const char *cache, const idem_photographs_options *o) {
    idem_photographs *p = calloc(1, sizeof *p);
    if (!p)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the photographs");
    p->side = o->size;
    p->picture = (size_t)o->size * (size_t)o->size * 3;
    p->seed = o->seed;
    p->weather = o->weather;
    if (!(p->memory = malloc(p->picture * sizeof *p->memory)))
        idem_fail_as(IDEM_MEMORY, "out of memory for a photograph");
    if (!p->memory || open_photographs(p, dir, cache, o)) {
        idem_photographs_free(p);
        return NULL;
    }
    return p;
}

void idem_photographs_free(idem_photographs *p) {
    if (!p)
        return;
    idem_picture_cache_free(p->cache);
    idem_epochs_free(&p->epochs);
    free(p->order);
    free(p->memory);
    free(p);
}

size_t idem_photographs_count(const idem_photographs *p) {
    return p->epochs.n;
}

size_t idem_photographs_pairs(const idem_photographs *p) {
    return p->apart / 2;
}

const char *idem_photographs_digest(const idem_photographs *p) {
    return p->digest;
}

/* ---- pictures ---- */

static void to_float(const idem_photographs *p, uint32_t index, float *x) {
    const unsigned char *rgb = idem_picture_cache_pixels(p->cache, index);
    for (size_t i = 0; i < p->picture; i++)
        x[i] = (float)rgb[i] / 255;
}

void idem_photographs_take(idem_photographs *p, uint64_t k, float *x) {
    to_float(p, idem_epochs_item(&p->epochs, k), x);
    if (p->weather <= 0)
        return;
    char stream[48];
    snprintf(stream, sizeof stream, "photographs.weather.%llu", (unsigned long long)k);
    idem_rng rng = idem_rng_make(p->seed, stream);
    idem_weather(x, p->side, p->weather, &rng, p->memory);
}

void idem_photographs_held_out(const idem_photographs *p, int side, size_t first, size_t n, float *x) {
    for (size_t i = 0; i < n; i++)
        to_float(p, p->order[2 * (first + i) + (size_t)side], x + i * p->picture);
}

uint64_t idem_photographs_before(double share, uint64_t k) {
    return (uint64_t)floor((double)k * share);
}
