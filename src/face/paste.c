#define _GNU_SOURCE
#include "face/paste.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "engine/op.h"
#include "face/align.h"
#include "face/grain.h"
#include "face/lab.h"
#include "media/grey.h"

/* Colours and the outline are found on the frame at this side; the mask has a larger one. */
enum { GRID = 128, MASK = 256, PIXELS = GRID * GRID, POINTS = 68, WINDOW = 512, SWEEPS = 40 };

/* In parts of the frame's side. */
static const double feather = 0.04; /* half the width of the mask's edge */
static const double fade = 0.15;    /* distance over which the edge's colour correction fades into the face */

static const double very_different = 30; /* distance in CIELAB from which two pictures show different objects */
static const double over = 1.8;          /* of successive overrelaxation */

/* A face and the photograph under it, both [GRID, GRID] in CIELAB, and the band of the outline. */
typedef struct {
    idem_crop back; /* photograph to frame */
    idem_seam_band band;
    float *face, *old;
} job;

/* ---- what both look like ---- */

static int lab_of(float *lab, const idem_image *square) {
    idem_image im = {0};
    if (square->width != GRID && idem_image_resize(&im, square, GRID, GRID))
        return -1;
    idem_lab_from_rgb(lab, square->width == GRID ? square->rgb : im.rgb, PIXELS);
    idem_image_free(&im);
    return 0;
}

static int open_job(job *j, const idem_image *photo, const idem_image *face, const idem_crop *frame,
                    const float (*points)[2]) {
    float at[POINTS][2];
    idem_image old = {0};
    *j = (job){0};
    if (face->width < 1 || face->width != face->height)
        return idem_fail("pasting a face: the picture is %d x %d, expected a square", face->width, face->height);
    if (idem_crop_invert(&j->back, frame))
        return -1;
    idem_crop_points(at, points, POINTS, &j->back);
    if (idem_seam_band_of(&j->band, (const float(*)[2])at, feather))
        return -1;
    j->face = malloc(3 * PIXELS * sizeof *j->face);
    j->old = malloc(3 * PIXELS * sizeof *j->old);
    if (!j->face || !j->old)
        return idem_fail_as(IDEM_MEMORY, "out of memory for pasting a face");
    int status = idem_align_picture(&old, photo, frame, GRID) || lab_of(j->face, face) || lab_of(j->old, &old);
    idem_image_free(&old);
    return status ? -1 : 0;
}

static void close_job(job *j) {
    free(j->face);
    free(j->old);
}

/* ---- fitting ---- */

static double smooth(double t) {
    t = fmin(fmax(t, 0), 1);
    return t * t * (3 - 2 * t);
}

/* The face's weight at point (u, v). */
static double cover(const float *radius, const double centre[2], double u, double v) {
    return smooth((idem_seam_inside(radius, centre, u, v) + feather) / (2 * feather));
}

/* Gain and shift that give the face the mean and deviation of the old one, inside the smallest outline. */
static void match_colours(const job *j, idem_paste_fit *fit) {
    double weight = 0, sum[2][3] = {{0}}, squares[2][3] = {{0}};
    float least[IDEM_SEAM_RAYS];
    for (int i = 0; i < IDEM_SEAM_RAYS; i++)
        least[i] = (float)j->band.least[i];
    for (int y = 0; y < GRID; y++)
        for (int x = 0; x < GRID; x++) {
            const size_t at = 3 * ((size_t)y * GRID + (size_t)x);
            if (idem_seam_inside(least, j->band.centre, (x + 0.5) / GRID, (y + 0.5) / GRID) < 0)
                continue;
            weight++;
            for (size_t c = 0; c < 3; c++) {
                const double v[2] = {j->face[at + c], j->old[at + c]};
                for (int k = 0; k < 2; k++) {
                    sum[k][c] += v[k];
                    squares[k][c] += v[k] * v[k];
                }
            }
        }
    for (int c = 0; c < 3; c++) {
        double mean[2], deviation[2];
        for (int k = 0; k < 2; k++) {
            mean[k] = weight > 0 ? sum[k][c] / weight : 0;
            deviation[k] = sqrt(fmax(weight > 0 ? squares[k][c] / weight - mean[k] * mean[k] : 0, 1));
        }
        fit->gain[c] = fmin(fmax(deviation[1] / deviation[0], 0.5), 1.6);
        fit->shift[c] = mean[1] - fit->gain[c] * mean[0];
    }
}

static void apply_colours(float *lab, size_t n, const idem_paste_fit *fit) {
    for (size_t i = 0; i < 3 * n; i++)
        lab[i] = (float)(fit->gain[i % 3] * (double)lab[i] + fit->shift[i % 3]);
}

/* 0: both agree, 1: they differ completely; means of 5 x 5. */
static void compare(float *cost, const job *j) {
    for (int y = 0; y < GRID; y++)
        for (int x = 0; x < GRID; x++) {
            double sum = 0;
            int n = 0;
            for (int dy = -2; dy <= 2; dy++)
                for (int dx = -2; dx <= 2; dx++) {
                    const int px = x + dx, py = y + dy;
                    if (px < 0 || py < 0 || px >= GRID || py >= GRID)
                        continue;
                    const float *a = j->face + 3 * (py * GRID + px), *b = j->old + 3 * (py * GRID + px);
                    const double l = a[0] - b[0], m = a[1] - b[1], k = a[2] - b[2];
                    sum += sqrt(l * l + m * m + k * k);
                    n++;
                }
            cost[y * GRID + x] = (float)fmin(sum / n / very_different, 1);
        }
}

int idem_paste_match(idem_paste_fit *fit, const idem_image *photo, const idem_image *face, const idem_crop *frame,
                     const float (*points)[2]) {
    job j;
    float *cost = malloc(PIXELS * sizeof *cost);
    int status = open_job(&j, photo, face, frame, points);
    if (!status && !cost)
        status = idem_fail_as(IDEM_MEMORY, "out of memory for pasting a face");
    if (!status) {
        match_colours(&j, fit);
        apply_colours(j.face, PIXELS, fit);
        compare(cost, &j);
        status = idem_seam_find(fit->radius, &j.band, cost, GRID);
    }
    close_job(&j);
    free(cost);
    return status;
}

/* ---- the membrane ---- */

/* field [GRID, GRID, 3]: the correction to add to the face. It minimises the sum over pixels of |gradient|^2 + weight
 * (field - difference)^2 + field^2 / fade^2. Pixels are visited in chessboard order, so that rows are independent. */
static void relax_row(float *field, const float *weight, const float *difference, int y, int first) {
    const float held = (float)(1 / (fade * GRID * fade * GRID));
    const int up = y ? -GRID : 0, down = y < GRID - 1 ? GRID : 0;
    for (int x = first; x < GRID; x += 2) {
        const int i = y * GRID + x, left = x ? -1 : 0, right = x < GRID - 1 ? 1 : 0;
        const float w = weight[i], part = 1 / (4 + w + held);
        for (int c = 0; c < 3; c++) {
            const float sum = field[3 * (i + left) + c] + field[3 * (i + right) + c] + field[3 * (i + up) + c] +
                              field[3 * (i + down) + c];
            const float best = (sum + w * difference[3 * i + c]) * part;
            field[3 * i + c] += (float)over * (best - field[3 * i + c]);
        }
    }
}

static void relax(float *field, const float *weight, const float *difference) {
#pragma omp parallel num_threads(idem_threads())
    for (int half = 0; half < 2 * SWEEPS; half++) {
#pragma omp for schedule(static)
        for (int y = 0; y < GRID; y++)
            relax_row(field, weight, difference, y, (y + half) & 1);
    }
}

/* The face's colours were already changed by apply_colours. */
static int make_membrane(float *field, const job *j, const idem_paste_fit *fit) {
    float *weight = malloc(PIXELS * sizeof *weight), *difference = malloc(3 * PIXELS * sizeof *difference);
    if (!weight || !difference) {
        free(weight);
        free(difference);
        return idem_fail_as(IDEM_MEMORY, "out of memory for pasting a face");
    }
    for (int i = 0; i < PIXELS; i++) {
        const double m = cover(fit->radius, j->band.centre, (i % GRID + 0.5) / GRID, (i / GRID + 0.5) / GRID);
        double square = 0;
        for (int c = 0; c < 3; c++) {
            const double d = (double)j->old[3 * i + c] - j->face[3 * i + c];
            difference[3 * i + c] = (float)d;
            square += d * d;
        }
        weight[i] = (float)(4 * m * (1 - m) * exp(-square / (very_different * very_different)));
    }
    memset(field, 0, 3 * PIXELS * sizeof *field);
    relax(field, weight, difference);
    free(weight);
    free(difference);
    return 0;
}

/* Samples n x n pixels of `channels` numbers, edges repeated; x and y in pixels. */
static double bilinear(const float *at, int n, int channels, int c, double x, double y) {
    x = fmin(fmax(x, 0), n - 1);
    y = fmin(fmax(y, 0), n - 1);
    const int x0 = (int)x, y0 = (int)y, x1 = x0 < n - 1 ? x0 + 1 : x0, y1 = y0 < n - 1 ? y0 + 1 : y0;
    const double tx = x - x0, ty = y - y0;
    const double top = (1 - tx) * at[(y0 * n + x0) * channels + c] + tx * at[(y0 * n + x1) * channels + c];
    const double bottom = (1 - tx) * at[(y1 * n + x0) * channels + c] + tx * at[(y1 * n + x1) * channels + c];
    return (1 - ty) * top + ty * bottom;
}

/* The face with corrected colours, at its own size. */
static int paint(idem_image *out, const idem_image *face, const float *field, const idem_paste_fit *fit) {
    const int side = face->width;
    const size_t n = (size_t)side * (size_t)side;
    float *lab = malloc(3 * n * sizeof *lab);
    if (!lab || idem_image_new(out, side, side)) {
        free(lab);
        return lab ? -1 : idem_fail_as(IDEM_MEMORY, "out of memory for a face of %d pixels", side);
    }
    idem_lab_from_rgb(lab, face->rgb, n);
    apply_colours(lab, n, fit);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            for (int c = 0; c < 3; c++)
                lab[3 * ((size_t)y * (size_t)side + (size_t)x) + (size_t)c] +=
                    (float)bilinear(field, GRID, 3, c, (x + 0.5) * GRID / side - 0.5, (y + 0.5) * GRID / side - 0.5);
    idem_lab_to_rgb(out->rgb, lab, n);
    free(lab);
    return 0;
}

/* ---- into the photograph ---- */

typedef struct {
    idem_image *photo;
    const idem_image *face;
    const float *mask; /* [MASK, MASK] */
    const float *back;
    idem_pasted about;
    uint8_t *blend; /* [height, width, 3] of about: the face's colours; undefined where the mask is 0 */
} canvas;

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

static double clip(double v) {
    return fmin(fmax(v, 0), 255);
}

/* Mask and colours of row y of the part. */
static void sample_row(const canvas *k, int y) {
    const idem_pasted *part = &k->about;
    const float *back = k->back;
    for (int x = 0; x < part->width; x++) {
        const double px = (part->x + x + 0.5) / k->photo->width, py = (part->y + y + 0.5) / k->photo->height;
        const double u = back[0] * px + back[1] * py + back[2], v = back[3] * px + back[4] * py + back[5];
        const size_t at = (size_t)y * (size_t)part->width + (size_t)x;
        double colour[3], m = u <= 0 || v <= 0 || u >= 1 || v >= 1
                                  ? 0
                                  : bilinear(k->mask, MASK, 1, 0, u * MASK - 0.5, v * MASK - 0.5);
        part->mask[at] = (uint8_t)ceil(255 * m - 1e-3);
        if (!part->mask[at])
            continue;
        sample(colour, k->face, u, v);
        for (size_t c = 0; c < 3; c++)
            k->blend[3 * at + c] = (uint8_t)(clip(colour[c]) + 0.5);
    }
}

static void blend_row(const canvas *k, int y, const float *tile) {
    const idem_pasted *part = &k->about;
    uint8_t *row = k->photo->rgb + 3 * ((size_t)(part->y + y) * (size_t)k->photo->width + (size_t)part->x);
    for (int x = 0; x < part->width; x++) {
        const size_t at = (size_t)y * (size_t)part->width + (size_t)x;
        const double m = part->mask[at] / 255.0;
        const double grain = tile ? (double)tile[(y % IDEM_GRAIN_SIDE) * IDEM_GRAIN_SIDE + x % IDEM_GRAIN_SIDE] : 0;
        if (m <= 0)
            continue;
        for (size_t c = 0; c < 3; c++) {
            uint8_t *to = &row[3 * (size_t)x + c];
            *to = (uint8_t)(clip(*to + m * (k->blend[3 * at + c] + grain - *to)) + 0.5);
        }
    }
}

static float brightness(const uint8_t *rgb) {
    return idem_grey(rgb[0], rgb[1], rgb[2]);
}

/* Measured at the centre of the part: octaves finer than the face's pixels. */
static int find_grain(idem_grain *g, const canvas *k, double enlarged) {
    const idem_pasted *part = &k->about;
    const int octaves = (int)fmin(floor(log2(fmax(enlarged, 1)) + 0.5), IDEM_GRAIN_OCTAVES);
    const int w = part->width < WINDOW ? part->width : WINDOW, h = part->height < WINDOW ? part->height : WINDOW;
    const int x0 = (part->width - w) / 2, y0 = (part->height - h) / 2;
    *g = (idem_grain){0};
    if (octaves < 1)
        return 0;
    float *light = malloc(2 * (size_t)w * (size_t)h * sizeof *light + 1), *after = light + (size_t)w * (size_t)h;
    if (!light)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the grain of a photograph");
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const size_t at = (size_t)(y0 + y) * (size_t)part->width + (size_t)(x0 + x), to = (size_t)(y * w + x);
            light[to] = brightness(k->photo->rgb + 3 * ((size_t)(part->y + y0 + y) * (size_t)k->photo->width +
                                                        (size_t)(part->x + x0 + x)));
            after[to] = part->mask[at] ? brightness(k->blend + 3 * at) : light[to];
        }
    const int status = idem_grain_match(g, light, after, w, h, octaves);
    free(light);
    return status;
}

/* The part of the photograph covered by the frame. */
static void find_part(idem_pasted *part, const idem_image *photo, const idem_crop *frame) {
    double low[2] = {HUGE_VAL, HUGE_VAL}, high[2] = {-HUGE_VAL, -HUGE_VAL};
    const int size[2] = {photo->width, photo->height};
    int bounds[4];
    for (int i = 0; i < 4; i++) {
        float at[1][2] = {{(float)(i & 1), (float)(i >> 1)}};
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
    *part = (idem_pasted){bounds[0], bounds[1], bounds[2] - bounds[0], bounds[3] - bounds[1], NULL};
}

void idem_pasted_free(idem_pasted *p) {
    free(p->mask);
    *p = (idem_pasted){0};
}

static int blend(canvas *k, const idem_crop *frame) {
    const double side = idem_align_side(frame, k->photo->width, k->photo->height);
    idem_grain grain;
    find_part(&k->about, k->photo, frame);
    const size_t n = (size_t)k->about.width * (size_t)k->about.height;
    k->about.mask = malloc(n + 1);
    k->blend = malloc(3 * n + 1);
    if (!k->about.mask || !k->blend)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a face of %d x %d pixels", k->about.width, k->about.height);
#pragma omp parallel for num_threads(idem_threads()) schedule(dynamic, 16)
    for (int y = 0; y < k->about.height; y++)
        sample_row(k, y);
    if (find_grain(&grain, k, side / k->face->width))
        return -1;
#pragma omp parallel for num_threads(idem_threads()) schedule(dynamic, 16)
    for (int y = 0; y < k->about.height; y++)
        blend_row(k, y, grain.tile);
    idem_grain_free(&grain);
    return 0;
}

/* A face that will be smaller is resized first, as sampling would skip pixels. */
static int shrink(idem_image *face, double side) {
    idem_image small;
    const int least = (int)fmax(ceil(side), 1);
    if (face->width <= least)
        return 0;
    if (idem_image_resize(&small, face, least, least))
        return -1;
    idem_image_free(face);
    *face = small;
    return 0;
}

static int put(const job *j, idem_image *photo, const idem_image *face, const idem_crop *frame,
               const idem_paste_fit *fit, float *field, float *mask, idem_pasted *about) {
    idem_image painted = {0};
    canvas k = {.photo = photo, .face = &painted, .mask = mask, .back = j->back.m};
    apply_colours(j->face, PIXELS, fit);
#pragma omp parallel for num_threads(idem_threads()) schedule(static)
    for (int i = 0; i < MASK * MASK; i++)
        mask[i] = (float)cover(fit->radius, j->band.centre, (i % MASK + 0.5) / MASK, (i / MASK + 0.5) / MASK);
    const int status = make_membrane(field, j, fit) || paint(&painted, face, field, fit) ||
                       shrink(&painted, idem_align_side(frame, photo->width, photo->height)) || blend(&k, frame);
    if (about && !status)
        *about = k.about;
    else
        idem_pasted_free(&k.about);
    free(k.blend);
    idem_image_free(&painted);
    return status ? -1 : 0;
}

int idem_paste_with(idem_image *photo, const idem_image *face, const idem_crop *frame, const float (*points)[2],
                    const idem_paste_fit *fit, idem_pasted *about) {
    job j;
    float *field = malloc(3 * PIXELS * sizeof *field), *mask = malloc((size_t)MASK * MASK * sizeof *mask);
    int status = open_job(&j, photo, face, frame, points);
    if (!status && (!field || !mask))
        status = idem_fail_as(IDEM_MEMORY, "out of memory for pasting a face");
    if (!status)
        status = put(&j, photo, face, frame, fit, field, mask, about);
    close_job(&j);
    free(field);
    free(mask);
    return status;
}

int idem_paste(idem_image *photo, const idem_image *face, const idem_crop *frame, const float (*points)[2]) {
    idem_paste_fit fit;
    return idem_paste_match(&fit, photo, face, frame, points) || idem_paste_with(photo, face, frame, points, &fit, NULL)
               ? -1
               : 0;
}
