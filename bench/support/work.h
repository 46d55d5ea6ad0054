/* A piece of work to measure: prepared once, run many times. Its results can be compared with those of another program
 * that does the same with the same numbers: weights and inputs come from files, or from the fill rule of
 * tests/fixtures/README.md by the names given here. */
#ifndef IDEM_BENCH_WORK_H
#define IDEM_BENCH_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/plan.h"

typedef struct bench_work bench_work;

typedef struct {
    const char *name;
    bool listed;    /* measured without a filter */
    int batches[2]; /* unless --batch names another; 0: none */
    int (*prepare)(bench_work *w);
    int side;         /* of a generator */
    bool gradient;    /* to w as well */
    const char *file; /* network */
} bench_case;

/* All cases, ended by one without a name. */
extern const bench_case bench_cases[];

struct bench_work {
    const bench_case *c;
    int batch, threads;
    bool profile;        /* time every node of the plan */
    const char *program; /* folder of the idem program */
    /* set by prepare: */
    int (*run)(bench_work *w); /* NULL: of the plan */
    /* The values for comparison, malloc'ed; NULL: the last targets of the plan, one after the other, row-major. */
    int (*values)(bench_work *w, float **out, size_t *count);
    idem_node *input; /* the input, also for the other program; NULL: it fills its own */
    idem_plan *plan;
    idem_node *targets[8];
    int n_targets, first_value; /* the value's first target */
    int pictures;               /* made or read by one run */
    double flops;               /* of one run */
    size_t planned;             /* bytes */
    void *state;
};

/* Prepares a plan for w->targets; fills flops, planned and pictures. */
int bench_work_plan(bench_work *w);

int bench_prepare_stylegan2(bench_work *w);
int bench_prepare_generator(bench_work *w);
int bench_prepare_onnx(bench_work *w);
int bench_prepare_iteration(bench_work *w);
int bench_prepare_gan(bench_work *w);
int bench_prepare_refine(bench_work *w);
int bench_prepare_compose(bench_work *w);

/* A StyleGAN2 of config f with `side` pixels, filled. NULL with a message. */
struct idem_weights *bench_filled_stylegan2(int side);

/* GFLOP/s of multiply-adds in registers on `threads` threads, by the clock given (seconds). */
double bench_peak(int threads, double (*clock)(void));

#endif
