/* idem verify: do two photographs show the same person? Also accuracy on a list of pairs. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/measuring.h"
#include "cli/reading.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/report_text.h"
#include "idem.h"

typedef struct {
    idem_measure_pair_options o;
    const char *list, *root, *face;
    bool face_given;
    idem_cli_measuring measuring;
    idem_shared shared;
} settings;

/* ---- which face ---- */

/* "N", up to `end`, from 1; -1: not a number. */
static int parse_number(const char *text, char end) {
    char *at;
    const long n = *text >= '0' && *text <= '9' ? strtol(text, &at, 10) : 0;
    return n >= 1 && n <= 1000000 && *at == end ? (int)n - 1 : -1;
}

/* 2 with an explanation for wrong usage. */
static int parse_face(settings *s) {
    const char *comma = strchr(s->face, ',');
    if (!strcmp(s->face, "any") || !strcmp(s->face, "largest")) {
        s->o.face_a = s->o.face_b = *s->face == 'a' ? IDEM_PAIR_FACE_ANY
                                    : s->face_given ? IDEM_PAIR_FACE_LARGEST
                                                    : IDEM_PAIR_FACE_USUAL;
        return 0;
    }
    s->o.face_a = parse_number(s->face, comma ? ',' : 0) + 1;
    s->o.face_b = comma ? parse_number(comma + 1, 0) + 1 : s->o.face_a;
    if (s->o.face_a < 1 || s->o.face_b < 1)
        return idem_cli_usage("--face: \"%s\" is neither largest, any, a number from 1 nor two with a comma between",
                              s->face);
    return comma && s->list ? idem_cli_usage("--face: two numbers are for two photographs, not for --pairs") : 0;
}

static void on_note(void *user, const char *line) {
    const idem_cli_measuring *m = user;
    if (!m->quiet || !strncmp(line, "passed over", strlen("passed over")))
        idem_cli_say("idem: %s", line);
}

/* ---- a list ---- */

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

static void remark(const settings *s, const json_t *report) {
    const int several = (int)number(report, "pictures_with_several_faces"),
              outside = (int)number(report, "pictures_with_faces_partly_outside");
    if (several && !s->shared.quiet)
        idem_cli_say("idem: pictures with several faces: %d; %s", several,
                     s->o.face_a == IDEM_PAIR_FACE_ANY ? "the most alike are compared"
                                                       : "one of each is compared (--face any takes the most alike)");
    if (outside && !s->shared.quiet)
        idem_cli_say("idem: pictures with at least %.0f %% of the face's frame outside: %d", 20.0, outside);
}

static int run_list(settings *s) {
    char *json;
    if (idem_measure_pair_list(&s->o, s->list, s->root, &json))
        return idem_error_kind() == IDEM_ERROR_INPUT && strstr(idem_last_error(), "at a root that is given")
                   ? idem_cli_fail_more("%s: --root DIR", idem_last_error())
                   : -1;
    idem_progress_finish();
    json_t *report = json_loads(json, JSON_DECODE_INT_AS_REAL, NULL);
    const double unreadable = number(report, "unreadable"), pictures = number(report, "pictures");
    remark(s, report);
    if (s->shared.json)
        puts(json);
    else
        print_measures(report);
    json_decref(report);
    idem_measure_free(json);
    return unreadable > 0
               ? idem_cli_fail("%.0f of %.0f pictures could not be read; the pairs without them are measured",
                               unreadable, pictures)
               : 0;
}

/* ---- one pair ---- */

static void print_decision(const json_t *r) {
    static const char *const names[2] = {"recogniser", "judge"};
    const json_t *same = json_object_get(r, "same"), *why;
    size_t i;
    printf("%s\n", json_is_true(same) ? "same person" : json_is_false(same) ? "different persons" : "unsure");
    const json_t *match = json_object_get(r, "match");
    json_array_foreach(json_object_get(r, "why"), i, why) {
        printf("- %s", json_string_value(why));
        if (match && i + 1 == json_array_size(json_object_get(r, "why")))
            printf(": --face %.0f,%.0f", number(match, "face_a"), number(match, "face_b"));
        putchar('\n');
    }
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
        printf("the most alike of %.0f pairs of faces: up to %.1f %% of such choices among different persons match; ",
               number(r, "compared"), 100 * number(r, "far"));
    else
        printf("at these thresholds 0.1 %% of pairs of different persons match; ");
    printf("this proves nobody's identity\n");
}

static int run_pair(settings *s, char *const *paths) {
    static const char *const keys[2] = {"faces_a", "faces_b"};
    char *json;
    if (idem_measure_pair(&s->o, paths[0], paths[1], &json))
        return -1;
    json_t *report = json_loads(json, JSON_DECODE_INT_AS_REAL, NULL);
    for (int i = 0; i < 2 && !s->face_given && !s->shared.quiet; i++)
        if (number(report, keys[i]) > 1)
            idem_cli_say("idem: %s: has %.0f faces; the largest is taken (--face takes another, or any)", paths[i],
                         number(report, keys[i]));
    if (s->shared.json)
        puts(json);
    else
        print_decision(report);
    json_decref(report);
    idem_measure_free(json);
    return 0;
}

int idem_cmd_verify(int argc, char **argv) {
    settings s = {.face = "largest", .shared = IDEM_SHARED_DEFAULTS};
    idem_measure_pair_options_default(&s.o);
    const idem_option options[] = {
        {IDEM_OPT_TEXT, "face", 0, "FACE", &s.face, .was_given = &s.face_given,
         .help = "which face of a photograph with several: largest, a number from 1 in the order of size, two numbers "
                 "for A and B (2,1), or any: the faces that are most alike; faces" IDEM_FACES_SOUGHT},
        {IDEM_OPT_TEXT, "pairs", 'p', "FILE", &s.list,
         .help = "measure on a list instead: per line two paths and 1 (same person) or 0, or the format of LFW's "
                 "pairs.txt"},
        {IDEM_OPT_TEXT, "root", 0, "DIR", &s.root,
         .help = "with --pairs: folder that its paths are relative to; if not given, the list's"},
        {0}};
    idem_command_line line = {
        .args = "[A B]",
        .about = "Compares a face of each of two photographs by the training recogniser and by the judge, and decides "
                 "at a false accept rate of 0.1 %, by the recogniser. If at least a fifth of a face's frame is outside "
                 "its photograph, or faces other than the largest match, the verdict is unsure, "
                 "with the reason. With --pairs it measures the ten-fold accuracy and the true accept rate.",
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
        return idem_cli_usage("--root needs --pairs");
    if (parse_face(&s))
        return 2;
    s.measuring.quiet = s.shared.quiet;
    s.o.watch = idem_cli_watch(&s.measuring);
    s.o.watch.note = on_note;
    s.o.threads = s.shared.threads;
    return (s.list ? run_list(&s) : run_pair(&s, args)) ? idem_cli_failed() : 0;
}
