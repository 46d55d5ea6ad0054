/* Inside src/media only: one parser per file format, and what they share. A parser gets the whole file, checks every
 * size before it allocates, and gives the pixels as they are stored; image.c does the rest for all formats: colours to
 * sRGB, transparency over white, turning upright. `what` names the file in messages. */
#ifndef IDEM_MEDIA_CODEC_H
#define IDEM_MEDIA_CODEC_H

#include <stdbool.h>

#include "media/image.h"

enum {
    IDEM_IMAGE_MAX_PIXELS = 200000000,
    IDEM_PROFILE_MAX = 4 << 20 /* bytes; those of printing presses have up to three million */
};

/* What a file says of its colours when it has no profile: ITU-T H.273 numbers, or PNG's gAMA and cHRM. */
typedef struct {
    int primaries, transfer; /* H.273; 0: not said */
    double gamma;            /* exponent from light to stored values, as 1 / 2.2; 0: not said */
    bool has_points;
    double points[8]; /* x, y of white, red, green, blue */
} idem_colour_tags;

typedef struct {
    uint8_t *pixels;   /* malloc'ed: width * height * channels, rows from the top */
    int width, height; /* of the pixels */
    int channels;      /* 3: red, green, blue; 4: and alpha, or with `inks` cyan, magenta, yellow, black as 255 - ink */
    bool inks, grey;   /* grey: red = green = blue everywhere */
    int whole_width, whole_height; /* of the picture, when the pixels are a smaller version */
    int orientation;               /* EXIF's 1 .. 8; 0: not said, or done already */
    unsigned char *profile;        /* malloc'ed ICC profile; NULL: none */
    size_t profile_size;
    idem_colour_tags tags;
    unsigned notes; /* IDEM_NOTE_... */
} idem_decoded;
void idem_decoded_free(idem_decoded *d);
/* Keeps a copy of a profile; one that is too large or too short is noted as unusable. */
int idem_decoded_set_profile(idem_decoded *d, const void *bytes, size_t size, const char *what);

/* They leave *d to be freed, also when they fail. */
int idem_png_parse(idem_decoded *d, const unsigned char *bytes, size_t size, const char *what);
/* least: as idem_image_parse_reduced. */
int idem_jpeg_parse(idem_decoded *d, const unsigned char *bytes, size_t size, const char *what, int least);
int idem_webp_parse(idem_decoded *d, const unsigned char *bytes, size_t size, const char *what);

/* HEIC and AVIF: by a plug-in, which may be absent. */
int idem_heif_parse(idem_decoded *d, const unsigned char *bytes, size_t size, const char *what);

/* n pixels of red, green, blue and alpha that give rgb over white: those of `was` where they do, else new ones with the
 * alpha of `was`. */
void idem_image_off_white(uint8_t *rgba, const uint8_t *rgb, const uint8_t *was, size_t n);

/* 0 when the sides are positive and within the limit. */
int idem_image_check_size(uint64_t width, uint64_t height, const char *what);

/* Orientation 1 .. 8 of an EXIF block, with or without "Exif\0\0" in front; 0 when it says none or is broken, as a
 * wrong tag is no reason to refuse a picture. Where a file has several blocks, the first that says one counts. */
int idem_exif_orientation(const unsigned char *block, size_t size);

/* Pixels to sRGB by the profile, else by the tags; inks become red, green, blue (3 channels). A profile that cannot be
 * used is noted, and the pixels are taken as sRGB. -1: memory is short. */
int idem_colour_to_srgb(idem_decoded *d, const char *what);
/* n pixels of sRGB to the colours of an RGB profile. -1, without a message: the profile knows no way back. */
int idem_colour_from_srgb(uint8_t *rgb, size_t n, const unsigned char *profile, size_t size);

/* Pixels turned upright by EXIF's orientation, malloc'ed; NULL, without a message, when memory is short. */
uint8_t *idem_image_turned(const uint8_t *in, int channels, int in_width, int in_height, int orientation);

#endif
