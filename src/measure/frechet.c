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

typedef struct {
    double *mean, *cov; /* [D], [D, D]; both triangles of cov */
} moments;

static int find_mean(double *mean, const float *x, size_t n, size_t width) {
    for (size_t i = 0; i < n * width; i++)
        mean[i % width] += (double)x[i];
    for (size_t k = 0; k < width; k++) {
        mean[k] /= (double)n;
        if (!isfinite(mean[k]))
            return idem_fail("feature %zu of %zu is not finite in some picture", k, width);
    }
    return 0;
}

static int find_moments(moments *m, const float *x, size_t n, size_t width) {
    double *rows = malloc(ROWS * width * sizeof *rows);
    m->mean = calloc(width, sizeof *m->mean);
    m->cov = calloc(width * width, sizeof *m->cov);
    int status = rows && m->mean && m->cov
                     ? 0
                     : idem_fail_as(IDEM_MEMORY, "out of memory for the covariance of %zu features", width);
    if (!status)
        status = find_mean(m->mean, x, n, width);
    for (size_t first = 0; first < n && !status; first += ROWS) {
        const size_t count = n - first < ROWS ? n - first : ROWS;
        for (size_t i = 0; i < count * width; i++)
            rows[i] = (double)x[first * width + i] - m->mean[i % width];
        cblas_dsyrk(CblasColMajor, CblasUpper, CblasNoTrans, (int)width, (int)count, 1 / (double)(n - 1), rows,
                    (int)width, 1, m->cov, (int)width);
    }
    for (size_t i = 0; i < width && !status; i++)
        for (size_t k = 0; k < i; k++)
            m->cov[k * width + i] = m->cov[i * width + k];
    free(rows);
    return status;
}

static void free_moments(moments *m) {
    free(m->mean);
    free(m->cov);
}

static int eigen(double *a, double *values, size_t width, char vectors) {
    const lapack_int info =
        LAPACKE_dsyevd(LAPACK_COL_MAJOR, vectors, 'U', (lapack_int)width, a, (lapack_int)width, values);
    return info ? idem_fail("the eigenvalues of a covariance of %zu features were not found (dsyevd gave %d)", width,
                            (int)info)
                : 0;
}

/* tr((C_a C_b)^(1/2)): C_a = T T' with T = V sqrt(values), and C_a C_b has the eigenvalues of T' C_b T, which is
 * symmetric. cov of a is lost. */
static int root_trace(double *trace, moments *a, const moments *b, size_t width) {
    const int d = (int)width;
    double *values = malloc(width * sizeof *values), *half = malloc(width * width * sizeof *half);
    int status = values && half ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for the roots of %zu features", width);
    if (!status && !(status = eigen(a->cov, values, width, 'V'))) {
        for (size_t i = 0; i < width * width; i++)
            a->cov[i] *= sqrt(fmax(values[i / width], 0));
        cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, d, d, d, 1, b->cov, d, a->cov, d, 0, half, d);
        double *product = malloc(width * width * sizeof *product);
        status = product ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for the roots of %zu features", width);
        if (product)
            cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, d, d, d, 1, a->cov, d, half, d, 0, product, d);
        if (product && !(status = eigen(product, values, width, 'N'))) {
            *trace = 0;
            for (size_t i = 0; i < width; i++)
                *trace += sqrt(fmax(values[i], 0));
        }
        free(product);
    }
    free(values);
    free(half);
    return status;
}

int idem_frechet(double *distance, const float *a, size_t n_a, const float *b, size_t n_b, size_t width) {
    if (n_a < 2 || n_b < 2)
        return idem_fail("a Frechet distance of %zu and %zu pictures: expected at least 2 of each", n_a, n_b);
    if (width < 1 || width > WIDTH_MOST)
        return idem_fail("a Frechet distance of %zu features: expected 1 to %d", width, WIDTH_MOST);
    const int before = openblas_get_num_threads(); /* the process's, which is our caller's */
    openblas_set_num_threads(idem_threads());
    moments m[2] = {0};
    double sum = 0, trace;
    int status = find_moments(&m[0], a, n_a, width) || find_moments(&m[1], b, n_b, width);
    for (size_t k = 0; k < width && !status; k++) {
        const double apart = m[0].mean[k] - m[1].mean[k];
        sum += apart * apart + m[0].cov[k * width + k] + m[1].cov[k * width + k];
    }
    if (!status && !(status = root_trace(&trace, &m[0], &m[1], width)))
        *distance = fmax(sum - 2 * trace, 0);
    free_moments(&m[0]);
    free_moments(&m[1]);
    openblas_set_num_threads(before);
    return status ? -1 : 0;
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
