/* ONNX operators that move numbers, also for integers: shapes, indices, lists. */
#include <stdlib.h>
#include <string.h>

#include "engine/ops.h"
#include "nets/onnx_ints.h"

static int op_constant(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const idem_onnx_attr *a = idem_onnx_attribute(n, "value");
    if (a && a->type == IDEM_ONNX_TENSOR) {
        out[0]->constant = a->tensor;
        out[0]->ints = a->tensor->i;
        out[0]->count = a->tensor->count;
        out[0]->shape = a->tensor->shape;
        return 0;
    }
    if ((a = idem_onnx_attribute(n, "value_int")) && a->type == IDEM_ONNX_INT)
        return idem_onnx_set_ints(b, out[0], &a->i, 1, 0);
    if ((a = idem_onnx_attribute(n, "value_ints")) && a->type == IDEM_ONNX_INTS)
        return idem_onnx_set_ints(b, out[0], a->ints, a->count, 1);
    if ((a = idem_onnx_attribute(n, "value_float")) && a->type == IDEM_ONNX_FLOAT)
        return idem_onnx_set_node(out[0], idem_const(b->graph, n->name, IDEM_SCALAR, &a->f));
    return idem_fail("%s (Constant): no value of a supported type", n->name);
}

static int op_shape(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const idem_onnx_val *x = idem_onnx_in(b, n, 0);
    if (!x || (!x->node && !x->constant && !x->ints))
        return idem_fail("%s (Shape): its input is missing", n->name);
    const idem_shape *s = x->ints ? &x->shape : x->node ? &x->node->shape : &x->constant->shape;
    return idem_onnx_set_ints(b, out[0], s->d, (size_t)s->rank, 1);
}

/* ---- reshaping ---- */

/* Fills in 0 (keep) and the one -1 (the rest); false if the counts do not fit. */
static bool resolve(const idem_shape *in, const int64_t *target, size_t rank, bool zero_keeps, idem_shape *shape) {
    const int64_t count = idem_shape_count(in);
    int64_t known = 1;
    int rest = -1;
    shape->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        int64_t d = target[i];
        if (d == 0 && zero_keeps && (int)i < in->rank)
            d = in->d[i];
        if (d == -1 && rest < 0) {
            rest = (int)i;
            continue;
        }
        if (d < 1 || d > count || known > count / d)
            return false;
        known *= d;
        shape->d[i] = d;
    }
    if (rest >= 0)
        shape->d[rest] = count / known;
    return rest >= 0 ? count % known == 0 : known == count;
}

/* Reshape to groups, exchange of the first two axes of five, reshape back: a shuffle of channels. Its input picture, or
 * NULL. */
static idem_node *shuffle_source(const idem_onnx_builder *b, const idem_onnx_node *n, int64_t *groups) {
    static const int64_t exchange[5] = {0, 2, 1, 3, 4};
    const idem_onnx_node *turn = idem_onnx_producer(b, n, 0), *split = turn ? idem_onnx_producer(b, turn, 0) : NULL;
    if (!split || strcmp(turn->op_type, "Transpose") != 0 || strcmp(split->op_type, "Reshape") != 0)
        return NULL;
    size_t count;
    const int64_t *perm = idem_onnx_ints(turn, "perm", &count);
    const idem_onnx_val *parts = idem_onnx_in(b, turn, 0), *whole = idem_onnx_in(b, split, 0);
    if (!perm || count != 5 || memcmp(perm, exchange, sizeof exchange) != 0 || !parts || !whole || !parts->node ||
        !whole->node || whole->node->shape.rank != 4 || parts->node->shape.rank != 5)
        return NULL;
    const int64_t *d = parts->node->shape.d, *w = whole->node->shape.d;
    *groups = d[1];
    return d[0] == w[0] && d[3] == w[2] && d[4] == w[3] ? whole->node : NULL;
}

/* Channels as the last axis before this reshape: the values' order in memory. The picture, or NULL. */
static idem_node *pixels_source(const idem_onnx_builder *b, const idem_onnx_node *n) {
    static const int64_t last[4] = {0, 2, 3, 1};
    const idem_onnx_node *turn = idem_onnx_producer(b, n, 0);
    size_t count;
    const int64_t *perm = turn && !strcmp(turn->op_type, "Transpose") ? idem_onnx_ints(turn, "perm", &count) : NULL;
    const idem_onnx_val *x = perm ? idem_onnx_in(b, turn, 0) : NULL;
    return x && x->node && x->node->shape.rank == 4 && count == 4 && !memcmp(perm, last, sizeof last) ? x->node : NULL;
}

static int op_reshape(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const idem_onnx_val *source = idem_onnx_in(b, n, 0);
    const int64_t *target;
    size_t rank;
    const int found = idem_onnx_list(b, n, "shape", 1, &target, &rank);
    if (found < 0)
        return -1;
    if (!found || rank > IDEM_MAX_RANK)
        return idem_fail("%s (Reshape): the new shape is missing or has more than %d axes", n->name, IDEM_MAX_RANK);
    idem_shape shape;
    const bool zero_keeps = idem_onnx_int(n, "allowzero", 0) == 0;
    if (source && source->ints)
        return source->count && resolve(&source->shape, target, rank, zero_keeps, &shape)
                   ? idem_onnx_set_grid(b, out[0], source->ints, shape)
                   : idem_fail("%s (Reshape): %zu integers do not fit the new shape", n->name, source->count);
    idem_node *x = idem_onnx_in_node(b, n, 0);
    if (!x)
        return -1;
    int64_t real[IDEM_MAX_RANK] = {0};
    memcpy(real, target, rank * sizeof *real);
    /* A constant shape was written for the file's batch: replaces its first dimension by this one. */
    if (rank > 0 && real[0] == b->file_batch && b->batch != b->file_batch && x->shape.rank > 0 &&
        x->shape.d[0] == b->batch)
        real[0] = b->batch;
    if (!resolve(&x->shape, real, rank, zero_keeps, &shape) && !resolve(&x->shape, target, rank, zero_keeps, &shape)) {
        char text[64], want[64];
        idem_shape asked = {.rank = (int)rank};
        memcpy(asked.d, target, rank * sizeof *target);
        return idem_fail("%s (Reshape): %s cannot become %s", n->name, idem_shape_text(&x->shape, text),
                         idem_shape_text(&asked, want));
    }
    idem_node *pixels = pixels_source(b, n);
    if (pixels && shape.rank != 4)
        return idem_onnx_set_node(out[0], idem_reshape(idem_pixels(pixels), shape));
    int64_t groups;
    idem_node *shuffled = shuffle_source(b, n, &groups);
    if (shuffled && idem_shape_equal(&shuffled->shape, &shape))
        return idem_onnx_set_node(out[0], idem_shuffle(shuffled, groups));
    return idem_onnx_set_node(out[0], idem_reshape(x, shape));
}

static int op_flatten(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    idem_node *x = idem_onnx_in_node(b, n, 0);
    if (!x)
        return -1;
    const int64_t axis = idem_onnx_int(n, "axis", 1);
    if (axis < -x->shape.rank || axis > x->shape.rank)
        return idem_fail("%s (Flatten): axis %lld of rank %d", n->name, (long long)axis, x->shape.rank);
    idem_shape flat = IDEM_SHAPE(1, 1);
    for (int i = 0; i < x->shape.rank; i++)
        flat.d[i >= (axis < 0 ? axis + x->shape.rank : axis)] *= x->shape.d[i];
    return idem_onnx_set_node(out[0], idem_reshape(x, flat));
}

static int op_unsqueeze(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const idem_onnx_val *source = idem_onnx_in(b, n, 0);
    const int64_t *axes;
    size_t n_axes;
    const int found = idem_onnx_list(b, n, "axes", 1, &axes, &n_axes);
    if (found < 0)
        return -1;
    if (!found || n_axes == 0)
        return idem_fail("%s (Unsqueeze): axes are missing", n->name);
    const bool integers = source && source->ints;
    idem_node *x = integers ? NULL : idem_onnx_in_node(b, n, 0);
    if (!integers && !x)
        return -1;
    const idem_shape old = integers ? source->shape : x->shape;
    if (n_axes + (size_t)old.rank > IDEM_MAX_RANK)
        return idem_fail("%s (Unsqueeze): more than %d axes", n->name, IDEM_MAX_RANK);
    idem_shape shape = {.rank = old.rank + (int)n_axes};
    bool added[IDEM_MAX_RANK] = {false};
    for (size_t i = 0; i < n_axes; i++) {
        const int axis = idem_onnx_axis(n, axes[i], shape.rank);
        if (axis < 0)
            return -1;
        if (added[axis])
            return idem_fail("%s (Unsqueeze): axis %d twice", n->name, axis);
        added[axis] = true;
    }
    for (int i = 0, k = 0; i < shape.rank; i++)
        shape.d[i] = added[i] ? 1 : old.d[k++];
    return integers ? idem_onnx_set_grid(b, out[0], source->ints, shape)
                    : idem_onnx_set_node(out[0], idem_reshape(x, shape));
}

static int op_squeeze(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const idem_onnx_val *source = idem_onnx_in(b, n, 0);
    const int64_t *axes;
    size_t n_axes = 0;
    const int found = idem_onnx_list(b, n, "axes", 1, &axes, &n_axes);
    if (found < 0)
        return -1;
    const bool integers = source && source->ints;
    idem_node *x = integers ? NULL : idem_onnx_in_node(b, n, 0);
    if (!integers && !x)
        return -1;
    const idem_shape old = integers ? source->shape : x->shape;
    bool gone[IDEM_MAX_RANK];
    for (int i = 0; i < old.rank; i++)
        gone[i] = !found && old.d[i] == 1;
    for (size_t i = 0; found && i < n_axes; i++) {
        const int axis = idem_onnx_axis(n, axes[i], old.rank);
        if (axis < 0)
            return -1;
        if (old.d[axis] != 1)
            return idem_fail("%s (Squeeze): axis %d has %lld elements, expected 1", n->name, axis,
                             (long long)old.d[axis]);
        gone[axis] = true;
    }
    idem_shape shape = {.rank = 0};
    for (int i = 0; i < old.rank; i++)
        if (!gone[i])
            shape.d[shape.rank++] = old.d[i];
    return integers ? idem_onnx_set_grid(b, out[0], source->ints, shape)
                    : idem_onnx_set_node(out[0], idem_reshape(x, shape));
}

static int op_transpose(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const idem_onnx_val *source = idem_onnx_in(b, n, 0);
    const bool integers = source && source->ints;
    idem_node *x = integers ? NULL : idem_onnx_in_node(b, n, 0);
    if (!integers && !x)
        return -1;
    const idem_shape old = integers ? source->shape : x->shape;
    size_t count;
    const int64_t *perm = idem_onnx_ints(n, "perm", &count);
    int axes[IDEM_MAX_RANK];
    if (perm && count != (size_t)old.rank)
        return idem_fail("%s (Transpose): perm has %zu axes, its input %d", n->name, count, old.rank);
    int64_t strides[IDEM_MAX_RANK], stride[IDEM_MAX_RANK];
    idem_shape shape = {.rank = old.rank};
    idem_onnx_strides(&old, strides);
    bool seen[IDEM_MAX_RANK] = {false};
    for (int i = 0; i < old.rank; i++) {
        axes[i] = perm ? idem_onnx_axis(n, perm[i], old.rank) : old.rank - 1 - i;
        if (axes[i] < 0)
            return -1;
        if (seen[axes[i]])
            return idem_fail("%s (Transpose): axis %d twice", n->name, axes[i]);
        seen[axes[i]] = true;
        shape.d[i] = old.d[axes[i]];
        stride[i] = strides[axes[i]];
    }
    return integers ? idem_onnx_view(b, out[0], source, shape, 0, stride)
                    : idem_onnx_set_node(out[0], idem_permute(x, axes));
}

/* ---- parts ---- */

static int op_concat(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    size_t n_ints = 0;
    for (size_t i = 0; i < n->n_inputs; i++) {
        const idem_onnx_val *v = idem_onnx_in(b, n, i);
        n_ints += v && v->ints;
    }
    if (n->n_inputs && n_ints == n->n_inputs)
        return idem_onnx_concat_ints(b, n, out[0]);
    idem_node **parts = calloc(n->n_inputs + 1, sizeof(idem_node *));
    int status = parts ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for building an ONNX model");
    for (size_t i = 0; i < n->n_inputs && !status; i++) {
        parts[i] = idem_onnx_in_node(b, n, i);
        status = parts[i] ? 0 : -1;
    }
    if (!status && n->n_inputs == 0)
        status = idem_fail("%s (Concat): no inputs", n->name);
    int axis = status ? -1 : idem_onnx_axis(n, idem_onnx_int(n, "axis", 1), parts[0]->shape.rank);
    if (axis < 0)
        status = -1;
    else if (n->n_inputs == 1)
        out[0]->node = parts[0];
    else
        status = idem_onnx_set_node(out[0], idem_concat(parts, (int)n->n_inputs, axis));
    free(parts);
    return status;
}

static int op_split(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    idem_node *x = idem_onnx_in_node(b, n, 0);
    const int64_t *sizes;
    size_t count;
    const int found = idem_onnx_list(b, n, "split", 1, &sizes, &count);
    const int axis = x && found >= 0 ? idem_onnx_axis(n, idem_onnx_int(n, "axis", 0), x->shape.rank) : -1;
    if (axis < 0)
        return -1;
    const int64_t full = x->shape.d[axis], parts = (int64_t)n->n_outputs;
    if (found ? count != n->n_outputs : full % parts != 0)
        return idem_fail("%s (Split): %lld elements into %lld parts", n->name, (long long)full, (long long)parts);
    int64_t start = 0;
    for (size_t i = 0; i < n->n_outputs; i++) {
        const int64_t size = found ? sizes[i] : full / parts;
        if (size < 1 || size > full - start)
            return idem_fail("%s (Split): part %zu has %lld of %lld elements", n->name, i, (long long)size,
                             (long long)full);
        if (out[i] && idem_onnx_set_node(out[i], idem_slice(x, axis, start, size, 1)))
            return -1;
        start += size;
    }
    return 0;
}

static int64_t clamp(int64_t x, int64_t low, int64_t high) {
    return x < low ? low : x > high ? high : x;
}

/* Python's slice rules for a list of `full`: the start and the count. */
static int64_t slice_range(int64_t full, int64_t *start, int64_t end, int64_t step) {
    if (step < 0) { /* from the end, down to just after `end`; -1 is before the first */
        *start = clamp(*start < 0 ? *start + full : *start, -1, full - 1);
        end = clamp(end < 0 ? end + full : end, -1, full - 1);
        return *start > end ? (*start - end - step - 1) / -step : 0;
    }
    *start = clamp(*start < 0 ? *start + full : *start, 0, full);
    end = clamp(end < 0 ? end + full : end, 0, full);
    return end > *start ? (end - *start + step - 1) / step : 0;
}

static int op_slice(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    static const char *const names[4] = {"starts", "ends", "axes", "steps"};
    const int64_t *list[4];
    size_t count[4];
    int found[4];
    for (size_t i = 0; i < 4; i++) {
        found[i] = idem_onnx_list(b, n, names[i], i + 1, &list[i], &count[i]);
        if (found[i] < 0)
            return -1;
        if ((i < 2 && !found[i]) || (found[i] && count[i] != count[0]))
            return idem_fail("%s (Slice): %s is missing or not as long as starts", n->name, names[i]);
    }
    const idem_onnx_val *source = idem_onnx_in(b, n, 0);
    idem_node *x = source && source->ints ? NULL : idem_onnx_in_node(b, n, 0);
    if (!x && !(source && source->ints))
        return -1;
    if (!x) {
        idem_shape shape = source->shape;
        int64_t stride[IDEM_MAX_RANK], offset = 0;
        idem_onnx_strides(&source->shape, stride);
        for (size_t i = 0; i < count[0]; i++) {
            const int axis = idem_onnx_axis(n, found[2] ? list[2][i] : (int64_t)i, shape.rank);
            int64_t start = list[0][i], step = found[3] ? list[3][i] : 1;
            if (axis < 0)
                return -1;
            const int64_t full = source->shape.d[axis];
            if (step == 0 || step > full + 1 || step < -full - 1 || shape.d[axis] != full)
                return idem_fail("%s (Slice): step %lld on axis %d", n->name, (long long)step, axis);
            shape.d[axis] = slice_range(full, &start, list[1][i], step);
            offset += shape.d[axis] ? start * stride[axis] : 0;
            stride[axis] *= step;
        }
        return idem_onnx_view(b, out[0], source, shape, offset, stride);
    }
    for (size_t i = 0; i < count[0]; i++) {
        const int axis = idem_onnx_axis(n, found[2] ? list[2][i] : (int64_t)i, x->shape.rank);
        int64_t start = list[0][i], step = found[3] ? list[3][i] : 1;
        if (axis < 0)
            return -1;
        if (step < 1)
            return idem_fail("%s (Slice): step %lld; only steps of 1 and more are supported", n->name, (long long)step);
        const int64_t full = x->shape.d[axis], size = slice_range(full, &start, list[1][i], step > full ? full : step);
        if (size < 1)
            return idem_fail("%s (Slice): no elements remain on axis %d", n->name, axis);
        if (size != full)
            x = idem_slice(x, axis, start, size, step);
        if (!x)
            return -1;
    }
    out[0]->node = x;
    return 0;
}

static int op_gather(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    const idem_onnx_val *source = idem_onnx_in(b, n, 0), *index = idem_onnx_in(b, n, 1);
    if (!index || !index->ints || index->count == 0 || index->shape.rank > 1)
        return idem_fail("%s (Gather): indices must be constant, one or a list", n->name);
    const bool integers = source && source->ints;
    if (integers && source->shape.rank > 1)
        return idem_fail("%s (Gather): integers of rank %d, expected a list", n->name, source->shape.rank);
    idem_node *x = integers ? NULL : idem_onnx_in_node(b, n, 0);
    if (!integers && !x)
        return -1;
    const int axis = idem_onnx_axis(n, idem_onnx_int(n, "axis", 0), integers ? 1 : x->shape.rank);
    if (axis < 0)
        return -1;
    const int64_t full = integers ? (int64_t)source->count : x->shape.d[axis];
    int64_t *at = idem_arena_array(idem_graph_arena(b->graph), index->count, sizeof *at);
    idem_node **parts = idem_arena_array(idem_graph_arena(b->graph), index->count, sizeof *parts);
    if (!at || !parts)
        return -1;
    for (size_t i = 0; i < index->count; i++) {
        at[i] = index->ints[i] < 0 ? index->ints[i] + full : index->ints[i];
        if (at[i] < 0 || at[i] >= full)
            return idem_fail("%s (Gather): index %lld of %lld elements", n->name, (long long)index->ints[i],
                             (long long)full);
        if (integers)
            at[i] = source->ints[at[i]];
        else if (!(parts[i] = idem_slice(x, axis, at[i], 1, 1)))
            return -1;
    }
    if (integers)
        return idem_onnx_set_ints(b, out[0], at, index->count, index->shape.rank);
    if (index->shape.rank == 1)
        return idem_onnx_set_node(out[0], idem_concat(parts, (int)index->count, axis));
    idem_shape shape = {.rank = 0};
    for (int i = 0; i < x->shape.rank; i++)
        if (i != axis)
            shape.d[shape.rank++] = x->shape.d[i];
    return idem_onnx_set_node(out[0], idem_reshape(parts[0], shape));
}

static int op_pad(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    idem_node *x = idem_onnx_in_node(b, n, 0);
    const int64_t *pads;
    size_t count;
    const int found = x ? idem_onnx_list(b, n, "pads", 1, &pads, &count) : -1;
    if (found < 0)
        return -1;
    const int rank = x->shape.rank;
    if (!found || count != 2 * (size_t)rank)
        return idem_fail("%s (Pad): expected %d numbers in pads", n->name, 2 * rank);
    if (strcmp(idem_onnx_string(n, "mode", "constant"), "constant") != 0)
        return idem_fail("%s (Pad): only constant padding is supported", n->name);
    float value = idem_onnx_float(n, "value", 0);
    const idem_onnx_val *v = idem_onnx_in(b, n, 2);
    if (v && v->constant && v->constant->f && v->constant->count == 1)
        value = v->constant->f[0];
    bool padded = false;
    for (int i = 0; i < rank; i++) {
        if (pads[i] < -(1 << 20) || pads[i] > 1 << 20 || pads[i + rank] < -(1 << 20) || pads[i + rank] > 1 << 20)
            return idem_fail("%s (Pad): pads are too large", n->name);
        padded = padded || pads[i] > 0 || pads[i + rank] > 0;
    }
    if (padded && value != 0)
        x = idem_affine(x, 1, -value);
    for (int i = 0; i < rank && x; i++) {
        const int64_t cut[2] = {pads[i] < 0 ? -pads[i] : 0, pads[i + rank] < 0 ? -pads[i + rank] : 0};
        const int64_t add[2] = {pads[i] > 0 ? pads[i] : 0, pads[i + rank] > 0 ? pads[i + rank] : 0};
        if (cut[0] || cut[1])
            x = idem_slice(x, i, cut[0], x->shape.d[i] - cut[0] - cut[1], 1);
        if (x && (add[0] || add[1]))
            x = idem_embed(x, i, add[0], x->shape.d[i] + add[0] + add[1], 1);
    }
    if (padded && value != 0)
        x = idem_affine(x, 1, value);
    return idem_onnx_set_node(out[0], x);
}

/* Broadcasting both ways: a dimension of 1 takes the other's size. */
static int op_expand(idem_onnx_builder *b, const idem_onnx_node *n, idem_onnx_val **out) {
    idem_node *x = idem_onnx_in_node(b, n, 0);
    const int64_t *target;
    size_t rank;
    const int found = x ? idem_onnx_list(b, n, "shape", 1, &target, &rank) : -1;
    if (found < 0)
        return -1;
    if (!found || rank > IDEM_MAX_RANK)
        return idem_fail("%s (Expand): the new shape is missing or has more than %d axes", n->name, IDEM_MAX_RANK);
    const int all = x->shape.rank > (int)rank ? x->shape.rank : (int)rank;
    idem_shape shape = {.rank = all};
    int64_t count = 1;
    for (int i = 0; i < all; i++) {
        const int from = i - (all - x->shape.rank), to = i - (all - (int)rank);
        const int64_t have = from < 0 ? 1 : x->shape.d[from];
        int64_t want = to < 0 ? 1 : target[to];
        if (from == 0 && have == b->batch && want == b->file_batch)
            want = have; /* a constant shape was written for the file's batch */
        if (want < 1 || (want != have && want != 1 && have != 1))
            return idem_fail("%s (Expand): axis %d has %lld elements, expected %lld", n->name, i, (long long)have,
                             (long long)want);
        shape.d[i] = want == 1 ? have : want;
        if (shape.d[i] > INT64_MAX / 8 / count)
            return idem_fail("%s (Expand): the new shape has too many elements to count", n->name);
        count *= shape.d[i];
    }
    return idem_onnx_set_node(out[0], idem_broadcast(x, shape));
}

const idem_onnx_op idem_onnx_shape_ops[] = {
    {"Constant", op_constant},   {"Shape", op_shape},
    {"Reshape", op_reshape},     {"Flatten", op_flatten},
    {"Unsqueeze", op_unsqueeze}, {"Squeeze", op_squeeze},
    {"Transpose", op_transpose}, {"Concat", op_concat},
    {"Split", op_split},         {"Slice", op_slice},
    {"Gather", op_gather},       {"Pad", op_pad},
    {"Expand", op_expand},       {NULL, NULL},
};
