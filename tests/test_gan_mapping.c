/* A mapping network in closed form: codes at random have the mean and the covariance, before the last leaky ReLU, of
 * the codes that it was made for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/status.h"
#include "engine/ops.h"
#include "engine/plan.h"
#include "nets/stylegan2.h"
#include "train/gan/mapping.h"

enum { Z = 32, W = 16, CODES = 300 };

static idem_weights *network(int layers, int z) {
    idem_weights *w = idem_weights_new();
    idem_rng rng = idem_rng_make(1, "test.mapping");
    const idem_stylegan2_dims dims = {.size = 8, .z_dim = z, .w_dim = W, .mapping_layers = layers, .widths = {8, 8}};
    assert_int_equal(idem_stylegan2_init(w, "g_ema.", &dims, &rng), 0);
    return w;
}

static double before_activation(double w) {
    return w / sqrt(2) * (w < 0 ? 5 : 1);
}

/* Rows at right angles, for sides that are powers of two (Sylvester). */
static float hadamard(int i, int k) {
    int odd = 0;
    for (int both = i & k; both; both >>= 1)
        odd ^= both & 1;
    return odd ? -1 : 1;
}

/* Codes whose numbers depend on each other, many of them negative. */
static double *draw(int n) {
    double *codes = malloc((size_t)n * W * sizeof *codes), mix[W][W];
    assert_non_null(codes);
    idem_rng rng = idem_rng_make(2, "test.mapping");
    for (int i = 0; i < W * W; i++)
        mix[i / W][i % W] = idem_rng_normal(&rng);
    for (int i = 0; i < n; i++) {
        double z[W];
        for (int k = 0; k < W; k++)
            z[k] = idem_rng_normal(&rng);
        for (int k = 0; k < W; k++) {
            double x = 0.1 * k - 1;
            for (int j = 0; j < W; j++)
                x += mix[k][j] * z[j] / (1 + j);
            codes[i * W + k] = x < 0 ? x / 5 : x;
        }
    }
    return codes;
}

/* Of these codes z, whose mean is 0 and whose mean square is the unit matrix, the outputs before the last activation
 * have exactly the wanted mean and covariance. All numbers are 1 or -1, so that all copying layers are linear. */
static void check(int layers, int z_dim, const double *codes, int n) {
    idem_weights *w = network(layers, z_dim);
    assert_int_equal(idem_gan_mapping_fit(w, "g_ema.", codes, (size_t)n), 0);
    for (size_t i = 0; i < idem_weights_count(w); i++) { /* as it is saved: 16 bits hold no more */
        const idem_weight *t = idem_weights_at(w, i);
        for (int64_t k = 0; k < idem_shape_count(&t->shape); k++)
            assert_true(fabs((double)t->data[k]) < 65504);
    }
    idem_graph *g = idem_graph_new();
    idem_binder b = {.graph = g, .weights = w, .prefix = "g_ema."};
    idem_stylegan2 about;
    assert_int_equal(idem_stylegan2_open(&about, w, "g_ema."), 0);
    idem_node *z = idem_input(g, "z", IDEM_SHAPE(2 * z_dim, z_dim)), *out = idem_stylegan2_mapping(&b, &about, z);
    idem_plan *plan = idem_plan_new(&out, 1, NULL);
    assert_non_null(plan);
    for (int i = 0; i < 2 * z_dim; i++)
        for (int k = 0; k < z_dim; k++)
            z->leaf[i * z_dim + k] = hadamard(i / 2, k) * (i % 2 ? -1 : 1);
    assert_int_equal(idem_plan_run(plan), 0);
    const float *y = idem_plan_value(plan, out);
    double mean[W] = {0}, made[W][W] = {{0}}, spread = 0;
    for (int i = 0; i < n * W; i++)
        mean[i % W] += before_activation(codes[i]) / n;
    for (int k = 0; k < W; k++)
        for (int i = 0; i < n; i++)
            spread += pow(before_activation(codes[i * W + k]) - mean[k], 2) / n / W;
    for (int k = 0; k < W; k++) {
        double middle = 0;
        for (int i = 0; i < 2 * z_dim; i++)
            middle += before_activation((double)y[i * W + k]) / (2 * z_dim);
        assert_float_equal(middle, mean[k], 1e-4 * sqrt(spread));
        for (int j = 0; j < W; j++)
            for (int i = 0; i < 2 * z_dim; i++)
                made[k][j] += (before_activation((double)y[i * W + k]) - mean[k]) *
                              (before_activation((double)y[i * W + j]) - mean[j]) / (2 * z_dim);
    }
    for (int k = 0; k < W; k++)
        for (int j = 0; j < W; j++) {
            double wanted = 0;
            for (int i = 0; i < n; i++)
                wanted += (before_activation(codes[i * W + k]) - mean[k]) *
                          (before_activation(codes[i * W + j]) - mean[j]) / n;
            assert_float_equal(made[k][j], wanted, 1e-4 * spread);
        }
    idem_plan_free(plan);
    idem_graph_free(g);
    idem_weights_free(w);
}

static void codes_at_random_are_distributed_alike(void **state) {
    (void)state;
    double *codes = draw(CODES);
    check(4, W, codes, CODES);
    check(1, W, codes, CODES);
    check(2, Z, codes, CODES);
    check(4, W, codes, W / 2); /* fewer codes than numbers */
    free(codes);
}

static void what_cannot_be_is_refused(void **state) {
    (void)state;
    double *codes = draw(CODES);
    idem_weights *w = network(0, W);
    assert_int_equal(idem_gan_mapping_fit(w, "g_ema.", codes, CODES), -1);
    assert_non_null(strstr(idem_error(), "g_ema.style.1.weight: there is no mapping network"));
    idem_weights_free(w);
    w = network(4, 8);
    assert_int_equal(idem_gan_mapping_fit(w, "g_ema.", codes, CODES), -1);
    assert_non_null(strstr(idem_error(), "codes of 8 numbers are mapped to 16, expected no fewer"));
    idem_weights_free(w);
    w = network(4, W);
    assert_int_equal(idem_gan_mapping_fit(w, "g_ema.", codes, 1), -1);
    assert_non_null(strstr(idem_error(), "1 known codes: expected at least 2"));
    for (int i = 0; i < CODES * W; i++)
        codes[i] = 1;
    assert_int_equal(idem_gan_mapping_fit(w, "g_ema.", codes, CODES), -1);
    assert_non_null(strstr(idem_error(), "the known codes do not differ"));
    idem_weights_free(w);
    free(codes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_at_random_are_distributed_alike),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
