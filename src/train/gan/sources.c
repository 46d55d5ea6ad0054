#include "train/gan/sources.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "train/world_turn.h"

#define CODES "pictures.codes"

int idem_gan_sources_check(const idem_gan_sources *s, const idem_gan_recipe *r, const char *folder) {
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
    char *file = folder ? idem_path_join(folder, CODES) : NULL;
    const int known = file && idem_path_exists(file);
    free(file);
    return known ? 0
                 : idem_fail("settings.rebuild is %g, but no codes of the pictures are in %s (" CODES
                             "): set options.mapper and options.start to networks that find them",
                             r->rebuild, folder ? folder : "memory");
}

/* ---- pictures ---- */

typedef struct {
    const idem_gan_sources *from;
    idem_run *run;
    const idem_gan_recipe *recipe;
    idem_gan_state *state;
    idem_gan_data *data;
} opening;

static int open_own_pictures(void *user) {
    opening *o = user;
    const idem_gan_recipe *r = o->recipe;
    const idem_gan_data_options options = {.size = (int)r->size,
                                           .seed = r->seed,
                                           .held_out = (int)r->held_out,
                                           .mirror = !r->no_flip,
                                           .by_place = o->state->by_place,
                                           .expected = o->state->data[0] ? o->state->data : NULL,
                                           .borrow = idem_world_rank(o->run->world) > 0,
                                           .stop = o->run->options.stop,
                                           .progress = o->from->reading,
                                           .bad = o->from->bad,
                                           .user = o->run->options.user};
    char *cache = idem_path_join(o->run->name, "pictures.cache");
    o->data = cache ? idem_gan_data_open(o->from->data, cache, &options) : NULL;
    free(cache);
    if (!o->data || idem_run_data_count(o->run, idem_gan_data_count(o->data)))
        return -1;
    snprintf(o->state->data, sizeof o->state->data, "%s", idem_gan_data_hash(o->data));
    return 0;
}

idem_gan_data *idem_gan_sources_pictures(const idem_gan_sources *s, idem_run *run, const idem_gan_recipe *r,
                                         idem_gan_state *state) {
    opening o = {s, run, r, state, NULL};
    if (!idem_world_in_turn(run->world, "the pictures", open_own_pictures, &o) &&
        !idem_run_compare_data(run, idem_gan_data_hash(o.data)))
        return o.data;
    idem_gan_data_free(o.data);
    return NULL;
}

/* ---- known codes ---- */

int idem_gan_sources_codes(idem_gan_known **codes, const idem_gan_sources *s, const idem_run *run,
                           const idem_gan_recipe *r, const idem_stylegan2 *about, idem_gan_data *pictures,
                           const idem_plan_options *plan) {
    if (!(r->rebuild > 0))
        return 0;
    const idem_gan_known_options o = {.generator = s->start,
                                      .mapper = s->mapper,
                                      .steps = (int)r->rebuild_steps,
                                      .layers = about->n_ws,
                                      .w_dim = about->w_dim,
                                      .seed = r->seed,
                                      .stop = run->options.stop,
                                      .progress = s->encoding,
                                      .user = run->options.user,
                                      .plan = *plan};
    char *file = idem_path_join(run->path, CODES);
    *codes = file ? idem_gan_known_open(pictures, file, &o) : NULL;
    free(file);
    return *codes ? idem_gan_known_keep(*codes, run->tensors, r->rebuild_rate > 0) : -1;
}
