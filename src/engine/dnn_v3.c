#include "engine/dnn_private.h"

#if DNNL_VERSION_MAJOR >= 3

dnnl_status_t idem_dnn_md_create(dnn_md *md, dnnl_dim_t rank, const dnnl_dims_t dims, dnnl_data_type_t type,
                                 const dnnl_dim_t *strides) {
    dnnl_memory_desc_t made = NULL;
    dnnl_status_t s = strides ? dnnl_memory_desc_create_with_strides(&made, (int)rank, dims, type, strides)
                              : dnnl_memory_desc_create_with_tag(&made, (int)rank, dims, type, dnnl_format_tag_any);
    *md = s == dnnl_success ? made : NULL;
    return s;
}

void idem_dnn_md_destroy(dnn_md md) {
    dnnl_memory_desc_destroy((dnnl_memory_desc_t)md);
}

dnnl_status_t idem_dnn_md_bytes(dnn_md md, void *bytes, size_t *size) {
    return dnnl_memory_desc_get_blob(bytes, size, md);
}

dnnl_status_t idem_dnn_append_leaky(dnnl_post_ops_t ops, float slope) {
    return dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, slope, 0);
}

dnnl_status_t idem_dnn_describe(dnnl_primitive_desc_t *pd, const dnn_task *t, const dnn_md md[DNN_PLACES],
                                dnnl_primitive_attr_t attr, dnnl_engine_t engine, dnnl_primitive_desc_t hint) {
    dnn_md x = md[DNN_AT_X], w = md[DNN_AT_WEIGHT], bias = md[DNN_AT_BIAS], y = md[DNN_AT_Y];
    switch (t->kind) {
    case DNN_DATA:
        return dnnl_convolution_backward_data_primitive_desc_create(
            pd, engine, dnnl_convolution_direct, x, w, y, t->stride, t->dilation, t->pad_low, t->pad_high, hint, attr);
    case DNN_WEIGHT:
        return dnnl_convolution_backward_weights_primitive_desc_create(pd, engine, dnnl_convolution_direct, x, w, NULL,
                                                                       y, t->stride, t->dilation, t->pad_low,
                                                                       t->pad_high, hint, attr);
    case DNN_MATMUL:
        return dnnl_matmul_primitive_desc_create(pd, engine, x, w, bias, y, attr);
    default:
        return dnnl_convolution_forward_primitive_desc_create(
            pd, engine, t->kind == DNN_TRAINING ? dnnl_forward_training : dnnl_forward_inference,
            dnnl_convolution_direct, x, w, bias, y, t->stride, t->dilation, t->pad_low, t->pad_high, attr);
    }
}

#endif
