#include "engine/conv.h"

#include <stdlib.h>

#include "engine/conv_taps.h"
#include "engine/dnn.h"
#include "engine/winograd.h"
#include "engine/winograd_weight.h"

enum { ANY_WIDTH = 16 };

/* One of the four. */
struct idem_convolution {
    idem_winograd *winograd;
    idem_winograd_weight *winograd_weight;
    idem_conv_taps *taps;
    idem_dnn *direct;
};

idem_convolution *idem_convolution_new(const idem_conv_dims *d, idem_frozen weight, const char *name) {
    idem_convolution *c = calloc(1, sizeof *c);
    if (!c)
        return idem_fail_null("%s: out of memory for a convolution", name);
    if (idem_conv_taps_pays(d, weight.values != NULL))
        c->taps = idem_conv_taps_new(d);
    else if (idem_winograd_pays(d, weight.values != NULL))
        c->winograd = idem_winograd_new(d, weight, ANY_WIDTH);
    else if (idem_winograd_weight_pays(d))
        c->winograd_weight = idem_winograd_weight_new(d, ANY_WIDTH);
    else
        c->direct = idem_dnn_conv(d, weight, name);
    if (c->taps || c->winograd || c->winograd_weight || c->direct)
        return c;
    free(c);
    return NULL;
}

void idem_convolution_free(idem_convolution *c) {
    if (!c)
        return;
    idem_winograd_free(c->winograd);
    idem_winograd_weight_free(c->winograd_weight);
    idem_conv_taps_free(c->taps);
    idem_dnn_free(c->direct);
    free(c);
}

size_t idem_convolution_scratch(const idem_convolution *c) {
    if (c->taps)
        return idem_conv_taps_scratch(c->taps);
    if (c->winograd)
        return idem_winograd_scratch(c->winograd);
    return c->winograd_weight ? idem_winograd_weight_scratch(c->winograd_weight) : idem_dnn_scratch(c->direct);
}

void idem_convolution_run(const idem_convolution *c, const float *const *in, float *out, void *scratch) {
    if (c->taps)
        idem_conv_taps_run(c->taps, in, out, scratch);
    else if (c->winograd)
        idem_winograd_run(c->winograd, in, out, scratch);
    else if (c->winograd_weight)
        idem_winograd_weight_run(c->winograd_weight, in[0], in[1], out, scratch);
    else
        idem_dnn_run(c->direct, in, out, scratch);
}

const char *idem_convolution_kernel(const idem_convolution *c) {
    if (c->taps)
        return "taps:gemm";
    if (c->winograd)
        return idem_winograd_kernel(c->winograd);
    return c->winograd_weight ? idem_winograd_weight_kernel(c->winograd_weight) : idem_dnn_kernel(c->direct);
}
