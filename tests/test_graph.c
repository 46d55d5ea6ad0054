/* Graph, gradients, plan and layout: everything but the operators themselves. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/layout.h"
#include "engine/ops.h"
#include "engine/plan.h"
#include "engine/threads.h"

#define NEAR(got, want) assert_true(fabs((double)(got) - (double)(want)) <= 1e-5)

static void values_that_live_together_never_overlap(void **state) {
    (void)state;
    idem_rng r = idem_rng_make(3, "layout");
    for (int round = 0; round < 40; round++) {
        enum { N = 120 };
        idem_span s[N];
        size_t peak = 0, total, sum = 0;
        for (int i = 0; i < N; i++) {
            int first = (int)idem_rng_below(&r, 60);
            s[i] = (idem_span){.bytes = 64 * idem_rng_below(&r, 50), .first = first};
            s[i].last = first + (int)idem_rng_below(&r, 10);
            sum += s[i].bytes;
        }
        assert_int_equal(idem_layout(s, N, &total), 0);
        for (int t = 0; t < 70; t++) {
            size_t alive = 0;
            for (int i = 0; i < N; i++)
                alive += t >= s[i].first && t <= s[i].last ? s[i].bytes : 0;
            peak = alive > peak ? alive : peak;
        }
        for (int i = 0; i < N; i++)
            for (int j = 0; j < i; j++) {
                bool together = s[i].first <= s[j].last && s[j].first <= s[i].last;
                bool apart = s[i].offset + s[i].bytes <= s[j].offset || s[j].offset + s[j].bytes <= s[i].offset;
                assert_true(!together || apart);
            }
        assert_true(total >= peak && total <= peak * 3 / 2 && total < sum);
    }
}

static void shapes_follow_numpy(void **state) {
    (void)state;
    idem_shape a = IDEM_SHAPE(2, 1, 4), b = IDEM_SHAPE(3, 1), out;
    char text[64];
    assert_int_equal(idem_shape_broadcast(&out, &a, &b), 0);
    assert_string_equal(idem_shape_text(&out, text), "[2, 3, 4]");
    b = IDEM_SHAPE(5);
    assert_int_equal(idem_shape_broadcast(&out, &a, &b), -1);
    assert_string_equal(idem_error(), "shapes [2, 1, 4] and [5] do not broadcast");
    int64_t stride[IDEM_MAX_RANK];
    idem_shape x = IDEM_SHAPE(2, 3, 4, 5);
    idem_shape_strides(&x, stride);
    assert_true(stride[0] == 60 && stride[1] == 1 && stride[2] == 15 && stride[3] == 3);
    float rows[120], memory[120], back[120];
    for (int i = 0; i < 120; i++)
        rows[i] = (float)i;
    idem_from_rowmajor(memory, rows, &x);
    NEAR(memory[0 * 60 + 2 * 15 + 1 * 3 + 2], rows[((0 * 3 + 2) * 4 + 2) * 5 + 1]);
    idem_to_rowmajor(back, memory, &x);
    assert_memory_equal(back, rows, sizeof rows);
}

/* y = sum(a x^2 + x) read through a shared node: gradients of both uses add up; a second derivative is 2a. */
static void gradients_add_up_and_differentiate_again(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(3));
    idem_node *y = idem_sum_all(idem_add(idem_scale(idem_square(x), 3), x)), *dx, *ddx, *unused;
    assert_int_equal(idem_gradients(y, &x, 1, &dx), 0);
    assert_int_equal(idem_gradients(idem_sum_all(dx), &x, 1, &ddx), 0);
    idem_node *other = idem_input(g, "other", IDEM_SHAPE(2));
    assert_int_equal(idem_gradients(y, &other, 1, &unused), 0);
    idem_node *targets[] = {y, dx, ddx, unused};
    idem_plan *p = idem_plan_new(targets, 4, NULL);
    assert_non_null(p);
    idem_node_write(x, (float[]){1, -2, 0.5f});
    assert_int_equal(idem_plan_run(p), 0);
    NEAR(idem_plan_scalar(p, y), 3 * (1 + 4 + 0.25) - 0.5);
    float got[3];
    idem_plan_read(p, dx, got);
    NEAR(got[0], 7);
    NEAR(got[1], -11);
    NEAR(got[2], 4);
    idem_plan_read(p, ddx, got);
    NEAR(got[1], 6);
    idem_plan_read(p, unused, got);
    NEAR(got[0], 0);
    idem_plan_free(p);
    idem_graph_free(g);
}

static void stopped_gradients_are_zero(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(2)), *dx;
    idem_node *y = idem_sum_all(idem_mul(x, idem_stop_gradient(x)));
    assert_int_equal(idem_gradients(y, &x, 1, &dx), 0);
    idem_plan *p = idem_plan_new((idem_node *[]){dx}, 1, NULL);
    idem_node_write(x, (float[]){2, 5});
    assert_int_equal(idem_plan_run(p), 0);
    NEAR(idem_plan_value(p, dx)[1], 5); /* not 10 */
    idem_plan_free(p);
    idem_graph_free(g);
}

static void failures_name_the_node(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(2, 3)), *dx;
    assert_int_equal(idem_gradients(x, &x, 1, &dx), -1);
    assert_string_equal(idem_error(), "x: gradients start from a scalar, this has shape [2, 3]; sum it or give a seed");
    assert_null(idem_input(g, "empty", IDEM_SHAPE(2, 0)));
    assert_string_equal(idem_error(), "empty: shape [2, 0] is empty or too large");
    assert_null(idem_input(g, "huge", IDEM_SHAPE(INT64_MAX / 2, 8)));
    assert_null(idem_add(x, NULL));
    assert_null(idem_plan_new((idem_node *[]){NULL}, 1, NULL));
    idem_graph_free(g);
}

static void frozen_parts_are_computed_once(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    float weight[2] = {1, 2}, trained[2] = {1, 1};
    idem_node *w = idem_param(g, "w", IDEM_SHAPE(2), weight, false);
    idem_node *t = idem_param(g, "t", IDEM_SHAPE(2), trained, true);
    idem_node *folded = idem_scale(idem_square(w), 10), *x = idem_input(g, "x", IDEM_SHAPE(2));
    idem_node *y = idem_mul(idem_mul(x, idem_reshape(folded, IDEM_SHAPE(2))), t);
    assert_true(folded->frozen && !y->frozen && !t->frozen);
    idem_plan *p = idem_plan_new(&y, 1, NULL);
    assert_int_equal(idem_plan_steps(p), 2);
    idem_node_write(x, (float[]){1, 1});
    assert_int_equal(idem_plan_run(p), 0);
    NEAR(idem_plan_value(p, y)[1], 40);
    trained[1] = 3; /* trainable parameters are read at each run */
    assert_int_equal(idem_plan_run(p), 0);
    NEAR(idem_plan_value(p, y)[1], 120);
    idem_plan *again = idem_plan_new((idem_node *[]){folded, y}, 2, NULL);
    assert_int_equal(idem_plan_run(again), 0);
    NEAR(idem_plan_value(again, folded)[1], 40);
    idem_plan_free(again);
    idem_plan_free(p);
    idem_graph_free(g);
}

/* A value that is still needed, or is a target, is not overwritten by an in-place operator; views keep their root
 * alive. */
static void in_place_spares_what_is_needed(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(2, 3));
    idem_node *a = idem_affine(x, 2, 0);                 /* 2x */
    idem_node *view = idem_reshape(a, IDEM_SHAPE(3, 2)); /* the same bytes */
    idem_node *b = idem_affine(a, 1, 1);                 /* 2x + 1: must not destroy a, read below through the view */
    idem_node *c = idem_affine(b, 3, 0);                 /* b is a target */
    idem_node *d = idem_affine(view, 5, 0);
    idem_node *e = idem_affine(idem_affine(idem_affine(x, 1, 1), 1, 1), 1, 1);
    idem_node *targets[] = {b, c, d, e};
    idem_plan *p = idem_plan_new(targets, 4, NULL);
    float v[6] = {1, 2, 3, 4, 5, 6};
    idem_node_write(x, v);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(idem_plan_run(p), 0);
        for (int i = 0; i < 6; i++) {
            NEAR(x->leaf[i], v[i]);
            NEAR(idem_plan_value(p, b)[i], 2 * v[i] + 1);
            NEAR(idem_plan_value(p, c)[i], 6 * v[i] + 3);
            NEAR(idem_plan_value(p, d)[i], 10 * v[i]);
            NEAR(idem_plan_value(p, e)[i], v[i] + 3);
        }
    }
    assert_null(idem_plan_value(p, a)); /* neither target nor leaf */
    idem_plan_free(p);
    idem_graph_free(g);
}

/* A kernel may want the same form of a square matrix and of its transpose, whose values and shape are the same too. */
static void a_frozen_square_and_its_transpose_differ(void **state) {
    (void)state;
    enum { N = 32, ROWS = 2 };
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(ROWS, N)), *b = idem_const_fill(g, IDEM_SHAPE(N, N), 0);
    idem_rng rng = idem_rng_make(5, "square");
    idem_rng_fill_normal(&rng, x->leaf, ROWS * N);
    idem_rng_fill_normal(&rng, b->leaf, N * N);
    idem_node *y[2] = {idem_matmul(x, b, false, false), idem_matmul(x, b, false, true)};
    const float *values = b->leaf;
    idem_plan *plan = idem_plan_new(y, 2, NULL);
    assert_non_null(plan);
    assert_int_equal(idem_plan_run(plan), 0);
    for (int turned = 0; turned < 2; turned++)
        for (int i = 0; i < ROWS * N; i++) {
            double want = 0;
            for (int k = 0; k < N; k++)
                want +=
                    (double)x->leaf[i / N * N + k] * (double)(turned ? values[i % N * N + k] : values[k * N + i % N]);
            assert_float_equal(idem_plan_value(plan, y[turned])[i], (float)want, 1e-4f);
        }
    idem_plan_free(plan);
    idem_graph_free(g);
}

/* Some of a batch are a view: no step of their own, of a value or of a leaf, frozen or not, and in place only where the
 * result can have their bytes. */
static void slices_of_a_batch_are_views(void **state) {
    (void)state;
    enum { ROW = 16, N = 4 * ROW };
    idem_graph *g = idem_graph_new();
    float v[N];
    for (int i = 0; i < N; i++)
        v[i] = (float)(i % 7 - 3);
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(4, ROW)), *w = idem_param(g, "w", IDEM_SHAPE(4, ROW), v, false);
    idem_node *a = idem_affine(x, 2, 0);
    idem_node *b = idem_affine(idem_slice(a, 0, 1, 2, 1), 1, 1); /* a is read once more */
    idem_node *c = idem_affine(idem_slice(idem_slice(a, 0, 1, 3, 1), 0, 2, 1, 1), 1, 5);
    idem_node *whole = idem_slice(a, 0, 2, 1, 1), *leaf = idem_slice(x, 0, 3, 1, 1);
    idem_node *d = idem_add(leaf, idem_slice(idem_square(w), 0, 2, 1, 1));
    idem_node *targets[] = {b, c, whole, d};
    idem_plan *p = idem_plan_new(targets, 4, NULL);
    assert_int_equal(idem_plan_steps(p), 4); /* a, b, c, d */
    idem_node_write(x, v);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(idem_plan_run(p), 0);
        for (int i = 0; i < ROW; i++) {
            NEAR(idem_plan_value(p, b)[i], 2 * v[ROW + i] + 1);
            NEAR(idem_plan_value(p, b)[ROW + i], 2 * v[2 * ROW + i] + 1);
            NEAR(idem_plan_value(p, c)[i], 2 * v[3 * ROW + i] + 5);
            NEAR(idem_plan_value(p, whole)[i], 2 * v[2 * ROW + i]);
            NEAR(idem_plan_value(p, d)[i], v[3 * ROW + i] + v[2 * ROW + i] * v[2 * ROW + i]);
        }
    }
    idem_plan_free(p);
    idem_graph_free(g);
}

static void plans_share_one_buffer(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(64)), *wide = idem_broadcast(x, IDEM_SHAPE(1000, 64));
    idem_node *small = idem_scale(x, 2), *large = idem_reduce_sum(idem_square(wide), IDEM_SHAPE(64), 1);
    idem_plan *first = idem_plan_new(&small, 1, NULL);
    idem_plan *second = idem_plan_new(&large, 1, &(idem_plan_options){.share = first}); /* the buffer grows */
    assert_true(idem_plan_bytes(second) > idem_plan_bytes(first));
    x->leaf[5] = 3;
    for (int round = 0; round < 2; round++) {
        assert_int_equal(idem_plan_run(first), 0);
        NEAR(idem_plan_value(first, small)[5], 6);
        assert_int_equal(idem_plan_run(second), 0);
        NEAR(idem_plan_value(second, large)[5], 9000);
    }
    idem_plan_free(second);
    assert_int_equal(idem_plan_run(first), 0);
    NEAR(idem_plan_value(first, small)[5], 6);
    idem_plan_free(first);
    idem_graph_free(g);
}

/* y is cheap and read on both sides of the concatenation, where memory is highest: computed twice unless it is a
 * target.
 */
static void cheap_values_are_computed_twice(void **state) {
    (void)state;
    enum { N = 1 << 18 };
    for (int keep = 0; keep < 2; keep++) {
        idem_graph *g = idem_graph_new();
        idem_node *x = idem_input(g, "x", IDEM_SHAPE(N)), *y = idem_square(x);
        idem_node *before = idem_sum_all(y);
        idem_node *at = idem_sum_all(idem_concat((idem_node *const[]){x, x, x, x}, 4, 0));
        idem_node *behind = idem_sum_all(idem_mul(y, x)), *targets[] = {before, at, behind, y};
        for (int i = 0; i < N; i++)
            x->leaf[i] = (float)(i % 4);
        idem_plan *p = idem_plan_new(targets, 3 + keep, NULL);
        assert_non_null(p);
        assert_int_equal(idem_plan_steps(p), 7 - keep);
        assert_true(idem_plan_bytes(p) >= 4 * sizeof(float) * N + (keep ? sizeof(float) * N : 0));
        assert_true(idem_plan_bytes(p) < (keep ? 6 : 5) * sizeof(float) * N);
        for (int round = 0; round < 2; round++) {
            assert_int_equal(idem_plan_run(p), 0);
            assert_true(idem_plan_scalar(p, before) == 14 * N / 4);
            assert_true(idem_plan_scalar(p, at) == 4 * 6 * N / 4);
            assert_true(idem_plan_scalar(p, behind) == 36 * N / 4);
        }
        idem_plan_free(p);
        idem_graph_free(g);
    }
}

/* A folded filter is given back once the convolution holds it transformed, is there again for a plan that reads it, and
 * stays as long as that one does. What the convolution holds is shared by graphs and outlives the first of them. */
static void folded_values_go_when_kernels_hold_them(void **state) {
    (void)state;
    static float values[16 * 16 * 9];
    for (int i = 0; i < 16 * 16 * 9; i++)
        values[i] = 0.5f;
    idem_graph *graph[2];
    idem_plan *plan[2];
    idem_node *filter[2], *out[2];
    for (int i = 0; i < 2; i++) {
        graph[i] = idem_graph_new();
        filter[i] = idem_scale(idem_param(graph[i], "w", IDEM_SHAPE(16, 16, 3, 3), values, false), 2);
        idem_node *x = idem_input(graph[i], "x", IDEM_SHAPE(2, 16, 8, 8));
        out[i] = idem_conv(x, filter[i], NULL, idem_window_make(3, 1, 1));
        plan[i] = idem_plan_new(&out[i], 1, NULL);
        assert_non_null(plan[i]);
        assert_null(filter[i]->leaf);
        for (int64_t k = 0; k < idem_shape_count(&x->shape); k++)
            x->leaf[k] = 1;
    }
    idem_plan *reader = idem_plan_new(&filter[0], 1, NULL), *again = idem_plan_new(&out[0], 1, NULL);
    assert_non_null(reader);
    assert_non_null(again);
    idem_plan_free(again);
    assert_int_equal(idem_plan_run(reader), 0);
    NEAR(idem_plan_value(reader, filter[0])[7], 1);
    idem_plan_free(reader);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(idem_plan_run(plan[i]), 0);
        assert_float_equal(idem_plan_value(plan[i], out[i])[(8 + 1) * 16], 16 * 9, 1e-3);
        idem_plan_free(plan[i]);
        idem_graph_free(graph[i]);
    }
}

/* Another two floats that leave a lane of pack.c's hash as `a` and then `b` do, after `other` in the place of `a`. */
static uint64_t colliding(uint64_t a, uint64_t b, uint64_t other) {
    const uint64_t prime = UINT64_C(0x9e3779b97f4a7c55);
    uint64_t lane = (prime ^ a) * prime, moved = (prime ^ other) * prime;
    return b ^ (lane ^ lane >> 32) ^ (moved ^ moved >> 32);
}

/* Kernels of one process share what they make of equal weights. Equal is more than a hash. */
static void weights_of_one_hash_differ(void **state) {
    (void)state;
    enum { I = 16, O = 16 };
    static float values[2][O * I * 9];
    for (int i = 0; i < O * I * 9; i++)
        values[0][i] = values[1][i] = (float)(i % 5) * 0.1f;
    uint64_t word[2], other;
    for (int tried = 1;; tried++) { /* finite ones */
        float f[2] = {(float)tried, 1}, *second = &values[1][16];
        memcpy(&other, f, sizeof other);
        memcpy(&word[0], &values[0][0], sizeof *word);
        memcpy(&word[1], &values[0][16], sizeof *word);
        word[1] = colliding(word[0], word[1], other);
        memcpy(&values[1][0], &other, sizeof other);
        memcpy(second, &word[1], sizeof *word);
        if (fabsf(second[0]) < 10 && fabsf(second[1]) < 10)
            break;
    }
    idem_graph *g[2];
    idem_plan *p[2];
    float got[2];
    for (int i = 0; i < 2; i++) {
        g[i] = idem_graph_new();
        idem_node *x = idem_input(g[i], "x", IDEM_SHAPE(1, I, 12, 12));
        idem_node *y = idem_conv(x, idem_param(g[i], "w", IDEM_SHAPE(O, I, 3, 3), values[i], false), NULL,
                                 idem_window_make(3, 1, 1));
        x->leaf[(5 * 12 + 5) * I] = 1; /* the weights' first channel comes out */
        p[i] = idem_plan_new(&y, 1, NULL);
        assert_non_null(p[i]);
        assert_int_equal(idem_plan_run(p[i]), 0);
        got[i] = idem_plan_value(p[i], y)[(6 * 12 + 6) * O]; /* of the first tap */
    }
    assert_float_equal(got[0], values[0][0], 1e-3);
    assert_float_equal(got[1], values[1][0], 1e-3 * (double)fabsf(values[1][0]) + 1e-3);
    for (int i = 0; i < 2; i++) {
        idem_plan_free(p[i]);
        idem_graph_free(g[i]);
    }
}

/* Scratch of a row for each of more threads than there is memory for. */
static void a_plan_after_one_without_memory(void **state) {
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip(); /* it wants terabytes */
#endif
    if (getenv("OMP_THREAD_LIMIT")) /* it wants memory for as many threads as there may be */
        skip();
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_const_fill(g, IDEM_SHAPE(1, 1, 4, 1 << 16), 3);
    idem_node *y = idem_filter(x, (float[]){4}, 1, 1, 1, (int[4]){0, 0, 0, 0});
    idem_node *z = idem_add(y, idem_input(g, "z", IDEM_SHAPE(1)));
    struct rlimit before = {0}, limit;
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld", &pages) != 1 || getrlimit(RLIMIT_AS, &before))
        skip();
    fclose(f);
    limit = before;
    limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + (256 << 20);
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    idem_plan *p = idem_plan_new(&z, 1, &(idem_plan_options){.threads = IDEM_THREADS_MOST});
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_null(p);
    assert_int_equal(idem_error_kind(), IDEM_MEMORY);
    assert_non_null(p = idem_plan_new(&z, 1, NULL));
    assert_int_equal(idem_plan_run(p), 0);
    NEAR(idem_plan_value(p, z)[100], 48); /* along both axes */
    idem_plan_free(p);
    idem_graph_free(g);
}

static void runs_stop_and_trap(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    volatile sig_atomic_t stop = 1;
    idem_scope_push(g, "net");
    idem_scope_push(g, "layer.0");
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(2)), *y = idem_unary(x, IDEM_UNARY_LOG, 0, 0);
    idem_scope_pop(g);
    idem_node *z = idem_square(y);
    idem_scope_pop(g);
    assert_string_equal(y->name, "net.layer.0.unary");
    idem_plan *p = idem_plan_new(&z, 1, &(idem_plan_options){.stop = &stop, .trap_nan = true, .profile = true});
    assert_int_equal(idem_plan_run(p), -1);
    assert_string_equal(idem_error(), "interrupted");
    stop = 0;
    idem_node_write(x, (float[]){1, -1});
    assert_int_equal(idem_plan_run(p), -1);
    assert_non_null(strstr(idem_error(), "net.layer.0."));
    assert_non_null(strstr(idem_error(), "value 1 of 2"));
    idem_node_write(x, (float[]){1, 1});
    assert_int_equal(idem_plan_run(p), 0);
    int rows;
    const idem_profile_row *profile = idem_plan_profile(p, &rows);
    assert_int_equal(rows, 2);
    assert_true(profile[0].seconds >= 0 && profile[0].bytes == 16);
    idem_plan_free(p);
    idem_graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_that_live_together_never_overlap),
        cmocka_unit_test(shapes_follow_numpy),
        cmocka_unit_test(gradients_add_up_and_differentiate_again),
        cmocka_unit_test(stopped_gradients_are_zero),
        cmocka_unit_test(failures_name_the_node),
        cmocka_unit_test(frozen_parts_are_computed_once),
        cmocka_unit_test(a_frozen_square_and_its_transpose_differ),
        cmocka_unit_test(in_place_spares_what_is_needed),
        cmocka_unit_test(slices_of_a_batch_are_views),
        cmocka_unit_test(plans_share_one_buffer),
        cmocka_unit_test(cheap_values_are_computed_twice),
        cmocka_unit_test(folded_values_go_when_kernels_hold_them),
        cmocka_unit_test(weights_of_one_hash_differ),
        cmocka_unit_test(a_plan_after_one_without_memory),
        cmocka_unit_test(runs_stop_and_trap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
