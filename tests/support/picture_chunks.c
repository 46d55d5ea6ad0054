#include "support/picture_chunks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lcms2.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include "base/status.h"
#include "media/image.h"
#include "support/pictures.h"

blob file_encode(int format, const uint8_t *rgb, int width, int height) {
    blob b = {0};
    if (format == FILE_JPEG) {
        const jpeg_kind kind = {JCS_RGB, JCS_YCbCr, 100, false, 0, NULL, 0};
        return jpeg_write(&kind, rgb, width, height);
    }
    if (format == FILE_PNG) {
        const idem_image im = {.width = width, .height = height, .rgb = (uint8_t *)rgb};
        if (idem_image_encode_png(&im, NULL, &b.data, &b.size))
            abort();
        return b;
    }
    uint8_t *out = NULL;
    const size_t size = WebPEncodeLosslessRGB(rgb, width, height, width * 3, &out);
    blob_put(&b, out, size);
    WebPFree(out);
    return b;
}

blob png_rgba(const uint8_t *rgba, int width, int height) {
    blob b = {0};
    png_image im = {.version = PNG_IMAGE_VERSION,
                    .width = (png_uint_32)width,
                    .height = (png_uint_32)height,
                    .format = PNG_FORMAT_RGBA};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(im);
    b.data = malloc(size);
    if (!png_image_write_to_memory(&im, b.data, &size, 0, rgba, 0, NULL))
        abort();
    b.size = size;
    return b;
}

size_t tiff_block(unsigned char *t, uint32_t orientation, bool big, bool is_long) {
    memset(t, 0, 64);
    memcpy(t, big ? "MM" : "II", 2);
    put_number(t + 2, 42, 2, big);
    put_number(t + 4, 12, 4, big); /* the folder's place: behind a gap of 4 */
    memset(t + 8, 0xee, 4);
    put_number(t + 12, orientation ? 2 : 1, 2, big);
    put_number(t + 14, 0x0100, 2, big);
    put_number(t + 16, 4, 2, big);
    put_number(t + 18, 1, 4, big);
    put_number(t + 22, 99, 4, big);
    if (!orientation)
        return 26 + 4;
    put_number(t + 26, 0x0112, 2, big);
    put_number(t + 28, is_long ? 4 : 3, 2, big);
    put_number(t + 30, 1, 4, big);
    put_number(t + 34, orientation, is_long ? 4 : 2, big);
    return 38 + 4;
}

/* Puts n bytes at `at`. */
static void insert(blob *b, size_t at, const blob *what) {
    blob out = {0};
    blob_put(&out, b->data, at);
    blob_put(&out, what->data, what->size);
    blob_put(&out, b->data + at, b->size - at);
    free(b->data);
    *b = out;
}

static void add_segment(blob *jpeg, int marker, const char *head, size_t head_size, const unsigned char *data,
                        size_t size) {
    unsigned char start[4] = {0xff, (unsigned char)marker};
    blob segment = {0};
    put_number(start + 2, (uint32_t)(2 + head_size + size), 2, true);
    blob_put(&segment, start, 4);
    blob_put(&segment, (const unsigned char *)head, head_size);
    blob_put(&segment, data, size);
    insert(jpeg, 2, &segment);
    free(segment.data);
}

void file_add_png_chunk(blob *png, const char *name, const unsigned char *data, size_t size) {
    enum { BEHIND_HEADER = 33 };
    unsigned char number[4];
    blob chunk = {0};
    put_number(number, (uint32_t)size, 4, true);
    blob_put(&chunk, number, 4);
    blob_put(&chunk, (const unsigned char *)name, 4);
    blob_put(&chunk, data, size);
    put_number(number, crc32_of(chunk.data + 4, size + 4), 4, true);
    blob_put(&chunk, number, 4);
    insert(png, BEHIND_HEADER, &chunk);
    free(chunk.data);
}

static void add_webp_chunk(blob *webp, const char *name, const unsigned char *data, size_t size) {
    const WebPData file = {webp->data, webp->size}, chunk = {data, size};
    WebPData out = {0};
    WebPMux *mux = WebPMuxCreate(&file, 1);
    if (!mux || WebPMuxSetChunk(mux, name, &chunk, 1) != WEBP_MUX_OK || WebPMuxAssemble(mux, &out) != WEBP_MUX_OK)
        abort();
    WebPMuxDelete(mux);
    webp->size = 0;
    blob_put(webp, out.bytes, out.size);
    WebPDataClear(&out);
}

void file_add_exif(int format, blob *file, const unsigned char *block, size_t size, bool prefix) {
    blob with = {0};
    if (prefix && format != FILE_JPEG)
        blob_put(&with, (const unsigned char *)"Exif\0\0", 6);
    blob_put(&with, block, size);
    if (format == FILE_JPEG)
        add_segment(file, 0xe1, "Exif\0\0", 6, with.data, with.size);
    else if (format == FILE_PNG)
        file_add_png_chunk(file, "eXIf", with.data, with.size);
    else
        add_webp_chunk(file, "EXIF", with.data, with.size);
    free(with.data);
}

/* A zlib stream of stored blocks. */
static void put_stored(blob *b, const unsigned char *data, size_t size) {
    uint32_t one = 1, two = 0;
    blob_put(b, (const unsigned char *)"\x78\x01", 2);
    for (size_t at = 0; at < size;) {
        const size_t n = size - at < 65535 ? size - at : 65535;
        const unsigned char head[5] = {at + n == size, n & 255, (unsigned char)(n >> 8), ~n & 255,
                                       (unsigned char)(~n >> 8)};
        blob_put(b, head, 5);
        blob_put(b, data + at, n);
        at += n;
    }
    for (size_t i = 0; i < size; i++) {
        one = (one + data[i]) % 65521;
        two = (two + one) % 65521;
    }
    unsigned char sum[4];
    put_number(sum, two << 16 | one, 4, true);
    blob_put(b, sum, 4);
}

void file_add_profile(int format, blob *file, const unsigned char *profile, size_t size) {
    enum { PART = 60000 };
    if (format == FILE_JPEG) {
        const size_t parts = (size + PART - 1) / PART;
        for (size_t i = parts; i-- > 0;) { /* the last goes in first */
            char head[14] = "ICC_PROFILE";
            head[12] = (char)(i + 1);
            head[13] = (char)parts;
            const size_t n = size - i * PART < PART ? size - i * PART : PART;
            add_segment(file, 0xe2, head, sizeof head, profile + i * PART, n);
        }
    } else if (format == FILE_PNG) {
        blob data = {0};
        blob_put(&data, (const unsigned char *)"x\0\0", 3);
        put_stored(&data, profile, size);
        file_add_png_chunk(file, "iCCP", data.data, data.size);
        free(data.data);
    } else {
        add_webp_chunk(file, "ICCP", profile, size);
    }
}

blob profile_bytes(void *profile) {
    blob b = {0};
    cmsUInt32Number size = 0;
    assert_non_null(profile);
    assert_true(cmsSaveProfileToMem(profile, NULL, &size));
    b.data = malloc(size);
    b.size = size;
    assert_true(cmsSaveProfileToMem(profile, b.data, &size));
    cmsCloseProfile(profile);
    return b;
}

blob p3_profile(void) {
    static const cmsCIExyY white = {0.3127, 0.3290, 1};
    static const cmsCIExyYTRIPLE primaries = {{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}};
    static const cmsFloat64Number p[5] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
    cmsToneCurve *curve = cmsBuildParametricToneCurve(NULL, 4, p);
    cmsHPROFILE profile = cmsCreateRGBProfile(&white, &primaries, (cmsToneCurve *const[]){curve, curve, curve});
    cmsFreeToneCurve(curve);
    return profile_bytes(profile);
}

void assert_file(const blob *b, const char *what, int width, int height, const uint8_t *rgb, int tolerance,
                 unsigned notes) {
    idem_image im;
    if (idem_image_parse(&im, b->data, b->size, what) < 0)
        fail_msg("%s", idem_error());
    assert_pixels(&im, width, height, rgb, tolerance);
    if (im.notes != notes)
        fail_msg("%s: notes are %u, expected %u", what, im.notes, notes);
    idem_image_free(&im);
}
