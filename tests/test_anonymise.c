/* idem anonymise from outside, on pictures with faces at known places: no face is left, the rest is. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "measure/verification.h"
#include "support/photographs.h"
#include "support/pictures.h"
#include "support/program.h"

#define RUN(...) program_run(program_folder, __VA_ARGS__)
/* Few steps: what is tested is not how well faces are painted. */
#define IDEM "IDEM_MODELS='%s' $IDEM anonymise -q --threads 1 --refine 4 "

static json_t *report(const char *folder) {
    char path[400];
    snprintf(path, sizeof path, "%s/%s/anonymise-report.json", program_folder, folder);
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    return root;
}

static int count(const json_t *root, const char *key) {
    return (int)json_integer_value(json_object_get(json_object_get(root, "summary"), key));
}

static const json_t *face_of(const json_t *root, size_t picture, size_t face) {
    return json_array_get(json_object_get(json_array_get(json_object_get(root, "pictures"), picture), "faces"), face);
}

static double number(const json_t *o, const char *key) {
    return json_number_value(json_object_get(o, key));
}

/* Mean difference of two pictures within a box. */
static double apart(const char *a, const char *b, int x0, int y0, int x1, int y1) {
    idem_image p, q;
    picture_load(&p, program_folder, a);
    picture_load(&q, program_folder, b);
    assert_true(p.width == q.width && p.height == q.height);
    double sum = 0, n = 0;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            for (int c = 0; c < 3; c++, n++)
                sum += abs((int)p.rgb[3 * (y * p.width + x) + c] - (int)q.rgb[3 * (y * q.width + x) + c]);
    idem_image_free(&p);
    idem_image_free(&q);
    return sum / n;
}

/* No list is longer than a box: a report holds no code of a face. */
static void check_lists(const json_t *j) {
    const char *key;
    json_t *value;
    size_t i;
    if (json_is_array(j) && json_is_number(json_array_get(j, 0)))
        assert_true(json_array_size(j) <= 4);
    json_array_foreach(j, i, value) check_lists(value);
    json_object_foreach((json_t *)(uintptr_t)j, key, value) {
        assert_null(strstr(key, "seed"));
        check_lists(value);
    }
}

/* Two faces in one picture, one in another; both folders deep. */
static void make_tree(void) {
    static const char *const both[2] = {"identities/1.png", "identities/2.png"};
    assert_int_equal(RUN("mkdir -p $DIR/in/a/b"), 0);
    photograph_save(program_folder, "in/one.png", "identities/1.png", 260);
    photograph_save_pair(program_folder, "in/a/b/two.png", both, (const double[2]){220, 180});
}

static void every_face_is_another_and_the_rest_is_equal(void **state) {
    (void)state;
    photograph_need_models();
    make_tree();
    assert_int_equal(RUN("echo no picture > $DIR/in/a/bad.jpg"), 0);
    program_expect(RUN(IDEM "--seed 3 $DIR/in -o $DIR/out", photograph_models()), 1);
    assert_true(program_says("bad.jpg") && program_says("1 file could not be read and has no result"));
    json_t *r = report("out");
    check_lists(r);
    assert_int_equal(count(r, "pictures"), 2);
    assert_int_equal(count(r, "unreadable"), 1);
    assert_true(count(r, "faces") >= 3);
    assert_int_equal(count(r, "recomposed"), 3);
    assert_int_equal(count(r, "largest_difference_outside"), 0);
    for (size_t picture = 0; picture < 2; picture++)
        for (size_t i = 0; face_of(r, picture, i); i++) {
            const json_t *face = face_of(r, picture, i);
            assert_true(!json_is_number(json_object_get(face, "cosine_judge")) ||
                        (number(face, "cosine_recogniser") <= IDEM_FEATURE_THRESHOLD &&
                         number(face, "cosine_judge") <= IDEM_JUDGE_THRESHOLD));
        }
    /* The same person has one new face: the first of both pictures is identity 1. */
    const double first = number(face_of(r, 0, 0), "person"), again = number(face_of(r, 1, 0), "person");
    assert_true(first >= 1 && again >= 1);
    json_decref(r);
    /* The face's middle has changed, the corner has not. */
    assert_true(apart("in/one.png", "out/one.png", 300, 220, 340, 260) > 3);
    assert_true(apart("in/one.png", "out/one.png", 0, 0, 640, 60) == 0);
    struct stat st;
    char path[400];
    snprintf(path, sizeof path, "%s/out/.idem-anonymise-state", program_folder);
    assert_int_not_equal(stat(path, &st), 0);
    program_expect(
        RUN("IDEM_MODELS='%s' $IDEM verify $DIR/in/one.png $DIR/out/one.png --threads 1", photograph_models()), 0);
    assert_true(program_says("different"));
    /* The same seed, the same bytes; without one the new face is another each time. */
    program_expect(RUN(IDEM "--seed 3 $DIR/in/one.png -o $DIR/again && " IDEM
                            "--seed 3 $DIR/in/one.png -o $DIR/twice && "
                            "cmp $DIR/again/one.png $DIR/twice/one.png",
                       photograph_models(), photograph_models()),
                   0);
    program_expect(
        RUN(IDEM "$DIR/in/one.png -o $DIR/other && cmp -s $DIR/again/one.png $DIR/other/one.png", photograph_models()),
        1);
}

static void an_interrupted_run_goes_on_and_leaves_nothing(void **state) {
    (void)state;
    photograph_need_models();
    make_tree();
    assert_int_equal(RUN("cp $DIR/in/one.png $DIR/in/three.png; cp $DIR/in/one.png $DIR/in/two.png"), 0);
    program_expect(
        program_interrupt(program_folder, "out/a/b/two.png",
                          "exec env IDEM_MODELS='%s' $IDEM anonymise -q --threads 1 --refine 4 $DIR/in -o $DIR/out",
                          photograph_models()),
        130);
    struct stat st;
    char path[400];
    snprintf(path, sizeof path, "%s/out/.idem-anonymise-state", program_folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    /* Other options are another run. */
    program_expect(RUN(IDEM "--unlinkable $DIR/in -o $DIR/out", photograph_models()), 1);
    assert_true(program_says("other options") && program_says("delete the file"));
    /* So are other instructions: a picture that is done would be as the former ones said. */
    program_expect(RUN("echo '{\"pictures\": {\"a/b/two.png\": []}}' >$DIR/said.json && " IDEM
                       "$DIR/in -o $DIR/out --boxes $DIR/said.json",
                       photograph_models()),
                   1);
    assert_true(program_says("other options"));
    assert_int_equal(RUN("stat -c %%Y.%%i $DIR/out/a/b/two.png"), 0);
    char before[64];
    snprintf(before, sizeof before, "%s", program_output);
    program_expect(RUN(IDEM "$DIR/in -o $DIR/out", photograph_models()), 0);
    assert_int_equal(RUN("stat -c %%Y.%%i $DIR/out/a/b/two.png"), 0);
    assert_string_equal(before, program_output); /* it was not made again */
    assert_int_not_equal(stat(path, &st), 0);
    json_t *r = report("out");
    assert_int_equal(count(r, "pictures"), 4);
    /* One person, one face, over the interruption. */
    for (size_t i = 1; i < 4; i++)
        if (strcmp(json_string_value(json_object_get(json_array_get(json_object_get(r, "pictures"), i), "picture")),
                   "a/b/two.png"))
            assert_true(number(face_of(r, i, 0), "person") == number(face_of(r, 1, 0), "person"));
    json_decref(r);
}

static void what_is_not_painted_is_hidden_or_said(void **state) {
    (void)state;
    photograph_need_models();
    make_tree();
    program_expect(RUN(IDEM "--min-face 2000 --fallback blur $DIR/in/one.png -o $DIR/out --boxes-out $DIR/boxes.json",
                       photograph_models()),
                   0);
    json_t *r = report("out");
    assert_int_equal(count(r, "recomposed"), 0);
    assert_true(count(r, "hidden") >= 1);
    assert_string_equal(json_string_value(json_object_get(face_of(r, 0, 0), "why")), "too small");
    assert_true(number(face_of(r, 0, 0), "cosine_judge") <= IDEM_JUDGE_THRESHOLD);
    json_decref(r);
    /* Who is exempt stays, to the bit; and what is skipped by hand. */
    assert_int_equal(RUN("mkdir $DIR/leave && cp $DIR/in/one.png $DIR/leave"), 0);
    program_expect(RUN(IDEM "$DIR/in/one.png -o $DIR/left --exempt $DIR/leave", photograph_models()), 0);
    r = report("left");
    assert_int_equal(count(r, "exempt"), 1);
    assert_string_equal(json_string_value(json_object_get(face_of(r, 0, 0), "done")), "exempt");
    json_decref(r);
    assert_true(apart("in/one.png", "left/one.png", 250, 150, 390, 330) == 0);
    program_expect(RUN("sed -i 's/\"hide\"/\"skip\"/' $DIR/boxes.json && " IDEM
                       "$DIR/in/one.png -o $DIR/skipped --boxes $DIR/boxes.json",
                       photograph_models()),
                   0);
    assert_true(apart("in/one.png", "skipped/one.png", 250, 150, 390, 330) == 0);
    /* A region drawn by hand is hidden where no face is. */
    program_file(program_folder, "hand.json",
                 "{\"pictures\": {\"one.png\": [{\"box\": [10, 10, 60, 60], \"do\": \"hide\"}]}}", false);
    program_expect(
        RUN(IDEM "$DIR/in/one.png -o $DIR/hand --boxes $DIR/hand.json --exempt $DIR/leave", photograph_models()), 0);
    r = report("hand");
    assert_int_equal(count(r, "hidden"), 1);
    json_decref(r);
}

static void a_project_gives_a_person_the_same_face_tomorrow(void **state) {
    (void)state;
    photograph_need_models();
    make_tree();
    program_file(program_folder, "pass", "open sesame\n", false);
    program_file(program_folder, "wrong", "open seseme\n", false);
    program_expect(
        RUN(IDEM "$DIR/in -o $DIR/today --key $DIR/study.key --passphrase-file $DIR/pass", photograph_models()), 0);
    program_expect(RUN(IDEM "$DIR/in -o $DIR/tomorrow --key $DIR/study.key --passphrase-file $DIR/pass && "
                            "cmp $DIR/today/one.png $DIR/tomorrow/one.png",
                       photograph_models()),
                   0);
    assert_int_equal(RUN("cp $DIR/study.key $DIR/before; " IDEM
                         "$DIR/in -o $DIR/never --key $DIR/study.key --passphrase-file $DIR/wrong",
                         photograph_models()),
                     1);
    assert_true(program_says("passphrase is wrong"));
    assert_int_equal(RUN("cmp $DIR/before $DIR/study.key"), 0);
    assert_int_equal(RUN(IDEM "$DIR/in -o $DIR/x --key $DIR/study.key --unlinkable", photograph_models()), 2);
}

static void wrong_usage_is_refused(void **state) {
    (void)state;
    make_tree();
    assert_int_equal(RUN(IDEM "$DIR/in -o $DIR/in/out", photograph_models()), 1);
    assert_true(program_says("is in the input"));
    assert_int_equal(RUN(IDEM "$DIR/in -o $DIR/out --keep-person --unlinkable", photograph_models()), 2);
    assert_int_equal(RUN(IDEM "$DIR/in", photograph_models()), 2);
    assert_int_equal(RUN(IDEM "$DIR/nothing -o $DIR/out", photograph_models()), 1);
    assert_int_equal(RUN(IDEM "$DIR/in -o $DIR/out --fallback black", photograph_models()), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_face_is_another_and_the_rest_is_equal, program_enter, program_leave),
        cmocka_unit_test_setup_teardown(an_interrupted_run_goes_on_and_leaves_nothing, program_enter, program_leave),
        cmocka_unit_test_setup_teardown(what_is_not_painted_is_hidden_or_said, program_enter, program_leave),
        cmocka_unit_test_setup_teardown(a_project_gives_a_person_the_same_face_tomorrow, program_enter, program_leave),
        cmocka_unit_test_setup_teardown(wrong_usage_is_refused, program_enter, program_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
