#include "model/metric.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "model/pipe.h"

enum { CODES = 2000, BATCH = 500 };

static int draw_codes(idem_model *m, float *w, const idem_plan_options *plan) {
    const size_t n = (size_t)CODES * (size_t)idem_model_about(m)->z_dim;
    float *z = malloc(n * sizeof *z);
    idem_pipe *p = z ? idem_pipe_new(m, IDEM_PIPE_MAPPING, BATCH, 1, plan) : NULL;
    int status = p ? 0 : -1;
    if (!z)
        idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", CODES);
    if (!status) {
        idem_rng r = idem_rng_make(0, "code metric");
        idem_rng_fill_normal(&r, z, n);
        status = idem_pipe_run(p, CODES, (const float *const[]){z, NULL}, (float *const[]){w, NULL});
    }
    idem_pipe_free(p);
    free(z);
    return status;
}

/* The upper triangle, row-major; the mean variance. */
static double covariance(double *c, double *x, const float *w, int width) {
    double variance = 0;
    for (int k = 0; k < width; k++) {
        double mean = 0;
        for (int i = 0; i < CODES; i++)
            mean += (double)w[i * width + k] / CODES;
        for (int i = 0; i < CODES; i++)
            x[i * width + k] = (double)w[i * width + k] - mean;
    }
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, width, CODES, 1.0 / (CODES - 1), x, width, 0, c, width);
    for (int k = 0; k < width; k++)
        variance += c[k * width + k] / width;
    return variance;
}

/* C = R' R, so that d' C^-1 d = |d R^-1|^2. */
static int whiten(float *metric, double *c, double variance, double floor, int width) {
    for (int k = 0; k < width; k++)
        c[k * width + k] += floor * variance;
    if (!(variance > 0) || LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'U', width, c, width) ||
        LAPACKE_dtrtri(LAPACK_ROW_MAJOR, 'U', 'N', width, c, width))
        return idem_fail_as(IDEM_INTERNAL, "the generator's codes do not differ: all are the mean w");
    for (int i = 0; i < width; i++)
        for (int k = 0; k < width; k++)
            metric[i * width + k] = k < i ? 0 : (float)(c[i * width + k] * sqrt(variance * (1 + floor)));
    return 0;
}

int idem_code_metric(idem_model *m, double floor, float *metric, const idem_plan_options *plan) {
    const idem_model_info *info = idem_model_about(m);
    const int width = info->w_dim;
    const size_t n = (size_t)CODES * (size_t)width, square = (size_t)width * (size_t)width;
    if (info->z_dim == 0) {
        for (size_t i = 0; i < square; i++)
            metric[i] = i % ((size_t)width + 1) == 0;
        return 0;
    }
    float *w = malloc(n * sizeof *w);
    double *x = malloc(n * sizeof *x), *c = calloc(square, sizeof *c);
    int status = w && x && c ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", CODES);
    if (!status)
        status = draw_codes(m, w, plan);
    if (!status)
        status = whiten(metric, c, covariance(c, x, w, width), floor, width);
    free(w);
    free(x);
    free(c);
    return status ? -1 : 0;
}
