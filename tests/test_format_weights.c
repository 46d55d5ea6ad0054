/* src/format: the container of weights, 16-bit floats, safetensors. The fixture was put together by
 * tests/oracle/format_torch.py. */
#define _GNU_SOURCE
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/status.h"
#include "format/bytes.h"
#include "format/weights.h"
#include "support/format.h"

/* ---- 16-bit floats ---- */

/* The nearest of all 16-bit values, ties to the even one: by search, not by bit tricks. */
static uint16_t nearest_half(double x) {
    uint16_t low = 0, high = 0x7bff; /* positive finite values are in order of their bits */
    double a = fabs(x);
    if (a >= 65520)
        return 0x7c00 | (x < 0 ? 0x8000 : 0);
    while (high - low > 1) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if ((double)idem_f32_from_f16(middle) <= a)
            low = middle;
        else
            high = middle;
    }
    double below = a - (double)idem_f32_from_f16(low), above = (double)idem_f32_from_f16(high) - a;
    uint16_t h = below < above || (below == above && low % 2 == 0) ? low : high;
    return h | (signbit(x) ? 0x8000 : 0);
}

static void test_half_values(void **state) {
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        float x = idem_f32_from_f16((uint16_t)h);
        int e = h >> 10 & 31, m = h & 1023;
        if (e == 31) {
            assert_true(m ? isnan(x) : isinf(x));
            assert_true(m ? isnan(idem_f32_from_f16(idem_f16_from_f32(x))) : idem_f16_from_f32(x) == h);
            continue;
        }
        double want = e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
        assert_true((double)x == (h & 0x8000 ? -want : want));
        assert_int_equal(idem_f16_from_f32(x), h);
    }
}

static void test_half_rounding(void **state) {
    (void)state;
    idem_rng r = idem_rng_make(1, "half");
    for (int i = 0; i < 100000; i++) {
        /* Anything from far below the smallest subnormal to beyond the largest, half of it just between two values. */
        double x = ldexp(1 + idem_rng_uniform(&r), (int)idem_rng_below(&r, 46) - 28) * (i & 1 ? 1 : -1);
        if (i % 4 < 2) {
            uint16_t h = (uint16_t)idem_rng_below(&r, 0x7bff);
            x = ((double)idem_f32_from_f16(h) + (double)idem_f32_from_f16(h + 1)) / 2;
        }
        assert_int_equal(idem_f16_from_f32((float)x), nearest_half((double)(float)x));
    }
    assert_int_equal(idem_f16_from_f32(65519.99f), 0x7bff);
    assert_int_equal(idem_f16_from_f32(65520.0f), 0x7c00);
    assert_int_equal(idem_f16_from_f32(-1e30f), 0xfc00);
    assert_int_equal(idem_f16_from_f32(-0.0f), 0x8000);
}

static void test_bfloat_rounding(void **state) {
    (void)state;
    static const struct {
        float x;
        uint16_t h;
    } CASES[] = {{1.0f, 0x3f80},
                 {1.0f + 0x1p-8f, 0x3f80},            /* a tie, to even */
                 {1.0f + 0x3p-8f, 0x3f82},            /* a tie, to even */
                 {1.0f + 0x1p-8f + 0x1p-23f, 0x3f81}, /* above the tie */
                 {-0.0f, 0x8000},
                 {3.4e38f, 0x7f80}, /* above the largest finite value by more than half a step */
                 {INFINITY, 0x7f80},
                 {-INFINITY, 0xff80}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_int_equal(idem_bf16_from_f32(CASES[i].x), CASES[i].h);
    assert_int_equal(idem_bf16_from_f32(NAN) & 0x7fff, 0x7fc0);
}

/* ---- the container ---- */

static void test_container(void **state) {
    (void)state;
    idem_weights *w = idem_weights_new();
    idem_weight *kept[3000];
    char name[40];
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "%s%d", i % 2 ? "odd." : "even.", i);
        kept[i] = idem_weights_add(w, name, IDEM_SHAPE(1 + i % 3));
        assert_non_null(kept[i]);
        assert_true(kept[i]->data[0] == 0 && (uintptr_t)kept[i]->data % 64 == 0);
        kept[i]->data[0] = (float)i;
    }
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "%s%d", i % 2 ? "odd." : "even.", i);
        assert_ptr_equal(idem_weights_find(w, name), kept[i]);
        assert_ptr_equal(idem_weights_at(w, (size_t)i), kept[i]);
        assert_true(kept[i]->data[0] == (float)i);
    }
    assert_null(idem_weights_find(w, "odd.2"));
    assert_null(idem_weights_at(w, 3000));
    assert_null(idem_weights_add(w, "odd.7", IDEM_SHAPE(1)));
    format_assert_message("odd.7");
    assert_null(idem_weights_add(w, "new", IDEM_SHAPE(3, 0)));
    assert_null(idem_weights_add(w, "new", IDEM_SHAPE(1LL << 40, 1LL << 40)));
    assert_null(idem_weights_add(w, "new", (idem_shape){.rank = 7}));
    assert_int_equal(idem_weights_select(w, "none."), -1);
    format_assert_message("none.");
    assert_int_equal(idem_weights_count(w), 3000);
    assert_int_equal(idem_weights_select(w, "odd."), 0);
    assert_int_equal(idem_weights_count(w), 1500);
    assert_ptr_equal(idem_weights_find(w, "2999"), kept[2999]);
    assert_ptr_equal(idem_weights_at(w, 1), kept[3]);
    assert_null(idem_weights_find(w, "odd.1"));
    assert_null(idem_weights_find(w, "2"));
    idem_weights_free(w);
}

static void test_metadata(void **state) {
    (void)state;
    idem_weights *w = idem_weights_new();
    const char *key, *value;
    assert_null(idem_weights_meta(w, "a"));
    assert_int_equal(idem_weights_set_meta(w, "a", "1"), 0);
    assert_int_equal(idem_weights_set_meta(w, "b", "2"), 0);
    assert_int_equal(idem_weights_set_meta(w, "a", "3"), 0);
    assert_string_equal(idem_weights_meta(w, "a"), "3");
    assert_int_equal(idem_weights_meta_at(w, 1, &key, &value), 0);
    assert_string_equal(key, "b");
    assert_string_equal(value, "2");
    assert_int_equal(idem_weights_meta_at(w, 2, &key, &value), -1);
    idem_weights_free(w);
}

static void test_channels_last(void **state) {
    (void)state;
    idem_weights *w = idem_weights_new();
    idem_weight *t = idem_weights_add(w, "t", IDEM_SHAPE(2, 3, 2, 1)), *v = idem_weights_add(w, "v", IDEM_SHAPE(12));
    float x[12], y[12];
    for (int i = 0; i < 12; i++)
        x[i] = (float)i;
    idem_weight_write(t, x);
    idem_weight_write(v, x);
    assert_int_equal(idem_weight_channels_last(t), 0);
    assert_int_equal(idem_weight_channels_last(t), 0); /* once only */
    assert_int_equal(idem_weight_channels_last(v), 0); /* nothing to do */
    assert_true(t->channels_last && !v->channels_last);
    static const float WANT[] = {0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11}; /* N, H, W, C */
    assert_memory_equal(t->data, WANT, sizeof WANT);
    assert_memory_equal(v->data, x, sizeof x);
    idem_weight_read(t, y);
    assert_memory_equal(y, x, sizeof x);
    idem_weight_write(t, WANT);
    idem_weight_read(t, y);
    assert_memory_equal(y, WANT, sizeof WANT);
    idem_weights_free(w);
}

/* ---- safetensors ---- */

static void test_safetensors_types(void **state) {
    (void)state;
    idem_weights *w = format_load("all.safetensors");
    format_expect_all_types(w);
    format_expect_list(w, "scalar", IDEM_SCALAR, (float[]){2.5f});
    assert_int_equal(idem_weights_count(w), 11);
    assert_string_equal(idem_weights_meta(w, "origin"), "a test");
    assert_string_equal(idem_weights_meta(w, "empty"), "");
    assert_string_equal(idem_weights_meta(w, "empty:none"), "[0, 3]");
    idem_weights_free(w);
}

static void round_trip(idem_dtype dtype, double relative) {
    idem_weights *w = idem_weights_new(), *r = NULL;
    idem_rng rng = idem_rng_make(2, "round trip");
    const idem_shape shapes[] = {IDEM_SHAPE(64, 3, 7, 5), IDEM_SHAPE(9000), IDEM_SCALAR, IDEM_SHAPE(1, 2, 3, 4, 5, 6)};
    const char *const names[] = {"conv \"quoted\"", "ünïcode.bias", "scalar", "last"};
    for (int i = 0; i < 4; i++) {
        idem_weight *t = idem_weights_add(w, names[i], shapes[i]);
        idem_rng_fill_normal(&rng, t->data, (size_t)idem_shape_count(&shapes[i]));
    }
    idem_weights_set_meta(w, "key", "line\nbreak");
    float *first = malloc(64 * 3 * 7 * 5 * sizeof *first);
    idem_weight_read(idem_weights_at(w, 0), first);
    assert_int_equal(idem_weight_channels_last(idem_weights_at(w, 0)), 0); /* still saved row-major */
    char *path = format_temporary("", 0);
    assert_int_equal(idem_weights_save(w, path, dtype), 0);
    assert_int_equal(idem_weights_load(&r, path), 0);
    assert_int_equal(idem_weights_count(r), 4);
    assert_string_equal(idem_weights_meta(r, "key"), "line\nbreak");
    for (size_t i = 0; i < 4; i++) {
        const idem_weight *a = idem_weights_at(w, i), *b = idem_weights_at(r, i);
        assert_string_equal(a->name, b->name);
        assert_true(idem_shape_equal(&a->shape, &b->shape));
        assert_int_equal(b->dtype, dtype);
        const float *want = i ? a->data : first;
        for (int64_t k = 0; k < idem_shape_count(&a->shape); k++)
            assert_true(fabs((double)want[k] - (double)b->data[k]) <= fabs((double)want[k]) * relative + 0x1p-25);
    }
    /* The same weights give the same bytes, and bytes that are a fixed point. */
    unsigned char *one, *two;
    size_t n, m;
    assert_int_equal(idem_file_read(path, 1 << 20, &one, &n), 0);
    assert_int_equal(idem_weights_save(r, path, dtype), 0);
    assert_int_equal(idem_file_read(path, 1 << 20, &two, &m), 0);
    assert_int_equal(n, m);
    assert_memory_equal(one, two, n);
    assert_int_equal(idem_le64(one) % 8, 0);
    free(one);
    free(two);
    free(first);
    format_discard(path);
    idem_weights_free(w);
    idem_weights_free(r);
}

static void test_safetensors_round_trip(void **state) {
    (void)state;
    round_trip(IDEM_DTYPE_F32, 0);
    round_trip(IDEM_DTYPE_F16, 0x1p-11);
    round_trip(IDEM_DTYPE_BF16, 0x1p-8);
}

static void test_save_refusals(void **state) {
    (void)state;
    idem_weights *w = idem_weights_new();
    idem_weight *t = idem_weights_add(w, "wide", IDEM_SHAPE(2));
    t->data[1] = 1e6f;
    char *path = format_temporary("before", 6);
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_F16), -1);
    format_assert_message("wide");
    format_assert_message("1e+06");
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_I64), -1);
    format_assert_message("int64");
    unsigned char *bytes;
    size_t size;
    assert_int_equal(idem_file_read(path, 100, &bytes, &size), 0);
    assert_string_equal((char *)bytes, "before"); /* untouched */
    free(bytes);
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_BF16), 0);
    assert_int_equal(idem_weights_save(w, "/nowhere/at/all", IDEM_DTYPE_F32), -1);
    format_discard(path);
    idem_weights_free(w);
}

/* A safetensors file of this header and n bytes of data. */
static int parse_header(const char *header, size_t n) {
    size_t length = strlen(header), size = 8 + length + n;
    unsigned char *bytes = calloc(size, 1);
    idem_weights *w = NULL;
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(length >> (8 * i));
    memcpy(bytes + 8, header, length);
    int status = idem_safetensors_parse(&w, bytes, size, "test.safetensors");
    idem_weights_free(w);
    free(bytes);
    return status;
}

static void test_safetensors_refusals(void **state) {
    (void)state;
    static const format_refusal CASES[] = {
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 7, "truncated"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9, "9 bytes of data"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", 12, "expected 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8, "takes 12 bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}",
         12, "overlap"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[12,20]}}",
         20, "gaps"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
         "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}",
         16, "not a JSON object"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1152921504606846976],\"data_offsets\":[0,8]}}", 8, "takes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0, "impossibly large"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,8]}}", 8, "dimension 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, "offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}}", 8, "offset"},
        {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,2]}}", 2, "F8_E4M3"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, "rank 7"},
        {"{\"a\":{\"shape\":[2],\"data_offsets\":[0,8]}}", 8, "damaged header"},
        {"{\"a\":7}", 0, "damaged header"},
        {"{\"__metadata__\":{\"k\":1}}", 0, "not a string"},
        {"[]", 0, "not a JSON object"},
        {"{\"a\":", 0, "not a JSON object"},
        {"{\"a\":[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]}", 0, "nested"},
    };
    format_expect_refusals(CASES, sizeof CASES / sizeof *CASES, parse_header, "test.safetensors");
    assert_int_equal(parse_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8), 0);
    assert_int_equal(parse_header("{}", 0), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_values),       cmocka_unit_test(test_half_rounding),
        cmocka_unit_test(test_bfloat_rounding),   cmocka_unit_test(test_container),
        cmocka_unit_test(test_metadata),          cmocka_unit_test(test_channels_last),
        cmocka_unit_test(test_safetensors_types), cmocka_unit_test(test_safetensors_round_trip),
        cmocka_unit_test(test_save_refusals),     cmocka_unit_test(test_safetensors_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
