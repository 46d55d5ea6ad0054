/* Measuring through the public library. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/status.h"
#include "engine/isa.h"
#include "engine/threads.h"
#include "face/recogniser.h"
#include "idem.h"
#include "measure/people.h"
#include "measure/study_files.h"
#include "measure/study_tables.h"

enum { BATCH = 10, BATCH_MAX = 256, PAIRS_MAX = 100000, STEPS_MAX = 1000, DIGITS = 8 };

void idem_measure_free(char *json) {
    free(json);
}

void idem_measure_init(void *options, size_t struct_size) {
    if (!options || struct_size < sizeof struct_size)
        return;
    memset(options, 0, struct_size);
    memcpy(options, &struct_size, sizeof struct_size);
}

void idem_measure_report_options_init(idem_measure_report_options *options, size_t struct_size) {
    idem_measure_init(options, struct_size);
    if (!options || struct_size < sizeof *options)
        return;
    options->pairs = 300;
    options->seed = 1;
    options->truncation = -1;
}

typedef struct {
    const idem_measure_report_options *o;
    int batch;
    idem_plan_options plan;
    volatile sig_atomic_t own_stop, *stop;
    idem_model *model;
    idem_pairs *pairs;
    double truncation;
    char *table[2];
    idem_witness_file witness[IDEM_RECOGNISERS_MAX];
} work;

/* ---- arguments ---- */

static int check(const idem_measure_report_options *o) {
    static const char call[] = "idem_measure_report";
    if (!o || o->struct_size != sizeof *o)
        return idem_fail("%s: options have %zu bytes, expected %zu; call idem_measure_report_options_default first",
                         call, o ? o->struct_size : 0, sizeof *o);
    if (!o->generator || !o->mapper)
        return idem_fail("%s: %s is NULL, expected a file", call, o->generator ? "mapper" : "generator");
    if (!o->identity != !o->attributes)
        return idem_fail("%s: identity and attributes go together, and one of them is NULL", call);
    if (o->identity && o->photographs)
        return idem_fail("%s: photographs and identity are set; photographs give both pictures of a pair", call);
    if (o->pairs < 2 || o->pairs > PAIRS_MAX)
        return idem_fail("%s: pairs is %d, expected 2 to %d", call, o->pairs, PAIRS_MAX);
    if (o->batch < 0 || o->batch > BATCH_MAX)
        return idem_fail("%s: batch is %d, expected 0 to %d", call, o->batch, BATCH_MAX);
    if (!(o->truncation <= 1))
        return idem_fail("%s: truncation is %g, expected 1 at most", call, o->truncation);
    if (o->refines < 0 || o->compares < 0 || o->witnesses < 0 || (o->refines && !o->refine) ||
        (o->compares && !o->compare) || (o->witnesses && !o->witness))
        return idem_fail("%s: refines, compares and witnesses count what their arrays have", call);
    for (int i = 0; i < o->refines; i++)
        if (o->refine[i] < 1 || o->refine[i] > STEPS_MAX)
            return idem_fail("%s: refine[%d] is %d, expected 1 to %d", call, i, o->refine[i], STEPS_MAX);
    return 0;
}

/* FILE, or FILE:KIND. */
static int take_witnesses(work *a) {
    static const char *const kinds[] = {"fr_feature", "insightface", "facenet", "vggface2"};
    const int most = IDEM_RECOGNISERS_MAX - IDEM_RECOGNISER_WITNESS;
    if (a->o->witnesses > most)
        return idem_fail("%d further recognisers, expected %d at most", a->o->witnesses, most);
    for (int i = 0; i < a->o->witnesses; i++) {
        char *path = strdup(a->o->witness[i]), *colon = path ? strrchr(path, ':') : NULL;
        if (!path)
            return idem_fail_as(IDEM_MEMORY, "out of memory for a path");
        a->witness[i].path = path;
        for (size_t k = 0; colon && k < sizeof kinds / sizeof *kinds; k++)
            if (!strcmp(colon + 1, kinds[k])) {
                *colon = 0;
                a->witness[i].preprocess = kinds[k];
            }
    }
    return 0;
}

/* ---- what is told ---- */

static void tell(work *a, const char *what, uint64_t done, uint64_t all) {
    const idem_measure_watch *w = &a->o->watch;
    if (w->progress && w->progress(w->user, what, done, all))
        *a->stop = 1;
}

static void on_measured(void *user, uint64_t done, uint64_t all) {
    tell(user, "measuring", done, all);
}

static void on_faces(void *user, int done, int all) {
    tell(user, "looking for faces", (uint64_t)done, (uint64_t)all);
}

static void on_line(void *user, const char *line) {
    const idem_measure_watch *w = &((work *)user)->o->watch;
    if (w->note)
        w->note(w->user, line);
}

static void on_bad(void *user, const char *why) {
    char line[1100];
    snprintf(line, sizeof line, "passed over: %s", why);
    on_line(user, line);
}

/* ---- models and pairs ---- */

static int open_model(work *a) {
    const idem_measure_report_options *o = a->o;
    return (a->model = idem_model_open(o->generator)) &&
                   !(o->identity_net && idem_model_choose_recogniser(a->model, o->identity_net, NULL)) &&
                   !idem_model_load_mapper(a->model, o->mapper) && !idem_model_load_frozen(a->model, o->models)
               ? 0
               : -1;
}

static idem_pairs *photographs(work *a) {
    const idem_people_options o = {.size = idem_model_about(a->model)->size,
                                   .seed = a->o->seed,
                                   .threads = a->o->threads,
                                   .models = a->o->models,
                                   .stop = a->stop,
                                   .progress = on_faces,
                                   .bad = on_bad,
                                   .user = a};
    return idem_pairs_photographs(a->o->photographs, a->o->pairs, &o);
}

static int open_pairs(work *a) {
    const idem_measure_report_options *o = a->o;
    a->truncation = o->truncation < 0 ? idem_pairs_truncation(a->model, 0.9) : o->truncation;
    if (o->photographs)
        a->pairs = photographs(a);
    else if (o->identity)
        a->pairs = idem_pairs_folders(o->identity, o->attributes, idem_model_about(a->model)->size, 2, on_line, a);
    else
        a->pairs = idem_pairs_draw(a->model, o->pairs, (float)a->truncation, o->seed, a->batch, &a->plan);
    return a->pairs ? 0 : -1;
}

/* groups.csv beside the pictures, where it is. */
static int find_tables(work *a) {
    const char *const given[2] = {a->o->identity, a->o->attributes};
    for (int k = 0; k < 2; k++) {
        if (!given[k] || !idem_path_is_dir(given[k]))
            continue;
        if (!(a->table[k] = idem_path_join(given[k], IDEM_GROUPS_FILE)))
            return idem_fail_as(IDEM_MEMORY, "out of memory for a path");
        if (!idem_path_exists(a->table[k])) {
            free(a->table[k]);
            a->table[k] = NULL;
        }
    }
    return 0;
}

/* ---- the report ---- */

/* The seed stands first, since JSON's integers here have a bit too few for it. */
static char *report_text(const work *a, const idem_study *study) {
    json_t *j = idem_study_json(study);
    if (!j)
        return NULL;
    json_object_set_new(j, "unreadable", json_integer(idem_pairs_bad(a->pairs)));
    json_object_set_new(j, "other_files", json_integer((json_int_t)idem_pairs_left_out(a->pairs)->files));
    json_object_set_new(j, "peak_rss_mb", json_real(idem_peak_rss_mb()));
    char *body = json_dumps(j, JSON_INDENT(2) | JSON_REAL_PRECISION(DIGITS)), *text;
    json_decref(j);
    if (!body || asprintf(&text, "{\n  \"seed\": %llu,%s", (unsigned long long)a->o->seed, body + 1) < 0)
        text = idem_fail_null_as(IDEM_MEMORY, "out of memory for a report");
    free(body);
    return text;
}

static int write_report(const work *a, const idem_study *study, const char *text) {
    char *path = idem_path_join(a->o->output, "report.json");
    idem_writer w;
    if (!path)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a path");
    int status = idem_study_write(study, a->model, a->pairs, a->o->output, a->batch, &a->plan);
    if (!status && !(status = idem_writer_open(&w, path))) {
        fprintf(w.stream, "%s\n", text);
        status = idem_writer_commit(&w);
    }
    free(path);
    return status;
}

static int measure(work *a, char **json) {
    const idem_measure_report_options *o = a->o;
    idem_study *study = idem_study_run(a->model, a->pairs,
                                       &(idem_study_options){.batch = a->batch,
                                                             .seed = o->seed,
                                                             .truncation = a->truncation,
                                                             .models = o->models,
                                                             .inception = o->fid_net,
                                                             .witnesses = a->witness,
                                                             .n_witnesses = o->witnesses,
                                                             .refine = o->refine,
                                                             .n_refine = o->refines,
                                                             .compare = o->compare,
                                                             .n_compare = o->compares,
                                                             .tables = {a->table[0], a->table[1]},
                                                             .plan = a->plan,
                                                             .progress = on_measured,
                                                             .told = on_line,
                                                             .user = a});
    char *text = study ? report_text(a, study) : NULL;
    const int status = text && (!o->output || !write_report(a, study, text)) ? 0 : -1;
    idem_study_free(study);
    if (!status && json)
        *json = text;
    else
        free(text);
    return status;
}

static void say_left_out(work *a) {
    char text[1000];
    if (a->pairs && *idem_left_out_text(idem_pairs_left_out(a->pairs), text, sizeof text))
        on_line(a, text);
}

static int run(work *a, char **json) {
    if ((a->o->output && idem_dir_make(a->o->output)) || take_witnesses(a) || find_tables(a) || open_model(a) ||
        open_pairs(a))
        return -1;
    say_left_out(a);
    return measure(a, json);
}

int idem_measure_report(const idem_measure_report_options *options, char **json) {
    if (json)
        *json = NULL;
    if (check(options) || idem_isa_check())
        return -1;
    work a = {.o = options, .batch = options->batch ? options->batch : BATCH};
    a.stop = options->watch.stop ? options->watch.stop : &a.own_stop;
    a.plan = (idem_plan_options){.threads = options->threads, .stop = a.stop};
    const idem_team before = idem_team_enter(options->threads);
    const int status = run(&a, json);
    idem_pairs_free(a.pairs);
    idem_model_free(a.model);
    idem_team_leave(&before);
    for (int k = 0; k < 2; k++)
        free(a.table[k]);
    for (int i = 0; i < IDEM_RECOGNISERS_MAX; i++)
        free((char *)a.witness[i].path);
    return status;
}
