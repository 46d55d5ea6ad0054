/* What went wrong, where the command knows it and not the library: the message and its kind (idem.h) for
 * idem_cli_failed. */
#ifndef IDEM_CLI_FAILURE_H
#define IDEM_CLI_FAILURE_H

/* Always -1. The first is a wrong input; the last is a longer message for the failure at hand, whose kind stays. */
int idem_cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
int idem_cli_fail_as(int kind, const char *format, ...) __attribute__((format(printf, 2, 3)));
int idem_cli_fail_more(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* calloc for a table of n; NULL with a message. */
void *idem_cli_table(unsigned long n, unsigned long size);

#endif
