/* The engine's choice of convolution kernel against oneDNN's direct one, on shapes that training and inference run:
 *
 *     bench_conv [--threads N] [--seconds S] [--cpu 1] [--precision bf16]
 *
 * Both run alternately and the medians are compared. --cpu 1 counts processor time instead of elapsed time: suitable
 * for one thread on a shared machine. Figures are GFLOP/s of the direct sum, for all kernels. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "engine/conv.h"
#include "engine/dnn.h"
#include "engine/op.h"
#include "engine/precision.h"

enum { MAX_RUNS = 1000 };

/* pictures, input channels, side, output channels, kernel, stride, pad, groups */
static const struct {
    const char *net;
    int n, i, side, o, kernel, stride, pad, groups;
} shapes[] = {
    {"StyleGAN2-64", 8, 128, 4, 128, 3, 1, 1, 1},     {"StyleGAN2-64", 8, 128, 8, 128, 3, 1, 1, 1},
    {"StyleGAN2-64", 8, 128, 16, 128, 3, 1, 1, 1},    {"StyleGAN2-64", 8, 64, 32, 64, 3, 1, 1, 1},
    {"StyleGAN2-64", 8, 32, 64, 32, 3, 1, 1, 1},      {"StyleGAN2-64", 8, 32, 65, 64, 3, 2, 0, 1},
    {"StyleGAN2-64", 8, 32, 64, 3, 1, 1, 0, 1},       {"ResNet-18 stem", 16, 3, 64, 64, 7, 2, 3, 1},
    {"ResNet-18 at 64", 16, 64, 16, 64, 3, 1, 1, 1},  {"ResNet-18 at 64", 16, 64, 16, 128, 3, 2, 1, 1},
    {"ResNet-18 at 64", 16, 128, 8, 128, 3, 1, 1, 1}, {"ResNet-18 at 64", 16, 256, 4, 256, 3, 1, 1, 1},
    {"ResNet-18 at 64", 16, 512, 2, 512, 3, 1, 1, 1}, {"fr_feature stem", 8, 3, 112, 64, 3, 2, 1, 1},
    {"fr_feature", 8, 64, 56, 64, 3, 1, 1, 64},       {"fr_feature", 8, 128, 28, 128, 3, 1, 1, 128},
    {"fr_feature", 8, 64, 56, 128, 1, 1, 0, 1},       {"fr_feature", 8, 128, 28, 64, 1, 1, 0, 1},
    {"fr_feature", 8, 256, 14, 128, 1, 1, 0, 1},      {"fr_landmark stem", 8, 1, 64, 32, 3, 2, 1, 1},
    {"fr_expression", 1, 128, 28, 32, 3, 1, 1, 1},    {"fr_expression", 1, 128, 7, 32, 3, 1, 1, 1},
    {"fr_detect", 1, 16, 30, 16, 3, 1, 1, 1},         {"judge", 1, 64, 19, 64, 3, 1, 1, 1},
    {"generator-128", 16, 32, 128, 32, 3, 1, 1, 1},   {"generator-128", 16, 32, 129, 64, 3, 2, 0, 1},
    {"generator-128", 16, 64, 64, 64, 3, 1, 1, 1},    {"generator-128", 16, 64, 65, 128, 3, 2, 0, 1},
    {"generator-128", 16, 128, 32, 128, 3, 1, 1, 1},  {"generator-128", 16, 32, 128, 3, 1, 1, 0, 1},
    {"InceptionV3", 1, 80, 73, 192, 3, 1, 0, 1},      {"StyleGAN2-256", 1, 128, 256, 128, 3, 1, 1, 1},
};

static int threads;
static double seconds = 0.2;
static bool cpu;

static double now(void) {
    struct timespec t;
    clock_gettime(cpu ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static float *values(size_t count, const char *stream) {
    float *v = idem_block_alloc(count * sizeof *v);
    idem_rng rng = idem_rng_make(1, stream);
    if (v)
        idem_rng_fill_normal(&rng, v, count);
    return v;
}

static int measure(const idem_conv_dims *d, bool frozen, const char *net) {
    static double direct_time[MAX_RUNS], chosen_time[MAX_RUNS];
    const idem_window *win = &d->win;
    size_t nx = (size_t)(d->n * d->i * d->h * d->w), ny = (size_t)(d->n * d->o * d->oh * d->ow);
    size_t nw = (size_t)(d->o * (d->i / win->groups) * win->kernel[0] * win->kernel[1]);
    float *x = values(nx, "x"), *y = values(ny, "y"), *w = values(nw, "w");
    size_t n_out = d->way == IDEM_CONV_FORWARD ? ny : d->way == IDEM_CONV_DATA ? nx : nw;
    float *out = idem_block_alloc(n_out * sizeof *out), *want = idem_block_alloc(n_out * sizeof *want);
    idem_graph *g = idem_graph_new(); /* packs of frozen weights belong to a node */
    const idem_shape shape = IDEM_SHAPE(d->o, d->i / win->groups, win->kernel[0], win->kernel[1]);
    idem_node *node = g ? idem_const_fill(g, shape, 0) : NULL;
    if (!node || !w)
        return -1;
    memcpy(node->leaf, w, nw * sizeof *w);
    idem_frozen weight = {node, frozen ? node->leaf : NULL};
    idem_dnn *direct = idem_dnn_conv(d, weight, net);
    idem_convolution *chosen = idem_convolution_new(d, weight, net);
    if (!x || !y || !w || !out || !want || !direct || !chosen)
        return -1;
    size_t direct_bytes = idem_dnn_scratch(direct) + 64, chosen_bytes = idem_convolution_scratch(chosen) + 64;
    void *direct_scratch = idem_block_alloc(direct_bytes), *chosen_scratch = idem_block_alloc(chosen_bytes);
    if (!direct_scratch || !chosen_scratch)
        return -1;
    const float *in[] = {d->way == IDEM_CONV_DATA ? y : x, d->way == IDEM_CONV_WEIGHT ? y : w, NULL};
    idem_dnn_run(direct, in, want, direct_scratch);
    idem_convolution_run(chosen, in, out, chosen_scratch);
    double largest = 0, error = 0;
    for (size_t i = 0; i < n_out; i++) {
        largest = fmax(largest, fabs((double)want[i]));
        error = fmax(error, fabs((double)want[i] - (double)out[i]));
    }
    int runs = 0;
    for (double start = now(); runs < MAX_RUNS && (runs < 5 || now() - start < seconds); runs++) {
        double a = now();
        idem_dnn_run(direct, in, want, direct_scratch);
        double b = now();
        idem_convolution_run(chosen, in, out, chosen_scratch);
        double c = now();
        direct_time[runs] = b - a;
        chosen_time[runs] = c - b;
    }
    qsort(direct_time, (size_t)runs, sizeof *direct_time, by_value);
    qsort(chosen_time, (size_t)runs, sizeof *chosen_time, by_value);
    double gflop = idem_conv_flops(d) * 1e-9, ta = direct_time[runs / 2], tb = chosen_time[runs / 2];
    static const char *const ways[] = {"forward", "data", "weight"};
    printf("%-16s n %2lld i %3lld %3lldx%-3lld o %3lld k %d s %d g %-3d %-7s %-9s %-13s %6.1f  %-14s %6.1f  %5.2fx  "
           "%.1e\n",
           net, (long long)d->n, (long long)d->i, (long long)d->h, (long long)d->w, (long long)d->o, win->kernel[0],
           win->stride[0], win->groups, ways[d->way], frozen ? "frozen" : "", idem_dnn_kernel(direct), gflop / ta,
           idem_convolution_kernel(chosen), gflop / tb, ta / tb, error / largest);
    fflush(stdout);
    idem_dnn_free(direct);
    idem_convolution_free(chosen);
    idem_block_free(direct_scratch, direct_bytes);
    idem_block_free(chosen_scratch, chosen_bytes);
    idem_block_free(x, nx * sizeof *x);
    idem_block_free(y, ny * sizeof *y);
    idem_block_free(w, nw * sizeof *w);
    idem_block_free(out, n_out * sizeof *out);
    idem_block_free(want, n_out * sizeof *want);
    idem_graph_free(g);
    return 0;
}

int main(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--threads"))
            threads = atoi(argv[i + 1]);
        else if (!strcmp(argv[i], "--seconds"))
            seconds = atof(argv[i + 1]);
        else if (!strcmp(argv[i], "--cpu"))
            cpu = atoi(argv[i + 1]) != 0;
        else if (!strcmp(argv[i], "--precision"))
            idem_bf16_set(!strcmp(argv[i + 1], "bf16"));
    }
    idem_team_enter(threads);
    char version[64];
    printf("oneDNN %s, %d threads, GFLOP/s of the direct sum: oneDNN, ours, gain, difference\n",
           idem_dnn_version(version), idem_threads());
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        int k = shapes[i].kernel, s = shapes[i].stride, p = shapes[i].pad, side = shapes[i].side;
        int64_t out = (side + 2 * p - k) / s + 1;
        idem_conv_dims d = {.n = shapes[i].n,
                            .i = shapes[i].i,
                            .h = side,
                            .w = side,
                            .o = shapes[i].o,
                            .oh = out,
                            .ow = out,
                            .win = idem_window_make(k, s, p)};
        d.win.groups = shapes[i].groups;
        d.win.bf16 = idem_bf16();
        for (int way = IDEM_CONV_FORWARD; way <= IDEM_CONV_WEIGHT; way++)
            for (int frozen = way < IDEM_CONV_WEIGHT; frozen >= 0; frozen--) {
                d.way = (idem_conv_way)way;
                if (measure(&d, frozen, shapes[i].net)) {
                    printf("%s\n", idem_error());
                    return 1;
                }
            }
    }
    return 0;
}
