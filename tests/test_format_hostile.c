/* src/format against pickles that ask for more than tensors and tensors that cannot be. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "support/hostile.h"

static void assert_refused(const blob *pickle, const char *words) {
    assert_int_equal(hostile_pickle(pickle->data, pickle->size), -1);
    if (!strstr(idem_error(), words))
        fail_msg("message is \"%s\", expected \"%s\"", idem_error(), words);
}

static void test_names_are_refused(void **state) {
    (void)state;
    static const char *const NAMES[][2] = {{"os", "system"},
                                           {"posix", "system"},
                                           {"builtins", "eval"},
                                           {"__builtin__", "getattr"},
                                           {"subprocess", "run"},
                                           {"torch", "load"},
                                           {"torch._utils", "_rebuild_tensor_v2x"},
                                           {"torch.FloatStorage", ""}};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        char want[100];
        snprintf(want, sizeof want, "'%s.%s'", NAMES[i][0], NAMES[i][1]);
        blob b = {0};
        blob_text(&b, "\x80\x02"
                      "c");
        blob_text(&b, NAMES[i][0]);
        blob_text(&b, "\n");
        blob_text(&b, NAMES[i][1]);
        blob_text(&b, "\nX\x02");
        blob_put(&b, "\0\0\0ls\x85R.", 8);
        assert_refused(&b, want);
        blob_drop(&b);
        /* The same by STACK_GLOBAL, of protocol 4. */
        blob_text(&b, "\x80\x04\x8c");
        blob_byte(&b, (int)strlen(NAMES[i][0]));
        blob_text(&b, NAMES[i][0]);
        blob_text(&b, "\x8c");
        blob_byte(&b, (int)strlen(NAMES[i][1]));
        blob_text(&b, NAMES[i][1]);
        blob_text(&b, "\x93.");
        assert_refused(&b, want);
        blob_drop(&b);
    }
}

static void test_opcodes_are_refused(void **state) {
    (void)state;
    /* INST, OBJ, EXT1, NEWOBJ_EX, REDUCE of text, BUILD on a list, an unknown one; then stack tricks. */
    static const char *const CASES[] = {"(ios\nsystem\n.",
                                        "(cos\nsystem\no.",
                                        "\x82\x01.",
                                        "}}}\x92.",
                                        "U\x01x)R.",
                                        "]}b.",
                                        "\xff.",
                                        ".",
                                        "(.",
                                        "0.",
                                        "1.",
                                        "t.",
                                        "h\x05.",
                                        "}h\x01.",
                                        "U\x05"
                                        "ab.",
                                        "}(U\x01"
                                        "au.",
                                        "a.",
                                        "s.",
                                        "]U\x01xu.",
                                        "R.",
                                        "Q.",
                                        "b.",
                                        "\x81.",
                                        "ccollections\nOrderedDict\n.",
                                        "ccollections\nOrderedDict\n]R.",
                                        "ctorch._utils\n_rebuild_tensor_v2\n)R.",
                                        "ctorch\nFloatStorage\n)R.",
                                        "cargparse\nNamespace\n)R.",
                                        "c",
                                        "\x8a\x09",
                                        "J\x01",
                                        "G\x01",
                                        "X\xff\xff\xff\x7f",
                                        "\x8d\xff\xff\xff\xff\xff\xff\xff\xff",
                                        "r\xff\xff\xff\xff",
                                        "}r\xff\xff\xff\xff."};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        if (!hostile_pickle(CASES[i], strlen(CASES[i])))
            fail_msg("pickle %zu was accepted", i);
}

/* {"a": {"b": t}, "a.b": t}: two tensors of one name, once flattened. */
static void test_two_of_one_name(void **state) {
    (void)state;
    blob b = {0}, t = hostile_tensor(0, 16, 1, 16);
    blob_text(&b, "\x80\x02}(U\x01"
                  "a}U\x01"
                  "b");
    /* The tensor alone: behind {"t" and before the SETITEM and STOP that end it. */
    blob_put(&b, t.data + 6, t.size - 6 - 2);
    blob_text(&b, "q\x01sU\x03"
                  "a.bh\x01u.");
    assert_refused(&b, "x: tensor a.b: occurs twice");
    blob_drop(&t);
    blob_drop(&b);
    static const char JSON[] = "[{\"weights\":[{\"name\":\"a\",\"shape\":[1],\"dtype\":\"uint8\"},"
                               "{\"name\":\"a\",\"shape\":[9],\"dtype\":\"uint8\"}],\"paths\":[\"m.bin\"]}]";
    assert_int_equal(hostile_attempt(MANIFEST, (const unsigned char *)JSON, sizeof JSON - 1), -1);
    assert_non_null(strstr(idem_error(), "x: tensor a: occurs twice"));
}

static void test_impossible_tensors(void **state) {
    (void)state;
    static const struct {
        int64_t offset, size, stride, count;
        const char *words; /* NULL: fine */
    } CASES[] = {
        {0, 16, 1, 16, NULL},
        {15, 1, 1, 16, NULL},
        {15, 1LL << 20, 0, 16, NULL},         /* an expanded value: 4 MB */
        {15, 1LL << 60, 0, 16, "proportion"}, /* the same, 2^62 bytes */
        {0, 1LL << 60, 1, 16, "beyond its storage"},
        {0, 1LL << 60, 1, 1LL << 60, "proportion"},
        {0, 17, 1, 17, "expected 17 values"}, /* the storage has 16 */
        {0, 2, 16, 16, "beyond its storage"},
        {0, 2, INT64_MAX, 16, "beyond its storage"},
        {0, INT64_MAX, INT64_MAX, 16, "beyond its storage"},
        {1, INT64_MAX, 1, 16, "beyond its storage"},
        {16, 1, 1, 16, "beyond its storage"},
        {0, 2, -1, 16, "beyond its storage"},
        {-1, 2, 1, 16, "without storage, offset"},
        {0, -2, 1, 16, "beyond its storage"},
        {0, 1, 1, -16, "other than a storage of numbers"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        blob b = hostile_tensor(CASES[i].offset, CASES[i].size, CASES[i].stride, CASES[i].count);
        if (CASES[i].words)
            assert_refused(&b, CASES[i].words);
        else
            assert_int_equal(hostile_pickle(b.data, b.size), 0);
        blob_drop(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_refused),
        cmocka_unit_test(test_opcodes_are_refused),
        cmocka_unit_test(test_two_of_one_name),
        cmocka_unit_test(test_impossible_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
