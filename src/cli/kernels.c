#include "cli/kernels.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "cli/command.h"
#include "engine/dnn.h"

static const struct {
    const char *what;
    idem_conv_way way;
    int channels, side, kernel;
} cases[IDEM_KERNEL_ROWS] = {
    {"3x3, 128 channels, 16x16, forward", IDEM_CONV_FORWARD, 128, 16, 3},
    {"3x3, 64 channels, 32x32, forward", IDEM_CONV_FORWARD, 64, 32, 3},
    {"3x3, 32 channels, 64x64, forward", IDEM_CONV_FORWARD, 32, 64, 3},
    {"3x3, 64 channels, 32x32, to data", IDEM_CONV_DATA, 64, 32, 3},
    {"3x3, 64 channels, 32x32, to weights", IDEM_CONV_WEIGHT, 64, 32, 3},
    {"1x1, 128 channels, 32x32, forward", IDEM_CONV_FORWARD, 128, 32, 1},
};
enum { BATCH = 8 };

typedef struct {
    size_t count;
    float *values;
} block;

static int block_make(block *b, size_t count, idem_rng *rng) {
    b->count = count;
    if (!(b->values = idem_block_alloc(count * sizeof(float))))
        return -1;
    for (size_t i = 0; rng && i < count; i++)
        b->values[i] = (float)idem_rng_uniform(rng) - 0.5f;
    return 0;
}

static void block_free(block *b) {
    idem_block_free(b->values, b->count * sizeof(float));
}

/* Runs for `seconds` after one run to warm up; runs per second. */
static double measure(const idem_dnn *k, const float *const *in, float *out, void *scratch, double seconds) {
    idem_dnn_run(k, in, out, scratch);
    double began = idem_clock(), spent;
    int runs = 0;
    do {
        idem_dnn_run(k, in, out, scratch);
        runs++;
        spent = idem_clock() - began;
    } while (spent < seconds && !idem_cli_stop);
    return runs / spent;
}

static int measure_case(idem_kernel_row *row, int i, double seconds) {
    int c = cases[i].channels, s = cases[i].side, k = cases[i].kernel;
    idem_conv_dims d = {.way = cases[i].way, .n = BATCH, .i = c, .h = s, .w = s, .o = c, .oh = s, .ow = s};
    d.win = idem_window_make(k, 1, k / 2);
    idem_rng rng = idem_rng_make(1, "doctor");
    size_t picture = (size_t)BATCH * (size_t)c * (size_t)s * (size_t)s, filter = (size_t)(c * c * k * k);
    block x = {0}, y = {0}, weight = {0}, scratch = {0};
    idem_dnn *kernel = NULL;
    int status = -1;
    if (block_make(&x, picture, &rng) || block_make(&y, picture, &rng) || block_make(&weight, filter, &rng))
        goto done;
    /* No node: nothing is kept for a later kernel. The filter of a gradient to weights is the result. */
    idem_frozen frozen = {NULL, d.way == IDEM_CONV_WEIGHT ? NULL : weight.values};
    if (!(kernel = idem_dnn_conv(&d, frozen, cases[i].what)) ||
        block_make(&scratch, idem_dnn_scratch(kernel) / sizeof(float) + 1, NULL))
        goto done;
    const float *in[3] = {x.values, d.way == IDEM_CONV_WEIGHT ? y.values : weight.values, NULL};
    float *out = d.way == IDEM_CONV_WEIGHT ? weight.values : y.values;
    row->what = cases[i].what;
    snprintf(row->kernel, sizeof row->kernel, "%s", idem_dnn_kernel(kernel));
    row->gflops = measure(kernel, in, out, scratch.values, seconds) * idem_conv_flops(&d) * 1e-9;
    status = idem_cli_stop ? idem_fail("interrupted") : 0;
done:
    idem_dnn_free(kernel);
    block_free(&x);
    block_free(&y);
    block_free(&weight);
    block_free(&scratch);
    return status;
}

int idem_kernels_measure(idem_kernel_row rows[IDEM_KERNEL_ROWS], double seconds) {
    for (int i = 0; i < IDEM_KERNEL_ROWS; i++)
        if (measure_case(&rows[i], i, seconds / IDEM_KERNEL_ROWS))
            return -1;
    return 0;
}
