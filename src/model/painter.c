#include "model/painter.h"

#include <stdlib.h>
#include <string.h>

struct idem_painter {
    idem_model *model;
    idem_plan_options options;
    int batch, steps, cut_short;
    size_t id_dim, attr_dim, w_dim, layers, picture;
    /* Codes to w and picture or, if refining, pictures to w (NULL without a mapper); then ws to the picture. */
    idem_pipe *map, *paint;
    idem_refine *refine;
    float *id, *attr, *w; /* of a batch */
    float *ws;            /* of one */
};

static float *numbers(size_t n) {
    float *p = malloc(n * sizeof *p);
    return p ? p : idem_fail_null_as(IDEM_MEMORY, "out of memory for %zu numbers", n);
}

static int open_map(idem_painter *p) {
    return p->map || (p->map = idem_pipe_new(p->model, p->steps ? IDEM_PIPE_COMPOSE : IDEM_PIPE_MAP, p->batch, 1,
                                             &p->options))
               ? 0
               : -1;
}

static int open_refine(idem_painter *p) {
    const idem_refine_options r = idem_refine_defaults(p->steps);
    return p->refine || (p->refine = idem_refine_new(p->model, &r, &p->options)) ? 0 : -1;
}

/* The first pair opens the networks of refinement. */
static int open_networks(idem_painter *p) {
    const idem_model_info *info = idem_model_about(p->model);
    if (p->steps) {
        if (!info->has_frozen)
            return idem_refine_lacks_networks();
        if (!(p->paint = idem_pipe_new(p->model, IDEM_PIPE_LAYERS, 1, 1, &p->options)))
            return -1;
        p->options.share = idem_pipe_plan(p->paint); /* the plan shared so far may be freed before these are opened */
        return 0;
    }
    return info->has_mapper ? open_map(p)
                            : idem_fail("painting a pair without refining it needs a mapper; load one first");
}

idem_painter *idem_painter_new(idem_model *m, int batch, int refine, const idem_plan_options *options) {
    const idem_model_info *info = idem_model_about(m);
    idem_painter *p = calloc(1, sizeof *p);
    if (!p)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a painter");
    *p = (idem_painter){.model = m, .batch = refine ? 1 : batch, .steps = refine};
    if (options)
        p->options = *options;
    p->id_dim = (size_t)info->id_dim;
    p->attr_dim = (size_t)info->attr_dim;
    p->w_dim = (size_t)info->w_dim;
    p->layers = (size_t)info->layers;
    p->picture = (size_t)info->size * (size_t)info->size * 3;
    const size_t n = (size_t)p->batch;
    if (open_networks(p) || !(p->id = numbers(n * p->id_dim)) || !(p->attr = numbers(n * p->attr_dim)) ||
        !(p->w = numbers(n * p->w_dim)) || !(p->ws = numbers(p->layers * p->w_dim))) {
        idem_painter_free(p);
        return NULL;
    }
    return p;
}

void idem_painter_free(idem_painter *p) {
    if (!p)
        return;
    idem_pipe_free(p->paint);
    idem_pipe_free(p->map);
    idem_refine_free(p->refine);
    free(p->id);
    free(p->attr);
    free(p->w);
    free(p->ws);
    free(p);
}

static void repeat(const idem_painter *p, size_t n, float *ws) {
    for (size_t row = 0; row < n * p->layers; row++)
        memcpy(ws + row * p->w_dim, p->w + row / p->layers * p->w_dim, p->w_dim * sizeof *ws);
}

/* At most a batch. */
static int run_batch(idem_painter *p, size_t n, const idem_pair *pairs, float *ws, float *y) {
    for (size_t i = 0; i < n; i++) {
        memcpy(p->id + i * p->id_dim, pairs[i].id, p->id_dim * sizeof(float));
        memcpy(p->attr + i * p->attr_dim, pairs[i].attr, p->attr_dim * sizeof(float));
    }
    if (idem_pipe_run(p->map, n, (const float *const[]){p->id, p->attr}, (float *const[]){p->w, y}))
        return -1;
    if (ws)
        repeat(p, n, ws);
    return 0;
}

/* The mapper's answer. Its networks and those of refinement are large: for the first pair they are not open at the same
 * time, so that a single picture needs less memory; from the second pair on both stay open. */
static int start(idem_painter *p, const idem_pair *pair, float *ws) {
    if (!idem_model_about(p->model)->has_mapper) {
        memcpy(p->w, idem_model_about(p->model)->mean_w, p->w_dim * sizeof *p->w);
    } else {
        if (open_map(p) ||
            idem_pipe_run(p->map, 1, (const float *const[]){pair->x_id, pair->x_attr}, (float *const[]){p->w, NULL}))
            return -1;
        if (!p->refine) {
            idem_pipe_free(p->map);
            p->map = NULL;
        }
    }
    repeat(p, 1, ws);
    return 0;
}

static int refine_one(idem_painter *p, const idem_pair *pair, float *ws, float *y) {
    const bool same = pair->x_id == pair->x_attr || !memcmp(pair->x_id, pair->x_attr, p->picture * sizeof(float));
    idem_refined about;
    if (start(p, pair, ws) || open_refine(p) || idem_refine_run(p->refine, pair->x_id, pair->x_attr, same, ws, &about))
        return -1;
    p->cut_short += about.steps < p->steps;
    return y ? idem_pipe_run(p->paint, 1, (const float *const[]){ws, NULL}, (float *const[]){y, NULL}) : 0;
}

int idem_painter_codes(idem_painter *p, size_t n, const idem_pair *pairs, float *ws, float *y) {
    for (size_t i = 0; i < n; i += (size_t)p->batch) {
        const size_t count = n - i < (size_t)p->batch ? n - i : (size_t)p->batch;
        float *codes = ws ? ws + i * p->layers * p->w_dim : NULL, *picture = y ? y + i * p->picture : NULL;
        if (p->steps ? refine_one(p, &pairs[i], codes ? codes : p->ws, picture)
                     : run_batch(p, count, pairs + i, codes, picture))
            return -1;
    }
    return 0;
}

int idem_painter_run(idem_painter *p, size_t n, const idem_pair *pairs, float *y) {
    return idem_painter_codes(p, n, pairs, NULL, y);
}

int idem_painter_cut_short(const idem_painter *p) {
    return p->cut_short;
}

int idem_painter_refines(const idem_painter *p) {
    return p->steps;
}

idem_plan *idem_painter_plan(const idem_painter *p) {
    return idem_pipe_plan(p->paint ? p->paint : p->map);
}
