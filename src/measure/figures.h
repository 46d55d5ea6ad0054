/* Figures (measure/scores.h) in reports. A report is a JSON object with a key per figure: the number, or null if its n
 * is too small. It also has
 *     "standard_errors": {key: error, ...}         of the figures with a value; null: unknown
 *     "needs": {key: {"needs", "has", "of"}, ...}  of the figures with too small an n */
#ifndef IDEM_MEASURE_FIGURES_H
#define IDEM_MEASURE_FIGURES_H

#include <jansson.h>

#include "measure/scores.h"

/* -1: memory is short, or a valid figure is not a number: the message names it. */
int idem_figure_put(json_t *report, const char *key, const idem_figure *f);
/* A figure without an error, such as a threshold. */
int idem_figure_put_plain(json_t *report, const char *key, const idem_figure *f);
/* A verdict (idem_figure_at_most): true, false or null. */
int idem_figure_put_verdict(json_t *report, const char *key, const idem_figure *f);

#endif
