#include "face/paste.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "face/align.h"

enum { HULL_MAX = 27 }; /* jaw and brows */

/* In parts of the frame's side. */
static const double feather = 0.06; /* half the width of the mask's edge */
static const double forehead = 0.1; /* how far above the brows the mask reaches */

/* The convex hull of the jaw and of the raised brows, in pixels of the frame's unit square, counter-clockwise. */
typedef struct {
    double at[HULL_MAX][2];
    int n;
} hull;

static int by_x(const void *a, const void *b) {
    const double *p = a, *q = b;
    return p[0] != q[0] ? (p[0] > q[0]) - (p[0] < q[0]) : (p[1] > q[1]) - (p[1] < q[1]);
}

static double turn(const double *a, const double *b, const double *c) {
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

/* Andrew's monotone chain. */
static void make_hull(hull *h, double (*p)[2], int n) {
    double chain[2 * HULL_MAX][2];
    int k = 0;
    qsort(p, (size_t)n, sizeof *p, by_x);
    for (int pass = 0; pass < 2; pass++) {
        int start = k;
        for (int i = 0; i < n; i++) {
            const double *at = pass ? p[n - 1 - i] : p[i];
            while (k - start >= 2 && turn(chain[k - 2], chain[k - 1], at) <= 0)
                k--;
            chain[k][0] = at[0];
            chain[k++][1] = at[1];
        }
        k--; /* the last point begins the other half */
    }
    h->n = k < HULL_MAX ? k : HULL_MAX;
    for (int i = 0; i < h->n; i++)
        for (int c = 0; c < 2; c++)
            h->at[i][c] = chain[i][c];
}

static int face_hull(hull *h, const idem_crop *to_frame, const float (*points)[2]) {
    float at[HULL_MAX][2];
    double p[HULL_MAX][2];
    idem_crop_points(at, points, HULL_MAX, to_frame);
    for (int i = 0; i < HULL_MAX; i++) {
        p[i][0] = at[i][0];
        p[i][1] = at[i][1] - (i >= 17 ? forehead : 0);
        if (!isfinite(p[i][0]) || !isfinite(p[i][1]))
            return idem_fail("pasting a face: landmarks are not finite");
    }
    make_hull(h, p, HULL_MAX);
    return h->n >= 3 ? 0 : idem_fail("pasting a face: landmarks lie on a line");
}

/* 1 inside, 0 outside, with a smooth edge about the hull; nothing at the frame's own edge. */
static double mask_at(const hull *h, double u, double v) {
    double inside = HUGE_VAL; /* distance to the nearest edge's line, negative outside */
    for (int i = 0; i < h->n; i++) {
        const double *a = h->at[i], *b = h->at[(i + 1) % h->n], at[2] = {u, v};
        double length = hypot(b[0] - a[0], b[1] - a[1]);
        if (length > 0)
            inside = fmin(inside, turn(a, b, at) / length);
    }
    double border = fmin(fmin(u, 1 - u), fmin(v, 1 - v));
    double t = fmin(fmin((inside + feather) / (2 * feather), border / feather), 1);
    return t <= 0 ? 0 : t * t * (3 - 2 * t);
}

/* Per channel gain and shift that give the new face mean and deviation of the old one, under the mask. */
static void match_colours(double gain[3], double shift[3], const idem_image *face, const idem_image *old,
                          const hull *h) {
    double weight = 0, sum[2][3] = {{0}}, squares[2][3] = {{0}};
    int side = face->width;
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            double m = mask_at(h, (x + 0.5) / side, (y + 0.5) / side);
            size_t at = 3 * ((size_t)y * (size_t)side + (size_t)x);
            weight += m;
            for (int c = 0; c < 3 && m > 0; c++) {
                double v[2] = {face->rgb[at + (size_t)c], old->rgb[at + (size_t)c]};
                for (int k = 0; k < 2; k++) {
                    sum[k][c] += m * v[k];
                    squares[k][c] += m * v[k] * v[k];
                }
            }
        }
    for (int c = 0; c < 3; c++) {
        double mean[2], deviation[2];
        for (int k = 0; k < 2; k++) {
            mean[k] = weight > 0 ? sum[k][c] / weight : 0;
            deviation[k] = sqrt(fmax(weight > 0 ? squares[k][c] / weight - mean[k] * mean[k] : 0, 1));
        }
        gain[c] = fmin(fmax(deviation[1] / deviation[0], 0.5), 2);
        shift[c] = mean[1] - gain[c] * mean[0];
    }
}

/* Catmull-Rom, edges repeated: smooth where a small face is much enlarged. */
static void sample(double out[3], const idem_image *im, double u, double v) {
    double x = u * im->width - 0.5, y = v * im->height - 0.5, wx[4], wy[4];
    int x0 = (int)floor(x), y0 = (int)floor(y);
    for (int pass = 0; pass < 2; pass++) {
        double t = pass ? y - y0 : x - x0, *w = pass ? wy : wx;
        w[0] = ((2 - t) * t - 1) * t / 2;
        w[1] = ((3 * t - 5) * t * t + 2) / 2;
        w[2] = ((4 - 3 * t) * t + 1) * t / 2;
        w[3] = (t - 1) * t * t / 2;
    }
    out[0] = out[1] = out[2] = 0;
    for (int j = 0; j < 4; j++)
        for (int i = 0; i < 4; i++) {
            int px = x0 + i - 1, py = y0 + j - 1;
            px = px < 0 ? 0 : px >= im->width ? im->width - 1 : px;
            py = py < 0 ? 0 : py >= im->height ? im->height - 1 : py;
            const uint8_t *at = im->rgb + 3 * ((size_t)py * (size_t)im->width + (size_t)px);
            for (int c = 0; c < 3; c++)
                out[c] += wx[i] * wy[j] * at[c];
        }
}

/* Pixels of the photograph that the frame may touch: x0, y0, x1, y1. */
static void find_bounds(int bounds[4], const idem_image *photo, const idem_crop *frame) {
    double low[2] = {HUGE_VAL, HUGE_VAL}, high[2] = {-HUGE_VAL, -HUGE_VAL};
    const int size[2] = {photo->width, photo->height};
    for (int i = 0; i < 4; i++) {
        float at[1][2] = {{(float)(i & 1), (float)(i >> 1)}};
        idem_crop_points(at, (const float(*)[2])at, 1, frame);
        for (int k = 0; k < 2; k++) {
            low[k] = fmin(low[k], (double)at[0][k] * size[k]);
            high[k] = fmax(high[k], (double)at[0][k] * size[k]);
        }
    }
    for (int k = 0; k < 2; k++) {
        bounds[k] = (int)fmin(fmax(floor(low[k]), 0), size[k]);
        bounds[k + 2] = (int)fmin(fmax(ceil(high[k]), 0), size[k]);
    }
}

int idem_paste(idem_image *photo, const idem_image *face, const idem_crop *frame, const float (*points)[2]) {
    idem_crop back;
    hull h;
    idem_image old = {0};
    if (face->width < 1 || face->width != face->height)
        return idem_fail("pasting a face: the picture is %d x %d, expected a square", face->width, face->height);
    if (idem_crop_invert(&back, frame) || face_hull(&h, &back, points) ||
        idem_align_picture(&old, photo, frame, face->width))
        return -1;
    double gain[3], shift[3];
    int bounds[4];
    match_colours(gain, shift, face, &old, &h);
    find_bounds(bounds, photo, frame);
    for (int y = bounds[1]; y < bounds[3]; y++)
        for (int x = bounds[0]; x < bounds[2]; x++) {
            double px = (x + 0.5) / photo->width, py = (y + 0.5) / photo->height, colour[3];
            double u = back.m[0] * px + back.m[1] * py + back.m[2], v = back.m[3] * px + back.m[4] * py + back.m[5];
            double m = mask_at(&h, u, v);
            if (m <= 0)
                continue;
            sample(colour, face, u, v);
            uint8_t *at = photo->rgb + 3 * ((size_t)y * (size_t)photo->width + (size_t)x);
            for (int c = 0; c < 3; c++) {
                double to = gain[c] * colour[c] + shift[c];
                at[c] = (uint8_t)fmin(fmax(at[c] + m * (to - at[c]) + 0.5, 0), 255);
            }
        }
    idem_image_free(&old);
    return 0;
}
