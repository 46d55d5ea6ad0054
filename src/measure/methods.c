#define _POSIX_C_SOURCE 200809L
#include "measure/methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/status.h"
#include "model/painter.h"
#include "model/pipe.h"

struct idem_method {
    idem_method_kind kind;
    char name[128];
    idem_model *own; /* of another mapper */
    int size, layers, w_dim, crossover, steps;
    bool from_attributes;
    idem_pipe *pipe;       /* COMPOSE or LAYERS */
    idem_painter *painter; /* for refinement */
};

static idem_method *method(idem_method_kind kind, const idem_model *m, const char *name) {
    idem_method *x = calloc(1, sizeof *x);
    if (!x)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a report");
    x->kind = kind;
    idem_name_show(x->name, sizeof x->name, name);
    if (m) {
        const idem_model_info *info = idem_model_about(m);
        x->size = info->size;
        x->layers = info->layers;
        x->w_dim = info->w_dim;
    }
    return x;
}

void idem_method_free(idem_method *x) {
    if (!x)
        return;
    idem_painter_free(x->painter);
    idem_pipe_free(x->pipe);
    idem_model_free(x->own);
    free(x);
}

/* Returns x, or frees x and returns NULL. */
static idem_method *checked(idem_method *x, bool good) {
    if (x && good)
        return x;
    idem_method_free(x);
    return NULL;
}

idem_method *idem_method_mapper(idem_model *m, int batch, const idem_plan_options *options) {
    idem_method *x = method(IDEM_BY_MAPPER, m, "mapper");
    return checked(x, x && (x->pipe = idem_pipe_new(m, IDEM_PIPE_COMPOSE, batch, 1, options)));
}

idem_method *idem_method_other(const idem_model *m, const char *path, const char *models, int batch,
                               const idem_plan_options *options) {
    idem_method *x = method(IDEM_BY_MAPPER, m, path);
    return checked(x, x && (x->own = idem_model_open(idem_model_about(m)->path)) &&
                          !idem_model_load_mapper(x->own, path) && !idem_model_load_frozen(x->own, models) &&
                          (x->pipe = idem_pipe_new(x->own, IDEM_PIPE_COMPOSE, batch, 1, options)));
}

idem_method *idem_method_refining(idem_model *m, int steps, const idem_plan_options *options) {
    char name[64];
    snprintf(name, sizeof name, "refined, %d steps", steps);
    idem_method *x = method(IDEM_BY_REFINING, m, name);
    if (x)
        x->steps = steps;
    return checked(x, x && (x->painter = idem_painter_new(m, 1, steps, options)));
}

idem_method *idem_method_copy(idem_method_kind kind) {
    return method(kind, NULL, kind == IDEM_BY_IDENTITY ? "identity picture" : "attribute picture");
}

idem_method *idem_method_mixing(idem_model *m, int crossover, bool from_attributes, int batch,
                                const idem_plan_options *options) {
    char name[64];
    const int layers = idem_model_about(m)->layers;
    snprintf(name, sizeof name, "mixing: layers %d-%d from attributes", from_attributes ? 0 : crossover,
             from_attributes ? crossover - 1 : layers - 1);
    idem_method *x = method(IDEM_BY_MIXING, m, name);
    if (x) {
        x->crossover = crossover;
        x->from_attributes = from_attributes;
    }
    return checked(x, x && (x->pipe = idem_pipe_new(m, IDEM_PIPE_LAYERS, batch, 1, options)));
}

idem_method_kind idem_method_kind_of(const idem_method *x) {
    return x->kind;
}

const char *idem_method_name(const idem_method *x) {
    return x->name;
}

int idem_method_steps(const idem_method *x) {
    return x->steps;
}

bool idem_method_rebuilds(const idem_method *x) {
    return x->kind == IDEM_BY_MAPPER || x->kind == IDEM_BY_REFINING;
}

bool idem_method_has_codes(const idem_method *x) {
    return x->kind == IDEM_BY_MAPPER;
}

static int mix(idem_method *x, idem_pairs *pairs, int first, int n, float *y) {
    const size_t L = (size_t)x->layers, W = (size_t)x->w_dim, count = (size_t)n;
    float *w = malloc(2 * count * W * sizeof *w), *ws = malloc(count * L * W * sizeof *ws);
    int status = w && ws ? idem_pairs_codes(pairs, first, n, w, w + count * W)
                         : idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", n);
    for (size_t i = 0; i < count && !status; i++)
        for (size_t l = 0; l < L; l++) {
            const bool attributes = ((int)l < x->crossover) == x->from_attributes;
            memcpy(ws + (i * L + l) * W, w + (attributes * count + i) * W, W * sizeof *ws);
        }
    status = status || idem_pipe_run(x->pipe, count, (const float *const[]){ws, NULL}, (float *const[]){y, NULL});
    free(w);
    free(ws);
    return status ? -1 : 0;
}

static int refine(idem_method *x, int n, const float *x_id, const float *x_attr, float *y) {
    const size_t picture = (size_t)x->size * (size_t)x->size * 3;
    for (size_t i = 0; i < (size_t)n; i++) {
        const idem_pair pair = {.x_id = x_id + i * picture, .x_attr = x_attr + i * picture};
        if (idem_painter_run(x->painter, 1, &pair, y + i * picture))
            return -1;
    }
    return 0;
}

int idem_method_run(idem_method *x, idem_pairs *pairs, int first, int n, const float *x_id, const float *x_attr,
                    bool same, float *y, float *w) {
    const size_t size = (size_t)idem_pairs_size(pairs), picture = size * size * 3;
    if (same)
        x_attr = x_id;
    switch (x->kind) {
    case IDEM_BY_MAPPER:
        return idem_pipe_run(x->pipe, (size_t)n, (const float *const[]){x_id, x_attr}, (float *const[]){w, y});
    case IDEM_BY_REFINING:
        return refine(x, n, x_id, x_attr, y);
    case IDEM_BY_MIXING:
        return mix(x, pairs, first, n, y);
    case IDEM_BY_IDENTITY:
    case IDEM_BY_ATTRIBUTES:
        memcpy(y, x->kind == IDEM_BY_IDENTITY ? x_id : x_attr, (size_t)n * picture * sizeof *y);
        return 0;
    }
    return 0;
}
