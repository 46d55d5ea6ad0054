/* The list of all operators. Tests walk it: a row without a gradient check fails them. */
#include "engine/op.h"

extern const idem_op idem_op_input, idem_op_param, idem_op_const, idem_op_stop_gradient;
extern const idem_op idem_op_conv, idem_op_conv_data, idem_op_conv_weight, idem_op_matmul;
extern const idem_op idem_op_add, idem_op_sub, idem_op_mul, idem_op_div, idem_op_unary, idem_op_mask;
extern const idem_op idem_op_reduce_sum, idem_op_dot, idem_op_broadcast;
extern const idem_op idem_op_reshape, idem_op_permute, idem_op_slice, idem_op_embed, idem_op_concat;
extern const idem_op idem_op_maxpool, idem_op_maxpool_grad, idem_op_avgpool, idem_op_avgpool_grad;
extern const idem_op idem_op_filter, idem_op_spatial_map, idem_op_head, idem_op_scale_grad;
extern const idem_op idem_op_augment, idem_op_augment_adjoint;
extern const idem_op idem_op_bn_stats, idem_op_bn_apply, idem_op_bn_sums, idem_op_bn_grad;
extern const idem_op idem_op_shared_sum;
extern const idem_op idem_op_prelu, idem_op_prelu_grad, idem_op_styled, idem_op_softmax;

/* clang-format off */
const idem_op *const idem_op_table[] = {
    &idem_op_input, &idem_op_param, &idem_op_const, &idem_op_stop_gradient,
    &idem_op_conv, &idem_op_conv_data, &idem_op_conv_weight, &idem_op_matmul,
    &idem_op_add, &idem_op_sub, &idem_op_mul, &idem_op_div, &idem_op_unary, &idem_op_mask,
    &idem_op_reduce_sum, &idem_op_dot, &idem_op_broadcast,
    &idem_op_reshape, &idem_op_permute, &idem_op_slice, &idem_op_embed, &idem_op_concat,
    &idem_op_maxpool, &idem_op_maxpool_grad, &idem_op_avgpool, &idem_op_avgpool_grad,
    &idem_op_filter, &idem_op_spatial_map, &idem_op_head, &idem_op_scale_grad,
    &idem_op_augment, &idem_op_augment_adjoint,
    &idem_op_bn_stats, &idem_op_bn_apply, &idem_op_bn_sums, &idem_op_bn_grad,
    &idem_op_shared_sum,
    &idem_op_prelu, &idem_op_prelu_grad, &idem_op_styled, &idem_op_softmax,
    NULL,
};
/* clang-format on */
