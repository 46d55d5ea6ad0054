#include "nets/inception_resnet.h"

#include <stdio.h>

#include "engine/ops.h"
#include "nets/inception_block.h"

enum { LEAST_SIDE = 80 };

static const float bn_eps = 1e-3f;

#define IN IDEM_FROM_INPUT
#define LAST IDEM_FROM_LAST
#define POOL IDEM_FROM_POOL

static const idem_inception_row block35[] = {
    {"branch0", IN, 32, 1, 1, 1, true},      {"branch1.0", IN, 32, 1, 1, 1, false},
    {"branch1.1", LAST, 32, 3, 3, 1, true},  {"branch2.0", IN, 32, 1, 1, 1, false},
    {"branch2.1", LAST, 32, 3, 3, 1, false}, {"branch2.2", LAST, 32, 3, 3, 1, true}};
static const idem_inception_row block17[] = {{"branch0", IN, 128, 1, 1, 1, true},
                                             {"branch1.0", IN, 128, 1, 1, 1, false},
                                             {"branch1.1", LAST, 128, 1, 7, 1, false},
                                             {"branch1.2", LAST, 128, 7, 1, 1, true}};
static const idem_inception_row block8[] = {{"branch0", IN, 192, 1, 1, 1, true},
                                            {"branch1.0", IN, 192, 1, 1, 1, false},
                                            {"branch1.1", LAST, 192, 1, 3, 1, false},
                                            {"branch1.2", LAST, 192, 3, 1, 1, true}};
static const idem_inception_row mixed_6a[] = {{"branch0", IN, 384, 3, 3, 2, true},
                                              {"branch1.0", IN, 192, 1, 1, 1, false},
                                              {"branch1.1", LAST, 192, 3, 3, 1, false},
                                              {"branch1.2", LAST, 256, 3, 3, 2, true},
                                              {NULL, POOL, 0, 0, 0, 0, true}};
static const idem_inception_row mixed_7a[] = {
    {"branch0.0", IN, 256, 1, 1, 1, false},  {"branch0.1", LAST, 384, 3, 3, 2, true},
    {"branch1.0", IN, 256, 1, 1, 1, false},  {"branch1.1", LAST, 256, 3, 3, 2, true},
    {"branch2.0", IN, 256, 1, 1, 1, false},  {"branch2.1", LAST, 256, 3, 3, 1, false},
    {"branch2.2", LAST, 256, 3, 3, 2, true}, {NULL, POOL, 0, 0, 0, 0, true}};

#define ROWS(r) r, (int)(sizeof(r) / sizeof *(r))

static idem_node *halve(idem_node *x) {
    return idem_maxpool(x, idem_window_make(3, 2, 0));
}

/* x + scale * conv2d(branches) */
static idem_node *residual(const idem_norm_conv_kind *k, idem_node *x, const char *name, const idem_inception_row *rows,
                           int n, float scale) {
    idem_node *y = idem_inception_block(k, name, x, NULL, rows, n, 0);
    if (!y)
        return NULL;
    const int64_t in = y->shape.d[1], out = x->shape.d[1];
    y = idem_conv(y, idem_bind(k->binder, IDEM_SHAPE(out, in, 1, 1), "%s.conv2d.weight", name),
                  idem_bind(k->binder, IDEM_SHAPE(out), "%s.conv2d.bias", name), idem_window_make(1, 1, 0));
    return idem_add(idem_scale(y, scale), x);
}

/* NAME.0, NAME.1, ... */
static idem_node *repeat(const idem_norm_conv_kind *k, idem_node *x, const char *name, int times,
                         const idem_inception_row *rows, int n, float scale) {
    for (int i = 0; i < times && x; i++) {
        char block[32];
        snprintf(block, sizeof block, "%s.%d", name, i);
        x = idem_relu(residual(k, x, block, rows, n, scale));
    }
    return x;
}

static idem_node *stem(const idem_norm_conv_kind *k, idem_node *x) {
    x = idem_inception_unit(k, x, "conv2d_1a", (idem_norm_conv_shape){32, 3, 3, 2, true});
    x = idem_inception_unit(k, x, "conv2d_2a", (idem_norm_conv_shape){32, 3, 3, 1, true});
    x = halve(idem_inception_unit(k, x, "conv2d_2b", (idem_norm_conv_shape){64, 3, 3, 1, false}));
    x = idem_inception_unit(k, x, "conv2d_3b", (idem_norm_conv_shape){80, 1, 1, 1, false});
    x = idem_inception_unit(k, x, "conv2d_4a", (idem_norm_conv_shape){192, 3, 3, 1, true});
    return idem_inception_unit(k, x, "conv2d_4b", (idem_norm_conv_shape){256, 3, 3, 2, true});
}

/* A linear layer without bias and the norm after it, by the stored averages. */
static idem_node *last(const idem_norm_conv_kind *k, idem_node *x) {
    if (!x)
        return NULL;
    const idem_shape shape = idem_bind_shape(k->binder, "last_linear.weight");
    const int64_t in = x->shape.d[1], out = shape.rank >= 2 ? shape.d[0] : 1; /* 4 once it was bound */
    /* A convolution over one pixel is the same layer. */
    return idem_reshape(idem_norm_conv(k, idem_reshape(x, IDEM_SHAPE(x->shape.d[0], in, 1, 1)), "last_linear",
                                       "last_bn", (idem_norm_conv_shape){(int)out, 1, 1, 1, false}),
                        IDEM_SHAPE(x->shape.d[0], out));
}

idem_node *idem_inception_resnet(idem_binder *b, idem_node *x) {
    /* Its gradient depends on the signs of millions of ReLUs: folding the weights, one more rounding, would flip more
     * of them. */
    const idem_norm_conv_kind k = {.binder = b, .stats = IDEM_APART_STATS, .eps = bn_eps};
    char text[64];
    if (!x)
        return NULL;
    if (x->shape.rank != 4 || x->shape.d[1] != 3 || x->shape.d[2] < LEAST_SIDE || x->shape.d[3] < LEAST_SIDE)
        return idem_fail_null("InceptionResnetV1: pictures are %s, expected [N, 3, H, W] with sides of at least %d",
                              idem_shape_text(&x->shape, text), LEAST_SIDE);
    x = repeat(&k, stem(&k, x), "repeat_1", 5, ROWS(block35), 0.17f);
    x = idem_inception_block(&k, "mixed_6a", x, halve(x), ROWS(mixed_6a), 0);
    x = repeat(&k, x, "repeat_2", 10, ROWS(block17), 0.1f);
    x = idem_inception_block(&k, "mixed_7a", x, halve(x), ROWS(mixed_7a), 0);
    x = repeat(&k, x, "repeat_3", 5, ROWS(block8), 0.2f);
    x = last(&k, idem_mean_hw(x ? residual(&k, x, "block8", ROWS(block8), 1) : NULL));
    if (!x && (b->missing || b->misshapen))
        idem_inception_resnet_finish(b);
    return x;
}

int idem_inception_resnet_finish(idem_binder *b) {
    return idem_binder_finish(b, "InceptionResnetV1", "logits.*|*.num_batches_tracked");
}
