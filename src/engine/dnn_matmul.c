#include <math.h>

#include "engine/dnn_private.h"

/* Row-major [batch, rows, columns], or its transpose in memory; rank 2 when there is no batch. */
static dnnl_status_t matrix(dnnl_memory_desc_t *md, int64_t batch, int64_t rows, int64_t columns, bool transposed) {
    dnnl_dims_t dims = {batch, rows, columns};
    int64_t row = transposed ? 1 : columns, column = transposed ? rows : 1;
    dnnl_dims_t strides = {rows * columns, row, column};
    int skip = batch == 1;
    return dnnl_memory_desc_init_by_strides(md, 3 - skip, dims + skip, dnnl_f32, strides + skip);
}

idem_dnn *idem_dnn_matmul(const idem_matmul_dims *d, idem_frozen b, const char *name) {
    dnnl_memory_desc_t md_a, md_b = {0}, md_b_want, md_c, md_bias;
    int skip = d->batch == 1;
    dnnl_dims_t b_dims = {d->batch, d->k, d->n}, bias_dims = {1, 1, d->n};
    dnnl_status_t s = matrix(&md_a, d->batch, d->m, d->k, d->ta);
    if (s == dnnl_success)
        s = matrix(&md_b, d->batch, d->k, d->n, d->tb);
    md_b_want = md_b;
    /* Only frozen operands may pay for another layout. */
    if (s == dnnl_success && b.values)
        s = dnnl_memory_desc_init_by_tag(&md_b_want, 3 - skip, b_dims + skip, dnnl_f32, dnnl_format_tag_any);
    if (s == dnnl_success)
        s = matrix(&md_c, d->batch, d->m, d->n, false);
    if (s == dnnl_success)
        s = dnnl_memory_desc_init_by_tag(&md_bias, 3 - skip, bias_dims + skip, dnnl_f32, skip ? dnnl_ab : dnnl_abc);
    dnnl_matmul_desc_t desc;
    if (s == dnnl_success)
        s = dnnl_matmul_desc_init(&desc, &md_a, &md_b_want, d->bias ? &md_bias : NULL, &md_c);
    if (s != dnnl_success)
        return idem_fail_null("%s: oneDNN does not take this matrix product: %s", name, idem_dnn_status(s));
    dnn_operand in[] = {{DNNL_ARG_SRC, md_a, dnnl_query_src_md, 0, {0}},
                        {DNNL_ARG_WEIGHTS, md_b, dnnl_query_weights_md, 0, b},
                        {DNNL_ARG_BIAS, md_bias, dnnl_query_weights_md, 1, {0}}};
    dnn_operand out = {DNNL_ARG_DST, md_c, dnnl_query_dst_md, 0, {0}};
    return idem_dnn_make(&desc, NULL, NULL, in, d->bias ? 3 : 2, &out, (size_t)(d->batch * d->m * d->n), name);
}

void idem_dnn_gemm(int64_t m, int64_t n, int64_t k, idem_dnn_matrix a, idem_dnn_matrix b, float beta, float *c,
                   int64_t ldc) {
    dnnl_status_t s = dnnl_runtime_error;
    if (idem_dnn_engine()) /* which says what instructions it may use */
        s = dnnl_sgemm(a.transposed ? 'T' : 'N', b.transposed ? 'T' : 'N', m, n, k, 1, a.values, a.stride, b.values,
                       b.stride, beta, c, ldc);
    for (int64_t i = 0; s != dnnl_success && i < m; i++)
        for (int64_t j = 0; j < n; j++)
            c[i * ldc + j] = NAN;
}
