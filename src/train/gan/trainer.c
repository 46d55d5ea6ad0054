#define _POSIX_C_SOURCE 200809L
#include "train/gan/trainer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/average.h"
#include "train/gan/data.h"
#include "train/gan/distance.h"
#include "train/gan/graph.h"
#include "train/gan/iteration.h"
#include "train/gan/sampler.h"
#include "train/gan/samples.h"
#include "train/gan/start.h"
#include "train/gan/state.h"
#include "train/run.h"
#include "train/world_share.h"

enum { PATIENCE = 3600 /* seconds: ranks wait for files and distances */ };

static const idem_average_rule average_rule[1] = {{IDEM_GAN_G, IDEM_GAN_AVERAGE}};
static const char *const sum_names[IDEM_GAN_SUMS] = {"d_loss", "g_loss", "r1", "sign", "heads_loss"};

#define CODES "pictures.codes"

struct idem_gan_trainer {
    idem_gan_setup setup; /* its strings belong to the caller; valid only while opening */
    idem_gan_recipe recipe;
    idem_gan_state state;
    idem_run run;
    idem_weights *weights;
    idem_gan_graph graph;
    idem_average *average;
    idem_gan_data *data;
    idem_gan_known *known; /* may be NULL */
    idem_gan_sampler *sampler;
    idem_gan_distance *distance; /* may be NULL */
    idem_gan_report last;        /* iteration */
};

/* ---- the jobs of a run ---- */

/* This rank's part of the next batch. */
static void take_pictures(idem_gan_trainer *t) {
    const idem_gan_part *p = &t->graph.part;
    const size_t picture = (size_t)(t->recipe.size * t->recipe.size * 3);
    for (int64_t i = 0; i < p->batch; i++)
        idem_gan_data_take(t->data, (uint64_t)(t->state.run.shown + idem_gan_part_place(p, i)), 1,
                           t->graph.real->leaf + (size_t)i * picture);
}

static int iterate(void *trainer) {
    idem_gan_trainer *t = trainer;
    const idem_gan_report *r = &t->last;
    const idem_gan_iteration iteration = {&t->recipe, &t->state, &t->graph, t->weights, t->average, t->known};
    take_pictures(t);
    if (idem_gan_iterate(&iteration, &t->last))
        return -1;
    return idem_run_count(&t->run, r->skipped,
                          (const double[IDEM_GAN_SUMS]){r->d_loss, r->g_loss, r->r1, r->sign, r->heads});
}

int idem_gan_trainer_step(idem_gan_trainer *t, idem_gan_report *r) {
    const int status = iterate(t);
    *r = t->last;
    return status;
}

static int write_line(void *trainer) {
    idem_gan_trainer *t = trainer;
    const idem_weight *path = idem_weights_find(t->weights, idem_gan_path_mean);
    const idem_metric before = {"pictures", (double)t->state.run.shown};
    idem_metric after[5];
    int n = 0;
    if (path)
        after[n++] = (idem_metric){"path_length", (double)path->data[0]};
    if (t->known)
        after[n++] = (idem_metric){"rebuilt", t->last.rebuilt};
    after[n++] = (idem_metric){"strength", t->state.strength};
    after[n++] = (idem_metric){"rate", t->recipe.rate};
    after[n++] = (idem_metric){"skipped_steps", (double)t->state.run.skipped};
    return idem_run_line(&t->run, &before, 1, after, n);
}

static int tell(void *trainer) {
    const idem_gan_trainer *t = trainer;
    if (t->setup.on_step)
        t->setup.on_step(t->setup.user, &t->last);
    return 0;
}

static void note(const idem_gan_trainer *t, const char *line) {
    if (t->setup.on_note)
        t->setup.on_note(t->setup.user, line);
}

/* Ranks above 0 wait for rank 0's files. */
static int wait_for_files(const idem_gan_trainer *t, int status) {
    int least;
    const double before = idem_world_set_patience(PATIENCE);
    status = status || idem_world_least(t->run.world, 0, &least) ? -1 : 0;
    idem_world_set_patience(before);
    return status;
}

static int write_samples(void *trainer) {
    idem_gan_trainer *t = trainer;
    return wait_for_files(t, idem_gan_samples_write(&(idem_gan_samples){&t->run, &t->recipe, t->sampler}));
}

static int log_distance(idem_gan_trainer *t, const idem_gan_measure *m) {
    char line[256];
    snprintf(line, sizeof line,
             "Frechet distance after %" PRId64 " pictures: %.3f (n = %zu), two halves of the data: %.3f (n = %zu), by "
             "%s",
             t->state.run.shown, m->distance, m->n, m->halves, m->n / 2, m->features);
    note(t, line);
    const idem_metric rows[] = {{"pictures", (double)t->state.run.shown},
                                {"frechet_mobilenetv2", m->distance},
                                {"frechet_mobilenetv2_halves", m->halves},
                                {"n", (double)m->n}};
    return idem_metrics_log_write(t->run.log, "distance", t->state.run.iteration, rows, sizeof rows / sizeof *rows);
}

static int write_distance(void *trainer) {
    idem_gan_trainer *t = trainer;
    idem_gan_measure m;
    const double before = idem_world_set_patience(PATIENCE);
    const int status = idem_gan_distance_measure(t->distance, t->sampler, &m) || (t->run.log && log_distance(t, &m));
    idem_world_set_patience(before);
    return wait_for_files(t, status ? -1 : 0);
}

/* Reports settings changed on resume, also as a line of metrics.jsonl. */
static int log_changes(idem_gan_trainer *t) {
    idem_metric *m = malloc((size_t)idem_gan_fields.n * sizeof *m);
    if (!m)
        return idem_fail_as(IDEM_MEMORY, "out of memory for what changed");
    int n = 0;
    for (int i = 0; i < idem_gan_fields.n; i++) {
        char before[32], now[32], line[128];
        const idem_field *f = &idem_gan_fields.row[i];
        if (!strcmp(idem_field_get(f, t->run.saved_recipe, before), idem_field_get(f, &t->recipe, now)))
            continue;
        m[n++] = (idem_metric){f->name, strtod(now, NULL)};
        snprintf(line, sizeof line, "settings.%s was %s, is now %s", f->name, before, now);
        note(t, line);
    }
    const int status = n && t->run.log ? idem_metrics_log_write(t->run.log, "change", t->state.run.iteration, m, n) : 0;
    free(m);
    return status;
}

int idem_gan_trainer_run(idem_gan_trainer *t) {
    const idem_gan_recipe *r = &t->recipe;
    const idem_run_job jobs[] = {
        {.every = r->log_every, .at_end = true, .work = write_line},
        {.every = 1, .work = tell},
        {.every = r->sample_every,
         .unit = IDEM_RUN_PICTURES,
         .at_start = true,
         .at_end = true,
         .mark = &t->state.sampled,
         .work = write_samples},
        {.every = t->distance ? r->distance_every : 0,
         .unit = IDEM_RUN_PICTURES,
         .at_end = t->distance != NULL,
         .work = write_distance},
    };
    const idem_run_plan plan = {.unit = IDEM_RUN_PICTURES,
                                .goal = r->pictures,
                                .job = jobs,
                                .jobs = sizeof jobs / sizeof *jobs,
                                .checkpoint_every = r->checkpoint_every};
    return idem_run_go(&t->run, &plan);
}

/* ---- life ---- */

int idem_gan_saved_recipe(const char *run, idem_gan_recipe *r) {
    idem_weights *w;
    idem_gan_state state;
    const int found = idem_run_form_load(&idem_gan_form, run, &state, r, &w);
    if (found == 1)
        idem_weights_free(w);
    return found;
}

static int go_on(void *trainer, idem_weights *tensors) {
    idem_gan_trainer *t = trainer;
    t->weights = t->run.tensors = tensors;
    return t->recipe.path > 0 && !idem_weights_find(tensors, idem_gan_path_mean)
               ? idem_fail("the checkpoint has no tensor \"%s\", which a run with path lengths keeps",
                           idem_gan_path_mean)
               : 0;
}

static int start(void *trainer) {
    idem_gan_trainer *t = trainer;
    t->state.sampled = -1;
    t->state.strength = t->recipe.augment;
    if (!(t->weights = t->run.tensors = idem_weights_new()) || idem_gan_init(t->weights, &t->recipe))
        return -1;
    if (t->setup.start && idem_gan_start_from(t->weights, t->setup.start))
        return -1;
    if (t->recipe.no_noise)
        idem_gan_silence(t->weights);
    if (t->recipe.path > 0 && !idem_weights_add(t->weights, idem_gan_path_mean, IDEM_SHAPE(1)))
        return -1;
    return idem_average_add(t->weights, average_rule, 1);
}

static int open_own_data(void *trainer) {
    idem_gan_trainer *t = trainer;
    const idem_gan_recipe *r = &t->recipe;
    const idem_gan_data_options o = {.size = (int)r->size,
                                     .seed = r->seed,
                                     .held_out = (int)r->held_out,
                                     .mirror = !r->no_flip,
                                     .by_place = t->state.by_place,
                                     .expected = t->state.data[0] ? t->state.data : NULL,
                                     .borrow = idem_world_rank(t->run.world) > 0,
                                     .stop = t->setup.stop,
                                     .progress = t->setup.on_cache,
                                     .bad = t->setup.on_bad,
                                     .user = t->setup.user};
    char *cache = idem_path_join(t->run.name, "pictures.cache");
    t->data = cache ? idem_gan_data_open(t->setup.data, cache, &o) : NULL;
    free(cache);
    if (!t->data)
        return -1;
    if (idem_run_data_count(&t->run, idem_gan_data_count(t->data)))
        return -1;
    snprintf(t->state.data, sizeof t->state.data, "%s", idem_gan_data_hash(t->data));
    return 0;
}

/* Rank 0 makes the cache of pictures, which the others read. */
static int open_data(idem_gan_trainer *t) {
    return idem_run_in_turn(&t->run, "the pictures", open_own_data) ||
                   idem_run_compare_data(&t->run, idem_gan_data_hash(t->data))
               ? -1
               : 0;
}

static int check_discriminators(const idem_gan_recipe *r) {
    return r->d_weight > 0 || r->features > 0 || r->features_mobilenet > 0
               ? 0
               : idem_fail(
                     "settings.d-weight is 0, and settings.features and settings.features-mobilenet too: expected "
                     "one of them above 0, as the generator would have no discriminator");
}

/* Checks the settings of known codes before anything is written. */
static int check_known(const idem_gan_recipe *r, const idem_gan_setup *s) {
    if (!(r->rebuild > 0))
        return !s->mapper
                   ? 0
                   : idem_fail("options.mapper is %s, but settings.rebuild is 0, and its codes would not be used: "
                               "set both or neither",
                               s->mapper);
    if (r->rebuild_batch >= r->batch)
        return idem_fail("settings.rebuild-batch is %" PRId64 ", expected fewer than the batch of %" PRId64,
                         r->rebuild_batch, r->batch);
    if (s->mapper && !s->start)
        return idem_fail("options.mapper is %s without options.start, the generator that it belongs to: set both, as "
                         "the mapper finds codes of that generator",
                         s->mapper);
    if (s->mapper)
        return idem_gan_known_check(s->start, s->mapper);
    char *file = s->run ? idem_path_join(s->run, CODES) : NULL;
    const int known = file && idem_path_exists(file);
    free(file);
    return known ? 0
                 : idem_fail("settings.rebuild is %g, but no codes of the pictures are in %s (" CODES
                             "): set options.mapper and options.start to networks that find them",
                             r->rebuild, s->run ? s->run : "memory");
}

static int open_known(idem_gan_trainer *t, const idem_plan_options *plan) {
    const idem_gan_recipe *r = &t->recipe;
    if (!(r->rebuild > 0))
        return 0;
    const idem_gan_known_options o = {.generator = t->setup.start,
                                      .mapper = t->setup.mapper,
                                      .steps = (int)r->rebuild_steps,
                                      .layers = t->graph.about.n_ws,
                                      .w_dim = t->graph.about.w_dim,
                                      .seed = r->seed,
                                      .stop = t->setup.stop,
                                      .progress = t->setup.on_codes,
                                      .user = t->setup.user,
                                      .plan = *plan};
    char *file = idem_path_join(t->run.path, CODES);
    t->known = file ? idem_gan_known_open(t->data, file, &o) : NULL;
    free(file);
    return t->known ? idem_gan_known_keep(t->known, t->weights, r->rebuild_rate > 0) : -1;
}

static int open_distance(idem_gan_trainer *t, const idem_plan_options *options) {
    const idem_gan_recipe *r = &t->recipe;
    if (!r->distance_every || r->distance_every > r->pictures)
        return 0;
    const idem_world *w = t->run.world;
    const idem_measure_share share = idem_world_share(w);
    char *file = t->run.path ? idem_path_join(t->run.path, "pictures.features") : NULL;
    /* The others would wait for a rank that left a distance. */
    if (file || idem_world_rank(w))
        t->distance = idem_gan_distance_new(t->data, file, (size_t)r->distance_pictures, &share,
                                            idem_world_size(w) > 1 ? NULL : t->setup.stop, options);
    free(file);
    return t->distance ? 0 : -1;
}

static int open_trainer(void *trainer) {
    idem_gan_trainer *t = trainer;
    const idem_plan_options options = {.threads = t->state.run.threads};
    if (open_data(t) || idem_gan_graph_build(&t->graph, t->weights, &t->recipe, t->run.world, &options) ||
        !(t->average = idem_average_new(t->weights, average_rule, 1)))
        return -1;
    const idem_plan_options shared = {.threads = t->state.run.threads, .share = idem_gan_graph_owner(&t->graph)};
    t->sampler = idem_gan_sampler_new(t->weights, &shared);
    return !t->sampler || open_known(t, &options) || open_distance(t, &shared) ? -1 : 0;
}

static const idem_run_kind kind = {
    .form = &idem_gan_form,
    .sum = sum_names,
    .sums = IDEM_GAN_SUMS,
    .advice = "resume it with a lower settings.rate or a higher settings.gamma",
    .start = start,
    .go_on = go_on,
    .open = open_trainer,
    .iterate = iterate,
};

idem_gan_trainer *idem_gan_trainer_new(const idem_gan_recipe *recipe, const idem_gan_setup *setup) {
    const idem_world *w = setup->world ? setup->world : idem_world_alone();
    idem_gan_part part;
    if (idem_gan_part_make(&part, recipe, idem_world_rank(w), idem_world_size(w)) || check_discriminators(recipe) ||
        check_known(recipe, setup))
        return NULL;
    idem_gan_trainer *t = calloc(1, sizeof *t);
    if (!t)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a trainer");
    *t = (idem_gan_trainer){.recipe = *recipe, .setup = *setup};
    const idem_run_setup run = {.folder = setup->run,
                                .world = setup->world,
                                .resume = setup->resume,
                                .threads = setup->threads,
                                .stop = setup->stop,
                                .deadline = setup->deadline,
                                .on_line = setup->on_line,
                                .user = setup->user,
                                .pictures = recipe->batch,
                                .trainer = t,
                                .recipe = &t->recipe,
                                .state = &t->state};
    if (!idem_run_open(&t->run, &kind, &run) && (!t->run.resumed || !log_changes(t)))
        return t;
    idem_gan_trainer_free(t);
    return NULL;
}

void idem_gan_trainer_free(idem_gan_trainer *t) {
    if (!t)
        return;
    idem_gan_distance_free(t->distance); /* before the owner of the buffer that both share */
    idem_gan_sampler_free(t->sampler);
    idem_average_free(t->average);
    idem_gan_graph_free(&t->graph);
    idem_gan_known_free(t->known);
    idem_gan_data_free(t->data);
    idem_weights_free(t->weights);
    idem_run_close(&t->run);
    free(t);
}

bool idem_gan_trainer_resumed(const idem_gan_trainer *t) {
    return t->run.resumed;
}

size_t idem_gan_trainer_state_bytes(const idem_gan_trainer *t) {
    return idem_run_bytes(&t->run);
}

int64_t idem_gan_trainer_shown(const idem_gan_trainer *t) {
    return t->state.run.shown;
}

size_t idem_gan_trainer_count(const idem_gan_trainer *t) {
    return idem_gan_data_count(t->data);
}

size_t idem_gan_trainer_bytes(const idem_gan_trainer *t) {
    return idem_plan_bytes(idem_gan_graph_owner(&t->graph));
}

const idem_weights *idem_gan_trainer_weights(const idem_gan_trainer *t) {
    return t->weights;
}
