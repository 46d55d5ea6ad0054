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
        if (idem_models_shipped(g, sizeof g, IDEM_SHIPPED_GENERATOR))
            return NULL;
        generator = g;
    }
    if (!mapper) {
        if (idem_models_shipped(m, sizeof m, IDEM_SHIPPED_MAPPER))
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
    return idem_names_find(p->names, p->n, name);
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
