/* From a file to decoded pictures with their time stamps. */
#include <inttypes.h>
#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
#include <stdlib.h>
#include <string.h>

#include "media/plugin/video_private.h"

enum { DECODER_THREADS = 2 };

struct idem_av_reader {
    AVFormatContext *format;
    AVCodecContext *decoder;
    AVPacket *packet;
    AVFrame *first; /* decoded when the file was opened */
    idem_av_stamp first_stamp;
    int track;
    int64_t packets, last_pts, last_duration;
    bool ended, any;
    idem_av_facts facts;
};

/* ---- the file ---- */

/* Whether a file begins like mp4 and mov, regardless of its ending. */
static bool has_boxes(const char *path) {
    static const char *const boxes[] = {"ftyp", "mdat", "moov", "free", "wide", "skip"};
    char head[8] = "";
    FILE *f = fopen(path, "rbe");
    const bool read = f && fread(head, 1, sizeof head, f) == sizeof head;
    bool has = false;
    if (f)
        fclose(f);
    for (size_t i = 0; read && i < sizeof boxes / sizeof *boxes; i++)
        has |= !memcmp(head + 4, boxes[i], 4);
    return has;
}

int av_open_file(AVFormatContext **format, const char *path, char *message, size_t n) {
    char *url = av_file_url(path);
    AVDictionary *options = NULL;
    *format = NULL;
    av_dict_set(&options, "protocol_whitelist", "file", 0);
    av_dict_set(&options, "format_whitelist",
                "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,ogg,flv,asf,nut,ivf,mxf,gif,apng", 0);
    av_last_line_clear();
    int error = url ? avformat_open_input(format, url, NULL, &options) : AVERROR(ENOMEM);
    av_dict_free(&options);
    free(url);
    if (error == AVERROR_INVALIDDATA && strstr(av_last_line(), "moov") && has_boxes(path))
        return av_refuse(
            message, n,
            "its table of contents (moov) is missing: the recording was cut off before its end; get a complete copy");
    if (error == AVERROR(EINVAL) && strstr(av_last_line(), "whitelist"))
        return av_refuse(message, n, "is not a clip in a format that idem reads (mp4, mov, mkv, webm, avi, ts, ...)");
    if (error < 0)
        return av_refuse(message, n, "is not a clip that FFmpeg can open: %s", av_error_text(error).text);
    if ((error = avformat_find_stream_info(*format, NULL)) < 0) {
        avformat_close_input(format);
        return av_refuse(message, n, "its tracks cannot be read: %s", av_error_text(error).text);
    }
    return 0;
}

int av_video_track(const AVFormatContext *format) {
    int found = -1;
    for (unsigned i = 0; i < format->nb_streams; i++) {
        const AVStream *s = format->streams[i];
        if (s->codecpar->codec_type == AVMEDIA_TYPE_VIDEO && !(s->disposition & AV_DISPOSITION_ATTACHED_PIC) &&
            (found < 0 || (s->disposition & AV_DISPOSITION_DEFAULT &&
                           !(format->streams[found]->disposition & AV_DISPOSITION_DEFAULT))))
            found = (int)i;
    }
    return found;
}

static const int32_t *display_matrix(const AVStream *stream) {
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
    const AVPacketSideData *data = av_packet_side_data_get(
        stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return data && data->size >= 9 * sizeof(int32_t) ? (const int32_t *)data->data : NULL;
#else
    size_t size = 0;
    const uint8_t *data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    return data && size >= 9 * sizeof(int32_t) ? (const int32_t *)data : NULL;
#endif
}

static int sign(int32_t v) {
    return (v > 0) - (v < 0);
}

/* Quarter turns and mirrorings; anything else is refused. */
static int find_upright(int upright[4], const AVStream *stream, char *message, size_t n) {
    const int32_t *m = display_matrix(stream);
    const int32_t of[4] = {m ? m[0] : 1, m ? m[1] : 0, m ? m[3] : 0, m ? m[4] : 1};
    for (int i = 0; i < 4; i++)
        upright[i] = sign(of[i]);
    const bool straight = upright[0] && upright[3] && !upright[1] && !upright[2];
    const bool turned = !upright[0] && !upright[3] && upright[1] && upright[2];
    if (straight || turned)
        return 0;
    return av_refuse(message, n, "its pictures are turned by %.1f degrees; idem shows them by quarter turns only",
                     -av_display_rotation_get(m));
}

static int open_decoder(idem_av_reader *r, char *message, size_t n) {
    const AVStream *s = r->format->streams[r->track];
    const AVCodec *codec = avcodec_find_decoder(s->codecpar->codec_id);
    if (!codec)
        return av_refuse(message, n, "FFmpeg has no decoder for its pictures (%s)",
                         avcodec_get_name(s->codecpar->codec_id));
    if (!(r->decoder = avcodec_alloc_context3(codec)) || avcodec_parameters_to_context(r->decoder, s->codecpar) < 0)
        return av_refuse(message, n, "out of memory for a decoder");
    r->decoder->pkt_timebase = s->time_base;
    r->decoder->thread_count = DECODER_THREADS;
    r->decoder->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT;
    const int error = avcodec_open2(r->decoder, codec, NULL);
    return error < 0
               ? av_refuse(message, n, "its decoder %s cannot be opened: %s", codec->name, av_error_text(error).text)
               : 0;
}

/* ---- pictures ---- */

static bool is_interlaced(const AVFrame *f) {
#ifdef AV_FRAME_FLAG_INTERLACED
    return f->flags & AV_FRAME_FLAG_INTERLACED;
#else
    return f->interlaced_frame;
#endif
}

static int64_t duration_of(const AVFrame *f) {
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    return f->duration;
#else
    return f->pkt_duration;
#endif
}

static void say_damage(idem_av_stamp *stamp, const char *what, int64_t packet, int64_t at, AVRational base) {
    if (*stamp->damage)
        return; /* the first problem causes the others */
    if (at != AV_NOPTS_VALUE)
        snprintf(stamp->damage, sizeof stamp->damage, "packet %" PRId64 ", at %.3f s: %s", packet,
                 (double)at * av_q2d(base), what);
    else
        snprintf(stamp->damage, sizeof stamp->damage, "packet %" PRId64 ": %s", packet, what);
}

static AVRational base_of(const idem_av_reader *r) {
    return r->format->streams[r->track]->time_base;
}

/* Sends the next packet of the track to the decoder, or the end. */
static int feed(idem_av_reader *r, idem_av_stamp *stamp, char *message, size_t n) {
    const AVStream *s = r->format->streams[r->track];
    int error;
    do {
        av_packet_unref(r->packet);
        av_last_line_clear();
        error = av_read_frame(r->format, r->packet);
    } while (error >= 0 && r->packet->stream_index != r->track);
    if (error == AVERROR(ENOMEM))
        return av_refuse(message, n, "out of memory for reading");
    if (error < 0) {
        if (error != AVERROR_EOF || *av_last_line())
            say_damage(stamp, *av_last_line() ? av_last_line() : av_error_text(error).text, r->packets,
                       r->any ? r->last_pts : AV_NOPTS_VALUE, s->time_base);
        else if (r->packets < s->nb_frames) {
            char what[80];
            snprintf(what, sizeof what, "the file ends after %" PRId64 " of %" PRId64 " pictures", r->packets,
                     s->nb_frames);
            say_damage(stamp, what, r->packets, r->any ? r->last_pts : AV_NOPTS_VALUE, s->time_base);
        }
        r->ended = true;
        avcodec_send_packet(r->decoder, NULL);
        return 0;
    }
    const int64_t at = r->packet->pts != AV_NOPTS_VALUE ? r->packet->pts : r->packet->dts;
    if (r->packet->flags & AV_PKT_FLAG_CORRUPT)
        say_damage(stamp, "is marked as damaged", r->packets, at, s->time_base);
    error = avcodec_send_packet(r->decoder, r->packet);
    if (error == AVERROR(ENOMEM))
        return av_refuse(message, n, "out of memory for decoding");
    if (error < 0)
        say_damage(stamp, av_error_text(error).text, r->packets, at, s->time_base);
    r->packets++;
    return 0;
}

/* Time stamps increase: a missing or non-increasing one is replaced by the last one plus its duration. */
static void stamp_frame(idem_av_reader *r, AVFrame *f, idem_av_stamp *stamp) {
    stamp->pts = f->best_effort_timestamp;
    stamp->duration = duration_of(f);
    if (stamp->duration <= 0 && r->facts.rate[0] > 0)
        stamp->duration = av_rescale_q(1, (AVRational){r->facts.rate[1], r->facts.rate[0]}, base_of(r));
    if (r->any && (stamp->pts == AV_NOPTS_VALUE || stamp->pts <= r->last_pts)) {
        if (stamp->pts != AV_NOPTS_VALUE)
            say_damage(stamp, "its time stamp does not follow the one before", r->packets, stamp->pts, base_of(r));
        stamp->pts = r->last_pts + (r->last_duration > 0 ? r->last_duration : 1);
    } else if (stamp->pts == AV_NOPTS_VALUE)
        stamp->pts = 0;
    r->last_pts = stamp->pts;
    r->last_duration = stamp->duration;
    r->any = true;
    if (f->decode_error_flags || f->flags & AV_FRAME_FLAG_CORRUPT)
        say_damage(stamp, "the picture is damaged and only partly repaired", r->packets, stamp->pts, base_of(r));
}

static int decode(idem_av_reader *r, AVFrame **out, idem_av_stamp *stamp, char *message, size_t n) {
    AVFrame *f = av_frame_alloc();
    *stamp = (idem_av_stamp){0};
    if (!f)
        return av_refuse(message, n, "out of memory for decoding");
    for (;;) {
        const int error = avcodec_receive_frame(r->decoder, f);
        if (!error)
            break;
        if (error == AVERROR_EOF || error == AVERROR(ENOMEM)) {
            av_frame_free(&f);
            return error == AVERROR_EOF ? 0 : av_refuse(message, n, "out of memory for decoding");
        }
        if (error != AVERROR(EAGAIN)) {
            say_damage(stamp, av_error_text(error).text, r->packets, AV_NOPTS_VALUE, base_of(r));
            if (r->ended) { /* it may never report its end */
                av_frame_free(&f);
                return 0;
            }
        }
        if (feed(r, stamp, message, n)) {
            av_frame_free(&f);
            return -1;
        }
    }
    stamp_frame(r, f, stamp);
    *out = f;
    return 1;
}

/* ---- what is known of them ---- */

static int matrix_of(const AVFrame *f) {
    if (f->colorspace != AVCOL_SPC_UNSPECIFIED)
        return f->colorspace;
    return f->width >= 1280 || f->height > 576 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
}

static int check_pixels(const idem_av_facts *a, const AVPixFmtDescriptor *d, char *message, size_t n) {
    const uint64_t refused = AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_HWACCEL |
                             AV_PIX_FMT_FLAG_BE | AV_PIX_FMT_FLAG_BAYER | AV_PIX_FMT_FLAG_FLOAT;
    if (!d || d->flags & refused || d->comp[0].depth > 16)
        return av_refuse(message, n, "its samples (%s) are of a kind that idem does not change; convert it first",
                         d ? d->name : "unknown");
    if (d->flags & AV_PIX_FMT_FLAG_ALPHA)
        return av_refuse(message, n, "its pictures (%s) are transparent, which the encoders here do not keep", d->name);
    for (int c = 0; c < d->nb_components; c++)
        if ((!(d->flags & AV_PIX_FMT_FLAG_RGB && d->flags & AV_PIX_FMT_FLAG_PLANAR) && d->comp[c].plane != c) ||
            d->comp[c].shift)
            return av_refuse(message, n, "its samples (%s) are not stored in planes; convert it first", d->name);
    static const int known[] = {AVCOL_SPC_RGB,       AVCOL_SPC_BT709,     AVCOL_SPC_FCC,       AVCOL_SPC_BT470BG,
                                AVCOL_SPC_SMPTE170M, AVCOL_SPC_SMPTE240M, AVCOL_SPC_BT2020_NCL};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (a->matrix == known[i])
            return 0;
    return av_refuse(message, n, "its colour matrix (%s) is not supported",
                     av_color_space_name((enum AVColorSpace)a->matrix)
                         ? av_color_space_name((enum AVColorSpace)a->matrix)
                         : "unknown");
}

static int know_pictures(idem_av_reader *r, const AVFrame *f, char *message, size_t n) {
    idem_av_facts *a = &r->facts;
    const AVStream *s = r->format->streams[r->track];
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get((enum AVPixelFormat)f->format);
    if (is_interlaced(f) ||
        (s->codecpar->field_order != AV_FIELD_UNKNOWN && s->codecpar->field_order != AV_FIELD_PROGRESSIVE))
        return av_refuse(message, n,
                         "its pictures are interlaced (two fields of half the lines), in which faces cannot be changed "
                         "line by line; make it progressive first, e.g. with ffmpeg -vf bwdif");
    a->width = f->width;
    a->height = f->height;
    a->format = f->format;
    snprintf(a->pixels, sizeof a->pixels, "%s", d ? d->name : "unknown");
    a->rgb = d && d->flags & AV_PIX_FMT_FLAG_RGB;
    a->grey = d && d->nb_components == 1;
    a->matrix = a->rgb ? AVCOL_SPC_RGB : f->colorspace;
    a->range = f->color_range;
    a->primaries = f->color_primaries;
    a->transfer = f->color_trc;
    a->location = f->chroma_location;
    a->full_range = f->color_range == AVCOL_RANGE_JPEG || a->rgb || !strncmp(a->pixels, "yuvj", 4);
    a->hdr = f->color_trc == AVCOL_TRC_SMPTE2084 || f->color_trc == AVCOL_TRC_ARIB_STD_B67;
    if (d) {
        a->bits = d->comp[0].depth;
        a->chroma_x = d->log2_chroma_w;
        a->chroma_y = d->log2_chroma_h;
    }
    const AVRational aspect = f->sample_aspect_ratio.num ? f->sample_aspect_ratio : s->sample_aspect_ratio;
    a->aspect[0] = aspect.num;
    a->aspect[1] = aspect.den;
    idem_av_facts resolved = *a;
    resolved.matrix = a->rgb ? AVCOL_SPC_RGB : matrix_of(f);
    return check_pixels(&resolved, d, message, n);
}

static void know_file(idem_av_reader *r) {
    idem_av_facts *a = &r->facts;
    const AVFormatContext *f = r->format;
    const AVStream *s = f->streams[r->track];
    const AVRational rate = s->avg_frame_rate.num ? s->avg_frame_rate : s->r_frame_rate;
    a->time_base[0] = s->time_base.num;
    a->time_base[1] = s->time_base.den;
    a->rate[0] = rate.num;
    a->rate[1] = rate.den;
    a->frames = s->nb_frames;
    a->duration = f->duration > 0 ? (double)f->duration / AV_TIME_BASE : 0;
    a->bytes = f->pb ? avio_size(f->pb) : 0;
    snprintf(a->codec, sizeof a->codec, "%s", avcodec_get_name(s->codecpar->codec_id));
    snprintf(a->container, sizeof a->container, "%s", f->iformat->name);
    for (unsigned i = 0; i < f->nb_streams; i++) {
        const enum AVMediaType type = f->streams[i]->codecpar->codec_type;
        int *count = type == AVMEDIA_TYPE_AUDIO      ? &a->audio
                     : type == AVMEDIA_TYPE_SUBTITLE ? &a->subtitles
                                                     : &a->others;
        *count += (int)i != r->track;
    }
}

int av_reader_open(idem_av_reader **out, const char *path, idem_av_facts *facts, char *message, size_t n) {
    idem_av_reader *r = calloc(1, sizeof *r);
    *out = NULL;
    if (!r || !(r->packet = av_packet_alloc())) {
        free(r);
        return av_refuse(message, n, "out of memory for a clip");
    }
    int status = av_open_file(&r->format, path, message, n);
    if (!status && (r->track = av_video_track(r->format)) < 0)
        status = av_refuse(message, n, "has no pictures, only sound or other tracks");
    if (!status) {
        for (unsigned i = 0; i < r->format->nb_streams; i++)
            if ((int)i != r->track)
                r->format->streams[i]->discard = AVDISCARD_ALL;
        know_file(r);
        status = find_upright(r->facts.upright, r->format->streams[r->track], message, n) || open_decoder(r, message, n)
                     ? -1
                     : decode(r, &r->first, &r->first_stamp, message, n);
        if (!status)
            status = av_refuse(message, n, "none of its pictures can be decoded%s%s",
                               *r->first_stamp.damage ? ": " : "", r->first_stamp.damage);
        if (status > 0)
            status = know_pictures(r, r->first, message, n);
    }
    if (status) {
        av_reader_close(r);
        return -1;
    }
    *facts = r->facts;
    *out = r;
    return 0;
}

int av_reader_next(idem_av_reader *r, idem_av_frame **frame, idem_av_stamp *stamp, char *message, size_t n) {
    AVFrame *f = NULL;
    if (r->first) {
        f = r->first;
        *stamp = r->first_stamp;
        r->first = NULL;
    } else {
        const int got = decode(r, &f, stamp, message, n);
        if (got <= 0)
            return got;
    }
    if (f->width != r->facts.width || f->height != r->facts.height || f->format != r->facts.format) {
        const char *name = av_get_pix_fmt_name((enum AVPixelFormat)f->format);
        snprintf(message, n, "at %.3f s its pictures become %d x %d (%s), before %d x %d (%s): cut it there first",
                 (double)stamp->pts * av_q2d(base_of(r)), f->width, f->height, name ? name : "unknown", r->facts.width,
                 r->facts.height, r->facts.pixels);
        av_frame_free(&f);
        return -1;
    }
    if (is_interlaced(f)) {
        snprintf(message, n, "from %.3f s on its pictures are interlaced; make it progressive first",
                 (double)stamp->pts * av_q2d(base_of(r)));
        av_frame_free(&f);
        return -1;
    }
    f->pts = stamp->pts;
    *frame = (idem_av_frame *)f;
    return 1;
}

void av_reader_close(idem_av_reader *r) {
    if (!r)
        return;
    av_frame_free(&r->first);
    av_packet_free(&r->packet);
    avcodec_free_context(&r->decoder);
    avformat_close_input(&r->format);
    free(r);
}

void av_frame_release(idem_av_frame *f) {
    AVFrame *frame = (AVFrame *)f;
    av_frame_free(&frame);
}
