#define _POSIX_C_SOURCE 200809L
#include "data/picture_tree.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/status.h"
#include "media/listing.h"

enum { DEPTH_MAX = 64 };

typedef struct {
    const char **at;
    size_t count, capacity;
} texts;

struct idem_picture_tree {
    idem_arena *arena;
    const char *dir;
    texts paths; /* of pictures, dir in front */
    texts bad;
    idem_left_out others;
    size_t skip; /* length of "DIR/" */
    bool films;
};

/* The folders that contain the current one, outermost last. */
typedef struct above {
    dev_t device;
    ino_t inode;
    const struct above *next;
} above;

static int add(texts *t, const char *text) {
    if (!text)
        return -1;
    if (t->count == t->capacity) {
        const size_t capacity = t->capacity ? 2 * t->capacity : 1024;
        const char **at = realloc(t->at, capacity * sizeof *at);
        if (!at)
            return idem_fail_as(IDEM_MEMORY, "out of memory for the list of pictures");
        t->at = at;
        t->capacity = capacity;
    }
    t->at[t->count++] = text;
    return 0;
}

/* Continues without the failed file or folder, unless the failure would occur everywhere. */
static int leave_out(idem_picture_tree *t) {
    return idem_error_kind() == IDEM_INPUT ? add(&t->bad, idem_arena_strdup(t->arena, idem_error())) : -1;
}

static bool holds(const above *chain, const struct stat *st) {
    for (; chain; chain = chain->next)
        if (chain->device == st->st_dev && chain->inode == st->st_ino)
            return true;
    return false;
}

static int list(idem_picture_tree *t, const char *path, const above *chain, int depth);

static int look_at(idem_picture_tree *t, const char *path, const char *name, const above *chain, int depth) {
    struct stat st;
    const char *full = idem_arena_printf(t->arena, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", name);
    if (!full)
        return -1;
    if (stat(full, &st)) {
        idem_fail("%s: %s", full, errno == ENOENT ? "is a broken link" : strerror(errno));
        return leave_out(t);
    }
    if (!S_ISDIR(st.st_mode)) {
        if (idem_is_picture(full) || (t->films && idem_is_film(full)))
            return add(&t->paths, full);
        idem_left_out_add_file(&t->others, name);
        return 0;
    }
    if (holds(chain, &st))
        idem_fail("%s: is a link to a folder that holds it", full);
    else if (depth == DEPTH_MAX)
        idem_fail("%s: lies more than %d folders deep", full, DEPTH_MAX);
    else if (!list(t, full, &(above){st.st_dev, st.st_ino, chain}, depth + 1))
        return 0;
    return leave_out(t);
}

/* -1 of the kind IDEM_INPUT: only if this folder cannot be listed. */
static int list(idem_picture_tree *t, const char *path, const above *chain, int depth) {
    char **names;
    size_t n;
    if (idem_dir_list(path, NULL, &names, &n))
        return -1;
    int status = 0;
    for (size_t i = 0; i < n && !status; i++)
        status = look_at(t, path, names[i], chain, depth);
    idem_names_free(names, n);
    return status;
}

/* The folder itself and those above it: a link to one of them would include everything again. */
static int list_below(idem_picture_tree *t, const char *path, const above *chain) {
    struct stat st = {0}, up;
    const char *parent = idem_arena_printf(t->arena, "%s/..", path);
    if (!parent)
        return -1;
    if (stat(path, &st) || stat(parent, &up) || (st.st_dev == up.st_dev && st.st_ino == up.st_ino) ||
        strlen(parent) > 2000)
        return list(t, t->dir, &(above){st.st_dev, st.st_ino, chain}, 0);
    return list_below(t, parent, &(above){st.st_dev, st.st_ino, chain});
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int open_tree(idem_picture_tree *t, const char *dir) {
    if (!(t->arena = idem_arena_new()) || !(t->dir = idem_arena_strdup(t->arena, *dir ? dir : ".")) ||
        list_below(t, t->dir, NULL))
        return -1;
    t->skip = strlen(t->dir) + (t->dir[strlen(t->dir) - 1] != '/');
    if (t->paths.count)
        qsort(t->paths.at, t->paths.count, sizeof *t->paths.at, by_name);
    char text[1000];
    if (t->others.files)
        idem_log(IDEM_LOG_NOTE, "%s: %s", dir, idem_left_out_text(&t->others, text, sizeof text));
    return 0;
}

static idem_picture_tree *open_of(const char *dir, bool films) {
    idem_picture_tree *t = calloc(1, sizeof *t);
    if (!t)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a list of pictures");
    t->films = films;
    if (open_tree(t, dir)) {
        idem_picture_tree_free(t);
        return NULL;
    }
    return t;
}

idem_picture_tree *idem_picture_tree_open(const char *dir) {
    return open_of(dir, false);
}

idem_picture_tree *idem_picture_tree_open_films(const char *dir) {
    return open_of(dir, true);
}

void idem_picture_tree_free(idem_picture_tree *t) {
    if (!t)
        return;
    free(t->paths.at);
    free(t->bad.at);
    idem_arena_free(t->arena);
    free(t);
}

size_t idem_picture_tree_count(const idem_picture_tree *t) {
    return t->paths.count;
}

const char *idem_picture_tree_path(const idem_picture_tree *t, size_t i) {
    return t->paths.at[i];
}

const char *idem_picture_tree_name(const idem_picture_tree *t, size_t i) {
    return t->paths.at[i] + t->skip;
}

size_t idem_picture_tree_others(const idem_picture_tree *t) {
    return t->others.files;
}

size_t idem_picture_tree_bad_count(const idem_picture_tree *t) {
    return t->bad.count;
}

const char *idem_picture_tree_bad(const idem_picture_tree *t, size_t i) {
    return t->bad.at[i];
}

void idem_picture_tree_digest(const idem_picture_tree *t, char hex[65]) {
    idem_sha256 sha = idem_sha256_make();
    for (size_t i = 0; i < t->paths.count; i++) {
        struct stat st;
        char size[32];
        const char *name = idem_picture_tree_name(t, i);
        snprintf(size, sizeof size, " %jd", stat(t->paths.at[i], &st) ? (intmax_t)-1 : (intmax_t)st.st_size);
        idem_sha256_add(&sha, name, strlen(name) + 1);
        idem_sha256_add(&sha, size, strlen(size) + 1);
    }
    idem_sha256_end(&sha, hex);
}

int idem_picture_tree_load(const idem_picture_tree *t, size_t i, idem_image *out) {
    return idem_image_load(out, t->paths.at[i]);
}

int idem_picture_tree_square(const idem_picture_tree *t, size_t i, int size, idem_image *out) {
    idem_image whole, square;
    if (idem_picture_tree_load(t, i, &whole))
        return -1;
    const int side = whole.width < whole.height ? whole.width : whole.height;
    int status = idem_image_cut(&square, &whole, (whole.width - side) / 2, (whole.height - side) / 2, side, side);
    if (!status) {
        status = idem_image_resize_lanczos(out, &square, size, size);
        idem_image_free(&square);
    }
    idem_image_free(&whole);
    return status;
}
