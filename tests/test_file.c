/* src/base/file.h: reading with a limit, writes that are whole or not at all, folders, paths. */
#define _GNU_SOURCE
#include <errno.h>
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

#include "base/file.h"
#include "base/status.h"

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
/* Names of every legal length are written, and two long ones with one beginning do not share their aside file. */
static void write_takes_every_legal_name(void **state) {
    char path[2][4096], name[300];
    size_t most = idem_path_name_most(*state);
    assert_in_range(most, 64, sizeof name - 2);
    memset(name, 'a', sizeof name);
    for (size_t n = most - 8; n <= most; n++) {
        snprintf(path[0], sizeof path[0], "%s/%.*s", (char *)*state, (int)n, name);
        assert_int_equal(idem_file_write(path[0], "x", 1), 0);
        assert_holds(path[0], "x");
    }
    snprintf(path[1], sizeof path[1], "%s/%.*sb", (char *)*state, (int)most - 1, name);
    idem_writer w[2];
    for (int i = 0; i < 2; i++)
        assert_int_equal(idem_writer_open(&w[i], path[i]), 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(idem_writer_commit(&w[i]), 0);
    snprintf(path[0], sizeof path[0], "%s/%.*s", (char *)*state, (int)most + 1, name);
    assert_int_equal(idem_file_write(path[0], "x", 1), -1);
    char **names;
    size_t count;
    assert_int_equal(idem_dir_list(*state, NULL, &names, &count), 0);
    assert_int_equal(count, 10);
    idem_names_free(names, count);
}

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

/* The reason is mkdir's, not that of a later look at what is there. */
static void a_folder_that_cannot_be_made_says_why(void **state) {
    char *below = inside(state, "sub"), *link = inside(state, "dangling");
    assert_int_equal(symlink("nowhere", link), 0);
    assert_int_equal(idem_dir_make(link), -1);
    assert_non_null(strstr(idem_error(), "dangling: is not a folder, but a file of that name"));
    assert_int_equal(unlink(link), 0);

    assert_int_equal(chmod(*state, 0555), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) { /* root may write anywhere */
        if (geteuid() == 0 && setuid(65534))
            _exit(2);
        _exit(!idem_dir_make(below) || !strstr(idem_error(), strerror(EACCES)));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(*state, 0755), 0);
    assert_int_equal(status, 0);
    free(below);
    free(link);
}

static void a_file_is_the_same_by_any_path(void **state) {
    char *file = inside(state, "f"), *round = inside(state, "./d/../f"), *link = inside(state, "link"),
         *other = inside(state, "other"), *folder = inside(state, "d"), *none = inside(state, "none");
    assert_int_equal(idem_file_write(file, "x", 1), 0);
    assert_int_equal(idem_file_write(other, "x", 1), 0);
    assert_int_equal(idem_dir_make(folder), 0);
    assert_int_equal(symlink("f", link), 0);
    assert_true(idem_path_same(file, file) && idem_path_same(file, round) && idem_path_same(link, file));
    assert_true(!idem_path_same(file, other) && !idem_path_same(file, folder) && !idem_path_same(none, none));
    free(file);
    free(round);
    free(link);
    free(other);
    free(folder);
    free(none);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(read_refuses_what_is_no_small_file, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(write_replaces_whole_and_aborts_clean, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(write_refuses_folders_devices_and_a_second_writer, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(write_takes_every_legal_name, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(write_survives_a_full_disk, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(write_survives_a_kill, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(folders_are_made_and_listed, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_made_says_why, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_file_is_the_same_by_any_path, make_folder, remove_folder),
        cmocka_unit_test(paths_are_joined_and_stripped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
