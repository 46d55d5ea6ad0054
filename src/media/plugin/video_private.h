/* Shared by the parts of the plug-in. */
#ifndef IDEM_MEDIA_PLUGIN_VIDEO_PRIVATE_H
#define IDEM_MEDIA_PLUGIN_VIDEO_PRIVATE_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <stdbool.h>
#include <stdio.h>

#include "media/plugin/video.h"

/* A message and -1. */
#define av_refuse(message, n, ...) (snprintf(message, n, __VA_ARGS__), -1)

typedef struct {
    char text[128];
} av_text;
av_text av_error_text(int error);

/* The last line of FFmpeg's log of this thread at level error or worse; the log is not shown otherwise. */
const char *av_last_line(void);
void av_last_line_clear(void);
void av_log_keep(void);

/* "file:PATH", so that no path is interpreted as a protocol. */
char *av_file_url(const char *path);
/* A demuxer of one file: no playlists, no network. */
int av_open_file(AVFormatContext **format, const char *path, char *message, size_t n);

/* The track of pictures, not a cover. -1: none. */
int av_video_track(const AVFormatContext *format);

int av_reader_open(idem_av_reader **r, const char *path, idem_av_facts *facts, char *message, size_t n);
int av_reader_next(idem_av_reader *r, idem_av_frame **frame, idem_av_stamp *stamp, char *message, size_t n);
void av_reader_close(idem_av_reader *r);
void av_frame_release(idem_av_frame *f);

int av_colours_open(idem_av_colours **c, const idem_av_facts *facts, char *message, size_t n);
int av_colours_get(idem_av_colours *c, const idem_av_frame *frame, uint8_t *rgb, char *message, size_t n);
int av_colours_put(idem_av_colours *c, idem_av_frame *frame, const uint8_t *rgb, char *message, size_t n);
void av_colours_close(idem_av_colours *c);

const char *av_choose(const idem_av_facts *facts, const idem_av_settings *settings, const char *path, char *why,
                      size_t why_n, char *message, size_t n);
AVCodecContext *av_encoder_context(const idem_av_facts *facts, const idem_av_settings *settings, char *message,
                                   size_t n);
int av_encoder_open(idem_av_encoder **e, const idem_av_facts *facts, const idem_av_settings *settings, char *message,
                    size_t n);
int av_encoder_put(idem_av_encoder *e, idem_av_frame *frame, const idem_av_stamp *stamp, idem_av_sink *sink, void *user,
                   char *message, size_t n);
void av_encoder_close(idem_av_encoder *e);

int av_mux_open(idem_av_mux **m, const char *aside, const char *path, const char *source, const idem_av_facts *facts,
                const idem_av_settings *settings, const idem_av_mux_options *options, char *left, size_t left_n,
                char *message, size_t n);
int av_mux_put(idem_av_mux *m, const idem_av_packet *packet, const int64_t *sorted, int64_t index, char *message,
               size_t n);
int av_mux_finish(idem_av_mux *m, char *message, size_t n);
void av_mux_close(idem_av_mux *m);

int av_sound(const char *path, uint64_t *hash, int64_t *packets, char *message, size_t n);

#endif
