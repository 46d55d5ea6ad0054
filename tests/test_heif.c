/* HEIC and AVIF by the plug-in: files are written here by libheif's own encoders, and give the pixels that JPEG, PNG
 * and WebP of the same picture give. Without libheif, or an encoder of it, there is nothing to test. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef TEST_HEIF
#include <libheif/heif.h>

#include "base/status.h"
#include "media/image.h"
#include "support/picture_chunks.h"
#include "support/pictures.h"

enum { W = 96, H = 64, LOSS = 5 /* of 255, at quality 95 */ };

static const enum heif_compression_format formats[] = {heif_compression_HEVC, heif_compression_AV1};
enum { FORMATS = sizeof formats / sizeof *formats };
static const char *const names[FORMATS] = {"a.heic", "a.avif"};

typedef struct {
    int channels; /* 3 or 4 */
    bool deep;    /* 10 bits */
    enum heif_orientation orientation;
    const unsigned char *exif; /* a TIFF block */
    size_t exif_size;
    const blob *profile;
    int primaries, transfer; /* 0: none */
    int copies;              /* pictures in the file */
} kind;

static void need(struct heif_error e) {
    if (e.code != heif_error_Ok)
        fail_msg("libheif: %s", e.message);
}

static struct heif_image *make_image(const kind *k, const uint8_t *pixels, int width, int height) {
    struct heif_image *im;
    int stride;
    need(heif_image_create(width, height, heif_colorspace_RGB,
                           k->deep            ? heif_chroma_interleaved_RRGGBB_LE
                           : k->channels == 4 ? heif_chroma_interleaved_RGBA
                                              : heif_chroma_interleaved_RGB,
                           &im));
    need(heif_image_add_plane(im, heif_channel_interleaved, width, height, k->deep ? 10 : 8));
    uint8_t *to = heif_image_get_plane(im, heif_channel_interleaved, &stride);
    for (int y = 0; y < height; y++)
        for (int i = 0; i < width * k->channels; i++) {
            const int v = pixels[y * width * k->channels + i];
            if (k->deep)
                put_number(to + y * stride + 2 * i, (uint32_t)(v << 2 | v >> 6), 2, false);
            else
                to[y * stride + i] = (uint8_t)v;
        }
    if (k->profile)
        need(heif_image_set_raw_color_profile(im, "prof", k->profile->data, k->profile->size));
    if (k->primaries) {
        struct heif_color_profile_nclx *nclx = heif_nclx_color_profile_alloc();
        nclx->color_primaries = (enum heif_color_primaries)k->primaries;
        nclx->transfer_characteristics = (enum heif_transfer_characteristics)k->transfer;
        need(heif_image_set_nclx_color_profile(im, nclx));
        heif_nclx_color_profile_free(nclx);
    }
    return im;
}

static struct heif_error write_blob(struct heif_context *context, const void *data, size_t size, void *user) {
    (void)context;
    blob_put(user, data, size);
    return (struct heif_error){heif_error_Ok, heif_suberror_Unspecified, "ok"};
}

static blob heif_encode(int format, const kind *k, const uint8_t *pixels, int width, int height) {
    blob out = {0};
    struct heif_context *context = heif_context_alloc();
    struct heif_encoder *encoder;
    need(heif_context_get_encoder_for_format(context, formats[format], &encoder));
    need(heif_encoder_set_lossy_quality(encoder, 95));
    if (k->deep) /* with which libheif 1.15 and its aom agree on a profile */
        need(heif_encoder_set_parameter(encoder, "chroma", "422"));
    struct heif_encoding_options *options = heif_encoding_options_alloc();
    options->image_orientation = k->orientation ? k->orientation : heif_orientation_normal;
    options->macOS_compatibility_workaround_no_nclx_profile = 0;
    struct heif_image *im = make_image(k, pixels, width, height);
    for (int i = 0; i < (k->copies ? k->copies : 1); i++) {
        struct heif_image_handle *handle;
        need(heif_context_encode_image(context, im, encoder, options, &handle));
        if (k->exif)
            need(heif_context_add_exif_metadata(context, handle, k->exif, (int)k->exif_size));
        if (i == 0)
            need(heif_context_set_primary_image(context, handle));
        heif_image_handle_release(handle);
    }
    struct heif_writer writer = {1, write_blob};
    need(heif_context_write(context, &writer, &out));
    heif_image_release(im);
    heif_encoding_options_free(options);
    heif_encoder_release(encoder);
    heif_context_free(context);
    return out;
}

static bool can_encode(int format) {
    struct heif_context *context = heif_context_alloc();
    struct heif_encoder *encoder = NULL;
    const bool can = heif_context_get_encoder_for_format(context, formats[format], &encoder).code == heif_error_Ok;
    if (encoder)
        heif_encoder_release(encoder);
    heif_context_free(context);
    if (!can)
        print_message("skipped: libheif has no encoder for %s\n", names[format]);
    return can;
}

static void smooth(uint8_t *pixels, int channels) {
    for (int i = 0; i < W * H; i++) {
        uint8_t *p = pixels + channels * i;
        p[0] = (uint8_t)(90 + i % W);
        p[1] = (uint8_t)(120 + i / W);
        p[2] = 130;
        if (channels == 4)
            p[3] = i % W < W / 2 ? 255 : 128;
    }
}

static void check(const blob *b, const char *what, int width, int height, const uint8_t *rgb, unsigned notes) {
    assert_file(b, what, width, height, rgb, LOSS, notes);
}

/* The same picture with the same profile as PNG is what the others are measured by. */
static void same_as_other_formats(void **state) {
    (void)state;
    uint8_t rgb[W * H * 3];
    smooth(rgb, 3);
    blob profile = p3_profile();
    for (int with = 0; with < 2; with++) {
        idem_image png;
        for (int format = FILE_FORMATS - 1; format >= 0; format--) {
            blob b = file_encode(format, rgb, W, H);
            if (with)
                file_add_profile(format, &b, profile.data, profile.size);
            if (format == FILE_PNG)
                assert_int_equal(idem_image_parse(&png, b.data, b.size, "a.png"), 0);
            free(b.data);
        }
        for (int f = 0; f < FORMATS; f++) {
            if (!can_encode(f))
                continue;
            const kind k = {.channels = 3, .profile = with ? &profile : NULL};
            blob b = heif_encode(f, &k, rgb, W, H);
            check(&b, names[f], W, H, png.rgb, 0);
            free(b.data);
        }
        idem_image_free(&png);
    }
    free(profile.data);
}

/* The colours of H.273 without a profile: Display P3, and one that no screen here shows. */
static void colours_by_number(void **state) {
    (void)state;
    static const unsigned char p3[4] = {12, 13, 0, 1};
    uint8_t rgb[W * H * 3];
    smooth(rgb, 3);
    blob b = file_encode(FILE_PNG, rgb, W, H);
    file_add_png_chunk(&b, "cICP", p3, 4);
    idem_image png;
    assert_int_equal(idem_image_parse(&png, b.data, b.size, "p3.png"), 0);
    free(b.data);
    assert_true(abs(png.rgb[0] - rgb[0]) > LOSS + 1);
    for (int f = 0; f < FORMATS; f++) {
        if (!can_encode(f))
            continue;
        kind k = {.channels = 3, .primaries = 12, .transfer = 13};
        b = heif_encode(f, &k, rgb, W, H);
        check(&b, names[f], W, H, png.rgb, 0);
        free(b.data);
        k.primaries = 9;
        k.transfer = 16;
        b = heif_encode(f, &k, rgb, W, H);
        check(&b, names[f], W, H, rgb, IDEM_NOTE_PROFILE);
        free(b.data);
    }
    idem_image_free(&png);
}

/* Turned by the file's own irot and imir, once: EXIF says the same again. */
static void turned_once(void **state) {
    (void)state;
    uint8_t upright[W * H * 3], stored[W * H * 3];
    smooth(upright, 3);
    /* EXIF's 6: the first row is the right side of the upright picture, the first column its top. */
    for (int x = 0; x < W; x++)
        for (int y = 0; y < H; y++)
            memcpy(stored + ((W - 1 - x) * H + y) * 3, upright + (y * W + x) * 3, 3);
    unsigned char block[64];
    const size_t size = tiff_block(block, 6, false, false);
    for (int f = 0; f < FORMATS; f++) {
        if (!can_encode(f))
            continue;
        kind k = {.channels = 3, .orientation = heif_orientation_rotate_90_cw, .exif = block, .exif_size = size};
        blob b = heif_encode(f, &k, stored, H, W);
        check(&b, names[f], W, H, upright, 0);
        free(b.data);
    }
}

static void transparent_deep_or_several(void **state) {
    (void)state;
    uint8_t rgba[W * H * 4], rgb[W * H * 3], white[W * H * 3];
    smooth(rgba, 4);
    smooth(rgb, 3);
    for (int i = 0; i < W * H * 3; i++) {
        const int alpha = rgba[i / 3 * 4 + 3];
        white[i] = (uint8_t)((rgb[i] * alpha + 255 * (255 - alpha) + 127) / 255);
    }
    for (int f = 0; f < FORMATS; f++) {
        if (!can_encode(f))
            continue;
        kind k = {.channels = 4};
        blob b = heif_encode(f, &k, rgba, W, H);
        check(&b, names[f], W, H, white, IDEM_NOTE_TRANSPARENT);
        free(b.data);
        k = (kind){.channels = 3, .copies = 2};
        b = heif_encode(f, &k, rgb, W, H);
        check(&b, names[f], W, H, rgb, IDEM_NOTE_FRAMES);
        free(b.data);
        if (formats[f] == heif_compression_HEVC) /* Debian's x265 writes 8 bits alone */
            continue;
        k = (kind){.channels = 3, .deep = true};
        b = heif_encode(f, &k, rgb, W, H);
        check(&b, names[f], W, H, rgb, 0);
        free(b.data);
    }
}

/* Every length, and a damaged byte anywhere in the boxes, of an exact copy: refused with the file's name, or read. */
static void damaged(void **state) {
    (void)state;
    enum { BOXES = 420 };
    uint8_t rgb[W * H * 3];
    smooth(rgb, 3);
    for (int f = 0; f < FORMATS; f++) {
        if (!can_encode(f))
            continue;
        const kind k = {.channels = 3};
        blob b = heif_encode(f, &k, rgb, W, H);
        for (size_t i = 0; i < b.size && i < 2 * BOXES; i++) {
            const bool cut = i < BOXES;
            const size_t size = cut ? b.size * i / BOXES : b.size;
            unsigned char *copy = malloc(size + !size);
            memcpy(copy, b.data, size);
            if (!cut)
                copy[i - BOXES] ^= (unsigned char)(1 << i % 8);
            idem_image im;
            if (idem_image_parse(&im, copy, size, "bad.heic") < 0)
                assert_non_null(strstr(idem_error(), "bad.heic"));
            idem_image_free(&im);
            free(copy);
        }
        /* A size that no memory holds. */
        unsigned char *ispe = memmem(b.data, b.size, "ispe", 4);
        assert_non_null(ispe);
        put_number(ispe + 8, 30000, 4, true);
        put_number(ispe + 12, 30000, 4, true);
        idem_image im;
        assert_int_equal(idem_image_parse(&im, b.data, b.size, "bad.heic"), -1);
        assert_null(im.rgb);
        free(b.data);
    }
}

int main(void) {
    heif_init(NULL);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_as_other_formats),
        cmocka_unit_test(colours_by_number),
        cmocka_unit_test(turned_once),
        cmocka_unit_test(transparent_deep_or_several),
        cmocka_unit_test(damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
static void no_libheif(void **state) {
    (void)state;
    print_message("skipped: idem was built without libheif\n");
    skip();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_libheif)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
