#include "train/gan/data.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "base/status.h"
#include "data/content_split.h"
#include "data/epochs.h"
#include "data/picture_cache.h"
#include "media/format.h"

enum { HASH = 32 };

struct idem_gan_data {
    idem_arena *arena;
    const char *dir;
    idem_gan_data_options options;
    idem_picture_cache *cache;
    size_t count;
    char hash[65];
    uint32_t *order;    /* held-out pictures first */
    idem_epochs epochs; /* of the training pictures */
    size_t picture;     /* numbers */
};

/* ---- order ---- */

static void order_by_place(const idem_gan_data *d) {
    for (size_t i = 0; i < d->count; i++)
        d->order[i] = (uint32_t)i;
    idem_rng rng = idem_rng_make(d->options.seed, "gan.data.split");
    idem_rng_shuffle(&rng, d->order, d->count);
}

static void hash_order(idem_gan_data *d) {
    char text[64];
    const int n = snprintf(text, sizeof text, "%d %d ", d->options.size, d->options.held_out);
    idem_sha256 sha = idem_sha256_make();
    idem_sha256_add(&sha, text, (size_t)n);
    for (size_t i = 0; i < d->count; i++)
        idem_sha256_add(&sha, idem_picture_cache_hash(d->cache, d->order[i]), HASH);
    idem_sha256_end(&sha, d->hash);
}

static int check_count(const idem_gan_data *d) {
    const size_t least = (size_t)d->options.held_out + 2;
    return d->count >= least && d->count <= UINT32_MAX
               ? 0
               : idem_fail("%s: %zu %spictures (" IDEM_FORMATS
                           ") were found, expected at least %zu: name a folder with "
                           "pictures, or hold fewer out",
                           d->dir, d->count, idem_picture_cache_bad(d->cache) ? "readable " : "", least);
}

static int check_expected(const idem_gan_data *d) {
    if (!d->options.expected || !strcmp(d->options.expected, d->hash))
        return 0;
    const size_t fresh = idem_picture_cache_new(d->cache), gone = idem_picture_cache_gone(d->cache);
    char what[96] = "";
    if (fresh || gone)
        snprintf(what, sizeof what, " (%zu are new, %zu gone)", fresh, gone);
    else if (d->options.by_place)
        snprintf(what, sizeof what, " (an earlier program began it: the order of their names counts too)");
    return idem_fail("%s: these are not the pictures that the run was started on%s: give it those, or start another "
                     "run from its checkpoint (options.start) in a new folder",
                     d->dir, what);
}

static int split(idem_gan_data *d) {
    const size_t apart = (size_t)d->options.held_out;
    d->count = idem_picture_cache_count(d->cache);
    if (check_count(d))
        return -1;
    d->order = idem_arena_array(d->arena, d->count, sizeof *d->order);
    if (!d->order)
        return -1;
    if (d->options.by_place)
        order_by_place(d);
    else if (idem_content_split(d->order, d->cache, d->dir, d->options.seed, "gan.data.split", apart))
        return -1;
    hash_order(d);
    return check_expected(d)
               ? -1
               : idem_epochs_make(&d->epochs, d->options.seed, "gan.data.order", d->order + apart, d->count - apart);
}

/* ---- pictures ---- */

static void to_float(const idem_gan_data *d, uint32_t index, bool mirrored, float *x) {
    const unsigned char *rgb = idem_picture_cache_pixels(d->cache, index);
    const size_t side = (size_t)d->options.size;
    for (size_t row = 0; row < side; row++)
        for (size_t column = 0; column < side; column++) {
            const unsigned char *from = rgb + (row * side + (mirrored ? side - 1 - column : column)) * 3;
            for (int c = 0; c < 3; c++)
                *x++ = (float)from[c] * (2.0f / 255) - 1;
        }
}

void idem_gan_data_take(idem_gan_data *d, uint64_t first, size_t n, float *x) {
    idem_rng mirror = idem_rng_make(d->options.seed, "gan.data.mirror");
    mirror.counter = first;
    for (uint64_t k = first; k < first + n; k++, x += d->picture) {
        const bool mirrored = (idem_rng_u64(&mirror) >> 63) != 0;
        to_float(d, idem_epochs_item(&d->epochs, k), d->options.mirror && mirrored, x);
    }
}

void idem_gan_data_look(const idem_gan_data *d, bool held_out, size_t first, size_t n, float *x) {
    const uint32_t *order = d->order + (held_out ? 0 : d->options.held_out);
    for (size_t i = 0; i < n; i++)
        to_float(d, order[first + i], false, x + i * d->picture);
}

const char *idem_gan_data_name(const idem_gan_data *d, bool held_out, size_t i) {
    return idem_picture_cache_name(d->cache, d->order[held_out ? i : i + (size_t)d->options.held_out]);
}

size_t idem_gan_data_count(const idem_gan_data *d) {
    return d->count - (size_t)d->options.held_out;
}

size_t idem_gan_data_held_out(const idem_gan_data *d) {
    return (size_t)d->options.held_out;
}

size_t idem_gan_data_bad(const idem_gan_data *d) {
    return idem_picture_cache_bad(d->cache);
}

int idem_gan_data_side(const idem_gan_data *d) {
    return d->options.size;
}

const char *idem_gan_data_hash(const idem_gan_data *d) {
    return d->hash;
}

/* ---- metadata ---- */

static const char SPLIT[] = "split", CONTENT[] = "content";

int idem_gan_data_store_split(idem_weights *w) {
    return idem_weights_set_meta(w, SPLIT, CONTENT);
}

bool idem_gan_data_split(const idem_weights *w) {
    const char *split = idem_weights_meta(w, SPLIT);
    return split && !strcmp(split, CONTENT);
}

/* ---- life ---- */

static int open_data(idem_gan_data *d, const char *dir, const char *cache) {
    const idem_gan_data_options *o = &d->options;
    const idem_picture_cache_options of_cache = {
        .size = o->size, .borrow = o->borrow, .stop = o->stop, .progress = o->progress, .bad = o->bad, .user = o->user};
    if (!(d->arena = idem_arena_new()) || !(d->dir = idem_arena_strdup(d->arena, dir)) ||
        !(d->cache = idem_picture_cache_open(dir, cache, &of_cache)) || split(d))
        return -1;
    d->options.expected = NULL; /* the caller's */
    return idem_picture_cache_keep(d->cache);
}

idem_gan_data *idem_gan_data_open(const char *dir, const char *cache, const idem_gan_data_options *o) {
    idem_gan_data *d = calloc(1, sizeof *d);
    if (!d)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the training data");
    d->options = *o;
    d->picture = (size_t)o->size * (size_t)o->size * 3;
    if (open_data(d, dir, cache)) {
        idem_gan_data_free(d);
        return NULL;
    }
    return d;
}

void idem_gan_data_free(idem_gan_data *d) {
    if (!d)
        return;
    idem_picture_cache_free(d->cache);
    idem_epochs_free(&d->epochs);
    idem_arena_free(d->arena);
    free(d);
}
