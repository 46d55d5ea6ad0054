#include "nets/identify.h"

#include <stdio.h>
#include <string.h>

#include "nets/discriminator.h"
#include "nets/inception3.h"
#include "nets/inception_resnet.h"
#include "nets/judge.h"
#include "nets/mlp.h"
#include "nets/mobilenet2.h"
#include "nets/onnx_graph.h"
#include "nets/resnet.h"
#include "nets/stylegan2.h"

/* The tensor called prefix + name; rank 0 when there is none. */
static idem_shape shape_of(const idem_weights *w, const char *prefix, const char *format, int number) {
    char name[64], full[192];
    snprintf(name, sizeof name, format, number);
    snprintf(full, sizeof full, "%s%s", prefix, name);
    const idem_weight *t = idem_weights_find(w, full);
    return t ? t->shape : IDEM_SCALAR;
}

/* ---- generators ---- */

static int channels(const idem_weights *w, const idem_stylegan2 *s, int r) {
    const bool ada = s->layout == IDEM_STYLEGAN2_ADA;
    const idem_shape shape = shape_of(w, s->prefix,
                                      ada      ? "synthesis.b%d.torgb.weight"
                                      : r == 0 ? "to_rgb1.conv.weight"
                                               : "to_rgbs.%d.conv.weight",
                                      ada ? 4 << r : r - 1);
    return shape.rank >= 3 ? (int)shape.d[shape.rank - 3] : 0;
}

/* The published widths are min(512, multiplier * 16384 / side). */
static void describe_channels(char *out, size_t size, const idem_weights *w, const idem_stylegan2 *s) {
    for (int multiplier = 1; multiplier <= 4; multiplier *= 2) {
        bool same = true;
        for (int r = 0; 4 << r <= s->size; r++) {
            const int width = multiplier * 16384 / (4 << r);
            same = same && channels(w, s, r) == (width < 512 ? width : 512);
        }
        /* Up to 32 pixels all published widths are 512. */
        if (same && s->size > 32) {
            snprintf(out, size, "channel multiplier %d", multiplier);
            return;
        }
    }
    size_t at = (size_t)snprintf(out, size, "channels");
    for (int r = 0; 4 << r <= s->size && at < size; r++)
        at += (size_t)snprintf(out + at, size - at, "%s %d", r ? "," : "", channels(w, s, r));
}

static idem_node *generator(idem_binder *b, char *about, size_t size) {
    idem_stylegan2 s;
    char widths[120];
    if (idem_stylegan2_open(&s, b->weights, b->prefix))
        return NULL;
    describe_channels(widths, sizeof widths, b->weights, &s);
    snprintf(about, size, "%d x %d, %s, z %d, w %d, %d mapping layers, layout of %s", s.size, s.size, widths, s.z_dim,
             s.w_dim, s.mapping_layers, s.layout == IDEM_STYLEGAN2_ADA ? "StyleGAN2-ADA" : "the PyTorch conversion");
    if (s.mapping_layers && !idem_stylegan2_mapping(b, &s, idem_input(b->graph, "z", IDEM_SHAPE(1, s.z_dim))))
        return NULL;
    return idem_stylegan2_synthesis(b, &s, idem_input(b->graph, "w", IDEM_SHAPE(1, s.w_dim)), NULL);
}

static idem_node *discriminator(idem_binder *b, char *about, size_t size) {
    int blocks = 0;
    while (blocks < 9 && shape_of(b->weights, b->prefix, "convs.%d.conv1.0.weight", blocks + 1).rank)
        blocks++;
    const int side = 4 << blocks;
    snprintf(about, size, "pictures of %d x %d", side, side);
    return idem_discriminator(b, idem_input(b->graph, "x", IDEM_SHAPE(1, 3, side, side)), 1);
}

/* ---- encoders ---- */

static idem_node *picture(const idem_binder *b, int side) {
    return idem_input(b->graph, "x", IDEM_SHAPE(1, 3, side, side));
}

/* "BEFORE299 x 299 pictures to 2048 numbers" */
static idem_node *say(char *about, size_t size, const char *before, int side, idem_node *y) {
    if (y)
        snprintf(about, size, "%s%d x %d pictures to %lld numbers", before, side, side,
                 (long long)y->shape.d[y->shape.rank - 1]);
    return y;
}

/* The file used for the Frechet Inception Distance is recognised by its 1008 classes. */
static idem_node *inception3(idem_binder *b, char *about, size_t size) {
    const bool fid = shape_of(b->weights, b->prefix, "fc.bias", 0).d[0] == 1008;
    idem_node *x = picture(b, IDEM_INCEPTION3_SIDE);
    return say(about, size, fid ? "of the Frechet Inception Distance, " : "layout of torchvision, ",
               IDEM_INCEPTION3_SIDE, fid ? idem_inception3_fid(b, x) : idem_inception3(b, x, IDEM_FIXED_STATS, NULL));
}

static idem_node *inception_resnet(idem_binder *b, char *about, size_t size) {
    return say(about, size, "layout of facenet-pytorch, ", IDEM_INCEPTION_RESNET_SIDE,
               idem_inception_resnet(b, picture(b, IDEM_INCEPTION_RESNET_SIDE)));
}

static idem_node *resnet(idem_binder *b, char *about, size_t size) {
    enum { SIDE = 224 };
    int layers = 2, each = shape_of(b->weights, b->prefix, "layer1.0.conv3.weight", 0).rank ? 3 : 2;
    for (int layer = 1; layer <= 4; layer++) {
        char format[32];
        snprintf(format, sizeof format, "layer%d.%%d.conv1.weight", layer);
        for (int i = 0; i < 99 && shape_of(b->weights, b->prefix, format, i).rank; i++)
            layers += each;
    }
    char before[64];
    snprintf(before, sizeof before, "%d layers, layout of torchvision, ", layers);
    return say(about, size, before, SIDE, idem_resnet(b, picture(b, SIDE), IDEM_FIXED_STATS, NULL));
}

static idem_node *judge(idem_binder *b, char *about, size_t size) {
    return say(about, size, "dlib-style recogniser, ", IDEM_JUDGE_SIDE, idem_judge(b, picture(b, IDEM_JUDGE_SIDE)));
}

static idem_node *mobilenet2(idem_binder *b, char *about, size_t size) {
    return say(about, size, "layout of Keras, ", IDEM_MOBILENET2_SIDE,
               idem_mobilenet2(b, picture(b, IDEM_MOBILENET2_SIDE)));
}

/* ---- what idem trains ---- */

static idem_node *mlp(idem_binder *b, const char *name, char *about, size_t size) {
    char format[32];
    snprintf(format, sizeof format, "%s.%%d.weight", name);
    const idem_shape first = shape_of(b->weights, b->prefix, format, 0);
    idem_node *y =
        idem_mlp(b, name, idem_input(b->graph, "x", IDEM_SHAPE(1, first.rank == 2 ? first.d[1] : 1)), IDEM_MLP_SLOPE);
    if (y)
        snprintf(about, size, "%lld numbers to %lld", (long long)(first.rank == 2 ? first.d[1] : 1),
                 (long long)y->shape.d[1]);
    return y;
}

static idem_node *mapper(idem_binder *b, char *about, size_t size) {
    return mlp(b, "mapper", about, size);
}

static idem_node *pixel_mapper(idem_binder *b, char *about, size_t size) {
    return mlp(b, "pixel_mapper", about, size);
}

static idem_node *critic(idem_binder *b, char *about, size_t size) {
    return mlp(b, "critic", about, size);
}

/* ---- all ---- */

static const struct {
    const char *sign, *name;
    idem_node *(*build)(idem_binder *b, char *about, size_t size); /* NULL: idem does not use it */
} kinds[] = {
    {"convs.0.conv.modulation.weight", "StyleGAN2 generator", generator},
    {"synthesis.b4.const", "StyleGAN2 generator", generator},
    {"final_linear.0.weight", "StyleGAN2 discriminator", discriminator},
    {"b4.conv.weight", "StyleGAN2-ADA discriminator", NULL},
    {"mapper.0.weight", "idem mapper M", mapper},
    {"pixel_mapper.0.weight", "idem mapper of the recipe summary", pixel_mapper},
    {"critic.0.weight", "idem critic D_W", critic},
    {"conv2d_1a.conv.weight", "InceptionResnetV1", inception_resnet},
    {"Conv2d_1a_3x3.conv.weight", "InceptionV3", inception3},
    {"layer1.0.conv1.weight", "ResNet", resnet},
    {"conv32_down/conv/filters", "judge", judge},
    {"block_1_expand/kernel", "MobileNetV2", mobilenet2},
};

static void settle(idem_network *f, idem_weights *w, size_t kind) {
    f->name = kinds[kind].name;
    if (!kinds[kind].build) {
        snprintf(f->about, sizeof f->about, "no use is made of it");
        return;
    }
    idem_graph *g = idem_graph_new();
    idem_binder b = idem_binder_make(g, w, f->prefix, false);
    idem_node *y = g ? kinds[kind].build(&b, f->about, sizeof f->about) : NULL;
    f->fits = y && !idem_binder_finish(&b, f->name, "*");
    if (!f->fits)
        snprintf(f->about, sizeof f->about, "%s", idem_error());
    idem_graph_free(g);
}

int idem_identify(idem_weights *w, idem_network *found, int most) {
    enum { PLACES = 32 };
    int n = 0;
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char prefixes[PLACES][IDEM_PREFIX_BYTES];
        const int places = idem_weights_prefixes(w, kinds[k].sign, prefixes, PLACES);
        for (int i = 0; i < places && i < PLACES && n < most; i++) {
            found[n] = (idem_network){0};
            memcpy(found[n].prefix, prefixes[i], sizeof found[n].prefix);
            settle(&found[n++], w, k);
        }
    }
    return n;
}

void idem_identify_onnx(const idem_onnx *m, idem_network *found) {
    enum { FREE_SIDE = 112, SIDE_MOST = 4096, RECOGNISER_LEAST = 64 /* numbers */ };
    *found = (idem_network){.name = "ONNX network"};
    idem_shape shape = {.rank = m->n_inputs ? m->inputs[0].rank : 0};
    for (int i = 0; i < shape.rank; i++) {
        shape.d[i] = m->inputs[0].d[i] > 0 ? m->inputs[0].d[i] : i == 0 ? 1 : i == 1 && shape.rank == 4 ? 3 : FREE_SIDE;
        if (shape.d[i] > SIDE_MOST)
            shape.rank = 0;
    }
    if (shape.rank < 1) {
        snprintf(found->about, sizeof found->about, "its input has no shape, or one too large to build for");
        return;
    }
    idem_graph *g = idem_graph_new();
    idem_node *y = g ? idem_onnx_build(g, m, idem_input(g, m->inputs[0].name, shape), NULL) : NULL;
    found->fits = y != NULL;
    char in[64], out[64];
    const bool encoder = shape.rank == 4 && shape.d[1] == 3 && y && y->shape.rank == 2 && m->n_outputs == 1;
    if (encoder)
        found->name = y->shape.d[1] < RECOGNISER_LEAST ? "ONNX network" : "ONNX recogniser";
    if (encoder)
        snprintf(found->about, sizeof found->about, "%lld x %lld pictures to %lld numbers", (long long)shape.d[3],
                 (long long)shape.d[2], (long long)y->shape.d[1]);
    else if (y)
        snprintf(found->about, sizeof found->about, "%s to %s%s", idem_shape_text(&shape, in),
                 idem_shape_text(&y->shape, out), m->n_outputs > 1 ? " and others" : "");
    else
        snprintf(found->about, sizeof found->about, "%s", idem_error());
    idem_graph_free(g);
}
