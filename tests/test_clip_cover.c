/* What is hidden over a range of pictures: the ends of tracks, what may be a face, and what is said by hand, on made
 * sequences. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compose/clip_cover.h"
#include "compose/clip_hand.h"
#include "compose/hand_boxes.h"
#include "face/box.h"
#include "idem.h"
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

/* ---- by hand ---- */

static json_t *read_text(const char *text) {
    return idem_hand_boxes_parse(text, strlen(text), "boxes");
}

static void ranges_are_read_and_bad_ones_named(void **state) {
    (void)state;
    json_t *all = read_text("{\"clips\": {\"a/x.mp4\": ["
                            "{\"frames\": [20, 29], \"box\": [30, 90, 90, 150], \"box_at_end\": [66, 90, 126, 150], "
                            "\"do\": \"skip\"},"
                            "{\"frames\": [5, 5], \"box\": [0, 0, 32, 24], \"do\": \"hide\"},"
                            "{\"frames\": [30, 90], \"box\": [80, 90, 200, 150], \"do\": \"exempt\"}]}}");
    assert_non_null(all);
    assert_null(idem_hand_boxes_clip(all, "b.mp4"));
    idem_clip_hand h;
    assert_int_equal(idem_clip_hand_take(&h, idem_hand_boxes_clip(all, "a/x.mp4"), W, H), 0);
    assert_int_equal(h.n, 3);
    idem_tracks *t = walk();
    for (int i = FIRST; i <= LAST; i++) {
        const idem_track_place *p;
        assert_int_equal(idem_tracks_at(t, i, &p), 1);
        /* The walk leaves the last box, which does not move, in the end. */
        const int wish = idem_clip_hand_on(&h, i, &p->box);
        assert_int_equal(wish, i < 30 ? IDEM_BY_HAND_SKIP : i < 38 ? IDEM_BY_HAND_EXEMPT : wish);
    }
    uint8_t said[1] = {0};
    idem_clip_hand_persons(&h, t, said);
    assert_int_equal(said[0], 1 << IDEM_BY_HAND_SKIP | 1 << IDEM_BY_HAND_EXEMPT);
    assert_true(idem_hand_range_is_region(&h.at[1], 5, t) && !idem_hand_range_is_region(&h.at[1], 6, t));
    assert_false(idem_hand_range_is_region(&h.at[0], 22, t));
    assert_int_equal(idem_clip_hand_on(NULL, 0, &h.at[1].cover.from), -1);
    idem_tracks_free(t);
    free(h.at);
    json_decref(all);
    static const struct {
        const char *range, *said;
    } bad[] = {{"{\"frames\": [3, 2], \"box\": [0, 0, 9, 9], \"do\": \"hide\"}", "\"frames\" of range 1"},
               {"{\"frames\": [-1, 2], \"box\": [0, 0, 9, 9], \"do\": \"hide\"}", "\"frames\" of range 1"},
               {"{\"frames\": [1.5, 2], \"box\": [0, 0, 9, 9], \"do\": \"hide\"}", "\"frames\" of range 1"},
               {"{\"box\": [0, 0, 9, 9], \"do\": \"hide\"}", "\"frames\" of range 1"},
               {"{\"frames\": [1, 2], \"box\": [0, 0, 9], \"do\": \"hide\"}", "box of range 1"},
               {"{\"frames\": [1, 2], \"box\": [0, 0, 9, 9], \"box_at_end\": [9, 9, 0, 0], \"do\": \"hide\"}",
                "box of range 1"},
               {"{\"frames\": [1, 2], \"box\": [0, 0, 9, 9], \"do\": \"blur\"}", "\"do\" of range 1"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[300];
        snprintf(text, sizeof text, "{\"clips\": {\"x.mp4\": [%s]}}", bad[i].range);
        assert_null(read_text(text));
        assert_true(strstr(idem_last_error(), bad[i].said) && strstr(idem_last_error(), "x.mp4"));
    }
    assert_null(read_text("{\"clips\": []}"));
    assert_null(read_text("{\"pictures\": {}, \"clips\": {\"x.mp4\": 3}}"));
}

static const char *as_wanted(void *user, int64_t picture, const idem_track_place *place) {
    (void)user;
    (void)place;
    return picture < 30 ? "replace" : picture < 35 ? "hide" : NULL;
}

/* What is written is read back and lies on the faces it is about; a turn of the way ends a range. */
static void what_was_found_is_written_as_few_ranges(void **state) {
    (void)state;
    idem_tracks *t = idem_tracks_new(W, H, 4, NULL);
    const float vector[4] = {1, 0, 0, 0};
    for (int i = 0; i < 40; i++) {
        const idem_found f = made_face(W, H, i < 20 ? 60 + 6 * i : 60 + 6 * (40 - i), 120, 60, 0);
        assert_int_equal(idem_tracks_add(t, &f, 1, vector, false), 0);
    }
    assert_int_equal(idem_tracks_finish(t), 0);
    json_t *list = idem_clip_hand_from(t, NULL, NULL, as_wanted, NULL);
    assert_non_null(list);
    assert_in_range(json_array_size(list), 3, 4); /* there, back, and hidden */
    assert_int_equal(idem_clip_hand_check(list, "x.mp4", "written"), 0);
    idem_clip_hand h;
    assert_int_equal(idem_clip_hand_take(&h, list, W, H), 0);
    for (int i = 0; i < 40; i++) {
        const idem_track_place *p;
        assert_int_equal(idem_tracks_at(t, i, &p), 1);
        assert_int_equal(idem_clip_hand_on(&h, i, &p->box), i < 30   ? IDEM_BY_HAND_REPLACE
                                                            : i < 35 ? IDEM_BY_HAND_HIDE
                                                                     : -1);
    }
    free(h.at);
    json_decref(list);
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
        cmocka_unit_test(ranges_are_read_and_bad_ones_named),
        cmocka_unit_test(what_was_found_is_written_as_few_ranges),
        cmocka_unit_test(boxes_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
