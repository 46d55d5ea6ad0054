#include "face/landmarks.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops.h"
#include "media/grey.h"
#include "nets/onnx_graph.h"

enum { SIDE = 64, EFFORTS = 2, VIEWS_MAX = 6 };

static const int views_of[EFFORTS] = {2, VIEWS_MAX};

/* The net's box: first the detector's, widened by this on either side; then one around the eyes and the mouth, in units
 * of the mean of eye distance and eye-mouth distance, its centre between eyes and mouth. Tuned on aligned portraits, so
 * that their frames are closest to the portraits. */
static const float box_wider = 0.08f;
static const double face_width = 2.7, face_height = 3.0, face_below_eyes = 0.42;

/* Shifts along the face's axes; each view is also mirrored. */
static const float view_shift[VIEWS_MAX / 2][2] = {{0, 0}, {-0.04f, -0.03f}, {0.04f, 0.03f}};

struct idem_landmarks {
    idem_node *grey[EFFORTS], *points[EFFORTS]; /* [views, 1, 64, 64]; [views, 136] */
    idem_plan *plan[EFFORTS];
};

/* ---- life ---- */

static int build(idem_landmarks *l, int effort, idem_graph *graph, const idem_onnx *net, const char *path,
                 const idem_plan_options *options) {
    int views = views_of[effort];
    l->grey[effort] =
        idem_input(graph, effort == IDEM_LANDMARKS_FULL ? "face" : "face, quick", IDEM_SHAPE(views, 1, SIDE, SIDE));
    l->points[effort] = idem_onnx_build(graph, net, l->grey[effort], NULL);
    if (!l->points[effort])
        return -1;
    int64_t numbers = idem_shape_count(&l->points[effort]->shape);
    if (numbers != (int64_t)views * IDEM_POINTS * 2)
        return idem_fail("%s: %lld numbers a face, expected %d", path, (long long)(numbers / views), IDEM_POINTS * 2);
    l->plan[effort] = idem_plan_new(&l->points[effort], 1, options);
    return l->plan[effort] ? 0 : -1;
}

idem_landmarks *idem_landmarks_new(idem_graph *graph, const char *path, const idem_plan_options *options) {
    idem_onnx *net;
    idem_landmarks *l = calloc(1, sizeof *l);
    if (!l)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for finding faces");
    if (idem_onnx_load(&net, path)) {
        free(l);
        return NULL;
    }
    int status = 0;
    for (int effort = 0; effort < EFFORTS && !status; effort++)
        status = build(l, effort, graph, net, path, options);
    idem_onnx_free(net);
    if (!status)
        return l;
    idem_landmarks_free(l);
    return NULL;
}

void idem_landmarks_free(idem_landmarks *l) {
    if (!l)
        return;
    for (int effort = 0; effort < EFFORTS; effort++)
        idem_plan_free(l->plan[effort]);
    free(l);
}

/* ---- views ---- */

/* One view of the face into the net's input. */
static int set_view(float *to, const idem_pyramid *photo, const idem_crop *crop) {
    float rgb[SIDE * SIDE * 3];
    if (idem_pyramid_warp(rgb, SIDE, SIDE, photo, crop))
        return -1;
    for (int i = 0; i < SIDE * SIDE; i++)
        to[i] = idem_grey(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]) / 256;
    return 0;
}

/* The view that shows the face mirrored. */
static idem_crop mirror(const idem_crop *c) {
    return (idem_crop){{-c->m[0], c->m[1], c->m[2] + c->m[0], -c->m[3], c->m[4], c->m[5] + c->m[3]}};
}

/* The index among the 68 points of point i of a mirrored face. */
static int mirrored_point(int i) {
    static const int end[] = {17, 27, 31, 36, 40, 42, 46, 48, 55, 60, 65, 68}; /* jaw, brows, nose, eyes, mouth */
    static const int sum[] = {16, 43, 0, 66, 81, 87, 81, 87, 102, 114, 124, 132};
    int k = 0;
    while (i >= end[k])
        k++;
    return sum[k] ? sum[k] - i : i;
}

/* Views of a box (unit square to photograph): shifted, each also mirrored. */
static void make_views(idem_crop *crops, const idem_crop *box, int views) {
    for (int v = 0; v < views; v += 2) {
        const float *by = view_shift[v / 2];
        crops[v] = *box;
        crops[v].m[2] += by[0] * box->m[0] + by[1] * box->m[1];
        crops[v].m[5] += by[0] * box->m[3] + by[1] * box->m[4];
        crops[v + 1] = mirror(&crops[v]);
    }
}

/* Root mean square distance of the views' points from their means, divided by the box's height. */
static double spread_of(const float *net, int views, const idem_crop *crops, const float (*points)[2],
                        const idem_image *photo) {
    double sum = 0;
    for (int v = 0; v < views; v++) {
        float one[IDEM_POINTS][2];
        idem_crop_points(one, (const float(*)[2])(net + v * IDEM_POINTS * 2), IDEM_POINTS, &crops[v]);
        for (int i = 0; i < IDEM_POINTS; i++) {
            const float *at = one[v % 2 ? mirrored_point(i) : i];
            double x = (double)(at[0] - points[i][0]) * photo->width,
                   y = (double)(at[1] - points[i][1]) * photo->height;
            sum += (x * x + y * y) / (views * IDEM_POINTS);
        }
    }
    return sqrt(sum) / hypot((double)crops[0].m[1] * photo->width, (double)crops[0].m[4] * photo->height);
}

/* Runs the net on views of the box, every second one mirrored; the mean of the points in the photograph. */
static int run_views(idem_landmarks *l, const idem_pyramid *photo, const idem_crop *box, int effort, float (*points)[2],
                     double *spread) {
    idem_crop crops[VIEWS_MAX];
    int views = views_of[effort];
    make_views(crops, box, views);
    for (int v = 0; v < views; v++)
        if (set_view(l->grey[effort]->leaf + v * SIDE * SIDE, photo, &crops[v]))
            return -1;
    if (idem_plan_run(l->plan[effort]))
        return -1;
    const float *net = idem_plan_value(l->plan[effort], l->points[effort]);
    memset(points, 0, IDEM_POINTS * sizeof *points);
    for (int v = 0; v < views; v++) {
        float one[IDEM_POINTS][2];
        idem_crop_points(one, (const float(*)[2])(net + v * IDEM_POINTS * 2), IDEM_POINTS, &crops[v]);
        for (int i = 0; i < IDEM_POINTS; i++) {
            const float *at = one[v % 2 ? mirrored_point(i) : i];
            points[i][0] += at[0] / (float)views;
            points[i][1] += at[1] / (float)views;
        }
    }
    *spread = spread_of(net, views, crops, (const float(*)[2])points, &photo->level[0]);
    return 0;
}

/* The box in which the net is most accurate, turned with the face. */
static int face_box(idem_crop *crop, const float (*points)[2], const idem_image *photo) {
    float five[5][2];
    double size[2] = {photo->width, photo->height}, eyes[2], mouth[2], e[2];
    idem_points_five(five, points);
    for (int k = 0; k < 2; k++) {
        eyes[k] = ((double)five[0][k] + five[1][k]) / 2 * size[k];
        mouth[k] = ((double)five[3][k] + five[4][k]) / 2 * size[k];
        e[k] = ((double)five[1][k] - five[0][k]) * size[k];
    }
    double mx = mouth[0] - eyes[0], my = mouth[1] - eyes[1];
    double scale = (hypot(e[0], e[1]) + hypot(mx, my)) / 2;
    double x = e[0] + my, y = e[1] - mx, length = hypot(x, y);
    if (!(isfinite(length) && length > 0))
        return idem_fail("landmarks coincide or are not finite");
    double w = face_width * scale / length, h = face_height * scale / length;
    double cx = eyes[0] + face_below_eyes * mx, cy = eyes[1] + face_below_eyes * my;
    *crop = (idem_crop){{(float)(x * w / size[0]), (float)(-y * h / size[0]),
                         (float)((cx - (x * w - y * h) / 2) / size[0]), (float)(y * w / size[1]),
                         (float)(x * h / size[1]), (float)((cy - (y * w + x * h) / 2) / size[1])}};
    return 0;
}

/* First in the detector's box, then in a box turned with the face. */
int idem_landmarks_run(idem_landmarks *l, const idem_pyramid *photo, const idem_crop *box, idem_landmarks_effort effort,
                       float (*points)[2], double *spread) {
    idem_crop place = *box;
    for (int k = 0; k < 6; k += 3) {
        place.m[k] *= 1 + 2 * box_wider;
        place.m[k + 2] -= box_wider * box->m[k];
    }
    return run_views(l, photo, &place, effort, points, spread) ||
                   face_box(&place, (const float(*)[2])points, &photo->level[0])
               ? -1
               : run_views(l, photo, &place, effort, points, spread);
}
