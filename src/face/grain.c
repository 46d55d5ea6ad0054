#include "face/grain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"

enum { OCTAVES = IDEM_GRAIN_OCTAVES, SIDE = IDEM_GRAIN_SIDE, ROUNDS = 50 };

/* Bands that also contain features of the face, not only grain, are compensated less. */
static const double trust[OCTAVES] = {1, 1, 0.25};

static const double of_median = 1.4826; /* standard deviation / median of magnitudes, for a normal distribution */

void idem_grain_free(idem_grain *g) {
    free(g->tile);
    *g = (idem_grain){0};
}

/* One direction of the B3 spline with holes of `step`; around wraps, otherwise edges are repeated. */
static void blur(float *to, const float *from, int n, int count, int stride, int across, int step, int wraps) {
    static const float kernel[3] = {6.0f / 16, 4.0f / 16, 1.0f / 16};
    for (int row = 0; row < count; row++)
        for (int i = 0; i < n; i++) {
            float sum = 0;
            for (int k = -2; k <= 2; k++) {
                int at = i + k * step;
                at = wraps ? (at + 4 * n) % n : at < 0 ? 0 : at >= n ? n - 1 : at;
                sum += kernel[abs(k)] * from[(size_t)row * (size_t)across + (size_t)at * (size_t)stride];
            }
            to[(size_t)row * (size_t)across + (size_t)i * (size_t)stride] = sum;
        }
}

/* Smooths x; band [height, width] is the difference. scratch has the same size. */
static void split(float *band, float *x, float *scratch, int width, int height, int step, int wraps) {
    const size_t n = (size_t)width * (size_t)height;
    memcpy(band, x, n * sizeof *x);
    blur(scratch, x, width, height, 1, width, step, wraps);
    blur(x, scratch, height, width, width, 1, step, wraps);
    for (size_t i = 0; i < n; i++)
        band[i] -= x[i];
}

/* The standard deviation of a normal distribution with the band's median magnitude. */
static double level(const float *band, size_t n) {
    enum { BINS = 4096, FINENESS = 32 /* bins to one step of brightness */ };
    unsigned count[BINS] = {0}, below = 0;
    for (size_t i = 0; i < n; i++)
        count[(int)fminf(fabsf(band[i]) * FINENESS, BINS - 1)]++;
    int k = 0;
    while (below + count[k] <= n / 2)
        below += count[k++];
    return of_median * (k + ((double)n / 2 - below) / count[k]) / FINENESS;
}

static int levels_of(double levels[OCTAVES], const float *x, int width, int height, int octaves) {
    const size_t n = (size_t)width * (size_t)height;
    float *work = malloc(3 * n * sizeof *work + 1);
    if (!work)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the grain of %d x %d pixels", width, height);
    memcpy(work, x, n * sizeof *work);
    for (int k = 0; k < octaves; k++) {
        split(work + n, work, work + 2 * n, width, height, 1 << k, 0);
        levels[k] = level(work + n, n);
    }
    free(work);
    return 0;
}

/* Variances v of the octaves' noise whose sum is closest to the wanted ones: share[k][j] is the variance of octave k's
 * noise in band j. Non-negative coordinate descent. */
static void solve(double v[OCTAVES], const double wanted[OCTAVES], const double (*share)[OCTAVES], int octaves) {
    for (int k = 0; k < octaves; k++)
        v[k] = 0;
    for (int round = 0; round < ROUNDS; round++)
        for (int k = 0; k < octaves; k++) {
            double along = 0, length = 0;
            for (int j = 0; j < octaves; j++) {
                double rest = wanted[j];
                for (int i = 0; i < octaves; i++)
                    rest -= i == k ? 0 : v[i] * share[i][j];
                along += rest * share[k][j];
                length += share[k][j] * share[k][j];
            }
            v[k] = length > 0 ? fmax(along / length, 0) : 0;
        }
}

/* Noise of each octave with variance 1, and its variance in each band. */
static int make_noise(float *noise, float *work, double (*share)[OCTAVES], int octaves) {
    const size_t n = (size_t)SIDE * SIDE;
    idem_rng rng = idem_rng_make(0, "grain");
    idem_rng_fill_normal(&rng, work, n);
    for (int k = 0; k < octaves; k++) {
        float *band = noise + (size_t)k * n;
        double square = 0;
        split(band, work, work + n, SIDE, SIDE, 1 << k, 1);
        for (size_t i = 0; i < n; i++)
            square += (double)band[i] * band[i];
        const float scale = (float)(1 / sqrt(square / (double)n));
        for (size_t i = 0; i < n; i++)
            band[i] *= scale;
    }
    for (int k = 0; k < octaves; k++) {
        if (levels_of(share[k], noise + (size_t)k * n, SIDE, SIDE, octaves))
            return -1;
        for (int j = 0; j < octaves; j++)
            share[k][j] *= share[k][j];
    }
    return 0;
}

static int fill(idem_grain *g, const double wanted[OCTAVES], int octaves) {
    const size_t n = (size_t)SIDE * SIDE;
    double share[OCTAVES][OCTAVES], v[OCTAVES];
    float *noise = malloc((size_t)(octaves + 2) * n * sizeof *noise);
    g->tile = calloc(n, sizeof *g->tile);
    int status = noise && g->tile ? make_noise(noise, noise + (size_t)octaves * n, share, octaves)
                                  : idem_fail_as(IDEM_MEMORY, "out of memory for grain");
    if (!status)
        solve(v, wanted, (const double(*)[OCTAVES])share, octaves);
    for (int k = 0; k < octaves && !status; k++) {
        g->deviation[k] = sqrt(v[k]);
        for (size_t i = 0; i < n; i++)
            g->tile[i] += (float)g->deviation[k] * noise[(size_t)k * n + i];
    }
    free(noise);
    return status;
}

int idem_grain_match(idem_grain *g, const float *before, const float *after, int width, int height, int octaves) {
    double has[2][OCTAVES], wanted[OCTAVES];
    *g = (idem_grain){0};
    if (octaves < 1 || width < 8 || height < 8)
        return 0;
    if (levels_of(has[0], before, width, height, octaves) || levels_of(has[1], after, width, height, octaves))
        return -1;
    for (int k = 0; k < octaves; k++)
        wanted[k] = trust[k] * fmax(has[0][k] * has[0][k] - has[1][k] * has[1][k], 0);
    return fill(g, wanted, octaves);
}
