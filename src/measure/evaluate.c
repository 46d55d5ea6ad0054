/* Galleries of pictures, each measured once by every network, and figures from them. */
#include "measure/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "measure/witness.h"
#include "data/data.h"
#include "media/image.h"
#include "model/pipe.h"
#include "model/painter.h"

enum { POINTS = 2 * IDEM_LANDMARKS };

static const double YAW_APART = 10; /* degrees */

/* Pictures and all they are measured by. */
typedef struct {
    float *pictures, *id, *judge, *points, *yaw;
} gallery;

struct idem_evaluator {
    idem_model *model;
    idem_witness *witness;
    idem_pipe *identity, *landmarks, *layers;
    idem_plan_options options;
    void (*measured)(void *user, int pictures);
    void *user;
    int batch, n; /* n 0: no pairs */
    gallery sources, attributes, outputs;
    int *order;          /* [n]: whose attribute picture is the control of pair i */
    float *points, *yaw; /* of the attribute pictures in that order */
    float *w;            /* [2 n, W]: true codes of sources, then of attributes; NULL for given pictures */
    double strangers_train, strangers_judge;
    uint8_t *outside; /* [S, S]: 1 outside the face */
};

/* ---- life ---- */

static idem_plan_options sharing(const idem_evaluator *e, const idem_pipe *p) {
    idem_plan_options o = e->options;
    o.share = p ? idem_pipe_plan(p) : NULL;
    return o;
}

static int mark_outside(idem_evaluator *e, int size) {
    e->outside = malloc((size_t)size * (size_t)size);
    if (!e->outside)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a mask");
    return idem_frame_outside(idem_model_frame(e->model), size, e->outside);
}

idem_evaluator *idem_evaluator_new(idem_model *m, const char *models, int batch, const idem_plan_options *options) {
    const idem_model_info *info = idem_model_about(m);
    if (batch < 1)
        return idem_fail_null("evaluation with a batch of %d, expected 1 or more", batch);
    if (!info->has_frozen)
        return idem_fail_null("evaluation needs the recogniser and the landmark network; load them first");
    idem_evaluator *e = calloc(1, sizeof *e);
    if (!e)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for an evaluation");
    e->model = m;
    e->batch = batch;
    if (options)
        e->options = *options;
    idem_plan_options o = e->options;
    e->identity = idem_pipe_new(m, IDEM_PIPE_IDENTITY, batch, 1, &o);
    o = sharing(e, e->identity);
    e->landmarks = e->identity ? idem_pipe_new(m, IDEM_PIPE_LANDMARKS, batch, 1, &o) : NULL;
    e->witness = e->landmarks ? idem_witness_new(models, idem_model_frame(m), info->size, batch, &o) : NULL;
    if (!e->witness || mark_outside(e, info->size)) {
        idem_evaluator_free(e);
        return NULL;
    }
    return e;
}

static void gallery_free(gallery *g) {
    free(g->pictures);
    free(g->id);
    free(g->judge);
    free(g->points);
    free(g->yaw);
    *g = (gallery){0};
}

static void forget(idem_evaluator *e) {
    gallery_free(&e->sources);
    gallery_free(&e->attributes);
    gallery_free(&e->outputs);
    free(e->order);
    free(e->points);
    free(e->yaw);
    free(e->w);
    e->order = NULL;
    e->points = e->yaw = e->w = NULL;
    e->n = 0;
}

void idem_evaluator_free(idem_evaluator *e) {
    if (!e)
        return;
    forget(e);
    idem_witness_free(e->witness);
    idem_pipe_free(e->layers);
    idem_pipe_free(e->landmarks);
    idem_pipe_free(e->identity);
    free(e->outside);
    free(e);
}

void idem_evaluator_watch(idem_evaluator *e, void (*measured)(void *user, int pictures), void *user) {
    e->measured = measured;
    e->user = user;
}

/* ---- galleries ---- */

static size_t numbers(const idem_evaluator *e) {
    size_t size = (size_t)idem_model_about(e->model)->size;
    return size * size * 3;
}

static size_t id_dim(const idem_evaluator *e) {
    return (size_t)idem_model_about(e->model)->id_dim;
}

static int gallery_new(const idem_evaluator *e, gallery *g, int count) {
    size_t n = (size_t)count;
    g->pictures = malloc(n * numbers(e) * sizeof(float));
    g->id = malloc(n * id_dim(e) * sizeof(float));
    g->judge = malloc(n * IDEM_JUDGE_DIM * sizeof(float));
    g->points = malloc(n * POINTS * sizeof(float));
    g->yaw = malloc(n * sizeof(float));
    if (!g->pictures || !g->id || !g->judge || !g->points || !g->yaw)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", count);
    return 0;
}

/* The first n pictures through all networks, a batch at a time: it stays in the caches. */
static int gallery_measure(const idem_evaluator *e, gallery *g, int n) {
    for (int i = 0; i < n; i += e->batch) {
        size_t at = (size_t)i;
        int count = n - i < e->batch ? n - i : e->batch;
        const float *in[IDEM_PIPE_PORTS] = {g->pictures + at * numbers(e)};
        if (idem_pipe_run(e->identity, (size_t)count, in, (float *const[]){g->id + at * id_dim(e), NULL}) ||
            idem_pipe_run(e->landmarks, (size_t)count, in, (float *const[]){g->points + at * POINTS, NULL}) ||
            idem_witness_run(e->witness, count, in[0], g->judge + at * IDEM_JUDGE_DIM, g->yaw + at))
            return -1;
        if (e->measured)
            e->measured(e->user, count);
    }
    return 0;
}

static void gallery_copy(const idem_evaluator *e, gallery *to, const gallery *from, int count) {
    size_t n = (size_t)count;
    memcpy(to->pictures, from->pictures, n * numbers(e) * sizeof(float));
    memcpy(to->id, from->id, n * id_dim(e) * sizeof(float));
    memcpy(to->judge, from->judge, n * IDEM_JUDGE_DIM * sizeof(float));
    memcpy(to->points, from->points, n * POINTS * sizeof(float));
    memcpy(to->yaw, from->yaw, n * sizeof(float));
}

/* What every pair is measured against, once pictures of sources and attributes are there. Success makes the n pairs
 * count. */
static int prepare_pairs(idem_evaluator *e, int n, uint64_t seed) {
    if (gallery_measure(e, &e->sources, n) || gallery_measure(e, &e->attributes, n) || gallery_new(e, &e->outputs, n))
        return -1;
    e->order = malloc((size_t)n * sizeof *e->order);
    e->points = malloc((size_t)n * POINTS * sizeof *e->points);
    e->yaw = malloc((size_t)n * sizeof *e->yaw);
    if (!e->order || !e->points || !e->yaw)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    idem_score_shuffle(e->order, n, seed);
    idem_score_reorder(e->points, e->attributes.points, e->order, n, POINTS);
    idem_score_reorder(e->yaw, e->attributes.yaw, e->order, n, 1);
    e->strangers_train = idem_score_strangers(e->sources.id, n, (int)id_dim(e), IDEM_STRANGER_PAIRS, seed);
    e->strangers_judge = idem_score_strangers(e->sources.judge, n, IDEM_JUDGE_DIM, IDEM_STRANGER_PAIRS, seed);
    e->n = n;
    return 0;
}

static int begin(idem_evaluator *e, int n) {
    if (n < 2)
        return idem_fail("%d pairs to evaluate on, expected 2 or more", n);
    forget(e);
    return gallery_new(e, &e->sources, n) || gallery_new(e, &e->attributes, n) ? -1 : 0;
}

/* Failure leaves no pairs behind. */
static int end(idem_evaluator *e, int status) {
    if (status)
        forget(e);
    return status ? -1 : 0;
}

int idem_evaluator_pictures(idem_evaluator *e, int n, const float *identity, const float *attributes, uint64_t seed) {
    if (begin(e, n))
        return end(e, -1);
    memcpy(e->sources.pictures, identity, (size_t)n * numbers(e) * sizeof(float));
    memcpy(e->attributes.pictures, attributes, (size_t)n * numbers(e) * sizeof(float));
    return end(e, prepare_pairs(e, n, seed));
}

static int draw_pairs(idem_evaluator *e, int n, float psi, uint64_t seed) {
    const idem_model_info *info = idem_model_about(e->model);
    size_t half = (size_t)n * (size_t)info->z_dim, codes = (size_t)n * (size_t)info->w_dim;
    float *z = malloc(2 * half * sizeof *z);
    e->w = malloc(2 * codes * sizeof *e->w);
    if (!z || !e->w) {
        free(z);
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", 2 * n);
    }
    idem_rng r = idem_rng_make(seed, "evaluation");
    idem_rng_fill_normal(&r, z, 2 * half);
    idem_plan_options o = sharing(e, e->identity);
    idem_pipe *p = idem_pipe_new(e->model, IDEM_PIPE_SAMPLE, e->batch, psi, &o);
    gallery *of[2] = {&e->sources, &e->attributes};
    int status = p ? 0 : -1;
    for (size_t i = 0; i < 2 && !status; i++) {
        status = idem_pipe_run(p, (size_t)n, (const float *const[]){z + i * half, NULL},
                               (float *const[]){e->w + i * codes, of[i]->pictures});
        idem_image_quantise(of[i]->pictures, (size_t)n * numbers(e));
    }
    idem_pipe_free(p);
    free(z);
    return status;
}

int idem_evaluator_sample(idem_evaluator *e, int n, float psi, uint64_t seed) {
    return end(e, begin(e, n) || draw_pairs(e, n, psi, seed) || prepare_pairs(e, n, seed));
}

/* ---- figures ---- */

/* From what the networks said of the first n outputs. */
static void figures(const idem_evaluator *e, idem_report *r, int n) {
    const idem_model_info *info = idem_model_about(e->model);
    const gallery *o = &e->outputs, *id = &e->sources, *at = &e->attributes;
    r->pairs = n;
    idem_score_identity(&r->train, id->id, at->id, o->id, n, info->id_dim, e->strangers_train);
    idem_score_identity(&r->judge, id->judge, at->judge, o->judge, n, IDEM_JUDGE_DIM, e->strangers_judge);
    r->retrieval_train = idem_score_retrieval(o->id, id->id, n, info->id_dim, IDEM_RETRIEVAL_GROUP);
    r->retrieval_judge = idem_score_retrieval(o->judge, id->judge, n, IDEM_JUDGE_DIM, IDEM_RETRIEVAL_GROUP);
    r->nme = idem_score_nme(o->points, at->points, n);
    r->nme_shuffled = idem_score_nme(o->points, e->points, n);
    r->landmark_mse160 = idem_score_landmark_mse160(o->points, at->points, n);
    r->colour = idem_score_colour(o->pictures, at->pictures, NULL, n, info->size, e->outside);
    r->colour_shuffled = idem_score_colour(o->pictures, at->pictures, e->order, n, info->size, e->outside);
    r->yaw = idem_score_yaw(o->yaw, at->yaw, id->yaw, n, YAW_APART);
    r->yaw_shuffled = idem_score_yaw(o->yaw, e->yaw, id->yaw, n, YAW_APART);
}

static int measure(idem_evaluator *e, idem_report *r, int n) {
    idem_image_quantise(e->outputs.pictures, (size_t)n * numbers(e));
    if (gallery_measure(e, &e->outputs, n))
        return -1;
    figures(e, r, n);
    return 0;
}

static int check_pairs(const idem_evaluator *e) {
    return e->n ? 0 : idem_fail("no pairs to evaluate on; sample or give some first");
}

int idem_evaluator_outputs(idem_evaluator *e, const float *out, idem_report *r) {
    *r = (idem_report){0};
    if (check_pairs(e))
        return -1;
    memcpy(e->outputs.pictures, out, (size_t)e->n * numbers(e) * sizeof(float));
    return measure(e, r, e->n);
}

/* Every pair of sources and these attribute pictures, refined and painted. */
static int paint_refined(idem_evaluator *e, idem_painter *p, const float *attributes) {
    for (size_t i = 0; i < (size_t)e->n; i++) {
        const idem_pair pair = {.x_id = e->sources.pictures + i * numbers(e), .x_attr = attributes + i * numbers(e)};
        if (idem_painter_run(p, 1, &pair, e->outputs.pictures + i * numbers(e)))
            return -1;
        if (e->measured)
            e->measured(e->user, 1);
    }
    return 0;
}

static int refined(idem_evaluator *e, idem_painter *p, idem_report *r) {
    if (paint_refined(e, p, e->sources.pictures))
        return -1;
    idem_image_quantise(e->outputs.pictures, (size_t)e->n * numbers(e));
    const idem_figure psnr =
        idem_score_psnr(e->outputs.pictures, e->sources.pictures, e->n, idem_model_about(e->model)->size);
    const double start = idem_clock();
    if (paint_refined(e, p, e->attributes.pictures))
        return -1;
    const double seconds = idem_clock() - start;
    if (measure(e, r, e->n))
        return -1;
    r->psnr_same_face = psnr;
    r->seconds_per_picture = seconds / e->n;
    return 0;
}

int idem_evaluator_refined(idem_evaluator *e, int steps, idem_report *r) {
    *r = (idem_report){0};
    if (check_pairs(e))
        return -1;
    idem_painter *p = idem_painter_new(e->model, 1, steps, &e->options);
    int status = p ? refined(e, p, r) : -1;
    idem_painter_free(p);
    return status;
}

int idem_evaluator_mapper(idem_evaluator *e, idem_report *r) {
    *r = (idem_report){0};
    if (check_pairs(e))
        return -1;
    /* Made anew each time: the mapper's weights may have changed, and frozen nodes keep what they were at planning. */
    idem_plan_options o = sharing(e, e->identity);
    idem_pipe *p = idem_pipe_new(e->model, IDEM_PIPE_COMPOSE, e->batch, 1, &o);
    if (!p)
        return -1;
    gallery *out = &e->outputs;
    size_t n = (size_t)e->n;
    idem_figure psnr = {0};
    const float *same[IDEM_PIPE_PORTS] = {e->sources.pictures, e->sources.pictures};
    const float *cross[IDEM_PIPE_PORTS] = {e->sources.pictures, e->attributes.pictures};
    float *const to[IDEM_PIPE_PORTS] = {NULL, out->pictures};
    int status = idem_pipe_run(p, n, same, to);
    if (!status) {
        idem_image_quantise(out->pictures, n * numbers(e));
        psnr = idem_score_psnr(out->pictures, e->sources.pictures, e->n, idem_model_about(e->model)->size);
    }
    double start = idem_clock();
    status = status || idem_pipe_run(p, n, cross, to) ? -1 : 0;
    double seconds = idem_clock() - start;
    idem_pipe_free(p);
    if (status || measure(e, r, e->n))
        return -1;
    r->psnr_same_face = psnr;
    r->seconds_per_picture = seconds / e->n;
    return 0;
}

/* ---- baselines ---- */

static int add_row(json_t *rows, const char *name, const idem_report *r) {
    json_t *row = idem_report_json(r);
    return !row || json_object_set_new(row, "name", json_string(name)) || json_array_append_new(rows, row)
               ? idem_fail_as(IDEM_MEMORY, "out of memory for a report")
               : 0;
}

/* Layers below the crossover from `coarse`, the others from `fine`. */
static int mix(idem_evaluator *e, const float *coarse, const float *fine, int crossover, int n) {
    const idem_model_info *info = idem_model_about(e->model);
    size_t L = (size_t)info->layers, W = (size_t)info->w_dim;
    if (!e->layers) {
        idem_plan_options o = sharing(e, e->identity);
        e->layers = idem_pipe_new(e->model, IDEM_PIPE_LAYERS, e->batch, 1, &o);
    }
    float *ws = e->layers ? malloc((size_t)n * L * W * sizeof *ws) : NULL;
    if (!ws)
        return e->layers ? idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", n) : -1;
    for (size_t i = 0; i < (size_t)n; i++)
        for (size_t l = 0; l < L; l++)
            memcpy(ws + (i * L + l) * W, ((int)l < crossover ? coarse : fine) + i * W, W * sizeof *ws);
    int status = idem_pipe_run(e->layers, (size_t)n, (const float *const[]){ws, NULL},
                               (float *const[]){e->outputs.pictures, NULL});
    free(ws);
    return status;
}

static int add_baselines(idem_evaluator *e, json_t *rows, int n) {
    const idem_model_info *info = idem_model_about(e->model);
    const gallery *itself[2] = {&e->sources, &e->attributes};
    static const char *const names[2] = {"identity picture", "attribute picture"};
    idem_report r = {0};
    for (int k = 0; k < 2; k++) {
        gallery_copy(e, &e->outputs, itself[k], n);
        figures(e, &r, n);
        if (add_row(rows, names[k], &r))
            return -1;
    }
    const float *id = e->w, *attr = e->w ? e->w + (size_t)e->n * (size_t)info->w_dim : NULL;
    for (int way = 0; way < 2 && e->w; way++)
        for (int crossover = 1; crossover < info->layers; crossover++) {
            char name[64];
            snprintf(name, sizeof name, "mixing: layers %d-%d from attributes", way ? 0 : crossover,
                     way ? crossover - 1 : info->layers - 1);
            if (mix(e, way ? attr : id, way ? id : attr, crossover, n) || measure(e, &r, n) || add_row(rows, name, &r))
                return -1;
        }
    return 0;
}

json_t *idem_evaluator_baselines(idem_evaluator *e, int pairs, idem_report *same) {
    if (check_pairs(e))
        return NULL;
    if (pairs < 1)
        return idem_fail_null("baselines on %d pairs, expected 1 or more", pairs);
    int n = pairs < e->n ? pairs : e->n;
    if (same) {
        *same = (idem_report){0};
        figures(e, same, n);
    }
    json_t *rows = json_array();
    if (!rows || add_baselines(e, rows, n)) {
        json_decref(rows);
        return NULL;
    }
    return rows;
}
