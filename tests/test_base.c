/* src/base: messages, arena, random numbers, log; files are test_file.c's. */
#define _GNU_SOURCE
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/rng.h"
#include "base/status.h"

/* ---- messages ---- */

static void *thread_fails(void *unused) {
    (void)unused;
    assert_string_equal(idem_error(), "");
    idem_fail("other thread");
    return NULL;
}

static void message_is_per_thread_and_cut(void **state) {
    (void)state;
    assert_int_equal(idem_fail("%s: rank is %d", "x", 3), -1);
    assert_string_equal(idem_error(), "x: rank is 3");
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, thread_fails, NULL), 0);
    pthread_join(t, NULL);
    assert_string_equal(idem_error(), "x: rank is 3");
    assert_int_equal(idem_error_kind(), IDEM_INPUT);
    idem_fail_as(IDEM_MEMORY, "%s", idem_error());
    assert_null(idem_fail_null_more("again: %s", idem_error()));
    assert_int_equal(idem_error_kind(), IDEM_MEMORY);
    assert_string_equal(idem_error(), "again: x: rank is 3");

    char big[3000];
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = 0;
    idem_fail("%s", big);
    assert_int_equal(strlen(idem_error()), 999);
    assert_string_equal(idem_error() + 996, "...");
    idem_error_clear();
    assert_string_equal(idem_error(), "");
}

/* ---- arena ---- */

static void arena_blocks_are_zeroed_aligned_and_apart(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 63, 64, 65, 1000, 65535, 65536, 70000, 5, 300000, 12};
    enum { N = sizeof sizes / sizeof *sizes };
    idem_arena *a = idem_arena_new();
    assert_non_null(a);
    unsigned char *p[N];
    size_t total = 0;
    for (size_t i = 0; i < N; i++) {
        p[i] = idem_arena_alloc(a, sizes[i]);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % 64, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(p[i][k], 0);
        memset(p[i], (int)i + 1, sizes[i]);
        total += ((sizes[i] ? sizes[i] : 1) + 63) / 64 * 64;
    }
    for (size_t i = 0; i < N; i++)
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(p[i][k], i + 1);
    assert_int_equal(idem_arena_bytes(a), total);
    assert_string_equal(idem_arena_strdup(a, "abc"), "abc");
    assert_string_equal(idem_arena_printf(a, "%d-%s", 7, "x"), "7-x");
    idem_arena_free(a);
    idem_arena_free(NULL);
}

static void arena_refuses_absurd_sizes(void **state) {
    (void)state;
    idem_arena *a = idem_arena_new();
    assert_null(idem_arena_alloc(a, SIZE_MAX));
    assert_non_null(strstr(idem_error(), "out of memory"));
    assert_null(idem_arena_alloc(a, SIZE_MAX - 10));
    idem_error_clear();
    assert_null(idem_arena_array(a, SIZE_MAX / 4 + 2, 4)); /* the product wraps to 4 */
    assert_non_null(strstr(idem_error(), "out of memory"));
    assert_int_equal(idem_arena_bytes(a), 0);
    idem_arena_free(a);
}

static void blocks_are_zeroed_and_aligned(void **state) {
    (void)state;
    size_t bytes = (6u << 20) + 3;
    unsigned char *p = idem_block_alloc(bytes);
    assert_non_null(p);
    assert_int_equal((uintptr_t)p % 64, 0);
    for (size_t i = 0; i < bytes; i += 1021)
        assert_int_equal(p[i], 0);
    p[bytes - 1] = 1;
    idem_block_free(p, bytes);
    idem_block_free(NULL, 0);
}

static long resident_pages(void) {
    long size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (!f || fscanf(f, "%ld %ld", &size, &pages) != 2)
        skip();
    fclose(f);
    return pages;
}

/* A second huge page for each would be 28 MB more. */
static void blocks_take_the_memory_of_their_bytes(void **state) {
    (void)state;
    enum { BLOCKS = 16, BYTES = (2 << 20) + (300 << 10) };
    void *block[BLOCKS];
    const long before = resident_pages();
    for (int i = 0; i < BLOCKS; i++) {
        assert_non_null(block[i] = idem_block_alloc(BYTES));
        memset(block[i], 1, BYTES);
    }
    const double taken = (double)(resident_pages() - before) * (double)sysconf(_SC_PAGESIZE);
    assert_true(taken < 1.15 * BLOCKS * BYTES);
    for (int i = 0; i < BLOCKS; i++)
        idem_block_free(block[i], BYTES);
}

/* ---- random numbers ---- */

/* The key 1234567 gives splitmix64's published sequence; the others were computed by a second implementation in Python.
 */
static void rng_matches_reference_values(void **state) {
    (void)state;
    idem_rng plain = {.key = 1234567};
    assert_true(idem_rng_u64(&plain) == 6457827717110365317u);
    assert_true(idem_rng_u64(&plain) == 3203168211198807973u);

    static const struct {
        uint64_t seed;
        const char *stream;
        uint64_t first[3], millionth;
    } rows[] = {
        {0, "", {0x0d7293fe83b1a2bcu, 0x764ede80904bee69u, 0xd63b152c4e5372cdu}, 0xbc6cee0afd35c5e9u},
        {1, "train", {0x67b2d33c9b00cfd1u, 0xe70a794395571101u, 0x8eeea0c9180b2f7eu}, 0xaa25834cc844b0d8u},
        {UINT64_MAX, "noise", {0x1e8a1930aa53f437u, 0xc5a9a45fd65e26c6u, 0x1a0d709be18a4c6au}, 0x2dedb28cb9a3bda4u},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        idem_rng r = idem_rng_make(rows[i].seed, rows[i].stream);
        for (int k = 0; k < 3; k++)
            assert_true(idem_rng_u64(&r) == rows[i].first[k]);
        r.counter = 999999;
        assert_true(idem_rng_u64(&r) == rows[i].millionth);
    }

    idem_rng r = idem_rng_make(1, "train");
    static const float normal[] = {0.8338161310999194f, -0.2753589463349866f, -0.4255958186749575f, 0.390812894942353f};
    for (int k = 0; k < 4; k++)
        assert_float_equal(idem_rng_normal(&r), normal[k], 1e-6f);
}

static void rng_resumes_from_its_counter(void **state) {
    (void)state;
    idem_rng r = idem_rng_make(42, "data");
    float skip[37];
    idem_rng_fill_normal(&r, skip, 37);
    idem_rng saved = r, again = idem_rng_make(42, "data");
    again.counter = saved.counter;
    for (int i = 0; i < 100; i++) {
        assert_true(idem_rng_u64(&r) == idem_rng_u64(&again));
        assert_true(idem_rng_below(&r, 1000003) == idem_rng_below(&again, 1000003));
        assert_true(idem_rng_normal(&r) == idem_rng_normal(&again));
    }
    assert_true(r.counter == again.counter);
}

/* Streams of one seed, neighbouring seeds, and one stream against itself shifted by one: no correlation beyond chance.
 */
static void rng_streams_are_independent(void **state) {
    (void)state;
    enum { N = 100000 };
    idem_rng a = idem_rng_make(7, "a"), b = idem_rng_make(7, "b"), c = idem_rng_make(8, "a"), d = idem_rng_make(7, "a");
    idem_rng_u64(&d);
    double ab = 0, ac = 0, ad = 0, mean = 0, square = 0;
    for (int i = 0; i < N; i++) {
        double x = idem_rng_uniform(&a) - 0.5;
        assert_true(x >= -0.5 && x < 0.5);
        ab += x * (idem_rng_uniform(&b) - 0.5);
        ac += x * (idem_rng_uniform(&c) - 0.5);
        ad += x * (idem_rng_uniform(&d) - 0.5);
        mean += x;
        square += x * x;
    }
    double se = 1 / sqrt(N); /* of a correlation */
    assert_true(fabs(ab * 12 / N) < 5 * se);
    assert_true(fabs(ac * 12 / N) < 5 * se);
    assert_true(fabs(ad * 12 / N) < 5 * se);
    assert_true(fabs(mean / N) < 5 * se * sqrt(1.0 / 12));
    assert_true(fabs(square * 12 / N - 1) < 0.02);
}

static void rng_below_and_normal_have_their_distribution(void **state) {
    (void)state;
    enum { N = 60000 };
    idem_rng r = idem_rng_make(3, "dice");
    int seen[6] = {0};
    for (int i = 0; i < N; i++) {
        uint64_t x = idem_rng_below(&r, 6);
        assert_true(x < 6);
        seen[x]++;
    }
    double chi = 0;
    for (int i = 0; i < 6; i++)
        chi += (seen[i] - N / 6.0) * (seen[i] - N / 6.0) / (N / 6.0);
    assert_true(chi < 25); /* 5 degrees of freedom: p < 0.0002 */
    for (int i = 0; i < 100; i++)
        assert_true(idem_rng_below(&r, 1) == 0);

    double m = 0, v = 0, k = 0;
    for (int i = 0; i < N; i++) {
        double x = idem_rng_normal(&r);
        assert_true(isfinite(x));
        m += x;
        v += x * x;
        k += x * x * x * x;
    }
    assert_true(fabs(m / N) < 0.02);
    assert_true(fabs(v / N - 1) < 0.03);
    assert_true(fabs(k / N - 3) < 0.25);
}

static void rng_shuffle_is_a_permutation(void **state) {
    (void)state;
    uint32_t x[1000];
    bool seen[1000] = {false};
    for (uint32_t i = 0; i < 1000; i++)
        x[i] = i;
    idem_rng r = idem_rng_make(5, "order");
    idem_rng_shuffle(&r, x, 1000);
    int fixed = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(x[i] < 1000 && !seen[x[i]]);
        seen[x[i]] = true;
        fixed += x[i] == i;
    }
    assert_true(fixed < 10);
    idem_rng_shuffle(&r, x, 0);
    idem_rng_shuffle(&r, x, 1);
}

/* ---- log ---- */

static void keep_line(void *user, idem_log_level level, const char *line) {
    snprintf(user, 2000, "%d %s", (int)level, line);
}

static void log_goes_to_the_sink_only(void **state) {
    (void)state;
    char kept[2000] = "", big[3000];
    idem_log(IDEM_LOG_NOTE, "unheard");
    idem_log_set_sink(keep_line, kept);
    assert_string_equal(kept, "");
    idem_log(IDEM_LOG_WARNING, "x %d", 5);
    assert_string_equal(kept, "1 x 5");
    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = 0;
    idem_log(IDEM_LOG_NOTE, "%s", big);
    assert_int_equal(strlen(kept), 2 + 999);
    idem_log_set_sink(NULL, NULL);
    kept[0] = 0;
    idem_log(IDEM_LOG_NOTE, "unheard");
    assert_string_equal(kept, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_is_per_thread_and_cut),
        cmocka_unit_test(arena_blocks_are_zeroed_aligned_and_apart),
        cmocka_unit_test(arena_refuses_absurd_sizes),
        cmocka_unit_test(blocks_are_zeroed_and_aligned),
        cmocka_unit_test(blocks_take_the_memory_of_their_bytes),
        cmocka_unit_test(rng_matches_reference_values),
        cmocka_unit_test(rng_resumes_from_its_counter),
        cmocka_unit_test(rng_streams_are_independent),
        cmocka_unit_test(rng_below_and_normal_have_their_distribution),
        cmocka_unit_test(rng_shuffle_is_a_permutation),
        cmocka_unit_test(log_goes_to_the_sink_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
