#include "cli/profile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "cli/progress.h"
#include "engine/profile.h"

static int most; /* nodes to print; 0: all */

void idem_cli_profile_begin(int rows) {
    most = rows;
    idem_profile_start();
}

/* "     -" where there was nothing to count: copies do no arithmetic. */
static void print_rate(double count, double seconds) {
    if (count > 0 && seconds > 0)
        fprintf(stderr, " %8.1f", count / seconds * 1e-9);
    else
        fprintf(stderr, " %8s", "-");
}

static void print_row(const idem_profile_sum *s, double total) {
    fprintf(stderr, "%11.2f %6.2f %8" PRId64, 1e3 * s->seconds, 100 * s->seconds / total, s->runs);
    print_rate(s->flops, s->seconds);
    print_rate(s->bytes, s->seconds);
    if (s->name)
        fprintf(stderr, "  %s (%s)\n", s->name, s->op);
    else
        fprintf(stderr, "  %s x %d\n", s->op, s->nodes);
}

static double sum_seconds(const idem_profile_sum *sums, int n) {
    double total = 0;
    for (int i = 0; i < n; i++)
        total += sums[i].seconds;
    return total;
}

static int print_table(idem_profile_by by, const char *title, int rows) {
    int n;
    idem_profile_sum *sums = idem_profile_sums(by, &n);
    if (!sums)
        return -1;
    const double total = sum_seconds(sums, n), all = total > 0 ? total : 1;
    fprintf(stderr, "%11s %6s %8s %8s %8s  %s\n", "ms", "%", "runs", "GFLOP/s", "GB/s", title);
    const int shown = rows && rows < n ? rows : n;
    for (int i = 0; i < shown; i++)
        print_row(&sums[i], all);
    if (shown < n) {
        const double rest = sum_seconds(sums + shown, n - shown);
        fprintf(stderr, "%11.2f %6.2f %26s  %d more nodes (--profile=0 lists all)\n", 1e3 * rest, 100 * rest / all, "",
                n - shown);
    }
    free(sums);
    return 0;
}

static int print(void) {
    const idem_profile_total total = idem_profile_totals();
    if (!total.plans) {
        fprintf(stderr, "profile: no network ran\n");
        return 0;
    }
    fprintf(stderr,
            "profile: %d plans, %" PRId64 " runs, %.3f s; steps side by side, each on one thread, count their own "
            "seconds\n",
            total.plans, total.runs, total.seconds);
    return print_table(IDEM_PROFILE_BY_NODE, "node (operator)", most) ||
                   print_table(IDEM_PROFILE_BY_OPERATOR, "operator x nodes", 0)
               ? -1
               : 0;
}

void idem_cli_profile_end(void) {
    if (!idem_profile_on())
        return;
    idem_progress_clear();
    if (print())
        idem_cli_say("idem: %s", idem_error());
    idem_profile_stop();
}
