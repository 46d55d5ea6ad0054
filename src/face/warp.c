#include "face/warp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "engine/op.h"

enum { FAR = 50 }; /* most photograph sides by which a crop may exceed it: keeps indices small */

typedef struct {
    const idem_image *photo;
    double m[6]; /* target pixel centres (i + 0.5) / w to source pixel indices */
    double reach_x, reach_y;
    idem_warp_border border;
    int w, max_taps; /* of the target; taps on either axis at most */
} job;

/* Maps index i into a row of n. */
static int fold(int i, int n, idem_warp_border border) {
    if (i >= 0 && i < n)
        return i;
    if (border == IDEM_WARP_EDGE || n == 1)
        return i < 0 ? 0 : n - 1;
    int period = 2 * (n - 1);
    i %= period;
    i = i < 0 ? i + period : i;
    return i < n ? i : period - i;
}

/* In range due to FAR: avoids a library call per tap. */
static int floor_of(double v) {
    const int i = (int)v;
    return i - (v < i);
}

/* Weights and source indices of the triangle of half-width `reach` about `centre`; how many. With plain ground there
 * are none beyond the border, and the weights sum to less than 1. */
static int taps(float *weight, int *index, double centre, double reach, int size, idem_warp_border border) {
    const int from = -floor_of(reach - centre), to = floor_of(centre + reach);
    float sum = 0;
    int n = 0;
    for (int i = from; i <= to; i++) {
        weight[n] = (float)(1 - fabs(i - centre) / reach);
        sum += weight[n];
        if (border != IDEM_WARP_GROUND || (i >= 0 && i < size))
            index[n++] = fold(i, size, border);
    }
    for (int i = 0; i < n; i++)
        weight[i] /= sum;
    return n;
}

/* The ground's weight. */
static float ground_of(const float *wx, int nx, const float *wy, int ny) {
    float x = 0, y = 0;
    for (int i = 0; i < nx; i++)
        x += wx[i];
    for (int i = 0; i < ny; i++)
        y += wy[i];
    return (1 - x * y) * IDEM_WARP_GREY;
}

/* Taps of one source axis for every target pixel: computed once per row or per column if they depend only on it, so
 * that upright and quarter-turned crops need no tap arithmetic per pixel. */
typedef struct {
    const double *m; /* source index = m[0] u + m[1] v + m[2] */
    double reach;
    int size;
    float *weight; /* [w, max_taps] where m[1] is 0, else [max_taps] */
    int *index, *n;
} axis;

static void axis_at(axis *a, const job *j, double u, double v, int slot) {
    a->n[slot] = taps(a->weight + (size_t)slot * (size_t)j->max_taps, a->index + (size_t)slot * (size_t)j->max_taps,
                      a->m[0] * u + a->m[1] * v + a->m[2], a->reach, a->size, j->border);
}

/* Before the first row. */
static void axis_columns(axis *a, const job *j) {
    for (int x = 0; x < j->w && a->m[1] == 0; x++)
        axis_at(a, j, (x + 0.5) / j->w, 0, x);
}

static void warp_row(float *out, const job *j, int y, int h, axis *ax, axis *ay) {
    const idem_image *p = j->photo;
    double v = (y + 0.5) / h;
    axis *both[2] = {ax, ay};
    for (int k = 0; k < 2; k++)
        if (both[k]->m[1] != 0 && both[k]->m[0] == 0)
            axis_at(both[k], j, 0, v, 0);
    for (int x = 0; x < j->w; x++) {
        double u = (x + 0.5) / j->w;
        for (int k = 0; k < 2; k++)
            if (both[k]->m[1] != 0 && both[k]->m[0] != 0)
                axis_at(both[k], j, u, v, 0);
        int sx = ax->m[1] == 0 ? x : 0, sy = ay->m[1] == 0 ? x : 0, nx = ax->n[sx], ny = ay->n[sy];
        const float *wx = ax->weight + (size_t)sx * (size_t)j->max_taps,
                    *wy = ay->weight + (size_t)sy * (size_t)j->max_taps;
        const int *ix = ax->index + (size_t)sx * (size_t)j->max_taps,
                  *iy = ay->index + (size_t)sy * (size_t)j->max_taps;
        float r = j->border == IDEM_WARP_GROUND ? ground_of(wx, nx, wy, ny) : 0, g = r, b = r;
        for (int t = 0; t < ny; t++) {
            const uint8_t *row = p->rgb + (size_t)iy[t] * (size_t)p->width * 3;
            float rr = 0, gg = 0, bb = 0;
            for (int s = 0; s < nx; s++) {
                const uint8_t *at = row + (size_t)ix[s] * 3;
                rr += wx[s] * at[0];
                gg += wx[s] * at[1];
                bb += wx[s] * at[2];
            }
            r += wy[t] * rr;
            g += wy[t] * gg;
            b += wy[t] * bb;
        }
        out[3 * x] = r;
        out[3 * x + 1] = g;
        out[3 * x + 2] = b;
    }
}

int idem_warp(float *out, int h, int w, const idem_image *photo, const idem_crop *crop, idem_warp_border border) {
    if (h < 1 || w < 1 || photo->width < 1 || photo->height < 1)
        return idem_fail("warp: %dx%d to %dx%d, expected sides of at least 1", photo->width, photo->height, w, h);
    job j = {.photo = photo, .border = border, .w = w};
    for (int k = 0; k < 6; k++)
        j.m[k] = (double)crop->m[k] * (k < 3 ? photo->width : photo->height);
    for (int k = 0; k < 6; k++)
        if (!(fabs((double)crop->m[k]) <= FAR))
            return idem_fail("warp: coefficient %d of the crop is %g, expected at most %d photographs", k,
                             (double)crop->m[k], FAR);
    j.m[2] -= 0.5;
    j.m[5] -= 0.5;
    j.reach_x = fmax(1, hypot(j.m[0] / w, j.m[1] / h));
    j.reach_y = fmax(1, hypot(j.m[3] / w, j.m[4] / h));
    j.max_taps = (int)(2 * fmax(j.reach_x, j.reach_y)) + 3;
    int threads = idem_threads();
    size_t slots[2] = {j.m[1] == 0 ? (size_t)w : 1, j.m[4] == 0 ? (size_t)w : 1}, all = slots[0] + slots[1];
    float *weights = malloc((size_t)threads * all * (size_t)j.max_taps * sizeof *weights);
    int *indices = malloc((size_t)threads * all * ((size_t)j.max_taps + 1) * sizeof *indices);
    if (!weights || !indices) {
        free(weights);
        free(indices);
        return idem_fail_as(IDEM_MEMORY, "out of memory for warping a picture");
    }
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int part = 0; part < threads; part++) {
        float *weight = weights + (size_t)part * all * (size_t)j.max_taps;
        int *index = indices + (size_t)part * all * ((size_t)j.max_taps + 1), *n = index + all * (size_t)j.max_taps;
        axis x = {j.m, j.reach_x, photo->width, weight, index, n};
        axis y = {j.m + 3,
                  j.reach_y,
                  photo->height,
                  weight + slots[0] * (size_t)j.max_taps,
                  index + slots[0] * (size_t)j.max_taps,
                  n + slots[0]};
        axis_columns(&x, &j);
        axis_columns(&y, &j);
        for (int row = part; row < h; row += threads)
            warp_row(out + (size_t)row * (size_t)w * 3, &j, row, h, &x, &y);
    }
    free(weights);
    free(indices);
    return 0;
}
