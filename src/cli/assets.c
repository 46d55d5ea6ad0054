#define _GNU_SOURCE
#include "cli/assets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "cli/progress.h"

enum { PATH_SIZE = 4096 };

int idem_asset_find(char path[PATH_SIZE], const char *file) {
    snprintf(path, PATH_SIZE, "models/%s", file);
    if (idem_path_exists(path))
        return 0;
    char program[PATH_SIZE];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n > 0) {
        program[n] = 0;
        for (int up = 0; up < 2; up++) {
            char *slash = strrchr(program, '/');
            if (slash)
                *slash = 0;
        }
        if (snprintf(path, PATH_SIZE, "%s/models/%s", program, file) < PATH_SIZE && idem_path_exists(path))
            return 0;
    }
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

static int load_one(idem_pictures *p, const char *path, const char *name) {
    idem_image file = {0}, small = {0};
    size_t numbers = (size_t)p->size * (size_t)p->size * 3;
    int status = idem_image_load(&file, path);
    if (!status)
        status = idem_image_resize(&small, &file, p->size, p->size);
    if (!status) {
        p->stems[p->n] = idem_path_stem(name);
        status = p->stems[p->n] ? 0 : -1;
    }
    if (!status)
        idem_image_to_float(p->x + (size_t)p->n++ * numbers, &small, 0, 1);
    idem_image_free(&file);
    idem_image_free(&small);
    return status;
}

static int make_room(idem_pictures *p, size_t count) {
    p->x = malloc((count ? count : 1) * (size_t)p->size * (size_t)p->size * 3 * sizeof *p->x);
    p->stems = calloc(count + 1, sizeof *p->stems);
    return p->x && p->stems ? 0 : idem_fail("out of memory for %zu pictures", count);
}

static int load_folder(idem_pictures *p, const char *path) {
    char **names;
    size_t count;
    if (idem_dir_list(path, "png|jpg|jpeg|webp", &names, &count))
        return -1;
    int status = make_room(p, count);
    for (size_t i = 0; i < count && !status; i++) {
        char *full = idem_path_join(path, names[i]);
        if (!full || load_one(p, full, names[i])) {
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
    *p = (idem_pictures){.size = size};
    int status = idem_path_is_dir(path) ? load_folder(p, path) : make_room(p, 1) || load_one(p, path, path) ? -1 : 0;
    if (status)
        idem_pictures_free(p);
    return status;
}

void idem_pictures_free(idem_pictures *p) {
    for (int i = 0; p->stems && p->stems[i]; i++)
        free(p->stems[i]);
    free(p->stems);
    free(p->x);
    *p = (idem_pictures){0};
}

int idem_pictures_find(const idem_pictures *p, const char *stem) {
    for (int i = 0; i < p->n; i++)
        if (!strcmp(p->stems[i], stem))
            return i;
    return -1;
}

int idem_picture_save(const char *path, const float *x, int size, const idem_model *m, const char *seed) {
    idem_image im = {0};
    const char *texts[] = {"Software",           "idem", "synthetic", "true", "generator", idem_model_about(m)->hash,
                           seed ? "seed" : NULL, seed,   NULL};
    int status = idem_image_from_float(&im, x, size, size, 0, 1) || idem_image_save_png(&im, path, texts) ? -1 : 0;
    idem_image_free(&im);
    return status;
}
