/* The command align from outside, and photographs of every kind. */
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
#include "support/photographs.h"
#include "support/pictures.h"
#include "support/program.h"

#define RUN(...) program_run(program_folder, __VA_ARGS__)

static void align_does_the_good_and_lists_the_bad(void **state) {
    (void)state;
    photograph_need_models();
    assert_int_equal(RUN("mkdir $DIR/mixed"), 0);
    photograph_save(program_folder, "mixed/a.png", "identities/1.png", 300);
    photograph_save(program_folder, "mixed/b.png", "identities/2.png", 200);
    assert_int_equal(RUN("cd $DIR/mixed && head -c 300 a.png > cut.png && : > empty.png && echo hello > text.jpg"), 0);
    picture_black(program_folder, "mixed/nobody.png", 200, 200);
    assert_int_equal(
        RUN("IDEM_MODELS='%s' $IDEM align -q --threads 1 --size 96 $DIR/mixed -o $DIR/out --json 2> $DIR/notes",
            photograph_models()),
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
    picture_load(&out, program_folder, "out/a.png");
    assert_int_equal(out.width, 96);
    idem_image_free(&out);
    assert_int_equal(RUN("IDEM_MODELS=$DIR/none $IDEM align $DIR/mixed/a.png -o $DIR/out"), 1);
    assert_true(program_says("fr_detect.onnx") && program_says("idem model fetch"));
    assert_int_equal(RUN("$IDEM align $DIR/mixed/a.png -o $DIR/out --size 3"), 2);
    assert_int_equal(RUN("$IDEM align -o $DIR/out"), 2);
}

/* ---- kinds of files ---- */

enum { W = 640, H = 480 };

/* The photograph as a PNG of that colour type and depth; alpha is all there, but for a corner. */
static void save_png(const char *name, const idem_image *im, int colour_type, int depth) {
    char *path = idem_path_join(program_folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_set_IHDR(png, info, W, H, depth, colour_type, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_set_compression_level(png, 1);
    png_write_info(png, info);
    int channels = channels_of(colour_type);
    for (int y = 0; y < H; y++) {
        uint8_t row[W * 4 * 2], *to = row;
        for (int x = 0; x < W; x++)
            for (int c = 0; c < channels; c++) {
                const uint8_t *rgb = im->rgb + 3 * (y * W + x);
                int v = c < 3 ? rgb[c] : x < 50 && y < 50 ? 0 : 255;
                if (channels == 1)
                    v = (rgb[0] + 2 * rgb[1] + rgb[2]) / 4;
                *to++ = (uint8_t)v;
                if (depth == 16)
                    *to++ = (uint8_t)(v ^ 0x35); /* the lower byte must not matter */
            }
        png_write_row(png, row);
    }
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    fclose(file);
    free(path);
}

static void save_bytes(const char *name, const void *data, size_t size) {
    char *path = idem_path_join(program_folder, name);
    assert_int_equal(idem_file_write(path, data, size), 0);
    free(path);
}

static void save_jpeg(const char *name, const jpeg_kind *kind, const uint8_t *samples, int width, int height) {
    blob file = jpeg_write(kind, samples, width, height);
    save_bytes(name, file.data, file.size);
    free(file.data);
}

static void save_all_kinds(const idem_image *im) {
    uint8_t *other = calloc(W * H, 4), *webp;
    assert_non_null(other);
    save_png("kinds/1-plain.png", im, PNG_COLOR_TYPE_RGB, 8);
    save_png("kinds/alpha.png", im, PNG_COLOR_TYPE_RGB_ALPHA, 8);
    save_png("kinds/deep.png", im, PNG_COLOR_TYPE_RGB, 16);
    save_png("kinds/grey.png", im, PNG_COLOR_TYPE_GRAY, 8);
    save_png("kinds/grey16.png", im, PNG_COLOR_TYPE_GRAY, 16);
    save_jpeg("kinds/progressive.jpg",
              &(jpeg_kind){.in = JCS_RGB, .stored = JCS_YCbCr, .quality = 92, .progressive = true}, im->rgb, W, H);
    for (int i = 0; i < W * H; i++)
        other[i] = (uint8_t)((im->rgb[3 * i] + 2 * im->rgb[3 * i + 1] + im->rgb[3 * i + 2]) / 4);
    save_jpeg("kinds/grey.jpg", &(jpeg_kind){.in = JCS_GRAYSCALE, .stored = JCS_GRAYSCALE, .quality = 92}, other, W, H);
    for (int i = 0; i < W * H; i++) /* 255 is no ink */
        for (int c = 0; c < 4; c++)
            other[4 * i + c] = c < 3 ? im->rgb[3 * i + c] : 255;
    save_jpeg("kinds/cmyk.jpg", &(jpeg_kind){.in = JCS_CMYK, .stored = JCS_CMYK, .quality = 92}, other, W, H);
    /* Stored a quarter turn to the left, with the orientation that says so. */
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            memcpy(other + 3 * ((W - 1 - x) * H + y), im->rgb + 3 * (y * W + x), 3);
    unsigned char app1[64];
    unsigned n = exif_block(app1, 6, true);
    save_jpeg("kinds/turned.jpg",
              &(jpeg_kind){.in = JCS_RGB, .stored = JCS_YCbCr, .quality = 92, .app1 = app1, .app1_size = n}, other, H,
              W);
    size_t size = WebPEncodeRGB(im->rgb, W, H, 3 * W, 92, &webp);
    save_bytes("kinds/photo.webp", webp, size);
    WebPFree(webp);
    free(other);
}

/* The same photograph in every kind of file: the same face in the same place, cut out upright and in its colours. */
static void align_takes_files_of_every_kind(void **state) {
    (void)state;
    photograph_need_models();
    enum { KINDS = 10 };
    idem_image photo = photograph("identities/1.png", W, H, 330, 240, 300, 4, NULL);
    assert_int_equal(RUN("mkdir $DIR/kinds"), 0);
    save_all_kinds(&photo);
    idem_image_free(&photo);
    assert_int_equal(RUN("cd $DIR && IDEM_MODELS='%s' $IDEM align -q --threads 1 -s 64 --no-pose --json kinds -o cuts",
                         photograph_models()),
                     0);
    json_t *root = json_loads(program_output, 0, NULL), *list = json_object_get(root, "photographs");
    assert_int_equal(json_array_size(list), KINDS);
    const json_t *first = NULL;
    for (size_t i = 0; i < KINDS; i++) {
        const json_t *one = json_array_get(list, i), *face = json_array_get(json_object_get(one, "faces"), 0);
        const json_t *frame = json_object_get(face, "frame");
        assert_int_equal(json_integer_value(json_object_get(one, "width")), W);
        assert_int_equal(json_integer_value(json_object_get(one, "height")), H);
        first = first ? first : frame;
        for (size_t k = 0; k < 8; k++) {
            double want = json_number_value(json_array_get(json_array_get(first, k / 2), k % 2));
            double got = json_number_value(json_array_get(json_array_get(frame, k / 2), k % 2));
            if (fabs(want - got) > 9)
                print_message("%s: corner off by %g\n", json_string_value(json_object_get(one, "photograph")),
                              got - want);
            assert_true(fabs(want - got) <= 9); /* 3 % of the face's side */
        }
        char name[64];
        snprintf(name, sizeof name, "cuts/%s", json_string_value(json_object_get(face, "file")));
        idem_image cut, plain;
        picture_load(&cut, program_folder, name);
        picture_load(&plain, program_folder, "cuts/1-plain.png");
        double difference = 0;
        for (int p = 0; p < 64 * 64; p++) { /* in grey, which every kind has */
            int sum = 0;
            for (int c = 0; c < 3; c++)
                sum += (c == 1 ? 2 : 1) * (cut.rgb[3 * p + c] - plain.rgb[3 * p + c]);
            difference += abs(sum) / 4.0 / (64 * 64);
        }
        if (difference > 8)
            print_message("%s differs by %g\n", name, difference);
        assert_true(difference <= 8);
        idem_image_free(&cut);
        idem_image_free(&plain);
    }
    json_decref(root);
}

/* How much of a face is made up is said where it is a fifth or more, and in the report. */
static void align_says_what_is_outside(void **state) {
    (void)state;
    photograph_need_models();
    idem_image low = photograph("identities/2.png", W, H, 320, 410, 260, 0, NULL);
    char *path = idem_path_join(program_folder, "low.png");
    assert_int_equal(idem_image_save_png(&low, path, NULL), 0);
    idem_image_free(&low);
    free(path);
    photograph_save(program_folder, "whole.png", "identities/2.png", 240);
    assert_int_equal(RUN("cd $DIR && IDEM_MODELS='%s' $IDEM align --threads 1 -s 64 --no-pose --json low.png whole.png "
                         "-o cuts 2> notes",
                         photograph_models()),
                     0);
    json_t *root = json_loads(program_output, 0, NULL), *list = json_object_get(root, "photographs");
    for (size_t i = 0; i < 2; i++) {
        const json_t *face = json_array_get(json_object_get(json_array_get(list, i), "faces"), 0);
        const double outside = json_number_value(json_object_get(face, "outside"));
        assert_true(i ? outside == 0 : outside > 0.2 && outside < 0.5);
    }
    json_decref(root);
    assert_int_equal(RUN("grep outside $DIR/notes"), 0);
    assert_true(program_says("idem: low.png: ") && program_says("% of the frame of face 1 is outside the photograph"));
    assert_int_equal(program_lines(), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(align_does_the_good_and_lists_the_bad),
        cmocka_unit_test(align_takes_files_of_every_kind),
        cmocka_unit_test(align_says_what_is_outside),
    };
    return cmocka_run_group_tests(tests, program_enter, program_leave);
}
