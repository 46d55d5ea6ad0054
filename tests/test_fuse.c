/* Chains that one kernel computes against the same nodes one by one: a plan that has every node as a target fuses
 * nothing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/ops.h"
#include "engine/plan.h"

enum { RELU, LEAKY, PRELU, ADD, ADD_RELU, ADD_PRELU, CHAINS };

static const struct fuse_case {
    const char *what;
    int n, i, h, w, o;
    idem_window win;
    bool takes_all; /* else a slope of all channels only */
} cases[] = {
    {"1x1", 2, 24, 9, 7, 58, {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}, true},
    {"depthwise", 2, 20, 13, 9, 20, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 20, false}, true},
    {"depthwise, stride 2", 1, 64, 14, 15, 64, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 64, false}, true},
    {"3x3", 1, 16, 14, 15, 40, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}, true},
    {"3x3, dilated", 1, 16, 30, 40, 16, {{3, 3}, {1, 1}, {5, 5}, {5, 5, 5, 5}, 1, false}, true},
    {"3x3, stride 2", 2, 16, 32, 32, 32, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 1, false}, true},
    {"few channels", 1, 3, 32, 32, 16, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 1, false}, false},
};

static idem_node *filled(idem_graph *g, idem_rng *r, idem_shape shape, bool frozen) {
    idem_node *n = frozen ? idem_const_fill(g, shape, 0) : idem_input(g, "x", shape);
    idem_rng_fill_normal(r, n->leaf, (size_t)idem_shape_count(&shape));
    return n;
}

/* The last of the nodes by a plan for it alone and by one for all of them; how many steps the first has less. */
static int check(idem_node *const *nodes, int n, const char *what) {
    idem_node *last = nodes[n - 1];
    int64_t count = idem_shape_count(&last->shape);
    idem_plan *fused = idem_plan_new(&last, 1, NULL), *plain = idem_plan_new(nodes, n, NULL);
    assert_non_null(fused);
    assert_non_null(plain);
    assert_int_equal(idem_plan_run(fused), 0);
    assert_int_equal(idem_plan_run(plain), 0);
    const float *a = idem_plan_value(fused, last), *b = idem_plan_value(plain, last);
    for (int64_t i = 0; i < count; i++)
        if (!(fabsf(a[i] - b[i]) <= 1e-5f * (1 + fabsf(b[i]))))
            fail_msg("%s: value %d is %g, by itself %g", what, (int)i, (double)a[i], (double)b[i]);
    int less = idem_plan_steps(plain) - idem_plan_steps(fused);
    idem_plan_free(fused);
    idem_plan_free(plain);
    return less;
}

static void chains_give_the_same(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (int chain = 0; chain < CHAINS; chain++) {
            const struct fuse_case *c = &cases[k];
            idem_graph *g = idem_graph_new();
            idem_rng rng = idem_rng_make(3, "fuse");
            idem_node *x = filled(g, &rng, IDEM_SHAPE(c->n, c->i, c->h, c->w), false);
            idem_node *w =
                filled(g, &rng, IDEM_SHAPE(c->o, c->i / c->win.groups, c->win.kernel[0], c->win.kernel[1]), true);
            idem_node *slope = filled(g, &rng, IDEM_SHAPE(c->o, 1, 1), chain == PRELU);
            idem_node *nodes[3] = {idem_conv(x, w, filled(g, &rng, IDEM_SHAPE(c->o), true), c->win)};
            int n = 1;
            if (chain >= ADD) {
                idem_node *other = filled(g, &rng, nodes[0]->shape, false);
                nodes[n++] = chain == ADD ? idem_add(other, nodes[0]) : idem_add(nodes[0], other);
            }
            if (chain == RELU || chain == ADD_RELU)
                nodes[n] = idem_relu(nodes[n - 1]), n++;
            if (chain == LEAKY)
                nodes[n] = idem_leaky_relu(nodes[n - 1], 0.2f, 1), n++;
            if (chain == PRELU || chain == ADD_PRELU)
                nodes[n] = idem_prelu(nodes[n - 1], slope), n++;
            char what[80];
            snprintf(what, sizeof what, "%s, chain %d", c->what, chain);
            int less = check(nodes, n, what);
            if (c->takes_all || chain == RELU || chain == LEAKY)
                assert_int_equal(less, n - 1);
            idem_graph_free(g);
        }
}

/* Factors of channels before a convolution, of both ways, with weights that may change and with frozen ones. */
static void a_convolution_takes_factors_of_its_channels(void **state) {
    (void)state;
    static const struct {
        const char *what;
        int n, i, h, w, o, kernel, stride, pad;
        bool back, frozen, takes;
    } all[] = {{"3x3", 3, 32, 13, 9, 48, 3, 1, 1, false, true, true},
               {"3x3, odd channels", 2, 24, 16, 16, 16, 3, 1, 1, false, true, true},
               {"3x3, not frozen", 2, 32, 20, 20, 32, 3, 1, 1, false, false, true},
               {"up, with an edge", 2, 32, 17, 17, 48, 3, 2, 0, true, true, true},
               {"up, not frozen", 3, 32, 33, 33, 16, 3, 2, 0, true, false, true},
               {"taps", 2, 160, 2, 2, 160, 3, 1, 1, false, true, true},
               {"taps, up", 3, 160, 5, 5, 160, 3, 2, 0, true, true, true},
               {"few", 3, 32, 7, 9, 3, 1, 1, 0, false, true, true},
               {"1x1", 2, 32, 7, 9, 32, 1, 1, 0, false, true, false}};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        idem_graph *g = idem_graph_new();
        idem_rng rng = idem_rng_make(4, "fuse");
        const idem_window win = idem_window_make(all[k].kernel, all[k].stride, all[k].pad);
        idem_node *x = filled(g, &rng, IDEM_SHAPE(all[k].n, all[k].i, all[k].h, all[k].w), false);
        idem_node *weight =
            filled(g, &rng, IDEM_SHAPE(all[k].o, all[k].i, all[k].kernel, all[k].kernel), all[k].frozen);
        if (all[k].back) /* the size of what it gives is given */
            x = filled(g, &rng, IDEM_SHAPE(all[k].n, all[k].o, (all[k].h - 3) / 2 + 1, (all[k].w - 3) / 2 + 1), false);
        idem_node *factors = filled(g, &rng, IDEM_SHAPE(all[k].n, x->shape.d[1], 1, 1), false);
        idem_node *nodes[2] = {idem_mul(x, factors)};
        nodes[1] = all[k].back ? idem_conv_data(nodes[0], weight, win, all[k].h, all[k].w)
                               : idem_conv(nodes[0], weight, filled(g, &rng, IDEM_SHAPE(all[k].o), true), win);
        assert_int_equal(check(nodes, 2, all[k].what), all[k].takes);
        idem_graph_free(g);
    }
}

/* Batch normalisation, of rank 4 and 2, takes an addition and a ReLU. */
static void normalisation_takes_what_follows(void **state) {
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        idem_graph *g = idem_graph_new();
        idem_rng rng = idem_rng_make(6, "fuse");
        idem_node *x = filled(g, &rng, kind < 3 ? IDEM_SHAPE(3, 20, 9, 7) : IDEM_SHAPE(40, 20), false);
        idem_node *other = filled(g, &rng, x->shape, false);
        idem_node *nodes[3] = {idem_bn_apply(x, idem_bn_stats(x), filled(g, &rng, IDEM_SHAPE(20), true),
                                             filled(g, &rng, IDEM_SHAPE(20), false), 1e-3f)};
        int n = 1;
        if (kind % 3 > 0)
            nodes[n] = idem_add(kind % 3 == 2 ? x : other, nodes[n - 1]), n++;
        nodes[n] = kind % 3 == 1 ? idem_leaky_relu(nodes[n - 1], 0.2f, 1) : idem_relu(nodes[n - 1]), n++;
        assert_int_equal(check(nodes, n, "batch norm"), n - 1);
        idem_graph_free(g);
    }
}

/* The residual lies one picture further in the memory that the normalised value has to itself afterwards. */
static void a_residual_of_the_same_memory_is_kept(void **state) {
    (void)state;
    enum { C = 16, SIDE = 40, N = 8 };
    for (int threads = 1; threads <= 4; threads++) {
        idem_graph *g = idem_graph_new();
        idem_rng rng = idem_rng_make(8, "fuse");
        idem_node *x = idem_affine(filled(g, &rng, IDEM_SHAPE(N + 1, C, SIDE, SIDE), false), 2, 1);
        idem_node *apply =
            idem_bn_apply(idem_slice(x, 0, 0, N, 1), filled(g, &rng, IDEM_SHAPE(2, C), true),
                          filled(g, &rng, IDEM_SHAPE(C), true), filled(g, &rng, IDEM_SHAPE(C), true), 40);
        idem_node *sum = idem_add(apply, idem_slice(x, 0, 1, N, 1)), *all[] = {x, apply, sum};
        idem_plan *plain = idem_plan_new(all, 3, NULL);
        idem_plan *fused = idem_plan_new(&sum, 1, &(idem_plan_options){.threads = threads});
        assert_non_null(plain);
        assert_non_null(fused);
        assert_int_equal(idem_plan_steps(fused), 2);
        assert_int_equal(idem_plan_run(plain), 0);
        for (int run = 0; run < 8; run++) {
            assert_int_equal(idem_plan_run(fused), 0);
            for (int64_t i = 0; i < idem_shape_count(&sum->shape); i++)
                if (fabsf(idem_plan_value(fused, sum)[i] - idem_plan_value(plain, sum)[i]) > 1e-4f)
                    fail_msg("%d threads, run %d: value %d is %g, by itself %g", threads, run, (int)i,
                             (double)idem_plan_value(fused, sum)[i], (double)idem_plan_value(plain, sum)[i]);
        }
        idem_plan_free(plain);
        idem_plan_free(fused);
        idem_graph_free(g);
    }
}

/* Channels put together are read where they are, unless something else reads them together too. */
static void normalisation_reads_parts(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        idem_graph *g = idem_graph_new();
        idem_rng rng = idem_rng_make(7, "fuse");
        idem_node *parts[3];
        for (int k = 0; k < 3; k++) /* the first is dead afterwards: nothing may be written over it */
            parts[k] = idem_affine(filled(g, &rng, IDEM_SHAPE(2, 8 + 5 * k, 9, 7), false), 2, 1);
        idem_node *x = idem_concat(parts, 3, 1), *other = filled(g, &rng, x->shape, false);
        idem_node *nodes[4] = {x, idem_bn_apply(x, filled(g, &rng, IDEM_SHAPE(2, 39), true),
                                                filled(g, &rng, IDEM_SHAPE(39), true),
                                                filled(g, &rng, IDEM_SHAPE(39), false), 40)};
        int n = 2;
        if (kind > 1)
            nodes[n] = idem_add(kind == 3 ? x : other, nodes[n - 1]), n++;
        if (kind > 0)
            nodes[n] = idem_relu(nodes[n - 1]), n++;
        assert_int_equal(check(nodes, n, "parts"), kind == 3 ? n - 2 : n - 1);
        idem_graph_free(g);
    }
}

/* Both operands of an addition are convolutions, and one of them is read elsewhere too. */
static void values_read_twice_are_made(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_rng rng = idem_rng_make(4, "fuse");
    idem_node *x = filled(g, &rng, IDEM_SHAPE(1, 16, 12, 12), false);
    idem_node *w = filled(g, &rng, IDEM_SHAPE(16, 16, 1, 1), true);
    idem_window win = idem_window_make(1, 1, 0);
    idem_node *a = idem_conv(x, w, NULL, win), *b = idem_conv(a, w, NULL, win), *sum = idem_add(a, b);
    idem_node *nodes[] = {a, b, sum, idem_relu(sum)};
    assert_int_equal(check(nodes, 4, "a + b"), 2); /* b, sum, relu */
    idem_node *more[] = {a, b, sum, idem_mul(idem_relu(sum), a)};
    assert_int_equal(check(more, 4, "relu(a + b) a"), 2);
    idem_graph_free(g);
}

/* A gradient that reaches the input along two ways. */
static void gradients_are_added_at_once(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_rng rng = idem_rng_make(5, "fuse");
    idem_node *dy = filled(g, &rng, IDEM_SHAPE(2, 24, 9, 9), false);
    idem_node *other = filled(g, &rng, IDEM_SHAPE(2, 40, 9, 9), false);
    idem_node *w = filled(g, &rng, IDEM_SHAPE(24, 40, 1, 1), true);
    idem_node *dx = idem_conv_data(dy, w, idem_window_make(1, 1, 0), 9, 9);
    idem_node *nodes[] = {dx, idem_add(dx, other)};
    assert_int_equal(check(nodes, 2, "data gradient"), 1);
    idem_graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_give_the_same),
        cmocka_unit_test(a_convolution_takes_factors_of_its_channels),
        cmocka_unit_test(normalisation_takes_what_follows),
        cmocka_unit_test(normalisation_reads_parts),
        cmocka_unit_test(values_read_twice_are_made),
        cmocka_unit_test(gradients_are_added_at_once),
        cmocka_unit_test(a_residual_of_the_same_memory_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
