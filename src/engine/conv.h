/* Convolution below the graph: sizes, window, direction, and the choice of the kernel. */
#ifndef IDEM_ENGINE_CONV_H
#define IDEM_ENGINE_CONV_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/ops.h"
#include "engine/pack.h"

typedef enum { IDEM_CONV_FORWARD, IDEM_CONV_DATA, IDEM_CONV_WEIGHT } idem_conv_way;

/* x [n, i, h, w], weight [o, i/groups, kernel], y [n, o, oh, ow]: the same letters in every direction. */
typedef struct {
    idem_conv_way way;
    int64_t n, i, h, w, o, oh, ow;
    idem_window win;
    bool bias; /* forward only */
    /* Operations after the sums (conv_end.h): */
    bool residual; /* another value is added */
    bool slopes;   /* then a slope per channel for negative values */
    bool leaky;    /* or one slope for all channels */
    float slope;
    bool scaled; /* before them: the input is multiplied by a factor per picture and channel */
} idem_conv_dims;

/* Operations that the chosen kernel fuses after its sums; PARTS: it reads its input in parts; SCALED: it multiplies its
 * input by a factor per picture and channel. */
enum { IDEM_CONV_RESIDUAL = 1, IDEM_CONV_SLOPES = 2, IDEM_CONV_LEAKY = 4, IDEM_CONV_PARTS = 8, IDEM_CONV_SCALED = 16 };
int idem_convolution_takes(const idem_conv_dims *d, bool frozen);

/* Multiplications and additions of a direct computation. */
static inline double idem_conv_flops(const idem_conv_dims *d) {
    return 2.0 * (double)d->n * (double)d->oh * (double)d->ow * (double)d->o * (double)(d->i / d->win.groups) *
           d->win.kernel[0] * d->win.kernel[1];
}

/* A convolution prepared for fixed sizes and for the current idem_threads(): the fastest kernel by a fixed function of
 * the sizes and of whether the weight is frozen. */
typedef struct idem_convolution idem_convolution;

/* NULL with a message that starts with `name` on failure. The weight's gradient takes no frozen operand. */
idem_convolution *idem_convolution_new(const idem_conv_dims *d, idem_frozen weight, const char *name);
void idem_convolution_free(idem_convolution *c);            /* NULL is allowed */
size_t idem_convolution_scratch(const idem_convolution *c); /* bytes that run needs, 64-byte aligned */
/* in: forward (x, weight), data (dy, weight), weight (x, dy), each followed by the bias, residual, slopes and factors
 * [n, channels] that exist. Not thread-safe. */
void idem_convolution_run(const idem_convolution *c, const float *const *in, float *out, void *scratch);
/* The kernel's name: "jit:avx2" is oneDNN's, others are ours ("winograd:avx2"). Valid as long as c. */
const char *idem_convolution_kernel(const idem_convolution *c);

/* Whether run reads the weight; false if c holds it in another form. */
bool idem_convolution_reads_weight(const idem_convolution *c);

struct idem_step;
/* The same for a prepared conv, conv_data or conv_weight step. */
const char *idem_conv_kernel(const struct idem_step *s);

#endif
