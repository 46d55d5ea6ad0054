#include "format/torch_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"

enum { DEPTH_MOST = 32, PATH_MOST = IDEM_TORCH_PATH_MOST, VISITS_MOST = 1000000 };

typedef idem_torch_loader loader;
typedef idem_torch_view view;

int idem_torch_over_budget(const loader *l, const char *name) {
    return idem_fail("%s: unpacked, '%.200s' would take memory out of proportion to the file's %zu bytes: refused",
                     l->what, name, l->file_size);
}

/* ---- names ---- */

static int add_view(loader *l, const idem_pickle_tensor *t) {
    int64_t count;
    size_t bytes;
    if (!idem_shape_elements(&t->shape, &count))
        return idem_torch_over_budget(l, l->path);
    if (count == 0)
        return idem_weights_note_empty(l->weights, l->path, &t->shape);
    if (__builtin_mul_overflow((size_t)count, sizeof(float), &bytes) || bytes > l->budget ||
        idem_weights_bytes(l->weights) > l->budget - bytes)
        return idem_torch_over_budget(l, l->path);
    if (l->n_views == l->views_capacity) {
        size_t capacity = l->views_capacity ? 2 * l->views_capacity : 64;
        view *v = realloc(l->views, capacity * sizeof *v);
        if (!v)
            return idem_fail_as(IDEM_MEMORY, "%s: out of memory for %zu tensors", l->what, capacity);
        l->views = v;
        l->views_capacity = capacity;
    }
    idem_weight *w = idem_weights_add_from(l->weights, l->what, *l->path ? l->path : "tensor", t->shape);
    if (!w)
        return -1;
    w->dtype = t->storage->dtype;
    l->views[l->n_views] = (view){w, t, l->n_views};
    l->n_views++;
    return 0;
}

static int add_text(loader *l, const char *text) {
    if (idem_weights_bytes(l->weights) > l->budget)
        return idem_torch_over_budget(l, l->path);
    return idem_weights_set_meta(l->weights, *l->path ? l->path : "value", text);
}

static int walk(loader *l, const idem_pickle_value *v, size_t path_length, int depth);

/* Appends one key to the path and continues below it. */
static int walk_child(loader *l, const char *key, size_t n, const idem_pickle_value *v, size_t path_length, int depth) {
    if (memchr(key, 0, n))
        return idem_fail("%s: a name with a NUL byte below '%s'", l->what, l->path);
    size_t dot = path_length > 0;
    if (n > PATH_MOST - dot || path_length > PATH_MOST - dot - n)
        return idem_fail("%s: a name longer than %d bytes: %.100s...", l->what, PATH_MOST, l->path);
    if (dot)
        l->path[path_length] = '.';
    memcpy(l->path + path_length + dot, key, n);
    size_t length = path_length + dot + n;
    l->path[length] = 0;
    int status = walk(l, v, length, depth + 1);
    l->path[path_length] = 0;
    return status;
}

static int walk_dict(loader *l, const idem_pickle_items *d, size_t path_length, int depth) {
    for (size_t i = 0; i + 1 < d->count; i += 2) {
        const idem_pickle_value *key = &d->item[i];
        char number[24];
        int status;
        if (key->kind == IDEM_PICKLE_STRING) {
            status = walk_child(l, key->s, key->length, &d->item[i + 1], path_length, depth);
        } else if (key->kind == IDEM_PICKLE_INT) {
            int n = snprintf(number, sizeof number, "%lld", (long long)key->i);
            status = walk_child(l, number, (size_t)n, &d->item[i + 1], path_length, depth);
        } else {
            status = idem_fail("%s: below '%s' a dictionary has a key that is neither text nor a whole number", l->what,
                               l->path);
        }
        if (status)
            return -1;
    }
    return 0;
}

static int walk_list(loader *l, const idem_pickle_items *t, size_t path_length, int depth) {
    char number[24];
    for (size_t i = 0; i < t->count; i++) {
        int n = snprintf(number, sizeof number, "%zu", i);
        if (walk_child(l, number, (size_t)n, &t->item[i], path_length, depth))
            return -1;
    }
    return 0;
}

static int walk(loader *l, const idem_pickle_value *v, size_t path_length, int depth) {
    char text[PATH_MOST + 1];
    if (depth > DEPTH_MOST)
        return idem_fail("%s: dictionaries nested more than %d deep at '%.200s'", l->what, DEPTH_MOST, l->path);
    if (++l->visits > VISITS_MOST)
        return idem_fail("%s: more than %d values: refused", l->what, VISITS_MOST);
    switch (v->kind) {
    case IDEM_PICKLE_TENSOR:
        return add_view(l, v->tensor);
    case IDEM_PICKLE_DICT:
        return walk_dict(l, v->items, path_length, depth);
    case IDEM_PICKLE_LIST:
    case IDEM_PICKLE_TUPLE:
        return walk_list(l, v->items, path_length, depth);
    case IDEM_PICKLE_INT:
        snprintf(text, sizeof text, "%lld", (long long)v->i);
        return add_text(l, text);
    case IDEM_PICKLE_FLOAT:
        snprintf(text, sizeof text, "%.17g", v->f);
        return add_text(l, text);
    case IDEM_PICKLE_BOOL:
        return add_text(l, v->i ? "true" : "false");
    case IDEM_PICKLE_STRING:
        if (v->length > PATH_MOST || memchr(v->s, 0, v->length))
            return 0; /* not a simple value */
        memcpy(text, v->s, v->length);
        text[v->length] = 0;
        return add_text(l, text);
    case IDEM_PICKLE_NONE:
    case IDEM_PICKLE_OPAQUE:
        return 0;
    default:
        return idem_fail("%s: '%.200s' is neither a tensor nor plain data", l->what, l->path);
    }
}

/* ---- values ---- */

void idem_torch_gather(float *out, const unsigned char *storage, const idem_pickle_tensor *t) {
    const idem_dtype dtype = t->storage->dtype;
    const size_t size = idem_dtype_size(dtype);
    int outer = t->shape.rank;
    int64_t run = 1; /* contiguous elements */
    while (outer > 0 && (t->stride[outer - 1] == run || t->shape.d[outer - 1] == 1))
        run *= t->shape.d[--outer];
    int64_t index[IDEM_MAX_RANK] = {0}, at = t->offset;
    for (;;) {
        idem_dtype_read(out, storage + (size_t)at * size, dtype, (size_t)run);
        out += run;
        int i = outer - 1;
        for (; i >= 0; i--) {
            at += t->stride[i];
            if (++index[i] < t->shape.d[i])
                break;
            at -= t->stride[i] * t->shape.d[i];
            index[i] = 0;
        }
        if (i < 0)
            return;
    }
}

static int by_storage(const void *a, const void *b) {
    const view *x = a, *y = b;
    int c = strcmp(x->tensor->storage->key, y->tensor->storage->key);
    return c ? c : x->order < y->order ? -1 : 1;
}

int idem_torch_walk(loader *l, const idem_pickle_value *root) {
    if (walk(l, root, 0, 0))
        return -1;
    if (l->n_views)
        qsort(l->views, l->n_views, sizeof *l->views, by_storage);
    return 0;
}

int idem_torch_fill(loader *l, size_t first, size_t *next, const unsigned char *data, size_t size) {
    const char *key = l->views[first].tensor->storage->key;
    size_t i = first;
    for (; i < l->n_views && !strcmp(l->views[i].tensor->storage->key, key); i++) {
        const idem_pickle_storage *s = l->views[i].tensor->storage;
        if ((uint64_t)s->count > size / idem_dtype_size(s->dtype))
            return idem_fail("%s: storage '%s' has %zu bytes, expected %lld values of %s", l->what, key, size,
                             (long long)s->count, idem_dtype_name(s->dtype));
        idem_torch_gather(l->views[i].weight->data, data, l->views[i].tensor);
    }
    *next = i;
    return 0;
}
