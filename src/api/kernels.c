/* The speed of the convolution kernels on this machine (include/idem/machine.h). */
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/rng.h"
#include "base/status.h"
#include "engine/conv.h"
#include "engine/isa.h"
#include "engine/op.h"
#include "engine/precision.h"
#include "idem.h"

static const struct {
    const char *what;
    idem_conv_way way;
    int channels, side, kernel;
} cases[IDEM_KERNELS] = {
    {"3x3, 128 channels, 16x16, forward", IDEM_CONV_FORWARD, 128, 16, 3},
    {"3x3, 64 channels, 32x32, forward", IDEM_CONV_FORWARD, 64, 32, 3},
    {"3x3, 32 channels, 64x64, forward", IDEM_CONV_FORWARD, 32, 64, 3},
    {"3x3, 64 channels, 32x32, to data", IDEM_CONV_DATA, 64, 32, 3},
    {"3x3, 64 channels, 32x32, to weights", IDEM_CONV_WEIGHT, 64, 32, 3},
    {"1x1, 128 channels, 32x32, forward", IDEM_CONV_FORWARD, 128, 32, 1},
};
enum { BATCH = 8 };

/* One node of the case, its operands leaves of the graph. */
static idem_node *make_node(idem_graph *g, int i) {
    int64_t c = cases[i].channels, s = cases[i].side, k = cases[i].kernel;
    idem_window win = idem_window_make((int)k, 1, (int)k / 2);
    win.bf16 = idem_bf16();
    idem_shape filter = IDEM_SHAPE(c, c, k, k);
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(BATCH, c, s, s)), *weight = idem_const_fill(g, filter, 0.01f);
    if (cases[i].way == IDEM_CONV_WEIGHT)
        return idem_conv_weight(x, idem_input(g, "y", IDEM_SHAPE(BATCH, c, s, s)), win);
    return cases[i].way == IDEM_CONV_DATA ? idem_conv_data(x, weight, win, s, s) : idem_conv(x, weight, NULL, win);
}

/* Runs for `seconds` after one run to warm up; runs per second. */
static double measure(const idem_step *step, double seconds, const volatile sig_atomic_t *stop) {
    step->node->op->forward(step);
    double began = idem_clock(), spent;
    int runs = 0;
    do {
        step->node->op->forward(step);
        runs++;
        spent = idem_clock() - began;
    } while (spent < seconds && !*stop);
    return runs / spent;
}

/* Prepares the step like a plan, and measures only the step. */
static int measure_step(idem_kernel_speed *row, idem_node *node, double seconds, const volatile sig_atomic_t *stop) {
    float *in[3];
    idem_step step = {.node = node, .in = in};
    for (int k = 0; k < node->n_in; k++)
        in[k] = node->in[k]->frozen ? node->in[k]->leaf : NULL;
    if (node->op->prepare(&step))
        return -1;
    for (int k = 0; k < node->n_in; k++)
        in[k] = node->in[k]->leaf;
    size_t bytes = (size_t)idem_shape_count(&node->shape) * sizeof(float);
    step.out = idem_block_alloc(bytes);
    step.scratch = idem_block_alloc(step.scratch_bytes);
    int status = step.out && step.scratch ? 0 : -1;
    if (!status) {
        double flops, moved;
        node->op->cost(node, &flops, &moved);
        snprintf(row->kernel, sizeof row->kernel, "%s", idem_conv_kernel(&step));
        row->gflops = measure(&step, seconds, stop) * flops * 1e-9;
    }
    idem_block_free(step.out, bytes);
    idem_block_free(step.scratch, step.scratch_bytes);
    if (node->op->release)
        node->op->release(&step);
    return status;
}

static int measure_case(idem_kernel_speed *row, int i, double seconds, const volatile sig_atomic_t *stop) {
    idem_graph *g = idem_graph_new();
    idem_node *node = g ? make_node(g, i) : NULL;
    int status = node ? 0 : -1;
    for (int k = 0; k < (node ? node->n_in : 0); k++) {
        idem_rng rng = idem_rng_make(1, "doctor");
        idem_rng_fill_normal(&rng, node->in[k]->leaf, (size_t)idem_shape_count(&node->in[k]->shape));
    }
    row->what = cases[i].what;
    if (!status)
        status = measure_step(row, node, seconds, stop);
    idem_graph_free(g);
    return !status && *stop ? idem_fail_as(IDEM_INTERRUPTED, "interrupted") : status;
}

int idem_measure_kernels(idem_kernel_speed speed[IDEM_KERNELS], double seconds, const volatile sig_atomic_t *stop) {
    static const volatile sig_atomic_t never;
    if (!speed || !(seconds > 0))
        return idem_fail("idem_measure_kernels: %s", speed ? "seconds is not above 0" : "an argument is NULL");
    if (idem_isa_check())
        return -1;
    const idem_team before = idem_team_enter(idem_threads());
    int status = 0;
    for (int i = 0; i < IDEM_KERNELS && !status; i++)
        status = measure_case(&speed[i], i, seconds / IDEM_KERNELS, stop ? stop : &never);
    idem_team_leave(&before);
    return status;
}
