#define _POSIX_C_SOURCE 200809L
#include "train/gan/trainer.h"

#include <stdlib.h>

#include "model/average.h"
#include "train/gan/distance.h"
#include "train/gan/graph.h"
#include "train/gan/iteration.h"
#include "train/gan/sampler.h"
#include "train/gan/samples.h"
#include "train/gan/start.h"
#include "train/gan/state.h"

static const idem_average_rule average_rule[1] = {{IDEM_GAN_G, IDEM_GAN_AVERAGE}};
static const char *const sum_names[IDEM_GAN_SUMS] = {"d_loss", "g_loss", "r1", "sign", "heads_loss"};

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
        t->setup.on_step(t->setup.run.user, &t->last);
    return 0;
}

static int write_samples(void *trainer) {
    idem_gan_trainer *t = trainer;
    if (t->recipe.rebuild_mapping && t->known && idem_gan_known_fit(t->known, t->weights))
        return -1;
    return idem_gan_samples_write(&(idem_gan_samples){&t->run, &t->recipe, t->sampler});
}

static int write_distance(void *trainer) {
    idem_gan_trainer *t = trainer;
    return idem_gan_distance_write(t->distance, t->sampler, t->setup.on_note);
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
         .together = true,
         .work = write_samples},
        {.every = t->distance ? r->distance_every : 0,
         .unit = IDEM_RUN_PICTURES,
         .at_end = t->distance != NULL,
         .together = true,
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
    if (t->setup.sources.start && idem_gan_start_from(t->weights, t->setup.sources.start))
        return -1;
    if (t->recipe.no_noise)
        idem_gan_silence(t->weights);
    if (t->recipe.path > 0 && !idem_weights_add(t->weights, idem_gan_path_mean, IDEM_SHAPE(1)))
        return -1;
    return idem_average_add(t->weights, average_rule, 1);
}

static int open_trainer(void *trainer) {
    idem_gan_trainer *t = trainer;
    const idem_plan_options options = {.threads = t->state.run.threads};
    const idem_gan_recipe *r = &t->recipe;
    if (!(t->data = idem_gan_sources_pictures(&t->setup.sources, &t->run, r, &t->state)) ||
        idem_gan_graph_build(&t->graph, t->weights, r, t->run.world, &options) ||
        !(t->average = idem_average_new(t->weights, average_rule, 1)))
        return -1;
    const idem_plan_options shared = {.threads = t->state.run.threads, .share = idem_gan_graph_owner(&t->graph)};
    if (!(t->sampler = idem_gan_sampler_new(t->weights, &shared)) ||
        idem_gan_sources_codes(&t->known, &t->setup.sources, &t->run, r, &t->graph.about, t->data, &options))
        return -1;
    return !r->distance_every || r->distance_every > r->pictures ||
                   (t->distance = idem_gan_distance_new(t->data, &t->run, (size_t)r->distance_pictures, &shared))
               ? 0
               : -1;
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
    const idem_world *w = setup->run.world ? setup->run.world : idem_world_alone();
    idem_gan_part part;
    if (idem_gan_part_make(&part, recipe, idem_world_rank(w), idem_world_size(w)) || idem_gan_recipe_check(recipe) ||
        idem_gan_sources_check(&setup->sources, recipe, setup->run.folder))
        return NULL;
    idem_gan_trainer *t = calloc(1, sizeof *t);
    if (!t)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a trainer");
    *t = (idem_gan_trainer){.recipe = *recipe, .setup = *setup};
    const idem_run_owner owner = {t, &t->recipe, &t->state, .pictures = recipe->batch};
    if (!idem_run_open(&t->run, &kind, &setup->run, &owner) && !idem_run_log_changes(&t->run, setup->on_note))
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

const idem_run *idem_gan_trainer_about(const idem_gan_trainer *t) {
    return &t->run;
}

size_t idem_gan_trainer_bytes(const idem_gan_trainer *t) {
    return idem_plan_bytes(idem_gan_graph_owner(&t->graph));
}
