/* Plain double-precision operators on row-major values, written from the definitions and from nothing of the engine:
 * what the engine's operators are compared with. Values live until ref_reset. */
#ifndef IDEM_TESTS_SUPPORT_REFERENCE_H
#define IDEM_TESTS_SUPPORT_REFERENCE_H

#include <stdbool.h>

#include "engine/ops.h"

typedef struct {
    idem_shape shape;
    double *v; /* row-major */
} ref_tensor;

ref_tensor ref_new(idem_shape shape); /* zeros */
void ref_reset(void);                 /* frees every tensor */
int64_t ref_count(const idem_shape *s);

ref_tensor ref_binary(ref_tensor a, ref_tensor b, char op); /* '+', '-', '*', '/' */
ref_tensor ref_unary(ref_tensor x, idem_unary_kind kind, double a, double b);
ref_tensor ref_reduce_sum(ref_tensor x, idem_shape shape, double scale);
ref_tensor ref_broadcast(ref_tensor x, idem_shape shape);
ref_tensor ref_reshape(ref_tensor x, idem_shape shape);
ref_tensor ref_permute(ref_tensor x, const int *axes);
ref_tensor ref_slice(ref_tensor x, int axis, int64_t start, int64_t size, int64_t step);
ref_tensor ref_embed(ref_tensor x, int axis, int64_t start, int64_t full, int64_t step);
ref_tensor ref_concat(const ref_tensor *x, int n, int axis);
ref_tensor ref_matmul(ref_tensor a, ref_tensor b, bool ta, bool tb);
ref_tensor ref_conv(ref_tensor x, ref_tensor weight, idem_window win);
ref_tensor ref_conv_data(ref_tensor dy, ref_tensor weight, idem_window win, int64_t h, int64_t w);
ref_tensor ref_conv_weight(ref_tensor x, ref_tensor dy, idem_window win);
ref_tensor ref_maxpool(ref_tensor x, idem_window win);
ref_tensor ref_avgpool(ref_tensor x, idem_window win, bool count_pad);
ref_tensor ref_avgpool_grad(ref_tensor dy, idem_window win, bool count_pad, int64_t h, int64_t w);
ref_tensor ref_filter(ref_tensor x, const float *kernel, int n, int up, int down, const int pad[4]);
ref_tensor ref_spatial_map(ref_tensor x, const idem_sparse *map, int64_t h, int64_t w);
/* One picture [3, H, W], row-major, by IDEM_AUGMENT_NUMBERS numbers. */
void ref_augment(double *y, const double *x, int64_t height, int64_t width, const float *numbers);
ref_tensor ref_bn_stats(ref_tensor x);
ref_tensor ref_bn_apply(ref_tensor x, ref_tensor stats, ref_tensor gamma, ref_tensor beta, double eps);
ref_tensor ref_prelu(ref_tensor x, ref_tensor slope);
/* scale, plane, bias: v NULL where absent */
ref_tensor ref_styled(ref_tensor x, ref_tensor scale, ref_tensor plane, ref_tensor bias, double slope, double gain);
ref_tensor ref_softmax(ref_tensor x, int axis);

#endif
