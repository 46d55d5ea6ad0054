/* Time for rates and progress. */
#ifndef IDEM_CLI_CLOCK_H
#define IDEM_CLI_CLOCK_H

/* Seconds of a monotonic clock. May be called from a signal handler. */
double idem_cli_seconds(void);

#endif
