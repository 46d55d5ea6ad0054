#define _GNU_SOURCE
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/clock.h"
#include "idem.h"

static struct {
    bool on, terminal, drawn;
    const char *what, *unit;
    uint64_t total, first, done;
    double began, shown; /* seconds of the monotonic clock */
    double mark;         /* time of the last update of `rate` */
    uint64_t mark_done;
    double rate; /* steps per second, recent ones weighted most; 0: unknown */
    char note[128];
} progress;

const char *idem_duration_text(double seconds, char text[32]) {
    if (!(seconds >= 0) || seconds > 1e9)
        snprintf(text, 32, "?");
    else if (seconds >= 48 * 3600)
        snprintf(text, 32, "%d d %d h", (int)(seconds / 86400), (int)(seconds / 3600) % 24);
    else if (seconds >= 3600)
        snprintf(text, 32, "%d:%02d:%02d", (int)seconds / 3600, (int)seconds / 60 % 60, (int)seconds % 60);
    else
        snprintf(text, 32, "%d:%02d", (int)seconds / 60, (int)seconds % 60);
    return text;
}

static void erase(void) {
    if (progress.drawn)
        fputs("\r\033[K", stderr);
    progress.drawn = false;
}

static int terminal_width(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* "training 120/5000 it, 2%, 3.1 it/s, 26:14 left, loss 0.31" */
static void compose(char *line, size_t size, bool last) {
    char time[32];
    int n = snprintf(line, size, "%s %ju", progress.what, (uintmax_t)progress.done);
    if (progress.total)
        n += snprintf(line + n, size - (size_t)n, "/%ju %s, %d%%", (uintmax_t)progress.total, progress.unit,
                      (int)(100.0 * (double)progress.done / (double)progress.total));
    else
        n += snprintf(line + n, size - (size_t)n, " %s", progress.unit);
    double spent = idem_cli_seconds() - progress.began;
    double rate = last ? (double)(progress.done - progress.first) / (spent > 1e-9 ? spent : 1e-9) : progress.rate;
    if (rate >= 1)
        n += snprintf(line + n, size - (size_t)n, ", %.*f %s/s", rate < 10 ? 1 : 0, rate, progress.unit);
    else if (rate > 0)
        n += snprintf(line + n, size - (size_t)n, ", %.1f s each", 1 / rate);
    if (last)
        n += snprintf(line + n, size - (size_t)n, ", took %s", idem_duration_text(spent, time));
    else if (rate > 0 && progress.total > progress.done)
        n += snprintf(line + n, size - (size_t)n, ", %s left",
                      idem_duration_text((double)(progress.total - progress.done) / rate, time));
    if (progress.note[0])
        snprintf(line + n, size - (size_t)n, ", %s", progress.note);
}

static void draw(bool last) {
    char line[512];
    compose(line, sizeof line, last);
    if (progress.terminal && !last) {
        fprintf(stderr, "\r%.*s\033[K", terminal_width() - 1, line);
        progress.drawn = true;
    } else {
        erase();
        fprintf(stderr, "%s\n", line);
    }
    fflush(stderr);
}

void idem_progress_start(const char *what, const char *unit, uint64_t total, uint64_t done, bool quiet) {
    memset(&progress, 0, sizeof progress);
    progress.on = !quiet;
    progress.terminal = isatty(STDERR_FILENO);
    progress.what = what;
    progress.unit = unit;
    progress.total = total;
    progress.first = progress.done = progress.mark_done = done;
    progress.began = progress.mark = progress.shown = idem_cli_seconds();
}

void idem_progress_update(uint64_t done, const char *note, ...) {
    if (!progress.on)
        return;
    progress.done = done;
    progress.note[0] = 0;
    if (note) {
        va_list args;
        va_start(args, note);
        vsnprintf(progress.note, sizeof progress.note, note, args);
        va_end(args);
    }
    double t = idem_cli_seconds();
    if (t - progress.shown < (progress.terminal ? 0.1 : 10))
        return;
    /* Updated at most once a second: single steps are too uneven for an estimate. */
    if (t - progress.mark >= 1 && done > progress.mark_done) {
        double rate = (double)(done - progress.mark_done) / (t - progress.mark);
        progress.rate = progress.rate > 0 ? 0.8 * progress.rate + 0.2 * rate : rate;
        progress.mark = t;
        progress.mark_done = done;
    }
    progress.shown = t;
    draw(false);
}

void idem_progress_finish(void) {
    if (progress.on)
        draw(true);
    progress.on = false;
}

void idem_progress_clear(void) {
    if (progress.on)
        erase();
    progress.on = false;
}

char *idem_cli_line(const char *format, va_list args) {
    char *raw, *shown;
    if (vasprintf(&raw, format, args) < 0)
        return NULL;
    shown = idem_printable(raw);
    free(raw);
    return shown;
}

static void write_line(FILE *to, const char *format, va_list args) {
    char *line = idem_cli_line(format, args);
    fprintf(to, "%s\n", line ? line : "out of memory");
    free(line);
}

static bool muted;

void idem_cli_mute(bool mute) {
    muted = mute;
}

void idem_cli_say(const char *format, ...) {
    if (muted)
        return;
    bool was_drawn = progress.drawn;
    erase();
    va_list args;
    va_start(args, format);
    write_line(stderr, format, args);
    va_end(args);
    if (was_drawn && progress.on)
        draw(false);
}

void idem_cli_log(void *user, int level, const char *line) {
    (void)user;
    idem_cli_say(level == IDEM_LOG_LINE_WARNING ? "idem: warning: %s" : "idem: %s", line);
}

void idem_cli_log_warnings(void *user, int level, const char *line) {
    if (level == IDEM_LOG_LINE_WARNING)
        idem_cli_log(user, level, line);
}

void idem_cli_print(const char *format, ...) {
    va_list args;
    va_start(args, format);
    write_line(stdout, format, args);
    va_end(args);
}
