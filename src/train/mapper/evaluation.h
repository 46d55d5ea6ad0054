/* Inside src/train/mapper only: what a run measures of itself on pairs that it never trains on. */
#ifndef IDEM_TRAIN_MAPPER_EVALUATION_H
#define IDEM_TRAIN_MAPPER_EVALUATION_H

#include "measure/held_out.h"
#include "train/mapper/recipe.h"
#include "train/run.h"

enum { IDEM_EVALUATION_MOST = 2 * 19 };

typedef struct {
    char name[48];
    double value;      /* NaN: not stated */
    idem_figure rests; /* what it rests on; .needs 0 where nothing is counted */
} idem_evaluation_figure;

typedef struct {
    idem_evaluation_figure at[IDEM_EVALUATION_MOST];
    int n;
} idem_evaluation_list;

/* Scores by name, those of photographs (NULL: there are none) with "photo_" before theirs, the judge's with "judge_".
 */
void idem_evaluation_list_make(idem_evaluation_list *list, const idem_held_out_scores *s,
                               const idem_held_out_scores *photographs, bool judge);

typedef struct {
    idem_model *model;
    idem_data *data;
    const idem_recipe *recipe;
    idem_second_opinion judge;
    idem_plan_options options;
    idem_held_out *held_out, *photographs; /* made when they are needed first */
} idem_evaluation;

void idem_evaluation_free(idem_evaluation *e);

/* Scores of the held-out pairs, and of photographs where the data has any, as a line of metrics.jsonl (those of
 * photographs by the same names with "photo_" before them) and a sheet; mapper.safetensors, before the first iteration
 * mapper-start.safetensors too. Everything is computed before anything is written: an interrupted evaluation leaves no
 * trace. */
int idem_evaluation_run(idem_evaluation *e, idem_run *run, idem_held_out_scores *s, idem_held_out_scores *photographs);

#endif
