/* Files and folders through include/idem.h: paths, folders, files that appear whole or not at all, locks, digests, and
 * a program's own failures. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "idem.h"
#include "support/blob.h"
#include "support/program.h"

static const char *in_folder(const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", program_folder, name);
    return path;
}

static void put(const char *name, const char *text) {
    program_file(program_folder, name, text, false);
}

static void assert_text(const char *name, const char *text) {
    blob b = blob_read(in_folder(name));
    assert_int_equal(b.size, strlen(text));
    assert_memory_equal(b.data, text, b.size);
    blob_drop(&b);
}

/* The message begins with the path. */
static void assert_refused(const char *path, const char *why, int kind) {
    const char *said = idem_last_error();
    if (strncmp(said, path, strlen(path)) || !strstr(said, why))
        fail_msg("the message is: %s\nexpected: %s ... %s", said, path, why);
    assert_int_equal(idem_error_kind(), kind);
}

static void assert_null_refused(const char *call) {
    assert_refused(call, ": an argument is NULL", IDEM_ERROR_INPUT);
}

static void expect(char *text, const char *wanted) {
    assert_non_null(text);
    assert_string_equal(text, wanted);
    free(text);
}

static void paths_are_joined_and_taken_apart(void **state) {
    (void)state;
    expect(idem_path_in("a", "b.png"), "a/b.png");
    expect(idem_path_in("a/", "b.png"), "a/b.png");
    expect(idem_path_in("", "b.png"), "b.png");
    expect(idem_file_stem("a.d/b.c.png"), "b.c");
    expect(idem_file_stem(".png"), ".png");
    expect(idem_file_stem("a/"), "");
    assert_null(idem_path_in(NULL, "b"));
    assert_null_refused("idem_path_in");
    assert_null(idem_path_in("a", NULL));
    assert_null(idem_file_stem(NULL));
    assert_null_refused("idem_file_stem");
    assert_in_range(idem_file_name_most(in_folder("x")), 64, 4096);
    assert_int_equal(idem_file_name_most("/nowhere/at/all"), 255);
    assert_int_equal(idem_file_name_most(NULL), 0);
}

static void texts_are_made_printable(void **state) {
    (void)state;
    expect(idem_printable("h\303\266r.png"), "h\303\266r.png");
    expect(idem_printable("\033[31m\n\\\351"), "\\x1B[31m\\x0A\\x5C\\xE9");
    expect(idem_printable(""), "");
    assert_null(idem_printable(NULL));
    assert_null_refused("idem_printable");
}

static void files_are_looked_at(void **state) {
    (void)state;
    put("file", "abc");
    assert_int_equal(symlink("file", in_folder("link")) | symlink("gone", in_folder("broken")), 0);
    assert_true(idem_file_exists(in_folder("file")) && idem_file_exists(in_folder("link")));
    assert_true(idem_file_exists(program_folder) && idem_file_exists("/dev/null"));
    assert_false(idem_file_exists(in_folder("broken")) || idem_file_exists("") || idem_file_exists(NULL));
    assert_true(idem_folder_exists(program_folder));
    assert_false(idem_folder_exists(in_folder("file")) || idem_folder_exists("") || idem_folder_exists(NULL));
    assert_true(idem_file_same(in_folder("file"), in_folder("./link")));
    assert_false(idem_file_same(in_folder("file"), program_folder));
    assert_false(idem_file_same(in_folder("gone"), in_folder("gone")));
    assert_false(idem_file_same(NULL, in_folder("file")) || idem_file_same(in_folder("file"), NULL));
}

static void folders_are_made_with_their_parents(void **state) {
    (void)state;
    put("file", "");
    int made = 7;
    assert_int_equal(idem_folder_make(in_folder("a/b/c"), &made), 0);
    assert_int_equal(made, 1);
    assert_int_equal(idem_folder_make(in_folder("a/b/c/"), &made), 0);
    assert_int_equal(made, 0);
    assert_int_equal(idem_folder_make(in_folder("a/d"), NULL), 0);
    assert_true(idem_folder_exists(in_folder("a/d")));

    made = 7;
    assert_int_equal(idem_folder_make(in_folder("file/in"), &made), -1);
    assert_refused(in_folder("file"), ": is not a folder, but a file of that name", IDEM_ERROR_INPUT);
    assert_int_equal(made, 0);
    assert_int_equal(idem_folder_make("/proc/none", &made), -1);
    assert_refused("/proc/none", ": cannot make the folder: ", IDEM_ERROR_INTERNAL);
    assert_int_equal(idem_folder_make("", NULL), -1);
    assert_refused("\"\"", "is not a folder name", IDEM_ERROR_INPUT);
    assert_int_equal(idem_folder_make(NULL, &made), -1);
    assert_null_refused("idem_folder_make");
}

static void folders_are_listed_by_suffix(void **state) {
    (void)state;
    char **names;
    size_t n;
    put("b.PNG", "");
    put("a.jpg", "");
    put("c.txt", "");
    put(".hidden.png", "");
    assert_int_equal(idem_folder_list(program_folder, "png|jpg", &names, &n), 0);
    assert_int_equal(n, 2);
    assert_string_equal(names[0], "a.jpg");
    assert_string_equal(names[1], "b.PNG");
    idem_folder_list_free(names, n);
    assert_int_equal(idem_folder_list(program_folder, NULL, &names, &n), 0);
    assert_int_equal(n, 3);
    idem_folder_list_free(names, n);
    assert_int_equal(idem_folder_list(program_folder, ".webp", &names, &n), 0);
    assert_int_equal(n, 0);
    idem_folder_list_free(names, n);

    n = 7;
    assert_int_equal(idem_folder_list(in_folder("a.jpg"), NULL, &names, &n), -1);
    assert_refused(in_folder("a.jpg"), ": cannot list the folder: ", IDEM_ERROR_INPUT);
    assert_null(names);
    assert_int_equal(n, 0);
    assert_int_equal(idem_folder_list(NULL, NULL, &names, &n), -1);
    assert_null_refused("idem_folder_list");
    assert_int_equal(idem_folder_list(program_folder, NULL, NULL, &n), -1);
    assert_int_equal(idem_folder_list(program_folder, NULL, &names, NULL), -1);
    idem_folder_list_free(NULL, 0);
}

static void files_appear_whole_or_not_at_all(void **state) {
    (void)state;
    put("f", "old");
    idem_new_file *f = idem_file_create(in_folder("f"), 0);
    assert_non_null(f);
    fputs("new", idem_file_stream(f));
    assert_null(idem_file_create(in_folder("f"), 0));
    assert_refused(in_folder("f"), ": is being written by another process", IDEM_ERROR_INPUT);
    assert_text("f", "old");
    assert_int_equal(idem_file_finish(f), 0);
    assert_text("f", "new");

    f = idem_file_create(in_folder("f"), 0);
    assert_non_null(f);
    fputs("thrown away", idem_file_stream(f));
    idem_file_abandon(f);
    assert_text("f", "new");
    assert_false(idem_file_exists(in_folder(".f.part")));

    f = idem_file_create(in_folder("secret"), 1);
    assert_non_null(f);
    assert_int_equal(idem_file_finish(f), 0);
    struct stat st;
    assert_int_equal(stat(in_folder("secret"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void files_that_cannot_be_written_are_refused(void **state) {
    (void)state;
    assert_null(idem_file_create(program_folder, 0));
    assert_refused(program_folder, ": is a folder, expected a file name", IDEM_ERROR_INPUT);
    assert_null(idem_file_create("/dev/null", 0));
    assert_refused("/dev/null", ": is not a regular file", IDEM_ERROR_INPUT);
    assert_null(idem_file_create("/nowhere/x", 0));
    assert_refused("/nowhere/x", ": cannot write: its folder does not exist", IDEM_ERROR_INTERNAL);
    assert_null(idem_file_create("", 0));
    assert_refused("\"\"", "is not a file name", IDEM_ERROR_INPUT);
    assert_null(idem_file_create(NULL, 0));
    assert_null_refused("idem_file_create");
    assert_null(idem_file_stream(NULL));
    assert_null_refused("idem_file_stream");
    assert_int_equal(idem_file_finish(NULL), -1);
    assert_null_refused("idem_file_finish");
    idem_file_abandon(NULL);

    /* Renaming fails; the file is freed all the same. */
    idem_new_file *f = idem_file_create(in_folder("late"), 0);
    assert_non_null(f);
    assert_int_equal(mkdir(in_folder("late"), 0700), 0);
    assert_int_equal(idem_file_finish(f), -1);
    assert_refused(in_folder("late"), ": cannot write: ", IDEM_ERROR_INTERNAL);
    assert_false(idem_file_exists(in_folder(".late.part")));
}

static void a_locked_file_is_refused(void **state) {
    (void)state;
    put("f", "kept");
    const int fd = idem_file_lock(in_folder("f"), "is mine");
    assert_true(fd >= 0);
    assert_int_equal(idem_file_lock(in_folder("f"), "somebody has it"), -1);
    assert_refused(in_folder("f"), ": somebody has it", IDEM_ERROR_INPUT);
    assert_text("f", "kept");
    close(fd);
    const int again = idem_file_lock(in_folder("f"), "is mine");
    assert_true(again >= 0);
    close(again);
    const int fresh = idem_file_lock(in_folder("fresh"), "is mine");
    assert_true(fresh >= 0);
    close(fresh);
    assert_text("fresh", "");

    assert_int_equal(symlink("f", in_folder("link")), 0);
    assert_int_equal(idem_file_lock(in_folder("link"), "is mine"), -1);
    assert_refused(in_folder("link"), ": cannot write: ", IDEM_ERROR_INTERNAL);
    assert_int_equal(idem_file_lock("/nowhere/x", "is mine"), -1);
    assert_refused("/nowhere/x", ": cannot write: its folder does not exist", IDEM_ERROR_INTERNAL);
    assert_int_equal(idem_file_lock(NULL, "is mine"), -1);
    assert_null_refused("idem_file_lock");
    assert_int_equal(idem_file_lock(in_folder("f"), NULL), -1);
}

/* FIPS 180-4's examples. */
static void digests_are_sha256(void **state) {
    (void)state;
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                      nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    char hex[65];
    assert_int_equal(idem_bytes_sha256("abc", 3, hex), 0);
    assert_string_equal(hex, abc);
    assert_int_equal(idem_bytes_sha256(NULL, 0, hex), 0);
    assert_string_equal(hex, nothing);
    put("abc", "abc");
    assert_int_equal(idem_file_sha256(in_folder("abc"), hex), 0);
    assert_string_equal(hex, abc);

    assert_int_equal(idem_file_sha256("/nowhere/x", hex), -1);
    assert_refused("/nowhere/x", ": cannot open: ", IDEM_ERROR_INPUT);
    assert_int_equal(idem_file_sha256(program_folder, hex), -1);
    assert_refused(program_folder, ": cannot read: ", IDEM_ERROR_INPUT);
    assert_int_equal(idem_file_sha256(NULL, hex), -1);
    assert_null_refused("idem_file_sha256");
    assert_int_equal(idem_file_sha256(in_folder("abc"), NULL), -1);
    assert_int_equal(idem_bytes_sha256(NULL, 3, hex), -1);
    assert_null_refused("idem_bytes_sha256");
    assert_int_equal(idem_bytes_sha256("abc", 3, NULL), -1);
}

static void a_program_sets_its_own_message(void **state) {
    (void)state;
    assert_int_equal(idem_set_error(IDEM_ERROR_MISSING, "100% of it is missing: %s"), -1);
    assert_string_equal(idem_last_error(), "100% of it is missing: %s");
    assert_int_equal(idem_error_kind(), IDEM_ERROR_MISSING);
    assert_int_equal(idem_set_error(IDEM_ERROR_INPUT, idem_last_error()), -1);
    assert_string_equal(idem_last_error(), "100% of it is missing: %s");
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INPUT);

    char text[1200];
    memset(text, 'a', sizeof text);
    text[sizeof text - 1] = 0;
    idem_set_error(IDEM_ERROR_INTERNAL, text);
    assert_in_range(strlen(idem_last_error()), 900, 1000);
    assert_non_null(strstr(idem_last_error(), "a..."));

    assert_int_equal(idem_set_error(IDEM_ERROR_INTERNAL + 1, "x"), -1);
    assert_refused("idem_set_error", ": kind is 6, expected 0 to 5", IDEM_ERROR_INPUT);
    assert_int_equal(idem_set_error(-1, "x"), -1);
    assert_refused("idem_set_error", ": kind is -1", IDEM_ERROR_INPUT);
    assert_int_equal(idem_set_error(IDEM_ERROR_INPUT, NULL), -1);
    assert_refused("idem_set_error", ": message is NULL", IDEM_ERROR_INPUT);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, program_enter, program_leave)

int main(void) {
    const struct CMUnitTest tests[] = {IN_FOLDER(paths_are_joined_and_taken_apart),
                                       cmocka_unit_test(texts_are_made_printable),
                                       IN_FOLDER(files_are_looked_at),
                                       IN_FOLDER(folders_are_made_with_their_parents),
                                       IN_FOLDER(folders_are_listed_by_suffix),
                                       IN_FOLDER(files_appear_whole_or_not_at_all),
                                       IN_FOLDER(files_that_cannot_be_written_are_refused),
                                       IN_FOLDER(a_locked_file_is_refused),
                                       IN_FOLDER(digests_are_sha256),
                                       cmocka_unit_test(a_program_sets_its_own_message)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
