#define _GNU_SOURCE
#include "cli/stop.h"

#include <stddef.h>

#include "cli/clock.h"

volatile sig_atomic_t idem_cli_stop;
static void (*on_stop)(void);

/* One wish to stop may come as several signals: `timeout` and batch systems send one to the process and one to its
 * group, a closing terminal sends SIGHUP again. Only a Ctrl-C that a person presses half a second or more after the
 * first signal ends the program at once. */
static void on_signal(int number) {
    static double first;
    const double now = idem_cli_seconds();
    if (!idem_cli_stop)
        first = now;
    else if (number == SIGINT && now - first >= 0.5) {
        signal(number, SIG_DFL);
        raise(number);
    }
    if (!idem_cli_stop || idem_cli_stop == SIGHUP)
        idem_cli_stop = number;
    if (on_stop)
        on_stop();
}

/* The handler has a stack of its own: inside oneDNN's kernels the stack pointer may point into a buffer of the heap,
 * and a handler there would overwrite it (oneDNN's issue 4845, mended in 3.11.2). The system gives signals to this
 * thread first. */
void idem_cli_catch_signals(void (*function)(void)) {
    static char stack[1 << 16];
    on_stop = function;
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct sigaction before;
    if (!sigaction(SIGHUP, NULL, &before) && before.sa_handler != SIG_IGN) /* under nohup it stays ignored */
        sigaction(SIGHUP, &action, NULL);
}
