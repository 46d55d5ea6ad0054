/* Crops, frames and the detector's last step. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/plan.h"
#include "face/detect.h"
#include "face/frame.h"
#include "support/fill.h"

static const float five[5][2] = {
    {0.375f, 0.472f}, {0.621f, 0.473f}, {0.488f, 0.613f}, {0.380f, 0.729f}, {0.617f, 0.730f}};

/* ---- fitting ---- */

static void a_fit_recovers_an_exact_similarity(void **state) {
    (void)state;
    const double c = 0.4 * cos(0.3), s = 0.4 * sin(0.3);
    const int width = 200, height = 300;
    float points[5][2];
    for (int i = 0; i < 5;
         i++) { /* in pixels: a similarity of the template; then unit coordinates of an oblong picture */
        double x = (double)idem_template_112[i][0] * 112, y = (double)idem_template_112[i][1] * 112;
        points[i][0] = (float)((c * x - s * y + 71) / width);
        points[i][1] = (float)((s * x + c * y + 33) / height);
    }
    idem_crop crop, back;
    float found[5][2], again[5][2];
    assert_int_equal(idem_crop_fit(&crop, idem_template_112, points, 5, width, height), 0);
    assert_float_equal(crop.m[0], c * 112 / width, 1e-5);
    assert_float_equal(crop.m[3], s * 112 / height, 1e-5);
    idem_crop_points(found, idem_template_112, 5, &crop);
    assert_int_equal(idem_crop_invert(&back, &crop), 0);
    idem_crop_points(again, found, 5, &back);
    for (int i = 0; i < 10; i++) {
        assert_float_equal((&found[0][0])[i], (&points[0][0])[i], 1e-5);
        assert_float_equal((&again[0][0])[i], (&idem_template_112[0][0])[i], 1e-5);
    }
}

/* Of all similarities, none brings the points closer to the template. */
static double misfit(const idem_crop *crop) {
    idem_crop inverse;
    float at[5][2];
    double sum = 0;
    assert_int_equal(idem_crop_invert(&inverse, crop), 0);
    idem_crop_points(at, five, 5, &inverse);
    for (int i = 0; i < 10; i++) {
        double d = (double)(&at[0][0])[i] - (double)(&idem_template_112[0][0])[i];
        sum += d * d;
    }
    return sum;
}

static void a_fit_is_of_least_squares(void **state) {
    (void)state;
    idem_crop best;
    assert_int_equal(idem_crop_fit(&best, idem_template_112, five, 5, 64, 64), 0);
    double least = misfit(&best);
    assert_true(least > 1e-5); /* the points are no exact copy of the template */
    for (int i = 0; i < 8; i++) {
        idem_crop other = best;
        float step = i % 2 ? 2e-3f : -2e-3f;
        switch (i / 2) {
        case 0:
            other.m[0] += step;
            other.m[4] += step;
            break;
        case 1:
            other.m[1] -= step;
            other.m[3] += step;
            break;
        case 2:
            other.m[2] += step;
            break;
        default:
            other.m[5] += step;
        }
        assert_true(misfit(&other) > least);
    }
}

static void a_fit_refuses_what_has_no_answer(void **state) {
    (void)state;
    idem_crop crop;
    const float same[3][2] = {{0.5f, 0.5f}, {0.5f, 0.5f}, {0.5f, 0.5f}};
    float bad[5][2];
    assert_int_equal(idem_crop_fit(&crop, idem_template_112, same, 3, 64, 64), -1);
    assert_int_equal(idem_crop_fit(&crop, idem_template_112, five, 1, 64, 64), -1);
    memcpy(bad, five, sizeof bad);
    bad[2][1] = NAN;
    assert_int_equal(idem_crop_fit(&crop, idem_template_112, bad, 5, 64, 64), -1);
    assert_non_null(strstr(idem_error(), "not finite"));
    assert_int_equal(idem_crop_invert(&crop, &(idem_crop){{1, 2, 0, 2, 4, 0}}), -1);
}

/* ---- maps ---- */

enum { H = 9, W = 12 };

/* A plane is linear in x and y, so bilinear sampling anywhere inside gives its exact value. */
static void a_map_samples_a_plane_exactly(void **state) {
    (void)state;
    float source[H * W * 2], out[14 * 10 * 2];
    for (int i = 0; i < H * W; i++) {
        float x = ((float)(i % W) + 0.5f) / W, y = ((float)(i / W) + 0.5f) / H;
        source[2 * i] = 3 * x - 2 * y;
        source[2 * i + 1] = y;
    }
    const idem_crop crop = {{0.5f, -0.1f, 0.3f, 0.08f, 0.4f, 0.25f}};
    idem_sparse map;
    assert_int_equal(idem_crop_map(&map, &crop, 14, 10, H, W, IDEM_BORDER_EDGE), 0);
    idem_crop_apply(out, source, 2, &map);
    for (int i = 0; i < 140; i++) {
        float at[2] = {((float)(i % 10) + 0.5f) / 10, ((float)(i / 10) + 0.5f) / 14};
        idem_crop_points(&at, &at, 1, &crop);
        assert_float_equal(out[2 * i], 3 * at[0] - 2 * at[1], 1e-5);
        assert_float_equal(out[2 * i + 1], at[1], 1e-5);
    }
    idem_crop_map_free(&map);
}

static double row_sum(const idem_sparse *map, int row) {
    double sum = 0;
    for (int k = map->start[row]; k < map->start[row + 1]; k++)
        sum += (double)map->value[k];
    return sum;
}

static void borders_are_edge_or_zero(void **state) {
    (void)state;
    const idem_crop far = {{3, 0, -1, 0, 3, -1}}; /* the picture is the middle ninth */
    for (int border = IDEM_BORDER_EDGE; border <= IDEM_BORDER_ZERO; border++) {
        idem_sparse map;
        assert_int_equal(idem_crop_map(&map, &far, 30, 30, H, W, (idem_border)border), 0);
        for (int row = 0; row < map.rows; row++) {
            for (int k = map.start[row]; k < map.start[row + 1]; k++)
                assert_true(map.column[k] >= 0 && map.column[k] < H * W && map.value[k] > 0);
            int y = row / 30, x = row % 30;
            bool inside = y > 10 && y < 19 && x > 10 && x < 19, outside = y < 9 || y > 20 || x < 9 || x > 20;
            if (border == IDEM_BORDER_EDGE || inside)
                assert_float_equal(row_sum(&map, row), 1, 1e-5);
            else if (outside)
                assert_int_equal(map.start[row], map.start[row + 1]);
            else
                assert_true(row_sum(&map, row) < 1);
        }
        if (border == IDEM_BORDER_EDGE) {
            assert_int_equal(map.start[1] - map.start[0], 1);
            assert_int_equal(map.column[0], 0); /* the corner is the corner pixel */
        }
        idem_crop_map_free(&map);
    }
}

/* Halving with the stretched triangle: taps 1/8 3/8 3/8 1/8 inside; every source pixel counts. */
static void a_shrinking_map_is_antialiased(void **state) {
    (void)state;
    const idem_crop whole = {{1, 0, 0, 0, 1, 0}};
    idem_sparse map;
    assert_int_equal(idem_crop_map(&map, &whole, 8, 8, 8, 16, IDEM_BORDER_EDGE), 0);
    float seen[8 * 16] = {0};
    for (int k = 0; k < map.start[64]; k++)
        seen[map.column[k]] += map.value[k];
    for (int i = 0; i < 8 * 16; i++)
        assert_float_equal(seen[i], 0.5, 1e-6);
    const float want[4] = {0.125f, 0.375f, 0.375f, 0.125f};
    int row = 3 * 8 + 3;
    assert_int_equal(map.start[row + 1] - map.start[row], 4);
    for (int k = 0; k < 4; k++) {
        assert_int_equal(map.column[map.start[row] + k], 3 * 16 + 5 + k);
        assert_float_equal(map.value[map.start[row] + k], want[k], 1e-6);
    }
    idem_crop_map_free(&map);
}

static void maps_refuse_nonsense(void **state) {
    (void)state;
    idem_sparse map;
    const idem_crop whole = {{1, 0, 0, 0, 1, 0}}, bad = {{NAN, 0, 0, 0, 1, 0}}, huge = {{1e6f, 0, 0, 0, 1e6f, 0}};
    assert_int_equal(idem_crop_map(&map, &whole, 0, 4, 8, 8, IDEM_BORDER_EDGE), -1);
    assert_int_equal(idem_crop_map(&map, &bad, 4, 4, 8, 8, IDEM_BORDER_EDGE), -1);
    assert_int_equal(idem_crop_map(&map, &whole, 100000, 100000, 8, 8, IDEM_BORDER_EDGE), -1);
    assert_int_equal(idem_crop_map(&map, &huge, 4, 4, 8, 8, IDEM_BORDER_ZERO),
                     0); /* a huge shrink of a small picture is fine */
    idem_crop_map_free(&map);
}

/* ---- in the graph ---- */

static void network_inputs_and_points(void **state) {
    (void)state;
    idem_frame frame;
    assert_int_equal(idem_frame_from_five(&frame, five), 0);
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(2, 3, 64, 64)), *points = idem_input(g, "points", IDEM_SHAPE(2, 136));
    fixture_fill(x->leaf, 2 * 3 * 64 * 64, "", "x", 0.5, 0.5);
    fixture_fill(points->leaf, 2 * 136, "", "points", 0.5, 0.5);
    const idem_crop turned = {{0.6f, -0.1f, 0.2f, 0.1f, 0.7f, 0.1f}};
    idem_node *t[4] = {idem_crop_node(x, &frame.recogniser, 112, 112), idem_crop_landmark_input(x, &frame.landmark),
                       idem_crop_landmark_points(points, &turned, 17, 160)};
    assert_int_equal(idem_gradients(idem_sum_all(idem_square(t[1])), &x, 1, &t[3]), 0);
    for (int i = 0; i < 4; i++)
        if (!t[i])
            fail_msg("%s", idem_error());
    idem_plan *p = idem_plan_new(t, 4, NULL);
    assert_non_null(p);
    assert_int_equal(idem_plan_run(p), 0);
    idem_sparse map;
    static float crop[112 * 112 * 3];
    const float *picture = x->leaf + 64 * 64 * 3; /* the second one; N, H, W, C as the plain functions have it */
    assert_int_equal(idem_crop_map(&map, &frame.recogniser, 112, 112, 64, 64, IDEM_BORDER_EDGE), 0);
    idem_crop_apply(crop, picture, 3, &map);
    idem_crop_map_free(&map);
    for (int i = 0; i < 112 * 112 * 3; i++)
        assert_float_equal(idem_plan_value(p, t[0])[112 * 112 * 3 + i], crop[i], 1e-5);
    assert_int_equal(idem_crop_map(&map, &frame.landmark, 64, 64, 64, 64, IDEM_BORDER_EDGE), 0);
    idem_crop_apply(crop, picture, 3, &map);
    idem_crop_map_free(&map);
    for (int i = 0; i < 64 * 64; i++) {
        float grey = 0.299f * crop[3 * i] + 0.587f * crop[3 * i + 1] + 0.114f * crop[3 * i + 2];
        assert_float_equal(idem_plan_value(p, t[1])[64 * 64 + i], grey * 255 / 256, 1e-5);
    }
    float at[68][2];
    idem_crop_points(at, (const float(*)[2])(points->leaf + 136), 68, &turned);
    assert_int_equal(t[2]->shape.d[1], 51);
    for (int i = 0; i < 102; i++)
        assert_float_equal(idem_plan_value(p, t[2])[102 + i], 160 * (&at[17][0])[i], 1e-3);
    /* Where the landmark net does not look, the picture gets no gradient; where it looks, it does. */
    const float *dx = idem_plan_value(p, t[3]);
    assert_true(dx[(1 * 64 + 1) * 3] == 0 && dx[(40 * 64 + 32) * 3] != 0);
    idem_plan_free(p);
    idem_graph_free(g);
}

/* ---- frames ---- */

static void frames_from_landmarks(void **state) {
    (void)state;
    enum { N = 5 };
    float points[N][68][2];
    for (int n = 0; n < N; n++)
        for (int i = 0; i < 68; i++) {
            points[n][i][0] = 0.2f + 0.6f * (float)(i % 17) / 16 + 0.01f * (float)(n - 2);
            points[n][i][1] = 0.3f + 0.5f * (float)(i / 17) / 3;
            if (i >= 36 && i < 48)
                memcpy(points[n][i], five[i >= 42], 8);
        }
    for (int n = 0; n < N; n++) {
        memcpy(points[n][30], five[2], 8);
        memcpy(points[n][48], five[3], 8);
        memcpy(points[n][54], five[4], 8);
    }
    points[3][30][0] = 5; /* one wrong landmark does not move a median */
    points[4][0][0] = NAN;
    idem_frame frame, loaded;
    assert_int_equal(idem_frame_find(&frame, (const float(*)[68][2])points, N), 0);
    assert_int_equal(frame.pictures, 4);
    assert_int_equal(frame.failed, 1);
    for (int i = 0; i < 10; i++)
        assert_float_equal((&frame.five[0][0])[i], (&five[0][0])[i], 1e-6);
    /* The box that was measured for this frame: centre (0.50, 0.58), 0.68 wide and high. */
    assert_float_equal(frame.landmark.m[0], 0.68, 0.01);
    assert_float_equal(frame.landmark.m[4], 0.68, 0.01);
    assert_float_equal(frame.landmark.m[2] + frame.landmark.m[0] / 2, 0.50, 0.01);
    assert_float_equal(frame.landmark.m[5] + frame.landmark.m[4] / 2, 0.58, 0.01);
    enum { SIDE = 100 };
    uint8_t outside[SIDE * SIDE];
    int inside = SIDE * SIDE;
    assert_int_equal(idem_frame_outside(&frame, SIDE, outside), 0);
    for (int i = 0; i < SIDE * SIDE; i++)
        inside -= outside[i];
    assert_float_equal(inside, 0.7854 * 68 * 68, 120); /* an ellipse in that box */
    assert_true(outside[0] && outside[20 * SIDE + 50] && !outside[28 * SIDE + 50] && !outside[88 * SIDE + 50] &&
                outside[96 * SIDE + 50] && outside[58 * SIDE + 12] && !outside[58 * SIDE + 20]);
    idem_weights *w = idem_weights_new();
    assert_int_equal(idem_frame_load(&loaded, w), -1);
    assert_non_null(strstr(idem_error(), "frame.five"));
    assert_int_equal(idem_frame_store(&frame, w), 0);
    assert_int_equal(idem_frame_load(&loaded, w), 0);
    assert_memory_equal(&frame, &loaded, sizeof frame);
    assert_int_equal(idem_weights_set_meta(w, "frame.recogniser", "1 2 3 nan 5 6"), 0);
    assert_int_equal(idem_frame_load(&loaded, w), -1);
    assert_int_equal(idem_weights_set_meta(w, "frame.recogniser", "1 2 3 4 5 6 7"), 0);
    assert_int_equal(idem_frame_load(&loaded, w), -1);
    assert_non_null(strstr(idem_error(), "expected 6 numbers"));
    idem_weights_free(w);
    points[0][0][0] = points[1][0][0] = NAN;
    assert_int_equal(idem_frame_find(&frame, (const float(*)[68][2])points, N), -1);
    assert_non_null(strstr(idem_error(), "2 of 5"));
}

/* ---- detection ---- */

static void detections_are_thinned(void **state) {
    (void)state;
    const float scores[7][2] = {{0.1f, 0.9f}, {0.02f, 0.98f}, {0.3f, 0.7f}, {0.4f, 0.6f},
                                {0, 1},       {0.1f, 0.9f},   {0, NAN}};
    const float boxes[7][4] = {
        {0.10f, 0.10f, 0.50f, 0.50f},                                  /* overlaps the next by 0.82: dropped */
        {0.12f, 0.12f, 0.50f, 0.52f},    {0.45f, 0.45f, 0.90f, 0.90f}, /* apart: kept */
        {0.60f, 0.00f, 0.90f, 0.30f},                                  /* not sure enough */
        {0.50f, 0.50f, 0.40f, 0.60f},                                  /* empty */
        {0.20f, INFINITY, 0.40f, 0.60f},                               /* not finite */
        {0.00f, 0.60f, 0.20f, 0.90f},                                  /* a score that is not a number */
    };
    idem_face out[7];
    int n = idem_detect_select(out, 7, &scores[0][0], &boxes[0][0], 7, IDEM_DETECT_CONFIDENCE, IDEM_DETECT_OVERLAP);
    assert_int_equal(n, 2);
    assert_float_equal(out[0].score, 0.98, 1e-6);
    assert_float_equal(out[0].box.x0, 0.12, 1e-6);
    assert_float_equal(out[1].score, 0.7, 1e-6);
    assert_int_equal(idem_detect_select(out, 1, &scores[0][0], &boxes[0][0], 7, 0.65f, 0.4f), 1);
    assert_int_equal(idem_detect_select(out, 7, &scores[0][0], &boxes[0][0], 7, 0.65f, 0.9f), 3);
    assert_int_equal(idem_detect_select(out, 7, &scores[0][0], &boxes[0][0], 0, 0.65f, 0.4f), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fit_recovers_an_exact_similarity),
        cmocka_unit_test(a_fit_is_of_least_squares),
        cmocka_unit_test(a_fit_refuses_what_has_no_answer),
        cmocka_unit_test(a_map_samples_a_plane_exactly),
        cmocka_unit_test(borders_are_edge_or_zero),
        cmocka_unit_test(a_shrinking_map_is_antialiased),
        cmocka_unit_test(maps_refuse_nonsense),
        cmocka_unit_test(network_inputs_and_points),
        cmocka_unit_test(frames_from_landmarks),
        cmocka_unit_test(detections_are_thinned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
