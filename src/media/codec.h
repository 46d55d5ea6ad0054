/* Only for src/media: one parser per file format, and their common parts. A parser gets the whole file, checks every
 * size before it allocates, and returns the stored pixels; image.c does the rest for all formats: colours to sRGB,
 * transparency over white, turning upright. `what` names the file in messages. */
#ifndef IDEM_MEDIA_CODEC_H
#define IDEM_MEDIA_CODEC_H

#include <stdbool.h>

#include "media/image.h"

enum {
    IDEM_IMAGE_MAX_PIXELS = 200000000,
    IDEM_PROFILE_MAX = 4 << 20 /* bytes; profiles for printing have up to three million */
};

/* A file's colour tags, used without a profile: ITU-T H.273 numbers, or PNG's gAMA and cHRM. */
typedef struct {
    int primaries, transfer; /* H.273; 0: unknown */
    double gamma;            /* exponent from light to stored values, as 1 / 2.2; 0: unknown */
    bool has_points;
    double points[8]; /* x, y of white, red, green, blue */
} idem_colour_tags;

typedef struct {
    uint8_t *pixels;   /* malloc'ed: width * height * channels, rows from the top */
    int width, height; /* of the pixels */
    int channels;      /* 3: red, green, blue; 4: and alpha, or with `inks` cyan, magenta, yellow, black as 255 - ink */
    bool inks, grey;   /* grey: red = green = blue everywhere */
    int whole_width, whole_height; /* of the picture, if the pixels are a smaller version */
    int orientation;               /* EXIF's 1 .. 8; 0: unknown, or applied already */
    unsigned char *profile;        /* malloc'ed ICC profile; NULL: none */
    size_t profile_size;
    idem_colour_tags tags;
    unsigned notes; /* IDEM_NOTE_... */
} idem_decoded;
void idem_decoded_free(idem_decoded *d);
/* Keeps a copy of a profile; notes it as unusable if it is too large or too short. */
int idem_decoded_set_profile(idem_decoded *d, const void *bytes, size_t size, const char *what);

/* The caller frees *d, also after a failure. */
int idem_png_parse(idem_decoded *d, const unsigned char *bytes, size_t size, const char *what);
/* least: as idem_image_parse_reduced. */
int idem_jpeg_parse(idem_decoded *d, const unsigned char *bytes, size_t size, const char *what, int least);
int idem_webp_parse(idem_decoded *d, const unsigned char *bytes, size_t size, const char *what);

/* HEIC and AVIF: by a plug-in, which may be absent. */
int idem_heif_parse(idem_decoded *d, const unsigned char *bytes, size_t size, const char *what);

/* n pixels of red, green, blue and alpha that give rgb over white: those of `was` if they do, else new ones with the
 * alpha of `was`. */
void idem_image_off_white(uint8_t *rgba, const uint8_t *rgb, const uint8_t *was, size_t n);

/* 0 if the sides are positive and within the limit. */
int idem_image_check_size(uint64_t width, uint64_t height, const char *what);

/* Orientation 1 .. 8 of an EXIF block, with or without "Exif\0\0" before it; 0 if it has none or is damaged: a wrong
 * tag is no reason to refuse a picture. Of several blocks in a file, the first with an orientation counts. */
int idem_exif_orientation(const unsigned char *block, size_t size);

/* Pixels to sRGB by the profile, else by the tags; inks become red, green, blue (3 channels). If a profile cannot be
 * used, this is noted and the pixels are treated as sRGB. -1: out of memory. */
int idem_colour_to_srgb(idem_decoded *d, const char *what);
/* n pixels of sRGB to the colours of an RGB profile. -1, without a message: the profile has no inverse. */
int idem_colour_from_srgb(uint8_t *rgb, size_t n, const unsigned char *profile, size_t size);

/* Pixels turned upright by EXIF's orientation, malloc'ed; NULL, without a message: out of memory. */
uint8_t *idem_image_turned(const uint8_t *in, int channels, int in_width, int in_height, int orientation);

#endif
