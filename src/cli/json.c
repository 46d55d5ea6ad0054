#include "cli/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/failure.h"
#include "idem.h"

/* Marks numbers that json_integer cannot hold; their digits are stored as text until the document is written. No other
 * text has a control character: displayed names have none. */
#define MARK "\x01"
#define WRITTEN_MARK "\"\\u0001"

json_t *idem_json_name(const char *name) {
    char *text = idem_printable(name);
    json_t *j = text ? json_string(text) : NULL;
    free(text);
    return j;
}

json_t *idem_json_u64(uint64_t value) {
    return value <= INT64_MAX ? json_integer((json_int_t)value) : json_sprintf(MARK "%" PRIu64, value);
}

/* Removes marks and quotes. */
static void unmark(char *text) {
    char *to = text;
    for (const char *from = text; *from;) {
        if (strncmp(from, WRITTEN_MARK, strlen(WRITTEN_MARK))) {
            *to++ = *from++;
            continue;
        }
        for (from += strlen(WRITTEN_MARK); *from != '"';)
            *to++ = *from++;
        from++;
    }
    *to = 0;
}

int idem_json_print(json_t *j, int digits) {
    char *text = j ? json_dumps(j, JSON_INDENT(2) | JSON_REAL_PRECISION(digits)) : NULL;
    json_decref(j);
    if (!text)
        return idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for a report");
    unmark(text);
    puts(text);
    free(text);
    return 0;
}
