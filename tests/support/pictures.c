#include "support/pictures.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <webp/encode.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/status.h"

static void put(png_structp png, png_bytep from, size_t n) {
    blob_put(png_get_io_ptr(png), from, n);
}

static void put_nothing(png_structp png) {
    (void)png;
}

int channels_of(int colour_type) {
    switch (colour_type) {
    case PNG_COLOR_TYPE_GRAY_ALPHA:
        return 2;
    case PNG_COLOR_TYPE_RGB:
        return 3;
    case PNG_COLOR_TYPE_RGB_ALPHA:
        return 4;
    default:
        return 1;
    }
}

blob png_write(const png_kind *k, const uint16_t *samples, const png_color *palette, const png_byte *palette_alpha) {
    blob b = {0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &b, put, put_nothing);
    png_set_IHDR(png, info, PNG_SIDE_X, PNG_SIDE_Y, k->depth, k->colour_type,
                 k->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (k->colour_type == PNG_COLOR_TYPE_PALETTE)
        png_set_PLTE(png, info, palette, 1 << k->depth);
    if (k->transparent_key) {
        png_color_16 key = {0};
        key.gray = key.red = samples[0];
        if (k->colour_type == PNG_COLOR_TYPE_RGB) {
            key.green = samples[1];
            key.blue = samples[2];
        }
        png_set_tRNS(png, info, palette_alpha, k->colour_type == PNG_COLOR_TYPE_PALETTE ? 1 << k->depth : 0, &key);
    }
    png_write_info(png, info);
    int channels = channels_of(k->colour_type);
    int per_row = PNG_SIDE_X * channels;
    png_byte rows[PNG_SIDE_Y][PNG_SIDE_X * 8];
    png_bytep pointers[PNG_SIDE_Y];
    memset(rows, 0, sizeof rows);
    for (int y = 0; y < PNG_SIDE_Y; y++) {
        pointers[y] = rows[y];
        for (int i = 0; i < per_row; i++) {
            uint16_t v = samples[y * per_row + i];
            if (k->depth == 16) {
                rows[y][2 * i] = (png_byte)(v >> 8);
                rows[y][2 * i + 1] = (png_byte)v;
            } else {
                int bit = i * k->depth;
                rows[y][bit / 8] |= (png_byte)(v << (8 - k->depth - bit % 8));
            }
        }
    }
    png_write_image(png, pointers);
    png_write_end(png, NULL);
    png_destroy_write_struct(&png, &info);
    return b;
}

blob jpeg_write(const jpeg_kind *k, const uint8_t *samples, int width, int height) {
    struct jpeg_compress_struct c;
    struct jpeg_error_mgr errors;
    unsigned char *data = NULL;
    unsigned long size = 0;
    c.err = jpeg_std_error(&errors);
    jpeg_create_compress(&c);
    jpeg_mem_dest(&c, &data, &size);
    c.image_width = (JDIMENSION)width;
    c.image_height = (JDIMENSION)height;
    c.input_components = k->in == JCS_GRAYSCALE ? 1 : k->in == JCS_CMYK ? 4 : 3;
    c.in_color_space = k->in;
    jpeg_set_defaults(&c);
    jpeg_set_colorspace(&c, k->stored);
    jpeg_set_quality(&c, k->quality, TRUE);
    for (int i = 0; i < c.num_components; i++)
        c.comp_info[i].h_samp_factor = c.comp_info[i].v_samp_factor = 1;
    c.restart_in_rows = k->restart_rows;
    if (k->progressive)
        jpeg_simple_progression(&c);
    jpeg_start_compress(&c, TRUE);
    if (k->app1)
        jpeg_write_marker(&c, JPEG_APP0 + 1, k->app1, k->app1_size);
    while (c.next_scanline < c.image_height) {
        JSAMPROW row = (JSAMPROW)samples + (size_t)c.next_scanline * (size_t)(width * c.input_components);
        jpeg_write_scanlines(&c, &row, 1);
    }
    jpeg_finish_compress(&c);
    jpeg_destroy_compress(&c);
    return (blob){.data = data, .size = size};
}

void put_number(unsigned char *to, uint32_t v, int n, bool big) {
    for (int i = 0; i < n; i++)
        to[big ? n - 1 - i : i] = (unsigned char)(v >> 8 * i);
}

unsigned exif_block(unsigned char *out, int orientation, bool big) {
    memcpy(out, "Exif\0\0", 6);
    unsigned char *t = out + 6;
    memcpy(t, big ? "MM" : "II", 2);
    put_number(t + 2, 42, 2, big);
    put_number(t + 4, 12, 4, big); /* the folder's place: behind a gap of 4 */
    memset(t + 8, 0xee, 4);
    put_number(t + 12, 2, 2, big);
    put_number(t + 14, 0x0100, 2, big);
    put_number(t + 16, 4, 2, big);
    put_number(t + 18, 1, 4, big);
    put_number(t + 22, 99, 4, big);
    put_number(t + 26, 0x0112, 2, big);
    put_number(t + 28, 3, 2, big);
    put_number(t + 30, 1, 4, big);
    put_number(t + 34, (uint32_t)orientation, 2, big);
    put_number(t + 36, 0, 2, big);
    put_number(t + 38, 0, 4, big);
    return 6 + 42;
}

idem_image random_image(int width, int height, const char *stream) {
    idem_image im;
    idem_rng r = idem_rng_make(1, stream);
    if (idem_image_new(&im, width, height) < 0)
        abort();
    for (int i = 0; i < width * height * 3; i++)
        im.rgb[i] = (uint8_t)idem_rng_below(&r, 256);
    return im;
}

void make_small_files(blob *files) {
    idem_image im = random_image(PNG_SIDE_X, PNG_SIDE_Y, "small");
    static const char *const texts[] = {"idem:seed", "7", NULL};
    if (idem_image_encode_png(&im, &(const idem_marks){.texts = texts}, &files[0].data, &files[0].size) < 0)
        abort();
    uint16_t samples[PNG_SIDE_X * PNG_SIDE_Y * 4];
    for (int i = 0; i < PNG_SIDE_X * PNG_SIDE_Y * 4; i++)
        samples[i] = (uint16_t)(i * 2654435761u >> 16);
    png_kind deep = {PNG_COLOR_TYPE_RGB_ALPHA, 16, true, false};
    files[1] = png_write(&deep, samples, NULL, NULL);
    unsigned char block[64];
    jpeg_kind plain = {JCS_RGB, JCS_YCbCr, 60, false, 1, block, exif_block(block, 6, false)};
    jpeg_kind progressive = {JCS_RGB, JCS_YCbCr, 60, true, 0, NULL, 0};
    jpeg_kind cmyk = {JCS_CMYK, JCS_YCCK, 60, false, 0, NULL, 0};
    files[2] = jpeg_write(&plain, im.rgb, PNG_SIDE_X, PNG_SIDE_Y);
    files[3] = jpeg_write(&progressive, im.rgb, PNG_SIDE_X, PNG_SIDE_Y);
    files[4] = jpeg_write(&cmyk, (const uint8_t *)samples, PNG_SIDE_X, PNG_SIDE_Y);
    uint8_t *out;
    const size_t size = WebPEncodeRGB(im.rgb, PNG_SIDE_X, PNG_SIDE_Y, PNG_SIDE_X * 3, 50, &out);
    files[5] = (blob){0};
    blob_put(&files[5], out, size);
    WebPFree(out);
    idem_image_free(&im);
}

void picture_load(idem_image *im, const char *dir, const char *name) {
    char *path = idem_path_join(dir, name);
    if (idem_image_load(im, path))
        fail_msg("%s", idem_error());
    free(path);
}

void picture_black(const char *dir, const char *name, int width, int height) {
    idem_image black;
    char *path = idem_path_join(dir, name);
    assert_int_equal(idem_image_new(&black, width, height), 0);
    assert_int_equal(idem_image_save_png(&black, path, NULL), 0);
    idem_image_free(&black);
    free(path);
}

void assert_pixels(const idem_image *im, int width, int height, const uint8_t *rgb, int tolerance) {
    assert_int_equal(im->width, width);
    assert_int_equal(im->height, height);
    for (int i = 0; i < width * height * 3; i++) {
        if (abs(im->rgb[i] - rgb[i]) > tolerance)
            fail_msg("pixel %d,%d channel %d is %d, expected %d", i / 3 % width, i / 3 / width, i % 3, im->rgb[i],
                     rgb[i]);
    }
}

uint32_t crc32_of(const unsigned char *p, size_t n) {
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++)
            crc = crc & 1 ? 0xedb88320 ^ crc >> 1 : crc >> 1;
    }
    return ~crc;
}
