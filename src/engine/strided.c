#include "engine/strided.h"

#include <string.h>

#include "engine/op.h"

void idem_memory_axes(const idem_shape *shape, int axes[IDEM_MAX_RANK]) {
    for (int i = 0; i < shape->rank; i++)
        axes[i] = i;
    if (shape->rank == 4) {
        axes[1] = 2;
        axes[2] = 3;
        axes[3] = 1;
    }
}

void idem_walk_make(idem_walk *w, const idem_shape *shape, int n, const idem_shape *const *operands) {
    int axes[IDEM_MAX_RANK];
    idem_memory_axes(shape, axes);
    int64_t strides[IDEM_WALK_MAX][IDEM_MAX_RANK]; /* by logical axis of `shape` */
    for (int k = 0; k < n; k++) {
        int64_t own[IDEM_MAX_RANK];
        idem_shape_strides(operands[k], own);
        int shift = shape->rank - operands[k]->rank;
        for (int i = 0; i < shape->rank; i++)
            strides[k][i] = i < shift || operands[k]->d[i - shift] == 1 ? 0 : own[i - shift];
    }
    w->n = n;
    w->rank = 0;
    for (int i = 0; i < shape->rank; i++) {
        int axis = axes[i];
        if (shape->d[axis] == 1)
            continue;
        bool merge = w->rank > 0;
        for (int k = 0; k < n && merge; k++)
            merge = w->s[k][w->rank - 1] == strides[k][axis] * shape->d[axis];
        if (merge)
            w->d[w->rank - 1] *= shape->d[axis];
        else
            w->d[w->rank++] = shape->d[axis];
        for (int k = 0; k < n; k++)
            w->s[k][w->rank - 1] = strides[k][axis];
    }
    if (w->rank == 0) {
        w->rank = 1;
        w->d[0] = 1;
        for (int k = 0; k < n; k++)
            w->s[k][0] = 0;
    }
}

/* Elements [from, to) of a walk with one axis. */
static void run_elements(const idem_walk *w, float *const *p, idem_walk_kernel *kernel, const void *context,
                         int64_t from, int64_t to) {
    float *at[IDEM_WALK_MAX];
    idem_walk_stride s[IDEM_WALK_MAX];
    for (int k = 0; k < w->n; k++) {
        at[k] = p[k] + from * w->s[k][0];
        s[k] = (idem_walk_stride){0, w->s[k][0]};
    }
    kernel(context, 1, to - from, at, s);
}

/* Rows [from, to) of a walk with more axes; a row is the last axis. */
static void run_rows(const idem_walk *w, float *const *p, idem_walk_kernel *kernel, const void *context, int64_t from,
                     int64_t to) {
    int last = w->rank - 1;
    int64_t index[IDEM_MAX_RANK];
    int64_t rest = from;
    for (int i = last - 1; i >= 0; i--) {
        index[i] = rest % w->d[i];
        rest /= w->d[i];
    }
    idem_walk_stride s[IDEM_WALK_MAX];
    for (int k = 0; k < w->n; k++)
        s[k] = (idem_walk_stride){w->s[k][last - 1], w->s[k][last]};
    for (int64_t row = from; row < to;) {
        int64_t rows = w->d[last - 1] - index[last - 1];
        if (rows > to - row)
            rows = to - row;
        float *at[IDEM_WALK_MAX];
        for (int k = 0; k < w->n; k++) {
            at[k] = p[k];
            for (int i = 0; i < last; i++)
                at[k] += index[i] * w->s[k][i];
        }
        kernel(context, rows, w->d[last], at, s);
        row += rows;
        index[last - 1] = 0; /* the end of the axis or of the range */
        for (int i = last - 2; i >= 0 && ++index[i] == w->d[i]; i--)
            index[i] = 0;
    }
}

void idem_walk_run(const idem_walk *w, float *const *p, idem_walk_kernel *kernel, const void *context,
                   int64_t parallel_from) {
    int64_t rows = 1;
    for (int i = 0; i + 1 < w->rank; i++)
        rows *= w->d[i];
    int64_t elements = rows * w->d[w->rank - 1];
    int threads = elements < parallel_from ? 1 : idem_threads();
    int64_t units = w->rank == 1 ? elements : rows;
    if (threads <= 1) {
        (w->rank == 1 ? run_elements : run_rows)(w, p, kernel, context, 0, units);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int t = 0; t < threads; t++) {
        /* Cuts at multiples of 16 elements keep vectors whole and cache lines with one thread. */
        int64_t grain = w->rank == 1 ? 16 : 1;
        int64_t grains = (units + grain - 1) / grain;
        int64_t from = grains * t / threads * grain, to = grains * (t + 1) / threads * grain;
        if (to > units)
            to = units;
        if (from < to)
            (w->rank == 1 ? run_elements : run_rows)(w, p, kernel, context, from, to);
    }
}

/* ---- copies ---- */

typedef struct {
    int64_t d, to, from;
} copy_axis;

/* A plane of ni * nj elements, typically contiguous along i in dst and along j in src. Small tiles keep both sides in
 * the cache. */
IDEM_MULTIVERSION static void copy_plane(int64_t ni, int64_t nj, float *restrict dst, const int64_t to[2],
                                         const float *restrict src, const int64_t from[2]) {
    enum { TILE = 16 };
    for (int64_t i0 = 0; i0 < ni; i0 += TILE) {
        int64_t i1 = i0 + TILE < ni ? i0 + TILE : ni;
        for (int64_t j0 = 0; j0 < nj; j0 += TILE) {
            int64_t j1 = j0 + TILE < nj ? j0 + TILE : nj;
            for (int64_t j = j0; j < j1; j++)
                for (int64_t i = i0; i < i1; i++)
                    dst[i * to[0] + j * to[1]] = src[i * from[0] + j * from[1]];
        }
    }
}

IDEM_MULTIVERSION static void copy_rows(int64_t rows, int64_t cols, float *restrict dst, int64_t to,
                                        const float *restrict src, int64_t from) {
    if (cols == 2) { /* coordinates and scores are pairs: a loop of two costs more than the copy */
        for (int64_t r = 0; r < rows; r++)
            memcpy(dst + r * to, src + r * from, 2 * sizeof *dst);
        return;
    }
    for (int64_t r = 0; r < rows; r++, dst += to, src += from) {
        if (cols >= 64) {
            memcpy(dst, src, (size_t)cols * sizeof *dst);
        } else {
            for (int64_t c = 0; c < cols; c++)
                dst[c] = src[c];
        }
    }
}

void idem_strided_copy(int rank, const int64_t *d, float *dst, const int64_t *dst_stride, const float *src,
                       const int64_t *src_stride) {
    /* Axes sorted by destination stride, fastest last, merged where both sides are contiguous. */
    copy_axis axis[IDEM_MAX_RANK];
    int n = 0;
    for (int i = 0; i < rank; i++) {
        if (d[i] == 1)
            continue;
        copy_axis a = {d[i], dst_stride[i], src_stride[i]};
        int at = n++;
        for (; at > 0 && axis[at - 1].to < a.to; at--)
            axis[at] = axis[at - 1];
        axis[at] = a;
    }
    int m = 0;
    for (int i = 0; i < n; i++) {
        if (m > 0 && axis[m - 1].to == axis[i].to * axis[i].d && axis[m - 1].from == axis[i].from * axis[i].d)
            axis[m - 1] = (copy_axis){axis[m - 1].d * axis[i].d, axis[i].to, axis[i].from};
        else
            axis[m++] = axis[i];
    }
    while (m < 2) { /* a single run is divided into rows for the threads below */
        if (m == 1 && axis[0].d > 4096 && axis[0].d % 1024 == 0) {
            axis[1] = (copy_axis){1024, axis[0].to, axis[0].from};
            axis[0] = (copy_axis){axis[0].d / 1024, axis[0].to * 1024, axis[0].from * 1024};
        } else {
            for (int i = m; i > 0; i--)
                axis[i] = axis[i - 1];
            axis[0] = (copy_axis){1, 0, 0};
        }
        m++;
    }
    /* The plane each call works on: the destination's fastest axis and the source's fastest of the others, or the rows
     * just outside when the fastest axis is the same. */
    int inner = m - 1, other = m - 2;
    bool rows = axis[inner].to == 1 && axis[inner].from == 1;
    if (!rows)
        for (int i = 0; i < inner; i++)
            if (axis[i].d > 1 && (axis[other].d == 1 || axis[i].from < axis[other].from))
                other = i;
    copy_axis plane[2] = {axis[inner], axis[other]};
    copy_axis outer[IDEM_MAX_RANK];
    int k = 0;
    int64_t planes = 1;
    for (int i = 0; i < inner; i++)
        if (i != other) {
            outer[k++] = axis[i];
            planes *= axis[i].d;
        }
    int threads = planes * plane[0].d * plane[1].d < IDEM_PARALLEL_ELEMENTS ? 1 : idem_threads();
    int64_t cuts = planes >= 4 * threads ? 1 : threads; /* each plane is cut along `other` */
    if (cuts > plane[1].d)
        cuts = plane[1].d;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t t = 0; t < planes * cuts; t++) {
        int64_t rest = t / cuts, cut = t % cuts;
        int64_t j0 = plane[1].d * cut / cuts, j1 = plane[1].d * (cut + 1) / cuts;
        float *to = dst + j0 * plane[1].to;
        const float *from = src + j0 * plane[1].from;
        for (int i = k - 1; i >= 0; i--) {
            to += rest % outer[i].d * outer[i].to;
            from += rest % outer[i].d * outer[i].from;
            rest /= outer[i].d;
        }
        if (rows)
            copy_rows(j1 - j0, plane[0].d, to, plane[1].to, from, plane[1].from);
        else
            copy_plane(plane[0].d, j1 - j0, to, (int64_t[]){plane[0].to, plane[1].to}, from,
                       (int64_t[]){plane[0].from, plane[1].from});
    }
}
