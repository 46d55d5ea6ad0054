/* Colours to sRGB, by Little CMS. Most pictures are in sRGB already and need no conversion. */
#include <lcms2.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "media/codec.h"

/* ---- profiles made from a file's tags ---- */

static const double srgb_points[8] = {0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06};

/* White, red, green, blue of H.273's primaries; NULL: unsupported. */
static const double *points_of(int primaries) {
    static const double bt470m[8] = {0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08};
    static const double bt470bg[8] = {0.3127, 0.3290, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06};
    static const double smpte170[8] = {0.3127, 0.3290, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070};
    static const double bt2020[8] = {0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046};
    static const double dci_p3[8] = {0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060};
    static const double display_p3[8] = {0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060};
    switch (primaries) {
    case 0:
    case 1:
    case 2: /* unspecified */
        return srgb_points;
    case 4:
        return bt470m;
    case 5:
        return bt470bg;
    case 6:
    case 7:
        return smpte170;
    case 9:
        return bt2020;
    case 11:
        return dci_p3;
    case 12:
        return display_p3;
    default:
        return NULL;
    }
}

static cmsToneCurve *srgb_curve(void) {
    static const cmsFloat64Number p[5] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
    return cmsBuildParametricToneCurve(NULL, 4, p);
}

/* From stored values to light. Those of television (1, 6, 14, 15) are meant for a screen similar to sRGB's and are
 * treated as sRGB. NULL: unsupported, for example high dynamic range, or out of memory. */
static cmsToneCurve *curve_of(const idem_colour_tags *t) {
    /* A stored 1 / 2.2 always means sRGB. */
    if (t->gamma > 0)
        return fabs(t->gamma * 2.2 - 1) < 0.05 ? srgb_curve() : cmsBuildGamma(NULL, 1 / t->gamma);
    switch (t->transfer) {
    case 0:
    case 1:
    case 2:
    case 6:
    case 13:
    case 14:
    case 15:
        return srgb_curve();
    case 4:
        return cmsBuildGamma(NULL, 2.2);
    case 5:
        return cmsBuildGamma(NULL, 2.8);
    case 8:
        return cmsBuildGamma(NULL, 1);
    default:
        return NULL;
    }
}

static cmsHPROFILE profile_of(const double *p, cmsToneCurve *curve) {
    const cmsCIExyY white = {p[0], p[1], 1};
    const cmsCIExyYTRIPLE primaries = {{p[2], p[3], 1}, {p[4], p[5], 1}, {p[6], p[7], 1}};
    cmsToneCurve *const curves[3] = {curve, curve, curve};
    return cmsCreateRGBProfile(&white, &primaries, curves);
}

/* NULL: its tags are unsupported. */
static cmsHPROFILE profile_of_tags(const idem_colour_tags *t) {
    const double *points = t->has_points ? t->points : points_of(t->primaries);
    bool sane = points && (t->gamma == 0 || (t->gamma > 0.05 && t->gamma < 20));
    for (int i = 0; sane && i < 8; i += 2)
        sane = points[i] >= 0 && points[i] <= 1 && points[i + 1] > 0 && points[i + 1] <= 1;
    cmsToneCurve *curve = sane ? curve_of(t) : NULL;
    cmsHPROFILE profile = curve ? profile_of(points, curve) : NULL;
    cmsFreeToneCurve(curve);
    return profile;
}

static bool says_nothing(const idem_colour_tags *t) {
    return t->gamma == 0 && t->primaries == 0 && t->transfer == 0;
}

/* ---- transforms ---- */

static cmsHTRANSFORM transform_to_srgb(cmsHPROFILE from, cmsUInt32Number kind) {
    cmsHPROFILE to = cmsCreate_sRGBProfile();
    cmsHTRANSFORM t = to ? cmsCreateTransform(from, kind, to, TYPE_RGB_8, INTENT_PERCEPTUAL,
                                              cmsFLAGS_NOCACHE | cmsFLAGS_BLACKPOINTCOMPENSATION)
                         : NULL;
    if (to)
        cmsCloseProfile(to);
    return t;
}

/* Whether it changes no colour by more than rounding: tested with a lattice of colours and all greys. */
static bool changes_nothing(cmsHTRANSFORM t) {
    enum { SIDE = 9, COLOURS = SIDE * SIDE * SIDE + 256, STEP = 2 };
    uint8_t in[3 * COLOURS], out[3 * COLOURS];
    int n = 0;
    for (int i = 0; i < 256; i++)
        for (int c = 0; c < 3; c++)
            in[n++] = (uint8_t)i;
    for (int i = 0; i < SIDE * SIDE * SIDE; i++) {
        in[n++] = (uint8_t)(255 * (i % SIDE) / (SIDE - 1));
        in[n++] = (uint8_t)(255 * (i / SIDE % SIDE) / (SIDE - 1));
        in[n++] = (uint8_t)(255 * (i / SIDE / SIDE) / (SIDE - 1));
    }
    cmsDoTransform(t, in, out, COLOURS);
    int most = 0;
    for (int i = 0; i < n; i++)
        most = abs(out[i] - in[i]) > most ? abs(out[i] - in[i]) : most;
    return most <= STEP;
}

static size_t pixels_of(const idem_decoded *d) {
    return (size_t)d->width * (size_t)d->height;
}

/* Red, green and blue; alpha is unchanged. */
static int convert_rgb(idem_decoded *d, cmsHTRANSFORM t, const char *what) {
    const size_t width = (size_t)d->width, channels = (size_t)d->channels;
    if (changes_nothing(t))
        return 0;
    uint8_t *row = malloc(width * 3);
    if (!row)
        return idem_fail_as(IDEM_MEMORY, "%s: no memory for a row of %d pixels", what, d->width);
    for (int y = 0; y < d->height; y++) {
        uint8_t *at = d->pixels + (size_t)y * width * channels;
        for (size_t x = 0; x < width; x++)
            memcpy(row + 3 * x, at + channels * x, 3);
        cmsDoTransform(t, row, row, (cmsUInt32Number)width);
        for (size_t x = 0; x < width; x++)
            memcpy(at + channels * x, row + 3 * x, 3);
    }
    free(row);
    return 0;
}

static void convert_grey(idem_decoded *d, cmsHTRANSFORM t) {
    uint8_t in[256], out[256 * 3];
    const size_t channels = (size_t)d->channels, n = pixels_of(d);
    for (int i = 0; i < 256; i++)
        in[i] = (uint8_t)i;
    cmsDoTransform(t, in, out, 256);
    for (size_t i = 0; i < n; i++)
        memcpy(d->pixels + channels * i, out + 3 * d->pixels[channels * i], 3);
}

/* Four inks become three colours; t NULL: without a profile, by the light that they transmit. */
static int convert_inks(idem_decoded *d, cmsHTRANSFORM t, const char *what) {
    const size_t width = (size_t)d->width, n = pixels_of(d);
    uint8_t *rgb = malloc(n * 3);
    if (!rgb)
        return idem_fail_as(IDEM_MEMORY, "%s: no memory for a picture of %d x %d", what, d->width, d->height);
    for (int y = 0; t && y < d->height; y++)
        cmsDoTransform(t, d->pixels + (size_t)y * width * 4, rgb + (size_t)y * width * 3, (cmsUInt32Number)width);
    for (size_t i = 0; !t && i < 3 * n; i++)
        rgb[i] = (uint8_t)((d->pixels[i / 3 * 4 + i % 3] * d->pixels[i / 3 * 4 + 3] + 127) / 255);
    free(d->pixels);
    d->pixels = rgb;
    d->channels = 3;
    d->inks = false;
    return 0;
}

/* Whether a profile describes pixels like these. */
static bool fits(const idem_decoded *d, cmsHPROFILE profile) {
    const cmsProfileClassSignature class = cmsGetDeviceClass(profile);
    const cmsColorSpaceSignature space = cmsGetColorSpace(profile);
    if (class != cmsSigInputClass && class != cmsSigDisplayClass && class != cmsSigOutputClass &&
        class != cmsSigColorSpaceClass)
        return false;
    if (d->inks || space == cmsSigCmykData)
        return d->inks && space == cmsSigCmykData;
    return space == cmsSigRgbData || (d->grey && space == cmsSigGrayData);
}

static int convert(idem_decoded *d, cmsHPROFILE profile, const char *what) {
    const bool grey = cmsGetColorSpace(profile) == cmsSigGrayData;
    cmsHTRANSFORM t = transform_to_srgb(profile, d->inks ? TYPE_CMYK_8_REV : grey ? TYPE_GRAY_8 : TYPE_RGB_8);
    int status = 0;
    if (!t)
        d->notes |= IDEM_NOTE_PROFILE;
    else if (d->inks)
        status = convert_inks(d, t, what);
    else if (grey)
        convert_grey(d, t);
    else
        status = convert_rgb(d, t, what);
    if (t)
        cmsDeleteTransform(t);
    return status;
}

int idem_colour_to_srgb(idem_decoded *d, const char *what) {
    cmsHPROFILE profile = NULL;
    int status = 0;
    if (d->profile) {
        profile = cmsOpenProfileFromMem(d->profile, (cmsUInt32Number)d->profile_size);
    } else if (!says_nothing(&d->tags) && !d->inks) {
        profile = profile_of_tags(&d->tags);
    }
    if (profile && fits(d, profile))
        status = convert(d, profile, what);
    else if (d->profile || !says_nothing(&d->tags))
        d->notes |= IDEM_NOTE_PROFILE;
    if (profile)
        cmsCloseProfile(profile);
    return !status && d->inks ? convert_inks(d, NULL, what) : status;
}

int idem_colour_from_srgb(uint8_t *rgb, size_t n, const unsigned char *bytes, size_t size) {
    cmsHPROFILE to = cmsOpenProfileFromMem(bytes, (cmsUInt32Number)size), from = cmsCreate_sRGBProfile();
    cmsHTRANSFORM t = NULL;
    if (to && from && cmsGetColorSpace(to) == cmsSigRgbData)
        t = cmsCreateTransform(from, TYPE_RGB_8, to, TYPE_RGB_8, INTENT_RELATIVE_COLORIMETRIC,
                               cmsFLAGS_NOCACHE | cmsFLAGS_BLACKPOINTCOMPENSATION);
    if (t && !changes_nothing(t))
        for (size_t at = 0; at < n; at += 65536)
            cmsDoTransform(t, rgb + 3 * at, rgb + 3 * at, (cmsUInt32Number)(n - at < 65536 ? n - at : 65536));
    const int status = t ? 0 : -1;
    if (t)
        cmsDeleteTransform(t);
    if (from)
        cmsCloseProfile(from);
    if (to)
        cmsCloseProfile(to);
    return status;
}
