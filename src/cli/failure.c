#include "cli/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "idem.h"

enum { MESSAGE_BYTES = 1024 }; /* longer messages are cut when stored */

static int set(int kind, const char *format, va_list args) {
    char text[MESSAGE_BYTES];
    vsnprintf(text, sizeof text, format, args);
    return idem_set_error(kind, text);
}

#define SET(kind, format)                                                                                              \
    va_list args;                                                                                                      \
    va_start(args, format);                                                                                            \
    const int status = set(kind, format, args);                                                                        \
    va_end(args);                                                                                                      \
    return status

int idem_cli_fail(const char *format, ...) {
    SET(IDEM_ERROR_INPUT, format);
}

int idem_cli_fail_as(int kind, const char *format, ...) {
    SET(kind, format);
}

int idem_cli_fail_more(const char *format, ...) {
    SET(idem_error_kind(), format);
}

void *idem_cli_table(unsigned long n, unsigned long size) {
    void *p = calloc(n ? n : 1, size);
    if (!p)
        idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for a table of %lu", n);
    return p;
}
