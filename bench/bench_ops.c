/* Memory-bound operators against memcpy in the same run: bench_ops [threads]. GB/s counts inputs and outputs once each
 * (a copy: twice its size); "of copy" is that over memcpy's. Best of several repetitions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "engine/op.h"
#include "engine/ops.h"
#include "engine/plan.h"

enum { REPEATS = 15, MAX_BLOCKS = 32 };

static double copy_rate(int threads, size_t bytes) {
    char *a = idem_block_alloc(bytes), *b = idem_block_alloc(bytes);
    if (!a || !b)
        exit(1);
    memset(a, 1, bytes);
    memset(b, 2, bytes);
    double best = 1e9;
    for (int i = 0; i < REPEATS; i++) {
        double start = idem_clock();
#pragma omp parallel for num_threads(threads)
        for (int t = 0; t < threads; t++) {
            size_t from = bytes * (size_t)t / (size_t)threads, to = bytes * (size_t)(t + 1) / (size_t)threads;
            memcpy(b + from, a + from, to - from);
        }
        double seconds = idem_clock() - start;
        best = seconds < best ? seconds : best;
    }
    idem_block_free(a, bytes);
    idem_block_free(b, bytes);
    return 2e-9 * (double)bytes / best;
}

typedef struct {
    float *data;
    size_t bytes;
} block;

typedef struct {
    idem_graph *g;
    idem_rng rng;
    int threads;
    double copy;
    block blocks[MAX_BLOCKS];
    int n_blocks;
} bench;

/* In a separate block, like activations: huge pages make a difference. */
static idem_node *input(bench *b, idem_shape shape) {
    size_t count = (size_t)idem_shape_count(&shape);
    float *data = idem_block_alloc(count * sizeof *data);
    idem_node *n = data && b->n_blocks < MAX_BLOCKS ? idem_param(b->g, "x", shape, data, true) : NULL;
    if (!n)
        exit(1);
    idem_rng_fill_normal(&b->rng, data, count);
    b->blocks[b->n_blocks++] = (block){data, count * sizeof *data};
    return n;
}

static void drop_inputs(bench *b) {
    idem_graph_free(b->g);
    while (b->n_blocks > 0) {
        b->n_blocks--;
        idem_block_free(b->blocks[b->n_blocks].data, b->blocks[b->n_blocks].bytes);
    }
}

static void measure(bench *b, const char *what, idem_node *y) {
    idem_plan *p = y ? idem_plan_new(&y, 1, &(idem_plan_options){.threads = b->threads, .profile = true}) : NULL;
    if (!p) {
        fprintf(stderr, "%s: %s\n", what, idem_error());
        exit(1);
    }
    double best = 1e9;
    for (int i = 0; i < REPEATS; i++) {
        double start = idem_clock();
        idem_plan_run(p);
        double seconds = idem_clock() - start;
        best = seconds < best ? seconds : best;
    }
    int rows;
    double bytes = 0;
    const idem_profile_row *row = idem_plan_profile(p, &rows);
    for (int i = 0; i < rows; i++)
        bytes += row[i].bytes;
    char shape[64];
    printf("%-36s %-20s %8.3f ms %7.2f GB/s %6.2f of copy\n", what, idem_shape_text(&y->shape, shape), 1e3 * best,
           1e-9 * bytes / best, 1e-9 * bytes / best / b->copy);
    idem_plan_free(p);
}

static idem_node *gradient(idem_node *y, idem_node *seed, idem_node *x) {
    idem_node *dx = NULL;
    return idem_gradients_seeded(y, seed, &x, 1, &dx) ? NULL : dx;
}

static void sizes(bench *b, int64_t n, int64_t c, int64_t h) {
    idem_shape s = IDEM_SHAPE(n, c, h, h);
    b->g = idem_graph_new();
    b->copy = copy_rate(b->threads, (size_t)idem_shape_count(&s) * sizeof(float));
    char text[64];
    printf("-- %s, %d threads: memcpy %.2f GB/s\n", idem_shape_text(&s, text), b->threads, b->copy);
    idem_node *x = input(b, s), *y = input(b, s), *channels = input(b, IDEM_SHAPE(c, 1, 1));
    idem_node *style = input(b, IDEM_SHAPE(n, c)), *plane = input(b, IDEM_SHAPE(1, 1, h, h));
    idem_node *bias = input(b, IDEM_SHAPE(c)), *style4 = input(b, IDEM_SHAPE(n, c, 1, 1));
    measure(b, "add", idem_add(x, y));
    measure(b, "mul [C, 1, 1]", idem_mul(x, channels));
    measure(b, "mul [N, C, 1, 1]", idem_mul(x, style4));
    measure(b, "mul plane", idem_mul(x, plane));
    measure(b, "scale", idem_scale(x, 2));
    measure(b, "leaky relu", idem_leaky_relu(x, 0.2f, 1.4f));
    measure(b, "leaky relu, gradient", gradient(idem_leaky_relu(x, -0.2f, 1.4f), y, x));
    measure(b, "styled, all parts", idem_styled(x, style, plane, bias, 0.2f, 1.4f));
    measure(b, "styled, bias", idem_styled(x, NULL, NULL, bias, 0.2f, 1.4f));
    measure(b, "sum to a scalar", idem_sum_all(x));
    measure(b, "sum to [C, 1, 1]", idem_reduce_sum(x, IDEM_SHAPE(c, 1, 1), 1));
    measure(b, "sum to [N, C, 1, 1]", idem_reduce_sum(x, IDEM_SHAPE(n, c, 1, 1), 1));
    measure(b, "sum to a plane", idem_reduce_sum(x, IDEM_SHAPE(1, 1, h, h), 1));
    measure(b, "dot to [N, C, 1, 1]", idem_dot(x, y, IDEM_SHAPE(n, c, 1, 1)));
    idem_node *product[2] = {x, style4}, *both[2];
    if (idem_gradients_seeded(idem_mul(x, style4), y, product, 2, both) == 0)
        measure(b, "mul [N, C, 1, 1], both gradients", both[0]);
    measure(b, "broadcast [N, C, 1, 1]", idem_broadcast(style4, s));
    measure(b, "bn_stats", idem_bn_stats(x));
    measure(b, "prelu", idem_prelu(x, bias));
    static const float blur[4] = {0.25f, 0.75f, 0.75f, 0.25f};
    measure(b, "filter [1,3,3,1]", idem_filter(x, blur, 4, 1, 1, (int[4]){2, 2, 1, 1}));
    measure(b, "filter [1,3,3,1], up 2", idem_filter(x, blur, 4, 2, 1, (int[4]){2, 2, 1, 1}));
    measure(b, "filter [1,3,3,1], down 2", idem_filter(x, blur, 4, 1, 2, (int[4]){1, 1, 1, 1}));
    measure(b, "maxpool 3/2", idem_maxpool(x, idem_window_make(3, 2, 1)));
    measure(
        b, "maxpool 3/2, gradient",
        gradient(idem_maxpool(x, idem_window_make(3, 2, 1)), input(b, IDEM_SHAPE(n, c, (h + 1) / 2, (h + 1) / 2)), x));
    measure(b, "avgpool 2/2", idem_avgpool(x, idem_window_make(2, 2, 0), true));
    measure(b, "avgpool 2/2, gradient",
            idem_avgpool_grad(input(b, IDEM_SHAPE(n, c, h / 2, h / 2)), idem_window_make(2, 2, 0), true, h, h));
    measure(b, "permute to N, H, W, C", idem_permute(x, (int[]){0, 2, 3, 1}));
    measure(b, "reshape to rows", idem_reshape(x, IDEM_SHAPE(n, c * h * h)));
    drop_inputs(b);
}

/* Three channels, as pictures have. */
static void pictures(bench *b, int64_t n, int64_t h) {
    idem_shape s = IDEM_SHAPE(n, 3, h, h);
    b->g = idem_graph_new();
    b->copy = copy_rate(b->threads, (size_t)idem_shape_count(&s) * sizeof(float));
    char text[64];
    printf("-- %s, %d threads: memcpy %.2f GB/s\n", idem_shape_text(&s, text), b->threads, b->copy);
    idem_node *x = input(b, s), *channels = input(b, IDEM_SHAPE(3, 1, 1)), *plane = input(b, IDEM_SHAPE(1, 1, h, h));
    static const float blur[4] = {0.25f, 0.75f, 0.75f, 0.25f},
                       window[11] = {0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f, 0.1f};
    measure(b, "mul [C, 1, 1]", idem_mul(x, channels));
    measure(b, "mul plane", idem_mul(x, plane));
    measure(b, "sum to [C, 1, 1]", idem_reduce_sum(x, IDEM_SHAPE(3, 1, 1), 1));
    measure(b, "filter [1,3,3,1], up 2", idem_filter(x, blur, 4, 2, 1, (int[4]){2, 2, 1, 1}));
    measure(b, "filter [1,3,3,1], down 2", idem_filter(x, blur, 4, 1, 2, (int[4]){1, 1, 1, 1}));
    measure(b, "filter of 11 taps", idem_filter(x, window, 11, 1, 1, (int[4]){0}));
    measure(b, "avgpool 2/2", idem_avgpool(x, idem_window_make(2, 2, 0), true));
    measure(b, "avgpool 2/2, gradient",
            idem_avgpool_grad(input(b, IDEM_SHAPE(n, 3, h / 2, h / 2)), idem_window_make(2, 2, 0), true, h, h));
    drop_inputs(b);
}

int main(int argc, char **argv) {
    bench b = {.rng = idem_rng_make(1, "bench"), .threads = argc > 1 ? atoi(argv[1]) : 1};
    if (b.threads < 1)
        b.threads = 1;
    sizes(&b, 16, 32, 64);
    sizes(&b, 4, 64, 256);
    sizes(&b, 16, 256, 8);
    pictures(&b, 16, 64);
    pictures(&b, 4, 256);
    return 0;
}
