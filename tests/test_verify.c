/* Verification: the command from outside, its lists of pairs, its figures by hand. */
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

#include "base/file.h"
#include "base/status.h"
#include "measure/pair_list.h"
#include "measure/verification.h"
#include "support/photographs.h"
#include "support/pictures.h"
#include "support/program.h"

#define RUN(...) program_run(program_folder, __VA_ARGS__)
#define VERIFY "cd $DIR && IDEM_MODELS='%s' $IDEM verify --threads 1 "

/* ---- lists of pairs ---- */

static int parse(idem_pair_list *list, const char *text, size_t size) {
    char *copy = calloc(size + 1, 1);
    memcpy(copy, text, size);
    int status = idem_pair_list_parse(list, copy, size, "list", "there");
    free(copy);
    return status;
}
#define PARSE(list, text) parse(list, text, sizeof(text) - 1)

/* The same two pairs in every way of writing them. */
static void lists_are_read_however_they_are_written(void **state) {
    (void)state;
    static const char *const texts[] = {
        "a.png b.png 1\n/c.png d.png 0\n",
        ("\xef\xbb\xbf"
         "a.png b.png 1\n/c.png d.png 0"),
        "a.png b.png 1\r\n/c.png d.png 0\r\n",
        "a.png b.png 1\r/c.png d.png 0\r",
        "a.png b.png 1  \n \t\n/c.png d.png 0\t\n\n",
        "a.png\tb.png\t1\n/c.png\td.png\t0\n",
        " a.png \t b.png \t 1 \t\r\n/c.png\t\td.png\t0\n",
        "a.png\tb.png 1\n/c.png d.png\t0\n",
        "# a comment\n  # another\na.png b.png 1 # one person\n/c.png   d.png   0\n",
        "\"a.png\" \"b.png\" 1\n\"/c.png\"\td.png\t\"0\"\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        idem_pair_list list;
        if (parse(&list, texts[i], strlen(texts[i])))
            fail_msg("list %zu: %s", i, idem_error());
        assert_int_equal(list.n, 2);
        assert_string_equal(list.pairs[0].path[0], "there/a.png");
        assert_string_equal(list.pairs[0].path[1], "there/b.png");
        assert_string_equal(list.pairs[1].path[0], "/c.png");
        assert_string_equal(list.pairs[1].path[1], "there/d.png");
        assert_true(list.pairs[0].same == 1 && list.pairs[1].same == 0 && list.announced == 0);
        idem_pair_list_free(&list);
    }
}

static void names_may_have_blanks_and_quotes(void **state) {
    (void)state;
    idem_pair_list list;
    assert_int_equal(PARSE(&list, "my face.png\tO'Brien \"Bob\".png\t1\n\"my face.png\" \"a \"\"b\"\"\tc.png\" 0\n"
                                  "#1.png\t\"#2.png\"\t0\n\"#1.png\" #2.png 0\n"),
                     0);
    assert_int_equal(list.n, 3); /* one is a comment */
    assert_string_equal(list.pairs[0].path[0], "there/my face.png");
    assert_string_equal(list.pairs[0].path[1], "there/O'Brien \"Bob\".png");
    assert_string_equal(list.pairs[1].path[0], "there/my face.png");
    assert_string_equal(list.pairs[1].path[1], "there/a \"b\"\tc.png");
    assert_string_equal(list.pairs[2].path[0], "there/#1.png");
    assert_string_equal(list.pairs[2].path[1], "there/#2.png");
    idem_pair_list_free(&list);
}

static void lists_of_lfw_are_read(void **state) {
    (void)state;
    idem_pair_list list;
    assert_int_equal(PARSE(&list, "10\t300\nAbel_Pacheco\t1\t4\nAbdel_Madi_Shabneh\t1\tDean_Barker\t12\n"), 0);
    assert_int_equal(list.n, 2);
    assert_int_equal(list.announced, 6000);
    assert_string_equal(list.pairs[0].path[0], "there/Abel_Pacheco/Abel_Pacheco_0001.jpg");
    assert_string_equal(list.pairs[0].path[1], "there/Abel_Pacheco/Abel_Pacheco_0004.jpg");
    assert_string_equal(list.pairs[1].path[0], "there/Abdel_Madi_Shabneh/Abdel_Madi_Shabneh_0001.jpg");
    assert_string_equal(list.pairs[1].path[1], "there/Dean_Barker/Dean_Barker_0012.jpg");
    assert_true(list.pairs[0].same == 1 && list.pairs[1].same == 0);
    idem_pair_list_free(&list);
    assert_int_equal(PARSE(&list, "\xef\xbb\xbf"
                                  "1\r\nA 1 2\r\nA 1 B 2\r\n"),
                     0);
    assert_int_equal(list.announced, 2);
    assert_int_equal(list.n, 2);
    idem_pair_list_free(&list);
    assert_int_equal(PARSE(&list, "10 300\nA 1 2\n\nA 1 B\n"), -1);
    assert_non_null(strstr(idem_error(), "list: line 4 is not \"Name 1 4\""));
    assert_int_equal(PARSE(&list, "10 300\nA 0 2\n"), -1);
    assert_int_equal(PARSE(&list, "10 300\nA 1 99999999999999999999\n"), -1);
}

static void bad_lines_are_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *says;
        size_t size;
    } bad[] = {
#define BAD(text, says) {text, says, sizeof(text) - 1}
        BAD("a b 1\n\n# x\na b 2\n", "line 4 is not two paths and 1"),
        BAD("a b 1\ra b\r", "line 2 is not two paths"),
        BAD("a b 1\na b c 1\n", "line 2 is not two paths"),
        BAD("a b c d 1\n", "line 1 is not two paths"),
        BAD("a b 1\na \"b 1\n", "line 2 has an empty name or a double quote"),
        BAD("\"a\"b c 1\n", "line 1 has an empty name or a double quote"),
        BAD("\"\" c 1\n", "line 1 has an empty name"),
        BAD("a b 1\na\0b c 1\n", "line 2 has a 0 byte"),
        BAD("\xff\xfe"
            "a\0 \0b\0",
            "list: is text in UTF-16, expected UTF-8"),
        BAD("\xfe\xff\0a\0 ", "is text in UTF-16"),
        BAD("a\0 \0b\0", "is text in UTF-16"),
        BAD("\xff\xfe\0\0a\0\0\0", "is text in UTF-32"),
#undef BAD
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        idem_pair_list list;
        assert_int_equal(parse(&list, bad[i].text, bad[i].size), -1);
        if (!strstr(idem_error(), bad[i].says))
            fail_msg("%s, expected %s", idem_error(), bad[i].says);
        assert_true(list.n == 0 && !list.pairs);
    }
    idem_pair_list list;
    assert_int_equal(PARSE(&list, ""), 0);
    assert_int_equal(list.n, 0);
    idem_pair_list_free(&list);
}

/* ---- the command ---- */

static json_t *report(void) {
    json_t *root = json_loads(program_output, 0, NULL);
    if (!root)
        fail_msg("no JSON: %s", program_output);
    return root;
}

static double number(const json_t *o, const char *key) {
    assert_true(json_is_number(json_object_get(o, key)));
    return json_number_value(json_object_get(o, key));
}

static void verify_compares(void **state) {
    (void)state;
    photograph_need_models();
    photograph_save(program_folder, "p.png", "identities/1.png", 300);
    photograph_save(program_folder, "q.png", "identities/1.png", 220);
    photograph_save(program_folder, "r.png", "identities/4.png", 260);
    assert_int_equal(RUN(VERIFY "p.png q.png", photograph_models()), 0);
    assert_int_equal(strncmp(program_output, "same person\n", 12), 0);
    assert_int_equal(RUN(VERIFY "--json p.png r.png", photograph_models()), 0);
    json_t *root = report();
    assert_string_equal(json_string_value(json_object_get(root, "verdict")), "different");
    assert_true(json_is_false(json_object_get(root, "same")));
    assert_int_equal(json_array_size(json_object_get(root, "why")), 0);
    assert_true(number(root, "faces_a") == 1 && number(root, "face_b") == 1 && number(root, "outside_a") == 0);
    json_decref(root);
    assert_int_equal(RUN("$IDEM verify x"), 2);
    assert_int_equal(RUN("$IDEM verify --root x a b"), 2);
    for (int i = 0; i < 4; i++)
        assert_int_equal(RUN("$IDEM verify --face %s a b", (const char *const[]){"0", "all", "1,2,3", "1,"}[i]), 2);
    assert_int_equal(RUN("$IDEM verify --face 1,2 --pairs x"), 2);
    assert_int_equal(RUN(VERIFY "-q p.png absent.png", photograph_models()), 1);
    assert_true(program_says("absent.png"));
}

/* Who is compared where there are several, and that there are several, is said. */
static void verify_takes_the_face_it_is_told(void **state) {
    (void)state;
    photograph_need_models();
    photograph_save_pair(program_folder, "two.png", (const char *const[]){"identities/1.png", "identities/4.png"},
                         (const double[]){200, 300});
    photograph_save(program_folder, "one.png", "identities/1.png", 240);
    photograph_save(program_folder, "four.png", "identities/4.png", 240);
    assert_int_equal(RUN(VERIFY "two.png four.png", photograph_models()), 0);
    assert_true(program_says("two.png: has 2 faces; the largest is taken") && program_says("same person\n") &&
                program_says("face 1 of 2 of A, face 1 of 1 of B"));
    /* The largest is somebody else, but the other one matches. */
    assert_int_equal(RUN(VERIFY "-q one.png two.png", photograph_models()), 0);
    assert_int_equal(strncmp(program_output, "unsure\n", 7), 0);
    assert_true(program_says("face 1 of A and face 2 of B match") && program_says("--face 1,2"));
    static const struct {
        const char *face, *verdict;
        int face_a, compared;
    } rows[] = {{"2", "same", 2, 1},
                {"2,1", "same", 2, 1},
                {"1", "different", 1, 1},
                {"largest", "different", 1, 1},
                {"any", "same", 2, 2}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(RUN(VERIFY "--json --face %s two.png one.png", photograph_models(), rows[i].face), 0);
        json_t *root = report();
        assert_string_equal(json_string_value(json_object_get(root, "verdict")), rows[i].verdict);
        assert_true(number(root, "faces_a") == 2 && number(root, "faces_b") == 1 && number(root, "face_b") == 1);
        assert_true(number(root, "face_a") == rows[i].face_a && number(root, "compared") == rows[i].compared);
        assert_true(fabs(number(root, "far") - 0.001 * rows[i].compared) < 1e-9);
        json_decref(root);
    }
    assert_int_equal(RUN(VERIFY "--face 3 two.png one.png", photograph_models()), 1);
    assert_true(program_says("two.png: has 2 faces, face 3 was asked for"));
    /* In lists too. */
    assert_int_equal(RUN("cd $DIR && for i in 1 2 3 4 5; do printf 'one.png two.png 1\ntwo.png one.png 1\n"
                         "one.png four.png 0\nfour.png one.png 0\n'; done > of-two"),
                     0);
    assert_int_equal(RUN(VERIFY "--pairs of-two --json 2> notes", photograph_models()), 0);
    json_t *root = report();
    assert_int_equal(number(root, "pictures_with_several_faces"), 1);
    const double accuracy = number(root, "accuracy"), threshold = number(root, "threshold");
    json_decref(root);
    assert_int_equal(RUN("cat $DIR/notes"), 0);
    assert_true(program_says("pictures with several faces: 1"));
    assert_int_equal(RUN(VERIFY "-q --face any --pairs of-two --json", photograph_models()), 0);
    root = report();
    assert_true(number(root, "accuracy") == 1 && number(root, "skipped") == 0);
    /* By their largest faces all pairs are of the same two persons, so only chance can tell them apart. */
    assert_true(accuracy < 1 || threshold < number(root, "threshold") - 0.02);
    json_decref(root);
}

/* A face that reaches 40 % of its frame beyond the photograph: no verdict, and why. */
static void verify_is_unsure_of_what_is_outside(void **state) {
    (void)state;
    photograph_need_models();
    idem_image low = photograph("identities/2.png", 640, 480, 320, 410, 260, 0, NULL), at = {0};
    char *path = idem_path_join(program_folder, "low.png");
    assert_int_equal(idem_image_save_png(&low, path, NULL), 0);
    idem_image_free(&low);
    idem_image_free(&at);
    free(path);
    photograph_save(program_folder, "whole.png", "identities/2.png", 240);
    assert_int_equal(RUN(VERIFY "-q --json whole.png low.png", photograph_models()), 0);
    json_t *root = report();
    assert_string_equal(json_string_value(json_object_get(root, "verdict")), "unsure");
    assert_true(json_is_null(json_object_get(root, "same")));
    assert_true(number(root, "outside_a") == 0 && number(root, "outside_b") > 0.2 && number(root, "outside_b") < 0.5);
    assert_true(program_says("% of the frame of B's face is outside the photograph"));
    json_decref(root);
    assert_int_equal(RUN(VERIFY "-q low.png whole.png", photograph_models()), 0);
    assert_int_equal(strncmp(program_output, "unsure\n- ", 9), 0);
}

/* Paths begin at the list's folder, whatever the working folder holds; figures of too few are none. */
static void verify_measures_the_pictures_beside_the_list(void **state) {
    (void)state;
    photograph_need_models();
    assert_int_equal(RUN("mkdir -p $DIR/here $DIR/lfw/A $DIR/lfw/B"), 0);
    photograph_save(program_folder, "here/p.png", "identities/1.png", 300);
    photograph_save(program_folder, "here/q.png", "identities/4.png", 260);
    assert_int_equal(RUN("cd $DIR && cp here/q.png p.png && cp here/p.png q.png && cp here/p.png r.png && "
                         "for i in 1 2 3 4 5; do printf 'p.png p.png 1\nq.png q.png 1\np.png\tq.png\t0\r\n"
                         "q.png p.png 0  \n'; done > here/list"),
                     0);
    assert_int_equal(RUN(VERIFY "-q --pairs here/list --json", photograph_models()), 0);
    json_t *root = report(), *needs = json_object_get(root, "needs");
    assert_true(number(root, "pairs") == 20 && number(root, "pictures") == 2 && number(root, "accuracy") == 1);
    assert_true(number(json_object_get(root, "standard_errors"), "accuracy") > 0.01);
    assert_true(json_is_null(json_object_get(root, "tar_at_far_0.1%")) &&
                json_is_null(json_object_get(root, "threshold_at_far_0.1%")));
    assert_true(number(json_object_get(needs, "tar_at_far_0.1%"), "needs") == 10000);
    json_decref(root);
    assert_int_equal(RUN(VERIFY "-q --pairs here/list", photograph_models()), 0);
    assert_true(program_says("- tar_at_far_0.1%: needs 10000 pairs of two persons, has 10"));
    /* r.png is in the working folder alone. */
    assert_int_equal(RUN("cd $DIR && printf 'r.png r.png 1\nr.png r.png 1\nr.png r.png 0\nr.png r.png 0\n' > here/r"),
                     0);
    assert_int_equal(RUN(VERIFY "-q --pairs here/r", photograph_models()), 1);
    assert_true(program_says("here/r: none of its 1 pictures can be read: relative paths begin at the list's folder"));
    assert_int_equal(RUN(VERIFY "-q --pairs here/r --root .", photograph_models()), 0);
    /* LFW's own list, its pictures elsewhere; too few for an accuracy. */
    assert_int_equal(RUN("cd $DIR && cp here/p.png lfw/A/A_0001.jpg && cp here/p.png lfw/A/A_0002.jpg && "
                         "cp here/q.png lfw/B/B_0001.jpg && cp here/q.png lfw/B/B_0002.jpg && "
                         "printf '10\t300\nA\t1\t2\nB\t1\t2\nA\t1\tB\t1\nA\t2\tB\t2\n' > pairs.txt"),
                     0);
    assert_int_equal(RUN(VERIFY "--pairs pairs.txt --root lfw 2> notes", photograph_models()), 0);
    assert_true(program_says("4 pairs (2 of one person, 2 of two), 0 skipped") &&
                program_says("- accuracy: needs 10 pairs of two persons, has 2"));
    assert_int_equal(RUN("cat $DIR/notes"), 0);
    assert_true(program_says("pairs.txt: its first line says 6000 pairs, it has 4"));
    assert_int_equal(RUN("echo 'a b 2' > $DIR/bad; $IDEM verify --pairs $DIR/bad"), 1);
    assert_true(program_says("bad: line 1 is not two paths"));
    assert_int_equal(RUN("$IDEM verify --pairs $DIR/bad x y"), 2);
}

/* Pictures are decoded ahead, in the order of their names: each still answers for itself. */
static void verify_measures_what_can_be_read(void **state) {
    (void)state;
    photograph_need_models();
    assert_int_equal(RUN("mkdir $DIR/list-of"), 0);
    photograph_save(program_folder, "list-of/b.png", "identities/1.png", 300);
    photograph_save(program_folder, "list-of/d.png", "identities/1.png", 220);
    photograph_save(program_folder, "list-of/f.png", "identities/4.png", 260);
    picture_black(program_folder, "list-of/c.png", 200, 200);
    assert_int_equal(RUN("cd $DIR/list-of && head -c 900 b.png > a.png && : > e.png && "
                         "printf 'a.png b.png 1\\nb.png d.png 1\\nd.png f.png 0\\nf.png b.png 0\\nc.png d.png 0\\n"
                         "e.png f.png 1\\ng.png f.png 0\\nd.png b.png 1\\n' > pairs && "
                         "IDEM_MODELS='%s' $IDEM verify -q --threads 1 --pairs pairs --json 2> notes > report",
                         photograph_models()),
                     1);
    assert_int_equal(RUN("cd $DIR/list-of && cat notes"), 0);
    assert_true(program_says("idem: passed over: a.png: ") && program_says("idem: passed over: c.png: no face found") &&
                program_says("idem: passed over: e.png: ") && program_says("idem: passed over: g.png: "));
    assert_true(program_says("3 of 7 pictures could not be read; the pairs without them are measured"));
    assert_int_equal(program_lines(), 5);
    assert_int_equal(RUN("cat $DIR/list-of/report"), 0);
    assert_true(program_says("\"pairs\": 4,") && program_says("\"genuine\": 2,") && program_says("\"skipped\": 4,") &&
                program_says("\"accuracy\": null,"));
}

/* ---- figures ---- */

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
    assert_true(v.accuracy.mean == 1 && idem_figure_holds(&v.accuracy));
    /* All of twenty right is no proof of never wrong. */
    assert_true(fabs(v.accuracy.error - sqrt(21.0 / (22 * 22 * 23))) < 1e-12);
    assert_true(fabs(v.tar.error - sqrt(11.0 / (12 * 12 * 13))) < 1e-12);
    assert_true(v.tar.mean == 1 && fabs(v.threshold.mean - (0.28 + 0.61) / 2) < 1e-12);
    assert_true(fabs(v.far_threshold.mean - 0.28) < 1e-12);
    score[5] = 0.05;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.001), 0);
    assert_true(fabs(v.accuracy.mean - 0.95) < 1e-12 && fabs(v.tar.mean - 0.9) < 1e-12);
    assert_true(fabs(v.accuracy.error - 0.05) < 1e-12); /* one fold of ten is half right: sqrt(0.225 / 9 / 10) */
    assert_true(fabs(v.tar.error - sqrt(0.9 * 0.1 / 10)) < 1e-12);
    /* Ten impostors cannot show one in a thousand. */
    assert_true(!idem_figure_holds(&v.tar) && !idem_figure_holds(&v.far_threshold) && v.tar.needs == 10000);
    assert_string_equal(v.tar.of, "pairs of two persons");
    /* An impostor above all: at FAR 0.1 none of ten genuine pairs is lost, at 0.001 all are. */
    score[5] = 0.65;
    score[4] = 0.99;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.001), 0);
    assert_true(v.tar.mean == 0);
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.1), 0);
    assert_true(v.tar.mean == 1 && v.tar.needs == 100);
    /* The kind that is short is named. */
    assert_int_equal(idem_verification_of(&v, score, same, 4, 0.9), 0);
    assert_true(!idem_figure_holds(&v.accuracy) && v.accuracy.needs == 10 && v.accuracy.n == 2);
    for (int i = 0; i < 20; i++)
        same[i] = i < 3;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.9), 0);
    assert_true(!idem_figure_holds(&v.tar) && v.tar.n == 3 && v.tar.needs == 10);
    assert_string_equal(v.tar.of, "pairs of one person");
    for (int i = 0; i < 20; i++)
        same[i] = 1;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.001), -1);
    score[3] = NAN;
    assert_int_equal(idem_verification_of(&v, score, same, 20, 0.001), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read_however_they_are_written),
        cmocka_unit_test(names_may_have_blanks_and_quotes),
        cmocka_unit_test(lists_of_lfw_are_read),
        cmocka_unit_test(bad_lines_are_named),
        cmocka_unit_test(verify_compares),
        cmocka_unit_test(verify_takes_the_face_it_is_told),
        cmocka_unit_test(verify_is_unsure_of_what_is_outside),
        cmocka_unit_test(verify_measures_the_pictures_beside_the_list),
        cmocka_unit_test(verify_measures_what_can_be_read),
        cmocka_unit_test(verification_by_hand),
    };
    return cmocka_run_group_tests(tests, program_enter, program_leave);
}
