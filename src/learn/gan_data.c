#define _POSIX_C_SOURCE 200809L
#include "learn/gan_data.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/sha256.h"
#include "base/status.h"
#include "format/bytes.h"
#include "learn/epochs.h"
#include "learn/picture_tree.h"

enum { LIST = 8 + 64 + 16, HEADER = LIST + 8 }; /* the first part is known before any picture is */
static const char MAGIC[9] = "IDEMPIC2";

struct idem_gan_data {
    idem_arena *arena;
    const char *dir;
    idem_gan_data_options options;
    idem_picture_tree *tree;
    size_t files, count; /* on the list, readable */
    uint32_t *file;      /* of each picture: its place on the list, ascending */
    char hash[65];
    uint32_t *order;    /* held-out ones first */
    idem_epochs epochs; /* of the others */
    size_t picture;
    unsigned char *map;
    size_t map_bytes;
};

/* ---- the cache ---- */

static int digest(const idem_gan_data *d, char hex[65]) {
    idem_sha256 sha = idem_sha256_make();
    for (size_t i = 0; i < d->files; i++) {
        const char *name = idem_picture_tree_name(d->tree, i);
        char *path = idem_path_join(d->dir, name), text[32];
        struct stat st;
        int status = path ? stat(path, &st) : -1;
        if (path && status)
            idem_fail("%s: %s", path, strerror(errno));
        free(path);
        if (status)
            return -1;
        snprintf(text, sizeof text, " %jd\n", (intmax_t)st.st_size);
        idem_sha256_add(&sha, name, strlen(name));
        idem_sha256_add(&sha, text, strlen(text));
    }
    idem_sha256_end(&sha, hex);
    return 0;
}

static void put_list(unsigned char list[LIST], const idem_gan_data *d, const char hex[65]) {
    memcpy(list, MAGIC, 8);
    memcpy(list + 8, hex, 64);
    idem_le_put(list + 72, (uint64_t)d->options.size, 8);
    idem_le_put(list + 80, d->files, 8);
}

static void tell_bad(const idem_gan_data *d, const char *why) {
    if (d->options.bad)
        d->options.bad(d->options.user, why);
}

/* The pictures of the list; which they are goes to d. */
static int write_pictures(idem_gan_data *d, idem_writer *w) {
    for (size_t i = 0; i < d->files; i++) {
        idem_image im;
        if (d->options.stop && *d->options.stop)
            return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
        if (idem_picture_tree_square(d->tree, i, d->options.size, &im)) {
            tell_bad(d, idem_error());
        } else {
            d->file[d->count++] = (uint32_t)i;
            const bool written = fwrite(im.rgb, d->picture, 1, w->stream) == 1;
            idem_image_free(&im);
            if (!written)
                return idem_fail_as(IDEM_INTERNAL, "%s: cannot write: %s", w->path, strerror(errno));
        }
        if (d->options.progress)
            d->options.progress(d->options.user, i + 1, d->files);
    }
    return 0;
}

static int write_cache(idem_gan_data *d, const char *cache, const unsigned char list[LIST]) {
    idem_writer w;
    unsigned char count[HEADER - LIST] = {0};
    if (idem_writer_open(&w, cache))
        return -1;
    fwrite(list, LIST, 1, w.stream);
    fwrite(count, sizeof count, 1, w.stream);
    int status = write_pictures(d, &w);
    for (size_t i = 0; i < d->count && !status; i++) {
        unsigned char file[4];
        idem_le_put(file, d->file[i], 4);
        fwrite(file, sizeof file, 1, w.stream);
    }
    idem_le_put(count, d->count, 8);
    if (!status && (fseek(w.stream, LIST, SEEK_SET) || fwrite(count, sizeof count, 1, w.stream) != 1))
        status = idem_fail_as(IDEM_INTERNAL, "%s: cannot write: %s", cache, strerror(errno));
    if (!status)
        return idem_writer_commit(&w);
    idem_writer_abort(&w);
    return -1;
}

/* The places of the pictures on the list, behind the pictures; false: they are none. */
static bool read_files(idem_gan_data *d, uint64_t count) {
    const unsigned char *at = d->map + HEADER + count * d->picture;
    for (uint64_t i = 0; i < count; i++) {
        const uint32_t file = idem_le32(at + 4 * i);
        if (file >= d->files || (i && file <= d->file[i - 1]))
            return false;
        d->file[i] = file;
    }
    d->count = (size_t)count;
    return true;
}

/* 1: mapped, 0: there is none of this list, -1 */
static int map_cache(idem_gan_data *d, const char *cache, const unsigned char list[LIST]) {
    const int file = open(cache, O_RDONLY | O_CLOEXEC);
    struct stat st;
    unsigned char found[HEADER];
    if (file < 0)
        return 0;
    int status = 0;
    if (!fstat(file, &st) && read(file, found, HEADER) == HEADER && !memcmp(found, list, LIST)) {
        const uint64_t count = idem_le64(found + LIST), each = d->picture + 4;
        if (count <= d->files && (uint64_t)st.st_size == HEADER + count * each) {
            d->map_bytes = (size_t)st.st_size;
            d->map = mmap(NULL, d->map_bytes, PROT_READ, MAP_SHARED, file, 0);
            status =
                d->map == MAP_FAILED ? idem_fail("%s: cannot map: %s", cache, strerror(errno)) : read_files(d, count);
            if (!status)
                munmap(d->map, d->map_bytes);
            if (status != 1)
                d->map = NULL;
        }
    }
    close(file);
    return status;
}

/* Files that were bad when the cache was made, unless that was just now. */
static void tell_missing(const idem_gan_data *d, const char *cache) {
    size_t next = 0;
    for (size_t i = 0; i < d->files; i++) {
        if (next < d->count && d->file[next] == i) {
            next++;
            continue;
        }
        idem_fail("%s/%s: could not be read when %s was made", d->dir, idem_picture_tree_name(d->tree, i), cache);
        tell_bad(d, idem_error());
    }
}

/* ---- order ---- */

static int check_count(const idem_gan_data *d, size_t count, const char *kind) {
    const size_t least = (size_t)d->options.held_out + 2;
    return count >= least && count <= UINT32_MAX
               ? 0
               : idem_fail("%s: %zu %spictures (JPEG, PNG, WebP) were found, expected at least %zu: name a folder with "
                           "pictures, or hold fewer out",
                           d->dir, count, kind, least);
}

static int split(idem_gan_data *d) {
    const size_t apart = (size_t)d->options.held_out;
    if (check_count(d, d->count, d->count < d->files ? "readable " : ""))
        return -1;
    d->order = idem_arena_array(d->arena, d->count, sizeof *d->order);
    if (!d->order)
        return -1;
    for (size_t i = 0; i < d->count; i++)
        d->order[i] = (uint32_t)i;
    idem_rng rng = idem_rng_make(d->options.seed, "gan.data.split");
    idem_rng_shuffle(&rng, d->order, d->count);
    return idem_epochs_make(&d->epochs, d->options.seed, "gan.data.order", d->order + apart, d->count - apart);
}

static const unsigned char *pixels(const idem_gan_data *d, uint32_t index) {
    return d->map + HEADER + (size_t)index * d->picture;
}

static void to_float(const idem_gan_data *d, const unsigned char *rgb, bool mirrored, float *x) {
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
        to_float(d, pixels(d, idem_epochs_item(&d->epochs, k)), d->options.mirror && mirrored, x);
    }
}

void idem_gan_data_look(const idem_gan_data *d, bool held_out, size_t first, size_t n, float *x) {
    const uint32_t *order = d->order + (held_out ? 0 : d->options.held_out);
    for (size_t i = 0; i < n; i++)
        to_float(d, pixels(d, order[first + i]), false, x + i * d->picture);
}

const char *idem_gan_data_name(const idem_gan_data *d, bool held_out, size_t i) {
    return idem_picture_tree_name(d->tree, d->file[d->order[held_out ? i : i + (size_t)d->options.held_out]]);
}

size_t idem_gan_data_count(const idem_gan_data *d) {
    return d->count - (size_t)d->options.held_out;
}

size_t idem_gan_data_held_out(const idem_gan_data *d) {
    return (size_t)d->options.held_out;
}

size_t idem_gan_data_bad(const idem_gan_data *d) {
    return d->files - d->count;
}

int idem_gan_data_side(const idem_gan_data *d) {
    return d->options.size;
}

const char *idem_gan_data_hash(const idem_gan_data *d) {
    return d->hash;
}

/* ---- life ---- */

static void hash_choice(idem_gan_data *d, const char files[65]) {
    char text[128];
    const int n = snprintf(text, sizeof text, "%s %d %" PRIu64 " %d", files, d->options.size, d->options.seed,
                           d->options.held_out);
    idem_sha256 sha = idem_sha256_make();
    idem_sha256_add(&sha, text, (size_t)n);
    idem_sha256_end(&sha, d->hash);
}

static int open_data(idem_gan_data *d, const char *dir, const char *cache) {
    char hex[65];
    unsigned char list[LIST];
    if (!(d->arena = idem_arena_new()) || !(d->dir = idem_arena_strdup(d->arena, dir)) ||
        !(d->tree = idem_picture_tree_open(dir)))
        return -1;
    d->files = idem_picture_tree_count(d->tree);
    if (check_count(d, d->files, "") || !(d->file = idem_arena_array(d->arena, d->files, sizeof *d->file)) ||
        digest(d, hex))
        return -1;
    hash_choice(d, hex);
    put_list(list, d, hex);
    int found = map_cache(d, cache, list);
    if (found > 0)
        tell_missing(d, cache);
    else if (!found)
        found = write_cache(d, cache, list) ? -1 : map_cache(d, cache, list);
    if (found != 1)
        return found < 0 ? -1 : idem_fail("%s: was changed while it was opened", cache);
    return split(d);
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
    if (d->map)
        munmap(d->map, d->map_bytes);
    idem_epochs_free(&d->epochs);
    idem_picture_tree_free(d->tree);
    idem_arena_free(d->arena);
    free(d);
}
