/* PyTorch files from before version 1.6: five pickles one after the other (a magic number, the version, facts about the
 * machine, the object, the keys of the storages), then each storage in the order of the keys: 8 bytes count, then
 * values. */
#include "format/torch_private.h"

#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"

typedef idem_torch_loader loader;

static const unsigned char MAGIC[IDEM_TORCH_LEGACY_MAGIC] = {0x80, 2,    0x8a, 10,   0x6c, 0xfc, 0x9c, 0x46,
                                                             0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, '.'};

bool idem_torch_is_legacy(const unsigned char *bytes, size_t size) {
    return size > sizeof MAGIC && !memcmp(bytes, MAGIC, sizeof MAGIC);
}

/* The position of a storage's values in the file. */
typedef struct {
    const char *key;
    const unsigned char *data;
    size_t size;
} place;

static int by_key(const void *a, const void *b) {
    return strcmp(((const place *)a)->key, ((const place *)b)->key);
}

static bool is_text(const idem_pickle_value *v, const char *word) {
    return v->kind == IDEM_PICKLE_STRING && v->length == strlen(word) && !memcmp(v->s, word, v->length);
}

int idem_torch_check_machine(const char *what, const idem_pickle_value *v) {
    for (size_t i = 0; v->kind == IDEM_PICKLE_DICT && i + 1 < v->items->count; i += 2)
        if (is_text(&v->items->item[i], "little_endian") && v->items->item[i + 1].kind == IDEM_PICKLE_BOOL)
            return v->items->item[i + 1].i
                       ? 0
                       : idem_fail("%s: written on a big-endian machine, which is not read: save it "
                                   "on another",
                                   what);
    return idem_fail("%s: a legacy PyTorch file without its byte order: damaged", what);
}

/* Storages, sorted by key; all mentions of one must have the same type. */
static place *list_storages(const loader *l, const idem_pickle *p, size_t *n) {
    place *places = calloc(p->n_storages + 1, sizeof *places);
    if (!places)
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for %zu storages", l->what, p->n_storages);
    size_t count = 0, kept = 0;
    for (const idem_pickle_storage *s = p->storages; s; s = s->next)
        places[count++] = (place){s->key, NULL, idem_dtype_size(s->dtype)};
    qsort(places, count, sizeof *places, by_key);
    for (size_t i = 0; i < count; i++) {
        if (!kept || strcmp(places[kept - 1].key, places[i].key)) {
            places[kept++] = places[i];
        } else if (places[kept - 1].size != places[i].size) {
            free(places);
            return idem_fail_null("%s: a storage is used with two types: damaged file", l->what);
        }
    }
    *n = kept;
    return places;
}

/* Locates the storages after the pickles, in the order of the keys; before that, a place's size is that of one element.
 */
static int locate(const loader *l, const idem_pickle_value *keys, place *places, size_t n, const unsigned char *p,
                  const unsigned char *end) {
    char name[101];
    if (keys->kind != IDEM_PICKLE_LIST)
        return idem_fail("%s: damaged legacy PyTorch file: no list of storages", l->what);
    for (size_t i = 0; i < keys->items->count; i++) {
        const idem_pickle_value *key = &keys->items->item[i];
        place *at = NULL;
        if (key->kind == IDEM_PICKLE_STRING && key->length < sizeof name) {
            memcpy(name, key->s, key->length);
            name[key->length] = 0;
            at = n ? bsearch(&(place){.key = name}, places, n, sizeof *places, by_key) : NULL;
        }
        if (!at || at->data)
            return idem_fail("%s: damaged legacy PyTorch file: entry %zu of its list of storages is unknown or doubled",
                             l->what, i);
        uint64_t bytes;
        if (end - p < 8 || __builtin_mul_overflow(idem_le64(p), (uint64_t)at->size, &bytes) ||
            bytes > (uint64_t)(end - p - 8))
            return idem_fail("%s: storage '%s' reaches beyond the file: truncated; get it again", l->what, name);
        at->data = p + 8;
        at->size = (size_t)bytes;
        p += 8 + bytes;
    }
    return 0;
}

static int fill(loader *l, const place *places, size_t n) {
    for (size_t i = 0, next; i < l->n_views; i = next) {
        const place key = {.key = l->views[i].tensor->storage->key};
        const place *at = bsearch(&key, places, n, sizeof *places, by_key);
        if (!at || !at->data)
            return idem_fail("%s: storage '%s' of tensor %.200s is not in the file", l->what, key.key,
                             l->views[i].weight->name);
        if (idem_torch_fill(l, i, &next, at->data, at->size))
            return -1;
    }
    return 0;
}

static int read_all(loader *l, idem_arena *arena, const unsigned char *bytes, size_t size) {
    enum { VERSION, MACHINE, OBJECT, KEYS, PICKLES };
    idem_pickle p[PICKLES];
    const unsigned char *at = bytes + sizeof MAGIC, *end = bytes + size;
    for (int i = 0; i < PICKLES; i++) {
        if (idem_pickle_read(arena, &p[i], at, (size_t)(end - at), l->what))
            return -1;
        at += p[i].used;
    }
    if (p[VERSION].root.kind != IDEM_PICKLE_INT || p[VERSION].root.i != IDEM_TORCH_LEGACY_VERSION)
        return idem_fail("%s: a legacy PyTorch file of an unknown version, expected 1001", l->what);
    if (idem_torch_check_machine(l->what, &p[MACHINE].root) || idem_torch_walk(l, &p[OBJECT].root))
        return -1;
    size_t n = 0;
    place *places = list_storages(l, &p[OBJECT], &n);
    if (!places)
        return -1;
    int status = locate(l, &p[KEYS].root, places, n, at, end);
    if (!status)
        status = fill(l, places, n);
    free(places);
    return status;
}

int idem_torch_read_legacy(loader *l, const unsigned char *bytes, size_t size) {
    idem_arena *arena = idem_arena_new();
    int status = arena ? read_all(l, arena, bytes, size) : -1;
    idem_arena_free(arena);
    return status;
}
