/* idem verify: do two photographs show the same person? And how well can that be told, on a list of pairs. */
#define _GNU_SOURCE
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/photos.h"
#include "cli/progress.h"
#include "eval/verification.h"
#include "nets/judge.h"

enum { LIST_MAX = 1 << 26, SIDE = 192 }; /* bytes of a list; frames as large as the recognisers' crops need */

#define THRESHOLD_FAR 0.001 /* of eval/verification.h's thresholds */

typedef struct {
    char *path[2];
    int picture[2];
    uint8_t same;
} pair;

enum { ENCODED, NO_FACE, UNREADABLE };

typedef struct {
    pair *pairs;
    int n;
    const char **paths; /* each picture once, sorted; pointers into the pairs */
    int pictures, dim, unreadable;
    float *feature, *judge; /* [pictures, dim], [pictures, 128] */
    char *state;
} job;

/* ---- list ---- */

/* A path as it is, or else relative to the folder of the list. */
static char *resolve(const char *path, const char *list) {
    const char *slash = strrchr(list, '/');
    if (*path == '/' || !slash || idem_path_exists(path))
        return strdup(path);
    char *dir = strndup(list, (size_t)(slash - list)), *full = dir ? idem_path_join(dir, path) : NULL;
    free(dir);
    return full;
}

/* "A B 1": fields between tabs if there are any, else between blanks. Cuts the line; -1 without a message. */
static int split(char *line, char *field[3]) {
    const char *between = strchr(line, '\t') ? "\t" : " ";
    char *rest;
    int n = 0;
    for (char *f = strtok_r(line, between, &rest); f; f = strtok_r(NULL, between, &rest)) {
        if (n == 3)
            return -1;
        field[n++] = f;
    }
    return n == 3 && (!strcmp(field[2], "0") || !strcmp(field[2], "1")) ? 0 : -1;
}

/* Too few to measure anything are better known before their pictures are read. */
static int check_kinds(const job *j, const char *file) {
    int same = 0;
    for (int i = 0; i < j->n; i++)
        same += j->pairs[i].same;
    return same >= 2 && j->n - same >= 2
               ? 0
               : idem_fail("%s: has %d pairs of one person and %d of two, expected at least 2 of each", file, same,
                           j->n - same);
}

static int read_list(job *j, const char *file) {
    unsigned char *text;
    size_t size, room = 1;
    if (idem_file_read(file, LIST_MAX, &text, &size))
        return -1;
    for (size_t i = 0; i < size; i++)
        room += text[i] == '\n';
    j->pairs = calloc(room, sizeof *j->pairs);
    int status = j->pairs ? 0 : idem_fail_as(IDEM_MEMORY, "%s: out of memory for %zu pairs", file, room), number = 0;
    char *rest = (char *)text;
    for (char *line; !status && (line = strsep(&rest, "\n"));) {
        char *field[3];
        number++;
        line[strcspn(line, "\r")] = 0;
        if (!line[strspn(line, " \t")] || *line == '#')
            continue;
        pair *p = &j->pairs[j->n];
        if (split(line, field)) {
            status = idem_fail("%s: line %d is not two paths and 1 (same person) or 0, between blanks or tabs", file,
                               number);
        } else {
            *p = (pair){.path = {resolve(field[0], file), resolve(field[1], file)}, .same = *field[2] == '1'};
            j->n++;
            status = p->path[0] && p->path[1] ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory");
        }
    }
    free(text);
    return status ? -1 : check_kinds(j, file);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Each picture once, however many pairs it is in. */
static int collect(job *j) {
    j->paths = calloc(2 * (size_t)j->n, sizeof *j->paths);
    if (!j->paths)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", j->n);
    for (int i = 0; i < 2 * j->n; i++)
        j->paths[i] = j->pairs[i / 2].path[i % 2];
    qsort(j->paths, 2 * (size_t)j->n, sizeof *j->paths, by_name);
    for (int i = 0; i < 2 * j->n; i++)
        if (!j->pictures || strcmp(j->paths[j->pictures - 1], j->paths[i]))
            j->paths[j->pictures++] = j->paths[i];
    for (int i = 0; i < 2 * j->n; i++) {
        const char *const *at =
            bsearch(&j->pairs[i / 2].path[i % 2], j->paths, (size_t)j->pictures, sizeof *j->paths, by_name);
        j->pairs[i / 2].picture[i % 2] = (int)(at - j->paths);
    }
    return 0;
}

/* ---- pictures ---- */

/* Of a list, a picture that is no good is passed over; of a single pair it is a failure. */
static int encode(job *j, idem_ahead *ahead, idem_finder *finder, idem_embedder *embedder, int i, bool quiet,
                  bool single) {
    const char *path = j->paths[i];
    idem_photo photo;
    if (idem_photo_next(&photo, ahead) || idem_photo_find(&photo, finder, path, SIDE, 1)) {
        if (idem_cli_stop || single)
            return -1;
        idem_cli_say("idem: passed over: %s", idem_error());
        j->state[i] = UNREADABLE;
        j->unreadable++;
        return 0;
    }
    int status = 0;
    if (photo.n == 0 && single) {
        status = idem_fail("%s: no face found, nothing to compare", path);
    } else if (photo.n == 0) {
        idem_cli_say("idem: passed over: %s: no face found", path);
        j->state[i] = NO_FACE;
    } else {
        if (single && !quiet)
            idem_photo_remark(&photo, path, 0, "");
        status = idem_embedder_run(embedder, &photo.image, (const float(*)[2])photo.faces[0].points,
                                   j->feature + (size_t)i * (size_t)j->dim, j->judge + (size_t)i * IDEM_JUDGE_DIM);
    }
    idem_photo_close(&photo);
    return status;
}

static int encode_all(job *j, const idem_shared *shared, bool single) {
    idem_plan_options options = {.threads = shared->threads, .stop = &idem_cli_stop};
    idem_finder *finder = idem_asset_finder(false, &options);
    idem_embedder *embedder = finder ? idem_asset_embedder(true, &options) : NULL;
    int status = embedder ? 0 : -1;
    if (!status) {
        j->dim = idem_embedder_dim(embedder);
        j->feature = calloc((size_t)j->pictures * (size_t)j->dim, sizeof *j->feature);
        j->judge = calloc((size_t)j->pictures * IDEM_JUDGE_DIM, sizeof *j->judge);
        j->state = calloc((size_t)j->pictures, 1);
        if (!j->feature || !j->judge || !j->state)
            status = idem_fail_as(IDEM_MEMORY, "out of memory for the vectors of %d pictures", j->pictures);
    }
    idem_ahead *ahead = status ? NULL : idem_photo_ahead(j->paths, (size_t)j->pictures);
    status = ahead ? 0 : -1;
    idem_progress_start("encoding", "pictures", (uint64_t)j->pictures, 0, shared->quiet || single);
    for (int i = 0; i < j->pictures && !status; i++) {
        status = idem_cli_stop ? -1 : encode(j, ahead, finder, embedder, i, shared->quiet, single);
        idem_progress_update((uint64_t)i + 1, NULL);
    }
    if (status)
        idem_progress_clear();
    else
        idem_progress_finish();
    idem_ahead_free(ahead);
    idem_embedder_free(embedder);
    idem_finder_free(finder);
    return status;
}

static double cosine(const float *rows, int dim, const pair *p) {
    const float *a = rows + (size_t)p->picture[0] * (size_t)dim, *b = rows + (size_t)p->picture[1] * (size_t)dim;
    double sum = 0;
    for (int k = 0; k < dim; k++)
        sum += (double)a[k] * (double)b[k];
    return sum;
}

/* ---- reports ---- */

static json_t *verification_json(const idem_verification *v) {
    return json_pack("{s:f, s:f, s:f, s:f}", "accuracy", v->accuracy, "threshold", v->threshold, "tar_at_far_0.1%",
                     v->tar, "threshold_at_far_0.1%", v->far_threshold);
}

/* The figures of the training recogniser, and below "judge" the same by the judge. */
static json_t *measure(const job *j) {
    double *scores[2] = {calloc((size_t)j->n, sizeof(double)), calloc((size_t)j->n, sizeof(double))};
    uint8_t *same = calloc((size_t)j->n, 1);
    int n = 0;
    json_t *report = NULL;
    for (int i = 0; i < j->n && scores[0] && scores[1] && same; i++) {
        const pair *p = &j->pairs[i];
        if (j->state[p->picture[0]] != ENCODED || j->state[p->picture[1]] != ENCODED)
            continue;
        scores[0][n] = cosine(j->feature, j->dim, p);
        scores[1][n] = cosine(j->judge, IDEM_JUDGE_DIM, p);
        same[n++] = p->same;
    }
    idem_verification v[2];
    if (!scores[0] || !scores[1] || !same)
        idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", j->n);
    else if (!idem_verification_of(&v[0], scores[0], same, n, THRESHOLD_FAR) &&
             !idem_verification_of(&v[1], scores[1], same, n, THRESHOLD_FAR)) {
        report = verification_json(&v[0]);
        if (!report || json_object_update_new(report, json_pack("{s:i, s:i, s:i, s:i, s:o}", "pairs", n, "genuine",
                                                                v[0].genuine, "impostor", v[0].impostor, "skipped",
                                                                j->n - n, "judge", verification_json(&v[1]))))
            idem_fail_as(IDEM_MEMORY, "out of memory for a report");
    }
    free(scores[0]);
    free(scores[1]);
    free(same);
    return report;
}

static json_t *decide(const job *j) {
    const pair *p = &j->pairs[0];
    double feature = cosine(j->feature, j->dim, p), judge = cosine(j->judge, IDEM_JUDGE_DIM, p);
    return json_pack("{s:b, s:f, s:{s:f, s:f, s:b}, s:{s:f, s:f, s:b}}", "same", feature > IDEM_FEATURE_THRESHOLD,
                     "far", THRESHOLD_FAR, "recogniser", "cosine", feature, "threshold", IDEM_FEATURE_THRESHOLD, "same",
                     feature > IDEM_FEATURE_THRESHOLD, "judge", "cosine", judge, "threshold", IDEM_JUDGE_THRESHOLD,
                     "same", judge > IDEM_JUDGE_THRESHOLD);
}

static double number(const json_t *object, const char *key) {
    return json_number_value(json_object_get(object, key));
}

static void print_measures(const json_t *r) {
    printf("%d pairs (%d of one person, %d of two), %d skipped\n", (int)number(r, "pairs"), (int)number(r, "genuine"),
           (int)number(r, "impostor"), (int)number(r, "skipped"));
    const json_t *rows[2] = {r, json_object_get(r, "judge")};
    for (int i = 0; i < 2; i++)
        printf("%-11s accuracy %.2f %% (ten-fold), best threshold %.3f; TAR %.2f %% at FAR 0.1 %%\n",
               i ? "judge" : "recogniser", 100 * number(rows[i], "accuracy"), number(rows[i], "threshold"),
               100 * number(rows[i], "tar_at_far_0.1%"));
}

static void print_decision(const json_t *r) {
    static const char *const names[2] = {"recogniser", "judge"};
    printf("%s\n", json_is_true(json_object_get(r, "same")) ? "same person" : "different persons");
    for (int i = 0; i < 2; i++) {
        const json_t *row = json_object_get(r, names[i]);
        printf("%-11s cosine %.3f, %s %.3f: %s\n", names[i], number(row, "cosine"),
               json_is_true(json_object_get(row, "same")) ? "above" : "not above", number(row, "threshold"),
               json_is_true(json_object_get(row, "same")) ? "same" : "different");
    }
    printf(
        "at these thresholds 0.1 %% of pairs of different persons pass for the same; this proves nobody's identity\n");
}

int idem_cmd_verify(int argc, char **argv) {
    const char *list = NULL;
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    const idem_option options[] = {{IDEM_OPT_TEXT, "pairs", 'p', "FILE", &list,
                                    .help = "measure on a list instead: a line is two paths and 1 (same person) or 0"},
                                   {0}};
    idem_command_line line = {
        .args = "[A B]",
        .about =
            "Compares the largest faces of two photographs by the training recogniser and by the judge, and decides "
            "at a false accept rate of 0.1 %, by the recogniser. With --pairs it measures how well that can be "
            "told: ten-fold accuracy and true accept rate.",
        .examples = "  idem verify one.jpg other.jpg\n"
                    "  idem verify --pairs pairs.txt --json\n",
        .options = options,
        .max_args = 2,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS};
    char **args;
    int n = idem_parse(&line, argc, argv, &shared, &args);
    if (n != (list ? 0 : 2))
        return idem_cli_usage("give two pictures, or --pairs FILE");
    job j = {0};
    int status = 0;
    if (list) {
        status = read_list(&j, list);
    } else {
        j.pairs = calloc(1, sizeof *j.pairs);
        j.n = j.pairs ? 1 : 0;
        status = j.pairs ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory");
        for (int i = 0; i < 2 && j.pairs; i++)
            j.pairs[0].path[i] = strdup(args[i]);
    }
    if (!status)
        status = collect(&j) || encode_all(&j, &shared, !list) ? -1 : 0;
    json_t *report = status ? NULL : list ? measure(&j) : decide(&j);
    if (report && shared.json) {
        json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        putchar('\n');
    } else if (report) {
        (list ? print_measures : print_decision)(report);
    }
    if (report && j.unreadable)
        status = idem_fail("%d of %d pictures could not be read; the pairs without them are measured", j.unreadable,
                           j.pictures);
    status = report ? status : -1;
    json_decref(report);
    for (int i = 0; i < j.n; i++) {
        free(j.pairs[i].path[0]);
        free(j.pairs[i].path[1]);
    }
    free(j.pairs);
    free(j.paths);
    free(j.feature);
    free(j.judge);
    free(j.state);
    return status ? idem_cli_failed() : 0;
}
