#include "face/crop.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "media/grey.h"

/* Published as pixel indices of a 112x112 picture, so half a pixel is added. */
#define T(x, y)                                                                                                        \
    { (x + 0.5f) / 112, (y + 0.5f) / 112 }
const float idem_template_112[5][2] = {T(38.2946f, 51.6963f), T(73.5318f, 51.5014f), T(56.0252f, 71.7366f),
                                       T(41.5493f, 92.3655f), T(70.7299f, 92.2041f)};
#undef T

idem_crop idem_crop_from_box(const idem_box *box) {
    return (idem_crop){{box->x1 - box->x0, 0, box->x0, 0, box->y1 - box->y0, box->y0}};
}

int idem_crop_fit(idem_crop *crop, const float (*template_points)[2], const float (*points)[2], int n, int width,
                  int height) {
    if (n < 2 || width < 1 || height < 1)
        return idem_fail("fitting a crop: %d points in a %dx%d picture, expected at least 2", n, width, height);
    double px = 0, py = 0, tx = 0, ty = 0;
    for (int i = 0; i < n; i++) {
        px += (double)points[i][0] * width / n;
        py += (double)points[i][1] * height / n;
        tx += (double)template_points[i][0] / n;
        ty += (double)template_points[i][1] / n;
    }
    /* The least-squares similarity t = [a -b; b a] p + .. in the template, which is then inverted. */
    double spread = 0, a = 0, b = 0;
    for (int i = 0; i < n; i++) {
        double x = (double)points[i][0] * width - px, y = (double)points[i][1] * height - py;
        double u = template_points[i][0] - tx, v = template_points[i][1] - ty;
        spread += x * x + y * y;
        a += x * u + y * v;
        b += x * v - y * u;
    }
    double size = a * a + b * b;
    if (!(isfinite(spread) && isfinite(size) && spread > 0 && size > 0))
        return idem_fail("fitting a crop: the %d points coincide or are not finite", n);
    double c = a * spread / size, d = -b * spread / size; /* p = [c -d; d c] t + .. */
    double x0 = px - (c * tx - d * ty), y0 = py - (d * tx + c * ty);
    *crop = (idem_crop){{(float)(c / width), (float)(-d / width), (float)(x0 / width), (float)(d / height),
                         (float)(c / height), (float)(y0 / height)}};
    return 0;
}

void idem_points_five(float five[5][2], const float (*points68)[2]) {
    for (int k = 0; k < 2; k++) {
        float left = 0, right = 0;
        for (int i = 0; i < 6; i++) {
            left += points68[36 + i][k] / 6;
            right += points68[42 + i][k] / 6;
        }
        five[0][k] = left;
        five[1][k] = right;
        five[2][k] = points68[30][k];
        five[3][k] = points68[48][k];
        five[4][k] = points68[54][k];
    }
}

void idem_crop_points(float (*out)[2], const float (*in)[2], int n, const idem_crop *crop) {
    const float *m = crop->m;
    for (int i = 0; i < n; i++) {
        float x = in[i][0], y = in[i][1];
        out[i][0] = m[0] * x + m[1] * y + m[2];
        out[i][1] = m[3] * x + m[4] * y + m[5];
    }
}

int idem_crop_invert(idem_crop *out, const idem_crop *crop) {
    const float *m = crop->m;
    double det = (double)m[0] * m[4] - (double)m[1] * m[3];
    if (!isfinite(det) || det == 0)
        return idem_fail("crop: the map cannot be inverted (determinant %g)", det);
    double a = m[4] / det, b = -m[1] / det, c = -m[3] / det, d = m[0] / det;
    *out = (idem_crop){
        {(float)a, (float)b, (float)(-a * m[2] - b * m[5]), (float)c, (float)d, (float)(-c * m[2] - d * m[5])}};
    return 0;
}

/* Taps along one source axis: a triangle of half-width `reach` (pixels, >= 1) about `centre` (pixel index). Returns
 * their number: `first` is the first pixel; weights sum to 1, or less beyond a zero border. */
static int axis_taps(float *weight, int *first, double centre, double reach, int size, idem_border border) {
    if (border == IDEM_BORDER_EDGE)
        centre =
            fmin(fmax(centre, -reach), size - 1 + reach); /* beyond, all taps are the edge pixel; keeps indices small */
    else if (centre <= -reach || centre >= size - 1 + reach)
        return 0;
    int from = (int)ceil(centre - reach), to = (int)floor(centre + reach);
    double sum = 0;
    for (int i = from; i <= to; i++)
        sum += fmax(0, 1 - fabs(i - centre) / reach);
    int low = from < 0 ? 0 : from > size - 1 ? size - 1 : from, high = to < 0 ? 0 : to > size - 1 ? size - 1 : to;
    for (int i = low; i <= high; i++)
        weight[i - low] = 0;
    for (int i = from; i <= to; i++) {
        double w = fmax(0, 1 - fabs(i - centre) / reach) / sum;
        if (i >= 0 && i < size)
            weight[i - low] += (float)w;
        else if (border == IDEM_BORDER_EDGE)
            weight[(i < 0 ? 0 : size - 1) - low] += (float)w;
    }
    *first = low;
    return high - low + 1;
}

int idem_crop_map(idem_sparse *out, const idem_crop *crop, int h, int w, int H, int W, idem_border border) {
    *out = (idem_sparse){0};
    const float *m = crop->m;
    if (h < 1 || w < 1 || H < 1 || W < 1 || (int64_t)h * w >= INT_MAX || (int64_t)H * W >= INT_MAX)
        return idem_fail("crop: %dx%d to %dx%d, expected sides of at least 1 and fewer than 2^31 pixels", W, H, w, h);
    for (int i = 0; i < 6; i++)
        if (!isfinite(m[i]))
            return idem_fail("crop: coefficient %d is not finite", i);
    double reach_x = fmax(1, hypot((double)m[0] * W / w, (double)m[1] * W / h));
    double reach_y = fmax(1, hypot((double)m[3] * H / w, (double)m[4] * H / h));
    double most_x = fmin(W, 2 * reach_x + 2), most_y = fmin(H, 2 * reach_y + 2);
    if (most_x * most_y * h * w >= INT_MAX)
        return idem_fail("crop: %dx%d to %dx%d shrinks too much for one map (more than 2^31 weights)", W, H, w, h);
    size_t capacity = (size_t)most_x * (size_t)most_y * (size_t)h * (size_t)w;
    int *start = malloc(((size_t)h * (size_t)w + 1) * sizeof *start), *column = malloc(capacity * sizeof *column);
    float *value = malloc(capacity * sizeof *value);
    float *wx = malloc((size_t)W * sizeof *wx), *wy = malloc((size_t)H * sizeof *wy);
    *out = (idem_sparse){.rows = h * w, .columns = H * W, .start = start, .column = column, .value = value};
    if (!start || !column || !value || !wx || !wy) {
        free(wx);
        free(wy);
        idem_crop_map_free(out);
        return idem_fail_as(IDEM_MEMORY, "crop: out of memory for a map of %zu weights", capacity);
    }
    int used = 0;
    for (int row = 0; row < h * w; row++) {
        double x = (row % w + 0.5) / w, y = (row / w + 0.5) / h;
        int x0 = 0, y0 = 0;
        int nx = axis_taps(wx, &x0, (m[0] * x + m[1] * y + m[2]) * W - 0.5, reach_x, W, border);
        int ny = axis_taps(wy, &y0, (m[3] * x + m[4] * y + m[5]) * H - 0.5, reach_y, H, border);
        start[row] = used;
        for (int j = 0; j < ny; j++)
            for (int i = 0; i < nx; i++) {
                if (wx[i] * wy[j] == 0)
                    continue;
                column[used] = (y0 + j) * W + x0 + i;
                value[used++] = wx[i] * wy[j];
            }
    }
    start[h * w] = used;
    free(wx);
    free(wy);
    return 0;
}

void idem_crop_map_free(idem_sparse *map) {
    free((int *)map->start);
    free((int *)map->column);
    free((float *)map->value);
    *map = (idem_sparse){0};
}

void idem_crop_apply(float *out, const float *in, int channels, const idem_sparse *map) {
    memset(out, 0, (size_t)map->rows * (size_t)channels * sizeof *out);
    for (int row = 0; row < map->rows; row++)
        for (int k = map->start[row]; k < map->start[row + 1]; k++)
            for (int c = 0; c < channels; c++)
                out[(size_t)row * (size_t)channels + (size_t)c] +=
                    map->value[k] * in[(size_t)map->column[k] * (size_t)channels + (size_t)c];
}

idem_node *idem_crop_node(idem_node *x, const idem_crop *crop, int h, int w) {
    if (!x)
        return NULL;
    char text[64];
    if (x->shape.rank != 4 || x->shape.d[2] > INT_MAX || x->shape.d[3] > INT_MAX)
        return idem_fail_null("crop: shape is %s, expected [N, C, H, W]", idem_shape_text(&x->shape, text));
    idem_sparse map;
    if (idem_crop_map(&map, crop, h, w, (int)x->shape.d[2], (int)x->shape.d[3], IDEM_BORDER_EDGE))
        return NULL;
    idem_node *y = idem_spatial_map(x, &map, h, w);
    idem_crop_map_free(&map);
    return y;
}

idem_node *idem_crop_landmark_input(idem_node *x, const idem_crop *crop) {
    idem_node *rgb = idem_crop_node(x, crop, 64, 64);
    if (!rgb)
        return NULL;
    const float grey[3] = {(float)IDEM_GREY_RED * 255 / 256, (float)IDEM_GREY_GREEN * 255 / 256,
                           (float)IDEM_GREY_BLUE * 255 / 256};
    idem_node *factors = idem_const(rgb->graph, "grey", IDEM_SHAPE(1, 3, 1, 1), grey);
    return idem_reduce_sum(idem_mul(rgb, factors), IDEM_SHAPE(rgb->shape.d[0], 1, 64, 64), 1);
}

idem_node *idem_crop_landmark_points(idem_node *out136, const idem_crop *crop, int first, float units) {
    if (!out136)
        return NULL;
    char text[64];
    if (idem_shape_count(&out136->shape) % 136 || first < 0 || first > 67)
        return idem_fail_null("landmarks: shape is %s, first point %d, expected [N, 136] and 0 .. 67",
                              idem_shape_text(&out136->shape, text), first);
    idem_graph *g = out136->graph;
    int64_t n = idem_shape_count(&out136->shape) / 136, left = 68 - first;
    const float *m = crop->m;
    const float turn[4] = {units * m[0], units * m[1], units * m[3], units * m[4]},
                shift[2] = {units * m[2], units * m[5]};
    idem_node *points = idem_slice(idem_reshape(out136, IDEM_SHAPE(n, 136)), 1, 2 * first, 2 * left, 1);
    points = idem_matmul(idem_reshape(points, IDEM_SHAPE(n * left, 2)),
                         idem_const(g, "crop.turn", IDEM_SHAPE(2, 2), turn), false, true);
    points = idem_add(points, idem_const(g, "crop.shift", IDEM_SHAPE(1, 2), shift));
    return idem_reshape(points, IDEM_SHAPE(n, left, 2));
}
