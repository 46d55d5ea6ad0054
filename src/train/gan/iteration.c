#include "train/gan/iteration.h"

#include <math.h>

#include "base/rng.h"
#include "train/gan/augment.h"

enum { STEER_EVERY = 4 };

const char idem_gan_path_mean[] = "path.mean";
static const char *const rng_names[IDEM_GAN_RNGS] = {"gan.codes", "gan.mix", "gan.noise", "gan.augment"};

/* ---- random inputs ---- */

static idem_rng stream(const idem_gan_iteration *t, int which) {
    idem_rng r = idem_rng_make(t->recipe->seed, rng_names[which]);
    r.counter = t->state->drawn[which];
    return r;
}

/* Normal numbers for `count` pictures of the node from picture `from` on. Each gets those that it would get in one
 * process: r is at the first of `all` pictures of the batch, and is moved behind them. */
static void draw_normal(const idem_gan_part *p, idem_node *n, int64_t from, int64_t count, int64_t all, idem_rng *r) {
    const size_t width = (size_t)(idem_shape_count(&n->shape) / n->shape.d[0]);
    const uint64_t start = r->counter;
    for (int64_t i = 0; i < count; i++) {
        r->counter = start + 2 * width * (uint64_t)idem_gan_part_place(p, i);
        idem_rng_fill_normal(r, n->leaf + (size_t)(from + i) * width, width);
    }
    r->counter = start + 2 * width * (uint64_t)all;
}

/* The random inputs of a pass through G. The second style starts at any layer but the first. */
static void draw_codes(const idem_gan_iteration *t) {
    const idem_gan_graph *g = t->graph;
    const idem_gan_part *p = &g->part;
    const int64_t all = t->recipe->batch;
    idem_rng codes = stream(t, IDEM_GAN_RNG_CODES), mix = stream(t, IDEM_GAN_RNG_MIX),
             noise = stream(t, IDEM_GAN_RNG_NOISE);
    for (int half = 0; half < 2; half++)
        draw_normal(p, g->z, half * p->batch, p->batch, all, &codes);
    const int64_t layers = g->about.n_ws;
    const uint64_t start = mix.counter;
    for (int64_t i = 0; i < p->batch; i++) {
        mix.counter = start + 2 * (uint64_t)idem_gan_part_place(p, i);
        const bool mixed = idem_rng_uniform(&mix) < t->recipe->mixing;
        const int64_t cross = 1 + (int64_t)(idem_rng_uniform(&mix) * (double)(layers - 1));
        for (int64_t l = 0; l < layers; l++)
            g->mix->leaf[i * layers + l] = mixed && l >= cross;
    }
    for (int i = 0; i < g->about.n_noise && !t->recipe->no_noise; i++)
        draw_normal(p, g->noise[i], 0, p->batch, all, &noise);
    t->state->drawn[IDEM_GAN_RNG_CODES] = codes.counter;
    t->state->drawn[IDEM_GAN_RNG_MIX] = start + 2 * (uint64_t)all;
    t->state->drawn[IDEM_GAN_RNG_NOISE] = noise.counter;
}

static void draw_augment(const idem_gan_iteration *t, idem_node *numbers) {
    const idem_gan_part *p = &t->graph->part;
    idem_rng r = stream(t, IDEM_GAN_RNG_AUGMENT);
    for (int64_t i = 0; i < p->batch; i++) {
        r.counter =
            t->state->drawn[IDEM_GAN_RNG_AUGMENT] + IDEM_GAN_AUGMENT_DRAWS * (uint64_t)idem_gan_part_place(p, i);
        idem_gan_augment(numbers->leaf + i * IDEM_AUGMENT_NUMBERS, 1, (int)t->recipe->size, t->state->strength, &r);
    }
    t->state->drawn[IDEM_GAN_RNG_AUGMENT] += IDEM_GAN_AUGMENT_DRAWS * (uint64_t)t->recipe->batch;
}

/* Translations of the heads' pictures; depend only on seed and iteration. */
static void draw_shift(const idem_gan_iteration *t, idem_node *numbers, const char *name) {
    if (!numbers)
        return;
    const idem_gan_part *p = &t->graph->part;
    const int64_t n = numbers->shape.d[0], first = t->state->run.iteration * n * p->ranks;
    idem_rng r = idem_rng_make(t->recipe->seed, name);
    for (int64_t i = 0; i < n; i++) {
        r.counter = 2 * (uint64_t)(first + idem_gan_part_place(p, i));
        idem_gan_shift(numbers->leaf + i * IDEM_AUGMENT_NUMBERS, 1, (int)t->recipe->features_shift, &r);
    }
}

/* The first item of a pass, 0 for D, 1 for G: it depends only on the iteration. */
static uint64_t known_item(const idem_gan_iteration *t, int pass) {
    return (2 * (uint64_t)t->state->run.iteration + (uint64_t)pass) * (uint64_t)t->recipe->rebuild_batch;
}

static void draw_known(const idem_gan_iteration *t, int pass) {
    draw_shift(t, t->graph->shift_known, "gan.shift.known");
    if (t->known)
        idem_gan_known_take(t->known, known_item(t, pass), (size_t)t->recipe->rebuild_batch, t->graph->known_ws->leaf,
                            t->graph->known->leaf);
}

/* ---- the steps ---- */

/* 1: the step was taken, 0: something was not finite, -1: failed. */
static int take(const idem_gan_iteration *t, idem_gan_step *s, double *loss) {
    if (idem_gan_graph_run(t->graph, s))
        return -1;
    *loss = (double)idem_plan_scalar(s->plan, s->loss);
    if (!isfinite(*loss) || idem_adam_check(s->adam, s->plan))
        return 0;
    const bool of_d = s == &t->graph->d || s == &t->graph->r1;
    idem_adam_step(s->adam, s->plan, t->recipe->rate * (of_d ? idem_gan_d_share : idem_gan_g_share)(t->recipe));
    return 1;
}

/* The mean length is a tensor of the checkpoints; the noise depends only on seed and iteration. Returns as take. */
static int take_path(const idem_gan_iteration *t, double *mean) {
    idem_gan_graph *g = t->graph;
    idem_weight *kept = idem_weights_find(t->weights, idem_gan_path_mean);
    idem_rng rng = idem_rng_make(t->recipe->seed, "gan.path");
    const int64_t mine = g->path_noise->shape.d[0], all = mine * g->part.ranks;
    rng.counter =
        (uint64_t)t->state->run.iteration * 2 * (uint64_t)(idem_shape_count(&g->path_noise->shape) * g->part.ranks);
    draw_normal(&g->part, g->path_noise, 0, mine, all, &rng);
    draw_codes(t);
    g->path_mean->leaf[0] = kept->data[0];
    double loss;
    const int taken = take(t, &g->path, &loss);
    if (taken > 0)
        kept->data[0] = idem_plan_value(g->path.plan, g->path_moved)[0];
    *mean = (double)kept->data[0];
    return taken;
}

static void steer(const idem_gan_iteration *t, double sign) {
    idem_gan_state *s = t->state;
    s->sign_sum += sign;
    if (++s->sign_count < STEER_EVERY)
        return;
    if (t->recipe->augment_target > 0) {
        const double step = (double)(t->recipe->batch * STEER_EVERY) / t->recipe->augment_pictures;
        s->strength += s->sign_sum / STEER_EVERY > t->recipe->augment_target ? step : -step;
        s->strength = fmin(fmax(s->strength, 0), 1);
    }
    s->sign_sum = 0;
    s->sign_count = 0;
}

static int discriminate(const idem_gan_iteration *t, idem_gan_report *r) {
    idem_gan_graph *g = t->graph;
    draw_codes(t);
    draw_known(t, 0);
    draw_augment(t, g->augment_real);
    draw_augment(t, g->augment_made);
    draw_shift(t, g->shift_real, "gan.shift.real");
    draw_shift(t, g->shift_made, "gan.shift.d");
    int taken = take(t, &g->d, &r->d_loss);
    if (taken < 0)
        return -1;
    if (taken && g->heads)
        r->heads = (double)idem_plan_scalar(g->d.plan, g->heads);
    if (taken && g->sign)
        steer(t, r->sign = (double)idem_plan_scalar(g->d.plan, g->sign));
    r->skipped = !taken;
    if (g->r1.plan && t->state->run.iteration % t->recipe->r1_every == 0) {
        if ((taken = take(t, &g->r1, &r->r1)) < 0)
            return -1;
        r->skipped |= !taken;
    }
    return 0;
}

static void follow(const idem_gan_iteration *t) {
    const double decay = pow(0.5, (double)t->recipe->batch / t->recipe->ema);
    idem_average_update(t->average, decay, t->state->run.iteration - t->recipe->d_first);
}

/* A step of G on known codes, without D. */
static int rebuild(const idem_gan_iteration *t, idem_gan_report *r) {
    draw_known(t, 1);
    const int taken = take(t, &t->graph->alone, &r->rebuilt);
    if (taken < 0)
        return -1;
    r->skipped = !taken;
    const idem_gan_step *s = &t->graph->alone;
    if (taken && s->slope)
        idem_gan_known_move(t->known, known_item(t, 1), (size_t)t->recipe->rebuild_batch,
                            idem_plan_value(s->plan, s->slope), t->recipe->rebuild_rate, t->state->run.iteration);
    follow(t);
    return 0;
}

static int generate(const idem_gan_iteration *t, idem_gan_report *r) {
    idem_gan_graph *g = t->graph;
    const int64_t iteration = t->state->run.iteration;
    int taken;
    draw_codes(t);
    draw_known(t, 1);
    draw_augment(t, g->augment_made);
    draw_shift(t, g->shift_made, "gan.shift.g");
    if ((taken = take(t, &g->g, &r->g_loss)) < 0)
        return -1;
    if (taken && g->rebuilt)
        r->rebuilt = (double)idem_plan_scalar(g->g.plan, g->rebuilt);
    r->skipped |= !taken;
    if (g->path.plan && iteration % t->recipe->path_every == 0) {
        if ((taken = take_path(t, &r->path)) < 0)
            return -1;
        r->skipped |= !taken;
    }
    follow(t);
    return 0;
}

/* D, then G. */
static int contend(const idem_gan_iteration *t, idem_gan_report *r) {
    return discriminate(t, r) || (t->state->run.iteration >= t->recipe->d_first && generate(t, r)) ? -1 : 0;
}

int idem_gan_iterate(const idem_gan_iteration *t, idem_gan_report *r) {
    *r = (idem_gan_report){
        .d_loss = NAN, .g_loss = NAN, .r1 = NAN, .path = NAN, .sign = NAN, .heads = NAN, .rebuilt = NAN};
    const bool alone = t->known && t->state->run.iteration < t->recipe->rebuild_first;
    if ((alone ? rebuild : contend)(t, r))
        return -1;
    r->iteration = t->state->run.iteration + 1;
    r->pictures = t->state->run.shown + t->recipe->batch;
    r->strength = t->state->strength;
    return 0;
}
