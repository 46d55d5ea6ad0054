#include "nets/resample.h"

#include <limits.h>
#include <stdlib.h>

#include "engine/ops.h"

/* The two source pixels of target pixel i and the weight of the second. */
static void taps(int i, int target, int source, int pixel[2], float *weight) {
    double at = (i + 0.5) * source / target - 0.5;
    at = at < 0 ? 0 : at;
    pixel[0] = (int)at < source - 1 ? (int)at : source - 1;
    pixel[1] = pixel[0] + 1 < source ? pixel[0] + 1 : pixel[0];
    *weight = (float)(at - pixel[0]);
}

static void fill(int *start, int *column, float *value, int h, int w, int H, int W) {
    for (int y = 0, k = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int row[2], col[2];
            float down, right;
            taps(y, h, H, row, &down);
            taps(x, w, W, col, &right);
            start[y * w + x] = k;
            for (int corner = 0; corner < 4; corner++, k++) {
                column[k] = row[corner / 2] * W + col[corner % 2];
                value[k] = (corner / 2 ? down : 1 - down) * (corner % 2 ? right : 1 - right);
            }
        }
    start[h * w] = 4 * h * w;
}

idem_node *idem_resample_bilinear(idem_node *x, int h, int w) {
    if (!x)
        return NULL;
    char text[64];
    if (x->shape.rank != 4 || x->shape.d[2] > 1 << 15 || x->shape.d[3] > 1 << 15 || h < 1 || w < 1 || h > 1 << 12 ||
        w > 1 << 12)
        return idem_fail_null("resampling %s to %dx%d: expected [N, C, H, W] and sides of 1 to 4096",
                              idem_shape_text(&x->shape, text), w, h);
    const int H = (int)x->shape.d[2], W = (int)x->shape.d[3];
    if (H == h && W == w)
        return x;
    const size_t n = (size_t)h * (size_t)w;
    int *start = malloc((n + 1) * sizeof *start), *column = malloc(4 * n * sizeof *column);
    float *value = malloc(4 * n * sizeof *value);
    idem_node *y = NULL;
    if (start && column && value) {
        fill(start, column, value, h, w, H, W);
        const idem_sparse map = {.rows = h * w, .columns = H * W, .start = start, .column = column, .value = value};
        y = idem_spatial_map(x, &map, h, w);
    } else {
        idem_fail_as(IDEM_MEMORY, "out of memory for resampling");
    }
    free(start);
    free(column);
    free(value);
    return y;
}
