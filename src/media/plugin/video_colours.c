/* From samples to upright RGB, and its changes back into the samples. */
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/plugin/video_private.h"

enum { ALIGN = 64 };

struct idem_av_colours {
    idem_av_facts facts;
    struct SwsContext *scale;
    uint8_t *stored;  /* rows of `stride` bytes, as stored */
    uint8_t *upright; /* of colours_put */
    int stride;
    double kr, kb, luma, chroma; /* the matrix; an 8-bit step of RGB in samples */
    int16_t *change;             /* [height, width, 3], as stored */
};

static int shown_width(const idem_av_facts *a) {
    return a->upright[0] ? a->width : a->height;
}

static int matrix_of(const idem_av_facts *a) {
    if (a->matrix != AVCOL_SPC_UNSPECIFIED)
        return a->matrix;
    return a->width >= 1280 || a->height > 576 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
}

static void set_matrix(idem_av_colours *c) {
    const idem_av_facts *a = &c->facts;
    switch (matrix_of(a)) {
    case AVCOL_SPC_BT709:
        c->kr = 0.2126, c->kb = 0.0722;
        break;
    case AVCOL_SPC_FCC:
        c->kr = 0.30, c->kb = 0.11;
        break;
    case AVCOL_SPC_SMPTE240M:
        c->kr = 0.212, c->kb = 0.087;
        break;
    case AVCOL_SPC_BT2020_NCL:
        c->kr = 0.2627, c->kb = 0.0593;
        break;
    default:
        c->kr = 0.299, c->kb = 0.114;
    }
    const double full = (double)((1 << a->bits) - 1) / 255, unit = (double)(1 << a->bits) / 256;
    c->luma = a->full_range ? full : 219 * unit / 255;
    c->chroma = a->full_range ? full : 224 * unit / 255;
}

static int set_scale(idem_av_colours *c, char *message, size_t n) {
    const idem_av_facts *a = &c->facts;
    const int flags = SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT;
    c->scale = sws_getContext(a->width, a->height, (enum AVPixelFormat)a->format, a->width, a->height, AV_PIX_FMT_RGB24,
                              flags, NULL, NULL, NULL);
    if (!c->scale)
        return av_refuse(message, n, "its samples (%s) cannot be converted to RGB", a->pixels);
    const int which = matrix_of(a);
    const int *table = sws_getCoefficients(which == AVCOL_SPC_RGB ? SWS_CS_DEFAULT : which);
    sws_setColorspaceDetails(c->scale, table, a->full_range, sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16,
                             1 << 16);
    return 0;
}

int av_colours_open(idem_av_colours **out, const idem_av_facts *facts, char *message, size_t n) {
    idem_av_colours *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c)
        return av_refuse(message, n, "out of memory for a clip's colours");
    c->facts = *facts;
    c->stride = (3 * facts->width + 2 * ALIGN - 1) / ALIGN * ALIGN;
    const size_t pixels = (size_t)facts->width * (size_t)facts->height;
    c->stored = malloc((size_t)c->stride * (size_t)facts->height + ALIGN);
    c->upright = malloc(3 * pixels);
    c->change = malloc(3 * pixels * sizeof *c->change);
    set_matrix(c);
    if (!c->stored || !c->upright || !c->change || set_scale(c, message, n)) {
        if (!c->stored || !c->upright || !c->change)
            snprintf(message, n, "out of memory for a clip's colours");
        av_colours_close(c);
        return -1;
    }
    *out = c;
    return 0;
}

void av_colours_close(idem_av_colours *c) {
    if (!c)
        return;
    sws_freeContext(c->scale);
    free(c->stored);
    free(c->upright);
    free(c->change);
    free(c);
}

/* The shown position of the stored pixel (x, y): start + x * right + y * down, in pixels. */
typedef struct {
    ptrdiff_t start, right, down;
} walk;

static walk walk_of(const idem_av_facts *a) {
    const int *u = a->upright;
    const ptrdiff_t row = shown_width(a);
    const ptrdiff_t left = (u[0] < 0 ? a->width - 1 : 0) + (u[2] < 0 ? a->height - 1 : 0);
    const ptrdiff_t top = (u[1] < 0 ? a->width - 1 : 0) + (u[3] < 0 ? a->height - 1 : 0);
    return (walk){top * row + left, u[0] + u[1] * row, u[2] + u[3] * row};
}

int av_colours_get(idem_av_colours *c, const idem_av_frame *frame, uint8_t *rgb, char *message, size_t n) {
    const AVFrame *f = (const AVFrame *)frame;
    const idem_av_facts *a = &c->facts;
    uint8_t *const to[4] = {c->stored};
    const int strides[4] = {c->stride};
    if (sws_scale(c->scale, (const uint8_t *const *)f->data, f->linesize, 0, a->height, to, strides) != a->height)
        return av_refuse(message, n, "its samples (%s) cannot be converted to RGB", a->pixels);
    const walk w = walk_of(a);
    for (int y = 0; y < a->height; y++) {
        const uint8_t *from = c->stored + (ptrdiff_t)y * c->stride;
        uint8_t *at = rgb + 3 * (w.start + y * w.down);
        if (w.right == 1)
            memcpy(at, from, 3 * (size_t)a->width);
        else
            for (int x = 0; x < a->width; x++, from += 3, at += 3 * w.right)
                memcpy(at, from, 3);
    }
    return 0;
}

/* change: rgb minus the frame's colours, as stored; and the box (x0, y0, x1, y1) of all changes. */
static bool find_change(idem_av_colours *c, const uint8_t *rgb, int box[4]) {
    const idem_av_facts *a = &c->facts;
    const walk w = walk_of(a);
    box[0] = a->width, box[1] = a->height, box[2] = box[3] = 0;
    for (int y = 0; y < a->height; y++)
        for (int x = 0; x < a->width; x++) {
            const ptrdiff_t from = 3 * (w.start + y * w.down + x * w.right);
            int16_t *to = c->change + 3 * ((size_t)y * (size_t)a->width + (size_t)x);
            bool changed = false;
            for (int k = 0; k < 3; k++) {
                const int d = rgb[from + k] - c->upright[from + k];
                to[k] = (int16_t)d;
                changed |= d != 0;
            }
            if (changed) {
                box[0] = x < box[0] ? x : box[0];
                box[1] = y < box[1] ? y : box[1];
                box[2] = x >= box[2] ? x + 1 : box[2];
                box[3] = y >= box[3] ? y + 1 : box[3];
            }
        }
    return box[2] > box[0];
}

/* After a large change of colour the sample becomes `to`; after a small one (t near 0) it moves by `by`, which keeps
 * what RGB cannot represent: finer steps and colours outside the cube. */
static void change_sample(const idem_av_colours *c, AVFrame *f, int plane, int x, int y, double by, double to,
                          double t) {
    const double most = (double)((1 << c->facts.bits) - 1);
    uint8_t *row = f->data[plane] + (ptrdiff_t)y * f->linesize[plane];
    uint16_t *deep = (uint16_t *)row + x;
    const bool is_deep = c->facts.bits > 8;
    const double was = is_deep ? *deep : row[x];
    const double v = fmin(fmax(floor((1 - t) * (was + by) + t * to + 0.5), 0), most);
    if (is_deep)
        *deep = (uint16_t)v;
    else
        row[x] = (uint8_t)v;
}

/* The amount of change: 0 .. 1 for steps of RGB of 0 .. much. */
static double much_changed(double r, double g, double b) {
    static const double much = 16;
    const double most = fmax(fmax(fabs(r), fabs(g)), fabs(b));
    return fmin(most / much, 1);
}

static double luma_of(const idem_av_colours *c, double r, double g, double b) {
    return c->kr * r + (1 - c->kr - c->kb) * g + c->kb * b;
}

static double black_of(const idem_av_colours *c) {
    return c->facts.full_range ? 0 : (double)(16 << c->facts.bits) / 256;
}

static void put_luma(idem_av_colours *c, AVFrame *f, const int box[4]) {
    static const int plane_of[3] = {2, 0, 1}; /* of red, green, blue */
    for (int y = box[1]; y < box[3]; y++)
        for (int x = box[0]; x < box[2]; x++) {
            const int16_t *d = c->change + 3 * ((size_t)y * (size_t)c->facts.width + (size_t)x);
            const uint8_t *was = c->stored + (ptrdiff_t)y * c->stride + 3 * x;
            const double r = d[0], g = d[1], b = d[2];
            if (r == 0 && g == 0 && b == 0)
                continue;
            const double t = much_changed(r, g, b);
            for (int k = 0; k < 3 && c->facts.rgb; k++)
                change_sample(c, f, plane_of[k], x, y, c->luma * d[k], c->luma * (was[k] + d[k]), t);
            if (!c->facts.rgb)
                change_sample(c, f, 0, x, y, c->luma * luma_of(c, r, g, b),
                              black_of(c) + c->luma * luma_of(c, was[0] + r, was[1] + g, was[2] + b), t);
        }
}

/* Means over the pixels of a chroma sample: of the change, and of the colours before it. With MPEG's left siting the
 * sample is at the left one of two pixels. */
static void mean_colours(const idem_av_colours *c, int x, int y, double change[3], double was[3]) {
    static const double at_left[3] = {0.25, 0.5, 0.25};
    const idem_av_facts *a = &c->facts;
    const int w = 1 << a->chroma_x, h = 1 << a->chroma_y;
    const bool left = w == 2 && a->location != AVCHROMA_LOC_CENTER && a->location != AVCHROMA_LOC_TOP &&
                      a->location != AVCHROMA_LOC_BOTTOM;
    double weight = 0;
    for (int k = 0; k < 3; k++)
        change[k] = was[k] = 0;
    for (int j = 0; j < h && y * h + j < a->height; j++)
        for (int i = left ? -1 : 0; i < w; i++) {
            const int px = x * w + i, py = y * h + j;
            if (px < 0 || px >= a->width)
                continue;
            const int16_t *d = c->change + 3 * ((size_t)py * (size_t)a->width + (size_t)px);
            const uint8_t *at = c->stored + (ptrdiff_t)py * c->stride + 3 * px;
            const double part = left ? at_left[i + 1] : 1;
            weight += part;
            for (int k = 0; k < 3; k++) {
                change[k] += part * d[k];
                was[k] += part * at[k];
            }
        }
    for (int k = 0; k < 3; k++) {
        change[k] /= weight;
        was[k] /= weight;
    }
}

static void put_chroma(idem_av_colours *c, AVFrame *f, const int box[4]) {
    const idem_av_facts *a = &c->facts;
    const int w = 1 << a->chroma_x, h = 1 << a->chroma_y;
    const double grey = (double)(1 << (a->bits - 1)), scale_b = c->chroma / (2 * (1 - c->kb)),
                 scale_r = c->chroma / (2 * (1 - c->kr));
    for (int y = box[1] / h; y * h < box[3]; y++)
        for (int x = box[0] / w; x * w <= box[2] && x * w < a->width; x++) {
            double d[3], was[3];
            mean_colours(c, x, y, d, was);
            if (d[0] == 0 && d[1] == 0 && d[2] == 0)
                continue;
            const double t = much_changed(d[0], d[1], d[2]), luma = luma_of(c, d[0], d[1], d[2]);
            const double to = luma_of(c, was[0] + d[0], was[1] + d[1], was[2] + d[2]);
            change_sample(c, f, 1, x, y, scale_b * (d[2] - luma), grey + scale_b * (was[2] + d[2] - to), t);
            change_sample(c, f, 2, x, y, scale_r * (d[0] - luma), grey + scale_r * (was[0] + d[0] - to), t);
        }
}

int av_colours_put(idem_av_colours *c, idem_av_frame *frame, const uint8_t *rgb, char *message, size_t n) {
    AVFrame *f = (AVFrame *)frame;
    int box[4];
    if (av_colours_get(c, frame, c->upright, message, n))
        return -1;
    if (!find_change(c, rgb, box))
        return 0;
    if (av_frame_make_writable(f) < 0)
        return av_refuse(message, n, "out of memory for a picture");
    put_luma(c, f, box);
    if (!c->facts.rgb && !c->facts.grey)
        put_chroma(c, f, box);
    return 0;
}
