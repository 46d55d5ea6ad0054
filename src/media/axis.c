#include "media/axis.h"

#include <math.h>
#include <stdio.h>

/* The smallest of 1, 2, 5 times a power of ten that is at least x. */
static double round_step(double x) {
    double power = pow(10, floor(log10(x)));
    double m = x / power;
    return power * (m <= 1 + 1e-9 ? 1 : m <= 2 + 1e-9 ? 2 : m <= 5 + 1e-9 ? 5 : 10);
}

/* Enough digits to distinguish neighbours; thousands and millions are shortened; powers of ten only instead of many
 * digits. */
static void write_label(char *text, double v, double step, double largest) {
    double unit = 1;
    const char *suffix = "";
    if (largest >= 1e12 || largest < 1e-3) {
        if (v == 0) {
            snprintf(text, IDEM_TICK_TEXT, "0");
        } else {
            double exponent = floor(log10(fabs(v)) + 1e-9);
            double digits = fmin(fmax(exponent - floor(log10(step) + 1e-9), 0), 6);
            snprintf(text, IDEM_TICK_TEXT, "%.*fe%d", (int)digits, v / pow(10, exponent), (int)exponent);
        }
        return;
    }
    if (largest >= 1e9) {
        unit = 1e9;
        suffix = "G";
    } else if (largest >= 1e6) {
        unit = 1e6;
        suffix = "M";
    } else if (largest >= 1e4) {
        unit = 1e3;
        suffix = "k";
    }
    int decimals = (int)-floor(log10(step / unit) + 1e-9);
    snprintf(text, IDEM_TICK_TEXT, "%.*f%s",
             decimals < 0   ? 0
             : decimals > 9 ? 9
                            : decimals,
             v / unit, v == 0 ? "" : suffix);
}

static void add(idem_axis *a, double v, double step, double largest) {
    if (a->ticks == IDEM_TICKS_MAX)
        return;
    write_label(a->label[a->ticks], v, step, largest);
    a->tick[a->ticks++] = v;
}

static void linear_ticks(idem_axis *a, int wanted) {
    double step = round_step((a->hi - a->lo) / wanted);
    double largest = fmax(fabs(a->lo), fabs(a->hi));
    double first = ceil(a->lo / step - 1e-6), last = floor(a->hi / step + 1e-6);
    for (double i = first; i <= last && a->ticks < IDEM_TICKS_MAX; i++)
        add(a, i == 0 ? 0 : i * step, step, largest);
}

/* Powers of ten, only every second or third if they are many; with 2 and 5 between them if they are few. */
static void log_ticks(idem_axis *a, int wanted) {
    static const double factors[3] = {1, 2, 5};
    int first = (int)floor(log10(a->lo)), last = (int)floor(log10(a->hi) + 1e-9);
    int every = 1, between = 3 * log10(a->hi / a->lo) <= wanted + 2 ? 3 : 1;
    while ((last - first) / every > wanted)
        every++;
    for (int e = first; e <= last; e++) {
        for (int f = 0; f < between; f++) {
            double v = factors[f] * pow(10, e);
            if (v >= a->lo * (1 - 1e-9) && v <= a->hi * (1 + 1e-9) && ((e % every) + every) % every == 0)
                add(a, v, pow(10, e), a->hi >= 1e4 && v >= 1e3 ? fmax(v, 1e4) : v); /* 1k beside 10k */
        }
    }
}

void idem_axis_make(idem_axis *a, double lo, double hi, bool log, double pad, int wanted) {
    *a = (idem_axis){.log = log};
    if (!isfinite(lo) || !isfinite(hi) || hi < lo || (log && hi <= 0)) {
        lo = log ? 0.1 : 0;
        hi = 1;
    }
    if (log && lo <= 0)
        lo = hi * 1e-3;
    /* Differences and margins stay within the range of a double. */
    lo = fmin(fmax(lo, log ? 1e-200 : -1e200), 1e200);
    hi = fmin(fmax(hi, log ? 1e-200 : -1e200), 1e200);
    if (log) {
        double l = log10(lo), h = log10(hi);
        if (h - l < 1e-3) {
            l -= 0.2;
            h += 0.2;
        }
        a->lo = pow(10, l - pad * (h - l));
        a->hi = pow(10, h + pad * (h - l));
    } else {
        double size = fmax(fabs(lo), fabs(hi));
        if (hi - lo <= 1e-9 * size || hi == lo) {
            double more = size > 0 ? 0.1 * size : 1;
            lo -= more;
            hi += more;
        }
        a->lo = lo - pad * (hi - lo);
        a->hi = hi + pad * (hi - lo);
        if (lo >= 0 && a->lo < 0) /* counts and losses do not go below 0 */
            a->lo = 0;
    }
    if (log)
        log_ticks(a, wanted);
    if (a->ticks < 2) { /* less than a decade */
        a->ticks = 0;
        linear_ticks(a, wanted);
    }
}

double idem_axis_at(const idem_axis *a, double v) {
    if (!isfinite(v) || (a->log && v <= 0))
        return NAN;
    return a->log ? log(v / a->lo) / log(a->hi / a->lo) : (v - a->lo) / (a->hi - a->lo);
}
