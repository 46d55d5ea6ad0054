/* JSON as commands write it. */
#ifndef IDEM_CLI_JSON_H
#define IDEM_CLI_JSON_H

#include <stdint.h>

#include <jansson.h>

/* A name, a path or a message with one in it, shown by the rule of base/name.h. */
json_t *idem_json_name(const char *name);
/* Any 64 bits as a number, for which json_integer has a bit too few. */
json_t *idem_json_u64(uint64_t value);

/* Prints a document with reals of `digits` and a newline on standard output, and releases it; -1 with a message when
 * memory is short or j is NULL. */
int idem_json_print(json_t *j, int digits);

#endif
