#include "model/convert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "format/onnx_weights.h"
#include "model/model.h"
#include "nets/stylegan2_export.h"
#include "nets/stylegan2_spread.h"

static bool ends_in(const char *path, const char *suffix) {
    size_t n = strlen(path), m = strlen(suffix);
    return n > m && !strcmp(path + n - m, suffix);
}

idem_convert_kind idem_convert_kind_of(const char *path) {
    if (ends_in(path, ".safetensors"))
        return IDEM_CONVERT_SAFETENSORS;
    return ends_in(path, ".pt") || ends_in(path, ".pth") ? IDEM_CONVERT_TORCH : IDEM_CONVERT_UNKNOWN;
}

static idem_weights *load_onnx(const char *path) {
    idem_onnx *m;
    if (idem_onnx_load(&m, path))
        return NULL;
    idem_weights *w = idem_onnx_weights(m, path);
    idem_onnx_free(m);
    return w;
}

static idem_weights *load(const char *path) {
    bool onnx;
    if (idem_onnx_is(path, &onnx))
        return NULL;
    if (onnx)
        return load_onnx(path);
    idem_weights *w;
    if (idem_weights_load(&w, path))
        return NULL;
    idem_weights_unwrap(w);
    return w;
}

/* Programs that read StyleGAN2 checkpoints expect one layout. */
static int save_torch(const idem_weights *w, const char *from, const char *to, idem_dtype dtype) {
    if (!idem_weights_find(w, "synthesis.b4.const") && !idem_weights_find(w, "input.input"))
        return idem_torch_save(w, to, dtype, NULL);
    idem_weights *generator = idem_stylegan2_export(w);
    if (!generator)
        return idem_fail_more("%s: %s", from, idem_error());
    int status = idem_torch_save(generator, to, dtype, "g_ema");
    idem_weights_free(generator);
    return status;
}

static int add_frame(idem_weights *w, const idem_conversion *c) {
    idem_model *m = idem_model_open(c->from);
    const int status = !m || idem_model_load_frozen(m, c->models) || idem_frame_store(idem_model_frame(m), w) ? -1 : 0;
    idem_model_free(m);
    return status;
}

static int add_metadata(idem_weights *w, const idem_conversion *c) {
    return (c->licence && idem_weights_set_meta(w, "licence", c->licence)) ||
                   (c->origin && idem_weights_set_meta(w, "origin", c->origin)) || (c->frame && add_frame(w, c))
               ? -1
               : 0;
}

/* The file stores the total factor. */
static int spread(idem_weights *w, const idem_conversion *c) {
    if (c->spread == 1)
        return 0;
    const char *before = idem_weights_meta(w, "spread");
    char text[32], *end = text;
    const double earlier = before ? strtod(before, &end) : 1;
    if (before && (end == before || *end || !isfinite(earlier) || earlier <= 0))
        return idem_fail("%s: metadata \"spread\" is \"%s\", expected a number above 0", c->from, before);
    snprintf(text, sizeof text, "%.9g", c->spread * earlier);
    if (idem_stylegan2_spread(w, c->spread))
        return idem_fail_more("%s: %s", c->from, idem_error());
    return idem_weights_set_meta(w, "spread", text);
}

int idem_weights_convert(const idem_conversion *c, size_t *tensors) {
    idem_weights *w = load(c->from);
    if (!w)
        return -1;
    idem_dtype dtype = c->half ? IDEM_DTYPE_F16 : IDEM_DTYPE_F32;
    int status;
    if (!idem_weights_count(w))
        status = idem_fail("%s: there are no tensors in it", c->from);
    else if (spread(w, c))
        status = -1;
    else if (idem_convert_kind_of(c->to) == IDEM_CONVERT_TORCH)
        status = save_torch(w, c->from, c->to, dtype);
    else
        status = add_metadata(w, c) || idem_weights_save(w, c->to, dtype) ? -1 : 0;
    if (tensors)
        *tensors = idem_weights_count(w);
    idem_weights_free(w);
    return status;
}
