/* Clips that are not films: animated WebP, and folders of numbered pictures. */
#define _GNU_SOURCE /* strverscmp */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <webp/demux.h>

#include "base/file.h"
#include "base/log.h"
#include "base/status.h"
#include "media/listing.h"
#include "media/video_private.h"

enum { WEBP_MOST = 1 << 30, RATE = 25 /* of folders, which have none */ };

/* ---- animated WebP ---- */

typedef struct {
    idem_video_source base;
    char *path;
    unsigned char *bytes;
    size_t size;
    WebPAnimDecoder *decoder;
    int time; /* start of the next picture in milliseconds */
} animation;

bool idem_video_is_webp(const char *path) {
    unsigned char head[12];
    FILE *f = fopen(path, "rbe");
    const bool is =
        f && fread(head, 1, sizeof head, f) == sizeof head && !memcmp(head, "RIFF", 4) && !memcmp(head + 8, "WEBP", 4);
    if (f)
        fclose(f);
    return is;
}

static int next_webp(idem_video_source *s, idem_video_frame *out, bool blind, char *damage, size_t n) {
    animation *a = (animation *)s;
    uint8_t *rgba;
    int end;
    *damage = 0;
    if (!WebPAnimDecoderHasMoreFrames(a->decoder))
        return 0;
    if (!WebPAnimDecoderGetNext(a->decoder, &rgba, &end)) {
        snprintf(damage, n, "the picture at %.3f s cannot be decoded, and the pictures after it are lost",
                 a->time / 1000.0);
        return 0;
    }
    *out = (idem_video_frame){
        .time = a->time / 1000.0, .duration = (end - a->time) / 1000.0, .pts = a->time, .ticks = end - a->time};
    a->time = end;
    if (blind)
        return 1;
    if (idem_image_new(&out->image, s->info.width, s->info.height))
        return -1;
    const size_t pixels = (size_t)s->info.width * (size_t)s->info.height;
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < 3; c++) /* over white */
            out->image.rgb[3 * i + c] =
                (uint8_t)((rgba[4 * i + c] * rgba[4 * i + 3] + 255 * (255 - rgba[4 * i + 3]) + 127) / 255);
    return 1;
}

static void close_webp(idem_video_source *s) {
    animation *a = (animation *)s;
    WebPAnimDecoderDelete(a->decoder);
    free(a->bytes);
    free(a->path);
    free(a);
}

idem_video_source *idem_video_webp(const char *path) {
    animation *a = calloc(1, sizeof *a);
    WebPAnimDecoderOptions options;
    WebPAnimInfo info;
    if (!a || !(a->path = strdup(path))) {
        free(a);
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for a clip", path);
    }
    a->base.next = next_webp;
    a->base.close = close_webp;
    if (!WebPAnimDecoderOptionsInit(&options))
        idem_fail_as(IDEM_INTERNAL, "the WebP library has another version than the one idem was built for");
    else if (!idem_file_read(path, WEBP_MOST, &a->bytes, &a->size)) {
        options.color_mode = MODE_RGBA;
        const WebPData data = {a->bytes, a->size};
        if (!(a->decoder = WebPAnimDecoderNew(&data, &options)) || !WebPAnimDecoderGetInfo(a->decoder, &info))
            idem_fail("%s: the WebP animation cannot be read: it is damaged or cut off", path);
        else {
            a->base.info = (idem_video_info){.kind = IDEM_VIDEO_WEBP,
                                             .width = (int)info.canvas_width,
                                             .height = (int)info.canvas_height,
                                             .frames = info.frame_count,
                                             .bytes = (int64_t)a->size,
                                             .codec = "webp",
                                             .pixels = "rgba"};
            return &a->base;
        }
    }
    close_webp(&a->base);
    return NULL;
}

/* ---- a folder ---- */

typedef struct {
    idem_video_source base;
    char *path;
    idem_listing list;
    size_t next;
    idem_image first; /* read when the folder was opened */
} folder;

static int by_number(const void *a, const void *b) {
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

static int load(const folder *f, size_t i, idem_image *im) {
    char *path = idem_path_join(f->path, f->list.pictures[i]);
    int status = path ? idem_image_load(im, path) : -1;
    const idem_video_info *info = &f->base.info;
    if (!status && info->width && (im->width != info->width || im->height != info->height)) {
        status = idem_fail("%s: is %d x %d, the clip's first picture %d x %d", path, im->width, im->height, info->width,
                           info->height);
        idem_image_free(im);
    }
    free(path);
    return status;
}

static int next_picture(idem_video_source *s, idem_video_frame *out, bool blind, char *damage, size_t n) {
    folder *f = (folder *)s;
    (void)blind;
    *damage = 0;
    while (f->next < f->list.n_pictures) {
        const size_t i = f->next++;
        *out = (idem_video_frame){.time = (double)i / RATE, .duration = 1.0 / RATE, .pts = (int64_t)i, .ticks = 1};
        if (i == 0) {
            out->image = f->first;
            f->first = (idem_image){0};
            return 1;
        }
        if (!load(f, i, &out->image))
            return 1;
        if (idem_error_kind() != IDEM_INPUT)
            return -1;
        snprintf(damage, n, "%.*s", (int)n - 1, idem_error());
    }
    return 0;
}

static void close_folder(idem_video_source *s) {
    folder *f = (folder *)s;
    idem_image_free(&f->first);
    idem_listing_free(&f->list);
    free(f->path);
    free(f);
}

char *const *idem_video_folder_names(const idem_video_source *s) {
    return ((const folder *)s)->list.pictures;
}

idem_video_source *idem_video_folder(const char *path) {
    folder *f = calloc(1, sizeof *f);
    if (!f || !(f->path = strdup(path))) {
        free(f);
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for a clip", path);
    }
    f->base.next = next_picture;
    f->base.close = close_folder;
    int status = idem_listing_read(&f->list, path);
    if (!status && !f->list.n_pictures)
        status = idem_fail("%s: is a folder without pictures, expected a clip, or a folder of numbered pictures", path);
    if (!status) {
        qsort(f->list.pictures, f->list.n_pictures, sizeof *f->list.pictures, by_number);
        status = load(f, 0, &f->first);
    }
    if (status) {
        close_folder(&f->base);
        return NULL;
    }
    f->base.info = (idem_video_info){.kind = IDEM_VIDEO_FOLDER,
                                     .width = f->first.width,
                                     .height = f->first.height,
                                     .rate = RATE,
                                     .duration = (double)f->list.n_pictures / RATE,
                                     .frames = (int64_t)f->list.n_pictures,
                                     .codec = "pictures",
                                     .pixels = "rgb24"};
    return &f->base;
}
