#include "train/gan/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/name.h"
#include "base/rng.h"
#include "base/status.h"
#include "measure/verification.h"
#include "measure/witness.h"
#include "media/sheet.h"
#include "model/origin.h"
#include "model/pipe.h"
#include "train/gan/data.h"

enum { BATCH = 8, SHOWN = 32, SHEET_COLUMNS = 8, HELD_OUT = 200, D = IDEM_JUDGE_DIM };

typedef struct {
    const idem_gan_proof_options *o;
    idem_gan_proof *out;
    uint64_t data_seed;
    bool by_place; /* a generator from before pictures were held out by content */
    idem_model *model;
    idem_gan_data *pictures, *others; /* others: of a folder apart; NULL: `pictures` has those held out */
    idem_witness *witness;
    idem_observer *observer;
    idem_seen seen[2];    /* of the samples; of the portraits */
    size_t side, picture; /* S; floats per picture */
    float *samples;       /* [count, S, S, 3] in [0, 1] */
    float *x, *turned;    /* [BATCH, S, S, 3] */
    float *rows; /* descriptors [.., D] of mirror images and training pictures; pointers below point into it or into
                    `seen` */
    idem_novelty_set made, apart;
    float *training;
    idem_nearest *nearest;
    uint64_t done, all; /* pictures described */
} job;

/* ---- held-out pictures ---- */

static int read_split(job *j) {
    idem_weights *w;
    if (idem_weights_load(&w, j->o->generator))
        return -1;
    const char *seed = idem_weights_meta(w, "seed"), *held_out = idem_weights_meta(w, "held_out");
    const bool stated = held_out != NULL;
    j->by_place = stated && !idem_gan_data_split(w);
    j->data_seed = j->o->data_seed ? *j->o->data_seed : seed ? strtoull(seed, NULL, 10) : 1;
    j->out->held_out_by = j->o->held_out ? "option" : stated ? "file" : "assumed";
    j->out->held_out = j->o->held_out ? j->o->held_out : stated ? atoi(held_out) : HELD_OUT;
    idem_weights_free(w);
    if (j->o->apart) {
        j->out->held_out_by = "folder";
        /* Those that its training held out are still no training pictures. */
        j->out->held_out = stated ? j->out->held_out : 0;
    } else if (!j->o->held_out && !stated) {
        idem_log(IDEM_LOG_NOTE,
                 "%s does not state its held-out pictures: the %d portraits may have been among its training "
                 "pictures",
                 j->o->generator, j->out->held_out);
    }
    const int least = j->o->apart ? 0 : 2;
    return j->out->held_out >= least
               ? 0
               : idem_fail("%s: %d pictures were held out of its training, expected at least %d%s", j->o->generator,
                           j->out->held_out, least, least ? ", or a folder of portraits apart from it" : "");
}

static void tell(const job *j, const char *what, uint64_t done, uint64_t all) {
    if (j->o->progress)
        j->o->progress(j->o->user, what, done, all);
}

static void on_cache(void *user, size_t done, size_t count) {
    tell(user, "reading", done, count);
}

static void on_bad(void *user, const char *why) {
    const job *j = user;
    if (j->o->bad)
        j->o->bad(j->o->user, why);
}

static idem_gan_data *open_folder(job *j, const char *folder, const char *cache_name, int held_out) {
    char name[64];
    snprintf(name, sizeof name, "%s-%zu.cache", cache_name, j->side);
    char *cache = idem_path_join(j->o->output, name);
    const idem_gan_data_options o = {.size = (int)j->side,
                                     .seed = j->data_seed,
                                     .held_out = held_out,
                                     .by_place = j->by_place,
                                     .stop = j->o->plan.stop,
                                     .progress = on_cache,
                                     .bad = on_bad,
                                     .user = j};
    idem_gan_data *d = cache ? idem_gan_data_open(folder, cache, &o) : NULL;
    free(cache);
    return d;
}

static int open_data(job *j) {
    if (!(j->pictures = open_folder(j, j->o->data, "pictures", j->out->held_out)))
        return -1;
    if (!j->o->apart)
        return 0;
    j->others = open_folder(j, j->o->apart, "apart", 0);
    return j->others ? 0 : -1;
}

static size_t count_apart(const job *j) {
    return j->others ? idem_gan_data_count(j->others) : idem_gan_data_held_out(j->pictures);
}

/* ---- descriptors ---- */

/* Of n <= BATCH pictures in [0, 1]: plain: descriptors alone; or seen: its rows from `at` on, which have them too, and
 * mirrored: descriptors of the mirror images. */
static int describe(job *j, const float *x, int n, float *plain, float *mirrored, idem_seen *seen, int at) {
    for (int i = 0; i < n && seen; i++)
        for (size_t row = 0; row < j->side; row++)
            for (size_t column = 0; column < j->side; column++)
                memcpy(j->turned + (size_t)i * j->picture + (row * j->side + column) * 3,
                       x + (size_t)i * j->picture + (row * j->side + j->side - 1 - column) * 3, 3 * sizeof *x);
    if (j->o->plan.stop && *j->o->plan.stop)
        return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
    if (seen ? idem_observer_run(j->observer, n, x, seen, at) ||
                   idem_witness_run(j->witness, n, j->turned, mirrored, NULL)
             : idem_witness_run(j->witness, n, x, plain, NULL))
        return -1;
    j->done += (uint64_t)n;
    tell(j, "measuring", j->done, j->all);
    return 0;
}

static int describe_pictures(job *j, idem_gan_data *from, bool held_out, float *plain, float *mirrored,
                             idem_seen *seen) {
    const size_t n = held_out ? idem_gan_data_held_out(from) : idem_gan_data_count(from);
    for (size_t first = 0; first < n; first += BATCH) {
        const size_t some = n - first < BATCH ? n - first : BATCH;
        idem_gan_data_look(from, held_out, first, some, j->x);
        for (size_t i = 0; i < some * j->picture; i++)
            j->x[i] = (j->x[i] + 1) / 2;
        if (describe(j, j->x, (int)some, plain ? plain + first * D : NULL, mirrored ? mirrored + first * D : NULL, seen,
                     (int)first))
            return -1;
    }
    return 0;
}

static int describe_samples(job *j) {
    idem_pipe *pipe = idem_pipe_new(j->model, IDEM_PIPE_SAMPLE, BATCH, (float)j->o->truncation, &j->o->plan);
    const size_t z_dim = (size_t)idem_model_about(j->model)->z_dim, n = (size_t)j->o->count;
    float *z = malloc(n * z_dim * sizeof *z);
    int status = !pipe ? -1 : z ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", j->o->count);
    if (!status) {
        idem_rng rng = idem_rng_make(j->o->seed, "novelty.codes");
        idem_rng_fill_normal(&rng, z, n * z_dim);
        status = idem_pipe_run(pipe, n, (const float *const[]){z}, (float *const[]){NULL, j->samples});
    }
    if (!status)
        idem_image_quantise(j->samples, n * j->picture); /* rounded to 8 bits as in a file */
    for (int first = 0; first < j->o->count && !status; first += BATCH) {
        const int some = j->o->count - first < BATCH ? j->o->count - first : BATCH;
        status = describe(j, j->samples + (size_t)first * j->picture, some, NULL, (float *)j->made.mirrored + first * D,
                          &j->seen[0], first);
    }
    free(z);
    idem_pipe_free(pipe);
    return status;
}

static int make_room(job *j) {
    const size_t count = (size_t)j->o->count, apart = count_apart(j), training = idem_gan_data_count(j->pictures);
    j->samples = malloc(count * j->picture * sizeof *j->samples);
    j->x = malloc(BATCH * j->picture * sizeof *j->x);
    j->turned = malloc(BATCH * j->picture * sizeof *j->turned);
    j->rows = malloc((count + apart + training) * D * sizeof *j->rows);
    j->nearest = malloc(count * sizeof *j->nearest);
    if (!j->samples || !j->x || !j->turned || !j->rows || !j->nearest || training > 1 << 30)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu pictures", training);
    if (idem_seen_new(&j->seen[0], j->observer, (int)count, false) ||
        idem_seen_new(&j->seen[1], j->observer, (int)apart, false))
        return -1;
    j->made = (idem_novelty_set){j->seen[0].id[IDEM_RECOGNISER_JUDGE], j->rows, (int)count};
    j->apart = (idem_novelty_set){j->seen[1].id[IDEM_RECOGNISER_JUDGE], j->rows + count * D, (int)apart};
    j->training = j->rows + (count + apart) * D;
    return 0;
}

static int measure(job *j) {
    if (!(j->model = idem_model_open(j->o->generator)) || idem_model_load_frozen(j->model, j->o->models))
        return -1;
    j->side = (size_t)idem_model_about(j->model)->size;
    j->picture = j->side * j->side * 3;
    j->witness = idem_witness_new(j->o->models, idem_model_frame(j->model), (int)j->side, BATCH, &j->o->plan);
    const idem_observer_options o = {
        .models = j->o->models, .batch = BATCH, .whole = true, .no_features = true, .plan = j->o->plan};
    if (!j->witness || !(j->observer = idem_observer_new(j->model, &o)) || open_data(j) || make_room(j))
        return -1;
    const size_t training = idem_gan_data_count(j->pictures);
    j->all = training + (uint64_t)j->apart.n + (uint64_t)j->o->count;
    tell(j, "measuring", 0, j->all);
    if (describe_samples(j) ||
        describe_pictures(j, j->others ? j->others : j->pictures, !j->others, NULL, (float *)j->apart.mirrored,
                          &j->seen[1]) ||
        describe_pictures(j, j->pictures, false, j->training, NULL, NULL))
        return -1;
    j->out->samples = idem_variety_of(&j->seen[0], j->made.n);
    j->out->portraits = idem_variety_of(&j->seen[1], j->apart.n);
    return idem_novelty_of(&j->out->novelty, &j->made, &j->apart, j->training, (int)training, D, IDEM_JUDGE_THRESHOLD,
                           IDEM_THRESHOLD_FAR, j->o->seed, j->nearest);
}

/* ---- the sheet: each sample beside its nearest training picture, nearest first ---- */

static void order_by_nearness(const job *j, int *order) {
    for (int i = 0; i < j->o->count; i++) {
        int at = i;
        for (; at && j->nearest[order[at - 1]].s < j->nearest[i].s; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

static int draw_sheet(const job *j, const int *order, const char *path) {
    const int n = j->o->count < SHOWN ? j->o->count : SHOWN, side = (int)j->side;
    idem_image cells[2 * SHOWN] = {0}, page;
    const idem_image *list[2 * SHOWN] = {0};
    char text[2 * SHOWN][64];
    const char *captions[2 * SHOWN];
    int status = 0;
    for (int i = 0; i < 2 * n && !status; i++) {
        const idem_nearest *near = &j->nearest[order[i / 2]];
        const float *x = j->samples + (size_t)order[i / 2] * j->picture;
        if (i % 2) {
            idem_gan_data_look(j->pictures, false, (size_t)near->which, 1, j->x);
            x = j->x;
            idem_name_show(text[i], 41, idem_gan_data_name(j->pictures, false, (size_t)near->which));
        } else {
            snprintf(text[i], sizeof text[i], "sample %d: S %.2f%s", order[i / 2], near->s,
                     near->mirrored ? ", mirrored" : "");
        }
        status = idem_image_from_float(&cells[i], x, side, side, i % 2 ? -1 : 0, 1);
        list[i] = &cells[i];
        captions[i] = text[i];
    }
    const idem_sheet sheet = {.title = "Samples, each beside the training picture nearest to it by the judge",
                              .footer = "holds training pictures: not to be passed on",
                              .captions = captions};
    if (!status && !(status = idem_sheet_list(&page, &sheet, list, 2 * n, SHEET_COLUMNS))) {
        idem_origin origin;
        idem_origin_of(&origin, IDEM_SOURCE_COMPOSITE, j->model, &j->o->seed);
        status = idem_image_save_png(&page, path, &origin.marks);
        idem_image_free(&page);
    }
    for (int i = 0; i < 2 * n; i++)
        idem_image_free(&cells[i]);
    return status;
}

static int save_sheet(const job *j) {
    int *order = malloc((size_t)j->o->count * sizeof *order);
    char *path = idem_path_join(j->o->output, "nearest.png");
    const int status = order && path ? (order_by_nearness(j, order), draw_sheet(j, order, path)) : -1;
    free(order);
    free(path);
    return status;
}

static void free_all(job *j) {
    idem_gan_data_free(j->pictures);
    idem_gan_data_free(j->others);
    idem_seen_free(&j->seen[0]);
    idem_seen_free(&j->seen[1]);
    idem_observer_free(j->observer);
    idem_witness_free(j->witness);
    idem_model_free(j->model);
    free(j->samples);
    free(j->x);
    free(j->turned);
    free(j->rows);
    free(j->nearest);
}

int idem_gan_prove(idem_gan_proof *out, const idem_gan_proof_options *o) {
    *out = (idem_gan_proof){0};
    job j = {.o = o, .out = out};
    bool made = false;
    const int status = read_split(&j) || idem_dir_enter(o->output, &made) || measure(&j) || save_sheet(&j) ? -1 : 0;
    if (!status) {
        snprintf(out->generator, sizeof out->generator, "%s", idem_model_about(j.model)->hash);
        out->size = (int)j.side;
        out->training = idem_gan_data_count(j.pictures);
        out->bad = idem_gan_data_bad(j.pictures) + (j.others ? idem_gan_data_bad(j.others) : 0);
    }
    free_all(&j);
    idem_dir_leave(o->output, made);
    return status;
}
