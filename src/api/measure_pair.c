/* idem_measure_pair and idem_measure_pair_list. */
#define _POSIX_C_SOURCE 200809L
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/measuring.h"
#include "base/name.h"
#include "base/status.h"
#include "face/align.h"
#include "measure/figures.h"
#include "measure/gallery.h"
#include "measure/pair_list.h"
#include "measure/verification.h"

enum { DIGITS = 6, FACES_MOST = 1000000 };

void idem_measure_pair_options_init(idem_measure_pair_options *options, size_t struct_size) {
    idem_measure_init(options, struct_size);
}

typedef struct {
    idem_measuring measuring; /* first: it is the `user` */
    const idem_measure_pair_options *o;
    bool any, chosen;
} work;

static int no_memory(void) {
    return idem_fail_as(IDEM_MEMORY, "out of memory for a report");
}

/* Of a single pair, compares all faces unless one is named: another pair of faces may match. */
static int which(const work *a, int face, bool list) {
    if (face > 0)
        return face - 1;
    return face == IDEM_PAIR_FACE_ANY || (!list && !a->chosen) ? IDEM_GALLERY_ALL : IDEM_GALLERY_LARGEST;
}

static int check(work *a, const char *call) {
    const idem_measure_pair_options *o = a->o;
    if (idem_struct_check("idem_measure_pair", o, sizeof *o))
        return -1;
    const int faces[2] = {o->face_a, o->face_b};
    for (int i = 0; i < 2; i++)
        if (faces[i] < IDEM_PAIR_FACE_LARGEST || faces[i] > FACES_MOST)
            return idem_fail("%s: face_%c is %d, expected a number from 1 or one of IDEM_PAIR_FACE_...", call, "ab"[i],
                             faces[i]);
    a->any = o->face_a == IDEM_PAIR_FACE_ANY || o->face_b == IDEM_PAIR_FACE_ANY;
    a->chosen = o->face_a || o->face_b;
    return 0;
}

static void on_read(void *user, int done, int all) {
    idem_measuring_tell(user, "encoding", (uint64_t)done, (uint64_t)all);
}

static idem_gallery_options reading(work *a, bool strict) {
    return (idem_gallery_options){.models = a->o->models,
                                  .plan = a->measuring.plan,
                                  .strict = strict,
                                  .progress = strict ? NULL : on_read,
                                  .bad = idem_measuring_on_bad,
                                  .user = &a->measuring};
}

/* ---- a list ---- */

static int by_path(const void *a, const void *b) {
    return strcmp(((const idem_gallery_picture *)a)->path, ((const idem_gallery_picture *)b)->path);
}

static const idem_gallery_picture *find(const idem_gallery *g, const char *path) {
    return bsearch(&(idem_gallery_picture){.path = path}, g->pictures, (size_t)g->n, sizeof *g->pictures, by_path);
}

/* Each picture once, however many pairs it is in. */
static int collect(idem_gallery *g, const idem_pair_list *list, int which) {
    const int n = 2 * list->n;
    g->pictures = calloc((size_t)n, sizeof *g->pictures);
    if (!g->pictures)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", list->n);
    for (int i = 0; i < n; i++)
        g->pictures[i] = (idem_gallery_picture){.path = list->pairs[i / 2].path[i % 2], .which = which};
    qsort(g->pictures, (size_t)n, sizeof *g->pictures, by_path);
    for (int i = 0; i < n; i++)
        if (!g->n || strcmp(g->pictures[g->n - 1].path, g->pictures[i].path))
            g->pictures[g->n++] = g->pictures[i];
    return 0;
}

static int put_verification(json_t *o, const idem_verification *v) {
    return idem_figure_put(o, "accuracy", &v->accuracy) || idem_figure_put_plain(o, "threshold", &v->threshold) ||
           idem_figure_put(o, "tar_at_far_0.1%", &v->tar) ||
           idem_figure_put_plain(o, "threshold_at_far_0.1%", &v->far_threshold);
}

/* Pictures with several faces, and those with a face largely outside the picture. */
static int put_remarks(json_t *report, const idem_gallery *g) {
    int several = 0, outside = 0;
    for (int i = 0; i < g->n; i++) {
        const idem_gallery_picture *p = &g->pictures[i];
        several += p->n && p->found > 1;
        outside += p->n && g->faces[p->first].outside >= IDEM_OUTSIDE_MUCH;
    }
    return json_object_set_new(report, "pictures", json_integer(g->n)) ||
           json_object_set_new(report, "pictures_with_several_faces", json_integer(several)) ||
           json_object_set_new(report, "pictures_with_faces_partly_outside", json_integer(outside));
}

/* The figures of the training recogniser, and below "judge" the same by the judge. */
static json_t *make_measures(const idem_gallery *g, const double *feature, const double *judge, const uint8_t *same,
                             int n, int skipped) {
    idem_verification v[2];
    if (idem_verification_of(&v[0], feature, same, n, IDEM_THRESHOLD_FAR) ||
        idem_verification_of(&v[1], judge, same, n, IDEM_THRESHOLD_FAR))
        return NULL;
    json_t *second = json_object(),
           *report = json_pack("{s:i, s:i, s:i, s:i, s:o}", "pairs", n, "genuine", v[0].genuine, "impostor",
                               v[0].impostor, "skipped", skipped, "judge", second);
    if (report && !put_remarks(report, g) && !put_verification(report, &v[0]) && !put_verification(second, &v[1]))
        return report;
    json_decref(report);
    return report ? NULL : (no_memory(), NULL);
}

static json_t *measure(const idem_gallery *g, const idem_pair_list *list) {
    double *feature = calloc((size_t)list->n, sizeof *feature), *judge = calloc((size_t)list->n, sizeof *judge);
    uint8_t *same = calloc((size_t)list->n, 1);
    json_t *report = NULL;
    int n = 0;
    for (int i = 0; i < list->n && feature && judge && same; i++) {
        const idem_gallery_picture *a = find(g, list->pairs[i].path[0]), *b = find(g, list->pairs[i].path[1]);
        if (!a->n || !b->n)
            continue;
        const idem_gallery_pair best = idem_gallery_best(g, a, b);
        feature[n] = best.feature;
        judge[n] = best.judge;
        same[n++] = list->pairs[i].same;
    }
    if (feature && judge && same)
        report = make_measures(g, feature, judge, same, n, list->n - n);
    else
        idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", list->n);
    free(feature);
    free(judge);
    free(same);
    return report;
}

/* Checks before reading the pictures that there are enough pairs. */
static int check_list(const work *a, const char *path, const idem_pair_list *list) {
    char line[300], name[200];
    int same = 0;
    for (int i = 0; i < list->n; i++)
        same += list->pairs[i].same;
    idem_name_show(name, sizeof name, path);
    if (list->announced && list->announced != list->n) {
        snprintf(line, sizeof line, "%s: its first line says %" PRId64 " pairs, it has %d", name, list->announced,
                 list->n);
        idem_measuring_note(&a->measuring, line);
    }
    return same >= 2 && list->n - same >= 2
               ? 0
               : idem_fail("%s: has %d pairs of one person and %d of two, expected at least 2 of each", path, same,
                           list->n - same);
}

static json_t *run_list(work *a, const char *path, const char *root) {
    idem_pair_list list;
    idem_gallery g = {0};
    if (idem_pair_list_read(&list, path, root))
        return NULL;
    const idem_gallery_options options = reading(a, false);
    json_t *report = NULL;
    if (!check_list(a, path, &list) && !collect(&g, &list, which(a, a->o->face_a, true))) {
        if (!idem_gallery_read(&g, &options))
            report = measure(&g, &list);
        if (!report && g.n && g.unreadable == g.n)
            idem_fail(
                "%s: none of its %d pictures can be read: relative paths begin at the list's folder, or at a root "
                "that is given",
                path, g.n);
    }
    if (report && json_object_set_new(report, "unreadable", json_integer(g.unreadable))) {
        json_decref(report);
        report = (no_memory(), NULL);
    }
    idem_gallery_free(&g);
    free(g.pictures);
    idem_pair_list_free(&list);
    return report;
}

/* ---- one pair ---- */

/* Reasons against a verdict. */
static int add_reason(json_t *why, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int add_reason(json_t *why, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return json_array_append_new(why, json_string(text)) ? no_memory() : 0;
}

/* *other: other faces than the largest match. */
static int doubt(json_t *why, const work *a, const idem_gallery *g, const idem_gallery_pair *taken,
                 const idem_gallery_pair *best, bool *other) {
    for (int i = 0; i < 2; i++) {
        const double outside = g->faces[taken->row[i]].outside;
        if (outside >= IDEM_OUTSIDE_MUCH &&
            add_reason(why, "%.0f %% of the frame of %s's face is outside the photograph", 100 * outside,
                       i ? "B" : "A"))
            return -1;
    }
    *other = !a->chosen && !(taken->feature > IDEM_FEATURE_THRESHOLD) && best->feature > IDEM_FEATURE_THRESHOLD;
    return *other ? add_reason(why, "the largest faces differ, but face %d of A and face %d of B match (cosine %.3f)",
                               g->faces[best->row[0]].face + 1, g->faces[best->row[1]].face + 1, best->feature)
                  : 0;
}

static json_t *by_one(double cosine, double threshold) {
    return json_pack("{s:f, s:f, s:b}", "cosine", cosine, "threshold", threshold, "same", cosine > threshold);
}

static json_t *decide(const work *s, const idem_gallery *g) {
    const idem_gallery_picture *a = &g->pictures[0], *b = &g->pictures[1];
    const idem_gallery_pair best = idem_gallery_best(g, a, b), taken = s->any ? best : idem_gallery_first(g, a, b);
    const idem_gallery_face *faces[2] = {&g->faces[taken.row[0]], &g->faces[taken.row[1]]};
    const bool same = taken.feature > IDEM_FEATURE_THRESHOLD;
    const int compared = s->any ? a->n * b->n : 1;
    bool other = false;
    json_t *why = json_array();
    if (!why || doubt(why, s, g, &taken, &best, &other)) {
        json_decref(why);
        return NULL;
    }
    const bool sure = json_array_size(why) == 0;
    json_t *report = json_pack(
        "{s:s, s:o, s:o, s:f, s:i, s:i, s:i, s:i, s:i, s:f, s:f, s:o, s:o}", "verdict",
        !sure  ? "unsure"
        : same ? "same"
               : "different",
        "same", sure ? json_boolean(same) : json_null(), "why", why, "far", fmin(1, compared * IDEM_THRESHOLD_FAR),
        "compared", compared, "faces_a", a->found, "faces_b", b->found, "face_a", faces[0]->face + 1, "face_b",
        faces[1]->face + 1, "outside_a", faces[0]->outside, "outside_b", faces[1]->outside, "recogniser",
        by_one(taken.feature, IDEM_FEATURE_THRESHOLD), "judge", by_one(taken.judge, IDEM_JUDGE_THRESHOLD));
    if (report && other)
        json_object_set_new(report, "match",
                            json_pack("{s:i, s:i, s:f}", "face_a", g->faces[best.row[0]].face + 1, "face_b",
                                      g->faces[best.row[1]].face + 1, "cosine", best.feature));
    return report ? report : (no_memory(), NULL);
}

static json_t *run_pair(work *a, const char *const paths[2]) {
    idem_gallery_picture pictures[2] = {{.path = paths[0], .which = which(a, a->o->face_a, false)},
                                        {.path = paths[1], .which = which(a, a->o->face_b, false)}};
    idem_gallery g = {.pictures = pictures, .n = 2};
    const idem_gallery_options options = reading(a, true);
    json_t *report = idem_gallery_read(&g, &options) ? NULL : decide(a, &g);
    idem_gallery_free(&g);
    return report;
}

/* ---- calls ---- */

static int give(work *a, json_t *report, char **json) {
    char *text = report ? idem_measuring_text(report, DIGITS, NULL) : NULL;
    const int status = text ? 0 : -1;
    idem_measuring_give(text, json);
    return idem_measuring_end(&a->measuring, status);
}

int idem_measure_pair(const idem_measure_pair_options *options, const char *a, const char *b, char **json) {
    static const char call[] = "idem_measure_pair";
    work w = {.o = options};
    if (json)
        *json = NULL;
    if (check(&w, call))
        return -1;
    if (!a || !b)
        return idem_fail("%s: %s is NULL, expected a photograph's file", call, a ? "b" : "a");
    if (idem_measuring_begin(&w.measuring, call, &options->watch, options->threads))
        return -1;
    return give(&w, run_pair(&w, (const char *const[2]){a, b}), json);
}

int idem_measure_pair_list(const idem_measure_pair_options *options, const char *list, const char *root, char **json) {
    static const char call[] = "idem_measure_pair_list";
    work w = {.o = options};
    if (json)
        *json = NULL;
    if (check(&w, call))
        return -1;
    if (!list)
        return idem_fail("%s: list is NULL, expected a file", call);
    if (options->face_a != options->face_b)
        return idem_fail("%s: face_a and face_b differ; a list needs one rule for all its photographs", call);
    if (idem_measuring_begin(&w.measuring, call, &options->watch, options->threads))
        return -1;
    return give(&w, run_list(&w, list, root), json);
}
