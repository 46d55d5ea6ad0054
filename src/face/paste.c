#include "face/paste.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "engine/op.h"
#include "face/align.h"

enum { HULL_MAX = 27 }; /* jaw and brows */

/* In parts of the frame's side. */
static const double feather = 0.06; /* half the width of the mask's edge */
static const double forehead = 0.1; /* how far above the brows the mask reaches */

/* The convex hull of the jaw and of the raised brows in the frame's unit square, as its edges: the distance inwards
 * from edge i's line is line[i][0] u + line[i][1] v + line[i][2]. */
typedef struct {
    double line[HULL_MAX][3];
    int n;
    double low[2], high[2]; /* corners of the box about it */
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
    h->n = 0;
    for (int i = 0; i < k && i < HULL_MAX; i++) {
        const double *a = chain[i], *b = chain[(i + 1) % k];
        double length = hypot(b[0] - a[0], b[1] - a[1]);
        if (length > 0) {
            double *line = h->line[h->n++];
            line[0] = -(b[1] - a[1]) / length;
            line[1] = (b[0] - a[0]) / length;
            line[2] = -(line[0] * a[0] + line[1] * a[1]);
        }
    }
    for (int c = 0; c < 2; c++) {
        h->low[c] = HUGE_VAL;
        h->high[c] = -HUGE_VAL;
        for (int i = 0; i < k; i++) {
            h->low[c] = fmin(h->low[c], chain[i][c]);
            h->high[c] = fmax(h->high[c], chain[i][c]);
        }
    }
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
    double inside = HUGE_VAL;
    for (int i = 0; i < h->n; i++) {
        double d = h->line[i][0] * u + h->line[i][1] * v + h->line[i][2];
        inside = d < inside ? d : inside;
    }
    if (inside <= -feather)
        return 0;
    double border = fmin(fmin(u, 1 - u), fmin(v, 1 - v));
    double t = fmin(fmin((inside + feather) / (2 * feather), border / feather), 1);
    return t <= 0 ? 0 : t * t * (3 - 2 * t);
}

/* Per channel gain and shift that give the new face mean and deviation of the old one, under the mask. */
static void match_colours(idem_paste_colours *colours, const idem_image *face, const idem_image *old, const hull *h) {
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
        colours->gain[c] = fmin(fmax(deviation[1] / deviation[0], 0.5), 2);
        colours->shift[c] = mean[1] - colours->gain[c] * mean[0];
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

/* Pixels of the photograph that the mask may touch: x0, y0, x1, y1. */
static void find_bounds(int bounds[4], const idem_image *photo, const idem_crop *frame, const hull *h) {
    double low[2] = {HUGE_VAL, HUGE_VAL}, high[2] = {-HUGE_VAL, -HUGE_VAL};
    const int size[2] = {photo->width, photo->height};
    for (int i = 0; i < 4; i++) {
        float at[1][2] = {{(float)(i & 1 ? h->high[0] + feather : h->low[0] - feather),
                           (float)(i >> 1 ? h->high[1] + feather : h->low[1] - feather)}};
        idem_crop_points(at, (const float(*)[2])at, 1, frame);
        for (int k = 0; k < 2; k++) {
            low[k] = fmin(low[k], (double)at[0][k] * size[k]);
            high[k] = fmax(high[k], (double)at[0][k] * size[k]);
        }
    }
    for (int k = 0; k < 2; k++) {
        bounds[k] = (int)fmin(fmax(floor(low[k]) - 1, 0), size[k]);
        bounds[k + 2] = (int)fmin(fmax(ceil(high[k]) + 1, 0), size[k]);
    }
}

typedef struct {
    idem_image *photo;
    const idem_image *face;
    const idem_paste_colours *colours;
    idem_pasted about;
    idem_crop back; /* photograph to frame */
    hull mask;
} job;

/* Row y of the part that may be touched. */
static void paste_row(const job *j, int y) {
    const idem_image *photo = j->photo;
    const idem_pasted *part = &j->about;
    const float *back = j->back.m;
    for (int x = part->x; x < part->x + part->width; x++) {
        double px = (x + 0.5) / photo->width, py = (y + 0.5) / photo->height, colour[3];
        double u = back[0] * px + back[1] * py + back[2], v = back[3] * px + back[4] * py + back[5];
        double m = mask_at(&j->mask, u, v);
        part->mask[(size_t)(y - part->y) * (size_t)part->width + (size_t)(x - part->x)] = (uint8_t)ceil(255 * m);
        if (m <= 0)
            continue;
        sample(colour, j->face, u, v);
        uint8_t *at = photo->rgb + 3 * ((size_t)y * (size_t)photo->width + (size_t)x);
        for (int c = 0; c < 3; c++) {
            double to = j->colours->gain[c] * colour[c] + j->colours->shift[c];
            at[c] = (uint8_t)fmin(fmax(at[c] + m * (to - at[c]) + 0.5, 0), 255);
        }
    }
}

void idem_pasted_free(idem_pasted *p) {
    free(p->mask);
    *p = (idem_pasted){0};
}

static int prepare(idem_crop *back, hull *mask, const idem_image *face, const idem_crop *frame,
                   const float (*points)[2]) {
    if (face->width < 1 || face->width != face->height)
        return idem_fail("pasting a face: the picture is %d x %d, expected a square", face->width, face->height);
    return idem_crop_invert(back, frame) || face_hull(mask, back, points) ? -1 : 0;
}

int idem_paste_match(idem_paste_colours *colours, const idem_image *photo, const idem_image *face,
                     const idem_crop *frame, const float (*points)[2]) {
    idem_crop back;
    hull mask;
    idem_image old = {0};
    if (prepare(&back, &mask, face, frame, points) || idem_align_picture(&old, photo, frame, face->width))
        return -1;
    match_colours(colours, face, &old, &mask);
    idem_image_free(&old);
    return 0;
}

int idem_paste_with(idem_image *photo, const idem_image *face, const idem_crop *frame, const float (*points)[2],
                    const idem_paste_colours *colours, idem_pasted *about) {
    job j = {.photo = photo, .face = face, .colours = colours};
    int bounds[4];
    if (prepare(&j.back, &j.mask, face, frame, points))
        return -1;
    find_bounds(bounds, photo, frame, &j.mask);
    j.about = (idem_pasted){bounds[0], bounds[1], bounds[2] - bounds[0], bounds[3] - bounds[1], NULL};
    if (!(j.about.mask = malloc((size_t)j.about.width * (size_t)j.about.height + 1)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for a mask of %d x %d", j.about.width, j.about.height);
#pragma omp parallel for num_threads(idem_threads()) schedule(dynamic, 16)
    for (int y = bounds[1]; y < bounds[3]; y++)
        paste_row(&j, y);
    if (about)
        *about = j.about;
    else
        idem_pasted_free(&j.about);
    return 0;
}

int idem_paste(idem_image *photo, const idem_image *face, const idem_crop *frame, const float (*points)[2]) {
    idem_paste_colours colours;
    return idem_paste_match(&colours, photo, face, frame, points) ||
                   idem_paste_with(photo, face, frame, points, &colours, NULL)
               ? -1
               : 0;
}
