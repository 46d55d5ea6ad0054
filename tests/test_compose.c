/* idem compose from outside: pairs, combinations, grids, pictures that cannot be read, places that cannot be written.
 * The ensemble is the tiny one; pictures are those of samples/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "base/status.h"
#include "media/image.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* NULL: models are missing, tests are skipped */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define COMPOSE "$IDEM compose -g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads 1 "

static int set_up(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    if (!dir)
        return 0;
    /* Three people, two of them with a partner of the same name. */
    return RUN("cd $DIR && mkdir who how && cd '%s/samples' && cp identities/1.png identities/2.png identities/3.png "
               "$DIR/who && cp attributes/a.png $DIR/how/1.png && cp attributes/b.png $DIR/how/2.png && "
               "cp attributes/c.png $DIR/how/other.png",
               IDEM_SOURCE_DIR);
}

/* The names in a folder of DIR, in order. */
static void assert_holds(const char *folder, const char *names) {
    assert_int_equal(RUN("ls -A $DIR/%s | tr '\n' ' '", folder), 0);
    assert_string_equal(program_output, names);
}

/* Pictures of different batches may round another way. */
static void assert_same_picture(const char *a, const char *b) {
    idem_image x, y;
    picture_load(&x, dir, a);
    picture_load(&y, dir, b);
    assert_int_equal(x.width, y.width);
    assert_int_equal(x.height, y.height);
    for (int i = 0; i < x.width * x.height * 3; i++)
        assert_true(abs(x.rgb[i] - y.rgb[i]) <= 1);
    idem_image_free(&x);
    idem_image_free(&y);
}

/* ---- what it makes ---- */

static void a_pair_gives_a_picture(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN(COMPOSE "-i $DIR/who/1.png -a $DIR/how/1.png -o $DIR/one.png"), 0);
    assert_string_equal(program_output, "");
    idem_image im;
    picture_load(&im, dir, "one.png");
    assert_true(im.width == 64 && im.height == 64);
    idem_image_free(&im);
    char *path = idem_path_join(dir, "one.png"), text[32];
    assert_int_equal(idem_png_text(path, "synthetic", text, sizeof text), 0);
    assert_string_equal(text, "true");
    free(path);
    assert_int_equal(
        RUN(COMPOSE "-i $DIR/who/1.png -a $DIR/how/1.png -o $DIR/two.png && cmp $DIR/one.png $DIR/two.png"), 0);
    /* Either half matters. */
    assert_int_equal(
        RUN(COMPOSE "-i $DIR/who/2.png -a $DIR/how/1.png -o $DIR/two.png && cmp $DIR/one.png $DIR/two.png"), 1);
    assert_int_equal(
        RUN(COMPOSE "-i $DIR/who/1.png -a $DIR/how/2.png -o $DIR/two.png && cmp $DIR/one.png $DIR/two.png"), 1);
    /* Into a folder that is there, or is said to be one. */
    assert_int_equal(RUN("mkdir $DIR/there; " COMPOSE "-q --no-grid -i $DIR/who/1.png -a $DIR/how/1.png -o $DIR/there"),
                     0);
    assert_holds("there", "1--1.png ");
    assert_int_equal(RUN(COMPOSE "-q --no-grid -i $DIR/who/1.png -a $DIR/how/1.png -o $DIR/new/deep/"), 0);
    assert_holds("new/deep", "1--1.png ");
    assert_same_picture("new/deep/1--1.png", "one.png");
}

static void folders_give_all_combinations_and_a_grid(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN(COMPOSE "-i $DIR/who -a $DIR/how -o $DIR/all --batch 4"), 0);
    assert_true(program_says("composing 9/9 pictures"));
    assert_holds("all", "1--1.png 1--2.png 1--other.png 2--1.png 2--2.png 2--other.png 3--1.png 3--2.png "
                        "3--other.png grid.png ");
    assert_int_equal(RUN(COMPOSE "-q -i $DIR/who/2.png -a $DIR/how/other.png -o $DIR/single.png"), 0);
    assert_string_equal(program_output, "");
    assert_same_picture("all/2--other.png", "single.png");
    idem_image grid;
    picture_load(&grid, dir, "all/grid.png"); /* a row and a column of sources about 3 x 3 cells of 128 pixels */
    assert_true(grid.width > 4 * 128 && grid.height > 4 * 128 && grid.width < 8 * 128 && grid.height < 8 * 128);
    idem_image_free(&grid);
    assert_int_equal(RUN(COMPOSE "-q -i $DIR/who -a $DIR/how -o $DIR/again --batch 4 && diff -r $DIR/all $DIR/again"),
                     0);
    assert_int_equal(RUN(COMPOSE "-q --no-grid -i $DIR/who/1.png -a $DIR/how -o $DIR/row"), 0);
    assert_holds("row", "1--1.png 1--2.png 1--other.png ");
}

static void pairs_match_names(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN(COMPOSE "-q --pairs -i $DIR/who -a $DIR/how -o $DIR/paired"), 1);
    assert_true(program_says("passed over: 3 has no partner in") &&
                program_says("passed over: other has no partner in"));
    assert_true(program_says("2 of the files given have no partner; 2 pairs are done"));
    assert_holds("paired", "1.png 2.png ");
    assert_int_equal(RUN("rm -r $DIR/paired; mkdir $DIR/left && cp $DIR/who/1.png $DIR/left"), 0);
    assert_int_equal(RUN(COMPOSE "-q --pairs -i $DIR/left -a $DIR/left -o $DIR/paired"), 0);
    assert_holds("paired", "1.png ");
    assert_int_equal(RUN("mkdir $DIR/right && cp $DIR/who/2.png $DIR/right"), 0);
    assert_int_equal(RUN(COMPOSE "-q --pairs -i $DIR/left -a $DIR/right -o $DIR/paired"), 1);
    assert_true(program_says("no file names in common"));
}

static void names_that_clash_are_told_apart_or_refused(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(
        RUN("mkdir $DIR/twins && cp $DIR/who/1.png $DIR/twins/x.png && cp $DIR/who/2.png $DIR/twins/x.y.png "
            "&& cp '%s/fuzz/seeds/image/progressive.jpg' $DIR/twins/x.jpg",
            IDEM_SOURCE_DIR),
        0);
    assert_int_equal(RUN(COMPOSE "-q --no-grid --input aligned -i $DIR/twins -a $DIR/how/1.png -o $DIR/twice"), 0);
    assert_holds("twice", "x.jpg--1.png x.png--1.png x.y--1.png ");
    assert_int_equal(
        RUN("mkdir $DIR/p $DIR/q && cp $DIR/who/1.png $DIR/p/a.png && cp $DIR/who/1.png $DIR/p/a--b.png && "
            "cp $DIR/who/1.png $DIR/q/c.png && cp $DIR/who/1.png $DIR/q/b--c.png"),
        0);
    assert_int_equal(RUN(COMPOSE "-q -i $DIR/p -a $DIR/q -o $DIR/clash"), 1);
    assert_true(program_says("a--b--c.png; rename a picture"));
    assert_int_equal(RUN("test -e $DIR/clash"), 1);
}

static void json_reports(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN(COMPOSE "-q --json -i $DIR/who -a $DIR/how/1.png -o $DIR/json"), 0);
    json_t *root = json_loads(program_output, 0, NULL);
    int pictures, unreadable, alone, grid;
    const char *output;
    double seconds;
    assert_int_equal(json_unpack(root, "{s:i, s:i, s:i, s:s, s:b, s:f}", "pictures", &pictures, "unreadable",
                                 &unreadable, "without_partner", &alone, "output", &output, "grid", &grid, "seconds",
                                 &seconds),
                     0);
    assert_true(pictures == 3 && unreadable == 0 && alone == 0 && grid && seconds > 0);
    assert_non_null(strstr(output, "/json"));
    json_decref(root);
}

/* ---- what it refuses ---- */

static void bad_files_in_a_folder_do_not_stop_the_good_ones(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(
        RUN("mkdir $DIR/mixed && cd $DIR/mixed && cp ../who/1.png ../who/2.png . && echo text > note.png && "
            ": > empty.jpg && head -c 900 ../who/3.png > cut.png && echo hidden > .h.png && echo > list.txt "
            "&& mkdir folder.png"),
        0);
    assert_int_equal(RUN(COMPOSE "-q -i $DIR/mixed -a $DIR/how/1.png -o $DIR/rest"), 1);
    assert_true(program_says("passed over: ") && program_says("mixed/note.png") && program_says("mixed/empty.jpg"));
    assert_true(program_says("mixed/cut.png") && program_says("mixed/folder.png"));
    assert_true(program_says("idem: 4 of the files given could not be read; 2 pictures of the others are done\n"));
    assert_int_equal(program_lines(), 5);
    assert_holds("rest", "1--1.png 2--1.png grid.png ");
}

static void pictures_that_cannot_be_read_are_one_line(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN("cd $DIR && echo text that is no picture > text.png && : > nothing.png && head -c 900 "
                         "who/3.png > half.png && "
                         "mkdir none"),
                     0);
    static const char *const rows[][2] = {{"text.png", "expected a PNG, JPEG, WebP, HEIC or AVIF"},
                                          {"nothing.png", "0 bytes"},
                                          {"half.png", "half.png"},
                                          {"absent.png", "No such file"},
                                          {"none", "none: has no picture (PNG, JPEG, WebP, HEIC or AVIF)"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int side = 0; side < 2; side++) {
            const char *good = side ? "who/1.png" : rows[i][0], *bad = side ? rows[i][0] : "who/1.png";
            assert_int_equal(RUN(COMPOSE "-i $DIR/%s -a $DIR/%s -o $DIR/never.png", good, bad), 1);
            assert_true(program_says("idem: ") && program_says(rows[i][0]) && program_says(rows[i][1]));
            assert_int_equal(program_lines(), 1);
            assert_int_equal(RUN("test -e $DIR/never.png"), 1);
        }
}

static void places_that_cannot_be_written_are_one_line(void **state) {
    (void)state;
    tiny_need(dir);
    static const char *const rows[][2] = {
        {"-a $DIR/how/1.png -o $DIR/lost/x.png", "lost/x.png: cannot write: its folder does not exist"},
        {"-a $DIR/how/1.png -o $DIR/who/1.png/x.png", "who/1.png/x.png"},
        {"-a $DIR/how -o $DIR/who/1.png", "1.png: is not a folder"},
        {"-a $DIR/how -o /proc/idem", "/proc/idem"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(RUN(COMPOSE "-q -i $DIR/who/1.png %s", rows[i][0]), 1);
        assert_true(program_says("idem: ") && program_says(rows[i][1]));
        assert_int_equal(program_lines(), 1);
    }
}

static void models_that_do_not_fit_are_one_line(void **state) {
    (void)state;
    tiny_need(dir);
    static const char *const rows[][2] = {
        {"-g /nowhere/g.pt -m $DIR/mapper.safetensors", "/nowhere/g.pt"},
        {"-g $DIR/generator.safetensors -m /nowhere/m.safetensors", "/nowhere/m.safetensors"},
        {"-g $DIR/generator.safetensors -m $DIR/generator.safetensors", "not a mapper"},
        {"-g $DIR/generator.safetensors -m $DIR/who/1.png", "who/1.png"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(RUN("$IDEM compose %s -i $DIR/who/1.png -a $DIR/who/1.png -o $DIR/never.png", rows[i][0]), 1);
        assert_true(program_says(rows[i][1]));
        assert_int_equal(program_lines(), 1);
    }
}

static void wrong_usage_exits_2(void **state) {
    (void)state;
    static const char *const rows[][2] = {{"", "--identity"},
                                          {"-i a.png -a b.png", "--output"},
                                          {"-i a.png -a b.png -o c.jpg", "ends in .png"},
                                          {"-i a.png -a b.png -o ''", "--output is empty"},
                                          {"-i a.png -a b.png -o c.png --batch 0", "not a number from 1 to 256"},
                                          {"-i a.png -a b.png -o c.png d.png", "d.png"},
                                          {"--pairs -i README.md -a docs -o c", "README.md is a file"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(program_run("/tmp", "$IDEM compose %s", rows[i][0]), 2);
        assert_true(program_says(rows[i][1]));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_gives_a_picture),
        cmocka_unit_test(folders_give_all_combinations_and_a_grid),
        cmocka_unit_test(pairs_match_names),
        cmocka_unit_test(names_that_clash_are_told_apart_or_refused),
        cmocka_unit_test(json_reports),
        cmocka_unit_test(bad_files_in_a_folder_do_not_stop_the_good_ones),
        cmocka_unit_test(pictures_that_cannot_be_read_are_one_line),
        cmocka_unit_test(places_that_cannot_be_written_are_one_line),
        cmocka_unit_test(models_that_do_not_fit_are_one_line),
        cmocka_unit_test(wrong_usage_exits_2),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
