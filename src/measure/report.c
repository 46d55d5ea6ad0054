/* Reports as JSON. */
#include "base/status.h"
#include "measure/evaluate.h"
#include "measure/figures.h"

typedef struct {
    const char *key;
    const idem_figure *figure;
} row;

static int put_all(json_t *to, const row *rows, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (idem_figure_put(to, rows[i].key, rows[i].figure))
            return -1;
    return 0;
}
#define PUT_ALL(to, ...) put_all(to, (const row[]){__VA_ARGS__}, sizeof((const row[]){__VA_ARGS__}) / sizeof(row))

/* An object `key` in `to`; NULL with a message. */
static json_t *put_object(json_t *to, const char *key) {
    json_t *inner = json_object();
    return json_object_set_new(to, key, inner) ? idem_fail_null_as(IDEM_MEMORY, "out of memory for a report") : inner;
}

static int put_number(json_t *to, const char *key, json_t *number) {
    return json_object_set_new(to, key, number)
               ? idem_fail_as(IDEM_INTERNAL, "cannot make a report: memory is short, or %s is not a number", key)
               : 0;
}

static int put_identity(json_t *to, const char *key, const idem_identity_scores *s, const idem_figure *retrieval) {
    json_t *j = put_object(to, key);
    return j ? PUT_ALL(j, {"cos_id_out", &s->cos_id_out}, {"cos_attr_out", &s->cos_attr_out},
                       {"cos_id_attr", &s->cos_id_attr}, {"id_kept", &s->id_kept}, {"attr_leak", &s->attr_leak},
                       {"retrieval_top1", retrieval}) ||
                   put_number(j, "cos_strangers", json_real(s->strangers))
             : -1;
}

static int put_report(json_t *j, const idem_report *r) {
    json_t *shuffled;
    return put_identity(j, "train", &r->train, &r->retrieval_train) ||
           put_identity(j, "judge", &r->judge, &r->retrieval_judge) ||
           PUT_ALL(j, {"nme", &r->nme}, {"landmark_mse160", &r->landmark_mse160},
                   {"psnr_same_face", &r->psnr_same_face}, {"colour_outside_face", &r->colour},
                   {"yaw_difference", &r->yaw}) ||
           put_number(j, "yaw_pairs", json_integer(r->yaw.n)) || put_number(j, "pairs", json_integer(r->pairs)) ||
           put_number(j, "retrieval_candidates", json_integer(r->candidates)) ||
           !(shuffled = put_object(j, "shuffled")) ||
           PUT_ALL(shuffled, {"nme", &r->nme_shuffled}, {"colour_outside_face", &r->colour_shuffled},
                   {"yaw_difference", &r->yaw_shuffled});
}

json_t *idem_report_json(const idem_report *r) {
    json_t *j = json_object();
    if (!j)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a report");
    if (!put_report(j, r))
        return j;
    json_decref(j);
    return NULL;
}

idem_figure idem_report_beats(const idem_report *mapper, const json_t *baselines) {
    idem_figure verdict = {.mean = 1, .n = mapper->pairs, .needs = IDEM_NEEDS_VERDICT};
    size_t i;
    const json_t *row;
    json_array_foreach(baselines, i, row) {
        const json_t *nme = json_object_get(row, "nme"),
                     *kept = json_object_get(json_object_get(row, "train"), "id_kept");
        if (json_is_number(nme) && json_number_value(nme) <= mapper->nme.mean && json_is_number(kept) &&
            json_number_value(kept) >= mapper->train.id_kept.mean)
            verdict.mean = 0;
    }
    return verdict;
}
