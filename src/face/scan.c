#include "face/scan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops.h"
#include "face/detect.h"
#include "face/warp.h"
#include "nets/onnx_graph.h"

enum { PART_FACES = 512 }; /* more do not fit into one part */

struct idem_scanner {
    idem_node *picture, *out[2]; /* [1, 3, 240, 320]; scores, boxes */
    idem_plan *plan;
    int boxes;
    idem_face *faces; /* [PART_FACES] */
};

/* ---- life ---- */

static int build(idem_scanner *s, idem_graph *graph, const char *path, const idem_plan_options *options) {
    static const char *const names[2] = {"scores", "boxes"};
    idem_onnx *net;
    if (idem_onnx_load(&net, path))
        return -1;
    s->picture = idem_input(graph, "photograph", IDEM_SHAPE(1, 3, IDEM_DETECT_HEIGHT, IDEM_DETECT_WIDTH));
    idem_node *x = idem_affine(s->picture, 1.0f / 128, -127.0f / 128);
    int status = x ? idem_onnx_build_many(graph, net, x, names, 2, s->out) : -1;
    idem_onnx_free(net);
    if (status)
        return -1;
    int64_t scores = idem_shape_count(&s->out[0]->shape), boxes = idem_shape_count(&s->out[1]->shape);
    if (scores % 2 || boxes != 2 * scores)
        return idem_fail("%s: %lld scores and %lld box numbers, expected 2 and 4 for each box", path, (long long)scores,
                         (long long)boxes);
    s->boxes = (int)(scores / 2);
    s->plan = idem_plan_new(s->out, 2, options);
    return s->plan ? 0 : -1;
}

idem_scanner *idem_scanner_new(idem_graph *graph, const char *path, const idem_plan_options *options) {
    idem_scanner *s = calloc(1, sizeof *s);
    if (s && (s->faces = malloc(PART_FACES * sizeof *s->faces)) && !build(s, graph, path, options))
        return s;
    if (!s || !s->faces)
        idem_fail_as(IDEM_MEMORY, "out of memory for finding faces");
    idem_scanner_free(s);
    return NULL;
}

void idem_scanner_free(idem_scanner *s) {
    if (!s)
        return;
    idem_plan_free(s->plan);
    free(s->faces);
    free(s);
}

idem_plan *idem_scanner_plan(const idem_scanner *s) {
    return s->plan;
}

/* ---- parts ---- */

/* Quarter turns exactly: they are cheaper to warp. */
static double axis(double x) {
    return fabs(x) < 1e-9 ? 0 : x;
}

idem_crop idem_candidate_crop(const idem_candidate *c, const idem_image *photo) {
    double along = axis(cos(c->turn)), down = axis(sin(c->turn)), w = photo->width, h = photo->height;
    double xx = c->width * along, xy = -c->height * down, yx = c->width * down, yy = c->height * along;
    return (idem_crop){{(float)(xx / w), (float)(xy / w), (float)((c->x - (xx + xy) / 2) / w), (float)(yx / h),
                        (float)(yy / h), (float)((c->y - (yx + yy) / 2) / h)}};
}

static int add(idem_candidates *list, const idem_candidate *c) {
    if (list->n == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 64;
        idem_candidate *at = realloc(list->at, (size_t)capacity * sizeof *at);
        if (!at)
            return idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", capacity);
        list->at = at;
        list->capacity = capacity;
    }
    list->at[list->n++] = *c;
    return 0;
}

/* The network on the picture that is set; how many faces. */
static int run(idem_scanner *s, float confidence) {
    return idem_plan_run(s->plan)
               ? -1
               : idem_detect_select(s->faces, PART_FACES, idem_plan_value(s->plan, s->out[0]),
                                    idem_plan_value(s->plan, s->out[1]), s->boxes, confidence, IDEM_DETECT_OVERLAP);
}

int idem_scan_part(idem_scanner *s, idem_candidates *list, const idem_pyramid *photo, double x, double y, double scale,
                   double turn, float confidence) {
    const idem_image *im = &photo->level[0];
    double width = IDEM_DETECT_WIDTH * scale, height = IDEM_DETECT_HEIGHT * scale;
    idem_crop view = idem_candidate_crop(&(idem_candidate){x, y, width, height, turn, 0}, im);
    if (idem_pyramid_warp(s->picture->leaf, IDEM_DETECT_HEIGHT, IDEM_DETECT_WIDTH, photo, &view))
        return -1;
    int n = run(s, confidence);
    for (int i = 0; i < n; i++) {
        const idem_box *b = &s->faces[i].box;
        float at[1][2] = {{(b->x0 + b->x1) / 2, (b->y0 + b->y1) / 2}};
        idem_crop_points(at, (const float(*)[2])at, 1, &view);
        idem_candidate c = {(double)at[0][0] * im->width,
                            (double)at[0][1] * im->height,
                            (double)(b->x1 - b->x0) * width,
                            (double)(b->y1 - b->y0) * height,
                            turn,
                            s->faces[i].score};
        if (add(list, &c))
            return -1;
    }
    return n < 0 ? -1 : 0;
}

/* ---- the whole photograph ---- */

int idem_scan_view_make(idem_scan_view *v, const idem_pyramid *photo, double scale) {
    const idem_image *im = &photo->level[0];
    *v = (idem_scan_view){.width = (int)fmax(rint(im->width / scale), 1),
                          .height = (int)fmax(rint(im->height / scale), 1)};
    v->rgb = malloc((size_t)v->width * (size_t)v->height * 3 * sizeof *v->rgb);
    if (!v->rgb)
        return idem_fail_as(IDEM_MEMORY, "out of memory for finding faces");
    v->step_x = (double)im->width / v->width;
    v->step_y = (double)im->height / v->height;
    if (idem_pyramid_warp(v->rgb, v->height, v->width, photo, &(idem_crop){{1, 0, 0, 0, 1, 0}}) == 0)
        return 0;
    idem_scan_view_free(v);
    return -1;
}

void idem_scan_view_free(idem_scan_view *v) {
    free(v->rgb);
    *v = (idem_scan_view){0};
}

static const float darkness = 24;           /* of 255 */
static const double least_darkness = 0.005; /* of the pixels: a square of a fourteenth of the side */

bool idem_scan_view_lift(idem_scan_view *v) {
    const size_t n = (size_t)v->width * (size_t)v->height;
    size_t dark = 0;
    for (size_t i = 0; i < n; i++)
        dark += v->rgb[3 * i] + v->rgb[3 * i + 1] + v->rgb[3 * i + 2] < 3 * darkness;
    if ((double)dark < least_darkness * (double)n)
        return false;
    for (size_t i = 0; i < 3 * n; i++)
        v->rgb[i] = sqrtf(255 * fmaxf(v->rgb[i], 0));
    return true;
}

/* The place of pixel (u, v) of the view, turned by `quarters`, in the upright one; also for edges of pixels, as `last`
 * is the last pixel's index or edge. */
static void turn_back(double *x, double *y, double u, double v, int quarters, double last_x, double last_y) {
    *x = quarters == 0 ? u : quarters == 1 ? last_x - v : quarters == 2 ? last_x - u : v;
    *y = quarters == 0 ? v : quarters == 1 ? u : quarters == 2 ? last_y - v : last_y - u;
}

/* The detector's picture from the turned view, from its pixel (left, top) on; plain ground beyond it. */
static void cut_part(float *to, const idem_scan_view *view, int left, int top, int quarters) {
    const int w = view->width, h = view->height, across = quarters % 2 ? h : w, down = quarters % 2 ? w : h;
    const ptrdiff_t row = 3 * (ptrdiff_t)w, steps[4] = {3, row, -3, -row}, step = steps[quarters];
    const int from = left < 0 ? -left : 0, end = across - left < IDEM_DETECT_WIDTH ? across - left : IDEM_DETECT_WIDTH;
    for (int j = 0; j < IDEM_DETECT_HEIGHT; j++, to += 3 * IDEM_DETECT_WIDTH) {
        const bool inside = top + j >= 0 && top + j < down;
        for (int i = 0; i < 3 * IDEM_DETECT_WIDTH && !(inside && from == 0 && end == IDEM_DETECT_WIDTH); i++)
            to[i] = IDEM_WARP_GREY;
        if (!inside)
            continue;
        double x, y;
        turn_back(&x, &y, left + from, top + j, quarters, w - 1, h - 1);
        const float *at = view->rgb + (ptrdiff_t)y * row + 3 * (ptrdiff_t)x;
        for (int i = from; i < end; i++, at += step)
            memcpy(to + 3 * i, at, 3 * sizeof *at);
    }
}

static int scan_view_part(idem_scanner *s, idem_candidates *list, const idem_scan_view *view, int left, int top,
                          int quarters, float confidence) {
    const bool on_side = quarters % 2;
    cut_part(s->picture->leaf, view, left, top, quarters);
    int n = run(s, confidence);
    for (int i = 0; i < n; i++) {
        const idem_box *b = &s->faces[i].box;
        idem_candidate c = {.turn = quarters * IDEM_QUARTER, .score = s->faces[i].score};
        turn_back(&c.x, &c.y, left + (double)(b->x0 + b->x1) / 2 * IDEM_DETECT_WIDTH,
                  top + (double)(b->y0 + b->y1) / 2 * IDEM_DETECT_HEIGHT, quarters, view->width, view->height);
        /* Ignores faces whose centre is outside the photograph. */
        if (c.x < 0 || c.y < 0 || c.x > view->width || c.y > view->height)
            continue;
        c.x *= view->step_x;
        c.y *= view->step_y;
        c.width = (double)(b->x1 - b->x0) * IDEM_DETECT_WIDTH * (on_side ? view->step_y : view->step_x);
        c.height = (double)(b->y1 - b->y0) * IDEM_DETECT_HEIGHT * (on_side ? view->step_x : view->step_y);
        if (add(list, &c))
            return -1;
    }
    return n < 0 ? -1 : 0;
}

/* Parts along one axis. */
static int parts(int extent, int part) {
    return extent <= part ? 1 : (extent - IDEM_SCAN_OVERLAP - 1) / (part - IDEM_SCAN_OVERLAP) + 1;
}

/* The start of part i of n; a single part is centred on the photograph. */
static int part_at(int i, int n, int extent, int part) {
    return n == 1 ? (extent - part) / 2 : (int)((long long)(extent - part) * i / (n - 1));
}

int idem_scan_all(idem_scanner *s, idem_candidates *list, const idem_scan_view *view, int quarters, float confidence) {
    int across = quarters % 2 ? view->height : view->width, down = quarters % 2 ? view->width : view->height;
    int nx = parts(across, IDEM_DETECT_WIDTH), ny = parts(down, IDEM_DETECT_HEIGHT);
    for (int j = 0; j < ny; j++)
        for (int i = 0; i < nx; i++)
            if (scan_view_part(s, list, view, part_at(i, nx, across, IDEM_DETECT_WIDTH),
                               part_at(j, ny, down, IDEM_DETECT_HEIGHT), quarters, confidence))
                return -1;
    return 0;
}
