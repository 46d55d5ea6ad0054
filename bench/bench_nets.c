/* Time of the networks that training runs: bench_nets [--threads N] [--batch N] [--rows N]
 * The generator of models/ forward and with its gradient to w, fr_feature the same way, ResNet-18 as E_attr; then the
 * slowest nodes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/ops.h"
#include "nets/onnx_graph.h"
#include "nets/resnet.h"
#include "nets/stylegan2.h"

enum { RUNS = 5 };
static int threads, batch = 16, rows = 12;

static int by_seconds(const void *a, const void *b) {
    const idem_profile_row *x = a, *y = b;
    return x->seconds < y->seconds ? 1 : x->seconds > y->seconds ? -1 : 0;
}

static void print_slowest(idem_plan *p) {
    int n;
    const idem_profile_row *all = idem_plan_profile(p, &n);
    idem_profile_row *sorted = malloc((size_t)n * sizeof *sorted);
    if (!sorted)
        return;
    memcpy(sorted, all, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_seconds);
    for (int i = 0; i < n && i < rows; i++)
        printf("    %8.3f ms  %7.2f GFLOP/s  %6.2f GB/s  %-16s %s\n", sorted[i].seconds * 1e3,
               sorted[i].flops / sorted[i].seconds / 1e9, sorted[i].bytes / sorted[i].seconds / 1e9, sorted[i].op,
               sorted[i].name);
    free(sorted);
}

/* Best of some runs, then the profile of some more. */
static int measure(const char *what, idem_node *const *targets, int n) {
    for (int profile = 0; profile < 2; profile++) {
        idem_plan *p = idem_plan_new(targets, n, &(idem_plan_options){.threads = threads, .profile = profile});
        double best = 1e9;
        for (int i = 0; p && i < RUNS; i++) {
            const double start = idem_clock();
            if (idem_plan_run(p)) {
                idem_plan_free(p);
                return -1;
            }
            const double s = idem_clock() - start;
            best = s < best ? s : best;
        }
        if (!p)
            return -1;
        if (!profile)
            printf("%-28s %8.2f ms per picture  %7.1f GFLOP/s  %5.0f MB  %d steps\n", what, best * 1e3 / batch,
                   idem_plan_flops(p) / best / 1e9, (double)idem_plan_bytes(p) / 1e6, idem_plan_steps(p));
        else
            print_slowest(p);
        fflush(stdout);
        idem_plan_free(p);
    }
    return 0;
}

static void fill(idem_node *n) {
    for (int64_t i = 0, count = idem_shape_count(&n->shape); i < count; i++)
        n->leaf[i] = (float)((i * 7919 + 13) % 1000) / 500 - 1;
}

static int bench_generator(const char *path) {
    idem_weights *w;
    idem_stylegan2 s;
    if (idem_weights_load(&w, path) || idem_stylegan2_open(&s, w, NULL))
        return -1;
    idem_graph *g = idem_graph_new();
    idem_binder b = idem_binder_make(g, w, s.prefix, false);
    idem_node *code = idem_input(g, "w", IDEM_SHAPE(batch, s.w_dim)), *target[2];
    fill(code);
    target[0] = idem_stylegan2_synthesis(&b, &s, code, NULL);
    if (!target[0] || measure("generator forward", target, 1) ||
        idem_gradients(idem_mean_all(idem_square(target[0])), &code, 1, &target[1]) ||
        measure("generator + gradient", target, 2))
        return -1;
    idem_graph_free(g);
    idem_weights_free(w);
    return 0;
}

static int bench_onnx(const char *path, int channels, int side, const char *what) {
    idem_onnx *m;
    char title[64];
    if (idem_onnx_load(&m, path))
        return -1;
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(batch, channels, side, side)), *target[2];
    fill(x);
    target[0] = idem_onnx_build(g, m, x, NULL);
    snprintf(title, sizeof title, "%s forward", what);
    if (!target[0] || measure(title, target, 1))
        return -1;
    snprintf(title, sizeof title, "%s + gradient", what);
    if (idem_gradients(idem_mean_all(idem_square(target[0])), &x, 1, &target[1]) || measure(title, target, 2))
        return -1;
    idem_graph_free(g);
    idem_onnx_free(m);
    return 0;
}

static int bench_resnet(int side) {
    idem_weights *w = idem_weights_new();
    idem_rng rng = idem_rng_make(1, "bench");
    if (idem_resnet_init(w, "", 18, &rng))
        return -1;
    idem_graph *g = idem_graph_new();
    idem_binder b = idem_binder_make(g, w, "", true);
    idem_running_list running = {.n = 0};
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(batch, 3, side, side)), *param[128], *target[129];
    fill(x);
    target[0] = idem_resnet(&b, x, IDEM_BATCH_STATS, &running);
    int n = 0;
    for (int i = 0; i < idem_graph_size(g) && n < 128; i++) {
        idem_node *node = idem_graph_node(g, i);
        if (node->leaf && !node->frozen && node != x)
            param[n++] = node;
    }
    if (!target[0] || measure("ResNet-18 forward", target, 1) ||
        idem_gradients(idem_mean_all(idem_square(target[0])), param, n, target + 1) ||
        measure("ResNet-18 + weight gradient", target, n + 1))
        return -1;
    idem_graph_free(g);
    idem_weights_free(w);
    return 0;
}

int main(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        int *option = !strcmp(argv[i], "--threads") ? &threads
                      : !strcmp(argv[i], "--batch") ? &batch
                      : !strcmp(argv[i], "--rows")  ? &rows
                                                    : NULL;
        if (option)
            *option = atoi(argv[i + 1]);
    }
    if (bench_generator("tests/fixtures/generator-64.safetensors") ||
        bench_onnx("models/cache/fr_feature.onnx", 3, 112, "fr_feature") ||
        bench_onnx("models/cache/fr_landmark.onnx", 1, 64, "fr_landmark") || bench_resnet(64)) {
        printf("%s\n", idem_error());
        return 1;
    }
    return 0;
}
