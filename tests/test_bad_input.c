/* Bad input from outside, on the tiny ensemble: one clear line, exit 1, and nothing that existed is lost. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* NULL: models are missing, tests are skipped */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define MODEL "-q --threads 1 -g generator.safetensors -m mapper.safetensors "

static int set_up(void **state) {
    (void)state;
    if (tiny_make(&dir))
        return -1;
    return dir ? RUN("cd $DIR && cp '%s'/samples/identities/[123].png .", IDEM_SOURCE_DIR) : 0;
}

static int tear_down(void **state) {
    (void)state;
    free(program_output);
    tiny_remove(dir);
    return 0;
}

static void a_full_disk_leaves_what_was_there(void **state) {
    (void)state;
    tiny_need(dir);
    /* A write that may not grow fails as on a full disk; blocks of ulimit are 512 or 1024 bytes. */
    static const char *const rows[] = {"compose " MODEL "-i 1.png -a 2.png -o old.png",
                                       "interpolate " MODEL "-i 1.png 3.png -a 2.png -o old.png"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(RUN("cd $DIR && cp 1.png old.png && trap '' XFSZ && ulimit -f 1 && $IDEM %s", rows[i]), 1);
        assert_true(program_says("idem: old.png: ") && program_says("File too large"));
        assert_int_equal(program_lines(), 1);
        assert_int_equal(RUN("cd $DIR && cmp 1.png old.png && test ! -e .old.png.part"), 0);
    }
}

static void places_and_threads(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN("cd $DIR && mkdir -p taken.png && $IDEM evaluate --threads 1 -q -o taken.png"), 1);
    assert_true(program_says("taken.png: is a folder, expected a file name"));
    assert_int_equal(program_lines(), 1);
    /* More threads than cores are no mistake. */
    assert_int_equal(RUN("cd $DIR && $IDEM compose " MODEL "--threads 9 -i 1.png -a 2.png -o nine.png"), 0);
    assert_int_equal(RUN("cd $DIR && IDEM_MODELS=$DIR/none $IDEM compose " MODEL "-i 1.png -a 2.png -o x.png"), 1);
    assert_true(program_says("idem model fetch"));
    assert_int_equal(program_lines(), 1);
}

static void files_that_are_no_models(void **state) {
    (void)state;
    tiny_need(dir);
    static const char *const rows[][2] = {
        {"system.pt", "system.pt: its pickle asks for 'posix.system', which a file of weights may not name: refused, "
                      "nothing was run"},
        {"module.pt", "module.pt: its pickle asks for 'torch.nn.modules.linear.Linear'"},
        {"dtypes.pt", "no StyleGAN2 generator in this file"},
        {"loop.onnx", "loop.onnx: looks like an ONNX model, a network and not a set of weights"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(
            RUN("$IDEM compose -q -g '%s/tests/fixtures/format/%s' -m $DIR/mapper.safetensors -i $DIR/1.png "
                "-a $DIR/2.png -o $DIR/x.png",
                IDEM_SOURCE_DIR, rows[i][0]),
            1);
        assert_true(program_says(rows[i][1]));
        assert_int_equal(program_lines(), 1);
    }
    assert_int_equal(
        RUN("cd $DIR && mkdir -p one/images/00000 && cp 1.png one/images/00000/00000.png && $IDEM train -q "
            "-g '%s/models/generator-64.safetensors' --data one -o run --iterations 2",
            IDEM_SOURCE_DIR),
        1);
    assert_true(program_says("one: holds 1 pictures, needed are 600 for evaluation"));
    assert_int_equal(program_lines(), 1);
}

static void no_face_in_a_photograph(void **state) {
    (void)state;
    tiny_need(dir);
    picture_black(dir, "nobody.png", 300, 200);
    assert_int_equal(RUN("cd $DIR && $IDEM compose " MODEL "-i nobody.png -a 2.png -o x.png"), 1);
    assert_true(program_says("nobody.png: no face found"));
    assert_int_equal(program_lines(), 1);
    assert_int_equal(RUN("test -e $DIR/x.png"), 1);
}

static void evaluate_measures_the_good_and_lists_the_bad(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN("cd $DIR && mkdir mixed && cp [123].png mixed && echo text > mixed/note.png && "
                         "$IDEM evaluate " MODEL "--identity mixed --attributes mixed --json > report; r=$?; "
                         "grep -c pairs report; exit $r"),
                     1);
    assert_true(program_says("passed over: mixed/note.png: "));
    assert_true(program_says("idem: 2 of the files given could not be read; the pairs of the others are measured"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_disk_leaves_what_was_there),
        cmocka_unit_test(places_and_threads),
        cmocka_unit_test(files_that_are_no_models),
        cmocka_unit_test(no_face_in_a_photograph),
        cmocka_unit_test(evaluate_measures_the_good_and_lists_the_bad),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
