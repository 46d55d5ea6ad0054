/* src/base/name.h: how names from outside are shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/name.h"

static const char *const shown[][2] = {
    {"", ""},
    {"a b'\"?", "a b'\"?"},
    {"h\303\266r \343\201\202 \360\237\230\200", "h\303\266r \343\201\202 \360\237\230\200"},
    {"a\\b", "a\\x5Cb"},
    {"\033[31m\n\t\177", "\\x1B[31m\\x0A\\x09\\x7F"},
    {"\302\233 \302\237\302\240", "\\xC2\\x9B \\xC2\\x9F\302\240"}, /* C1, and the first behind it */
    {"b\351", "b\\xE9"},
    {"\351\303\251", "\\xE9\303\251"},
    {"\303", "\\xC3"},                            /* cut */
    {"\343\201x", "\\xE3\\x81x"},                 /* cut */
    {"\300\257", "\\xC0\\xAF"},                   /* overlong / */
    {"\355\240\200", "\\xED\\xA0\\x80"},          /* a surrogate */
    {"\364\220\200\200", "\\xF4\\x90\\x80\\x80"}, /* above U+10FFFF */
    {"\370\210\200\200\200", "\\xF8\\x88\\x80\\x80\\x80"},
};

static void names_are_shown_by_one_rule(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        char *text = idem_name_shown(shown[i][0]);
        assert_string_equal(text, shown[i][1]);
        assert_int_equal(idem_name_show(NULL, 0, shown[i][0]), strlen(text));
        free(text);
    }
}

/* Cut between characters, whatever the room. */
static void a_cut_leaves_whole_characters(void **state) {
    (void)state;
    const char name[] = "a\351\303\266b",
               *const cuts[] = {"", "a", "a", "a", "a", "a\\xE9", "a\\xE9", "a\\xE9\303\266", "a\\xE9\303\266b"};
    for (size_t capacity = 1; capacity <= 9; capacity++) {
        char text[16];
        memset(text, 'x', sizeof text);
        assert_int_equal(idem_name_show(text, capacity, name), 8);
        assert_string_equal(text, cuts[capacity - 1]);
        assert_int_equal(text[capacity], 'x');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_are_shown_by_one_rule),
                                       cmocka_unit_test(a_cut_leaves_whole_characters)};
    return cmocka_run_group_tests_name("name", tests, NULL, NULL);
}
