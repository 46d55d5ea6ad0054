#include "train/mapper/evaluation.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "measure/figures.h"
#include "model/origin.h"

enum { MOST = 2 * 19, NAME = 48, SHEET_SIDE = 6 };

/* ---- the line ---- */

typedef struct {
    idem_metric metric[MOST];
    char name[MOST][NAME];
    int n;
} line;

static void put(line *l, const char *prefix, const char *judge, const char *name, double value) {
    snprintf(l->name[l->n], NAME, "%s%s%s", prefix, judge, name);
    l->metric[l->n] = (idem_metric){l->name[l->n], value};
    l->n++;
}

static void put_likeness(line *l, const char *prefix, const char *judge, const idem_likeness *s) {
    put(l, prefix, judge, "cos_id_out", s->cos_id_out);
    put(l, prefix, judge, "cos_attr_out", s->cos_attr_out);
    put(l, prefix, judge, "cos_id_attr", s->cos_id_attr);
    put(l, prefix, judge, "strangers", s->strangers);
    put(l, prefix, judge, "id_kept", idem_figure_value(&s->id_kept));
    put(l, prefix, judge, "attr_leak", idem_figure_value(&s->attr_leak));
}

static void put_scores(line *l, const char *prefix, const idem_held_out_scores *s, bool judge) {
    put_likeness(l, prefix, "", &s->train);
    if (judge)
        put_likeness(l, prefix, "judge_", &s->judge);
    put(l, prefix, "", "nme", idem_figure_value(&s->nme));
    put(l, prefix, "", "landmark_mse160", idem_figure_value(&s->landmark_mse160));
    put(l, prefix, "", "mse_same_face", s->mse_same_face);
    put(l, prefix, "", "psnr_same_face", s->psnr_same_face);
    put(l, prefix, "", "cos_same_face", s->cos_same_face);
    put(l, prefix, "", "pairs", s->pairs);
    put(l, prefix, "", "skipped", s->skipped);
}

/* photographs: NULL: there are none */
static int write_line(const idem_evaluation *e, idem_run *run, const idem_held_out_scores *s,
                      const idem_held_out_scores *photographs) {
    line l = {.n = 0};
    put_scores(&l, "", s, e->judge.describe);
    if (photographs)
        put_scores(&l, "photo_", photographs, e->judge.describe);
    return idem_metrics_log_write(run->log, "evaluation", run->state->iteration, l.metric, l.n);
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

/* Figures of the pairs of a source, which are made once. */
static int measure(const idem_evaluation *e, idem_held_out **h, idem_pairs_of *pairs_of, size_t pairs,
                   idem_held_out_scores *s) {
    if (!*h &&
        !(*h = idem_held_out_new(e->model, e->data, pairs_of, (int)pairs, e->recipe->seed, &e->judge, &e->options)))
        return -1;
    return idem_held_out_run(*h, s);
}

int idem_evaluation_run(idem_evaluation *e, idem_run *run, idem_held_out_scores *s, idem_held_out_scores *photographs) {
    const idem_photographs *p = idem_data_photographs(e->data);
    idem_image sheet;
    char title[64];
    snprintf(title, sizeof title, "Held-out pairs after %" PRId64 " iterations", run->state->iteration);
    if ((p && measure(e, &e->photographs, idem_data_held_out_photographs, idem_photographs_pairs(p), photographs)) ||
        measure(e, &e->held_out, idem_data_held_out, (size_t)e->recipe->eval_pairs, s) ||
        idem_held_out_sheet(e->held_out, SHEET_SIDE, title, &sheet))
        return -1;
    const int status = write_line(e, run, s, p ? photographs : NULL) || write_sheet(e, run, &sheet) ||
                               save_mapper(e, run, "mapper.safetensors") ||
                               (run->state->iteration == 0 && save_mapper(e, run, "mapper-start.safetensors"))
                           ? -1
                           : 0;
    idem_image_free(&sheet);
    return status;
}

void idem_evaluation_free(idem_evaluation *e) {
    idem_held_out_free(e->photographs);
    idem_held_out_free(e->held_out);
}
