#include "nets/inception3.h"

#include <stdio.h>

#include "base/log.h"
#include "engine/ops.h"
#include "nets/inception_block.h"
#include "nets/resample.h"

static const float bn_eps = 1e-3f;

#define IN IDEM_FROM_INPUT
#define LAST IDEM_FROM_LAST
#define SAME IDEM_FROM_SAME
#define POOL IDEM_FROM_POOL

/* Blocks by their letters in the published code; each comment gives the sides of the pictures. */
static const idem_inception_row block_a[] = {/* 35 x 35 */
                                             {"branch1x1", IN, 64, 1, 1, 1, true},
                                             {"branch5x5_1", IN, 48, 1, 1, 1, false},
                                             {"branch5x5_2", LAST, 64, 5, 5, 1, true},
                                             {"branch3x3dbl_1", IN, 64, 1, 1, 1, false},
                                             {"branch3x3dbl_2", LAST, 96, 3, 3, 1, false},
                                             {"branch3x3dbl_3", LAST, 96, 3, 3, 1, true},
                                             {"branch_pool", POOL, 0, 1, 1, 1, true}};
static const idem_inception_row block_b[] = {/* 35 x 35 to 17 x 17 */
                                             {"branch3x3", IN, 384, 3, 3, 2, true},
                                             {"branch3x3dbl_1", IN, 64, 1, 1, 1, false},
                                             {"branch3x3dbl_2", LAST, 96, 3, 3, 1, false},
                                             {"branch3x3dbl_3", LAST, 96, 3, 3, 2, true},
                                             {NULL, POOL, 0, 0, 0, 0, true}};
static const idem_inception_row block_c[] =
    {/* 17 x 17 */
     {"branch1x1", IN, 192, 1, 1, 1, true},        {"branch7x7_1", IN, 0, 1, 1, 1, false},
     {"branch7x7_2", LAST, 0, 1, 7, 1, false},     {"branch7x7_3", LAST, 192, 7, 1, 1, true},
     {"branch7x7dbl_1", IN, 0, 1, 1, 1, false},    {"branch7x7dbl_2", LAST, 0, 7, 1, 1, false},
     {"branch7x7dbl_3", LAST, 0, 1, 7, 1, false},  {"branch7x7dbl_4", LAST, 0, 7, 1, 1, false},
     {"branch7x7dbl_5", LAST, 192, 1, 7, 1, true}, {"branch_pool", POOL, 192, 1, 1, 1, true}};
static const idem_inception_row block_d[] = {/* 17 x 17 to 8 x 8 */
                                             {"branch3x3_1", IN, 192, 1, 1, 1, false},
                                             {"branch3x3_2", LAST, 320, 3, 3, 2, true},
                                             {"branch7x7x3_1", IN, 192, 1, 1, 1, false},
                                             {"branch7x7x3_2", LAST, 192, 1, 7, 1, false},
                                             {"branch7x7x3_3", LAST, 192, 7, 1, 1, false},
                                             {"branch7x7x3_4", LAST, 192, 3, 3, 2, true},
                                             {NULL, POOL, 0, 0, 0, 0, true}};
static const idem_inception_row block_e[] = {/* 8 x 8 */
                                             {"branch1x1", IN, 320, 1, 1, 1, true},
                                             {"branch3x3_1", IN, 384, 1, 1, 1, false},
                                             {"branch3x3_2a", LAST, 384, 1, 3, 1, true},
                                             {"branch3x3_2b", SAME, 384, 3, 1, 1, true},
                                             {"branch3x3dbl_1", IN, 448, 1, 1, 1, false},
                                             {"branch3x3dbl_2", LAST, 384, 3, 3, 1, false},
                                             {"branch3x3dbl_3a", LAST, 384, 1, 3, 1, true},
                                             {"branch3x3dbl_3b", SAME, 384, 3, 1, 1, true},
                                             {"branch_pool", POOL, 192, 1, 1, 1, true}};

#define ROWS(r) r, (int)(sizeof(r) / sizeof *(r))

typedef enum { AVERAGE, AVERAGE_INSIDE, MAXIMUM, HALVING } pooling;

static idem_node *pool(idem_node *x, pooling kind) {
    if (!x)
        return NULL;
    if (kind == HALVING)
        return idem_maxpool(x, idem_window_make(3, 2, 0));
    const idem_window win = idem_window_make(3, 1, 1);
    return kind == MAXIMUM ? idem_maxpool(x, win) : idem_avgpool(x, win, kind == AVERAGE);
}

static const struct {
    const char *name;
    const idem_inception_row *rows;
    int n, width;
    pooling pool, pool_fid;
} blocks[] = {{"Mixed_5b", ROWS(block_a), 32, AVERAGE, AVERAGE_INSIDE},
              {"Mixed_5c", ROWS(block_a), 64, AVERAGE, AVERAGE_INSIDE},
              {"Mixed_5d", ROWS(block_a), 64, AVERAGE, AVERAGE_INSIDE},
              {"Mixed_6a", ROWS(block_b), 0, HALVING, HALVING},
              {"Mixed_6b", ROWS(block_c), 128, AVERAGE, AVERAGE_INSIDE},
              {"Mixed_6c", ROWS(block_c), 160, AVERAGE, AVERAGE_INSIDE},
              {"Mixed_6d", ROWS(block_c), 160, AVERAGE, AVERAGE_INSIDE},
              {"Mixed_6e", ROWS(block_c), 192, AVERAGE, AVERAGE_INSIDE},
              {"Mixed_7a", ROWS(block_d), 0, HALVING, HALVING},
              {"Mixed_7b", ROWS(block_e), 0, AVERAGE, AVERAGE_INSIDE},
              {"Mixed_7c", ROWS(block_e), 0, AVERAGE, MAXIMUM}};
enum { N_BLOCKS = sizeof blocks / sizeof *blocks };

static idem_node *features(const idem_norm_conv_kind *k, idem_node *x, bool fid) {
    char text[64];
    if (!x)
        return NULL;
    if (x->shape.rank != 4 || x->shape.d[1] != 3 || x->shape.d[2] < IDEM_INCEPTION3_LEAST ||
        x->shape.d[3] < IDEM_INCEPTION3_LEAST)
        return idem_fail_null("InceptionV3: pictures are %s, expected [N, 3, H, W] with sides of at least %d",
                              idem_shape_text(&x->shape, text), IDEM_INCEPTION3_LEAST);
    x = idem_inception_unit(k, x, "Conv2d_1a_3x3", (idem_norm_conv_shape){32, 3, 3, 2, true});
    x = idem_inception_unit(k, x, "Conv2d_2a_3x3", (idem_norm_conv_shape){32, 3, 3, 1, true});
    x = pool(idem_inception_unit(k, x, "Conv2d_2b_3x3", (idem_norm_conv_shape){64, 3, 3, 1, false}), HALVING);
    x = idem_inception_unit(k, x, "Conv2d_3b_1x1", (idem_norm_conv_shape){80, 1, 1, 1, false});
    x = pool(idem_inception_unit(k, x, "Conv2d_4a_3x3", (idem_norm_conv_shape){192, 3, 3, 1, true}), HALVING);
    for (int i = 0; i < N_BLOCKS && x; i++)
        x = idem_inception_block(k, blocks[i].name, x, pool(x, fid ? blocks[i].pool_fid : blocks[i].pool),
                                 blocks[i].rows, blocks[i].n, blocks[i].width);
    x = idem_mean_hw(x);
    if (!x && (k->binder->missing || k->binder->misshapen))
        idem_inception3_finish(k->binder); /* wrong tensors cause wrong shapes: their message is the useful one */
    return x;
}

idem_node *idem_inception3(idem_binder *b, idem_node *x, idem_norm_stats stats, idem_running_list *running) {
    return features(&(idem_norm_conv_kind){.binder = b, .stats = stats, .running = running, .eps = bn_eps}, x, false);
}

idem_node *idem_inception3_fid(idem_binder *b, idem_node *x) {
    x = idem_affine(idem_resample_bilinear(x, IDEM_INCEPTION3_SIDE, IDEM_INCEPTION3_SIDE), 2, -1);
    return features(&(idem_norm_conv_kind){.binder = b, .eps = bn_eps}, x, true);
}

int idem_inception3_finish(idem_binder *b) {
    if (idem_bind_has(b, "AuxLogits.fc.weight"))
        idem_log(IDEM_LOG_NOTE, "InceptionV3: the auxiliary classifier (AuxLogits) of the file is not used");
    return idem_binder_finish(b, "InceptionV3", "fc.*|AuxLogits.*|*.num_batches_tracked");
}

int idem_inception3_init(idem_weights *w, const char *prefix, idem_rng *rng) {
    if (idem_inception3_width(w, prefix))
        return idem_fail("there is an InceptionV3 below \"%s\" already", prefix);
    idem_graph *g = idem_graph_new(); /* never run: building it creates the tensors */
    if (!g)
        return -1;
    idem_binder b = idem_binder_make(g, w, prefix, false);
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(1, 3, IDEM_INCEPTION3_LEAST, IDEM_INCEPTION3_LEAST));
    x = features(&(idem_norm_conv_kind){.binder = &b, .eps = bn_eps, .fresh = rng}, x, false);
    idem_graph_free(g);
    return x ? 0 : -1;
}

int idem_inception3_width(const idem_weights *w, const char *prefix) {
    int width = 0;
    for (size_t i = 0; i < sizeof block_e / sizeof *block_e; i++) {
        char name[160];
        if (!block_e[i].joined)
            continue;
        snprintf(name, sizeof name, "%sMixed_7c.%s.conv.weight", prefix, block_e[i].name);
        const idem_weight *t = idem_weights_find(w, name);
        if (!t || t->shape.rank != 4)
            return 0;
        width += (int)t->shape.d[0];
    }
    return width;
}
