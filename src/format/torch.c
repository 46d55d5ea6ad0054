/* PyTorch checkpoints: a zip archive with NAME/data.pkl, a pickle that describes tensors as views of storages, and the
 * storages as NAME/data/KEY. Each storage is unpacked once, for all tensors that view it. */
#include "format/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zip.h>

#include "format/bytes.h"
#include "format/torch_private.h"

enum { ENTRIES_MOST = 100000, PICKLE_MOST = 8 << 20 };

typedef idem_torch_loader loader;

/* Unpacks one entry; malloc'ed. libzip tests the checksum at the entry's end. */
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
        return idem_torch_over_budget(l, name);
    l->inflated += (size_t)s.size;
    unsigned char *p = malloc((size_t)s.size + 1);
    if (!p)
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for '%s': %zu bytes", l->what, name, (size_t)s.size);
    zip_file_t *f = zip_fopen_index(z, index, 0);
    size_t got = 0;
    zip_int64_t n = f ? 1 : -1;
    /* Reads one byte more than expected: libzip compares checksums only at the end. */
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
        int status = idem_torch_fill(l, i, &next, data, size);
        free(data);
        if (status)
            return -1;
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
    return idem_fail("%s: looks like a zip archive without data.pkl, so it is not a PyTorch checkpoint", l->what);
}

/* Finds NAME/data.pkl and copies "NAME/" to root. */
static int find_pickle(const loader *l, zip_t *z, zip_uint64_t *index, char *root, size_t capacity) {
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
        if (length >= capacity)
            return idem_fail("%s: the folder inside the archive has a name of %zu bytes", l->what, length);
        memcpy(root, name, length);
        root[length] = 0;
        *index = (zip_uint64_t)i;
        return 0;
    }
    return wrong_archive(l, z, n);
}

/* Newer files contain their byte order. */
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
    idem_pickle value;
    int status = idem_pickle_read(arena, &value, pickle, size, l->what);
    if (!status)
        status = idem_torch_walk(l, &value.root);
    free(pickle);
    return status ? -1 : fill(l, z, root);
}

static int read_zip(loader *l, const unsigned char *bytes, size_t size) {
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes, size, 0, &error);
    zip_t *z = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    int status = -1;
    if (!z) {
        idem_fail("%s: looks like %s that is damaged or truncated (%s); get it again", l->what,
                  idem_looks_like(bytes, size), zip_error_strerror(&error));
        zip_source_free(source);
    } else {
        idem_arena *arena = idem_arena_new();
        status = arena ? read_archive(l, z, arena) : -1;
        idem_arena_free(arena);
        zip_discard(z);
    }
    zip_error_fini(&error);
    return status;
}

int idem_torch_parse(idem_weights **out, const unsigned char *bytes, size_t size, const char *what) {
    loader *l = calloc(1, sizeof *l);
    if (!l)
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory", what);
    l->what = what;
    l->file_size = size;
    l->budget = idem_format_budget(size);
    l->weights = idem_weights_new();
    int status = -1;
    if (l->weights && idem_torch_is_legacy(bytes, size))
        status = idem_torch_read_legacy(l, bytes, size);
    else if (l->weights)
        status = size > 1 && bytes[0] == 0x80 ? idem_torch_read_pkl(l, bytes, size) : read_zip(l, bytes, size);
    if (status)
        idem_weights_free(l->weights);
    else
        *out = l->weights;
    free(l->views);
    free(l);
    return status;
}
