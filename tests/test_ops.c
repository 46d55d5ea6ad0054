/* Every operator of the table against a double-precision reference: values, gradients, and gradients of gradients where
 * ops.h promises them. A row of the table without a case here fails. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/op.h"
#include "engine/plan.h"
#include "support/ops_cases.h"

#define S IDEM_SHAPE

static bool is_leaf(const idem_op *op) {
    return !op->forward && !op->view;
}

static void every_row_has_a_case(void **state) {
    (void)state;
    for (int r = 0; idem_op_table[r]; r++) {
        int found = is_leaf(idem_op_table[r]);
        for (int i = 0; i < n_ops_cases; i++)
            found |= strcmp(ops_cases[i].op, idem_op_table[r]->name) == 0;
        if (!found)
            fail_msg("operator %s has no case", idem_op_table[r]->name);
    }
}

static void cases_agree_with_the_reference(void **state) {
    (void)state;
    int failed = 0;
    for (int i = 0; i < n_ops_cases; i++)
        if (gc_check(&ops_cases[i])) {
            print_error("%s\n", idem_error());
            failed++;
        }
    assert_int_equal(failed, 0);
}

/* ---- the checker itself ---- */

static void square_forward(const idem_step *s) {
    for (int64_t i = 0; i < idem_shape_count(&s->node->shape); i++)
        s->out[i] = s->in[0][i] * s->in[0][i];
}

static int nearly_right(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    if (want[0])
        dx[0] = idem_mul(dy, idem_scale(n->in[0], 1.9f));
    return 0;
}

static int right_but_not_twice(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    if (want[0])
        dx[0] = idem_mul(dy, idem_scale(idem_stop_gradient(n->in[0]), 2));
    return 0;
}

static const idem_op wrong = {.name = "wrong", .forward = square_forward, .gradient = nearly_right};
static const idem_op once = {.name = "once", .forward = square_forward, .gradient = right_but_not_twice};
static const idem_op none = {.name = "none", .forward = square_forward};

static idem_node *build_test_row(idem_node *const *in, const gc_param *p) {
    const idem_op *rows[] = {&wrong, &once, &none};
    return idem_node_new(rows[p->i[0]], in[0]->shape, in, 1, NULL, 0);
}

static ref_tensor reference_test_row(const ref_tensor *in, const gc_param *p) {
    (void)p;
    return ref_binary(in[0], in[0], '*');
}

static ref_tensor reference_twice(const ref_tensor *in, const gc_param *p) {
    (void)p;
    return ref_binary(in[0], in[0], '+');
}

static void wrong_gradients_are_found(void **state) {
    (void)state;
    gc_case c = {"wrong", "1.9 x", 0, 1, {S(5)}, {GC_NORMAL}, .build = build_test_row, .reference = reference_test_row};
    assert_int_equal(gc_check(&c), 0);
    c.order = 1;
    assert_int_equal(gc_check(&c), -1);
    assert_non_null(strstr(idem_error(), "first gradient"));
    c = (gc_case){
        "once",         "stopped", 1, 1, {S(5)}, {GC_NORMAL}, .build = build_test_row, .reference = reference_test_row,
        .p = {.i = {1}}};
    assert_int_equal(gc_check(&c), 0);
    c.order = 2;
    assert_int_equal(gc_check(&c), -1);
    assert_non_null(strstr(idem_error(), "second gradient"));
    c.reference = reference_twice;
    assert_int_equal(gc_check(&c), -1);
    assert_non_null(strstr(idem_error(), "value is off"));
    c = (gc_case){"none",
                  "no gradient",
                  1,
                  1,
                  {S(5)},
                  {GC_NORMAL},
                  .build = build_test_row,
                  .reference = reference_test_row,
                  .p = {.i = {2}}};
    assert_int_equal(gc_check(&c), -1);
    assert_non_null(strstr(idem_error(), "no gradient"));
}

/* ---- graphs are no larger than needed ---- */

static int nodes_of(const idem_graph *g, const char *op) {
    int n = 0;
    for (int id = 0; id < idem_graph_size(g); id++)
        n += strcmp(idem_graph_node(g, id)->op->name, op) == 0;
    return n;
}

static void only_wanted_gradients_are_built(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", S(2, 3, 4, 5)), *b = idem_input(g, "b", S(3, 1, 1)), *dx;
    idem_node *loss = idem_sum_all(idem_mul(x, b));
    assert_int_equal(idem_gradients(loss, &x, 1, &dx), 0);
    assert_int_equal(nodes_of(g, "dot"), 0);
    assert_int_equal(nodes_of(g, "mul"), 2);
    idem_node *gamma = idem_input(g, "gamma", S(3)), *beta = idem_input(g, "beta", S(3));
    loss = idem_sum_all(idem_bn_apply(x, idem_bn_stats(x), gamma, beta, 1e-3f));
    assert_int_equal(idem_gradients(loss, &gamma, 1, &dx), 0);
    assert_int_equal(nodes_of(g, "bn_sums"), 1);
    assert_int_equal(nodes_of(g, "bn_grad"), 0);
    idem_graph_free(g);
}

/* The gradient of a mean of squares repeats a scalar; it must not be a picture of it. */
static void repeated_gradients_stay_small(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", S(2, 3, 4, 5)), *dx;
    assert_int_equal(idem_gradients(idem_mean_all(idem_square(x)), &x, 1, &dx), 0);
    idem_plan *p = idem_plan_new(&dx, 1, NULL);
    assert_non_null(p);
    assert_true(idem_plan_bytes(p) < 2 * 120 * sizeof(float));
    idem_plan_free(p);
    idem_graph_free(g);
}

/* ---- accuracy of large sums ---- */

static void large_sums_are_accurate(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", S(4, 16, 160, 160));
    int64_t n = idem_shape_count(&x->shape);
    double want = 0;
    for (int64_t i = 0; i < n; i++) {
        x->leaf[i] = 1 + (float)(i % 7) * 0.1f;
        want += (double)x->leaf[i];
    }
    idem_node *sum = idem_sum_all(x);
    idem_plan *p = idem_plan_new(&sum, 1, NULL);
    assert_non_null(p);
    assert_int_equal(idem_plan_run(p), 0);
    assert_true(fabs((double)idem_plan_scalar(p, sum) / want - 1) < 2e-7);
    idem_plan_free(p);
    idem_graph_free(g);
}

/* ---- refusals ---- */

static void refused(idem_node *n, const char *message) {
    assert_null(n);
    if (!strstr(idem_error(), message))
        fail_msg("message '%s' does not say '%s'", idem_error(), message);
    idem_error_clear();
}

/* Against reshape, permute, reshape, forward and backward. */
static void shuffle_is_what_it_says(void **state) {
    (void)state;
    for (int groups = 2; groups <= 3; groups++) {
        idem_graph *g = idem_graph_new();
        idem_rng rng = idem_rng_make(6, "shuffle");
        idem_node *x = idem_input(g, "x", IDEM_SHAPE(2, 18, 3, 5)), *dy = idem_input(g, "dy", x->shape), *d[4];
        idem_rng_fill_normal(&rng, x->leaf, 2 * 18 * 15);
        idem_rng_fill_normal(&rng, dy->leaf, 2 * 18 * 15);
        idem_node *split = idem_reshape(x, IDEM_SHAPE(2, groups, 18 / groups, 3, 5));
        d[0] = idem_reshape(idem_permute(split, (int[]){0, 2, 1, 3, 4}), x->shape);
        d[1] = idem_shuffle(x, groups);
        assert_int_equal(idem_gradients_seeded(d[0], dy, &x, 1, &d[2]), 0);
        assert_int_equal(idem_gradients_seeded(d[1], dy, &x, 1, &d[3]), 0);
        idem_plan *p = idem_plan_new(d, 4, NULL);
        assert_non_null(p);
        assert_int_equal(idem_plan_run(p), 0);
        for (int k = 0; k < 4; k += 2)
            assert_memory_equal(idem_plan_value(p, d[k]), idem_plan_value(p, d[k + 1]), 2 * 18 * 15 * sizeof(float));
        idem_plan_free(p);
        idem_graph_free(g);
    }
}

static void bad_arguments_are_refused(void **state) {
    (void)state;
    static const float kernel[4] = {1, 2, 3, 4};
    const idem_sparse map = {.rows = 2,
                             .columns = 3,
                             .start = (const int[]){0, 1, 3},
                             .column = (const int[]){0, 1, 2},
                             .value = (const float[]){1, 2, 3}};
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", S(2, 3, 4, 5)), *v = idem_input(g, "v", S(7));
    refused(idem_add(x, v), "do not broadcast");
    refused(idem_reduce_sum(x, S(3, 1, 2), 1), "does not broadcast");
    refused(idem_broadcast(x, S(3, 4, 5)), "does not broadcast");
    refused(idem_dot(x, v, IDEM_SCALAR), "equal shapes");
    refused(idem_reshape(x, S(2, 3, 4, 6)), "number of elements");
    refused(idem_permute(x, (int[]){0, 1, 2, 2}), "each of 0 to 3 once");
    refused(idem_slice(x, 1, 1, 3, 1), "do not lie inside");
    refused(idem_slice(x, 4, 0, 1, 1), "do not lie inside");
    refused(idem_embed(x, 1, 2, 4, 1), "does not fit");
    refused(idem_concat((idem_node *[]){x, v}, 2, 0), "differ in another axis");
    refused(idem_maxpool(x, idem_window_make(6, 1, 0)), "does not fit");
    refused(idem_avgpool(x, idem_window_make(2, 1, 2), true), "padding below the window");
    refused(idem_avgpool(v, idem_window_make(2, 1, 0), true), "expected rank 4");
    refused(idem_avgpool_grad(x, idem_window_make(2, 2, 0), true, 7, 10), "pooling 7 x 10 gives [2, 3, 3, 5]");
    refused(idem_filter(x, kernel, 4, 1, 1, (int[4]){-1, 0, 0, 0}), "fewer than the 4 taps");
    refused(idem_filter(x, kernel, 4, 0, 1, (int[4]){0, 0, 0, 0}), "up 0");
    refused(idem_spatial_map(x, &map, 1, 2), "2 targets and 3 sources");
    idem_node *y = idem_input(g, "y", S(1, 1, 1, 3));
    idem_sparse bad = map;
    bad.column = (const int[]){0, 3, 2};
    refused(idem_spatial_map(y, &bad, 1, 2), "reads source 3 of 3");
    bad.start = (const int[]){0, 2, 1};
    refused(idem_spatial_map(y, &bad, 1, 2), "end before they start");
    refused(idem_bn_apply(x, v, v, v, 1e-3f), "expected [2, C]");
    refused(idem_prelu(x, v), "one value per channel");
    refused(idem_styled(x, v, NULL, NULL, 0.2f, 1), "expected [2, 3]");
    refused(idem_styled(x, NULL, NULL, NULL, 0.2f, 0), "positive gain");
    refused(idem_softmax(x, 4), "axis 4 of rank 4");
    /* NULL passes through and the first message stays. */
    assert_int_equal(idem_fail("first"), -1);
    assert_null(idem_relu(idem_mul(NULL, idem_styled(NULL, NULL, NULL, NULL, 1, 1))));
    assert_string_equal(idem_error(), "first");
    idem_graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_a_case),          cmocka_unit_test(cases_agree_with_the_reference),
        cmocka_unit_test(wrong_gradients_are_found),     cmocka_unit_test(only_wanted_gradients_are_built),
        cmocka_unit_test(repeated_gradients_stay_small), cmocka_unit_test(large_sums_are_accurate),
        cmocka_unit_test(bad_arguments_are_refused),     cmocka_unit_test(shuffle_is_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
