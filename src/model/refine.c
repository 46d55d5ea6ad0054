#define _GNU_SOURCE /* M_PI */
#include "model/refine.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "engine/ops.h"
#include "face/frame.h"
#include "model/adam.h"
#include "model/gamut.h"
#include "model/losses.h"
#include "model/metric.h"

static const int WARM_UP = 5;
static const double LEAST_RATE = 0.05; /* of the rate, at the last step */
static const double FLOOR = 0.1;       /* of the mean variance, for idem_code_metric */

/* The random similarity under which E_id sees a picture: without it codes drift to patterns that only this network
 * takes for the person. Shifts are in pixels at a side of 128. */
static const double TURN = 3 * M_PI / 180, SCALE = 0.04, MOVE = 1.5;

enum { ROWS = 2 }; /* identity vectors: of the identity picture, of the attribute picture */

struct idem_refine {
    idem_model *model;
    idem_refine_options options;
    size_t picture, codes; /* numbers of a picture; of ws */
    idem_weights *state;   /* way and Adam's moments */
    idem_weight *way;      /* [1, L, W]: ws = start + scale * way */
    float *good;           /* the last way with finite loss and gradient */
    float *scale;          /* [L, W] */
    float *metric;         /* [W, W] */
    uint8_t *outside;      /* [S * S]: 1 outside the face */
    idem_graph *graph;
    /* computed once per pair */
    idem_node *pictures, *seen, *vectors, *points; /* [2, 3, S, S], their mirror images; [2, D]; [1, 51, 2] */
    idem_plan *targets;
    /* one step */
    idem_node *x, *persons, *wanted;    /* [1, 3, S, S]; [2, D]; [1, 51, 2] */
    idem_node *start, *numbers, *gamut; /* [1, L, W]; of idem_augment; of idem_gamut_find */
    idem_node *cosines, *loss[2],
        *grad[2]; /* [1, 2]; loss and gradient for two persons, and for one picture on both sides */
    idem_plan *step[2];
    idem_adam *adam[2];
};

idem_refine_options idem_refine_defaults(int steps) {
    return (idem_refine_options){.steps = steps,
                                 .rate = 0.14,
                                 .fine = 2,
                                 .identity = 1,
                                 .landmark = 0.07,
                                 .surround = 3,
                                 .colours = 10,
                                 .leak = 0.4,
                                 .reconstruction = 20,
                                 .start = 0.2,
                                 .natural = 0.6,
                                 .rows = 2};
}

/* ---- graphs ---- */

static void build_targets(idem_refine *r, int side) {
    idem_graph *g = r->graph;
    r->pictures = idem_input(g, "pictures", IDEM_SHAPE(ROWS, 3, side, side));
    r->seen = idem_input(g, "mirrored", IDEM_SHAPE(ROWS, 3, side, side));
    /* Identities are compared with the mean of a picture and its mirror image. */
    r->vectors =
        idem_l2_normalise(idem_add(idem_model_identity(r->model, r->pictures), idem_model_identity(r->model, r->seen)));
    r->points = idem_scale(idem_model_landmarks(r->model, idem_slice(r->pictures, 0, 1, 1, 1)), IDEM_LANDMARK_UNITS);
}

/* The terms that keep the code in the generator's distribution. */
static idem_node *distances(const idem_refine *r, idem_node *ws, idem_node *moved, const idem_model_info *info) {
    const idem_refine_options *o = &r->options;
    const int W = info->w_dim;
    idem_node *metric = idem_const(r->graph, "metric", IDEM_SHAPE(W, W), r->metric);
    idem_node *far = idem_matmul(idem_reshape(moved, IDEM_SHAPE(info->layers, W)), metric, false, false);
    idem_node *mean = idem_reduce_sum(ws, IDEM_SHAPE(1, 1, W), 1.0f / (float)info->layers);
    idem_node *spread = idem_mean_all(idem_square(idem_sub(ws, mean)));
    return idem_add(idem_scale(spread, (float)o->rows),
                    idem_add(idem_scale(idem_mean_all(idem_square(moved)), (float)o->start),
                             idem_scale(idem_mean_all(idem_square(far)), (float)o->natural)));
}

static void build_step(idem_refine *r, idem_node *way, const idem_model_info *info) {
    const idem_refine_options *o = &r->options;
    idem_graph *g = r->graph;
    const int side = info->size;
    r->start = idem_input(g, "start", way->shape);
    idem_node *moved = idem_mul(way, idem_const(g, "scale", way->shape, r->scale));
    idem_node *ws = idem_add(r->start, moved);
    r->x = idem_input(g, "attributes", IDEM_SHAPE(1, 3, side, side));
    r->persons = idem_input(g, "persons", IDEM_SHAPE(ROWS, info->id_dim));
    r->wanted = idem_input(g, "landmarks", IDEM_SHAPE(1, IDEM_LANDMARKS, 2));
    r->numbers = idem_input(g, "similarity", IDEM_SHAPE(1, IDEM_AUGMENT_NUMBERS));
    idem_node *y = idem_model_picture(r->model, ws);
    idem_node *e = idem_l2_normalise(idem_model_identity(r->model, idem_augment(y, r->numbers)));
    r->cosines = idem_matmul(e, r->persons, false, true);
    idem_node *identity = idem_affine(idem_sum_all(idem_slice(r->cosines, 1, 0, 1, 1)), -1, 1);
    idem_node *leak = idem_relu(idem_sum_all(idem_slice(r->cosines, 1, 1, 1, 1)));
    idem_node *points = idem_scale(idem_model_landmarks(r->model, y), IDEM_LANDMARK_UNITS);
    idem_node *both = idem_add(idem_add(idem_scale(identity, (float)o->identity),
                                        idem_scale(idem_loss_landmark(r->wanted, points, NULL), (float)o->landmark)),
                               distances(r, ws, moved, info));
    r->gamut = idem_input(g, "gamut", IDEM_SHAPE(1, IDEM_GAMUT_NUMBERS));
    both = idem_add(both, idem_add(idem_scale(idem_loss_surround(r->x, y, r->outside), (float)o->surround),
                                   idem_scale(idem_gamut_loss(y, r->gamut, r->outside), (float)o->colours)));
    r->loss[0] = idem_add(both, idem_scale(leak, (float)o->leak));
    r->loss[1] = idem_add(both, idem_scale(idem_loss_reconstruction(r->x, y, 1), (float)o->reconstruction));
}

static int plan_step(idem_refine *r, int same, idem_node *way, const idem_plan_options *plan) {
    if (!r->loss[same] || idem_gradients(r->loss[same], &way, 1, &r->grad[same]))
        return -1;
    idem_node *targets[] = {r->loss[same], r->cosines, r->grad[same]};
    if (!(r->step[same] = idem_plan_new(targets, 3, plan)))
        return -1;
    if (!(r->adam[same] = idem_adam_new(r->state, same ? "same" : "cross")))
        return -1;
    idem_adam_set(r->adam[same], 0.9, 0.99, 1e-8);
    return idem_adam_add(r->adam[same], r->way, r->grad[same]);
}

int idem_refine_lacks_networks(void) {
    return idem_fail("refining a code needs the recogniser and the landmark network; load them first");
}

/* Before build_begin: idem_code_metric also builds on the model. */
static int make_measures(idem_refine *r, const idem_plan_options *plan) {
    const idem_model_info *info = idem_model_about(r->model);
    const size_t W = (size_t)info->w_dim;
    if (!info->has_frozen)
        return idem_refine_lacks_networks();
    r->picture = (size_t)info->size * (size_t)info->size * 3;
    r->codes = (size_t)info->layers * W;
    const int first_fine = info->layers / 2 + 1;
    r->good = malloc(r->codes * sizeof *r->good);
    r->scale = malloc(r->codes * sizeof *r->scale);
    r->metric = malloc(W * W * sizeof *r->metric);
    r->outside = malloc((size_t)info->size * (size_t)info->size);
    if (!r->good || !r->scale || !r->metric || !r->outside)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a code");
    if (idem_frame_outside(idem_model_frame(r->model), info->size, r->outside))
        return -1;
    for (size_t i = 0; i < r->codes; i++)
        r->scale[i] = (int)(i / W) >= first_fine ? (float)r->options.fine : 1;
    /* Refinement can be interrupted, opening cannot. */
    idem_plan_options at_once = plan ? *plan : (idem_plan_options){0};
    at_once.stop = NULL;
    return idem_code_metric(r->model, FLOOR, r->metric, &at_once);
}

static int build(idem_refine *r, const idem_plan_options *plan) {
    const idem_model_info *info = idem_model_about(r->model);
    const idem_shape shape = IDEM_SHAPE(1, info->layers, info->w_dim);
    if (!(r->state = idem_weights_new()) || !(r->way = idem_weights_add(r->state, "way", shape)) ||
        !(r->graph = idem_graph_new()))
        return -1;
    build_targets(r, info->size);
    idem_node *way = idem_param(r->graph, "way", shape, r->way->data, true);
    build_step(r, way, info);
    idem_plan_options shared = plan ? *plan : (idem_plan_options){0};
    for (int same = 1; same >= 0; same--) { /* the first needs the most memory */
        if (plan_step(r, same, way, &shared))
            return -1;
        shared.share = r->step[1];
    }
    idem_node *targets[] = {r->vectors, r->points};
    return (r->targets = idem_plan_new(targets, 2, &shared)) ? 0 : -1;
}

idem_refine *idem_refine_new(idem_model *m, const idem_refine_options *options, const idem_plan_options *plan) {
    idem_refine *r = calloc(1, sizeof *r);
    if (!r)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for refining codes");
    r->model = m;
    r->options = *options;
    int status = make_measures(r, plan);
    if (!status) {
        idem_model_build_begin(m);
        status = build(r, plan);
        idem_model_build_end(m);
    }
    if (status) {
        idem_refine_free(r);
        return NULL;
    }
    return r;
}

void idem_refine_free(idem_refine *r) {
    if (!r)
        return;
    idem_plan_free(r->targets);
    idem_plan_free(r->step[0]);
    idem_plan_free(r->step[1]); /* the plan that owns the buffer last */
    idem_adam_free(r->adam[0]);
    idem_adam_free(r->adam[1]);
    if (r->graph)
        idem_graph_free(r->graph);
    idem_weights_free(r->state);
    free(r->good);
    free(r->scale);
    free(r->metric);
    free(r->outside);
    free(r);
}

void idem_refine_set_pace(idem_refine *r, int steps, double rate) {
    r->options.steps = steps;
    r->options.rate = rate;
}

/* ---- one pair ---- */

static void mirror(float *to, const float *from, int side) {
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            memcpy(to + (y * side + x) * 3, from + (y * side + side - 1 - x) * 3, 3 * sizeof *to);
}

static int take_pair(idem_refine *r, const float *x_id, const float *x_attr) {
    const int side = idem_model_about(r->model)->size;
    const float *const x[ROWS] = {x_id, x_attr};
    for (size_t i = 0; i < ROWS; i++) {
        memcpy(r->pictures->leaf + i * r->picture, x[i], r->picture * sizeof(float));
        mirror(r->seen->leaf + i * r->picture, x[i], side);
    }
    if (idem_gamut_find(x, ROWS, side, r->outside, r->gamut->leaf) || idem_plan_run(r->targets))
        return -1;
    memcpy(r->persons->leaf, idem_plan_value(r->targets, r->vectors),
           (size_t)idem_shape_count(&r->persons->shape) * sizeof(float));
    memcpy(r->wanted->leaf, idem_plan_value(r->targets, r->points),
           (size_t)idem_shape_count(&r->wanted->shape) * sizeof(float));
    memcpy(r->x->leaf, x_attr, r->picture * sizeof(float));
    return 0;
}

/* The random similarity of one step, the same for every pair. */
static void draw_similarity(float *numbers, int side, idem_rng *rng) {
    const double turn = TURN * (2 * idem_rng_uniform(rng) - 1), scale = 1 + SCALE * (2 * idem_rng_uniform(rng) - 1);
    const double pixels = MOVE * side / 128, dx = pixels * (2 * idem_rng_uniform(rng) - 1),
                 dy = pixels * (2 * idem_rng_uniform(rng) - 1), flip = idem_rng_uniform(rng) < 0.5 ? -1 : 1;
    memset(numbers, 0, IDEM_AUGMENT_NUMBERS * sizeof *numbers);
    const double warp[6] = {flip * scale * cos(turn), -flip * scale * sin(turn), dx,
                            scale * sin(turn),        scale * cos(turn),         dy};
    for (int i = 0; i < 6; i++)
        numbers[IDEM_AUGMENT_WARP + i] = (float)warp[i];
    for (int i = 0; i < 3; i++)
        numbers[IDEM_AUGMENT_COLOUR + 4 * i] = 1;
}

static double rate_at(const idem_refine_options *o, int step) {
    const double warm = step < WARM_UP ? (double)(step + 1) / WARM_UP : 1;
    const double way = o->steps > 1 ? (double)step / (o->steps - 1) : 1;
    return o->rate * warm * (LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + cos(M_PI * way)));
}

/* Resets the moments, and sets the way from start to ws. */
static void begin(idem_refine *r, const float *start, const float *ws) {
    for (size_t i = 0; i < idem_weights_count(r->state); i++) {
        idem_weight *w = idem_weights_at(r->state, i);
        memset(w->data, 0, (size_t)idem_shape_count(&w->shape) * sizeof *w->data);
    }
    for (size_t i = 0; i < r->codes; i++)
        r->way->data[i] = (ws[i] - start[i]) / r->scale[i];
    memcpy(r->start->leaf, start, r->codes * sizeof *start);
}

/* After the pair is set. start and ws may be the same array. */
static int take_steps(idem_refine *r, bool same, const float *start, float *ws, idem_refined *a) {
    begin(r, start, ws);
    const int side = idem_model_about(r->model)->size;
    idem_rng rng = idem_rng_make(0, "refine");
    for (int step = 0; step < r->options.steps; step++) {
        draw_similarity(r->numbers->leaf, side, &rng);
        if (idem_plan_run(r->step[same]))
            return -1;
        const double loss = (double)idem_plan_scalar(r->step[same], r->loss[same]);
        if (!isfinite(loss) || idem_adam_check(r->adam[same], r->step[same]))
            break; /* the code of this step is discarded */
        memcpy(r->good, r->way->data, r->codes * sizeof *r->good);
        a->first = step ? a->first : loss;
        a->last = loss;
        a->cosine = (double)idem_plan_value(r->step[same], r->cosines)[0];
        idem_adam_step(r->adam[same], r->step[same], rate_at(&r->options, step));
        a->steps = step + 1;
    }
    const float *way = a->steps == r->options.steps ? r->way->data : r->good;
    for (size_t i = 0; i < r->codes && a->steps; i++)
        ws[i] = r->start->leaf[i] + r->scale[i] * way[i];
    return 0;
}

int idem_refine_run(idem_refine *r, const float *x_id, const float *x_attr, bool same, float *ws, idem_refined *about) {
    return idem_refine_run_from(r, x_id, x_attr, same, ws, ws, about);
}

int idem_refine_run_from(idem_refine *r, const float *x_id, const float *x_attr, bool same, const float *start,
                         float *ws, idem_refined *about) {
    idem_refined dummy, *a = about ? about : &dummy;
    *a = (idem_refined){0};
    if (r->options.steps < 1)
        return 0;
    return take_pair(r, x_id, x_attr) ? -1 : take_steps(r, same, start, ws, a);
}

int idem_refine_person(idem_refine *r, const float *person, const float *x_attr, float *ws, idem_refined *about) {
    return idem_refine_person_from(r, person, x_attr, ws, ws, about);
}

int idem_refine_person_from(idem_refine *r, const float *person, const float *x_attr, const float *start, float *ws,
                            idem_refined *about) {
    idem_refined dummy, *a = about ? about : &dummy;
    *a = (idem_refined){0};
    if (r->options.steps < 1)
        return 0;
    if (take_pair(r, x_attr, x_attr))
        return -1;
    memcpy(r->persons->leaf, person, (size_t)idem_shape_count(&r->persons->shape) / ROWS * sizeof *person);
    return take_steps(r, false, start, ws, a);
}
