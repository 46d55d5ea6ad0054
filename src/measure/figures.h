/* Figures (measure/scores.h) in reports. A report is a JSON object with a key per figure: the number, or null where its
 * n cannot carry it. Beside them it has "standard_errors": {key: error, ...}                of the stated ones; null:
 * unknown "needs": {key: {"needs", "has", "of"}, ...}         of those that too few were measured for */
#ifndef IDEM_MEASURE_FIGURES_H
#define IDEM_MEASURE_FIGURES_H

#include <jansson.h>

#include "measure/scores.h"

/* -1: memory is short, or the figure holds and yet is not a number: the message names it. */
int idem_figure_put(json_t *report, const char *key, const idem_figure *f);
/* One without an error of its own, as a threshold is. */
int idem_figure_put_plain(json_t *report, const char *key, const idem_figure *f);
/* A verdict (idem_figure_at_most): true, false or null. */
int idem_figure_put_verdict(json_t *report, const char *key, const idem_figure *f);

#endif
