#include "cli/train_report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/progress.h"
#include "cli/train_progress.h"

void idem_training_report_keep(idem_training_report *r, const idem_train_evaluation *e) {
    r->evaluated = e->iteration;
    r->n = e->figures < IDEM_TRAIN_KEPT ? e->figures : IDEM_TRAIN_KEPT;
    for (int i = 0; i < r->n; i++) {
        r->figure[i] = e->figure[i];
        snprintf(r->name[i], sizeof r->name[i], "%s", e->figure[i].name);
        r->figure[i].name = r->name[i];
    }
}

double idem_train_score(const idem_train_evaluation *e, const char *prefix, const char *name) {
    char full[64];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    return idem_train_number(e->figure, e->figures, full);
}

/* The inner object of that key, created if missing. */
static json_t *below(json_t *root, const char *key) {
    if (!json_object_get(root, key))
        json_object_set_new(root, key, json_object());
    return json_object_get(root, key);
}

/* The number, or null with "needs" if n is too small. */
static void put(json_t *root, const idem_training_report *r, const char *prefix, const char *key) {
    char full[64];
    snprintf(full, sizeof full, "%s%s", prefix, key);
    for (int i = 0; i < r->n; i++) {
        const idem_train_figure *f = &r->figure[i];
        if (strcmp(f->name, full))
            continue;
        json_object_set_new(root, key,
                            !isfinite(f->value)    ? json_null()
                            : strcmp(key, "pairs") ? json_real(f->value)
                                                   : json_integer((json_int_t)f->value));
        if (f->needs && isfinite(f->value))
            json_object_set_new(below(root, "standard_errors"), key,
                                isfinite(f->error) ? json_real(f->error) : json_null());
        else if (f->needs)
            json_object_set_new(
                below(root, "needs"), key,
                json_pack("{s:I, s:I, s:s}", "needs", (json_int_t)f->needs, "has", (json_int_t)f->n, "of", f->of));
    }
}

static void put_likeness(json_t *root, const char *key, const idem_training_report *r, const char *prefix) {
    static const char *const keys[] = {"cos_id_out", "cos_attr_out", "cos_id_attr", "id_kept", "attr_leak"};
    json_t *o = json_object();
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        put(o, r, prefix, keys[i]);
    if (json_object_size(o))
        json_object_set(root, key, o);
    json_decref(o);
}

static void put_scores(json_t *root, const idem_training_report *r, const char *prefix) {
    char judge[32];
    snprintf(judge, sizeof judge, "%sjudge_", prefix);
    put_likeness(root, "train", r, prefix);
    put(root, r, prefix, "nme");
    put(root, r, prefix, "landmark_mse160");
    put(root, r, prefix, "psnr_same_face");
    put(root, r, prefix, "pairs");
    put_likeness(root, "judge", r, judge);
}

json_t *idem_training_report_json(const idem_training_report *r, const idem_train_result *result) {
    const double rate = result->iterations ? (double)result->iterations * r->batch / result->stepping : 0;
    json_t *root = json_pack("{s:b, s:I, s:f, s:f, s:f}", "finished", result->finished, "iterations",
                             (json_int_t)result->iterations, "seconds", result->seconds, "pictures_per_second", rate,
                             "peak_rss_mb", result->peak_mb);
    if (!root || !r->n)
        return root;
    json_object_set_new(root, "iteration", json_integer(r->evaluated));
    put_scores(root, r, "");
    json_t *photographs = json_object();
    put_scores(photographs, r, "photo_");
    if (json_object_size(photographs)) {
        json_object_set_new(photographs, "left_out", json_integer(result->left_out));
        json_object_set(root, "photographs", photographs);
    }
    json_decref(photographs);
    return root;
}

int idem_train_print(json_t *root) {
    const bool printed = root && !json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    if (printed)
        putchar('\n');
    else
        idem_cli_say("idem: cannot print the report");
    json_decref(root);
    return printed ? 0 : 1;
}

int idem_train_as_rank(void *command, int (*train)(void *command), int (*report)(void *command)) {
    idem_ranks ranks = {.struct_size = sizeof ranks};
    if (idem_ranks_join(0, &ranks))
        return idem_cli_failed();
    int code = 0;
    const bool broke = train(command);
    if (broke)
        code = ranks.rank && idem_error_kind() == IDEM_ERROR_INTERRUPTED ? 130 : idem_cli_failed();
    else if (!ranks.rank)
        code = report(command);
    idem_ranks_leave(broke && code != 130 ? code : 0); /* all ranks were interrupted */
    return code;
}
