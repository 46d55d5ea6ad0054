/* Photographs: the FFHQ frame against plain code of the script, warping, faces found again where they were put,
 * verification figures, and the commands align and verify from outside. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <webp/encode.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/status.h"
#include "eval/verification.h"
#include "face/align.h"
#include "face/paste.h"
#include "face/photo.h"
#include "face/warp.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* for files */
static char models[4096];
static bool has_models;

#define RUN(...) program_run(dir, __VA_ARGS__)

static int set_up(void **state) {
    (void)state;
    const char *stated = getenv("IDEM_MODELS");
    snprintf(models, sizeof models, "%s", stated && *stated ? stated : IDEM_SOURCE_DIR "/models/cache");
    char detect[4200];
    snprintf(detect, sizeof detect, "%s/fr_detect.onnx", models);
    has_models = tiny_has_models() && idem_path_exists(detect);
    dir = tiny_folder();
    return dir ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    free(program_output);
    tiny_remove(dir);
    return 0;
}

static void need_models(void) {
    if (!has_models) {
        print_message("skip: no fr_detect.onnx in %s; scripts/setup fetches it\n", models);
        skip();
    }
}

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

/* A face of samples/ (which fills its frame) at a place of a photograph of width x height: centre, side in pixels, turn
 * in degrees. */
static idem_image photograph(const char *face, int width, int height, double cx, double cy, double side, double turn,
                             idem_crop *place) {
    char path[4200];
    idem_image small, photo;
    snprintf(path, sizeof path, IDEM_SOURCE_DIR "/samples/%s", face);
    assert_int_equal(idem_image_load(&small, path), 0);
    double c = side * cos(turn * 3.14159265358979 / 180), s = side * sin(turn * 3.14159265358979 / 180);
    *place = (idem_crop){{(float)(c / width), (float)(-s / width), (float)((cx - (c - s) / 2) / width),
                          (float)(s / height), (float)(c / height), (float)((cy - (s + c) / 2) / height)}};
    idem_crop back;
    assert_int_equal(idem_crop_invert(&back, place), 0);
    float *x = malloc((size_t)width * (size_t)height * 3 * sizeof *x);
    assert_non_null(x);
    assert_int_equal(idem_warp(x, height, width, &small, &back, IDEM_WARP_EDGE), 0);
    assert_int_equal(idem_image_from_float(&photo, x, width, height, 0, 255), 0);
    free(x);
    idem_image_free(&small);
    return photo;
}

static idem_finder *open_finder(bool pose) {
    char detect[4200], landmark[4200], angles[4200];
    snprintf(detect, sizeof detect, "%s/fr_detect.onnx", models);
    snprintf(landmark, sizeof landmark, "%s/fr_landmark.onnx", models);
    snprintf(angles, sizeof angles, "%s/fr_pose.onnx", models);
    idem_finder *f = idem_finder_new(&(idem_finder_files){detect, landmark, pose ? angles : NULL}, NULL);
    if (!f)
        print_message("%s\n", idem_error());
    assert_non_null(f);
    return f;
}

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
    need_models();
    static const double places[][4] = {
        {450, 350, 400, 0}, {300, 420, 380, 12}, {600, 330, 300, -15}, {470, 300, 160, 5}};
    idem_finder *f = open_finder(true);
    idem_found faces[4];
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        char name[32];
        double first[4][2] = {{0}};
        snprintf(name, sizeof name, "identities/%d.png", i + 1);
        for (int k = 0; k < 4; k++) {
            idem_crop place, frame, back;
            idem_image photo =
                photograph(name, 900, 700, places[k][0], places[k][1], places[k][2], places[k][3], &place);
            int n = idem_finder_run(f, &photo, faces, 4);
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
        }
    }
    assert_true(sum < 0.04);
    idem_finder_free(f);
}

static void small_faces_and_empty_pictures(void **state) {
    (void)state;
    need_models();
    idem_finder *f = open_finder(false);
    idem_found faces[4];
    idem_crop place;
    idem_image photo = photograph("identities/2.png", 2000, 1500, 1500, 400, 90, 0, &place);
    assert_true(idem_finder_run(f, &photo, faces, 4) >= 1);
    assert_true(error_of(&faces[0], &place, 2000, 1500) < 0.1);
    assert_true(isnan(faces[0].yaw));
    idem_image_free(&photo);
    assert_int_equal(idem_image_new(&photo, 300, 200), 0);
    assert_int_equal(idem_finder_run(f, &photo, faces, 4), 0);
    idem_image_free(&photo);
    idem_finder_free(f);
    assert_null(idem_finder_new(&(idem_finder_files){"/nowhere/x.onnx", "/nowhere/y.onnx", NULL}, NULL));
}

/* A large JPEG is decoded no larger than its face needs, and the face is where it would be in the whole. */
static void large_jpegs_are_read_reduced(void **state) {
    (void)state;
    need_models();
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
        char *path = idem_path_join(dir, "large.jpg");
        assert_int_equal(idem_file_write(path, file.data, file.size), 0);
        free(file.data);
        idem_finder *f = open_finder(false);
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
    char *path = idem_path_join(dir, name);
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
    need_models();
    enum { W = 640, H = 480, PIXELS = W * H };
    idem_crop place;
    idem_image photo = photograph("identities/1.png", W, H, 330, 240, 300, 4, &place);
    idem_finder *f = open_finder(false);
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

/* ---- verification ---- */

static void verification_by_hand(void **state) {
    (void)state;
    /* Twenty pairs, ten of each kind, one genuine pair below all: 19 of 20 right in whatever fold. */
    double score[20];
    uint8_t same[20];
    for (int i = 0; i < 20; i++) {
        same[i] = i % 2;
        score[i] = same[i] ? 0.6 + 0.01 * i : 0.1 + 0.01 * i;
    }
    idem_verification v;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.001), 0);
    assert_int_equal(v.genuine, 10);
    assert_int_equal(v.impostor, 10);
    assert_true(v.accuracy == 1 && v.tar == 1 && fabs(v.threshold - (0.28 + 0.61) / 2) < 1e-12);
    assert_true(fabs(v.far_threshold - 0.28) < 1e-12);
    score[5] = 0.05;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.001), 0);
    assert_true(fabs(v.accuracy - 0.95) < 1e-12 && fabs(v.tar - 0.9) < 1e-12);
    /* An impostor above all: at FAR 0.1 none of ten genuine pairs is lost, at 0.001 all are. */
    score[5] = 0.65;
    score[4] = 0.99;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.001), 0);
    assert_true(v.tar == 0);
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.1), 0);
    assert_true(v.tar == 1);
    for (int i = 0; i < 20; i++)
        same[i] = 1;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.001), -1);
    score[3] = NAN;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.001), -1);
}

/* ---- commands ---- */

static void save(const char *name, const char *face, double side) {
    idem_crop place;
    idem_image photo = photograph(face, 640, 480, 300, 250, side, 4, &place);
    char *path = idem_path_join(dir, name);
    assert_int_equal(idem_image_save_png(&photo, path, NULL), 0);
    free(path);
    idem_image_free(&photo);
}

static void align_does_the_good_and_lists_the_bad(void **state) {
    (void)state;
    need_models();
    assert_int_equal(RUN("mkdir $DIR/mixed"), 0);
    save("mixed/a.png", "identities/1.png", 300);
    save("mixed/b.png", "identities/2.png", 200);
    assert_int_equal(RUN("cd $DIR/mixed && head -c 300 a.png > cut.png && : > empty.png && echo hello > text.jpg"), 0);
    picture_black(dir, "mixed/nobody.png", 200, 200);
    assert_int_equal(
        RUN("IDEM_MODELS='%s' $IDEM align -q --threads 1 --size 96 $DIR/mixed -o $DIR/out --json 2> $DIR/notes",
            models),
        1);
    json_error_t error;
    json_t *root = json_loads(program_output, 0, &error);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "faces")), 2);
    assert_int_equal(json_array_size(json_object_get(root, "skipped")), 4);
    json_t *face = json_array_get(json_object_get(json_array_get(json_object_get(root, "photographs"), 0), "faces"), 0);
    assert_int_equal(json_array_size(json_object_get(face, "points")), 68);
    assert_int_equal(json_array_size(json_object_get(face, "box")), 4);
    assert_non_null(json_object_get(json_object_get(face, "pose"), "yaw"));
    json_decref(root);
    assert_int_equal(RUN("cat $DIR/notes; ls $DIR/out"), 0);
    assert_true(program_says("nobody.png: no face found") && program_says("4 of 6 files gave no face"));
    assert_true(program_says("\na.png\nb.png\n"));
    idem_image out;
    picture_load(&out, dir, "out/a.png");
    assert_int_equal(out.width, 96);
    idem_image_free(&out);
    assert_int_equal(RUN("IDEM_MODELS=$DIR/none $IDEM align $DIR/mixed/a.png -o $DIR/out"), 1);
    assert_true(program_says("fr_detect.onnx") && program_says("idem model fetch"));
    assert_int_equal(RUN("$IDEM align $DIR/mixed/a.png -o $DIR/out --size 3"), 2);
    assert_int_equal(RUN("$IDEM align -o $DIR/out"), 2);
}

static void verify_compares_and_measures(void **state) {
    (void)state;
    need_models();
    save("p.png", "identities/1.png", 300);
    save("q.png", "identities/1.png", 220);
    save("r.png", "identities/4.png", 260);
    assert_int_equal(RUN("IDEM_MODELS='%s' $IDEM verify --threads 1 $DIR/p.png $DIR/q.png", models), 0);
    assert_int_equal(strncmp(program_output, "same person", 11), 0);
    assert_int_equal(
        RUN("cd $DIR && printf 'p.png q.png 1\\nq.png p.png 1\\np.png\\tr.png\\t0\\nr.png q.png 0\\n# x\\n' > list && "
            "IDEM_MODELS='%s' $IDEM verify -q --threads 1 --pairs $DIR/list --json",
            models),
        0);
    json_error_t error;
    json_t *root = json_loads(program_output, 0, &error);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "pairs")), 4);
    assert_int_equal(json_integer_value(json_object_get(root, "skipped")), 0);
    assert_true(json_number_value(json_object_get(root, "accuracy")) == 1);
    assert_true(json_number_value(json_object_get(root, "tar_at_far_0.1%")) == 1);
    json_decref(root);
    assert_int_equal(RUN("echo 'a b 2' > $DIR/list; $IDEM verify --pairs $DIR/list"), 1);
    assert_true(program_says("line 1 is not two paths"));
    assert_int_equal(RUN("$IDEM verify --pairs $DIR/list x y"), 2);
    assert_int_equal(RUN("$IDEM verify x"), 2);
    assert_int_equal(RUN("IDEM_MODELS='%s' $IDEM verify -q --threads 1 $DIR/p.png $DIR/absent.png", models), 1);
    assert_true(program_says("absent.png"));
}

/* ---- pasting and composing ---- */

static void pasting_changes_the_face_and_nothing_else(void **state) {
    (void)state;
    need_models();
    enum { W = 600, H = 500 };
    idem_crop place, frame;
    idem_image photo = photograph("identities/3.png", W, H, 280, 260, 300, 8, &place), face, same;
    idem_finder *f = open_finder(false);
    idem_found found;
    assert_int_equal(idem_finder_run(f, &photo, &found, 1), 1);
    idem_finder_free(f);
    const float(*points)[2] = (const float(*)[2])found.points;
    assert_int_equal(idem_align_frame(&frame, points, W, H), 0);
    assert_int_equal(idem_align_picture(&face, &photo, &frame, 256), 0);
    uint8_t *before = malloc((size_t)W * H * 3);
    assert_non_null(before);
    memcpy(before, photo.rgb, (size_t)W * H * 3);
    /* Its own face: next to nothing changes. */
    assert_int_equal(idem_paste(&photo, &face, &frame, points), 0);
    double sum = 0;
    for (int i = 0; i < W * H * 3; i++)
        sum += abs(photo.rgb[i] - before[i]) / (double)(W * H * 3);
    assert_true(sum < 0.5);
    /* A flat face takes the mean colour of the old one, in the middle and not outside the frame. */
    memcpy(photo.rgb, before, (size_t)W * H * 3);
    assert_int_equal(idem_image_new(&same, 256, 256), 0);
    assert_int_equal(idem_paste(&photo, &same, &frame, points), 0);
    idem_crop back;
    assert_int_equal(idem_crop_invert(&back, &frame), 0);
    int changed = 0;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            float at[1][2] = {{(x + 0.5f) / W, (y + 0.5f) / H}};
            size_t k = 3 * ((size_t)y * W + (size_t)x);
            bool differs = memcmp(photo.rgb + k, before + k, 3) != 0;
            idem_crop_points(at, (const float(*)[2])at, 1, &back);
            if (at[0][0] < 0 || at[0][0] > 1 || at[0][1] < 0 || at[0][1] > 1)
                assert_false(differs);
            changed += differs;
        }
    assert_true(changed > 300 * 300 / 5 && changed < 300 * 300);
    assert_int_equal(idem_paste(&photo, &photo, &frame, points), -1); /* not a square */
    free(before);
    idem_image_free(&same);
    idem_image_free(&face);
    idem_image_free(&photo);
}

static void compose_takes_photographs(void **state) {
    (void)state;
    need_models();
    assert_int_equal(tiny_write(dir), 0);
    save("who.png", "identities/1.png", 300);
    save("how.png", "attributes/a.png", 280);
    const char *compose = "$IDEM compose -q --threads 1 -g $DIR/generator.safetensors -m $DIR/mapper.safetensors";
    assert_int_equal(RUN("export IDEM_MODELS='%s'; %s -i $DIR/who.png -a $DIR/how.png -o $DIR/small.png && "
                         "%s -i $DIR/who.png -a $DIR/how.png --keep-size -o $DIR/whole.png",
                         models, compose, compose),
                     0);
    static const char *const names[2] = {"small.png", "whole.png"};
    static const int widths[2] = {64, 640};
    for (int i = 0; i < 2; i++) {
        idem_image im;
        char *path = idem_path_join(dir, names[i]), text[16];
        assert_int_equal(idem_image_load(&im, path), 0);
        assert_int_equal(im.width, widths[i]);
        assert_int_equal(idem_png_text(path, "synthetic", text, sizeof text), 0);
        idem_image_free(&im);
        free(path);
    }
    /* As align and then compose give it. */
    assert_int_equal(
        RUN("cd $DIR && export IDEM_MODELS='%s'; $IDEM align -q --threads 1 --size 64 who.png how.png -o cut && "
            "%s -i cut/who.png -a cut/how.png -o again.png && cmp small.png again.png",
            models, compose),
        0);
    assert_int_equal(RUN("IDEM_MODELS='%s' %s --face 2 -i $DIR/who.png -a $DIR/how.png -o $DIR/x.png", models, compose),
                     1);
    assert_true(program_says("has 1 faces, --face 2 was asked for"));
    assert_int_equal(RUN("%s --face some -i $DIR/who.png -a $DIR/how.png -o $DIR/x.png", compose), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_frame_is_that_of_the_script),
        cmocka_unit_test(warping_keeps_what_it_should),
        cmocka_unit_test(borders_are_softened),
        cmocka_unit_test(faces_are_found_where_they_were_put),
        cmocka_unit_test(small_faces_and_empty_pictures),
        cmocka_unit_test(large_jpegs_are_read_reduced),
        cmocka_unit_test(photographs_of_all_kinds),
        cmocka_unit_test(verification_by_hand),
        cmocka_unit_test(align_does_the_good_and_lists_the_bad),
        cmocka_unit_test(verify_compares_and_measures),
        cmocka_unit_test(pasting_changes_the_face_and_nothing_else),
        cmocka_unit_test(compose_takes_photographs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
