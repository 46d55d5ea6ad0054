/* Colours of picture files: ICC profiles in every format, of RGB, grey and four inks; PNG's own words for them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lcms2.h>

#include "media/image.h"
#include "support/picture_chunks.h"
#include "support/pictures.h"

enum { W = 40, H = 24 };

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
    blob p3 = p3_profile(), srgb = profile_bytes(cmsCreate_sRGBProfile());
    for (int format = 0; format < FILE_FORMATS; format++) {
        const int jpeg = format == FILE_JPEG ? 3 : 0;
        blob b = file_encode(format, rgb, W, H);
        file_add_profile(format, &b, p3.data, p3.size);
        assert_file(&b, "p3", W, H, expected, 2 + 2 * jpeg, 0);
        free(b.data);
        b = file_encode(format, rgb, W, H);
        file_add_profile(format, &b, srgb.data, srgb.size);
        assert_file(&b, "srgb", W, H, rgb, jpeg, 0); /* to the bit: what is sRGB already is left alone */
        free(b.data);
        /* Not a profile, and a profile that is cut. */
        for (int n = 0; n < 2; n++) {
            unsigned char junk[300] = "no profile at all";
            b = file_encode(format, rgb, W, H);
            file_add_profile(format, &b, n ? p3.data : junk, n ? p3.size - 100 : sizeof junk);
            assert_file(&b, "junk", W, H, rgb, jpeg, IDEM_NOTE_PROFILE);
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
    assert_file(&b, "p3.png", W, H, expected, 2, 0);
    file_add_png_chunk(&b, "sRGB", (const unsigned char *)"", 1); /* which has the last word */
    assert_file(&b, "srgb.png", W, H, rgb, 0, 0);
    free(b.data);

    put_number(gamma, 100000, 4, true); /* light itself */
    for (int i = 0; i < W * H * 3; i++)
        expected[i] = (uint8_t)lround(255 * from_light(rgb[i] / 255.0));
    b = file_encode(FILE_PNG, rgb, W, H);
    file_add_png_chunk(&b, "gAMA", gamma, 4);
    assert_file(&b, "linear.png", W, H, expected, 2, 0);
    free(b.data);

    static const unsigned char p3[4] = {12, 13, 0, 1}, pq[4] = {9, 16, 0, 1};
    memcpy(expected, rgb, sizeof rgb);
    p3_to_srgb(expected);
    b = file_encode(FILE_PNG, rgb, W, H);
    file_add_png_chunk(&b, "cICP", p3, 4);
    assert_file(&b, "cicp.png", W, H, expected, 2, 0);
    free(b.data);
    b = file_encode(FILE_PNG, rgb, W, H);
    file_add_png_chunk(&b, "cICP", pq, 4);
    assert_file(&b, "pq.png", W, H, rgb, 0, IDEM_NOTE_PROFILE); /* brighter than any screen of ours */
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
    blob profile = profile_bytes(cmsCreateGrayProfile(cmsD50_xyY(), curve));
    cmsFreeToneCurve(curve);
    const jpeg_kind kind = {JCS_GRAYSCALE, JCS_GRAYSCALE, 100, false, 0, NULL, 0};
    blob b = jpeg_write(&kind, grey, W, H);
    file_add_profile(FILE_JPEG, &b, profile.data, profile.size);
    assert_file(&b, "grey.jpg", W, H, expected, 5, 0);
    free(b.data);
    /* A picture in colour with a grey one's profile. */
    b = file_encode(FILE_WEBP, as_is, W, H);
    file_add_profile(FILE_WEBP, &b, profile.data, profile.size);
    assert_file(&b, "grey.webp", W, H, as_is, 0, IDEM_NOTE_PROFILE);
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
    return profile_bytes(profile);
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
    assert_file(&b, "inks.jpg", W, H, plain, 4, 0);
    file_add_profile(FILE_JPEG, &b, profile.data, profile.size);
    assert_file(&b, "inks.jpg", W, H, expected, 6, 0);
    free(b.data);
    b = jpeg_write(&kind, inks, W, H);
    file_add_profile(FILE_JPEG, &b, p3.data, p3.size); /* which knows of no inks */
    assert_file(&b, "inks.jpg", W, H, plain, 4, IDEM_NOTE_PROFILE);
    free(b.data);
    free(profile.data);
    free(p3.data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles_in_every_format),
        cmocka_unit_test(colours_of_png_chunks),
        cmocka_unit_test(grey_profiles),
        cmocka_unit_test(ink_profiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
