/* The machine: what it has, how fast kernels are, where the time of networks goes (part of idem.h). */
#ifndef IDEM_MACHINE_H
#define IDEM_MACHINE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "idem/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether kernels can be chosen as the environment variable IDEM_MAX_ISA asks (plain, avx2, avx512; not set: the widest
 * this processor has). idem_open looks too. */
IDEM_API int idem_check_machine(void);
/* Threads of calls on this thread that are not told a number: 1 to IDEM_THREADS_LIMIT; 0: OMP_NUM_THREADS, or all cores
 * this process may use. */
#define IDEM_THREADS_LIMIT 4096
IDEM_API int idem_set_threads(int threads);

typedef struct {
    size_t struct_size;     /* set by the caller to sizeof(idem_machine_info) */
    char cpu[128];          /* model name; "unknown" */
    char features[160];     /* those that kernels are chosen by: "sse4.1 avx avx2 fma" */
    const char *isa;        /* instructions that kernels use: "plain", "avx2" or "avx512" */
    const char *isa_of_cpu; /* the widest of these that it has; IDEM_MAX_ISA may ask for less */
    int cores, online;      /* this process may use; the machine has */
    int threads;            /* of calls on this thread that are not told a number */
    double memory;          /* bytes installed, or the control group's limit if that is lower; 0: unknown */
    double available;       /* bytes that can be had now; 0: unknown */
    char onednn[64];        /* version of the kernel library: "2.6.3" */
} idem_machine_info;
IDEM_API int idem_get_machine(idem_machine_info *info);

/* ---- how fast it is ---- */

/* A convolution of a 64-pixel StyleGAN2, of 8 pictures. */
typedef struct {
    const char *what; /* "3x3, 128 channels, 32x32, forward" */
    char kernel[64];  /* "winograd:avx512"; one of the kernel library by its own name: "jit:avx2" */
    double gflops;    /* 1e9 multiplications and additions a second, counted as a direct convolution's */
} idem_kernel_speed;
enum { IDEM_KERNELS = 6 };
/* Measures all of them, in about `seconds` together. IDEM_ERROR_INTERRUPTED as soon as *stop is not 0; stop may be
 * NULL. */
IDEM_API int idem_measure_kernels(idem_kernel_speed speed[IDEM_KERNELS], double seconds,
                                  const volatile sig_atomic_t *stop);

/* ---- where the time goes ---- */

/* Networks made ready from now on, by any thread, take the time of their steps. They count when they are freed: close
 * the context first. */
IDEM_API void idem_start_profile(void);
/* Forgets all times. */
IDEM_API void idem_stop_profile(void);

typedef struct {
    const char *name, *op;        /* of a node of a network; name NULL: all nodes of the operator */
    double seconds, flops, bytes; /* of all runs; flops 0: it only moves data */
    int64_t runs;                 /* how often a node of this name ran */
    int nodes;                    /* names that are added together: 1 of a node */
} idem_timing;
typedef struct {
    int plans;               /* networks made ready, run and freed; the same one for another batch is another plan */
    int64_t runs;            /* of all plans */
    double seconds;          /* of runs; steps side by side, each on a thread, take more together */
    const idem_timing *node; /* [nodes], the slowest first; nodes of one name and operator are one row */
    int nodes;
    const idem_timing *op; /* [ops], the slowest first */
    int ops;
} idem_profile;
/* All since the start. NULL: out of memory. Names are valid until idem_stop_profile. */
IDEM_API idem_profile *idem_get_profile(void);
IDEM_API void idem_free_profile(idem_profile *profile); /* NULL is allowed */

#ifdef __cplusplus
}
#endif

#endif
