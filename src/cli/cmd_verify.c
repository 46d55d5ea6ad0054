/* idem verify: do two photographs show the same person? And how well can that be told, on a list of pairs. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/gallery.h"
#include "cli/options.h"
#include "cli/photos.h"
#include "cli/progress.h"
#include "cli/report_text.h"
#include "measure/figures.h"
#include "measure/pair_list.h"
#include "measure/verification.h"
#include "face/align.h"

typedef struct {
    const char *list, *root, *face;
    bool face_given, any;
    int which[2]; /* face of either photograph */
    idem_shared shared;
} settings;

static int no_memory(void) {
    return idem_fail_as(IDEM_MEMORY, "out of memory for a report");
}

static void print_json(const json_t *report) {
    json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    putchar('\n');
}

/* ---- which face ---- */

/* "N", up to `end`, from 1; -1: it is none. */
static int parse_number(const char *text, char end) {
    char *at;
    const long n = *text >= '0' && *text <= '9' ? strtol(text, &at, 10) : 0;
    return n >= 1 && n <= 1000000 && *at == end ? (int)n - 1 : -1;
}

/* Wrong usage is explained and gives 2. */
static int parse_face(settings *s) {
    const char *comma = strchr(s->face, ',');
    s->any = !strcmp(s->face, "any");
    if (s->any || !strcmp(s->face, "largest")) {
        /* Of a single pair all faces are looked at: another pair of them may match. */
        s->which[0] = s->which[1] = s->any || (!s->list && !s->face_given) ? IDEM_GALLERY_ALL : IDEM_GALLERY_LARGEST;
        return 0;
    }
    s->which[0] = parse_number(s->face, comma ? ',' : 0);
    s->which[1] = comma ? parse_number(comma + 1, 0) : s->which[0];
    if (s->which[0] < 0 || s->which[1] < 0)
        return idem_cli_usage("--face: \"%s\" is neither largest, any, a number from 1 nor two with a comma between",
                              s->face);
    return comma && s->list ? idem_cli_usage("--face: two numbers are for two photographs, not for --pairs") : 0;
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

/* Pictures in which there was a choice of faces, and those of whose faces much is outside. */
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

static double number(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

static void print_measures(const json_t *r) {
    printf("%d pairs (%d of one person, %d of two), %d skipped\n", (int)number(r, "pairs"), (int)number(r, "genuine"),
           (int)number(r, "impostor"), (int)number(r, "skipped"));
    const json_t *rows[2] = {r, json_object_get(r, "judge")};
    printf("%-10s  %8s %-9s  %9s  %8s\n", "", "accuracy", "ten-fold", "threshold", "TAR at FAR 0.1 %");
    for (int i = 0; i < 2; i++) {
        printf("%-10s", i ? "judge" : "recogniser");
        idem_report_figure(rows[i], "accuracy", 8, 2, 100, " %", true);
        idem_report_figure(rows[i], "threshold", 9, 3, 1, "", false);
        idem_report_figure(rows[i], "tar_at_far_0.1%", 8, 2, 100, " %", true);
        putchar('\n');
    }
    idem_report_needs(r);
}

/* Too few to measure anything are better known before their pictures are read. */
static int check_list(const settings *s, const idem_pair_list *list) {
    int same = 0;
    for (int i = 0; i < list->n; i++)
        same += list->pairs[i].same;
    if (list->announced && list->announced != list->n && !s->shared.quiet)
        idem_cli_say("idem: %s: its first line says %" PRId64 " pairs, it has %d", s->list, list->announced, list->n);
    return same >= 2 && list->n - same >= 2
               ? 0
               : idem_fail("%s: has %d pairs of one person and %d of two, expected at least 2 of each", s->list, same,
                           list->n - same);
}

static void remark(const settings *s, const json_t *report) {
    const int several = (int)number(report, "pictures_with_several_faces"),
              outside = (int)number(report, "pictures_with_faces_partly_outside");
    if (several && !s->shared.quiet)
        idem_cli_say("idem: pictures with several faces: %d; %s", several,
                     s->any ? "the most alike are compared"
                            : "one of each is compared (--face any takes the most alike)");
    if (outside && !s->shared.quiet)
        idem_cli_say("idem: pictures with %.0f %% of the face's frame outside, or more: %d", 100 * IDEM_OUTSIDE_MUCH,
                     outside);
}

static int run_list(const settings *s) {
    idem_pair_list list;
    idem_gallery g = {0};
    if (idem_pair_list_read(&list, s->list, s->root))
        return -1;
    json_t *report = NULL;
    int status = check_list(s, &list) || collect(&g, &list, s->which[0]) || idem_gallery_read(&g, false, &s->shared) ||
                         !(report = measure(&g, &list))
                     ? -1
                     : 0;
    if (status && g.n && g.unreadable == g.n)
        status = idem_fail("%s: none of its %d pictures can be read: relative paths begin at the list's folder, or at "
                           "--root DIR",
                           s->list, g.n);
    if (!status) {
        remark(s, report);
        (s->shared.json ? print_json : print_measures)(report);
        if (g.unreadable)
            status = idem_fail("%d of %d pictures could not be read; the pairs without them are measured", g.unreadable,
                               g.n);
    }
    json_decref(report);
    idem_gallery_free(&g);
    free(g.pictures);
    idem_pair_list_free(&list);
    return status;
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
    return json_array_append_new(why, idem_json_name(text)) ? no_memory() : 0;
}

static int doubt(json_t *why, const settings *s, const idem_gallery *g, const idem_gallery_pair *taken,
                 const idem_gallery_pair *best) {
    for (int i = 0; i < 2; i++) {
        const double outside = g->faces[taken->row[i]].outside;
        if (outside >= IDEM_OUTSIDE_MUCH &&
            add_reason(why, "%.0f %% of the frame of %s's face is outside the photograph", 100 * outside,
                       i ? "B" : "A"))
            return -1;
    }
    const bool chosen = s->face_given || taken->feature > IDEM_FEATURE_THRESHOLD;
    if (!chosen && best->feature > IDEM_FEATURE_THRESHOLD)
        return add_reason(
            why, "the largest faces differ, but face %d of A and face %d of B match (cosine %.3f): --face %d,%d",
            g->faces[best->row[0]].face + 1, g->faces[best->row[1]].face + 1, best->feature,
            g->faces[best->row[0]].face + 1, g->faces[best->row[1]].face + 1);
    return 0;
}

static json_t *by_one(double cosine, double threshold) {
    return json_pack("{s:f, s:f, s:b}", "cosine", cosine, "threshold", threshold, "same", cosine > threshold);
}

static json_t *decide(const settings *s, const idem_gallery *g) {
    const idem_gallery_picture *a = &g->pictures[0], *b = &g->pictures[1];
    const idem_gallery_pair best = idem_gallery_best(g, a, b), taken = s->any ? best : idem_gallery_first(g, a, b);
    const idem_gallery_face *faces[2] = {&g->faces[taken.row[0]], &g->faces[taken.row[1]]};
    const bool same = taken.feature > IDEM_FEATURE_THRESHOLD;
    const int compared = s->any ? a->n * b->n : 1;
    json_t *why = json_array();
    if (!why || doubt(why, s, g, &taken, &best)) {
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
    return report ? report : (no_memory(), NULL);
}

static void print_decision(const json_t *r) {
    static const char *const names[2] = {"recogniser", "judge"};
    const json_t *same = json_object_get(r, "same"), *why;
    size_t i;
    printf("%s\n", json_is_true(same) ? "same person" : json_is_false(same) ? "different persons" : "unsure");
    json_array_foreach(json_object_get(r, "why"), i, why) printf("- %s\n", json_string_value(why));
    for (i = 0; i < 2; i++) {
        const json_t *row = json_object_get(r, names[i]);
        const bool above = json_is_true(json_object_get(row, "same"));
        printf("%-11s cosine %.3f, %s %.3f: %s\n", names[i], number(row, "cosine"), above ? "above" : "not above",
               number(row, "threshold"), above ? "same" : "different");
    }
    if (number(r, "faces_a") > 1 || number(r, "faces_b") > 1)
        printf("face %.0f of %.0f of A, face %.0f of %.0f of B, in the order of size\n", number(r, "face_a"),
               number(r, "faces_a"), number(r, "face_b"), number(r, "faces_b"));
    if (number(r, "compared") > 1)
        printf(
            "the most alike of %.0f pairs of faces: up to %.1f %% of such choices among different persons pass for the "
            "same; ",
            number(r, "compared"), 100 * number(r, "far"));
    else
        printf("at these thresholds 0.1 %% of pairs of different persons pass for the same; ");
    printf("this proves nobody's identity\n");
}

static int run_pair(const settings *s, char *const *paths) {
    idem_gallery_picture pictures[2] = {{.path = paths[0], .which = s->which[0]},
                                        {.path = paths[1], .which = s->which[1]}};
    idem_gallery g = {.pictures = pictures, .n = 2};
    json_t *report = idem_gallery_read(&g, true, &s->shared) ? NULL : decide(s, &g);
    for (int i = 0; i < 2 && report && !s->face_given && !s->shared.quiet; i++)
        if (pictures[i].found > 1)
            idem_cli_say("idem: %s: has %d faces; the largest is taken (--face takes another, or any)", paths[i],
                         pictures[i].found);
    if (report)
        (s->shared.json ? print_json : print_decision)(report);
    json_decref(report);
    idem_gallery_free(&g);
    return report ? 0 : -1;
}

int idem_cmd_verify(int argc, char **argv) {
    settings s = {.face = "largest", .shared = IDEM_SHARED_DEFAULTS};
    const idem_option options[] = {
        {IDEM_OPT_TEXT, "face", 0, "FACE", &s.face, .was_given = &s.face_given,
         .help = "which face of a photograph with several: largest, a number from 1 in the order of size, two numbers "
                 "for A and B (2,1), or any: the faces that are most alike; faces" IDEM_FACES_SOUGHT},
        {IDEM_OPT_TEXT, "pairs", 'p', "FILE", &s.list,
         .help = "measure on a list instead: a line is two paths and 1 (same person) or 0, or that of LFW's pairs.txt"},
        {IDEM_OPT_TEXT, "root", 0, "DIR", &s.root,
         .help = "with --pairs: folder that its paths begin at; if not given, the list's own"},
        {0}};
    idem_command_line line = {
        .args = "[A B]",
        .about = "Compares a face of each of two photographs by the training recogniser and by the judge, and decides "
                 "at a false accept rate of 0.1 %, by the recogniser. Where a fifth of a face's frame or more is "
                 "outside its "
                 "photograph, or other faces match than the largest, it is unsure and says why. With --pairs it "
                 "measures how "
                 "well that can be told: ten-fold accuracy and true accept rate.",
        .examples = "  idem verify samples/identities/1.png samples/identities/2.png\n"
                    "  idem verify --face any group.jpg person.jpg\n"
                    "  idem verify --pairs pairs.txt --json\n"
                    "  idem verify --pairs lfw/pairs.txt --root lfw/lfw-funneled\n",
        .options = options,
        .max_args = 2,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS};
    char **args;
    const int n = idem_parse(&line, argc, argv, &s.shared, &args);
    if (n != (s.list ? 0 : 2))
        return idem_cli_usage("give two pictures, or --pairs FILE");
    if (s.root && !s.list)
        return idem_cli_usage("--root goes with --pairs");
    if (parse_face(&s))
        return 2;
    return (s.list ? run_list(&s) : run_pair(&s, args)) ? idem_cli_failed() : 0;
}
