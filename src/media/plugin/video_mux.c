/* Encoded pictures and all other tracks of the source into a container. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "media/plugin/video_private.h"

struct idem_av_mux {
    AVFormatContext *out, *in;
    AVPacket *packet, *waiting; /* a picture; the source's next packet */
    int *to;                    /* tracks of the source to tracks of the output; -1: not copied */
    int video, delay;           /* the output's track of pictures; the encoder's delay in packets */
    AVRational base;            /* of the pictures' stamps */
    bool begun, waits, ended;
};

/* ---- tags ---- */

static bool is_stale(const char *key) { /* of the file as it was */
    static const char *const keys[] = {"encoder",          "major_brand",     "minor_version", "compatible_brands",
                                       "DURATION",         "vendor_id",       "rotate",        "BPS",
                                       "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES", "_STATISTICS"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!strncasecmp(key, keys[i], strlen(keys[i])))
            return true;
    return false;
}

static void copy_tags(AVDictionary **to, AVDictionary *from, bool all) {
    const AVDictionaryEntry *t = NULL;
    while ((t = av_dict_get(from, "", t, AV_DICT_IGNORE_SUFFIX)))
        if (all ? !is_stale(t->key) : !strcasecmp(t->key, "language"))
            av_dict_set(to, t->key, t->value, 0);
}

static int copy_chapters(AVFormatContext *out, const AVFormatContext *in) {
    if (!in->nb_chapters)
        return 0;
    out->chapters = av_calloc(in->nb_chapters, sizeof *out->chapters);
    for (unsigned i = 0; out->chapters && i < in->nb_chapters; i++) {
        const AVChapter *from = in->chapters[i];
        AVChapter *c = av_mallocz(sizeof *c);
        if (!c)
            return -1;
        c->id = from->id;
        c->time_base = from->time_base;
        c->start = from->start;
        c->end = from->end;
        av_dict_copy(&c->metadata, from->metadata, 0);
        out->chapters[out->nb_chapters++] = c;
    }
    return out->chapters ? 0 : -1;
}

/* ---- tracks ---- */

/* Metadata of the pictures' track besides its codec: orientation, mastering of HDR. */
static void copy_side_data(AVStream *to, const AVStream *from) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
    for (int i = 0; i < from->codecpar->nb_coded_side_data; i++) {
        const AVPacketSideData *d = &from->codecpar->coded_side_data[i];
        if (d->type == AV_PKT_DATA_DOVI_CONF || d->type == AV_PKT_DATA_CPB_PROPERTIES)
            continue;
        AVPacketSideData *made = av_packet_side_data_new(&to->codecpar->coded_side_data,
                                                         &to->codecpar->nb_coded_side_data, d->type, d->size, 0);
        if (made)
            memcpy(made->data, d->data, d->size);
    }
#else
    for (int i = 0; i < from->nb_side_data; i++) {
        const AVPacketSideData *d = &from->side_data[i];
        if (d->type == AV_PKT_DATA_DOVI_CONF || d->type == AV_PKT_DATA_CPB_PROPERTIES)
            continue;
        uint8_t *made = av_stream_new_side_data(to, d->type, d->size);
        if (made)
            memcpy(made, d->data, d->size);
    }
#endif
}

static void note_left(char *left, size_t n, const AVStream *s, unsigned i) {
    const size_t used = strlen(left);
    const char *type = av_get_media_type_string(s->codecpar->codec_type);
    snprintf(left + used, n - used, "%strack %u (%s, %s)", used ? ", " : "", i + 1, type ? type : "unknown",
             avcodec_get_name(s->codecpar->codec_id));
}

/* Tracks that the muxer writes itself, from chapters and the time code. */
static bool is_made_anew(const AVStream *s) {
    const uint32_t tag = s->codecpar->codec_tag;
    return s->codecpar->codec_type == AVMEDIA_TYPE_DATA &&
           (tag == MKTAG('t', 'm', 'c', 'd') || (tag == MKTAG('t', 'e', 'x', 't') && s->discard == AVDISCARD_ALL));
}

/* 1: copy, 0: leave out, -1: must be copied, but cannot. */
static int wanted(const idem_av_mux *m, unsigned i, const idem_av_mux_options *o, char *left, size_t left_n,
                  char *message, size_t n) {
    const AVStream *s = m->in->streams[i];
    const enum AVMediaType type = s->codecpar->codec_type;
    const bool heard = type == AVMEDIA_TYPE_AUDIO, read = type == AVMEDIA_TYPE_SUBTITLE;
    const bool cover = s->disposition & AV_DISPOSITION_ATTACHED_PIC;
    if ((heard && o->no_audio) || (read && o->no_subtitles) || is_made_anew(s))
        return 0;
    const bool fits = s->codecpar->codec_id != AV_CODEC_ID_NONE &&
                      avformat_query_codec(m->out->oformat, s->codecpar->codec_id, FF_COMPLIANCE_NORMAL) == 1;
    if (!o->keep_tags && !heard && !read) { /* covers, films of other cameras, places by the second */
        note_left(left, left_n, s, i);
        return 0;
    }
    if (fits || (type == AVMEDIA_TYPE_ATTACHMENT && !strcmp(m->out->oformat->name, "matroska")))
        return 1;
    if (heard || read || (type == AVMEDIA_TYPE_VIDEO && !cover))
        return av_refuse(message, n,
                         "track %u (%s, %s) cannot be copied into a %s file: write the clip to a file of the source's "
                         "kind, or to .mkv%s",
                         i + 1, av_get_media_type_string(type), avcodec_get_name(s->codecpar->codec_id),
                         m->out->oformat->name,
                         heard  ? ", or leave sound out"
                         : read ? ", or leave subtitles out"
                                : "");
    note_left(left, left_n, s, i);
    return 0;
}

static AVStream *add_track(idem_av_mux *m, unsigned i, bool all_tags) {
    const AVStream *from = m->in->streams[i];
    AVStream *s = avformat_new_stream(m->out, NULL);
    if (!s)
        return NULL;
    s->time_base = from->time_base;
    s->disposition = from->disposition;
    s->avg_frame_rate = from->avg_frame_rate;
    copy_tags(&s->metadata, from->metadata, all_tags);
    m->to[i] = s->index;
    return s;
}

static int add_copy(idem_av_mux *m, unsigned i, bool all_tags) {
    AVStream *s = add_track(m, i, all_tags);
    const AVCodecParameters *from = m->in->streams[i]->codecpar;
    if (!s || avcodec_parameters_copy(s->codecpar, from) < 0)
        return -1;
    uint32_t tag;
    const struct AVCodecTag *const *tags = m->out->oformat->codec_tag;
    if (tags && av_codec_get_id(tags, from->codec_tag) != from->codec_id &&
        av_codec_get_tag2(tags, from->codec_id, &tag))
        s->codecpar->codec_tag = 0;
#if LIBAVCODEC_VERSION_INT < AV_VERSION_INT(60, 31, 102)
    copy_side_data(s, m->in->streams[i]);
#endif
    return 0;
}

static int add_pictures(idem_av_mux *m, unsigned i, const idem_av_facts *facts, const idem_av_settings *settings,
                        bool all_tags, char *message, size_t n) {
    AVCodecContext *e = av_encoder_context(facts, settings, message, n);
    if (!e)
        return -1;
    AVStream *s = add_track(m, i, all_tags);
    const int status = s && avcodec_parameters_from_context(s->codecpar, e) >= 0
                           ? 0
                           : av_refuse(message, n, "out of memory for a clip");
    if (!status) {
        m->video = s->index;
        m->delay = e->has_b_frames;
        m->base = e->time_base;
        s->time_base = e->time_base;
        s->sample_aspect_ratio = e->sample_aspect_ratio;
        s->codecpar->codec_tag = s->codecpar->codec_id == AV_CODEC_ID_HEVC && strcmp(m->out->oformat->name, "matroska")
                                     ? MKTAG('h', 'v', 'c', '1') /* required by Apple's players */
                                     : 0;
        copy_side_data(s, m->in->streams[i]);
    }
    avcodec_free_context(&e);
    return status;
}

static int add_tracks(idem_av_mux *m, const idem_av_facts *facts, const idem_av_settings *settings,
                      const idem_av_mux_options *o, char *left, size_t left_n, char *message, size_t n) {
    const int pictures = av_video_track(m->in);
    if (!(m->to = malloc(m->in->nb_streams * sizeof *m->to)))
        return av_refuse(message, n, "out of memory for a clip");
    for (unsigned i = 0; i < m->in->nb_streams; i++) {
        m->to[i] = -1;
        const int is = (int)i == pictures ? 1 : wanted(m, i, o, left, left_n, message, n);
        if (is < 0 || (is && ((int)i == pictures ? add_pictures(m, i, facts, settings, o->keep_tags, message, n)
                                                 : add_copy(m, i, o->keep_tags))))
            return -1;
        if ((int)i == pictures || m->to[i] < 0)
            m->in->streams[i]->discard = AVDISCARD_ALL;
    }
    return pictures >= 0 ? 0 : av_refuse(message, n, "no longer has pictures");
}

/* ---- life ---- */

static int begin(idem_av_mux *m, const char *aside, char *message, size_t n) {
    AVDictionary *options = NULL;
    char *url = av_file_url(aside);
    av_last_line_clear();
    int error = url ? avio_open(&m->out->pb, url, AVIO_FLAG_WRITE) : AVERROR(ENOMEM);
    av_freep(&m->out->url);
    m->out->url = url ? av_strdup(url)
                      : NULL; /* the muxer reads the file again when it moves the table of contents to the front */
    free(url);
    if (!strcmp(m->out->oformat->name, "mp4") || !strcmp(m->out->oformat->name, "mov"))
        av_dict_set(&options, "movflags", "+faststart", 0);
    if (error >= 0)
        error = avformat_write_header(m->out, &options);
    av_dict_free(&options);
    m->begun = error >= 0;
    return error >= 0 ? 0
                      : av_refuse(message, n, "cannot be begun: %s",
                                  *av_last_line() ? av_last_line() : av_error_text(error).text);
}

static int open_all(idem_av_mux *m, const char *aside, const char *path, const char *source, const idem_av_facts *facts,
                    const idem_av_settings *settings, const idem_av_mux_options *o, char *left, size_t left_n,
                    char *message, size_t n) {
    if (av_open_file(&m->in, source, message, n))
        return -1;
    if (avformat_alloc_output_context2(&m->out, NULL, NULL, path) < 0)
        return av_refuse(message, n, "clips are written as .mp4, .mov, .mkv or .webm");
    m->out->flags |= AVFMT_FLAG_BITEXACT; /* no version and no random numbers in the file */
    if (add_tracks(m, facts, settings, o, left, left_n, message, n))
        return -1;
    if (o->keep_tags)
        copy_tags(&m->out->metadata, m->in->metadata, true);
    for (const char *const *t = o->tags; t && t[0]; t += 2)
        av_dict_set(&m->out->metadata, t[0], t[1], 0);
    if (copy_chapters(m->out, m->in))
        return av_refuse(message, n, "out of memory for a clip");
    return begin(m, aside, message, n);
}

int av_mux_open(idem_av_mux **out, const char *aside, const char *path, const char *source, const idem_av_facts *facts,
                const idem_av_settings *settings, const idem_av_mux_options *options, char *left, size_t left_n,
                char *message, size_t n) {
    idem_av_mux *m = calloc(1, sizeof *m);
    *out = NULL;
    *left = *message = 0;
    if (m) {
        m->packet = av_packet_alloc();
        m->waiting = av_packet_alloc();
    }
    if (!m || !m->packet || !m->waiting ||
        open_all(m, aside, path, source, facts, settings, options, left, left_n, message, n)) {
        if (!*message)
            snprintf(message, n, "out of memory for a clip");
        av_mux_close(m);
        return -1;
    }
    *out = m;
    return 0;
}

void av_mux_close(idem_av_mux *m) {
    if (!m)
        return;
    av_packet_free(&m->packet);
    av_packet_free(&m->waiting);
    if (m->out) {
        avio_closep(&m->out->pb);
        avformat_free_context(m->out);
    }
    avformat_close_input(&m->in);
    free(m->to);
    free(m);
}

/* ---- packets ---- */

static int write_packet(idem_av_mux *m, AVPacket *p, char *message, size_t n) {
    av_last_line_clear();
    const int track = p->stream_index, error = av_interleaved_write_frame(m->out, p);
    return error >= 0 ? 0
                      : av_refuse(message, n, "track %d cannot be written: %s", track + 1,
                                  *av_last_line() ? av_last_line() : av_error_text(error).text);
}

static void wait_for_next(idem_av_mux *m) {
    while (!m->ended && !m->waits) {
        if (av_read_frame(m->in, m->waiting) < 0)
            m->ended = true; /* a damaged end was reported when the pictures were read */
        else if (m->to[m->waiting->stream_index] < 0 || m->to[m->waiting->stream_index] == m->video)
            av_packet_unref(m->waiting);
        else
            m->waits = true;
    }
}

/* The other tracks' packets up to a picture's time in m->base; all: to the end. */
static int copy_until(idem_av_mux *m, int64_t time, bool all, char *message, size_t n) {
    for (wait_for_next(m); m->waits; wait_for_next(m)) {
        AVPacket *p = m->waiting;
        const AVStream *from = m->in->streams[p->stream_index];
        const int64_t at = p->dts != AV_NOPTS_VALUE ? p->dts : p->pts;
        if (!all && at != AV_NOPTS_VALUE && av_compare_ts(at, from->time_base, time, m->base) > 0)
            return 0;
        m->waits = false;
        p->stream_index = m->to[p->stream_index];
        av_packet_rescale_ts(p, from->time_base, m->out->streams[p->stream_index]->time_base);
        p->pos = -1;
        if (write_packet(m, p, message, n))
            return -1;
    }
    return 0;
}

int av_mux_put(idem_av_mux *m, const idem_av_packet *packet, const int64_t *sorted, int64_t index, char *message,
               size_t n) {
    AVPacket *p = m->packet;
    /* Decoding times are the sorted presentation times, earlier by the encoder's delay. */
    const int64_t dts = index >= m->delay
                            ? sorted[index - m->delay]
                            : sorted[0] - (m->delay - index) * (packet->duration > 0 ? packet->duration : 1);
    if (copy_until(m, dts, false, message, n))
        return -1;
    if (av_new_packet(p, (int)packet->size) < 0)
        return av_refuse(message, n, "out of memory for a packet");
    memcpy(p->data, packet->data, packet->size);
    p->pts = packet->pts;
    p->dts = dts;
    p->duration = packet->duration;
    p->flags = packet->key ? AV_PKT_FLAG_KEY : 0;
    p->stream_index = m->video;
    av_packet_rescale_ts(p, m->base, m->out->streams[m->video]->time_base);
    return write_packet(m, p, message, n);
}

int av_mux_finish(idem_av_mux *m, char *message, size_t n) {
    if (copy_until(m, 0, true, message, n))
        return -1;
    av_last_line_clear();
    int error = av_write_trailer(m->out);
    const int closed = avio_closep(&m->out->pb);
    error = error < 0 ? error : closed;
    return error >= 0 ? 0
                      : av_refuse(message, n, "cannot be completed: %s",
                                  *av_last_line() ? av_last_line() : av_error_text(error).text);
}
