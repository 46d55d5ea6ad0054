#include "train/mapper/sources.h"

#include <stdlib.h>

#include "base/file.h"
#include "train/checkpoint.h"
#include "train/world_turn.h"

static const char PHOTOGRAPHS[] = "run.photographs";

typedef struct {
    const idem_mapper_sources *from;
    idem_run *run;
    idem_model *model;
    const idem_recipe *recipe;
    idem_data *data;
} opening;

/* ---- photographs ---- */

/* expected: the digest of a resumed run; NULL: any. */
static int mix(const opening *o, const char *expected) {
    const idem_run *run = o->run;
    const idem_photographs_options options = {.size = idem_model_about(o->model)->size,
                                              .seed = o->recipe->seed,
                                              .weather = o->recipe->photograph_vary,
                                              .pairs = (int)o->recipe->eval_pairs,
                                              .expected = expected,
                                              .borrow = idem_world_rank(run->world) > 0,
                                              .threads = run->state->threads,
                                              .models = o->from->models,
                                              .stop = run->options.stop,
                                              .progress = o->from->progress,
                                              .bad = o->from->bad,
                                              .user = run->options.user};
    char *cache = idem_path_join(run->name, "photographs.cache");
    idem_photographs *p = cache ? idem_photographs_open(o->from->photographs, cache, &options) : NULL;
    free(cache);
    if (!p)
        return -1;
    idem_data_mix(o->data, p, o->recipe->photograph_share);
    return idem_weights_set_meta(run->tensors, PHOTOGRAPHS, idem_photographs_digest(p));
}

static int open_own_photographs(void *user) {
    const opening *o = user;
    const idem_run *run = o->run;
    const char *dir = o->from->photographs;
    const double share = o->recipe->photograph_share;
    const char *before = run->state->iteration ? idem_weights_meta(run->tensors, PHOTOGRAPHS) : NULL;
    if (!dir)
        return share > 0 || before ? idem_fail("the run sees photographs (settings.photograph-share=%g): name their "
                                               "folder with options.photographs",
                                               share)
                                   : 0;
    if (!run->name)
        return idem_fail("photographs need a folder of the run for their cache");
    if (run->state->iteration && !before)
        return idem_fail(
            "%s: the run was started without photographs: leave options.photographs out to continue that run, "
            "or start another in a new folder",
            dir);
    return mix(o, before);
}

static int open_photographs(opening *o) {
    const idem_world *w = o->run->world;
    if (idem_world_in_turn(w, "the photographs", open_own_photographs, o))
        return -1;
    const idem_photographs *p = idem_data_photographs(o->data);
    return idem_world_same(w, "the set of photographs (its digest)", p ? idem_photographs_digest(p) : "none");
}

/* ---- all of them ---- */

static int check(opening *o) {
    char digest[65];
    const bool listed = idem_data_digest(o->data, digest);
    if (idem_run_data_count(o->run, idem_data_count(o->data)) || open_photographs(o) ||
        idem_run_compare_data(o->run, listed ? digest : "drawn on the fly"))
        return -1;
    return listed ? idem_checkpoint_data(o->run->tensors, o->run->resumed, o->from->data, digest) : 0;
}

idem_data *idem_mapper_sources_open(const idem_mapper_sources *s, idem_run *run, idem_model *m, const idem_recipe *r,
                                    const idem_plan_options *options) {
    const int ranks = idem_world_size(run->world), batch = (int)r->batch / ranks;
    opening o = {s, run, m, r, NULL};
    o.data = s->data ? idem_data_folder(m, s->data, batch, r->seed, (int)r->eval_pairs)
                     : idem_data_on_the_fly(m, batch, r->truncation, r->seed, options);
    if (!o.data)
        return NULL;
    idem_data_part(o.data, idem_world_rank(run->world), ranks);
    if (!check(&o))
        return o.data;
    idem_data_free(o.data);
    return NULL;
}
