/* Batch normalisation: statistics, application, and the fused gradient of both.
 * With R values per channel, v the normalised value and sums over them (Ioffe, Szegedy 2015):
 *     dgamma = sum dy v, dbeta = sum dy, dx = gamma / sqrt(var + eps) (dy - dbeta / R - v dgamma / R). */
#include <math.h>
#include <string.h>

#include "engine/conv.h"
#include "engine/fuse.h"
#include "engine/op.h"
#include "engine/ops.h"
#include "engine/strided.h"

enum {
    TILE = 256,     /* channels worked on at once */
    PART = 1 << 14, /* elements of one part of a sum; parts depend only on the shape and are added in order */
    MAX_PARTS = 64,
    BLOCK = 16, /* rows summed in float before adding to double */
};

typedef struct {
    int64_t rows, channels, parts;
} norm_dims;

static norm_dims dims(const idem_shape *x) {
    norm_dims d = {.channels = x->d[1]};
    d.rows = idem_shape_count(x) / d.channels;
    d.parts = (d.rows * d.channels + PART - 1) / PART;
    d.parts = d.parts < MAX_PARTS ? d.parts : MAX_PARTS;
    d.parts = d.parts < d.rows ? d.parts : d.rows;
    return d;
}

static int threads_for(const norm_dims *d) {
    return d->rows * d->channels < IDEM_PARALLEL_ELEMENTS ? 1 : idem_threads();
}

static int two_sums_prepare(idem_step *s) {
    norm_dims d = dims(&s->node->in[0]->shape);
    s->scratch_bytes = (size_t)(d.parts * 2 * d.channels) * sizeof(double);
    return 0;
}

/* Adds all parts' sums to the first part's. */
static double *join_parts(const norm_dims *d, double *sums) {
    for (int64_t part = 1; part < d->parts; part++)
        for (int64_t c = 0; c < 2 * d->channels; c++)
            sums[c] += sums[part * 2 * d->channels + c];
    return sums;
}

/* ---- bn_stats ---- */

/* s1[c] += sum of a, s2[c] += sum of b over n rows of at most TILE columns, a and b being d = x - shift and d * d, or
 * with dy: dy * d and dy. */
IDEM_MULTIVERSION static void add_tile(double *restrict s1, double *restrict s2, const float *restrict shift,
                                       const float *restrict x, const float *restrict dy, int64_t n, int64_t cols,
                                       int64_t step) {
    float a[TILE], b[TILE];
    for (int64_t r = 0; r < n;) {
        memset(a, 0, (size_t)cols * sizeof *a);
        memset(b, 0, (size_t)cols * sizeof *b);
        for (int64_t end = r + BLOCK < n ? r + BLOCK : n; r < end; r++) {
            const float *restrict row = x + r * step, *restrict g = dy ? dy + r * step : NULL;
            if (g) {
                for (int64_t c = 0; c < cols; c++) {
                    a[c] += g[c] * (row[c] - shift[c]);
                    b[c] += g[c];
                }
            } else {
                for (int64_t c = 0; c < cols; c++) {
                    float d = row[c] - shift[c];
                    a[c] += d;
                    b[c] += d * d;
                }
            }
        }
        for (int64_t c = 0; c < cols; c++) {
            s1[c] += (double)a[c];
            s2[c] += (double)b[c];
        }
    }
}

/* sums[2 * channels] = those of n rows. Few channels are processed as fewer, longer rows. */
static void two_sums(double *sums, const float *shift, const float *x, const float *dy, int64_t n, int64_t channels) {
    memset(sums, 0, (size_t)(2 * channels) * sizeof *sums);
    double *s1 = sums, *s2 = sums + channels;
    int64_t fold = TILE / channels;
    if (fold > 1 && n >= 4 * fold) {
        int64_t cols = fold * channels, rows = n / fold;
        double w1[TILE] = {0}, w2[TILE] = {0};
        float wide[TILE] = {0};
        for (int64_t i = 0; i < cols; i++)
            wide[i] = shift[i % channels];
        add_tile(w1, w2, wide, x, dy, rows, cols, cols);
        for (int64_t i = 0; i < cols; i++) {
            s1[i % channels] += w1[i];
            s2[i % channels] += w2[i];
        }
        x += rows * cols;
        dy = dy ? dy + rows * cols : NULL;
        n -= rows * fold;
    }
    for (int64_t c = 0; c < channels; c += TILE)
        add_tile(s1 + c, s2 + c, shift + c, x + c, dy ? dy + c : NULL, n, channels - c < TILE ? channels - c : TILE,
                 channels);
}

static void bn_stats_forward(const idem_step *s) {
    norm_dims d = dims(&s->node->in[0]->shape);
    double *sums = (double *)(void *)s->scratch;
    const float *x = s->in[0];
    int threads = threads_for(&d); /* the shift, any value of x, keeps the variance accurate */
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t part = 0; part < d.parts; part++) {
        int64_t from = d.rows * part / d.parts, to = d.rows * (part + 1) / d.parts;
        two_sums(sums + part * 2 * d.channels, x, x + from * d.channels, NULL, to - from, d.channels);
    }
    join_parts(&d, sums);
    for (int64_t c = 0; c < d.channels; c++) {
        double shift = sums[c] / (double)d.rows, square = sums[d.channels + c] / (double)d.rows;
        double variance = square - shift * shift;
        s->out[c] = (float)((double)x[c] + shift);
        s->out[d.channels + c] = (float)(variance > 0 ? variance : 0);
    }
}

/* [C] for rank 2, [C, 1, 1] for rank 4: broadcasts to x */
static idem_node *per_channel(idem_node *values, const idem_shape *x) {
    int64_t channels = x->d[1];
    return idem_reshape(values, x->rank == 4 ? IDEM_SHAPE(channels, 1, 1) : IDEM_SHAPE(channels));
}

static idem_node *row_of(idem_node *pair, int row) {
    return pair ? idem_reshape(idem_slice(pair, 0, row, 1, 1), IDEM_SHAPE(pair->shape.d[1])) : NULL;
}

static int bn_stats_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    if (!want[0])
        return 0;
    idem_node *x = n->in[0];
    float share = 1 / (float)dims(&x->shape).rows;
    idem_node *dmean = per_channel(idem_scale(row_of(dy, 0), share), &x->shape);
    idem_node *dvariance = per_channel(idem_scale(row_of(dy, 1), 2 * share), &x->shape);
    idem_node *centred = idem_sub(x, per_channel(row_of(n, 0), &x->shape));
    dx[0] = idem_add(idem_mul(centred, dvariance), dmean);
    return dx[0] ? 0 : -1;
}

const idem_op idem_op_bn_stats = {
    .name = "bn_stats", .prepare = two_sums_prepare, .forward = bn_stats_forward, .gradient = bn_stats_gradient};

static int check_rank(const char *what, const idem_node *x) {
    char text[64];
    if (x->shape.rank == 4 || x->shape.rank == 2)
        return 0;
    return idem_fail("%s of '%s' %s: expected rank 4 or 2", what, x->name, idem_shape_text(&x->shape, text));
}

idem_node *idem_bn_stats(idem_node *x) {
    if (!x || check_rank("bn_stats", x))
        return NULL;
    return idem_node_new(&idem_op_bn_stats, IDEM_SHAPE(2, x->shape.d[1]), &x, 1, NULL, 0);
}

/* ---- bn_apply ---- */

/* Per channel, and of the rest of the step's chain. */
typedef struct {
    const float *shift, *factor, *offset;
    float slope; /* of negative results; 1: none */
} norm_rows;

/* out = (x - shift) * factor + offset + more, times the slope where negative; more: NULL for none. Rows of x are
 * `channels` apart, the others out_row. */
IDEM_MULTIVERSION static void apply_rows(int64_t rows, int64_t channels, const norm_rows *n, const float *x,
                                         const float *more, float *out, int64_t out_row) {
    const float *restrict shift = n->shift, *restrict factor = n->factor, *restrict offset = n->offset;
    const float slope = n->slope;
    for (int64_t r = 0; r < rows; r++, x += channels, out += out_row) {
        if (more) {
            _Pragma("omp simd") for (int64_t c = 0; c < channels; c++) {
                float v = (x[c] - shift[c]) * factor[c] + offset[c] + more[c];
                out[c] = v > 0 ? v : slope * v;
            }
            more += out_row;
        } else {
            _Pragma("omp simd") for (int64_t c = 0; c < channels; c++) {
                float v = (x[c] - shift[c]) * factor[c] + offset[c];
                out[c] = v > 0 ? v : slope * v;
            }
        }
    }
}

/* `rows` rows from row `from` on, of the input or of its parts. */
static void apply(const idem_step *s, const norm_rows *n, int64_t channels, int64_t from, int64_t rows) {
    const idem_node *parts = s->chain ? s->chain->before : NULL;
    const float *more = s->chain && s->chain->residual ? s->in[4] + from * channels : NULL;
    float *const *rest = s->in + (more ? 5 : 4), *out = s->out + from * channels;
    for (int64_t k = 0, at = 0; k < (parts ? parts->n_in : 1); k++) {
        const int64_t width = parts ? parts->in[k]->shape.d[1] : channels;
        const norm_rows here = {n->shift + at, n->factor + at, n->offset + at, n->slope};
        const float *x = (k ? rest[k - 1] : s->in[0]) + from * width;
        apply_rows(rows, width, &here, x, more ? more + at : NULL, out + at, channels);
        at += width;
    }
}

static int apply_takes(const idem_node *n) {
    (void)n;
    return IDEM_CONV_RESIDUAL | IDEM_CONV_LEAKY | IDEM_CONV_PARTS;
}

static int factors_prepare(idem_step *s) {
    s->scratch_bytes = 3 * (size_t)s->node->shape.d[1] * sizeof(float);
    return 0;
}

static float inverse_deviation(float variance, float eps) {
    return (float)(1 / sqrt((double)variance + (double)eps));
}

static void bn_apply_forward(const idem_step *s) {
    norm_dims d = dims(&s->node->shape);
    const float *stats = s->in[1], *gamma = s->in[2], *beta = s->in[3];
    float eps = *(const float *)s->node->attr, *factor = s->scratch;
    for (int64_t c = 0; c < d.channels; c++)
        factor[c] = gamma[c] * inverse_deviation(stats[d.channels + c], eps);
    norm_rows n = {stats, factor, beta, s->chain && s->chain->leaky ? s->chain->slope : 1};
    int threads = threads_for(&d);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t part = 0; part < d.parts; part++) {
        int64_t from = d.rows * part / d.parts, to = d.rows * (part + 1) / d.parts;
        apply(s, &n, d.channels, from, to - from);
    }
}

/* ---- bn_sums: [2, C], row 0 sum dy v (dgamma), row 1 sum dy (dbeta); in: x, stats, dy ---- */

static void bn_sums_forward(const idem_step *s) {
    norm_dims d = dims(&s->node->in[0]->shape);
    const float *x = s->in[0], *stats = s->in[1], *dy = s->in[2];
    double *sums = (double *)(void *)s->scratch;
    int threads = threads_for(&d);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t part = 0; part < d.parts; part++) {
        int64_t from = d.rows * part / d.parts, to = d.rows * (part + 1) / d.parts, at = from * d.channels;
        two_sums(sums + part * 2 * d.channels, stats, x + at, dy + at, to - from, d.channels);
    }
    join_parts(&d, sums);
    float eps = *(const float *)s->node->attr;
    for (int64_t c = 0; c < d.channels; c++) {
        s->out[c] = (float)(sums[c] * (double)inverse_deviation(stats[d.channels + c], eps));
        s->out[d.channels + c] = (float)sums[d.channels + c];
    }
}

const idem_op idem_op_bn_sums = {.name = "bn_sums", .prepare = two_sums_prepare, .forward = bn_sums_forward};

/* ---- bn_grad: dx through the values and the statistics; in: dy, x, stats, gamma, sums ---- */

/* out = factor * dy - slope * (x - mean) - offset */
IDEM_MULTIVERSION static void back_rows(int64_t rows, int64_t channels, const float *dy, const float *restrict x,
                                        const float *restrict mean, const float *restrict factor,
                                        const float *restrict slope, const float *restrict offset, float *out) {
    for (int64_t r = 0; r < rows; r++, x += channels, dy += channels, out += channels) {
        _Pragma("omp simd") for (int64_t c = 0; c < channels; c++) out[c] =
            factor[c] * dy[c] - slope[c] * (x[c] - mean[c]) - offset[c];
    }
}

static void bn_grad_forward(const idem_step *s) {
    norm_dims d = dims(&s->node->shape);
    const float *stats = s->in[2], *gamma = s->in[3], *sums = s->in[4];
    float eps = *(const float *)s->node->attr;
    float *factor = s->scratch, *slope = factor + d.channels, *offset = slope + d.channels;
    for (int64_t c = 0; c < d.channels; c++) {
        float inverse = inverse_deviation(stats[d.channels + c], eps);
        factor[c] = gamma[c] * inverse;
        slope[c] = factor[c] * inverse * sums[c] / (float)d.rows;
        offset[c] = factor[c] * sums[d.channels + c] / (float)d.rows;
    }
    int threads = threads_for(&d);
#pragma omp parallel for num_threads(threads) schedule(static) if (threads > 1)
    for (int64_t part = 0; part < d.parts; part++) {
        int64_t from = d.rows * part / d.parts, to = d.rows * (part + 1) / d.parts, at = from * d.channels;
        back_rows(to - from, d.channels, s->in[0] + at, s->in[1] + at, stats, factor, slope, offset, s->out + at);
    }
}

const idem_op idem_op_bn_grad = {
    .name = "bn_grad", .in_place = true, .prepare = factors_prepare, .forward = bn_grad_forward};

/* ---- gradient of bn_apply ---- */

/* If the statistics are not those of x, x and stats are independent inputs. */
static int free_gradient(idem_node *n, idem_node *dy, idem_node *sums, const bool *want, idem_node **dx) {
    idem_node *x = n->in[0], *stats = n->in[1], *gamma = n->in[2];
    float eps = *(const float *)n->attr;
    idem_node *inverse = idem_rsqrt(idem_affine(row_of(stats, 1), 1, eps));
    idem_node *factor = idem_mul(gamma, inverse);
    if (want[0] && !(dx[0] = idem_mul(dy, per_channel(factor, &x->shape))))
        return -1;
    if (want[1]) {
        idem_node *dmean = idem_scale(idem_mul(row_of(sums, 1), factor), -1);
        idem_node *dvariance = idem_scale(idem_mul(row_of(sums, 0), idem_mul(factor, inverse)), -0.5f);
        if (!dmean || !dvariance)
            return -1;
        idem_shape row = IDEM_SHAPE(1, x->shape.d[1]);
        idem_node *rows[2] = {idem_reshape(dmean, row), idem_reshape(dvariance, row)};
        if (!(dx[1] = idem_concat(rows, 2, 0)))
            return -1;
    }
    return 0;
}

static int bn_apply_gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    idem_node *x = n->in[0], *stats = n->in[1], *gamma = n->in[2], *sums = NULL;
    bool own = stats->op == &idem_op_bn_stats && stats->in[0] == x;
    if (own ? want[0] || want[2] || want[3] : want[1] || want[2] || want[3]) {
        idem_node *in[3] = {x, stats, dy};
        sums = idem_node_new(&idem_op_bn_sums, IDEM_SHAPE(2, x->shape.d[1]), in, 3, n->attr, sizeof(float));
        if (!sums)
            return -1;
    }
    if (own && want[0]) { /* includes the part through stats */
        idem_node *in[5] = {dy, x, stats, gamma, sums};
        if (!(dx[0] = idem_node_new(&idem_op_bn_grad, x->shape, in, 5, n->attr, sizeof(float))))
            return -1;
    }
    if (!own && free_gradient(n, dy, sums, want, dx))
        return -1;
    for (int i = 0; i < 2; i++)
        if (want[2 + i] && !(dx[2 + i] = row_of(sums, i)))
            return -1;
    return 0;
}

const idem_op idem_op_bn_apply = {.name = "bn_apply",
                                  .in_place = true,
                                  .prepare = factors_prepare,
                                  .forward = bn_apply_forward,
                                  .gradient = bn_apply_gradient,
                                  .takes = apply_takes};

idem_node *idem_bn_apply(idem_node *x, idem_node *stats, idem_node *gamma, idem_node *beta, float eps) {
    if (!x || !stats || !gamma || !beta || check_rank("bn_apply", x))
        return NULL;
    int64_t channels = x->shape.d[1];
    idem_shape pair = IDEM_SHAPE(2, channels), one = IDEM_SHAPE(channels);
    if (!idem_shape_equal(&stats->shape, &pair) || !idem_shape_equal(&gamma->shape, &one) ||
        !idem_shape_equal(&beta->shape, &one)) {
        char a[64], b[64], c[64], d[64];
        return idem_fail_null("bn_apply of '%s' %s: stats %s, gamma %s, beta %s; expected [2, C], [C] and [C]", x->name,
                              idem_shape_text(&x->shape, a), idem_shape_text(&stats->shape, b),
                              idem_shape_text(&gamma->shape, c), idem_shape_text(&beta->shape, d));
    }
    if (!(eps >= 0))
        return idem_fail_null("bn_apply of '%s': eps is %g, expected 0 or more", x->name, (double)eps);
    return idem_node_new(&idem_op_bn_apply, x->shape, (idem_node *[]){x, stats, gamma, beta}, 4, &eps, sizeof eps);
}
