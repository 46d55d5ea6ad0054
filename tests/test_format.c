/* src/format: weight files in and out. The files in tests/fixtures/format were written by PyTorch and NumPy
 * (tests/oracle/format_torch.py, where the rule for their values stands). */
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

static const char FIXTURES[] = "tests/fixtures/format/";

static idem_weights *load(const char *name) {
    char path[300];
    idem_weights *w = NULL;
    snprintf(path, sizeof path, "%s%s", FIXTURES, name);
    if (idem_weights_load(&w, path))
        fail_msg("%s", idem_error());
    return w;
}

static void assert_message(const char *words) {
    if (!strstr(idem_error(), words))
        fail_msg("message is \"%s\", expected \"%s\" in it", idem_error(), words);
}

static void assert_load_fails(const char *path, const char *words) {
    idem_weights *w = NULL;
    idem_error_clear();
    assert_int_equal(idem_weights_load(&w, path), -1);
    assert_null(w);
    assert_message(path);
    assert_message(words);
}

/* A temporary file, removed by discard. */
static char *temporary(const void *bytes, size_t size) {
    char *path = strdup("/tmp/idem-format-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    close(fd);
    return path;
}

static void discard(char *path) {
    unlink(path);
    free(path);
}

/* The fixtures' rule; step is 8 for floats. */
static float value_at(int64_t i, const char *type) {
    if (!strcmp(type, "bool"))
        return i % 3 == 0;
    if (*type == 'u')
        return (float)(i * 37 % 101);
    float x = (float)(i * 37 % 101 - 50);
    return strstr(type, "float") ? x / 8 : x;
}

static const idem_weight *expect(const idem_weights *w, const char *name, idem_shape shape, const char *dtype) {
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

static void expect_values(const idem_weights *w, const char *name, idem_shape shape, const char *dtype) {
    const idem_weight *t = expect(w, name, shape, dtype);
    for (int64_t i = 0; i < idem_shape_count(&shape); i++)
        if (t->data[i] != value_at(i, dtype))
            fail_msg("%s[%d] is %g, expected %g", name, (int)i, (double)t->data[i], (double)value_at(i, dtype));
}

static void expect_list(const idem_weights *w, const char *name, idem_shape shape, const float *values) {
    const idem_weight *t = expect(w, name, shape, "float32");
    assert_memory_equal(t->data, values, (size_t)idem_shape_count(&shape) * sizeof(float));
}

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
    assert_message("odd.7");
    assert_null(idem_weights_add(w, "new", IDEM_SHAPE(3, 0)));
    assert_null(idem_weights_add(w, "new", IDEM_SHAPE(1LL << 40, 1LL << 40)));
    assert_null(idem_weights_add(w, "new", (idem_shape){.rank = 7}));
    assert_int_equal(idem_weights_select(w, "none."), -1);
    assert_message("none.");
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

static void expect_all_types(const idem_weights *w) {
    static const char *const TYPES[] = {"float32", "float16", "bfloat16", "float64", "int64",
                                        "int32",   "int16",   "int8",     "uint8",   "bool"};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        expect_values(w, TYPES[i], IDEM_SHAPE(3, 5), TYPES[i]);
}

static void test_safetensors_types(void **state) {
    (void)state;
    idem_weights *w = load("all.safetensors");
    expect_all_types(w);
    expect_list(w, "scalar", IDEM_SCALAR, (float[]){2.5f});
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
    char *path = temporary("", 0);
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
    discard(path);
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
    char *path = temporary("before", 6);
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_F16), -1);
    assert_message("wide");
    assert_message("1e+06");
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_I64), -1);
    assert_message("int64");
    unsigned char *bytes;
    size_t size;
    assert_int_equal(idem_file_read(path, 100, &bytes, &size), 0);
    assert_string_equal(bytes, "before"); /* untouched */
    free(bytes);
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_BF16), 0);
    assert_int_equal(idem_weights_save(w, "/nowhere/at/all", IDEM_DTYPE_F32), -1);
    discard(path);
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
    idem_error_clear();
    int status = idem_safetensors_parse(&w, bytes, size, "test.safetensors");
    idem_weights_free(w);
    free(bytes);
    return status;
}

static void test_safetensors_refusals(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *words;
    } CASES[] = {
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
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        assert_int_equal(parse_header(CASES[i].header, CASES[i].data), -1);
        assert_message("test.safetensors");
        assert_message(CASES[i].words);
    }
    assert_int_equal(parse_header("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 8), 0);
    assert_int_equal(parse_header("{}", 0), 0);
}

/* ---- PyTorch ---- */

static void test_torch_types(void **state) {
    (void)state;
    idem_weights *w = load("dtypes.pt");
    expect_all_types(w);
    assert_int_equal(idem_weights_count(w), 10);
    idem_weights_free(w);
}

static float base_at(int row, int column) {
    return value_at(row * 6 + column, "float32");
}

static void expect_views(const char *file) {
    idem_weights *w = load(file);
    float x[256];
    expect_values(w, "g_ema.0.weight", IDEM_SHAPE(3, 2, 3, 3), "float32");
    expect_values(w, "g_ema.0.bias", IDEM_SHAPE(3), "float32");
    expect_list(w, "g_ema.1.running_var", IDEM_SHAPE(3), (float[]){1, 1, 1});
    assert_true(expect(w, "g_ema.1.num_batches_tracked", IDEM_SCALAR, "int64")->data[0] == 0);
    expect_values(w, "latent_avg", IDEM_SHAPE(7), "float32");
    expect_values(w, "base", IDEM_SHAPE(4, 6), "float32");
    expect_values(w, "tied", IDEM_SHAPE(4, 6), "float32");
    expect_values(w, "parameter", IDEM_SHAPE(2, 2), "float32");
    expect_values(w, "channels_last", IDEM_SHAPE(2, 3, 4, 5), "float32");
    expect_values(w, "optimiser.state.0.moment", IDEM_SHAPE(2), "float32");
    expect_list(w, "scalar", IDEM_SCALAR, (float[]){2.5f});
    for (int i = 0; i < 24; i++)
        x[i] = base_at(i % 4, i / 4);
    expect_list(w, "transposed", IDEM_SHAPE(6, 4), x);
    for (int i = 0; i < 6; i++)
        x[i] = base_at(2, i);
    expect_list(w, "row", IDEM_SHAPE(6), x);
    for (int i = 0; i < 4; i++)
        x[i] = base_at(i, 3);
    expect_list(w, "column", IDEM_SHAPE(4), x);
    for (int i = 0; i < 6; i++)
        x[i] = base_at(1 + i / 3, 2 + i % 3);
    expect_list(w, "block", IDEM_SHAPE(2, 3), x);
    for (int i = 0; i < 4; i++)
        x[i] = base_at(i / 2 * 2, i % 2 * 3);
    expect_list(w, "every_second", IDEM_SHAPE(2, 2), x);
    for (int i = 0; i < 30; i++)
        x[i] = base_at(0, i % 6);
    expect_list(w, "expanded", IDEM_SHAPE(5, 6), x);
    const idem_weight *p = expect(w, "permuted", IDEM_SHAPE(5, 3, 2, 4), "float16");
    for (int i = 0; i < 120; i++) { /* [a, b, c, d] of it is [c, b, d, a] of the original */
        int a = i / 24, b = i / 8 % 3, c = i / 4 % 2, d = i % 4;
        assert_true(p->data[i] == value_at(((c * 3 + b) * 4 + d) * 5 + a, "float16"));
    }
    static const char *const META[][2] = {
        {"epoch", "12"},     {"negative", "-70000"},        {"large", "1099511627776"}, {"note", "a text"},
        {"args.size", "64"}, {"args.name", "tiny"},         {"args.flag", "true"},      {"optimiser.state.0.step", "3"},
        {"size.1", "6"},     {"optimiser.betas.1", "0.75"}, {"empty:empty", "[0, 3]"}};
    for (size_t i = 0; i < sizeof META / sizeof *META; i++) {
        const char *value = idem_weights_meta(w, META[i][0]);
        if (!value || strcmp(value, META[i][1]))
            fail_msg("%s: %s is %s, expected %s", file, META[i][0], value ? value : "absent", META[i][1]);
    }
    assert_true(atof(idem_weights_meta(w, "args.lr")) == 0.002);
    assert_null(idem_weights_meta(w, "args.nothing"));
    assert_int_equal(idem_weights_count(w), 21);
    assert_int_equal(idem_weights_select(w, "g_ema."), 0);
    expect_values(w, "0.weight", IDEM_SHAPE(3, 2, 3, 3), "float32");
    assert_int_equal(idem_weights_count(w), 7);
    idem_weights_free(w);
}

static void test_torch_views(void **state) {
    (void)state;
    expect_views("views.pt");
}
static void test_torch_deflated(void **state) {
    (void)state;
    expect_views("deflated.pt");
}
static void test_torch_protocol4(void **state) {
    (void)state;
    expect_views("protocol4.pt");
}
static void test_torch_legacy(void **state) {
    (void)state;
    expect_views("legacy.pt");
}

static void test_torch_runs_nothing(void **state) {
    (void)state;
    unlink("/tmp/idem-was-here");
    assert_load_fails("tests/fixtures/format/system.pt", "posix.system");
    assert_message("nothing was run");
    assert_int_equal(access("/tmp/idem-was-here", F_OK), -1);
    assert_load_fails("tests/fixtures/format/module.pt", "torch.nn.modules.linear.Linear");
}

static void test_generator(void **state) {
    (void)state;
    idem_weights *w = NULL;
    assert_int_equal(idem_weights_load(&w, "models/generator-64.safetensors"), 0);
    assert_int_equal(idem_weights_count(w), 92);
    expect(w, "style.1.weight", IDEM_SHAPE(256, 256), "float16");
    expect(w, "convs.7.conv.weight", IDEM_SHAPE(1, 32, 32, 3, 3), "float16");
    expect(w, "noises.noise_8", IDEM_SHAPE(1, 1, 64, 64), "float16");
    expect(w, "latent_avg", IDEM_SHAPE(256), "float16");
    assert_string_equal(idem_weights_meta(w, "kind"), "stylegan2");
    assert_string_equal(idem_weights_meta(w, "size"), "64");
    assert_non_null(strstr(idem_weights_meta(w, "licence"), "research use"));
    idem_weights_free(w);
}

/* ---- npy ---- */

static void test_npy(void **state) {
    (void)state;
    static const char *const TYPES[] = {"float32", "float16", "float64", "int64", "int32", "uint8", "bool"};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        char path[100];
        idem_shape shape;
        float *x;
        snprintf(path, sizeof path, "%s%s.npy", FIXTURES, TYPES[i]);
        assert_int_equal(idem_npy_load(path, &shape, &x), 0);
        assert_true(idem_shape_equal(&shape, &IDEM_SHAPE(2, 3, 4)));
        for (int k = 0; k < 24; k++)
            assert_true(x[k] == value_at(k, TYPES[i]));
        free(x);
    }
    idem_weights *w = load("rank0.npy");
    expect_list(w, "array", IDEM_SCALAR, (float[]){2.5f});
    idem_weights_free(w);
    assert_load_fails("tests/fixtures/format/fortran.npy", "Fortran");
    assert_load_fails("tests/fixtures/format/complex.npy", "<c8");
}

static void test_npy_round_trip(void **state) {
    (void)state;
    const idem_shape shapes[] = {IDEM_SCALAR, IDEM_SHAPE(5), IDEM_SHAPE(7, 5000), IDEM_SHAPE(1, 2, 1, 2, 1, 2)};
    char *path = temporary("", 0);
    for (size_t i = 0; i < 4; i++) {
        size_t n = (size_t)idem_shape_count(&shapes[i]);
        float *x = malloc(n * sizeof *x), *y;
        idem_rng r = idem_rng_make(i, "npy");
        idem_rng_fill_normal(&r, x, n);
        idem_shape shape;
        assert_int_equal(idem_npy_save(path, &shapes[i], x), 0);
        assert_int_equal(idem_npy_load(path, &shape, &y), 0);
        assert_true(idem_shape_equal(&shape, &shapes[i]));
        assert_memory_equal(x, y, n * sizeof *x);
        free(x);
        free(y);
    }
    /* Byte for byte what NumPy writes. */
    float x[24];
    for (int k = 0; k < 24; k++)
        x[k] = value_at(k, "float32");
    assert_int_equal(idem_npy_save(path, &IDEM_SHAPE(2, 3, 4), x), 0);
    unsigned char *ours, *theirs;
    size_t n, m;
    assert_int_equal(idem_file_read(path, 1000, &ours, &n), 0);
    assert_int_equal(idem_file_read("tests/fixtures/format/float32.npy", 1000, &theirs, &m), 0);
    assert_int_equal(n, m);
    assert_memory_equal(ours, theirs, n);
    free(ours);
    free(theirs);
    discard(path);
}

static void test_npy_refusals(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        const char *words;
    } CASES[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 11, "truncated"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 13, "found 13"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1152921504606846976,), }", 16, "does not fit"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 16, "not a number"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 16, "does not fit"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2), }", 0, "without elements"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1), }", 4, "rank above 6"},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (3,), }", 12, ">f4"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }", 12, "records"},
        {"{'descr': '<f4', 'shape': (3,), }", 12, "expected descr, fortran_order and shape"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3", 12, "does not end"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (3,) 'x'", 12, "does not end"},
        {"", 12, "no dictionary"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        unsigned char bytes[300] = "\x93NUMPY\x01";
        size_t n = strlen(CASES[i].header);
        bytes[8] = (unsigned char)n;
        memcpy(bytes + 10, CASES[i].header, n);
        idem_shape shape;
        float *x = NULL;
        idem_error_clear();
        assert_int_equal(idem_npy_parse(bytes, 10 + n + CASES[i].data, "test.npy", &shape, &x), -1);
        assert_null(x);
        assert_message("test.npy");
        assert_message(CASES[i].words);
    }
}

/* ---- the manifest ---- */

static const char MANIFEST[] = "[{\"weights\":[{\"name\":\"a/filters\",\"shape\":[1,2],\"dtype\":\"float32\","
                               "\"quantization\":{\"dtype\":\"uint8\",\"scale\":0.5,\"min\":-1.25}},"
                               "{\"name\":\"b\",\"shape\":[1],\"dtype\":\"float32\"}],\"paths\":[\"m.bin\"]}]";

static void test_manifest(void **state) {
    (void)state;
    static const unsigned char BIN[] = {0, 255, 0, 0, 0x80, 0x3f};
    idem_weights *w = NULL;
    const unsigned char *text = (const unsigned char *)MANIFEST;
    assert_int_equal(idem_manifest_parse(&w, text, sizeof MANIFEST - 1, BIN, 6, "m.json"), 0);
    assert_true(expect(w, "a/filters", IDEM_SHAPE(1, 2), "uint8")->data[0] == -1.25f);
    assert_true(idem_weights_find(w, "a/filters")->data[1] == 126.25f);
    expect_list(w, "b", IDEM_SHAPE(1), (float[]){1});
    idem_weights_free(w);
    w = NULL;
    assert_int_equal(idem_manifest_parse(&w, text, sizeof MANIFEST - 1, BIN, 5, "m.json"), -1);
    assert_message("truncated");
    unsigned char longer[7] = {0};
    assert_int_equal(idem_manifest_parse(&w, text, sizeof MANIFEST - 1, longer, 7, "m.json"), -1);
    assert_message("belong together");
    assert_null(w);

    char dir[] = "/tmp/idem-format-XXXXXX", path[100];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/m.bin", dir);
    assert_int_equal(idem_file_write(path, BIN, 6), 0);
    snprintf(path, sizeof path, "%s/m.json", dir);
    assert_int_equal(idem_file_write(path, MANIFEST, sizeof MANIFEST - 1), 0);
    assert_int_equal(idem_weights_load(&w, path), 0);
    assert_int_equal(idem_weights_count(w), 2);
    idem_weights_free(w);
    static const char ELSEWHERE[] = "[{\"weights\":[],\"paths\":[\"../m.bin\"]}]";
    assert_int_equal(idem_file_write(path, ELSEWHERE, sizeof ELSEWHERE - 1), 0);
    assert_load_fails(path, "plain file name");
    unlink(path);
    snprintf(path, sizeof path, "%s/m.bin", dir);
    unlink(path);
    rmdir(dir);
}

static void test_judge_manifest(void **state) {
    (void)state;
    const char *models = getenv("IDEM_MODELS");
    char path[1000];
    snprintf(path, sizeof path, "%s/face_recognition_model-weights_manifest.json", models ? models : "models/cache");
    if (access(path, R_OK)) {
        print_message("skip: %s is not there (scripts/setup fetches it)\n", path);
        skip();
    }
    idem_weights *w = NULL;
    assert_int_equal(idem_weights_load(&w, path), 0);
    const idem_weight *t = expect(w, "conv32_down/conv/filters", IDEM_SHAPE(7, 7, 3, 32), "uint8");
    size_t whole = 0;
    for (size_t i = 0; i < idem_weights_count(w); i++)
        whole += idem_weights_at(w, i)->dtype == IDEM_DTYPE_F32;
    assert_int_equal(whole, 8);
    float least = INFINITY;
    for (int64_t i = 0; i < idem_shape_count(&t->shape); i++)
        least = t->data[i] < least ? t->data[i] : least;
    assert_true(least == -0.07101876902229645f); /* its min: the quantisation reaches down to 0 */
    idem_weights_free(w);
}

/* ---- what is not a weight file ---- */

static void test_looks_like(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *words;
    } CASES[] = {
        {"", 0, "empty file"},
        {"\x89PNG\r\n\x1a\n....", 12, "a PNG picture"},
        {"\xff\xd8\xff\xe0........", 12, "a JPEG picture"},
        {"\n <!DOCTYPE html><html>", 22, "HTML page (a failed download?)"},
        {"version https://git-lfs.github.com/spec/v1\n", 43, "Git LFS pointer"},
        {"\x1f\x8b\x08.........", 12, "gzip"},
        {"\x80\x02}q\x01(X\x01.....", 12, "a Python pickle"},
        {"\x80\x03}q\x01(X\x04torch_utils.persistence", 31, "NVIDIA .pkl"},
        {"\x80\x02.dnnlib.tflib.network\nNetwork\n", 31, "NVIDIA .pkl"},
        {"\x89HDF\r\n\x1a\n....", 12, "HDF5"},
        {"PK\x03\x04............", 16, "damaged or truncated"},
        {"hello, world, here I am", 23, "a text file"},
        {"[1, 2]", 6, "not a weights manifest"},
        {"{\"a\": 1}", 8, "not a weights manifest"},
        {"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16, "zeros"},
        {"\x10\x00\x00\x00\x00\x00\x00\x00{\"a\":", 13, "truncated"},
        {"\x93NUMPY\x01\x00\x76\x00{'descr", 17, "truncated"},
        {"\x08\x07\x12\x07pytorch\x1a\x04 1.1: ", 20, "an ONNX model"},
        {"\x05\x04\x03\x02\x01\x05\x04\x03\x02\x01", 10, "nothing known"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char *path = temporary(CASES[i].bytes, CASES[i].size);
        assert_load_fails(path, CASES[i].words);
        discard(path);
    }
    assert_load_fails("/tmp/idem/is/not/here", "/tmp/idem/is/not/here");
    assert_load_fails("tests", "folder");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_values),       cmocka_unit_test(test_half_rounding),
        cmocka_unit_test(test_bfloat_rounding),   cmocka_unit_test(test_container),
        cmocka_unit_test(test_metadata),          cmocka_unit_test(test_channels_last),
        cmocka_unit_test(test_safetensors_types), cmocka_unit_test(test_safetensors_round_trip),
        cmocka_unit_test(test_save_refusals),     cmocka_unit_test(test_safetensors_refusals),
        cmocka_unit_test(test_torch_types),       cmocka_unit_test(test_torch_views),
        cmocka_unit_test(test_torch_deflated),    cmocka_unit_test(test_torch_protocol4),
        cmocka_unit_test(test_torch_legacy),      cmocka_unit_test(test_torch_runs_nothing),
        cmocka_unit_test(test_generator),         cmocka_unit_test(test_npy),
        cmocka_unit_test(test_npy_round_trip),    cmocka_unit_test(test_npy_refusals),
        cmocka_unit_test(test_manifest),          cmocka_unit_test(test_judge_manifest),
        cmocka_unit_test(test_looks_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
