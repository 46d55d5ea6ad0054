/* Fails (exit code 1) if an operator has become 1.5 times slower, relative to fixed loops in the same run: processor
 * time of one thread, the least of several runs, with more tries after a failure, so that a busy machine does not
 * decide. Memory-bound operators have a second, memory-bound loop, and pass by either: the speed of caches relative to
 * cores differs between processors. */
#define _GNU_SOURCE
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/isa.h"
#include "engine/op.h"
#include "engine/ops.h"
#include "engine/plan.h"

enum { TRIES = 20, RUNS = 7, LOOP = 1 << 16, ROUNDS = 60, STREAM = 4 * 64 * 56 * 56 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Multiply-adds over a quarter of a megabyte, each depending on the one before: bound by the core only. */
static double reference(void) {
    static float x[LOOP];
    static volatile float sink;
    double best = 1e9;
    for (int i = 0; i < LOOP; i++)
        x[i] = (float)(i % 17) * 0.1f;
    for (int run = 0; run < RUNS; run++) {
        double start = now();
        float sum = 0;
        for (int round = 0; round < ROUNDS; round++)
            for (int i = 0; i < LOOP; i++)
                sum = sum * 0.5f + x[i];
        sink = sum;
        double spent = now() - start;
        best = spent < best ? spent : best;
    }
    (void)sink;
    return best;
}

/* Values read without being written are summed. */
IDEM_MULTIVERSION static void pass(const float *in, int64_t reads, float *out, int64_t writes) {
    static volatile float sink;
    for (int64_t i = 0; i < writes; i++)
        out[i] = in[i] * 0.5f + 1;
    float sums[64] = {0};
    for (int64_t i = writes; i + 64 <= reads; i += 64)
        for (int k = 0; k < 64; k++)
            sums[k] += in[i + k];
    sink = sums[0] + sums[63];
    (void)sink;
}

/* Reads and writes the same number of values as the operator, without computing: bound by the same caches. */
static double stream(int64_t reads, int64_t writes) {
    static float in[STREAM], out[STREAM];
    if (reads > STREAM || writes > reads)
        abort();                     /* a case below is too large */
    for (int i = 0; i < STREAM; i++) /* unwritten memory is all one page */
        in[i] = (float)(i % 17) * 0.1f;
    double best = 1e9;
    for (int run = 0; run < RUNS; run++) {
        double start = now();
        for (int round = 0; round < 4; round++)
            pass(in, reads, out, writes);
        double spent = (now() - start) / 4;
        best = spent < best ? spent : best;
    }
    return best;
}

static idem_node *picture(idem_graph *g, int64_t n, int64_t c, int64_t side) {
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(n, c, side, side));
    for (int64_t i = 0, count = n * c * side * side; i < count; i++)
        x->leaf[i] = (float)(i % 23) * 0.1f - 1;
    return x;
}

static idem_node *conv(idem_graph *g, int64_t c, int64_t side, int kernel, int stride) {
    idem_shape shape = IDEM_SHAPE(c, c, kernel, kernel);
    return idem_conv(picture(g, 4, c, side), idem_const_fill(g, shape, 0.01f), NULL,
                     idem_window_make(kernel, stride, kernel / 2));
}

static idem_node *conv3(idem_graph *g) {
    return conv(g, 64, 32, 3, 1);
}

static idem_node *conv3_down(idem_graph *g) {
    return conv(g, 64, 32, 3, 2);
}

static idem_node *conv1(idem_graph *g) {
    return conv(g, 128, 32, 1, 1);
}

static idem_node *conv_up(idem_graph *g) {
    return idem_conv_data(picture(g, 4, 64, 16), idem_const_fill(g, IDEM_SHAPE(64, 64, 3, 3), 0.01f),
                          idem_window_make(3, 2, 0), 33, 33);
}

static idem_node *conv_gradient(idem_graph *g) {
    return idem_conv_weight(picture(g, 4, 64, 32), picture(g, 4, 64, 32), idem_window_make(3, 1, 1));
}

static idem_node *depthwise(idem_graph *g) {
    idem_window win = idem_window_make(3, 1, 1);
    win.groups = 64;
    return idem_conv(picture(g, 4, 64, 56), idem_const_fill(g, IDEM_SHAPE(64, 1, 3, 3), 0.1f), NULL, win);
}

static idem_node *product(idem_graph *g) {
    idem_node *a = idem_input(g, "a", IDEM_SHAPE(64, 512));
    return idem_matmul(a, idem_input(g, "b", IDEM_SHAPE(512, 512)), false, true);
}

static idem_node *blur(idem_graph *g) {
    static const float k[4] = {0.25f, 0.75f, 0.75f, 0.25f};
    return idem_filter(picture(g, 4, 32, 65), k, 4, 1, 1, (int[4]){1, 1, 1, 1});
}

static idem_node *styled(idem_graph *g) {
    idem_node *scale = idem_const_fill(g, IDEM_SHAPE(4, 32), 1.1f), *bias = idem_const_fill(g, IDEM_SHAPE(32), 0.1f);
    return idem_styled(picture(g, 4, 32, 64), scale, NULL, bias, 0.2f, 1.4f);
}

static idem_node *prelu(idem_graph *g) {
    return idem_prelu(picture(g, 4, 64, 56), idem_const_fill(g, IDEM_SHAPE(64), 0.2f));
}

static idem_node *sum(idem_graph *g) {
    return idem_reduce_sum(picture(g, 4, 64, 56), IDEM_SHAPE(64, 1, 1), 1);
}

static idem_node *pool(idem_graph *g) {
    return idem_maxpool(picture(g, 4, 64, 56), idem_window_make(3, 2, 1));
}

/* Time over the reference loop's: with AVX2, measured on cores of the first Zen generation (docs/lab-book.md; others
 * have lower ratios; depthwise and PReLU measured with slow memory), and with AVX-512, the slower of Sapphire Rapids
 * and Zen 4. streamed: time over the stream's on an Emerald Rapids, whose caches are slow relative to its cores; 0:
 * compute-bound. */
static const struct {
    const char *name;
    idem_node *(*make)(idem_graph *g);
    double avx2, avx512, streamed;
} cases[] = {
    {"conv3", conv3, 0.27, 0.127, 0},
    {"conv3_down", conv3_down, 0.147, 0.072, 0},
    {"conv1", conv1, 0.37, 0.184, 0},
    {"conv_up", conv_up, 0.166, 0.079, 0},
    {"conv_gradient", conv_gradient, 0.285, 0.149, 0},
    {"depthwise", depthwise, 0.095, 0.041, 1.45},
    {"product", product, 0.096, 0.049, 0},
    {"blur", blur, 0.0355, 0.0295, 1.36},
    {"styled", styled, 0.0255, 0.0145, 1.3},
    {"prelu", prelu, 0.042, 0.0105, 1.09},
    {"sum", sum, 0.0125, 0.0083, 2.6},
    {"pool", pool, 0.038, 0.0187, 2.3},
};

/* Processor time of a run; also that of a stream of the same size, unless streamed is NULL. */
static double measure(idem_node *(*make)(idem_graph *g), double *streamed) {
    idem_graph *g = idem_graph_new();
    idem_node *n = make(g);
    idem_plan *p = idem_plan_new(&n, 1, &(idem_plan_options){.threads = 1});
    if (!p || idem_plan_run(p)) {
        fprintf(stderr, "bench_speed: %s\n", idem_error());
        exit(1);
    }
    double best = 1e9;
    for (int run = 0; run < RUNS; run++) {
        double start = now();
        for (int i = 0; i < 4; i++)
            idem_plan_run(p);
        double spent = (now() - start) / 4;
        best = spent < best ? spent : best;
    }
    idem_plan_free(p);
    if (streamed)
        *streamed = fmin(*streamed, stream(idem_shape_count(&n->in[0]->shape), idem_shape_count(&n->shape)));
    idem_graph_free(g);
    return best;
}

int main(void) {
#if defined(__SANITIZE_ADDRESS__) || defined(__clang__) || !defined(__x86_64__)
    puts("skip: the figures are of GCC's release build on x86-64");
    return 0;
#endif
    if (idem_isa_has() < IDEM_ISA_AVX2) {
        puts("skip: the figures are of processors with AVX2");
        return 0;
    }
    int slower = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double expected = idem_isa_has() < IDEM_ISA_AVX512 ? cases[i].avx2 : cases[i].avx512,
               streamed = cases[i].streamed;
        double spent = 1e9, loop = 1e9, pass = 1e9; /* the least of each: a disturbed loop is no excuse */
        bool slow = true;
        for (int t = 0; t < TRIES && slow; t++) {
            spent = fmin(spent, measure(cases[i].make, streamed > 0 ? &pass : NULL));
            loop = fmin(loop, reference());
            slow = spent > 1.5 * expected * loop && spent > 1.5 * streamed * pass;
        }
        printf("%-24s %.4f of the loop, expected %.4f", cases[i].name, spent / loop, expected);
        if (streamed > 0)
            printf("; %.2f of the stream, expected %.2f", spent / pass, streamed);
        puts(slow ? ": slower" : "");
        slower += slow;
    }
    return slower > 0;
}
