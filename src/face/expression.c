#include "face/expression.h"

#include <math.h>
#include <stdlib.h>

#include "base/finite.h"
#include "base/status.h"
#include "face/warp.h"
#include "nets/onnx_graph.h"

enum { SIDE = 224 };

/* Approximate detector box of a face in its frame, as a square. */
static const idem_box face_in_frame = {0.17f, 0.22f, 0.83f, 0.88f};

struct idem_expression {
    idem_graph *graph;
    idem_node *face, *logits;
    idem_plan *plan;
};

static int build(idem_expression *e, const char *path, const idem_plan_options *options) {
    idem_onnx *net;
    if (!(e->graph = idem_graph_new()) || idem_onnx_load(&net, path))
        return -1;
    e->face = idem_input(e->graph, "face", IDEM_SHAPE(1, 3, SIDE, SIDE));
    e->logits = idem_onnx_build(e->graph, net, idem_scale(e->face, 1.0f / 255), NULL);
    idem_onnx_free(net);
    if (!e->logits)
        return -1;
    if (idem_shape_count(&e->logits->shape) != IDEM_EXPRESSIONS)
        return idem_fail("%s: its first output has %lld numbers, expected %d classes", path,
                         (long long)idem_shape_count(&e->logits->shape), IDEM_EXPRESSIONS);
    return (e->plan = idem_plan_new(&e->logits, 1, options)) ? 0 : -1;
}

idem_expression *idem_expression_new(const char *path, const idem_plan_options *options) {
    idem_expression *e = calloc(1, sizeof *e);
    if (!e)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the expression network");
    if (build(e, path, options)) {
        idem_expression_free(e);
        return NULL;
    }
    return e;
}

void idem_expression_free(idem_expression *e) {
    if (!e)
        return;
    idem_plan_free(e->plan);
    if (e->graph)
        idem_graph_free(e->graph);
    free(e);
}

/* The crop of a part of another crop's target. */
static idem_crop within(const idem_crop *outer, const idem_crop *inner) {
    const float *a = outer->m, *b = inner->m;
    return (idem_crop){{a[0] * b[0] + a[1] * b[3], a[0] * b[1] + a[1] * b[4], a[0] * b[2] + a[1] * b[5] + a[2],
                        a[3] * b[0] + a[4] * b[3], a[3] * b[1] + a[4] * b[4], a[3] * b[2] + a[4] * b[5] + a[5]}};
}

int idem_expression_run(idem_expression *e, const idem_image *photo, const idem_crop *frame, float *probability) {
    const idem_crop box = idem_crop_from_box(&face_in_frame), crop = within(frame, &box);
    if (idem_warp(e->face->leaf, SIDE, SIDE, photo, &crop, IDEM_WARP_EDGE) || idem_plan_run(e->plan))
        return -1;
    const float *logits = idem_plan_value(e->plan, e->logits);
    if (idem_check_finite(logits, IDEM_EXPRESSIONS, "the expression network"))
        return -1;
    double top = logits[0], sum = 0;
    for (int i = 1; i < IDEM_EXPRESSIONS; i++)
        top = fmax(top, (double)logits[i]);
    for (int i = 0; i < IDEM_EXPRESSIONS; i++)
        sum += exp((double)logits[i] - top);
    for (int i = 0; i < IDEM_EXPRESSIONS; i++)
        probability[i] = (float)(exp((double)logits[i] - top) / sum);
    return 0;
}

int idem_expression_top(const float *probability) {
    int top = 0;
    for (int i = 1; i < IDEM_EXPRESSIONS; i++)
        top = probability[i] > probability[top] ? i : top;
    return top;
}
