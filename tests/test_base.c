/* src/base: messages, arena, random numbers, files, log. */
#define _GNU_SOURCE
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"
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
    assert_null(idem_fail_null("again: %s", idem_error()));
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

/* ---- files ---- */

static int make_folder(void **state) {
    const char *tmp = getenv("TMPDIR");
    char *dir;
    if (asprintf(&dir, "%s/idem-test-XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0 || !mkdtemp(dir))
        return -1;
    *state = dir;
    return 0;
}

static int remove_folder(void **state) {
    char *command;
    if (asprintf(&command, "rm -rf '%s'", (char *)*state) < 0)
        return -1;
    int status = system(command);
    free(command);
    free(*state);
    return status;
}

static char *inside(void **state, const char *name) {
    char *p = idem_path_join(*state, name);
    assert_non_null(p);
    return p;
}

static void assert_holds(const char *path, const char *text) {
    unsigned char *data;
    size_t size;
    assert_int_equal(idem_file_read(path, 1 << 20, &data, &size), 0);
    assert_int_equal(size, strlen(text));
    assert_memory_equal(data, text, size + 1);
    free(data);
}

/* Entries of the folder, hidden ones included, without "." and "..". */
static int count_entries(const char *dir) {
    char *command;
    int n = -1;
    assert_true(asprintf(&command, "ls -A '%s' | wc -l", dir) > 0);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%d", &n), 1);
    pclose(f);
    free(command);
    return n;
}

static void read_refuses_what_is_no_small_file(void **state) {
    char *file = inside(state, "f"), *pipe = inside(state, "pipe"), *none = inside(state, "none");
    unsigned char *data;
    size_t size;
    assert_int_equal(idem_file_write(file, "12345", 5), 0);
    assert_int_equal(idem_file_read(file, 5, &data, &size), 0);
    free(data);
    assert_int_equal(idem_file_read(file, 4, &data, &size), -1);
    assert_non_null(strstr(idem_error(), "5 bytes, at most 4"));
    assert_int_equal(idem_file_read(*state, 100, &data, &size), -1);
    assert_non_null(strstr(idem_error(), "folder"));
    assert_int_equal(idem_file_read(none, 100, &data, &size), -1);
    assert_non_null(strstr(idem_error(), "No such file"));
    assert_int_equal(mkfifo(pipe, 0600), 0);
    alarm(10); /* the mistake here would be to wait for a writer */
    assert_int_equal(idem_file_read(pipe, 100, &data, &size), -1);
    assert_int_equal(idem_file_read("/dev/zero", 100, &data, &size), -1);
    alarm(0);
    assert_null(data);
    assert_int_equal(idem_file_write(file, NULL, 0), 0);
    assert_holds(file, "");
    free(file);
    free(pipe);
    free(none);
}

static void write_replaces_whole_and_aborts_clean(void **state) {
    char *file = inside(state, "f");
    assert_int_equal(idem_file_write(file, "old", 3), 0);
    idem_writer w;
    assert_int_equal(idem_writer_open(&w, file), 0);
    assert_true(fputs("new", w.stream) >= 0);
    fflush(w.stream);
    assert_holds(file, "old");
    assert_int_equal(idem_writer_commit(&w), 0);
    assert_holds(file, "new");

    assert_int_equal(idem_writer_open(&w, file), 0);
    fputs("thrown away", w.stream);
    idem_writer_abort(&w);
    assert_holds(file, "new");
    assert_int_equal(count_entries(*state), 1);
    free(file);
}

static void write_refuses_folders_devices_and_a_second_writer(void **state) {
    char *file = inside(state, "f"), *deep = inside(state, "no/such/f");
    assert_int_equal(idem_file_write(*state, "x", 1), -1);
    assert_non_null(strstr(idem_error(), "folder"));
    assert_int_equal(idem_file_write("/dev/null", "x", 1), -1);
    assert_non_null(strstr(idem_error(), "regular"));
    assert_int_equal(idem_file_write("", "x", 1), -1);
    assert_int_equal(idem_file_write(deep, "x", 1), -1);
    assert_non_null(strstr(idem_error(), deep));

    idem_writer one, two;
    assert_int_equal(idem_writer_open(&one, file), 0);
    assert_int_equal(idem_writer_open(&two, file), -1);
    assert_non_null(strstr(idem_error(), "being written"));
    fputs("first", one.stream);
    assert_int_equal(idem_writer_commit(&one), 0);
    assert_holds(file, "first");
    free(file);
    free(deep);
}

/* A disk that is full after 64 KB, as the file-size limit makes it. */
static void write_survives_a_full_disk(void **state) {
    char *file = inside(state, "f");
    size_t size = 1 << 20;
    char *big = calloc(1, size);
    assert_int_equal(idem_file_write(file, "old", 3), 0);
    struct rlimit before, limit;
    getrlimit(RLIMIT_FSIZE, &before);
    limit = (struct rlimit){.rlim_cur = 1 << 16, .rlim_max = before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    int status = idem_file_write(file, big, size);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, -1);
    assert_non_null(strstr(idem_error(), strerror(EFBIG)));
    assert_holds(file, "old");
    assert_int_equal(count_entries(*state), 1);
    assert_int_equal(idem_file_write(file, big, size), 0);
    free(big);
    free(file);
}

/* Killed in mid-write: the old file stays, nothing is listed, and the next write succeeds and leaves no litter. */
static void write_survives_a_kill(void **state) {
    char *file = inside(state, "f");
    assert_int_equal(idem_file_write(file, "old", 3), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        idem_writer w;
        if (idem_writer_open(&w, file))
            _exit(1);
        fputs("half of the new contents, longer than what follows", w.stream);
        fflush(w.stream);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_holds(file, "old");
    char **names;
    size_t n;
    assert_int_equal(idem_dir_list(*state, NULL, &names, &n), 0);
    assert_int_equal(n, 1);
    idem_names_free(names, n);
    assert_int_equal(idem_file_write(file, "new", 3), 0);
    assert_holds(file, "new");
    assert_int_equal(count_entries(*state), 1);
    free(file);
}

static void folders_are_made_and_listed(void **state) {
    char *deep = inside(state, "a//b/c/"), *list = inside(state, "list"), *file = inside(state, "file"),
         *below = inside(state, "file/x");
    assert_int_equal(idem_dir_make(deep), 0);
    assert_int_equal(idem_dir_make(deep), 0);
    assert_true(idem_path_is_dir(deep));
    assert_int_equal(idem_file_write(file, "x", 1), 0);
    assert_int_equal(idem_dir_make(below), -1);
    assert_non_null(strstr(idem_error(), "file: is not a folder, but a file of that name"));
    assert_int_equal(idem_dir_make(file), -1);
    assert_int_equal(idem_dir_make(""), -1);

    assert_int_equal(idem_dir_make(list), 0);
    static const char *const made[] = {"b.png", "a.JPG", "c.txt", ".hidden.png", "B.png", "png", "d.png.bak"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) {
        char *p = idem_path_join(list, made[i]);
        assert_int_equal(idem_file_write(p, "", 0), 0);
        free(p);
    }
    char **names;
    size_t n;
    assert_int_equal(idem_dir_list(list, ".png|.jpg", &names, &n), 0);
    assert_int_equal(n, 3);
    assert_string_equal(names[0], "B.png");
    assert_string_equal(names[1], "a.JPG");
    assert_string_equal(names[2], "b.png");
    idem_names_free(names, n);
    assert_int_equal(idem_dir_list(list, NULL, &names, &n), 0);
    assert_int_equal(n, 6);
    idem_names_free(names, n);
    assert_int_equal(idem_dir_list(list, ".gif", &names, &n), 0);
    assert_int_equal(n, 0);
    idem_names_free(names, n);
    assert_int_equal(idem_dir_list(file, NULL, &names, &n), -1);
    assert_int_equal(n, 0);
    free(deep);
    free(list);
    free(file);
    free(below);
}

static void paths_are_joined_and_stripped(void **state) {
    (void)state;
    static const char *const joins[][3] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"}, {"/", "b", "/b"}};
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        char *p = idem_path_join(joins[i][0], joins[i][1]);
        assert_string_equal(p, joins[i][2]);
        free(p);
    }
    static const char *const stems[][2] = {
        {"a/b.c.png", "b.c"}, {"b", "b"}, {"x.y/b", "b"}, {"a/.rc", ".rc"}, {"b.", "b"}};
    for (size_t i = 0; i < sizeof stems / sizeof *stems; i++) {
        char *p = idem_path_stem(stems[i][0]);
        assert_string_equal(p, stems[i][1]);
        free(p);
    }
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
        cmocka_unit_test(rng_matches_reference_values),
        cmocka_unit_test(rng_resumes_from_its_counter),
        cmocka_unit_test(rng_streams_are_independent),
        cmocka_unit_test(rng_below_and_normal_have_their_distribution),
        cmocka_unit_test(rng_shuffle_is_a_permutation),
        cmocka_unit_test_setup_teardown(read_refuses_what_is_no_small_file, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(write_replaces_whole_and_aborts_clean, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(write_refuses_folders_devices_and_a_second_writer, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(write_survives_a_full_disk, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(write_survives_a_kill, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(folders_are_made_and_listed, make_folder, remove_folder),
        cmocka_unit_test(paths_are_joined_and_stripped),
        cmocka_unit_test(log_goes_to_the_sink_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
