#define _POSIX_C_SOURCE 200809L
#include "face/finder.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/models.h"
#include "base/status.h"
#include "engine/ops.h"
#include "face/align.h"
#include "face/settle.h"
#include "face/pose.h"
#include "nets/imagenet.h"
#include "nets/onnx_graph.h"

enum { TURNS = 4, COARSE = 2 }; /* levels that are always searched */

/* In the detector's pixels: the width of the smallest faces at the finest level; the width from which on none is
 * missed; and the largest width except at the coarsest level: larger ones are cut by the edges of parts. */
static const double smallest_seen = 16, surely_seen = 16, widest_seen = 140;
/* In pixels of the photograph: narrower faces cannot be distinguished from hair and leaves by landmarks. */
static const double least_width = 12;
/* Largest enlargement of a photograph's pixels. */
static const double least_scale = 0.25;
/* Of a scanned photograph: only strips with an aspect ratio above 100 have more. */
static const double most_pixels = 4e6;

struct idem_finder {
    idem_graph *graph;
    idem_settler tools;
    idem_node *head, *angles[3]; /* [1, 3, 224, 224]; bins of yaw, pitch, roll */
    idem_plan *pose;
};

/* ---- life ---- */

static int build_pose(idem_finder *f, const char *path, const idem_plan_options *options) {
    static const char *const names[3] = {"output", "617", "618"};
    float mean[3], deviation[3]; /* of p in [0, 255] */
    idem_onnx *net;
    if (idem_onnx_load(&net, path))
        return -1;
    for (int c = 0; c < 3; c++) {
        mean[c] = 255 * idem_imagenet_mean[c];
        deviation[c] = 255 * idem_imagenet_deviation[c];
    }
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
    if (f->graph && (f->tools.scanner = idem_scanner_new(f->graph, files->detect, options))) {
        shared.share = idem_scanner_plan(f->tools.scanner);
        if ((f->tools.landmarks = idem_landmarks_new(f->graph, files->landmark, &shared)) &&
            !(files->pose && build_pose(f, files->pose, &shared)))
            return f;
    }
    idem_finder_free(f);
    return NULL;
}

idem_finder *idem_finder_open(const char *models, bool pose, const idem_plan_options *options) {
    static const char *const names[] = {"fr_detect.onnx", "fr_landmark.onnx", "fr_pose.onnx"};
    char path[3][PATH_MAX];
    for (int i = 0; i < (pose ? 3 : 2); i++)
        if (idem_models_find(path[i], sizeof path[i], models, names[i]))
            return NULL;
    return idem_finder_new(&(idem_finder_files){path[0], path[1], pose ? path[2] : NULL}, options);
}

void idem_finder_free(idem_finder *f) {
    if (!f)
        return;
    idem_plan_free(f->pose);
    idem_landmarks_free(f->tools.landmarks);
    idem_scanner_free(f->tools.scanner);
    if (f->graph)
        idem_graph_free(f->graph);
    free(f);
}

/* ---- search ---- */

typedef struct {
    idem_finder *finder;
    const idem_pyramid *photo;
    idem_candidates candidates; /* of one scan */
    idem_faces_seen sure, others;
} search;

static int better_first(const void *a, const void *b) {
    const idem_candidate *x = a, *y = b;
    return x->score != y->score ? (x->score < y->score ? 1 : -1)
           : x->x != y->x       ? (x->x < y->x ? -1 : 1)
           : x->y != y->y       ? (x->y < y->y ? -1 : 1)
                                : (x->turn > y->turn) - (x->turn < y->turn);
}

/* Already refused at the same place and turn. */
static bool was_refused(const search *s, const idem_candidate *c) {
    for (int i = 0; i < s->others.n; i++) {
        idem_faces_seen one = {&s->others.at[i], 1, 1};
        if (fabs(one.at->box.turn - c->turn) < 0.5 * IDEM_QUARTER && idem_faces_seen_has(&one, c))
            return true;
    }
    return false;
}

/* Tests the candidates of a scan, the best first: boxes of one face, from several parts, lead to one frame. */
static int sift(search *s, double widest) {
    idem_candidates *list = &s->candidates;
    if (list->n) /* there is no list before the first candidate */
        qsort(list->at, (size_t)list->n, sizeof *list->at, better_first);
    for (int i = 0; i < list->n; i++) {
        idem_face_seen face = {.box = list->at[i]};
        if (face.box.width > widest || face.box.width < least_width || idem_faces_seen_explain(&s->sure, &face.box) ||
            was_refused(s, &face.box))
            continue;
        int is = idem_settle(&s->finder->tools, s->photo, &face, &s->sure);
        bool sure = is > 0 && face.box.score > IDEM_DETECT_CONFIDENCE;
        if (is < 0 || (sure ? idem_faces_seen_improve(&s->sure, &face) : idem_faces_seen_add(&s->others, &face)))
            return -1;
    }
    list->n = 0;
    return 0;
}

/* Whether the next level, of half the scale, can only show faces less than half as large as the largest. */
static bool is_enough(const search *s, double scale) {
    double largest = 0;
    for (int i = 0; i < s->sure.n; i++)
        largest = fmax(largest, s->sure.at[i].box.width);
    return largest / 2 >= surely_seen * scale;
}

/* Misaligned faces (idem_faces_seen_misaligned) are not sure. */
static int demote_misaligned(search *s) {
    idem_faces_seen all = s->sure;
    int status = 0;
    s->sure = (idem_faces_seen){0};
    for (int i = 0; i < all.n && !status; i++)
        status = idem_faces_seen_add(idem_faces_seen_misaligned(&all, &all.at[i]) ? &s->others : &s->sure, &all.at[i]);
    free(all.at);
    return status;
}

/* Upright first: candidates of the same face in other turns are then known. */
static int look_at(search *s, const idem_scan_view *view, float confidence, double widest) {
    for (int turn = 0; turn < TURNS; turn++)
        if (idem_scan_all(s->finder->tools.scanner, &s->candidates, view, turn, confidence) || sift(s, widest))
            return -1;
    return 0;
}

/* Levels by the shorter side, so that plain ground beside the picture does not matter: first a view of twice the
 * photograph, whose border helps with close crops; then the photograph; then parts of at least half its size, a quarter
 * ..., evenly down to the finest level. If the first two enlarge the photograph, it is also scanned at its own size:
 * enlarged pictures are blurred. */
static int look_for_all(search *s, const idem_find_options *o) {
    const idem_image *im = &s->photo->level[0];
    const double pixels = (double)im->width * im->height;
    const double finest = fmax(sqrt(pixels) / (IDEM_FIND_SMALLEST * smallest_seen), 1);
    const double whole = fmax((double)fmin(im->width, im->height) / IDEM_DETECT_HEIGHT, least_scale);
    const int finer = whole > finest ? (int)ceil(log2(whole / finest)) : 2 * whole < finest;
    for (int level = 0; level < COARSE + finer; level++) {
        double scale = level == 0 ? 2 * whole : whole * pow(finest / whole, (double)(level - 1) / fmax(finer, 1));
        scale = fmax(scale, sqrt(pixels / most_pixels));
        idem_scan_view view;
        if (idem_scan_view_make(&view, s->photo, scale))
            return -1;
        const double widest = level ? widest_seen * scale : HUGE_VAL;
        int status = look_at(s, &view, IDEM_CANDIDATE_CONFIDENCE, widest);
        if (!status && o->in_the_dark && idem_scan_view_lift(&view))
            status = look_at(s, &view, IDEM_DETECT_CONFIDENCE, widest);
        idem_scan_view_free(&view);
        if (status)
            return -1;
        if (level + 1 >= COARSE && o->search == IDEM_FIND_LARGEST && is_enough(s, scale))
            break;
    }
    return 0;
}

/* ---- what is told of a face ---- */

static double turn_of(const idem_face_seen *face, const idem_image *im) {
    return atan2((double)face->frame.m[3] * im->height, (double)face->frame.m[0] * im->width);
}

/* The network expects approximately upright heads; it sees them by the nearest quarter turn. */
static int find_pose(idem_finder *f, const idem_pyramid *photo, const idem_face_seen *face, idem_found *out) {
    const idem_image *im = &photo->level[0];
    out->yaw = out->pitch = out->roll = NAN;
    if (!f->pose)
        return 0;
    double turn = rint(turn_of(face, im) / IDEM_QUARTER) * IDEM_QUARTER;
    idem_candidate head = face->box;
    head.width *= 1.5;
    head.height *= 1.5;
    head.turn = turn;
    idem_crop crop = idem_candidate_crop(&head, im);
    if (idem_pyramid_warp(f->head->leaf, IDEM_POSE_SIDE, IDEM_POSE_SIDE, photo, &crop) || idem_plan_run(f->pose))
        return -1;
    out->yaw = idem_pose_angle(idem_plan_value(f->pose, f->angles[0]));
    out->pitch = idem_pose_angle(idem_plan_value(f->pose, f->angles[1]));
    out->roll = idem_pose_angle(idem_plan_value(f->pose, f->angles[2])) + (float)(turn * 90 / IDEM_QUARTER);
    return 0;
}

static int describe(idem_finder *f, const idem_pyramid *photo, const idem_face_seen *face, bool sure, idem_found *out) {
    const idem_image *im = &photo->level[0];
    const idem_candidate *b = &face->box;
    bool on_side = fabs(sin(b->turn)) > fabs(cos(b->turn));
    double w = (on_side ? b->height : b->width) / 2, h = (on_side ? b->width : b->height) / 2;
    *out = (idem_found){.box = {(float)((b->x - w) / im->width), (float)((b->y - h) / im->height),
                                (float)((b->x + w) / im->width), (float)((b->y + h) / im->height)},
                        .score = b->score,
                        .sure = sure};
    memcpy(out->points, face->points, sizeof out->points);
    return find_pose(f, photo, face, out);
}

static double area(const idem_found *f) {
    return (double)(f->box.x1 - f->box.x0) * (double)(f->box.y1 - f->box.y0);
}

static int larger_first(const void *a, const void *b) {
    const idem_found *p = a, *q = b;
    if (area(p) != area(q))
        return area(p) < area(q) ? 1 : -1;
    return p->box.x0 != q->box.x0 ? (p->box.x0 > q->box.x0 ? 1 : -1)
                                  : (p->box.y0 > q->box.y0) - (p->box.y0 < q->box.y0);
}

/* Landmarks of a refused face are computed from its box. Returns how many remain: it may be a known face, or have none.
 */
static int keep_unsure(search *s, float confidence) {
    idem_faces_seen *list = &s->others;
    int kept = 0;
    for (int i = 0; i < list->n; i++) {
        idem_face_seen *face = &list->at[i];
        const idem_faces_seen before = {list->at, kept, kept};
        if (!(face->box.score > confidence) || idem_faces_seen_has(&s->sure, &face->box) ||
            idem_faces_seen_has(&before, &face->box))
            continue;
        int has = idem_settle_points(&s->finder->tools, s->photo, face);
        if (has < 0)
            return -1;
        if (has)
            list->at[kept++] = *face;
    }
    list->n = kept;
    return 0;
}

static int tell(search *s, idem_found **out) {
    int n = s->sure.n + s->others.n;
    idem_found *found = n ? malloc((size_t)n * sizeof *found) : NULL;
    if (n && !found)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", n);
    for (int i = 0; i < n; i++) {
        bool sure = i < s->sure.n;
        if (describe(s->finder, s->photo, sure ? &s->sure.at[i] : &s->others.at[i - s->sure.n], sure, &found[i])) {
            free(found);
            return -1;
        }
    }
    if (n)
        qsort(found, (size_t)n, sizeof *found, larger_first);
    *out = found;
    return n;
}

int idem_finder_run(idem_finder *f, const idem_image *photo, const idem_find_options *options, idem_found **out) {
    const idem_find_options o = options ? *options : (idem_find_options){0};
    idem_pyramid pyramid;
    *out = NULL;
    if (idem_pyramid_make(&pyramid, photo))
        return -1;
    search s = {.finder = f, .photo = &pyramid};
    int n = look_for_all(&s, &o) || demote_misaligned(&s) ? -1 : 0;
    if (!n && o.confidence > 0)
        n = keep_unsure(&s, o.confidence);
    else
        s.others.n = 0;
    n = n ? n : tell(&s, out);
    free(s.candidates.at);
    free(s.sure.at);
    free(s.others.at);
    idem_pyramid_free(&pyramid);
    return o.max > 0 && n > o.max ? o.max : n;
}

/* ---- faces that are known ---- */

static idem_face_seen known_face(const idem_found *face, const idem_image *im) {
    const idem_box *b = &face->box;
    idem_face_seen x = {.box = {.x = (double)(b->x0 + b->x1) / 2 * im->width,
                                .y = (double)(b->y0 + b->y1) / 2 * im->height,
                                .width = (double)(b->x1 - b->x0) * im->width,
                                .height = (double)(b->y1 - b->y0) * im->height,
                                .score = face->score}};
    memcpy(x.points, face->points, sizeof x.points);
    return x;
}

int idem_finder_refine(idem_finder *f, const idem_image *photo, idem_found *faces, int n) {
    idem_pyramid pyramid;
    if (idem_pyramid_make(&pyramid, photo))
        return -1;
    int status = 0;
    for (int i = 0; i < n && status >= 0; i++) {
        idem_face_seen face = known_face(&faces[i], photo);
        status = idem_align_frame(&face.frame, (const float(*)[2])face.points, photo->width, photo->height)
                     ? 0
                     : idem_settle_look(&f->tools, &pyramid, &face, IDEM_LANDMARKS_FULL);
        if (status > 0)
            memcpy(faces[i].points, face.points, sizeof faces[i].points);
    }
    idem_pyramid_free(&pyramid);
    return status < 0 ? -1 : 0;
}

/* A face stays the same from look to look; landmarks may drift off a face that disappeared. */
static const double followed_spread = 0.03;

int idem_finder_follow(idem_finder *f, const idem_image *photo, idem_found *faces, int n, bool *seen) {
    idem_pyramid pyramid;
    if (idem_pyramid_make(&pyramid, photo))
        return -1;
    int status = 0;
    for (int i = 0; i < n && status >= 0; i++) {
        idem_face_seen face = known_face(&faces[i], photo);
        seen[i] = false;
        status = idem_align_frame(&face.frame, (const float(*)[2])face.points, photo->width, photo->height)
                     ? 0
                     : idem_settle_look(&f->tools, &pyramid, &face, IDEM_LANDMARKS_FULL);
        if (status > 0 && face.box.score > IDEM_CANDIDATE_CONFIDENCE && face.spread < followed_spread) {
            const idem_found before = faces[i];
            seen[i] = true;
            status = describe(f, &pyramid, &face, face.box.score > IDEM_DETECT_CONFIDENCE, &faces[i]);
            if (status)
                faces[i] = before;
        }
    }
    idem_pyramid_free(&pyramid);
    return status < 0 ? -1 : 0;
}

int idem_finder_sees_frame(idem_finder *f, const idem_image *picture, double most, idem_found *out) {
    idem_pyramid pyramid;
    if (idem_pyramid_make(&pyramid, picture))
        return -1;
    const double side = picture->width;
    /* Approximate box of a face in its frame. */
    idem_face_seen face = {.box = {.x = side / 2, .y = 0.55 * side, .width = 0.55 * side, .height = 0.7 * side},
                           .frame = {{1, 0, 0, 0, 1, 0}}};
    int status =
        picture->width == picture->height ? idem_settle_look(&f->tools, &pyramid, &face, IDEM_LANDMARKS_QUICK) : 0;
    if (status > 0 && (face.box.score <= IDEM_DETECT_CONFIDENCE || face.spread >= IDEM_PLAIN_SPREAD ||
                       idem_align_off(&face.frame) >= most))
        status = 0;
    if (status > 0 && describe(f, &pyramid, &face, true, out))
        status = -1;
    idem_pyramid_free(&pyramid);
    return status;
}
