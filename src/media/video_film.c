/* Films, by the plug-in idem-video.so. FFmpeg is loaded through it and never linked: Debian's FFmpeg has parts under
 * the GPL. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/plugin.h"
#include "base/status.h"
#include "media/video_private.h"

static const char file[] = "idem-video.so";

const idem_av *idem_video_library(const char *path) {
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const idem_av *library;
    char why[400] = "";
    pthread_mutex_lock(&lock);
    if (!library) {
        idem_video_plugin *open = NULL;
        *(void **)&open = idem_plugin_symbol(file, IDEM_VIDEO_SYMBOL, why, sizeof why);
        library = open ? open() : NULL;
    }
    const idem_av *found = library;
    pthread_mutex_unlock(&lock);
    if (found && found->version == IDEM_VIDEO_VERSION)
        return found;
    if (*why)
        return idem_fail_null_as(IDEM_MISSING,
                                 "%s: is a clip, and idem's plug-in for those cannot be opened: install Debian's "
                                 "libavformat59 or 61 and libswscale6 or 8 (%s)",
                                 path, why);
    return idem_fail_null_as(IDEM_MISSING,
                             "%s: is a clip, and idem's plug-in for those, %s, is missing: install Debian's "
                             "libavformat-dev and libswscale-dev and build idem again",
                             path, file);
}

typedef struct {
    idem_video_source base;
    const idem_av *av;
    idem_av_reader *reader;
    idem_av_colours *colours;
    char *path;
} film;

static int fail(const film *f, const char *message) {
    return strstr(message, "memory") ? idem_fail_as(IDEM_MEMORY, "%s: %s", f->path, message)
                                     : idem_fail("%s: %s", f->path, message);
}

static int next(idem_video_source *s, idem_video_frame *out, bool blind, char *damage, size_t n) {
    film *f = (film *)s;
    const double unit = (double)f->base.facts.time_base[0] / f->base.facts.time_base[1];
    idem_av_frame *frame = NULL;
    idem_av_stamp stamp = {0};
    char message[300] = "";
    const int got = f->av->reader_next(f->reader, &frame, &stamp, message, sizeof message);
    snprintf(damage, n, "%s", stamp.damage);
    if (got <= 0)
        return got < 0 ? fail(f, message) : 0;
    *out = (idem_video_frame){.time = (double)stamp.pts * unit,
                              .duration = (double)stamp.duration * unit,
                              .pts = stamp.pts,
                              .ticks = stamp.duration,
                              .samples = frame};
    if (blind)
        return 1;
    int status = idem_image_new(&out->image, s->info.width, s->info.height);
    if (!status && f->av->colours_get(f->colours, frame, out->image.rgb, message, sizeof message))
        status = fail(f, message);
    if (status)
        idem_video_frame_free(out);
    return status ? -1 : 1;
}

static void close_film(idem_video_source *s) {
    film *f = (film *)s;
    if (f->colours)
        f->av->colours_close(f->colours);
    if (f->reader)
        f->av->reader_close(f->reader);
    free(f->path);
    free(f);
}

static void describe(idem_video_source *s) {
    const idem_av_facts *a = &s->facts;
    const bool across = !a->upright[0];
    s->info = (idem_video_info){.kind = IDEM_VIDEO_FILM,
                                .width = across ? a->height : a->width,
                                .height = across ? a->width : a->height,
                                .rate = a->rate[1] > 0 ? (double)a->rate[0] / a->rate[1] : 0,
                                .duration = a->duration,
                                .frames = a->frames,
                                .bytes = a->bytes,
                                .audio = a->audio,
                                .subtitles = a->subtitles,
                                .others = a->others,
                                .turned = a->upright[0] != 1 || a->upright[3] != 1,
                                .hdr = a->hdr};
    memcpy(s->info.codec, a->codec, sizeof s->info.codec);
    memcpy(s->info.pixels, a->pixels, sizeof s->info.pixels);
}

idem_video_source *idem_video_film(const char *path) {
    const idem_av *av = idem_video_library(path);
    film *f = av ? calloc(1, sizeof *f) : NULL;
    char message[300] = "";
    if (!f)
        return av ? idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for a clip", path) : NULL;
    f->av = av;
    f->base.next = next;
    f->base.close = close_film;
    if (!(f->path = strdup(path)))
        idem_fail_as(IDEM_MEMORY, "%s: out of memory for a clip", path);
    else if (av->reader_open(&f->reader, path, &f->base.facts, message, sizeof message) ||
             av->colours_open(&f->colours, &f->base.facts, message, sizeof message))
        fail(f, message);
    else {
        describe(&f->base);
        return &f->base;
    }
    close_film(&f->base);
    return NULL;
}

static int hash_sound(const char *path, uint64_t *hash, int64_t *packets) {
    char message[300] = "";
    *hash = 0;
    *packets = 0;
    if (idem_path_is_dir(path) || idem_video_is_webp(path))
        return 0;
    const idem_av *av = idem_video_library(path);
    if (!av)
        return -1;
    return av->sound(path, hash, packets, message, sizeof message) ? idem_fail("%s: %s", path, message) : 0;
}

int idem_video_same_sound(const char *a, const char *b, bool *same, int64_t *packets_a, int64_t *packets_b) {
    uint64_t x, y;
    if (hash_sound(a, &x, packets_a) || hash_sound(b, &y, packets_b))
        return -1;
    *same = *packets_a == *packets_b && (!*packets_a || x == y);
    return 0;
}
