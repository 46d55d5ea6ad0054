/* Loops over tensors with different strides: broadcasting operands, permutations, slices. */
#ifndef IDEM_ENGINE_STRIDED_H
#define IDEM_ENGINE_STRIDED_H

#include "engine/graph.h"

enum {
    IDEM_WALK_MAX = 5,                /* operands of one walk, the result included */
    IDEM_PARALLEL_ELEMENTS = 1 << 15, /* smaller loops run on one thread: a team would cost more than it gains */
};

/* Eight floats, and eight floats anywhere in memory; compilers split them where registers are shorter. */
typedef float idem_lanes __attribute__((vector_size(32)));
typedef float idem_lanes_at __attribute__((vector_size(32), aligned(4), may_alias));

/* Axes of a shape in its memory order (slowest first), neighbours merged where all operands allow it. */
typedef struct {
    int rank; /* >= 1 */
    int n;    /* operands */
    int64_t d[IDEM_MAX_RANK];
    int64_t s[IDEM_WALK_MAX][IDEM_MAX_RANK]; /* element strides; 0 where an operand is repeated */
} idem_walk;

/* Every operand's shape must broadcast to `shape`. */
void idem_walk_make(idem_walk *w, const idem_shape *shape, int n, const idem_shape *const *operands);

typedef struct {
    int64_t row, col;
} idem_walk_stride;

/* Processes rows * cols elements: operand k's element (r, c) is p[k][r * s[k].row + c * s[k].col]. */
typedef void idem_walk_kernel(const void *context, int64_t rows, int64_t cols, float *const *p,
                              const idem_walk_stride *s);

/* Calls the kernel so that every element of the shape is visited once, by idem_threads() threads if there are at least
 * `parallel_from` elements. p[k] is the start of operand k. The division into calls may depend on the thread count:
 * kernels must treat elements independently. */
void idem_walk_run(const idem_walk *w, float *const *p, idem_walk_kernel *kernel, const void *context,
                   int64_t parallel_from);

/* dst[sum i*dst_stride] = src[sum i*src_stride] for all indices i below d; the two must not overlap. Strides are >= 1
 * where d > 1. */
void idem_strided_copy(int rank, const int64_t *d, float *dst, const int64_t *dst_stride, const float *src,
                       const int64_t *src_stride);

/* Axes of a shape ordered from the slowest to the fastest in memory. */
void idem_memory_axes(const idem_shape *shape, int axes[IDEM_MAX_RANK]);

#endif
