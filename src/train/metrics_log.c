#define _POSIX_C_SOURCE 200809L
#include "train/metrics_log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "train/events.h"

struct idem_metrics_log {
    char *path;
    FILE *file;
    idem_events *events;
    void (*line)(void *user, const char *json); /* may be NULL */
    void *user;
};

static int open_lines(idem_metrics_log *log, int64_t offset) {
    struct stat st;
    log->file = fopen(log->path, "ab");
    if (!log->file || fstat(fileno(log->file), &st))
        return idem_fail_as(IDEM_INTERNAL, "%s: cannot write: %s", log->path, strerror(errno));
    if (st.st_size < offset)
        return idem_fail("%s: has %jd bytes, the checkpoint expects %" PRId64 ": it is not of this run, or was changed",
                         log->path, (intmax_t)st.st_size, offset);
    if (ftruncate(fileno(log->file), offset))
        return idem_fail_as(IDEM_INTERNAL, "%s: cannot cut: %s", log->path, strerror(errno));
    return 0;
}

idem_metrics_log *idem_metrics_log_open(const char *run, bool resume, int64_t offset, int64_t iteration) {
    idem_metrics_log *log = calloc(1, sizeof *log);
    if (!log)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the metrics log");
    char *events = idem_path_join(run, "events");
    log->path = idem_path_join(run, "metrics.jsonl");
    if (events && log->path && !open_lines(log, offset))
        /* A run interrupted in its first iterations begins again: its start lines would be duplicated. */
        log->events = idem_events_open(events, !resume ? IDEM_EVENTS_NEW : iteration ? iteration : IDEM_EVENTS_NONE);
    free(events);
    if (!log->events) {
        idem_metrics_log_close(log);
        return NULL;
    }
    return log;
}

void idem_metrics_log_close(idem_metrics_log *log) {
    if (!log)
        return;
    if (log->file)
        fclose(log->file);
    idem_events_close(log->events);
    free(log->path);
    free(log);
}

static int write_failed(const idem_metrics_log *log) {
    return idem_fail_as(IDEM_INTERNAL, "%s: cannot write: %s", log->path, strerror(errno));
}

void idem_metrics_log_watch(idem_metrics_log *log, void (*line)(void *user, const char *json), void *user) {
    log->line = line;
    log->user = user;
}

static void print_line(FILE *to, const char *kind, int64_t iteration, const idem_metric *m, int n) {
    fprintf(to, "{\"kind\": \"%s\", \"iteration\": %" PRId64, kind, iteration);
    for (int i = 0; i < n; i++)
        if (isfinite(m[i].value))
            fprintf(to, ", \"%s\": %.9g", m[i].name, m[i].value);
        else
            fprintf(to, ", \"%s\": null", m[i].name);
    fputc('}', to);
}

int idem_metrics_log_write(idem_metrics_log *log, const char *kind, int64_t iteration, const idem_metric *m, int n) {
    char *line = NULL;
    size_t size;
    FILE *memory = open_memstream(&line, &size);
    if (!memory)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a line of metrics");
    print_line(memory, kind, iteration, m, n);
    if (fclose(memory)) {
        free(line);
        return idem_fail_as(IDEM_MEMORY, "out of memory for a line of metrics");
    }
    int status = fprintf(log->file, "%s\n", line) < 0 || fflush(log->file) ? write_failed(log) : 0;
    for (int i = 0; i < n && !status; i++) {
        char tag[96];
        snprintf(tag, sizeof tag, "%s/%s", kind, m[i].name);
        if (isfinite(m[i].value))
            status = idem_events_scalar(log->events, iteration, tag, m[i].value);
    }
    if (!status && log->line)
        log->line(log->user, line);
    free(line);
    return status;
}

int idem_metrics_log_image(idem_metrics_log *log, const char *tag, int64_t iteration, const idem_image *im,
                           const idem_marks *marks) {
    return idem_events_image(log->events, iteration, tag, im, marks);
}

int64_t idem_metrics_log_sync(idem_metrics_log *log) {
    if (fflush(log->file) || fsync(fileno(log->file)))
        return write_failed(log);
    if (idem_events_flush(log->events))
        return -1;
    off_t at = ftello(log->file);
    return at < 0 ? write_failed(log) : (int64_t)at;
}
