#define _POSIX_C_SOURCE 200809L
#include "data/picture_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/status.h"
#include "format/bytes.h"
#include "data/picture_tree.h"

enum { HEADER = 40, NUMBERS = 4, ENTRY = 8 * NUMBERS + 32 + 1 + 4, HASH = 32, PICTURE = 1, EMPTY = 2 };
static const char MAGIC[9] = "IDEMPIC3";
#define SECOND 1000000000ull

typedef struct {
    uint64_t numbers[NUMBERS]; /* size, mtime, ctime, inode */
    unsigned char hash[HASH];
    bool readable;    /* it is a picture */
    bool told;        /* tried and found to be no picture */
    bool empty;       /* readable, but without anything to make a picture of */
    const char *name; /* of `length` bytes, not NUL-terminated in a mapped file */
    uint32_t length;
    size_t at; /* index of its pixels in the mapped file, in pictures */
} record;

/* A mapped file. */
typedef struct {
    unsigned char *map;
    size_t bytes;
    record *list; /* by name */
    size_t files, pictures;
} mapped;

struct idem_picture_cache {
    idem_picture_cache_options options;
    char *file;
    idem_picture_tree *tree;
    size_t picture;         /* bytes */
    mapped old;             /* the old file; after keep the new one */
    const record **by_hash; /* pictures of old */
    record *list;           /* of the tree */
    size_t files, pictures;
    size_t *which; /* by picture: its index on the list */
    size_t fresh, gone;
    idem_writer writer; /* for the new file; .stream NULL: nothing has changed */
};

/* ---- a file that is there ---- */

static void unmap(mapped *m) {
    if (m->map)
        munmap(m->map, m->bytes);
    free(m->list);
    *m = (mapped){0};
}

static bool read_entry(record *r, const unsigned char **at, const unsigned char *end) {
    if (end - *at < ENTRY)
        return false;
    for (int i = 0; i < NUMBERS; i++)
        r->numbers[i] = idem_le64(*at + 8 * i);
    memcpy(r->hash, *at + 8 * NUMBERS, HASH);
    const unsigned char state = (*at)[8 * NUMBERS + HASH];
    r->readable = state == PICTURE;
    r->empty = state == EMPTY;
    r->length = idem_le32(*at + ENTRY - 4);
    *at += ENTRY;
    if (state > EMPTY || !r->length || (size_t)(end - *at) < r->length)
        return false;
    r->name = (const char *)*at;
    *at += r->length;
    return true;
}

static int compare_names(const record *a, const record *b) {
    const uint32_t n = a->length < b->length ? a->length : b->length;
    const int order = memcmp(a->name, b->name, n);
    return order ? order : a->length < b->length ? -1 : a->length > b->length;
}

static bool read_list(mapped *m, const unsigned char *at, const unsigned char *end) {
    size_t pictures = 0;
    for (size_t i = 0; i < m->files; i++) {
        record *r = &m->list[i];
        if (!read_entry(r, &at, end) || (i && compare_names(r - 1, r) >= 0))
            return false;
        r->at = pictures;
        pictures += r->readable;
    }
    return at == end && pictures == m->pictures;
}

/* 1; 0: no cache for such pictures; -1. */
static int map_file(mapped *m, const char *path, const idem_picture_cache_options *o, size_t picture) {
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    unsigned char head[HEADER];
    *m = (mapped){0};
    if (fd < 0)
        return 0;
    int status = 0;
    if (!fstat(fd, &st) && read(fd, head, HEADER) == HEADER && !memcmp(head, MAGIC, 8) &&
        idem_le32(head + 8) == (uint32_t)o->size && idem_le32(head + 12) == o->rule) {
        const uint64_t bytes = (uint64_t)st.st_size - HEADER, files = idem_le64(head + 16),
                       pictures = idem_le64(head + 24), list = idem_le64(head + 32);
        if (files <= bytes / ENTRY && pictures <= files && pictures <= bytes / picture &&
            list == bytes - pictures * picture) {
            m->files = (size_t)files;
            m->pictures = (size_t)pictures;
            m->bytes = (size_t)st.st_size;
            m->map = mmap(NULL, m->bytes, PROT_READ, MAP_SHARED, fd, 0);
            m->list = malloc((m->files + 1) * sizeof *m->list);
            if (m->map == MAP_FAILED || !m->list) {
                m->map = m->map == MAP_FAILED ? NULL : m->map;
                status = idem_fail_as(IDEM_MEMORY, "%s: out of memory for its %zu bytes", path, m->bytes);
            } else {
                status = read_list(m, m->map + HEADER + m->pictures * picture, m->map + m->bytes);
            }
        }
    }
    close(fd);
    if (status != 1)
        unmap(m);
    return status;
}

static int compare_hashes(const void *a, const void *b) {
    return memcmp((*(const record *const *)a)->hash, (*(const record *const *)b)->hash, HASH);
}

static int index_old(idem_picture_cache *c) {
    size_t n = 0;
    if (!(c->by_hash = malloc((c->old.files + 1) * sizeof *c->by_hash)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu pictures", c->old.files);
    for (size_t i = 0; i < c->old.files; i++)
        if (c->old.list[i].readable)
            c->by_hash[n++] = &c->old.list[i];
    if (n)
        qsort(c->by_hash, n, sizeof *c->by_hash, compare_hashes);
    return 0;
}

static const record *find_content(const idem_picture_cache *c, const record *r) {
    const record **found =
        c->old.pictures ? bsearch(&r, c->by_hash, c->old.pictures, sizeof *c->by_hash, compare_hashes) : NULL;
    return found ? *found : NULL;
}

static int by_name(const void *a, const void *b) {
    return compare_names(a, b);
}

static const record *find_name(const idem_picture_cache *c, const record *r) {
    return c->old.files ? bsearch(r, c->old.list, c->old.files, sizeof *c->old.list, by_name) : NULL;
}

/* ---- the files ---- */

static void tell(const idem_picture_cache *c, const char *why) {
    if (c->options.bad)
        c->options.bad(c->options.user, why);
}

/* Handles the last failure for one file; -1 if it would occur for every file. */
static int leave_out(const idem_picture_cache *c, record *r) {
    if (idem_error_kind() != IDEM_INPUT)
        return -1;
    tell(c, idem_error());
    r->told = true;
    return 0;
}

/* The same for a file that was found empty before. */
static int leave_out_again(const idem_picture_cache *c, record *r, size_t i) {
    idem_fail("%s: nothing was found in it before, and it has not changed", idem_picture_tree_path(c->tree, i));
    r->empty = true;
    return leave_out(c, r);
}

static uint64_t nanoseconds(struct timespec t) {
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* A file written at this moment may be written again with the same time stamp: its time cannot show that it is
 * unchanged. */
static void look(record *r, const char *path) {
    struct stat st;
    struct timespec now;
    if (stat(path, &st) || !S_ISREG(st.st_mode))
        return;
    clock_gettime(CLOCK_REALTIME, &now);
    const uint64_t changed = nanoseconds(st.st_ctim);
    r->numbers[0] = (uint64_t)st.st_size;
    r->numbers[1] = nanoseconds(st.st_mtim);
    r->numbers[2] = changed + SECOND < nanoseconds(now) ? changed : 0;
    r->numbers[3] = st.st_ino;
}

static void look_at_all(idem_picture_cache *c) {
    for (size_t i = 0; i < c->files; i++) {
        record *r = &c->list[i];
        r->name = idem_picture_tree_name(c->tree, i);
        r->length = (uint32_t)strlen(r->name);
        look(r, idem_picture_tree_path(c->tree, i));
    }
}

/* Apparently unchanged, and a picture, or empty. */
static const record *trusted(const idem_picture_cache *c, const record *r) {
    const record *was = find_name(c, r);
    return was && (was->readable || was->empty) && r->numbers[2] && !memcmp(was->numbers, r->numbers, sizeof r->numbers)
               ? was
               : NULL;
}

static int hash_file(record *r, const char *path) {
    char hex[65];
    if (!r->numbers[3])
        return 0; /* reading it will report the reason */
    if (idem_sha256_file(path, hex))
        return -1;
    for (int i = 0; i < HASH; i++) {
        const char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
        r->hash[i] = (unsigned char)strtoul(digits, NULL, 16);
    }
    return 0;
}

static int put(const idem_picture_cache *c, const void *bytes, size_t size) {
    return fwrite(bytes, size, 1, c->writer.stream) == 1
               ? 0
               : idem_fail_as(IDEM_INTERNAL, "%s: cannot write: %s", c->file, strerror(errno));
}

static const unsigned char *pixels(const idem_picture_cache *c, size_t at) {
    return c->old.map + HEADER + at * c->picture;
}

static int make(const idem_picture_cache *c, size_t i, idem_image *out) {
    const idem_picture_cache_options *o = &c->options;
    return o->make ? o->make(o->user, idem_picture_tree_path(c->tree, i), o->size, out)
                   : idem_picture_tree_square(c->tree, i, o->size, out);
}

/* The pixels of file i, from the old file if it has them. */
static int take(idem_picture_cache *c, size_t i) {
    record *r = &c->list[i];
    const record *known = trusted(c, r);
    idem_image im;
    if (r->told)
        return 0;
    if (known && known->empty)
        return leave_out_again(c, r, i);
    if (known)
        memcpy(r->hash, known->hash, HASH);
    else if (hash_file(r, idem_picture_tree_path(c->tree, i)))
        return leave_out(c, r);
    else
        known = find_content(c, r);
    const int made = known ? 0 : make(c, i, &im);
    r->empty = made > 0;
    if (made)
        return leave_out(c, r);
    int status = 0;
    if (!c->options.borrow)
        status = put(c, known ? pixels(c, known->at) : im.rgb, c->picture);
    else if (!known)
        status = idem_fail("%s: is not among the pictures of %s, which another process has made: both need the same",
                           idem_picture_tree_path(c->tree, i), c->file);
    if (!known)
        idem_image_free(&im);
    c->fresh += !known && c->old.map;
    r->readable = true;
    r->at = c->options.borrow && known ? known->at : c->pictures;
    c->pictures++;
    return status;
}

static int put_list(const idem_picture_cache *c, uint64_t *bytes) {
    *bytes = 0;
    for (size_t i = 0; i < c->files; i++) {
        const record *r = &c->list[i];
        unsigned char entry[ENTRY];
        for (int k = 0; k < NUMBERS; k++)
            idem_le_put(entry + 8 * k, r->numbers[k], 8);
        memcpy(entry + 8 * NUMBERS, r->hash, HASH);
        entry[8 * NUMBERS + HASH] = r->readable ? PICTURE : r->empty ? EMPTY : 0;
        idem_le_put(entry + ENTRY - 4, r->length, 4);
        if (put(c, entry, ENTRY) || put(c, r->name, r->length))
            return -1;
        *bytes += ENTRY + r->length;
    }
    return 0;
}

/* Writes the list after the pictures, and the header. */
static int write_end(const idem_picture_cache *c) {
    unsigned char head[HEADER];
    uint64_t list;
    if (put_list(c, &list))
        return -1;
    memcpy(head, MAGIC, 8);
    idem_le_put(head + 8, (uint64_t)c->options.size, 4);
    idem_le_put(head + 12, c->options.rule, 4);
    idem_le_put(head + 16, c->files, 8);
    idem_le_put(head + 24, c->pictures, 8);
    idem_le_put(head + 32, list, 8);
    return fseek(c->writer.stream, 0, SEEK_SET)
               ? idem_fail_as(IDEM_INTERNAL, "%s: cannot write: %s", c->file, strerror(errno))
               : put(c, head, HEADER);
}

/* Keeps finished pictures for the next time, as if the other files were unreadable, unless the old file has more. */
static int interrupted(idem_picture_cache *c) {
    if (c->writer.stream && c->options.make && c->pictures >= c->old.pictures &&
        (write_end(c) || idem_writer_commit(&c->writer)))
        return -1;
    return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
}

static bool stopped(const idem_picture_cache *c) {
    return c->options.stop && *c->options.stop;
}

static int write_all(idem_picture_cache *c) {
    const unsigned char head[HEADER] = {0};
    if (!c->options.borrow && (idem_writer_open(&c->writer, c->file) || put(c, head, HEADER)))
        return -1;
    for (size_t i = 0; i < c->files; i++) {
        if (stopped(c))
            return interrupted(c);
        if (take(c, i))
            return stopped(c) && idem_error_kind() == IDEM_INTERRUPTED ? interrupted(c) : -1;
        if (c->options.progress)
            c->options.progress(c->options.user, i + 1, c->files);
    }
    return c->options.borrow ? 0 : write_end(c);
}

/* 1 if file i was no picture and still is none, which is reported; 0, or -1. */
static int still_none(idem_picture_cache *c, size_t i) {
    record *r = &c->list[i];
    idem_image im;
    if (trusted(c, r))
        return leave_out_again(c, r, i) ? -1 : 1;
    const int made = make(c, i, &im);
    if (!made) {
        idem_image_free(&im);
        return 0;
    }
    r->empty = made > 0;
    return leave_out(c, r) ? -1 : !r->empty;
}

/* 1 if every picture is trusted and all others still are none, which is reported; 0, or -1. */
static int is_unchanged(idem_picture_cache *c) {
    if (!c->old.map || c->old.files != c->files)
        return 0;
    for (size_t i = 0; i < c->files; i++) {
        const record *was = find_name(c, &c->list[i]);
        if (!was || (was->readable && !trusted(c, &c->list[i])))
            return 0;
    }
    for (size_t i = 0; i < c->files; i++) {
        const int none = c->old.list[i].readable ? 1 : still_none(c, i);
        if (none != 1)
            return none;
    }
    return 1;
}

/* Contents of the old file that no file has now. */
static int count_gone(idem_picture_cache *c) {
    const record **now = malloc((c->pictures + 1) * sizeof *now);
    if (!now)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu pictures", c->pictures);
    for (size_t i = 0; i < c->pictures; i++)
        now[i] = &c->list[c->which[i]];
    if (c->pictures)
        qsort(now, c->pictures, sizeof *now, compare_hashes);
    for (size_t i = 0; i < c->old.pictures; i++)
        c->gone += !c->pictures || !bsearch(&c->by_hash[i], now, c->pictures, sizeof *now, compare_hashes);
    free(now);
    return 0;
}

static int find_pictures(idem_picture_cache *c) {
    size_t n = 0;
    if (!(c->which = malloc((c->pictures + 1) * sizeof *c->which)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu pictures", c->pictures);
    for (size_t i = 0; i < c->files; i++)
        if (c->list[i].readable)
            c->which[n++] = i;
    return c->old.map && c->writer.stream ? count_gone(c) : 0;
}

/* ---- life ---- */

static int open_cache(idem_picture_cache *c, const char *dir, const char *file) {
    if (!(c->file = strdup(file)))
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for a file name", file);
    if (!(c->tree = idem_picture_tree_open(dir)))
        return -1;
    for (size_t i = 0; i < idem_picture_tree_bad_count(c->tree); i++)
        tell(c, idem_picture_tree_bad(c->tree, i));
    c->files = idem_picture_tree_count(c->tree);
    if (!(c->list = calloc(c->files + 1, sizeof *c->list)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu pictures", c->files);
    look_at_all(c);
    if (map_file(&c->old, file, &c->options, c->picture) < 0 || index_old(c))
        return -1;
    if (c->options.borrow && !c->old.map)
        return idem_fail("%s: is not there, or not of these pictures: all processes must see the same folder", file);
    const int same = is_unchanged(c);
    if (same < 0)
        return -1;
    for (size_t i = 0; i < c->files && same; i++) {
        memcpy(c->list[i].hash, c->old.list[i].hash, HASH);
        c->list[i].readable = c->old.list[i].readable;
        c->list[i].at = c->old.list[i].at;
        c->pictures += c->list[i].readable;
    }
    return (!same && write_all(c)) || find_pictures(c) ? -1 : 0;
}

idem_picture_cache *idem_picture_cache_open(const char *dir, const char *file, const idem_picture_cache_options *o) {
    idem_picture_cache *c = calloc(1, sizeof *c);
    if (!c)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the training data");
    c->options = *o;
    c->picture = (size_t)o->size * (size_t)o->size * 3;
    if (open_cache(c, dir, file)) {
        idem_picture_cache_free(c);
        return NULL;
    }
    return c;
}

void idem_picture_cache_free(idem_picture_cache *c) {
    if (!c)
        return;
    idem_writer_abort(&c->writer);
    unmap(&c->old);
    idem_picture_tree_free(c->tree);
    free(c->by_hash);
    free(c->list);
    free(c->which);
    free(c->file);
    free(c);
}

int idem_picture_cache_keep(idem_picture_cache *c) {
    if (!c->writer.stream)
        return 0;
    if (idem_writer_commit(&c->writer))
        return -1;
    unmap(&c->old);
    const int found = map_file(&c->old, c->file, &c->options, c->picture);
    if (found < 0)
        return -1;
    return found && c->old.pictures == c->pictures ? 0 : idem_fail("%s: was changed while it was opened", c->file);
}

size_t idem_picture_cache_count(const idem_picture_cache *c) {
    return c->pictures;
}

size_t idem_picture_cache_bad(const idem_picture_cache *c) {
    return c->files - c->pictures + idem_picture_tree_bad_count(c->tree);
}

size_t idem_picture_cache_new(const idem_picture_cache *c) {
    return c->fresh;
}

size_t idem_picture_cache_gone(const idem_picture_cache *c) {
    return c->gone;
}

const char *idem_picture_cache_name(const idem_picture_cache *c, size_t i) {
    return c->list[c->which[i]].name;
}

const unsigned char *idem_picture_cache_hash(const idem_picture_cache *c, size_t i) {
    return c->list[c->which[i]].hash;
}

const unsigned char *idem_picture_cache_pixels(const idem_picture_cache *c, size_t i) {
    return pixels(c, c->list[c->which[i]].at);
}
