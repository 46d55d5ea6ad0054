#include "model/covariance.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>

double idem_covariance_root(double *r, double *x, double *mean, size_t n, int width, double divisor, double floor) {
    const size_t w = (size_t)width;
    double variance = 0;
    for (size_t k = 0; k < w; k++)
        mean[k] = 0;
    for (size_t i = 0; i < n * w; i++)
        mean[i % w] += x[i] / (double)n;
    for (size_t i = 0; i < n * w; i++)
        x[i] -= mean[i % w];
    cblas_dsyrk(CblasRowMajor, CblasUpper, CblasTrans, width, (int)n, 1 / divisor, x, width, 0, r, width);
    for (size_t k = 0; k < w; k++)
        variance += r[k * w + k] / width;
    for (size_t k = 0; k < w; k++)
        r[k * w + k] += floor * variance;
    return variance > 0 && isfinite(variance) && !LAPACKE_dpotrf(LAPACK_ROW_MAJOR, 'U', width, r, width) ? variance : 0;
}
