/* Tracking on made sequences: faces whose places and persons are known. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/status.h"
#include "face/align.h"
#include "face/track.h"
#include "support/made_faces.h"

enum { W = 320, H = 240, D = 16, FACES = 3 };

static idem_found face_at(double x, double y, double side, double angle) {
    return made_face(W, H, x, y, side, angle);
}

static idem_rng noise;

/* Persons' vectors are the axes, with noise. */
static void vector_of(float *v, int person) {
    double length = 0;
    for (int i = 0; i < D; i++) {
        v[i] = (float)((i == person) + 0.1 * (2 * idem_rng_uniform(&noise) - 1));
        length += (double)v[i] * (double)v[i];
    }
    for (int i = 0; i < D; i++)
        v[i] /= (float)sqrt(length);
}

static void add(idem_tracks *t, const idem_found *faces, const int *persons, int n, bool cut) {
    float v[FACES][D];
    for (int i = 0; i < n; i++)
        vector_of(v[i], persons[i]);
    assert_int_equal(idem_tracks_add(t, faces, n, &v[0][0], cut), 0);
}

static idem_tracks *begin(void) {
    idem_tracks *t = idem_tracks_new(W, H, D, NULL);
    assert_non_null(t);
    noise = idem_rng_make(7, "test track");
    return t;
}

static const idem_track_place *of_person(const idem_tracks *t, int picture, int person) {
    const idem_track_place *p;
    const int n = idem_tracks_at(t, picture, &p);
    for (int i = 0; i < n; i++)
        if (p[i].person == person)
            return &p[i];
    return NULL;
}

static double middle_x(const idem_track_place *p) {
    float m[1][2] = {{0.5f, 0.5f}};
    idem_crop_points(m, (const float(*)[2])m, 1, &p->frame);
    return (double)m[0][0] * W;
}

/* Two walk through each other: the boxes are one in the middle, the vectors tell who is who. */
static void test_crossing(void **state) {
    (void)state;
    idem_tracks *t = begin();
    for (int i = 0; i < 40; i++) {
        /* Sometimes only the one in front is seen. */
        const idem_found both[2] = {face_at(60 + 5 * i, 120, 60, 0), face_at(260 - 5 * i, 124, 58, 0)};
        add(t, both, (const int[]){0, 1}, i >= 18 && i <= 21 ? 1 : 2, false);
    }
    assert_int_equal(idem_tracks_finish(t), 0);
    const idem_track_person *persons;
    assert_int_equal(idem_tracks_persons(t, &persons), 2);
    for (int k = 0; k < 2; k++) {
        const idem_track_place *a = of_person(t, 0, k), *b = of_person(t, 39, k);
        assert_non_null(a);
        assert_non_null(b);
        assert_int_equal(persons[k].tracks, 1);
        assert_true((middle_x(a) < 160) != (middle_x(b) < 160));
    }
    const int hidden = persons[0].seen == 36 ? 0 : 1;
    for (int i = 18; i <= 21; i++) {
        assert_true(of_person(t, i, hidden)->bridged);
        assert_int_equal(of_person(t, i, hidden)->gap, 4);
    }
    assert_int_equal(of_person(t, 17, hidden)->gap, 0);
    idem_tracks_free(t);
}

/* Leaves for longer than a gap, comes back elsewhere: one person, two tracks. */
static void test_return(void **state) {
    (void)state;
    idem_tracks *t = begin();
    for (int i = 0; i < 90; i++) {
        const idem_found there = face_at(i < 45 ? 80 : 240, 120, 60, 0), other = face_at(160, 60, 40, 0);
        const idem_found both[2] = {other, there};
        add(t, both, (const int[]){2, 5}, i < 30 || i >= 60 ? 2 : 1, false);
    }
    assert_int_equal(idem_tracks_finish(t), 0);
    const idem_track_person *persons;
    assert_int_equal(idem_tracks_persons(t, &persons), 2);
    assert_int_equal(of_person(t, 0, 0)->person, of_person(t, 80, 0)->person);
    assert_int_equal(persons[0].tracks + persons[1].tracks, 3);
    assert_null(of_person(t, 45, persons[0].tracks == 2 ? 0 : 1));
    idem_tracks_free(t);
}

/* Numbers beyond those that link: their mean, of unit length by itself. */
static void test_more(void **state) {
    (void)state;
    idem_track_options o = IDEM_TRACK_DEFAULT;
    o.more = 2;
    idem_tracks *t = idem_tracks_new(W, H, 2, &o);
    assert_non_null(t);
    for (int i = 0; i < 10; i++) { /* one person, though what comes beyond could not differ more */
        const idem_found f = face_at(160, 120, 60, 0);
        assert_int_equal(idem_tracks_add(t, &f, 1, (const float[]){0.6f, 0.8f, i % 2 ? 0 : 1, i % 2 ? 1 : 0}, i == 4),
                         0);
    }
    assert_int_equal(idem_tracks_finish(t), 0);
    const idem_track_person *p;
    assert_int_equal(idem_tracks_persons(t, &p), 1);
    const float wanted[4] = {0.6f, 0.8f, (float)sqrt(0.5), (float)sqrt(0.5)};
    for (int i = 0; i < 4; i++)
        assert_true(fabs((double)(p->vector[i] - wanted[i])) < 1e-6);
    for (int i = 0; i < 10; i++)
        assert_int_equal(idem_tracks_is_cut(t, i), i == 0 || i == 4);
    assert_false(idem_tracks_is_cut(t, 10));
    idem_tracks_free(t);
}

/* After a cut another person stands in the same place. */
static void test_cut(void **state) {
    (void)state;
    idem_tracks *t = begin();
    for (int i = 0; i < 20; i++) {
        const idem_found f = face_at(160, 120, 60 + (i >= 10 ? 20 : 0), 0);
        add(t, &f, (const int[]){i >= 10 ? 1 : 0}, 1, i == 10);
    }
    assert_int_equal(idem_tracks_finish(t), 0);
    const idem_track_person *persons;
    assert_int_equal(idem_tracks_persons(t, &persons), 2);
    /* and smoothing does not reach over it */
    for (int i = 8; i < 12; i++) {
        const idem_track_place *p;
        assert_int_equal(idem_tracks_at(t, i, &p), 1);
        const double side = idem_align_side(&p->frame, W, H), first = idem_align_side(&p->frame, W, H);
        assert_true(fabs(side - first) < 1e-6);
        const idem_track_place *edge;
        idem_tracks_at(t, i < 10 ? 0 : 19, &edge);
        assert_true(fabs(side / idem_align_side(&edge->frame, W, H) - 1) < 1e-3);
    }
    idem_tracks_free(t);
}

/* Not found for five pictures: bridged on the straight way, by the same person. */
static void test_turned_away(void **state) {
    (void)state;
    idem_tracks *t = begin();
    for (int i = 0; i < 30; i++) {
        const idem_found f = face_at(80 + 4 * i, 120, 60, 0);
        add(t, &f, (const int[]){3}, i < 12 || i > 16, false);
    }
    assert_int_equal(idem_tracks_finish(t), 0);
    const idem_track_person *persons;
    assert_int_equal(idem_tracks_persons(t, &persons), 1);
    assert_int_equal(persons[0].seen, 25);
    const double first = middle_x(of_person(t, 0, 0));
    for (int i = 0; i < 30; i++) {
        const idem_track_place *p = of_person(t, i, 0);
        assert_non_null(p);
        assert_int_equal(p->bridged, i >= 12 && i <= 16);
        assert_true(fabs(middle_x(p) - first - 4 * i) < 0.01); /* no lag, at the ends neither */
    }
    idem_tracks_free(t);
}

/* Landmarks that shake: the frame shakes less, and what moves evenly, grows and turns stays in time. */
static void test_smooth(void **state) {
    (void)state;
    idem_tracks *t = begin();
    idem_rng rng = idem_rng_make(3, "shake");
    for (int i = 0; i < 60; i++) {
        const double dx = 2 * idem_rng_uniform(&rng) - 1, turn = 0.06 * (2 * idem_rng_uniform(&rng) - 1);
        const idem_found f = face_at(100 + 2 * i + 2 * dx, 120, 50 * exp(0.01 * i), 0.02 * i + turn);
        add(t, &f, (const int[]){0}, 1, false);
    }
    assert_int_equal(idem_tracks_finish(t), 0);
    double shake = 0, turn = 0, side = 0;
    for (int i = 2; i < 58; i++) {
        const idem_track_place *a = of_person(t, i - 1, 0), *b = of_person(t, i, 0), *c = of_person(t, i + 1, 0);
        shake += fabs(middle_x(a) - 2 * middle_x(b) + middle_x(c)) / 56;
        turn += atan2((double)b->frame.m[3] * H, (double)b->frame.m[0] * W) - 0.02 * i;
        side += log(idem_align_side(&b->frame, W, H)) - 0.01 * i;
    }
    assert_true(shake < 1.2); /* of 2.7 before */
    const double size_0 = log(idem_align_side(&of_person(t, 0, 0)->frame, W, H));
    assert_true(fabs(turn / 56) < 0.012);
    assert_true(fabs(side / 56 - size_0) < 0.02);
    idem_tracks_free(t);
}

static void test_nothing(void **state) {
    (void)state;
    idem_tracks *t = begin();
    const idem_track_person *persons;
    const idem_track_place *places;
    for (int i = 0; i < 3; i++)
        add(t, NULL, NULL, 0, false);
    assert_int_equal(idem_tracks_finish(t), 0);
    assert_int_equal(idem_tracks_persons(t, &persons), 0);
    assert_int_equal(idem_tracks_at(t, 1, &places), 0);
    assert_int_equal(idem_tracks_at(t, 3, &places), 0);
    idem_tracks_free(t);
}

static void test_scene(void **state) {
    (void)state;
    idem_image a, b;
    float x[IDEM_SCENE_CELLS], y[IDEM_SCENE_CELLS];
    assert_int_equal(idem_image_new(&a, 160, 90), 0);
    assert_int_equal(idem_image_new(&b, 160, 90), 0);
    for (int i = 0; i < 3 * 160 * 90; i++) {
        const int px = i / 3 % 160, py = i / 480;
        a.rgb[i] = (uint8_t)(px + py / 2);
        b.rgb[i] = (uint8_t)fmin(px + py / 2 + 60, 255); /* a light goes on */
    }
    idem_scene_look(&a, x);
    idem_scene_look(&b, y);
    assert_false(idem_scene_is_cut(x, y));
    assert_false(idem_scene_is_cut(x, x));
    for (int i = 0; i < 3 * 160 * 90; i++)
        b.rgb[i] = (uint8_t)((i / 3 / 40 % 2) * 200);
    idem_scene_look(&b, y);
    assert_true(idem_scene_is_cut(x, y));
    idem_image_free(&a);
    idem_image_free(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crossing), cmocka_unit_test(test_return),      cmocka_unit_test(test_more),
        cmocka_unit_test(test_cut),      cmocka_unit_test(test_turned_away), cmocka_unit_test(test_smooth),
        cmocka_unit_test(test_nothing),  cmocka_unit_test(test_scene),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
