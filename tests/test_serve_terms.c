/* What a request is told of the library's messages: tests/serve.sh asks a server, this what needs a broken machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "serve/terms.h"

static void messages_name_what_a_request_has(void **state) {
    (void)state;
    static const struct {
        const char *message, *field, *expected;
    } rows[] = {
        {"the picture in memory: is cut off", "identity2", "identity2: is cut off"},
        {"out of memory for 2 faces", "attributes", "attributes: out of memory for 2 faces"},
        {"out of memory for 2 faces", NULL, "out of memory for 2 faces"},
        {"limit the threads to 1 (options.threads), or unset", NULL,
         "limit the threads to 1 (idem serve --threads), or unset"},
        {"options.identity_net; options. and options", NULL, "idem serve --identity-net; options. and options"},
        {"/models/options.bin: cannot read", NULL, "/models/options.bin: cannot read"},
        {"", NULL, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *said = idem_serve_terms(rows[i].message, rows[i].field);
        assert_string_equal(said, rows[i].expected);
        free(said);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(messages_name_what_a_request_has)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
