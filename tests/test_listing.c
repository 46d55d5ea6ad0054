/* Which files of a folder are pictures, and what is said of the others. */
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

#include "base/file.h"
#include "media/format.h"
#include "media/listing.h"

static char dir[] = "/tmp/idem-listing-XXXXXX";

static void put(const char *name, const char *bytes, size_t n) {
    char *path = idem_path_join(dir, name);
    assert_int_equal(idem_file_write(path, bytes, n), 0);
    free(path);
}

static void make_dir(const char *name) {
    char *path = idem_path_join(dir, name);
    assert_int_equal(idem_dir_make(path), 0);
    free(path);
}

static void assert_names(char *const *names, size_t n, const char *expected) {
    char all[1000] = "";
    for (size_t i = 0; i < n; i++)
        sprintf(all + strlen(all), "%s%s", i ? " " : "", names[i]);
    assert_string_equal(all, expected);
}

static void endings_and_first_bytes(void **state) {
    (void)state;
    static const char *const pictures[] = {"a.jpg",  "b.JPEG", "c.Jpe",  "d.jfif", "e.png",
                                           "f.webp", "g.HEIC", "h.heif", "i.avif", "j.k.png"};
    static const char png[] = "\x89PNG\r\n\x1a\n",
                      avif[] = "\0\0\0\x1c"
                               "ftypavif\0\0\0\0mif1miaf",
                      late[] = "\0\0\0\x18"
                               "ftypisom\0\0\0\0mp42heic",
                      mp4[] = "\0\0\0\x18"
                              "ftypisom\0\0\0\0mp42mp41";
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < sizeof pictures / sizeof *pictures; i++)
        put(pictures[i], "x", 1);
    put("IMG_1", "\xff\xd8\xff\xe0", 4);
    put("IMG_2", png, 8);
    put("IMG_3", avif, sizeof avif - 1);
    put("IMG_4", late, sizeof late - 1);
    put("IMG_5", mp4, sizeof mp4 - 1);
    put("notes", "text", 4);
    put("nothing", "", 0);
    put("png", "text", 4); /* a name, not an ending */
    put("p.gif", "GIF89a", 6);
    put("q.txt", png, 8); /* an ending of another kind is believed */
    put(".hidden.png", "x", 1);
    make_dir("folder");
    make_dir("more.d");
    char *fifo = idem_path_join(dir, "pipe");
    assert_int_equal(mkfifo(fifo, 0600), 0);

    idem_listing l;
    assert_int_equal(idem_listing_read(&l, dir), 0);
    assert_names(l.pictures, l.n_pictures,
                 "IMG_1 IMG_2 IMG_3 IMG_4 a.jpg b.JPEG c.Jpe d.jfif e.png f.webp g.HEIC h.heif i.avif j.k.png");
    assert_names(l.others, l.n_others, "IMG_5 notes nothing p.gif pipe png q.txt");
    assert_names(l.folders, l.n_folders, "folder more.d");

    char text[300];
    idem_left_out o = {0};
    assert_string_equal(idem_left_out_text(&o, text, sizeof text), "");
    idem_left_out_add(&o, &l, false);
    assert_string_equal(idem_left_out_text(&o, text, sizeof text),
                        "7 files of other kinds passed over: IMG_5, notes, nothing, ...");
    idem_left_out_add(&o, &l, true);
    assert_string_equal(idem_left_out_text(&o, text, sizeof text),
                        "14 files of other kinds and 2 folders passed over: IMG_5, notes, nothing, ...");
    idem_left_out_text(&o, text, 20); /* cut, not beyond */
    assert_int_equal(strlen(text), 19);
    idem_left_out one = {0};
    l.n_others = 1;
    idem_left_out_add(&one, &l, false);
    assert_string_equal(idem_left_out_text(&one, text, sizeof text), "1 file of another kind passed over: IMG_5");
    l.n_others = 7;
    idem_listing_free(&l);
    assert_int_equal(idem_listing_read(&l, fifo), -1);
    free(fifo);
    char command[100];
    sprintf(command, "rm -r %s", dir);
    assert_int_equal(system(command), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(endings_and_first_bytes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
