/* Upsample and Resize of pictures: each output pixel is a weighted sum of up to 4 x 4 input pixels, a constant map.
 * Coordinates and roundings as defined per opset by the ONNX operator specification. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops.h"
#include "nets/onnx_build.h"

enum { TAPS = 4, SIDE_MOST = 1 << 12, ENTRIES_MOST = 1 << 22 };

typedef enum { HALF_PIXEL, PYTORCH_HALF_PIXEL, ALIGN_CORNERS, ASYMMETRIC, HALF_PIXEL_NEAREST } placement;
typedef enum { PREFER_FLOOR, PREFER_CEIL, FLOOR, CEIL, BEFORE_11 } rounding;
typedef enum { NEAREST, LINEAR, CUBIC } kernel;

typedef struct {
    placement placement;
    rounding rounding;
    kernel kernel;
    double cubic_a;
    bool exclude_outside;
} rule;

/* One axis: output o reads input index[o][k] with weight[o][k], k < n. */
typedef struct {
    int in, out, n;
    double scale;
    int (*index)[TAPS];
    float (*weight)[TAPS];
} axis;

/* The index of `name` in the list, or a failure that names the node. */
static int choose(const idem_onnx_node *n, const char *attribute, const char *fallback, const char *const *names) {
    const char *name = idem_onnx_string(n, attribute, fallback);
    for (int i = 0; names[i]; i++)
        if (!strcmp(names[i], name))
            return i;
    return idem_fail("%s (%s): %s is \"%.40s\", which is not supported", n->name, n->op_type, attribute, name);
}

static int read_rule(const idem_onnx_node *n, int64_t opset, rule *r) {
    static const char *const kernels[] = {"nearest", "linear", "cubic", NULL};
    static const char *const places[] = {"half_pixel", "pytorch_half_pixel",   "align_corners",
                                         "asymmetric", "tf_half_pixel_for_nn", NULL};
    static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil", NULL};
    int chosen[3] = {choose(n, "mode", "nearest", kernels), ASYMMETRIC, BEFORE_11};
    if (opset >= 11) {
        chosen[1] = choose(n, "coordinate_transformation_mode", "half_pixel", places);
        chosen[2] = choose(n, "nearest_mode", "round_prefer_floor", roundings);
    }
    for (int i = 0; i < 3; i++)
        if (chosen[i] < 0)
            return -1;
    *r = (rule){.kernel = (kernel)chosen[0],
                .placement = (placement)chosen[1],
                .rounding = (rounding)chosen[2],
                .cubic_a = (double)idem_onnx_float(n, "cubic_coeff_a", -0.75f),
                .exclude_outside = idem_onnx_int(n, "exclude_outside", 0) != 0};
    return 0;
}

/* The centre of output o in input pixels. */
static double source_of(const rule *r, const axis *a, int o) {
    switch (r->placement) {
    case PYTORCH_HALF_PIXEL:
        return a->out > 1 ? (o + 0.5) / a->scale - 0.5 : 0;
    case ALIGN_CORNERS:
        return a->out > 1 ? (double)o * (a->in - 1) / (a->out - 1) : 0;
    case ASYMMETRIC:
        return o / a->scale;
    case HALF_PIXEL_NEAREST:
        return (o + 0.5) / a->scale;
    default:
        return (o + 0.5) / a->scale - 0.5;
    }
}

static double rounded(const rule *r, const axis *a, double x) {
    switch (r->rounding) {
    case PREFER_CEIL:
        return floor(x + 0.5);
    case FLOOR:
        return floor(x);
    case CEIL:
        return ceil(x);
    case BEFORE_11:
        return a->scale < 1 ? ceil(x) : floor(x);
    default:
        return ceil(x - 0.5);
    }
}

/* Keys' cubic convolution at a distance of d pixels. */
static double cubic(double a, double d) {
    d = fabs(d);
    if (d <= 1)
        return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

static void fill_axis(const rule *r, axis *a) {
    static const int counts[] = {1, 2, 4};
    a->n = counts[r->kernel];
    for (int o = 0; o < a->out; o++) {
        const double x = source_of(r, a, o);
        const int first = (int)(r->kernel == NEAREST ? rounded(r, a, x) : floor(x)) - (r->kernel == CUBIC);
        double weight[TAPS], sum = 0;
        for (int k = 0; k < a->n; k++) {
            const bool outside = first + k < 0 || first + k >= a->in;
            weight[k] = r->kernel == NEAREST  ? 1
                        : r->kernel == LINEAR ? 1 - fabs(x - (first + k))
                                              : cubic(r->cubic_a, x - (first + k));
            if (outside && r->exclude_outside)
                weight[k] = 0;
            sum += weight[k];
            a->index[o][k] = first + k < 0 ? 0 : first + k >= a->in ? a->in - 1 : first + k;
        }
        for (int k = 0; k < a->n; k++)
            a->weight[o][k] = (float)(r->exclude_outside && sum != 0 ? weight[k] / sum : weight[k]);
    }
}

static idem_node *map_of(idem_node *x, const axis *v, const axis *h) {
    const size_t n = (size_t)v->out * (size_t)h->out, each = (size_t)v->n * (size_t)h->n;
    int *start = malloc((n + 1) * sizeof *start), *column = malloc(n * each * sizeof *column);
    float *value = malloc(n * each * sizeof *value);
    idem_node *y = NULL;
    if (start && column && value) {
        int k = 0;
        for (int p = 0; p < v->out * h->out; p++) {
            const int row = p / h->out, col = p % h->out;
            start[p] = k;
            for (int i = 0; i < v->n * h->n; i++, k++) {
                column[k] = v->index[row][i / h->n] * h->in + h->index[col][i % h->n];
                value[k] = v->weight[row][i / h->n] * h->weight[col][i % h->n];
            }
        }
        start[n] = k;
        const idem_sparse map = {
            .rows = (int)n, .columns = v->in * h->in, .start = start, .column = column, .value = value};
        y = idem_spatial_map(x, &map, v->out, h->out);
    } else {
        idem_fail_as(IDEM_MEMORY, "out of memory for building an ONNX model");
    }
    free(start);
    free(column);
    free(value);
    return y;
}

/* Scales or sizes of both axes: attribute, inputs of opset 9 and 10, inputs of opset 11. */
static int read_axes(const idem_onnx_builder *b, const idem_onnx_node *n, const idem_node *x, axis a[2]) {
    const size_t at = strcmp(n->op_type, "Resize") == 0 && b->model->opset >= 11 ? 2 : 1;
    const idem_onnx_val *scales = idem_onnx_in(b, n, at), *sizes = at == 2 ? idem_onnx_in(b, n, 3) : NULL;
    const idem_onnx_tensor *t = scales ? scales->constant : NULL;
    const bool scaled = t && t->f && t->count == 4, sized = sizes && sizes->ints && sizes->count == 4;
    if (!scaled && !sized)
        return idem_fail("%s (%s): scales or sizes must be four constant numbers", n->name, n->op_type);
    for (int i = 0; i < 4; i++) {
        const double in = (double)x->shape.d[i], out = sized ? (double)sizes->ints[i] : floor(in * (double)t->f[i]);
        const bool kept =
            sized ? sizes->ints[i] == x->shape.d[i] || (i == 0 && sizes->ints[0] == b->file_batch) : t->f[i] == 1;
        if (i < 2 ? !kept : !(out >= 1 && out <= SIDE_MOST && in <= SIDE_MOST))
            return idem_fail("%s (%s): only the sides of pictures can be resized, to 1 to %d pixels", n->name,
                             n->op_type, SIDE_MOST);
        if (i >= 2)
            a[i - 2] = (axis){.in = (int)in, .out = (int)out, .scale = sized ? out / in : (double)t->f[i]};
    }
    return 0;
}

static int op_resize(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    idem_node *x = idem_onnx_in_node(b, n, 0);
    rule r;
    axis a[2];
    if (!x || read_rule(n, b->model->opset, &r))
        return -1;
    if (x->shape.rank != 4)
        return idem_fail("%s (%s): input of rank %d; only pictures [N, C, H, W] are supported", n->name, n->op_type,
                         x->shape.rank);
    if (read_axes(b, n, x, a))
        return -1;
    if ((int64_t)a[0].out * a[1].out > ENTRIES_MOST >> (2 * r.kernel))
        return idem_fail("%s (%s): %d x %d pixels are too many", n->name, n->op_type, a[1].out, a[0].out);
    for (int i = 0; i < 2; i++) {
        a[i].index = idem_arena_array(idem_graph_arena(b->graph), (size_t)a[i].out, sizeof *a[i].index);
        a[i].weight = idem_arena_array(idem_graph_arena(b->graph), (size_t)a[i].out, sizeof *a[i].weight);
        if (!a[i].index || !a[i].weight)
            return -1;
        fill_axis(&r, &a[i]);
    }
    return idem_onnx_set_node(out[0], map_of(x, &a[0], &a[1]));
}

const idem_onnx_op idem_onnx_resize_ops[] = {{"Upsample", op_resize}, {"Resize", op_resize}, {NULL, NULL}};
