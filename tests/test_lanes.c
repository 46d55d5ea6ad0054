/* Parts of a batch side by side: a plan for several threads gives the numbers of a plan for one, to the last bit. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/ops.h"
#include "engine/plan.h"

enum { PARTS = 8, PART = 2, SIDE = 20, C = 16, RUNS = 20 };

typedef struct {
    idem_graph *g;
    idem_node *x, *w3, *w1, *slope, *made[PARTS], *out, *dx;
} net;

static idem_node *filled(idem_graph *g, idem_rng *r, idem_shape shape) {
    idem_node *n = idem_const_fill(g, shape, 0);
    idem_rng_fill_normal(r, n->leaf, (size_t)idem_shape_count(&shape));
    for (int64_t i = 0; i < idem_shape_count(&shape); i++)
        n->leaf[i] *= 0.1f; /* or numbers grow beyond bounds */
    return n;
}

/* Layers that take scratch, that write over their input, that add what is older. */
static idem_node *part(const net *n, idem_node *x) {
    idem_window three = idem_window_make(3, 1, 1), one = idem_window_make(1, 1, 0);
    for (int k = 0; k < 3; k++) {
        idem_node *y = idem_prelu(idem_conv(x, n->w3, NULL, three), n->slope);
        y = idem_scale(idem_square(idem_affine(y, 0.1f, 0.2f)), 0.5f);
        x = idem_add(x, idem_conv(idem_add(y, idem_scale(x, 0.3f)), n->w1, NULL, one));
    }
    return idem_affine(idem_avgpool(x, idem_window_make(2, 2, 0), false), 0.5f, 1);
}

/* crossed: every part takes what the one before it has made. */
static net build(bool crossed) {
    net n = {.g = idem_graph_new()};
    idem_rng r = idem_rng_make(7, "lanes");
    n.w3 = filled(n.g, &r, IDEM_SHAPE(C, C, 3, 3));
    n.w1 = filled(n.g, &r, IDEM_SHAPE(C, C, 1, 1));
    n.slope = filled(n.g, &r, IDEM_SHAPE(C, 1, 1));
    n.x = idem_input(n.g, "x", IDEM_SHAPE(PARTS * PART, C, SIDE, SIDE));
    idem_rng_fill_normal(&r, n.x->leaf, (size_t)idem_shape_count(&n.x->shape));
    idem_node *in = idem_affine(n.x, 0.1f, 0); /* not a leaf: it lies in the buffer that lanes share */
    assert_true(idem_lanes_begin(n.g));
    assert_false(idem_lanes_begin(n.g));
    for (int p = 0; p < PARTS; p++) {
        idem_lanes_next(n.g);
        idem_node *one = idem_slice(in, 0, p * PART, PART, 1);
        if (crossed && p)
            one = idem_add(one, idem_avgpool_grad(n.made[p - 1], idem_window_make(2, 2, 0), false, SIDE, SIDE));
        n.made[p] = part(&n, one);
    }
    idem_lanes_end(n.g);
    n.out = idem_affine(idem_concat(n.made, PARTS, 0), 2, 1);
    assert_non_null(n.out);
    assert_int_equal(idem_gradients(idem_mean_all(idem_square(n.out)), &n.x, 1, &n.dx), 0);
    return n;
}

static void give_the_same(bool crossed) {
    net n = build(crossed);
    size_t bytes = (size_t)idem_shape_count(&n.out->shape) * sizeof(float), memory = 0;
    size_t slopes = (size_t)idem_shape_count(&n.dx->shape) * sizeof(float);
    float *want = malloc(bytes), *gradient = malloc(slopes);
    for (int threads = 1; threads <= 5; threads++) {
        idem_node *targets[3] = {n.out, n.made[2], n.dx};
        idem_plan *p = idem_plan_new(targets, 3, &(idem_plan_options){.threads = threads});
        assert_non_null(p);
        for (int run = 0; run < (threads > 1 ? RUNS : 1); run++) {
            assert_int_equal(idem_plan_run(p), 0);
            if (threads == 1) {
                memcpy(want, idem_plan_value(p, n.out), bytes);
                memcpy(gradient, idem_plan_value(p, n.dx), slopes);
            }
            assert_memory_equal(want, idem_plan_value(p, n.out), bytes);
            assert_memory_equal(gradient, idem_plan_value(p, n.dx), slopes);
        }
        float *second = malloc(bytes / PARTS);
        memcpy(second, idem_plan_value(p, n.made[2]), bytes / PARTS);
        for (size_t i = 0; i < bytes / PARTS / sizeof(float); i++)
            assert_true(second[i] * 2 + 1 == want[2 * (bytes / PARTS / sizeof(float)) + i]);
        free(second);
        memory = threads == 1 ? idem_plan_bytes(p) : memory;
        if (threads == 2) /* memory for every thread, not for every part, beside the whole batch's */
            assert_true(idem_plan_bytes(p) <= 2 * memory);
        idem_plan_free(p);
    }
    free(want);
    free(gradient);
    idem_graph_free(n.g);
}

static void threads_do_not_change_the_numbers(void **state) {
    (void)state;
    give_the_same(false);
}

/* The builder's promise is not kept: the plan sees it, and runs one after the other. */
static void parts_that_need_each_other_wait(void **state) {
    (void)state;
    give_the_same(true);
}

static void an_interrupted_band_is_a_failed_run(void **state) {
    (void)state;
    net n = build(false);
    volatile sig_atomic_t stop = 0;
    idem_plan *p = idem_plan_new(&n.out, 1, &(idem_plan_options){.threads = 2, .stop = &stop, .profile = true});
    assert_int_equal(idem_plan_run(p), 0);
    int rows;
    const idem_profile_row *profile = idem_plan_profile(p, &rows);
    assert_true(rows > 3 * PARTS && profile[rows / 2].seconds > 0);
    stop = 1;
    assert_int_equal(idem_plan_run(p), -1);
    assert_string_equal(idem_error(), "interrupted");
    idem_plan_free(p);
    n.x->leaf[5] = 1e30f;
    p = idem_plan_new(&n.out, 1, &(idem_plan_options){.threads = 2, .trap_nan = true});
    assert_int_equal(idem_plan_run(p), -1); /* squared, it is infinite */
    assert_non_null(strstr(idem_error(), "inf"));
    idem_plan_free(p);
    idem_graph_free(n.g);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(threads_do_not_change_the_numbers),
                                       cmocka_unit_test(parts_that_need_each_other_wait),
                                       cmocka_unit_test(an_interrupted_band_is_a_failed_run)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
