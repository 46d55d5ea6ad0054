#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_MAX = 1000 };

static _Thread_local char message[MESSAGE_MAX];
static _Thread_local idem_kind message_kind;

static void set_message(idem_kind kind, const char *format, va_list args) {
    /* Formatted into a buffer first: an argument may be the previous message. */
    char next[MESSAGE_MAX];
    int n = vsnprintf(next, sizeof next, format, args);
    if (n >= (int)sizeof next)
        memcpy(next + sizeof next - 4, "...", 4);
    memcpy(message, next, sizeof message);
    message_kind = kind;
}

#define SET(kind, last)                                                                                                \
    va_list args;                                                                                                      \
    va_start(args, last);                                                                                              \
    set_message(kind, last, args);                                                                                     \
    va_end(args)

int(idem_fail)(const char *format, ...) {
    SET(IDEM_INPUT, format);
    return -1;
}

int(idem_fail_as)(idem_kind kind, const char *format, ...) {
    SET(kind, format);
    return -1;
}

int(idem_fail_more)(const char *format, ...) {
    SET(message_kind, format);
    return -1;
}

void *(idem_fail_null)(const char *format, ...) {
    SET(IDEM_INPUT, format);
    return NULL;
}

void *(idem_fail_null_as)(idem_kind kind, const char *format, ...) {
    SET(kind, format);
    return NULL;
}

void *(idem_fail_null_more)(const char *format, ...) {
    SET(message_kind, format);
    return NULL;
}

idem_kind idem_errno_kind(int error, idem_kind otherwise) {
    return error == ENOMEM ? IDEM_MEMORY : otherwise;
}

const char *idem_error(void) {
    return message;
}

int idem_error_kind(void) {
    return message_kind;
}

void idem_error_clear(void) {
    message[0] = 0;
    message_kind = IDEM_NO_ERROR;
}
