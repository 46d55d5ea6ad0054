#include "train/mapper/evaluation.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "measure/figures.h"
#include "model/origin.h"
#include "train/world_share.h"

enum { SHEET_SIDE = 6 };

/* ---- the figures ---- */

typedef struct {
    idem_evaluation_list *list;
    const char *prefix, *judge; /* of a name */
} writer;

static idem_evaluation_figure *put(const writer *w, const char *name, double value) {
    idem_evaluation_figure *f = &w->list->at[w->list->n++];
    *f = (idem_evaluation_figure){.value = value, .rests = {.error = NAN}};
    snprintf(f->name, sizeof f->name, "%s%s%s", w->prefix, w->judge, name);
    return f;
}

static void put_figure(const writer *w, const char *name, const idem_figure *rests) {
    put(w, name, idem_figure_value(rests))->rests = *rests;
}

static void put_likeness(const writer *w, const idem_likeness *s) {
    put(w, "cos_id_out", s->cos_id_out);
    put(w, "cos_attr_out", s->cos_attr_out);
    put(w, "cos_id_attr", s->cos_id_attr);
    put(w, "strangers", s->strangers);
    put_figure(w, "id_kept", &s->id_kept);
    put_figure(w, "attr_leak", &s->attr_leak);
}

static void put_scores(idem_evaluation_list *list, const char *prefix, const idem_held_out_scores *s, bool judge) {
    const writer w = {list, prefix, ""};
    put_likeness(&w, &s->train);
    if (judge)
        put_likeness(&(writer){list, prefix, "judge_"}, &s->judge);
    put_figure(&w, "nme", &s->nme);
    put_figure(&w, "landmark_mse160", &s->landmark_mse160);
    put(&w, "mse_same_face", s->mse_same_face);
    put(&w, "psnr_same_face", s->psnr_same_face);
    put(&w, "cos_same_face", s->cos_same_face);
    put(&w, "pairs", s->pairs);
    put(&w, "skipped", s->skipped);
}

void idem_evaluation_list_make(idem_evaluation_list *list, const idem_held_out_scores *s,
                               const idem_held_out_scores *photographs, bool judge) {
    list->n = 0;
    put_scores(list, "", s, judge);
    if (photographs)
        put_scores(list, "photo_", photographs, judge);
}

/* photographs: NULL: there are none */
static int write_line(const idem_evaluation *e, idem_run *run, const idem_held_out_scores *s,
                      const idem_held_out_scores *photographs) {
    idem_evaluation_list list;
    idem_metric m[IDEM_EVALUATION_MOST];
    idem_evaluation_list_make(&list, s, photographs, e->judge.describe);
    for (int i = 0; i < list.n; i++)
        m[i] = (idem_metric){list.at[i].name, list.at[i].value};
    return idem_metrics_log_write(run->log, "evaluation", run->state->iteration, m, list.n);
}

/* ---- the files ---- */

static int write_sheet(const idem_evaluation *e, idem_run *run, const idem_image *sheet) {
    idem_origin origin;
    idem_origin_by(&origin, IDEM_SOURCE_COMPOSITE, idem_model_about(e->model)->hash, NULL, &e->recipe->seed);
    return idem_run_sheet(run, "grid", "samples", run->state->iteration, sheet, &origin.marks);
}

static int save_mapper(const idem_evaluation *e, const idem_run *run, const char *name) {
    char *path = idem_path_join(run->path, name), text[32];
    snprintf(text, sizeof text, "%" PRId64, run->state->iteration);
    const int status = !path || idem_weights_set_meta(run->tensors, "iteration", text) ||
                               idem_model_save_mapper(e->model, path, IDEM_DTYPE_F16)
                           ? -1
                           : 0;
    free(path);
    return status;
}

/* ---- all of it ---- */

/* Figures of the pairs of a source; the pairs are made once. */
static int measure(const idem_evaluation *e, const idem_world *w, idem_held_out **h, idem_pairs_of *pairs_of,
                   size_t pairs, idem_held_out_scores *s) {
    const idem_measure_share share = idem_world_share(w);
    if (!*h && idem_world_size(w) > 1 &&
        idem_world_same(w, "the second recogniser of evaluations", e->judge.describe ? "there" : "missing"))
        return -1;
    if (!*h && !(*h = idem_held_out_new(e->model, e->data, pairs_of, (int)pairs, e->recipe->seed, &e->judge, &share,
                                        &e->options)))
        return -1;
    return idem_held_out_run(*h, s);
}

static int write_all(const idem_evaluation *e, idem_run *run, const idem_held_out_scores *s,
                     const idem_held_out_scores *photographs) {
    idem_image sheet;
    char title[64];
    snprintf(title, sizeof title, "Held-out pairs after %" PRId64 " iterations", run->state->iteration);
    if (idem_held_out_sheet(e->held_out, SHEET_SIDE, title, &sheet))
        return -1;
    const int status = write_line(e, run, s, photographs) || write_sheet(e, run, &sheet) ||
                               save_mapper(e, run, "mapper.safetensors") ||
                               (run->state->iteration == 0 && save_mapper(e, run, "mapper-start.safetensors"))
                           ? -1
                           : 0;
    idem_image_free(&sheet);
    return status;
}

int idem_evaluation_run(idem_evaluation *e, idem_run *run, idem_held_out_scores *s, idem_held_out_scores *photographs) {
    const idem_photographs *p = idem_data_photographs(e->data);
    const idem_world *w = run->world;
    return (p &&
            measure(e, w, &e->photographs, idem_data_held_out_photographs, idem_photographs_pairs(p), photographs)) ||
                   measure(e, w, &e->held_out, idem_data_held_out, (size_t)e->recipe->eval_pairs, s) ||
                   (run->path && write_all(e, run, s, p ? photographs : NULL))
               ? -1
               : 0;
}

void idem_evaluation_free(idem_evaluation *e) {
    idem_held_out_free(e->photographs);
    idem_held_out_free(e->held_out);
}
