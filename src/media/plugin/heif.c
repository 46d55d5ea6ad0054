#define _GNU_SOURCE
#include "media/plugin/heif.h"

#include <dlfcn.h>
#include <libheif/heif.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    idem_heif_picture *out;
    uint64_t max_pixels;
    size_t max_profile;
    char *message;
    size_t n;
    struct heif_context *context;
    struct heif_image_handle *handle;
    struct heif_image *image;
} job;

static pthread_once_t started = PTHREAD_ONCE_INIT;

/* A tree that brings its own libheif brings the decoders that this opens, in a folder beside the plug-in. */
static void load_decoders(void) {
#if LIBHEIF_HAVE_VERSION(1, 14, 0)
    Dl_info here;
    char folder[PATH_MAX];
    const char *slash;
    if (!dladdr((const void *)(uintptr_t)&load_decoders, &here) || !(slash = strrchr(here.dli_fname, '/')))
        return;
    const int length = (int)(slash - here.dli_fname);
    if (snprintf(folder, sizeof folder, "%.*s/libheif", length, here.dli_fname) < (int)sizeof folder)
        heif_load_plugins(folder, NULL, NULL, 0);
#endif
}

static void start(void) {
    heif_init(NULL);
    load_decoders();
}

static int fail(const job *j, struct heif_error e) {
    /* The decoders may be missing: in Debian 13 they are separate packages. */
    if (e.subcode == heif_suberror_Unsupported_codec)
        snprintf(j->message, j->n,
                 "libheif has no decoder for it: install Debian's libheif-plugin-libde265 (HEIC) and "
                 "libheif-plugin-dav1d (AVIF)");
    else
        snprintf(j->message, j->n, "%s", e.message ? e.message : "libheif gives no reason");
    return -1;
}

static int open_file(job *j, const unsigned char *bytes, size_t size) {
    if (!(j->context = heif_context_alloc())) {
        snprintf(j->message, j->n, "no memory");
        return -1;
    }
#if LIBHEIF_HAVE_VERSION(1, 19, 0)
    heif_context_get_security_limits(j->context)->max_image_size_pixels = j->max_pixels;
#endif
    struct heif_error e = heif_context_read_from_memory_without_copy(j->context, bytes, size, NULL);
    if (e.code == heif_error_Ok)
        e = heif_context_get_primary_image_handle(j->context, &j->handle);
    if (e.code != heif_error_Ok)
        return fail(j, e);
    const int width = heif_image_handle_get_width(j->handle), height = heif_image_handle_get_height(j->handle);
    if (width < 1 || height < 1 || (uint64_t)width * (uint64_t)height > j->max_pixels) {
        snprintf(j->message, j->n, "it is %d x %d, expected 1 to %llu pixels in all", width, height,
                 (unsigned long long)j->max_pixels);
        return -1;
    }
    j->out->pictures = heif_context_get_number_of_top_level_images(j->context);
    return 0;
}

static void take_colours(job *j) {
    const size_t size = heif_image_handle_get_raw_color_profile_size(j->handle);
    if (size > 0 && size <= j->max_profile && (j->out->profile = calloc(size, 1))) {
        if (heif_image_handle_get_raw_color_profile(j->handle, j->out->profile).code == heif_error_Ok)
            j->out->profile_size = size;
    }
    struct heif_color_profile_nclx *nclx = NULL;
    if (heif_image_handle_get_nclx_color_profile(j->handle, &nclx).code == heif_error_Ok && nclx) {
        j->out->primaries = (int)nclx->color_primaries;
        j->out->transfer = (int)nclx->transfer_characteristics;
        heif_nclx_color_profile_free(nclx);
    }
}

/* To colours not premultiplied by alpha. */
static void divide_by_alpha(uint8_t *rgba, size_t n) {
    for (size_t i = 0; i < n; i++, rgba += 4)
        for (int c = 0; c < 3 && rgba[3]; c++) {
            const int value = (rgba[c] * 255 + rgba[3] / 2) / rgba[3];
            rgba[c] = (uint8_t)(value > 255 ? 255 : value);
        }
}

static int decode(job *j) {
    idem_heif_picture *out = j->out;
    out->channels = heif_image_handle_has_alpha_channel(j->handle) ? 4 : 3;
    struct heif_decoding_options *options = heif_decoding_options_alloc();
    if (options)
        options->convert_hdr_to_8bit = 1;
    const struct heif_error e =
        heif_decode_image(j->handle, &j->image, heif_colorspace_RGB,
                          out->channels == 4 ? heif_chroma_interleaved_RGBA : heif_chroma_interleaved_RGB, options);
    heif_decoding_options_free(options);
    if (e.code != heif_error_Ok)
        return fail(j, e);
    int stride = 0;
    const uint8_t *from = heif_image_get_plane_readonly(j->image, heif_channel_interleaved, &stride);
    out->width = heif_image_get_width(j->image, heif_channel_interleaved);
    out->height = heif_image_get_height(j->image, heif_channel_interleaved);
    const int64_t row = (int64_t)out->width * out->channels;
    if (!from || out->width < 1 || out->height < 1 || stride < row ||
        (uint64_t)out->width * (uint64_t)out->height > j->max_pixels) {
        snprintf(j->message, j->n, "libheif gives a picture of %d x %d", out->width, out->height);
        return -1;
    }
    if (!(out->pixels = malloc((size_t)row * (size_t)out->height))) {
        snprintf(j->message, j->n, "no memory for a picture of %d x %d", out->width, out->height);
        return -1;
    }
    for (int y = 0; y < out->height; y++)
        memcpy(out->pixels + (size_t)y * (size_t)row, from + (size_t)y * (size_t)stride, (size_t)row);
    if (out->channels == 4 && heif_image_handle_is_premultiplied_alpha(j->handle))
        divide_by_alpha(out->pixels, (size_t)out->width * (size_t)out->height);
    return 0;
}

__attribute__((visibility("default"))) idem_heif_read IDEM_HEIF_READ;

int IDEM_HEIF_READ(idem_heif_picture *out, const unsigned char *bytes, size_t size, uint64_t max_pixels,
                   size_t max_profile, char *message, size_t n) {
    job j = {.out = out, .max_pixels = max_pixels, .max_profile = max_profile, .message = message, .n = n};
    pthread_once(&started, start);
    *out = (idem_heif_picture){0};
    int status = open_file(&j, bytes, size);
    if (!status) {
        take_colours(&j);
        status = decode(&j);
    }
    if (j.image)
        heif_image_release(j.image);
    if (j.handle)
        heif_image_handle_release(j.handle);
    if (j.context)
        heif_context_free(j.context);
    return status;
}
