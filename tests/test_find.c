/* Finding faces: turned ones, small ones beside large ones, many, in panoramas, cut close; and what is no face. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "face/align.h"
#include "face/finder.h"
#include "face/settle.h"
#include "support/photographs.h"

static idem_finder *finder;

static int open_finder(void **state) {
    (void)state;
    finder = NULL;
    return 0;
}

static int close_finder(void **state) {
    (void)state;
    idem_finder_free(finder);
    return 0;
}

static void need(void) {
    photograph_need_models();
    if (!finder)
        finder = photograph_finder(false);
}

/* ---- pictures ---- */

typedef struct {
    int number; /* of the drawn face */
    double x, y, side, turn;
} placed;

/* Faces on plain ground: of each what its turned square covers. */
static idem_image faces_on_ground(int width, int height, const placed *faces, int n) {
    idem_image im;
    assert_int_equal(idem_image_new(&im, width, height), 0);
    for (int i = 0; i < width * height; i++)
        memcpy(im.rgb + 3 * i, (const uint8_t[]){122, 138, 106}, 3);
    for (int k = 0; k < n; k++) {
        char name[32];
        idem_crop place, back;
        const placed *f = &faces[k];
        snprintf(name, sizeof name, "identities/%d.png", f->number);
        idem_image one = photograph(name, width, height, f->x, f->y, f->side, f->turn, &place);
        assert_int_equal(idem_crop_invert(&back, &place), 0);
        for (int i = 0; i < width * height; i++) {
            float at[1][2] = {
                {((float)(i % width) + 0.5f) / (float)width, ((float)(i / width) + 0.5f) / (float)height}};
            idem_crop_points(at, (const float(*)[2])at, 1, &back);
            if (at[0][0] >= 0 && at[0][0] <= 1 && at[0][1] >= 0 && at[0][1] <= 1)
                memcpy(im.rgb + 3 * i, one.rgb + 3 * i, 3);
        }
        idem_image_free(&one);
    }
    return im;
}

/* How far a found face's frame is from where the face was put, in parts of its side: the greatest of its corners. */
static double off(const idem_found *found, const placed *f, const idem_image *im) {
    static const float corners[4][2] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};
    double a = f->turn * 3.14159265358979 / 180, most = 0;
    float at[4][2];
    idem_crop frame;
    assert_int_equal(idem_align_frame(&frame, (const float(*)[2])found->points, im->width, im->height), 0);
    idem_crop_points(at, corners, 4, &frame);
    for (int i = 0; i < 4; i++) {
        double u = ((double)corners[i][0] - 0.5) * f->side, v = ((double)corners[i][1] - 0.5) * f->side;
        double x = f->x + u * cos(a) - v * sin(a), y = f->y + u * sin(a) + v * cos(a);
        most = fmax(most, hypot((double)at[i][0] * im->width - x, (double)at[i][1] * im->height - y) / f->side);
    }
    return most;
}

/* Just these faces are found, each where it was put; the drawn frames themselves are off by up to 6 %. Frees im. */
static void expect(idem_image *im, idem_search search, const placed *faces, int n) {
    idem_found *found;
    int seen = idem_finder_run(finder, im, &(idem_find_options){.search = search}, &found);
    if (seen != n)
        print_message("%d faces of %d\n", seen, n);
    assert_int_equal(seen, n);
    for (int k = 0; k < n; k++) {
        double least = HUGE_VAL;
        for (int i = 0; i < seen; i++)
            least = fmin(least, off(&found[i], &faces[k], im));
        if (least >= 0.1)
            print_message("face %d at %.0f %.0f: off by %.3f\n", k, faces[k].x, faces[k].y, least);
        assert_true(least < 0.1);
        assert_true(found[k].sure && found[k].score > IDEM_DETECT_CONFIDENCE);
    }
    free(found);
    idem_image_free(im);
}

/* ---- tests ---- */

static void turned_faces_are_found_as_they_stand(void **state) {
    (void)state;
    need();
    static const double turns[] = {0, 90, 180, -90, 60, -135};
    for (int i = 0; i < 6; i++) {
        const placed f = {i % 6 + 1, 150, 130, 150, turns[i]};
        idem_image im = faces_on_ground(320, 260, &f, 1);
        expect(&im, IDEM_FIND_LARGEST, &f, 1);
    }
}

/* An upright and a turned face in one picture. */
static void small_faces_beside_a_large_one(void **state) {
    (void)state;
    need();
    static const placed faces[] = {{1, 400, 500, 600, 0}, {2, 1122, 322, 45, 0}, {3, 900, 800, 60, 180}};
    idem_image im = faces_on_ground(1500, 1000, faces, 3);
    expect(&im, IDEM_FIND_ALL, faces, 3);
    im = faces_on_ground(1500, 1000, faces, 3);
    idem_found *found;
    assert_true(idem_finder_run(finder, &im, &(idem_find_options){.search = IDEM_FIND_LARGEST}, &found) >= 1);
    assert_true(off(&found[0], &faces[0], &im) < 0.1);
    free(found);
    idem_image_free(&im);
    im = faces_on_ground(1500, 1000, faces + 1, 1);
    expect(&im, IDEM_FIND_ALL, faces + 1, 1);
}

/* Whether one of them is at that place, by its box. */
static bool is_among(const idem_found *found, int n, const placed *f, const idem_image *im) {
    for (int i = 0; i < n; i++) {
        const idem_box *b = &found[i].box;
        if (hypot((double)(b->x0 + b->x1) / 2 * im->width - f->x, (double)(b->y0 + b->y1) / 2 * im->height - f->y) <
            0.2 * f->side)
            return true;
    }
    return false;
}

/* A face in the dark beside one in the light: with shadows lifted it is at least a candidate. */
static void faces_in_the_dark_are_found(void **state) {
    (void)state;
    need();
    static const placed faces[] = {{1, 400, 500, 300, 0}, {2, 1122, 322, 90, 90}};
    idem_image im = faces_on_ground(1500, 1000, faces, 2);
    for (int y = 222; y < 422; y++)
        for (int i = 3 * 1022; i < 3 * 1222; i++) {
            uint8_t *p = im.rgb + 3 * 1500 * y + i;
            *p = (uint8_t)(*p / 16);
        }
    for (int dark = 0; dark < 2; dark++) {
        idem_found *found;
        const int n =
            idem_finder_run(finder, &im, &(idem_find_options){.confidence = 0.5f, .in_the_dark = dark}, &found);
        assert_true(is_among(found, n, &faces[0], &im));
        assert_int_equal(is_among(found, n, &faces[1], &im), dark);
        free(found);
    }
    idem_image_free(&im);
}

static void there_is_no_limit_to_faces(void **state) {
    (void)state;
    need();
    enum { ACROSS = 9, FACES = 66 };
    placed faces[FACES];
    for (int i = 0; i < FACES; i++)
        faces[i] = (placed){i % 6 + 1, i % ACROSS * 70 + 35, i / ACROSS * 70 + 35, 66, 0};
    idem_image im = faces_on_ground(ACROSS * 70, 8 * 70, faces, FACES);
    expect(&im, IDEM_FIND_ALL, faces, FACES);
}

static void ground_around_a_picture_changes_nothing(void **state) {
    (void)state;
    need();
    static const placed faces[] = {{1, 147, 75, 114, 0}, {2, 597, 75, 114, 0}, {3, 1017, 75, 114, 0}};
    idem_image im = faces_on_ground(1200, 150, faces, 3);
    expect(&im, IDEM_FIND_ALL, faces, 3);
    static const placed tall = {2, 75, 900, 114, 0};
    im = faces_on_ground(150, 1200, &tall, 1);
    expect(&im, IDEM_FIND_LARGEST, &tall, 1);
}

/* A picture of nothing but the detector's box. */
static void close_crops_are_found(void **state) {
    (void)state;
    need();
    const placed f = {4, 160, 160, 300, 0};
    idem_image im = faces_on_ground(320, 320, &f, 1), close;
    idem_found *found;
    assert_int_equal(idem_finder_run(finder, &im, NULL, &found), 1);
    int left = (int)(found->box.x0 * 320), top = (int)(found->box.y0 * 320);
    assert_int_equal(
        idem_image_cut(&close, &im, left, top, (int)(found->box.x1 * 320) - left, (int)(found->box.y1 * 320) - top), 0);
    free(found);
    idem_image_free(&im);
    const placed shifted = {4, 160 - left, 160 - top, 300, 0};
    expect(&close, IDEM_FIND_LARGEST, &shifted, 1);
}

/* Whether a picture is in the frame is seen, not guessed by its size. */
static void frames_are_known_at_a_look(void **state) {
    (void)state;
    need();
    static const struct {
        placed f;
        int in_frame;
    } cases[] = {
        {{1, 64, 64, 128, 0}, 1}, {{1, 94, 94, 56, 0}, 0}, {{1, 64, 64, 128, 180}, 0}, {{1, 64, 64, 100, 0}, 0}};
    for (int i = 0; i < 4; i++) {
        idem_image im = faces_on_ground(128, 128, &cases[i].f, 1);
        idem_found found;
        assert_int_equal(idem_finder_sees_frame(finder, &im, 0.08, &found), cases[i].in_frame);
        idem_image_free(&im);
    }
    idem_image flat = faces_on_ground(128, 128, NULL, 0);
    idem_found found;
    assert_int_equal(idem_finder_sees_frame(finder, &flat, 0.08, &found), 0);
    idem_image_free(&flat);
}

/* Options: no more than max; unsure ones only if asked for, and marked. */
static void options_are_kept(void **state) {
    (void)state;
    need();
    static const placed faces[] = {{1, 100, 110, 160, 0}, {2, 300, 110, 120, 0}};
    idem_image im = faces_on_ground(400, 220, faces, 2);
    idem_found *found;
    assert_int_equal(idem_finder_run(finder, &im, &(idem_find_options){.max = 1}, &found), 1);
    assert_true(off(found, &faces[0], &im) < 0.1);
    free(found);
    int n = idem_finder_run(finder, &im, &(idem_find_options){.confidence = 0.3f}, &found), sure = 0;
    assert_true(n >= 2);
    for (int i = 0; i < n; i++) {
        assert_true(found[i].score > 0.3f);
        sure += found[i].sure;
    }
    assert_int_equal(sure, 2);
    free(found);
    idem_image_free(&im);
}

/* The wrong reading of a turned face, on which the views disagree, gives way to the right one; what is seen amid a face
 * that is plain is no other. */
static void better_readings_take_the_place_of_worse(void **state) {
    (void)state;
    idem_face_seen wrong = {.box = {.x = 100, .y = 100, .width = 60, .height = 80, .score = 1}, .spread = 0.02};
    idem_face_seen right = {.box = {.x = 104, .y = 98, .width = 62, .height = 78, .turn = -IDEM_QUARTER, .score = 1},
                            .spread = 0.005};
    const idem_candidate mouth = {.x = 100, .y = 120, .width = 30, .height = 30, .score = 0.7f},
                         neighbour = {.x = 145, .y = 100, .width = 40, .height = 50, .score = 0.7f};
    idem_faces_seen list = {0};
    assert_int_equal(idem_faces_seen_improve(&list, &wrong), 0);
    assert_true(idem_faces_seen_explain(&list, &wrong.box));
    assert_false(idem_faces_seen_explain(&list, &right.box));
    assert_false(idem_faces_seen_explain(&list, &mouth));
    assert_int_equal(idem_faces_seen_improve(&list, &right), 0);
    assert_int_equal(list.n, 1);
    assert_true(list.at[0].spread == right.spread);
    assert_int_equal(idem_faces_seen_improve(&list, &wrong), 0);
    assert_int_equal(list.n, 1);
    assert_true(list.at[0].spread == right.spread);
    assert_true(idem_faces_seen_explain(&list, &wrong.box));
    assert_true(idem_faces_seen_explain(&list, &mouth));
    assert_false(idem_faces_seen_explain(&list, &neighbour));
    free(list.at);
}

/* The views disagree on half a face and on a fence alike; the detector's score tells them apart. */
static void half_seen_faces_need_a_sure_detector(void **state) {
    (void)state;
    static const struct {
        double off, spread;
        float score;
        bool is;
    } cases[] = {{0.0002, 0.005, 0.7f, true},     /* clearly seen */
                 {0.0008, 0.016, 0.83f, true},    /* at the photograph's edge */
                 {0.001, 0.035, 0.9995f, true},   /* a profile */
                 {0, 0.045, 1, true},             /* half hidden */
                 {0.0003, 0.0274, 0.917f, false}, /* a fence */
                 {0.0013, 0.02, 0.8f, false},     /* hair and a hand */
                 {0, 0.055, 1, false},            /* anything */
                 {0.02, 0.005, 1, false}};        /* what never settles */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const idem_face_seen face = {.box = {.score = cases[i].score}, .off = cases[i].off, .spread = cases[i].spread};
        if (idem_face_seen_holds(&face) != cases[i].is)
            print_message("case %zu\n", i);
        assert_int_equal(idem_face_seen_holds(&face), cases[i].is);
    }
}

static void misaligned_faces_must_be_clearly_seen(void **state) {
    (void)state;
    idem_face_seen at[] = {{.spread = 0.009}, {.box = {.turn = 0.9}, .spread = 0.016}};
    const idem_faces_seen list = {at, 2, 2}, none = {0}, worse = {at + 1, 1, 1};
    static const struct {
        double turn, spread;
        bool is;
    } cases[] = {{3.1, 0.02, true},                       /* head down */
                 {-1.5, 0.02, true},  {0.8, 0.02, false}, /* leaning */
                 {1.5, 0.02, true},                       /* as the second, which is hardly seen better */
                 {1.5, 0.026, false},                     /* as the second, which is seen better */
                 {3.1, 0.01, false}};                     /* clearly seen */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const idem_face_seen face = {.box = {.turn = cases[i].turn}, .spread = cases[i].spread};
        if (idem_faces_seen_misaligned(&list, &face) != cases[i].is)
            print_message("case %zu\n", i);
        assert_int_equal(idem_faces_seen_misaligned(&list, &face), cases[i].is);
        assert_false(idem_faces_seen_misaligned(&none, &face));
    }
    const idem_face_seen lone = {.box = {.turn = 3.1}, .spread = 0.017};
    assert_false(idem_faces_seen_misaligned(&worse, &lone));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turned_faces_are_found_as_they_stand),
        cmocka_unit_test(small_faces_beside_a_large_one),
        cmocka_unit_test(faces_in_the_dark_are_found),
        cmocka_unit_test(there_is_no_limit_to_faces),
        cmocka_unit_test(ground_around_a_picture_changes_nothing),
        cmocka_unit_test(close_crops_are_found),
        cmocka_unit_test(frames_are_known_at_a_look),
        cmocka_unit_test(options_are_kept),
        cmocka_unit_test(better_readings_take_the_place_of_worse),
        cmocka_unit_test(half_seen_faces_need_a_sure_detector),
        cmocka_unit_test(misaligned_faces_must_be_clearly_seen),
    };
    return cmocka_run_group_tests(tests, open_finder, close_finder);
}
