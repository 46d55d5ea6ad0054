/* An evaluation report for people. */
#ifndef IDEM_CLI_REPORT_TEXT_H
#define IDEM_CLI_REPORT_TEXT_H

#include <jansson.h>

/* Prints the JSON of idem evaluate on stdout as tables. */
void idem_report_print(const json_t *report);

#endif
