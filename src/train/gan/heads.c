#include "train/gan/heads.h"

#include <math.h>
#include <stdio.h>

#include "base/gaussian.h"
#include "engine/ops.h"
#include "nets/imagenet.h"
#include "nets/mobilenet2.h"
#include "nets/onnx_graph.h"
#include "nets/resample.h"

enum { POSE_SIDE = 224, BLUR_REACH = 3 * IDEM_GAN_BLUR_MOST };

const idem_gan_head_set idem_gan_heads_pose = {IDEM_GAN_HEADS_PREFIX ".", 3, {116, 232, 464}};
const idem_gan_head_set idem_gan_heads_mobilenet = {IDEM_GAN_HEADS_PREFIX "_mobilenet.", 4, {24, 32, 96, 320}};

/* The last tensor of each resolution: its name in the file, its block. */
static const char *const pose_taps[] = {"413", "544", "611"};
static const int mobilenet_taps[] = {2, 5, 12, 16};

static const struct {
    const char *name;
    int kernel;
} convs[] = {{"in", 1}, {"middle", 3}, {"out", 1}};
enum { CONVS = sizeof convs / sizeof *convs };

static idem_shape weight_shape(int channels, int conv) {
    const int in = conv ? IDEM_GAN_HEAD_WIDTH : channels, k = convs[conv].kernel;
    return IDEM_SHAPE(conv == CONVS - 1 ? 1 : IDEM_GAN_HEAD_WIDTH, in, k, k);
}

int idem_gan_heads_init(idem_weights *w, const idem_gan_head_set *set, idem_rng *rng) {
    char name[64];
    for (int i = 0; i < set->n * CONVS; i++) {
        const int head = i / CONVS, conv = i % CONVS;
        const idem_shape shape = weight_shape(set->channels[head], conv);
        snprintf(name, sizeof name, "%s%d.%s.weight", set->prefix, head, convs[conv].name);
        idem_weight *t = idem_weights_add(w, name, shape);
        if (!t)
            return -1;
        idem_rng_fill_normal(rng, t->data, (size_t)idem_shape_count(&shape));
        snprintf(name, sizeof name, "%s%d.%s.bias", set->prefix, head, convs[conv].name);
        if (!idem_weights_add(w, name, IDEM_SHAPE(shape.d[0])))
            return -1;
    }
    return 0;
}

int idem_gan_features_pose(const idem_onnx *network, idem_node *x, idem_node **features) {
    if (!x)
        return -1;
    float scale[3], offset[3];
    for (int c = 0; c < 3; c++) {
        scale[c] = 0.5f / idem_imagenet_deviation[c];
        offset[c] = (0.5f - idem_imagenet_mean[c]) / idem_imagenet_deviation[c];
    }
    idem_node *k = idem_const(x->graph, "scale", IDEM_SHAPE(1, 3, 1, 1), scale);
    idem_node *o = idem_const(x->graph, "offset", IDEM_SHAPE(1, 3, 1, 1), offset);
    idem_node *seen = idem_resample_bilinear(idem_add(idem_mul(x, k), o), POSE_SIDE, POSE_SIDE);
    idem_scope_push(x->graph, "features");
    const int status = idem_onnx_build_many(x->graph, network, seen, pose_taps, idem_gan_heads_pose.n, features);
    idem_scope_pop(x->graph);
    return status;
}

int idem_gan_features_mobilenet(idem_weights *network, idem_node *x, idem_node **features) {
    if (!x)
        return -1;
    idem_binder b = idem_binder_make(x->graph, network, "", false);
    idem_scope_push(x->graph, "mobilenet");
    const int status =
        idem_mobilenet2_blocks(&b, idem_affine(x, 0.5f, 0.5f), mobilenet_taps, idem_gan_heads_mobilenet.n, features);
    idem_scope_pop(x->graph);
    return status;
}

idem_node *idem_gan_blurred(idem_node *x, double deviation) {
    float kernel[2 * BLUR_REACH + 1];
    const int reach = (int)ceil(3 * deviation);
    if (!x || !reach)
        return x;
    idem_gaussian(kernel, reach, deviation);
    return idem_filter(x, kernel, 2 * reach + 1, 1, 1, (const int[]){reach, reach, reach, reach});
}

static idem_node *head(idem_binder *b, idem_node *x, int i, int channels) {
    for (int c = 0; x && c < CONVS; c++) {
        const idem_shape shape = weight_shape(channels, c);
        const float gain = 1 / sqrtf((float)(shape.d[1] * shape.d[2] * shape.d[3]));
        idem_node *weight = idem_scale(idem_bind(b, shape, "%d.%s.weight", i, convs[c].name), gain);
        idem_node *bias = idem_bind(b, IDEM_SHAPE(shape.d[0]), "%d.%s.bias", i, convs[c].name);
        const bool last = c == CONVS - 1;
        x = idem_conv(x, weight, NULL, idem_window_make(convs[c].kernel, 1, convs[c].kernel / 2));
        x = idem_styled(x, NULL, NULL, bias, last ? 1 : 0.2f, last ? 1 : sqrtf(2));
    }
    return x;
}

int idem_gan_heads(const idem_gan_head_set *set, idem_graph *g, idem_weights *w, idem_node *const *features,
                   idem_node **logits) {
    idem_binder b = idem_binder_make(g, w, set->prefix, true);
    for (int i = 0; i < set->n; i++) {
        idem_node *x = head(&b, features[i], i, set->channels[i]);
        if (!x)
            return -1;
        logits[i] = idem_reshape(x, IDEM_SHAPE(x->shape.d[0], x->shape.d[2], x->shape.d[3]));
    }
    return idem_binder_finish(&b, "heads", NULL);
}
