#include "face/scan.h"

#include <math.h>
#include <stdlib.h>

#include "engine/ops.h"
#include "face/detect.h"
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
    if (list->n == list->room) {
        int room = list->room ? 2 * list->room : 64;
        idem_candidate *at = realloc(list->at, (size_t)room * sizeof *at);
        if (!at)
            return idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", room);
        list->at = at;
        list->room = room;
    }
    list->at[list->n++] = *c;
    return 0;
}

int idem_scan_part(idem_scanner *s, idem_candidates *list, const idem_pyramid *photo, double x, double y, double scale,
                   double turn, float confidence) {
    const idem_image *im = &photo->level[0];
    double width = IDEM_DETECT_WIDTH * scale, height = IDEM_DETECT_HEIGHT * scale;
    idem_crop view = idem_candidate_crop(&(idem_candidate){x, y, width, height, turn, 0}, im);
    if (idem_pyramid_warp(s->picture->leaf, IDEM_DETECT_HEIGHT, IDEM_DETECT_WIDTH, photo, &view) ||
        idem_plan_run(s->plan))
        return -1;
    int n = idem_detect_select(s->faces, PART_FACES, idem_plan_value(s->plan, s->out[0]),
                               idem_plan_value(s->plan, s->out[1]), s->boxes, confidence, IDEM_DETECT_OVERLAP);
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

/* Parts along one axis. */
static int parts(double extent, double part, double overlap) {
    return extent <= part ? 1 : (int)ceil((extent - overlap) / (part - overlap));
}

/* Whether part i of n, from the middle of the photograph. */
static double part_at(int i, int n, double extent, double part) {
    return n == 1 ? 0 : (part - extent) / 2 + i * (extent - part) / (n - 1);
}

/* A face whose middle is beyond the photograph is not in it. */
static void keep_inside(idem_candidates *list, int first, double width, double height) {
    int kept = first;
    for (int i = first; i < list->n; i++) {
        const idem_candidate *c = &list->at[i];
        if (c->x >= 0 && c->y >= 0 && c->x <= width && c->y <= height)
            list->at[kept++] = *c;
    }
    list->n = kept;
}

int idem_scan_all(idem_scanner *s, idem_candidates *list, const idem_pyramid *photo, double scale, double turn,
                  float confidence) {
    double w = photo->level[0].width, h = photo->level[0].height, along = cos(turn), down = sin(turn);
    double extent[2] = {fabs(w * along) + fabs(h * down), fabs(w * down) + fabs(h * along)};
    double part[2] = {IDEM_DETECT_WIDTH * scale, IDEM_DETECT_HEIGHT * scale}, overlap = IDEM_SCAN_OVERLAP * scale;
    int nx = parts(extent[0] - 1e-6, part[0], overlap), ny = parts(extent[1] - 1e-6, part[1], overlap);
    for (int j = 0; j < ny; j++)
        for (int i = 0; i < nx; i++) {
            double u = part_at(i, nx, extent[0], part[0]), v = part_at(j, ny, extent[1], part[1]);
            double x = w / 2 + u * along - v * down, y = h / 2 + u * down + v * along;
            double reach = hypot(part[0], part[1]) / 2;
            if (x < -reach || y < -reach || x > w + reach || y > h + reach)
                continue;
            int first = list->n;
            if (idem_scan_part(s, list, photo, x, y, scale, turn, confidence))
                return -1;
            keep_inside(list, first, w, h);
        }
    return 0;
}
