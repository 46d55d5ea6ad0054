#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

#include "base/status.h"
#include "media/codec.h"

static const char *reason(VP8StatusCode code) {
    switch (code) {
    case VP8_STATUS_OUT_OF_MEMORY:
        return "no memory";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return "a feature that the decoder does not support";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return "the data ends too early";
    default:
        return "the data is damaged";
    }
}

/* One still picture, or a frame of an animation, into out->pixels at (left, top). */
static int decode(idem_decoded *out, const uint8_t *bytes, size_t size, int left, int top, const char *what) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config))
        return idem_fail_as(IDEM_INTERNAL, "the WebP library has another version than the one idem was built for");
    const size_t channels = (size_t)out->channels, row = (size_t)out->width * channels;
    const size_t from = (size_t)top * row + (size_t)left * channels;
    config.output.colorspace = out->channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = out->pixels + from;
    config.output.u.RGBA.stride = (int)row;
    config.output.u.RGBA.size = row * (size_t)out->height - from;
    VP8StatusCode code = WebPDecode(bytes, size, &config);
    WebPFreeDecBuffer(&config.output);
    return code == VP8_STATUS_OK ? 0 : idem_fail("%s: the WebP picture cannot be decoded: %s", what, reason(code));
}

/* The first frame at its position on the canvas, which is transparent elsewhere. */
static int decode_frame(idem_decoded *out, const WebPDemuxer *demuxer, const char *what) {
    WebPIterator frame;
    if (!WebPDemuxGetFrame(demuxer, 1, &frame))
        return idem_fail("%s: the WebP animation has no picture", what);
    int status;
    if (frame.x_offset < 0 || frame.y_offset < 0 || frame.width < 1 || frame.height < 1 ||
        frame.width > out->width - frame.x_offset || frame.height > out->height - frame.y_offset)
        status = idem_fail("%s: the first picture of the WebP animation is outside its canvas", what);
    else
        status = decode(out, frame.fragment.bytes, frame.fragment.size, frame.x_offset, frame.y_offset, what);
    if (frame.num_frames > 1)
        out->notes |= IDEM_NOTE_FRAMES;
    WebPDemuxReleaseIterator(&frame);
    return status;
}

/* The data besides the pixels. */
static int take_chunks(idem_decoded *out, const WebPDemuxer *demuxer, const char *what) {
    WebPChunkIterator chunk;
    int status = 0;
    if (WebPDemuxGetChunk(demuxer, "ICCP", 1, &chunk)) {
        status = idem_decoded_set_profile(out, chunk.chunk.bytes, chunk.chunk.size, what);
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk)) {
        do
            out->orientation = idem_exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
        while (!out->orientation && WebPDemuxNextChunk(&chunk));
        WebPDemuxReleaseChunkIterator(&chunk);
    }
    return status;
}

/* Files of the simple format contain only one picture. */
static bool is_extended(const unsigned char *bytes, size_t size) {
    return size >= 16 && memcmp(bytes + 12, "VP8X", 4) == 0;
}

int idem_webp_parse(idem_decoded *d, const unsigned char *bytes, size_t size, const char *what) {
    WebPBitstreamFeatures features;
    VP8StatusCode code = WebPGetFeatures(bytes, size, &features);
    if (code != VP8_STATUS_OK)
        return idem_fail("%s: not a readable WebP header: %s", what, reason(code));
    if (idem_image_check_size((uint64_t)features.width, (uint64_t)features.height, what) < 0)
        return -1;
    d->width = features.width;
    d->height = features.height;
    d->channels = features.has_alpha || features.has_animation ? 4 : 3;
    if (!(d->pixels = calloc((size_t)d->width * (size_t)d->height, (size_t)d->channels)))
        return idem_fail_as(IDEM_MEMORY, "%s: no memory for a picture of %d x %d", what, d->width, d->height);
    if (!is_extended(bytes, size))
        return decode(d, bytes, size, 0, 0, what);
    WebPDemuxState state;
    WebPDemuxer *demuxer = WebPDemuxPartial(&(WebPData){bytes, size}, &state);
    if (!demuxer && features.has_animation)
        return idem_fail("%s: the WebP animation cannot be read: the data is damaged or ends too early", what);
    int status = features.has_animation ? decode_frame(d, demuxer, what) : decode(d, bytes, size, 0, 0, what);
    if (!status && demuxer)
        status = take_chunks(d, demuxer, what);
    WebPDemuxDelete(demuxer);
    return status;
}
