#include "media/image.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/finite.h"
#include "base/status.h"
#include "format/bytes.h"
#include "media/codec.h"

static const size_t FILE_MAX = (size_t)1 << 30;

int idem_image_check_size(uint64_t width, uint64_t height, const char *what) {
    if (width == 0 || height == 0 || width > IDEM_IMAGE_MAX_PIXELS || height > IDEM_IMAGE_MAX_PIXELS ||
        width * height > IDEM_IMAGE_MAX_PIXELS)
        return idem_fail("%s: the picture is %llu x %llu, expected 1 to %d pixels in all", what,
                         (unsigned long long)width, (unsigned long long)height, IDEM_IMAGE_MAX_PIXELS);
    return 0;
}

int idem_image_new(idem_image *im, int width, int height) {
    *im = (idem_image){0};
    if (width < 0 || height < 0)
        return idem_fail("a picture of %d x %d cannot be made: sides must be positive", width, height);
    if (idem_image_check_size((uint64_t)width, (uint64_t)height, "new picture") < 0)
        return -1;
    uint8_t *rgb = calloc((size_t)width * (size_t)height, 3);
    if (!rgb)
        return idem_fail("no memory for a picture of %d x %d", width, height);
    *im = (idem_image){width, height, rgb};
    return 0;
}

void idem_image_free(idem_image *im) {
    free(im->rgb);
    *im = (idem_image){0};
}

int idem_image_cut(idem_image *out, const idem_image *in, int left, int top, int width, int height) {
    if (idem_image_new(out, width, height))
        return -1;
    const size_t row = (size_t)width * 3, stride = (size_t)in->width * 3;
    for (int y = 0; y < height; y++)
        memcpy(out->rgb + (size_t)y * row, in->rgb + (size_t)(top + y) * stride + (size_t)left * 3, row);
    return 0;
}

int idem_image_parse(idem_image *im, const unsigned char *bytes, size_t size, const char *what) {
    int width, height;
    return idem_image_parse_reduced(im, bytes, size, what, 0, &width, &height);
}

static int parse_whole(idem_image *im, const unsigned char *bytes, size_t size, const char *what) {
    static const unsigned char png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (size >= sizeof png && memcmp(bytes, png, sizeof png) == 0)
        return idem_png_parse(im, bytes, size, what);
    if (size >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0)
        return idem_webp_parse(im, bytes, size, what);
    if (size < 12)
        return idem_fail("%s: the file has %zu bytes, too few for a picture; expected PNG, JPEG or WebP", what, size);
    return idem_fail("%s: looks like %s, expected a PNG, JPEG or WebP file", what, idem_looks_like(bytes, size));
}

int idem_image_parse_reduced(idem_image *im, const unsigned char *bytes, size_t size, const char *what, int least,
                             int *width, int *height) {
    *im = (idem_image){0};
    if (size >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff)
        return idem_jpeg_parse(im, bytes, size, what, least, width, height);
    int status = parse_whole(im, bytes, size, what);
    *width = im->width;
    *height = im->height;
    return status;
}

int idem_image_load_reduced(idem_image *im, const char *path, int least, int *width, int *height) {
    unsigned char *bytes;
    size_t size;
    *im = (idem_image){0};
    if (idem_file_read(path, FILE_MAX, &bytes, &size) < 0)
        return -1;
    int status = idem_image_parse_reduced(im, bytes, size, path, least, width, height);
    free(bytes);
    return status;
}

int idem_image_load(idem_image *im, const char *path) {
    int width, height;
    return idem_image_load_reduced(im, path, 0, &width, &height);
}

void idem_image_over_white(uint8_t *out, const uint8_t *rgba, size_t n) {
    for (size_t i = 0; i < n; i++) {
        unsigned alpha = rgba[4 * i + 3];
        for (int c = 0; c < 3; c++)
            out[3 * i + c] = (uint8_t)((rgba[4 * i + c] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
}

void idem_image_to_float(float *x, const idem_image *im, float lo, float hi) {
    float value[256];
    for (int i = 0; i < 256; i++)
        value[i] = (float)(lo + (double)i * ((double)hi - lo) / 255.0);
    size_t n = (size_t)im->width * (size_t)im->height * 3;
    for (size_t i = 0; i < n; i++)
        x[i] = value[im->rgb[i]];
}

int idem_image_from_float(idem_image *im, const float *x, int width, int height, float lo, float hi) {
    *im = (idem_image){0};
    if (!(hi > lo))
        return idem_fail("picture from floats: the range is [%g, %g], expected the second above the first", lo, hi);
    if (idem_image_new(im, width, height) < 0)
        return -1;
    size_t n = (size_t)width * (size_t)height * 3;
    if (idem_check_finite(x, n, "picture from floats: what made them")) {
        idem_image_free(im);
        return -1;
    }
    float scale = 255.0f / (hi - lo);
    for (size_t i = 0; i < n; i++) {
        float v = (x[i] - lo) * scale;
        v = v > 0.0f ? v : 0.0f;
        v = v < 255.0f ? v : 255.0f;
        im->rgb[i] = (uint8_t)(v + 0.5f);
    }
    return 0;
}
