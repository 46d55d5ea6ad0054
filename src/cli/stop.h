/* Signals that end the program: SIGINT, SIGTERM, SIGHUP. */
#ifndef IDEM_CLI_STOP_H
#define IDEM_CLI_STOP_H

#include <signal.h>

/* Set by the first Ctrl-C (SIGTERM, SIGHUP): finish the current step, save, return idem_cli_failed(). Pass its address
 * to plans and trainers. A second Ctrl-C, half a second later or more, kills. */
extern volatile sig_atomic_t idem_cli_stop;

/* From now on signals set idem_cli_stop and call `on_stop`, which must be safe in a signal handler; NULL: nothing. */
void idem_cli_catch_signals(void (*on_stop)(void));

#endif
