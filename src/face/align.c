#include "face/align.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/gaussian.h"
#include "base/status.h"
#include "face/warp.h"

/* The script's numbers, in parts of the frame's side. */
static const double border = 0.1;     /* kept around the frame */
static const double padding = 0.3;    /* least extension of the photograph, if it is extended */
static const double softening = 0.02; /* standard deviation of the blur */
static const double slack = 4;        /* pixels of border that may be missing */

int idem_align_frame(idem_crop *frame, const float (*points)[2], int width, int height) {
    double eyes[2][2] = {{0}}, mouth[2], size[2] = {width, height};
    for (int k = 0; k < 2; k++) {
        for (int i = 0; i < 6; i++) {
            eyes[0][k] += (double)points[36 + i][k] * size[k] / 6;
            eyes[1][k] += (double)points[42 + i][k] * size[k] / 6;
        }
        mouth[k] = ((double)points[48][k] + (double)points[54][k]) / 2 * size[k];
    }
    double ex = eyes[1][0] - eyes[0][0], ey = eyes[1][1] - eyes[0][1];
    double cx = (eyes[0][0] + eyes[1][0]) / 2, cy = (eyes[0][1] + eyes[1][1]) / 2;
    double mx = mouth[0] - cx, my = mouth[1] - cy;
    double x = ex + my, y = ey - mx, length = hypot(x, y);
    double half = fmax(2.0 * hypot(ex, ey), 1.8 * hypot(mx, my));
    if (!(isfinite(length) && isfinite(half) && length > 0 && half > 0))
        return idem_fail("aligning a face: eyes and mouth coincide or are not finite");
    x *= half / length;
    y *= half / length;
    cx += 0.1 * mx;
    cy += 0.1 * my;
    /* Corner (0, 0) is centre - (x, y) - (-y, x); the sides from there are 2 (x, y) and 2 (-y, x). */
    *frame = (idem_crop){{(float)(2 * x / width), (float)(-2 * y / width), (float)((cx - x + y) / width),
                          (float)(2 * y / height), (float)(2 * x / height), (float)((cy - y - x) / height)}};
    return 0;
}

double idem_align_side(const idem_crop *frame, int width, int height) {
    return hypot((double)frame->m[0] * width, (double)frame->m[3] * height);
}

double idem_align_off(const idem_crop *frame) {
    static const float corners[4][2] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};
    float at[4][2];
    double sum = 0;
    idem_crop_points(at, corners, 4, frame);
    for (int i = 0; i < 4; i++)
        sum += hypot((double)at[i][0] - corners[i][0], (double)at[i][1] - corners[i][1]) / 4;
    return sum;
}

/* ---- beyond the photograph ---- */

enum { CORNERS_MAX = 20 }; /* four cuts of a quadrangle give 8 corners; rounding may add half as many per cut */

/* Clips a convex polygon at x (axis 0) or y (1) = limit, by Sutherland and Hodgman 1974; returns the number of its
 * corners. */
static int clip(double (*out)[2], const double (*in)[2], int n, int axis, double limit, bool below) {
    int kept = 0;
    for (int i = 0; i < n; i++) {
        const double *a = in[i], *b = in[(i + 1) % n], da = a[axis] - limit, db = b[axis] - limit;
        if (below ? da <= 0 : da >= 0)
            memcpy(out[kept++], a, sizeof *out);
        if ((da < 0 && db > 0) || (da > 0 && db < 0)) {
            out[kept][axis] = limit;
            out[kept++][!axis] = a[!axis] + (b[!axis] - a[!axis]) * da / (da - db);
        }
    }
    return kept;
}

/* The shoelace formula. */
static double area(const double (*p)[2], int n) {
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += p[i][0] * p[(i + 1) % n][1] - p[(i + 1) % n][0] * p[i][1];
    return fabs(sum) / 2;
}

double idem_align_outside(const idem_crop *frame) {
    const float *m = frame->m;
    double p[2][CORNERS_MAX][2] = {{{m[2], m[5]},
                                    {m[0] + (double)m[2], m[3] + (double)m[5]},
                                    {m[0] + (double)m[1] + m[2], m[3] + (double)m[4] + m[5]},
                                    {m[1] + (double)m[2], m[4] + (double)m[5]}}};
    const double whole = area((const double(*)[2])p[0], 4);
    int n = 4;
    for (int side = 0; side < 4; side++)
        n = clip(p[!(side % 2)], (const double(*)[2])p[side % 2], n, side / 2, side % 2, side % 2);
    const double outside = 1 - area((const double(*)[2])p[0], n) / whole;
    return outside > 1e-6 ? fmin(outside, 1) : outside <= 1e-6 ? 0 : 1; /* NaN without an area */
}

typedef struct {
    double left, top, right, bottom; /* pixels by which the photograph is extended */
} margins;

/* Whether the frame with its border exceeds the photograph, and by how much the photograph is then extended. */
static bool find_margins(margins *m, const idem_image *photo, const idem_crop *frame) {
    double side = idem_align_side(frame, photo->width, photo->height);
    double border_pixels = fmax(rint(side * border), 3), least = rint(side * padding);
    double x0 = HUGE_VAL, y0 = HUGE_VAL, x1 = -HUGE_VAL, y1 = -HUGE_VAL;
    for (int i = 0; i < 4; i++) {
        float at[1][2] = {{(float)(i & 1), (float)(i >> 1)}};
        idem_crop_points(at, (const float(*)[2])at, 1, frame);
        x0 = fmin(x0, (double)at[0][0] * photo->width);
        x1 = fmax(x1, (double)at[0][0] * photo->width);
        y0 = fmin(y0, (double)at[0][1] * photo->height);
        y1 = fmax(y1, (double)at[0][1] * photo->height);
    }
    *m = (margins){border_pixels - x0, border_pixels - y0, x1 - photo->width + border_pixels,
                   y1 - photo->height + border_pixels};
    bool leaves = fmax(fmax(m->left, m->right), fmax(m->top, m->bottom)) > border_pixels - slack;
    m->left = fmax(m->left, least);
    m->top = fmax(m->top, least);
    m->right = fmax(m->right, least);
    m->bottom = fmax(m->bottom, least);
    return leaves;
}

static int fold(int i, int n) {
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* Gaussian blur of [side, side, 3], edges repeated. */
static int blur(float *out, const float *in, int side, double sigma) {
    int reach = (int)ceil(3 * sigma);
    float *weight = malloc((size_t)(2 * reach + 1) * sizeof *weight);
    float *across = malloc((size_t)side * (size_t)side * 3 * sizeof *across);
    if (!weight || !across) {
        free(weight);
        free(across);
        return idem_fail_as(IDEM_MEMORY, "out of memory for a picture of %d x %d", side, side);
    }
    idem_gaussian(weight, reach, sigma);
    size_t row = (size_t)side * 3;
    for (int pass = 0; pass < 2; pass++) {
        const float *from = pass ? across : in;
        float *to = pass ? out : across;
        memset(to, 0, (size_t)side * row * sizeof *to);
        for (int y = 0; y < side; y++)
            for (int i = -reach; i <= reach; i++) {
                float w = weight[i + reach];
                if (pass) {
                    const float *line = from + (size_t)fold(y + i, side) * row;
                    for (size_t k = 0; k < row; k++)
                        to[(size_t)y * row + k] += w * line[k];
                } else {
                    for (int x = 0; x < side; x++)
                        for (size_t c = 0; c < 3; c++)
                            to[(size_t)y * row + 3 * (size_t)x + c] +=
                                w * from[(size_t)y * row + 3 * (size_t)fold(x + i, side) + c];
                }
            }
    }
    free(weight);
    free(across);
    return 0;
}

/* Median of one channel, to a level of 8 bits. */
static float median(const float *x, size_t pixels) {
    size_t count[256] = {0}, below = 0;
    for (size_t i = 0; i < pixels; i++)
        count[(int)fminf(fmaxf(x[3 * i] + 0.5f, 0), 255)]++;
    int level = 0;
    while ((below += count[level]) <= pixels / 2 && level < 255)
        level++;
    return (float)level;
}

/* The farther outside, the more blur and median colour; the blur begins a third of a margin inside. */
static int soften(float *x, int side, const idem_image *photo, const idem_crop *frame, const margins *m) {
    size_t pixels = (size_t)side * (size_t)side;
    float *blurred = malloc(pixels * 3 * sizeof *blurred);
    if (!blurred)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a picture of %d x %d", side, side);
    if (blur(blurred, x, side, softening * side)) {
        free(blurred);
        return -1;
    }
    float colour[3];
    for (int c = 0; c < 3; c++)
        colour[c] = median(x + c, pixels);
    for (size_t i = 0; i < pixels; i++) {
        float at[1][2] = {
            {((float)(i % (size_t)side) + 0.5f) / (float)side, ((float)(i / (size_t)side) + 0.5f) / (float)side}};
        idem_crop_points(at, (const float(*)[2])at, 1, frame);
        double px = (double)at[0][0] * photo->width, py = (double)at[0][1] * photo->height;
        double outside = fmax(fmax(-px / m->left, (px - photo->width) / m->right),
                              fmax(-py / m->top, (py - photo->height) / m->bottom));
        float blurring = (float)fmin(fmax(3 * outside + 1, 0), 1), fading = (float)fmin(fmax(outside, 0), 1);
        for (int c = 0; c < 3; c++) {
            float *v = &x[3 * i + (size_t)c];
            *v += (blurred[3 * i + (size_t)c] - *v) * blurring;
            *v += (colour[c] - *v) * fading;
        }
    }
    free(blurred);
    return 0;
}

int idem_align_picture(idem_image *out, const idem_image *photo, const idem_crop *frame, int side) {
    *out = (idem_image){0};
    if (side < 1 || side > 8192)
        return idem_fail("aligning a face: the side is %d pixels, expected 1 to 8192", side);
    float *x = malloc((size_t)side * (size_t)side * 3 * sizeof *x);
    if (!x)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a picture of %d x %d", side, side);
    margins m;
    int status = idem_warp(x, side, side, photo, frame, IDEM_WARP_REFLECT);
    if (!status && find_margins(&m, photo, frame))
        status = soften(x, side, photo, frame, &m);
    if (!status)
        status = idem_image_from_float(out, x, side, side, 0, 255);
    free(x);
    return status;
}
