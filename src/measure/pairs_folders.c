/* Pairs from two folders of aligned pictures: files of the same name. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/name.h"
#include "base/status.h"
#include "measure/pairs.h"
#include "media/format.h"
#include "media/image.h"

enum { LINE = 1000, SIDES = 2 };

/* The pictures of a folder, or one file; names without extensions, unless two files differ only in them. */
typedef struct {
    const char *given;
    char **paths, **names;
    size_t n;
} side;

typedef struct {
    side of[SIDES];
    int (*pairs)[SIDES]; /* [n]: indices of both files */
    int n, size;
    idem_left_out left_out;
} folders;

static void forget_side(side *s) {
    for (size_t i = 0; i < s->n; i++) {
        free(s->paths[i]);
        free(s->names[i]);
    }
    free(s->paths);
    free(s->names);
}

static void forget(void *self) {
    folders *f = self;
    for (int k = 0; k < SIDES; k++)
        forget_side(&f->of[k]);
    free(f->pairs);
    free(f);
}

/* ---- names ---- */

/* Names are sorted, so those that start with "stem." are adjacent. */
static bool stem_is_shared(char *const *names, size_t n, size_t i, const char *stem) {
    const size_t length = strlen(stem);
    for (size_t k = i; k > 0 && !strncmp(names[k - 1], stem, length) && names[k - 1][length] == '.'; k--)
        if (!strchr(names[k - 1] + length + 1, '.'))
            return true;
    for (size_t k = i + 1; k < n && !strncmp(names[k], stem, length) && names[k][length] == '.'; k++)
        if (!strchr(names[k] + length + 1, '.'))
            return true;
    return false;
}

static int add(side *s, char *path, char *name) {
    s->paths[s->n] = path;
    s->names[s->n++] = name;
    return path && name ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for a list of files");
}

static int add_all(side *s, const char *given, char *const *names, size_t n, bool folder) {
    s->given = given;
    s->paths = calloc(n + 1, sizeof *s->paths);
    s->names = calloc(n + 1, sizeof *s->names);
    if (!s->paths || !s->names)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a list of files");
    for (size_t i = 0; i < n; i++) {
        char *stem = idem_path_stem(names[i]);
        if (stem && folder && stem_is_shared(names, n, i, stem)) {
            free(stem);
            stem = strdup(names[i]);
        }
        if (add(s, folder ? idem_path_join(given, names[i]) : strdup(given), stem))
            return -1;
    }
    return 0;
}

static int list(folders *f, side *s, const char *given) {
    if (!idem_path_is_dir(given))
        return add_all(s, given, (char *[]){(char *)given}, 1, false);
    idem_listing in;
    if (idem_listing_read(&in, given))
        return -1;
    idem_left_out_add(&f->left_out, &in, true);
    int status = in.n_pictures ? add_all(s, given, in.pictures, in.n_pictures, true)
                               : idem_fail("%s: has no picture (" IDEM_FORMATS ")", given);
    idem_listing_free(&in);
    return status;
}

static int find(const side *s, const char *name) {
    for (size_t i = 0; i < s->n; i++)
        if (!strcmp(s->names[i], name))
            return (int)i;
    return -1;
}

/* ---- pairs ---- */

/* "passed over: a, b, c and 4 more of DIR have no partner of the same name in OTHER" */
static void tell_alone(const side *s, const side *other, idem_pairs_told *told, void *user) {
    char line[LINE], name[256];
    size_t at = 0, alone = 0;
    line[0] = 0;
    for (size_t i = 0; i < s->n; i++) {
        if (find(other, s->names[i]) >= 0)
            continue;
        idem_name_show(name, sizeof name, s->names[i]);
        if (alone++ < IDEM_LEFT_OUT_NAMED)
            at += (size_t)snprintf(line + at, LINE - at, "%s%s", alone > 1 ? ", " : "passed over: ", name);
    }
    if (!alone || !told)
        return;
    if (alone > IDEM_LEFT_OUT_NAMED)
        at += (size_t)snprintf(line + at, LINE - at, " and %zu more", alone - IDEM_LEFT_OUT_NAMED);
    idem_name_show(name, sizeof name, other->given);
    snprintf(line + at, LINE - at, alone > 1 ? " have no partners in %s" : " has no partner in %s", name);
    told(user, line);
}

static int match(folders *f, int least, idem_pairs_told *told, void *user) {
    const side *a = &f->of[0], *b = &f->of[1];
    f->pairs = malloc((a->n + 1) * sizeof *f->pairs);
    if (!f->pairs)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu pairs", a->n);
    for (size_t i = 0; i < a->n; i++) {
        const int partner = find(b, a->names[i]);
        if (partner < 0)
            continue;
        f->pairs[f->n][0] = (int)i;
        f->pairs[f->n++][1] = partner;
    }
    if (f->n < least)
        return idem_fail("%s and %s have %d pictures of the same name, expected %d or more", a->given, b->given, f->n,
                         least);
    tell_alone(a, b, told, user);
    tell_alone(b, a, told, user);
    return 0;
}

static int load(const folders *f, int i, int k, float *x) {
    idem_image file, small = {0};
    if (idem_image_load(&file, f->of[k].paths[f->pairs[i][k]]))
        return -1;
    const int status = idem_image_resize(&small, &file, f->size, f->size);
    if (!status)
        idem_image_to_float(x, &small, 0, 1);
    idem_image_free(&file);
    idem_image_free(&small);
    return status;
}

static int read_pair(void *self, int i, float *x_id, float *x_attr) {
    return (x_id && load(self, i, 0, x_id)) || (x_attr && load(self, i, 1, x_attr)) ? -1 : 0;
}

static const char *name(void *self, int i) {
    const folders *f = self;
    return f->of[0].names[f->pairs[i][0]];
}

static const char *path(void *self, int i, int k) {
    const folders *f = self;
    return f->of[k].paths[f->pairs[i][k]];
}

static const idem_left_out *left_out(void *self) {
    return &((folders *)self)->left_out;
}

idem_pairs *idem_pairs_folders(const char *identity, const char *attributes, int size, int least, idem_pairs_told *told,
                               void *user) {
    static const idem_pairs_kind kind = {
        .read = read_pair, .name = name, .path = path, .left_out = left_out, .free = forget};
    folders *f = calloc(1, sizeof *f);
    if (!f)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a list of files");
    f->size = size;
    if (list(f, &f->of[0], identity) || list(f, &f->of[1], attributes) || match(f, least, told, user)) {
        forget(f);
        return NULL;
    }
    idem_pairs *p = idem_pairs_new(&kind, f, f->n, size);
    if (p)
        idem_pairs_listen(p, told, user);
    return p;
}
