#include "model/adam.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "engine/denormal.h"
#include "engine/op.h"

enum { TURN = 1 << 24 };

typedef struct {
    idem_weight *param, *m, *v;
    idem_node *grad;
    int64_t count;
} slot;

struct idem_adam {
    idem_arena *arena;
    idem_weights *state;
    const char *name;
    idem_weight *step, *turns; /* the number of steps modulo TURN, and divided by it: the range of a float */
    double beta1, beta2, eps, clip;
    slot *slots;
    size_t count, capacity;
};

/* The tensor of this name: the saved one, or a new one of zeros. */
static idem_weight *state_tensor(idem_weights *state, const char *name, idem_shape shape) {
    idem_weight *w = idem_weights_find(state, name);
    if (!w)
        return idem_weights_add(state, name, shape);
    char found[64], expected[64];
    if (!idem_shape_equal(&w->shape, &shape))
        return idem_fail_null("%s: saved shape is %s, expected %s; the checkpoint is of another model", name,
                              idem_shape_text(&w->shape, found), idem_shape_text(&shape, expected));
    w->used = true;
    return w;
}

idem_adam *idem_adam_new(idem_weights *state, const char *name) {
    idem_arena *arena = idem_arena_new();
    idem_adam *a = arena ? idem_arena_alloc(arena, sizeof *a) : NULL;
    char *copy = a ? idem_arena_strdup(arena, name) : NULL;
    char *step = copy ? idem_arena_printf(arena, "%s.step", name) : NULL;
    char *turns = step ? idem_arena_printf(arena, "%s.step_turns", name) : NULL;
    idem_weight *low = turns ? state_tensor(state, step, IDEM_SHAPE(1)) : NULL;
    idem_weight *high = low ? state_tensor(state, turns, IDEM_SHAPE(1)) : NULL;
    if (!high) {
        idem_arena_free(arena);
        return NULL;
    }
    *a = (idem_adam){.arena = arena,
                     .state = state,
                     .name = copy,
                     .step = low,
                     .turns = high,
                     .beta1 = 0.9,
                     .beta2 = 0.999,
                     .eps = 1e-7};
    return a;
}

void idem_adam_free(idem_adam *a) {
    if (!a)
        return;
    free(a->slots);
    idem_arena_free(a->arena);
}

void idem_adam_set(idem_adam *a, double beta1, double beta2, double eps) {
    a->beta1 = beta1;
    a->beta2 = beta2;
    a->eps = eps;
}

void idem_adam_set_clip(idem_adam *a, double times) {
    a->clip = times;
}

static idem_weight *moment(idem_adam *a, const idem_weight *param, const char *suffix) {
    char *name = idem_arena_printf(a->arena, "%s.%s.%s", a->name, param->name, suffix);
    idem_weight *w = name ? state_tensor(a->state, name, param->shape) : NULL;
    if (w && param->channels_last && !w->channels_last && idem_weight_channels_last(w))
        return NULL;
    if (w && w->channels_last != param->channels_last)
        return idem_fail_null("%s: the moment is in memory order and the parameter is not; bind the parameter first",
                              name);
    return w;
}

int idem_adam_add(idem_adam *a, idem_weight *param, idem_node *grad) {
    if (!param || !grad)
        return -1;
    char text_param[64], text_grad[64];
    int64_t count = idem_shape_count(&param->shape);
    if (count != idem_shape_count(&grad->shape))
        return idem_fail("%s: gradient is %s, expected %s", param->name, idem_shape_text(&grad->shape, text_grad),
                         idem_shape_text(&param->shape, text_param));
    if (param->shape.rank == 4 && !param->channels_last)
        return idem_fail("%s: the parameter is not in memory order; bind it before giving it to the optimiser",
                         param->name);
    if (a->count == a->capacity) {
        size_t capacity = a->capacity ? 2 * a->capacity : 64;
        slot *slots = realloc(a->slots, capacity * sizeof *slots);
        if (!slots)
            return idem_fail_as(IDEM_MEMORY, "out of memory for %zu optimiser slots", capacity);
        a->slots = slots;
        a->capacity = capacity;
    }
    idem_weight *m = moment(a, param, "m"), *v = m ? moment(a, param, "v") : NULL;
    if (!v)
        return -1;
    a->slots[a->count++] = (slot){param, m, v, grad, count};
    return 0;
}

size_t idem_adam_count(const idem_adam *a) {
    return a->count;
}

const idem_weight *idem_adam_param(const idem_adam *a, size_t i) {
    return a->slots[i].param;
}

idem_node *idem_adam_grad(const idem_adam *a, size_t i) {
    return a->slots[i].grad;
}

IDEM_MULTIVERSION
static bool all_finite(const float *x, int64_t n) {
    int bad = 0;
    for (int64_t i = 0; i < n; i++)
        bad |= !(fabsf(x[i]) <= FLT_MAX);
    return !bad;
}

int idem_adam_check(const idem_adam *a, const idem_plan *plan) {
    for (size_t i = 0; i < a->count; i++)
        if (!all_finite(idem_plan_value(plan, a->slots[i].grad), a->slots[i].count))
            return idem_fail(
                "%s: the gradient is not finite; lower the rate, or run with the NaN trap to find the cause",
                a->slots[i].param->name);
    return 0;
}

double idem_adam_grad_norm(const idem_adam *a, const idem_plan *plan) {
    double sum = 0;
    for (size_t i = 0; i < a->count; i++) {
        const float *g = idem_plan_value(plan, a->slots[i].grad);
        for (int64_t k = 0; k < a->slots[i].count; k++)
            sum += (double)g[k] * g[k];
    }
    return sqrt(sum);
}

/* Factor on the gradients of step t. The moments are unreliable during the first CLIP_AFTER steps. */
static double shortened(const idem_adam *a, const idem_plan *plan, double t) {
    enum { CLIP_AFTER = 10 };
    if (!(a->clip > 0) || t <= CLIP_AFTER)
        return 1;
    double moments = 0;
    for (size_t i = 0; i < a->count; i++)
        for (int64_t k = 0; k < a->slots[i].count; k++)
            moments += (double)a->slots[i].v->data[k];
    double most = a->clip * sqrt(moments / (1 - pow(a->beta2, t - 1))), norm = idem_adam_grad_norm(a, plan);
    return norm > most ? most / norm : 1;
}

typedef struct {
    float beta1, rest1, beta2, rest2, rate, root, eps, scale;
} factors;

IDEM_MULTIVERSION
static void update(float *restrict p, float *restrict m, float *restrict v, const float *restrict g, int n, factors f) {
    for (int i = 0; i < n; i++) {
        float d = f.scale * g[i];
        m[i] = f.beta1 * m[i] + f.rest1 * d;
        v[i] = f.beta2 * v[i] + f.rest2 * d * d;
        p[i] -= f.rate * m[i] / (sqrtf(v[i]) / f.root + f.eps);
    }
}

void idem_adam_step(idem_adam *a, const idem_plan *plan, double rate) {
    enum { BLOCK = 16384 };
    const int64_t steps = idem_adam_steps(a) + 1;
    const double t = (double)steps;
    a->step->data[0] = (float)(steps % TURN);
    a->turns->data[0] = (float)(steps / TURN);
    factors f = {.beta1 = (float)a->beta1,
                 .rest1 = (float)(1 - a->beta1),
                 .beta2 = (float)a->beta2,
                 .rest2 = (float)(1 - a->beta2),
                 .rate = (float)(rate / (1 - pow(a->beta1, t))),
                 .root = (float)sqrt(1 - pow(a->beta2, t)),
                 .eps = (float)a->eps,
                 .scale = (float)shortened(a, plan, t)};
    uint64_t before;
    idem_denormals_flush(idem_threads(), &before); /* moments of a gradient that became zero are denormal */
    for (size_t s = 0; s < a->count; s++) {
        slot *slot = &a->slots[s];
        const float *g = idem_plan_value(plan, slot->grad);
        int64_t blocks = (slot->count + BLOCK - 1) / BLOCK;
#pragma omp parallel for num_threads(idem_threads()) schedule(static) if (blocks > 1)
        for (int64_t b = 0; b < blocks; b++) {
            int64_t at = b * BLOCK, n = slot->count - at < BLOCK ? slot->count - at : BLOCK;
            update(slot->param->data + at, slot->m->data + at, slot->v->data + at, g + at, (int)n, f);
        }
    }
    idem_denormals_restore(before, idem_threads());
}

int64_t idem_adam_steps(const idem_adam *a) {
    return (int64_t)a->turns->data[0] * TURN + (int64_t)a->step->data[0];
}
