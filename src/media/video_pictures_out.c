/* Clips that are not films, written: animated WebP, and folders of numbered pictures. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <webp/encode.h>
#include <webp/mux.h>

#include "base/file.h"
#include "base/status.h"
#include "media/webp_write.h"
#include "media/video_private.h"

enum { SIDE_MAX = 16383 /* WebP's */, USUAL_QUALITY = 90 };

/* ---- animated WebP ---- */

typedef struct {
    idem_video_sink base;
    char *path;
    const idem_marks *marks;
    WebPAnimEncoder *encoder;
    WebPConfig config;
    double unit; /* milliseconds of a tick */
    int end;     /* milliseconds */
} animation;

static int put_webp(idem_video_sink *base, idem_video_frame *f, const void *state, size_t size) {
    animation *a = (animation *)base;
    WebPPicture picture;
    (void)state;
    (void)size;
    int status =
        WebPPictureInit(&picture) ? 0 : idem_fail_as(IDEM_INTERNAL, "%s: the WebP library is another", a->path);
    if (!status) {
        picture.width = f->image.width;
        picture.height = f->image.height;
        picture.use_argb = 1;
        if (!WebPPictureImportRGB(&picture, f->image.rgb, f->image.width * 3))
            status = idem_fail_as(IDEM_MEMORY, "%s: out of memory for a picture", a->path);
        else if (!WebPAnimEncoderAdd(a->encoder, &picture, (int)(f->time * 1000 + 0.5), &a->config))
            status = idem_fail("%s: cannot be encoded: %s", a->path, WebPAnimEncoderGetError(a->encoder));
        WebPPictureFree(&picture);
    }
    a->end = (int)((f->time + f->duration) * 1000 + 0.5);
    idem_video_frame_free(f);
    return status;
}

static int finish_webp(idem_video_sink *base) {
    animation *a = (animation *)base;
    WebPData file;
    WebPDataInit(&file);
    int status = 0;
    if (!WebPAnimEncoderAdd(a->encoder, NULL, a->end, NULL) || !WebPAnimEncoderAssemble(a->encoder, &file))
        status = idem_fail("%s: cannot be encoded: %s", a->path, WebPAnimEncoderGetError(a->encoder));
    if (!status && a->marks)
        status = idem_webp_add_marks(&file, a->marks, a->path);
    if (!status)
        status = idem_file_write(a->path, file.bytes, file.size);
    WebPDataClear(&file);
    return status;
}

static void close_webp(idem_video_sink *base) {
    animation *a = (animation *)base;
    WebPAnimEncoderDelete(a->encoder);
    free(a->path);
    free(a);
}

static int set_quality(animation *a, const idem_video_out_options *o) {
    const float quality = o->quality < 0 ? USUAL_QUALITY : 100 - (float)o->quality;
    if (o->codec)
        return idem_fail("%s: is a WebP animation, whose codec cannot be chosen", a->path);
    if (!WebPConfigPreset(&a->config, WEBP_PRESET_PHOTO, quality < 0 ? 0 : quality))
        return idem_fail_as(IDEM_INTERNAL, "the WebP library has another version than the one idem was built for");
    a->config.lossless = o->quality == 0;
    return 0;
}

idem_video_sink *idem_video_webp_sink(const char *path, const idem_video *source, const idem_video_out_options *o) {
    const idem_video_info *info = idem_video_about(source);
    WebPAnimEncoderOptions options;
    if (info->width > SIDE_MAX || info->height > SIDE_MAX)
        return idem_fail_null("%s: its pictures are %d x %d, and a WebP animation has sides of at most %d", path,
                              info->width, info->height, SIDE_MAX);
    animation *a = calloc(1, sizeof *a);
    if (!a || !(a->path = strdup(path)) || !WebPAnimEncoderOptionsInit(&options)) {
        free(a);
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for a clip", path);
    }
    a->marks = o->marks;
    a->base = (idem_video_sink){.codec = "webp", .put = put_webp, .finish = finish_webp, .close = close_webp};
    options.anim_params.loop_count = 0; /* for ever */
    if (!set_quality(a, o)) {
        if ((a->encoder = WebPAnimEncoderNew(info->width, info->height, &options)))
            return &a->base;
        idem_fail_as(IDEM_MEMORY, "%s: out of memory for an animation", path);
    }
    close_webp(&a->base);
    return NULL;
}

/* ---- a folder ---- */

typedef struct {
    idem_video_sink base;
    char *path;
    const idem_marks *marks;
    const idem_video_source *from;
} folder;

static int put_picture(idem_video_sink *base, idem_video_frame *f, const void *state, size_t size) {
    folder *s = (folder *)base;
    char name[300], *path;
    (void)state;
    (void)size;
    if (s->from->info.kind == IDEM_VIDEO_FOLDER) {
        const char *was = idem_video_folder_names(s->from)[f->pts], *dot = strrchr(was, '.');
        snprintf(name, sizeof name, "%.*s.png", dot ? (int)(dot - was) : (int)strlen(was), was);
    } else
        snprintf(name, sizeof name, "%06lld.png", (long long)f->number);
    path = idem_path_join(s->path, name);
    const int status = path ? idem_image_save_png(&f->image, path, s->marks) : -1;
    free(path);
    idem_video_frame_free(f);
    return status;
}

static int finish_folder(idem_video_sink *base) {
    (void)base;
    return 0;
}

static void close_folder(idem_video_sink *base) {
    folder *s = (folder *)base;
    free(s->path);
    free(s);
}

idem_video_sink *idem_video_folder_sink(const char *path, const idem_video *source, const idem_video_out_options *o) {
    if (o->codec)
        return idem_fail_null("%s: pictures become a folder of PNG files or a .webp; a codec cannot be chosen", path);
    if (strrchr(path, '.') && !idem_path_is_dir(path) && strlen(strrchr(path, '.')) <= 5 &&
        strrchr(path, '.') != path && !strchr(strrchr(path, '.'), '/'))
        return idem_fail_null("%s: pictures become a folder of PNG files or a .webp", path);
    if (idem_dir_make(path))
        return NULL;
    folder *s = calloc(1, sizeof *s);
    if (!s || !(s->path = strdup(path))) {
        free(s);
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for a clip", path);
    }
    s->marks = o->marks;
    s->from = idem_video_source_of(source);
    s->base = (idem_video_sink){.codec = "png", .put = put_picture, .finish = finish_folder, .close = close_folder};
    return &s->base;
}
