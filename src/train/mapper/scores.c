#include "train/mapper/scores.h"

#include <stdio.h>

#include "measure/figures.h"

enum { MOST = 2 * 19, NAME = 48 };

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

int idem_scores_write(idem_metrics_log *log, int64_t iteration, const idem_held_out_scores *s,
                      const idem_held_out_scores *photographs, bool judge) {
    line l = {.n = 0};
    put_scores(&l, "", s, judge);
    if (photographs)
        put_scores(&l, "photo_", photographs, judge);
    return idem_metrics_log_write(log, "evaluation", iteration, l.metric, l.n);
}
