/* What is hidden over a range of pictures: the ends of tracks, and what may be a face, on made sequences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compose/clip_cover.h"
#include "face/box.h"
#include "support/made_faces.h"

enum { W = 320, H = 240, PICTURES = 60, FIRST = 20, LAST = 39, CUT = 45 };

/* A face that walks to the right in pictures 20 to 39, and a cut at 45. */
static idem_tracks *walk(void) {
    idem_tracks *t = idem_tracks_new(W, H, 4, NULL);
    assert_non_null(t);
    const float vector[4] = {1, 0, 0, 0};
    for (int i = 0; i < PICTURES; i++) {
        const idem_found f = made_face(W, H, 60 + 4 * (i - FIRST), 120, 60, 0);
        assert_int_equal(idem_tracks_add(t, &f, i >= FIRST && i <= LAST, vector, i == CUT), 0);
    }
    assert_int_equal(idem_tracks_finish(t), 0);
    return t;
}

static double middle(const idem_box *b) {
    return (double)(b->x0 + b->x1) / 2 * W;
}

static void tracks_grow_at_their_ends(void **state) {
    (void)state;
    idem_tracks *t = walk();
    idem_covers c = {0};
    const bool none[1] = {false}, all[1] = {true};
    assert_int_equal(idem_covers_add_ends(&c, t, all), 0);
    assert_int_equal(c.n, 0);
    assert_int_equal(idem_covers_add_ends(&c, t, none), 0);
    assert_int_equal(c.n, 2);
    assert_true(c.at[0].first == FIRST - IDEM_COVER_GROWN && c.at[0].last == FIRST - 1);
    /* The cut ends the scene before the track has grown by all pictures. */
    assert_true(c.at[1].first == LAST + 1 && c.at[1].last == CUT - 1);
    for (int d = 1; d <= IDEM_COVER_GROWN; d++) {
        const idem_box b = idem_cover_box(&c.at[0], FIRST - d);
        assert_true(fabs(middle(&b) - (60 - 4 * d)) < 0.1);
        assert_true((double)(b.x1 - b.x0) * W > 60 * (1 + 0.039 * d));
    }
    const idem_box after = idem_cover_box(&c.at[1], LAST + 1);
    assert_true(fabs(middle(&after) - (60 + 4 * (LAST + 1 - FIRST))) < 0.1);
    idem_covers_free(&c);
    idem_tracks_free(t);
}

static void what_may_be_a_face_is_hidden_from_search_to_search(void **state) {
    (void)state;
    idem_tracks *t = walk();
    idem_maybes m = {0};
    idem_covers c = {0};
    const idem_box a = {0.1f, 0.1f, 0.3f, 0.3f}, b = {0.15f, 0.1f, 0.35f, 0.3f}, far = {0.7f, 0.7f, 0.9f, 0.9f};
    const int64_t searched[] = {0, 12, 24, 36, 45, 57};
    for (size_t i = 0; i < sizeof searched / sizeof *searched; i++)
        assert_int_equal(idem_maybes_searched(&m, searched[i]), 0);
    assert_int_equal(idem_maybes_add(&m, 12, &a), 0);
    assert_int_equal(idem_maybes_add(&m, 24, &b), 0);
    assert_int_equal(idem_maybes_add(&m, 45, &far), 0);
    assert_int_equal(idem_covers_add_maybes(&c, &m, t), 0);
    uint8_t hidden[2][PICTURES] = {{0}};
    for (size_t i = 0; i < c.n; i++)
        for (int64_t p = c.at[i].first; p <= c.at[i].last; p++)
            hidden[idem_box_overlap(&c.at[i].from, &far) > 0][p] = 1;
    for (int p = 0; p < PICTURES; p++) {
        assert_int_equal(hidden[0][p], p >= 1 && p <= 35);
        assert_int_equal(hidden[1][p], p >= CUT && p <= 56); /* not before the cut */
    }
    for (size_t i = 0; i < c.n; i++) /* half way between two searches that both have it */
        if (c.at[i].first == 12) {
            const idem_box half = idem_cover_box(&c.at[i], 18);
            assert_true(fabs((double)half.x0 - 0.125) < 1e-6);
        }
    idem_covers_free(&c);
    idem_maybes_free(&m);
    idem_tracks_free(t);
}

static void boxes_are_compared(void **state) {
    (void)state;
    const idem_box a = {0, 0, 2, 2}, b = {1, 1, 3, 3}, in = {0.5f, 0.5f, 1, 1}, empty = {1, 1, 1, 1},
                   off = {5, 5, 6, 6};
    assert_true(fabs(idem_box_overlap(&a, &b) - 1.0 / 7) < 1e-9);
    assert_true(fabs(idem_box_common(&a, &b) - 0.25) < 1e-9);
    assert_true(fabs(idem_box_common(&a, &in) - 1) < 1e-9 && fabs(idem_box_common(&in, &a) - 1) < 1e-9);
    assert_true(idem_box_overlap(&a, &empty) <= 0 && idem_box_common(&empty, &empty) <= 0);
    assert_true(idem_box_common(&a, &off) <= 0);
    const idem_box beyond = idem_box_between(&a, &b, 2);
    assert_true(fabs((double)beyond.x0 - 2) < 1e-6 && fabs((double)beyond.y1 - 4) < 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tracks_grow_at_their_ends),
        cmocka_unit_test(what_may_be_a_face_is_hidden_from_search_to_search),
        cmocka_unit_test(boxes_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
