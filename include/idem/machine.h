/* The machine: processor and memory, kernel speed, profile of networks (part of idem.h). */
#ifndef IDEM_MACHINE_H
#define IDEM_MACHINE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "idem/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Checks the environment variable IDEM_MAX_ISA, which limits the instructions that kernels use (plain, avx2, avx512,
 * bf16; not set: the widest this processor has). idem_open checks it too. */
IDEM_API int idem_check_machine(void);
/* Sets the thread count of calls on this thread that do not set one: 1 to IDEM_THREADS_LIMIT; 0: OMP_NUM_THREADS, or
 * all cores this process may use. */
#define IDEM_THREADS_LIMIT 4096
IDEM_API int idem_set_threads(int threads);

/* What the convolutions of a generator's, and in training a discriminator's, four largest resolutions multiply, forward
 * and for the gradients of pictures. Sums, weights, activations, gradients of weights, all other layers and all other
 * networks are float32. */
enum {
    IDEM_PRECISION_THREAD, /* as idem_set_precision says */
    IDEM_PRECISION_F32,
    IDEM_PRECISION_BF16, /* bfloat16: about 1.6 times as fast on AMD's processors with AVX512_BF16; elsewhere the same
                            rounding at the speed of float32 or less. Pictures differ by about one level of 255. */
    IDEM_PRECISION_AUTO  /* bfloat16 where it is faster, float32 elsewhere */
};
/* Sets the precision of what this thread opens from now on, contexts and trainings; initially float32. */
IDEM_API int idem_set_precision(int precision);

typedef struct {
    size_t struct_size;     /* set by the caller to sizeof(idem_machine_info) */
    char cpu[128];          /* model name; "unknown" */
    char features[160];     /* those that decide between kernels: "sse4.1 avx avx2 fma" */
    const char *isa;        /* instructions that kernels use: "plain", "avx2", "avx512" or "bf16" (both) */
    const char *isa_of_cpu; /* the widest of these that the processor has; IDEM_MAX_ISA may limit `isa` */
    int cores, online;      /* cores that this process may use; cores of the machine */
    int threads;            /* of calls on this thread that do not set a thread count */
    double memory;          /* bytes installed, or the control group's limit if that is lower; 0: unknown */
    double available;       /* bytes available now; 0: unknown */
    char onednn[64];        /* version of oneDNN: "2.6.3" */
    int precision_auto;     /* what IDEM_PRECISION_AUTO is here: IDEM_PRECISION_F32 or IDEM_PRECISION_BF16 */
} idem_machine_info;
IDEM_API int idem_get_machine(idem_machine_info *info);

/* ---- how fast it is ---- */

/* One convolution of a 64-pixel StyleGAN2 with a batch of 8. */
typedef struct {
    const char *what; /* "3x3, 128 channels, 32x32, forward" */
    char kernel[64];  /* "winograd:avx512", "winograd-bf16:bf16"; a oneDNN kernel by oneDNN's name: "jit:avx2" */
    double gflops;    /* 1e9 multiplications and additions per second, counted as for a direct convolution */
} idem_kernel_speed;
enum { IDEM_KERNELS = 6 };
/* Measures all of them, with the precision of idem_set_precision, in about `seconds` altogether. Fails with
 * IDEM_ERROR_INTERRUPTED when *stop becomes nonzero; stop may be NULL. */
IDEM_API int idem_measure_kernels(idem_kernel_speed speed[IDEM_KERNELS], double seconds,
                                  const volatile sig_atomic_t *stop);

/* ---- where the time goes ---- */

/* Starts timing the steps of networks that any thread prepares from now on. Their times are added when the networks are
 * freed: close the context first. */
IDEM_API void idem_start_profile(void);
/* Stops timing and forgets all times. */
IDEM_API void idem_stop_profile(void);

typedef struct {
    const char *name, *op;        /* of a node; name NULL: all nodes of the operator */
    double seconds, flops, bytes; /* sums over all runs; flops 0: the node only moves data */
    int64_t runs;                 /* runs of nodes of this name */
    int nodes;                    /* number of names added together; 1 for a node */
} idem_timing;
typedef struct {
    int plans;               /* prepared networks that were run and freed; one per network and batch size */
    int64_t runs;            /* of all plans */
    double seconds;          /* of runs; steps that run in parallel lanes may sum to more */
    const idem_timing *node; /* [nodes], the slowest first; one row per name and operator */
    int nodes;
    const idem_timing *op; /* [ops], the slowest first */
    int ops;
    /* With several ranks (idem/ranks.h): */
    int rank, ranks;
    double elapsed;  /* seconds since idem_start_profile */
    double exchange; /* of these, spent in messages between ranks, waiting for slower ranks included */
    int64_t exchanges;
    double sent; /* bytes, by this rank */
} idem_profile;
/* All times since idem_start_profile. NULL if out of memory. Names are valid until idem_stop_profile. */
IDEM_API idem_profile *idem_get_profile(void);
IDEM_API void idem_free_profile(idem_profile *profile); /* NULL is allowed */

#ifdef __cplusplus
}
#endif

#endif
