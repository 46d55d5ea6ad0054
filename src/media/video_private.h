/* Shared by the parts that read and write clips. */
#ifndef IDEM_MEDIA_VIDEO_PRIVATE_H
#define IDEM_MEDIA_VIDEO_PRIVATE_H

#include "media/plugin/video.h"
#include "media/video.h"
#include "media/video_write.h"

/* The plug-in, opened at first use; NULL with a message about `path`. */
const idem_av *idem_video_library(const char *path);

/* The source of pictures; used by one thread at a time. */
typedef struct idem_video_source idem_video_source;
struct idem_video_source {
    idem_video_info info;
    idem_av_facts facts; /* of films */
    /* 1, 0, -1. blind: without image. damage: a sentence, or "". */
    int (*next)(idem_video_source *s, idem_video_frame *f, bool blind, char *damage, size_t n);
    void (*close)(idem_video_source *s);
};
idem_video_source *idem_video_film(const char *path);
idem_video_source *idem_video_webp(const char *path);
idem_video_source *idem_video_folder(const char *path);
bool idem_video_is_webp(const char *path); /* by its first bytes, or the ending of a future file */

/* Names of the folder's pictures, in order. */
char *const *idem_video_folder_names(const idem_video_source *s);

const idem_video_source *idem_video_source_of(const idem_video *v);

/* The destination; put and finish are called by one thread. */
typedef struct idem_video_sink idem_video_sink;
struct idem_video_sink {
    char codec[16], why[300], left[300];
    bool abandoned; /* no parts are kept */
    int64_t done;   /* of an earlier run */
    const void *state;
    size_t state_size;
    /* Takes ownership of the frame. */
    int (*put)(idem_video_sink *s, idem_video_frame *f, const void *state, size_t size);
    int (*finish)(idem_video_sink *s);
    void (*close)(idem_video_sink *s);
};
idem_video_sink *idem_video_film_sink(const char *path, const idem_video *source, const idem_video_out_options *o);
idem_video_sink *idem_video_webp_sink(const char *path, const idem_video *source, const idem_video_out_options *o);
idem_video_sink *idem_video_folder_sink(const char *path, const idem_video *source, const idem_video_out_options *o);

#endif
