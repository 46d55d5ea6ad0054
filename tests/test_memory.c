/* Folders of photographs in constant memory: the peak of commands whose output is per picture does not grow with the
 * number of pictures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/photographs.h"
#include "support/program.h"
#include "support/tiny.h"

/* KB by which two runs of the same work may differ; what must not grow is many times as much in every case. */
enum { SLACK = 5000 };

static const char *dir; /* NULL: models are missing, tests are skipped */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define MODEL "-q --threads 1 -g generator.safetensors -m mapper.safetensors "

static int set_up(void **state) {
    (void)state;
    return tiny_make(&dir);
}

static void need(void) {
    tiny_need(dir);
#ifdef __SANITIZE_ADDRESS__
    print_message("skip: the address sanitizer keeps freed memory\n");
    skip();
#endif
}

/* Folders DIR/NAME-few and -many of one file under many names, in the same order: where in a batch a picture is can
 * change its rounding. */
static void make_folders(const char *name, const char *file, int few, int many) {
    assert_int_equal(
        RUN("cd $DIR && mkdir %s-few %s-many && for i in $(seq -f %%03g %d); do ln %s %s-many/$i.png; done && "
            "for i in $(seq -f %%03g %d); do ln %s %s-few/$i.png; done",
            name, name, many, file, name, few, file, name),
        0);
}

static void assert_constant(long few, long many) {
    print_message("peak %ld KB, with more pictures %ld KB\n", few, many);
    assert_true(few > 10000); /* it did work */
    assert_true(many < few + SLACK);
}

/* 40 more pictures of 0.9 MB, cut out at 0.2 MB. */
static void of_align(void **state) {
    (void)state;
    need();
    photograph_need_models();
    photograph_save(dir, "photo.png", "identities/1.png", 300);
    make_folders("photos", "photo.png", 10, 50);
    static const char command[] = "cd $DIR && IDEM_MODELS='%s' $IDEM align -q --threads 1 --no-pose --json photos-%s "
                                  "-o cut-%s > report-%s";
    long few = program_peak(dir, command, photograph_models(), "few", "few", "few");
    assert_constant(few, program_peak(dir, command, photograph_models(), "many", "many", "many"));
    assert_int_equal(RUN("ls $DIR/cut-many | wc -l"), 0);
    assert_int_equal(atoi(program_output), 50);
}

/* 380 more pairs of pictures of 12 KB, of 48 KB as the networks take them. */
static void of_pairs(void **state) {
    (void)state;
    need();
    assert_int_equal(RUN("cp '%s/samples/identities/1.png' $DIR/small.png", IDEM_SOURCE_DIR), 0);
    make_folders("pairs", "small.png", 20, 400);
    static const char command[] =
        "cd $DIR && IDEM_MODELS='%s' $IDEM compose " MODEL "--input aligned --pairs -i pairs-%s -a pairs-%s -o made-%s";
    long few = program_peak(dir, command, photograph_models(), "few", "few", "few");
    assert_constant(few, program_peak(dir, command, photograph_models(), "many", "many", "many"));
    assert_int_equal(RUN("ls $DIR/made-many | wc -l && cd $DIR/made-few && for i in *; do cmp $i ../made-many/$i || "
                         "exit 1; done"),
                     0);
    assert_int_equal(atoi(program_output), 400);
}

static void of_encode(void **state) {
    (void)state;
    need();
    assert_int_equal(RUN("cp '%s/samples/identities/1.png' $DIR/face.png", IDEM_SOURCE_DIR), 0);
    make_folders("faces", "face.png", 20, 400);
    static const char command[] =
        "cd $DIR && IDEM_MODELS='%s' $IDEM encode " MODEL "--input aligned faces-%s -o codes-%s";
    long few = program_peak(dir, command, photograph_models(), "few", "few");
    assert_constant(few, program_peak(dir, command, photograph_models(), "many", "many"));
}

/* 40 more pictures of 0.9 MB in 40 more pairs; of each there stay two vectors, 2.5 KB. */
static void of_verify(void **state) {
    (void)state;
    need();
    photograph_need_models();
    photograph_save(dir, "again.png", "identities/1.png", 300);
    make_folders("looked-at", "again.png", 10, 50);
    static const char command[] =
        "cd $DIR && ls looked-at-%s | awk '{ f = \"looked-at-%s/\" $1; if (NR > 1) print last, f, NR %% 2; last = f }' "
        "> list-%s && "
        "IDEM_MODELS='%s' $IDEM verify -q --threads 1 --json --pairs list-%s > verified-%s";
    long few = program_peak(dir, command, "few", "few", "few", photograph_models(), "few", "few");
    assert_constant(few, program_peak(dir, command, "many", "many", "many", photograph_models(), "many", "many"));
    assert_int_equal(RUN("cat $DIR/verified-many"), 0);
    assert_true(program_says("\"pairs\": 49,"));
}

/* All combinations need one network after the other, pairs all at once: the shipped mapper's encoder is 45 MB and as
 * much again for the kernels. */
static void of_one_network_at_a_time(void **state) {
    (void)state;
    need();
    assert_int_equal(RUN("mkdir $DIR/same && cp '%s/samples/identities/1.png' $DIR/same", IDEM_SOURCE_DIR), 0);
    static const char command[] =
        "IDEM_MODELS='%s' $IDEM compose -q --threads 1 --no-grid %s -i $DIR/same -a $DIR/same -o $DIR/made%s";
    long all = program_peak(dir, command, photograph_models(), "--pairs", "-pairs");
    long one = program_peak(dir, command, photograph_models(), "", "");
    print_message("peak of pairs %ld KB, of all combinations %ld KB\n", all, one);
    assert_true(one + 20000 < all);
    assert_int_equal(RUN("cmp $DIR/made-pairs/1.png $DIR/made/1--1.png"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_align),
        cmocka_unit_test(of_verify),
        cmocka_unit_test(of_pairs),
        cmocka_unit_test(of_encode),
        cmocka_unit_test(of_one_network_at_a_time),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
