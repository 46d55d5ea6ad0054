/* Prints reports from their JSON (measure/figures.h). */
#ifndef IDEM_CLI_REPORT_TEXT_H
#define IDEM_CLI_REPORT_TEXT_H

#include <jansson.h>
#include <stdbool.h>

/* A figure times `scale` in a column `width` wide, with `digits` decimals and `unit` (" %"); "-" if absent. with_error:
 * followed by "+- error", if there is one. */
void idem_report_figure(const json_t *report, const char *key, int width, int digits, double scale, const char *unit,
                        bool with_error);
/* A line for each figure with too few items: "- tar_at_far_0.1%: needs 10000 pairs of two persons, has 2". */
void idem_report_needs(const json_t *report);

/* Prints the JSON of idem evaluate on stdout as tables. */
void idem_report_print(const json_t *report);

#endif
