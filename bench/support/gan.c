/* Iterations of generator training as work: the recipe's own networks, batch and augmentation, from filled numbers that
 * the other program can have too. Neither side draws random numbers or reads data. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops.h"
#include "model/average.h"
#include "train/gan/graph.h"
#include "support/fill.h"
#include "support/work.h"

enum { FIRST = 2, LOSSES = 4 }; /* d, sign, r1, g of the first iterations */

static const idem_average_rule rule[1] = {{IDEM_GAN_G, "g_ema."}};

typedef struct {
    idem_gan_recipe recipe;
    idem_weights *weights;
    idem_gan_graph graph;
    idem_average *average;
    int64_t iteration;
    float first[FIRST * LOSSES];
} work;

static bool ends_in(const char *name, const char *end) {
    const size_t n = strlen(name), m = strlen(end);
    return n >= m && !strcmp(name + n - m, end);
}

/* Range and middle of a tensor's values; false: it stays unchanged (blur kernels, stored noise). */
static bool start_of(const char *name, double *a, double *b) {
    const double unit = sqrt(3);
    if (ends_in(name, ".kernel") || strstr(name, "noises."))
        return false;
    *b = 0;
    if (!strncmp(name, "g.style.", 8))
        *a = ends_in(name, ".bias") ? 20 : 100 * unit;
    else if (ends_in(name, "noise.weight"))
        *a = *b = 0.1;
    else if (ends_in(name, "modulation.bias"))
        *a = 0.2, *b = 1;
    else
        *a = ends_in(name, ".bias") ? 0.2 : unit;
    return true;
}

static int fill_weights(idem_weights *w) {
    for (size_t i = 0; i < idem_weights_count(w); i++) {
        idem_weight *t = idem_weights_at(w, i);
        const size_t count = (size_t)idem_shape_count(&t->shape);
        double a, b;
        if (!start_of(t->name, &a, &b))
            continue;
        float *x = malloc(count * sizeof *x);
        if (!x)
            return idem_fail_as(IDEM_MEMORY, "out of memory");
        fixture_fill(x, count, "", t->name, a, b);
        idem_weight_write(t, x);
        free(x);
    }
    return 0;
}

static int fill_node(idem_node *n, const char *name, double a) {
    const size_t count = (size_t)idem_shape_count(&n->shape);
    float *x = malloc(count * sizeof *x);
    if (!x)
        return idem_fail_as(IDEM_MEMORY, "out of memory");
    fixture_fill(x, count, "", name, a, 0);
    idem_node_write(n, x);
    free(x);
    return 0;
}

/* Small changes to all pictures, and a box of a quarter of the side cut out. */
static int fill_augment(idem_node *n, const char *name, int64_t side) {
    if (fill_node(n, name, 0.1))
        return -1;
    for (int64_t i = 0; i < idem_shape_count(&n->shape); i++) {
        const int k = (int)(i % IDEM_AUGMENT_NUMBERS);
        const bool unit = k == 0 || k == 4 || k == 6 || k == 10 || k == 14;
        if (k >= IDEM_AUGMENT_BOX)
            n->leaf[i] = (float)(k < IDEM_AUGMENT_BOX + 2 ? side / 4 : side / 2);
        else if (unit)
            n->leaf[i] += 1;
    }
    return 0;
}

static int fill_inputs(const idem_gan_graph *t, int64_t side) {
    char name[32];
    int status = fill_node(t->real, "real", 1) || fill_node(t->z, "z", sqrt(3)) || fill_node(t->mix, "mix", 1) ||
                 fill_augment(t->augment_real, "augment.real", side) ||
                 fill_augment(t->augment_made, "augment.made", side);
    for (int64_t i = 0; i < idem_shape_count(&t->mix->shape); i++)
        t->mix->leaf[i] = t->mix->leaf[i] > 0;
    for (int i = 0; i < t->about.n_noise && !status; i++) {
        snprintf(name, sizeof name, "noise.%d", i);
        status = fill_node(t->noise[i], name, sqrt(3));
    }
    return status ? -1 : 0;
}

static int step(const work *g, const idem_gan_step *s, float *loss) {
    if (idem_plan_run(s->plan))
        return -1;
    *loss = idem_plan_scalar(s->plan, s->loss);
    if (idem_adam_check(s->adam, s->plan))
        return -1;
    idem_adam_step(s->adam, s->plan, g->recipe.rate * (s == &g->graph.g ? 1 : idem_gan_d_share(&g->recipe)));
    return 0;
}

static int iterate(work *g, float loss[LOSSES]) {
    loss[2] = 0;
    if (step(g, &g->graph.d, &loss[0]))
        return -1;
    loss[1] = idem_plan_scalar(g->graph.d.plan, g->graph.sign);
    if ((g->iteration % g->recipe.r1_every == 0 && step(g, &g->graph.r1, &loss[2])) || step(g, &g->graph.g, &loss[3]))
        return -1;
    idem_average_update(g->average, pow(0.5, (double)g->recipe.batch / g->recipe.ema), 1000 + g->iteration++);
    return 0;
}

/* The iterations of one period of R1. */
static int run_cycle(bench_work *w) {
    work *g = w->state;
    float loss[LOSSES];
    for (int64_t i = 0; i < g->recipe.r1_every; i++)
        if (iterate(g, loss))
            return -1;
    return 0;
}

static int first_losses(bench_work *w, float **out, size_t *count) {
    const work *g = w->state;
    *count = FIRST * LOSSES;
    if (!(*out = malloc(sizeof g->first)))
        return idem_fail_as(IDEM_MEMORY, "out of memory");
    memcpy(*out, g->first, sizeof g->first);
    return 0;
}

int bench_prepare_gan(bench_work *w) {
    work *g = calloc(1, sizeof *g);
    if (!g)
        return idem_fail_as(IDEM_MEMORY, "out of memory");
    idem_gan_defaults(&g->recipe);
    g->recipe.features = 0; /* PyTorch's side has no such network */
    g->recipe.size = w->c->side;
    g->recipe.batch = w->batch;
    if (!(g->weights = idem_weights_new()) || idem_gan_init(g->weights, &g->recipe) || fill_weights(g->weights) ||
        idem_average_add(g->weights, rule, 1) ||
        idem_gan_graph_build(&g->graph, g->weights, &g->recipe, NULL, &(idem_plan_options){.threads = w->threads}) ||
        !(g->average = idem_average_new(g->weights, rule, 1)) || fill_inputs(&g->graph, w->c->side))
        return -1;
    for (int i = 0; i < FIRST; i++)
        if (iterate(g, g->first + i * LOSSES))
            return -1;
    const double often = (double)g->recipe.r1_every;
    w->flops = often * (idem_plan_flops(g->graph.d.plan) + idem_plan_flops(g->graph.g.plan)) +
               idem_plan_flops(g->graph.r1.plan);
    w->state = g;
    w->run = run_cycle;
    w->values = first_losses;
    w->planned = idem_plan_bytes(g->graph.r1.plan);
    w->pictures = (int)g->recipe.r1_every * w->batch;
    return 0;
}
