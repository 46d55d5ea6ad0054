/* What picture files say beside their pixels, in every format alike: orientation, transparency, further pictures
 * (colours: test_colour.c); and JPEGs that end too early. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"
#include "media/animation.h"
#include "media/image.h"
#include "support/picture_chunks.h"
#include "support/pictures.h"

enum { W = 40, H = 24 };

static idem_image parsed(const blob *b, const char *what) {
    idem_image im;
    if (idem_image_parse(&im, b->data, b->size, what) < 0)
        fail_msg("%s", idem_error());
    return im;
}

static void ramps(uint8_t *rgb) {
    for (int i = 0; i < W * H; i++) {
        rgb[3 * i] = (uint8_t)(20 + 5 * (i % W));
        rgb[3 * i + 1] = (uint8_t)(20 + 8 * (i / W));
        rgb[3 * i + 2] = 100;
    }
}

/* ---- orientation ---- */

/* Stored so that `o` turns it upright: by the standard's table of which side of the upright picture stored row 0 and
 * stored column 0 are. */
static void store_turned(uint8_t *stored, const uint8_t *upright, int o) {
    static const char *const row0[9] = {"", "top", "top", "bottom", "bottom", "left", "right", "right", "left"};
    static const char *const column0[9] = {"", "left", "right", "right", "left", "top", "top", "bottom", "bottom"};
    int width = o >= 5 ? H : W, height = o >= 5 ? W : H;
    for (int r = 0; r < height; r++)
        for (int c = 0; c < width; c++) {
            int x = 0, y = 0;
            const char *sides[2] = {row0[o], column0[o]};
            int at[2] = {r, c};
            for (int i = 0; i < 2; i++) {
                if (strcmp(sides[i], "top") == 0)
                    y = at[i];
                else if (strcmp(sides[i], "bottom") == 0)
                    y = H - 1 - at[i];
                else if (strcmp(sides[i], "left") == 0)
                    x = at[i];
                else
                    x = W - 1 - at[i];
            }
            memcpy(stored + (r * width + c) * 3, upright + (y * W + x) * 3, 3);
        }
}

static void every_orientation_in_every_format(void **state) {
    (void)state;
    uint8_t upright[W * H * 3], stored[W * H * 3];
    ramps(upright);
    for (int o = 1; o <= 8; o++) {
        store_turned(stored, upright, o);
        for (int n = 0; n < FILE_FORMATS * 2 * 2 * 2; n++) {
            const int format = n % FILE_FORMATS;
            const bool big = n / FILE_FORMATS & 1, is_long = n / FILE_FORMATS & 2, prefix = n / FILE_FORMATS & 4;
            unsigned char block[64];
            const size_t size = tiff_block(block, (uint32_t)o, big, is_long);
            blob b = file_encode(format, stored, o >= 5 ? H : W, o >= 5 ? W : H);
            file_add_exif(format, &b, block, size, prefix);
            char what[64];
            sprintf(what, "orientation %d, format %d, big %d, long %d, prefix %d", o, format, big, is_long, prefix);
            assert_file(&b, what, W, H, upright, format == FILE_JPEG ? 3 : 0, 0);
            free(b.data);
        }
    }
}

/* Two blocks of orientations first and second, 0: the block says none, 9: no orientation. */
static void several_blocks(void **state) {
    (void)state;
    static const struct {
        uint32_t first, second;
        int expected;
    } cases[] = {{1, 6, 1}, {6, 1, 6}, {3, 8, 3}, {0, 6, 6}, {9, 6, 6}, {6, 9, 6}, {9, 0, 1}};
    uint8_t upright[W * H * 3], stored[W * H * 3];
    ramps(upright);
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        const int o = cases[n].expected;
        store_turned(stored, upright, o);
        blob b = file_encode(FILE_JPEG, stored, o >= 5 ? H : W, o >= 5 ? W : H);
        unsigned char block[64];
        file_add_exif(FILE_JPEG, &b, block, tiff_block(block, cases[n].second, false, false), true);
        file_add_exif(FILE_JPEG, &b, block, tiff_block(block, cases[n].first, true, false), true); /* goes in front */
        assert_file(&b, "blocks.jpg", W, H, upright, 3, 0);
        free(b.data);
    }
}

static void broken_blocks_turn_nothing(void **state) {
    (void)state;
    uint8_t upright[W * H * 3];
    ramps(upright);
    for (int n = 0; n < 5 * FILE_FORMATS; n++) {
        const int format = n % FILE_FORMATS;
        unsigned char block[64];
        size_t size = tiff_block(block, 6, true, false);
        switch (n / FILE_FORMATS) {
        case 0:
            put_number(block + 4, 0xfffffff0, 4, true); /* the folder lies outside */
            break;
        case 1:
            put_number(block + 34, 9, 2, true);
            break;
        case 2:
            size = 30; /* cut inside the entry */
            break;
        case 3:
            put_number(block + 28, 7, 2, true); /* another type */
            break;
        default:
            put_number(block + 30, 2, 4, true); /* two of them */
        }
        blob b = file_encode(format, upright, W, H);
        file_add_exif(format, &b, block, size, true);
        assert_file(&b, "broken", W, H, upright, format == FILE_JPEG ? 3 : 0, 0);
        free(b.data);
    }
}

/* A large JPEG that is decoded at a quarter is turned too, and its whole size is that of the upright picture. */
static void reduced_pictures_are_turned(void **state) {
    (void)state;
    enum { BIG_W = 320, BIG_H = 192 };
    static uint8_t rgb[BIG_W * BIG_H * 3];
    for (int i = 0; i < BIG_W * BIG_H; i++)
        rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = i % BIG_W < BIG_W / 2 ? 40 : 200; /* dark on the left */
    blob b = file_encode(FILE_JPEG, rgb, BIG_W, BIG_H);
    unsigned char block[64];
    file_add_exif(FILE_JPEG, &b, block, tiff_block(block, 6, false, false), true); /* to be turned to the right */
    idem_image im;
    int width, height;
    assert_int_equal(idem_image_parse_reduced(&im, b.data, b.size, "big.jpg", 48, &width, &height), 0);
    assert_int_equal(width, BIG_H);
    assert_int_equal(height, BIG_W);
    assert_int_equal(im.width, BIG_H / 4);
    assert_int_equal(im.height, BIG_W / 4);
    assert_true(im.rgb[0] < 60 && im.rgb[(im.width * im.height - 1) * 3] > 180); /* dark above */
    idem_image_free(&im);
    free(b.data);
}

/* ---- transparency ---- */

static void transparency_is_kept(void **state) {
    (void)state;
    char dir[] = "/tmp/idem-files-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *path = idem_path_join(dir, "a.png");
    uint8_t rgba[W * H * 4];
    for (int i = 0; i < W * H; i++) {
        rgba[4 * i] = (uint8_t)(i * 7);
        rgba[4 * i + 1] = (uint8_t)(i * 3);
        rgba[4 * i + 2] = (uint8_t)(i / 5);
        rgba[4 * i + 3] = (uint8_t)(i % 3 ? i % W * 6 : 255);
    }
    blob b = png_rgba(rgba, W, H), again;
    unsigned char block[64];
    file_add_exif(FILE_PNG, &b, block, tiff_block(block, 2, false, false), false); /* mirrored */
    assert_int_equal(idem_file_write(path, b.data, b.size), 0);
    idem_image flat, im;
    assert_int_equal(idem_image_load(&flat, path), 0);
    assert_int_equal(idem_image_load_transparent(&im, path), 0);
    assert_pixels(&flat, W, H, im.rgb, 0);
    assert_null(flat.rgba);
    assert_int_equal(flat.notes, IDEM_NOTE_TRANSPARENT);
    for (int i = 0; i < W * H; i++)
        assert_memory_equal(im.rgba + 4 * i, rgba + 4 * (i / W * W + W - 1 - i % W), 4);

    /* A pixel that changes gets a colour that looks so; the others keep theirs. */
    int changed = -1;
    for (int i = 0; i < W * H && changed < 0; i++)
        if (im.rgba[4 * i + 3] > 100 && im.rgba[4 * i + 3] < 200)
            changed = i;
    for (int c = 0; c < 3; c++)
        im.rgb[3 * changed + c] = (uint8_t)(200 + c);
    assert_int_equal(idem_image_save_png(&im, path, NULL), 0);
    idem_image back;
    assert_int_equal(idem_image_load_transparent(&back, path), 0);
    assert_pixels(&back, W, H, im.rgb, 1);
    for (int i = 0; i < W * H; i++)
        if (i != changed)
            assert_memory_equal(back.rgba + 4 * i, im.rgba + 4 * i, 4);
    assert_int_equal(back.rgba[4 * changed + 3], im.rgba[4 * changed + 3]);
    idem_image_free(&back);
    idem_image_free(&im);
    idem_image_free(&flat);

    /* An alpha that hides nothing is none. */
    for (int i = 0; i < W * H; i++)
        rgba[4 * i + 3] = 255;
    again = png_rgba(rgba, W, H);
    assert_int_equal(idem_file_write(path, again.data, again.size), 0);
    assert_int_equal(idem_image_load_transparent(&im, path), 0);
    assert_null(im.rgba);
    assert_int_equal(im.notes, 0);
    idem_image_free(&im);
    free(b.data);
    free(again.data);
    unlink(path);
    rmdir(dir);
    free(path);
}

/* ---- several pictures in a file ---- */

static void first_of_several(void **state) {
    (void)state;
    char dir[] = "/tmp/idem-files-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *path = idem_path_join(dir, "a.webp");
    idem_image one = random_image(W, H, "one"), other = random_image(W, H, "other"), back;
    const idem_image *const pictures[] = {&one, &other};
    for (int i = 0; i < W * H * 3; i++) { /* smooth, so that the codec loses little */
        one.rgb[i] = (uint8_t)(40 + i % 3 * 50 + i / 3 / W * 4);
        other.rgb[i] = 250;
    }
    assert_int_equal(idem_animation_save(path, pictures, 2, 40, NULL), 0);
    assert_int_equal(idem_image_load(&back, path), 0);
    assert_pixels(&back, W, H, one.rgb, 12);
    assert_int_equal(back.notes, IDEM_NOTE_FRAMES);
    idem_image_free(&back);
    unlink(path);

    blob b = file_encode(FILE_PNG, one.rgb, W, H);
    unsigned char control[8] = {0, 0, 0, 2};
    file_add_png_chunk(&b, "acTL", control, 8);
    assert_file(&b, "a.png", W, H, one.rgb, 0, IDEM_NOTE_FRAMES);
    free(b.data);
    b = file_encode(FILE_PNG, one.rgb, W, H);
    control[3] = 1;
    file_add_png_chunk(&b, "acTL", control, 8);
    assert_file(&b, "still.png", W, H, one.rgb, 0, 0);
    free(b.data);
    idem_image_free(&one);
    idem_image_free(&other);
    rmdir(dir);
    free(path);
}

/* ---- JPEGs that end too early ---- */

static void cut_jpegs(void **state) {
    (void)state;
    static const jpeg_kind kinds[] = {
        {JCS_RGB, JCS_YCbCr, 90, false, 0, NULL, 0}, {JCS_RGB, JCS_YCbCr, 90, true, 0, NULL, 0},
        {JCS_RGB, JCS_YCbCr, 90, false, 1, NULL, 0}, {JCS_GRAYSCALE, JCS_GRAYSCALE, 90, false, 0, NULL, 0},
        {JCS_CMYK, JCS_YCCK, 90, false, 0, NULL, 0}, {JCS_GRAYSCALE, JCS_GRAYSCALE, 90, true, 0, NULL, 0},
    };
    uint8_t samples[W * H * 4];
    for (size_t i = 0; i < sizeof samples; i++)
        samples[i] = (uint8_t)(i * 2654435761u >> 24);
    for (size_t n = 0; n < sizeof kinds / sizeof *kinds; n++) {
        blob b = jpeg_write(&kinds[n], samples, W, H);
        idem_image whole = parsed(&b, "whole.jpg");
        /* The marker at the end is no pixel; everything in front of it is. */
        for (size_t less = 1; less <= 2; less++) {
            blob cut = {.data = b.data, .size = b.size - less};
            assert_file(&cut, "end.jpg", W, H, whole.rgb, 0, 0);
        }
        for (size_t size = 0; size < b.size - 4; size++) {
            idem_image im;
            unsigned char *exact = malloc(size + !size);
            memcpy(exact, b.data, size);
            if (idem_image_parse(&im, exact, size, "cut.jpg") == 0)
                fail_msg("kind %zu: %zu of %zu bytes were taken for the whole", n, size, b.size);
            free(exact);
            assert_non_null(strstr(idem_error(), "cut.jpg"));
        }
        assert_non_null(strstr(idem_error(), "is cut off"));
        idem_image_free(&whole);
        free(b.data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_orientation_in_every_format),
        cmocka_unit_test(several_blocks),
        cmocka_unit_test(broken_blocks_turn_nothing),
        cmocka_unit_test(reduced_pictures_are_turned),
        cmocka_unit_test(transparency_is_kept),
        cmocka_unit_test(first_of_several),
        cmocka_unit_test(cut_jpegs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
