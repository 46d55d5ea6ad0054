/* The figures of a mapper, with only the public library.
 *
 *     cc measure.c $(pkg-config --cflags --libs idem) -o measure
 *     ./measure GENERATOR MAPPER PAIRS [FOLDER]
 *
 * prints report.json, and writes the whole report into FOLDER. */
#define _GNU_SOURCE /* sigaltstack */
#include <idem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static volatile sig_atomic_t stop;

static void on_signal(int number) {
    (void)number;
    stop = 1;
}

/* On a stack of its own: kernels may use the stack pointer for something else. */
static void catch_ctrl_c(void) {
    static char stack[1 << 16];
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    sigaction(SIGINT, &action, NULL);
}

static int on_progress(void *user, const char *what, uint64_t done, uint64_t all) {
    (void)user;
    fprintf(stderr, "\r%s: %llu of %llu pictures  ", what, (unsigned long long)done, (unsigned long long)all);
    return 0;
}

static void on_note(void *user, const char *line) {
    (void)user;
    fprintf(stderr, "\n%s\n", line);
}

int main(int argc, char **argv) {
    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: measure GENERATOR MAPPER PAIRS [FOLDER]\n");
        return 2;
    }
    catch_ctrl_c();
    idem_measure_report_options o;
    idem_measure_report_options_default(&o);
    o.watch = (idem_measure_watch){.stop = &stop, .progress = on_progress, .note = on_note};
    o.generator = argv[1];
    o.mapper = argv[2];
    o.pairs = atoi(argv[3]);
    o.output = argc > 4 ? argv[4] : NULL;
    char *json;
    if (idem_measure_report(&o, &json)) {
        fprintf(stderr, "\n%s\n", idem_last_error());
        return idem_error_kind() == IDEM_ERROR_INTERRUPTED ? 130 : 1;
    }
    fputc('\n', stderr);
    puts(json);
    idem_measure_free(json);
    return 0;
}
