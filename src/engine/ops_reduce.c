/* Sums over broadcast axes, sums of products, and the inverse: repeating. */
#include <string.h>

#include "engine/op.h"
#include "engine/ops.h"
#include "engine/ops_gradient.h"
#include "engine/strided.h"

/* The division of a sum into parts depends only on shapes, and parts are added in order, so the result does not depend
 * on the thread count. Short runs are summed in float lanes, longer ones in double. */
enum {
    TILE = 512,         /* columns worked on at once */
    PART = 1 << 14,     /* elements below which a sum is not cut */
    MAX_PARTS = 128,    /* of all results together */
    MIN_RESULTS = 64,   /* with this number of results all threads are busy without dividing sums */
    LANE_RUN = 32 * 32, /* elements summed in float lanes before adding to double */
};

typedef struct {
    int rank;
    int64_t count;
    int64_t d[IDEM_MAX_RANK], in[IDEM_MAX_RANK], out[IDEM_MAX_RANK];
} axes;

typedef struct {
    bool columns;     /* the fastest axis is kept */
    int64_t inner;    /* its length: the columns, or the run to be summed */
    int64_t col_step; /* step of columns in the result */
    axes kept;        /* without the columns */
    axes summed;      /* without the run */
    int64_t tiles;    /* of columns; 1 for runs */
    int64_t results;  /* kept.count * tiles */
    int64_t units;    /* of one sum: rows of columns, or elements of runs */
    int64_t parts;    /* each sum is cut into */
} sum_plan;

static void push(axes *a, int64_t d, int64_t in, int64_t out) {
    a->d[a->rank] = d;
    a->in[a->rank] = in;
    a->out[a->rank++] = out;
    a->count *= d;
}

static void make_plan(sum_plan *p, const idem_shape *x, const idem_shape *result) {
    idem_walk w;
    idem_walk_make(&w, x, 2, (const idem_shape *const[]){x, result});
    *p = (sum_plan){.kept.count = 1, .summed.count = 1};
    int last = w.rank - 1;
    p->columns = w.s[1][last] != 0;
    p->inner = w.d[last];
    p->col_step = w.s[1][last];
    for (int i = 0; i < last; i++)
        push(w.s[1][i] ? &p->kept : &p->summed, w.d[i], w.s[0][i], w.s[1][i]);
    p->tiles = p->columns ? (p->inner + TILE - 1) / TILE : 1;
    p->results = p->kept.count * p->tiles;
    p->units = p->columns ? p->summed.count : p->summed.count * p->inner;
    int64_t elements = p->columns ? p->units * (p->inner < TILE ? p->inner : TILE) : p->units;
    p->parts = (elements + PART - 1) / PART;
    int64_t most = p->results >= MIN_RESULTS ? 1 : MAX_PARTS / p->results;
    p->parts = p->parts < most ? p->parts : most;
    p->parts = p->parts < p->units ? p->parts : p->units;
}

/* ---- inner loops ---- */

static inline double lanes_total(const idem_lanes *a) {
    double total = 0;
    for (int k = 0; k < 4; k++)
        for (int j = 0; j < 8; j++)
            total += (double)a[k][j];
    return total;
}

IDEM_MULTIVERSION static double run_sum(const float *x, int64_t n) {
    double total = 0;
    int64_t i = 0;
    while (n - i >= 32) {
        int64_t end = i + (n - i < LANE_RUN ? (n - i) / 32 * 32 : LANE_RUN);
        idem_lanes a[4] = {{0}, {0}, {0}, {0}};
        for (; i < end; i += 32) {
            const idem_lanes_at *v = (const idem_lanes_at *)(x + i);
            a[0] += v[0];
            a[1] += v[1];
            a[2] += v[2];
            a[3] += v[3];
        }
        total += lanes_total(a);
    }
    for (; i < n; i++)
        total += (double)x[i];
    return total;
}

IDEM_MULTIVERSION static double run_dot(const float *x, const float *y, int64_t n) {
    double total = 0;
    int64_t i = 0;
    while (n - i >= 32) {
        int64_t end = i + (n - i < LANE_RUN ? (n - i) / 32 * 32 : LANE_RUN);
        idem_lanes a[4] = {{0}, {0}, {0}, {0}};
        for (; i < end; i += 32) {
            const idem_lanes_at *v = (const idem_lanes_at *)(x + i);
            const idem_lanes_at *w = (const idem_lanes_at *)(y + i);
            a[0] += v[0] * w[0];
            a[1] += v[1] * w[1];
            a[2] += v[2] * w[2];
            a[3] += v[3] * w[3];
        }
        total += lanes_total(a);
    }
    for (; i < n; i++)
        total += (double)x[i] * (double)y[i];
    return total;
}

/* total[c] += sum over rows of x (times y, unless NULL); at most TILE columns. Four rows are added before the sum is
 * updated, and sixteen before the double sum is. */
IDEM_MULTIVERSION static void add_rows(double *restrict total, const float *restrict x, const float *restrict y,
                                       int64_t rows, int64_t cols, int64_t step) {
    float a[TILE];
    for (int64_t r = 0; r < rows;) {
        int64_t end = r + 16 < rows ? r + 16 : rows;
        memset(a, 0, (size_t)cols * sizeof *a);
        for (; r + 4 <= end; r += 4) {
            const float *restrict x0 = x + r * step, *restrict x1 = x0 + step;
            const float *restrict x2 = x1 + step, *restrict x3 = x2 + step;
            if (y) {
                const float *restrict y0 = y + r * step, *restrict y1 = y0 + step;
                const float *restrict y2 = y1 + step, *restrict y3 = y2 + step;
                for (int64_t c = 0; c < cols; c++)
                    a[c] += (x0[c] * y0[c] + x1[c] * y1[c]) + (x2[c] * y2[c] + x3[c] * y3[c]);
            } else {
                for (int64_t c = 0; c < cols; c++)
                    a[c] += (x0[c] + x1[c]) + (x2[c] + x3[c]);
            }
        }
        for (; r < end; r++)
            for (int64_t c = 0; c < cols; c++)
                a[c] += y ? x[r * step + c] * y[r * step + c] : x[r * step + c];
        for (int64_t c = 0; c < cols; c++)
            total[c] += (double)a[c];
    }
}

/* The same; few contiguous columns are processed as fewer, longer rows. */
static void add_block(double *total, const float *x, const float *y, int64_t rows, int64_t cols, int64_t step) {
    int64_t fold = TILE / cols;
    if (step != cols || fold < 2 || rows < 4 * fold) {
        add_rows(total, x, y, rows, cols, step);
        return;
    }
    double wide[TILE];
    memset(wide, 0, (size_t)(cols * fold) * sizeof *wide);
    int64_t full = rows / fold;
    add_rows(wide, x, y, full, cols * fold, cols * fold);
    for (int64_t k = 0; k < fold; k++)
        for (int64_t c = 0; c < cols; c++)
            total[c] += wide[k * cols + c];
    int64_t at = full * fold * cols;
    add_rows(total, x + at, y ? y + at : NULL, rows - full * fold, cols, step);
}

/* Units [from, to) of one result added to total[cols]. x, y and the columns' step already point to the result's
 * elements. */
static void add_part(const sum_plan *p, double *total, const float *x, const float *y, int64_t cols, int64_t from,
                     int64_t to) {
    const axes *s = &p->summed;
    if (p->columns) {
        int64_t last_d = s->rank ? s->d[s->rank - 1] : 1, step = s->rank ? s->in[s->rank - 1] : 0;
        for (int64_t u = from; u < to;) {
            int64_t rest = u / last_d, first = u % last_d, rows = last_d - first;
            rows = rows < to - u ? rows : to - u;
            int64_t at = first * step;
            for (int i = s->rank - 2; i >= 0; i--) {
                at += rest % s->d[i] * s->in[i];
                rest /= s->d[i];
            }
            add_block(total, x + at, y ? y + at : NULL, rows, cols, step);
            u += rows;
        }
        return;
    }
    if (s->rank == 1 && to - from == p->units) { /* many short runs */
        for (int64_t k = 0; k < s->d[0]; k++, x += s->in[0], y = y ? y + s->in[0] : NULL)
            total[0] += y ? run_dot(x, y, p->inner) : run_sum(x, p->inner);
        return;
    }
    for (int64_t u = from; u < to;) {
        int64_t rest = u / p->inner, first = u % p->inner, n = p->inner - first;
        n = n < to - u ? n : to - u;
        int64_t at = first;
        for (int i = s->rank - 1; i >= 0; i--) {
            at += rest % s->d[i] * s->in[i];
            rest /= s->d[i];
        }
        total[0] += y ? run_dot(x + at, y + at, n) : run_sum(x + at, n);
        u += n;
    }
}

typedef struct {
    int64_t in, out, cols;
} result_place;

static result_place place(const sum_plan *p, int64_t result) {
    int64_t tile = result % p->tiles, rest = result / p->tiles;
    result_place at = {0, 0, 1};
    if (p->columns) {
        at.in = tile * TILE;
        at.out = tile * TILE * p->col_step;
        at.cols = p->inner - tile * TILE < TILE ? p->inner - tile * TILE : TILE;
    }
    for (int i = p->kept.rank - 1; i >= 0; i--) {
        int64_t index = rest % p->kept.d[i];
        at.in += index * p->kept.in[i];
        at.out += index * p->kept.out[i];
        rest /= p->kept.d[i];
    }
    return at;
}

static void write_result(const sum_plan *p, const double *total, result_place at, float scale, float *out) {
    for (int64_t c = 0; c < at.cols; c++)
        out[at.out + c * p->col_step] = (float)(total[c] * (double)scale);
}

/* Results [from, to), each summed in one pass. */
static void run_whole(const sum_plan *p, const float *x, const float *y, float scale, float *out, int64_t from,
                      int64_t to) {
    double total[TILE];
    result_place at = place(p, from);
    for (int64_t r = from; r < to; r++) {
        memset(total, 0, (size_t)at.cols * sizeof *total);
        add_part(p, total, x + at.in, y ? y + at.in : NULL, at.cols, 0, p->units);
        write_result(p, total, at, scale, out);
        if (p->kept.rank == 1 && p->tiles == 1) { /* advances without divisions */
            at.in += p->kept.in[0];
            at.out += p->kept.out[0];
        } else if (r + 1 < to) {
            at = place(p, r + 1);
        }
    }
}

/* partial: results * parts * TILE doubles when parts > 1 */
static void run(const sum_plan *p, const float *x, const float *y, float scale, float *out, double *partial) {
    enum { BATCH = 64 };
    int64_t elements = p->results * p->units * (p->columns ? p->inner < TILE ? p->inner : TILE : 1);
    int threads = elements < IDEM_PARALLEL_ELEMENTS ? 1 : idem_threads();
    if (p->parts == 1) {
        int64_t batch = p->results > BATCH * BATCH ? BATCH : 1;
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
        for (int64_t t = 0; t < (p->results + batch - 1) / batch; t++)
            run_whole(p, x, y, scale, out, t * batch, (t + 1) * batch < p->results ? (t + 1) * batch : p->results);
        return;
    }
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t t = 0; t < p->results * p->parts; t++) {
        int64_t part = t % p->parts;
        result_place at = place(p, t / p->parts);
        double *total = partial + t * TILE;
        memset(total, 0, (size_t)at.cols * sizeof *total);
        add_part(p, total, x + at.in, y ? y + at.in : NULL, at.cols, p->units * part / p->parts,
                 p->units * (part + 1) / p->parts);
    }
    for (int64_t r = 0; r < p->results; r++) {
        result_place at = place(p, r);
        double *total = partial + r * p->parts * TILE;
        for (int64_t part = 1; part < p->parts; part++)
            for (int64_t c = 0; c < at.cols; c++)
                total[c] += total[part * TILE + c];
        write_result(p, total, at, scale, out);
    }
}

static int sum_prepare(idem_step *s) {
    sum_plan p;
    make_plan(&p, &s->node->in[0]->shape, &s->node->shape);
    if (p.parts > 1)
        s->scratch_bytes = (size_t)(p.results * p.parts) * TILE * sizeof(double);
    return 0;
}

/* ---- reduce_sum ---- */

static void reduce_sum_forward(const idem_step *s) {
    sum_plan p;
    make_plan(&p, &s->node->in[0]->shape, &s->node->shape);
    run(&p, s->in[0], NULL, *(const float *)s->node->attr, s->out, (double *)(void *)s->scratch);
}

static int reduce_sum_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    if (want[0] && !(dx[0] = idem_broadcast(idem_scale(dy, *(const float *)n->attr), n->in[0]->shape)))
        return -1;
    return 0;
}

const idem_op idem_op_reduce_sum = {
    .name = "reduce_sum", .prepare = sum_prepare, .forward = reduce_sum_forward, .gradient = reduce_sum_gradient};

/* Does `from` broadcast to `to`? */
static bool reaches(const idem_shape *from, const idem_shape *to) {
    idem_shape both;
    return !idem_shape_broadcast(&both, from, to) && idem_shape_equal(&both, to);
}

idem_node *idem_reduce_sum(idem_node *x, idem_shape shape, float scale) {
    if (!x)
        return NULL;
    if (idem_shape_equal(&x->shape, &shape))
        return idem_scale(x, scale);
    if (!reaches(&shape, &x->shape)) {
        char a[64], b[64];
        return idem_fail_null("sum of '%s' %s to %s: the result does not broadcast to the source", x->name,
                              idem_shape_text(&x->shape, a), idem_shape_text(&shape, b));
    }
    return idem_node_new(&idem_op_reduce_sum, shape, &x, 1, &scale, sizeof scale);
}

idem_node *idem_sum_all(idem_node *x) {
    return idem_reduce_sum(x, IDEM_SCALAR, 1);
}

idem_node *idem_mean_all(idem_node *x) {
    return x ? idem_reduce_sum(x, IDEM_SCALAR, (float)(1 / (double)idem_shape_count(&x->shape))) : NULL;
}

/* ---- dot ---- */

static void dot_forward(const idem_step *s) {
    sum_plan p;
    make_plan(&p, &s->node->in[0]->shape, &s->node->shape);
    run(&p, s->in[0], s->in[1], 1, s->out, (double *)(void *)s->scratch);
}

static int dot_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    for (int i = 0; i < 2; i++)
        if (want[i] && !(dx[i] = idem_mul(n->in[1 - i], dy)))
            return -1;
    return 0;
}

static void dot_cost(const idem_node *n, double *flops, double *bytes) {
    double count = (double)idem_shape_count(&n->in[0]->shape);
    *flops = 2 * count;
    *bytes = 8 * count;
}

const idem_op idem_op_dot = {
    .name = "dot", .prepare = sum_prepare, .forward = dot_forward, .gradient = dot_gradient, .cost = dot_cost};

idem_node *idem_dot(idem_node *a, idem_node *b, idem_shape shape) {
    if (!a || !b)
        return NULL;
    char ta[64], tb[64], ts[64];
    if (!idem_shape_equal(&a->shape, &b->shape) || !reaches(&shape, &a->shape))
        return idem_fail_null("dot of '%s' %s and '%s' %s to %s: expected equal shapes that the result broadcasts to",
                              a->name, idem_shape_text(&a->shape, ta), b->name, idem_shape_text(&b->shape, tb),
                              idem_shape_text(&shape, ts));
    if (idem_shape_equal(&a->shape, &shape))
        return idem_mul(a, b);
    return idem_node_new(&idem_op_dot, shape, (idem_node *[]){a, b}, 2, NULL, 0);
}

idem_node *idem_product_sum(idem_node *x, idem_node *y, const idem_shape *shape) {
    if (!x || !y)
        return NULL;
    if (idem_shape_equal(shape, &y->shape))
        return idem_mul(idem_unrepeated(y, x), x);
    if (idem_shape_equal(&x->shape, &y->shape))
        return idem_dot(x, y, *shape);
    return idem_reduce_sum(idem_mul(y, x), *shape, 1);
}

/* ---- broadcast ---- */

IDEM_MULTIVERSION static void repeat_kernel(const void *context, int64_t rows, int64_t cols, float *const *p,
                                            const idem_walk_stride *s) {
    (void)context;
    for (int64_t r = 0; r < rows; r++) {
        float *out = p[0] + r * s[0].row;
        const float *in = p[1] + r * s[1].row;
        if (s[1].col == 0) {
            float x = in[0];
            for (int64_t i = 0; i < cols; i++)
                out[i] = x;
        } else {
            for (int64_t i = 0; i < cols; i++)
                out[i] = in[i * s[1].col];
        }
    }
}

static void broadcast_forward(const idem_step *s) {
    const idem_shape *shape = &s->node->shape;
    idem_walk w;
    idem_walk_make(&w, shape, 2, (const idem_shape *const[]){shape, &s->node->in[0]->shape});
    idem_walk_run(&w, (float *const[]){s->out, s->in[0]}, repeat_kernel, NULL, IDEM_PARALLEL_ELEMENTS);
}

static int broadcast_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    if (want[0] && !(dx[0] = idem_reduce_sum(dy, n->in[0]->shape, 1)))
        return -1;
    return 0;
}

const idem_op idem_op_broadcast = {.name = "broadcast", .forward = broadcast_forward, .gradient = broadcast_gradient};

idem_node *idem_broadcast(idem_node *x, idem_shape shape) {
    if (!x)
        return NULL;
    if (idem_shape_equal(&x->shape, &shape))
        return x;
    if (!reaches(&x->shape, &shape)) {
        char a[64], b[64];
        return idem_fail_null("'%s' %s does not broadcast to %s", x->name, idem_shape_text(&x->shape, a),
                              idem_shape_text(&shape, b));
    }
    return idem_node_new(&idem_op_broadcast, shape, &x, 1, NULL, 0);
}

idem_node *idem_unrepeated(idem_node *dy, const idem_node *other) {
    if (!dy || !other || dy->op != &idem_op_broadcast)
        return dy;
    idem_shape both;
    if (idem_shape_broadcast(&both, &dy->in[0]->shape, &other->shape) || !idem_shape_equal(&both, &dy->shape))
        return dy;
    return dy->in[0];
}
