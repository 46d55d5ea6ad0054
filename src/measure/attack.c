#include "measure/attack.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include "base/rng.h"
#include "base/status.h"
#include "engine/ops.h"
#include "engine/plan.h"
#include "model/adam.h"
#include "model/losses.h"

enum { HIDDEN = 1024, BATCH = 64, EPOCHS = 60, PATIENCE = 8 };
static const double RATE = 1e-3;
/* Ridge penalties, in units of the mean square of a code's numbers times the number of pairs. */
static const double penalties[] = {1e-4, 1e-3, 1e-2, 1e-1, 1, 10};

/* ---- both ---- */

static void *array(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size);
    return p ? p : idem_fail_null_as(IDEM_MEMORY, "out of memory for an attack");
}

static void normalise(float *x, int dim) {
    double length = 0;
    for (int i = 0; i < dim; i++)
        length += (double)x[i] * (double)x[i];
    const float by = (float)(1 / fmax(sqrt(length), 1e-12));
    for (int i = 0; i < dim; i++)
        x[i] *= by;
}

static double mean_cosine(const float *a, const float *b, int n, int dim) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
        double ab = 0, aa = 0, bb = 0;
        for (int k = 0; k < dim; k++) {
            const double p = a[(size_t)i * (size_t)dim + (size_t)k], q = b[(size_t)i * (size_t)dim + (size_t)k];
            ab += p * q;
            aa += p * p;
            bb += q * q;
        }
        sum += ab / fmax(sqrt(aa * bb), 1e-12);
    }
    return n ? sum / n : 0;
}

/* The pairs in random order: the first `train` for fitting, the others for validation. */
typedef struct {
    float *from, *to;
    int train, kept;
} split;

static void free_split(split *s) {
    free(s->from);
    free(s->to);
}

static int make_split(split *s, const idem_attack_pairs *pairs, uint64_t seed) {
    *s = (split){0};
    if (pairs->n < IDEM_ATTACK_LEAST)
        return idem_fail("a learned attack on %d pairs of faces: expected at least %d", pairs->n, IDEM_ATTACK_LEAST);
    const size_t n = (size_t)pairs->n, dim = (size_t)pairs->dim;
    uint32_t *order = array(n, sizeof *order);
    s->from = array(n * dim, sizeof *s->from);
    s->to = array(n * dim, sizeof *s->to);
    if (!order || !s->from || !s->to) {
        free(order);
        return -1;
    }
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    idem_rng rng = idem_rng_make(seed, "attack.split");
    idem_rng_shuffle(&rng, order, n);
    for (size_t i = 0; i < n; i++) {
        memcpy(s->from + i * dim, pairs->from + order[i] * dim, dim * sizeof(float));
        memcpy(s->to + i * dim, pairs->to + order[i] * dim, dim * sizeof(float));
    }
    free(order);
    s->kept = pairs->n / 5;
    s->train = pairs->n - s->kept;
    return 0;
}

/* ---- ridge ---- */

/* y = (x - mean_from) W + mean_to; W [dim, dim] */
typedef struct {
    double *mean_from, *mean_to, *w;
    int dim;
} linear;

static void free_linear(linear *l) {
    free(l->mean_from);
    free(l->mean_to);
    free(l->w);
}

static void find_mean(double *mean, const float *rows, int n, int dim) {
    for (int i = 0; i < n; i++)
        for (int k = 0; k < dim; k++)
            mean[k] += (double)rows[(size_t)i * (size_t)dim + (size_t)k] / n;
}

static double *centred(const float *rows, const double *mean, int n, int dim) {
    double *out = array((size_t)n * (size_t)dim, sizeof *out);
    for (int i = 0; i < n && out; i++)
        for (int k = 0; k < dim; k++)
            out[(size_t)i * (size_t)dim + (size_t)k] = (double)rows[(size_t)i * (size_t)dim + (size_t)k] - mean[k];
    return out;
}

/* W = (X'X + penalty I)^-1 X'Y */
static int fit_linear(linear *l, const float *from, const float *to, int n, int dim, double penalty) {
    const size_t numbers = (size_t)dim * (size_t)dim;
    *l = (linear){.dim = dim,
                  .mean_from = array((size_t)dim, sizeof(double)),
                  .mean_to = array((size_t)dim, sizeof(double)),
                  .w = array(numbers, sizeof(double))};
    double *gram = array(numbers, sizeof *gram), *x = NULL, *y = NULL;
    int status = l->mean_from && l->mean_to && l->w && gram ? 0 : -1;
    if (!status) {
        find_mean(l->mean_from, from, n, dim);
        find_mean(l->mean_to, to, n, dim);
        x = centred(from, l->mean_from, n, dim);
        y = centred(to, l->mean_to, n, dim);
        status = x && y ? 0 : -1;
    }
    if (!status) {
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, dim, dim, n, 1, x, dim, x, dim, 0, gram, dim);
        cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, dim, dim, n, 1, x, dim, y, dim, 0, l->w, dim);
        for (int i = 0; i < dim; i++)
            gram[(size_t)i * (size_t)dim + (size_t)i] += penalty * n / dim;
        const lapack_int info = LAPACKE_dposv(LAPACK_ROW_MAJOR, 'U', dim, dim, gram, dim, l->w, dim);
        if (info)
            status = idem_fail_as(IDEM_INTERNAL, "a ridge regression of %d numbers has no solution (dposv gave %d)",
                                  dim, (int)info);
    }
    free(gram);
    free(x);
    free(y);
    return status;
}

static int run_linear(float *out, const linear *l, const float *x, int n) {
    double *from = centred(x, l->mean_from, n, l->dim), *y = array((size_t)n * (size_t)l->dim, sizeof *y);
    if (from && y) {
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, l->dim, l->dim, 1, from, l->dim, l->w, l->dim, 0, y,
                    l->dim);
        for (int i = 0; i < n; i++) {
            float *at = out + (size_t)i * (size_t)l->dim;
            for (int k = 0; k < l->dim; k++)
                at[k] = (float)(y[(size_t)i * (size_t)l->dim + (size_t)k] + l->mean_to[k]);
            normalise(at, l->dim);
        }
    }
    const int status = from && y ? 0 : -1;
    free(from);
    free(y);
    return status;
}

/* Chooses the best penalty on the validation pairs. */
static int choose_penalty(double *penalty, const split *s, int dim) {
    const size_t first = (size_t)s->train * (size_t)dim;
    float *guess = array((size_t)s->kept * (size_t)dim, sizeof *guess);
    int status = guess ? 0 : -1;
    double best = -2;
    for (size_t i = 0; i < sizeof penalties / sizeof *penalties && !status; i++) {
        linear l;
        status = fit_linear(&l, s->from, s->to, s->train, dim, penalties[i]) ||
                         run_linear(guess, &l, s->from + first, s->kept)
                     ? -1
                     : 0;
        const double score = status ? -2 : mean_cosine(guess, s->to + first, s->kept, dim);
        if (score > best) {
            best = score;
            *penalty = penalties[i];
        }
        free_linear(&l);
    }
    free(guess);
    return status;
}

int idem_attack_ridge(float *out, const float *x, int n, const idem_attack_pairs *pairs, uint64_t seed) {
    split s;
    double penalty = 1;
    int status = make_split(&s, pairs, seed) || choose_penalty(&penalty, &s, pairs->dim) ? -1 : 0;
    if (!status) {
        linear l;
        status = fit_linear(&l, s.from, s.to, pairs->n, pairs->dim, penalty) || run_linear(out, &l, x, n) ? -1 : 0;
        free_linear(&l);
    }
    free_split(&s);
    return status;
}

/* ---- network ---- */

typedef struct {
    int dim;
    idem_weights *weights, *state;
    idem_graph *graph;
    idem_node *x, *y, *out, *loss, *grads[5];
    idem_plan *train, *run;
    idem_adam *adam;
} network;

enum { PARAMETERS = 5 };
static const char *const names[PARAMETERS] = {"1.weight", "1.bias", "2.weight", "2.bias", "direct"};

static void free_network(network *net) {
    idem_adam_free(net->adam);
    idem_plan_free(net->run);
    idem_plan_free(net->train);
    if (net->graph)
        idem_graph_free(net->graph);
    idem_weights_free(net->weights);
    idem_weights_free(net->state);
}

static int build(network *net, int dim, uint64_t seed) {
    const idem_shape shapes[PARAMETERS] = {IDEM_SHAPE(HIDDEN, dim), IDEM_SHAPE(HIDDEN), IDEM_SHAPE(dim, HIDDEN),
                                           IDEM_SHAPE(dim), IDEM_SHAPE(dim, dim)};
    *net = (network){.dim = dim, .weights = idem_weights_new(), .state = idem_weights_new(), .graph = idem_graph_new()};
    if (!net->weights || !net->state || !net->graph)
        return -1;
    idem_rng rng = idem_rng_make(seed, "attack.start");
    idem_node *p[PARAMETERS];
    for (int i = 0; i < PARAMETERS; i++) {
        idem_weight *w = idem_weights_add(net->weights, names[i], shapes[i]);
        if (!w)
            return -1;
        const size_t n = (size_t)idem_shape_count(&shapes[i]);
        if (shapes[i].rank == 2 && i != 4) { /* the linear path begins as the identity */
            idem_rng_fill_normal(&rng, w->data, n);
            const float by = (float)sqrt(2.0 / (double)shapes[i].d[1]) * (i == 2 ? 0.1f : 1);
            for (size_t k = 0; k < n; k++)
                w->data[k] *= by;
        }
        for (int k = 0; k < dim && i == 4; k++)
            w->data[(size_t)k * (size_t)dim + (size_t)k] = 1;
        p[i] = idem_param(net->graph, names[i], shapes[i], w->data, true);
    }
    net->x = idem_input(net->graph, "x", IDEM_SHAPE(BATCH, dim));
    net->y = idem_input(net->graph, "y", IDEM_SHAPE(BATCH, dim));
    const float wide = sqrtf((float)dim); /* numbers of about 1 */
    idem_node *hidden = idem_leaky_relu(idem_linear(idem_scale(net->x, wide), p[0], p[1]), 0.2f, 1);
    net->out = idem_l2_normalise(
        idem_add(idem_scale(idem_linear(hidden, p[2], p[3]), 1 / wide), idem_linear(net->x, p[4], NULL)));
    net->loss = idem_affine(idem_sum_all(idem_mul(net->out, net->y)), -1.0f / BATCH, 1);
    if (!net->loss || idem_gradients(net->loss, p, PARAMETERS, net->grads))
        return -1;
    idem_node *targets[PARAMETERS + 1] = {net->loss};
    memcpy(targets + 1, net->grads, sizeof net->grads);
    if (!(net->train = idem_plan_new(targets, PARAMETERS + 1, NULL)) ||
        !(net->run = idem_plan_new(&net->out, 1, NULL)) || !(net->adam = idem_adam_new(net->state, "adam")))
        return -1;
    for (int i = 0; i < PARAMETERS; i++)
        if (idem_adam_add(net->adam, idem_weights_find(net->weights, names[i]), net->grads[i]))
            return -1;
    return 0;
}

static int run_network(float *out, network *net, const float *x, int n) {
    const size_t dim = (size_t)net->dim;
    for (int first = 0; first < n; first += BATCH) {
        const size_t count = (size_t)(n - first < BATCH ? n - first : BATCH);
        memcpy(net->x->leaf, x + (size_t)first * dim, count * dim * sizeof(float));
        if (idem_plan_run(net->run))
            return -1;
        memcpy(out + (size_t)first * dim, idem_plan_value(net->run, net->out), count * dim * sizeof(float));
    }
    return 0;
}

static int train_epoch(network *net, const split *s, uint32_t *order, idem_rng *rng, double rate) {
    const size_t dim = (size_t)net->dim;
    idem_rng_shuffle(rng, order, (size_t)s->train);
    for (int first = 0; first < s->train; first += BATCH) {
        for (int i = 0; i < BATCH; i++) { /* the last batch wraps around */
            const size_t from = order[(first + i) % s->train];
            memcpy(net->x->leaf + (size_t)i * dim, s->from + from * dim, dim * sizeof(float));
            memcpy(net->y->leaf + (size_t)i * dim, s->to + from * dim, dim * sizeof(float));
        }
        if (idem_plan_run(net->train) || idem_adam_check(net->adam, net->train))
            return -1;
        idem_adam_step(net->adam, net->train, rate);
    }
    return 0;
}

/* The guesses of the best epoch on the validation pairs. */
static int train(float *out, const float *x, int n, network *net, const split *s, uint64_t seed) {
    const size_t dim = (size_t)net->dim, first = (size_t)s->train * dim;
    uint32_t *order = array((size_t)s->train, sizeof *order);
    float *guess = array((size_t)s->kept * dim, sizeof *guess), *now = array((size_t)n * dim, sizeof *now);
    int status = order && guess && now ? 0 : -1, since = 0;
    double best = -2;
    for (int i = 0; i < s->train && !status; i++)
        order[i] = (uint32_t)i;
    idem_rng rng = idem_rng_make(seed, "attack.order");
    for (int epoch = 0; epoch <= EPOCHS && since < PATIENCE && !status; epoch++) {
        if (epoch && train_epoch(net, s, order, &rng, RATE * 0.5 * (1 + cos(3.14159265 * epoch / (EPOCHS + 1)))))
            status = -1;
        if (!status)
            status = run_network(guess, net, s->from + first, s->kept);
        const double score = status ? -2 : mean_cosine(guess, s->to + first, s->kept, net->dim);
        since = score > best ? 0 : since + 1;
        if (score > best) {
            best = score;
            status = run_network(now, net, x, n);
        }
    }
    if (!status)
        memcpy(out, now, (size_t)n * dim * sizeof *out);
    free(order);
    free(guess);
    free(now);
    return status;
}

int idem_attack_network(float *out, const float *x, int n, const idem_attack_pairs *pairs, uint64_t seed) {
    split s;
    network net = {0};
    int status =
        make_split(&s, pairs, seed) || build(&net, pairs->dim, seed) || train(out, x, n, &net, &s, seed) ? -1 : 0;
    free_network(&net);
    free_split(&s);
    return status;
}
