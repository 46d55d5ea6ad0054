/* Only for src/train/summary: the samples of a run. */
#ifndef IDEM_TRAIN_SUMMARY_SAMPLES_H
#define IDEM_TRAIN_SUMMARY_SAMPLES_H

#include "train/run.h"
#include "train/summary/graph.h"

typedef struct {
    idem_run *run;
    const idem_summary_recipe *recipe;
    idem_model *model;
    const idem_summary_graph *graph; /* it still has the last batch */
} idem_summary_samples;

/* Writes a sheet of the last batch's pictures above their results, and RUN/mapper.safetensors. */
int idem_summary_samples_write(const idem_summary_samples *s);

#endif
