#define _GNU_SOURCE /* M_PI */
#include "measure/invert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "engine/ops.h"
#include "model/adam.h"
#include "model/msssim.h"
#include "model/pipe.h"

enum { WARM_UP = 5, CODES = 512, CODES_BATCH = 64 };
static const double LEAST_RATE = 0.05; /* of the rate, at the last step */

struct idem_invert {
    idem_model *model;
    idem_invert_options options;
    int batch;
    size_t picture, codes; /* numbers of a picture, of its ws */
    idem_weights *state;   /* "moved" and Adam's moments */
    idem_weight *moved;    /* [B, L, W]: from the mean w, in units of the codes' deviation */
    idem_graph *graph;
    idem_node *x, *y, *ws, *loss, *grad;
    idem_plan *step, *paint;
    idem_adam *adam;
};

/* Root mean square of w - mean w, over numbers and some codes. */
static int find_spread(idem_model *m, float *spread, const idem_plan_options *plan) {
    const idem_model_info *info = idem_model_about(m);
    const size_t width = (size_t)info->w_dim, numbers = CODES * (size_t)info->z_dim;
    idem_pipe *pipe = idem_pipe_new(m, IDEM_PIPE_MAPPING, CODES_BATCH, 1, plan);
    float *z = malloc(numbers * sizeof *z), *w = malloc(CODES * width * sizeof *w);
    int status = !pipe ? -1 : z && w ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", CODES);
    if (!status) {
        idem_rng rng = idem_rng_make(0, "invert.spread");
        idem_rng_fill_normal(&rng, z, numbers);
        status = idem_pipe_run(pipe, CODES, (const float *const[]){z}, (float *const[]){w, NULL});
    }
    double sum = 0;
    for (size_t i = 0; i < CODES * width && !status; i++) {
        const double off = (double)(w[i] - info->mean_w[i % width]);
        sum += off * off;
    }
    *spread = (float)sqrt(sum / (double)(CODES * width));
    if (!status && !(*spread > 0))
        status = idem_fail("all codes of the generator are one: it paints one picture");
    free(z);
    free(w);
    idem_pipe_free(pipe);
    return status;
}

/* The sum over the pictures, so that each has the same gradient as alone. */
static idem_node *loss_of(idem_node *x, idem_node *y) {
    if (!x || !y)
        return NULL;
    idem_node *apart = idem_abs(idem_sub(x, y));
    idem_node *one_minus = idem_sum_all(idem_one_minus_msssim(y, x));
    return idem_add(one_minus, idem_scale(idem_mean_all(apart), (float)x->shape.d[0]));
}

static int build(idem_invert *v, const idem_plan_options *plan) {
    const idem_model_info *info = idem_model_about(v->model);
    const idem_shape shape = IDEM_SHAPE(v->batch, info->layers, info->w_dim);
    float spread;
    v->picture = (size_t)info->size * (size_t)info->size * 3;
    v->codes = (size_t)info->layers * (size_t)info->w_dim;
    if (find_spread(v->model, &spread, plan) || !(v->state = idem_weights_new()) ||
        !(v->moved = idem_weights_add(v->state, "moved", shape)) || !(v->graph = idem_graph_new()))
        return -1;
    idem_node *moved = idem_param(v->graph, "moved", shape, v->moved->data, true);
    idem_node *mean = idem_const(v->graph, "mean_w", IDEM_SHAPE(1, 1, info->w_dim), info->mean_w);
    v->x = idem_input(v->graph, "x", IDEM_SHAPE(v->batch, 3, info->size, info->size));
    v->ws = idem_add(idem_scale(moved, spread), mean);
    v->y = idem_model_picture(v->model, v->ws);
    v->loss = loss_of(v->x, v->y);
    if (!v->loss || idem_gradients(v->loss, &moved, 1, &v->grad))
        return -1;
    idem_plan_options shared = plan ? *plan : (idem_plan_options){0};
    idem_node *targets[] = {v->loss, v->grad}, *painted[] = {v->y, v->ws};
    if (!(v->step = idem_plan_new(targets, 2, &shared)))
        return -1;
    shared.share = v->step;
    if (!(v->paint = idem_plan_new(painted, 2, &shared)) || !(v->adam = idem_adam_new(v->state, "adam")))
        return -1;
    idem_adam_set(v->adam, 0.9, 0.99, 1e-12);
    return idem_adam_add(v->adam, v->moved, v->grad);
}

idem_invert *idem_invert_new(idem_model *m, const idem_invert_options *options, int batch,
                             const idem_plan_options *plan) {
    idem_invert *v = calloc(1, sizeof *v);
    if (!v)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for an inversion");
    v->model = m;
    v->options = *options;
    v->batch = batch;
    if (build(v, plan)) {
        idem_invert_free(v);
        return NULL;
    }
    return v;
}

void idem_invert_free(idem_invert *v) {
    if (!v)
        return;
    idem_plan_free(v->paint);
    idem_plan_free(v->step); /* the plan that owns the buffer last */
    idem_adam_free(v->adam);
    if (v->graph)
        idem_graph_free(v->graph);
    idem_weights_free(v->state);
    free(v);
}

static double rate_at(const idem_invert_options *o, int step) {
    const double warm = step < WARM_UP ? (double)(step + 1) / WARM_UP : 1;
    const double way = o->steps > 1 ? (double)step / (o->steps - 1) : 1;
    return o->rate * warm * (LEAST_RATE + (1 - LEAST_RATE) * 0.5 * (1 + cos(M_PI * way)));
}

/* Resets the codes to the mean w, and Adam's moments. */
static void begin(idem_invert *v) {
    for (size_t i = 0; i < idem_weights_count(v->state); i++) {
        idem_weight *w = idem_weights_at(v->state, i);
        memset(w->data, 0, (size_t)idem_shape_count(&w->shape) * sizeof *w->data);
    }
}

/* n <= batch; remaining places repeat the last picture. */
static int invert_some(idem_invert *v, size_t n, const float *pictures, float *found, float *ws) {
    for (size_t i = 0; i < (size_t)v->batch; i++)
        memcpy(v->x->leaf + i * v->picture, pictures + (i < n ? i : n - 1) * v->picture, v->picture * sizeof *pictures);
    begin(v);
    for (int step = 0; step < v->options.steps; step++) {
        if (idem_plan_run(v->step))
            return -1;
        if (!isfinite(idem_plan_scalar(v->step, v->loss)) || idem_adam_check(v->adam, v->step))
            return idem_fail_as(IDEM_INTERNAL, "inverting: the loss or its gradient is not finite at step %d", step);
        idem_adam_step(v->adam, v->step, rate_at(&v->options, step));
    }
    if (idem_plan_run(v->paint))
        return -1;
    memcpy(found, idem_plan_value(v->paint, v->y), n * v->picture * sizeof *found);
    if (ws)
        memcpy(ws, idem_plan_value(v->paint, v->ws), n * v->codes * sizeof *ws);
    return 0;
}

int idem_invert_run(idem_invert *v, int n, const float *pictures, float *found, float *ws) {
    for (int first = 0; first < n; first += v->batch) {
        const size_t some = (size_t)(n - first < v->batch ? n - first : v->batch), at = (size_t)first;
        if (invert_some(v, some, pictures + at * v->picture, found + at * v->picture, ws ? ws + at * v->codes : NULL))
            return -1;
    }
    return 0;
}
