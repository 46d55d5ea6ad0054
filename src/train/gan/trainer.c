#define _POSIX_C_SOURCE 200809L
#include "train/gan/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "engine/op.h"
#include "model/average.h"
#include "train/checkpoint.h"
#include "train/gan/augment.h"
#include "train/gan/data.h"
#include "train/gan/distance.h"
#include "train/gan/graph.h"
#include "train/gan/sampler.h"
#include "train/gan/samples.h"
#include "train/gan/start.h"
#include "train/gan/state.h"
#include "train/metrics_log.h"
#include "train/run_folder.h"

enum { SKIPPED_LIMIT = 20, STEER_EVERY = 4 };

static const char PATH_MEAN[] = "path.mean"; /* tensor of runs with path lengths */
static const idem_average_rule average_rule[1] = {{IDEM_GAN_G, IDEM_GAN_AVERAGE}};

static const char *const rng_names[IDEM_GAN_RNGS] = {"gan.codes", "gan.mix", "gan.noise", "gan.augment"};
static const char *const sum_names[IDEM_GAN_SUMS] = {"d_loss", "g_loss", "r1", "sign", "heads_loss"};

struct idem_gan_trainer {
    idem_gan_setup setup; /* its texts are the caller's: not to be read once the trainer is open */
    idem_run_folder *folder;
    const char *run; /* its path */
    bool begun;      /* by this trainer: nothing but its options is in the folder yet */
    idem_gan_recipe recipe;
    idem_gan_state state;
    idem_weights *weights;
    idem_gan_graph graph;
    idem_average *average;
    idem_gan_data *data;
    idem_gan_sampler *sampler;
    idem_gan_distance *distance; /* NULL: none are wanted */
    idem_metrics_log *log;
};

/* ---- one iteration ---- */

static idem_rng stream(const idem_gan_trainer *t, int which) {
    idem_rng r = idem_rng_make(t->recipe.seed, rng_names[which]);
    r.counter = t->state.drawn[which];
    return r;
}

static void draw_normal(idem_node *n, idem_rng *r) {
    idem_rng_fill_normal(r, n->leaf, (size_t)idem_shape_count(&n->shape));
}

/* Everything random of a pass through G. A crossover is any layer but the first; the pictures not mixed cross behind
 * the last. */
static void draw_codes(idem_gan_trainer *t) {
    const idem_gan_graph *g = &t->graph;
    idem_rng codes = stream(t, IDEM_GAN_RNG_CODES), mix = stream(t, IDEM_GAN_RNG_MIX),
             noise = stream(t, IDEM_GAN_RNG_NOISE);
    draw_normal(g->z, &codes);
    const int64_t layers = g->about.n_ws;
    for (int64_t i = 0; i < t->recipe.batch; i++) {
        const bool mixed = idem_rng_uniform(&mix) < t->recipe.mixing;
        const int64_t cross = 1 + (int64_t)(idem_rng_uniform(&mix) * (double)(layers - 1));
        for (int64_t l = 0; l < layers; l++)
            g->mix->leaf[i * layers + l] = mixed && l >= cross;
    }
    for (int i = 0; i < g->about.n_noise && !t->recipe.no_noise; i++)
        draw_normal(g->noise[i], &noise);
    t->state.drawn[IDEM_GAN_RNG_CODES] = codes.counter;
    t->state.drawn[IDEM_GAN_RNG_MIX] = mix.counter;
    t->state.drawn[IDEM_GAN_RNG_NOISE] = noise.counter;
}

static void draw_augment(idem_gan_trainer *t, idem_node *numbers) {
    idem_rng r = stream(t, IDEM_GAN_RNG_AUGMENT);
    idem_gan_augment(numbers->leaf, t->recipe.batch, (int)t->recipe.size, t->state.strength, &r);
    t->state.drawn[IDEM_GAN_RNG_AUGMENT] = r.counter;
}

/* Before the heads see them; a function of the iteration. */
static void draw_shift(const idem_gan_trainer *t, idem_node *numbers, const char *name) {
    if (!numbers)
        return;
    idem_rng r = idem_rng_make(t->recipe.seed, name);
    r.counter = (uint64_t)(2 * t->state.iteration * numbers->shape.d[0]);
    idem_gan_shift(numbers->leaf, numbers->shape.d[0], (int)t->recipe.features_shift, &r);
}

/* 1 when the step was taken, 0 when something was not finite, -1. */
static int take(const idem_gan_trainer *t, const idem_gan_step *s, double *loss) {
    if (idem_plan_run(s->plan))
        return -1;
    *loss = (double)idem_plan_scalar(s->plan, s->loss);
    if (!isfinite(*loss) || idem_adam_check(s->adam, s->plan))
        return 0;
    const bool of_g = s == &t->graph.g || s == &t->graph.path;
    idem_adam_step(s->adam, s->plan, t->recipe.rate * (of_g ? idem_gan_g_share : idem_gan_d_share)(&t->recipe));
    return 1;
}

/* The mean length is a tensor of the checkpoints; the noise is a function of the iteration. As take. */
static int take_path(idem_gan_trainer *t, double *mean) {
    const idem_gan_graph *g = &t->graph;
    idem_weight *kept = idem_weights_find(t->weights, PATH_MEAN);
    idem_rng rng = idem_rng_make(t->recipe.seed, "gan.path");
    rng.counter = (uint64_t)t->state.iteration * 2 * (uint64_t)idem_shape_count(&g->path_noise->shape);
    draw_normal(g->path_noise, &rng);
    draw_codes(t);
    g->path_mean->leaf[0] = kept->data[0];
    double loss;
    const int taken = take(t, &g->path, &loss);
    if (taken > 0)
        kept->data[0] = idem_plan_value(g->path.plan, g->path_moved)[0];
    *mean = (double)kept->data[0];
    return taken;
}

static void steer(idem_gan_trainer *t, double sign) {
    idem_gan_state *s = &t->state;
    s->sign_sum += sign;
    if (++s->sign_count < STEER_EVERY)
        return;
    if (t->recipe.augment_target > 0) {
        const double step = (double)(t->recipe.batch * STEER_EVERY) / t->recipe.augment_pictures;
        s->strength += s->sign_sum / STEER_EVERY > t->recipe.augment_target ? step : -step;
        s->strength = fmin(fmax(s->strength, 0), 1);
    }
    s->sign_sum = 0;
    s->sign_count = 0;
}

static void add_sums(idem_gan_state *s, const idem_gan_report *r) {
    const double values[IDEM_GAN_SUMS] = {r->d_loss, r->g_loss, r->r1, r->sign, r->heads};
    for (int i = 0; i < IDEM_GAN_SUMS; i++)
        if (isfinite(values[i])) {
            s->sum[i] += values[i];
            s->count[i]++;
        }
}

int idem_gan_trainer_step(idem_gan_trainer *t, idem_gan_report *r) {
    idem_gan_state *s = &t->state;
    idem_gan_graph *g = &t->graph;
    *r = (idem_gan_report){.d_loss = NAN, .g_loss = NAN, .r1 = NAN, .path = NAN, .sign = NAN, .heads = NAN};
    idem_gan_data_take(t->data, (uint64_t)s->shown, (size_t)t->recipe.batch, g->real->leaf);
    draw_codes(t);
    draw_augment(t, g->augment_real);
    draw_augment(t, g->augment_made);
    draw_shift(t, g->shift_real, "gan.shift.real");
    draw_shift(t, g->shift_made, "gan.shift.d");
    int taken = take(t, &g->d, &r->d_loss);
    if (taken < 0)
        return -1;
    if (taken && g->heads)
        r->heads = (double)idem_plan_scalar(g->d.plan, g->heads);
    if (taken)
        steer(t, r->sign = (double)idem_plan_scalar(g->d.plan, g->sign));
    r->skipped = !taken;
    if (s->iteration % t->recipe.r1_every == 0) {
        if ((taken = take(t, &g->r1, &r->r1)) < 0)
            return -1;
        r->skipped |= !taken;
    }
    if (s->iteration >= t->recipe.d_first) {
        draw_codes(t);
        draw_augment(t, g->augment_made);
        draw_shift(t, g->shift_made, "gan.shift.g");
        if ((taken = take(t, &g->g, &r->g_loss)) < 0)
            return -1;
        r->skipped |= !taken;
        if (g->path.plan && s->iteration % t->recipe.path_every == 0) {
            if ((taken = take_path(t, &r->path)) < 0)
                return -1;
            r->skipped |= !taken;
        }
        const double decay = pow(0.5, (double)t->recipe.batch / t->recipe.ema);
        idem_average_update(t->average, decay, s->iteration - t->recipe.d_first);
    }
    s->iteration++;
    s->shown += t->recipe.batch;
    s->skipped += r->skipped;
    s->skipped_in_a_row = r->skipped ? s->skipped_in_a_row + 1 : 0;
    r->iteration = s->iteration;
    r->pictures = s->shown;
    r->strength = s->strength;
    add_sums(s, r);
    if (s->skipped_in_a_row >= SKIPPED_LIMIT)
        return idem_fail("%d iterations in a row gave losses or gradients that are not finite: the run has diverged; "
                         "resume it with a lower --rate or a higher --gamma",
                         SKIPPED_LIMIT);
    return 0;
}

/* ---- what is written ---- */

static void note(const idem_gan_trainer *t, const char *line) {
    if (t->setup.on_note)
        t->setup.on_note(t->setup.user, line);
}

static int write_line(idem_gan_trainer *t) {
    idem_gan_state *s = &t->state;
    const idem_weight *path = idem_weights_find(t->weights, PATH_MEAN);
    idem_metric m[IDEM_GAN_SUMS + 5];
    int n = 0;
    m[n++] = (idem_metric){"pictures", (double)s->shown};
    for (int i = 0; i < IDEM_GAN_SUMS; i++) {
        if (s->count[i])
            m[n++] = (idem_metric){sum_names[i], s->sum[i] / (double)s->count[i]};
        s->sum[i] = 0;
        s->count[i] = 0;
    }
    if (path)
        m[n++] = (idem_metric){"path_length", (double)path->data[0]};
    m[n++] = (idem_metric){"strength", s->strength};
    m[n++] = (idem_metric){"rate", t->recipe.rate};
    m[n++] = (idem_metric){"skipped_steps", (double)s->skipped};
    return idem_metrics_log_write(t->log, "train", s->iteration, m, n);
}

static int write_samples(idem_gan_trainer *t) {
    const idem_gan_samples of = {t->run, &t->recipe, t->sampler, t->log, t->state.iteration, t->state.shown};
    if (idem_gan_samples_write(&of))
        return -1;
    t->state.sampled = t->state.shown;
    return 0;
}

/* Run again from the checkpoint before it if it is interrupted. */
static int write_distance(idem_gan_trainer *t) {
    idem_gan_measure m;
    char line[256];
    if (idem_gan_distance_measure(t->distance, t->sampler, &m))
        return -1;
    snprintf(line, sizeof line,
             "Frechet distance after %" PRId64 " pictures: %.3f (n = %zu), two halves of the data: %.3f (n = %zu), by "
             "%s",
             t->state.shown, m.distance, m.n, m.halves, m.n / 2, m.features);
    note(t, line);
    const idem_metric rows[] = {{"pictures", (double)t->state.shown},
                                {"frechet_mobilenetv2", m.distance},
                                {"frechet_mobilenetv2_halves", m.halves},
                                {"n", (double)m.n}};
    return idem_metrics_log_write(t->log, "distance", t->state.iteration, rows, sizeof rows / sizeof *rows);
}

static int save_state(const idem_gan_trainer *t) {
    return idem_gan_state_store(&t->state, &t->recipe, t->weights) ||
                   idem_checkpoint_save(t->run, t->state.iteration, t->weights)
               ? -1
               : 0;
}

static int save_checkpoint(idem_gan_trainer *t) {
    return (t->state.metrics_offset = idem_metrics_log_sync(t->log)) < 0 ? -1 : save_state(t);
}

static bool stopped(const idem_gan_trainer *t) {
    return t->setup.stop && *t->setup.stop;
}

static bool is_last(const idem_gan_trainer *t) {
    return t->state.shown >= t->recipe.pictures;
}

/* Has the last iteration reached a multiple of so many pictures? */
static bool passed(const idem_gan_trainer *t, int64_t every) {
    return t->state.shown / every != (t->state.shown - t->recipe.batch) / every;
}

static int advance(idem_gan_trainer *t) {
    const idem_gan_recipe *r = &t->recipe;
    idem_gan_report report;
    if (idem_gan_trainer_step(t, &report))
        return -1;
    const bool last = is_last(t), line = t->state.iteration % r->log_every == 0 || last;
    if (line && write_line(t))
        return -1;
    if (t->setup.on_step)
        t->setup.on_step(t->setup.user, &report);
    if (((passed(t, r->sample_every) || last) && write_samples(t)) ||
        (t->distance && (passed(t, r->distance_every) || last) && write_distance(t)))
        return -1;
    return (t->state.iteration % r->checkpoint_every == 0 || last) && save_checkpoint(t) ? -1 : 0;
}

int idem_gan_trainer_run(idem_gan_trainer *t) {
    int status = t->state.sampled < 0 ? write_samples(t) : 0;
    while (!status && !is_last(t) && !stopped(t))
        status = advance(t);
    if (!status && stopped(t))
        return idem_checkpoint_stopped(t->run, t->state.iteration, save_checkpoint(t));
    /* In the middle of a measurement: it is made again. */
    return status && stopped(t)
               ? idem_fail_as(IDEM_INTERRUPTED, "interrupted: continue with --resume from the last checkpoint in %s",
                              t->run)
               : status;
}

/* ---- life ---- */

int idem_gan_saved_recipe(const char *run, idem_gan_recipe *r) {
    idem_weights *w;
    idem_gan_saved saved;
    const int found = idem_gan_state_load(run, &w, &saved);
    if (found == 1) {
        *r = saved.recipe;
        idem_weights_free(w);
    }
    return found;
}

/* What changed on resume is told, and becomes a line of metrics.jsonl. */
static int log_changes(idem_gan_trainer *t, const idem_gan_recipe *saved) {
    idem_metric *m = malloc((size_t)idem_gan_fields.n * sizeof *m);
    if (!m)
        return idem_fail_as(IDEM_MEMORY, "out of memory for what changed");
    int n = 0;
    for (int i = 0; i < idem_gan_fields.n; i++) {
        char before[32], now[32], line[128];
        const idem_field *f = &idem_gan_fields.row[i];
        if (!strcmp(idem_field_get(f, saved, before), idem_field_get(f, &t->recipe, now)))
            continue;
        m[n++] = (idem_metric){f->name, strtod(now, NULL)};
        snprintf(line, sizeof line, "--%s was %s, is now %s", f->name, before, now);
        note(t, line);
    }
    const int status = n ? idem_metrics_log_write(t->log, "change", t->state.iteration, m, n) : 0;
    free(m);
    return status;
}

static int continue_run(idem_gan_trainer *t, const idem_gan_saved *saved) {
    if (idem_fields_check_resume(&idem_gan_fields, &saved->recipe, &t->recipe) ||
        idem_checkpoint_threads(t->setup.threads, saved->state.threads))
        return -1;
    if (t->recipe.path > 0 && !idem_weights_find(t->weights, PATH_MEAN))
        return idem_fail("the checkpoint has no tensor \"%s\", which a run with path lengths keeps", PATH_MEAN);
    t->state = saved->state;
    return 0;
}

/* Before anything is computed: --resume then knows all options of a run that is killed before its first checkpoint. */
static int start_run(idem_gan_trainer *t) {
    idem_threads_set(t->setup.threads);
    t->state = (idem_gan_state){.threads = idem_threads(), .sampled = -1, .strength = t->recipe.augment};
    if (!(t->weights = idem_weights_new()) || idem_gan_init(t->weights, &t->recipe))
        return -1;
    if (t->setup.start && idem_gan_start_from(t->weights, t->setup.start))
        return -1;
    if (t->recipe.no_noise)
        idem_gan_silence(t->weights);
    if (t->recipe.path > 0 && !idem_weights_add(t->weights, PATH_MEAN, IDEM_SHAPE(1)))
        return -1;
    if (idem_average_add(t->weights, average_rule, 1) || save_state(t))
        return -1;
    t->begun = true;
    return 0;
}

static int open_data(idem_gan_trainer *t, bool resumed) {
    const idem_gan_recipe *r = &t->recipe;
    const idem_gan_data_options o = {.size = (int)r->size,
                                     .seed = r->seed,
                                     .held_out = (int)r->held_out,
                                     .mirror = !r->no_flip,
                                     .by_place = t->state.by_place,
                                     .expected = t->state.data[0] ? t->state.data : NULL,
                                     .stop = t->setup.stop,
                                     .progress = t->setup.on_cache,
                                     .bad = t->setup.on_bad,
                                     .user = t->setup.user};
    char *cache = idem_path_join(t->run, "pictures.cache");
    t->data = cache ? idem_gan_data_open(t->setup.data, cache, &o) : NULL;
    free(cache);
    if (!t->data)
        return -1;
    const uint64_t count = idem_gan_data_count(t->data);
    if (resumed && t->state.data_count && count != t->state.data_count)
        return idem_fail("the run was started on %" PRIu64 " training pictures, now there are %" PRIu64
                         ": give the same --data",
                         t->state.data_count, count);
    t->state.data_count = count;
    snprintf(t->state.data, sizeof t->state.data, "%s", idem_gan_data_hash(t->data));
    return 0;
}

static int open_distance(idem_gan_trainer *t, const idem_plan_options *options) {
    const idem_gan_recipe *r = &t->recipe;
    if (!r->distance_every || r->distance_every > r->pictures)
        return 0;
    char *file = idem_path_join(t->run, "pictures.features");
    if (file)
        t->distance = idem_gan_distance_new(t->data, file, (size_t)r->distance_pictures, t->setup.stop, options);
    free(file);
    return t->distance ? 0 : -1;
}

static int open_files(idem_gan_trainer *t, const idem_gan_recipe *saved) {
    char *samples = idem_path_join(t->run, "samples");
    const int status = samples ? idem_dir_make(samples) : -1;
    free(samples);
    if (status ||
        !(t->log = idem_metrics_log_open(t->run, t->setup.resume, t->state.metrics_offset, t->state.iteration)))
        return -1;
    return saved ? log_changes(t, saved) : 0;
}

static int open_trainer(idem_gan_trainer *t) {
    idem_gan_saved saved;
    if (!(t->folder = idem_run_folder_claim(t->setup.run)))
        return -1;
    t->run = idem_run_folder_path(t->folder);
    const int found = t->setup.resume ? idem_gan_state_load(t->run, &t->weights, &saved) : 0;
    if (found < 0 || (!found && idem_run_folder_check(t->run, t->setup.resume)) ||
        (found ? continue_run(t, &saved) : start_run(t)) || open_data(t, found))
        return -1;
    const idem_plan_options options = {.threads = t->state.threads};
    if (idem_gan_graph_build(&t->graph, t->weights, &t->recipe, &options) ||
        !(t->average = idem_average_new(t->weights, average_rule, 1)))
        return -1;
    const idem_plan_options shared = {.threads = t->state.threads, .share = t->graph.r1.plan};
    t->sampler = idem_gan_sampler_new(t->weights, &shared);
    if (!t->sampler || open_distance(t, &shared))
        return -1;
    return open_files(t, found ? &saved.recipe : NULL);
}

idem_gan_trainer *idem_gan_trainer_new(const idem_gan_recipe *recipe, const idem_gan_setup *setup) {
    idem_gan_trainer *t = calloc(1, sizeof *t);
    if (!t)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a trainer");
    t->recipe = *recipe;
    t->setup = *setup;
    if (open_trainer(t)) {
        if (t->begun && idem_error_kind() != IDEM_INTERRUPTED)
            idem_checkpoint_drop_first(t->run);
        idem_gan_trainer_free(t);
        return NULL;
    }
    return t;
}

void idem_gan_trainer_free(idem_gan_trainer *t) {
    if (!t)
        return;
    idem_metrics_log_close(t->log);
    idem_gan_distance_free(t->distance); /* before the owner of the buffer that both share */
    idem_gan_sampler_free(t->sampler);
    idem_average_free(t->average);
    idem_gan_graph_free(&t->graph);
    idem_gan_data_free(t->data);
    idem_weights_free(t->weights);
    idem_run_folder_release(t->folder);
    free(t);
}

int64_t idem_gan_trainer_shown(const idem_gan_trainer *t) {
    return t->state.shown;
}

size_t idem_gan_trainer_count(const idem_gan_trainer *t) {
    return idem_gan_data_count(t->data);
}

size_t idem_gan_trainer_bytes(const idem_gan_trainer *t) {
    return idem_plan_bytes(t->graph.r1.plan);
}

const idem_weights *idem_gan_trainer_weights(const idem_gan_trainer *t) {
    return t->weights;
}
