#define _GNU_SOURCE
#include "model/model.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/models.h"
#include "base/rng.h"
#include "engine/ops.h"
#include "engine/plan.h"
#include "face/frame.h"
#include "face/frame_search.h"
#include "format/onnx.h"
#include "model/average.h"
#include "model/losses.h"
#include "model/model_recogniser.h"
#include "nets/mlp.h"
#include "nets/onnx_graph.h"
#include "nets/stylegan2.h"

enum { MEAN_SAMPLES = 10000, MEAN_BATCH = 100 };

static const char E_ATTR[] = "E_attr.", AVERAGED_E_ATTR[] = IDEM_AVERAGE_PREFIX "E_attr.";

struct idem_model {
    idem_weights *generator, *trained;
    idem_stylegan2 net;
    float *mean_w;
    idem_recogniser_choice choice;
    idem_recogniser *recogniser;
    idem_onnx *landmark;
    idem_frame frame;
    bool has_frame;
    char hash[17], old_hash[17], mapper_hash[17];
    char *path, *trained_path; /* trained_path NULL: not from one file */
    idem_model_info info;
    pthread_mutex_t building;
};

const idem_frame *idem_model_frame(const idem_model *m) {
    return m->has_frame ? &m->frame : NULL;
}

const idem_model_info *idem_model_about(const idem_model *m) {
    return &m->info;
}

bool idem_model_is(const idem_model *m, const char *hash) {
    return !strcmp(hash, m->hash) || !strcmp(hash, m->old_hash);
}

idem_weights *idem_model_trained(const idem_model *m) {
    return m->trained;
}

/* ---- the generator ---- */

/* Codes or pictures of random z, batch by batch. */
typedef struct {
    idem_graph *graph;
    idem_node *z, *out;
    idem_plan *plan;
} sampler;

static int open_sampler(sampler *s, idem_model *m, int batch, float psi, bool pictures) {
    *s = (sampler){.graph = idem_graph_new()};
    if (!s->graph)
        return -1;
    s->z = idem_input(s->graph, "z", IDEM_SHAPE(batch, m->net.z_dim));
    idem_node *w = idem_model_truncate(m, idem_model_mapping(m, s->z), psi);
    s->out = pictures ? idem_model_picture(m, w) : w;
    s->plan = idem_plan_new(&s->out, 1, NULL);
    return s->plan ? 0 : -1;
}

static void close_sampler(sampler *s) {
    idem_plan_free(s->plan);
    if (s->graph)
        idem_graph_free(s->graph);
}

/* The next batch, in the plan's memory until the next run; NULL with a message. */
static const float *sample(sampler *s, idem_rng *r) {
    idem_rng_fill_normal(r, s->z->leaf, (size_t)idem_shape_count(&s->z->shape));
    return idem_plan_run(s->plan) ? NULL : idem_plan_value(s->plan, s->out);
}

static int mean_by_sampling(idem_model *m) {
    const size_t w_dim = (size_t)m->net.w_dim;
    double *sum = calloc(w_dim, sizeof *sum);
    sampler s = {0};
    int status =
        sum ? open_sampler(&s, m, MEAN_BATCH, 1, false) : idem_fail_as(IDEM_MEMORY, "out of memory for the mean w");
    idem_rng r = idem_rng_make(0, "mean w");
    for (int k = 0; k < MEAN_SAMPLES / MEAN_BATCH && !status; k++) {
        const float *w = sample(&s, &r);
        status = w ? 0 : -1;
        for (size_t i = 0; i < MEAN_BATCH * w_dim && w; i++)
            sum[i % w_dim] += (double)w[i];
    }
    for (size_t i = 0; i < w_dim && !status; i++)
        m->mean_w[i] = (float)(sum[i] / MEAN_SAMPLES);
    close_sampler(&s);
    free(sum);
    return status;
}

static int open_generator(idem_model *m, const char *path) {
    if (idem_weights_load(&m->generator, path))
        return -1;
    /* Unwrapped first, so that the hash is the same for every saved form. */
    if (idem_stylegan2_unwrap(m->generator))
        return idem_fail_more("%s: %s", path, idem_error());
    idem_stylegan2_hash(m->hash, m->old_hash, m->generator);
    if (idem_stylegan2_open(&m->net, m->generator, NULL))
        return idem_fail_more("%s: %s", path, idem_error());
    m->path = strdup(path);
    m->mean_w = calloc((size_t)m->net.w_dim, sizeof *m->mean_w);
    if (!m->path || !m->mean_w)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the generator");
    m->info = (idem_model_info){.size = m->net.size,
                                .z_dim = m->net.z_dim,
                                .w_dim = m->net.w_dim,
                                .layers = m->net.n_ws,
                                .mean_w = m->mean_w,
                                .hash = m->hash,
                                .path = m->path,
                                .bf16 = m->net.bf16};
    const float *stored = idem_stylegan2_mean_w(&m->net, m->generator);
    if (stored)
        memcpy(m->mean_w, stored, (size_t)m->net.w_dim * sizeof *stored);
    else if (m->net.mapping_layers && mean_by_sampling(m))
        return -1;
    m->has_frame = idem_weights_meta(m->generator, "frame.recogniser") && !idem_frame_load(&m->frame, m->generator);
    return 0;
}

idem_model *idem_model_open(const char *generator) {
    idem_model *m = calloc(1, sizeof *m);
    if (!m)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a model");
    pthread_mutex_init(&m->building, NULL);
    if (open_generator(m, generator)) {
        idem_model_free(m);
        return NULL;
    }
    return m;
}

void idem_model_free(idem_model *m) {
    if (!m)
        return;
    idem_weights_free(m->generator);
    idem_weights_free(m->trained);
    idem_recogniser_free(m->recogniser);
    idem_recogniser_choice_free(&m->choice);
    idem_onnx_free(m->landmark);
    free(m->mean_w);
    free(m->path);
    free(m->trained_path);
    pthread_mutex_destroy(&m->building);
    free(m);
}

void idem_model_build_begin(idem_model *m) {
    pthread_mutex_lock(&m->building);
}

void idem_model_build_end(idem_model *m) {
    pthread_mutex_unlock(&m->building);
}

/* ---- the frozen nets ---- */

int idem_model_choose_recogniser(idem_model *m, const char *path, const char *preprocess) {
    if (m->recogniser)
        return idem_fail("%s: another recogniser is already in use: choose it before the frozen nets are loaded", path);
    return idem_recogniser_choose(&m->choice, path, preprocess);
}

int idem_model_expect(idem_model *m, const idem_weights *trained) {
    if (idem_recogniser_want(&m->choice, trained, m->recogniser))
        return -1;
    if (!idem_weights_meta(trained, "frame.recogniser"))
        return 0;
    m->has_frame = !idem_frame_load(&m->frame, trained);
    return m->has_frame ? 0 : -1;
}

static int load_onnx(idem_onnx **out, const char *models, const char *file) {
    char path[PATH_MAX];
    return idem_models_find(path, sizeof path, models, file) || idem_onnx_load(out, path) ? -1 : 0;
}

typedef struct {
    sampler sampler;
    idem_rng rng;
    size_t numbers;
} frame_source;

static int draw_faces(void *user, float *x) {
    frame_source *f = user;
    const float *pictures = sample(&f->sampler, &f->rng);
    if (!pictures)
        return -1;
    memcpy(x, pictures, f->numbers * sizeof *x);
    return 0;
}

static int find_frame(idem_model *m, const char *models) {
    idem_onnx *detect = NULL;
    frame_source f = {.rng = idem_rng_make(0, "frame"),
                      .numbers = (size_t)IDEM_FRAME_BATCH * (size_t)m->net.size * (size_t)m->net.size * 3};
    int status = load_onnx(&detect, models, "fr_detect.onnx") ||
                 open_sampler(&f.sampler, m, IDEM_FRAME_BATCH, 0.7f, true) ||
                 idem_frame_search(&m->frame, m->net.size, draw_faces, &f, detect, m->landmark);
    close_sampler(&f.sampler);
    idem_onnx_free(detect);
    m->has_frame = !status;
    return status ? -1 : 0;
}

int idem_model_load_recogniser(idem_model *m, const char *models) {
    if (!m->recogniser && !(m->recogniser = idem_recogniser_find(&m->choice, models)))
        return -1;
    m->info.id_dim = idem_recogniser_about(m->recogniser)->dim;
    return 0;
}

const char *idem_model_recogniser_file(const idem_model *m) {
    return m->recogniser ? idem_recogniser_about(m->recogniser)->file : NULL;
}

int idem_model_store_recogniser(const idem_model *m, idem_weights *trained) {
    return idem_recogniser_store(m->recogniser, trained);
}

int idem_model_load_frozen(idem_model *m, const char *models) {
    if (m->info.has_frozen)
        return 0;
    if (idem_model_load_recogniser(m, models))
        return -1;
    if (!m->landmark && load_onnx(&m->landmark, models, "fr_landmark.onnx"))
        return -1;
    if (!m->has_frame && find_frame(m, models))
        return -1;
    m->info.has_frozen = true;
    return 0;
}

/* ---- the trained nets ---- */

/* Replaces the trained tensors. path: their file, NULL: none. */
static int take_trained(idem_model *m, idem_weights *trained, const char *path) {
    if (idem_weights_find(trained, "pixel_mapper.0.weight"))
        return idem_fail("this is a mapper of the recipe summary: it makes one code of one picture and does not "
                         "separate identity, so there is nothing to combine; the recipe paper trains mappers that do");
    int attr_dim = idem_attr_width(trained, E_ATTR);
    const idem_weight *last = idem_weights_find(trained, "mapper.3.bias");
    if (!attr_dim || !last)
        return idem_fail("tensors E_attr.* or mapper.* are missing: this is not a mapper");
    if (idem_shape_count(&last->shape) != m->info.w_dim)
        return idem_fail("the mapper's codes have %lld numbers, this generator's %d",
                         (long long)idem_shape_count(&last->shape), m->info.w_dim);
    char *copy = path ? strdup(path) : NULL;
    if (path && !copy)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a file name");
    if (idem_model_expect(m, trained)) {
        free(copy);
        return -1;
    }
    free(m->trained_path);
    m->trained_path = copy;
    idem_weights_free(m->trained);
    m->trained = trained;
    m->info.attr_dim = attr_dim;
    m->info.has_mapper = true;
    m->info.mapper = NULL;
    return 0;
}

int idem_model_check_attributes(const idem_model *m, const idem_attr_choice *choice) {
    return idem_attr_check(m->trained, E_ATTR, choice);
}

int idem_model_adopt(idem_model *m, idem_weights *trained) {
    return take_trained(m, trained, NULL);
}

int idem_model_load_mapper(idem_model *m, const char *path) {
    idem_weights *w;
    if (idem_weights_load(&w, path))
        return -1;
    const char *hash = idem_weights_meta(w, "generator");
    char own[17];
    int status = 0;
    idem_weights_hash(own, w);
    if (hash && !idem_model_is(m, hash))
        status = idem_fail("%s: was trained for the generator with hash %s, %s has %s: name its own generator", path,
                           hash, m->path, m->hash);
    else if (take_trained(m, w, path))
        status = idem_fail_more("%s: %s", path, idem_error());
    if (status) {
        idem_weights_free(w);
        return -1;
    }
    memcpy(m->mapper_hash, own, sizeof own);
    m->info.mapper = m->mapper_hash;
    return 0;
}

int idem_model_adapt_mapper(idem_model *m, const char *path, int side) {
    idem_weights *w;
    if (!m->has_frame)
        return idem_fail("%s: does not store the place of its faces, which a mapper of another generator needs: write "
                         "it again with `idem model convert --frame`",
                         m->path);
    if (idem_weights_load(&w, path))
        return -1;
    if (idem_frame_store(&m->frame, w) || (side && idem_attr_set_side(w, side)) || take_trained(m, w, path)) {
        idem_weights_free(w);
        return idem_fail_more("%s: %s", path, idem_error());
    }
    return 0;
}

int idem_model_new_mapper(idem_model *m, uint64_t seed, bool mean_bias, const idem_attr_choice *choice) {
    if (!m->info.has_frozen)
        return idem_fail("a new mapper needs the recogniser: load the frozen nets first");
    idem_weights *w = idem_weights_new();
    if (!w)
        return -1;
    idem_rng attr = idem_rng_make(seed, "init.E_attr"), mapper = idem_rng_make(seed, "init.mapper");
    int status = idem_attr_init(w, E_ATTR, choice ? choice : &(idem_attr_choice){0}, &attr);
    if (!status)
        status = idem_mapper_init(w, m->info.id_dim + idem_attr_width(w, E_ATTR), m->info.w_dim,
                                  mean_bias ? m->mean_w : NULL, &mapper);
    if (!status)
        status = idem_recogniser_store(m->recogniser, w) || take_trained(m, w, NULL);
    if (status)
        idem_weights_free(w);
    return status ? -1 : 0;
}

int idem_model_new_critic(idem_model *m, uint64_t seed) {
    if (!m->trained)
        return idem_fail("a critic needs a mapper: load or make one first");
    idem_rng r = idem_rng_make(seed, "init.critic");
    return idem_critic_init(m->trained, m->info.w_dim, &r);
}

static int copy_mapper(idem_weights *to, const idem_model *m) {
    for (size_t i = 0; i < idem_weights_count(m->trained); i++) {
        const idem_weight *t = idem_weights_at(m->trained, i), *average = idem_average_of(m->trained, t->name);
        if (!idem_average_covers(t->name))
            continue;
        idem_weight *copy = idem_weights_add(to, t->name, t->shape);
        if (!copy)
            return -1;
        idem_weight_read(average ? average : t, copy->data);
    }
    const char *key, *value;
    for (size_t i = 0; !idem_weights_meta_at(m->trained, i, &key, &value); i++)
        if (strncmp(key, "run.", 4) && idem_weights_set_meta(to, key, value))
            return -1;
    if (m->has_frame && idem_frame_store(&m->frame, to))
        return -1;
    return idem_weights_set_meta(to, "format", "idem mapper") || idem_weights_set_meta(to, "generator", m->hash);
}

int idem_model_save_mapper(const idem_model *m, const char *path, idem_dtype dtype) {
    if (!m->trained)
        return idem_fail("there is no mapper to save");
    idem_weights *w = idem_weights_new();
    int status = w && !copy_mapper(w, m) ? idem_weights_save(w, path, dtype) : -1;
    idem_weights_free(w);
    return status;
}

/* ---- nodes ---- */

/* Each half of the generator leaves the other's tensors unused: no warning. */
static idem_node *finished_generator(const idem_model *m, idem_binder *b, idem_node *n) {
    if (n && !idem_binder_finish(b, "the generator", "*"))
        return n;
    return idem_fail_null_more("%s: %s", m->path, idem_error());
}

idem_node *idem_model_mapping(idem_model *m, idem_node *z) {
    if (!z)
        return NULL;
    idem_binder b = idem_binder_make(z->graph, m->generator, m->net.prefix, false);
    return finished_generator(m, &b, idem_stylegan2_mapping(&b, &m->net, z));
}

idem_node *idem_model_truncate(idem_model *m, idem_node *w, float psi) {
    if (!w || psi == 1)
        return w;
    idem_node *mean = idem_const(w->graph, "mean_w", IDEM_SHAPE(m->info.w_dim), m->mean_w);
    return idem_stylegan2_truncate(&m->net, w, mean, psi, -1);
}

idem_node *idem_model_generate(idem_model *m, idem_node *w) {
    if (!w)
        return NULL;
    idem_binder b = idem_binder_make(w->graph, m->generator, m->net.prefix, false);
    return finished_generator(m, &b, idem_stylegan2_synthesis(&b, &m->net, w, NULL));
}

idem_node *idem_model_picture(idem_model *m, idem_node *w) {
    return idem_affine(idem_model_generate(m, w), 0.5f, 0.5f);
}

idem_node *idem_model_identity(idem_model *m, idem_node *x) {
    if (!m->info.has_frozen)
        return idem_fail_null("identities need the recogniser: load the frozen nets first");
    return idem_l2_normalise(idem_recogniser_face(m->recogniser, x, &m->frame));
}

idem_node *idem_model_likeness(idem_model *m, idem_node *x) {
    if (!m->recogniser)
        return idem_fail_null("likeness needs the recogniser: load it first");
    return idem_l2_normalise(idem_recogniser_whole(m->recogniser, x));
}

idem_node *idem_model_landmarks(idem_model *m, idem_node *x) {
    if (!m->info.has_frozen)
        return idem_fail_null("landmarks need the landmark net: load the frozen nets first");
    idem_node *grey = idem_crop_landmark_input(x, &m->frame.landmark);
    if (!grey)
        return NULL;
    idem_scope_push(grey->graph, "E_lnd");
    idem_node *out = idem_onnx_build(grey->graph, m->landmark, grey, NULL);
    idem_scope_pop(grey->graph);
    return out ? idem_crop_landmark_points(out, &m->frame.landmark, 68 - IDEM_LANDMARKS, 1) : NULL;
}

/* Checks that the file has all tensors in the right shapes. */
static idem_node *finished_trained(const idem_model *m, idem_binder *b, const char *what, const char *spare,
                                   idem_node *n) {
    if (n && !idem_binder_finish(b, what, spare))
        return n;
    return m->trained_path ? idem_fail_null_more("%s: %s", m->trained_path, idem_error()) : NULL;
}

idem_node *idem_model_attributes(idem_model *m, idem_node *x, idem_running_list *running) {
    if (!x)
        return NULL;
    if (!m->trained)
        return idem_fail_null("attributes need a mapper: load or make one first");
    bool averaged = !running && idem_average_kept(m->trained);
    idem_binder b = idem_binder_make(x->graph, m->trained, averaged ? AVERAGED_E_ATTR : E_ATTR, running != NULL);
    idem_scope_push(x->graph, "E_attr");
    idem_node *e = idem_attr_node(&b, x, running);
    idem_scope_pop(x->graph);
    return finished_trained(m, &b, "E_attr", IDEM_ATTR_SPARE, e);
}

static idem_node *trained_mlp(idem_model *m, const char *name, idem_node *x, bool trainable) {
    if (!x)
        return NULL;
    if (!m->trained)
        return idem_fail_null("%s: there are no trained nets: load or make a mapper first", name);
    bool averaged = !trainable && idem_average_kept(m->trained);
    idem_binder b = idem_binder_make(x->graph, m->trained, averaged ? IDEM_AVERAGE_PREFIX : "", trainable);
    idem_node *y = idem_mlp(&b, name, x, IDEM_MLP_SLOPE);
    return finished_trained(m, &b, name, "*", y);
}

idem_node *idem_model_map(idem_model *m, idem_node *id, idem_node *attr, bool trainable) {
    if (!id || !attr)
        return NULL;
    return trained_mlp(m, "mapper", idem_concat((idem_node *const[]){id, attr}, 2, 1), trainable);
}

idem_node *idem_model_critic(idem_model *m, idem_node *w) {
    return trained_mlp(m, "critic", w, true);
}
