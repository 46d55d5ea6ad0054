#include "model/metric.h"

#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "model/covariance.h"
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

/* R with R'R = C + floor: d' C^-1 d = |d R^-1|^2. */
static int whiten(float *metric, double *r, double variance, double floor, int width) {
    if (!(variance > 0) || LAPACKE_dtrtri(LAPACK_ROW_MAJOR, 'U', 'N', width, r, width))
        return idem_fail_as(IDEM_INTERNAL, "the generator's codes do not differ: all are the mean w");
    for (int i = 0; i < width; i++)
        for (int k = 0; k < width; k++)
            metric[i * width + k] = k < i ? 0 : (float)(r[i * width + k] * sqrt(variance * (1 + floor)));
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
    double *x = malloc(n * sizeof *x), *r = calloc(square, sizeof *r), *mean = malloc((size_t)width * sizeof *mean);
    int status = w && x && r && mean ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", CODES);
    if (!status)
        status = draw_codes(m, w, plan);
    for (size_t i = 0; i < n && !status; i++)
        x[i] = (double)w[i];
    if (!status)
        status = whiten(metric, r, idem_covariance_root(r, x, mean, CODES, width, CODES - 1, floor), floor, width);
    free(w);
    free(x);
    free(r);
    free(mean);
    return status ? -1 : 0;
}
