#include "measure/witness.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/models.h"
#include "base/finite.h"
#include "engine/ops.h"
#include "face/crop.h"
#include "face/pose.h"
#include "model/losses.h"
#include "model/model.h"
#include "nets/imagenet.h"
#include "nets/onnx_graph.h"

struct idem_witness {
    int size, batch;
    idem_weights *judge_weights;
    idem_graph *graph;
    idem_node *picture, *descriptor, *pose[IDEM_ANGLES];
    idem_plan *judge_plan, *pose_plan;
};

/* dlib's face chips (150 x 150, padding 0.25) put the eyes here: the mean of its shape's two corners each. */
static const float chip_eyes[2][2] = {{0.318f, 0.314f}, {0.669f, 0.314f}};

static idem_node *judge_nodes(idem_witness *v, const idem_frame *frame) {
    idem_crop crop;
    if (idem_crop_fit(&crop, chip_eyes, frame->five, 2, v->size, v->size))
        return NULL;
    idem_node *chip = idem_crop_node(v->picture, &crop, IDEM_JUDGE_SIDE, IDEM_JUDGE_SIDE);
    idem_binder b = idem_binder_make(v->graph, v->judge_weights, "", false);
    idem_node *descriptor = idem_judge(&b, idem_scale(chip, 255));
    return descriptor && !idem_binder_finish(&b, "the judge", NULL) ? idem_l2_normalise(descriptor) : NULL;
}

/* The landmark net's box unchanged, ImageNet's mean and deviation. Among boxes up to 1.5 times as large, this one makes
 * the yaws of a picture and its mirror image most nearly opposite (figures in the lab book). */
static int pose_nodes(idem_witness *v, const idem_frame *frame, const idem_onnx *net) {
    static const char *const names[IDEM_ANGLES] = {"output", "617", "618"};
    idem_shape channels = IDEM_SHAPE(1, 3, 1, 1);
    idem_node *x = idem_crop_node(v->picture, &frame->landmark, IDEM_POSE_SIDE, IDEM_POSE_SIDE);
    x = idem_sub(x, idem_const(v->graph, "mean", channels, idem_imagenet_mean));
    x = idem_div(x, idem_const(v->graph, "deviation", channels, idem_imagenet_deviation));
    return x ? idem_onnx_build_many(v->graph, net, x, names, IDEM_ANGLES, v->pose) : -1;
}

static int build(idem_witness *v, const char *judge, const char *pose, const idem_frame *frame,
                 const idem_plan_options *options) {
    idem_onnx *net;
    v->graph = idem_graph_new();
    if (!v->graph || idem_weights_load(&v->judge_weights, judge) || idem_onnx_load(&net, pose))
        return -1;
    v->picture = idem_input(v->graph, "picture", IDEM_SHAPE(v->batch, 3, v->size, v->size));
    v->descriptor = judge_nodes(v, frame);
    int status = v->descriptor ? pose_nodes(v, frame, net) : -1;
    idem_onnx_free(net);
    v->judge_plan = status ? NULL : idem_plan_new(&v->descriptor, 1, options);
    if (!v->judge_plan)
        return -1;
    idem_plan_options shared = options ? *options : (idem_plan_options){0};
    shared.share = v->judge_plan;
    v->pose_plan = idem_plan_new(v->pose, IDEM_ANGLES, &shared);
    if (!v->pose_plan)
        return -1;
    for (int k = 0; k < IDEM_ANGLES; k++) {
        int64_t bins = idem_shape_count(&v->pose[k]->shape) / v->batch;
        if (bins != IDEM_POSE_BINS)
            return idem_fail("%s: an output has %lld numbers a picture, expected %d bins of an angle", pose,
                             (long long)bins, IDEM_POSE_BINS);
    }
    return 0;
}

idem_witness *idem_witness_new(const char *models, const idem_frame *frame, int size, int batch,
                               const idem_plan_options *options) {
    char judge[4096], pose[4096];
    if (idem_models_find(judge, sizeof judge, models, "face_recognition_model-weights_manifest.json") ||
        idem_models_find(pose, sizeof pose, models, "fr_pose.onnx"))
        return NULL;
    idem_witness *v = calloc(1, sizeof *v);
    if (!v)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the judge");
    v->size = size;
    v->batch = batch;
    if (build(v, judge, pose, frame, options)) {
        idem_witness_free(v);
        return NULL;
    }
    return v;
}

void idem_witness_free(idem_witness *v) {
    if (!v)
        return;
    idem_plan_free(v->pose_plan);
    idem_plan_free(v->judge_plan);
    idem_graph_free(v->graph);
    idem_weights_free(v->judge_weights);
    free(v);
}

int idem_witness_run(idem_witness *v, int n, const float *pictures, float *descriptors, float *pose) {
    size_t numbers = (size_t)v->size * (size_t)v->size * 3;
    for (int first = 0; first < n; first += v->batch) {
        int count = n - first < v->batch ? n - first : v->batch;
        memcpy(v->picture->leaf, pictures + (size_t)first * numbers, (size_t)count * numbers * sizeof(float));
        if (descriptors) {
            if (idem_plan_run(v->judge_plan) || idem_check_finite(idem_plan_value(v->judge_plan, v->descriptor),
                                                                  (size_t)count * IDEM_JUDGE_DIM, "the judge"))
                return -1;
            memcpy(descriptors + (size_t)first * IDEM_JUDGE_DIM, idem_plan_value(v->judge_plan, v->descriptor),
                   (size_t)count * IDEM_JUDGE_DIM * sizeof(float));
        }
        if (pose && idem_plan_run(v->pose_plan))
            return -1;
        for (int i = 0; pose && i < IDEM_ANGLES * count; i++)
            pose[IDEM_ANGLES * first + i] = idem_pose_angle(idem_plan_value(v->pose_plan, v->pose[i % IDEM_ANGLES]) +
                                                            (size_t)(i / IDEM_ANGLES) * IDEM_POSE_BINS);
    }
    return 0;
}
