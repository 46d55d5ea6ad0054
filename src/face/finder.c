#include "face/finder.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops.h"
#include "face/pose.h"
#include "face/warp.h"
#include "nets/onnx_graph.h"

enum {
    LANDMARK_SIDE = 64,
    VIEWS = 6, /* of one face, whose landmarks are averaged: three boxes, each also mirrored */
};

/* A box is looked at again in the part of the photograph about it when it is smaller than this in the detector's input:
 * its sides are then a few cells of the detector's grid. */
static const float coarse = 0.3f;

/* The landmark net's box: first the detector's, wider by this on either side; then one about the eyes and the mouth, in
 * means of eye distance and eye-mouth distance, its centre part of the way from eyes to mouth. Found on aligned
 * portraits: their frames come out closest to the portraits themselves. */
static const float box_wider = 0.08f;
static const double face_width = 2.7, face_height = 3.0, face_below_eyes = 0.42;

/* Shifts along the face's axes; with the mirrored views they cancel most of the net's jitter and its asymmetry. */
static const float view_shift[VIEWS / 2][2] = {{0, 0}, {-0.04f, -0.03f}, {0.04f, 0.03f}};

struct idem_finder {
    idem_graph *graph;
    idem_node *picture, *detector[2]; /* [1, 3, 240, 320]; scores, boxes */
    idem_node *grey, *points;         /* [VIEWS, 1, 64, 64]; [VIEWS, 136] */
    idem_node *head, *angles[3];      /* [1, 3, 224, 224]; bins of yaw, pitch, roll */
    idem_plan *detect, *landmark, *pose;
};

/* ---- life ---- */

static int build_detect(idem_finder *f, const char *path, const idem_plan_options *options) {
    static const char *const names[2] = {"scores", "boxes"};
    idem_onnx *net;
    if (idem_onnx_load(&net, path))
        return -1;
    f->picture = idem_input(f->graph, "photograph", IDEM_SHAPE(1, 3, IDEM_DETECT_HEIGHT, IDEM_DETECT_WIDTH));
    idem_node *x = idem_affine(f->picture, 1.0f / 128, -127.0f / 128);
    int status = x ? idem_onnx_build_many(f->graph, net, x, names, 2, f->detector) : -1;
    idem_onnx_free(net);
    if (status)
        return -1;
    int64_t scores = idem_shape_count(&f->detector[0]->shape), boxes = idem_shape_count(&f->detector[1]->shape);
    if (scores % 2 || boxes != 2 * scores)
        return idem_fail("%s: %lld scores and %lld box numbers, expected 2 and 4 for each box", path, (long long)scores,
                         (long long)boxes);
    f->detect = idem_plan_new(f->detector, 2, options);
    return f->detect ? 0 : -1;
}

static int build_landmark(idem_finder *f, const char *path, const idem_plan_options *options) {
    idem_onnx *net;
    if (idem_onnx_load(&net, path))
        return -1;
    f->grey = idem_input(f->graph, "face", IDEM_SHAPE(VIEWS, 1, LANDMARK_SIDE, LANDMARK_SIDE));
    f->points = idem_onnx_build(f->graph, net, f->grey, NULL);
    idem_onnx_free(net);
    if (!f->points)
        return -1;
    if (idem_shape_count(&f->points->shape) != VIEWS * IDEM_POINTS * 2)
        return idem_fail("%s: %lld numbers a face, expected %d", path,
                         (long long)(idem_shape_count(&f->points->shape) / VIEWS), IDEM_POINTS * 2);
    f->landmark = idem_plan_new(&f->points, 1, options);
    return f->landmark ? 0 : -1;
}

static int build_pose(idem_finder *f, const char *path, const idem_plan_options *options) {
    static const char *const names[3] = {"output", "617", "618"};
    static const float mean[3] = {255 * 0.485f, 255 * 0.456f, 255 * 0.406f},
                       deviation[3] = {255 * 0.229f, 255 * 0.224f, 255 * 0.225f};
    idem_onnx *net;
    if (idem_onnx_load(&net, path))
        return -1;
    idem_shape channels = IDEM_SHAPE(1, 3, 1, 1);
    f->head = idem_input(f->graph, "head", IDEM_SHAPE(1, 3, IDEM_POSE_SIDE, IDEM_POSE_SIDE));
    idem_node *x = idem_div(idem_sub(f->head, idem_const(f->graph, "mean", channels, mean)),
                            idem_const(f->graph, "deviation", channels, deviation));
    int status = x ? idem_onnx_build_many(f->graph, net, x, names, 3, f->angles) : -1;
    idem_onnx_free(net);
    for (int k = 0; k < 3 && !status; k++)
        if (idem_shape_count(&f->angles[k]->shape) != IDEM_POSE_BINS)
            status = idem_fail("%s: output \"%s\" has %lld numbers, expected %d bins", path, names[k],
                               (long long)idem_shape_count(&f->angles[k]->shape), IDEM_POSE_BINS);
    if (status)
        return -1;
    f->pose = idem_plan_new(f->angles, 3, options);
    return f->pose ? 0 : -1;
}

idem_finder *idem_finder_new(const idem_finder_files *files, const idem_plan_options *options) {
    idem_finder *f = calloc(1, sizeof *f);
    if (!f)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for finding faces");
    f->graph = idem_graph_new();
    idem_plan_options shared = options ? *options : (idem_plan_options){0};
    int status = f->graph ? build_detect(f, files->detect, options) : -1;
    shared.share = f->detect;
    if (status || build_landmark(f, files->landmark, &shared) || (files->pose && build_pose(f, files->pose, &shared))) {
        idem_finder_free(f);
        return NULL;
    }
    return f;
}

void idem_finder_free(idem_finder *f) {
    if (!f)
        return;
    idem_plan_free(f->pose);
    idem_plan_free(f->landmark);
    idem_plan_free(f->detect);
    if (f->graph)
        idem_graph_free(f->graph);
    free(f);
}

/* ---- detection ---- */

static float width(const idem_box *b) {
    return b->x1 - b->x0;
}

static float height(const idem_box *b) {
    return b->y1 - b->y0;
}

/* The detector on one part of the photograph; boxes in coordinates of the whole. */
static int detect(idem_finder *f, const idem_image *photo, const idem_box *part, idem_face *out, int max) {
    idem_crop crop = idem_crop_from_box(part);
    if (idem_warp(f->picture->leaf, IDEM_DETECT_HEIGHT, IDEM_DETECT_WIDTH, photo, &crop, IDEM_WARP_EDGE) ||
        idem_plan_run(f->detect))
        return -1;
    int candidates = (int)(idem_shape_count(&f->detector[0]->shape) / 2);
    int n = idem_detect_select(out, max, idem_plan_value(f->detect, f->detector[0]),
                               idem_plan_value(f->detect, f->detector[1]), candidates, IDEM_DETECT_CONFIDENCE,
                               IDEM_DETECT_OVERLAP);
    for (int i = 0; i < n; i++) {
        float corners[2][2] = {{out[i].box.x0, out[i].box.y0}, {out[i].box.x1, out[i].box.y1}};
        idem_crop_points(corners, (const float(*)[2])corners, 2, &crop);
        out[i].box = (idem_box){corners[0][0], corners[0][1], corners[1][0], corners[1][1]};
    }
    return n;
}

static float overlap(const idem_box *a, const idem_box *b) {
    float w = fminf(a->x1, b->x1) - fmaxf(a->x0, b->x0), h = fminf(a->y1, b->y1) - fmaxf(a->y0, b->y0);
    return w <= 0 || h <= 0 ? 0 : w * h / (width(a) * height(a) + width(b) * height(b) - w * h);
}

/* Looks at a small face again, in a part of the photograph three times its size and of the detector's own shape. */
static int look_again(idem_finder *f, const idem_image *photo, idem_face *face) {
    if (width(&face->box) >= coarse || height(&face->box) >= coarse)
        return 0;
    float pixels = fmaxf(width(&face->box) * (float)photo->width, height(&face->box) * (float)photo->height);
    float half_w = 1.5f * pixels * 4 / 3 / (float)photo->width, half_h = 1.5f * pixels / (float)photo->height;
    float x = (face->box.x0 + face->box.x1) / 2, y = (face->box.y0 + face->box.y1) / 2;
    idem_box part = {x - half_w, y - half_h, x + half_w, y + half_h};
    idem_face seen[8];
    int n = detect(f, photo, &part, seen, 8);
    for (int i = 0; i < n; i++)
        if (overlap(&seen[i].box, &face->box) > 0.4f) {
            face->box = seen[i].box;
            break;
        }
    return n < 0 ? -1 : 0;
}

/* Where the whole photograph shows no face, six parts that overlap: faces down to a hundredth of a side. */
static int detect_in_parts(idem_finder *f, const idem_image *photo, idem_face *out, int max) {
    int n = 0;
    for (int i = 0; i < 6 && n < max; i++) {
        float x = (float)(i % 3) * 0.3f, y = (float)(i / 3) * 0.4f;
        idem_box part = {x, y, x + 0.4f, y + 0.6f};
        int more = detect(f, photo, &part, out + n, max - n);
        if (more < 0)
            return -1;
        for (int k = n, end = n + more; k < end; k++) {
            bool known = false;
            for (int o = 0; o < n && !known; o++)
                known = overlap(&out[o].box, &out[k].box) > IDEM_DETECT_OVERLAP;
            if (!known)
                out[n++] = out[k];
        }
    }
    return n;
}

static int larger_first(const void *a, const void *b) {
    const idem_face *p = a, *q = b;
    float x = width(&p->box) * height(&p->box), y = width(&q->box) * height(&q->box);
    if (x != y)
        return x < y ? 1 : -1;
    return (p->box.x0 > q->box.x0) - (p->box.x0 < q->box.x0);
}

/* ---- landmarks and pose ---- */

/* One view of the face into the net's input. */
static int set_view(idem_finder *f, int v, const idem_image *photo, const idem_crop *crop) {
    float rgb[LANDMARK_SIDE * LANDMARK_SIDE * 3];
    if (idem_warp(rgb, LANDMARK_SIDE, LANDMARK_SIDE, photo, crop, IDEM_WARP_EDGE))
        return -1;
    float *to = f->grey->leaf + v * LANDMARK_SIDE * LANDMARK_SIDE;
    for (int i = 0; i < LANDMARK_SIDE * LANDMARK_SIDE; i++)
        to[i] = (0.299f * rgb[3 * i] + 0.587f * rgb[3 * i + 1] + 0.114f * rgb[3 * i + 2]) / 256;
    return 0;
}

/* The view that shows the face mirrored. */
static idem_crop mirror(const idem_crop *c) {
    return (idem_crop){{-c->m[0], c->m[1], c->m[2] + c->m[0], -c->m[3], c->m[4], c->m[5] + c->m[3]}};
}

/* Which of the 68 points is point i of a mirrored face. */
static int mirrored_point(int i) {
    static const int end[] = {17, 27, 31, 36, 40, 42, 46, 48, 55, 60, 65, 68}; /* jaw, brows, nose, eyes, mouth */
    static const int sum[] = {16, 43, 0, 66, 81, 87, 81, 87, 102, 114, 124, 132};
    int k = 0;
    while (i >= end[k])
        k++;
    return sum[k] ? sum[k] - i : i;
}

/* Runs the net on the views, every second one mirrored; the mean of the points in the photograph. */
static int run_views(idem_finder *f, const idem_image *photo, const idem_crop *crops, float (*points)[2]) {
    for (int v = 0; v < VIEWS; v++)
        if (set_view(f, v, photo, &crops[v]))
            return -1;
    if (idem_plan_run(f->landmark))
        return -1;
    const float *net = idem_plan_value(f->landmark, f->points);
    memset(points, 0, IDEM_POINTS * sizeof *points);
    for (int v = 0; v < VIEWS; v++) {
        float one[IDEM_POINTS][2];
        idem_crop_points(one, (const float(*)[2])(net + v * IDEM_POINTS * 2), IDEM_POINTS, &crops[v]);
        for (int i = 0; i < IDEM_POINTS; i++) {
            const float *at = one[v % 2 ? mirrored_point(i) : i];
            points[i][0] += at[0] / VIEWS;
            points[i][1] += at[1] / VIEWS;
        }
    }
    return 0;
}

/* A box (unit square to photograph) as views: shifted, each also mirrored. */
static void make_views(idem_crop *crops, const idem_crop *box) {
    for (int v = 0; v < VIEWS; v += 2) {
        const float *by = view_shift[v / 2];
        crops[v] = *box;
        crops[v].m[2] += by[0] * box->m[0] + by[1] * box->m[1];
        crops[v].m[5] += by[0] * box->m[3] + by[1] * box->m[4];
        crops[v + 1] = mirror(&crops[v]);
    }
}

/* The box the net is at its best in, turned as the face is. */
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

/* First in the detector's box, then in a box that turns with the face. */
static int find_points(idem_finder *f, const idem_image *photo, const idem_box *box, float (*points)[2]) {
    float more = box_wider * width(box);
    idem_crop crops[VIEWS], place = idem_crop_from_box(&(idem_box){box->x0 - more, box->y0, box->x1 + more, box->y1});
    make_views(crops, &place);
    if (run_views(f, photo, crops, points) || face_box(&place, (const float(*)[2])points, photo))
        return -1;
    make_views(crops, &place);
    return run_views(f, photo, crops, points);
}

static int find_pose(idem_finder *f, const idem_image *photo, idem_found *face) {
    face->yaw = face->pitch = face->roll = NAN;
    if (!f->pose)
        return 0;
    float dx = width(&face->box) / 4, dy = height(&face->box) / 4;
    idem_crop crop =
        idem_crop_from_box(&(idem_box){face->box.x0 - dx, face->box.y0 - dy, face->box.x1 + dx, face->box.y1 + dy});
    if (idem_warp(f->head->leaf, IDEM_POSE_SIDE, IDEM_POSE_SIDE, photo, &crop, IDEM_WARP_EDGE) ||
        idem_plan_run(f->pose))
        return -1;
    face->yaw = idem_pose_angle(idem_plan_value(f->pose, f->angles[0]));
    face->pitch = idem_pose_angle(idem_plan_value(f->pose, f->angles[1]));
    face->roll = idem_pose_angle(idem_plan_value(f->pose, f->angles[2]));
    return 0;
}

int idem_finder_run(idem_finder *f, const idem_image *photo, idem_found *out, int max) {
    idem_face faces[IDEM_FACES_MAX];
    int n = detect(f, photo, &(idem_box){0, 0, 1, 1}, faces, IDEM_FACES_MAX);
    if (n == 0)
        n = detect_in_parts(f, photo, faces, IDEM_FACES_MAX);
    if (n < 0)
        return -1;
    qsort(faces, (size_t)n, sizeof *faces, larger_first);
    int kept = 0;
    for (int i = 0; i < n && kept < max; i++) {
        idem_found *face = &out[kept];
        if (look_again(f, photo, &faces[i]))
            return -1;
        face->box = faces[i].box;
        face->score = faces[i].score;
        if (find_points(f, photo, &face->box, face->points) || find_pose(f, photo, face))
            return -1;
        kept++;
    }
    return kept;
}
