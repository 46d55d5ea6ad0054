/* The interface of the plug-in idem-video.so, for src/media/video*.c: clips through FFmpeg's libraries. The plug-in
 * uses FFmpeg, and of idem only this header. Functions that can fail return -1 with a message of at most `n` bytes. */
#ifndef IDEM_MEDIA_PLUGIN_VIDEO_H
#define IDEM_MEDIA_PLUGIN_VIDEO_H

#include <stddef.h>
#include <stdint.h>

typedef struct idem_av_reader idem_av_reader;
typedef struct idem_av_frame idem_av_frame; /* a decoded picture in the clip's own samples */
typedef struct idem_av_colours idem_av_colours;
typedef struct idem_av_encoder idem_av_encoder;
typedef struct idem_av_mux idem_av_mux;

/* Of the clip's pictures; found by decoding the first one. */
typedef struct {
    int width, height;            /* as stored */
    int upright[4];               /* a, b, c, d of -1, 0, 1: stored (x, y) is shown at (ax + cy, bx + dy) */
    int format;                   /* AVPixelFormat */
    int bits, chroma_x, chroma_y; /* of a sample; log2 of the chroma's subsampling */
    int rgb, grey;                /* samples are not YUV */
    int full_range;               /* 0: limited */
    int range, matrix, primaries, transfer, location; /* AVFrame's; the last four are ITU-T H.273's */
    int hdr;                                          /* transfer is PQ or HLG */
    int aspect[2], time_base[2], rate[2];             /* numerator, denominator */
    int64_t frames;                                   /* by the header; 0: unknown */
    double duration;                                  /* seconds; 0: unknown */
    int64_t bytes;                                    /* of the file */
    int audio, subtitles, others;                     /* further tracks */
    char pixels[32], codec[32], container[64];
} idem_av_facts;

typedef struct {
    int64_t pts, duration; /* in time_base; duration 0: unknown */
    char damage[200];      /* found up to this picture; "": none */
} idem_av_stamp;

typedef struct {
    const char *codec; /* h264, h265, vp9, av1, ffv1 */
    int quality;       /* constant rate factor; 0: lossless; -1: the default */
    int interval;      /* largest distance of key frames, in frames */
} idem_av_settings;

typedef struct {
    int64_t pts, duration;
    int key;
    const uint8_t *data;
    size_t size;
} idem_av_packet;
typedef int idem_av_sink(void *user, const idem_av_packet *packet); /* -1 stops the encoder */

typedef struct {
    const char *const *tags; /* key, value, ..., NULL: set in the container */
    int keep_tags; /* keeps the source's tags of the file and the tracks; else only languages, no cover, no data */
    int no_audio, no_subtitles;
} idem_av_mux_options;

typedef struct {
    int version; /* IDEM_VIDEO_VERSION */
    int (*reader_open)(idem_av_reader **r, const char *path, idem_av_facts *facts, char *message, size_t n);
    /* 1; 0: the end, where stamp->damage may still be set; -1. */
    int (*reader_next)(idem_av_reader *r, idem_av_frame **frame, idem_av_stamp *stamp, char *message, size_t n);
    void (*reader_close)(idem_av_reader *r);
    void (*frame_free)(idem_av_frame *f);

    int (*colours_open)(idem_av_colours **c, const idem_av_facts *facts, char *message, size_t n);
    /* The upright picture, rgb [shown height, shown width, 3]. */
    int (*colours_get)(idem_av_colours *c, const idem_av_frame *frame, uint8_t *rgb, char *message, size_t n);
    /* Adds the difference between rgb and the colours of colours_get to the frame's samples; samples without a
     * difference are unchanged. */
    int (*colours_put)(idem_av_colours *c, idem_av_frame *frame, const uint8_t *rgb, char *message, size_t n);
    void (*colours_close)(idem_av_colours *c);

    /* The codec for such pictures in a file of that name; settings->codec NULL: chooses one, with the reason in `why`
     * if it is not the usual one. NULL: none, with a message. */
    const char *(*choose)(const idem_av_facts *facts, const idem_av_settings *settings, const char *path, char *why,
                          size_t why_n, char *message, size_t n);
    int (*encoder_open)(idem_av_encoder **e, const idem_av_facts *facts, const idem_av_settings *settings,
                        char *message, size_t n);
    /* frame NULL: the end. Packets come in decoding order. */
    int (*encoder_put)(idem_av_encoder *e, idem_av_frame *frame, const idem_av_stamp *stamp, idem_av_sink *sink,
                       void *user, char *message, size_t n);
    void (*encoder_close)(idem_av_encoder *e);

    /* Writes `aside`, in the container of path's ending, with all other tracks of `source`. `left`: tracks of the
     * source that cannot be copied. */
    int (*mux_open)(idem_av_mux **m, const char *aside, const char *path, const char *source,
                    const idem_av_facts *facts, const idem_av_settings *settings, const idem_av_mux_options *options,
                    char *left, size_t left_n, char *message, size_t n);
    /* Pictures in decoding order; sorted: the pts of all frames so far, at least as many as pictures. */
    int (*mux_put)(idem_av_mux *m, const idem_av_packet *packet, const int64_t *sorted, int64_t index, char *message,
                   size_t n);
    int (*mux_finish)(idem_av_mux *m, char *message, size_t n);
    void (*mux_close)(idem_av_mux *m);

    /* One hash of all packets of sound, of their stamps (to the millisecond) and contents, and their number. */
    int (*sound)(const char *path, uint64_t *hash, int64_t *packets, char *message, size_t n);
} idem_av;

enum { IDEM_VIDEO_VERSION = 2 };
typedef const idem_av *idem_video_plugin(void);
#define IDEM_VIDEO_PLUGIN idem_video_plugin_2
#define IDEM_VIDEO_SYMBOL "idem_video_plugin_2"

#endif
