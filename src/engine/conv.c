#include "engine/conv.h"

#include <stdlib.h>

#include "engine/conv_depth.h"
#include "engine/conv_narrow.h"
#include "engine/conv_point.h"
#include "engine/conv_taps.h"
#include "engine/dnn.h"
#include "engine/winograd.h"
#include "engine/winograd_weight.h"

enum { ANY_WIDTH = 16 };

struct idem_convolution {
    bool bias, residual, slopes, scaled;
    float *slope; /* of all channels */
    /* One of these is not NULL. */
    idem_conv_point *point;
    idem_conv_depth *depth;
    idem_winograd *winograd;
    idem_winograd_weight *winograd_weight;
    idem_conv_taps *taps;
    idem_conv_narrow *narrow;
    idem_dnn *direct;
    size_t scratch;
    const char *kernel;
};

typedef enum { NARROW, TAPS, POINT, DEPTH, WINOGRAD, WINOGRAD_WEIGHT, DIRECT } kind;

static kind kind_of(const idem_conv_dims *d, bool frozen) {
    return idem_conv_narrow_pays(d)                  ? NARROW
           : frozen && idem_winograd_pays(d, frozen) ? WINOGRAD
           : idem_conv_taps_pays(d, frozen)          ? TAPS
           : idem_conv_point_pays(d, frozen)         ? POINT
           : idem_conv_depth_fits(d)                 ? DEPTH
           : idem_winograd_pays(d, frozen)           ? WINOGRAD
           : idem_winograd_weight_pays(d)            ? WINOGRAD_WEIGHT
                                                     : DIRECT;
}

int idem_convolution_takes(const idem_conv_dims *d, bool frozen) {
    switch (kind_of(d, frozen)) {
    case POINT:
        if (idem_conv_point_is_few(d))
            return IDEM_CONV_SCALED;
        return IDEM_CONV_RESIDUAL | IDEM_CONV_SLOPES | IDEM_CONV_LEAKY;
    case TAPS:
        return d->way == IDEM_CONV_WEIGHT ? 0 : IDEM_CONV_SCALED;
    case DEPTH:
        return IDEM_CONV_RESIDUAL | IDEM_CONV_SLOPES | IDEM_CONV_LEAKY;
    case WINOGRAD:
        return IDEM_CONV_SCALED |
               (idem_winograd_whole(d) ? IDEM_CONV_RESIDUAL | IDEM_CONV_SLOPES | IDEM_CONV_LEAKY : 0);
    case DIRECT:
        return d->way == IDEM_CONV_FORWARD ? IDEM_CONV_LEAKY : 0;
    default:
        return 0;
    }
}

/* 0 or -1 */
static int choose(idem_convolution *c, const idem_conv_dims *d, idem_frozen weight, const char *name) {
    switch (kind_of(d, weight.values != NULL)) {
    case NARROW:
        if (!(c->narrow = idem_conv_narrow_new(d)))
            return -1;
        c->scratch = idem_conv_narrow_scratch(c->narrow);
        c->kernel = "narrow:gemm";
        break;
    case TAPS:
        if (!(c->taps = idem_conv_taps_new(d)))
            return -1;
        c->scratch = idem_conv_taps_scratch(c->taps);
        c->kernel = "taps:gemm";
        break;
    case POINT:
        if (!(c->point = idem_conv_point_new(d, weight, ANY_WIDTH)))
            return -1;
        c->scratch = idem_conv_point_scratch(c->point);
        c->kernel = idem_conv_point_kernel(c->point);
        break;
    case DEPTH:
        if (!(c->depth = idem_conv_depth_new(d, weight, ANY_WIDTH)))
            return -1;
        c->scratch = idem_conv_depth_scratch(c->depth);
        c->kernel = idem_conv_depth_kernel(c->depth);
        break;
    case WINOGRAD:
        if (!(c->winograd = idem_winograd_new(d, weight, ANY_WIDTH)))
            return -1;
        c->scratch = idem_winograd_scratch(c->winograd);
        c->kernel = idem_winograd_kernel(c->winograd);
        break;
    case WINOGRAD_WEIGHT:
        if (!(c->winograd_weight = idem_winograd_weight_new(d, ANY_WIDTH)))
            return -1;
        c->scratch = idem_winograd_weight_scratch(c->winograd_weight);
        c->kernel = idem_winograd_weight_kernel(c->winograd_weight);
        break;
    case DIRECT:
        if (!(c->direct = idem_dnn_conv(d, weight, name)))
            return -1;
        c->scratch = idem_dnn_scratch(c->direct);
        c->kernel = idem_dnn_kernel(c->direct);
        break;
    }
    return 0;
}

static int fill_slopes(idem_convolution *c, const idem_conv_dims *d) {
    int64_t channels = d->way == IDEM_CONV_DATA ? d->i : d->o;
    if (!(c->slope = malloc((size_t)channels * sizeof *c->slope)))
        return -1;
    for (int64_t i = 0; i < channels; i++)
        c->slope[i] = d->slope;
    return 0;
}

idem_convolution *idem_convolution_new(const idem_conv_dims *d, idem_frozen weight, const char *name) {
    idem_convolution *c = calloc(1, sizeof *c);
    if (!c)
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for a convolution", name);
    c->bias = d->bias;
    c->residual = d->residual;
    c->slopes = d->slopes;
    c->scaled = d->scaled;
    if (d->leaky && fill_slopes(c, d)) {
        free(c);
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for a convolution", name);
    }
    if (choose(c, d, weight, name)) {
        free(c->slope);
        free(c);
        return NULL;
    }
    return c;
}

void idem_convolution_free(idem_convolution *c) {
    if (!c)
        return;
    free(c->slope);
    idem_conv_point_free(c->point);
    idem_conv_depth_free(c->depth);
    idem_winograd_free(c->winograd);
    idem_winograd_weight_free(c->winograd_weight);
    idem_conv_taps_free(c->taps);
    idem_conv_narrow_free(c->narrow);
    idem_dnn_free(c->direct);
    free(c);
}

size_t idem_convolution_scratch(const idem_convolution *c) {
    return c->scratch;
}

bool idem_convolution_reads_weight(const idem_convolution *c) {
    return c->winograd ? idem_winograd_reads_weight(c->winograd)
           : c->direct ? idem_dnn_reads(c->direct, 1)
           : c->depth  ? idem_conv_depth_reads_weight(c->depth)
                       : !c->point;
}

const char *idem_convolution_kernel(const idem_convolution *c) {
    return c->kernel;
}

void idem_convolution_run(const idem_convolution *c, const float *const *in, float *out, void *scratch) {
    const float *const *more = in + 2;
    idem_conv_end end = {0};
    end.bias = c->bias ? *more++ : NULL;
    end.residual = c->residual ? *more++ : NULL;
    end.slope = c->slopes ? *more++ : c->slope;
    const float *factors = c->scaled ? *more : NULL;
    if (c->point)
        idem_conv_point_run(c->point, in[0], factors, &end, out, scratch);
    else if (c->depth)
        idem_conv_depth_run(c->depth, in[0], in[1], &end, out, scratch);
    else if (c->winograd)
        idem_winograd_run(c->winograd, in[0], in[1], factors, &end, out, scratch);
    else if (c->winograd_weight)
        idem_winograd_weight_run(c->winograd_weight, in[0], in[1], out, scratch);
    else if (c->taps)
        idem_conv_taps_run(c->taps, in, factors, out, scratch);
    else if (c->narrow)
        idem_conv_narrow_run(c->narrow, in[0], in[1], out, scratch);
    else
        idem_dnn_run(c->direct, in, out, scratch);
}
