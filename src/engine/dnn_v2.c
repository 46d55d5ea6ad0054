#include <stdlib.h>
#include <string.h>

#include "engine/dnn_private.h"

#if DNNL_VERSION_MAJOR < 3

dnnl_status_t idem_dnn_md_create(dnn_md *md, dnnl_dim_t rank, const dnnl_dims_t dims, dnnl_data_type_t type,
                                 const dnnl_dim_t *strides) {
    dnnl_memory_desc_t *made = calloc(1, sizeof *made);
    dnnl_status_t s = !made     ? dnnl_out_of_memory
                      : strides ? dnnl_memory_desc_init_by_strides(made, (int)rank, dims, type, strides)
                                : dnnl_memory_desc_init_by_tag(made, (int)rank, dims, type, dnnl_format_tag_any);
    if (s != dnnl_success) {
        free(made);
        made = NULL;
    }
    *md = made;
    return s;
}

void idem_dnn_md_destroy(dnn_md md) {
    free((void *)md);
}

dnnl_status_t idem_dnn_md_bytes(dnn_md md, void *bytes, size_t *size) {
    *size = sizeof *md;
    if (bytes)
        memcpy(bytes, md, sizeof *md);
    return dnnl_success;
}

dnnl_status_t idem_dnn_append_leaky(dnnl_post_ops_t ops, float slope) {
    return dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, slope, 0);
}

/* In this version an operation is described first, without attributes. */
dnnl_status_t idem_dnn_describe(dnnl_primitive_desc_t *pd, const dnn_task *t, const dnn_md md[DNN_PLACES],
                                dnnl_primitive_attr_t attr, dnnl_engine_t engine, dnnl_primitive_desc_t hint) {
    dnn_md x = md[DNN_AT_X], w = md[DNN_AT_WEIGHT], bias = md[DNN_AT_BIAS], y = md[DNN_AT_Y];
    union {
        dnnl_convolution_desc_t conv;
        dnnl_matmul_desc_t matmul;
    } op;
    dnnl_status_t s;
    switch (t->kind) {
    case DNN_DATA:
        s = dnnl_dilated_convolution_backward_data_desc_init(&op.conv, dnnl_convolution_direct, x, w, y, t->stride,
                                                             t->dilation, t->pad_low, t->pad_high);
        break;
    case DNN_WEIGHT:
        s = dnnl_dilated_convolution_backward_weights_desc_init(&op.conv, dnnl_convolution_direct, x, w, bias, y,
                                                                t->stride, t->dilation, t->pad_low, t->pad_high);
        break;
    case DNN_MATMUL:
        s = dnnl_matmul_desc_init(&op.matmul, x, w, bias, y);
        break;
    default:
        s = dnnl_dilated_convolution_forward_desc_init(
            &op.conv, t->kind == DNN_TRAINING ? dnnl_forward_training : dnnl_forward_inference, dnnl_convolution_direct,
            x, w, bias, y, t->stride, t->dilation, t->pad_low, t->pad_high);
    }
    return s == dnnl_success ? dnnl_primitive_desc_create(pd, &op, attr, engine, hint) : s;
}

#endif
