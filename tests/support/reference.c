#include "support/reference.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double *taken[1 << 12];
static int n_taken;

ref_tensor ref_new(idem_shape shape) {
    ref_tensor t = {shape, calloc((size_t)ref_count(&shape), sizeof(double))};
    if (!t.v || n_taken == (int)(sizeof taken / sizeof *taken)) {
        fprintf(stderr, "reference: out of memory\n");
        abort();
    }
    taken[n_taken++] = t.v;
    return t;
}

void ref_reset(void) {
    while (n_taken > 0)
        free(taken[--n_taken]);
}

int64_t ref_count(const idem_shape *s) {
    int64_t n = 1;
    for (int i = 0; i < s->rank; i++)
        n *= s->d[i];
    return n;
}

/* Index of each axis of element `flat` of a row-major tensor. */
static void unravel(const idem_shape *s, int64_t flat, int64_t *index) {
    for (int i = s->rank - 1; i >= 0; i--) {
        index[i] = flat % s->d[i];
        flat /= s->d[i];
    }
}

/* Row-major place of an index of a shape of `rank` axes in a tensor that broadcasts to it. */
static int64_t ravel(const idem_shape *s, const int64_t *index, int rank) {
    int64_t flat = 0;
    for (int i = 0; i < s->rank; i++)
        flat = flat * s->d[i] + (s->d[i] == 1 ? 0 : index[i + rank - s->rank]);
    return flat;
}

static double *at4(ref_tensor t, int64_t a, int64_t b, int64_t c, int64_t d) {
    return &t.v[((a * t.shape.d[1] + b) * t.shape.d[2] + c) * t.shape.d[3] + d];
}

ref_tensor ref_binary(ref_tensor a, ref_tensor b, char op) {
    idem_shape s = {.rank = a.shape.rank > b.shape.rank ? a.shape.rank : b.shape.rank};
    for (int i = 0; i < s.rank; i++) {
        int ia = i + a.shape.rank - s.rank, ib = i + b.shape.rank - s.rank;
        int64_t da = ia < 0 ? 1 : a.shape.d[ia], db = ib < 0 ? 1 : b.shape.d[ib];
        s.d[i] = da == 1 ? db : da;
    }
    ref_tensor y = ref_new(s);
    for (int64_t i = 0; i < ref_count(&s); i++) {
        int64_t index[IDEM_MAX_RANK];
        unravel(&s, i, index);
        double p = a.v[ravel(&a.shape, index, s.rank)], q = b.v[ravel(&b.shape, index, s.rank)];
        y.v[i] = op == '+' ? p + q : op == '-' ? p - q : op == '*' ? p * q : p / q;
    }
    return y;
}

static double unary(double x, idem_unary_kind kind, double a, double b) {
    switch (kind) {
    case IDEM_UNARY_AFFINE:
        return a * x + b;
    case IDEM_UNARY_RELU:
        return fmax(x, 0);
    case IDEM_UNARY_LEAKY_RELU:
        return b * (x > 0 ? x : a * x);
    case IDEM_UNARY_EXP:
        return exp(x);
    case IDEM_UNARY_LOG:
        return log(x);
    case IDEM_UNARY_SQRT:
        return sqrt(x);
    case IDEM_UNARY_RSQRT:
        return 1 / sqrt(x);
    case IDEM_UNARY_SQUARE:
        return x * x;
    case IDEM_UNARY_ABS:
        return fabs(x);
    case IDEM_UNARY_SIGN:
        return x > 0 ? 1 : x < 0 ? -1 : 0;
    case IDEM_UNARY_STEP:
        return x > 0 ? a : b;
    case IDEM_UNARY_SIGMOID:
        return 1 / (1 + exp(-x));
    case IDEM_UNARY_SOFTPLUS:
        return x > 30 ? x : log(1 + exp(x));
    case IDEM_UNARY_TANH:
        return tanh(x);
    case IDEM_UNARY_POW:
        return pow(x, a);
    case IDEM_UNARY_CLAMP:
        return fmin(fmax(x, a), b);
    case IDEM_UNARY_ONE_MINUS_POW:
        return x < 1 ? 1 - pow(1 - x, a) : 1;
    }
    return NAN;
}

ref_tensor ref_unary(ref_tensor x, idem_unary_kind kind, double a, double b) {
    ref_tensor y = ref_new(x.shape);
    for (int64_t i = 0; i < ref_count(&x.shape); i++)
        y.v[i] = unary(x.v[i], kind, a, b);
    return y;
}

ref_tensor ref_reduce_sum(ref_tensor x, idem_shape shape, double scale) {
    ref_tensor y = ref_new(shape);
    for (int64_t i = 0; i < ref_count(&x.shape); i++) {
        int64_t index[IDEM_MAX_RANK];
        unravel(&x.shape, i, index);
        y.v[ravel(&shape, index, x.shape.rank)] += scale * x.v[i];
    }
    return y;
}

ref_tensor ref_broadcast(ref_tensor x, idem_shape shape) {
    return ref_binary(x, ref_new(shape), '+');
}

ref_tensor ref_reshape(ref_tensor x, idem_shape shape) {
    return (ref_tensor){shape, x.v};
}

ref_tensor ref_permute(ref_tensor x, const int *axes) {
    idem_shape s = x.shape;
    for (int i = 0; i < s.rank; i++)
        s.d[i] = x.shape.d[axes[i]];
    ref_tensor y = ref_new(s);
    for (int64_t i = 0; i < ref_count(&s); i++) {
        int64_t index[IDEM_MAX_RANK], from[IDEM_MAX_RANK];
        unravel(&s, i, index);
        for (int k = 0; k < s.rank; k++)
            from[axes[k]] = index[k];
        y.v[i] = x.v[ravel(&x.shape, from, s.rank)];
    }
    return y;
}

ref_tensor ref_slice(ref_tensor x, int axis, int64_t start, int64_t size, int64_t step) {
    idem_shape s = x.shape;
    s.d[axis] = size;
    ref_tensor y = ref_new(s);
    for (int64_t i = 0; i < ref_count(&s); i++) {
        int64_t index[IDEM_MAX_RANK];
        unravel(&s, i, index);
        index[axis] = start + step * index[axis];
        y.v[i] = x.v[ravel(&x.shape, index, s.rank)];
    }
    return y;
}

ref_tensor ref_embed(ref_tensor x, int axis, int64_t start, int64_t full, int64_t step) {
    idem_shape s = x.shape;
    s.d[axis] = full;
    ref_tensor y = ref_new(s);
    for (int64_t i = 0; i < ref_count(&x.shape); i++) {
        int64_t index[IDEM_MAX_RANK];
        unravel(&x.shape, i, index);
        index[axis] = start + step * index[axis];
        y.v[ravel(&s, index, s.rank)] = x.v[i];
    }
    return y;
}

ref_tensor ref_concat(const ref_tensor *x, int n, int axis) {
    int64_t full = 0, start = 0;
    for (int k = 0; k < n; k++)
        full += x[k].shape.d[axis];
    ref_tensor y = ref_embed(x[0], axis, 0, full, 1);
    for (int k = 1; k < n; k++) {
        start += x[k - 1].shape.d[axis];
        y = ref_binary(y, ref_embed(x[k], axis, start, full, 1), '+');
    }
    return y;
}

ref_tensor ref_matmul(ref_tensor a, ref_tensor b, bool ta, bool tb) {
    int r = a.shape.rank;
    int64_t batch = r == 3 ? a.shape.d[0] : 1;
    int64_t rows = a.shape.d[r - 2], cols = a.shape.d[r - 1], brows = b.shape.d[r - 2], bcols = b.shape.d[r - 1];
    int64_t M = ta ? cols : rows, K = ta ? rows : cols, N = tb ? brows : bcols;
    idem_shape s = a.shape;
    s.d[r - 2] = M;
    s.d[r - 1] = N;
    ref_tensor y = ref_new(s);
    for (int64_t z = 0; z < batch; z++)
        for (int64_t m = 0; m < M; m++)
            for (int64_t n = 0; n < N; n++)
                for (int64_t k = 0; k < K; k++)
                    y.v[(z * M + m) * N + n] += a.v[z * rows * cols + (ta ? k * cols + m : m * cols + k)] *
                                                b.v[z * brows * bcols + (tb ? n * bcols + k : k * bcols + n)];
    return y;
}

/* The three directions of a convolution are one loop over the products that make it up. */
typedef enum { FORWARD, DATA, WEIGHT } direction;

static void conv_loop(ref_tensor x, ref_tensor w, ref_tensor y, idem_window win, direction to) {
    int64_t group_in = w.shape.d[1], group_out = w.shape.d[0] / win.groups;
    for (int64_t n = 0; n < y.shape.d[0]; n++)
        for (int64_t o = 0; o < y.shape.d[1]; o++)
            for (int64_t oy = 0; oy < y.shape.d[2]; oy++)
                for (int64_t ox = 0; ox < y.shape.d[3]; ox++)
                    for (int64_t i = 0; i < group_in; i++)
                        for (int64_t ky = 0; ky < w.shape.d[2]; ky++)
                            for (int64_t kx = 0; kx < w.shape.d[3]; kx++) {
                                int64_t iy = oy * win.stride[0] - win.pad[0] + ky * win.dilation[0];
                                int64_t ix = ox * win.stride[1] - win.pad[1] + kx * win.dilation[1];
                                if (iy < 0 || iy >= x.shape.d[2] || ix < 0 || ix >= x.shape.d[3])
                                    continue;
                                double *px = at4(x, n, o / group_out * group_in + i, iy, ix);
                                double *pw = at4(w, o, i, ky, kx), *py = at4(y, n, o, oy, ox);
                                if (to == FORWARD)
                                    *py += *px * *pw;
                                else if (to == DATA)
                                    *px += *py * *pw;
                                else
                                    *pw += *py * *px;
                            }
}

static int64_t out_size(int64_t size, int64_t kernel, idem_window win, int i) {
    return (size + win.pad[i] + win.pad[i + 2] - (kernel - 1) * win.dilation[i] - 1) / win.stride[i] + 1;
}

ref_tensor ref_conv(ref_tensor x, ref_tensor w, idem_window win) {
    ref_tensor y = ref_new(IDEM_SHAPE(x.shape.d[0], w.shape.d[0], out_size(x.shape.d[2], w.shape.d[2], win, 0),
                                      out_size(x.shape.d[3], w.shape.d[3], win, 1)));
    conv_loop(x, w, y, win, FORWARD);
    return y;
}

ref_tensor ref_conv_data(ref_tensor dy, ref_tensor w, idem_window win, int64_t h, int64_t wd) {
    ref_tensor x = ref_new(IDEM_SHAPE(dy.shape.d[0], w.shape.d[1] * win.groups, h, wd));
    conv_loop(x, w, dy, win, DATA);
    return x;
}

ref_tensor ref_conv_weight(ref_tensor x, ref_tensor dy, idem_window win) {
    ref_tensor w = ref_new(IDEM_SHAPE(dy.shape.d[1], x.shape.d[1] / win.groups, win.kernel[0], win.kernel[1]));
    conv_loop(x, w, dy, win, WEIGHT);
    return w;
}

static idem_shape pooled(idem_shape s, idem_window win) {
    return IDEM_SHAPE(s.d[0], s.d[1], out_size(s.d[2], win.kernel[0], win, 0), out_size(s.d[3], win.kernel[1], win, 1));
}

/* mode 'm': largest; 'a': average; 's': y's values shared out to x, x zero before */
static void pool_loop(ref_tensor x, ref_tensor y, idem_window win, bool count_pad, char mode) {
    for (int64_t p = 0; p < y.shape.d[0] * y.shape.d[1]; p++)
        for (int64_t oy = 0; oy < y.shape.d[2]; oy++)
            for (int64_t ox = 0; ox < y.shape.d[3]; ox++) {
                double largest = -INFINITY, sum = 0;
                int count = 0;
                double *out = at4(y, p / y.shape.d[1], p % y.shape.d[1], oy, ox);
                for (int pass = 0; pass < 2; pass++)
                    for (int ky = 0; ky < win.kernel[0]; ky++)
                        for (int kx = 0; kx < win.kernel[1]; kx++) {
                            int64_t iy = oy * win.stride[0] - win.pad[0] + ky;
                            int64_t ix = ox * win.stride[1] - win.pad[1] + kx;
                            bool inside = iy >= 0 && iy < x.shape.d[2] && ix >= 0 && ix < x.shape.d[3];
                            if (pass == 0)
                                count += inside || count_pad;
                            if (!inside)
                                continue;
                            double *in = at4(x, p / y.shape.d[1], p % y.shape.d[1], iy, ix);
                            if (pass == 0) {
                                largest = fmax(largest, *in);
                                sum += *in;
                            } else if (mode == 's') {
                                *in += *out / count;
                            }
                        }
                if (mode != 's')
                    *out = mode == 'm' ? largest : sum / count;
            }
}

ref_tensor ref_maxpool(ref_tensor x, idem_window win) {
    ref_tensor y = ref_new(pooled(x.shape, win));
    pool_loop(x, y, win, false, 'm');
    return y;
}

ref_tensor ref_avgpool(ref_tensor x, idem_window win, bool count_pad) {
    ref_tensor y = ref_new(pooled(x.shape, win));
    pool_loop(x, y, win, count_pad, 'a');
    return y;
}

ref_tensor ref_avgpool_grad(ref_tensor dy, idem_window win, bool count_pad, int64_t h, int64_t w) {
    ref_tensor x = ref_new(IDEM_SHAPE(dy.shape.d[0], dy.shape.d[1], h, w));
    pool_loop(x, dy, win, count_pad, 's');
    return x;
}

ref_tensor ref_filter(ref_tensor x, const float *kernel, int n, int up, int down, const int pad[4]) {
    int64_t h = x.shape.d[2] * up + pad[0] + pad[2], w = x.shape.d[3] * up + pad[1] + pad[3];
    ref_tensor wide = ref_new(IDEM_SHAPE(x.shape.d[0], x.shape.d[1], h, w));
    ref_tensor y = ref_new(IDEM_SHAPE(x.shape.d[0], x.shape.d[1], (h - n) / down + 1, (w - n) / down + 1));
    for (int64_t p = 0; p < x.shape.d[0] * x.shape.d[1]; p++) {
        int64_t a = p / x.shape.d[1], b = p % x.shape.d[1];
        for (int64_t i = 0; i < x.shape.d[2]; i++)
            for (int64_t j = 0; j < x.shape.d[3]; j++) {
                int64_t r = i * up + pad[0], c = j * up + pad[1];
                if (r >= 0 && r < h && c >= 0 && c < w)
                    *at4(wide, a, b, r, c) = *at4(x, a, b, i, j);
            }
        for (int64_t i = 0; i < y.shape.d[2]; i++)
            for (int64_t j = 0; j < y.shape.d[3]; j++)
                for (int u = 0; u < n; u++)
                    for (int v = 0; v < n; v++)
                        *at4(y, a, b, i, j) += (double)kernel[n - 1 - u] * (double)kernel[n - 1 - v] *
                                               *at4(wide, a, b, i * down + u, j * down + v);
    }
    return y;
}

ref_tensor ref_spatial_map(ref_tensor x, const idem_sparse *map, int64_t h, int64_t w) {
    ref_tensor y = ref_new(IDEM_SHAPE(x.shape.d[0], x.shape.d[1], h, w));
    for (int64_t p = 0; p < x.shape.d[0] * x.shape.d[1]; p++)
        for (int r = 0; r < map->rows; r++)
            for (int k = map->start[r]; k < map->start[r + 1]; k++)
                y.v[p * map->rows + r] += (double)map->value[k] * x.v[p * map->columns + map->column[k]];
    return y;
}

/* Cubic convolution, a = -0.75, at distance t from the sample. */
static double cubic_weight(double t) {
    const double a = -0.75;
    t = fabs(t);
    if (t < 1)
        return ((a + 2) * t - (a + 3)) * t * t + 1;
    return t < 2 ? ((a * t - 5 * a) * t + 8 * a) * t - 4 * a : 0;
}

/* The plane continued by mirroring about the edges of its outer pixels. */
static double mirrored(const double *plane, int64_t height, int64_t width, int64_t y, int64_t x) {
    while (x < 0 || x >= width)
        x = x < 0 ? -1 - x : 2 * width - 1 - x;
    while (y < 0 || y >= height)
        y = y < 0 ? -1 - y : 2 * height - 1 - y;
    return plane[y * width + x];
}

void ref_augment(double *out, const double *in, int64_t height, int64_t width, const float *numbers) {
    const float *m = numbers, *matrix = numbers + 6, *offset = numbers + 15, *box = numbers + 18;
    const double cx = (double)(width - 1) / 2, cy = (double)(height - 1) / 2;
    for (int64_t y = 0; y < height; y++)
        for (int64_t x = 0; x < width; x++) {
            const double dx = (double)x - cx, dy = (double)y - cy;
            const double u = (double)m[0] * dx + (double)m[1] * dy + (double)m[2] + cx;
            const double v = (double)m[3] * dx + (double)m[4] * dy + (double)m[5] + cy;
            const bool cut = x >= (int64_t)box[0] && y >= (int64_t)box[1] && x < (int64_t)box[2] && y < (int64_t)box[3];
            double s[3] = {0};
            for (int64_t j = (int64_t)floor(v) - 2; j <= (int64_t)floor(v) + 3; j++)
                for (int64_t i = (int64_t)floor(u) - 2; i <= (int64_t)floor(u) + 3; i++)
                    for (int c = 0; c < 3; c++)
                        s[c] += cubic_weight(u - (double)i) * cubic_weight(v - (double)j) *
                                mirrored(in + c * height * width, height, width, j, i);
            for (int c = 0; c < 3; c++) {
                double sum = (double)offset[c];
                for (int k = 0; k < 3; k++)
                    sum += (double)matrix[3 * c + k] * s[k];
                out[(c * height + y) * width + x] = cut ? 0 : sum;
            }
        }
}

/* Values of channel c in a tensor of rank 4 or 2. */
static int64_t channel_of(const idem_shape *s, int64_t flat) {
    return s->rank == 4 ? flat / (s->d[2] * s->d[3]) % s->d[1] : flat % s->d[1];
}

ref_tensor ref_bn_stats(ref_tensor x) {
    int64_t C = x.shape.d[1], count = ref_count(&x.shape);
    double R = (double)count / (double)C;
    ref_tensor y = ref_new(IDEM_SHAPE(2, C));
    for (int64_t i = 0; i < count; i++)
        y.v[channel_of(&x.shape, i)] += x.v[i] / R;
    for (int64_t i = 0; i < count; i++) {
        int64_t c = channel_of(&x.shape, i);
        y.v[C + c] += (x.v[i] - y.v[c]) * (x.v[i] - y.v[c]) / R;
    }
    return y;
}

ref_tensor ref_bn_apply(ref_tensor x, ref_tensor stats, ref_tensor gamma, ref_tensor beta, double eps) {
    ref_tensor y = ref_new(x.shape);
    for (int64_t i = 0; i < ref_count(&x.shape); i++) {
        int64_t c = channel_of(&x.shape, i);
        y.v[i] = (x.v[i] - stats.v[c]) / sqrt(stats.v[x.shape.d[1] + c] + eps) * gamma.v[c] + beta.v[c];
    }
    return y;
}

ref_tensor ref_prelu(ref_tensor x, ref_tensor slope) {
    ref_tensor y = ref_new(x.shape);
    for (int64_t i = 0; i < ref_count(&x.shape); i++)
        y.v[i] = x.v[i] > 0 ? x.v[i] : slope.v[channel_of(&x.shape, i)] * x.v[i];
    return y;
}

ref_tensor ref_styled(ref_tensor x, ref_tensor scale, ref_tensor plane, ref_tensor bias, double slope, double gain) {
    ref_tensor y = ref_new(x.shape);
    int64_t P = x.shape.d[2] * x.shape.d[3], C = x.shape.d[1];
    int64_t planes = plane.v ? plane.shape.d[0] : 1;
    for (int64_t i = 0; i < ref_count(&x.shape); i++) {
        double t = x.v[i];
        t *= scale.v ? scale.v[i / P] : 1;
        t += plane.v ? plane.v[i / (C * P) % planes * P + i % P] : 0;
        t += bias.v ? bias.v[i / P % C] : 0;
        y.v[i] = gain * (t > 0 ? t : slope * t);
    }
    return y;
}

ref_tensor ref_softmax(ref_tensor x, int axis) {
    idem_shape one = x.shape;
    one.d[axis] = 1;
    ref_tensor e = ref_unary(x, IDEM_UNARY_EXP, 0, 0);
    return ref_binary(e, ref_reduce_sum(e, one, 1), '/');
}
