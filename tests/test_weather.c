/* Weather: strength 0 changes nothing, more changes more, the same numbers give the same picture, and it stays a
 * picture. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "data/weather.h"
#include "support/fill.h"

enum { SIDE = 64, NUMBERS = SIDE * SIDE * 3, DRAWS = 20 };

static float memory[NUMBERS];

static void draw(float *x) {
    fixture_fill(x, NUMBERS, "", "picture", 0.5, 0.5);
}

static void vary(float *x, double strength, uint64_t seed) {
    idem_rng rng = idem_rng_make(seed, "weather");
    draw(x);
    idem_weather(x, SIDE, strength, &rng, memory);
}

static double change(const float *x) {
    static float as_it_was[NUMBERS];
    double sum = 0;
    draw(as_it_was);
    for (int i = 0; i < NUMBERS; i++)
        sum += fabs((double)x[i] - (double)as_it_was[i]) / NUMBERS;
    return sum;
}

/* Mean difference of neighbours: what softness takes away. */
static double detail(const float *x) {
    double sum = 0;
    for (int i = 3; i < NUMBERS; i++)
        sum += fabs((double)x[i] - (double)x[i - 3]) / NUMBERS;
    return sum;
}

static void test_weather(void **state) {
    (void)state;
    static float x[NUMBERS], again[NUMBERS];
    vary(x, 0, 1);
    assert_true(change(x) == 0);
    double weak = 0, strong = 0, sharpest = 0, softest = 1;
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        vary(x, 0.3, seed);
        weak += change(x) / DRAWS;
        vary(x, 1, seed);
        vary(again, 1, seed);
        assert_memory_equal(x, again, sizeof x);
        strong += change(x) / DRAWS;
        for (int i = 0; i < NUMBERS; i++)
            assert_true(x[i] >= 0 && x[i] <= 1);
        sharpest = fmax(sharpest, detail(x));
        softest = fmin(softest, detail(x));
    }
    assert_true(weak > 0.01);
    assert_true(strong > 1.5 * weak);
    assert_true(softest < 0.5 * sharpest);
}

/* What blurs keeps an even picture even, up to the edges. */
static void test_even(void **state) {
    (void)state;
    static float x[NUMBERS];
    for (uint64_t seed = 0; seed < DRAWS; seed++) {
        idem_rng rng = idem_rng_make(seed, "weather");
        for (int i = 0; i < NUMBERS; i++)
            x[i] = 0.5f;
        idem_weather(x, SIDE, 0.05, &rng, memory);
        for (int i = 0; i < NUMBERS; i++)
            assert_float_equal(x[i], x[i % 3], 0.02); /* the noise is 0.0015 at most, three channels differ */
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_weather), cmocka_unit_test(test_even)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
