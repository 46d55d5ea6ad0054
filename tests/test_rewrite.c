/* Pictures that are written again after a part of them was changed: what was not changed stays. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <webp/encode.h>

#include "base/file.h"
#include "media/marked.h"
#include "media/rewrite.h"

enum { WIDTH = 203, HEIGHT = 149 };
static char folder[] = "/tmp/idem-rewrite-XXXXXX";

static const char *in_folder(const char *name) {
    static char paths[4][256];
    static int at;
    at = (at + 1) % 4;
    snprintf(paths[at], sizeof paths[at], "%s/%s", folder, name);
    return paths[at];
}

/* Smooth with edges and some noise: all of it is coded. */
static void draw(uint8_t *rgb) {
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            uint8_t *at = rgb + 3 * (y * WIDTH + x);
            at[0] = (uint8_t)(x + ((x / 20 + y / 20) % 2 ? 40 : 0));
            at[1] = (uint8_t)(y + (x * 7 + y * 13) % 11);
            at[2] = (uint8_t)(120 + (x * y) % 37);
        }
}

typedef struct {
    int quality, h, v;
    bool grey, progressive, comment;
    int orientation;
} shape;

static void write_source(const char *path, const shape *s) {
    static uint8_t rgb[WIDTH * HEIGHT * 3];
    draw(rgb);
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr e;
    c.err = jpeg_std_error(&e);
    jpeg_create_compress(&c);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    jpeg_stdio_dest(&c, f);
    c.image_width = WIDTH;
    c.image_height = HEIGHT;
    c.input_components = 3;
    c.in_color_space = JCS_RGB;
    jpeg_set_defaults(&c);
    if (s->grey)
        jpeg_set_colorspace(&c, JCS_GRAYSCALE);
    jpeg_set_quality(&c, s->quality, TRUE);
    c.comp_info[0].h_samp_factor = s->grey ? 1 : s->h;
    c.comp_info[0].v_samp_factor = s->grey ? 1 : s->v;
    if (s->progressive)
        jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    if (s->comment)
        jpeg_write_marker(&c, JPEG_COM, (const JOCTET *)"secret place", 12);
    if (s->orientation) {
        uint8_t exif[] = "Exif\0\0MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\1\0\0\0\0\0\0";
        exif[25] = (uint8_t)s->orientation;
        jpeg_write_marker(&c, JPEG_APP0 + 1, exif, sizeof exif - 1);
    }
    while (c.next_scanline < HEIGHT) {
        JSAMPROW row = rgb + 3 * WIDTH * c.next_scanline;
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    fclose(f);
}

/* A patch of another colour about a corner of blocks. */
static void change(idem_image *im) {
    for (int y = 50; y < 71; y++)
        for (int x = 60; x < 95; x++) {
            uint8_t *at = im->rgb + 3 * (y * im->width + x);
            at[0] = 200;
            at[1] = 150;
            at[2] = 120;
        }
}

static int change_and_save(const char *from, const char *to, bool touch, const idem_marks *marks, idem_rewritten *about,
                           idem_image *was, idem_image *is) {
    idem_rewrite *r = idem_rewrite_open(from, was);
    assert_non_null(r);
    idem_image im;
    assert_int_equal(idem_image_new(&im, was->width, was->height), 0);
    memcpy(im.rgb, was->rgb, (size_t)im.width * (size_t)im.height * 3);
    im.rgba = was->rgba;
    if (touch)
        change(&im);
    const int status = idem_rewrite_save(r, &im, to, marks, about);
    im.rgba = NULL;
    idem_image_free(&im);
    idem_rewrite_free(r);
    assert_int_equal(idem_image_load(is, to), 0);
    return status;
}

/* Most difference at least `away` pixels from the patch, and the mean within it. */
static int apart(const idem_image *a, const idem_image *b, int away) {
    int most = 0;
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++)
            if (x < 60 - away || x >= 95 + away || y < 50 - away || y >= 71 + away)
                for (int c = 0; c < 3; c++) {
                    const int i = 3 * (y * a->width + x) + c, d = abs((int)a->rgb[i] - (int)b->rgb[i]);
                    most = d > most ? d : most;
                }
    return most;
}

static bool file_has(const char *path, const char *text) {
    unsigned char *bytes;
    size_t size;
    assert_int_equal(idem_file_read(path, 1 << 24, &bytes, &size), 0);
    const bool has = memmem(bytes, size, text, strlen(text)) != NULL;
    free(bytes);
    return has;
}

static const idem_marks marks = {.texts = (const char *const[]){"Software", "idem", "synthetic", "true", NULL},
                                 .source = IDEM_SOURCE_COMPOSITE};

static void untouched_blocks_keep_their_coefficients(void **state) {
    (void)state;
    const shape shapes[] = {{75, 2, 2, .comment = true}, {90, 1, 1, .comment = true}, {60, 2, 1, .progressive = true},
                            {95, 1, 2, .comment = true}, {50, 1, 1, .grey = true},    {30, 2, 2, .comment = true}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const char *from = in_folder("a.jpg"), *to = in_folder("b.jpg");
        idem_rewritten about;
        idem_image was, is;
        write_source(from, &shapes[i]);
        assert_int_equal(change_and_save(from, to, true, &marks, &about, &was, &is), 0);
        assert_false(about.anew);
        assert_int_equal(about.changed, 35 * 21);
        assert_true(about.replaced > 0 && about.replaced < 0.2);
        /* Away from the replaced blocks by their size and a pixel of chroma that is interpolated: equal. */
        assert_int_equal(apart(&was, &is, 18), 0);
        if (!shapes[i].grey && shapes[i].quality > 70) {
            const uint8_t *at = is.rgb + 3 * (60 * WIDTH + 77);
            assert_true(abs(at[0] - 200) < 12 && abs(at[1] - 150) < 12 && abs(at[2] - 120) < 12);
        }
        assert_true(idem_image_says_synthetic(to));
        assert_false(file_has(to, "secret place"));
        idem_image_free(&was);
        idem_image_free(&is);
    }
}

static void nothing_changed_is_equal_and_without_metadata(void **state) {
    (void)state;
    const char *from = in_folder("a.jpg"), *to = in_folder("b.jpg");
    idem_rewritten about;
    idem_image was, is;
    write_source(from, &(shape){80, 2, 2, .comment = true, .orientation = 1});
    assert_true(file_has(from, "Exif") && file_has(from, "secret place"));
    assert_int_equal(change_and_save(from, to, false, NULL, &about, &was, &is), 0);
    assert_true(about.changed == 0 && about.largest_outside == 0 && about.replaced == 0);
    assert_int_equal(apart(&was, &is, 0), 0);
    assert_false(file_has(to, "Exif") || file_has(to, "secret place"));
    idem_image_free(&was);
    idem_image_free(&is);
}

static void turned_files_are_written_upright_with_their_tables(void **state) {
    (void)state;
    for (int orientation = 2; orientation <= 8; orientation++) {
        const char *from = in_folder("a.jpg"), *to = in_folder("b.jpg");
        idem_rewritten about;
        idem_image was, is;
        write_source(from, &(shape){85, 2, 1, .orientation = orientation});
        assert_int_equal(change_and_save(from, to, true, &marks, &about, &was, &is), 0);
        assert_true(about.anew);
        assert_int_equal(was.width, orientation >= 5 ? HEIGHT : WIDTH);
        assert_true(is.width == was.width && is.height == was.height);
        /* Encoded twice on the same grid (or a shifted one), with the same tables: not more than their steps. */
        assert_true(apart(&was, &is, 18) <= 60 && about.largest_outside <= 110);
        assert_false(file_has(to, "Exif"));
        idem_image_free(&was);
        idem_image_free(&is);
    }
}

static void png_and_lossless_webp_stay_equal(void **state) {
    (void)state;
    idem_image source, was, is;
    assert_int_equal(idem_image_new(&source, WIDTH, HEIGHT), 0);
    draw(source.rgb);
    uint8_t *webp;
    const size_t size = WebPEncodeLosslessRGB(source.rgb, WIDTH, HEIGHT, WIDTH * 3, &webp);
    assert_true(size > 0);
    assert_int_equal(idem_file_write(in_folder("a.webp"), webp, size), 0);
    assert_int_equal(idem_image_save_png(&source, in_folder("a.png"), NULL), 0);
    static const char *const names[2] = {"a.png", "a.webp"}, *const results[2] = {"b.png", "b.webp"};
    for (int i = 0; i < 2; i++) {
        idem_rewritten about;
        const char *to = in_folder(results[i]);
        assert_int_equal(change_and_save(in_folder(names[i]), to, true, &marks, &about, &was, &is), 0);
        assert_int_equal(apart(&was, &is, 0), 0);
        assert_int_equal(about.largest_outside, 0);
        assert_true(is.rgb[3 * (60 * WIDTH + 77)] == 200 && idem_image_says_synthetic(to));
        idem_image_free(&was);
        idem_image_free(&is);
    }
    WebPFree(webp);
    idem_image_free(&source);
}

static void lossy_webp_is_near_and_says_so(void **state) {
    (void)state;
    static uint8_t rgb[WIDTH * HEIGHT * 3];
    draw(rgb);
    uint8_t *webp;
    const size_t size = WebPEncodeRGB(rgb, WIDTH, HEIGHT, WIDTH * 3, 80, &webp);
    assert_int_equal(idem_file_write(in_folder("c.webp"), webp, size), 0);
    idem_rewritten about;
    idem_image was, is;
    assert_int_equal(change_and_save(in_folder("c.webp"), in_folder("d.webp"), true, &marks, &about, &was, &is), 0);
    assert_true(about.anew && about.largest_outside > 0 && about.largest_outside < 120);
    idem_image_free(&was);
    idem_image_free(&is);
    WebPFree(webp);
}

static int open_folder(void **state) {
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int close_folder(void **state) {
    (void)state;
    char **names;
    size_t n;
    if (idem_dir_list(folder, NULL, &names, &n))
        return -1;
    for (size_t i = 0; i < n; i++)
        unlink(in_folder(names[i]));
    idem_names_free(names, n);
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(untouched_blocks_keep_their_coefficients),
        cmocka_unit_test(nothing_changed_is_equal_and_without_metadata),
        cmocka_unit_test(turned_files_are_written_upright_with_their_tables),
        cmocka_unit_test(png_and_lossless_webp_stay_equal),
        cmocka_unit_test(lossy_webp_is_near_and_says_so),
    };
    return cmocka_run_group_tests(tests, open_folder, close_folder);
}
