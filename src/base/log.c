#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_MAX_BYTES = 1000 };

static idem_log_sink *log_sink;
static void *log_user;
static bool log_muted;

void idem_log_set_sink(idem_log_sink *sink, void *user) {
    log_sink = sink;
    log_user = user;
}

bool idem_log_mute(bool muted) {
    const bool before = log_muted;
    log_muted = muted;
    return before;
}

void idem_log(idem_log_level level, const char *format, ...) {
    if (!log_sink || log_muted)
        return;
    char line[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n >= (int)sizeof line)
        memcpy(line + sizeof line - 4, "...", 4);
    log_sink(log_user, level, line);
}
