#include "nets/resnet.h"

#include <stdio.h>

#include "engine/ops.h"

static const float bn_eps = 1e-5f;

/* Convolution and batch norm; `conv` and `norm` are their names. */
static idem_node *conv_norm(const idem_norm_conv_kind *r, idem_node *x, const char *conv, const char *norm, int kernel,
                            int stride) {
    return idem_norm_conv(r, x, conv, norm,
                          (idem_norm_conv_shape){.height = kernel, .width = kernel, .stride = stride});
}

static idem_node *block(const idem_norm_conv_kind *r, idem_node *x, int layer, int number, int stride) {
    char conv[48], norm[48], down[48];
    idem_node *y = x;
    snprintf(conv, sizeof conv, "layer%d.%d.conv3.weight", layer, number);
    const bool bottleneck = idem_bind_has(r->binder, "%s", conv);
    const int n = bottleneck ? 3 : 2;
    for (int i = 0; i < n; i++) {
        snprintf(conv, sizeof conv, "layer%d.%d.conv%d", layer, number, i + 1);
        snprintf(norm, sizeof norm, "layer%d.%d.bn%d", layer, number, i + 1);
        /* The 3x3 convolution takes the stride: the first of a basic block, the middle one of a bottleneck. */
        y = conv_norm(r, y, conv, norm, bottleneck && i != 1 ? 1 : 3, i == (bottleneck ? 1 : 0) ? stride : 1);
        if (i < n - 1)
            y = idem_relu(y);
    }
    snprintf(down, sizeof down, "layer%d.%d.downsample", layer, number);
    if (idem_bind_has(r->binder, "%s.0.weight", down)) {
        snprintf(conv, sizeof conv, "layer%d.%d.downsample.0", layer, number);
        snprintf(norm, sizeof norm, "layer%d.%d.downsample.1", layer, number);
        x = conv_norm(r, x, conv, norm, 1, stride);
    }
    return idem_relu(idem_add(y, x));
}

idem_node *idem_resnet(idem_binder *b, idem_node *x, idem_norm_stats stats, idem_running_list *running) {
    const idem_norm_conv_kind r = {.binder = b, .stats = stats, .running = running, .eps = bn_eps};
    if (!x)
        return NULL;
    x = idem_relu(conv_norm(&r, x, "conv1", "bn1", 7, 2));
    x = idem_maxpool(x, idem_window_make(3, 2, 1));
    for (int layer = 1; layer <= 4; layer++)
        for (int i = 0; x && (i == 0 || idem_bind_has(b, "layer%d.%d.conv1.weight", layer, i)); i++)
            x = block(&r, x, layer, i, layer > 1 && i == 0 ? 2 : 1);
    x = idem_mean_hw(x);
    if (!x && (b->missing || b->misshapen))
        idem_resnet_finish(b); /* wrong tensors cause wrong shapes: their message is the useful one */
    return x;
}

int idem_resnet_finish(idem_binder *b) {
    return idem_binder_finish(b, "ResNet", IDEM_RESNET_SPARE);
}

/* ---- fresh weights ---- */

static int init_conv_norm(idem_weights *w, const char *prefix, const char *conv, const char *norm, int in, int out,
                          int kernel, idem_rng *rng) {
    return idem_norm_conv_init(w, prefix, conv, norm, IDEM_SHAPE(out, in, kernel, kernel), rng);
}

int idem_resnet_init(idem_weights *w, const char *prefix, int depth, idem_rng *rng) {
    static const struct {
        int depth, blocks[4];
    } kinds[] = {
        {18, {2, 2, 2, 2}}, {34, {3, 4, 6, 3}}, {50, {3, 4, 6, 3}}, {101, {3, 4, 23, 3}}, {152, {3, 8, 36, 3}}};
    const int *blocks = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].depth == depth)
            blocks = kinds[i].blocks;
    if (!blocks)
        return idem_fail("there is no ResNet-%d: expected 18, 34, 50, 101 or 152", depth);
    const bool bottleneck = depth >= 50;
    if (init_conv_norm(w, prefix, "conv1", "bn1", 3, 64, 7, rng))
        return -1;
    int in = 64;
    for (int layer = 1; layer <= 4; layer++) {
        const int mid = 32 << layer, out = bottleneck ? 4 * mid : mid;
        for (int i = 0; i < blocks[layer - 1]; i++) {
            char conv[48], norm[48];
            const int n = bottleneck ? 3 : 2;
            for (int k = 0; k < n; k++) {
                snprintf(conv, sizeof conv, "layer%d.%d.conv%d", layer, i, k + 1);
                snprintf(norm, sizeof norm, "layer%d.%d.bn%d", layer, i, k + 1);
                if (init_conv_norm(w, prefix, conv, norm, k == 0 ? in : mid, k == n - 1 ? out : mid,
                                   bottleneck && k != 1 ? 1 : 3, rng))
                    return -1;
            }
            snprintf(conv, sizeof conv, "layer%d.%d.downsample.0", layer, i);
            snprintf(norm, sizeof norm, "layer%d.%d.downsample.1", layer, i);
            if (i == 0 && in != out && init_conv_norm(w, prefix, conv, norm, in, out, 1, rng))
                return -1;
            in = out;
        }
    }
    return 0;
}

int idem_resnet_width(const idem_weights *w, const char *prefix) {
    for (int k = 3; k >= 2; k--) {
        char name[160];
        snprintf(name, sizeof name, "%slayer4.0.conv%d.weight", prefix, k);
        const idem_weight *t = idem_weights_find(w, name);
        if (t && t->shape.rank == 4)
            return (int)t->shape.d[0];
    }
    return 0;
}
