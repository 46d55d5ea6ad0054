#include <stdint.h>

#include <stdlib.h>
#include <webp/decode.h>

#include "base/status.h"
#include "media/codec.h"

static const char *reason(VP8StatusCode code) {
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return "no memory";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return "a feature the decoder does not know";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return "the data ends too early";
    default:
        return "the data is damaged";
    }
}

int idem_webp_parse(idem_image *im, const unsigned char *bytes, size_t size, const char *what) {
    WebPBitstreamFeatures features;
    VP8StatusCode code = WebPGetFeatures(bytes, size, &features);
    if (code != VP8_STATUS_OK)
        return idem_fail("%s: not a readable WebP header: %s", what, reason(code));
    if (features.has_animation)
        return idem_fail("%s: the WebP file is an animation, expected a still picture", what);
    if (idem_image_check_size((uint64_t)features.width, (uint64_t)features.height, what) < 0)
        return -1;
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return idem_fail("the WebP library has another version than the one idem was built for");
    size_t pixels = (size_t)features.width * (size_t)features.height;
    int channels = features.has_alpha ? 4 : 3;
    uint8_t *out = malloc(pixels * (size_t)channels);
    if (!out)
        return idem_fail("%s: no memory for a picture of %d x %d", what, features.width, features.height);
    config.output.colorspace = features.has_alpha ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = out;
    config.output.u.RGBA.stride = features.width * channels;
    config.output.u.RGBA.size = pixels * (size_t)channels;
    code = WebPDecode(bytes, size, &config);
    WebPFreeDecBuffer(&config.output);
    if (code != VP8_STATUS_OK) {
        free(out);
        return idem_fail("%s: the WebP picture cannot be decoded: %s", what, reason(code));
    }
    if (features.has_alpha) {
        idem_image_over_white(out, out, pixels);
        uint8_t *less = realloc(out, pixels * 3);
        out = less ? less : out;
    }
    *im = (idem_image){features.width, features.height, out};
    return 0;
}
