#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_MAX = 1000 };

static _Thread_local char message[MESSAGE_MAX];

static void set_message(const char *format, va_list args) {
    /* Formatted aside first: an argument may be the previous message itself. */
    char next[MESSAGE_MAX];
    int n = vsnprintf(next, sizeof next, format, args);
    if (n >= (int)sizeof next)
        memcpy(next + sizeof next - 4, "...", 4);
    memcpy(message, next, sizeof message);
}

int(idem_fail)(const char *format, ...) {
    va_list args;
    va_start(args, format);
    set_message(format, args);
    va_end(args);
    return -1;
}

void *(idem_fail_null)(const char *format, ...) {
    va_list args;
    va_start(args, format);
    set_message(format, args);
    va_end(args);
    return NULL;
}

const char *idem_error(void) {
    return message;
}

void idem_error_clear(void) {
    message[0] = 0;
}
