/* For the tests of weight files: loading fixtures, comparing with the rule of tests/oracle/format_torch.py. A failure
 * here fails the test that called. */
#ifndef IDEM_TESTS_SUPPORT_FORMAT_H
#define IDEM_TESTS_SUPPORT_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "format/weights.h"

idem_weights *format_load(const char *name); /* from tests/fixtures/format */
void format_assert_message(const char *words);
void format_assert_load_fails(const char *path, const char *words); /* the message names the path too */

/* A file of this header and so many bytes of data. Each is refused by `attempt`, with a message that names the source
 * `what` and has these words in it. */
typedef struct {
    const char *header;
    size_t data;
    const char *words;
} format_refusal;
void format_expect_refusals(const format_refusal *cases, size_t n, int (*attempt)(const char *header, size_t data),
                            const char *what);

/* A temporary file of these bytes; format_discard removes it. */
char *format_temporary(const void *bytes, size_t size);
void format_discard(char *path);

/* Value i of a tensor of that type ("float32", "uint8", ...). */
float format_value(int64_t i, const char *type);
const idem_weight *format_expect(const idem_weights *w, const char *name, idem_shape shape, const char *dtype);
void format_expect_values(const idem_weights *w, const char *name, idem_shape shape, const char *dtype);
void format_expect_all_types(const idem_weights *w); /* [3, 5] of every type, named after it */
void format_expect_list(const idem_weights *w, const char *name, idem_shape shape, const float *values); /* float32 */

#endif
