#include "measure/pair_scores.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "media/grey.h"
#include "model/msssim.h"

enum { POINTS = 51, EYE_LEFT = 36 - 17, EYE_RIGHT = 45 - 17, WINDOW = IDEM_MSSSIM_WINDOW, MOMENTS = 5 };

double idem_pair_cosine(const float *a, const float *b, int dim) {
    double ab = 0, aa = 0, bb = 0;
    for (int i = 0; i < dim; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / fmax(sqrt(aa * bb), 1e-12);
}

int idem_pair_rank(const float *out, const float *sources, int i, int first, int end, int dim) {
    const double own = idem_pair_cosine(out, sources + (size_t)i * (size_t)dim, dim);
    int rank = 0;
    for (int j = first; j < end; j++)
        rank += j != i && !(idem_pair_cosine(out, sources + (size_t)j * (size_t)dim, dim) < own);
    return rank;
}

void idem_pair_candidates(int i, int n, int group, int *first, int *end) {
    *first = i / group * group;
    *end = *first + group;
    if (*end > n) {
        *end = n;
        *first = n > group ? n - group : 0;
    }
}

/* ---- landmarks ---- */

static double eyes_apart(const float *points) {
    return hypot((double)points[2 * EYE_LEFT] - points[2 * EYE_RIGHT],
                 (double)points[2 * EYE_LEFT + 1] - points[2 * EYE_RIGHT + 1]);
}

double idem_pair_nme(const float *points, const float *want) {
    double sum = 0;
    for (int k = 0; k < POINTS; k++)
        sum += hypot((double)points[2 * k] - want[2 * k], (double)points[2 * k + 1] - want[2 * k + 1]);
    return sum / POINTS / fmax(eyes_apart(want), 1e-6);
}

double idem_pair_landmark_mse160(const float *points, const float *want) {
    return idem_pair_mean_square(points, want, 2 * POINTS) * 160 * 160;
}

/* As complex numbers, the best similarity of points p to q about their means is q'p* / |p'|^2 (Umeyama 1991 in two
 * dimensions, where no reflection can be the answer). */
double idem_pair_landmark_expression(const float *points, const float *want) {
    double p[2] = {0}, q[2] = {0}, re = 0, im = 0, size = 0, sum = 0;
    for (int k = 0; k < POINTS; k++)
        for (int c = 0; c < 2; c++) {
            p[c] += (double)points[2 * k + c] / POINTS;
            q[c] += (double)want[2 * k + c] / POINTS;
        }
    for (int k = 0; k < POINTS; k++) {
        const double x = points[2 * k] - p[0], y = points[2 * k + 1] - p[1];
        const double u = want[2 * k] - q[0], v = want[2 * k + 1] - q[1];
        re += x * u + y * v;
        im += x * v - y * u;
        size += x * x + y * y;
    }
    re /= fmax(size, 1e-12);
    im /= fmax(size, 1e-12);
    for (int k = 0; k < POINTS; k++) {
        const double x = points[2 * k] - p[0], y = points[2 * k + 1] - p[1];
        sum += hypot(re * x - im * y + q[0] - want[2 * k], im * x + re * y + q[1] - want[2 * k + 1]);
    }
    return sum / POINTS / fmax(eyes_apart(want), 1e-6);
}

/* ---- pictures ---- */

double idem_pair_mean_square(const float *a, const float *b, size_t numbers) {
    double sum = 0;
    for (size_t k = 0; k < numbers; k++)
        sum += ((double)a[k] - b[k]) * ((double)a[k] - b[k]);
    return sum / (double)numbers;
}

double idem_pair_psnr(double mean_square) {
    return -10 * log10(fmax(mean_square, 1e-10));
}

double idem_pair_colour(const float *a, const float *b, int size, const uint8_t *outside) {
    const size_t pixels = (size_t)size * (size_t)size;
    double sum = 0;
    size_t used = 0;
    for (size_t p = 0; p < pixels; p++) {
        if (!outside[p])
            continue;
        used += 3;
        for (size_t k = 3 * p; k < 3 * p + 3; k++)
            sum += fabs((double)a[k] - b[k]);
    }
    return used ? sum / (double)used : NAN;
}

static double luminance(const float *rgb) {
    return idem_grey_exact((double)rgb[0], (double)rgb[1], (double)rgb[2]);
}

/* a, b, aa, bb, ab of a row of pixels, weighted along it: [size - 10][5]. */
static void along(double *to, const float *a, const float *b, int size, const double *window) {
    for (int x = 0; x + WINDOW <= size; x++) {
        double m[MOMENTS] = {0};
        for (int k = 0; k < WINDOW; k++) {
            const double u = luminance(a + 3 * (x + k)), v = luminance(b + 3 * (x + k)), g = window[k];
            m[0] += g * u;
            m[1] += g * v;
            m[2] += g * u * u;
            m[3] += g * v * v;
            m[4] += g * u * v;
        }
        for (int i = 0; i < MOMENTS; i++)
            to[x * MOMENTS + i] = m[i];
    }
}

int idem_pair_structure(double *structure, const float *a, const float *b, int size, const uint8_t *outside) {
    const int n = size - WINDOW + 1;
    double window[WINDOW], sum = 0;
    size_t used = 0;
    *structure = NAN;
    if (n < 1)
        return 0;
    const size_t row = (size_t)n * MOMENTS;
    double *rows = malloc((size_t)size * row * sizeof *rows);
    if (!rows)
        return idem_fail_as(IDEM_MEMORY, "out of memory for comparing two pictures");
    idem_msssim_window(window);
    for (int y = 0; y < size; y++)
        along(rows + (size_t)y * row, a + (size_t)y * (size_t)size * 3, b + (size_t)y * (size_t)size * 3, size, window);
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) {
            if (!outside[(y + WINDOW / 2) * size + x + WINDOW / 2])
                continue;
            double m[MOMENTS] = {0};
            for (int k = 0; k < WINDOW; k++)
                for (int i = 0; i < MOMENTS; i++)
                    m[i] += window[k] * rows[(size_t)(y + k) * row + (size_t)x * MOMENTS + (size_t)i];
            const double c = 0.03 * 0.03, cov = m[4] - m[0] * m[1];
            sum += (2 * cov + c) / (m[2] - m[0] * m[0] + m[3] - m[1] * m[1] + c);
            used++;
        }
    free(rows);
    if (used)
        *structure = sum / (double)used;
    return 0;
}
