/* Separable resampling of 8-bit pictures with the semantics of Pillow, which was used to train published face
 * pipelines: the filter is stretched by the scale when shrinking, weights are integers of 22 fractional bits, and the
 * picture between the horizontal and the vertical pass is rounded to 8 bits. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "media/image.h"

enum { FRACTION_BITS = 22 };

typedef struct {
    double (*weight)(double x, double stretch); /* of an input pixel whose centre is x input pixels away */
    double reach;                               /* weight is 0 beyond reach * stretch */
} filter;

typedef struct {
    int taps;         /* capacity per output position */
    int *first;       /* [out]: first input position */
    int *count;       /* [out]: taps used */
    int32_t *taps_at; /* [out, taps] */
} kernel;

static double triangle(double x, double stretch) {
    x = fabs(x) / stretch;
    return x < 1.0 ? 1.0 - x : 0.0;
}

static double sinc(double x) {
    x *= 2.0 * acos(0.0);
    return x == 0.0 ? 1.0 : sin(x) / x;
}

static double lanczos(double x, double stretch) {
    x /= stretch;
    return fabs(x) < 3.0 ? sinc(x) * sinc(x / 3.0) : 0.0;
}

/* The part of the input pixel within half a stretch of the centre. */
static double coverage(double x, double stretch) {
    double left = fmax(x - 0.5, -0.5 * stretch), right = fmin(x + 0.5, 0.5 * stretch);
    return right > left ? right - left : 0.0;
}

static const filter TRIANGLE = {triangle, 1.0}, LANCZOS = {lanczos, 3.0}, AREA = {coverage, 1.0};

static void kernel_free(kernel *k) {
    free(k->first);
    free(k->count);
    free(k->taps_at);
}

static int kernel_make(kernel *k, const filter *f, int in, int out) {
    double scale = (double)in / out;
    double stretch = scale > 1.0 ? scale : 1.0;
    double support = f->reach * stretch;
    k->taps = (int)ceil(support) * 2 + 1;
    k->first = malloc((size_t)out * sizeof *k->first);
    k->count = malloc((size_t)out * sizeof *k->count);
    k->taps_at = calloc((size_t)out * (size_t)k->taps, sizeof *k->taps_at);
    double *w = malloc((size_t)k->taps * sizeof *w);
    if (!k->first || !k->count || !k->taps_at || !w) {
        free(w);
        return idem_fail("no memory to resize %d to %d pixels", in, out);
    }
    for (int o = 0; o < out; o++) {
        double centre = (o + 0.5) * scale;
        int first = (int)(centre - support + 0.5);
        int end = (int)(centre + support + 0.5);
        first = first > 0 ? first : 0;
        end = end < in ? end : in;
        double sum = 0.0;
        for (int i = first; i < end; i++) {
            w[i - first] = f->weight(i - centre + 0.5, stretch);
            sum += w[i - first];
        }
        for (int i = first; i < end; i++) {
            double weight = sum != 0.0 ? w[i - first] / sum : w[i - first];
            k->taps_at[(size_t)o * (size_t)k->taps + (size_t)(i - first)] =
                (int32_t)lround(weight * (1 << FRACTION_BITS));
        }
        k->first[o] = first;
        k->count[o] = end - first;
    }
    free(w);
    return 0;
}

static uint8_t to_byte(int32_t sum) {
    sum >>= FRACTION_BITS;
    return (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum);
}

static void pass_horizontal(idem_image *out, const idem_image *in, const kernel *k) {
    for (int y = 0; y < out->height; y++) {
        const uint8_t *row = in->rgb + (size_t)y * (size_t)in->width * 3;
        uint8_t *to = out->rgb + (size_t)y * (size_t)out->width * 3;
        for (int x = 0; x < out->width; x++) {
            const int32_t *w = k->taps_at + (size_t)x * (size_t)k->taps;
            const uint8_t *from = row + (size_t)k->first[x] * 3;
            int32_t r = 1 << (FRACTION_BITS - 1), g = r, b = r;
            for (int i = 0; i < k->count[x]; i++) {
                r += from[3 * i] * w[i];
                g += from[3 * i + 1] * w[i];
                b += from[3 * i + 2] * w[i];
            }
            to[3 * x] = to_byte(r);
            to[3 * x + 1] = to_byte(g);
            to[3 * x + 2] = to_byte(b);
        }
    }
}

/* Row by row with one row of sums, so that memory is read in order. */
static int pass_vertical(idem_image *out, const idem_image *in, const kernel *k) {
    size_t stride = (size_t)in->width * 3;
    int32_t *sum = malloc(stride * sizeof *sum);
    if (!sum)
        return idem_fail("no memory to resize a row of %d pixels", in->width);
    for (int y = 0; y < out->height; y++) {
        const int32_t *w = k->taps_at + (size_t)y * (size_t)k->taps;
        for (size_t i = 0; i < stride; i++)
            sum[i] = 1 << (FRACTION_BITS - 1);
        for (int t = 0; t < k->count[y]; t++) {
            const uint8_t *row = in->rgb + (size_t)(k->first[y] + t) * stride;
            for (size_t i = 0; i < stride; i++)
                sum[i] += row[i] * w[t];
        }
        uint8_t *to = out->rgb + (size_t)y * stride;
        for (size_t i = 0; i < stride; i++)
            to[i] = to_byte(sum[i]);
    }
    free(sum);
    return 0;
}

static int resize_width(idem_image *out, const idem_image *in, const filter *f, int width) {
    kernel k = {0};
    int status = idem_image_new(out, width, in->height);
    if (status == 0)
        status = kernel_make(&k, f, in->width, width);
    if (status == 0)
        pass_horizontal(out, in, &k);
    kernel_free(&k);
    return status;
}

static int resize_height(idem_image *out, const idem_image *in, const filter *f, int height) {
    kernel k = {0};
    int status = idem_image_new(out, in->width, height);
    if (status == 0)
        status = kernel_make(&k, f, in->height, height);
    if (status == 0)
        status = pass_vertical(out, in, &k);
    kernel_free(&k);
    return status;
}

static int resize(idem_image *out, const idem_image *in, const filter *f, int width, int height) {
    idem_image wide = {0}, made = {0};
    const idem_image *from = in;
    int status = 0;
    /* No pass for a side of unchanged length. */
    if (width != in->width) {
        status = resize_width(&wide, in, f, width);
        from = &wide;
    }
    if (status == 0 && height != in->height) {
        status = resize_height(&made, from, f, height);
    } else if (status == 0 && from == &wide) {
        made = wide;
        wide = (idem_image){0};
    } else if (status == 0) {
        status = idem_image_new(&made, width, height);
        if (status == 0)
            memcpy(made.rgb, in->rgb, (size_t)width * (size_t)height * 3);
    }
    idem_image_free(&wide);
    if (status < 0)
        idem_image_free(&made);
    *out = made;
    return status;
}

int idem_image_resize(idem_image *out, const idem_image *in, int width, int height) {
    return resize(out, in, &TRIANGLE, width, height);
}

int idem_image_resize_lanczos(idem_image *out, const idem_image *in, int width, int height) {
    return resize(out, in, &LANCZOS, width, height);
}

int idem_image_resize_area(idem_image *out, const idem_image *in, int width, int height) {
    return resize(out, in, &AREA, width, height);
}
