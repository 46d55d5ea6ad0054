/* The packets of sound of a file as one number, to tell whether two files hold the same. */
#include <stdlib.h>

#include "media/plugin/video_private.h"

/* FNV-1a, 64 bits. */
static uint64_t add(uint64_t hash, const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 0x100000001b3u;
    return hash;
}

enum { TRACKS = 64, STAMP = 8 };

int av_sound(const char *path, uint64_t *hash, int64_t *packets, char *message, size_t n) {
    AVFormatContext *format;
    AVPacket *p = av_packet_alloc();
    uint64_t of[TRACKS];
    *packets = 0;
    *hash = 0xcbf29ce484222325u;
    if (!p)
        return av_refuse(message, n, "out of memory for reading");
    if (av_open_file(&format, path, message, n)) {
        av_packet_free(&p);
        return -1;
    }
    for (int i = 0; i < TRACKS; i++)
        of[i] = *hash;
    while (av_read_frame(format, p) >= 0) {
        const AVStream *s = format->streams[p->stream_index];
        if (s->codecpar->codec_type == AVMEDIA_TYPE_AUDIO && p->stream_index < TRACKS) {
            uint8_t stamp[STAMP]; /* milliseconds: Matroska has no finer ones */
            const int64_t at = p->pts == AV_NOPTS_VALUE ? 0 : av_rescale_q(p->pts, s->time_base, (AVRational){1, 1000});
            for (int i = 0; i < STAMP; i++)
                stamp[i] = (uint8_t)((uint64_t)at >> 8 * i);
            of[p->stream_index] = add(add(of[p->stream_index], stamp, STAMP), p->data, (size_t)p->size);
            ++*packets;
        }
        av_packet_unref(p);
    }
    for (unsigned i = 0; i < format->nb_streams && i < TRACKS; i++)
        if (format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
            *hash = add(*hash, (const uint8_t *)&of[i], sizeof of[i]);
    avformat_close_input(&format);
    av_packet_free(&p);
    return 0;
}
