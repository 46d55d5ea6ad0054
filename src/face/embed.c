#define _POSIX_C_SOURCE 200809L
#include "face/embed.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "base/models.h"
#include "engine/ops.h"
#include "face/warp.h"
#include "nets/judge.h"
#include "nets/onnx_graph.h"

enum { FEATURE_SIDE = 112, PAIR = 2 }; /* a crop and its mirror image */

/* dlib's face chips (150 x 150, padding 0.25) put eyes, nose and mouth corners here: the eyes are the mean of its mean
 * shape's two corners each, the others follow from them by the mean proportions of aligned portraits. */
static const float chip_points[5][2] = {
    {0.318f, 0.314f}, {0.669f, 0.314f}, {0.479f, 0.515f}, {0.325f, 0.681f}, {0.663f, 0.681f}};

struct idem_embedder {
    idem_graph *graph;
    idem_weights *judge_weights;
    idem_node *face, *feature; /* [2, 3, 112, 112] in 0..255, [2, D] */
    idem_node *chip, *judge;   /* [2, 3, 150, 150] in 0..255, [2, 128] */
    idem_plan *feature_plan, *judge_plan;
    int dim;
};

static int build_feature(idem_embedder *e, const char *path, const idem_plan_options *options) {
    idem_onnx *net;
    if (idem_onnx_load(&net, path))
        return -1;
    e->face = idem_input(e->graph, "face", IDEM_SHAPE(PAIR, 3, FEATURE_SIDE, FEATURE_SIDE));
    e->feature = idem_onnx_build(e->graph, net, idem_affine(e->face, 1.0f / 128, -127.0f / 128), NULL);
    idem_onnx_free(net);
    if (!e->feature)
        return -1;
    e->dim = (int)(idem_shape_count(&e->feature->shape) / PAIR);
    e->feature_plan = idem_plan_new(&e->feature, 1, options);
    return e->feature_plan ? 0 : -1;
}

static int build_judge(idem_embedder *e, const char *path, const idem_plan_options *options) {
    if (idem_weights_load(&e->judge_weights, path))
        return -1;
    idem_binder b = idem_binder_make(e->graph, e->judge_weights, "", false);
    e->chip = idem_input(e->graph, "chip", IDEM_SHAPE(PAIR, 3, IDEM_JUDGE_SIDE, IDEM_JUDGE_SIDE));
    e->judge = idem_judge(&b, e->chip);
    if (!e->judge || idem_binder_finish(&b, "the judge", NULL))
        return -1;
    e->judge_plan = idem_plan_new(&e->judge, 1, options);
    return e->judge_plan ? 0 : -1;
}

idem_embedder *idem_embedder_new(const char *feature, const char *judge, const idem_plan_options *options) {
    idem_embedder *e = calloc(1, sizeof *e);
    if (!e)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the recognisers");
    e->graph = idem_graph_new();
    idem_plan_options shared = options ? *options : (idem_plan_options){0};
    int status = !e->graph ? -1 : feature ? build_feature(e, feature, options) : 0;
    shared.share = e->feature_plan;
    if (status || (judge && build_judge(e, judge, &shared))) {
        idem_embedder_free(e);
        return NULL;
    }
    return e;
}

idem_embedder *idem_embedder_open(const char *models, bool judge, const idem_plan_options *options) {
    char feature[PATH_MAX], second[PATH_MAX];
    if (idem_models_find(feature, sizeof feature, models, "fr_feature.onnx") ||
        (judge && idem_models_find(second, sizeof second, models, "face_recognition_model-weights_manifest.json")))
        return NULL;
    return idem_embedder_new(feature, judge ? second : NULL, options);
}

void idem_embedder_free(idem_embedder *e) {
    if (!e)
        return;
    idem_plan_free(e->judge_plan);
    idem_plan_free(e->feature_plan);
    if (e->graph)
        idem_graph_free(e->graph);
    idem_weights_free(e->judge_weights);
    free(e);
}

int idem_embedder_dim(const idem_embedder *e) {
    return e->dim;
}

/* Crops the face by five points, and its mirror image, into the input; runs; the mean of both unit vectors, normalised.
 */
static int run(idem_plan *plan, idem_node *in, const idem_node *out, int side, const float (*places)[2], int dim,
               const idem_image *photo, const float (*points)[2], float *vector) {
    float five[5][2];
    idem_crop crop;
    idem_points_five(five, points);
    if (idem_crop_fit(&crop, places, (const float(*)[2])five, 5, photo->width, photo->height) ||
        idem_warp(in->leaf, side, side, photo, &crop, IDEM_WARP_EDGE))
        return -1;
    float *mirrored = in->leaf + (size_t)side * (size_t)side * 3;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            memcpy(mirrored + 3 * ((size_t)y * (size_t)side + (size_t)x),
                   in->leaf + 3 * ((size_t)y * (size_t)side + (size_t)(side - 1 - x)), 3 * sizeof(float));
    if (idem_plan_run(plan))
        return -1;
    const float *both = idem_plan_value(plan, out);
    if (idem_check_finite(both, (size_t)PAIR * (size_t)dim, "the recogniser"))
        return -1;
    double length[PAIR] = {0}, whole = 0;
    for (int i = 0; i < PAIR * dim; i++)
        length[i / dim] += (double)both[i] * (double)both[i];
    for (int k = 0; k < dim; k++) {
        double v = both[k] / sqrt(fmax(length[0], 1e-20)) + both[dim + k] / sqrt(fmax(length[1], 1e-20));
        vector[k] = (float)v;
        whole += v * v;
    }
    for (int k = 0; k < dim; k++)
        vector[k] /= (float)sqrt(fmax(whole, 1e-20));
    return 0;
}

int idem_embedder_run(idem_embedder *e, const idem_image *photo, const float (*points)[2], float *feature,
                      float *judge) {
    if (feature &&
        run(e->feature_plan, e->face, e->feature, FEATURE_SIDE, idem_template_112, e->dim, photo, points, feature))
        return -1;
    if (judge &&
        run(e->judge_plan, e->chip, e->judge, IDEM_JUDGE_SIDE, chip_points, IDEM_JUDGE_DIM, photo, points, judge))
        return -1;
    return 0;
}
