/* The log of a training run: RUN/metrics.jsonl, one JSON object per line, and the same numbers and the sample grids as
 * TensorBoard events in RUN/events. On resume both are truncated to the checkpoint, so that no line is duplicated or
 * missing. metrics.jsonl has no wall-clock time: two equal runs give equal files. */
#ifndef IDEM_TRAIN_METRICS_LOG_H
#define IDEM_TRAIN_METRICS_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "media/image.h"

typedef struct idem_metrics_log idem_metrics_log;

typedef struct {
    const char *name;
    double value; /* not finite: null, and no event */
} idem_metric;

/* A new run, or one resumed after `offset` bytes of metrics.jsonl and the events of `iteration`; iteration 0 starts
 * them again. NULL also if metrics.jsonl is shorter than that. */
idem_metrics_log *idem_metrics_log_open(const char *run, bool resume, int64_t offset, int64_t iteration);
void idem_metrics_log_close(idem_metrics_log *log); /* NULL is allowed */

/* Passes every later line, without its newline, to the callback. */
void idem_metrics_log_watch(idem_metrics_log *log, void (*line)(void *user, const char *json), void *user);

/* {"kind": kind, "iteration": iteration, NAME: value, ...} */
int idem_metrics_log_write(idem_metrics_log *log, const char *kind, int64_t iteration, const idem_metric *m, int n);
/* Writes only to the events. */
int idem_metrics_log_image(idem_metrics_log *log, const char *tag, int64_t iteration, const idem_image *im,
                           const idem_marks *marks);
/* Syncs all lines to disk; returns the offset after them, or -1. */
int64_t idem_metrics_log_sync(idem_metrics_log *log);

#endif
