#define _GNU_SOURCE
#include "cli/assets.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "cli/command.h"
#include "cli/progress.h"
#include "learn/origin.h"

enum { PATH_SIZE = 4096 };

int idem_asset_find(char path[PATH_SIZE], const char *file) {
    static const char *const beside[] = {"models",
                                         "share/idem/models"}; /* of the source's build/, of an installed bin/ */
    snprintf(path, PATH_SIZE, "models/%s", file);
    if (idem_path_exists(path))
        return 0;
    char program[PATH_SIZE];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = 0;
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(program, '/');
        if (slash)
            *slash = 0;
    }
    for (int i = 0; i < 2 && n > 0; i++)
        if (snprintf(path, PATH_SIZE, "%s/%s/%s", program, beside[i], file) < PATH_SIZE && idem_path_exists(path))
            return 0;
    return idem_fail(
        "%s is neither in models/ here nor beside the program; run idem from its source folder, or name the "
        "file with an option",
        file);
}

idem_model *idem_asset_model(const char *generator, const char *mapper) {
    char g[PATH_SIZE], m[PATH_SIZE];
    if (!generator) {
        if (idem_asset_find(g, IDEM_DEFAULT_GENERATOR))
            return NULL;
        generator = g;
    }
    if (!mapper) {
        if (idem_asset_find(m, IDEM_DEFAULT_MAPPER))
            return NULL;
        mapper = m;
    }
    idem_model *model = idem_model_open(generator);
    if (!model || (*mapper && idem_model_load_mapper(model, mapper)) || idem_model_load_frozen(model, NULL)) {
        idem_model_free(model);
        return NULL;
    }
    return model;
}

/* ---- pictures ---- */

static size_t picture_bytes(const idem_pictures *p) {
    return (size_t)p->size * (size_t)p->size * 3;
}

/* Takes the name, whatever comes of it. */
static int load_one(idem_pictures *p, const char *path, char *name, idem_choice *c) {
    idem_image small = {0};
    idem_place *place = &p->places[p->n];
    if (!path || !name || idem_choice_load(&small, place, path, p->size, c)) {
        idem_image_free(&small);
        free(name);
        return -1;
    }
    memcpy(p->rgb + (size_t)p->n * picture_bytes(p), small.rgb, picture_bytes(p));
    p->names[p->n++] = name;
    idem_image_free(&small);
    return 0;
}

static int make_room(idem_pictures *p, size_t count) {
    p->rgb = malloc((count ? count : 1) * picture_bytes(p));
    p->names = calloc(count + 1, sizeof *p->names);
    p->places = calloc(count + 1, sizeof *p->places);
    return p->rgb && p->names && p->places ? 0 : idem_fail("out of memory for %zu pictures", count);
}

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
    return whole ? whole : idem_fail_null("out of memory for a name");
}

static int load_folder(idem_pictures *p, const char *path, idem_choice *c) {
    char **names;
    size_t count;
    if (idem_dir_list(path, ".png|.jpg|.jpeg|.webp", &names, &count))
        return -1;
    int status = count > INT_MAX ? idem_fail("%s: too many files", path) : make_room(p, count);
    for (size_t i = 0; i < count && !status; i++) {
        char *full = idem_path_join(path, names[i]);
        if (idem_cli_stop)
            status = idem_fail("interrupted");
        else if (load_one(p, full, short_name(names, count, i), c)) {
            idem_cli_say("idem: passed over: %s", idem_error());
            p->bad++;
        }
        free(full);
    }
    if (!status && !p->n)
        status = idem_fail("%s: no readable picture (PNG, JPEG or WebP) among %zu files", path, count);
    idem_names_free(names, count);
    return status;
}

int idem_pictures_load(idem_pictures *p, const char *path, int size) {
    return idem_pictures_choose(p, path, size, &(idem_choice){.input = "aligned", .face = "largest"});
}

int idem_pictures_choose(idem_pictures *p, const char *path, int size, idem_choice *c) {
    *p = (idem_pictures){.size = size};
    int status = idem_path_is_dir(path)                                          ? load_folder(p, path, c)
                 : make_room(p, 1) || load_one(p, path, idem_path_stem(path), c) ? -1
                                                                                 : 0;
    if (status)
        idem_pictures_free(p);
    return status;
}

void idem_pictures_free(idem_pictures *p) {
    for (int i = 0; i < p->n; i++) {
        free(p->names[i]);
        free(p->places[i].path);
    }
    free(p->names);
    free(p->places);
    free(p->rgb);
    *p = (idem_pictures){0};
}

int idem_pictures_find(const idem_pictures *p, const char *name) {
    for (int i = 0; i < p->n; i++)
        if (!strcmp(p->names[i], name))
            return i;
    return -1;
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

int idem_picture_save(const char *path, const idem_image *im, const idem_model *m) {
    idem_origin origin;
    idem_origin_of(&origin, m, NULL);
    return idem_image_save_png(im, path, origin.texts);
}
