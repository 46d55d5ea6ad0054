/* src/format: PyTorch files, npy, the weights manifest, and what is none of these. The files in tests/fixtures/format
 * were written by PyTorch and NumPy (tests/oracle/format_torch.py, where the rule for their values stands). */
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

/* ---- PyTorch ---- */

static void test_torch_types(void **state) {
    (void)state;
    idem_weights *w = format_load("dtypes.pt");
    format_expect_all_types(w);
    assert_int_equal(idem_weights_count(w), 10);
    idem_weights_free(w);
    w = format_load("legacy-dtypes.pt");
    format_expect_all_types(w);
    assert_int_equal(idem_weights_count(w), 10);
    idem_weights_free(w);
}

static float base_at(int row, int column) {
    return format_value(row * 6 + column, "float32");
}

static void expect_views(const char *file) {
    idem_weights *w = format_load(file);
    float x[256];
    format_expect_values(w, "g_ema.0.weight", IDEM_SHAPE(3, 2, 3, 3), "float32");
    format_expect_values(w, "g_ema.0.bias", IDEM_SHAPE(3), "float32");
    format_expect_list(w, "g_ema.1.running_var", IDEM_SHAPE(3), (float[]){1, 1, 1});
    assert_true(format_expect(w, "g_ema.1.num_batches_tracked", IDEM_SCALAR, "int64")->data[0] == 0);
    format_expect_values(w, "latent_avg", IDEM_SHAPE(7), "float32");
    format_expect_values(w, "base", IDEM_SHAPE(4, 6), "float32");
    format_expect_values(w, "tied", IDEM_SHAPE(4, 6), "float32");
    format_expect_values(w, "parameter", IDEM_SHAPE(2, 2), "float32");
    format_expect_values(w, "channels_last", IDEM_SHAPE(2, 3, 4, 5), "float32");
    format_expect_values(w, "optimiser.state.0.moment", IDEM_SHAPE(2), "float32");
    format_expect_list(w, "scalar", IDEM_SCALAR, (float[]){2.5f});
    for (int i = 0; i < 24; i++)
        x[i] = base_at(i % 4, i / 4);
    format_expect_list(w, "transposed", IDEM_SHAPE(6, 4), x);
    for (int i = 0; i < 6; i++)
        x[i] = base_at(2, i);
    format_expect_list(w, "row", IDEM_SHAPE(6), x);
    for (int i = 0; i < 4; i++)
        x[i] = base_at(i, 3);
    format_expect_list(w, "column", IDEM_SHAPE(4), x);
    for (int i = 0; i < 6; i++)
        x[i] = base_at(1 + i / 3, 2 + i % 3);
    format_expect_list(w, "block", IDEM_SHAPE(2, 3), x);
    for (int i = 0; i < 4; i++)
        x[i] = base_at(i / 2 * 2, i % 2 * 3);
    format_expect_list(w, "every_second", IDEM_SHAPE(2, 2), x);
    for (int i = 0; i < 30; i++)
        x[i] = base_at(0, i % 6);
    format_expect_list(w, "expanded", IDEM_SHAPE(5, 6), x);
    const idem_weight *p = format_expect(w, "permuted", IDEM_SHAPE(5, 3, 2, 4), "float16");
    for (int i = 0; i < 120; i++) { /* [a, b, c, d] of it is [c, b, d, a] of the original */
        int a = i / 24, b = i / 8 % 3, c = i / 4 % 2, d = i % 4;
        assert_true(p->data[i] == format_value(((c * 3 + b) * 4 + d) * 5 + a, "float16"));
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
    format_expect_values(w, "0.weight", IDEM_SHAPE(3, 2, 3, 3), "float32");
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

static void test_torch_old(void **state) {
    (void)state;
    idem_weights *w = format_load("old.pt");
    format_expect_values(w, "weight", IDEM_SHAPE(3, 5), "float32");
    format_expect_values(w, "mean", IDEM_SHAPE(3, 5), "float32");
    assert_int_equal(idem_weights_count(w), 2);
    idem_weights_free(w);
}

static void test_torch_runs_nothing(void **state) {
    (void)state;
    unlink("/tmp/idem-was-here");
    format_assert_load_fails("tests/fixtures/format/system.pt", "posix.system");
    format_assert_message("nothing was run");
    assert_int_equal(access("/tmp/idem-was-here", F_OK), -1);
    format_assert_load_fails("tests/fixtures/format/module.pt", "torch.nn.modules.linear.Linear");
}

static void test_generator(void **state) {
    (void)state;
    idem_weights *w = NULL;
    assert_int_equal(idem_weights_load(&w, "tests/fixtures/generator-64.safetensors"), 0);
    assert_int_equal(idem_weights_count(w), 92);
    format_expect(w, "style.1.weight", IDEM_SHAPE(256, 256), "float16");
    format_expect(w, "convs.7.conv.weight", IDEM_SHAPE(1, 32, 32, 3, 3), "float16");
    format_expect(w, "noises.noise_8", IDEM_SHAPE(1, 1, 64, 64), "float16");
    format_expect(w, "latent_avg", IDEM_SHAPE(256), "float16");
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
        snprintf(path, sizeof path, "tests/fixtures/format/%s.npy", TYPES[i]);
        assert_int_equal(idem_npy_load(path, &shape, &x), 0);
        assert_true(idem_shape_equal(&shape, &IDEM_SHAPE(2, 3, 4)));
        for (int k = 0; k < 24; k++)
            assert_true(x[k] == format_value(k, TYPES[i]));
        free(x);
    }
    idem_weights *w = format_load("rank0.npy");
    format_expect_list(w, "array", IDEM_SCALAR, (float[]){2.5f});
    idem_weights_free(w);
    format_assert_load_fails("tests/fixtures/format/fortran.npy", "Fortran");
    format_assert_load_fails("tests/fixtures/format/complex.npy", "<c8");
}

static void test_npy_round_trip(void **state) {
    (void)state;
    const idem_shape shapes[] = {IDEM_SCALAR, IDEM_SHAPE(5), IDEM_SHAPE(7, 5000), IDEM_SHAPE(1, 2, 1, 2, 1, 2)};
    char *path = format_temporary("", 0);
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
        x[k] = format_value(k, "float32");
    assert_int_equal(idem_npy_save(path, &IDEM_SHAPE(2, 3, 4), x), 0);
    unsigned char *ours, *theirs;
    size_t n, m;
    assert_int_equal(idem_file_read(path, 1000, &ours, &n), 0);
    assert_int_equal(idem_file_read("tests/fixtures/format/float32.npy", 1000, &theirs, &m), 0);
    assert_int_equal(n, m);
    assert_memory_equal(ours, theirs, n);
    free(ours);
    free(theirs);
    format_discard(path);
}

/* An array of this header and n bytes of data. */
static int parse_npy(const char *header, size_t n) {
    unsigned char bytes[300] = "\x93NUMPY\x01";
    const size_t length = strlen(header);
    bytes[8] = (unsigned char)length;
    memcpy(bytes + 10, header, length);
    idem_shape shape;
    float *x = NULL;
    const int status = idem_npy_parse(bytes, 10 + length + n, "test.npy", &shape, &x);
    assert_true(!x == !!status);
    free(x);
    return status;
}

static void test_npy_refusals(void **state) {
    (void)state;
    static const format_refusal CASES[] = {
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
    format_expect_refusals(CASES, sizeof CASES / sizeof *CASES, parse_npy, "test.npy");
    assert_int_equal(parse_npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 12), 0);
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
    assert_true(format_expect(w, "a/filters", IDEM_SHAPE(1, 2), "uint8")->data[0] == -1.25f);
    assert_true(idem_weights_find(w, "a/filters")->data[1] == 126.25f);
    format_expect_list(w, "b", IDEM_SHAPE(1), (float[]){1});
    idem_weights_free(w);
    w = NULL;
    assert_int_equal(idem_manifest_parse(&w, text, sizeof MANIFEST - 1, BIN, 5, "m.json"), -1);
    format_assert_message("truncated");
    unsigned char longer[7] = {0};
    assert_int_equal(idem_manifest_parse(&w, text, sizeof MANIFEST - 1, longer, 7, "m.json"), -1);
    format_assert_message("belong together");
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
    format_assert_load_fails(path, "plain file name");
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
    const idem_weight *t = format_expect(w, "conv32_down/conv/filters", IDEM_SHAPE(7, 7, 3, 32), "uint8");
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
        {"\x80\x02}q\x01(X\x01.....", 12, "reaches beyond its pickle"},
        {"\x80\x03}q\x01(X\x04torch_utils.persistence", 31, "reaches beyond its pickle"},
        {"\x80\x02.dnnlib.tflib.network\nNetwork\n", 31, "damaged pickle"},
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
        char *path = format_temporary(CASES[i].bytes, CASES[i].size);
        format_assert_load_fails(path, CASES[i].words);
        format_discard(path);
    }
    format_assert_load_fails("/tmp/idem/is/not/here", "/tmp/idem/is/not/here");
    format_assert_load_fails("tests", "folder");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torch_types),
        cmocka_unit_test(test_torch_views),
        cmocka_unit_test(test_torch_deflated),
        cmocka_unit_test(test_torch_protocol4),
        cmocka_unit_test(test_torch_legacy),
        cmocka_unit_test(test_torch_old),
        cmocka_unit_test(test_torch_runs_nothing),
        cmocka_unit_test(test_generator),
        cmocka_unit_test(test_npy),
        cmocka_unit_test(test_npy_round_trip),
        cmocka_unit_test(test_npy_refusals),
        cmocka_unit_test(test_manifest),
        cmocka_unit_test(test_judge_manifest),
        cmocka_unit_test(test_looks_like),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
