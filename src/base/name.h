/* Display of names from outside, on terminals, in JSON, in pictures. A file name may have any bytes; the displayed name
 * is UTF-8 without control characters. Each byte of a control character (C0, DEL, C1), each byte outside UTF-8
 * characters, and each backslash becomes \xHH with two upper-case hexadecimal digits; `printf %b` restores the name. */
#ifndef IDEM_BASE_NAME_H
#define IDEM_BASE_NAME_H

#include <stddef.h>

/* Writes at most size - 1 bytes and a NUL, cut between characters. Returns the uncut length, as snprintf does. */
size_t idem_name_show(char *out, size_t size, const char *name);

/* The same, malloc'ed; NULL with a message when memory is short. */
char *idem_name_shown(const char *name);

#endif
