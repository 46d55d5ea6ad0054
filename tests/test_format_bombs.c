/* src/format against small files that unfold: whatever they claim, memory stays within 64 MB + 8 times the file. Each
 * is read in a process of its own, whose peak is looked at. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <zip.h>

#include "base/status.h"
#include "support/hostile.h"

/* Peak resident memory that an attempt adds, in bytes; SIZE_MAX when it died or computed longer than 20 s. */
static size_t peak_of(int format, const blob *b) {
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    malloc_trim(0); /* so that what the child takes is new memory */
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        setrlimit(RLIMIT_CPU, &(struct rlimit){20, 20});
        struct rusage before, after;
        getrusage(RUSAGE_SELF, &before);
        hostile_attempt(format, b->data, b->size);
        getrusage(RUSAGE_SELF, &after);
        size_t kilobytes = (size_t)(after.ru_maxrss - before.ru_maxrss);
        _exit(write(fds[1], &kilobytes, sizeof kilobytes) != sizeof kilobytes);
    }
    close(fds[1]);
    size_t kilobytes = 0;
    bool told = read(fds[0], &kilobytes, sizeof kilobytes) == sizeof kilobytes;
    close(fds[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return told && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? kilobytes * 1024 : SIZE_MAX;
}

static void assert_bounded(int format, blob *b, const char *what) {
    size_t peak = peak_of(format, b), most = ((size_t)64 << 20) + 8 * b->size;
#ifdef HOSTILE_SANITIZED
    most = SIZE_MAX - 1;
#endif
    if (peak > most)
        fail_msg("%s: %zu bytes of file took %zu MB, at most %zu are allowed", what, b->size, peak >> 20, most >> 20);
    blob_drop(b);
}

static blob repeated(const char *start, const char *piece, size_t times, const char *end) {
    blob b = {0};
    blob_text(&b, start);
    for (size_t i = 0; i < times; i++)
        blob_text(&b, piece);
    blob_text(&b, end);
    return b;
}

static void test_pickle_bombs(void **state) {
    (void)state;
    static const struct {
        const char *start, *piece;
        size_t times;
        const char *end;
    } BOMBS[] = {
        {"\x80\x02", "}", 2000000, "."},  /* objects */
        {"\x80\x02", "(", 2000000, "."},  /* marks */
        {"\x80\x02", "]q", 1000000, "."}, /* memo */
        {"\x80\x02]q\x01",
         "(h\x01h\x01"
         "e",
         400000, "."}, /* a list of itself, twice as long every time */
        {"\x80\x02}q\x01",
         "h\x01h\x01U\x01"
         "ah\x01s0",
         300000, "."}, /* a dictionary of itself */
        {"\x80\x02", "\x85", 100000, "."},
        {"\x80\x02)", "\x85", 2000000, "."}, /* deep */
        {"\x80\x02}q\x01", "U\x01xh\x01s", 100000, "."},
        {"\x80\x02]q\x01", "ah\x01", 1, "."},
        {"\x80\x02}r\xff\xff\x1f\x01", "", 0, "."}, /* a memo number out of proportion */
        {"\x80\x02(", "K\x01K\x02", 1000000, "d."}, /* many values */
    };
    for (size_t i = 0; i < sizeof BOMBS / sizeof *BOMBS; i++) {
        char what[40];
        snprintf(what, sizeof what, "pickle bomb %zu", i);
        blob pickle = repeated(BOMBS[i].start, BOMBS[i].piece, BOMBS[i].times, BOMBS[i].end);
        const member m = {"a/data.pkl", pickle.data, pickle.size, ZIP_CM_DEFLATE};
        blob b = hostile_archive(&m, 1);
        assert_bounded(TORCH, &b, what);
        const member stored = {"a/data.pkl", pickle.data, pickle.size, ZIP_CM_STORE};
        b = hostile_archive(&stored, 1);
        assert_bounded(TORCH, &b, what);
        blob_drop(&pickle);
    }
}

/* Thirty dictionaries, each holding the one before twice: 2^30 tensors if it were followed. */
static void test_many_paths(void **state) {
    (void)state;
    blob pickle = {0};
    blob_text(&pickle, "\x80\x02}U\x01xK\x01sq\x01"
                       "0");
    for (int i = 1; i <= 30; i++) {
        blob_text(&pickle, "}(U\x01"
                           "ah");
        blob_byte(&pickle, i);
        blob_text(&pickle, "U\x01"
                           "bh");
        blob_byte(&pickle, i);
        blob_text(&pickle, "uq");
        blob_byte(&pickle, i + 1);
        blob_text(&pickle, "0");
    }
    blob_text(&pickle, "h\x1f.");
    assert_int_equal(hostile_pickle(pickle.data, pickle.size), -1);
    const member m = {"a/data.pkl", pickle.data, pickle.size, ZIP_CM_STORE};
    blob b = hostile_archive(&m, 1);
    assert_bounded(TORCH, &b, "many paths");
    blob_drop(&pickle);
}

static void test_zip_bombs(void **state) {
    (void)state;
    enum { LARGE = 100 << 20 };
    unsigned char *zeros = calloc(LARGE, 1);
    assert_non_null(zeros);
    /* 25 M values that are really there, deflated some hundredfold. */
    blob pickle = hostile_tensor(0, LARGE / 4, 1, LARGE / 4);
    const member m[] = {{"a/data.pkl", pickle.data, pickle.size, ZIP_CM_STORE},
                        {"a/data/0", zeros, LARGE, ZIP_CM_DEFLATE}};
    blob b = hostile_archive(m, 2);
    assert_true(b.size < LARGE / 100);
    assert_int_equal(hostile_attempt(TORCH, b.data, b.size), -1);
    assert_non_null(strstr(idem_error(), "proportion"));
    assert_bounded(TORCH, &b, "deflated storage");
    blob_drop(&pickle);
    /* One value of them is used. */
    pickle = hostile_tensor(0, 1, 1, LARGE / 4);
    const member one[] = {{"a/data.pkl", pickle.data, pickle.size, ZIP_CM_STORE},
                          {"a/data/0", zeros, LARGE, ZIP_CM_DEFLATE}};
    b = hostile_archive(one, 2);
    assert_bounded(TORCH, &b, "deflated storage, one value");
    blob_drop(&pickle);
    const member whole = {"a/data.pkl", zeros, LARGE, ZIP_CM_DEFLATE};
    b = hostile_archive(&whole, 1);
    assert_bounded(TORCH, &b, "deflated pickle");
    free(zeros);
}

static void test_safetensors_bombs(void **state) {
    (void)state;
    static const struct {
        const char *start, *piece, *end;
    } BOMBS[] = {{"{\"a\":[", "[],", "0]}"},  {"{\"a\":[", "{},", "0]}"}, {"{\"a\":[", "1,", "0]}"},
                 {"{\"a\":", "[", ""},        {"{\"a\":", "{\"a\":", ""}, {"{\"a\":\"", "\\u00e9", "\"}"},
                 {"{\"a\":[", "\"\",", "0]}"}};
    for (size_t i = 0; i < sizeof BOMBS / sizeof *BOMBS; i++)
        for (size_t bytes = 1900000; bytes <= 20000000; bytes *= 10) {
            char what[60];
            snprintf(what, sizeof what, "safetensors bomb %zu of %zu", i, bytes);
            blob text = repeated(BOMBS[i].start, BOMBS[i].piece, bytes / strlen(BOMBS[i].piece), BOMBS[i].end), b = {0};
            blob_le(&b, text.size, 8);
            blob_put(&b, text.data, text.size);
            blob_drop(&text);
            assert_int_equal(hostile_attempt(SAFETENSORS, b.data, b.size), -1);
            assert_bounded(SAFETENSORS, &b, what);
        }
}

/* As many names as a header has room for: metadata, nonsense, empty tensors, tensors of one byte. */
static void test_safetensors_names(void **state) {
    (void)state;
    enum { META, NUMBERS, LISTS, EMPTY, SMALL, KINDS };
    for (int kind = 0; kind < KINDS; kind++) {
        blob text = {0}, b = {0};
        int n = 0;
        blob_text(&text, kind == META ? "{\"__metadata__\":{" : "{");
        for (; text.size < 2000000; n++) {
            char entry[160], one[100];
            static const char *const VALUES[] = {"\"\"", "1", "[]",
                                                 "{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}"};
            snprintf(one, sizeof one, "{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}", n, n + 1);
            snprintf(entry, sizeof entry, "%s\"n%x\":%s", n ? "," : "", (unsigned)n,
                     kind == SMALL ? one : VALUES[kind]);
            blob_text(&text, entry);
        }
        blob_text(&text, kind == META ? "}}" : "}");
        blob_le(&b, text.size, 8);
        blob_put(&b, text.data, text.size);
        for (int i = 0; kind == SMALL && i < n; i++)
            blob_byte(&b, 1);
        blob_drop(&text);
        bool good = kind == META || kind == EMPTY || kind == SMALL;
        assert_int_equal(hostile_attempt(SAFETENSORS, b.data, b.size), good ? 0 : -1);
        char what[60];
        snprintf(what, sizeof what, "many names, kind %d", kind);
        assert_bounded(SAFETENSORS, &b, what);
    }
}

static void test_onnx_bombs(void **state) {
    (void)state;
    /* Empty nodes, empty names, empty attributes, empty tensors, dimensions: two bytes each. */
    static const char *const PIECES[] = {"\x0a\x00",         "\x5a\x00",         "\x2a\x00",
                                         "\x0a\x02\x0a\x00", "\x0a\x02\x2a\x00", "\x2a\x02\x08\x01"};
    for (size_t i = 0; i < sizeof PIECES / sizeof *PIECES; i++) {
        char what[40];
        snprintf(what, sizeof what, "onnx bomb %zu", i);
        size_t n = PIECES[i][1] ? 4 : 2, times = 4000000;
        blob b = {0};
        blob_text(&b, "\x08\x07\x42\x02\x10\x0d\x3a");
        for (size_t left = n * times; left; left >>= 7)
            blob_byte(&b, (int)((left & 127) | (left > 127 ? 128 : 0)));
        for (size_t k = 0; k < times; k++)
            blob_put(&b, PIECES[i], n);
        assert_bounded(ONNX, &b, what);
    }
    blob list = {0};
    blob_text(&list, "\x08\x07\x42\x02\x10\x0d\x3a\xff\xff\xff\xff\x0f");
    assert_int_equal(hostile_attempt(ONNX, list.data, list.size), -1);
    blob_drop(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pickle_bombs),      cmocka_unit_test(test_many_paths),
        cmocka_unit_test(test_zip_bombs),         cmocka_unit_test(test_safetensors_bombs),
        cmocka_unit_test(test_safetensors_names), cmocka_unit_test(test_onnx_bombs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
