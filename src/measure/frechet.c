#include "measure/frechet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>
#include <lapacke.h>

#include "base/rng.h"
#include "base/status.h"
#include "engine/op.h"

enum { ROWS = 256, WIDTH_MOST = 8192 };

struct idem_moments {
    size_t width, n;
    double *origin, *sum, *square; /* the first row; sums of x - origin [D] and of its products [D, D], upper */
    double *rows;                  /* [ROWS, D] */
    double *root;                  /* [D, D]: T with T T' the covariance; NULL until needed */
};

typedef struct {
    double *mean, *cov; /* [D], [D, D]; both triangles of cov */
} moments;

/* ---- moments ---- */

idem_moments *idem_moments_new(size_t width) {
    if (width < 1 || width > WIDTH_MOST)
        return idem_fail_null("covariances of %zu features: expected 1 to %d", width, WIDTH_MOST);
    idem_moments *m = calloc(1, sizeof *m);
    if (m) {
        m->width = width;
        m->origin = calloc(width, sizeof *m->origin);
        m->sum = calloc(width, sizeof *m->sum);
        m->square = calloc(width * width, sizeof *m->square);
        m->rows = malloc(ROWS * width * sizeof *m->rows);
    }
    if (m && m->origin && m->sum && m->square && m->rows)
        return m;
    idem_moments_free(m);
    return idem_fail_null_as(IDEM_MEMORY, "out of memory for the covariance of %zu features", width);
}

void idem_moments_free(idem_moments *m) {
    if (!m)
        return;
    free(m->origin);
    free(m->sum);
    free(m->square);
    free(m->rows);
    free(m->root);
    free(m);
}

size_t idem_moments_count(const idem_moments *m) {
    return m->n;
}

int idem_moments_add(idem_moments *m, const float *x, size_t n) {
    const size_t width = m->width;
    const int before = openblas_get_num_threads(); /* a setting of the process, restored for the caller */
    openblas_set_num_threads(idem_threads());
    int status = 0;
    free(m->root);
    m->root = NULL;
    for (size_t first = 0; first < n && !status; first += ROWS) {
        const size_t count = n - first < ROWS ? n - first : ROWS;
        const float *from = x + first * width;
        for (size_t k = 0; k < width && !m->n && !first; k++)
            m->origin[k] = (double)from[k];
        for (size_t i = 0; i < count * width && !status; i++) {
            m->rows[i] = (double)from[i] - m->origin[i % width];
            if (!isfinite(m->rows[i]))
                status = idem_fail("feature %zu of %zu is not finite in some picture", i % width, width);
        }
        if (status)
            break;
        for (size_t i = 0; i < count * width; i++)
            m->sum[i % width] += m->rows[i];
        cblas_dsyrk(CblasColMajor, CblasUpper, CblasNoTrans, (int)width, (int)count, 1, m->rows, (int)width, 1,
                    m->square, (int)width);
        m->n += count;
    }
    openblas_set_num_threads(before);
    return status;
}

static int find_moments(moments *to, const idem_moments *m) {
    const size_t width = m->width;
    const double n = (double)m->n;
    to->mean = calloc(width, sizeof *to->mean);
    to->cov = calloc(width * width, sizeof *to->cov);
    if (!to->mean || !to->cov)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the covariance of %zu features", width);
    for (size_t k = 0; k < width; k++)
        to->mean[k] = m->origin[k] + m->sum[k] / n;
    for (size_t i = 0; i < width; i++)
        for (size_t k = 0; k <= i; k++) {
            const double cov = (m->square[i * width + k] - m->sum[i] * m->sum[k] / n) / (n - 1);
            to->cov[i * width + k] = to->cov[k * width + i] = cov;
        }
    return 0;
}

int idem_moments_cosine(const idem_moments *m, double *mean, double *error) {
    const size_t width = m->width;
    const double n = (double)m->n;
    if (m->n < 2)
        return idem_fail("the mean cosine of %zu pictures: expected at least 2", m->n);
    moments of = {0};
    int status = find_moments(&of, m);
    double square = 0, along = 0; /* of s = n mean, and s' cov s: a row's mean cosine is (x's - 1) / (n - 1) */
    for (size_t i = 0; i < width && !status; i++) {
        square += n * of.mean[i] * n * of.mean[i];
        for (size_t k = 0; k < width; k++)
            along += n * of.mean[i] * of.cov[i * width + k] * n * of.mean[k];
    }
    *mean = (square - n) / (n * (n - 1));
    *error = 2 * sqrt(fmax(along, 0) / n) / (n - 1);
    free(of.mean);
    free(of.cov);
    return status;
}

static void free_moments(moments *m) {
    free(m->mean);
    free(m->cov);
}

/* ---- the distance ---- */

static int eigen(double *a, double *values, size_t width, char vectors) {
    const lapack_int info =
        LAPACKE_dsyevd(LAPACK_COL_MAJOR, vectors, 'U', (lapack_int)width, a, (lapack_int)width, values);
    return info ? idem_fail("the eigenvalues of a covariance of %zu features were not found (dsyevd gave %d)", width,
                            (int)info)
                : 0;
}

/* C = T T' with T = V sqrt(values). */
static int find_root(idem_moments *m, const double *cov) {
    const size_t width = m->width;
    double *values = malloc(width * sizeof *values), *root = malloc(width * width * sizeof *root);
    int status = values && root ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for the roots of %zu features", width);
    if (!status) {
        memcpy(root, cov, width * width * sizeof *root);
        status = eigen(root, values, width, 'V');
    }
    for (size_t i = 0; i < width * width && !status; i++)
        root[i] *= sqrt(fmax(values[i / width], 0));
    free(values);
    if (status)
        free(root);
    else
        m->root = root;
    return status;
}

/* tr((C_a C_b)^(1/2)): C_a C_b has the eigenvalues of T' C_a T, T T' = C_b, which is symmetric. */
static int root_trace(double *trace, const double *cov, const double *root, size_t width) {
    const int d = (int)width;
    double *values = malloc(width * sizeof *values), *half = malloc(width * width * sizeof *half);
    double *product = malloc(width * width * sizeof *product);
    int status =
        values && half && product ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for the roots of %zu features", width);
    if (!status) {
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, d, d, d, 1, cov, d, root, d, 0, half, d);
        cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, d, d, d, 1, root, d, half, d, 0, product, d);
        status = eigen(product, values, width, 'N');
    }
    if (!status) {
        *trace = 0;
        for (size_t i = 0; i < width; i++)
            *trace += sqrt(fmax(values[i], 0));
    }
    free(values);
    free(half);
    free(product);
    return status;
}

int idem_moments_distance(double *distance, const idem_moments *a, idem_moments *b) {
    const size_t width = a->width;
    if (a->n < 2 || b->n < 2)
        return idem_fail("a Frechet distance of %zu and %zu pictures: expected at least 2 of each", a->n, b->n);
    if (b->width != width)
        return idem_fail("a Frechet distance of %zu and %zu features: expected as many of both", width, b->width);
    const int before = openblas_get_num_threads();
    openblas_set_num_threads(idem_threads());
    moments m[2] = {0};
    double sum = 0, trace;
    int status = find_moments(&m[0], a) || find_moments(&m[1], b);
    for (size_t k = 0; k < width && !status; k++) {
        const double apart = m[0].mean[k] - m[1].mean[k];
        sum += apart * apart + m[0].cov[k * width + k] + m[1].cov[k * width + k];
    }
    if (!status && !b->root)
        status = find_root(b, m[1].cov);
    if (!status && !(status = root_trace(&trace, m[0].cov, b->root, width)))
        *distance = fmax(sum - 2 * trace, 0);
    free_moments(&m[0]);
    free_moments(&m[1]);
    openblas_set_num_threads(before);
    return status ? -1 : 0;
}

int idem_frechet(double *distance, const float *a, size_t n_a, const float *b, size_t n_b, size_t width) {
    if (n_a < 2 || n_b < 2)
        return idem_fail("a Frechet distance of %zu and %zu pictures: expected at least 2 of each", n_a, n_b);
    idem_moments *m[2] = {idem_moments_new(width), NULL};
    m[1] = m[0] ? idem_moments_new(width) : NULL;
    int status = m[1] && !idem_moments_add(m[0], a, n_a) && !idem_moments_add(m[1], b, n_b)
                     ? idem_moments_distance(distance, m[0], m[1])
                     : -1;
    idem_moments_free(m[0]);
    idem_moments_free(m[1]);
    return status;
}

int idem_frechet_halves(double *distance, const float *x, size_t n, size_t width, uint64_t seed) {
    if (n < 4 || n > UINT32_MAX)
        return idem_fail("two halves of %zu pictures: expected at least 4 pictures", n);
    uint32_t *order = malloc(n * sizeof *order);
    float *rows = malloc(n * width * sizeof *rows);
    int status = order && rows ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for the halves of %zu pictures", n);
    if (!status) {
        for (size_t i = 0; i < n; i++)
            order[i] = (uint32_t)i;
        idem_rng rng = idem_rng_make(seed, "frechet.halves");
        idem_rng_shuffle(&rng, order, n);
        for (size_t i = 0; i < n; i++)
            memcpy(rows + i * width, x + order[i] * width, width * sizeof *rows);
        const size_t half = n / 2;
        status = idem_frechet(distance, rows, half, rows + half * width, half, width);
    }
    free(order);
    free(rows);
    return status;
}
