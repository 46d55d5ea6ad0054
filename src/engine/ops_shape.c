/* Operators that move elements: reshape, permute, slice, embed, concat. */
#include <string.h>

#include "engine/fuse.h"
#include "engine/op.h"
#include "engine/ops.h"
#include "engine/ops_gradient.h"
#include "engine/strided.h"

/* ---- reshape ---- */

/* Whether the memory order of this shape is its row-major order. */
static bool is_rowmajor(const idem_shape *s) {
    return s->rank != 4 || s->d[1] == 1 || s->d[2] * s->d[3] == 1;
}

static bool reshape_is_view(const idem_node *n) {
    const idem_shape *a = &n->in[0]->shape, *b = &n->shape;
    if (a->rank == 4 && b->rank == 4 && a->d[0] == b->d[0] && a->d[1] == b->d[1])
        return true;
    return is_rowmajor(a) && is_rowmajor(b);
}

static void copy_order(const idem_shape *s, float *to, const float *from, bool to_rowmajor) {
    int64_t memory[IDEM_MAX_RANK], rowmajor[IDEM_MAX_RANK], step = 1;
    idem_shape_strides(s, memory);
    for (int i = s->rank - 1; i >= 0; i--) {
        rowmajor[i] = step;
        step *= s->d[i];
    }
    if (to_rowmajor)
        idem_strided_copy(s->rank, s->d, to, rowmajor, from, memory);
    else
        idem_strided_copy(s->rank, s->d, to, memory, from, rowmajor);
}

/* Reshaping between two shapes that are not row-major goes through a row-major copy. */
static bool reshape_in_two_steps(const idem_node *n) {
    return !is_rowmajor(&n->in[0]->shape) && !is_rowmajor(&n->shape);
}

static int reshape_prepare(idem_step *s) {
    if (reshape_in_two_steps(s->node) && !reshape_is_view(s->node))
        s->scratch_bytes = (size_t)idem_shape_count(&s->node->shape) * sizeof(float);
    return 0;
}

static void reshape_forward(const idem_step *s) {
    const idem_shape *a = &s->node->in[0]->shape, *b = &s->node->shape;
    if (reshape_in_two_steps(s->node)) {
        copy_order(a, s->scratch, s->in[0], true);
        copy_order(b, s->out, s->scratch, false);
    } else if (is_rowmajor(b)) {
        copy_order(a, s->out, s->in[0], true);
    } else {
        copy_order(b, s->out, s->in[0], false);
    }
}

static int reshape_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    if (want[0] && !(dx[0] = idem_reshape(dy, n->in[0]->shape)))
        return -1;
    return 0;
}

const idem_op idem_op_reshape = {.name = "reshape",
                                 .view = true,
                                 .is_view = reshape_is_view,
                                 .prepare = reshape_prepare,
                                 .forward = reshape_forward,
                                 .gradient = reshape_gradient};

idem_node *idem_reshape(idem_node *x, idem_shape shape) {
    if (!x)
        return NULL;
    if (idem_shape_equal(&x->shape, &shape))
        return x;
    if (shape.rank < 0 || shape.rank > IDEM_MAX_RANK || idem_shape_count(&x->shape) != idem_shape_count(&shape)) {
        char a[64], b[64];
        return idem_fail_null("reshape of '%s' %s to %s: the number of elements differs", x->name,
                              idem_shape_text(&x->shape, a), idem_shape_text(&shape, b));
    }
    return idem_node_new(&idem_op_reshape, shape, &x, 1, NULL, 0);
}

/* ---- permute ---- */

/* Two rows of n to n pairs, and back. */
IDEM_MULTIVERSION static void interleave(int64_t rows, int64_t n, const float *restrict x, float *restrict y) {
    for (int64_t r = 0; r < rows; r++, x += 2 * n, y += 2 * n)
        for (int64_t i = 0; i < n; i++) {
            y[2 * i] = x[i];
            y[2 * i + 1] = x[n + i];
        }
}

IDEM_MULTIVERSION static void separate(int64_t rows, int64_t n, const float *restrict x, float *restrict y) {
    for (int64_t r = 0; r < rows; r++, x += 2 * n, y += 2 * n)
        for (int64_t i = 0; i < n; i++) {
            y[i] = x[2 * i];
            y[n + i] = x[2 * i + 1];
        }
}

/* Pairs, as the channel shuffles of two groups make them. */
static bool permute_pairs(const idem_step *s) {
    const idem_node *n = s->node;
    const int *axes = n->attr;
    const int64_t *d = n->shape.d;
    if (n->shape.rank != 3 || axes[0] != 0 || (d[1] != 2 && d[2] != 2))
        return false;
    int64_t size = d[1] * d[2], share = size < IDEM_PARALLEL_ELEMENTS ? IDEM_PARALLEL_ELEMENTS / size : 1;
    int64_t parts = d[0] / share > 1 ? d[0] / share : 1;
    int threads = parts > 1 ? idem_threads() : 1;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t p = 0; p < parts; p++) {
        int64_t first = d[0] * p / parts, rows = d[0] * (p + 1) / parts - first;
        (d[2] == 2 ? interleave : separate)(rows, size / 2, s->in[0] + first * size, s->out + first * size);
    }
    return true;
}

static void permute_forward(const idem_step *s) {
    const idem_node *n = s->node;
    const int *axes = n->attr;
    if (permute_pairs(s))
        return;
    int64_t to[IDEM_MAX_RANK], own[IDEM_MAX_RANK], from[IDEM_MAX_RANK];
    idem_shape_strides(&n->shape, to);
    idem_shape_strides(&n->in[0]->shape, own);
    for (int i = 0; i < n->shape.rank; i++)
        from[i] = own[axes[i]];
    idem_strided_copy(n->shape.rank, n->shape.d, s->out, to, s->in[0], from);
}

static int permute_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    const int *axes = n->attr;
    int inverse[IDEM_MAX_RANK];
    for (int i = 0; i < n->shape.rank; i++)
        inverse[axes[i]] = i;
    if (want[0] && !(dx[0] = idem_permute(dy, inverse)))
        return -1;
    return 0;
}

const idem_op idem_op_permute = {.name = "permute", .forward = permute_forward, .gradient = permute_gradient};

idem_node *idem_permute(idem_node *x, const int *axes) {
    if (!x)
        return NULL;
    idem_shape shape = {.rank = x->shape.rank};
    unsigned seen = 0;
    bool same = true;
    for (int i = 0; i < shape.rank; i++) {
        if (axes[i] < 0 || axes[i] >= shape.rank || seen & 1u << axes[i])
            return idem_fail_null("permute of '%s': axis %d of the result is %d; expected each of 0 to %d once",
                                  x->name, i, axes[i], shape.rank - 1);
        seen |= 1u << axes[i];
        same = same && axes[i] == i;
        shape.d[i] = x->shape.d[axes[i]];
    }
    if (same)
        return x;
    return idem_node_new(&idem_op_permute, shape, &x, 1, axes, (size_t)shape.rank * sizeof *axes);
}

idem_node *idem_shuffle(idem_node *x, int64_t groups) {
    if (!x)
        return NULL;
    const int64_t *d = x->shape.d;
    if (x->shape.rank != 4 || groups < 1 || d[1] % groups) {
        char text[64];
        return idem_fail_null("shuffle of '%s' %s: %lld groups; expected rank 4 and a divisor of the channels", x->name,
                              idem_shape_text(&x->shape, text), (long long)groups);
    }
    idem_node *rows = idem_head(x, IDEM_SHAPE(d[0] * d[2] * d[3], groups, d[1] / groups));
    return idem_head(idem_permute(rows, (int[]){0, 2, 1}), x->shape);
}

idem_node *idem_pixels(idem_node *x) {
    if (!x)
        return NULL;
    const int64_t *d = x->shape.d;
    if (x->shape.rank != 4) {
        char text[64];
        return idem_fail_null("pixels of '%s' %s: expected rank 4", x->name, idem_shape_text(&x->shape, text));
    }
    return idem_head(x, IDEM_SHAPE(d[0], d[2] * d[3], d[1]));
}

/* ---- slice and embed: the part of a tensor at start, start + step, ... along an axis ---- */

typedef struct {
    int axis;
    int64_t start, step;
} part_attr;

static void copy_part(const idem_shape *part, const idem_shape *whole, part_attr a, float *to, const float *from,
                      bool into_whole) {
    int64_t ps[IDEM_MAX_RANK], ws[IDEM_MAX_RANK];
    idem_shape_strides(part, ps);
    idem_shape_strides(whole, ws);
    int64_t offset = a.start * ws[a.axis];
    ws[a.axis] *= a.step;
    if (into_whole)
        idem_strided_copy(part->rank, part->d, to + offset, ws, from, ps);
    else
        idem_strided_copy(part->rank, part->d, to, ps, from + offset, ws);
}

static void slice_forward(const idem_step *s) {
    const idem_node *n = s->node;
    copy_part(&n->shape, &n->in[0]->shape, *(const part_attr *)n->attr, s->out, s->in[0], false);
}

static int slice_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    const part_attr *a = n->attr;
    if (want[0] && !(dx[0] = idem_embed(dy, a->axis, a->start, n->in[0]->shape.d[a->axis], a->step)))
        return -1;
    return 0;
}

static void part_cost(const idem_node *n, double *flops, double *bytes) {
    *flops = 0;
    *bytes = 8 * (double)idem_shape_count(&n->shape);
}

static int64_t slice_offset(const idem_node *n) {
    const part_attr *a = n->attr;
    return a->start * (idem_shape_count(&n->shape) / n->shape.d[0]);
}

/* Some pictures of a batch are contiguous; kernels need values aligned to cache lines. */
static bool slice_is_view(const idem_node *n) {
    const part_attr *a = n->attr;
    return a->axis == 0 && a->step == 1 && slice_offset(n) % (64 / (int64_t)sizeof(float)) == 0;
}

const idem_op idem_op_slice = {.name = "slice",
                               .view = true,
                               .is_view = slice_is_view,
                               .view_offset = slice_offset,
                               .forward = slice_forward,
                               .gradient = slice_gradient,
                               .cost = part_cost};

static bool part_fits(const idem_shape *s, int axis, int64_t start, int64_t size, int64_t full, int64_t step) {
    return axis >= 0 && axis < s->rank && start >= 0 && size >= 1 && step >= 1 && start < full &&
           size - 1 <= (full - 1 - start) / step;
}

idem_node *idem_slice(idem_node *x, int axis, int64_t start, int64_t size, int64_t step) {
    if (!x)
        return NULL;
    if (axis < 0 || axis >= x->shape.rank || !part_fits(&x->shape, axis, start, size, x->shape.d[axis], step)) {
        char text[64];
        return idem_fail_null("slice of '%s' %s: %lld elements from %lld by %lld along axis %d do not lie inside",
                              x->name, idem_shape_text(&x->shape, text), (long long)size, (long long)start,
                              (long long)step, axis);
    }
    if (size == x->shape.d[axis])
        return x;
    idem_shape shape = x->shape;
    shape.d[axis] = size;
    part_attr a = {axis, start, step};
    return idem_node_new(&idem_op_slice, shape, &x, 1, &a, sizeof a);
}

static void embed_forward(const idem_step *s) {
    const idem_node *n = s->node;
    memset(s->out, 0, (size_t)idem_shape_count(&n->shape) * sizeof(float));
    copy_part(&n->in[0]->shape, &n->shape, *(const part_attr *)n->attr, s->out, s->in[0], true);
}

static int embed_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    const part_attr *a = n->attr;
    if (want[0] && !(dx[0] = idem_slice(dy, a->axis, a->start, n->in[0]->shape.d[a->axis], a->step)))
        return -1;
    return 0;
}

const idem_op idem_op_embed = {.name = "embed", .forward = embed_forward, .gradient = embed_gradient};

idem_node *idem_embed(idem_node *x, int axis, int64_t start, int64_t full, int64_t step) {
    if (!x)
        return NULL;
    if (axis < 0 || axis >= x->shape.rank || !part_fits(&x->shape, axis, start, x->shape.d[axis], full, step)) {
        char text[64];
        return idem_fail_null("embed of '%s' %s: from %lld by %lld along axis %d it does not fit into %lld elements",
                              x->name, idem_shape_text(&x->shape, text), (long long)start, (long long)step, axis,
                              (long long)full);
    }
    if (full == x->shape.d[axis])
        return x;
    idem_shape shape = x->shape;
    shape.d[axis] = full;
    part_attr a = {axis, start, step};
    return idem_node_new(&idem_op_embed, shape, &x, 1, &a, sizeof a);
}

/* ---- concat ---- */

static void concat_forward(const idem_step *s) {
    const idem_node *n = s->node;
    int axis = *(const int *)n->attr;
    int64_t start = 0;
    for (int k = 0; k < n->n_in; k++) {
        copy_part(&n->in[k]->shape, &n->shape, (part_attr){axis, start, 1}, s->out, s->in[k], true);
        start += n->in[k]->shape.d[axis];
    }
}

static int concat_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    int axis = *(const int *)n->attr;
    int64_t start = 0;
    for (int k = 0; k < n->n_in; k++) {
        int64_t size = n->in[k]->shape.d[axis];
        if (want[k] && !(dx[k] = idem_slice(dy, axis, start, size, 1)))
            return -1;
        start += size;
    }
    return 0;
}

const idem_op idem_op_concat = {.name = "concat", .forward = concat_forward, .gradient = concat_gradient};

bool idem_concat_is_of_channels(const idem_node *n) {
    return n->op == &idem_op_concat && n->shape.rank == 4 && *(const int *)n->attr == 1;
}

idem_node *idem_concat(idem_node *const *x, int n, int axis) {
    if (n < 1)
        return idem_fail_null("concat of no inputs");
    for (int k = 0; k < n; k++)
        if (!x[k])
            return NULL;
    idem_shape shape = x[0]->shape;
    if (axis < 0 || axis >= shape.rank)
        return idem_fail_null("concat of '%s': axis %d of rank %d", x[0]->name, axis, shape.rank);
    for (int k = 1; k < n; k++) {
        idem_shape other = x[k]->shape;
        other.d[axis] = x[0]->shape.d[axis];
        if (!idem_shape_equal(&other, &x[0]->shape)) {
            char a[64], b[64];
            return idem_fail_null("concat along axis %d: '%s' %s and '%s' %s differ in another axis", axis, x[0]->name,
                                  idem_shape_text(&x[0]->shape, a), x[k]->name, idem_shape_text(&x[k]->shape, b));
        }
        if (__builtin_add_overflow(shape.d[axis], x[k]->shape.d[axis], &shape.d[axis]))
            return idem_fail_null("concat along axis %d: too many elements", axis);
    }
    return n == 1 ? x[0] : idem_node_new(&idem_op_concat, shape, x, n, &axis, sizeof axis);
}
