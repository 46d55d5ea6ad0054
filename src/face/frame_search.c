#include "face/frame_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/plan.h"
#include "face/detect.h"
#include "media/grey.h"
#include "media/image.h"
#include "nets/onnx_graph.h"

enum { PICTURES = 64, BATCH = IDEM_FRAME_BATCH, NET_SIDE = 64, POINTS = 68 };

/* The detector on whole pictures, and the landmark net on crops made outside the graph, as every face has another box.
 */
typedef struct {
    idem_graph *graph;
    idem_node *x, *boxes[2], *crop, *points; /* [B, 3, S, S]; scores, boxes; [B, 1, 64, 64]; [B, 136] */
    idem_plan *detect, *landmark;
} finder;

static int open_finder(finder *f, int size, const idem_onnx *detect, const idem_onnx *landmark) {
    static const char *const names[2] = {"scores", "boxes"};
    const idem_crop whole = {{1, 0, 0, 0, 1, 0}};
    *f = (finder){.graph = idem_graph_new()};
    if (!f->graph)
        return -1;
    f->x = idem_input(f->graph, "x", IDEM_SHAPE(BATCH, 3, size, size));
    idem_node *stretched = idem_crop_node(f->x, &whole, IDEM_DETECT_HEIGHT, IDEM_DETECT_WIDTH);
    idem_node *scaled = idem_affine(stretched, 255.0f / 128, -127.0f / 128);
    if (!scaled || idem_onnx_build_many(f->graph, detect, scaled, names, 2, f->boxes))
        return -1;
    f->crop = idem_input(f->graph, "crop", IDEM_SHAPE(BATCH, 1, NET_SIDE, NET_SIDE));
    f->points = idem_onnx_build(f->graph, landmark, f->crop, NULL);
    f->detect = idem_plan_new(f->boxes, 2, NULL);
    f->landmark = f->detect ? idem_plan_new(&f->points, 1, &(idem_plan_options){.share = f->detect}) : NULL;
    return f->landmark ? 0 : -1;
}

static void close_finder(finder *f) {
    idem_plan_free(f->landmark);
    idem_plan_free(f->detect);
    if (f->graph)
        idem_graph_free(f->graph);
}

/* The face's box stretched to the net's 64x64, grey, p/256. */
static int crop_face(float *grey, idem_crop *crop, const float *x, int size, const idem_box *box) {
    idem_sparse map;
    float rgb[NET_SIDE * NET_SIDE * 3];
    *crop = idem_crop_from_box(box);
    if (idem_crop_map(&map, crop, NET_SIDE, NET_SIDE, size, size, IDEM_BORDER_EDGE))
        return -1;
    idem_crop_apply(rgb, x, 3, &map);
    idem_crop_map_free(&map);
    for (int i = 0; i < NET_SIDE * NET_SIDE; i++)
        grey[i] = idem_grey(rgb[3 * i], rgb[3 * i + 1], rgb[3 * i + 2]) * (255.0f / 256);
    return 0;
}

static int find_points(finder *f, int size, float (*points)[POINTS][2]) {
    idem_crop crops[BATCH];
    bool found[BATCH];
    if (idem_plan_run(f->detect))
        return -1;
    const float *scores = idem_plan_value(f->detect, f->boxes[0]), *boxes = idem_plan_value(f->detect, f->boxes[1]);
    int candidates = (int)f->boxes[0]->shape.d[1];
    for (int i = 0; i < BATCH; i++) {
        idem_face face;
        int n = idem_detect_select(&face, 1, scores + (size_t)i * (size_t)candidates * 2,
                                   boxes + (size_t)i * (size_t)candidates * 4, candidates, IDEM_DETECT_CONFIDENCE,
                                   IDEM_DETECT_OVERLAP);
        if (n < 0)
            return -1;
        found[i] = n == 1;
        float *grey = f->crop->leaf + (size_t)i * NET_SIDE * NET_SIDE;
        if (n == 1 &&
            crop_face(grey, &crops[i], f->x->leaf + (size_t)i * (size_t)size * (size_t)size * 3, size, &face.box))
            return -1;
    }
    if (idem_plan_run(f->landmark))
        return -1;
    const float *net = idem_plan_value(f->landmark, f->points);
    for (int i = 0; i < BATCH; i++) {
        if (found[i])
            idem_crop_points(points[i], (const float(*)[2])(net + (size_t)i * POINTS * 2), POINTS, &crops[i]);
        else
            points[i][0][0] = NAN;
    }
    return 0;
}

int idem_frame_search(idem_frame *frame, int size, int (*draw)(void *user, float *x), void *user,
                      const idem_onnx *detect, const idem_onnx *landmark) {
    const size_t numbers = (size_t)size * (size_t)size * 3;
    finder f = {0};
    float(*points)[POINTS][2] = malloc(PICTURES * sizeof *points);
    int status =
        points ? open_finder(&f, size, detect, landmark) : idem_fail_as(IDEM_MEMORY, "out of memory for finding faces");
    for (int first = 0; first < PICTURES && !status; first += BATCH) {
        status = draw(user, f.x->leaf);
        if (!status) {
            idem_image_quantise(f.x->leaf, BATCH * numbers);
            status = find_points(&f, size, points + first);
        }
    }
    if (!status)
        status = idem_frame_find(frame, (const float(*)[POINTS][2])points, PICTURES);
    close_finder(&f);
    free(points);
    return status;
}
