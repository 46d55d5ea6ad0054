/* The numbers of adaptive augmentation, and of the moves before the heads: how often, how far, from which draws. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/ops.h"
#include "train/gan/augment.h"

static void strength_is_the_share_of_changes(void **state) {
    (void)state;
    enum { N = 2000 };
    static float numbers[N * IDEM_AUGMENT_NUMBERS], same[N * IDEM_AUGMENT_NUMBERS];
    idem_rng rng = idem_rng_make(1, "test");
    idem_gan_augment(numbers, N, 64, 0, &rng);
    assert_int_equal(rng.counter, N * IDEM_GAN_AUGMENT_DRAWS);
    for (int i = 0; i < N * IDEM_AUGMENT_NUMBERS; i++) {
        const int k = i % IDEM_AUGMENT_NUMBERS;
        assert_true(numbers[i] == (k == 0 || k == 4 || k == 6 || k == 10 || k == 14)); /* unit matrices */
    }
    rng = idem_rng_make(1, "test");
    idem_gan_augment(numbers, N, 64, 0.4, &rng);
    int warped = 0, coloured = 0, shifted = 0, cut = 0;
    for (int n = 0; n < N; n++) {
        const float *p = numbers + n * IDEM_AUGMENT_NUMBERS, *m = p + IDEM_AUGMENT_COLOUR;
        warped += p[0] != 1 || p[1] != 0 || p[2] != 0 || p[4] != 1 || p[5] != 0;
        coloured += m[0] != 1;
        shifted += p[IDEM_AUGMENT_OFFSET] != 0;
        cut += p[IDEM_AUGMENT_BOX + 2] > 0;
        /* hue and saturation leave grey grey: rows have equal sums */
        assert_float_equal(m[0] + m[1] + m[2], m[3] + m[4] + m[5], 1e-4);
        assert_float_equal(m[0] + m[1] + m[2], m[6] + m[7] + m[8], 1e-4);
    }
    assert_float_equal(warped / (double)N, 1 - pow(0.6, 4), 0.03);
    assert_float_equal(coloured / (double)N, 1 - pow(0.6, 3), 0.03);
    assert_float_equal(shifted / (double)N, 0.4, 0.04);
    assert_float_equal(cut / (double)N, 0.2, 0.03);
    rng.counter = 5 * IDEM_GAN_AUGMENT_DRAWS;
    idem_gan_augment(same, 1, 64, 0.4, &rng);
    assert_memory_equal(same, numbers + 5 * IDEM_AUGMENT_NUMBERS, IDEM_AUGMENT_NUMBERS * sizeof *same);
}

static void shifts_are_whole_pixels(void **state) {
    (void)state;
    enum { N = 900, MOST = 1 };
    static float numbers[N * IDEM_AUGMENT_NUMBERS], same[IDEM_AUGMENT_NUMBERS];
    idem_rng rng = idem_rng_make(1, "test");
    idem_gan_shift(numbers, N, MOST, &rng);
    assert_int_equal(rng.counter, 2 * N);
    int places[3][3] = {{0}};
    for (int n = 0; n < N; n++)
        for (int k = 0; k < IDEM_AUGMENT_NUMBERS; k++) {
            const float *p = numbers + n * IDEM_AUGMENT_NUMBERS;
            if (k == 2)
                places[(int)p[5] + MOST][(int)p[2] + MOST]++;
            if (k == 2 || k == 5)
                assert_true(p[k] == -1 || p[k] == 0 || p[k] == 1);
            else
                assert_true(p[k] == (k == 0 || k == 4 || k == 6 || k == 10 || k == 14)); /* unit matrices */
        }
    for (int i = 0; i < 9; i++)
        assert_in_range(places[i / 3][i % 3], 70, 130);
    rng.counter = 2 * 5;
    idem_gan_shift(same, 1, MOST, &rng);
    assert_memory_equal(same, numbers + 5 * IDEM_AUGMENT_NUMBERS, sizeof same);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strength_is_the_share_of_changes),
        cmocka_unit_test(shifts_are_whole_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
