/* Losses and MS-SSIM against plain loops in double precision; the rules that the fixture does
 * not reach: masks, odd sides, clamped scales, second derivatives. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/op.h"
#include "engine/ops.h"
#include "engine/plan.h"
#include "model/losses.h"
#include "model/msssim.h"
#include "support/fill.h"

static idem_node *filled(idem_graph *g, const char *name, idem_shape shape, double a, double b) {
    idem_node *n = idem_input(g, name, shape);
    assert_non_null(n);
    float *values = malloc((size_t)idem_shape_count(&shape) * sizeof *values);
    fixture_fill(values, (size_t)idem_shape_count(&shape), "", name, a, b);
    idem_node_write(n, values);
    free(values);
    return n;
}

static idem_plan *run(idem_node *const *targets, int n) {
    for (int i = 0; i < n; i++)
        if (!targets[i])
            fail_msg("%s", idem_error());
    idem_plan *p = idem_plan_new(targets, n, NULL);
    if (!p || idem_plan_run(p))
        fail_msg("%s", idem_error());
    return p;
}

static void read_values(idem_plan *p, const idem_node *n, float *out) {
    idem_plan_read(p, n, out);
}

/* ---- MS-SSIM ---- */

/* One channel by the definition: five window sums at every position. */
static double plain_scale(const double *x, const double *y, int h, int w, bool last) {
    double g[11], norm = 0, total = 0;
    for (int i = 0; i < 11; i++)
        norm += g[i] = exp(-(i - 5) * (i - 5) / (2 * 1.5 * 1.5));
    for (int r = 0; r + 11 <= h; r++)
        for (int c = 0; c + 11 <= w; c++) {
            double mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
            for (int i = 0; i < 11; i++)
                for (int j = 0; j < 11; j++) {
                    double k = g[i] * g[j] / norm / norm, a = x[(r + i) * w + c + j], b = y[(r + i) * w + c + j];
                    mx += k * a, my += k * b, xx += k * a * a, yy += k * b * b, xy += k * a * b;
                }
            double cs = (2 * (xy - mx * my) + 9e-4) / (xx - mx * mx + yy - my * my + 9e-4);
            total += last ? cs * (2 * mx * my + 1e-4) / (mx * mx + my * my + 1e-4) : cs;
        }
    return total / (h - 10) / (w - 10);
}

static void plain_halve(double *x, int h, int w) {
    int pad_h = h % 2, pad_w = w % 2;
    for (int r = 0; r < (h + 1) / 2; r++)
        for (int c = 0; c < (w + 1) / 2; c++) {
            double sum = 0;
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 2; j++) {
                    int y = 2 * r + i - pad_h, z = 2 * c + j - pad_w;
                    sum += y >= 0 && y < h && z >= 0 && z < w ? x[y * w + z] : 0;
                }
            x[r * ((w + 1) / 2) + c] = sum / 4; /* behind what is still to be read */
        }
}

static double plain_msssim(const float *x, const float *y, int channels, int h, int w) {
    const double weights[5] = {0.0448, 0.2856, 0.3001, 0.2363, 0.1333};
    double sum = 0, mean = 0;
    int scales = 0;
    for (int a = h, b = w; scales < 5 && a >= 11 && b >= 11; a = (a + 1) / 2, b = (b + 1) / 2)
        sum += weights[scales++];
    double *p = malloc((size_t)(h * w) * sizeof *p), *q = malloc((size_t)(h * w) * sizeof *q);
    for (int c = 0; c < channels; c++) {
        for (int i = 0; i < h * w; i++) {
            p[i] = (double)x[c * h * w + i];
            q[i] = (double)y[c * h * w + i];
        }
        double product = 1;
        for (int s = 0, a = h, b = w; s < scales; s++, a = (a + 1) / 2, b = (b + 1) / 2) {
            product *= pow(fmax(0, plain_scale(p, q, a, b, s == scales - 1)), weights[s] / sum);
            plain_halve(p, a, b);
            plain_halve(q, a, b);
        }
        mean += product / channels;
    }
    free(p);
    free(q);
    return mean;
}

static void msssim_equals_its_definition_at_odd_sides(void **state) {
    (void)state;
    enum { N = 2, C = 3, H = 45, W = 38 };
    static float x[N * C * H * W], noise[N * C * H * W], y[N * C * H * W], got[N];
    fixture_fill(x, N * C * H * W, "", "x", 0.5, 0.5);
    fixture_fill(noise, N * C * H * W, "", "noise", 0.2, 0);
    for (int i = 0; i < N * C * H * W; i++)
        y[i] = 0.8f * x[i] + 0.1f + noise[i];
    idem_graph *g = idem_graph_new();
    idem_node *nx = idem_input(g, "x", IDEM_SHAPE(N, C, H, W)), *ny = idem_input(g, "y", IDEM_SHAPE(N, C, H, W));
    idem_node_write(nx, x);
    idem_node_write(ny, y);
    idem_node *value = idem_msssim(nx, ny);
    idem_plan *p = run(&value, 1);
    read_values(p, value, got);
    assert_int_equal(idem_msssim_scales(H, W), 2);
    for (int n = 0; n < N; n++)
        assert_float_equal(got[n], plain_msssim(x + n * C * H * W, y + n * C * H * W, C, H, W), 2e-6);
    idem_plan_free(p);
    idem_graph_free(g);
}

/* 1 - MS-SSIM of pictures that are nearly the same, where a difference to 1 would have few digits left. */
static void alike_pictures_keep_their_digits(void **state) {
    (void)state;
    enum { C = 3, H = 48, W = 48 };
    static float x[C * H * W], noise[C * H * W], y[C * H * W];
    fixture_fill(x, C * H * W, "", "x", 0.3, 0.5);
    fixture_fill(noise, C * H * W, "", "noise", 1, 0);
    const float apart[] = {0.1f, 0.01f, 1e-3f, 1e-4f};
    for (size_t k = 0; k < sizeof apart / sizeof *apart; k++) {
        for (int i = 0; i < C * H * W; i++)
            y[i] = x[i] + apart[k] * noise[i];
        idem_graph *g = idem_graph_new();
        idem_node *nx = idem_input(g, "x", IDEM_SHAPE(1, C, H, W)), *ny = idem_input(g, "y", IDEM_SHAPE(1, C, H, W));
        idem_node_write(nx, x);
        idem_node_write(ny, y);
        idem_node *one_minus = idem_one_minus_msssim(nx, ny);
        idem_plan *p = run(&one_minus, 1);
        const double want = 1 - plain_msssim(x, y, C, H, W);
        print_message("1 - MS-SSIM is %g, off by %.1e of it\n", want, idem_plan_scalar(p, one_minus) / want - 1);
        assert_true(fabs(idem_plan_scalar(p, one_minus) / want - 1) < 2e-5);
        idem_plan_free(p);
        idem_graph_free(g);
    }
}

static void msssim_takes_as_many_scales_as_fit(void **state) {
    (void)state;
    assert_int_equal(idem_msssim_scales(10, 300), 0);
    assert_int_equal(idem_msssim_scales(11, 300), 1);
    assert_int_equal(idem_msssim_scales(20, 20), 1);
    assert_int_equal(idem_msssim_scales(21, 21), 2); /* an odd side of 21 halves to 11 */
    assert_int_equal(idem_msssim_scales(64, 64), 3);
    assert_int_equal(idem_msssim_scales(256, 256), 5);
    assert_int_equal(idem_msssim_scales(2048, 2048), 5);
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(1, 3, 10, 10));
    assert_null(idem_msssim(x, x));
    assert_non_null(strstr(idem_error(), "at least 11"));
    idem_graph_free(g);
}

/* A picture against its negative: every scale's mean is below 0. */
static void msssim_clamps_without_nan(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *x = filled(g, "x", IDEM_SHAPE(1, 3, 32, 32), 0.5, 0.5),
              *y = filled(g, "x", IDEM_SHAPE(1, 3, 32, 32), -0.5, 0.5);
    idem_node *value = idem_msssim(x, y), *dy;
    assert_int_equal(idem_gradients(idem_sum_all(value), &y, 1, &dy), 0);
    idem_plan *p = run((idem_node *const[]){value, dy}, 2);
    assert_true(idem_plan_value(p, value)[0] == 0);
    for (int i = 0; i < 3 * 32 * 32; i++)
        assert_true(idem_plan_value(p, dy)[i] == 0);
    idem_plan_free(p);
    idem_graph_free(g);
}

static void reconstruction_of_equal_pictures_is_zero(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *x = filled(g, "x", IDEM_SHAPE(2, 3, 64, 64), 0.5, 0.5),
              *y = filled(g, "x", IDEM_SHAPE(2, 3, 64, 64), 0.5, 0.5);
    idem_node *loss = idem_loss_reconstruction(x, y, 1);
    idem_plan *p = run(&loss, 1);
    assert_float_equal(idem_plan_scalar(p, loss), 0, 1e-6);
    idem_plan_free(p);
    idem_graph_free(g);
}

/* ---- what is around the face ---- */

static void the_surround_is_what_lies_outside(void **state) {
    (void)state;
    enum { N = 2, C = 3, S = 5, OUT = 8 };
    uint8_t outside[S * S] = {0};
    for (int i = 0; i < OUT; i++)
        outside[3 * i] = 1;
    idem_graph *g = idem_graph_new();
    idem_node *x = filled(g, "x", IDEM_SHAPE(N, C, S, S), 0.5, 0.5), *grad;
    idem_node *y = filled(g, "y", IDEM_SHAPE(N, C, S, S), 0.5, 0.5), *loss = idem_loss_surround(x, y, outside);
    assert_int_equal(idem_gradients(loss, &y, 1, &grad), 0);
    idem_plan *p = run((idem_node *const[]){loss, grad}, 2);
    float got[N * C * S * S], a[N * C * S * S], b[N * C * S * S];
    read_values(p, grad, got);
    fixture_fill(a, N * C * S * S, "", "x", 0.5, 0.5);
    fixture_fill(b, N * C * S * S, "", "y", 0.5, 0.5);
    double want = 0;
    for (int i = 0; i < N * C * S * S; i++) {
        const double d = (double)b[i] - (double)a[i];
        const int out = outside[i % (S * S)];
        want += out * fabs(d) / (N * C * OUT);
        assert_float_equal(got[i], out * (d > 0 ? 1.0 : -1.0) / (N * C * OUT), 1e-7);
    }
    assert_float_equal(idem_plan_scalar(p, loss), want, 1e-6);
    memset(outside, 0, sizeof outside);
    assert_null(idem_loss_surround(x, y, outside));
    assert_non_null(strstr(idem_error(), "nothing is outside"));
    assert_null(idem_loss_surround(x, filled(g, "z", IDEM_SHAPE(N, C, S, S + 1), 1, 0), outside));
    idem_plan_free(p);
    idem_graph_free(g);
}

/* ---- identity, landmarks ---- */

static void identity_has_no_gradient_to_its_target(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *in[2] = {filled(g, "a", IDEM_SHAPE(3, 16), 1, 0), filled(g, "b", IDEM_SHAPE(3, 16), 1, 0)}, *grad[2];
    idem_node *loss = idem_loss_identity(in[0], in[1]);
    assert_int_equal(idem_gradients(loss, in, 2, grad), 0);
    idem_plan *p = run((idem_node *const[]){loss, grad[0], grad[1]}, 3);
    double want = 0, a2[3] = {0}, b2[3] = {0};
    for (int i = 0; i < 48; i++) {
        a2[i / 16] += (double)in[0]->leaf[i] * in[0]->leaf[i];
        b2[i / 16] += (double)in[1]->leaf[i] * in[1]->leaf[i];
    }
    for (int i = 0; i < 48; i++)
        want += fabs(in[0]->leaf[i] / sqrt(a2[i / 16]) - in[1]->leaf[i] / sqrt(b2[i / 16])) / 48;
    assert_float_equal(idem_plan_scalar(p, loss), want, 1e-6);
    float some = 0;
    for (int i = 0; i < 48; i++) {
        assert_true(idem_plan_value(p, grad[0])[i] == 0);
        some = fmaxf(some, fabsf(idem_plan_value(p, grad[1])[i]));
    }
    assert_true(some > 1e-4f);
    idem_plan_free(p);
    idem_graph_free(g);
}

static void unit_rows_and_a_row_of_zeros(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(2, 2));
    memcpy(x->leaf, (float[]){3, 4, 0, 0}, 16);
    idem_node *y = idem_l2_normalise(x);
    idem_plan *p = run(&y, 1);
    const float want[4] = {0.6f, 0.8f, 0, 0};
    for (int i = 0; i < 4; i++)
        assert_float_equal(idem_plan_value(p, y)[i], want[i], 1e-6);
    idem_plan_free(p);
    idem_graph_free(g);
}

static void a_failed_landmark_adds_nothing(void **state) {
    (void)state;
    enum { N = 4 };
    idem_graph *g = idem_graph_new();
    idem_node *target = filled(g, "target", IDEM_SHAPE(N, 51, 2), 60, 80),
              *out = filled(g, "out", IDEM_SHAPE(N, 51, 2), 60, 80);
    target->leaf[1 * 102 + 7] = 241;    /* beyond half a picture outside */
    out->leaf[2 * 102 + 101] = -80.5f;  /* the same on the other side */
    target->leaf[3 * 102 + 50] = 239.5; /* still inside */
    idem_node *seen = idem_landmark_mask(target), *mask = idem_mul(seen, idem_landmark_mask(out)), *grad;
    idem_node *loss = idem_loss_landmark(target, out, mask);
    assert_int_equal(idem_gradients(loss, &out, 1, &grad), 0);
    idem_plan *p = run((idem_node *const[]){seen, mask, loss, grad}, 4);
    const float want_mask[N] = {1, 0, 0, 1};
    double want = 0;
    for (int n = 0; n < N; n++) {
        assert_true(idem_plan_value(p, mask)[n] == want_mask[n]);
        for (int i = 0; i < 102; i++) {
            double d = (double)target->leaf[n * 102 + i] - out->leaf[n * 102 + i];
            want += want_mask[n] != 0 ? d * d / (N * 102) : 0;
            assert_true((idem_plan_value(p, grad)[n * 102 + i] != 0) == (want_mask[n] != 0));
        }
    }
    assert_float_equal(idem_plan_scalar(p, loss), want, 1e-5 * want);
    /* Not a number is a failure too. */
    target->leaf[0] = NAN;
    assert_int_equal(idem_plan_run(p), 0);
    assert_true(idem_plan_value(p, seen)[0] == 0);
    idem_plan_free(p);
    idem_graph_free(g);
}

/* ---- critic ---- */

/* R1 of logits = sum(tanh(w A)) by hand, and its gradient with respect to A by differences of that. */
static double plain_r1(const float *w, const double *a, int n, int d, int h, double gamma) {
    double total = 0;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < d; j++) {
            double slope = 0;
            for (int k = 0; k < h; k++) {
                double t = 0;
                for (int m = 0; m < d; m++)
                    t += (double)w[i * d + m] * a[m * h + k];
                slope += (1 - tanh(t) * tanh(t)) * a[j * h + k];
            }
            total += slope * slope;
        }
    return gamma / 2 * total / n;
}

static void r1_is_differentiable_again(void **state) {
    (void)state;
    enum { N = 3, D = 4, H = 5 };
    idem_graph *g = idem_graph_new();
    idem_node *w = filled(g, "w", IDEM_SHAPE(N, D), 1, 0), *a = filled(g, "a", IDEM_SHAPE(D, H), 0.7, 0), *grad;
    idem_node *hidden = idem_unary(idem_matmul(w, a, false, false), IDEM_UNARY_TANH, 0, 0);
    idem_node *r1 = idem_r1(idem_reduce_sum(hidden, IDEM_SHAPE(N, 1), 1), w, 10);
    assert_int_equal(idem_gradients(r1, &a, 1, &grad), 0);
    idem_plan *p = run((idem_node *const[]){r1, grad}, 2);
    double plain[D * H], step = 1e-5;
    for (int i = 0; i < D * H; i++)
        plain[i] = (double)a->leaf[i];
    double want = plain_r1(w->leaf, plain, N, D, H, 10);
    assert_float_equal(idem_plan_scalar(p, r1), want, 1e-5 * want);
    for (int i = 0; i < D * H; i++) {
        plain[i] += step;
        double up = plain_r1(w->leaf, plain, N, D, H, 10);
        plain[i] -= 2 * step;
        double down = plain_r1(w->leaf, plain, N, D, H, 10);
        plain[i] += step;
        assert_float_equal(idem_plan_value(p, grad)[i], (up - down) / (2 * step), 1e-4 * want);
    }
    idem_plan_free(p);
    idem_graph_free(g);
}

static void cross_entropy_of_large_logits_is_finite(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *logits = idem_input(g, "logits", IDEM_SHAPE(2, 1));
    memcpy(logits->leaf, (float[]){200, -200}, 8);
    idem_node *t[3] = {idem_bce_logits(logits, true), idem_bce_logits(logits, false), idem_critic_loss(logits, logits)};
    idem_plan *p = run(t, 3);
    assert_float_equal(idem_plan_scalar(p, t[0]), 100, 1e-4);
    assert_float_equal(idem_plan_scalar(p, t[1]), 100, 1e-4);
    assert_float_equal(idem_plan_scalar(p, t[2]), 200, 1e-4);
    idem_plan_free(p);
    idem_graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(msssim_equals_its_definition_at_odd_sides),
        cmocka_unit_test(alike_pictures_keep_their_digits),
        cmocka_unit_test(msssim_takes_as_many_scales_as_fit),
        cmocka_unit_test(msssim_clamps_without_nan),
        cmocka_unit_test(reconstruction_of_equal_pictures_is_zero),
        cmocka_unit_test(the_surround_is_what_lies_outside),
        cmocka_unit_test(identity_has_no_gradient_to_its_target),
        cmocka_unit_test(unit_rows_and_a_row_of_zeros),
        cmocka_unit_test(a_failed_landmark_adds_nothing),
        cmocka_unit_test(r1_is_differentiable_again),
        cmocka_unit_test(cross_entropy_of_large_logits_is_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
