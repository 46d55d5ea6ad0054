#include "learn/picture_tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/status.h"

enum { DEPTH_MAX = 8 };

struct idem_picture_tree {
    idem_arena *arena;
    const char *dir;
    const char **names; /* below dir */
    size_t count, room;
};

static int add_name(idem_picture_tree *t, const char *below, const char *name) {
    if (t->count == t->room) {
        const size_t room = t->room ? 2 * t->room : 1024;
        const char **names = realloc(t->names, room * sizeof *names);
        if (!names)
            return idem_fail_as(IDEM_MEMORY, "out of memory for the list of pictures");
        t->names = names;
        t->room = room;
    }
    const char *full = idem_arena_printf(t->arena, "%s%s%s", below, *below ? "/" : "", name);
    return full ? (t->names[t->count++] = full, 0) : -1;
}

static int list(idem_picture_tree *t, const char *below, int depth) {
    const char *path = idem_arena_printf(t->arena, "%s%s%s", t->dir, *below ? "/" : "", below);
    char **names;
    size_t n;
    if (depth > DEPTH_MAX)
        return idem_fail("%s: folders are nested more than %d deep", path, DEPTH_MAX);
    if (!path || idem_dir_list(path, "jpg|jpeg|png|webp", &names, &n))
        return -1;
    int status = 0;
    for (size_t i = 0; i < n && !status; i++)
        status = add_name(t, below, names[i]);
    idem_names_free(names, n);
    if (status || idem_dir_list(path, NULL, &names, &n))
        return -1;
    for (size_t i = 0; i < n && !status; i++) {
        char *inner = idem_path_join(path, names[i]);
        if (!inner)
            status = -1;
        else if (idem_path_is_dir(inner)) {
            const char *next = idem_arena_printf(t->arena, "%s%s%s", below, *below ? "/" : "", names[i]);
            status = next ? list(t, next, depth + 1) : -1;
        }
        free(inner);
    }
    idem_names_free(names, n);
    return status;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int open_tree(idem_picture_tree *t, const char *dir) {
    if (!(t->arena = idem_arena_new()) || !(t->dir = idem_arena_strdup(t->arena, dir)) || list(t, "", 0))
        return -1;
    if (t->count)
        qsort(t->names, t->count, sizeof *t->names, by_name);
    return 0;
}

idem_picture_tree *idem_picture_tree_open(const char *dir) {
    idem_picture_tree *t = calloc(1, sizeof *t);
    if (!t)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a list of pictures");
    if (open_tree(t, dir)) {
        idem_picture_tree_free(t);
        return NULL;
    }
    return t;
}

void idem_picture_tree_free(idem_picture_tree *t) {
    if (!t)
        return;
    free(t->names);
    idem_arena_free(t->arena);
    free(t);
}

size_t idem_picture_tree_count(const idem_picture_tree *t) {
    return t->count;
}

const char *idem_picture_tree_name(const idem_picture_tree *t, size_t i) {
    return t->names[i];
}

int idem_picture_tree_load(const idem_picture_tree *t, size_t i, idem_image *out) {
    char *path = idem_path_join(t->dir, t->names[i]);
    const int status = path ? idem_image_load(out, path) : -1;
    free(path);
    return status;
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
