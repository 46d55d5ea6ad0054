/* PyTorch checkpoints: a zip archive with NAME/data.pkl, a pickle that describes tensors as views of storages, and the
 * storages as NAME/data/KEY. Each storage is unpacked once, whatever the number of tensors that view it. */
#include "format/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zip.h>

#include "format/bytes.h"
#include "format/pickle.h"

enum { DEPTH_MOST = 32, PATH_MOST = 1000, ENTRIES_MOST = 100000, VISITS_MOST = 1000000, PICKLE_MOST = 8 << 20 };

typedef struct {
    idem_weight *weight;
    const idem_pickle_tensor *tensor;
    size_t order;
} view;

typedef struct {
    const char *what;
    idem_weights *weights;
    size_t file_size, budget; /* of everything live at once */
    size_t inflated, visits;  /* in all */
    view *views;
    size_t n_views, views_room;
    char path[PATH_MOST + 1]; /* joined keys */
} loader;

static int over_budget(const loader *l, const char *name) {
    return idem_fail("%s: unpacked, '%.200s' would take memory out of all proportion to the file's %zu bytes: refused",
                     l->what, name, l->file_size);
}

/* ---- from the pickle to named tensors ---- */

static int add_view(loader *l, const idem_pickle_tensor *t) {
    int64_t count;
    size_t bytes;
    if (!idem_shape_elements(&t->shape, &count))
        return over_budget(l, l->path);
    if (count == 0)
        return idem_weights_note_empty(l->weights, l->path, &t->shape);
    if (__builtin_mul_overflow((size_t)count, sizeof(float), &bytes) || bytes > l->budget ||
        idem_weights_bytes(l->weights) > l->budget - bytes)
        return over_budget(l, l->path);
    if (l->n_views == l->views_room) {
        size_t room = l->views_room ? 2 * l->views_room : 64;
        view *v = realloc(l->views, room * sizeof *v);
        if (!v)
            return idem_fail("%s: out of memory for %zu tensors", l->what, room);
        l->views = v;
        l->views_room = room;
    }
    idem_weight *w = idem_weights_add(l->weights, *l->path ? l->path : "tensor", t->shape);
    if (!w)
        return -1;
    w->dtype = t->storage->dtype;
    l->views[l->n_views] = (view){w, t, l->n_views};
    l->n_views++;
    return 0;
}

static int add_text(loader *l, const char *text) {
    if (idem_weights_bytes(l->weights) > l->budget)
        return over_budget(l, l->path);
    return idem_weights_set_meta(l->weights, *l->path ? l->path : "value", text);
}

static int walk(loader *l, const idem_pickle_value *v, size_t path_length, int depth);

/* Appends one key to the path and goes on below it. */
static int walk_child(loader *l, const char *key, size_t n, const idem_pickle_value *v, size_t path_length, int depth) {
    if (memchr(key, 0, n))
        return idem_fail("%s: a name with a zero byte below '%s'", l->what, l->path);
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
        return 0;
    default:
        return idem_fail("%s: at '%.200s' stands neither a tensor nor plain data", l->what, l->path);
    }
}

/* ---- from storages to values ---- */

/* Copies a strided view out of its storage, row-major. */
static void gather(float *out, const unsigned char *storage, const idem_pickle_tensor *t) {
    const idem_dtype dtype = t->storage->dtype;
    const size_t size = idem_dtype_size(dtype);
    int outer = t->shape.rank;
    int64_t run = 1; /* elements that lie one behind the other */
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

/* Unpacks one entry whole; malloc'ed. The checksum is tested by libzip at the entry's end. */
static int read_entry(loader *l, zip_t *z, zip_uint64_t index, const char *name, size_t most, unsigned char **data,
                      size_t *size) {
    zip_stat_t s;
    const zip_uint64_t want = ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD;
    if (zip_stat_index(z, index, 0, &s) || (s.valid & want) != want)
        return idem_fail("%s: damaged zip entry '%s'", l->what, name);
    if (s.comp_method != ZIP_CM_STORE && s.comp_method != ZIP_CM_DEFLATE)
        return idem_fail("%s: zip entry '%s' is packed by method %d, expected stored or deflated", l->what, name,
                         s.comp_method);
    size_t all = ((size_t)64 << 20) + (l->file_size > SIZE_MAX / 16 ? SIZE_MAX / 2 : 8 * l->file_size);
    if (s.size > most || s.size > all - l->inflated)
        return over_budget(l, name);
    l->inflated += (size_t)s.size;
    unsigned char *p = malloc((size_t)s.size + 1);
    if (!p)
        return idem_fail("%s: out of memory for '%s': %zu bytes", l->what, name, (size_t)s.size);
    zip_file_t *f = zip_fopen_index(z, index, 0);
    size_t got = 0;
    zip_int64_t n = f ? 1 : -1;
    /* One byte more than there should be: reaching the end is what makes libzip compare checksums. */
    while (n > 0 && got <= s.size) {
        n = zip_fread(f, p + got, s.size + 1 - got);
        got += n > 0 ? (size_t)n : 0;
    }
    char why[100];
    snprintf(why, sizeof why, "%s", f ? zip_error_strerror(zip_file_get_error(f)) : zip_strerror(z));
    if (f)
        zip_fclose(f);
    if (n < 0 || got != s.size) {
        free(p);
        return idem_fail("%s: zip entry '%s' cannot be unpacked (%s): the file is damaged; get it again", l->what, name,
                         n < 0 ? why : "another length than claimed");
    }
    *data = p;
    *size = got;
    return 0;
}

/* root is the part of entry names before "data.pkl", with its '/'. */
static int fill(loader *l, zip_t *z, const char *root) {
    char name[400];
    if (l->n_views)
        qsort(l->views, l->n_views, sizeof *l->views, by_storage);
    for (size_t i = 0, next; i < l->n_views; i = next) {
        const char *key = l->views[i].tensor->storage->key;
        snprintf(name, sizeof name, "%sdata/%s", root, key);
        zip_int64_t at = zip_name_locate(z, name, 0);
        if (at < 0)
            return idem_fail("%s: storage '%s' of tensor %.200s is not in the archive", l->what, name,
                             l->views[i].weight->name);
        unsigned char *data;
        size_t size, used = idem_weights_bytes(l->weights);
        if (read_entry(l, z, (zip_uint64_t)at, name, used < l->budget ? l->budget - used : 0, &data, &size))
            return -1;
        for (next = i; next < l->n_views && !strcmp(l->views[next].tensor->storage->key, key); next++) {
            const idem_pickle_storage *s = l->views[next].tensor->storage;
            if ((uint64_t)s->count > size / idem_dtype_size(s->dtype)) {
                free(data);
                return idem_fail("%s: storage '%s' has %zu bytes, expected %lld values of %s", l->what, name, size,
                                 (long long)s->count, idem_dtype_name(s->dtype));
            }
            gather(l->views[next].weight->data, data, l->views[next].tensor);
        }
        free(data);
    }
    return 0;
}

/* ---- the archive ---- */

static int wrong_archive(const loader *l, zip_t *z, zip_int64_t n) {
    bool npy = false;
    for (zip_int64_t i = 0; i < n; i++) {
        const char *name = zip_get_name(z, (zip_uint64_t)i, 0);
        size_t length = name ? strlen(name) : 0;
        npy |= length > 4 && !strcmp(name + length - 4, ".npy");
    }
    if (npy)
        return idem_fail("%s: looks like a NumPy .npz archive; expected a PyTorch checkpoint: save single .npy files",
                         l->what);
    return idem_fail("%s: looks like a zip archive without data.pkl, so it is no PyTorch checkpoint", l->what);
}

/* Finds NAME/data.pkl and copies "NAME/" to root. */
static int find_pickle(const loader *l, zip_t *z, zip_uint64_t *index, char *root, size_t room) {
    zip_int64_t n = zip_get_num_entries(z, 0);
    if (n > ENTRIES_MOST)
        return idem_fail("%s: a zip archive of %lld entries, at most %d are accepted", l->what, (long long)n,
                         ENTRIES_MOST);
    for (zip_int64_t i = 0; i < n; i++) {
        const char *name = zip_get_name(z, (zip_uint64_t)i, 0);
        const char *slash = name ? strchr(name, '/') : NULL;
        if (!name || strcmp(slash ? slash + 1 : name, "data.pkl"))
            continue;
        size_t length = slash ? (size_t)(slash + 1 - name) : 0;
        if (length >= room)
            return idem_fail("%s: the folder inside the archive has a name of %zu bytes", l->what, length);
        memcpy(root, name, length);
        root[length] = 0;
        *index = (zip_uint64_t)i;
        return 0;
    }
    return wrong_archive(l, z, n);
}

/* Newer files say in what byte order they are. */
static int check_byte_order(loader *l, zip_t *z, const char *root) {
    char name[300];
    snprintf(name, sizeof name, "%sbyteorder", root);
    zip_int64_t at = zip_name_locate(z, name, 0);
    if (at < 0)
        return 0;
    unsigned char *data;
    size_t size;
    if (read_entry(l, z, (zip_uint64_t)at, name, 100, &data, &size))
        return -1;
    bool little = size >= 6 && !memcmp(data, "little", 6);
    free(data);
    return little ? 0
                  : idem_fail("%s: written on a big-endian machine, which is not read: save it on another", l->what);
}

static int read_archive(loader *l, zip_t *z, idem_arena *arena) {
    char root[200];
    zip_uint64_t index;
    unsigned char *pickle;
    size_t size;
    if (find_pickle(l, z, &index, root, sizeof root) || check_byte_order(l, z, root) ||
        read_entry(l, z, index, "data.pkl", PICKLE_MOST, &pickle, &size))
        return -1;
    idem_pickle_value value;
    int status = idem_pickle_read(arena, &value, pickle, size, NULL, l->what);
    if (!status)
        status = walk(l, &value, 0, 0);
    free(pickle);
    return status ? -1 : fill(l, z, root);
}

int idem_torch_parse(idem_weights **out, const unsigned char *bytes, size_t size, const char *what) {
    loader *l = calloc(1, sizeof *l);
    if (!l)
        return idem_fail("%s: out of memory", what);
    l->what = what;
    l->file_size = size;
    l->budget = idem_format_budget(size);
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &error);
    zip_t *z = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    int status = -1;
    if (!z) {
        idem_fail("%s: looks like %s that is damaged or truncated (%s); get it again", what,
                  idem_looks_like(bytes, size), zip_error_strerror(&error));
        zip_source_free(source);
    } else {
        idem_arena *arena = idem_arena_new();
        l->weights = idem_weights_new();
        if (arena && l->weights)
            status = read_archive(l, z, arena);
        idem_arena_free(arena);
        zip_discard(z);
    }
    zip_error_fini(&error);
    if (status)
        idem_weights_free(l->weights);
    else
        *out = l->weights;
    free(l->views);
    free(l);
    return status;
}
