#include "cli/failure.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"

enum { MESSAGE_BYTES = 1024 }; /* longer messages are cut when stored */

#define FORMATTED(text, format)                                                                                        \
    char text[MESSAGE_BYTES];                                                                                          \
    va_list args;                                                                                                      \
    va_start(args, format);                                                                                            \
    vsnprintf(text, sizeof text, format, args);                                                                        \
    va_end(args)

int idem_cli_fail(const char *format, ...) {
    FORMATTED(text, format);
    return idem_fail("%s", text);
}

int idem_cli_fail_as(int kind, const char *format, ...) {
    FORMATTED(text, format);
    return idem_fail_as((idem_kind)kind, "%s", text);
}

int idem_cli_fail_more(const char *format, ...) {
    FORMATTED(text, format);
    return idem_fail_more("%s", text);
}

void *idem_cli_table(unsigned long n, unsigned long size) {
    void *p = calloc(n ? n : 1, size);
    return p ? p : idem_fail_null_as(IDEM_MEMORY, "out of memory for a table of %lu", n);
}
