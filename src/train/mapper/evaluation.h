/* Only for src/train/mapper: a run's evaluation on pairs that it never trains on. */
#ifndef IDEM_TRAIN_MAPPER_EVALUATION_H
#define IDEM_TRAIN_MAPPER_EVALUATION_H

#include "measure/held_out.h"
#include "train/mapper/recipe.h"
#include "train/run.h"

enum { IDEM_EVALUATION_MOST = 2 * 19 };

typedef struct {
    char name[48];
    double value;      /* NaN: invalid */
    idem_figure rests; /* its error and n; .needs 0 if nothing is counted */
} idem_evaluation_figure;

typedef struct {
    idem_evaluation_figure at[IDEM_EVALUATION_MOST];
    int n;
} idem_evaluation_list;

/* Scores by name; those of photographs (NULL: none) begin with "photo_", the judge's with "judge_". */
void idem_evaluation_list_make(idem_evaluation_list *list, const idem_held_out_scores *s,
                               const idem_held_out_scores *photographs, bool judge);

typedef struct {
    idem_model *model;
    idem_data *data;
    const idem_recipe *recipe;
    idem_second_opinion judge;
    idem_plan_options options;
    idem_held_out *held_out, *photographs; /* made at first use */
} idem_evaluation;

void idem_evaluation_free(idem_evaluation *e);

/* Writes scores of the held-out pairs, and of photographs if the data has any, as a line of metrics.jsonl (those of
 * photographs with "photo_" before their names) and a sheet; also mapper.safetensors, and before the first iteration
 * mapper-start.safetensors. Everything is computed before anything is written: an interrupted evaluation leaves no
 * files. */
int idem_evaluation_run(idem_evaluation *e, idem_run *run, idem_held_out_scores *s, idem_held_out_scores *photographs);

#endif
