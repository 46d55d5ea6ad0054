/* How names from outside are shown, everywhere: on terminals, in JSON, in pictures. A file name is any bytes; what is
 * shown is UTF-8 without control characters. Each byte of a control character (C0, DEL, C1), each byte that is no part
 * of a UTF-8 character, and each backslash becomes \xHH with two upper-case hexadecimal digits; `printf %b` turns it
 * back into the name. */
#ifndef IDEM_BASE_NAME_H
#define IDEM_BASE_NAME_H

#include <stddef.h>

/* Writes at most size - 1 bytes and a 0, cut between characters. Returns the length without a cut, as snprintf. */
size_t idem_name_show(char *out, size_t size, const char *name);

/* The same, malloc'ed; NULL with a message when memory is short. */
char *idem_name_shown(const char *name);

#endif
