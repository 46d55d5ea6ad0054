#include "measure/w_space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include "base/rng.h"
#include "engine/op.h"
#include "model/pipe.h"

enum { ROWS = 64, AXES = 2, BATCH = 16, SHOWN = 1000 };

struct idem_w_space {
    int n, width, shown;
    float *w;           /* [n, W] */
    double *square;     /* [n]: |w|^2 about the mean */
    double *mean;       /* [W] */
    double *axis[AXES]; /* [W] */
    double share[AXES], itself;
    float *plane; /* [shown, 2] */
};

void idem_w_space_free(idem_w_space *s) {
    if (!s)
        return;
    for (int k = 0; k < AXES; k++)
        free(s->axis[k]);
    free(s->w);
    free(s->square);
    free(s->mean);
    free(s->plane);
    free(s);
}

/* ---- the plane ---- */

static void find_mean(idem_w_space *s) {
    const size_t width = (size_t)s->width;
    for (size_t i = 0; i < (size_t)s->n * width; i++)
        s->mean[i % width] += (double)s->w[i] / s->n;
    for (size_t i = 0; i < (size_t)s->n * width; i++)
        s->w[i] = (float)((double)s->w[i] - s->mean[i % width]);
    for (size_t i = 0; i < (size_t)s->n; i++)
        for (size_t k = 0; k < width; k++)
            s->square[i] += (double)s->w[i * width + k] * (double)s->w[i * width + k];
}

/* The sign of an eigenvector is arbitrary: its largest number is made positive, so that pictures of two runs compare.
 */
static void take_axis(double *to, const double *vector, size_t width) {
    size_t most = 0;
    for (size_t k = 1; k < width; k++)
        if (fabs(vector[k]) > fabs(vector[most]))
            most = k;
    for (size_t k = 0; k < width; k++)
        to[k] = vector[most] < 0 ? -vector[k] : vector[k];
}

static int find_axes(idem_w_space *s) {
    const size_t width = (size_t)s->width;
    float *product = calloc(width * width, sizeof *product);
    double *cov = malloc(width * width * sizeof *cov), *values = malloc(width * sizeof *values), all = 0;
    int status = product && cov && values ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for the codes' components");
    if (!status) {
        cblas_ssyrk(CblasColMajor, CblasUpper, CblasNoTrans, s->width, s->n, 1 / (float)(s->n - 1), s->w, s->width, 0,
                    product, s->width);
        for (size_t i = 0; i < width * width; i++)
            cov[i] = (double)product[i];
        if (LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', s->width, cov, s->width, values))
            status = idem_fail_as(IDEM_INTERNAL, "the principal components of %d codes were not found", s->n);
    }
    for (size_t k = 0; k < width && !status; k++)
        all += values[k];
    for (size_t k = 0; k < AXES && !status; k++) { /* eigenvalues ascend */
        take_axis(s->axis[k], cov + (width - 1 - k) * width, width);
        s->share[k] = values[width - 1 - k] / fmax(all, 1e-30);
    }
    free(product);
    free(cov);
    free(values);
    return status;
}

static int prepare(idem_w_space *s) {
    const int before = openblas_get_num_threads();
    openblas_set_num_threads(idem_threads());
    find_mean(s);
    const int status = find_axes(s);
    for (int i = 0; i < s->shown && !status; i++)
        for (int k = 0; k < AXES; k++) {
            double along = 0;
            for (int c = 0; c < s->width; c++)
                along += (double)s->w[(size_t)i * (size_t)s->width + (size_t)c] * s->axis[k][c];
            s->plane[AXES * i + k] = (float)along;
        }
    openblas_set_num_threads(before);
    return status;
}

static idem_w_space *new_space(int n, int width) {
    if (n < 3 || width < AXES)
        return idem_fail_null("the plane of %d codes of %d numbers, expected 3 of 2 or more", n, width);
    idem_w_space *s = calloc(1, sizeof *s);
    if (!s)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for %d codes", n);
    const size_t rows = (size_t)n, columns = (size_t)width;
    *s = (idem_w_space){.n = n, .width = width, .shown = n < SHOWN ? n : SHOWN};
    s->w = malloc(rows * columns * sizeof *s->w);
    s->square = calloc(rows, sizeof *s->square);
    s->mean = calloc(columns, sizeof *s->mean);
    s->plane = calloc(SHOWN * AXES, sizeof *s->plane);
    for (int k = 0; k < AXES; k++)
        s->axis[k] = calloc(columns, sizeof *s->axis[k]);
    if (s->w && s->square && s->mean && s->plane && s->axis[0] && s->axis[1])
        return s;
    idem_w_space_free(s);
    return idem_fail_null_as(IDEM_MEMORY, "out of memory for %d codes", n);
}

idem_w_space *idem_w_space_of(const float *w, int n, int width) {
    idem_w_space *s = new_space(n, width);
    if (!s)
        return NULL;
    memcpy(s->w, w, (size_t)n * (size_t)width * sizeof *w);
    if (!prepare(s))
        return s;
    idem_w_space_free(s);
    return NULL;
}

/* ---- the generator's codes ---- */

static int draw(idem_pipe *p, idem_rng *r, size_t z_dim, int n, float *w) {
    float *z = malloc((size_t)n * z_dim * sizeof *z);
    if (!z)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", n);
    idem_rng_fill_normal(r, z, (size_t)n * z_dim);
    const int status = idem_pipe_run(p, (size_t)n, (const float *const[]){z, NULL}, (float *const[]){w, NULL});
    free(z);
    return status;
}

static int find_itself(idem_w_space *s, idem_pipe *p, idem_rng *r, size_t z_dim) {
    float *w = malloc(IDEM_W_FRESH * (size_t)s->width * sizeof *w), nearest[IDEM_W_FRESH];
    int status = w ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", IDEM_W_FRESH);
    status = status || draw(p, r, z_dim, IDEM_W_FRESH, w) || idem_w_space_place(s, w, IDEM_W_FRESH, nearest, NULL);
    for (int i = 0; i < IDEM_W_FRESH && !status; i++)
        s->itself += (double)nearest[i] / IDEM_W_FRESH;
    free(w);
    return status ? -1 : 0;
}

idem_w_space *idem_w_space_new(idem_model *m, float psi, int codes, uint64_t seed, const idem_plan_options *plan) {
    const idem_model_info *info = idem_model_about(m);
    const size_t z_dim = (size_t)info->z_dim;
    idem_rng r = idem_rng_make(seed, "codes of W");
    idem_w_space *s = new_space(codes, info->w_dim);
    idem_pipe *p = s ? idem_pipe_new(m, IDEM_PIPE_MAPPING, BATCH, psi, plan) : NULL;
    if (p && !draw(p, &r, z_dim, codes, s->w) && !prepare(s) && !find_itself(s, p, &r, z_dim)) {
        idem_pipe_free(p);
        return s;
    }
    idem_pipe_free(p);
    idem_w_space_free(s);
    return NULL;
}

/* ---- places ---- */

/* |a - b|^2 = |a|^2 + |b|^2 - 2 a b finds the nearest; its distance is then computed from the difference, which is
 * exact for equal codes. */
static double nearest_of(const idem_w_space *s, const float *code, const float *products) {
    size_t best = 0;
    double least = INFINITY, sum = 0;
    for (size_t i = 0; i < (size_t)s->n; i++) {
        const double d = s->square[i] - 2 * (double)products[i];
        if (d < least) {
            least = d;
            best = i;
        }
    }
    for (size_t k = 0; k < (size_t)s->width; k++) {
        const double d = (double)code[k] - (double)s->w[best * (size_t)s->width + k];
        sum += d * d;
    }
    return sqrt(sum);
}

int idem_w_space_place(const idem_w_space *s, const float *w, int n, float *nearest, float *plane) {
    const size_t width = (size_t)s->width;
    float *rows = malloc(ROWS * width * sizeof *rows), *products = malloc(ROWS * (size_t)s->n * sizeof *products);
    if (!rows || !products) {
        free(rows);
        free(products);
        return idem_fail_as(IDEM_MEMORY, "out of memory for the places of %d codes", n);
    }
    const int before = openblas_get_num_threads();
    openblas_set_num_threads(idem_threads());
    for (int first = 0; first < n; first += ROWS) {
        const int count = n - first < ROWS ? n - first : ROWS;
        for (size_t i = 0; i < (size_t)count * width; i++)
            rows[i] = (float)((double)w[(size_t)first * width + i] - s->mean[i % width]);
        if (nearest)
            cblas_sgemm(CblasColMajor, CblasTrans, CblasNoTrans, s->n, count, s->width, 1, s->w, s->width, rows,
                        s->width, 0, products, s->n);
        for (int i = 0; i < count; i++) {
            const float *row = rows + (size_t)i * width;
            if (nearest)
                nearest[first + i] = (float)nearest_of(s, row, products + (size_t)i * (size_t)s->n);
            for (int k = 0; plane && k < AXES; k++) {
                double along = 0;
                for (size_t c = 0; c < width; c++)
                    along += (double)row[c] * s->axis[k][c];
                plane[AXES * (first + i) + k] = (float)along;
            }
        }
    }
    openblas_set_num_threads(before);
    free(rows);
    free(products);
    return 0;
}

double idem_w_space_itself(const idem_w_space *s) {
    return s->itself;
}

const float *idem_w_space_plane(const idem_w_space *s, int *n) {
    *n = s->shown;
    return s->plane;
}

const double *idem_w_space_shares(const idem_w_space *s) {
    return s->share;
}
