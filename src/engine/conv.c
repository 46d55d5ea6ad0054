#include "engine/conv.h"

#include <stdlib.h>

#include "engine/conv_narrow.h"
#include "engine/conv_taps.h"
#include "engine/dnn.h"
#include "engine/winograd.h"
#include "engine/winograd_weight.h"

enum { ANY_WIDTH = 16 };

/* One of these is not NULL. */
struct idem_convolution {
    idem_winograd *winograd;
    idem_winograd_weight *winograd_weight;
    idem_conv_taps *taps;
    idem_conv_narrow *narrow;
    idem_dnn *direct;
    size_t scratch;
    const char *kernel;
};

/* 0 or -1 */
static int choose(idem_convolution *c, const idem_conv_dims *d, idem_frozen weight, const char *name) {
    bool frozen = weight.values != NULL;
    if (idem_conv_narrow_pays(d)) {
        if (!(c->narrow = idem_conv_narrow_new(d)))
            return -1;
        c->scratch = idem_conv_narrow_scratch(c->narrow);
        c->kernel = "narrow:gemm";
    } else if (idem_conv_taps_pays(d, frozen)) {
        if (!(c->taps = idem_conv_taps_new(d)))
            return -1;
        c->scratch = idem_conv_taps_scratch(c->taps);
        c->kernel = "taps:gemm";
    } else if (idem_winograd_pays(d, frozen)) {
        if (!(c->winograd = idem_winograd_new(d, weight, ANY_WIDTH)))
            return -1;
        c->scratch = idem_winograd_scratch(c->winograd);
        c->kernel = idem_winograd_kernel(c->winograd);
    } else if (idem_winograd_weight_pays(d)) {
        if (!(c->winograd_weight = idem_winograd_weight_new(d, ANY_WIDTH)))
            return -1;
        c->scratch = idem_winograd_weight_scratch(c->winograd_weight);
        c->kernel = idem_winograd_weight_kernel(c->winograd_weight);
    } else {
        if (!(c->direct = idem_dnn_conv(d, weight, name)))
            return -1;
        c->scratch = idem_dnn_scratch(c->direct);
        c->kernel = idem_dnn_kernel(c->direct);
    }
    return 0;
}

idem_convolution *idem_convolution_new(const idem_conv_dims *d, idem_frozen weight, const char *name) {
    idem_convolution *c = calloc(1, sizeof *c);
    if (!c)
        return idem_fail_null("%s: out of memory for a convolution", name);
    if (choose(c, d, weight, name)) {
        free(c);
        return NULL;
    }
    return c;
}

void idem_convolution_free(idem_convolution *c) {
    if (!c)
        return;
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

const char *idem_convolution_kernel(const idem_convolution *c) {
    return c->kernel;
}

void idem_convolution_run(const idem_convolution *c, const float *const *in, float *out, void *scratch) {
    if (c->winograd)
        idem_winograd_run(c->winograd, in, out, scratch);
    else if (c->winograd_weight)
        idem_winograd_weight_run(c->winograd_weight, in[0], in[1], out, scratch);
    else if (c->taps)
        idem_conv_taps_run(c->taps, in, out, scratch);
    else if (c->narrow)
        idem_conv_narrow_run(c->narrow, in[0], in[1], out, scratch);
    else
        idem_dnn_run(c->direct, in, out, scratch);
}
