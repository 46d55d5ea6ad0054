#define _GNU_SOURCE /* M_PI */
#include "face/seam.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

enum { JAW = 17, OUTLINE = 27 /* jaw and brows */, STEPS = 32, RAYS = IDEM_SEAM_RAYS };

/* In parts of the frame's side: distances of the outlines above the brows and from the jaw. */
static const double brow_least = 0.05, brow_usual = 0.13, brow_most = 0.22;
static const double brow_wide =
    1.14; /* times the brows' distance from the centre line: their ends are inside all outlines */
static const double jaw_least = 0.9, jaw_most = 1.08; /* times the jaw's distance from the centre */

static const double stay = 0.15; /* cost of a border of the band relative to the default outline */
static const double bend = 0.04; /* cost of a step inwards or outwards from ray to ray */

/* ---- the band ---- */

static int by_x(const void *a, const void *b) {
    const double *p = a, *q = b;
    return p[0] != q[0] ? (p[0] > q[0]) - (p[0] < q[0]) : (p[1] > q[1]) - (p[1] < q[1]);
}

static double turn(const double *a, const double *b, const double *c) {
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}

/* The convex hull of n points, by Andrew's monotone chain; returns the number of corners. */
static int make_hull(double (*hull)[2], double (*p)[2], int n) {
    int k = 0;
    qsort(p, (size_t)n, sizeof *p, by_x);
    for (int pass = 0; pass < 2; pass++) {
        const int start = k;
        for (int i = 0; i < n; i++) {
            const double *at = pass ? p[n - 1 - i] : p[i];
            while (k - start >= 2 && turn(hull[k - 2], hull[k - 1], at) <= 0)
                k--;
            hull[k][0] = at[0];
            hull[k++][1] = at[1];
        }
        k--; /* the last point begins the other half */
    }
    return k;
}

/* Length of a ray from the centre inside the hull; 0 if the centre is outside. */
static double ray_length(const double (*hull)[2], int n, const double centre[2], double angle) {
    const double d[2] = {cos(angle), sin(angle)};
    double length = HUGE_VAL;
    for (int i = 0; i < n; i++) {
        const double *a = hull[i], *b = hull[(i + 1) % n];
        const double normal[2] = {-(b[1] - a[1]), b[0] - a[0]};
        const double inside = normal[0] * (centre[0] - a[0]) + normal[1] * (centre[1] - a[1]);
        const double rate = normal[0] * d[0] + normal[1] * d[1];
        if (inside <= 0)
            return 0;
        if (rate < 0)
            length = fmin(length, -inside / rate);
    }
    return isfinite(length) ? length : 0;
}

static double to_edge(const double centre[2], double angle, double margin) {
    const double d[2] = {cos(angle), sin(angle)};
    double length = HUGE_VAL;
    for (int c = 0; c < 2; c++)
        if (d[c] != 0)
            length = fmin(length, ((d[c] > 0 ? 1 - margin : margin) - centre[c]) / d[c]);
    return fmax(length, 0);
}

static int rays_of(double rays[RAYS], const idem_seam_band *band, const float (*points)[2], double brow, double jaw,
                   double margin) {
    double p[OUTLINE][2], hull[2 * OUTLINE][2];
    for (int i = 0; i < OUTLINE; i++)
        for (int c = 0; c < 2; c++)
            p[i][c] = i < JAW ? band->centre[c] + jaw * ((double)points[i][c] - band->centre[c])
                      : c     ? (double)points[i][1] - brow
                              : band->centre[0] + brow_wide * ((double)points[i][0] - band->centre[0]);
    const int n = make_hull(hull, p, OUTLINE);
    for (int i = 0; i < RAYS; i++) {
        const double angle = 2 * M_PI * i / RAYS;
        rays[i] =
            fmin(ray_length((const double(*)[2])hull, n, band->centre, angle), to_edge(band->centre, angle, margin));
        if (rays[i] <= 0)
            return idem_fail("pasting a face: the landmarks lie on a line, or outside the frame");
    }
    return 0;
}

int idem_seam_band_of(idem_seam_band *band, const float (*points)[2], double margin) {
    band->centre[0] = band->centre[1] = 0;
    for (int i = 0; i < 68; i++)
        if (!isfinite(points[i][0]) || !isfinite(points[i][1]))
            return idem_fail("pasting a face: landmarks are not finite");
    for (int i = 0; i < OUTLINE; i++)
        for (int c = 0; c < 2; c++)
            band->centre[c] += (double)points[i][c] / OUTLINE;
    return rays_of(band->least, band, points, brow_least, jaw_least, margin) ||
                   rays_of(band->usual, band, points, brow_usual, 1, margin) ||
                   rays_of(band->most, band, points, brow_most, jaw_most, margin)
               ? -1
               : 0;
}

/* ---- the line ---- */

static double radius_at(const idem_seam_band *band, int ray, int step) {
    return band->least[ray] + (band->most[ray] - band->least[ray]) * step / (STEPS - 1);
}

static double cost_at(const idem_seam_band *band, int ray, int step, const float *cost, int side) {
    const double angle = 2 * M_PI * ray / RAYS, r = radius_at(band, ray, step);
    const double x = (band->centre[0] + r * cos(angle)) * side - 0.5,
                 y = (band->centre[1] + r * sin(angle)) * side - 0.5;
    const int px = (int)fmin(fmax(lrint(x), 0), side - 1), py = (int)fmin(fmax(lrint(y), 0), side - 1);
    const double width = fmax(band->most[ray] - band->least[ray], 1e-6), off = (r - band->usual[ray]) / width;
    return cost[py * side + px] + stay * off * off;
}

/* Twice around, so that the outline of the second round begins where that of the first ends. */
static void trace(int line[RAYS], const double (*cost)[STEPS], unsigned char (*from)[STEPS]) {
    double sum[STEPS], next[STEPS];
    memcpy(sum, cost[0], sizeof sum);
    for (int k = 1; k < 2 * RAYS; k++) {
        for (int s = 0; s < STEPS; s++) {
            next[s] = HUGE_VAL;
            for (int way = s > 0 ? -1 : 0; way <= (s < STEPS - 1); way++) {
                const double c = sum[s + way] + bend * abs(way);
                if (c < next[s]) {
                    next[s] = c;
                    from[k][s] = (unsigned char)(s + way);
                }
            }
            next[s] += cost[k % RAYS][s];
        }
        memcpy(sum, next, sizeof sum);
    }
    int s = 0;
    for (int i = 1; i < STEPS; i++)
        s = sum[i] < sum[s] ? i : s;
    for (int k = 2 * RAYS - 1; k > 0; k--) {
        if (k >= RAYS / 2 && k < RAYS / 2 + RAYS)
            line[k % RAYS] = s;
        s = from[k][s];
    }
}

int idem_seam_find(float radius[RAYS], const idem_seam_band *band, const float *cost, int side) {
    static const double kernel[5] = {1.0 / 16, 4.0 / 16, 6.0 / 16, 4.0 / 16, 1.0 / 16};
    double(*costs)[STEPS] = malloc(RAYS * sizeof *costs);
    unsigned char(*from)[STEPS] = malloc(2 * RAYS * sizeof *from);
    int line[RAYS];
    if (!costs || !from) {
        free(costs);
        free(from);
        return idem_fail_as(IDEM_MEMORY, "out of memory for the line about a face");
    }
    for (int i = 0; i < RAYS; i++)
        for (int s = 0; s < STEPS; s++)
            costs[i][s] = cost_at(band, i, s, cost, side);
    trace(line, (const double(*)[STEPS])costs, from);
    for (int i = 0; i < RAYS; i++) {
        radius[i] = 0;
        for (int k = -2; k <= 2; k++) {
            const int ray = (i + k + RAYS) % RAYS;
            radius[i] += (float)(kernel[k + 2] * radius_at(band, ray, line[ray]));
        }
    }
    free(costs);
    free(from);
    return 0;
}

double idem_seam_inside(const float radius[RAYS], const double centre[2], double u, double v) {
    const double x = u - centre[0], y = v - centre[1], ray = atan2(y, x) * RAYS / (2 * M_PI) + RAYS;
    const int first = (int)floor(ray);
    const double t = ray - first;
    return (1 - t) * (double)radius[first % RAYS] + t * (double)radius[(first + 1) % RAYS] - hypot(x, y);
}
