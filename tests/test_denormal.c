/* Numbers below 2^-126 are zero while a plan runs, and what they were for everybody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "engine/denormal.h"
#include "engine/ops.h"
#include "engine/plan.h"

enum { COUNT = 1 << 18, THREADS = 2 };

#if defined(__x86_64__) || defined(__aarch64__)
static const bool flushes = true;
#else
static const bool flushes = false;
#endif

static bool flushed(void) {
    volatile float tiny = 1e-40f, one = 1;
    return tiny * one == 0.0f;
}

/* Threads of the team that take denormals for zero; *size: all, fewer than THREADS where OMP_THREAD_LIMIT is less. */
static int team_flushed(int *size) {
    int count = 0, all = 0;
#pragma omp parallel num_threads(THREADS) reduction(+ : count, all)
    {
        count += flushed();
        all++;
    }
    *size = all;
    return count;
}

static void run(int threads) {
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(COUNT)), *y = idem_affine(x, 1e30f, 0);
    for (int i = 0; i < COUNT; i++)
        x->leaf[i] = i % 2 ? 1e-40f : 1e-30f;
    idem_plan *p = idem_plan_new(&y, 1, &(idem_plan_options){.threads = threads});
    assert_non_null(p);
    assert_int_equal(idem_plan_run(p), 0);
    int wrong = 0;
    for (int i = 0; i < COUNT; i++)
        wrong += flushes && i % 2 ? idem_plan_value(p, y)[i] != 0 : idem_plan_value(p, y)[i] == 0;
    assert_int_equal(wrong, 0);
    idem_plan_free(p);
    idem_graph_free(g);
}

static void as_zero_in_a_plan_only(void **state) {
    (void)state;
    int size;
    for (int threads = 1; threads <= THREADS; threads++) {
        assert_false(flushed());
        run(threads);
        assert_false(flushed());
        assert_int_equal(team_flushed(&size), 0);
    }
}

static void a_caller_that_flushes_goes_on(void **state) {
    (void)state;
    uint64_t before;
    int size;
    const int team = idem_denormals_flush(THREADS, &before), flushing = team_flushed(&size);
    assert_int_equal(team, size);
    assert_int_equal(flushing, flushes ? size : 0);
    run(1);
    assert_int_equal(flushed(), flushes);
    idem_denormals_restore(before, THREADS);
    assert_int_equal(team_flushed(&size), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_zero_in_a_plan_only),
                                       cmocka_unit_test(a_caller_that_flushes_goes_on)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
