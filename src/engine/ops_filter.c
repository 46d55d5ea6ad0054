/* Separable filtering with zero-insertion and decimation (upfirdn). Along one axis, with f the flipped kernel,
 *     y[o] = sum_i f[i] x[(o * down + i - pad) / up]   over the i that make the quotient a whole number inside x,
 * which are every up-th tap, applied to neighbouring elements. The adjoint has the same form: up and down change
 * places, the kernel is reversed, and the paddings are adapted. */
#include <stdatomic.h>
#include <string.h>

#include "engine/op.h"
#include "engine/ops.h"
#include "engine/strided.h"

/* The taps of one output position: `count` elements of x from `first`, with weights from `weight`. The next `run`
 * positions have the same weights, each shifted by one element. */
typedef struct {
    int first, count, run;
    const float *weight;
} taps;

typedef struct {
    int n, up, down, pad[4];
    const float *kernel; /* as given */
    const taps *rows;    /* by output row */
    const taps *columns; /* by output column */
} filter_attr;

typedef struct {
    int64_t channels, in_width, width, in_row;
    bool past; /* write the result past the caches */
} filter_sizes;

#define TEMPLATE "engine/filter_simd.h"
#include "engine/simd_sets.h"
#undef TEMPLATE

typedef void combine_kernel(float *out, const float *in, int64_t step, int64_t n, int count, const float *weight,
                            bool past);

/* One column of three channels. */
static inline void narrow_column(float *restrict out, const float *restrict in, const taps *t) {
    const float *restrict w = t->weight;
    float r = 0, g = 0, b = 0;
    int k = 0;
    for (; k + 2 <= t->count; k += 2, in += 6) {
        r += w[k] * in[0] + w[k + 1] * in[3];
        g += w[k] * in[1] + w[k + 1] * in[4];
        b += w[k] * in[2] + w[k + 1] * in[5];
    }
    if (k < t->count) {
        r += w[k] * in[0];
        g += w[k] * in[1];
        b += w[k] * in[2];
    }
    out[0] = r;
    out[1] = g;
    out[2] = b;
}

static int64_t lesser(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* One row of the result. The picture's rows are combined piece by piece, so that the columns find them in the
 * first-level cache. */
static void filter_row(float *out, const float *picture, float *row, const filter_attr *a, const filter_sizes *z,
                       const taps *vertical, combine_kernel *combine) {
    enum { PIECE = 2048 }; /* numbers */
    const taps *t = a->columns;
    int64_t channels = z->channels, most = PIECE / channels > 1 ? PIECE / channels : 1, done = 0;
    picture += vertical->first * z->in_row;
    for (int64_t x = 0, n; x < z->width; x += n) {
        n = lesser(t[x].run, most);
        int64_t need = t[x].count ? t[x].first + n - 1 + t[x].count : 0;
        if (need > done) {
            int64_t from = done * channels;
            done = lesser(need > done + most ? need : done + most, z->in_width);
            combine(row + from, picture + from, z->in_row, done * channels - from, vertical->count, vertical->weight,
                    false);
        }
        const float *in = row + t[x].first * channels;
        if (n == 1 && channels == 3)
            narrow_column(out + x * 3, in, &t[x]);
        else
            combine(out + x * channels, in, channels, n * channels, t[x].count, t[x].weight, z->past);
    }
}

static size_t row_bytes(const idem_shape *x) {
    size_t bytes = (size_t)(x->d[1] * x->d[3]) * sizeof(float);
    return (bytes + 63) / 64 * 64;
}

static int filter_prepare(idem_step *s) {
    s->scratch_bytes = row_bytes(&s->node->in[0]->shape) * (size_t)idem_threads();
    return 0;
}

static void filter_forward(const idem_step *s) {
    const idem_node *n = s->node;
    const filter_attr *a = n->attr;
    const idem_shape *in = &n->in[0]->shape, *out = &n->shape;
    filter_sizes z = {.channels = in->d[1], .in_width = in->d[3], .width = out->d[3], .in_row = in->d[3] * in->d[1]};
    int64_t rows = out->d[0] * out->d[2], out_row = z.width * z.channels;
    combine_kernel *combine = SIMD_CHOOSE(16, combine_plain, combine_avx2, combine_avx512);
    z.past = z.channels % 16 == 0 && (uintptr_t)s->out % 64 == 0 &&
             rows * out_row * (int64_t)sizeof(float) >= IDEM_PAST_BYTES;
    size_t row_floats = row_bytes(in) / sizeof(float);
    int most = (int)(s->scratch_bytes / row_bytes(in));
    int threads = rows * out_row < IDEM_PARALLEL_ELEMENTS ? 1 : idem_threads() < most ? idem_threads() : most;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int t = 0; t < threads; t++) {
        float *row = s->scratch + (size_t)t * row_floats;
        for (int64_t r = rows * t / threads; r < rows * (t + 1) / threads; r++) {
            const float *picture = s->in[0] + r / out->d[2] * in->d[2] * z.in_row;
            filter_row(s->out + r * out_row, picture, row, a, &z, &a->rows[r % out->d[2]], combine);
        }
        if (z.past)
            atomic_thread_fence(memory_order_seq_cst);
    }
}

static int filter_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    if (!want[0])
        return 0;
    const filter_attr *a = n->attr;
    const idem_shape *in = &n->in[0]->shape, *out = &n->shape;
    float turned[a->n];
    for (int i = 0; i < a->n; i++)
        turned[i] = a->kernel[a->n - 1 - i];
    int pad[4];
    for (int i = 0; i < 2; i++) {
        pad[i] = a->n - 1 - a->pad[i];
        pad[i + 2] = (int)((in->d[i + 2] - 1) * a->up + a->n - out->d[i + 2] * a->down) - pad[i];
    }
    dx[0] = idem_filter(dy, turned, a->n, a->down, a->up, pad);
    return dx[0] ? 0 : -1;
}

static void filter_cost(const idem_node *n, double *flops, double *bytes) {
    const filter_attr *a = n->attr;
    const idem_shape *in = &n->in[0]->shape, *out = &n->shape;
    double rows = (double)(out->d[0] * out->d[1] * out->d[2]) * (double)(in->d[3] + out->d[3]);
    *flops = 2.0 * rows * ((a->n + a->up - 1) / a->up);
    *bytes = 4.0 * (double)(idem_shape_count(in) + idem_shape_count(out));
}

const idem_op idem_op_filter = {.name = "filter",
                                .prepare = filter_prepare,
                                .forward = filter_forward,
                                .gradient = filter_gradient,
                                .cost = filter_cost};

/* phases[i0]: weights of the taps i0, i0 + up, ... of the flipped kernel */
static const taps *make_taps(idem_arena *arena, int64_t size, int64_t in_size, const filter_attr *a, int pad,
                             float *const *phases) {
    taps *table = idem_arena_array(arena, (size_t)size, sizeof *table);
    if (!table)
        return NULL;
    for (int64_t o = 0; o < size; o++) {
        int64_t at = o * a->down - pad; /* position of tap 0 among the zero-inserted elements */
        int64_t tap = ((-at) % a->up + a->up) % a->up;
        int64_t first = (at + tap) / a->up, count = (a->n - tap + a->up - 1) / a->up, skip = 0;
        if (first < 0) {
            skip = -first;
            first = 0;
        }
        count = count - skip < in_size - first ? count - skip : in_size - first;
        if (count > 0)
            table[o] = (taps){(int)first, (int)count, 1, phases[tap] + skip};
        else
            table[o] = (taps){0, 0, 1, phases[0]};
    }
    for (int64_t o = size - 2; o >= 0; o--)
        if (table[o + 1].first == table[o].first + 1 && table[o + 1].count == table[o].count &&
            table[o + 1].weight == table[o].weight)
            table[o].run = table[o + 1].run + 1;
    return table;
}

idem_node *idem_filter(idem_node *x, const float *kernel, int n, int up, int down, const int pad[4]) {
    if (!x)
        return NULL;
    enum { LIMIT = 1 << 20 };
    char text[64];
    if (x->shape.rank != 4)
        return idem_fail_null("filter of '%s' %s: expected rank 4", x->name, idem_shape_text(&x->shape, text));
    if (n < 1 || n > 1024 || up < 1 || up > 64 || down < 1 || down > 64)
        return idem_fail_null("filter of '%s': %d taps, up %d, down %d; expected 1 to 1024, and 1 to 64", x->name, n,
                              up, down);
    idem_shape shape = x->shape;
    for (int i = 0; i < 2; i++) {
        if (x->shape.d[i + 2] > LIMIT || pad[i] > LIMIT || pad[i] < -LIMIT || pad[i + 2] > LIMIT || pad[i + 2] < -LIMIT)
            return idem_fail_null("filter of '%s' %s: the picture or its padding is too large", x->name,
                                  idem_shape_text(&x->shape, text));
        int64_t padded = x->shape.d[i + 2] * up + pad[i] + pad[i + 2];
        if (padded < n)
            return idem_fail_null("filter of '%s' %s: %lld elements with padding are fewer than the %d taps", x->name,
                                  idem_shape_text(&x->shape, text), (long long)padded, n);
        shape.d[i + 2] = (padded - n) / down + 1;
    }
    idem_arena *arena = idem_graph_arena(x->graph);
    filter_attr a = {.n = n, .up = up, .down = down, .pad = {pad[0], pad[1], pad[2], pad[3]}};
    float *copy = idem_arena_array(arena, (size_t)n, sizeof *copy);
    float *weights = idem_arena_array(arena, (size_t)n, sizeof *weights), *phases[64];
    if (!copy || !weights)
        return NULL;
    memcpy(copy, kernel, (size_t)n * sizeof *copy);
    a.kernel = copy;
    for (int p = 0; p < up; p++) {
        phases[p] = weights;
        for (int i = p; i < n; i += up)
            *weights++ = kernel[n - 1 - i];
    }
    a.rows = make_taps(arena, shape.d[2], x->shape.d[2], &a, pad[0], phases);
    a.columns = make_taps(arena, shape.d[3], x->shape.d[3], &a, pad[1], phases);
    if (!a.rows || !a.columns)
        return NULL;
    return idem_node_new(&idem_op_filter, shape, &x, 1, &a, sizeof a);
}
