/* Power spectra against numpy's FFT (tests/oracle/spectrum.py), of waves that are known, and by the command. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/status.h"
#include "measure/spectrum.h"
#include "media/image.h"
#include "support/fill.h"
#include "support/program.h"

enum { SIDE = 64 };

static char dir[] = "/tmp/idem-test-XXXXXX";

static int set_up(void **state) {
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    return program_run(dir, "rm -rf $DIR");
}

static void assert_near(double got, double want, double scale) {
    if (!(fabs(got - want) <= 1e-6 * scale))
        fail_msg("%.9g, expected %.9g", got, want);
}

static void spectra_as_numpy(void **state) {
    (void)state;
    json_error_t error;
    json_t *root = json_load_file("tests/fixtures/spectrum/fixture.json", 0, &error), *c, *f;
    assert_non_null(root);
    const char *salt = json_string_value(json_object_get(root, "salt"));
    size_t i, k;
    json_array_foreach(json_object_get(root, "cases"), i, c) {
        const int size = (int)json_integer_value(json_object_get(c, "size"));
        const int n = (int)json_integer_value(json_object_get(c, "n"));
        const size_t numbers = (size_t)size * (size_t)size * 3;
        idem_spectrum *s[2] = {idem_spectrum_new(size), idem_spectrum_new(size)};
        float *x = malloc(numbers * sizeof *x);
        assert_true(x && s[0] && s[1]);
        for (int p = 0; p < n; p++) {
            char name[32];
            snprintf(name, sizeof name, "%d.%d", size, p);
            fixture_fill(x, numbers, salt, name, 0.5, 0.5);
            idem_spectrum_add(s[p % 2], x);
        }
        idem_spectrum_join(s[0], s[1]);
        assert_int_equal(idem_spectrum_count(s[0]), n);
        const json_t *rings = json_object_get(c, "rings");
        double power[1024];
        assert_int_equal(idem_spectrum_rings(s[0]), json_array_size(rings));
        idem_spectrum_radial(s[0], power);
        const double scale = json_number_value(json_array_get(rings, 1));
        for (k = 0; k < json_array_size(rings); k++)
            assert_near(power[k], json_number_value(json_array_get(rings, k)), scale);
        json_array_foreach(json_object_get(c, "some"), k, f)
            assert_near(idem_spectrum_power(s[0], (int)json_integer_value(json_object_get(f, "fx")),
                                            (int)json_integer_value(json_object_get(f, "fy"))),
                        json_number_value(json_object_get(f, "power")), scale);
        free(x);
        idem_spectrum_free(s[0]);
        idem_spectrum_free(s[1]);
    }
    assert_int_equal(i, 3);
    json_decref(root);
}

/* Noise, and a wave of fx, fy cycles a side with this amplitude, in 1/255. */
static void draw(float *x, uint64_t seed, double noise, double amplitude, int fx, int fy) {
    idem_rng rng = idem_rng_make(seed, "noise");
    for (int i = 0; i < SIDE * SIDE; i++) {
        const double turn = 6.28318530717958648 * (fx * (i % SIDE) + fy * (i / SIDE)) / SIDE;
        const double level = 0.5 + (noise * (idem_rng_uniform(&rng) - 0.5) + amplitude * cos(turn)) / 255;
        for (int c = 0; c < 3; c++)
            x[3 * i + c] = (float)level;
    }
}

static idem_spectrum *spectrum_of(uint64_t seed, double noise, double amplitude, int fx, int fy) {
    static float x[SIDE * SIDE * 3];
    idem_spectrum *s = idem_spectrum_new(SIDE);
    assert_non_null(s);
    for (uint64_t i = 0; i < 20; i++) {
        draw(x, 100 * seed + i, noise, amplitude, fx, fy);
        idem_spectrum_add(s, x);
    }
    return s;
}

/* A wave has a quarter of its squared amplitude at each of its frequencies, times S^2 and what the window leaves:
 * (sum w)^2 / sum w^2 = S^2 4/9. White noise has its variance everywhere. */
static void waves_and_noise_have_their_power(void **state) {
    (void)state;
    idem_spectrum *wave = spectrum_of(1, 0, 30, 16, 0), *noise = spectrum_of(2, 12, 0, 0, 0);
    const double power = 30 * 30 / 4.0 * SIDE * SIDE * 4 / 9;
    assert_true(fabs(idem_spectrum_power(wave, 16, 0) / power - 1) < 1e-4);
    assert_true(fabs(idem_spectrum_power(wave, -16, 0) / power - 1) < 1e-4);
    assert_true(idem_spectrum_power(wave, 18, 0) < 1e-6 * power);
    assert_true(idem_spectrum_power(wave, 0, 0) < 1e-6 * power);
    idem_spectrum_band band[IDEM_SPECTRUM_BANDS];
    idem_spectrum_peak peak;
    assert_int_equal(idem_spectrum_compare(wave, noise, band, &peak), 0);
    for (int i = 0; i < IDEM_SPECTRUM_BANDS; i++) {
        assert_true(fabs(band[i].b / 12 - 1) < (i < 2 ? 0.3 : 0.1)); /* 12^2 / 12 */
        const bool there = band[i].longest > 4 && band[i].shortest < 4;
        assert_true(there ? band[i].a > 100 : band[i].a < 1e-3);
    }
    idem_spectrum_free(wave);
    idem_spectrum_free(noise);
}

/* A faint hatch in noise, of period 64 / 20.25 pixels, downwards to the right. */
static void a_hatch_stands_out(void **state) {
    (void)state;
    idem_spectrum *hatch = spectrum_of(1, 12, 1, 18, 9), *plain = spectrum_of(2, 12, 0, 0, 0);
    idem_spectrum *flat = spectrum_of(1, 0, 0, 0, 0);
    idem_spectrum_band band[IDEM_SPECTRUM_BANDS];
    idem_spectrum_peak peak;
    assert_int_equal(idem_spectrum_compare(hatch, plain, band, &peak), 0);
    assert_true(fabs(peak.period - SIDE / hypot(18, 9)) < 0.2 && fabs(peak.degrees - 26.6) < 4 && peak.times > 5);
    assert_int_equal(idem_spectrum_compare(plain, plain, band, &peak), 0);
    assert_true(fabs(peak.times - 1) < 1e-12);
    assert_int_equal(idem_spectrum_compare(flat, plain, band, &peak), 0); /* all is finite */
    assert_int_equal(idem_spectrum_compare(plain, flat, band, &peak), 0);
    assert_true(isfinite(peak.times));
    idem_spectrum_free(hatch);
    idem_spectrum_free(plain);
    idem_spectrum_free(flat);
    assert_null(idem_spectrum_new(100));
    assert_non_null(strstr(idem_error(), "side 100, expected a power of two"));
}

static void the_command_compares_folders(void **state) {
    (void)state;
    float x[SIDE * SIDE * 3];
    char path[128];
    for (int set = 0; set < 2; set++) {
        snprintf(path, sizeof path, "%s/%s", dir, set ? "plain" : "hatched");
        assert_int_equal(idem_dir_make(path), 0);
        for (int i = 0; i < 8; i++) {
            idem_image im;
            draw(x, (uint64_t)(100 * set + i), 20, set ? 0 : 8, 0, 21);
            assert_int_equal(idem_image_from_float(&im, x, SIDE, SIDE, 0, 1), 0);
            snprintf(path, sizeof path, "%s/%s/%d.png", dir, set ? "plain" : "hatched", i);
            assert_int_equal(idem_image_save_png(&im, path, NULL), 0);
            idem_image_free(&im);
        }
    }
    assert_int_equal(program_run(dir, "$IDEM distance $DIR/hatched $DIR/plain --at 64 --spectrum"), 0);
    assert_true(program_says("Power spectra at 64 px"));
    assert_true(program_says("B: n = 8 pictures of"));
    assert_true(program_says("period 3.05 pixels, 90 degrees"));
    assert_int_equal(program_run(dir, "$IDEM distance $DIR/hatched $DIR/plain --at 64 --spectrum --json --quiet | "
                                      "tee $DIR/j.json | grep -c '\"ratio\"'"),
                     0);
    json_error_t error;
    snprintf(path, sizeof path, "%s/j.json", dir);
    json_t *root = json_load_file(path, 0, &error);
    assert_int_equal(json_array_size(json_object_get(root, "bands")), IDEM_SPECTRUM_BANDS);
    for (size_t i = 0; i < IDEM_SPECTRUM_BANDS; i++) {
        const json_t *band = json_array_get(json_object_get(root, "bands"), i);
        const double ratio = json_number_value(json_object_get(band, "ratio"));
        assert_true(json_number_value(json_object_get(band, "shortest")) == 2.5 ? ratio > 3 : ratio < 3);
    }
    assert_int_equal(json_array_size(json_object_get(json_object_get(root, "rings"), "b")), 46);
    json_decref(root);
    assert_int_equal(program_run(dir, "$IDEM distance $DIR/hatched $DIR/plain --at 48 --spectrum"), 1);
    assert_true(program_says("side 48, expected a power of two"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spectra_as_numpy),
        cmocka_unit_test(waves_and_noise_have_their_power),
        cmocka_unit_test(a_hatch_stands_out),
        cmocka_unit_test(the_command_compares_folders),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
