/* Inside src/train/summary only: what a run shows of itself. */
#ifndef IDEM_TRAIN_SUMMARY_SAMPLES_H
#define IDEM_TRAIN_SUMMARY_SAMPLES_H

#include "train/run.h"
#include "train/summary/graph.h"

typedef struct {
    idem_run *run;
    const idem_summary_recipe *recipe;
    idem_model *model;
    const idem_summary_graph *graph; /* the last batch is still in it */
} idem_summary_samples;

/* A sheet of the last batch's pictures above what is made of them, and RUN/mapper.safetensors. */
int idem_summary_samples_write(const idem_summary_samples *s);

#endif
