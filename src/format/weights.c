#include "format/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "format/bytes.h"

/* Names with values, in insertion order, with an open-addressing index. */
typedef struct {
    const char **name;
    void **value;
    uint32_t *hash;
    size_t count, capacity;
    uint32_t *slot; /* position + 1; 0 is free */
    size_t slots;   /* a power of two, at least twice the count */
} table;

struct idem_weights {
    idem_arena *arena;
    table tensors; /* of idem_weight */
    table meta;    /* of char: strings */
};

static uint32_t hash_of(const char *s) {
    uint64_t h = 0xcbf29ce484222325u;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 0x100000001b3u;
    return (uint32_t)(h ^ h >> 32);
}

static size_t table_find(const table *t, const char *name) {
    if (!t->slots)
        return SIZE_MAX;
    uint32_t h = hash_of(name);
    for (size_t i = h & (t->slots - 1); t->slot[i]; i = (i + 1) & (t->slots - 1)) {
        size_t at = t->slot[i] - 1;
        if (t->hash[at] == h && !strcmp(t->name[at], name))
            return at;
    }
    return SIZE_MAX;
}

static void table_place(table *t, size_t at) {
    size_t i = t->hash[at] & (t->slots - 1);
    while (t->slot[i])
        i = (i + 1) & (t->slots - 1);
    t->slot[i] = (uint32_t)(at + 1);
}

static int table_grow(table *t) {
    size_t capacity = t->capacity ? 2 * t->capacity : 16;
    if (capacity > UINT32_MAX / 8)
        return idem_fail("too many tensors: %zu", t->count);
    uint32_t *slot = calloc(4 * capacity, sizeof *slot);
    const char **name = realloc(t->name, capacity * sizeof *name);
    t->name = name ? name : t->name;
    void **value = realloc(t->value, capacity * sizeof *value);
    t->value = value ? value : t->value;
    uint32_t *hash = realloc(t->hash, capacity * sizeof *hash);
    t->hash = hash ? hash : t->hash;
    if (!slot || !name || !value || !hash) {
        free(slot);
        return idem_fail_as(IDEM_MEMORY, "out of memory for the names of %zu tensors", capacity);
    }
    free(t->slot);
    t->slot = slot;
    t->slots = 4 * capacity;
    t->capacity = capacity;
    for (size_t i = 0; i < t->count; i++)
        table_place(t, i);
    return 0;
}

/* The name must be new; neither name nor value is copied. */
static int table_add(table *t, const char *name, void *value) {
    if (t->count == t->capacity && table_grow(t))
        return -1;
    t->name[t->count] = name;
    t->value[t->count] = value;
    t->hash[t->count] = hash_of(name);
    table_place(t, t->count++);
    return 0;
}

static void table_free(table *t) {
    free(t->name);
    free(t->value);
    free(t->hash);
    free(t->slot);
}

idem_weights *idem_weights_new(void) {
    idem_weights *w = calloc(1, sizeof *w);
    if (!w)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a set of weights");
    w->arena = idem_arena_new();
    if (!w->arena) {
        free(w);
        return NULL;
    }
    return w;
}

void idem_weights_free(idem_weights *w) {
    if (!w)
        return;
    table_free(&w->tensors);
    table_free(&w->meta);
    idem_arena_free(w->arena);
    free(w);
}

size_t idem_weights_count(const idem_weights *w) {
    return w->tensors.count;
}

idem_weight *idem_weights_at(const idem_weights *w, size_t i) {
    return i < w->tensors.count ? w->tensors.value[i] : NULL;
}

idem_weight *idem_weights_find(const idem_weights *w, const char *name) {
    size_t at = table_find(&w->tensors, name);
    return at == SIZE_MAX ? NULL : w->tensors.value[at];
}

idem_weight *idem_weights_add(idem_weights *w, const char *name, idem_shape shape) {
    char text[64];
    int64_t count;
    if (shape.rank < 0 || shape.rank > IDEM_MAX_RANK)
        return idem_fail_null("tensor %s: rank %d, expected 0 to %d", name, shape.rank, IDEM_MAX_RANK);
    if (!idem_shape_elements(&shape, &count) || count < 1)
        return idem_fail_null("tensor %s: shape %s is invalid, expected dimensions of 1 and more", name,
                              idem_shape_text(&shape, text));
    if (table_find(&w->tensors, name) != SIZE_MAX)
        return idem_fail_null("tensor %s: occurs twice", name);
    idem_weight *t = idem_arena_alloc(w->arena, sizeof *t);
    if (!t || !(t->name = idem_arena_strdup(w->arena, name)) ||
        !(t->data = idem_arena_array(w->arena, (size_t)count, sizeof(float))))
        return NULL;
    t->shape = t->published = shape;
    t->dtype = IDEM_DTYPE_F32;
    return table_add(&w->tensors, t->name, t) ? NULL : t;
}

idem_weight *idem_weights_add_from(idem_weights *w, const char *what, const char *name, idem_shape shape) {
    idem_weight *t = idem_weights_add(w, name, shape);
    return t ? t : idem_fail_null_more("%s: %s", what, idem_error());
}

size_t idem_weights_below(const idem_weights *w, const char *prefix) {
    size_t n = strlen(prefix), found = 0;
    for (size_t i = 0; i < w->tensors.count; i++)
        found += !strncmp(w->tensors.name[i], prefix, n) && w->tensors.name[i][n];
    return found;
}

/* `keep`, if not NULL, is a tensor outside the prefix that keeps its name. */
static void select_below(idem_weights *w, const char *prefix, const idem_weight *keep) {
    table *t = &w->tensors;
    size_t n = strlen(prefix), count = t->count;
    memset(t->slot, 0, t->slots * sizeof *t->slot);
    t->count = 0;
    for (size_t i = 0; i < count; i++) {
        idem_weight *x = t->value[i];
        if (x != keep) {
            if (strncmp(x->name, prefix, n) || !x->name[n])
                continue;
            x->name += n;
        }
        size_t at = t->count++;
        t->name[at] = x->name;
        t->hash[at] = hash_of(x->name);
        t->value[at] = x;
        table_place(t, at);
    }
}

int idem_weights_select(idem_weights *w, const char *prefix) {
    if (!idem_weights_below(w, prefix))
        return idem_fail("no tensor's name begins with %s (the first of %zu is %s)", prefix, w->tensors.count,
                         w->tensors.count ? w->tensors.name[0] : "none");
    select_below(w, prefix, NULL);
    return 0;
}

int idem_weights_select_with(idem_weights *w, const char *prefix, const char *name) {
    char below[IDEM_PREFIX_BYTES + 64];
    snprintf(below, sizeof below, "%s%s", prefix, name);
    if (!idem_weights_below(w, prefix))
        return idem_weights_select(w, prefix);
    select_below(w, prefix, idem_weights_find(w, below) ? NULL : idem_weights_find(w, name));
    return 0;
}

int idem_weights_prefixes(const idem_weights *w, const char *sign, char (*prefixes)[IDEM_PREFIX_BYTES], int most) {
    const size_t n = strlen(sign);
    int found = 0;
    for (size_t i = 0; i < w->tensors.count; i++) {
        const char *name = w->tensors.name[i];
        const size_t all = strlen(name), before = all - n;
        if (all < n || strcmp(name + before, sign) || before >= IDEM_PREFIX_BYTES)
            continue;
        if (before && name[before - 1] != '.' && name[before - 1] != '/')
            continue;
        if (found < most) {
            memcpy(prefixes[found], name, before);
            prefixes[found][before] = 0;
        }
        found++;
    }
    return found;
}

void idem_weights_unwrap(idem_weights *w) {
    static const char *const WRAPPERS[] = {
        "g_ema.", "G_ema.", "params_ema.", "state_dict.", "model_ema.", "model_state_dict.", "model.", "module."};
    enum { N = sizeof WRAPPERS / sizeof *WRAPPERS, DEPTH_MOST = 4 };
    for (int depth = 0; depth < DEPTH_MOST; depth++) {
        const idem_weight *mean = idem_weights_find(w, "latent_avg");
        int i = 0;
        while (i < N && !idem_weights_below(w, WRAPPERS[i]))
            i++;
        /* DataParallel prefixes all names with "module."; if only some have it, it is a part of the network. */
        if (i == N || (i == N - 1 && idem_weights_below(w, WRAPPERS[i]) + (mean != NULL) < w->tensors.count))
            return;
        char name[40];
        snprintf(name, sizeof name, "%slatent_avg", WRAPPERS[i]);
        select_below(w, WRAPPERS[i], idem_weights_find(w, name) ? NULL : mean);
    }
}

static float *rowmajor_copy(const idem_weight *w) {
    size_t bytes = (size_t)idem_shape_count(&w->shape) * sizeof(float);
    float *copy = malloc(bytes);
    if (!copy)
        return idem_fail_null_as(IDEM_MEMORY, "tensor %s: out of memory: %zu bytes asked for", w->name, bytes);
    memcpy(copy, w->data, bytes);
    return copy;
}

int idem_weight_channels_last(idem_weight *w) {
    if (w->channels_last || w->shape.rank != 4)
        return 0;
    float *copy = rowmajor_copy(w);
    if (!copy)
        return -1;
    idem_from_rowmajor(w->data, copy, &w->shape);
    free(copy);
    w->channels_last = true;
    return 0;
}

int64_t idem_weight_damage(const idem_weight *w) {
    const size_t n = (size_t)idem_shape_count(&w->shape), at = idem_find_not_finite(w->data, n);
    return at == n ? -1 : (int64_t)at;
}

int idem_weight_check(const idem_weight *w) {
    const int64_t at = idem_weight_damage(w);
    return at < 0 ? 0
                  : idem_fail("%s: number %lld of %lld is not finite: the file is damaged; get or make it again",
                              w->name, (long long)at + 1, (long long)idem_shape_count(&w->shape));
}

void idem_weight_read(const idem_weight *w, float *out) {
    if (w->channels_last)
        idem_to_rowmajor(out, w->data, &w->shape);
    else
        memcpy(out, w->data, (size_t)idem_shape_count(&w->shape) * sizeof(float));
}

void idem_weight_write(idem_weight *w, const float *rowmajor) {
    if (w->channels_last)
        idem_from_rowmajor(w->data, rowmajor, &w->shape);
    else
        memcpy(w->data, rowmajor, (size_t)idem_shape_count(&w->shape) * sizeof(float));
}

const char *idem_weights_meta(const idem_weights *w, const char *key) {
    size_t at = table_find(&w->meta, key);
    return at == SIZE_MAX ? NULL : w->meta.value[at];
}

int idem_weights_set_meta(idem_weights *w, const char *key, const char *value) {
    char *copy = idem_arena_strdup(w->arena, value);
    if (!copy)
        return -1;
    size_t at = table_find(&w->meta, key);
    if (at != SIZE_MAX) {
        w->meta.value[at] = copy;
        return 0;
    }
    const char *own = idem_arena_strdup(w->arena, key);
    return own ? table_add(&w->meta, own, copy) : -1;
}

int idem_weights_meta_at(const idem_weights *w, size_t i, const char **key, const char **value) {
    if (i >= w->meta.count)
        return -1;
    *key = w->meta.name[i];
    *value = w->meta.value[i];
    return 0;
}

size_t idem_weights_bytes(const idem_weights *w) {
    return idem_arena_bytes(w->arena) + (w->tensors.capacity + w->meta.capacity) * 32;
}

int idem_weights_note_empty(idem_weights *w, const char *name, const idem_shape *shape) {
    char key[300], text[64];
    snprintf(key, sizeof key, "empty:%s", name);
    return idem_weights_set_meta(w, key, idem_shape_text(shape, text));
}
