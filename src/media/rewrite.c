#define _GNU_SOURCE
#include "media/rewrite.h"

#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>

#include "base/file.h"
#include "base/status.h"
#include "media/codec.h"
#include "media/format.h"
#include "media/jpeg_splice.h"
#include "media/webp_again.h"

struct idem_rewrite {
    char *path;
    unsigned char *bytes;
    size_t size;
    idem_format format;
    bool lossless; /* of a WebP */
};

static const size_t FILE_MAX = (size_t)1 << 30;

void idem_rewrite_free(idem_rewrite *r) {
    if (!r)
        return;
    free(r->bytes);
    free(r->path);
    free(r);
}

/* An animation is written as its first picture, without loss. */
static bool is_lossless(const idem_rewrite *r) {
    WebPBitstreamFeatures features;
    return WebPGetFeatures(r->bytes, r->size, &features) == VP8_STATUS_OK && features.format != 1;
}

static int parse(const idem_rewrite *r, idem_image *im) {
    return idem_image_parse_transparent(im, r->bytes, r->size, r->path);
}

/* Takes the bytes. */
static idem_rewrite *take(const char *what, unsigned char *bytes, size_t size, idem_image *im) {
    idem_rewrite *r = calloc(1, sizeof *r);
    char *path = strdup(what);
    if (!r || !path) {
        free(r);
        free(path);
        free(bytes);
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory", what);
    }
    *r = (idem_rewrite){.path = path, .bytes = bytes, .size = size};
    if (parse(r, im)) {
        idem_rewrite_free(r);
        return NULL;
    }
    r->format = idem_image_format(r->bytes, r->size);
    r->lossless = r->format == IDEM_FORMAT_WEBP && is_lossless(r);
    return r;
}

idem_rewrite *idem_rewrite_open(const char *path, idem_image *im) {
    unsigned char *bytes;
    size_t size;
    *im = (idem_image){0};
    return idem_file_read(path, FILE_MAX, &bytes, &size) ? NULL : take(path, bytes, size, im);
}

idem_rewrite *idem_rewrite_parse(const unsigned char *bytes, size_t size, const char *what, idem_image *im) {
    unsigned char *copy = malloc(size ? size : 1);
    *im = (idem_image){0};
    if (!copy)
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory", what);
    memcpy(copy, bytes, size);
    return take(what, copy, size, im);
}

const char *idem_rewrite_ending(const idem_rewrite *r) {
    return r->format == IDEM_FORMAT_HEIF ? ".jpg" : NULL;
}

/* ---- what was changed ---- */

/* Fills touched [height, width]; returns the number of pixels. */
static int64_t compare(uint8_t *touched, const idem_image *a, const idem_image *b) {
    const size_t n = (size_t)a->width * (size_t)a->height;
    int64_t changed = 0;
    for (size_t i = 0; i < n; i++) {
        touched[i] = memcmp(a->rgb + 3 * i, b->rgb + 3 * i, 3) != 0;
        changed += touched[i];
    }
    return changed;
}

/* Compares the picture read from `data` with `was` in untouched pixels. */
static int find_largest(int *largest, const unsigned char *data, size_t size, const idem_image *was,
                        const uint8_t *touched, const char *path) {
    idem_image is;
    if (idem_image_parse(&is, data, size, path))
        return -1;
    const size_t n = (size_t)was->width * (size_t)was->height;
    int most = 0;
    for (size_t i = 0; i < 3 * n && is.width == was->width && is.height == was->height; i++)
        if (!touched[i / 3]) {
            const int apart = abs((int)is.rgb[i] - (int)was->rgb[i]);
            most = apart > most ? apart : most;
        }
    const bool same = is.width == was->width && is.height == was->height;
    idem_image_free(&is);
    *largest = most;
    return same ? 0 : idem_fail_as(IDEM_INTERNAL, "%s: the encoded picture has another size than the original", path);
}

/* ---- JPEG ---- */

typedef struct {
    const idem_rewrite *r;
    const idem_image *im;
    const uint8_t *touched;
    const idem_marks *marks;
    idem_rewritten *about;
} job;

/* The file's original pixels and colours, upright, replaced by those of im where it was changed. *profile: as in
 * idem_decoded, NULL if the colours are now sRGB. */
static int own_colours(const job *j, idem_decoded *d, int *orientation) {
    const idem_rewrite *r = j->r;
    if (idem_jpeg_parse(d, r->bytes, r->size, r->path, 0))
        return -1;
    *orientation = d->orientation > 1 && d->orientation <= 8 ? d->orientation : 1;
    const size_t n = (size_t)d->width * (size_t)d->height;
    uint8_t *changed = d->inks ? NULL : malloc(3 * n);
    if (!d->inks && !changed)
        return idem_fail_as(IDEM_MEMORY, "%s: no memory for its pixels", r->path);
    int back = -1;
    if (changed) {
        memcpy(changed, j->im->rgb, 3 * n);
        back = d->profile ? idem_colour_from_srgb(changed, n, d->profile, d->profile_size) : 0;
    }
    if (!back && *orientation > 1) {
        uint8_t *up = idem_image_turned(d->pixels, 3, d->width, d->height, *orientation);
        if (!up) {
            free(changed);
            return idem_fail_as(IDEM_MEMORY, "%s: no memory for its pixels", r->path);
        }
        free(d->pixels);
        d->pixels = up;
    }
    for (size_t i = 0; i < n && !back; i++)
        if (j->touched[i])
            memcpy(d->pixels + 3 * i, changed + 3 * i, 3);
    free(changed);
    if (back) { /* the profile has no inverse: the whole picture becomes sRGB */
        free(d->profile);
        d->profile = NULL;
    }
    return back;
}

static int write_jpeg(const job *j, unsigned char **data, size_t *size) {
    idem_decoded d = {0};
    int orientation = 1, replaced = 1, of = 1, status = 0, back = -1;
    const bool is_jpeg = j->r->format == IDEM_FORMAT_JPEG;
    idem_error_clear();
    if (is_jpeg && (back = own_colours(j, &d, &orientation)) && idem_error_kind() != IDEM_NO_ERROR)
        status = -1;
    if (!status) {
        const idem_jpeg_job to = {.bytes = is_jpeg ? j->r->bytes : NULL,
                                  .size = j->r->size,
                                  .what = j->r->path,
                                  .rgb = back ? j->im->rgb : d.pixels,
                                  .width = j->im->width,
                                  .height = j->im->height,
                                  .touched = back || orientation > 1 ? NULL : j->touched,
                                  .exchanged = orientation >= 5,
                                  .profile = back ? NULL : d.profile,
                                  .profile_size = d.profile_size,
                                  .marks = j->marks};
        status = idem_jpeg_write(&to, data, size, &replaced, &of);
        j->about->anew = !to.touched || of == 1;
        j->about->replaced = (double)replaced / of;
    }
    idem_decoded_free(&d);
    return status;
}

/* ---- all ---- */

static int encode(const job *j, unsigned char **data, size_t *size) {
    const double share = (double)j->about->changed / ((double)j->im->width * j->im->height);
    j->about->replaced = share;
    switch (j->r->format) {
    case IDEM_FORMAT_PNG:
        return idem_image_encode_png(j->im, j->marks, data, size);
    case IDEM_FORMAT_WEBP:
        j->about->anew = !j->r->lossless;
        return idem_webp_again(j->im, j->r->lossless, j->marks, j->r->path, data, size);
    default:
        return write_jpeg(j, data, size);
    }
}

static int encode_and_compare(const job *j, uint8_t *touched, const idem_image *was, unsigned char **data,
                              size_t *size) {
    j->about->changed = compare(touched, j->im, was);
    if (encode(j, data, size))
        return -1;
    if (!find_largest(&j->about->largest_outside, *data, *size, was, touched, j->r->path))
        return 0;
    free(*data);
    *data = NULL;
    return -1;
}

int idem_rewrite_encode(const idem_rewrite *r, const idem_image *im, const idem_marks *marks, unsigned char **data,
                        size_t *size, idem_rewritten *about) {
    idem_rewritten unused, *a = about ? about : &unused;
    idem_image was;
    *a = (idem_rewritten){0};
    *data = NULL;
    *size = 0;
    if (parse(r, &was))
        return -1;
    uint8_t *touched = was.width == im->width && was.height == im->height
                           ? malloc((size_t)im->width * (size_t)im->height)
                           : idem_fail_null("%s: was %d x %d and is to be written as %d x %d", r->path, was.width,
                                            was.height, im->width, im->height);
    int status = -1;
    if (touched)
        status = encode_and_compare(&(job){r, im, touched, marks, a}, touched, &was, data, size);
    else if (was.width == im->width && was.height == im->height)
        status = idem_fail_as(IDEM_MEMORY, "%s: no memory for a mask of it", r->path);
    free(touched);
    idem_image_free(&was);
    return status;
}

int idem_rewrite_save(const idem_rewrite *r, const idem_image *im, const char *path, const idem_marks *marks,
                      idem_rewritten *about) {
    unsigned char *data;
    size_t size;
    if (idem_rewrite_encode(r, im, marks, &data, &size, about))
        return -1;
    const int status = idem_file_write(path, data, size);
    free(data);
    return status;
}
