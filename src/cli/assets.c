#define _GNU_SOURCE
#include "cli/assets.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/models.h"
#include "base/status.h"
#include "cli/command.h"
#include "cli/left_out.h"
#include "cli/progress.h"
#include "model/origin.h"
#include "media/ahead.h"
#include "media/format.h"

enum { PATH_SIZE = 4096 };

idem_model *idem_asset_model(const idem_model_files *files) {
    char g[PATH_SIZE], m[PATH_SIZE];
    const char *generator = files->generator, *mapper = files->mapper;
    if (!generator) {
        if (idem_models_shipped(g, sizeof g, IDEM_DEFAULT_GENERATOR))
            return NULL;
        generator = g;
    }
    if (!mapper) {
        if (idem_models_shipped(m, sizeof m, IDEM_DEFAULT_MAPPER))
            return NULL;
        mapper = m;
    }
    idem_model *model = idem_model_open(generator);
    if (!model || (files->identity_net && idem_model_choose_recogniser(model, files->identity_net, NULL)) ||
        (*mapper && idem_model_load_mapper(model, mapper)) || idem_model_load_frozen(model, NULL)) {
        idem_model_free(model);
        return NULL;
    }
    return model;
}

/* ---- files ---- */

/* The stem, or the whole name when another file has the same stem. Names are sorted, so such files lie in one run of
 * names that start with "stem.". */
static char *short_name(char *const *names, size_t count, size_t i) {
    char *stem = idem_path_stem(names[i]);
    if (!stem)
        return NULL;
    size_t n = strlen(stem), first = i, end = i + 1;
    bool alone = true;
    while (first > 0 && !strncmp(names[first - 1], stem, n) && names[first - 1][n] == '.')
        first--;
    while (end < count && !strncmp(names[end], stem, n) && names[end][n] == '.')
        end++;
    for (size_t k = first; k < end; k++)
        alone = alone && (k == i || strchr(names[k] + n + 1, '.'));
    if (alone)
        return stem;
    free(stem);
    char *whole = strdup(names[i]);
    return whole ? whole : idem_fail_null_as(IDEM_MEMORY, "out of memory for a name");
}

/* Takes both over. */
static int add_file(idem_files *f, char *path, char *name) {
    f->paths[f->n] = path;
    f->names[f->n++] = name;
    return path && name ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for a list of files");
}

static int list_names(idem_files *f, const char *path, char *const *names, size_t count) {
    if (count > INT_MAX)
        return idem_fail("%s: too many files", path);
    f->paths = calloc(count + 1, sizeof *f->paths);
    f->names = calloc(count + 1, sizeof *f->names);
    if (!f->paths || !f->names)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a list of files");
    int status = 0;
    for (size_t i = 0; i < count && !status; i++)
        status = f->folder ? add_file(f, idem_path_join(path, names[i]), short_name(names, count, i))
                           : add_file(f, strdup(path), idem_path_stem(path));
    return status;
}

int idem_files_list(idem_files *f, const char *path) {
    *f = (idem_files){.given = path, .folder = idem_path_is_dir(path)};
    idem_listing in = {.n_pictures = 1};
    if (f->folder && idem_left_out_list(&in, path))
        return -1;
    int status = list_names(f, path, in.pictures, in.n_pictures);
    if (f->folder)
        idem_listing_free(&in);
    if (status)
        idem_files_free(f);
    return status;
}

void idem_files_free(idem_files *f) {
    for (int i = 0; i < f->n; i++) {
        free(f->paths[i]);
        free(f->names[i]);
    }
    free(f->paths);
    free(f->names);
    *f = (idem_files){0};
}

static int find_name(char *const *names, int n, const char *name) {
    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

int idem_files_find(const idem_files *f, const char *name) {
    return find_name(f->names, f->n, name);
}

/* ---- pictures ---- */

static size_t picture_bytes(const idem_pictures *p) {
    return (size_t)p->size * (size_t)p->size * 3;
}

static int make_room(idem_pictures *p, int count) {
    p->rgb = malloc((size_t)(count ? count : 1) * picture_bytes(p));
    p->names = calloc((size_t)count + 1, sizeof *p->names);
    return p->rgb && p->names ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", count);
}

/* Takes the name over when it succeeds. */
static int load_next(idem_pictures *p, idem_ahead *ahead, char **name) {
    idem_image file, small = {0};
    int width, height;
    if (idem_ahead_next(ahead, &file, &width, &height))
        return -1;
    int status = idem_image_resize(&small, &file, p->size, p->size);
    if (!status) {
        memcpy(p->rgb + (size_t)p->n * picture_bytes(p), small.rgb, picture_bytes(p));
        p->names[p->n++] = *name;
        *name = NULL;
    }
    idem_image_free(&file);
    idem_image_free(&small);
    return status;
}

int idem_files_check(const idem_files *f, int good) {
    if (!f->n)
        return idem_fail("%s: has no picture (" IDEM_FORMATS ")", f->given);
    return good ? 0 : idem_fail("%s: no readable picture (" IDEM_FORMATS ") among %d files", f->given, f->n);
}

static int load_all(idem_pictures *p, const idem_files *f, idem_ahead *ahead) {
    for (int i = 0; i < f->n; i++) {
        if (idem_cli_stop)
            return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
        if (!load_next(p, ahead, &f->names[i]))
            continue;
        if (!f->folder || idem_error_kind() != IDEM_INPUT)
            return -1;
        idem_cli_say("idem: passed over: %s", idem_error());
        p->bad++;
    }
    return idem_files_check(f, p->n);
}

int idem_pictures_load(idem_pictures *p, const char *path, int size) {
    *p = (idem_pictures){.size = size};
    idem_files f;
    if (idem_files_list(&f, path))
        return -1;
    idem_ahead *ahead = idem_ahead_new(idem_files_paths(&f), (size_t)f.n, 0);
    int status = !ahead || make_room(p, f.n) || load_all(p, &f, ahead) ? -1 : 0;
    idem_ahead_free(ahead);
    idem_files_free(&f);
    if (status)
        idem_pictures_free(p);
    return status;
}

void idem_pictures_free(idem_pictures *p) {
    for (int i = 0; i < p->n; i++)
        free(p->names[i]);
    free(p->names);
    free(p->rgb);
    *p = (idem_pictures){0};
}

int idem_pictures_find(const idem_pictures *p, const char *name) {
    return find_name(p->names, p->n, name);
}

idem_image idem_pictures_at(const idem_pictures *p, int i) {
    return (idem_image){.width = p->size, .height = p->size, .rgb = p->rgb + (size_t)i * picture_bytes(p)};
}

void idem_pictures_to_float(const idem_pictures *p, int first, int n, float *x) {
    for (int i = 0; i < n; i++) {
        idem_image im = idem_pictures_at(p, first + i);
        idem_image_to_float(x + (size_t)i * picture_bytes(p), &im, 0, 1);
    }
}

int idem_picture_save(const char *path, const idem_image *im, idem_source_type source, const idem_model *m) {
    idem_origin origin;
    idem_origin_of(&origin, source, m, NULL);
    idem_origin_no_seed(&origin);
    return idem_image_save_png(im, path, &origin.marks);
}
