/* Iterations of training, and the program's cold start, as work. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "train/mapper/trainer.h"
#include "support/fill.h"
#include "support/work.h"

extern char **environ;

enum { FIRST = 3, LOSSES = 6 };

typedef struct {
    idem_trainer *trainer;
    int cycle; /* iterations: cross- and same-face, with and without critic, come round after 6; for large pictures 3
                  have to do, one too many with critic */
    float first[FIRST * LOSSES];
} iteration;

/* Initial values that the other program can have too. */
static void fill_trained(idem_weights *trained) {
    for (size_t i = 0; i < idem_weights_count(trained); i++) {
        idem_weight *t = idem_weights_at(trained, i);
        size_t count = (size_t)idem_shape_count(&t->shape), length = strlen(t->name);
        bool attr = !strncmp(t->name, "E_attr.", 7), bias = length > 5 && !strcmp(t->name + length - 5, ".bias");
        if (!strncmp(t->name, "adam", 4) || strstr(t->name, ".running_") || strstr(t->name, "num_batches"))
            continue;
        double a = bias ? (attr ? 0.05 : 0.1) : 0.1, b = attr && !bias ? 1 : 0;
        if (t->shape.rank > 1) {
            double fan = (double)count / (double)t->shape.d[0];
            a = attr ? sqrt(6 / fan) : sqrt(6 / 1.04 / fan);
            if (!strcmp(t->name, "mapper.3.weight"))
                a *= 0.25;
            b = 0;
        }
        float *values = malloc(count * sizeof *values);
        if (!values)
            return;
        fixture_fill(values, count, "", t->name, a, b);
        idem_weight_write(t, values);
        free(values);
    }
}

static float *filled(size_t count, const char *name, int64_t i, double a, double b) {
    float *x = malloc(count * sizeof *x);
    char text[64];
    snprintf(text, sizeof text, "%s.%lld", name, (long long)i);
    if (x)
        fixture_fill(x, count, "", text, a, b);
    return x;
}

/* Pictures of noise, [B, S, S, 3] in [0, 1]: the values of the losses do not matter, only that both sides agree. */
static int first_steps(iteration *it, const idem_model *m, int batch) {
    const idem_model_info *about = idem_model_about(m);
    size_t numbers = (size_t)batch * (size_t)(about->size * about->size * 3), codes = (size_t)(batch * about->w_dim);
    for (int i = 0; i < FIRST; i++) {
        float *id = filled(numbers, "id", i, 0.5, 0.5), *attr = filled(numbers, "attr", i, 0.5, 0.5);
        float *real = filled(codes, "real", i, 1, 0);
        idem_train_report r;
        if (!id || !attr || !real || idem_trainer_step_on(it->trainer, id, attr, real, &r))
            return -1;
        const double losses[LOSSES] = {r.l_id, r.l_landmark, r.l_rec, r.l_adversarial, r.l_critic, r.r1};
        for (int k = 0; k < LOSSES; k++)
            it->first[LOSSES * i + k] = isfinite(losses[k]) ? (float)losses[k] : 0;
        free(id);
        free(attr);
        free(real);
    }
    return 0;
}

static int run_cycle(bench_work *w) {
    iteration *it = w->state;
    idem_train_report r;
    for (int i = 0; i < it->cycle; i++)
        if (idem_trainer_step(it->trainer, &r))
            return -1;
    return 0;
}

static int first_losses(bench_work *w, float **out, size_t *count) {
    const iteration *it = w->state;
    *count = FIRST * LOSSES;
    if (!(*out = malloc(sizeof it->first)))
        return idem_fail_as(IDEM_MEMORY, "out of memory");
    memcpy(*out, it->first, sizeof it->first);
    return 0;
}

/* The small generator of the tests, or a filled one, written briefly to the folder of models. */
static idem_model *open_model(int side) {
    if (side == 64)
        return idem_model_open("tests/fixtures/generator-64.safetensors");
    static const float five[5][2] = {
        {0.375f, 0.472f}, {0.621f, 0.473f}, {0.488f, 0.613f}, {0.38f, 0.729f}, {0.617f, 0.73f}};
    idem_weights *w = bench_filled_stylegan2(side);
    idem_frame frame;
    char path[] = "/tmp/idem-bench-XXXXXX";
    int file = mkstemp(path);
    idem_model *m = NULL;
    if (w && file >= 0 && !idem_frame_from_five(&frame, five) && !idem_frame_store(&frame, w) &&
        !idem_weights_save(w, path, IDEM_DTYPE_F32))
        m = idem_model_open(path);
    idem_weights_free(w);
    if (file >= 0) {
        close(file);
        remove(path);
    }
    return m;
}

int bench_prepare_iteration(bench_work *w) {
    iteration *it = calloc(1, sizeof *it);
    idem_model *m = open_model(w->c->side);
    idem_recipe recipe;
    /* The published encoder at the published size, its statistics frozen. */
    static const idem_attr_choice inception = {.net = "inception3", .norm = "frozen"};
    const idem_attr_choice *attr = w->c->side < 256 ? NULL : &inception;
    idem_recipe_defaults(&recipe);
    recipe.batch = w->batch;
    if (it)
        it->cycle = w->c->side < 256 ? 6 : 3;
    if (!it || !m || idem_model_load_frozen(m, NULL) || idem_model_new_mapper(m, 1, false, attr) ||
        !(it->trainer = idem_trainer_new(m, &recipe,
                                         &(idem_trainer_setup){.run = {.threads = w->threads}, .profile = w->profile})))
        return -1;
    fill_trained(idem_model_trained(m));
    if (first_steps(it, m, w->batch))
        return -1;
    for (int i = 0; i < it->cycle; i++) {
        bool cross = i % recipe.cross_every == 0, adversarial = i % recipe.adversarial_every == 0;
        w->flops += idem_plan_flops(idem_trainer_plan(it->trainer, cross, adversarial));
    }
    w->state = it;
    w->run = run_cycle;
    w->values = first_losses;
    w->plan = idem_trainer_plan(it->trainer, false, true); /* for a profile */
    w->planned = idem_plan_bytes(w->plan);
    w->pictures = it->cycle * w->batch;
    return 0;
}

/* ---- compose, from the start of the program to the file ---- */

static int compose(bench_work *w) {
    char program[512], threads[16];
    snprintf(program, sizeof program, "%s/idem", w->program);
    snprintf(threads, sizeof threads, "%d", w->threads);
    char *const argv[] = {program,
                          "compose",
                          "--identity",
                          "samples/identities/1.png",
                          "--attributes",
                          "samples/attributes/a.png",
                          "--output",
                          "/tmp/idem-bench.png",
                          "--threads",
                          threads,
                          NULL};
    pid_t child;
    int status;
    if (posix_spawn(&child, program, NULL, NULL, argv, environ) || waitpid(child, &status, 0) < 0 || status)
        return idem_fail("%s compose does not run", program);
    return 0;
}

static int nothing(bench_work *w, float **out, size_t *count) {
    (void)w;
    *count = 0;
    return (*out = malloc(sizeof **out)) ? 0 : -1;
}

int bench_prepare_compose(bench_work *w) {
    w->run = compose;
    w->values = nothing;
    w->pictures = 1;
    return 0;
}
