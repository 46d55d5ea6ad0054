/* Galleries of pictures, measured once by every network, and figures from them. */
#include "measure/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "measure/observer.h"
#include "media/image.h"
#include "model/pipe.h"
#include "model/painter.h"

static const double YAW_APART = 10; /* degrees */

/* Pictures and the networks that measure them. */
typedef struct {
    float *pictures, *yaw;
    idem_seen seen;
} gallery;

struct idem_evaluator {
    idem_model *model;
    idem_observer *observer;
    idem_pipe *layers;
    idem_plan_options options;
    idem_measure_share share;
    void (*measured)(void *user, int pictures);
    void *user;
    int batch, n; /* n 0: no pairs */
    gallery sources, attributes, outputs;
    int *person;         /* [n]: persons of the sources; NULL: all different */
    int *order;          /* [n]: the pair whose attribute picture is the control of pair i */
    float *points, *yaw; /* of the attribute pictures in that order */
    float *w;            /* [2 n, W]: true codes of sources, then of attributes; NULL for given pictures */
    double strangers_train, strangers_judge;
};

/* ---- life ---- */

static idem_plan_options sharing(const idem_evaluator *e) {
    idem_plan_options o = e->options;
    o.share = idem_observer_plan(e->observer);
    return o;
}

idem_evaluator *idem_evaluator_new(idem_model *m, const char *models, int batch, const idem_plan_options *options) {
    idem_evaluator *e = calloc(1, sizeof *e);
    if (!e)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for an evaluation");
    e->model = m;
    e->batch = batch;
    e->share = IDEM_MEASURE_ALONE;
    if (options)
        e->options = *options;
    e->observer = idem_observer_new(m, &(idem_observer_options){.models = models, .batch = batch, .plan = e->options});
    if (!e->observer) {
        idem_evaluator_free(e);
        return NULL;
    }
    return e;
}

static void gallery_free(gallery *g) {
    free(g->pictures);
    free(g->yaw);
    idem_seen_free(&g->seen);
    *g = (gallery){0};
}

static void forget(idem_evaluator *e) {
    gallery_free(&e->sources);
    gallery_free(&e->attributes);
    gallery_free(&e->outputs);
    free(e->person);
    free(e->order);
    free(e->points);
    free(e->yaw);
    free(e->w);
    e->person = e->order = NULL;
    e->points = e->yaw = e->w = NULL;
    e->n = 0;
}

void idem_evaluator_free(idem_evaluator *e) {
    if (!e)
        return;
    forget(e);
    idem_pipe_free(e->layers);
    idem_observer_free(e->observer);
    free(e);
}

void idem_evaluator_watch(idem_evaluator *e, void (*measured)(void *user, int pictures), void *user) {
    e->measured = measured;
    e->user = user;
}

void idem_evaluator_share(idem_evaluator *e, const idem_measure_share *share) {
    e->share = *share;
}

/* ---- galleries ---- */

static size_t numbers(const idem_evaluator *e) {
    size_t size = (size_t)idem_model_about(e->model)->size;
    return size * size * 3;
}

static size_t id_dim(const idem_evaluator *e) {
    return (size_t)idem_model_about(e->model)->id_dim;
}

static int gallery_new(const idem_evaluator *e, gallery *g, int count) {
    size_t n = (size_t)count;
    g->pictures = malloc(n * numbers(e) * sizeof(float));
    g->yaw = malloc(n * sizeof(float));
    if (!g->pictures || !g->yaw)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", count);
    return idem_seen_new(&g->seen, e->observer, count, false);
}

static void take_yaw(gallery *g, int n) {
    for (int i = 0; i < n; i++)
        g->yaw[i] = g->seen.pose[IDEM_ANGLES * i + IDEM_YAW];
}

/* Of the first n pictures each rank computes its own: 0 before, all after. */
static int share_pictures(const idem_evaluator *e, float *pictures, int n, bool before) {
    if (e->share.ranks > 1 && before)
        memset(pictures, 0, (size_t)n * numbers(e) * sizeof(float));
    return before ? 0 : idem_share_join(&e->share, pictures, (size_t)n * numbers(e));
}

/* Runs the first n pictures through all networks, batch by batch, so that a batch stays in the caches. */
static int gallery_measure(const idem_evaluator *e, gallery *g, int n) {
    if (e->share.ranks > 1)
        idem_seen_clear(e->observer, &g->seen, n);
    for (int i = 0; i < n; i += e->batch) {
        int count = n - i < e->batch ? n - i : e->batch;
        if (idem_share_has(&e->share, (size_t)(i / e->batch)) &&
            idem_observer_run(e->observer, count, g->pictures + (size_t)i * numbers(e), &g->seen, i))
            return -1;
        if (e->measured)
            e->measured(e->user, count);
    }
    if (idem_seen_join(e->observer, &g->seen, n, &e->share))
        return -1;
    take_yaw(g, n);
    return 0;
}

static void gallery_copy(const idem_evaluator *e, gallery *to, const gallery *from, int n) {
    memcpy(to->pictures, from->pictures, (size_t)n * numbers(e) * sizeof(float));
    idem_seen_copy(e->observer, &to->seen, 0, &from->seen, 0, n);
    take_yaw(to, n);
}

/* Measures the pictures of sources and attributes, to which every pair is compared. Success makes the n pairs valid. */
static int prepare_pairs(idem_evaluator *e, int n, uint64_t seed) {
    if (gallery_measure(e, &e->sources, n) || gallery_measure(e, &e->attributes, n) || gallery_new(e, &e->outputs, n))
        return -1;
    e->order = malloc((size_t)n * sizeof *e->order);
    e->points = malloc((size_t)n * IDEM_POINT_NUMBERS * sizeof *e->points);
    e->yaw = malloc((size_t)n * sizeof *e->yaw);
    if (!e->order || !e->points || !e->yaw)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    idem_score_shuffle(e->order, n, seed);
    idem_score_reorder(e->points, e->attributes.seen.points, e->order, n, IDEM_POINT_NUMBERS);
    idem_score_reorder(e->yaw, e->attributes.yaw, e->order, n, 1);
    const idem_seen *seen = &e->sources.seen;
    e->strangers_train = idem_score_strangers_of(seen->id[0], e->person, n, (int)id_dim(e), IDEM_STRANGER_PAIRS, seed);
    e->strangers_judge = idem_score_strangers_of(seen->id[1], e->person, n, IDEM_JUDGE_DIM, IDEM_STRANGER_PAIRS, seed);
    e->n = n;
    return 0;
}

static int begin(idem_evaluator *e, int n) {
    if (n < 2)
        return idem_fail("%d pairs to evaluate on, expected 2 or more", n);
    forget(e);
    return gallery_new(e, &e->sources, n) || gallery_new(e, &e->attributes, n) ? -1 : 0;
}

/* After a failure there are no pairs. */
static int end(idem_evaluator *e, int status) {
    if (status)
        forget(e);
    return status ? -1 : 0;
}

static int keep_persons(idem_evaluator *e, int n, const int *person) {
    const size_t bytes = (size_t)n * sizeof *person;
    bool differ = false;
    if (!person)
        return 0;
    for (int i = 1; i < n; i++)
        differ = differ || person[i] != person[0];
    if (!differ)
        return idem_fail("all %d identity pictures are of one person, expected two persons or more", n);
    if (!(e->person = malloc(bytes)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    memcpy(e->person, person, bytes);
    return 0;
}

int idem_evaluator_pictures(idem_evaluator *e, int n, const float *identity, const float *attributes, uint64_t seed) {
    return idem_evaluator_people(e, n, identity, attributes, NULL, seed);
}

int idem_evaluator_people(idem_evaluator *e, int n, const float *identity, const float *attributes, const int *person,
                          uint64_t seed) {
    if (begin(e, n) || keep_persons(e, n, person))
        return end(e, -1);
    memcpy(e->sources.pictures, identity, (size_t)n * numbers(e) * sizeof(float));
    memcpy(e->attributes.pictures, attributes, (size_t)n * numbers(e) * sizeof(float));
    return end(e, prepare_pairs(e, n, seed));
}

/* Pictures of all pairs, and codes if there are any: such pictures are painted, which ranks share out. */
static int read_pairs(idem_evaluator *e, idem_pairs *pairs, int n, uint8_t *good) {
    const size_t codes = (size_t)n * (size_t)idem_model_about(e->model)->w_dim;
    const bool drawn = idem_pairs_have_codes(pairs);
    if (drawn) {
        share_pictures(e, e->sources.pictures, n, true);
        share_pictures(e, e->attributes.pictures, n, true);
        memset(good, 1, (size_t)n);
    }
    for (int i = 0; i < n; i += e->batch) {
        const int count = n - i < e->batch ? n - i : e->batch;
        const size_t at = (size_t)i * numbers(e);
        if (drawn && !idem_share_has(&e->share, (size_t)(i / e->batch)))
            continue;
        if (idem_pairs_read(pairs, i, count, e->sources.pictures + at, e->attributes.pictures + at, good + i))
            return -1;
    }
    if (!drawn)
        return 0;
    if (share_pictures(e, e->sources.pictures, n, false) || share_pictures(e, e->attributes.pictures, n, false))
        return -1;
    e->w = malloc(2 * codes * sizeof *e->w);
    return e->w ? idem_pairs_codes(pairs, 0, n, e->w, e->w + codes)
                : idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", 2 * n);
}

/* Only sources without codes lose pairs, so codes need not be moved. */
static int keep_good(idem_evaluator *e, idem_pairs *pairs, int n, const uint8_t *good) {
    size_t to = 0;
    for (size_t i = 0; i < (size_t)n; i++) {
        if (!good[i])
            continue;
        memmove(e->sources.pictures + to * numbers(e), e->sources.pictures + i * numbers(e),
                numbers(e) * sizeof(float));
        memmove(e->attributes.pictures + to * numbers(e), e->attributes.pictures + i * numbers(e),
                numbers(e) * sizeof(float));
        to++;
    }
    idem_pairs_keep(pairs, good);
    return to < 2 ? idem_fail("%zu of %d pairs can be read, expected 2 or more", to, n) : 0;
}

int idem_evaluator_pairs(idem_evaluator *e, idem_pairs *pairs, uint64_t seed) {
    const int n = idem_pairs_count(pairs);
    if (begin(e, n))
        return end(e, -1);
    uint8_t *good = malloc((size_t)n);
    int status = good ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    status = status || read_pairs(e, pairs, n, good) || keep_good(e, pairs, n, good) ||
             prepare_pairs(e, idem_pairs_count(pairs), seed);
    free(good);
    return end(e, status);
}

int idem_evaluator_sample(idem_evaluator *e, int n, float psi, uint64_t seed) {
    const idem_plan_options o = sharing(e);
    forget(e);
    idem_pairs *pairs = n < 2 ? idem_fail_null("%d pairs to evaluate on, expected 2 or more", n)
                              : idem_pairs_draw(e->model, n, psi, seed, e->batch, &o);
    const int status = pairs ? idem_evaluator_pairs(e, pairs, seed) : -1;
    idem_pairs_free(pairs);
    return status;
}

/* ---- figures ---- */

static void retrieval(const idem_evaluator *e, idem_report *r, int n) {
    const int dim = idem_model_about(e->model)->id_dim;
    const idem_seen *out = &e->outputs.seen, *id = &e->sources.seen;
    if (e->person) {
        r->candidates = n;
        r->retrieval_train = idem_score_retrieval_of(out->id[0], id->id[0], e->person, n, dim);
        r->retrieval_judge = idem_score_retrieval_of(out->id[1], id->id[1], e->person, n, IDEM_JUDGE_DIM);
    } else {
        r->candidates = idem_score_candidates(n, IDEM_RETRIEVAL_GROUP);
        r->retrieval_train = idem_score_retrieval(out->id[0], id->id[0], n, dim, IDEM_RETRIEVAL_GROUP);
        r->retrieval_judge = idem_score_retrieval(out->id[1], id->id[1], n, IDEM_JUDGE_DIM, IDEM_RETRIEVAL_GROUP);
    }
}

/* Figures from the networks' results on the first n outputs. */
static void figures(const idem_evaluator *e, idem_report *r, int n) {
    const idem_model_info *info = idem_model_about(e->model);
    const gallery *o = &e->outputs, *id = &e->sources, *at = &e->attributes;
    r->pairs = n;
    const idem_seen *so = &o->seen, *si = &id->seen, *sa = &at->seen;
    const uint8_t *outside = idem_observer_outside(e->observer);
    idem_score_identity(&r->train, si->id[0], sa->id[0], so->id[0], n, info->id_dim, e->strangers_train);
    idem_score_identity(&r->judge, si->id[1], sa->id[1], so->id[1], n, IDEM_JUDGE_DIM, e->strangers_judge);
    retrieval(e, r, n);
    r->nme = idem_score_nme(so->points, sa->points, n);
    r->nme_shuffled = idem_score_nme(so->points, e->points, n);
    r->landmark_mse160 = idem_score_landmark_mse160(so->points, sa->points, n);
    r->colour = idem_score_colour(o->pictures, at->pictures, NULL, n, info->size, outside);
    r->colour_shuffled = idem_score_colour(o->pictures, at->pictures, e->order, n, info->size, outside);
    r->yaw = idem_score_yaw(o->yaw, at->yaw, id->yaw, n, YAW_APART);
    r->yaw_shuffled = idem_score_yaw(o->yaw, e->yaw, id->yaw, n, YAW_APART);
}

static int measure(idem_evaluator *e, idem_report *r, int n) {
    idem_image_quantise(e->outputs.pictures, (size_t)n * numbers(e));
    if (gallery_measure(e, &e->outputs, n))
        return -1;
    figures(e, r, n);
    return 0;
}

static int check_pairs(const idem_evaluator *e) {
    return e->n ? 0 : idem_fail("no pairs to evaluate on; sample or give some first");
}

int idem_evaluator_outputs(idem_evaluator *e, const float *out, idem_report *r) {
    *r = (idem_report){0};
    if (check_pairs(e))
        return -1;
    memcpy(e->outputs.pictures, out, (size_t)e->n * numbers(e) * sizeof(float));
    return measure(e, r, e->n);
}

const float *idem_evaluator_shown(const idem_evaluator *e) {
    return e->outputs.pictures;
}

/* The first n outputs by a pipe whose last output they are, in batches that go round the ranks. */
static int paint(const idem_evaluator *e, idem_pipe *p, int n, const float *a, const float *b) {
    float *pictures = e->outputs.pictures;
    const bool last = idem_pipe_out_size(p, 1);
    share_pictures(e, pictures, n, true);
    for (int i = 0; i < n; i += e->batch) {
        const size_t at = (size_t)i, count = (size_t)(n - i < e->batch ? n - i : e->batch);
        float *to = pictures + at * numbers(e);
        if (idem_share_has(&e->share, at / (size_t)e->batch) &&
            idem_pipe_run(p, count,
                          (const float *const[IDEM_PIPE_PORTS]){a + at * idem_pipe_in_size(p, 0),
                                                                b ? b + at * idem_pipe_in_size(p, 1) : NULL},
                          (float *const[IDEM_PIPE_PORTS]){last ? NULL : to, last ? to : NULL}))
            return -1;
    }
    return share_pictures(e, pictures, n, false);
}

/* Every pair of sources and these attribute pictures, refined and painted. */
static int paint_refined(idem_evaluator *e, idem_painter *p, const float *attributes) {
    share_pictures(e, e->outputs.pictures, e->n, true);
    for (size_t i = 0; i < (size_t)e->n; i++) {
        const idem_pair pair = {.x_id = e->sources.pictures + i * numbers(e), .x_attr = attributes + i * numbers(e)};
        if (idem_share_has(&e->share, i) && idem_painter_run(p, 1, &pair, e->outputs.pictures + i * numbers(e)))
            return -1;
        if (e->measured)
            e->measured(e->user, 1);
    }
    return share_pictures(e, e->outputs.pictures, e->n, false);
}

static int refined(idem_evaluator *e, idem_painter *p, idem_report *r) {
    if (paint_refined(e, p, e->sources.pictures))
        return -1;
    idem_image_quantise(e->outputs.pictures, (size_t)e->n * numbers(e));
    const idem_figure psnr =
        idem_score_psnr(e->outputs.pictures, e->sources.pictures, e->n, idem_model_about(e->model)->size);
    const double start = idem_clock();
    if (paint_refined(e, p, e->attributes.pictures))
        return -1;
    const double seconds = idem_clock() - start;
    if (measure(e, r, e->n))
        return -1;
    r->psnr_same_face = psnr;
    r->seconds_per_picture = seconds / e->n;
    return 0;
}

int idem_evaluator_refined(idem_evaluator *e, int steps, idem_report *r) {
    *r = (idem_report){0};
    if (check_pairs(e))
        return -1;
    idem_painter *p = idem_painter_new(e->model, 1, steps, &e->options);
    int status = p ? refined(e, p, r) : -1;
    idem_painter_free(p);
    return status;
}

int idem_evaluator_mapper(idem_evaluator *e, idem_report *r) {
    *r = (idem_report){0};
    if (check_pairs(e))
        return -1;
    /* Made again each time: the mapper's weights may have changed, and frozen nodes keep their values from planning. */
    idem_plan_options o = sharing(e);
    idem_pipe *p = idem_pipe_new(e->model, IDEM_PIPE_COMPOSE, e->batch, 1, &o);
    if (!p)
        return -1;
    gallery *out = &e->outputs;
    size_t n = (size_t)e->n;
    idem_figure psnr = {0};
    int status = paint(e, p, e->n, e->sources.pictures, e->sources.pictures);
    if (!status) {
        idem_image_quantise(out->pictures, n * numbers(e));
        psnr = idem_score_psnr(out->pictures, e->sources.pictures, e->n, idem_model_about(e->model)->size);
    }
    double start = idem_clock();
    status = status || paint(e, p, e->n, e->sources.pictures, e->attributes.pictures) ? -1 : 0;
    double seconds = idem_clock() - start;
    idem_pipe_free(p);
    if (status || measure(e, r, e->n))
        return -1;
    r->psnr_same_face = psnr;
    r->seconds_per_picture = seconds / e->n;
    return 0;
}

/* ---- baselines ---- */

static int add_row(json_t *rows, const char *name, const idem_report *r) {
    json_t *row = idem_report_json(r);
    return !row || json_object_set_new(row, "name", json_string(name)) || json_array_append_new(rows, row)
               ? idem_fail_as(IDEM_MEMORY, "out of memory for a report")
               : 0;
}

/* Layers below the crossover from `coarse`, the others from `fine`. */
static int mix(idem_evaluator *e, const float *coarse, const float *fine, int crossover, int n) {
    const idem_model_info *info = idem_model_about(e->model);
    size_t L = (size_t)info->layers, W = (size_t)info->w_dim;
    if (!e->layers) {
        idem_plan_options o = sharing(e);
        e->layers = idem_pipe_new(e->model, IDEM_PIPE_LAYERS, e->batch, 1, &o);
    }
    float *ws = e->layers ? malloc((size_t)n * L * W * sizeof *ws) : NULL;
    if (!ws)
        return e->layers ? idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", n) : -1;
    for (size_t i = 0; i < (size_t)n; i++)
        for (size_t l = 0; l < L; l++)
            memcpy(ws + (i * L + l) * W, ((int)l < crossover ? coarse : fine) + i * W, W * sizeof *ws);
    int status = paint(e, e->layers, n, ws, NULL);
    free(ws);
    return status;
}

static int add_baselines(idem_evaluator *e, json_t *rows, int n) {
    const idem_model_info *info = idem_model_about(e->model);
    const gallery *itself[2] = {&e->sources, &e->attributes};
    static const char *const names[2] = {"identity picture", "attribute picture"};
    idem_report r = {0};
    for (int k = 0; k < 2; k++) {
        gallery_copy(e, &e->outputs, itself[k], n);
        figures(e, &r, n);
        if (add_row(rows, names[k], &r))
            return -1;
    }
    const float *id = e->w, *attr = e->w ? e->w + (size_t)e->n * (size_t)info->w_dim : NULL;
    for (int way = 0; way < 2 && e->w; way++)
        for (int crossover = 1; crossover < info->layers; crossover++) {
            char name[64];
            snprintf(name, sizeof name, "mixing: layers %d-%d from attributes", way ? 0 : crossover,
                     way ? crossover - 1 : info->layers - 1);
            if (mix(e, way ? attr : id, way ? id : attr, crossover, n) || measure(e, &r, n) || add_row(rows, name, &r))
                return -1;
        }
    return 0;
}

json_t *idem_evaluator_baselines(idem_evaluator *e, int pairs, idem_report *same) {
    if (check_pairs(e))
        return NULL;
    if (pairs < 1)
        return idem_fail_null("baselines on %d pairs, expected 1 or more", pairs);
    int n = pairs < e->n ? pairs : e->n;
    if (same) {
        *same = (idem_report){0};
        figures(e, same, n);
    }
    json_t *rows = json_array();
    if (!rows || add_baselines(e, rows, n)) {
        json_decref(rows);
        return NULL;
    }
    return rows;
}
