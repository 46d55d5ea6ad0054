/* The interface to oneDNN: convolution in three directions and matrix products, prepared once and run many times. Only
 * dnn*.c include the library (through dnn_private.h): version 2 or 3, chosen by its header when idem is built.
 *
 * A kernel is made for fixed sizes and for OpenMP's current thread count. Weights are reordered to the library's
 * blocked format: frozen ones when the kernel is made, others at every run. */
#ifndef IDEM_ENGINE_DNN_H
#define IDEM_ENGINE_DNN_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/conv.h"
#include "engine/pack.h"

typedef struct idem_dnn idem_dnn;

/* Operands at run: forward (x, weight, bias or NULL), data (dy, weight), weight (x, dy). All memory is in the engine's
 * order. `name` is for messages. NULL with a message on failure. */
idem_dnn *idem_dnn_conv(const idem_conv_dims *d, idem_frozen weight, const char *name);

/* c [batch, m, n] = a [batch, m, k] x b [batch, k, n] + bias [n]; ta, tb: stored [k, m], [n, k]. Operands at run:
 * (a, b, bias or NULL). */
typedef struct {
    int64_t batch, m, k, n;
    bool ta, tb, bias;
} idem_matmul_dims;
idem_dnn *idem_dnn_matmul(const idem_matmul_dims *d, idem_frozen b, const char *name);

void idem_dnn_free(idem_dnn *k); /* NULL is allowed */

bool idem_dnn_reads(const idem_dnn *k,
                    int i); /* whether run reads operand i; false if the kernel holds a reordered copy */
size_t idem_dnn_scratch(const idem_dnn *k); /* bytes that run needs, 64-byte aligned */
/* Not thread-safe for one kernel. If the library fails (memory), out is filled with NaN. */
void idem_dnn_run(const idem_dnn *k, const float *const *in, float *out, void *scratch);

/* The library's name of the kernel ("jit:avx2"); valid as long as the kernel. */
const char *idem_dnn_kernel(const idem_dnn *k);

/* c [m, n] = op(a) op(b) + beta c, row-major with row strides; op transposes matrices stored as [k, m] or [n, k]. c
 * becomes NaN if the library fails (memory). */
typedef struct {
    const float *values;
    int64_t stride;
    bool transposed;
} idem_dnn_matrix;
void idem_dnn_gemm(int64_t m, int64_t n, int64_t k, idem_dnn_matrix a, idem_dnn_matrix b, float beta, float *c,
                   int64_t ldc);

/* "2.6.3"; returns text. */
const char *idem_dnn_version(char text[64]);

#endif
