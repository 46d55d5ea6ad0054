/* Teams of any size compute the same. OpenMP may give fewer threads than it is asked for: then results are, to the
 * last bit, those of so many threads. The program runs itself with OpenMP's variables set, which are read once. */
#define _GNU_SOURCE
#include <math.h>
#include <omp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/op.h"
#include "engine/ops.h"
#include "engine/plan.h"
#include "nets/stylegan2.h"
#include "support/plain.h"

enum { MOST = 5, RUNS = 3, CASES = 10 };

static idem_node *filled(idem_graph *g, const char *stream, idem_shape shape, bool frozen) {
    idem_node *n = frozen ? idem_const_fill(g, shape, 0) : idem_input(g, "x", shape);
    idem_rng r = idem_rng_make(5, stream);
    idem_rng_fill_normal(&r, n->leaf, (size_t)idem_shape_count(&shape));
    return n;
}

/* ---- cases ---- */

/* i to o channels, a side of `side` pixels. */
static idem_node *conv(idem_graph *g, int i, int o, int side, int kernel, int stride, bool frozen) {
    idem_node *x = filled(g, "x", IDEM_SHAPE(1, i, side, side), false);
    idem_node *w = filled(g, "w", IDEM_SHAPE(o, i, kernel, kernel), frozen);
    return idem_conv(x, w, NULL, idem_window_make(kernel, stride, kernel / 2));
}

static idem_node *winograd(idem_graph *g) {
    return conv(g, 128, 256, 16, 3, 1, true);
}

static idem_node *winograd_trained(idem_graph *g) {
    return conv(g, 128, 256, 16, 3, 1, false);
}

static idem_node *point(idem_graph *g) {
    return conv(g, 96, 128, 24, 1, 1, true);
}

static idem_node *taps(idem_graph *g) {
    return conv(g, 128, 128, 8, 3, 2, false);
}

static idem_node *depthwise(idem_graph *g) {
    idem_window win = idem_window_make(3, 1, 1);
    win.groups = 64;
    return idem_conv(filled(g, "x", IDEM_SHAPE(2, 64, 30, 30), false), filled(g, "w", IDEM_SHAPE(64, 1, 3, 3), true),
                     NULL, win);
}

static idem_node *transposed(idem_graph *g) {
    return idem_conv_data(filled(g, "x", IDEM_SHAPE(1, 64, 16, 16), false),
                          filled(g, "w", IDEM_SHAPE(64, 32, 3, 3), true), idem_window_make(3, 2, 0), 33, 33);
}

static idem_node *weights(idem_graph *g) {
    return idem_conv_weight(filled(g, "x", IDEM_SHAPE(2, 64, 24, 24), false),
                            filled(g, "y", IDEM_SHAPE(2, 64, 24, 24), false), idem_window_make(3, 1, 1));
}

static idem_node *product(idem_graph *g) {
    return idem_matmul(filled(g, "a", IDEM_SHAPE(96, 256), false), filled(g, "b", IDEM_SHAPE(256, 300), true), false,
                       false);
}

/* The residual is another row of what is normalised: nothing may be written over it. */
static idem_node *norm(idem_graph *g) {
    idem_node *x = idem_affine(filled(g, "x", IDEM_SHAPE(9, 24, 40, 40), false), 2, 1);
    idem_node *first = idem_slice(x, 0, 0, 8, 1), *gamma = filled(g, "g", IDEM_SHAPE(24), true);
    return idem_add(idem_bn_apply(first, idem_bn_stats(first), gamma, filled(g, "b", IDEM_SHAPE(24), true), 1e-5f),
                    idem_slice(x, 0, 1, 8, 1));
}

/* Two pictures of 32 pixels: a mapping network, styles, noise, filters. */
static idem_node *generator(idem_graph *g) {
    static idem_weights *w;
    idem_stylegan2 s;
    idem_node *picture = NULL;
#pragma omp critical
    {
        if (!w) {
            const idem_stylegan2_dims dims = {
                .size = 32, .z_dim = 64, .w_dim = 64, .mapping_layers = 2, .widths = {64, 64, 32, 32}};
            idem_rng r = idem_rng_make(5, "generator");
            w = idem_weights_new();
            if (idem_stylegan2_init(w, "", &dims, &r))
                exit(1);
        }
        if (!idem_stylegan2_open(&s, w, "")) {
            idem_binder b = idem_binder_make(g, w, s.prefix, false);
            idem_node *z = filled(g, "z", IDEM_SHAPE(2, 64), false);
            picture = idem_stylegan2_synthesis(&b, &s, idem_stylegan2_mapping(&b, &s, z), NULL);
        }
    }
    return picture;
}

static const struct {
    const char *name;
    idem_node *(*make)(idem_graph *g);
} cases[CASES] = {{"3x3, 128 to 256", winograd},  {"3x3, 128 to 256, weights that change", winograd_trained},
                  {"3x3, stride 2, small", taps}, {"3x3, transposed", transposed},
                  {"3x3, to weights", weights},   {"1x1", point},
                  {"depthwise", depthwise},       {"matrix product", product},
                  {"batch norm", norm},           {"generator", generator}};

/* ---- plain loops ---- */

static void plain_product(const idem_node *n, double *out) {
    const int64_t rows = n->shape.d[0], columns = n->shape.d[1], depth = n->in[0]->shape.d[1];
    for (int64_t i = 0; i < rows * columns; i++)
        for (int64_t k = 0; k < depth; k++)
            out[i] +=
                (double)n->in[0]->leaf[i / columns * depth + k] * (double)n->in[1]->leaf[k * columns + i % columns];
}

/* Of the case above, whose channels vary fastest. */
static void plain_norm(const idem_node *n, double *out) {
    const idem_node *apply = n->in[0], *x = apply->in[0]->in[0]->in[0];
    const int64_t channels = n->shape.d[1], count = idem_shape_count(&n->shape), rows = count / channels;
    for (int64_t c = 0; c < channels; c++) {
        double mean = 0, variance = 0;
        for (int64_t r = 0; r < rows; r++)
            mean += (2 * (double)x->leaf[r * channels + c] + 1) / (double)rows;
        for (int64_t r = 0; r < rows; r++)
            variance += pow(2 * (double)x->leaf[r * channels + c] + 1 - mean, 2) / (double)rows;
        for (int64_t i = c; i < count; i += channels)
            out[i] = (2 * (double)x->leaf[i] + 1 - mean) / sqrt(variance + 1e-5) * (double)apply->in[2]->leaf[c] +
                     (double)apply->in[3]->leaf[c] + 2 * (double)x->leaf[i + count / 8] + 1;
    }
}

/* Largest error over the largest value; -1: the case has no plain loops. */
static double error_of(const idem_node *n, const float *got) {
    const int64_t count = idem_shape_count(&n->shape);
    double *want = calloc((size_t)count, sizeof *want), largest = 0, error = 0;
    const char *op = n->op->name;
    if (!strncmp(op, "conv", 4)) {
        const idem_conv_dims *d = n->attr;
        const float *a = n->in[0]->leaf, *b = n->in[1]->leaf;
        const bool data = d->way == IDEM_CONV_DATA, weight = d->way == IDEM_CONV_WEIGHT;
        plain_convolution(d, data ? NULL : a, weight ? NULL : b, data ? a : weight ? b : NULL, want);
    } else if (!strcmp(op, "matmul")) {
        plain_product(n, want);
    } else if (!strcmp(op, "add") && !strcmp(n->in[0]->op->name, "bn_apply")) {
        plain_norm(n, want);
    } else {
        free(want);
        return -1;
    }
    for (int64_t i = 0; i < count; i++) {
        const double e = fabs((double)got[i] - want[i]);
        largest = fmax(largest, fabs(want[i]));
        error = e > error || isnan(e) ? e : error;
    }
    free(want);
    return error / largest;
}

/* ---- a process with its own variables ---- */

static bool checked = true; /* against plain loops, which take long */

/* FNV-1a over the values of RUNS runs, which are to be the same; 0 with a message on stderr when something is wrong. */
static uint64_t digest(const idem_node *out, idem_plan *p, const char *name) {
    uint64_t hash = 0;
    for (int run = 0; run < RUNS; run++) {
        if (idem_plan_run(p)) {
            fprintf(stderr, "%s: %s\n", name, idem_error());
            return 0;
        }
        const float *values = idem_plan_value(p, out);
        uint64_t h = UINT64_C(14695981039346656037);
        for (int64_t i = 0; i < idem_shape_count(&out->shape); i++) {
            uint32_t bits;
            memcpy(&bits, &values[i], sizeof bits);
            h = (h ^ bits) * UINT64_C(1099511628211);
        }
        if (run && h != hash) {
            fprintf(stderr, "%s: run %d differs from the one before\n", name, run);
            return 0;
        }
        hash = h;
        const double error = !run && checked ? error_of(out, values) : 0;
        if (!(error <= 1e-5)) {
            fprintf(stderr, "%s: error %g\n", name, error);
            return 0;
        }
    }
    return hash;
}

/* Case i by a plan for `threads`. */
static uint64_t run_case(int i, int threads) {
    idem_graph *g = idem_graph_new();
    idem_node *out = cases[i].make(g);
    idem_plan *p = out ? idem_plan_new(&out, 1, &(idem_plan_options){.threads = threads}) : NULL;
    uint64_t hash = p ? digest(out, p, cases[i].name) : 0;
    if (!p)
        fprintf(stderr, "%s: %s\n", cases[i].name, idem_error());
    idem_plan_free(p);
    idem_graph_free(g);
    return hash;
}

static int print_digests(bool nested) {
    for (int threads = 1; threads <= MOST; threads++)
        for (int i = 0; i < CASES; i++) {
            uint64_t hash[2] = {0, 0};
            if (nested) {
#pragma omp parallel num_threads(2)
                hash[omp_get_thread_num()] = run_case(i, threads);
                if (omp_get_thread_limit() < 2) /* there was but one */
                    hash[1] = hash[0];
            } else {
                hash[0] = hash[1] = run_case(i, threads);
            }
            if (hash[0] != hash[1])
                return 1;
            printf("%llx\n", (unsigned long long)hash[0]);
        }
    return 0;
}

/* ---- comparing ---- */

typedef struct {
    uint64_t of[MOST + 1][CASES]; /* by threads, from 1 on */
} digests;

static void run_self(digests *d, const char *variables, const char *mode) {
    char self[1024], command[1200];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    assert_true(length > 0);
    self[length] = 0;
    snprintf(command, sizeof command, "%s '%s' %s", variables, self, mode);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    for (int threads = 1; threads <= MOST; threads++)
        for (int i = 0; i < CASES; i++) {
            unsigned long long hash = 0;
            assert_int_equal(fscanf(f, "%llx", &hash), 1);
            if (!hash)
                fail_msg("%s %s, %d threads: %s is wrong", variables, mode, threads, cases[i].name);
            d->of[threads][i] = hash;
        }
    assert_int_equal(pclose(f), 0);
}

/* of[threads] of `got` are those of least(threads, limit) of `want`. */
static void assert_those_of(const digests *got, const digests *want, int limit, const char *what) {
    for (int threads = 1; threads <= MOST; threads++)
        for (int i = 0; i < CASES; i++)
            if (got->of[threads][i] != want->of[threads < limit ? threads : limit][i])
                fail_msg("%s, %d threads: %s is not what %d threads give", what, threads, cases[i].name,
                         threads < limit ? threads : limit);
}

static void smaller_teams_give_what_so_many_threads_do(void **state) {
    (void)state;
    static const struct {
        const char *variables, *mode;
        int limit;
    } tried[] = {{"OMP_THREAD_LIMIT=1", "plain", 1},
                 {"OMP_THREAD_LIMIT=2", "plain", 2},
                 {"OMP_THREAD_LIMIT=3", "plain", 3},
                 {"OMP_DYNAMIC=true", "plain", MOST},
                 {"OMP_MAX_ACTIVE_LEVELS=0", "plain", 1},
                 {"OMP_NUM_THREADS=1", "plain", MOST},
                 {"OMP_NUM_THREADS=2", "nested", 1}, /* inside the caller's own parallel loop */
                 {"OMP_MAX_ACTIVE_LEVELS=2 OMP_THREAD_LIMIT=4", "nested", 1},
                 {"OMP_THREAD_LIMIT=1", "nested", 1} /* a loop of one thread */};
    digests want, got;
    run_self(&want, "", "checked");
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++) {
        run_self(&got, tried[i].variables, tried[i].mode);
        assert_those_of(&got, &want, tried[i].limit, tried[i].variables);
    }
}

/* A plan made for four threads runs inside a parallel loop of the caller's, and outside again. */
static void plans_follow_the_team(void **state) {
    (void)state;
    checked = false;
    for (int i = 0; i < CASES; i++) {
        const uint64_t one = run_case(i, 1), four = run_case(i, 4);
        assert_true(one && four);
        idem_graph *g = idem_graph_new();
        idem_node *out = cases[i].make(g);
        idem_plan *p = idem_plan_new(&out, 1, &(idem_plan_options){.threads = 4});
        assert_non_null(p);
        for (int round = 0; round < 2; round++) {
            uint64_t inside = 0, outside = digest(out, p, cases[i].name);
#pragma omp parallel num_threads(2)
#pragma omp single
            inside = digest(out, p, cases[i].name);
            if (outside != four || inside != one)
                fail_msg("%s: other values", cases[i].name);
        }
        idem_plan_free(p);
        idem_graph_free(g);
    }
}

/* Plans that share a buffer, of which one is made anew, larger or smaller. */
static void shared_buffers_follow_too(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *small = point(g), *large = winograd(g);
    const uint64_t want[2] = {run_case(5, 3), run_case(0, 3)};
    idem_plan *first = idem_plan_new(&small, 1, &(idem_plan_options){.threads = 3});
    idem_plan *second = idem_plan_new(&large, 1, &(idem_plan_options){.threads = 3, .share = first});
    assert_non_null(second);
#pragma omp parallel num_threads(2)
#pragma omp single
    assert_true(digest(large, second, "inside"));
    assert_true(digest(small, first, "outside") == want[0]);
    idem_plan_free(first);
    assert_true(digest(large, second, "outside") == want[1]);
    idem_plan_free(second);
    idem_graph_free(g);
}

/* What the caller has set OpenMP to is its own business. */
static void settings_are_left_alone(void **state) {
    (void)state;
    omp_set_num_threads(3);
    omp_set_dynamic(1);
    idem_threads_set(2);
    assert_true(run_case(0, 4));
    assert_int_equal(idem_threads(), 2);
    assert_int_equal(omp_get_max_threads(), 3);
    assert_int_equal(omp_get_dynamic(), 1);
    omp_set_dynamic(0);
    idem_threads_set(0);
}

static int usual_with(const char *variable) {
    if (variable)
        setenv("OMP_NUM_THREADS", variable, 1);
    else
        unsetenv("OMP_NUM_THREADS");
    idem_threads_set(0);
    return idem_threads();
}

/* Who asks for no number gets OpenMP's. */
static void the_variable_of_openmp_is_heeded(void **state) {
    (void)state;
    const char *before = getenv("OMP_NUM_THREADS");
    char *kept = before ? strdup(before) : NULL;
    const int cores = usual_with(NULL);
    assert_int_equal(cores, omp_get_num_procs());
    assert_int_equal(usual_with("3"), 3);
    assert_int_equal(usual_with("5,2"), 5);
    assert_int_equal(usual_with("no number"), cores);
    assert_int_equal(usual_with("-1"), cores);
    assert_int_equal(usual_with("99999999999"), IDEM_THREADS_MOST);
    usual_with(kept);
    free(kept);
}

int main(int argc, char **argv) {
    checked = argc < 2 || !strcmp(argv[1], "checked");
    if (argc > 1)
        return print_digests(!strcmp(argv[1], "nested"));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smaller_teams_give_what_so_many_threads_do), cmocka_unit_test(plans_follow_the_team),
        cmocka_unit_test(shared_buffers_follow_too), cmocka_unit_test(settings_are_left_alone),
        cmocka_unit_test(the_variable_of_openmp_is_heeded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
