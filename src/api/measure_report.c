/* idem_measure_report. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/measuring.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/status.h"
#include "measure/people.h"
#include "measure/study_files.h"
#include "measure/study_tables.h"

enum { BATCH = 10, BATCH_MAX = 256, PAIRS_MAX = 100000, STEPS_MAX = 1000, DIGITS = 8 };

static const char call[] = "idem_measure_report";

void idem_measure_report_options_init(idem_measure_report_options *options, size_t struct_size) {
    idem_measure_init(options, struct_size);
    if (!options || struct_size < sizeof *options)
        return;
    options->pairs = 300;
    options->seed = 1;
    options->truncation = -1;
}

typedef struct {
    idem_measuring measuring; /* first: it is the `user` of both */
    const idem_measure_report_options *o;
    int batch;
    idem_model *model;
    idem_pairs *pairs;
    double truncation;
    bool made; /* the folder of the output */
    char *table[2];
    idem_witness_file witness[IDEM_RECOGNISERS_MAX];
} work;

/* ---- arguments ---- */

static int check(const idem_measure_report_options *o) {
    if (idem_struct_check(call, o, sizeof *o))
        return -1;
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
        return idem_fail("%s: refines, compares and witnesses must be the lengths of their arrays", call);
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

/* ---- models and pairs ---- */

static void on_measured(void *user, uint64_t done, uint64_t all) {
    idem_measuring_tell(user, "measuring", done, all);
}

static void on_faces(void *user, int done, int all) {
    idem_measuring_tell(user, "looking for faces", (uint64_t)done, (uint64_t)all);
}

static idem_pairs *photographs(work *a) {
    const idem_people_options o = {.size = idem_model_about(a->model)->size,
                                   .seed = a->o->seed,
                                   .threads = a->o->threads,
                                   .models = a->o->models,
                                   .stop = a->measuring.plan.stop,
                                   .progress = on_faces,
                                   .bad = idem_measuring_on_bad,
                                   .user = a};
    return idem_pairs_photographs(a->o->photographs, a->o->pairs, &o);
}

static int open_pairs(work *a) {
    const idem_measure_report_options *o = a->o;
    a->truncation = o->truncation < 0 ? idem_pairs_truncation(a->model, 0.9) : o->truncation;
    if (o->photographs)
        a->pairs = photographs(a);
    else if (o->identity)
        a->pairs = idem_pairs_folders(o->identity, o->attributes, idem_model_about(a->model)->size, 2,
                                      idem_measuring_on_line, a);
    else
        a->pairs = idem_pairs_draw(a->model, o->pairs, (float)a->truncation, o->seed, a->batch, &a->measuring.plan);
    return a->pairs ? 0 : -1;
}

/* groups.csv beside the pictures, if it exists. */
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

static char *report_text(const work *a, const idem_study *study) {
    json_t *j = idem_study_json(study);
    json_object_set_new(j, "unreadable", json_integer(idem_pairs_bad(a->pairs)));
    json_object_set_new(j, "other_files", json_integer((json_int_t)idem_pairs_left_out(a->pairs)->files));
    json_object_set_new(j, "peak_rss_mb", json_real(idem_peak_rss_mb()));
    return idem_measuring_text(j, DIGITS, &a->o->seed);
}

static int write_report(const work *a, const idem_study *study, const char *text) {
    char *path = idem_path_join(a->o->output, "report.json");
    idem_writer w;
    if (!path)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a path");
    int status = idem_study_write(study, a->model, a->pairs, a->o->output, a->batch, &a->measuring.plan);
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
                                                             .plan = a->measuring.plan,
                                                             .progress = on_measured,
                                                             .told = idem_measuring_on_line,
                                                             .user = a});
    char *text = study ? report_text(a, study) : NULL;
    const int status = text && (!o->output || !write_report(a, study, text)) ? 0 : -1;
    idem_study_free(study);
    idem_measuring_give(text, status ? NULL : json);
    return status;
}

static int run(work *a, char **json) {
    const idem_measure_report_options *o = a->o;
    if ((o->output && idem_dir_enter(o->output, &a->made)) || take_witnesses(a) || find_tables(a) ||
        !(a->model = idem_measuring_model(o->generator, o->mapper, o->identity_net, o->models)) || open_pairs(a))
        return -1;
    idem_measuring_left_out(&a->measuring, idem_pairs_left_out(a->pairs));
    return measure(a, json);
}

int idem_measure_report(const idem_measure_report_options *options, char **json) {
    if (json)
        *json = NULL;
    work a = {.o = options};
    if (check(options) || idem_measuring_begin(&a.measuring, call, &options->watch, options->threads))
        return -1;
    a.batch = options->batch ? options->batch : BATCH;
    const int status = run(&a, json);
    idem_pairs_free(a.pairs);
    idem_model_free(a.model);
    for (int k = 0; k < 2; k++)
        free(a.table[k]);
    for (int i = 0; i < IDEM_RECOGNISERS_MAX; i++)
        free((char *)a.witness[i].path);
    idem_dir_leave(options->output, a.made);
    return idem_measuring_end(&a.measuring, status);
}
