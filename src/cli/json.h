/* JSON as commands write it. */
#ifndef IDEM_CLI_JSON_H
#define IDEM_CLI_JSON_H

#include <stdint.h>

#include <jansson.h>

/* A name, a path or a message that contains one, displayed as by idem_printable. */
json_t *idem_json_name(const char *name);
/* A 64-bit number; json_integer has 63 bits. */
json_t *idem_json_u64(uint64_t value);

/* Prints a document with reals of `digits` and a newline on standard output, and releases it; -1 with a message if
 * memory is short or j is NULL. */
int idem_json_print(json_t *j, int digits);

#endif
