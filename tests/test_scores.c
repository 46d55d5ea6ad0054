#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/rng.h"
#include "measure/scores.h"

#define NEAR(got, want, tol) assert_true(fabs((got) - (want)) <= (tol))

static void figures_have_mean_and_error(void **state) {
    (void)state;
    double x[4] = {1, 2, 3, 6};
    idem_figure f = idem_figure_of(x, 4);
    NEAR(f.mean, 3, 1e-12);
    NEAR(f.error, sqrt((4 + 1 + 0 + 9) / 3.0 / 4.0), 1e-12);
    assert_int_equal(f.n, 4);
    assert_true(isnan(idem_figure_of(x, 1).error));
    assert_true(idem_figure_holds(&f) && !idem_figure_holds(&(idem_figure){.mean = 1, .n = 4}));
}

static void verdicts_need_as_many_as_their_difference(void **state) {
    (void)state;
    assert_int_equal(idem_needs_of_rate(0.001), 10000);
    assert_int_equal(idem_needs_of_rate(0.1), 100);
    idem_figure a = {.mean = 0.5, .error = 0.03, .n = 100, .needs = 1}, b = {.mean = 0.5, .error = 0.04, .n = 80};
    idem_figure v = idem_figure_at_most(&a, &b, 30); /* two errors of the difference are 0.1 */
    assert_true(v.mean == 1 && v.n == 80 && v.needs == 30 && idem_figure_holds(&v));
    a.mean = 0.61;
    v = idem_figure_at_most(&a, &b, 30);
    assert_true(v.mean == 0 && idem_figure_holds(&v));
    a.mean = 0.55; /* half of what could be told: four times as many */
    v = idem_figure_at_most(&a, &b, 30);
    assert_true(v.mean == 0 && !idem_figure_holds(&v) && isnan(idem_figure_value(&v)));
    assert_in_range(v.needs, 320, 321);
    a.mean = 0.5 + 1e-12;
    assert_int_equal(idem_figure_at_most(&a, &b, 30).needs, 1000000000);
    a.mean = 0.4;
    v = idem_figure_at_most(&a, &b, 81);
    assert_true(!idem_figure_holds(&v) && v.needs == 81);
}

static void identity_is_one_for_itself_and_zero_for_strangers(void **state) {
    (void)state;
    /* Descriptors with a common part: strangers' cosine is far from 0, as with dlib's family. */
    enum { N = 400, D = 64 };
    float *id = malloc(N * D * sizeof *id), *other = malloc(N * D * sizeof *other);
    idem_rng r = idem_rng_make(5, "test");
    for (int i = 0; i < N * D; i++) {
        id[i] = 1 + idem_rng_normal(&r);
        other[i] = 1 + idem_rng_normal(&r);
    }
    double s0 = idem_score_strangers(id, N, D, 2000, 1);
    NEAR(s0, 0.5, 0.02);
    idem_identity_scores s;
    idem_score_identity(&s, id, other, id, N, D, s0);
    NEAR(s.id_kept.mean, 1, 1e-6);
    NEAR(s.attr_leak.mean, 0, 0.03);
    NEAR(s.cos_id_attr.mean, s.cos_attr_out.mean, 1e-9);
    assert_true(s.attr_leak.error > 0 && s.attr_leak.error < 0.02);
    free(id);
    free(other);
}

static void retrieval_counts_right_neighbours_in_groups(void **state) {
    (void)state;
    float id[4][2] = {{1, 0}, {0, 1}, {1, 0}, {0, 1}}; /* in one group of 4 each has a twin: never strictly nearest */
    NEAR(idem_score_retrieval(&id[0][0], &id[0][0], 4, 2, 2).mean, 1, 0);
    NEAR(idem_score_retrieval(&id[0][0], &id[0][0], 4, 2, 4).mean, 0, 0);
    float swapped[4][2] = {{0, 1}, {1, 0}, {1, 0}, {0, 1}};
    NEAR(idem_score_retrieval(&swapped[0][0], &id[0][0], 4, 2, 2).mean, 0.5, 0);
    /* None, or all, of four have an error all the same. */
    NEAR(idem_score_retrieval(&id[0][0], &id[0][0], 4, 2, 2).error, sqrt(5.0 / (6 * 6 * 7)), 1e-12);
    NEAR(idem_score_retrieval(&id[0][0], &id[0][0], 4, 2, 4).error, sqrt(5.0 / (6 * 6 * 7)), 1e-12);
    /* Left over: the last of three is compared with two sources, as the others are. */
    float odd[3][2] = {{1, 0}, {0, 1}, {0, 1}};
    NEAR(idem_score_retrieval(&odd[0][0], &odd[0][0], 3, 2, 2).mean, 2.0 / 3, 1e-12);
    assert_int_equal(idem_score_candidates(3, 2), 2);
    assert_int_equal(idem_score_candidates(6, 100), 6);
}

static void landmarks_are_measured_in_eye_distances(void **state) {
    (void)state;
    float a[51][2] = {{0}}, b[51][2] = {{0}};
    b[45 - 17][0] = 0.5f; /* outer corners half a picture apart */
    a[45 - 17][0] = 0.5f;
    for (int k = 0; k < 51; k++)
        a[k][1] = 0.1f;
    NEAR(idem_score_nme(&a[0][0], &b[0][0], 1).mean, 0.2, 1e-6);
    NEAR(idem_score_landmark_mse160(&a[0][0], &b[0][0], 1).mean, 16.0 * 16 / 2, 1e-3);
}

static void pictures_are_compared_inside_the_mask_only(void **state) {
    (void)state;
    float a[12] = {0}, b[12] = {0};
    a[0] = a[1] = a[2] = 1; /* the first pixel of 2 x 2 differs */
    uint8_t first[4] = {1, 0, 0, 0}, rest[4] = {0, 1, 1, 1}, half[4] = {1, 1, 0, 0};
    NEAR(idem_score_colour(a, b, NULL, 1, 2, first).mean, 1, 1e-9);
    NEAR(idem_score_colour(a, b, NULL, 1, 2, rest).mean, 0, 0);
    NEAR(idem_score_colour(a, b, NULL, 1, 2, half).mean, 0.5, 1e-9);
    int other[2] = {1, 0}; /* two pictures of one pixel: each against the other's partner */
    float two[6] = {1, 1, 1, 0, 0, 0};
    NEAR(idem_score_colour(two, two, NULL, 2, 1, first).mean, 0, 0);
    NEAR(idem_score_colour(two, two, other, 2, 1, first).mean, 1, 1e-9);
    NEAR(idem_score_psnr(a, b, 1, 2).mean, -10 * log10(0.25), 1e-9);
    NEAR(idem_score_psnr(a, a, 1, 2).mean, 100, 1e-9);
}

static void yaw_counts_pairs_that_differ(void **state) {
    (void)state;
    float out[3] = {10, 5, 1}, want[3] = {20, 5, 2}, from[3] = {0, 0, -30};
    idem_figure f = idem_score_yaw(out, want, from, 3, 10);
    assert_int_equal(f.n, 2);
    NEAR(f.mean, (10 + 1) / 2.0, 1e-6);
}

static void shuffles_leave_nothing_in_place(void **state) {
    (void)state;
    for (int n = 2; n < 40; n++) {
        int order[40], seen[40] = {0};
        idem_score_shuffle(order, n, (uint64_t)n);
        for (int i = 0; i < n; i++) {
            assert_int_not_equal(order[i], i);
            seen[order[i]]++;
        }
        for (int i = 0; i < n; i++)
            assert_int_equal(seen[i], 1);
    }
    int order[3] = {2, 0, 1};
    float x[6] = {1, 2, 3, 4, 5, 6}, y[6];
    idem_score_reorder(y, x, order, 3, 2);
    NEAR(y[0], 5, 0);
    NEAR(y[3], 2, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_have_mean_and_error),
        cmocka_unit_test(verdicts_need_as_many_as_their_difference),
        cmocka_unit_test(identity_is_one_for_itself_and_zero_for_strangers),
        cmocka_unit_test(retrieval_counts_right_neighbours_in_groups),
        cmocka_unit_test(landmarks_are_measured_in_eye_distances),
        cmocka_unit_test(pictures_are_compared_inside_the_mask_only),
        cmocka_unit_test(yaw_counts_pairs_that_differ),
        cmocka_unit_test(shuffles_leave_nothing_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
