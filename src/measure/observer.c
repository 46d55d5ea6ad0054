#include "measure/observer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "base/models.h"
#include "engine/ops.h"
#include "face/crop.h"
#include "face/detect.h"
#include "face/recogniser.h"
#include "measure/features.h"
#include "model/losses.h"
#include "model/msssim.h"
#include "model/pipe.h"
#include "nets/onnx_graph.h"

enum { EXPRESSION_SIDE = 224 };

/* The network's file does not name its classes. This is the order of FER-2013 (Goodfellow et al. 2013): smiling faces
 * are in its fourth class, neutral ones in its last. */
const char *const idem_expressions[IDEM_EXPRESSIONS] = {"angry", "disgusted", "afraid", "happy",
                                                        "sad",   "surprised", "neutral"};

struct idem_observer {
    int size, batch, recognisers;
    bool whole;
    idem_observer_recogniser about[IDEM_RECOGNISERS_MAX];
    idem_pipe *identity, *landmarks;
    idem_witness *witness;
    idem_recogniser *others[IDEM_RECOGNISERS_MAX];
    idem_graph *graph;
    idem_node *picture, *second; /* second: the other picture of MS-SSIM */
    idem_node *vector[IDEM_RECOGNISERS_MAX];
    idem_node *detected[2], *expression, *msssim; /* scores and boxes; logits; [batch], NULL: pictures are too small */
    idem_plan *vectors, *faces, *expressions, *similarity;
    idem_features *features;
    uint8_t *outside;
};

/* ---- life ---- */

static int open_witnesses(idem_observer *o, const idem_frame *frame, const idem_observer_options *options,
                          const idem_plan_options *plan) {
    for (int i = 0; i < options->n_witnesses; i++) {
        const int k = o->recognisers;
        const idem_witness_file *file = &options->witnesses[i];
        if (k == IDEM_RECOGNISERS_MAX)
            return idem_fail("%d further recognisers, expected %d at most", options->n_witnesses,
                             IDEM_RECOGNISERS_MAX - IDEM_RECOGNISER_WITNESS);
        if (!(o->others[k] = idem_recogniser_open(file->path, file->preprocess)))
            return -1;
        o->vector[k] = idem_l2_normalise(idem_recogniser_face(o->others[k], o->picture, frame));
        if (!o->vector[k])
            return -1;
        const idem_recogniser_info *info = idem_recogniser_about(o->others[k]);
        o->about[k] = (idem_observer_recogniser){.name = info->file, .dim = info->dim};
        snprintf(o->about[k].key, sizeof o->about[k].key, i ? "witness%d" : "witness", i + 1);
        o->recognisers++;
    }
    if (options->n_witnesses)
        o->vectors = idem_plan_new(o->vector + IDEM_RECOGNISER_WITNESS, o->recognisers - IDEM_RECOGNISER_WITNESS, plan);
    return options->n_witnesses && !o->vectors ? -1 : 0;
}

/* The detector sees the whole picture, as in frame_search.h. */
static int open_detector(idem_observer *o, const char *models, const idem_plan_options *plan) {
    static const char *const names[2] = {"scores", "boxes"};
    const idem_crop whole = {{1, 0, 0, 0, 1, 0}};
    char path[4096];
    idem_onnx *net;
    if (idem_models_find(path, sizeof path, models, "fr_detect.onnx") || idem_onnx_load(&net, path))
        return -1;
    idem_node *x = idem_crop_node(o->picture, &whole, IDEM_DETECT_HEIGHT, IDEM_DETECT_WIDTH);
    x = x ? idem_affine(x, 255.0f / 128, -127.0f / 128) : NULL;
    const int status = x ? idem_onnx_build_many(o->graph, net, x, names, 2, o->detected) : -1;
    idem_onnx_free(net);
    o->faces = status ? NULL : idem_plan_new(o->detected, 2, plan);
    return o->faces ? 0 : -1;
}

/* The landmark net's box, as for the pose network. */
static int open_expression(idem_observer *o, const idem_frame *frame, const char *models,
                           const idem_plan_options *plan) {
    char path[4096];
    idem_onnx *net;
    if (idem_models_find(path, sizeof path, models, "fr_expression.onnx") || idem_onnx_load(&net, path))
        return -1;
    idem_node *x = idem_crop_node(o->picture, &frame->landmark, EXPRESSION_SIDE, EXPRESSION_SIDE);
    o->expression = x ? idem_onnx_build(o->graph, net, x, NULL) : NULL;
    idem_onnx_free(net);
    if (!o->expression)
        return -1;
    const int64_t classes = idem_shape_count(&o->expression->shape) / o->batch;
    if (classes != IDEM_EXPRESSIONS)
        return idem_fail("%s: its first output has %lld numbers a picture, expected %d classes of expression", path,
                         (long long)classes, IDEM_EXPRESSIONS);
    o->expressions = idem_plan_new(&o->expression, 1, plan);
    return o->expressions ? 0 : -1;
}

static int open_similarity(idem_observer *o, const idem_plan_options *plan) {
    if (!idem_msssim_scales(o->size, o->size))
        return 0;
    o->second = idem_input(o->graph, "second", IDEM_SHAPE(o->batch, 3, o->size, o->size));
    o->msssim = idem_msssim(o->picture, o->second);
    o->similarity = o->msssim ? idem_plan_new(&o->msssim, 1, plan) : NULL;
    return o->similarity ? 0 : -1;
}

static int open_all(idem_observer *o, idem_model *m, const idem_observer_options *options) {
    const idem_frame *frame = idem_model_frame(m);
    idem_plan_options plan = options->plan;
    o->outside = malloc((size_t)o->size * (size_t)o->size);
    if (!o->outside)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a mask");
    if (idem_frame_outside(frame, o->size, o->outside) ||
        !(o->identity = idem_pipe_new(m, IDEM_PIPE_IDENTITY, o->batch, 1, &plan)))
        return -1;
    plan.share = idem_pipe_plan(o->identity);
    if (!(o->landmarks = idem_pipe_new(m, IDEM_PIPE_LANDMARKS, o->batch, 1, &plan)) ||
        !(o->witness = idem_witness_new(options->models, frame, o->size, o->batch, &plan)) ||
        !(o->graph = idem_graph_new()))
        return -1;
    o->about[0] = (idem_observer_recogniser){"train", "the recogniser of the training", idem_model_about(m)->id_dim};
    o->about[1] = (idem_observer_recogniser){"judge", "the judge", IDEM_JUDGE_DIM};
    o->recognisers = IDEM_RECOGNISER_WITNESS;
    o->picture = idem_input(o->graph, "picture", IDEM_SHAPE(o->batch, 3, o->size, o->size));
    if (open_witnesses(o, frame, options, &plan))
        return -1;
    if (!options->whole)
        return 0;
    if (!options->no_features &&
        !(o->features = idem_features_new(options->models, options->inception, o->size, o->batch, &plan)))
        return -1;
    return open_detector(o, options->models, &plan) || open_expression(o, frame, options->models, &plan) ||
                   open_similarity(o, &plan)
               ? -1
               : 0;
}

idem_observer *idem_observer_new(idem_model *m, const idem_observer_options *options) {
    const idem_model_info *info = idem_model_about(m);
    if (options->batch < 1)
        return idem_fail_null("evaluation with a batch of %d, expected 1 or more", options->batch);
    if (!info->has_frozen)
        return idem_fail_null("evaluation needs the recogniser and the landmark network; load them first");
    idem_observer *o = calloc(1, sizeof *o);
    if (!o)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for an evaluation");
    o->size = info->size;
    o->batch = options->batch;
    o->whole = options->whole;
    if (open_all(o, m, options)) {
        idem_observer_free(o);
        return NULL;
    }
    return o;
}

void idem_observer_free(idem_observer *o) {
    if (!o)
        return;
    idem_features_free(o->features);
    idem_plan_free(o->similarity);
    idem_plan_free(o->expressions);
    idem_plan_free(o->faces);
    idem_plan_free(o->vectors);
    if (o->graph)
        idem_graph_free(o->graph);
    for (int k = 0; k < o->recognisers; k++)
        idem_recogniser_free(o->others[k]);
    idem_witness_free(o->witness);
    idem_pipe_free(o->landmarks);
    idem_pipe_free(o->identity);
    free(o->outside);
    free(o);
}

/* ---- what it is ---- */

int idem_observer_recognisers(const idem_observer *o) {
    return o->recognisers;
}

const idem_observer_recogniser *idem_observer_about(const idem_observer *o, int recogniser) {
    return &o->about[recogniser];
}

const char *idem_observer_features_name(const idem_observer *o) {
    return o->features ? idem_features_name(o->features) : "none";
}

size_t idem_observer_features_width(const idem_observer *o) {
    return o->features ? idem_features_width(o->features) : 0;
}

const uint8_t *idem_observer_outside(const idem_observer *o) {
    return o->outside;
}

idem_plan *idem_observer_plan(const idem_observer *o) {
    return idem_pipe_plan(o->identity);
}

/* ---- what is seen ---- */

int idem_seen_new(idem_seen *s, const idem_observer *o, int n, bool features) {
    const size_t count = (size_t)n;
    *s = (idem_seen){.n = n};
    bool all = true;
    for (int k = 0; k < o->recognisers; k++)
        all = (s->id[k] = malloc(count * (size_t)o->about[k].dim * sizeof(float))) && all;
    s->points = malloc(count * IDEM_POINT_NUMBERS * sizeof(float));
    s->pose = malloc(count * IDEM_ANGLES * sizeof(float));
    all = all && s->points && s->pose;
    if (o->whole) {
        s->expression = malloc(count * IDEM_EXPRESSIONS * sizeof(float));
        s->face = malloc(count);
        s->features = features ? malloc(count * idem_observer_features_width(o) * sizeof(float)) : NULL;
        all = all && s->expression && s->face && (!features || s->features);
    }
    if (all)
        return 0;
    idem_seen_free(s);
    return idem_fail_as(IDEM_MEMORY, "out of memory for %d pictures", n);
}

void idem_seen_free(idem_seen *s) {
    for (int k = 0; k < IDEM_RECOGNISERS_MAX; k++)
        free(s->id[k]);
    free(s->points);
    free(s->pose);
    free(s->expression);
    free(s->face);
    free(s->features);
    *s = (idem_seen){0};
}

static void copy_rows(void *into, int to, const void *from, int at, int n, size_t bytes) {
    if (into && from)
        memmove((char *)into + (size_t)to * bytes, (const char *)from + (size_t)at * bytes, (size_t)n * bytes);
}

void idem_seen_copy(const idem_observer *o, idem_seen *into, int to, const idem_seen *s, int from, int n) {
    for (int k = 0; k < o->recognisers; k++)
        copy_rows(into->id[k], to, s->id[k], from, n, (size_t)o->about[k].dim * sizeof(float));
    copy_rows(into->points, to, s->points, from, n, IDEM_POINT_NUMBERS * sizeof(float));
    copy_rows(into->pose, to, s->pose, from, n, IDEM_ANGLES * sizeof(float));
    copy_rows(into->expression, to, s->expression, from, n, IDEM_EXPRESSIONS * sizeof(float));
    copy_rows(into->face, to, s->face, from, n, 1);
}

void idem_seen_clear(const idem_observer *o, idem_seen *s, int n) {
    for (int k = 0; k < o->recognisers; k++)
        memset(s->id[k], 0, (size_t)n * (size_t)o->about[k].dim * sizeof(float));
    memset(s->points, 0, (size_t)n * IDEM_POINT_NUMBERS * sizeof(float));
    memset(s->pose, 0, (size_t)n * IDEM_ANGLES * sizeof(float));
    if (s->expression)
        memset(s->expression, 0, (size_t)n * IDEM_EXPRESSIONS * sizeof(float));
    if (s->features)
        memset(s->features, 0, (size_t)n * idem_observer_features_width(o) * sizeof(float));
}

int idem_seen_join(const idem_observer *o, idem_seen *s, int n, const idem_measure_share *share) {
    for (int k = 0; k < o->recognisers; k++)
        if (idem_share_join(share, s->id[k], (size_t)n * (size_t)o->about[k].dim))
            return -1;
    return idem_share_join(share, s->points, (size_t)n * IDEM_POINT_NUMBERS) ||
                   idem_share_join(share, s->pose, (size_t)n * IDEM_ANGLES) ||
                   (s->expression && idem_share_join(share, s->expression, (size_t)n * IDEM_EXPRESSIONS)) ||
                   (s->features && idem_share_join(share, s->features, (size_t)n * idem_observer_features_width(o)))
               ? -1
               : 0;
}

static void softmax(float *p, const float *logits) {
    double top = logits[0], sum = 0;
    for (int k = 1; k < IDEM_EXPRESSIONS; k++)
        top = fmax(top, (double)logits[k]);
    for (int k = 0; k < IDEM_EXPRESSIONS; k++)
        sum += exp((double)logits[k] - top);
    for (int k = 0; k < IDEM_EXPRESSIONS; k++)
        p[k] = (float)(exp((double)logits[k] - top) / sum);
}

static int see_expression(idem_observer *o, int n, float *p) {
    if (idem_plan_run(o->expressions))
        return -1;
    const float *logits = idem_plan_value(o->expressions, o->expression);
    if (idem_check_finite(logits, (size_t)n * IDEM_EXPRESSIONS, "fr_expression.onnx"))
        return -1;
    for (int i = 0; i < n; i++)
        softmax(p + i * IDEM_EXPRESSIONS, logits + i * IDEM_EXPRESSIONS);
    return 0;
}

static int see_faces(idem_observer *o, int n, uint8_t *face) {
    if (idem_plan_run(o->faces))
        return -1;
    const float *scores = idem_plan_value(o->faces, o->detected[0]), *boxes = idem_plan_value(o->faces, o->detected[1]);
    const size_t candidates = (size_t)o->detected[0]->shape.d[1];
    for (size_t i = 0; i < (size_t)n; i++) {
        idem_face found;
        const int count = idem_detect_select(&found, 1, scores + i * candidates * 2, boxes + i * candidates * 4,
                                             (int)candidates, IDEM_DETECT_CONFIDENCE, IDEM_DETECT_OVERLAP);
        if (count < 0)
            return -1;
        face[i] = count > 0;
    }
    return 0;
}

static int see_witnesses(idem_observer *o, int n, idem_seen *s, int at) {
    if (!o->vectors)
        return 0;
    if (idem_plan_run(o->vectors))
        return -1;
    for (int k = IDEM_RECOGNISER_WITNESS; k < o->recognisers; k++) {
        const size_t dim = (size_t)o->about[k].dim;
        const float *v = idem_plan_value(o->vectors, o->vector[k]);
        if (idem_check_finite(v, (size_t)n * dim, o->about[k].name))
            return -1;
        memcpy(s->id[k] + (size_t)at * dim, v, (size_t)n * dim * sizeof *v);
    }
    return 0;
}

typedef enum { GLANCE, LOOK, ALL } effort;

/* At most a batch. */
static int run_batch(idem_observer *o, int n, const float *pictures, idem_seen *s, int at, effort how) {
    const size_t row = (size_t)at;
    const float *in[IDEM_PIPE_PORTS] = {pictures};
    memcpy(o->picture->leaf, pictures, (size_t)n * (size_t)o->size * (size_t)o->size * 3 * sizeof(float));
    if (idem_pipe_run(o->identity, (size_t)n, in, (float *const[]){s->id[0] + row * (size_t)o->about[0].dim, NULL}) ||
        idem_pipe_run(o->landmarks, (size_t)n, in, (float *const[]){s->points + row * IDEM_POINT_NUMBERS, NULL}))
        return -1;
    if (how == GLANCE)
        return 0;
    if (idem_witness_run(o->witness, n, pictures, s->id[1] + row * IDEM_JUDGE_DIM, s->pose + row * IDEM_ANGLES) ||
        see_witnesses(o, n, s, at))
        return -1;
    if (!o->whole)
        return 0;
    if (see_expression(o, n, s->expression + row * IDEM_EXPRESSIONS) || see_faces(o, n, s->face + row))
        return -1;
    return s->features && how == ALL ? idem_features_run(o->features, (size_t)n, pictures,
                                                         s->features + row * idem_observer_features_width(o))
                                     : 0;
}

static int run_all(idem_observer *o, int n, const float *pictures, idem_seen *s, int at, effort how) {
    const size_t numbers = (size_t)o->size * (size_t)o->size * 3;
    for (int i = 0; i < n; i += o->batch) {
        const int count = n - i < o->batch ? n - i : o->batch;
        if (run_batch(o, count, pictures + (size_t)i * numbers, s, at + i, how))
            return -1;
    }
    return 0;
}

int idem_observer_run(idem_observer *o, int n, const float *pictures, idem_seen *s, int at) {
    return run_all(o, n, pictures, s, at, ALL);
}

int idem_observer_look(idem_observer *o, int n, const float *pictures, idem_seen *s, int at) {
    return run_all(o, n, pictures, s, at, LOOK);
}

int idem_observer_glance(idem_observer *o, int n, const float *pictures, idem_seen *s, int at) {
    return run_all(o, n, pictures, s, at, GLANCE);
}

int idem_observer_msssim(idem_observer *o, int n, const float *x, const float *y, float *msssim) {
    const size_t numbers = (size_t)o->size * (size_t)o->size * 3;
    for (int i = 0; i < n; i += o->batch) {
        const size_t count = (size_t)(n - i < o->batch ? n - i : o->batch), at = (size_t)i * numbers;
        for (size_t k = 0; k < count; k++)
            msssim[(size_t)i + k] = NAN;
        if (!o->similarity)
            continue;
        memcpy(o->picture->leaf, x + at, count * numbers * sizeof *x);
        memcpy(o->second->leaf, y + at, count * numbers * sizeof *y);
        if (idem_plan_run(o->similarity))
            return -1;
        memcpy(msssim + i, idem_plan_value(o->similarity, o->msssim), count * sizeof *msssim);
    }
    return 0;
}
