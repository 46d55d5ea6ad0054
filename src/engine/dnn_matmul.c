#include <math.h>

#include "engine/dnn_private.h"

/* Row-major [batch, rows, columns], or its transpose in memory; rank 2 without a batch. */
static dnn_layout matrix(int64_t batch, int64_t rows, int64_t columns, bool transposed) {
    int64_t row = transposed ? 1 : columns, column = transposed ? rows : 1;
    if (batch == 1)
        return (dnn_layout){2, {rows, columns}, {row, column}};
    return (dnn_layout){3, {batch, rows, columns}, {rows * columns, row, column}};
}

idem_dnn *idem_dnn_matmul(const idem_matmul_dims *d, idem_frozen b, const char *name) {
    dnn_task t = {.kind = DNN_MATMUL,
                  .layout = {[DNN_AT_X] = matrix(d->batch, d->m, d->k, d->ta),
                             [DNN_AT_WEIGHT] = matrix(d->batch, d->k, d->n, d->tb),
                             [DNN_AT_Y] = matrix(d->batch, d->m, d->n, false)},
                  /* Reordering pays only for frozen operands that are read more than once. */
                  .any_weight = b.values != NULL && d->m > 1};
    if (d->bias)
        t.layout[DNN_AT_BIAS] =
            d->batch == 1 ? (dnn_layout){2, {1, d->n}, {d->n, 1}} : (dnn_layout){3, {1, 1, d->n}, {d->n, d->n, 1}};
    return idem_dnn_make(&t, b, name);
}

void idem_dnn_gemm(int64_t m, int64_t n, int64_t k, idem_dnn_matrix a, idem_dnn_matrix b, float beta, float *c,
                   int64_t ldc) {
    dnnl_status_t s = dnnl_runtime_error;
    if (idem_dnn_engine()) /* this also sets the instructions that it may use */
        s = dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, 1, a.values, a.stride, b.values,
                       b.stride, beta, c, ldc);
    for (int64_t i = 0; s != dnnl_success && i < m; i++)
        for (int64_t j = 0; j < n; j++)
            c[i * ldc + j] = NAN;
}
