/* src/media: reading and writing pictures. Files of every kind are made here with the format's own
 * library and compared with values worked out from the format's definition. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <webp/encode.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/status.h"
#include "media/image.h"
#include "support/pictures.h"

static void assert_refused(const blob *b, const char *words) {
    idem_image im;
    idem_error_clear();
    assert_int_equal(idem_image_parse(&im, b->data, b->size, "test.bin"), -1);
    assert_null(im.rgb);
    if (!strstr(idem_error(), "test.bin") || !strstr(idem_error(), words))
        fail_msg("message is \"%s\", expected the file's name and \"%s\"", idem_error(), words);
}

/* ---- PNG ---- */

static uint8_t over_white(double value, double alpha) {
    return (uint8_t)floor(value * alpha + 255 * (1 - alpha) + 0.5);
}

static void png_kind_round_trip(const png_kind *k) {
    int channels = channels_of(k->colour_type);
    idem_rng r = idem_rng_make(2, "png");
    uint16_t samples[PNG_SIDE_Y * PNG_SIDE_X * 4];
    for (int i = 0; i < PNG_SIDE_X * PNG_SIDE_Y * channels; i++)
        samples[i] = (uint16_t)idem_rng_below(&r, 1u << k->depth);
    for (int i = 0; i < channels; i++) /* the transparent colour more than once */
        samples[5 * channels + i] = samples[i];
    png_color palette[256];
    png_byte palette_alpha[256];
    for (int i = 0; i < 256; i++) {
        palette[i] = (png_color){(png_byte)idem_rng_below(&r, 256), (png_byte)idem_rng_below(&r, 256),
                                 (png_byte)idem_rng_below(&r, 256)};
        palette_alpha[i] = (png_byte)idem_rng_below(&r, 256);
    }
    uint8_t expected[PNG_SIDE_X * PNG_SIDE_Y * 3];
    double top = (1 << k->depth) - 1;
    for (int i = 0; i < PNG_SIDE_X * PNG_SIDE_Y; i++) {
        const uint16_t *s = samples + i * channels;
        bool colour = k->colour_type & PNG_COLOR_MASK_COLOR;
        bool is_key = s[0] == samples[0] && (channels < 3 || (s[1] == samples[1] && s[2] == samples[2]));
        for (int c = 0; c < 3; c++) {
            double value = floor((colour && channels >= 3 ? s[c] : s[0]) / top * 255 + 0.5), alpha = 1;
            if (k->colour_type & PNG_COLOR_MASK_ALPHA)
                alpha = floor(s[channels - 1] / top * 255 + 0.5) / 255;
            else if (k->colour_type == PNG_COLOR_TYPE_PALETTE) {
                value = c == 0 ? palette[s[0]].red : c == 1 ? palette[s[0]].green : palette[s[0]].blue;
                alpha = k->transparent_key ? palette_alpha[s[0]] / 255.0 : 1;
            } else if (k->transparent_key && is_key)
                alpha = 0;
            expected[3 * i + c] = over_white(value, alpha);
        }
    }
    blob b = png_write(k, samples, palette, palette_alpha);
    idem_image im;
    if (idem_image_parse(&im, b.data, b.size, "kind.png") < 0)
        fail_msg("colour type %d, depth %d: %s", k->colour_type, k->depth, idem_error());
    assert_pixels(&im, PNG_SIDE_X, PNG_SIDE_Y, expected, 0);
    idem_image_free(&im);
    free(b.data);
}

static void png_of_every_kind(void **state) {
    (void)state;
    static const int types[5] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_PALETTE, PNG_COLOR_TYPE_GRAY_ALPHA,
                                 PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
    int kinds = 0;
    for (int t = 0; t < 5; t++) {
        for (int depth = 1; depth <= 16; depth *= 2) {
            if ((types[t] == PNG_COLOR_TYPE_PALETTE && depth == 16) ||
                (types[t] >= PNG_COLOR_TYPE_RGB && types[t] != 3 && depth < 8))
                continue;
            for (int flags = 0; flags < 4; flags++) {
                png_kind k = {types[t], depth, flags & 1, flags & 2};
                if (k.transparent_key && (k.colour_type & PNG_COLOR_MASK_ALPHA))
                    continue;
                png_kind_round_trip(&k);
                kinds++;
            }
        }
    }
    assert_int_equal(kinds, 20 + 16 + 4 + 8 + 4);
}

static char *temporary_file(char *dir, const char *name) {
    const char *tmp = getenv("TMPDIR");
    sprintf(dir, "%.200s/idem-media-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    assert_non_null(mkdtemp(dir));
    return idem_path_join(dir, name);
}

static void png_saved_and_loaded(void **state) {
    (void)state;
    char dir[300], text[64];
    char *path = temporary_file(dir, "a.png");
    idem_image im = random_image(31, 17, "save"), back;
    static const char *const texts[] = {"Software", "idem", "idem:seed", "12345", "idem:name", "J\xc3\xbcrgen", NULL};
    const idem_marks marks = {.texts = texts};
    assert_int_equal(idem_image_save_png(&im, path, &marks), 0);
    assert_int_equal(idem_image_load(&back, path), 0);
    assert_pixels(&back, 31, 17, im.rgb, 0);
    idem_image_free(&back);
    assert_int_equal(idem_png_text(path, "idem:seed", text, sizeof text), 0);
    assert_string_equal(text, "12345");
    assert_int_equal(idem_png_text(path, "Software", text, 5), 0);
    assert_string_equal(text, "idem");
    assert_int_equal(idem_png_text(path, "idem:name", text, sizeof text), 0);
    assert_string_equal(text, "J\xc3\xbcrgen");
    assert_int_equal(idem_png_text(path, "Software", text, 4), -1);
    assert_non_null(strstr(idem_error(), "5 bytes"));
    assert_int_equal(idem_png_text(path, "Author", text, sizeof text), -1);
    assert_non_null(strstr(idem_error(), "Author"));

    /* The same picture and texts give the same bytes; without texts the file has pixels and nothing else. */
    unsigned char *data, *again;
    size_t size, size_again;
    assert_int_equal(idem_image_encode_png(&im, &marks, &data, &size), 0);
    assert_int_equal(idem_file_read(path, 1 << 20, &again, &size_again), 0);
    assert_int_equal(size, size_again);
    assert_memory_equal(data, again, size);
    free(data);
    free(again);
    assert_int_equal(idem_image_encode_png(&im, NULL, &data, &size), 0);
    assert_null(memmem(data, size, "tEXt", 4));
    assert_null(memmem(data, size, "tIME", 4));
    free(data);

    static const char *const no_key[] = {"", "value", NULL};
    assert_int_equal(idem_image_save_png(&im, path, &(const idem_marks){.texts = no_key}), -1);
    idem_image none = {0};
    assert_int_equal(idem_image_save_png(&none, path, NULL), -1);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(idem_image_load(&back, path), -1);
    assert_non_null(strstr(idem_error(), path));
    rmdir(dir);
    free(path);
    idem_image_free(&im);
}

/* ---- JPEG ---- */

enum { JPEG_X = 45, JPEG_Y = 27 };

/* Smooth ramps, which quality 100 without subsampling keeps to within a few steps. */
static void smooth(uint8_t *samples, int channels) {
    for (int y = 0; y < JPEG_Y; y++) {
        for (int x = 0; x < JPEG_X; x++) {
            for (int c = 0; c < channels; c++)
                samples[(y * JPEG_X + x) * channels + c] = (uint8_t)(20 + 4 * x * (c != 1) + 3 * y * (c != 0) + 10 * c);
        }
    }
}

static void jpeg_against_known_pictures(void **state) {
    (void)state;
    static const jpeg_kind kinds[] = {
        {JCS_RGB, JCS_YCbCr, 100, false, 0, NULL, 0},
        {JCS_RGB, JCS_YCbCr, 100, true, 0, NULL, 0},
        {JCS_RGB, JCS_YCbCr, 100, false, 1, NULL, 0},
        {JCS_RGB, JCS_RGB, 100, false, 0, NULL, 0},
        {JCS_GRAYSCALE, JCS_GRAYSCALE, 100, false, 0, NULL, 0},
        {JCS_GRAYSCALE, JCS_GRAYSCALE, 100, true, 0, NULL, 0},
        {JCS_CMYK, JCS_CMYK, 100, false, 0, NULL, 0},
        {JCS_CMYK, JCS_YCCK, 100, false, 0, NULL, 0},
        {JCS_CMYK, JCS_YCCK, 100, true, 0, NULL, 0},
    };
    uint8_t samples[JPEG_X * JPEG_Y * 4], expected[JPEG_X * JPEG_Y * 3];
    for (size_t n = 0; n < sizeof kinds / sizeof *kinds; n++) {
        int channels = kinds[n].in == JCS_GRAYSCALE ? 1 : kinds[n].in == JCS_CMYK ? 4 : 3;
        smooth(samples, channels);
        for (int i = 0; i < JPEG_X * JPEG_Y; i++) {
            for (int c = 0; c < 3; c++) {
                const uint8_t *s = samples + i * channels;
                expected[3 * i + c] = channels == 1   ? s[0]
                                      : channels == 3 ? s[c]
                                                      : (uint8_t)lround(s[c] * s[3] / 255.0);
            }
        }
        blob b = jpeg_write(&kinds[n], samples, JPEG_X, JPEG_Y);
        idem_image im;
        if (idem_image_parse(&im, b.data, b.size, "kind.jpg") < 0)
            fail_msg("kind %zu: %s", n, idem_error());
        assert_pixels(&im, JPEG_X, JPEG_Y, expected, 3);
        idem_image_free(&im);
        free(b.data);
    }
}

/* ---- WebP ---- */

static void webp_round_trip(void **state) {
    (void)state;
    idem_image im = random_image(21, 14, "webp"), back;
    uint8_t *out;
    size_t size = WebPEncodeLosslessRGB(im.rgb, 21, 14, 21 * 3, &out);
    assert_true(size > 0);
    assert_int_equal(idem_image_parse(&back, out, size, "a.webp"), 0);
    assert_pixels(&back, 21, 14, im.rgb, 0);
    idem_image_free(&back);
    for (size_t cut = 0; cut < size; cut++) {
        blob b = {.data = out, .size = cut};
        assert_refused(&b, "");
    }
    WebPFree(out);

    uint8_t rgba[21 * 14 * 4], expected[21 * 14 * 3];
    for (int i = 0; i < 21 * 14; i++) {
        rgba[4 * i + 3] = (uint8_t)(i * 7 % 255 + 1); /* the encoder may change colours that cannot be seen */
        for (int c = 0; c < 3; c++) {
            rgba[4 * i + c] = im.rgb[3 * i + c];
            expected[3 * i + c] = over_white(im.rgb[3 * i + c], rgba[4 * i + 3] / 255.0);
        }
    }
    size = WebPEncodeLosslessRGBA(rgba, 21, 14, 21 * 4, &out);
    assert_int_equal(idem_image_parse(&back, out, size, "b.webp"), 0);
    assert_pixels(&back, 21, 14, expected, 0);
    idem_image_free(&back);
    WebPFree(out);
    idem_image_free(&im);
}

/* ---- files that promise too much (test_damage.c damages them at random) ---- */

static void free_small_files(blob *files) {
    for (int f = 0; f < SMALL_FILES; f++)
        free(files[f].data);
}

/* A copy of exactly n bytes, so that the sanitizer sees a read behind the end. */
static blob copy_of(const blob *b, size_t n) {
    blob c = {.data = malloc(n + !n), .size = n};
    memcpy(c.data, b->data, n);
    return c;
}

static void enlarged_files_are_refused(void **state) {
    (void)state;
    blob files[SMALL_FILES];
    make_small_files(files);
    /* PNG: sides at bytes 16 and 20, check sum over bytes 12 to 28. */
    static const uint32_t sides[4][2] = {{20000, 20000}, {0x7fffffff, 0x7fffffff}, {14000, 14000}, {PNG_SIDE_X, 0}};
    for (int i = 0; i < 4; i++) {
        blob b = copy_of(&files[0], files[0].size);
        put_number(b.data + 16, sides[i][0], 4, true);
        put_number(b.data + 20, sides[i][1], 4, true);
        put_number(b.data + 29, crc32_of(b.data + 12, 17), 4, true);
        assert_refused(&b, i == 0 ? "20000 x 20000, expected" : i == 2 ? "truncated or damaged" : "");
        free(b.data);
    }
    blob taller = copy_of(&files[0], files[0].size);
    put_number(taller.data + 20, PNG_SIDE_Y + 1, 4, true);
    put_number(taller.data + 29, crc32_of(taller.data + 12, 17), 4, true);
    assert_refused(&taller, "");
    free(taller.data);
    /* JPEG: height and width follow the SOF0 marker's length and precision. */
    static const uint32_t jpeg_sides[3] = {65000, 14000, 64};
    static const char *const words[3] = {"65000 x 65000, expected", "14000 x 14000 pixels, but", "JPEG"};
    for (int i = 0; i < 3; i++) {
        blob b = copy_of(&files[2], files[2].size);
        unsigned char *sof = memmem(b.data, b.size, "\xff\xc0\x00\x11\x08", 5);
        assert_non_null(sof);
        put_number(sof + 5, jpeg_sides[i], 2, true);
        put_number(sof + 7, jpeg_sides[i], 2, true);
        assert_refused(&b, words[i]);
        free(b.data);
    }
    free_small_files(files);
}

static void other_files_are_refused(void **state) {
    (void)state;
    blob text = {.data = (unsigned char *)"GIF89a, or anything else", .size = 24},
         empty = {.data = (unsigned char *)""};
    assert_refused(&text, "looks like a GIF picture");
    assert_refused(&empty, "0 bytes");
    idem_image im;
    assert_int_equal(idem_image_load(&im, "/nonexistent/x.png"), -1);
    assert_non_null(strstr(idem_error(), "/nonexistent/x.png"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_of_every_kind),           cmocka_unit_test(png_saved_and_loaded),
        cmocka_unit_test(jpeg_against_known_pictures), cmocka_unit_test(webp_round_trip),
        cmocka_unit_test(enlarged_files_are_refused),  cmocka_unit_test(other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
