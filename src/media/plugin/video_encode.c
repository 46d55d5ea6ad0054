/* The choice of an encoder, and encoding. */
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <stdlib.h>
#include <string.h>

#include "media/plugin/video_private.h"

enum { ENCODER_THREADS = 2 }; /* the bytes depend on it, so it does not depend on the machine */
enum { LOOKAHEAD = 15 };      /* frames that x264 holds, at 1280 x 720 in 4 MB each; its preset has 40 */

typedef struct {
    const char *name, *encoder;
    enum AVCodecID id;
    int usual; /* constant rate factor */
} kind;

static const kind kinds[] = {
    {"h264", "libx264", AV_CODEC_ID_H264, 17},  {"h265", "libx265", AV_CODEC_ID_HEVC, 20},
    {"vp9", "libvpx-vp9", AV_CODEC_ID_VP9, 22}, {"av1", "libaom-av1", AV_CODEC_ID_AV1, 20},
    {"ffv1", "ffv1", AV_CODEC_ID_FFV1, 0},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const kind *kind_of(const char *name) {
    for (int i = 0; i < KINDS; i++)
        if (name && (!strcmp(name, kinds[i].name) || (!strcmp(name, "hevc") && kinds[i].id == AV_CODEC_ID_HEVC)))
            return &kinds[i];
    return NULL;
}

/* yuvj420p is an older name of yuv420p in full range. */
static enum AVPixelFormat format_of(int format) {
    switch (format) {
    case AV_PIX_FMT_YUVJ420P:
        return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
        return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
        return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
        return AV_PIX_FMT_YUV440P;
    default:
        return (enum AVPixelFormat)format;
    }
}

static bool takes(const AVCodec *codec, enum AVPixelFormat format) {
    const enum AVPixelFormat *list = NULL;
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(61, 13, 100)
    if (avcodec_get_supported_config(NULL, codec, AV_CODEC_CONFIG_PIX_FORMAT, 0, (const void **)&list, NULL) < 0)
        return false;
#else
    list = codec->pix_fmts;
#endif
    for (; list && *list != AV_PIX_FMT_NONE; list++)
        if (*list == format)
            return true;
    return false;
}

/* "" if it is possible, else the reason. */
static void why_not(char *why, size_t n, const kind *k, const idem_av_facts *a, const AVOutputFormat *out,
                    const char *ending) {
    const AVCodec *codec = avcodec_find_encoder_by_name(k->encoder);
    *why = 0;
    if (avformat_query_codec(out, k->id, FF_COMPLIANCE_NORMAL) != 1)
        snprintf(why, n, "%s files do not hold %s", ending, k->name);
    else if (!codec)
        snprintf(why, n, "FFmpeg has no encoder %s here", k->encoder);
    else if (!takes(codec, format_of(a->format)))
        snprintf(why, n, "%s has no samples of the kind %s", k->encoder, a->pixels);
    else if ((k->id == AV_CODEC_ID_H264 || k->id == AV_CODEC_ID_HEVC) &&
             ((a->chroma_x && a->width & 1) || (a->chroma_y && a->height & 1)))
        snprintf(why, n, "%s refuses odd sizes (%d x %d) in %s", k->encoder, a->width, a->height, a->pixels);
}

static int check_turn(const idem_av_facts *a, const AVOutputFormat *out, const char *ending, char *message, size_t n) {
    const bool turned = a->upright[0] != 1 || a->upright[3] != 1;
    if (!turned || !strcmp(out->name, "mp4") || !strcmp(out->name, "mov"))
        return 0;
    return av_refuse(message, n,
                     "its pictures are stored turned or mirrored, which %s files do not describe in the same way; "
                     "write .mp4 or .mov",
                     ending);
}

static const char *take(const kind *k, const idem_av_facts *a, const idem_av_settings *s, char *message, size_t n) {
    const idem_av_settings with = {k->name, s->quality, s->interval};
    AVCodecContext *try = av_encoder_context(a, &with, message, n);
    avcodec_free_context(&try);
    return *message ? NULL : k->name;
}

const char *av_choose(const idem_av_facts *a, const idem_av_settings *s, const char *path, char *why, size_t why_n,
                      char *message, size_t n) {
    const AVOutputFormat *out = av_guess_format(NULL, path, NULL);
    const char *ending = strrchr(path, '.');
    *why = *message = 0;
    if (!out || !ending ||
        (strcmp(out->name, "mp4") && strcmp(out->name, "mov") && strcmp(out->name, "matroska") &&
         strcmp(out->name, "webm"))) {
        snprintf(message, n, "clips are written as .mp4, .mov, .mkv or .webm");
        return NULL;
    }
    if (check_turn(a, out, ending, message, n))
        return NULL;
    if (s->codec) {
        const kind *k = kind_of(s->codec);
        if (k)
            why_not(message, n, k, a, out, ending);
        else
            snprintf(message, n, "codec \"%s\" is unknown, expected h264, h265, vp9, av1 or ffv1", s->codec);
        return *message ? NULL : take(k, a, s, message, n);
    }
    /* The source's codec, else the one most widely supported. */
    const kind *own = kind_of(a->codec);
    const kind *order[] = {own ? own : &kinds[0], &kinds[0], &kinds[2], &kinds[3]};
    char first[160] = "";
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        char no[160];
        why_not(no, sizeof no, order[i], a, out, ending);
        if (!*no) {
            if (*first)
                snprintf(why, why_n, "%s: %s is used", first, order[i]->name);
            return take(order[i], a, s, message, n);
        }
        if (!*first)
            snprintf(first, sizeof first, "%s", no);
    }
    snprintf(message, n, "no encoder for it: %s", first);
    return NULL;
}

/* ---- the encoder ---- */

/* The AVX-512 code of x264 0.164 reads uninitialised memory, so its bytes differ from run to run; that for AVX2 does
 * not. Without AVX2, x264 chooses by itself. */
static const char *x264_code(void) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx512f"))
        return "asm=avx2";
#endif
    return "";
}

static void set_quality(AVCodecContext *e, const kind *k, int quality, int interval) {
    const int q = quality < 0 ? k->usual : quality;
    char text[160];
    switch (k->id) {
    case AV_CODEC_ID_H264:
        av_opt_set(e->priv_data, "preset", "medium", 0);
        av_opt_set_int(e->priv_data, "rc-lookahead", LOOKAHEAD, 0);
        av_opt_set(e->priv_data, "x264-params", x264_code(), 0);
        av_opt_set_double(e->priv_data, q ? "crf" : "qp", q, 0);
        break;
    case AV_CODEC_ID_HEVC:
        av_opt_set(e->priv_data, "preset", "fast", 0);
        av_opt_set_double(e->priv_data, "crf", q, 0);
        snprintf(text, sizeof text, "log-level=none:open-gop=0:keyint=%d:pools=2:frame-threads=2%s", interval,
                 q ? "" : ":lossless=1");
        av_opt_set(e->priv_data, "x265-params", text, 0);
        break;
    case AV_CODEC_ID_VP9:
        av_opt_set(e->priv_data, "deadline", "good", 0);
        av_opt_set_int(e->priv_data, "cpu-used", 4, 0);
        av_opt_set_int(e->priv_data, "row-mt", 0, 0);
        if (q)
            av_opt_set_int(e->priv_data, "crf", q, 0);
        else
            av_opt_set_int(e->priv_data, "lossless", 1, 0);
        break;
    case AV_CODEC_ID_AV1:
        av_opt_set_int(e->priv_data, "cpu-used", 6, 0);
        av_opt_set_int(e->priv_data, "row-mt", 0, 0);
        av_opt_set_int(e->priv_data, "crf", q, 0);
        if (!q)
            av_opt_set(e->priv_data, "aom-params", "lossless=1", 0);
        break;
    default:
        av_opt_set_int(e->priv_data, "slicecrc", 1, 0);
        e->level = 3;
        e->gop_size = 1;
    }
}

AVCodecContext *av_encoder_context(const idem_av_facts *a, const idem_av_settings *s, char *message, size_t n) {
    const kind *k = kind_of(s->codec);
    const AVCodec *codec = k ? avcodec_find_encoder_by_name(k->encoder) : NULL;
    AVCodecContext *e = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!e) {
        snprintf(message, n, "FFmpeg has no encoder %s here", k ? k->encoder : "of that name");
        return NULL;
    }
    e->width = a->width;
    e->height = a->height;
    e->pix_fmt = format_of(a->format);
    e->time_base = (AVRational){a->time_base[0], a->time_base[1]};
    e->framerate = a->rate[0] > 0 && a->rate[1] > 0 ? (AVRational){a->rate[0], a->rate[1]} : (AVRational){25, 1};
    e->sample_aspect_ratio = (AVRational){a->aspect[0], a->aspect[1] ? a->aspect[1] : 1};
    e->color_range = e->pix_fmt != (enum AVPixelFormat)a->format ? AVCOL_RANGE_JPEG : (enum AVColorRange)a->range;
    e->colorspace = (enum AVColorSpace)a->matrix;
    e->color_primaries = (enum AVColorPrimaries)a->primaries;
    e->color_trc = (enum AVColorTransferCharacteristic)a->transfer;
    e->chroma_sample_location = (enum AVChromaLocation)a->location;
    e->gop_size = s->interval;
    e->thread_count = ENCODER_THREADS;
    e->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_CLOSED_GOP;
    e->bit_rate = 0;
    set_quality(e, k, s->quality, s->interval);
    av_last_line_clear();
    const int error = avcodec_open2(e, codec, NULL);
    if (error < 0) {
        const char *line = av_last_line();
        snprintf(message, n, "the encoder %s does not take %d x %d pictures of %s: %s", k->encoder, a->width, a->height,
                 a->pixels, *line ? line : av_error_text(error).text);
        avcodec_free_context(&e);
    }
    return e;
}

struct idem_av_encoder {
    AVCodecContext *context;
    AVPacket *packet;
};

int av_encoder_open(idem_av_encoder **out, const idem_av_facts *facts, const idem_av_settings *settings, char *message,
                    size_t n) {
    idem_av_encoder *e = calloc(1, sizeof *e);
    *out = NULL;
    if (!e || !(e->packet = av_packet_alloc())) {
        free(e);
        return av_refuse(message, n, "out of memory for an encoder");
    }
    if (!(e->context = av_encoder_context(facts, settings, message, n))) {
        av_encoder_close(e);
        return -1;
    }
    *out = e;
    return 0;
}

static int hand_on(idem_av_encoder *e, idem_av_sink *sink, void *user, char *message, size_t n) {
    for (;;) {
        const int error = avcodec_receive_packet(e->context, e->packet);
        if (error == AVERROR(EAGAIN) || error == AVERROR_EOF)
            return 0;
        if (error < 0)
            return av_refuse(message, n, "encoding failed: %s", av_error_text(error).text);
        const idem_av_packet p = {.pts = e->packet->pts,
                                  .key = e->packet->flags & AV_PKT_FLAG_KEY ? 1 : 0,
                                  .data = e->packet->data,
                                  .size = (size_t)e->packet->size};
        const int status = sink(user, &p);
        av_packet_unref(e->packet);
        if (status) {
            *message = 0; /* the sink sets its own */
            return -1;
        }
    }
}

int av_encoder_put(idem_av_encoder *e, idem_av_frame *frame, const idem_av_stamp *stamp, idem_av_sink *sink, void *user,
                   char *message, size_t n) {
    AVFrame *f = (AVFrame *)frame;
    if (f) {
        f->pts = stamp->pts;
        f->pict_type = AV_PICTURE_TYPE_NONE;
        f->format = e->context->pix_fmt;
        f->color_range = e->context->color_range;
        av_frame_remove_side_data(f, AV_FRAME_DATA_SEI_UNREGISTERED); /* data written by devices */
    }
    const int error = avcodec_send_frame(e->context, f);
    if (error < 0)
        return av_refuse(message, n, "encoding failed: %s", av_error_text(error).text);
    return hand_on(e, sink, user, message, n);
}

void av_encoder_close(idem_av_encoder *e) {
    if (!e)
        return;
    av_packet_free(&e->packet);
    avcodec_free_context(&e->context);
    free(e);
}
