/* What picture files say beside their pixels, in every format alike: orientation, colours, transparency, further
 * pictures; and JPEGs that end too early. */
#define _GNU_SOURCE
#include <math.h>
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
#include <lcms2.h>

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

static void check(const blob *b, const char *what, int width, int height, const uint8_t *rgb, int tolerance,
                  unsigned notes) {
    idem_image im = parsed(b, what);
    assert_pixels(&im, width, height, rgb, tolerance);
    if (im.notes != notes)
        fail_msg("%s: notes are %u, expected %u", what, im.notes, notes);
    idem_image_free(&im);
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
            check(&b, what, W, H, upright, format == FILE_JPEG ? 3 : 0, 0);
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
        check(&b, "blocks.jpg", W, H, upright, 3, 0);
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
        check(&b, "broken", W, H, upright, format == FILE_JPEG ? 3 : 0, 0);
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

/* ---- colours ---- */

static double to_light(double v) {
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double from_light(double v) {
    v = fmin(fmax(v, 0), 1);
    return v <= 0.0031308 ? 12.92 * v : 1.055 * pow(v, 1 / 2.4) - 0.055;
}

/* Display P3 to sRGB: the matrix of the two standards' primaries, both with the white D65. */
static void p3_to_srgb(uint8_t *rgb) {
    static const double m[3][3] = {
        {1.2249401, -0.2249402, 0}, {-0.0420569, 1.0420571, 0}, {-0.0196376, -0.0786361, 1.0982735}};
    for (int i = 0; i < W * H; i++) {
        double in[3];
        for (int c = 0; c < 3; c++)
            in[c] = to_light(rgb[3 * i + c] / 255.0);
        for (int c = 0; c < 3; c++)
            rgb[3 * i + c] = (uint8_t)lround(255 * from_light(m[c][0] * in[0] + m[c][1] * in[1] + m[c][2] * in[2]));
    }
}

static blob saved(cmsHPROFILE profile) {
    blob b = {0};
    cmsUInt32Number size = 0;
    assert_non_null(profile);
    assert_true(cmsSaveProfileToMem(profile, NULL, &size));
    b.data = malloc(size);
    b.size = size;
    assert_true(cmsSaveProfileToMem(profile, b.data, &size));
    cmsCloseProfile(profile);
    return b;
}

static blob p3_profile(void) {
    static const cmsCIExyY white = {0.3127, 0.3290, 1};
    static const cmsCIExyYTRIPLE primaries = {{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}};
    static const cmsFloat64Number p[5] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
    cmsToneCurve *curve = cmsBuildParametricToneCurve(NULL, 4, p);
    cmsHPROFILE profile = cmsCreateRGBProfile(&white, &primaries, (cmsToneCurve *const[]){curve, curve, curve});
    cmsFreeToneCurve(curve);
    return saved(profile);
}

/* Far from the borders of both colour spaces, where a step of the codec would grow. */
static void soft_colours(uint8_t *rgb) {
    for (int i = 0; i < W * H; i++) {
        rgb[3 * i] = (uint8_t)(90 + 3 * (i % W));
        rgb[3 * i + 1] = (uint8_t)(110 + 3 * (i / W));
        rgb[3 * i + 2] = 130;
    }
}

static void profiles_in_every_format(void **state) {
    (void)state;
    uint8_t rgb[W * H * 3], expected[W * H * 3];
    soft_colours(rgb);
    memcpy(expected, rgb, sizeof rgb);
    p3_to_srgb(expected);
    blob p3 = p3_profile(), srgb = saved(cmsCreate_sRGBProfile());
    for (int format = 0; format < FILE_FORMATS; format++) {
        const int jpeg = format == FILE_JPEG ? 3 : 0;
        blob b = file_encode(format, rgb, W, H);
        file_add_profile(format, &b, p3.data, p3.size);
        check(&b, "p3", W, H, expected, 2 + 2 * jpeg, 0);
        free(b.data);
        b = file_encode(format, rgb, W, H);
        file_add_profile(format, &b, srgb.data, srgb.size);
        check(&b, "srgb", W, H, rgb, jpeg, 0); /* to the bit: what is sRGB already is left alone */
        free(b.data);
        /* Not a profile, and a profile that is cut. */
        for (int n = 0; n < 2; n++) {
            unsigned char junk[300] = "no profile at all";
            b = file_encode(format, rgb, W, H);
            file_add_profile(format, &b, n ? p3.data : junk, n ? p3.size - 100 : sizeof junk);
            check(&b, "junk", W, H, rgb, jpeg, IDEM_NOTE_PROFILE);
            free(b.data);
        }
    }
    free(p3.data);
    free(srgb.data);
}

/* PNG's own words for colours. */
static void colours_of_png_chunks(void **state) {
    (void)state;
    static const uint32_t p3_points[8] = {31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000};
    uint8_t rgb[W * H * 3], expected[W * H * 3];
    unsigned char points[32], gamma[4];
    soft_colours(rgb);
    for (int i = 0; i < 8; i++)
        put_number(points + 4 * i, p3_points[i], 4, true);
    put_number(gamma, 45455, 4, true); /* 1 / 2.2: sRGB's */
    memcpy(expected, rgb, sizeof rgb);
    p3_to_srgb(expected);
    blob b = file_encode(FILE_PNG, rgb, W, H);
    file_add_png_chunk(&b, "cHRM", points, 32);
    file_add_png_chunk(&b, "gAMA", gamma, 4);
    check(&b, "p3.png", W, H, expected, 2, 0);
    file_add_png_chunk(&b, "sRGB", (const unsigned char *)"", 1); /* which has the last word */
    check(&b, "srgb.png", W, H, rgb, 0, 0);
    free(b.data);

    put_number(gamma, 100000, 4, true); /* light itself */
    for (int i = 0; i < W * H * 3; i++)
        expected[i] = (uint8_t)lround(255 * from_light(rgb[i] / 255.0));
    b = file_encode(FILE_PNG, rgb, W, H);
    file_add_png_chunk(&b, "gAMA", gamma, 4);
    check(&b, "linear.png", W, H, expected, 2, 0);
    free(b.data);

    static const unsigned char p3[4] = {12, 13, 0, 1}, pq[4] = {9, 16, 0, 1};
    memcpy(expected, rgb, sizeof rgb);
    p3_to_srgb(expected);
    b = file_encode(FILE_PNG, rgb, W, H);
    file_add_png_chunk(&b, "cICP", p3, 4);
    check(&b, "cicp.png", W, H, expected, 2, 0);
    free(b.data);
    b = file_encode(FILE_PNG, rgb, W, H);
    file_add_png_chunk(&b, "cICP", pq, 4);
    check(&b, "pq.png", W, H, rgb, 0, IDEM_NOTE_PROFILE); /* brighter than any screen of ours */
    free(b.data);
}

static void grey_profiles(void **state) {
    (void)state;
    uint8_t grey[W * H], expected[W * H * 3], as_is[W * H * 3];
    for (int i = 0; i < W * H; i++) {
        grey[i] = (uint8_t)(10 + 6 * (i % W));
        memset(as_is + 3 * i, grey[i], 3);
        memset(expected + 3 * i, (int)lround(255 * from_light(pow(grey[i] / 255.0, 1.4))), 3);
    }
    cmsToneCurve *curve = cmsBuildGamma(NULL, 1.4);
    blob profile = saved(cmsCreateGrayProfile(cmsD50_xyY(), curve));
    cmsFreeToneCurve(curve);
    const jpeg_kind kind = {JCS_GRAYSCALE, JCS_GRAYSCALE, 100, false, 0, NULL, 0};
    blob b = jpeg_write(&kind, grey, W, H);
    file_add_profile(FILE_JPEG, &b, profile.data, profile.size);
    check(&b, "grey.jpg", W, H, expected, 5, 0);
    free(b.data);
    /* A picture in colour with a grey one's profile. */
    b = file_encode(FILE_WEBP, as_is, W, H);
    file_add_profile(FILE_WEBP, &b, profile.data, profile.size);
    check(&b, "grey.webp", W, H, as_is, 0, IDEM_NOTE_PROFILE);
    free(b.data);
    free(profile.data);
}

/* Inks whose sum alone counts, as greys. */
static cmsInt32Number ink_sum(const cmsUInt16Number *in, cmsUInt16Number *out, void *user) {
    (void)user;
    double left = (1 - (in[0] + in[1] + in[2]) / 65535.0 / 3) * (1 - in[3] / 65535.0);
    const cmsCIELab lab = {100 * left, 0, 0};
    cmsFloat2LabEncoded(out, &lab);
    return 1;
}

static blob ink_profile(void) {
    cmsHPROFILE profile = cmsCreateProfilePlaceholder(NULL);
    cmsSetProfileVersion(profile, 4.3);
    cmsSetDeviceClass(profile, cmsSigOutputClass);
    cmsSetColorSpace(profile, cmsSigCmykData);
    cmsSetPCS(profile, cmsSigLabData);
    cmsPipeline *lut = cmsPipelineAlloc(NULL, 4, 3);
    cmsToneCurve *line = cmsBuildGamma(NULL, 1);
    cmsStage *grid = cmsStageAllocCLut16bit(NULL, 9, 4, 3, NULL);
    assert_true(cmsStageSampleCLut16bit(grid, ink_sum, NULL, 0));
    cmsPipelineInsertStage(lut, cmsAT_END,
                           cmsStageAllocToneCurves(NULL, 4, (cmsToneCurve *const[]){line, line, line, line}));
    cmsPipelineInsertStage(lut, cmsAT_END, grid);
    cmsPipelineInsertStage(lut, cmsAT_END, cmsStageAllocToneCurves(NULL, 3, (cmsToneCurve *const[]){line, line, line}));
    assert_true(cmsWriteTag(profile, cmsSigAToB0Tag, lut));
    assert_true(cmsWriteTag(profile, cmsSigMediaWhitePointTag, cmsD50_XYZ()));
    cmsPipelineFree(lut);
    cmsFreeToneCurve(line);
    return saved(profile);
}

static void ink_profiles(void **state) {
    (void)state;
    uint8_t inks[W * H * 4], expected[W * H * 3], plain[W * H * 3];
    for (int i = 0; i < W * H; i++) {
        uint8_t *p = inks + 4 * i; /* 255: no ink */
        p[0] = (uint8_t)(60 + 4 * (i % W));
        p[1] = (uint8_t)(200 - 4 * (i / W));
        p[2] = 150;
        p[3] = 240;
        double left = (p[0] + p[1] + p[2]) / 255.0 / 3 * p[3] / 255, l = (100 * left + 16) / 116;
        double light = l > 6.0 / 29 ? l * l * l : 3 * 36.0 / 841 * (l - 4.0 / 29);
        memset(expected + 3 * i, (int)lround(255 * from_light(light)), 3);
        for (int c = 0; c < 3; c++)
            plain[3 * i + c] = (uint8_t)lround(p[c] * p[3] / 255.0);
    }
    const jpeg_kind kind = {JCS_CMYK, JCS_YCCK, 100, false, 0, NULL, 0};
    blob b = jpeg_write(&kind, inks, W, H), profile = ink_profile(), p3 = p3_profile();
    check(&b, "inks.jpg", W, H, plain, 4, 0);
    file_add_profile(FILE_JPEG, &b, profile.data, profile.size);
    check(&b, "inks.jpg", W, H, expected, 6, 0);
    free(b.data);
    b = jpeg_write(&kind, inks, W, H);
    file_add_profile(FILE_JPEG, &b, p3.data, p3.size); /* which knows of no inks */
    check(&b, "inks.jpg", W, H, plain, 4, IDEM_NOTE_PROFILE);
    free(b.data);
    free(profile.data);
    free(p3.data);
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
    check(&b, "a.png", W, H, one.rgb, 0, IDEM_NOTE_FRAMES);
    free(b.data);
    b = file_encode(FILE_PNG, one.rgb, W, H);
    control[3] = 1;
    file_add_png_chunk(&b, "acTL", control, 8);
    check(&b, "still.png", W, H, one.rgb, 0, 0);
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
            check(&cut, "end.jpg", W, H, whole.rgb, 0, 0);
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
        cmocka_unit_test(profiles_in_every_format),
        cmocka_unit_test(colours_of_png_chunks),
        cmocka_unit_test(grey_profiles),
        cmocka_unit_test(ink_profiles),
        cmocka_unit_test(transparency_is_kept),
        cmocka_unit_test(first_of_several),
        cmocka_unit_test(cut_jpegs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
