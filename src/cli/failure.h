/* Failures that the command detects, not the library: the message and its kind (idem.h) for idem_cli_failed. */
#ifndef IDEM_CLI_FAILURE_H
#define IDEM_CLI_FAILURE_H

/* Always -1. The first has the kind of a wrong input; the last replaces the current failure's message and keeps its
 * kind. */
int idem_cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int idem_cli_fail_as(int kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
int idem_cli_fail_more(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* calloc for a table of n; NULL with a message. */
void *idem_cli_table(unsigned long n, unsigned long size);

#endif
