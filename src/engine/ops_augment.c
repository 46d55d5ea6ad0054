/* augment: applies a separate affine warp, colour matrix and cut-out box to every picture of a batch, before a
 * discriminator sees it. The node is affine in the pictures; with its adjoint it is closed under differentiation.
 *
 * The warp samples as PyTorch's grid_sample does: cubic with a = -0.75, borders mirrored about the edges of the outer
 * pixels. A warp that moves whole pixels onto whole pixels copies them. */
#include <math.h>
#include <string.h>

#include "engine/op.h"
#include "engine/ops.h"

enum { TAPS = 4, COLOURS = 3 };

typedef struct {
    bool linear; /* without the colour offset */
} augment_attr;

/* Weights of the taps floor(u) - 1 .. floor(u) + 2 for u = floor(u) + t. */
static inline void cubic(float w[TAPS], float t) {
    const float a = -0.75f, s = 1 - t;
    w[0] = ((a * (t + 1) - 5 * a) * (t + 1) + 8 * a) * (t + 1) - 4 * a;
    w[1] = ((a + 2) * t - (a + 3)) * t * t + 1;
    w[2] = ((a + 2) * s - (a + 3)) * s * s + 1;
    w[3] = ((a * (s + 1) - 5 * a) * (s + 1) + 8 * a) * (s + 1) - 4 * a;
}

static inline int64_t mirror(int64_t i, int64_t size) {
    if (i >= 0 && i < size)
        return i;
    i = i < 0 ? -i - 1 : i;
    i %= 2 * size;
    return i < size ? i : 2 * size - 1 - i;
}

/* Taps along one axis at coordinate u: elements at[k] with weights w[k], k from first up to end. */
typedef struct {
    int first, end;
    int64_t at[TAPS];
    float w[TAPS];
} axis_taps;

static inline void make_taps(axis_taps *a, float u, int64_t size) {
    const float whole = floorf(u), t = u - whole;
    const int64_t base = (int64_t)whole;
    if (t == 0) {
        a->first = 1;
        a->end = 2;
        a->at[1] = mirror(base, size);
        a->w[1] = 1;
        return;
    }
    a->first = 0;
    a->end = TAPS;
    cubic(a->w, t);
    for (int k = 0; k < TAPS; k++)
        a->at[k] = mirror(base - 1 + k, size);
}

/* Coordinates far outside are clamped, so that they do not overflow. */
static inline float bounded(float u, int64_t size) {
    const float far = 64 * (float)size;
    return u >= -far && u <= far ? u : 0;
}

typedef struct {
    int64_t height, width;
    const float *p; /* the picture's numbers */
} picture;

static inline bool is_cut(const float *p, int64_t x, int64_t y) {
    const float *box = p + IDEM_AUGMENT_BOX;
    return (float)x >= box[0] && (float)y >= box[1] && (float)x < box[2] && (float)y < box[3];
}

static inline void pixel_taps(const picture *q, int64_t x, int64_t y, axis_taps *tx, axis_taps *ty) {
    const float cx = 0.5f * (float)(q->width - 1), cy = 0.5f * (float)(q->height - 1);
    const float dx = (float)x - cx, dy = (float)y - cy, *m = q->p;
    make_taps(tx, bounded(m[0] * dx + m[1] * dy + m[2] + cx, q->width), q->width);
    make_taps(ty, bounded(m[3] * dx + m[4] * dy + m[5] + cy, q->height), q->height);
}

IDEM_MULTIVERSION static void augment_picture(const picture *q, const float *restrict in, float *restrict out,
                                              bool linear) {
    const float *colour = q->p + IDEM_AUGMENT_COLOUR, *offset = q->p + IDEM_AUGMENT_OFFSET;
    for (int64_t y = 0; y < q->height; y++)
        for (int64_t x = 0; x < q->width; x++, out += COLOURS) {
            if (is_cut(q->p, x, y)) {
                memset(out, 0, COLOURS * sizeof *out);
                continue;
            }
            axis_taps tx, ty;
            pixel_taps(q, x, y, &tx, &ty);
            float s[COLOURS] = {0};
            for (int j = ty.first; j < ty.end; j++)
                for (int i = tx.first; i < tx.end; i++) {
                    const float w = ty.w[j] * tx.w[i], *from = in + (ty.at[j] * q->width + tx.at[i]) * COLOURS;
                    for (int c = 0; c < COLOURS; c++)
                        s[c] += w * from[c];
                }
            for (int c = 0; c < COLOURS; c++) {
                const float *row = colour + c * COLOURS;
                out[c] = row[0] * s[0] + row[1] * s[1] + row[2] * s[2] + (linear ? 0 : offset[c]);
            }
        }
}

IDEM_MULTIVERSION static void adjoint_picture(const picture *q, const float *restrict dy, float *restrict dx) {
    const float *colour = q->p + IDEM_AUGMENT_COLOUR;
    memset(dx, 0, (size_t)(q->height * q->width * COLOURS) * sizeof *dx);
    for (int64_t y = 0; y < q->height; y++)
        for (int64_t x = 0; x < q->width; x++, dy += COLOURS) {
            if (is_cut(q->p, x, y))
                continue;
            axis_taps tx, ty;
            pixel_taps(q, x, y, &tx, &ty);
            float d[COLOURS];
            for (int c = 0; c < COLOURS; c++)
                d[c] = colour[c] * dy[0] + colour[COLOURS + c] * dy[1] + colour[2 * COLOURS + c] * dy[2];
            for (int j = ty.first; j < ty.end; j++)
                for (int i = tx.first; i < tx.end; i++) {
                    const float w = ty.w[j] * tx.w[i];
                    float *to = dx + (ty.at[j] * q->width + tx.at[i]) * COLOURS;
                    for (int c = 0; c < COLOURS; c++)
                        to[c] += w * d[c];
                }
        }
}

static void run(const idem_step *s, bool adjoint) {
    const int64_t *d = s->node->shape.d, numbers = d[1] * d[2] * d[3];
    const augment_attr *a = s->node->attr;
    const int threads = d[0] < 2 ? 1 : idem_threads();
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t n = 0; n < d[0]; n++) {
        const picture q = {d[2], d[3], s->in[1] + n * IDEM_AUGMENT_NUMBERS};
        if (adjoint)
            adjoint_picture(&q, s->in[0] + n * numbers, s->out + n * numbers);
        else
            augment_picture(&q, s->in[0] + n * numbers, s->out + n * numbers, a->linear);
    }
}

static void augment_forward(const idem_step *s) {
    run(s, false);
}

static void adjoint_forward(const idem_step *s) {
    run(s, true);
}

static int augment_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx);
static int adjoint_gradient(idem_node *n, idem_node *g, const bool *want, idem_node **dx);

static void augment_cost(const idem_node *n, double *flops, double *bytes) {
    const double count = (double)idem_shape_count(&n->shape);
    *flops = 2 * count * (TAPS * TAPS + COLOURS);
    *bytes = 8 * count;
}

const idem_op idem_op_augment = {
    .name = "augment", .forward = augment_forward, .gradient = augment_gradient, .cost = augment_cost};
const idem_op idem_op_augment_adjoint = {
    .name = "augment_adjoint", .forward = adjoint_forward, .gradient = adjoint_gradient, .cost = augment_cost};

static idem_node *make(const idem_op *op, idem_node *x, idem_node *numbers, bool linear) {
    const augment_attr a = {linear};
    return x ? idem_node_new(op, x->shape, (idem_node *[]){x, numbers}, 2, &a, sizeof a) : NULL;
}

static int augment_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    return want[0] && !(dx[0] = make(&idem_op_augment_adjoint, dy, n->in[1], true)) ? -1 : 0;
}

static int adjoint_gradient(idem_node *n, idem_node *g, const bool *want, idem_node **dx) {
    return want[0] && !(dx[0] = make(&idem_op_augment, g, n->in[1], true)) ? -1 : 0;
}

idem_node *idem_augment(idem_node *x, idem_node *numbers) {
    if (!x || !numbers)
        return NULL;
    char a[64], b[64];
    const int64_t *d = x->shape.d, *p = numbers->shape.d;
    if (x->shape.rank != 4 || d[1] != COLOURS || numbers->shape.rank != 2 || p[0] != d[0] ||
        p[1] != IDEM_AUGMENT_NUMBERS)
        return idem_fail_null("augment of '%s' %s by '%s' %s: expected [N, 3, H, W] and [N, %d]", x->name,
                              idem_shape_text(&x->shape, a), numbers->name, idem_shape_text(&numbers->shape, b),
                              IDEM_AUGMENT_NUMBERS);
    return make(&idem_op_augment, x, numbers, false);
}
