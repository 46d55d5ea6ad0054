#define _POSIX_C_SOURCE 200809L
#include "face/recogniser.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "format/onnx.h"
#include "nets/inception_resnet.h"
#include "nets/onnx_graph.h"
#include "nets/resample.h"

enum { LEAST_SIDE = 32, MOST_SIDE = 512, FACENET_SIDE = 160 };

/* The crop of a network: the face by its five points, or a fixed box of the picture (points NULL). */
typedef struct {
    const char *name;
    int side;
    const float (*points)[2];
    bool bgr;
    float mean[3], divisor; /* of p, in the network's order of channels */
} preprocess;

/* Approximate eyes, nose and mouth in the detector boxes of facenet's crops, with their margin. */
static const float box_points[5][2] = {
    {0.310f, 0.400f}, {0.690f, 0.400f}, {0.500f, 0.595f}, {0.345f, 0.770f}, {0.655f, 0.770f}};

/* 10 .. 90 % of the picture to 256 pixels, of which the middle 224. */
static const idem_box middle = {0.15f, 0.15f, 0.85f, 0.85f};

static const preprocess known[] = {
    {"fr_feature", 112, idem_template_112, false, {127, 127, 127}, 128},
    {"insightface", 112, idem_template_112, false, {127.5f, 127.5f, 127.5f}, 127.5f},
    {"facenet", FACENET_SIDE, box_points, false, {127.5f, 127.5f, 127.5f}, 128},
    {"vggface2", 224, NULL, true, {91.4953f, 103.8827f, 131.0912f}, 1},
};
enum { KNOWN = sizeof known / sizeof *known };

struct idem_recogniser {
    idem_recogniser_info info;
    const preprocess *kind;
    idem_onnx *onnx;       /* one of the two */
    idem_weights *weights; /* of an InceptionResnetV1 */
    char *path;
};

static const preprocess *find_kind(const char *name) {
    for (int i = 0; i < KNOWN; i++)
        if (!strcmp(known[i].name, name))
            return &known[i];
    return idem_fail_null("\"%s\" is no preprocessing of a recogniser; there are " IDEM_PREPROCESS_CHOICES, name);
}

/* ---- the file ---- */

static const char SIGN[] = "conv2d_1a.conv.weight"; /* identifies an InceptionResnetV1 */

static int open_weights(idem_recogniser *r, const char *path) {
    if (idem_weights_load(&r->weights, path))
        return -1;
    char prefix[IDEM_PREFIX_BYTES];
    idem_weights_unwrap(r->weights);
    if (idem_weights_prefixes(r->weights, SIGN, &prefix, 1) == 1 && *prefix && idem_weights_select(r->weights, prefix))
        return -1;
    if (!idem_weights_find(r->weights, SIGN))
        return idem_fail(
            "%s: is no InceptionResnetV1 (there is not one conv2d_1a.conv.weight): a recogniser is that network "
            "as facenet-pytorch names its tensors, or ONNX",
            path);
    idem_weights_hash(r->info.hash, r->weights);
    r->info.inception_resnet = true;
    r->info.side = FACENET_SIDE;
    return 0;
}

static int open_onnx(idem_recogniser *r, const char *path) {
    char hex[65];
    if (idem_onnx_load(&r->onnx, path) || idem_sha256_file(path, hex))
        return -1;
    memcpy(r->info.hash, hex, 16);
    const idem_onnx_value *in = r->onnx->inputs;
    if (r->onnx->n_inputs != 1 || in->rank != 4 || in->d[1] != 3)
        return idem_fail("%s: a recogniser takes one picture [N, 3, S, S]; see \"idem model inspect\" for what this "
                         "network takes",
                         path);
    if (in->d[2] < 0 && in->d[3] < 0) { /* any size: the default */
        r->info.side = r->kind->side;
        return 0;
    }
    if (in->d[2] != in->d[3] || in->d[2] < LEAST_SIDE || in->d[2] > MOST_SIDE)
        return idem_fail("%s: takes pictures of %lld x %lld, expected a square with a side of %d to %d", path,
                         (long long)in->d[3], (long long)in->d[2], LEAST_SIDE, MOST_SIDE);
    r->info.side = (int)in->d[2];
    return 0;
}

/* x in the network's preprocessing. */
static idem_node *run(const idem_recogniser *r, idem_node *x) {
    if (!x)
        return NULL;
    idem_node *y;
    idem_scope_push(x->graph, "E_id");
    if (r->onnx) {
        y = idem_onnx_build(x->graph, r->onnx, x, NULL);
    } else {
        idem_binder b = idem_binder_make(x->graph, r->weights, "", false);
        y = idem_inception_resnet(&b, x);
        y = y && !idem_inception_resnet_finish(&b) ? y : NULL;
    }
    idem_scope_pop(x->graph);
    return y;
}

/* Finds the width by building the network once for one picture. */
static int measure(idem_recogniser *r) {
    idem_graph *g = idem_graph_new();
    if (!g)
        return -1;
    idem_node *e = run(r, idem_input(g, "x", IDEM_SHAPE(1, 3, r->info.side, r->info.side)));
    int status = 0;
    char text[64];
    if (!e)
        status = idem_fail_more("%s: %s", r->path, idem_error());
    else if (e->shape.rank != 2 || e->shape.d[0] != 1)
        status =
            idem_fail("%s: its output is %s, expected one vector [1, D]", r->path, idem_shape_text(&e->shape, text));
    else
        r->info.dim = (int)e->shape.d[1];
    idem_graph_free(g);
    return status;
}

static int open_file(idem_recogniser *r, const char *path, const char *name) {
    bool onnx;
    if (!(r->path = strdup(path)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for a file name");
    const char *slash = strrchr(r->path, '/');
    r->info.file = slash ? slash + 1 : r->path;
    if (idem_onnx_is(path, &onnx))
        return -1;
    if (onnx && !name)
        return idem_fail("%s: an ONNX network does not store its preprocessing; name one: " IDEM_PREPROCESS_CHOICES,
                         path);
    if (!(r->kind = find_kind(name ? name : "facenet")))
        return -1;
    r->info.preprocess = r->kind->name;
    return (onnx ? open_onnx : open_weights)(r, path) || measure(r) ? -1 : 0;
}

idem_recogniser *idem_recogniser_open(const char *path, const char *preprocess) {
    idem_recogniser *r = calloc(1, sizeof *r);
    if (!r)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a recogniser");
    if (open_file(r, path, preprocess)) {
        idem_recogniser_free(r);
        return NULL;
    }
    return r;
}

void idem_recogniser_free(idem_recogniser *r) {
    if (!r)
        return;
    idem_onnx_free(r->onnx);
    idem_weights_free(r->weights);
    free(r->path);
    free(r);
}

const idem_recogniser_info *idem_recogniser_about(const idem_recogniser *r) {
    return &r->info;
}

/* ---- nodes ---- */

static idem_node *reversed_channels(idem_node *x) {
    idem_node *c[3];
    for (int i = 0; i < 3; i++)
        c[i] = idem_slice(x, 1, 2 - i, 1, 1);
    return idem_concat(c, 3, 1);
}

/* (255 x - mean) / divisor */
static idem_node *scaled(const preprocess *k, idem_node *x) {
    if (!x)
        return NULL;
    if (k->bgr)
        x = reversed_channels(x);
    if (k->mean[0] == k->mean[1] && k->mean[1] == k->mean[2])
        return idem_affine(x, 255 / k->divisor, -k->mean[0] / k->divisor);
    const float shift[3] = {-k->mean[0] / k->divisor, -k->mean[1] / k->divisor, -k->mean[2] / k->divisor};
    return x ? idem_add(idem_scale(x, 255 / k->divisor), idem_const(x->graph, "mean", IDEM_SHAPE(1, 3, 1, 1), shift))
             : NULL;
}

idem_node *idem_recogniser_input(const idem_recogniser *r, idem_node *x, const idem_frame *frame) {
    idem_crop crop = idem_crop_from_box(&middle);
    if (r->kind->points && idem_crop_fit(&crop, r->kind->points, frame->five, 5, 1, 1))
        return NULL;
    if (r->kind->points == idem_template_112)
        crop = frame->recogniser; /* may be stored with other points than these give */
    return scaled(r->kind, idem_crop_node(x, &crop, r->info.side, r->info.side));
}

idem_node *idem_recogniser_face(const idem_recogniser *r, idem_node *x, const idem_frame *frame) {
    return run(r, idem_recogniser_input(r, x, frame));
}

idem_node *idem_recogniser_whole(const idem_recogniser *r, idem_node *x) {
    x = idem_resample_bilinear(x, r->info.side, r->info.side);
    return run(r, r->info.inception_resnet ? idem_affine(x, 2, -1) : scaled(r->kind, x));
}
