/* Reports as JSON. */
#include "eval/evaluate.h"

#include "base/status.h"

/* {key: mean} and, for figures with more than one sample, errors {key: standard error}. */
static int put(json_t *to, json_t *errors, const char *key, idem_figure f) {
    if (!f.n)
        return json_object_set_new(to, key, json_null());
    if (json_object_set_new(to, key, json_real(f.mean)))
        return -1;
    return errors ? json_object_set_new(errors, key, json_real(f.error)) : 0;
}

static int put_identity(json_t *to, const char *key, const idem_identity_scores *s, idem_figure retrieval) {
    json_t *j = json_object(), *errors = json_object();
    int status = put(j, errors, "cos_id_out", s->cos_id_out) || put(j, errors, "cos_attr_out", s->cos_attr_out) ||
                 put(j, errors, "cos_id_attr", s->cos_id_attr) || put(j, errors, "id_kept", s->id_kept) ||
                 put(j, errors, "attr_leak", s->attr_leak) || put(j, errors, "retrieval_top1", retrieval) ||
                 json_object_set_new(j, "cos_strangers", json_real(s->strangers)) ||
                 json_object_set(j, "standard_errors", errors) || json_object_set(to, key, j);
    json_decref(errors);
    json_decref(j);
    return status;
}

json_t *idem_report_json(const idem_report *r) {
    json_t *j = json_object(), *errors = json_object(), *shuffled = json_object();
    int status =
        put_identity(j, "train", &r->train, r->retrieval_train) ||
        put_identity(j, "judge", &r->judge, r->retrieval_judge) || put(j, errors, "nme", r->nme) ||
        put(j, errors, "landmark_mse160", r->landmark_mse160) || put(j, errors, "psnr_same_face", r->psnr_same_face) ||
        put(j, errors, "colour_outside_face", r->colour) || put(j, errors, "yaw_difference", r->yaw) ||
        json_object_set_new(j, "yaw_pairs", json_integer(r->yaw.n)) ||
        json_object_set_new(j, "pairs", json_integer(r->pairs)) || put(shuffled, NULL, "nme", r->nme_shuffled) ||
        put(shuffled, NULL, "colour_outside_face", r->colour_shuffled) ||
        put(shuffled, NULL, "yaw_difference", r->yaw_shuffled) || json_object_set(j, "shuffled", shuffled) ||
        json_object_set(j, "standard_errors", errors);
    json_decref(errors);
    json_decref(shuffled);
    if (!status)
        return j;
    json_decref(j);
    return idem_fail_null_as(IDEM_MEMORY, "cannot make a report: out of memory, or a figure is not a number");
}

bool idem_report_beats(const idem_report *mapper, const json_t *baselines) {
    size_t i;
    const json_t *row;
    json_array_foreach(baselines, i, row) {
        double nme = json_number_value(json_object_get(row, "nme"));
        double kept = json_number_value(json_object_get(json_object_get(row, "train"), "id_kept"));
        if (nme <= mapper->nme.mean && kept >= mapper->train.id_kept.mean)
            return false;
    }
    return true;
}
