/* The list of all operators. Tests walk it: a row without a gradient check fails them. */
#include "engine/op.h"

extern const idem_op idem_op_input, idem_op_param, idem_op_const, idem_op_stop_gradient;
extern const idem_op idem_op_conv, idem_op_conv_data, idem_op_conv_weight, idem_op_matmul;

const idem_op *const idem_op_table[] = {
    &idem_op_input,       &idem_op_param,  &idem_op_const, &idem_op_stop_gradient, &idem_op_conv, &idem_op_conv_data,
    &idem_op_conv_weight, &idem_op_matmul, NULL,
};
