#include "cli/profile.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/progress.h"
#include "idem.h"

static bool on;
static int most; /* nodes to print; 0: all */

void idem_cli_profile_begin(int rows) {
    most = rows;
    on = true;
    idem_start_profile();
}

/* "     -" if there is nothing to count: copies do no arithmetic. */
static void print_rate(double count, double seconds) {
    if (count > 0 && seconds > 0)
        fprintf(stderr, " %8.1f", count / seconds * 1e-9);
    else
        fprintf(stderr, " %8s", "-");
}

static void print_row(const idem_timing *s, double total) {
    fprintf(stderr, "%11.2f %6.2f %8" PRId64, 1e3 * s->seconds, 100 * s->seconds / total, s->runs);
    print_rate(s->flops, s->seconds);
    print_rate(s->bytes, s->seconds);
    if (s->name)
        fprintf(stderr, "  %s (%s)\n", s->name, s->op);
    else
        fprintf(stderr, "  %s x %d\n", s->op, s->nodes);
}

static double sum_seconds(const idem_timing *rows, int n) {
    double total = 0;
    for (int i = 0; i < n; i++)
        total += rows[i].seconds;
    return total;
}

static void print_table(const idem_timing *rows, int n, const char *title, int limit) {
    const double total = sum_seconds(rows, n), all = total > 0 ? total : 1;
    fprintf(stderr, "%11s %6s %8s %8s %8s  %s\n", "ms", "%", "runs", "GFLOP/s", "GB/s", title);
    const int shown = limit && limit < n ? limit : n;
    for (int i = 0; i < shown; i++)
        print_row(&rows[i], all);
    if (shown < n) {
        const double rest = sum_seconds(rows + shown, n - shown);
        fprintf(stderr, "%11.2f %6.2f %26s  %d more nodes (--profile=0 lists all)\n", 1e3 * rest, 100 * rest / all, "",
                n - shown);
    }
}

static void print(const idem_profile *p) {
    if (!p->plans) {
        fprintf(stderr, "profile: no network ran\n");
        return;
    }
    fprintf(stderr,
            "profile: %d plans, %" PRId64
            " runs, %.3f s; parallel steps, each on one thread, count their own seconds\n",
            p->plans, p->runs, p->seconds);
    if (p->ranks > 1)
        fprintf(
            stderr,
            "profile: rank 0 of %d, %.3f s; in sums and other messages, waiting included, %.3f s (%.1f %%), %" PRId64
            " exchanges, %.1f MB sent\n",
            p->ranks, p->elapsed, p->exchange, 100 * p->exchange / p->elapsed, p->exchanges, 1e-6 * p->sent);
    print_table(p->node, p->nodes, "node (operator)", most);
    print_table(p->op, p->ops, "operator x nodes", 0);
}

void idem_cli_profile_end(void) {
    if (!on)
        return;
    idem_progress_clear();
    idem_profile *p = idem_get_profile();
    if (p && !p->rank) /* only rank 0 prints */
        print(p);
    else if (!p)
        idem_cli_say("idem: %s", idem_last_error());
    idem_free_profile(p);
    idem_stop_profile();
    on = false;
}
