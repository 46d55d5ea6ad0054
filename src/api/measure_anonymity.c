/* idem_measure_anonymity. */
#include <stdlib.h>

#include "api/measuring.h"
#include "base/file.h"
#include "base/log.h"
#include "base/models.h"
#include "base/status.h"
#include "measure/anonymity_list.h"
#include "measure/anonymity_report.h"

enum { BATCH = 16, PATH_SIZE = 4096, TRAIN_MIN = 20, TRAIN_MAX = 1000000, FRECHET_MIN = 4, DIGITS = 6 };

static const char call[] = "idem_measure_anonymity";

void idem_measure_anonymity_options_init(idem_measure_anonymity_options *options, size_t struct_size) {
    idem_measure_init(options, struct_size);
    if (!options || struct_size < sizeof *options)
        return;
    options->train_pairs = 2000;
    options->seed = 1;
}

typedef struct {
    idem_measuring measuring;
    const idem_measure_anonymity_options *o;
    int bad; /* pairs that could not be measured */
} work;

static int check(const idem_measure_anonymity_options *o) {
    if (idem_struct_check(call, o, sizeof *o))
        return -1;
    if (!o->originals || !o->anonymised)
        return idem_fail("%s: %s is NULL, expected a folder", call, o->originals ? "anonymised" : "originals");
    if (!o->train_originals != !o->train_anonymised)
        return idem_fail("%s: train_originals and train_anonymised go together", call);
    return o->train_pairs >= TRAIN_MIN && o->train_pairs <= TRAIN_MAX
               ? 0
               : idem_fail("%s: train_pairs is %d, expected %d to %d", call, o->train_pairs, TRAIN_MIN, TRAIN_MAX);
}

/* ---- reading ---- */

static void tell_left_out(const work *a, const idem_anonymity_list *list) {
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < idem_picture_tree_bad_count(list->trees[k]); i++)
            idem_measuring_on_bad((void *)&a->measuring, idem_picture_tree_bad(list->trees[k], i));
    if (list->without)
        idem_log(IDEM_LOG_NOTE, "%zu originals have no anonymised picture of the same name and are left out",
                 list->without);
}

static int read_pair(const work *a, idem_anonymity_reader *reader, idem_anonymity_pictures *p,
                     const idem_anonymity_list *list, size_t i) {
    const idem_anonymity_pair *pair = &list->at[i];
    return idem_measuring_stopped(&a->measuring)
               ? idem_fail_as(IDEM_INTERRUPTED, "interrupted")
               : idem_anonymity_read(reader, p, idem_picture_tree_path(list->trees[0], pair->original),
                                     idem_picture_tree_path(list->trees[1], pair->anonymised), pair->person);
}

static int read_pairs(work *a, idem_anonymity_pictures *p, const idem_anonymity_list *list, bool codes,
                      const char *doing) {
    idem_anonymity_reader *reader = idem_anonymity_reader_new(a->o->models, codes, &a->measuring.plan);
    const size_t most = (size_t)a->o->train_pairs, n = codes && list->n > most ? most : list->n;
    int status = reader ? 0 : -1;
    if (!status)
        idem_measuring_tell(&a->measuring, doing, 0, n);
    for (size_t i = 0; i < n && !status; i++) {
        status = read_pair(a, reader, p, list, i);
        if (status && idem_error_kind() == IDEM_INPUT) {
            idem_measuring_on_bad(&a->measuring, idem_error());
            a->bad++;
            status = 0;
        }
        if (!status)
            idem_measuring_tell(&a->measuring, doing, i + 1, n);
    }
    idem_anonymity_reader_free(reader);
    return status;
}

static int read_folders(work *a, idem_anonymity_pictures *p, const char *originals, const char *anonymised, bool codes,
                        const char *doing) {
    idem_anonymity_list list;
    int status = idem_anonymity_list_open(&list, originals, anonymised);
    if (!status) {
        tell_left_out(a, &list);
        status = read_pairs(a, p, &list, codes, doing);
    }
    idem_anonymity_list_free(&list);
    return status;
}

/* *table: the given one, or that of the originals; NULL: none. */
static int open_table(const idem_measure_anonymity_options *o, idem_group_table **table) {
    char *own = o->groups ? NULL : idem_path_join(o->originals, "groups.csv");
    const char *path = o->groups ? o->groups : own;
    const bool there = o->groups || (own && idem_path_exists(own));
    *table = there ? idem_group_table_read(path) : NULL;
    free(own);
    return path && (*table || !there) ? 0 : -1;
}

/* ---- measuring ---- */

static json_t *measure(work *a, idem_anonymity_report *r, const idem_anonymity_pictures *pictures,
                       const idem_anonymity_pictures *train) {
    char path[PATH_SIZE];
    idem_features *features = NULL;
    /* Without their network, Frechet distances are omitted. */
    if (pictures->n >= FRECHET_MIN && !idem_models_find(path, sizeof path, a->o->models, "mobilenet_v2.model.min.js") &&
        !(features = idem_features_new(a->o->models, NULL, IDEM_ANONYMITY_SIDE, BATCH, &a->measuring.plan)))
        return NULL;
    const int status = idem_anonymity_measure(r, pictures, a->o->train_originals ? train : NULL, features, a->o->seed);
    idem_features_free(features);
    json_t *j = status ? NULL : idem_anonymity_json(r);
    if (!j || !json_object_set_new(j, "unreadable", json_integer(a->bad)))
        return j;
    json_decref(j);
    idem_fail_as(IDEM_MEMORY, "out of memory for a report");
    return NULL;
}

static json_t *run(work *a, idem_group_table *table) {
    const idem_measure_anonymity_options *o = a->o;
    idem_anonymity_pictures pictures = {0}, train = {0};
    idem_anonymity_report r = {0};
    json_t *j = NULL;
    if (!read_folders(a, &pictures, o->originals, o->anonymised, false, "reading") &&
        !(o->train_originals &&
          read_folders(a, &train, o->train_originals, o->train_anonymised, true, "reading the attack's pairs"))) {
        r.n_groups = idem_anonymity_groups(&r.groups, &pictures, table);
        if (r.n_groups >= 0)
            j = measure(a, &r, &pictures, &train);
        else
            r.n_groups = 0;
    }
    idem_anonymity_report_free(&r);
    idem_anonymity_pictures_free(&train);
    idem_anonymity_pictures_free(&pictures);
    return j;
}

int idem_measure_anonymity(const idem_measure_anonymity_options *options, char **json) {
    if (json)
        *json = NULL;
    work a = {.o = options};
    if (check(options) || idem_measuring_begin(&a.measuring, call, &options->watch, options->threads))
        return -1;
    idem_group_table *table;
    json_t *j = open_table(options, &table) ? NULL : run(&a, table);
    char *text = j ? idem_measuring_text(j, DIGITS, NULL) : NULL;
    idem_group_table_free(table);
    const int status = text ? 0 : -1;
    idem_measuring_give(text, json);
    return idem_measuring_end(&a.measuring, status);
}
