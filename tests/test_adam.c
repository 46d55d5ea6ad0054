/* Adam against the formula; moments that are saved and continued; gradients that are out of the usual. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/op.h"
#include "engine/plan.h"
#include "model/adam.h"
#include "support/fill.h"

enum { O = 3, I = 2, K = 3, COUNT = O * I * K * K, LONG = 40000 };

typedef struct {
    idem_weights *weights;
    idem_graph *graph;
    idem_node *grad[2]; /* the gradients are inputs */
    idem_plan *plan;
} bench;

static bench bench_make(void) {
    bench b = {.weights = idem_weights_new(), .graph = idem_graph_new()};
    idem_weight *conv = idem_weights_add(b.weights, "conv", IDEM_SHAPE(O, I, K, K)),
                *line = idem_weights_add(b.weights, "line", IDEM_SHAPE(LONG));
    fixture_fill(conv->data, COUNT, "", "conv", 1, 0);
    fixture_fill(line->data, LONG, "", "line", 1, 0);
    assert_int_equal(idem_weight_channels_last(conv), 0);
    b.grad[0] = idem_input(b.graph, "dconv", conv->shape);
    b.grad[1] = idem_input(b.graph, "dline", line->shape);
    b.plan = idem_plan_new(b.grad, 2, NULL);
    assert_non_null(b.plan);
    assert_int_equal(idem_plan_run(b.plan), 0);
    return b;
}

static void bench_free(bench *b) {
    idem_plan_free(b->plan);
    idem_graph_free(b->graph);
    idem_weights_free(b->weights);
}

/* Gradients of step t: some are 0, some tiny, so that eps matters. */
static void set_gradients(bench *b, int t) {
    float conv[COUNT];
    char name[32];
    snprintf(name, sizeof name, "dconv%d", t);
    fixture_fill(conv, COUNT, "", name, 1, 0);
    idem_node_write(b->grad[0], conv);
    snprintf(name, sizeof name, "dline%d", t);
    fixture_fill(b->grad[1]->leaf, LONG, "", name, 1, 0);
    for (int i = 0; i < LONG; i++)
        b->grad[1]->leaf[i] *= i % 3 == 0 ? 0 : i % 3 == 1 ? 1e-8f : 1;
}

static void plain_adam(double *p, double *m, double *v, const float *g, int n, int t, double lr) {
    for (int i = 0; i < n; i++) {
        m[i] = 0.9 * m[i] + 0.1 * (double)g[i];
        v[i] = 0.999 * v[i] + 0.001 * (double)g[i] * (double)g[i];
        p[i] -= lr / (1 - pow(0.9, t)) * m[i] / (sqrt(v[i]) / sqrt(1 - pow(0.999, t)) + 1e-7);
    }
}

static void adam_follows_the_formula(void **state) {
    (void)state;
    static double p[LONG], m[LONG], v[LONG], q[COUNT], mq[COUNT], vq[COUNT];
    bench b = bench_make();
    idem_weights *moments = idem_weights_new();
    idem_adam *adam = idem_adam_new(moments, "test");
    idem_weight *conv = idem_weights_find(b.weights, "conv"), *line = idem_weights_find(b.weights, "line");
    assert_int_equal(idem_adam_add(adam, conv, b.grad[0]), 0);
    assert_int_equal(idem_adam_add(adam, line, b.grad[1]), 0);
    for (int i = 0; i < LONG; i++)
        p[i] = (double)line->data[i], m[i] = v[i] = 0;
    float values[COUNT], grads[COUNT];
    idem_weight_read(conv, values);
    for (int i = 0; i < COUNT; i++)
        q[i] = (double)values[i], mq[i] = vq[i] = 0;
    for (int t = 1; t <= 5; t++) {
        set_gradients(&b, t);
        double rate = t < 4 ? 0.01 : 0.002;
        idem_adam_step(adam, b.plan, rate);
        plain_adam(p, m, v, b.grad[1]->leaf, LONG, t, rate);
        idem_plan_read(b.plan, b.grad[0], grads);
        plain_adam(q, mq, vq, grads, COUNT, t, rate);
        for (int i = 0; i < LONG; i++)
            assert_float_equal(line->data[i], p[i], 1e-6);
    }
    idem_weight_read(conv, values); /* row-major on both sides: the order of rank-4 tensors is right */
    for (int i = 0; i < COUNT; i++)
        assert_float_equal(values[i], q[i], 1e-6);
    idem_weight_read(idem_weights_find(moments, "test.conv.m"), values);
    for (int i = 0; i < COUNT; i++)
        assert_float_equal(values[i], mq[i], 1e-6);
    assert_int_equal(idem_adam_steps(adam), 5);
    idem_adam_free(adam);
    idem_weights_free(moments);
    bench_free(&b);
}

/* A usual gradient is left alone; one a thousand times as long counts as one of three times the usual length. */
static void adam_shortens_what_is_out_of_the_usual(void **state) {
    (void)state;
    enum { USUAL = 12 };
    static double p[2][LONG], m[LONG], v[LONG];
    for (int clip = 0; clip < 2; clip++) {
        bench b = bench_make();
        idem_weights *moments = idem_weights_new();
        idem_adam *adam = idem_adam_new(moments, "test");
        idem_weight *line = idem_weights_find(b.weights, "line");
        assert_int_equal(idem_adam_add(adam, line, b.grad[1]), 0);
        idem_adam_set_clip(adam, clip ? 3 : 0);
        double usual = 0, norm = 0, before = 0, after = 0;
        for (int t = 1; t <= USUAL; t++) {
            set_gradients(&b, t);
            idem_adam_step(adam, b.plan, 0.01);
        }
        const float *mean = idem_weights_find(moments, "test.line.m")->data,
                    *square = idem_weights_find(moments, "test.line.v")->data;
        for (int i = 0; i < LONG; i++) {
            p[clip][i] = (double)line->data[i];
            m[i] = (double)mean[i], v[i] = (double)square[i];
            before += v[i];
        }
        usual = sqrt(before / (1 - pow(0.999, USUAL)));
        set_gradients(&b, USUAL + 1);
        for (int i = 0; i < LONG; i++)
            b.grad[1]->leaf[i] *= 1000;
        norm = idem_adam_grad_norm(adam, b.plan);
        assert_true(norm > 100 * usual);
        idem_adam_step(adam, b.plan, 0.01);
        double scale = clip ? 3 * usual / norm : 1;
        for (int i = 0; i < LONG; i++) {
            double d = scale * (double)b.grad[1]->leaf[i];
            after += 0.999 * v[i] + 0.001 * d * d;
            assert_float_equal(mean[i], 0.9 * m[i] + 0.1 * d, 1e-5 * (1 + fabs(d)));
            assert_float_equal(square[i], 0.999 * v[i] + 0.001 * d * d, 1e-5 * (1 + d * d));
        }
        assert_true(clip == (after < 2 * before));
        idem_adam_free(adam);
        idem_weights_free(moments);
        bench_free(&b);
    }
    assert_memory_equal(p[0], p[1], sizeof p[0]);
}

/* Five steps in one go, and three, a save, a load and two: the same bytes; with another number of threads too. */
static void adam_continues_bit_for_bit(void **state) {
    (void)state;
    bench a = bench_make(), b = bench_make();
    idem_weights *one = idem_weights_new(), *two = idem_weights_new();
    for (int half = 0; half < 2; half++) {
        bench *x = half ? &b : &a;
        idem_adam *adam = idem_adam_new(half ? two : one, "test");
        for (int k = 0; k < 2; k++)
            assert_int_equal(idem_adam_add(adam, idem_weights_at(x->weights, (size_t)k), x->grad[k]), 0);
        for (int t = 1; t <= 5; t++) {
            if (half && t == 4) {
                char path[] = "/tmp/idem-adam-XXXXXX";
                int file = mkstemp(path);
                assert_true(file >= 0);
                close(file);
                assert_int_equal(idem_weights_save(two, path, IDEM_DTYPE_F32), 0);
                idem_adam_free(adam);
                idem_weights_free(two);
                assert_int_equal(idem_weights_load(&two, path), 0);
                remove(path);
                adam = idem_adam_new(two, "test");
                for (int k = 0; k < 2; k++)
                    assert_int_equal(idem_adam_add(adam, idem_weights_at(x->weights, (size_t)k), x->grad[k]), 0);
                assert_int_equal(idem_adam_steps(adam), 3);
            }
            idem_threads_set(half ? 1 : 2);
            set_gradients(x, t);
            idem_adam_step(adam, x->plan, 0.01);
        }
        idem_adam_free(adam);
    }
    idem_threads_set(0);
    for (size_t k = 0; k < 2; k++) {
        const idem_weight *x = idem_weights_at(a.weights, k), *y = idem_weights_at(b.weights, k);
        assert_memory_equal(x->data, y->data, (size_t)idem_shape_count(&x->shape) * sizeof(float));
    }
    assert_memory_equal(idem_weights_find(one, "test.conv.v")->data, idem_weights_find(two, "test.conv.v")->data,
                        COUNT * sizeof(float));
    idem_weights_free(one);
    idem_weights_free(two);
    bench_free(&a);
    bench_free(&b);
}

/* A float counts to 2^24. A checkpoint from when there was only one goes on from there. */
static void adam_counts_on(void **state) {
    (void)state;
    bench b = bench_make();
    idem_weights *saved = idem_weights_new();
    idem_weights_add(saved, "test.step", IDEM_SHAPE(1))->data[0] = (1 << 24) - 2;
    for (int64_t round = 0, steps = (1 << 24) - 2; round < 3; round++) {
        idem_adam *adam = idem_adam_new(saved, "test");
        for (int k = 0; k < 2; k++)
            assert_int_equal(idem_adam_add(adam, idem_weights_at(b.weights, (size_t)k), b.grad[k]), 0);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(idem_adam_steps(adam), steps++);
            set_gradients(&b, 1);
            idem_adam_step(adam, b.plan, 0.01);
        }
        idem_adam_free(adam);
    }
    idem_weights_free(saved);
    bench_free(&b);
}

static void adam_names_what_does_not_fit(void **state) {
    (void)state;
    bench b = bench_make();
    idem_weights *moments = idem_weights_new();
    idem_adam *adam = idem_adam_new(moments, "test");
    idem_weight *conv = idem_weights_find(b.weights, "conv");
    assert_int_equal(idem_adam_add(adam, conv, b.grad[1]), -1);
    assert_non_null(strstr(idem_error(), "conv: gradient is [40000]"));
    idem_weight *raw = idem_weights_add(b.weights, "raw", IDEM_SHAPE(O, I, K, K));
    assert_int_equal(idem_adam_add(adam, raw, b.grad[0]), -1);
    assert_non_null(strstr(idem_error(), "bind it before"));
    idem_weights_add(moments, "test.conv.m", IDEM_SHAPE(COUNT));
    assert_int_equal(idem_adam_add(adam, conv, b.grad[0]), -1);
    assert_non_null(strstr(idem_error(), "test.conv.m: saved shape is"));
    assert_int_equal(idem_adam_count(adam), 0);
    idem_weight *line = idem_weights_find(b.weights, "line");
    assert_int_equal(idem_adam_add(adam, line, b.grad[1]), 0);
    set_gradients(&b, 1);
    assert_int_equal(idem_adam_check(adam, b.plan), 0);
    double norm = 0;
    for (int i = 0; i < LONG; i++)
        norm += (double)b.grad[1]->leaf[i] * b.grad[1]->leaf[i];
    assert_float_equal(idem_adam_grad_norm(adam, b.plan), sqrt(norm), 1e-9 * sqrt(norm));
    const float bad[2] = {NAN, -INFINITY};
    for (int i = 0; i < 2; i++) {
        b.grad[1]->leaf[LONG - 1] = bad[i];
        assert_int_equal(idem_adam_check(adam, b.plan), -1);
        assert_non_null(strstr(idem_error(), "line: the gradient is not finite"));
    }
    idem_adam_free(adam);
    idem_weights_free(moments);
    bench_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adam_follows_the_formula),
        cmocka_unit_test(adam_shortens_what_is_out_of_the_usual),
        cmocka_unit_test(adam_counts_on),
        cmocka_unit_test(adam_continues_bit_for_bit),
        cmocka_unit_test(adam_names_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
