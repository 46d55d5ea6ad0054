/* Pictures of generator training: content decides what they are, whether they are held out and whether they have
 * changed; whatever cannot be looked into is named and left out. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"
#include "train/gan/data.h"
#include "data/picture_source.h"
#include "train/summary/data.h"
#include "media/image.h"
#include "support/program.h"
#include "support/tiny.h"

enum { COUNT = 12, SIDE = 8, APART = 4, SAID = 4096 };

static const char *dir;
static char said[SAID];
static int told, decoded;

#define RUN(...) program_run(dir, __VA_ARGS__)

/* A picture of one grey, 20 times `grey`. */
static void draw(const char *name, int grey) {
    idem_image im;
    assert_int_equal(idem_image_new(&im, SIDE, SIDE), 0);
    memset(im.rgb, 20 * grey, SIDE * SIDE * 3);
    assert_int_equal(idem_image_save_png(&im, tiny_path(dir, name), NULL), 0);
    idem_image_free(&im);
}

/* DIR/NAME/0.png .. 11.png of so many greys, an hour old. */
static void make(const char *folder) {
    char name[64];
    RUN("rm -rf $DIR/%s $DIR/cache; mkdir $DIR/%s", folder, folder);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "%s/%d.png", folder, i);
        draw(name, i);
    }
    usleep(1100000); /* files of this very moment are not trusted */
}

static void bad(void *user, const char *why) {
    (void)user;
    told++;
    snprintf(said + strlen(said), SAID - strlen(said), "%s\n", why);
}

static void progress(void *user, size_t done, size_t count) {
    (void)user;
    (void)count;
    decoded = (int)done;
}

static idem_gan_data *try_open(const char *folder, const char *expected, int held_out) {
    told = decoded = 0;
    *said = 0;
    char data[256], cache[256];
    snprintf(data, sizeof data, "%s", tiny_path(dir, folder));
    snprintf(cache, sizeof cache, "%s", tiny_path(dir, "cache"));
    return idem_gan_data_open(
        data, cache,
        &(idem_gan_data_options){
            .size = SIDE, .seed = 3, .held_out = held_out, .expected = expected, .bad = bad, .progress = progress});
}

static idem_gan_data *must_open(const char *folder, const char *expected) {
    idem_gan_data *d = try_open(folder, expected, APART);
    if (!d)
        fail_msg("%s", idem_error());
    return d;
}

/* Bit i: a picture of grey i. */
static unsigned greys(const idem_gan_data *d, bool held_out) {
    unsigned set = 0;
    const size_t n = held_out ? idem_gan_data_held_out(d) : idem_gan_data_count(d);
    for (size_t i = 0; i < n; i++) {
        float x[SIDE * SIDE * 3];
        idem_gan_data_look(d, held_out, i, 1, x);
        set |= 1u << lroundf((x[0] + 1) * 127.5f / 20);
    }
    return set;
}

static void a_name_decides_nothing(void **state) {
    (void)state;
    make("names");
    idem_gan_data *d = must_open("names", NULL);
    assert_int_equal(decoded, COUNT);
    const unsigned apart = greys(d, true), others = greys(d, false);
    assert_int_equal(apart & others, 0);
    assert_int_equal(apart | others, (1u << COUNT) - 1);
    char hash[65];
    snprintf(hash, sizeof hash, "%s", idem_gan_data_hash(d));
    float before[3][SIDE * SIDE * 3], after[3][SIDE * SIDE * 3];
    idem_gan_data_take(d, 17, 3, before[0]);
    idem_gan_data_free(d);
    idem_gan_data_free(must_open("names", hash)); /* all is as it was: nothing is read */
    assert_int_equal(decoded, 0);
    program_expect(RUN("cd $DIR/names && mv 0.png zz.png && mkdir in && mv 5.png in/a.jpeg && touch 3.png && "
                       "cp 4.png 4 && mv 4 4.png"),
                   0);
    for (int again = 0; again < 2; again++) {
        d = must_open("names", hash);
        assert_int_equal(greys(d, true), apart);
        idem_gan_data_take(d, 17, 3, after[0]);
        assert_memory_equal(before, after, sizeof before);
        for (size_t i = 0; i < idem_gan_data_count(d); i++)
            assert_string_not_equal(idem_gan_data_name(d, false, i), "0.png");
        idem_gan_data_free(d);
    }
}

/* One more picture takes at most one place among those held out. */
static void the_others_stay_where_they_were(void **state) {
    (void)state;
    make("more");
    idem_gan_data *d = must_open("more", NULL);
    const unsigned apart = greys(d, true);
    char hash[65];
    snprintf(hash, sizeof hash, "%s", idem_gan_data_hash(d));
    idem_gan_data_free(d);
    draw("more/new.png", COUNT);
    assert_null(try_open("more", hash, APART)); /* not what the run has */
    assert_non_null(strstr(idem_error(), "1 are new, 0 gone"));
    d = must_open("more", NULL);
    assert_true(__builtin_popcount(apart & greys(d, true)) >= APART - 1);
    idem_gan_data_free(d);
    program_expect(RUN("rm $DIR/more/new.png"), 0);
    idem_gan_data_free(must_open("more", hash));
}

static void other_contents_are_seen(void **state) {
    (void)state;
    make("other");
    idem_gan_data *d = must_open("other", NULL);
    char hash[65];
    snprintf(hash, sizeof hash, "%s", idem_gan_data_hash(d));
    idem_gan_data_free(d);
    /* In place, of the same size and with the old time of modification. */
    draw("other/twelve", COUNT);
    program_expect(
        RUN("cd $DIR/other && for i in 0 1 2 3 4 5 6 7 8 9 10 11; do test $(stat -c %%s twelve) = $(stat -c "
            "%%s $i.png) && touch -r $i.png time && cat twelve > $i.png && touch -r time $i.png && rm twelve "
            "time && echo $i && exit 0; done; exit 1"),
        0);
    const int replaced = atoi(program_output);
    for (int again = 0; again < 2; again++) {
        assert_null(try_open("other", hash, APART));
        assert_non_null(strstr(idem_error(), "not the pictures that the run was started on (1 are new, 1 gone)"));
        assert_true(idem_error_kind() == IDEM_INPUT);
    }
    d = must_open("other", NULL);
    assert_int_equal(greys(d, true) | greys(d, false), (2u << COUNT) - 1 - (1u << replaced));
    idem_gan_data_free(d);
}

/* No picture is held out and trained on under two names. */
static void copies_stay_together(void **state) {
    (void)state;
    make("twice");
    for (int copies = 0; copies < 2; copies++) {
        for (int held_out = 1; held_out <= 6; held_out++) {
            idem_gan_data *d = try_open("twice", NULL, held_out);
            if (!d)
                fail_msg("%s", idem_error());
            assert_int_equal(greys(d, true) & greys(d, false), 0);
            assert_int_equal(idem_gan_data_held_out(d), held_out);
            idem_gan_data_free(d);
        }
        program_expect(RUN("cd $DIR/twice && for i in 0 1 2 3 4 5 6; do cp $i.png x$i.png; done"), 0);
    }
    program_expect(RUN("cd $DIR/twice && for i in 7 8 9 10 11; do cp $i.png x$i.png; done"), 0);
    assert_null(try_open("twice", NULL, 3));
    assert_non_null(strstr(idem_error(), "cannot be held out without copies of their files"));
}

static void a_damaged_cache_is_made_again(void **state) {
    (void)state;
    make("damage");
    idem_gan_data *d = must_open("damage", NULL);
    char hash[65];
    snprintf(hash, sizeof hash, "%s", idem_gan_data_hash(d));
    idem_gan_data_free(d);
    unsigned char *bytes;
    size_t size;
    char cache[256];
    snprintf(cache, sizeof cache, "%s", tiny_path(dir, "cache"));
    assert_int_equal(idem_file_read(cache, 1 << 20, &bytes, &size), 0);
    const size_t list = 40 + COUNT * SIDE * SIDE * 3;
    const size_t places[] = {0, 8, 16, 23, 24, 31, 32, 39, list + 64, list + 65, list + 68, list + 69};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        bytes[places[i]] ^= 0x55;
        assert_int_equal(idem_file_write(cache, bytes, size), 0);
        bytes[places[i]] ^= 0x55;
        idem_gan_data_free(must_open("damage", hash));
    }
    for (size_t n = 0; n < size; n += n < 40 || n >= list ? 1 : 97) {
        assert_int_equal(idem_file_write(cache, bytes, n), 0);
        idem_gan_data_free(must_open("damage", hash));
    }
    free(bytes);
}

/* Dead links, links in circles and to what is above, a folder that may not be listed, a pipe, a folder of a picture's
 * name. */
static void make_a_maze(void) {
    make("maze");
    program_expect(RUN("cd $DIR/maze && mkdir -p deep/er locked dir.png && mv 1.png deep/er && mv 2.png dir.png && "
                       "ln -s nowhere dead.png && ln -s gone people && ln -s circle circle && ln -s . self && "
                       "ln -s ../.. deep/er/up && ln -s /tmp/.. out && ln -s ../deep deep/again && mkfifo pipe.png && "
                       "ln -s ../other/3.png fine.png && cp 3.png locked"),
                   0);
}

static void says(const char *text) {
    if (!strstr(said, text))
        fail_msg("\"%s\" is not in:\n%s", text, said);
}

static void mazes_are_walked(void **state) {
    (void)state;
    make_a_maze();
    for (int again = 0; again < 2; again++) {
        idem_gan_data *d = must_open("maze", NULL);
        says("maze/dead.png: is a broken link");
        says("maze/people: is a broken link");
        says("maze/circle: ");
        says("maze/self: is a link to a folder that holds it");
        says("maze/deep/er/up: is a link to a folder that holds it");
        says("maze/out: is a link to a folder that holds it");
        says("maze/deep/again: is a link to a folder that holds it");
        says("maze/pipe.png: ");
        assert_int_equal(told, 8);
        assert_int_equal(idem_gan_data_bad(d), 8);
        assert_int_equal(idem_gan_data_count(d), COUNT + 2 - APART); /* fine.png, locked/3.png */
        idem_gan_data_free(d);
    }
    char path[256];
    snprintf(path, sizeof path, "%s", tiny_path(dir, "maze"));
    float x[(COUNT + 4) * SIDE * SIDE * 3];
    *said = 0;
    told = 0;
    idem_picture_source *s = idem_picture_source_open(path, 1, 1, NULL);
    assert_non_null(s);
    assert_int_equal(idem_picture_source_next(s, COUNT + 4, SIDE, x, bad, NULL), COUNT + 2);
    assert_int_equal(told, 8);
    idem_picture_source_free(s);
    told = 0;
    idem_summary_data *m = idem_summary_data_open(path, SIDE, SIDE, 1);
    assert_non_null(m);
    idem_summary_data_watch(m, bad, NULL);
    assert_int_equal(told, 7);
    assert_int_equal(idem_summary_data_take(m, 0, COUNT + 3, x), 0);
    assert_int_equal(told, 8);
    idem_summary_data_free(m);
}

static void locked_folders_are_left_out(void **state) {
    (void)state;
    if (RUN("command -v setpriv >/dev/null && test $(id -u) = 0") != 0) {
        print_message("skip: takes root and setpriv\n");
        skip();
    }
    program_expect(RUN("chmod 755 $DIR && chmod 0 $DIR/maze/locked $DIR/maze/9.png && mkdir $DIR/anybody && chmod 777 "
                       "$DIR/anybody && setpriv --reuid 65534 --clear-groups $IDEM train-generator -q -d $DIR/maze -o "
                       "$DIR/anybody/run --size 8 --pictures 4 --batch 4 --features 0 --distance-every 0 --z 8 --w 8 "
                       "--threads 1"),
                   1);
    assert_true(program_says("maze/locked: cannot list the folder: Permission denied"));
    assert_true(program_says("maze/9.png: cannot open: Permission denied"));
    assert_true(program_says("10 pictures of "));
    assert_true(idem_path_exists(tiny_path(dir, "anybody/run/generator.safetensors")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_decides_nothing),        cmocka_unit_test(the_others_stay_where_they_were),
        cmocka_unit_test(other_contents_are_seen),       cmocka_unit_test(copies_stay_together),
        cmocka_unit_test(a_damaged_cache_is_made_again), cmocka_unit_test(mazes_are_walked),
        cmocka_unit_test(locked_folders_are_left_out),
    };
    dir = tiny_folder();
    if (!dir)
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    RUN("chmod -R u+rwX $DIR");
    tiny_remove(dir);
    return failed;
}
