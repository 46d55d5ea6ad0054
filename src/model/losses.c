#include "model/losses.h"

#include <float.h>
#include <math.h>

#include "engine/ops.h"
#include "model/msssim.h"

idem_node *idem_l2_normalise(idem_node *x) {
    if (!x)
        return NULL;
    char text[64];
    if (x->shape.rank != 2)
        return idem_fail_null("l2_normalise: shape is %s, expected [N, D]", idem_shape_text(&x->shape, text));
    idem_node *squares = idem_reduce_sum(idem_square(x), IDEM_SHAPE(x->shape.d[0], 1), 1);
    return idem_mul(x, idem_rsqrt(idem_unary(squares, IDEM_UNARY_CLAMP, 1e-24f, FLT_MAX)));
}

static bool same_shape(const char *what, const idem_node *a, const idem_node *b) {
    char text_a[64], text_b[64];
    if (idem_shape_equal(&a->shape, &b->shape))
        return true;
    idem_fail("%s: shapes are %s and %s, expected the same", what, idem_shape_text(&a->shape, text_a),
              idem_shape_text(&b->shape, text_b));
    return false;
}

idem_node *idem_loss_identity(idem_node *target, idem_node *out) {
    if (!target || !out || !same_shape("identity loss", target, out))
        return NULL;
    idem_node *difference = idem_sub(idem_stop_gradient(idem_l2_normalise(target)), idem_l2_normalise(out));
    return idem_mean_all(idem_abs(difference));
}

/* [N, ...] -> [N, numbers per sample] */
static idem_node *flatten(idem_node *x) {
    int64_t n = x->shape.d[0];
    return idem_reshape(x, IDEM_SHAPE(n, idem_shape_count(&x->shape) / n));
}

idem_node *idem_loss_landmark(idem_node *target, idem_node *out, idem_node *mask) {
    if (!target || !out || !same_shape("landmark loss", target, out))
        return NULL;
    char text[64];
    if (target->shape.rank < 2)
        return idem_fail_null("landmark loss: shape is %s, expected [N, 51, 2] or [N, 102]",
                              idem_shape_text(&target->shape, text));
    int64_t n = target->shape.d[0];
    idem_node *squares = flatten(idem_square(idem_sub(idem_stop_gradient(target), out)));
    if (!mask)
        return idem_mean_all(squares);
    if (idem_shape_count(&mask->shape) != n)
        return idem_fail_null("landmark loss: mask is %s, expected [%lld]", idem_shape_text(&mask->shape, text),
                              (long long)n);
    return idem_mean_all(idem_mul(squares, idem_reshape(mask, IDEM_SHAPE(n, 1))));
}

idem_node *idem_landmark_mask(idem_node *points) {
    if (!points)
        return NULL;
    char text[64];
    if (points->shape.rank < 2)
        return idem_fail_null("landmark mask: shape is %s, expected [N, 51, 2]", idem_shape_text(&points->shape, text));
    points = flatten(idem_stop_gradient(points));
    if (!points)
        return NULL;
    int64_t n = points->shape.d[0], numbers = points->shape.d[1];
    /* The comparison is "within", so that a NaN counts as outside. */
    idem_node *distance = idem_abs(idem_affine(points, 1, -IDEM_LANDMARK_UNITS / 2));
    idem_node *within = idem_unary(idem_affine(distance, -1, IDEM_LANDMARK_UNITS), IDEM_UNARY_STEP, 1, 0);
    idem_node *count = idem_reduce_sum(within, IDEM_SHAPE(n, 1), 1);
    return idem_reshape(idem_unary(idem_affine(count, 1, 0.5f - (float)numbers), IDEM_UNARY_STEP, 1, 0), IDEM_SHAPE(n));
}

static bool square(const char *what, const idem_node *x) {
    char text[64];
    if (x->shape.rank == 4 && x->shape.d[2] == x->shape.d[3])
        return true;
    idem_fail("%s: shape is %s, expected square pictures [N, C, S, S]", what, idem_shape_text(&x->shape, text));
    return false;
}

/* Sum over pixels of mask [1, 1, S, S] times `scale` times the sum over batch and channels of |x - y|. */
static idem_node *masked_l1(idem_node *x, idem_node *y, idem_node *mask, float scale) {
    const int64_t *d = x->shape.d;
    idem_node *summed = idem_reduce_sum(idem_abs(idem_sub(x, y)), IDEM_SHAPE(1, 1, d[2], d[3]), scale);
    return idem_dot(summed, mask, IDEM_SCALAR);
}

/* [1, 1, S, S]: heavier towards the border, sum 1 */
static idem_node *border_mask(idem_graph *g, int64_t side) {
    float *mask = idem_arena_array(idem_graph_arena(g), (size_t)(side * side), sizeof *mask);
    if (!mask)
        return NULL;
    double sigma = 80.0 * (double)side / 256, centre = (double)(side - 1) / 2;
    double least = DBL_MAX, most = 0, sum = 0;
    for (int pass = 0; pass < 3; pass++)
        for (int64_t i = 0; i < side * side; i++) {
            double y = (double)(i / side) - centre, x = (double)(i % side) - centre;
            double value = exp(-(x * x + y * y) / (2 * sigma * sigma));
            if (pass == 0) {
                least = fmin(least, value);
                most = fmax(most, value);
            } else if (pass == 1)
                sum += most + least - value;
            else
                mask[i] = (float)((most + least - value) / sum);
        }
    return idem_const(g, "l1w.mask", IDEM_SHAPE(1, 1, side, side), mask);
}

idem_node *idem_loss_l1w(idem_node *x, idem_node *y) {
    if (!x || !y || !same_shape("L1w", x, y) || !square("L1w", x))
        return NULL;
    const int64_t *d = x->shape.d;
    return masked_l1(x, y, border_mask(x->graph, d[2]), 1.0f / (float)d[1]);
}

idem_node *idem_loss_reconstruction(idem_node *x, idem_node *y, int parts) {
    return idem_add(idem_scale(idem_mean_all(idem_one_minus_msssim(x, y)), 0.84f),
                    idem_scale(idem_loss_l1w(x, y), 0.16f * (float)parts));
}

/* [1, 1, S, S] of 1 over their number where outside is 1, else 0. */
static idem_node *outside_mask(idem_graph *g, int64_t side, const uint8_t *outside) {
    float *mask = idem_arena_array(idem_graph_arena(g), (size_t)(side * side), sizeof *mask);
    if (!mask)
        return NULL;
    int64_t n = 0;
    for (int64_t i = 0; i < side * side; i++)
        n += outside[i];
    if (!n)
        return idem_fail_null("surround loss: the face fills the picture, nothing is outside of it");
    for (int64_t i = 0; i < side * side; i++)
        mask[i] = outside[i] ? 1.0f / (float)n : 0;
    return idem_const(g, "surround.mask", IDEM_SHAPE(1, 1, side, side), mask);
}

idem_node *idem_loss_surround(idem_node *x, idem_node *y, const uint8_t *outside) {
    if (!x || !y || !same_shape("surround loss", x, y) || !square("surround loss", x))
        return NULL;
    const int64_t *d = x->shape.d;
    return masked_l1(x, y, outside_mask(x->graph, d[2], outside), 1.0f / (float)(d[0] * d[1]));
}

idem_node *idem_bce_logits(idem_node *logits, bool real) {
    return idem_mean_all(idem_softplus(real ? idem_scale(logits, -1) : logits));
}

idem_node *idem_critic_loss(idem_node *real_logits, idem_node *fake_logits) {
    return idem_add(idem_bce_logits(real_logits, true), idem_bce_logits(fake_logits, false));
}

idem_node *idem_r1(idem_node *real_logits, idem_node *w_real, float gamma) {
    if (!real_logits || !w_real)
        return NULL;
    idem_node *gradient;
    if (idem_gradients(idem_sum_all(real_logits), &w_real, 1, &gradient))
        return NULL;
    return idem_scale(idem_sum_all(idem_square(gradient)), gamma / 2 / (float)w_real->shape.d[0]);
}
