#include "media/image.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/finite.h"
#include "base/log.h"
#include "base/status.h"
#include "format/bytes.h"
#include "media/codec.h"
#include "media/format.h"

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
        return idem_fail_as(IDEM_MEMORY, "no memory for a picture of %d x %d", width, height);
    *im = (idem_image){.width = width, .height = height, .rgb = rgb};
    return 0;
}

void idem_image_free(idem_image *im) {
    free(im->rgb);
    free(im->rgba);
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

void idem_image_log_notes(const idem_image *im, const char *path) {
    if (im->notes & IDEM_NOTE_TRANSPARENT)
        idem_log(IDEM_LOG_NOTE, "%s: is transparent in places: these are treated as white", path);
    if (im->notes & IDEM_NOTE_FRAMES)
        idem_log(IDEM_LOG_NOTE, "%s: holds several pictures: only the first is used", path);
    if (im->notes & IDEM_NOTE_PROFILE)
        idem_log(IDEM_LOG_NOTE, "%s: its colour profile cannot be used: its colours are treated as sRGB", path);
}

/* ---- what decoders give ---- */

void idem_decoded_free(idem_decoded *d) {
    free(d->pixels);
    free(d->profile);
    *d = (idem_decoded){0};
}

int idem_decoded_set_profile(idem_decoded *d, const void *bytes, size_t size, const char *what) {
    enum { HEADER = 128 };
    if (size < HEADER || size > IDEM_PROFILE_MAX) {
        d->notes |= IDEM_NOTE_PROFILE;
        return 0;
    }
    if (!(d->profile = malloc(size)))
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for its colour profile", what);
    memcpy(d->profile, bytes, size);
    d->profile_size = size;
    return 0;
}

static void over_white(uint8_t *rgb, const uint8_t *rgba) {
    unsigned alpha = rgba[3];
    for (int c = 0; c < 3; c++)
        rgb[c] = (uint8_t)((rgba[c] * alpha + 255 * (255 - alpha) + 127) / 255);
}

void idem_image_off_white(uint8_t *rgba, const uint8_t *rgb, const uint8_t *was, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint8_t white[3];
        over_white(white, was + 4 * i);
        memcpy(rgba + 4 * i, was + 4 * i, 4);
        int alpha = was[4 * i + 3];
        for (int c = 0; c < 3 && alpha; c++) {
            int value = 255 - ((255 - rgb[3 * i + c]) * 255 + alpha / 2) / alpha;
            if (rgb[3 * i + c] != white[c])
                rgba[4 * i + c] = (uint8_t)(value < 0 ? 0 : value);
        }
    }
}

static bool is_opaque(const uint8_t *rgba, size_t n) {
    uint8_t all = 255;
    for (size_t i = 0; i < n; i++)
        all &= rgba[4 * i + 3];
    return all == 255;
}

/* Moves the pixels into im; with `keep` also those of a transparent picture with their alpha. */
static int take_pixels(idem_image *im, idem_decoded *d, bool keep, const char *what) {
    size_t n = (size_t)d->width * (size_t)d->height;
    *im = (idem_image){.width = d->width, .height = d->height, .rgb = d->pixels, .notes = d->notes};
    d->pixels = NULL;
    if (d->channels == 3)
        return 0;
    if (!is_opaque(im->rgb, n)) {
        im->notes |= IDEM_NOTE_TRANSPARENT;
        if (keep) {
            im->rgba = im->rgb;
            if (!(im->rgb = malloc(n * 3)))
                return idem_fail_as(IDEM_MEMORY, "%s: no memory for a picture of %d x %d", what, d->width, d->height);
        }
    }
    const uint8_t *from = im->rgba ? im->rgba : im->rgb;
    for (size_t i = 0; i < n; i++)
        over_white(im->rgb + 3 * i, from + 4 * i);
    uint8_t *less = im->rgba ? NULL : realloc(im->rgb, n * 3);
    im->rgb = less ? less : im->rgb;
    return 0;
}

uint8_t *idem_image_turned(const uint8_t *in, int channels, int in_width, int in_height, int orientation) {
    enum { BLOCK = 64 }; /* rows, so that reading along columns stays in the cache */
    /* The source of upright pixel (x, y). Orientations 5 to 8 have the axes exchanged. */
    bool exchanged = orientation >= 5;
    int width = exchanged ? in_height : in_width, height = exchanged ? in_width : in_height;
    bool flip_column = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool flip_row = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    const size_t pixel = (size_t)channels;
    uint8_t *out = malloc((size_t)width * (size_t)height * pixel);
    for (int top = 0; out && top < height; top += BLOCK)
        for (int x = 0; x < width; x++)
            for (int y = top; y < height && y < top + BLOCK; y++) {
                int column = exchanged ? y : x, row = exchanged ? x : y;
                column = flip_column ? in_width - 1 - column : column;
                row = flip_row ? in_height - 1 - row : row;
                memcpy(out + ((size_t)y * (size_t)width + (size_t)x) * pixel,
                       in + ((size_t)row * (size_t)in_width + (size_t)column) * pixel, pixel);
            }
    return out;
}

static int turn(uint8_t **pixels, int channels, const idem_image *im, int orientation, const char *what) {
    uint8_t *up = idem_image_turned(*pixels, channels, im->width, im->height, orientation);
    if (!up)
        return idem_fail_as(IDEM_MEMORY, "%s: no memory for a picture of %d x %d", what, im->width, im->height);
    free(*pixels);
    *pixels = up;
    return 0;
}

static int turn_upright(idem_image *im, int orientation, const char *what) {
    if (orientation <= 1 || orientation > 8)
        return 0;
    if (turn(&im->rgb, 3, im, orientation, what) || (im->rgba && turn(&im->rgba, 4, im, orientation, what)))
        return -1;
    if (orientation >= 5) {
        int width = im->width;
        im->width = im->height;
        im->height = width;
    }
    return 0;
}

/* ---- files ---- */

static int parse(idem_decoded *d, const unsigned char *bytes, size_t size, const char *what, int least) {
    switch (idem_image_format(bytes, size)) {
    case IDEM_FORMAT_JPEG:
        return idem_jpeg_parse(d, bytes, size, what, least);
    case IDEM_FORMAT_PNG:
        return idem_png_parse(d, bytes, size, what);
    case IDEM_FORMAT_WEBP:
        return idem_webp_parse(d, bytes, size, what);
    case IDEM_FORMAT_HEIF:
        return idem_heif_parse(d, bytes, size, what);
    case IDEM_FORMAT_NONE:
        break;
    }
    if (size < 12)
        return idem_fail("%s: the file has %zu bytes, too few for a picture; expected a %s file", what, size,
                         IDEM_FORMATS);
    return idem_fail("%s: looks like %s, expected a %s file", what, idem_looks_like(bytes, size), IDEM_FORMATS);
}

typedef struct {
    int least;
    bool keep; /* transparency */
} wish;

static int parse_as(idem_image *im, const unsigned char *bytes, size_t size, const char *what, wish w, int *width,
                    int *height) {
    idem_decoded d = {0};
    *im = (idem_image){0};
    int status = parse(&d, bytes, size, what, w.least);
    if (!status && !d.whole_width) {
        d.whole_width = d.width;
        d.whole_height = d.height;
    }
    bool exchanged = d.orientation >= 5;
    *width = exchanged ? d.whole_height : d.whole_width;
    *height = exchanged ? d.whole_width : d.whole_height;
    if (!status)
        status =
            idem_colour_to_srgb(&d, what) || take_pixels(im, &d, w.keep, what) || turn_upright(im, d.orientation, what)
                ? -1
                : 0;
    if (status)
        idem_image_free(im);
    idem_decoded_free(&d);
    return status;
}

int idem_image_parse_reduced(idem_image *im, const unsigned char *bytes, size_t size, const char *what, int least,
                             int *width, int *height) {
    return parse_as(im, bytes, size, what, (wish){.least = least}, width, height);
}

int idem_image_parse(idem_image *im, const unsigned char *bytes, size_t size, const char *what) {
    int width, height;
    return idem_image_parse_reduced(im, bytes, size, what, 0, &width, &height);
}

int idem_image_parse_transparent(idem_image *im, const unsigned char *bytes, size_t size, const char *what) {
    int width, height;
    return parse_as(im, bytes, size, what, (wish){.keep = true}, &width, &height);
}

static int load_as(idem_image *im, const char *path, wish w, int *width, int *height) {
    unsigned char *bytes;
    size_t size;
    *im = (idem_image){0};
    if (idem_file_read(path, FILE_MAX, &bytes, &size) < 0)
        return -1;
    int status = parse_as(im, bytes, size, path, w, width, height);
    free(bytes);
    return status;
}

int idem_image_load_reduced(idem_image *im, const char *path, int least, int *width, int *height) {
    return load_as(im, path, (wish){.least = least}, width, height);
}

int idem_image_load(idem_image *im, const char *path) {
    int width, height;
    return load_as(im, path, (wish){0}, &width, &height);
}

int idem_image_load_transparent(idem_image *im, const char *path) {
    int width, height;
    return load_as(im, path, (wish){.keep = true}, &width, &height);
}

/* ---- floats ---- */

void idem_image_to_float(float *x, const idem_image *im, float lo, float hi) {
    float value[256];
    for (int i = 0; i < 256; i++)
        value[i] = (float)(lo + (double)i * ((double)hi - lo) / 255.0);
    size_t n = (size_t)im->width * (size_t)im->height * 3;
    for (size_t i = 0; i < n; i++)
        x[i] = value[im->rgb[i]];
}

void idem_image_quantise(float *x, size_t n) {
    for (size_t i = 0; i < n; i++) {
        float v = x[i] > 0 ? x[i] : 0;
        v = v < 1 ? v : 1;
        x[i] = floorf(v * 255 + 0.5f) / 255;
    }
}

int idem_image_from_float(idem_image *im, const float *x, int width, int height, float lo, float hi) {
    *im = (idem_image){0};
    if (!(hi > lo))
        return idem_fail("picture from floats: the range is [%g, %g], expected the second above the first", (double)lo,
                         (double)hi);
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
