/* Photographs: the FFHQ frame against plain code of the script, warping, faces found again where they were put. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <webp/encode.h>

#include "base/file.h"
#include "base/rng.h"
#include "face/align.h"
#include "face/photo.h"
#include "face/warp.h"
#include "support/photographs.h"
#include "support/pictures.h"
#include "support/program.h"

/* ---- the frame ---- */

/* The alignment script's lines, in pixels: corners top left, bottom left, bottom right, top right. */
static void script_quad(double quad[4][2], const float (*points)[2], int width, int height) {
    double p[68][2], left[2] = {0}, right[2] = {0};
    for (int i = 0; i < 68; i++) {
        p[i][0] = (double)points[i][0] * width;
        p[i][1] = (double)points[i][1] * height;
    }
    for (int k = 0; k < 2; k++)
        for (int i = 0; i < 6; i++) {
            left[k] += p[36 + i][k] / 6;
            right[k] += p[42 + i][k] / 6;
        }
    double eye[2], e[2], m[2];
    for (int k = 0; k < 2; k++) {
        eye[k] = (left[k] + right[k]) * 0.5;
        e[k] = right[k] - left[k];
        m[k] = (p[48][k] + p[54][k]) * 0.5 - eye[k];
    }
    double x[2] = {e[0] - -m[1], e[1] - m[0]}; /* e - flip(m) * [-1, 1] */
    double length = hypot(x[0], x[1]), scale = fmax(hypot(e[0], e[1]) * 2.0, hypot(m[0], m[1]) * 1.8);
    x[0] *= scale / length;
    x[1] *= scale / length;
    double y[2] = {-x[1], x[0]}, c[2] = {eye[0] + m[0] * 0.1, eye[1] + m[1] * 0.1};
    for (int k = 0; k < 2; k++) {
        quad[0][k] = c[k] - x[k] - y[k];
        quad[1][k] = c[k] - x[k] + y[k];
        quad[2][k] = c[k] + x[k] + y[k];
        quad[3][k] = c[k] + x[k] - y[k];
    }
}

static void frame_corners(double quad[4][2], const idem_crop *frame, int width, int height) {
    static const float corners[4][2] = {{0, 0}, {0, 1}, {1, 1}, {1, 0}};
    float at[4][2];
    idem_crop_points(at, corners, 4, frame);
    for (int i = 0; i < 4; i++) {
        quad[i][0] = (double)at[i][0] * width;
        quad[i][1] = (double)at[i][1] * height;
    }
}

/* Largest distance of corners, in parts of the side. */
static double distance(const double a[4][2], const double b[4][2]) {
    double side = hypot(b[3][0] - b[0][0], b[3][1] - b[0][1]), most = 0;
    for (int i = 0; i < 4; i++)
        most = fmax(most, hypot(a[i][0] - b[i][0], a[i][1] - b[i][1]) / side);
    return most;
}

static void the_frame_is_that_of_the_script(void **state) {
    (void)state;
    idem_rng r = idem_rng_make(1, "points");
    for (int t = 0; t < 200; t++) {
        float points[68][2];
        int width = 100 + (int)idem_rng_below(&r, 3000), height = 100 + (int)idem_rng_below(&r, 3000);
        for (int i = 0; i < 68; i++)
            for (int k = 0; k < 2; k++)
                points[i][k] = (float)idem_rng_uniform(&r);
        double want[4][2], got[4][2];
        idem_crop frame;
        script_quad(want, (const float(*)[2])points, width, height);
        assert_int_equal(idem_align_frame(&frame, (const float(*)[2])points, width, height), 0);
        frame_corners(got, &frame, width, height);
        assert_true(distance((const double(*)[2])got, (const double(*)[2])want) < 1e-5);
        double side = hypot(want[3][0] - want[0][0], want[3][1] - want[0][1]);
        assert_true(fabs(idem_align_side(&frame, width, height) / side - 1) < 1e-5);
    }
    float same[68][2] = {{0}};
    idem_crop frame;
    assert_int_equal(idem_align_frame(&frame, (const float(*)[2])same, 100, 100), -1);
}

/* ---- warping ---- */

static const idem_crop whole = {{1, 0, 0, 0, 1, 0}};

static void warping_keeps_what_it_should(void **state) {
    (void)state;
    enum { W = 12, H = 8 };
    idem_image im = random_image(W, H, "warp");
    float out[W * H * 3];
    assert_int_equal(idem_warp(out, H, W, &im, &whole, IDEM_WARP_EDGE), 0);
    for (int i = 0; i < W * H * 3; i++)
        assert_true(fabsf(out[i] - im.rgb[i]) < 1e-3f);
    /* One picture to the left: mirrored about the first column, which is not repeated. */
    const idem_crop left = {{1, 0, -1, 0, 1, 0}};
    assert_int_equal(idem_warp(out, H, W, &im, &left, IDEM_WARP_REFLECT), 0);
    for (int y = 0; y < H; y++)
        for (int x = 1; x < W; x++)
            assert_true(fabsf(out[3 * (y * W + x)] - im.rgb[3 * (y * W + W - x)]) < 1e-3f);
    assert_int_equal(idem_warp(out, H, W, &im, &left, IDEM_WARP_EDGE), 0);
    for (int y = 0; y < H; y++)
        assert_true(fabsf(out[3 * (y * W)] - im.rgb[3 * (y * W)]) < 1e-3f);
    /* Shrinking is antialiased: as a resize is. */
    idem_image big = random_image(96, 96, "shrink"), small;
    const idem_crop part = {{0.5f, 0, 0.25f, 0, 0.5f, 0.25f}}, bad = {{NAN, 0, 0, 0, 1, 0}},
                    far = {{1e9f, 0, 0, 0, 1, 0}};
    float shrunk[12 * 12 * 3];
    assert_int_equal(idem_warp(shrunk, 12, 12, &big, &whole, IDEM_WARP_EDGE), 0);
    assert_int_equal(idem_image_resize(&small, &big, 12, 12), 0);
    for (int y = 1; y < 11; y++)
        for (int x = 1; x < 11; x++)
            assert_true(fabsf(shrunk[3 * (y * 12 + x)] - small.rgb[3 * (y * 12 + x)]) < 1.5f);
    assert_int_equal(idem_warp(shrunk, 6, 6, &big, &part, IDEM_WARP_EDGE), 0);
    for (int y = 0; y < 6; y++)
        for (int x = 0; x < 6; x++)
            assert_true(fabsf(shrunk[3 * (y * 6 + x)] - small.rgb[3 * ((y + 3) * 12 + x + 3)]) < 1.5f);
    assert_int_equal(idem_warp(shrunk, 6, 6, &big, &bad, IDEM_WARP_EDGE), -1);
    assert_int_equal(idem_warp(shrunk, 6, 6, &big, &far, IDEM_WARP_EDGE), -1);
    idem_image_free(&im);
    idem_image_free(&big);
    idem_image_free(&small);
}

/* Inside nothing is changed; beyond the photograph detail fades away with the distance. */
static void borders_are_softened(void **state) {
    (void)state;
    enum { S = 64 };
    idem_image photo = random_image(400, 400, "noise"), out;
    const idem_crop inside = {{0.25f, 0, 0.4f, 0, 0.25f, 0.4f}}, outside = {{0.5f, 0, -0.25f, 0, 0.5f, 0.25f}};
    float plain[S * S * 3];
    assert_int_equal(idem_warp(plain, S, S, &photo, &inside, IDEM_WARP_REFLECT), 0);
    assert_int_equal(idem_align_picture(&out, &photo, &inside, S), 0);
    for (int i = 0; i < S * S * 3; i++)
        assert_true(fabsf(plain[i] - out.rgb[i]) < 0.51f);
    idem_image_free(&out);
    assert_int_equal(idem_warp(plain, S, S, &photo, &outside, IDEM_WARP_REFLECT), 0);
    assert_int_equal(idem_align_picture(&out, &photo, &outside, S), 0);
    double changed[S] = {0};
    for (int y = 0; y < S; y++)
        for (int x = 0; x < S; x++)
            changed[x] += fabs((double)plain[3 * (y * S + x)] - out.rgb[3 * (y * S + x)]) / S;
    assert_true(changed[0] > 10 && changed[S / 2 - 1] > 5);
    assert_true(changed[S - 4] < 0.51); /* well inside */
    double spread = 0, mean = 0;
    for (int y = 0; y < S; y++)
        mean += out.rgb[3 * y * S] / (double)S;
    for (int y = 0; y < S; y++)
        spread += fabs(out.rgb[3 * y * S] - mean) / S;
    assert_true(spread < 12); /* noise had about 30 left after shrinking */
    idem_image_free(&out);
    assert_int_equal(idem_align_picture(&out, &photo, &inside, 0), -1);
    idem_image_free(&photo);
}

/* ---- faces put into photographs ---- */

static double error_of(const idem_found *face, const idem_crop *place, int width, int height) {
    idem_crop frame;
    double got[4][2], want[4][2];
    assert_int_equal(idem_align_frame(&frame, (const float(*)[2])face->points, width, height), 0);
    frame_corners(got, &frame, width, height);
    frame_corners(want, place, width, height);
    return distance((const double(*)[2])got, (const double(*)[2])want);
}

/* The samples were painted by a generator that learnt FFHQ's frame, so their own frames differ from it by a few
 * percent; what is found must follow the place to 2 %. */
static void faces_are_found_where_they_were_put(void **state) {
    (void)state;
    photograph_need_models();
    static const double places[][4] = {
        {450, 350, 400, 0}, {300, 420, 380, 12}, {600, 330, 300, -15}, {470, 300, 160, 5}};
    idem_finder *f = photograph_finder(true);
    idem_found *faces;
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        char name[32];
        double first[4][2] = {{0}};
        snprintf(name, sizeof name, "identities/%d.png", i + 1);
        for (int k = 0; k < 4; k++) {
            idem_crop place, frame, back;
            idem_image photo =
                photograph(name, 900, 700, places[k][0], places[k][1], places[k][2], places[k][3], &place);
            int n = idem_finder_run(f, &photo, NULL, &faces);
            idem_image_free(&photo);
            assert_int_equal(n, 1);
            double error = error_of(&faces[0], &place, 900, 700), in_place[4][2];
            sum += error / 12;
            assert_true(error < 0.08);
            /* The frame in units of the place. */
            assert_int_equal(idem_align_frame(&frame, (const float(*)[2])faces[0].points, 900, 700), 0);
            assert_int_equal(idem_crop_invert(&back, &place), 0);
            float corners[4][2] = {{0, 0}, {0, 1}, {1, 1}, {1, 0}};
            idem_crop_points(corners, (const float(*)[2])corners, 4, &frame);
            idem_crop_points(corners, (const float(*)[2])corners, 4, &back);
            for (int c = 0; c < 4; c++)
                for (int d = 0; d < 2; d++)
                    in_place[c][d] = (double)corners[c][d];
            if (k == 0)
                memcpy(first, in_place, sizeof first);
            double moved = distance((const double(*)[2])in_place, (const double(*)[2])first);
            if (moved >= 0.03)
                print_message("%s at place %d: moved by %.3f\n", name, k, moved);
            assert_true(moved < 0.03);
            assert_true(fabsf(faces[0].yaw) < 45 && fabsf(faces[0].pitch) < 45);
            free(faces);
        }
    }
    assert_true(sum < 0.04);
    idem_finder_free(f);
}

static void small_faces_and_empty_pictures(void **state) {
    (void)state;
    photograph_need_models();
    idem_finder *f = photograph_finder(false);
    idem_found *faces;
    idem_crop place;
    idem_image photo = photograph("identities/2.png", 2000, 1500, 1500, 400, 90, 0, &place);
    assert_int_equal(idem_finder_run(f, &photo, NULL, &faces), 1);
    assert_true(error_of(&faces[0], &place, 2000, 1500) < 0.1);
    assert_true(isnan(faces[0].yaw));
    free(faces);
    idem_image_free(&photo);
    assert_int_equal(idem_image_new(&photo, 300, 200), 0);
    assert_int_equal(idem_finder_run(f, &photo, NULL, &faces), 0);
    assert_null(faces);
    idem_image_free(&photo);
    idem_finder_free(f);
    assert_null(idem_finder_new(&(idem_finder_files){"/nowhere/x.onnx", "/nowhere/y.onnx", NULL}, NULL));
}

/* A large JPEG is decoded no larger than its face needs, and the face is where it would be in the whole. */
static void large_jpegs_are_read_reduced(void **state) {
    (void)state;
    photograph_need_models();
    enum { W = 2400, H = 1800 };
    idem_crop place;
    idem_image photo = photograph("identities/1.png", W, H, 1300, 900, 1000, 6, &place);
    unsigned char app1[64];
    for (int turned = 0; turned < 2; turned++) {
        /* Orientation 1 with an EXIF block, and none. */
        unsigned n = exif_block(app1, 1, true);
        blob file = jpeg_write(&(jpeg_kind){.in = JCS_RGB,
                                            .stored = JCS_YCbCr,
                                            .quality = 90,
                                            .progressive = turned,
                                            .app1 = turned ? app1 : NULL,
                                            .app1_size = turned ? n : 0},
                               photo.rgb, W, H);
        char *path = idem_path_join(program_folder, "large.jpg");
        assert_int_equal(idem_file_write(path, file.data, file.size), 0);
        free(file.data);
        idem_finder *f = photograph_finder(false);
        static const int sides[] = {64, 400, 2000}, widths[] = {W / 2, W / 2, W};
        for (int i = 0; i < 3; i++) {
            idem_photo p;
            assert_int_equal(idem_photo_open(&p, f, path, sides[i], 1), 0);
            assert_int_equal(p.width, W);
            assert_int_equal(p.height, H);
            assert_true(p.image.width <= widths[i]);
            assert_true(sides[i] > 1000 || p.image.width * 1000 / W >= sides[i]);
            assert_int_equal(p.n, 1);
            assert_true(error_of(&p.faces[0], &place, W, H) < 0.08);
            idem_photo_close(&p);
        }
        idem_finder_free(f);
        free(path);
    }
    idem_image_free(&photo);
}

static void expect_face(idem_finder *f, const unsigned char *data, size_t size, const char *name,
                        const idem_crop *place, int width, int height) {
    char *path = idem_path_join(program_folder, name);
    idem_photo p;
    assert_int_equal(idem_file_write(path, data, size), 0);
    assert_int_equal(idem_photo_open(&p, f, path, 128, 1), 0);
    free(path);
    assert_true(p.width == width && p.height == height);
    assert_int_equal(p.n, 1);
    double error = error_of(&p.faces[0], place, width, height);
    if (error >= 0.08)
        print_message("%s: off by %.3f\n", name, error);
    assert_true(error < 0.08);
    idem_photo_close(&p);
}

/* Grey, CMYK, progressive, turned by EXIF, WebP: the same face in the same place. */
static void photographs_of_all_kinds(void **state) {
    (void)state;
    photograph_need_models();
    enum { W = 640, H = 480, PIXELS = W * H };
    idem_crop place;
    idem_image photo = photograph("identities/1.png", W, H, 330, 240, 300, 4, &place);
    idem_finder *f = photograph_finder(false);
    uint8_t *other = calloc(PIXELS, 4), *webp;
    unsigned char app1[64];
    assert_non_null(other);
    for (int i = 0; i < PIXELS; i++)
        other[i] = (uint8_t)((photo.rgb[3 * i] + 2 * photo.rgb[3 * i + 1] + photo.rgb[3 * i + 2]) / 4);
    blob file = jpeg_write(&(jpeg_kind){.in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE, .quality = 90}, other, W, H);
    expect_face(f, file.data, file.size, "grey.jpg", &place, W, H);
    free(file.data);
    for (int i = 0; i < PIXELS; i++) { /* 255 is no ink */
        for (int c = 0; c < 3; c++)
            other[4 * i + c] = photo.rgb[3 * i + c];
        other[4 * i + 3] = 255;
    }
    file = jpeg_write(&(jpeg_kind){.in = JCS_CMYK, .stored = JCS_YCCK, .quality = 90}, other, W, H);
    expect_face(f, file.data, file.size, "cmyk.jpg", &place, W, H);
    free(file.data);
    /* Stored a quarter turn to the left, with the orientation that says so: row x of the file is column W - 1 - x. */
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            memcpy(other + 3 * ((W - 1 - x) * H + y), photo.rgb + 3 * (y * W + x), 3);
    file = jpeg_write(&(jpeg_kind){.in = JCS_RGB,
                                   .stored = JCS_YCbCr,
                                   .quality = 90,
                                   .progressive = true,
                                   .app1 = app1,
                                   .app1_size = exif_block(app1, 6, false)},
                      other, H, W);
    expect_face(f, file.data, file.size, "turned.jpg", &place, W, H);
    free(file.data);
    size_t size = WebPEncodeRGB(photo.rgb, W, H, 3 * W, 90, &webp);
    expect_face(f, webp, size, "photo.webp", &place, W, H);
    WebPFree(webp);
    free(other);
    idem_image_free(&photo);
    idem_finder_free(f);
}

/* The share of a frame outside, by hand. */
static void the_share_outside_is_exact(void **state) {
    (void)state;
    static const struct {
        idem_crop frame;
        double outside;
    } cases[] = {
        {{{0.5f, 0, 0.25f, 0, 0.5f, 0.25f}}, 0},
        {{{1, 0, 0, 0, 1, 0}}, 0},
        {{{0.5f, 0, 0.75f, 0, 0.5f, 0.25f}}, 0.5},      /* half beyond the right */
        {{{0.5f, 0, -0.25f, 0, 0.5f, -0.375f}}, 0.875}, /* an eighth within, at a corner */
        {{{2, 0, -0.5f, 0, 2, -0.5f}}, 0.75},           /* all around */
        {{{0.5f, -0.5f, 0.5f, 0.5f, 0.5f, 0}}, 0},      /* a diamond that touches all sides */
        {{{1, -1, 0.5f, 1, 1, -0.5f}}, 0.5},            /* one that stands upon all corners */
        {{{0.5f, -0.5f, 0, 0.5f, 0.5f, 0}}, 0.5},       /* one whose corner is on the left, half of it beyond */
        {{{0.5f, 0, 3, 0, 0.5f, 0}}, 1},
        {{{0, 0, 0.5f, 0, 0, 0.5f}}, 1}, /* no area */
        {{{NAN, 0, 0, 0, 1, 0}}, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const double got = idem_align_outside(&cases[i].frame);
        if (!(fabs(got - cases[i].outside) < 1e-6))
            fail_msg("case %zu: %g, expected %g", i, got, cases[i].outside);
    }
    /* Against a count of points. */
    idem_rng r = idem_rng_make(3, "frames");
    for (int i = 0; i < 20; i++) {
        const float x = idem_rng_normal(&r) / 2, y = idem_rng_normal(&r) / 2;
        const idem_crop frame = {{x, -y, idem_rng_uniform(&r), y, x, idem_rng_uniform(&r)}};
        enum { GRID = 300 };
        int outside = 0;
        for (int k = 0; k < GRID * GRID; k++) {
            float at[1][2] = {{((float)(k % GRID) + 0.5f) / GRID, ((float)(k / GRID) + 0.5f) / GRID}};
            idem_crop_points(at, (const float(*)[2])at, 1, &frame);
            outside += at[0][0] < 0 || at[0][0] > 1 || at[0][1] < 0 || at[0][1] > 1;
        }
        assert_true(fabs(idem_align_outside(&frame) - (double)outside / (GRID * GRID)) < 0.01);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_frame_is_that_of_the_script),
        cmocka_unit_test(warping_keeps_what_it_should),
        cmocka_unit_test(borders_are_softened),
        cmocka_unit_test(the_share_outside_is_exact),
        cmocka_unit_test(faces_are_found_where_they_were_put),
        cmocka_unit_test(small_faces_and_empty_pictures),
        cmocka_unit_test(large_jpegs_are_read_reduced),
        cmocka_unit_test(photographs_of_all_kinds),
    };
    return cmocka_run_group_tests(tests, program_enter, program_leave);
}
