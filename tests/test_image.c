/* src/media/image.h, pictures in memory: sizes, floats, resizing against its definition. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/status.h"
#include "media/image.h"
#include "support/pictures.h"

static void size_limits(void **state) {
    (void)state;
    idem_image im;
    assert_int_equal(idem_image_new(&im, 20000, 10001), -1);
    assert_non_null(strstr(idem_error(), "20000 x 10001"));
    assert_int_equal(idem_image_new(&im, -1, 5), -1);
    assert_int_equal(idem_image_new(&im, 5, 0), -1);
    assert_int_equal(idem_image_new(&im, 2, 3), 0);
    for (int i = 0; i < 18; i++)
        assert_int_equal(im.rgb[i], 0);
    idem_image_free(&im);
    assert_null(im.rgb);
}

static void floats_and_bytes(void **state) {
    (void)state;
    idem_image im, back;
    assert_int_equal(idem_image_new(&im, 16, 16), 0);
    for (int i = 0; i < 768; i++)
        im.rgb[i] = (uint8_t)(i % 256);
    static const float ranges[4][2] = {{0, 1}, {-1, 1}, {0, 255}, {-2.5f, 7}};
    float x[768];
    for (int r = 0; r < 4; r++) {
        float lo = ranges[r][0], hi = ranges[r][1];
        idem_image_to_float(x, &im, lo, hi);
        assert_true(x[0] == lo && x[255] == hi);
        for (int i = 0; i < 768; i++)
            assert_true(fabs(x[i] - (lo + (i % 256) * (double)(hi - lo) / 255)) < 1e-6 * (fabsf(hi) + fabsf(lo)));
        assert_int_equal(idem_image_from_float(&back, x, 16, 16, lo, hi), 0);
        assert_pixels(&back, 16, 16, im.rgb, 0);
        idem_image_free(&back);
    }
    float odd[9] = {-0.3f, 1.2f, -1e30f, 1e30f, 0.5f, 100.49f / 255, 100.51f / 255, 254.6f / 255, 0.4f / 255};
    static const uint8_t expected[9] = {0, 255, 0, 255, 128, 100, 101, 255, 0};
    assert_int_equal(idem_image_from_float(&back, odd, 3, 1, 0, 1), 0);
    assert_pixels(&back, 3, 1, expected, 0);
    idem_image_free(&back);
    assert_int_equal(idem_image_from_float(&back, odd, 3, 1, 1, 1), -1);
    for (int i = 0; i < 3; i++) {
        odd[8] = (float[]){NAN, INFINITY, -INFINITY}[i];
        assert_int_equal(idem_image_from_float(&back, odd, 3, 1, 0, 1), -1);
        assert_int_equal(idem_error_kind(), IDEM_INTERNAL);
        assert_null(back.rgb);
    }
    idem_image_free(&im);
}

/* The definition, in doubles, without any rounding on the way: at out pixel o the filter max(0, 1 - |d|/s), where d is
 * the distance of input pixel centres from o's centre in input pixels and s = max(scale, 1), normalised to sum 1. */
static double resized_at(const idem_image *in, int width, int height, int x, int y, int c) {
    double sx = (double)in->width / width, sy = (double)in->height / height;
    double kx = sx > 1 ? sx : 1, ky = sy > 1 ? sy : 1, sum = 0, weights = 0;
    for (int v = 0; v < in->height; v++) {
        double wy = 1 - fabs(v + 0.5 - (y + 0.5) * sy) / ky;
        for (int u = 0; wy > 0 && u < in->width; u++) {
            double wx = 1 - fabs(u + 0.5 - (x + 0.5) * sx) / kx;
            if (wx > 0) {
                sum += wx * wy * in->rgb[(v * in->width + u) * 3 + c];
                weights += wx * wy;
            }
        }
    }
    return sum / weights;
}

static const int resize_sizes[][4] = {{37, 29, 16, 16}, {37, 29, 64, 50}, {37, 29, 37, 11},
                                      {37, 29, 80, 29}, {64, 64, 32, 32}, {64, 64, 299, 299},
                                      {50, 3, 7, 1},    {1, 1, 5, 4},     {100, 80, 99, 81}};
enum { RESIZES = sizeof resize_sizes / sizeof *resize_sizes };

static void resize_against_definition(void **state) {
    (void)state;
    for (int n = 0; n < RESIZES; n++) {
        const int *s = resize_sizes[n];
        idem_image in = random_image(s[0], s[1], "resize"), out;
        assert_int_equal(idem_image_resize(&out, &in, s[2], s[3]), 0);
        assert_int_equal(out.width, s[2]);
        assert_int_equal(out.height, s[3]);
        for (int y = 0; y < s[3]; y += 1 + s[3] / 50) {
            for (int x = 0; x < s[2]; x += 1 + s[2] / 50) {
                for (int c = 0; c < 3; c++) {
                    double d = out.rgb[(y * s[2] + x) * 3 + c] - resized_at(&in, s[2], s[3], x, y, c);
                    assert_true(fabs(d) <= 1.001); /* half a step in each of two passes */
                }
            }
        }
        idem_image_free(&out);
        idem_image_free(&in);
    }
}

/* Pixel i of the pattern is a plain function of i; sums as tests/oracle/media_resize.py prints them. */
static void resize_equals_pillow(void **state) {
    (void)state;
    static const uint32_t bilinear[RESIZES] = {0xc6204019, 0xf85fcab3, 0xa0ea3b56, 0xd2847327, 0x18e718c1,
                                               0x8ec669ce, 0xd863bfb9, 0xf6808714, 0xd819ed96};
    static const uint32_t lanczos[RESIZES] = {0x614dafea, 0x4a26c916, 0x17168f1e, 0x99e7e759, 0x6e0d4512,
                                              0xeeab3ee6, 0xadb18735, 0xf6808714, 0x7540ed63};
    for (int n = 0; n < RESIZES; n++) {
        const int *s = resize_sizes[n];
        idem_image in, out;
        assert_int_equal(idem_image_new(&in, s[0], s[1]), 0);
        for (uint32_t i = 0; i < (uint32_t)(s[0] * s[1] * 3); i++)
            in.rgb[i] = (uint8_t)(i * 2654435761u >> 24);
        assert_int_equal(idem_image_resize(&out, &in, s[2], s[3]), 0);
        assert_int_equal(crc32_of(out.rgb, (size_t)(s[2] * s[3] * 3)), bilinear[n]);
        idem_image_free(&out);
        assert_int_equal(idem_image_resize_lanczos(&out, &in, s[2], s[3]), 0);
        assert_int_equal(crc32_of(out.rgb, (size_t)(s[2] * s[3] * 3)), lanczos[n]);
        idem_image_free(&out);
        idem_image_free(&in);
    }
}

/* The mean over the rectangle of input that an output pixel covers, parts of pixels counted in part. */
static void area_is_a_mean(void **state) {
    (void)state;
    static const int sizes[][4] = {{64, 64, 16, 16}, {37, 29, 16, 10}, {30, 30, 29, 7}, {9, 5, 1, 1}};
    for (int n = 0; n < 4; n++) {
        const int *s = sizes[n];
        idem_image in = random_image(s[0], s[1], "area"), out;
        double sx = (double)s[0] / s[2], sy = (double)s[1] / s[3];
        assert_int_equal(idem_image_resize_area(&out, &in, s[2], s[3]), 0);
        for (int i = 0; i < s[2] * s[3] * 3; i++) {
            int x = i / 3 % s[2], y = i / 3 / s[2];
            double sum = 0;
            for (int v = 0; v < s[1]; v++) {
                double wy = fmin(v + 1, (y + 1) * sy) - fmax(v, y * sy);
                for (int u = 0; wy > 0 && u < s[0]; u++) {
                    double wx = fmin(u + 1, (x + 1) * sx) - fmax(u, x * sx);
                    sum += wx > 0 ? wx * wy * in.rgb[(v * s[0] + u) * 3 + i % 3] : 0;
                }
            }
            assert_true(fabs(out.rgb[i] - sum / (sx * sy)) <= 1.001);
        }
        idem_image_free(&out);
        idem_image_free(&in);
    }
}

static void resize_refuses(void **state) {
    (void)state;
    idem_image in = random_image(4, 4, "refuse"), out;
    assert_int_equal(idem_image_resize(&out, &in, 0, 4), -1);
    assert_null(out.rgb);
    assert_int_equal(idem_image_resize(&out, &in, 4, -3), -1);
    assert_int_equal(idem_image_resize(&out, &in, 100000, 100000), -1);
    assert_null(out.rgb);
    assert_int_equal(idem_image_resize(&out, &in, 4, 4), 0);
    assert_pixels(&out, 4, 4, in.rgb, 0);
    assert_ptr_not_equal(out.rgb, in.rgb);
    idem_image_free(&out);
    idem_image_free(&in);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(size_limits),
        cmocka_unit_test(floats_and_bytes),
        cmocka_unit_test(resize_against_definition),
        cmocka_unit_test(resize_equals_pillow),
        cmocka_unit_test(area_is_a_mean),
        cmocka_unit_test(resize_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
