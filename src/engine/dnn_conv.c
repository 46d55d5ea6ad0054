#include "engine/dnn_private.h"

static dnnl_status_t plain4(dnnl_memory_desc_t *md, int64_t a, int64_t b, int64_t c, int64_t d) {
    dnnl_dims_t dims = {a, b, c, d};
    return dnnl_memory_desc_init_by_tag(md, 4, dims, dnnl_f32, dnnl_acdb);
}

/* The engine's weight order (O, KH, KW, I/groups) and the same dims with the layout left to the library. */
static dnnl_status_t weights(const idem_conv_dims *d, dnnl_memory_desc_t *ours, dnnl_memory_desc_t *any) {
    int64_t g = d->win.groups, kh = d->win.kernel[0], kw = d->win.kernel[1], i = d->i / g;
    dnnl_status_t s;
    if (g == 1) {
        dnnl_dims_t dims = {d->o, i, kh, kw};
        s = dnnl_memory_desc_init_by_tag(ours, 4, dims, dnnl_f32, dnnl_acdb);
        return s == dnnl_success ? dnnl_memory_desc_init_by_tag(any, 4, dims, dnnl_f32, dnnl_format_tag_any) : s;
    }
    dnnl_dims_t dims = {g, d->o / g, i, kh, kw};
    dnnl_dims_t strides = {d->o / g * kh * kw * i, kh * kw * i, 1, kw * i, i};
    s = dnnl_memory_desc_init_by_strides(ours, 5, dims, dnnl_f32, strides);
    return s == dnnl_success ? dnnl_memory_desc_init_by_tag(any, 5, dims, dnnl_f32, dnnl_format_tag_any) : s;
}

idem_dnn *idem_dnn_conv(const idem_conv_dims *d, idem_frozen weight, const char *name) {
    const idem_window *win = &d->win;
    dnnl_memory_desc_t x, y, w, any, bias;
    dnnl_dims_t bias_dims = {d->o}, stride = {win->stride[0], win->stride[1]};
    dnnl_dims_t dilation = {win->dilation[0] - 1, win->dilation[1] - 1};
    dnnl_dims_t before = {win->pad[0], win->pad[1]}, after = {win->pad[2], win->pad[3]};
    dnnl_status_t s = plain4(&x, d->n, d->i, d->h, d->w);
    if (s == dnnl_success)
        s = plain4(&y, d->n, d->o, d->oh, d->ow);
    if (s == dnnl_success)
        s = weights(d, &w, &any);
    if (s == dnnl_success)
        s = dnnl_memory_desc_init_by_tag(&bias, 1, bias_dims, dnnl_f32, dnnl_a);
    dnnl_convolution_desc_t forward, desc;
    bool training = d->way != IDEM_CONV_FORWARD;
    if (s == dnnl_success)
        s = dnnl_dilated_convolution_forward_desc_init(
            &forward, training ? dnnl_forward_training : dnnl_forward_inference, dnnl_convolution_direct, &x, &any,
            d->bias ? &bias : NULL, &y, stride, dilation, before, after);
    if (s == dnnl_success && d->way == IDEM_CONV_DATA)
        s = dnnl_dilated_convolution_backward_data_desc_init(&desc, dnnl_convolution_direct, &x, &any, &y, stride,
                                                             dilation, before, after);
    if (s == dnnl_success && d->way == IDEM_CONV_WEIGHT)
        s = dnnl_dilated_convolution_backward_weights_desc_init(&desc, dnnl_convolution_direct, &x, &any, NULL, &y,
                                                                stride, dilation, before, after);
    if (s != dnnl_success)
        return idem_fail_null("%s: oneDNN does not take this convolution: %s", name, idem_dnn_status(s));

    size_t x_count = (size_t)(d->n * d->i * d->h * d->w), y_count = (size_t)(d->n * d->o * d->oh * d->ow);
    size_t w_count = (size_t)(d->o * (d->i / win->groups) * win->kernel[0] * win->kernel[1]);
    if (d->way == IDEM_CONV_FORWARD) {
        dnn_operand in[] = {{DNNL_ARG_SRC, x, dnnl_query_src_md, 0, {0}},
                            {DNNL_ARG_WEIGHTS, w, dnnl_query_weights_md, 0, weight},
                            {DNNL_ARG_BIAS, bias, dnnl_query_weights_md, 1, {0}}};
        dnn_operand out = {DNNL_ARG_DST, y, dnnl_query_dst_md, 0, {0}};
        return idem_dnn_make(&forward, NULL, d->leaky ? &d->slope : NULL, in, d->bias ? 3 : 2, &out, y_count, name);
    }
    dnnl_primitive_desc_t hint = idem_dnn_describe(&forward, NULL, NULL, name);
    if (!hint)
        return NULL;
    idem_dnn *k;
    if (d->way == IDEM_CONV_DATA) {
        dnn_operand in[] = {{DNNL_ARG_DIFF_DST, y, dnnl_query_diff_dst_md, 0, {0}},
                            {DNNL_ARG_WEIGHTS, w, dnnl_query_weights_md, 0, weight}};
        dnn_operand out = {DNNL_ARG_DIFF_SRC, x, dnnl_query_diff_src_md, 0, {0}};
        k = idem_dnn_make(&desc, hint, NULL, in, 2, &out, x_count, name);
    } else {
        dnn_operand in[] = {{DNNL_ARG_SRC, x, dnnl_query_src_md, 0, {0}},
                            {DNNL_ARG_DIFF_DST, y, dnnl_query_diff_dst_md, 0, {0}}};
        dnn_operand out = {DNNL_ARG_DIFF_WEIGHTS, w, dnnl_query_diff_weights_md, 0, {0}};
        k = idem_dnn_make(&desc, hint, NULL, in, 2, &out, w_count, name);
    }
    dnnl_primitive_desc_destroy(hint);
    return k;
}
