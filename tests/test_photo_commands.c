/* The commands align and verify from outside, and the figures of verification. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "eval/verification.h"
#include "support/photographs.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* for files */

#define RUN(...) program_run(dir, __VA_ARGS__)

static int set_up(void **state) {
    (void)state;
    dir = tiny_folder();
    return dir ? 0 : -1;
}

static int tear_down(void **state) {
    (void)state;
    free(program_output);
    tiny_remove(dir);
    return 0;
}

static void align_does_the_good_and_lists_the_bad(void **state) {
    (void)state;
    photograph_need_models();
    assert_int_equal(RUN("mkdir $DIR/mixed"), 0);
    photograph_save(dir, "mixed/a.png", "identities/1.png", 300);
    photograph_save(dir, "mixed/b.png", "identities/2.png", 200);
    assert_int_equal(RUN("cd $DIR/mixed && head -c 300 a.png > cut.png && : > empty.png && echo hello > text.jpg"), 0);
    picture_black(dir, "mixed/nobody.png", 200, 200);
    assert_int_equal(
        RUN("IDEM_MODELS='%s' $IDEM align -q --threads 1 --size 96 $DIR/mixed -o $DIR/out --json 2> $DIR/notes",
            photograph_models()),
        1);
    json_error_t error;
    json_t *root = json_loads(program_output, 0, &error);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "faces")), 2);
    assert_int_equal(json_array_size(json_object_get(root, "skipped")), 4);
    json_t *face = json_array_get(json_object_get(json_array_get(json_object_get(root, "photographs"), 0), "faces"), 0);
    assert_int_equal(json_array_size(json_object_get(face, "points")), 68);
    assert_int_equal(json_array_size(json_object_get(face, "box")), 4);
    assert_non_null(json_object_get(json_object_get(face, "pose"), "yaw"));
    json_decref(root);
    assert_int_equal(RUN("cat $DIR/notes; ls $DIR/out"), 0);
    assert_true(program_says("nobody.png: no face found") && program_says("4 of 6 files gave no face"));
    assert_true(program_says("\na.png\nb.png\n"));
    idem_image out;
    picture_load(&out, dir, "out/a.png");
    assert_int_equal(out.width, 96);
    idem_image_free(&out);
    assert_int_equal(RUN("IDEM_MODELS=$DIR/none $IDEM align $DIR/mixed/a.png -o $DIR/out"), 1);
    assert_true(program_says("fr_detect.onnx") && program_says("idem model fetch"));
    assert_int_equal(RUN("$IDEM align $DIR/mixed/a.png -o $DIR/out --size 3"), 2);
    assert_int_equal(RUN("$IDEM align -o $DIR/out"), 2);
}

static void verify_compares_and_measures(void **state) {
    (void)state;
    photograph_need_models();
    photograph_save(dir, "p.png", "identities/1.png", 300);
    photograph_save(dir, "q.png", "identities/1.png", 220);
    photograph_save(dir, "r.png", "identities/4.png", 260);
    assert_int_equal(RUN("IDEM_MODELS='%s' $IDEM verify --threads 1 $DIR/p.png $DIR/q.png", photograph_models()), 0);
    assert_int_equal(strncmp(program_output, "same person", 11), 0);
    assert_int_equal(
        RUN("cd $DIR && printf 'p.png q.png 1\\nq.png p.png 1\\np.png\\tr.png\\t0\\nr.png q.png 0\\n# x\\n' > list && "
            "IDEM_MODELS='%s' $IDEM verify -q --threads 1 --pairs $DIR/list --json",
            photograph_models()),
        0);
    json_error_t error;
    json_t *root = json_loads(program_output, 0, &error);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "pairs")), 4);
    assert_int_equal(json_integer_value(json_object_get(root, "skipped")), 0);
    assert_true(json_number_value(json_object_get(root, "accuracy")) == 1);
    assert_true(json_number_value(json_object_get(root, "tar_at_far_0.1%")) == 1);
    json_decref(root);
    assert_int_equal(RUN("echo 'a b 2' > $DIR/list; $IDEM verify --pairs $DIR/list"), 1);
    assert_true(program_says("line 1 is not two paths"));
    assert_int_equal(RUN("$IDEM verify --pairs $DIR/list x y"), 2);
    assert_int_equal(RUN("$IDEM verify x"), 2);
    assert_int_equal(
        RUN("IDEM_MODELS='%s' $IDEM verify -q --threads 1 $DIR/p.png $DIR/absent.png", photograph_models()), 1);
    assert_true(program_says("absent.png"));
}

/* ---- verification ---- */

static void verification_by_hand(void **state) {
    (void)state;
    /* Twenty pairs, ten of each kind, one genuine pair below all: 19 of 20 right in whatever fold. */
    double score[20];
    uint8_t same[20];
    for (int i = 0; i < 20; i++) {
        same[i] = i % 2;
        score[i] = same[i] ? 0.6 + 0.01 * i : 0.1 + 0.01 * i;
    }
    idem_verification v;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.001), 0);
    assert_int_equal(v.genuine, 10);
    assert_int_equal(v.impostor, 10);
    assert_true(v.accuracy == 1 && v.tar == 1 && fabs(v.threshold - (0.28 + 0.61) / 2) < 1e-12);
    assert_true(fabs(v.far_threshold - 0.28) < 1e-12);
    score[5] = 0.05;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.001), 0);
    assert_true(fabs(v.accuracy - 0.95) < 1e-12 && fabs(v.tar - 0.9) < 1e-12);
    /* An impostor above all: at FAR 0.1 none of ten genuine pairs is lost, at 0.001 all are. */
    score[5] = 0.65;
    score[4] = 0.99;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.001), 0);
    assert_true(v.tar == 0);
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.1), 0);
    assert_true(v.tar == 1);
    for (int i = 0; i < 20; i++)
        same[i] = 1;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.001), -1);
    score[3] = NAN;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.001), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(align_does_the_good_and_lists_the_bad),
        cmocka_unit_test(verify_compares_and_measures),
        cmocka_unit_test(verification_by_hand),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
