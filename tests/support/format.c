#define _GNU_SOURCE
#include "support/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/status.h"

static const char FIXTURES[] = "tests/fixtures/format/";

idem_weights *format_load(const char *name) {
    char path[300];
    idem_weights *w = NULL;
    snprintf(path, sizeof path, "%s%s", FIXTURES, name);
    if (idem_weights_load(&w, path))
        fail_msg("%s", idem_error());
    return w;
}

void format_assert_message(const char *words) {
    if (!strstr(idem_error(), words))
        fail_msg("message is \"%s\", expected \"%s\" in it", idem_error(), words);
}

void format_assert_load_fails(const char *path, const char *words) {
    idem_weights *w = NULL;
    idem_error_clear();
    assert_int_equal(idem_weights_load(&w, path), -1);
    assert_null(w);
    format_assert_message(path);
    format_assert_message(words);
}

void format_expect_refusals(const format_refusal *cases, size_t n, int (*attempt)(const char *header, size_t data),
                            const char *what) {
    for (size_t i = 0; i < n; i++) {
        idem_error_clear();
        assert_int_equal(attempt(cases[i].header, cases[i].data), -1);
        format_assert_message(what);
        format_assert_message(cases[i].words);
    }
}

/* A temporary file, removed by discard. */
char *format_temporary(const void *bytes, size_t size) {
    char *path = strdup("/tmp/idem-format-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    return path;
}

void format_discard(char *path) {
    unlink(path);
    free(path);
}

/* The fixtures' rule; step is 8 for floats. */
float format_value(int64_t i, const char *type) {
    if (!strcmp(type, "bool"))
        return i % 3 == 0;
    if (*type == 'u')
        return (float)(i * 37 % 101);
    float x = (float)(i * 37 % 101 - 50);
    return strstr(type, "float") ? x / 8 : x;
}

const idem_weight *format_expect(const idem_weights *w, const char *name, idem_shape shape, const char *dtype) {
    const idem_weight *t = idem_weights_find(w, name);
    if (!t)
        fail_msg("no tensor %s", name);
    if (!idem_shape_equal(&t->shape, &shape) || strcmp(idem_dtype_name(t->dtype), dtype)) {
        char a[64], b[64];
        fail_msg("%s is %s %s, expected %s %s", name, idem_shape_text(&t->shape, a), idem_dtype_name(t->dtype),
                 idem_shape_text(&shape, b), dtype);
    }
    return t;
}

void format_expect_values(const idem_weights *w, const char *name, idem_shape shape, const char *dtype) {
    const idem_weight *t = format_expect(w, name, shape, dtype);
    for (int64_t i = 0; i < idem_shape_count(&shape); i++)
        if (t->data[i] != format_value(i, dtype))
            fail_msg("%s[%d] is %g, expected %g", name, (int)i, (double)t->data[i], (double)format_value(i, dtype));
}

void format_expect_list(const idem_weights *w, const char *name, idem_shape shape, const float *values) {
    const idem_weight *t = format_expect(w, name, shape, "float32");
    assert_memory_equal(t->data, values, (size_t)idem_shape_count(&shape) * sizeof(float));
}

void format_expect_all_types(const idem_weights *w) {
    static const char *const TYPES[] = {"float32", "float16", "bfloat16", "float64", "int64",
                                        "int32",   "int16",   "int8",     "uint8",   "bool"};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        format_expect_values(w, TYPES[i], IDEM_SHAPE(3, 5), TYPES[i]);
}
