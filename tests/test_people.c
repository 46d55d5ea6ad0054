/* Photographs of persons: whose they are, how they are paired, what is measured on them; idem evaluate --photographs.
 */
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

#include "base/status.h"
#include "measure/people.h"
#include "measure/scores.h"
#include "support/photographs.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"

#define RUN(...) program_run(program_folder, __VA_ARGS__)
#define NEAR(got, want, tol) assert_true(fabs((double)(got) - (double)(want)) <= (tol))

static void names_tell_the_person(void **state) {
    (void)state;
    static const struct {
        const char *name, *person;
    } rows[] = {{"Ann_Lee_0001.jpg", "Ann_Lee"},
                {"Ann/Ann_0001.jpg", "Ann"},
                {"set/Ann/x.png", "set/Ann"},
                {"ag-00012.jpg", "ag-00012"},
                {"012-smiling.jpg", "012-smiling"},
                {"7.png", "7"},
                {"_7.png", "_7"},
                {"a_.png", "a_"},
                {"a_1.b_2.jpg", "a_1.b"},
                {"a_12", "a"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const size_t n = idem_people_person(rows[i].name);
        assert_int_equal(n, strlen(rows[i].person));
        assert_memory_equal(rows[i].name, rows[i].person, n);
    }
}

static void pairs_are_of_two_persons(void **state) {
    (void)state;
    enum { N = 11, PAIRS = 3 * N + 4 };
    for (uint64_t seed = 0; seed < 50; seed++) {
        idem_person_picture at[N];
        idem_people people = {.n = N, .at = at, .seed = seed};
        int id[PAIRS], attr[PAIRS], other[PAIRS];
        for (int i = 0; i < N; i++)
            at[i].person = i < 5 ? 0 : i / 2; /* five of one */
        assert_int_equal(idem_people_pair(&people, id, attr, PAIRS), 0);
        for (int first = 0; first < 3 * N; first += N) {
            int seen[2][N] = {{0}};
            for (int i = first; i < first + N; i++) {
                seen[0][id[i]]++;
                seen[1][attr[i]]++;
            }
            for (int i = 0; i < N; i++)
                assert_true(seen[0][i] == 1 && seen[1][i] == 1);
        }
        for (int i = 0; i < PAIRS; i++)
            assert_int_not_equal(at[id[i]].person, at[attr[i]].person);
        assert_int_equal(idem_people_pair(&people, id, other, PAIRS), 0);
        assert_memory_equal(attr, other, sizeof attr);
        for (int i = 0; i < 6; i++)
            at[i].person = 0; /* six of eleven */
        assert_int_equal(idem_people_pair(&people, id, attr, PAIRS), -1);
        assert_non_null(strstr(idem_error(), "more than half"));
    }
}

static void another_photograph_of_the_person_is_right(void **state) {
    (void)state;
    /* Two of person 0, one of 1; the output of pair 0 is nearest to the other of its person. */
    const float id[3][2] = {{1, 0}, {0.8f, 0.6f}, {0, 1}}, out[3][2] = {{0.8f, 0.6f}, {1, 0}, {0.8f, 0.6f}};
    const int person[3] = {0, 0, 1};
    NEAR(idem_score_retrieval_of(&out[0][0], &id[0][0], person, 3, 2).mean, 2.0 / 3, 1e-12);
    NEAR(idem_score_retrieval(&out[0][0], &id[0][0], 3, 2, 3).mean, 0, 0);
    /* Strangers are never one person: 0 and 1 are not compared. */
    const float e[3][2] = {{1, 0}, {1, 0}, {0, 1}};
    NEAR(idem_score_strangers_of(&e[0][0], person, 3, 2, 500, 1), 0, 0);
    assert_true(idem_score_strangers(&e[0][0], 3, 2, 500, 1) > 0.2);
}

/* ---- the command ---- */

#define EVALUATE                                                                                                       \
    "IDEM_MODELS='%s' $IDEM evaluate -g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads 1 --batch 2 "

/* Five persons, seven pictures, in two layouts; one photograph with much around its face. */
static void save_people(void) {
    photograph_save(program_folder, "wide.png", "attributes/a.png", 200);
    assert_int_equal(
        RUN("cd '%s/samples' && mkdir $DIR/flat $DIR/lfw && f=$DIR/flat && "
            "cp identities/1.png $f/A_1.png && cp identities/2.png $f/A_2.png && cp identities/3.png $f/B_0001.png && "
            "cp identities/4.png $f/C_1.png && cp attributes/b.png $f/C_2.png && cp attributes/c.png $f/D_9.png && "
            "cp $DIR/wide.png $f/E_1.png && cd $f && for i in *.png; do mkdir -p ../lfw/${i%%_*} && "
            "cp $i ../lfw/${i%%_*}; done",
            IDEM_SOURCE_DIR),
        0);
}

static json_t *report(const char *json) {
    json_t *root = json_loads(json, 0, NULL);
    if (!root)
        print_message("%s\n", json);
    assert_non_null(root);
    return root;
}

static double number_of(const json_t *root, const char *object, const char *key) {
    const json_t *j = json_object_get(object ? json_object_get(root, object) : root, key);
    if (!json_is_number(j))
        print_message("no number: %s\n", key);
    assert_true(json_is_number(j));
    return json_number_value(j);
}

static void photographs_are_measured(void **state) {
    (void)state;
    photograph_need_models();
    assert_int_equal(tiny_write(program_folder), 0);
    save_people();
    const char *models = photograph_models();
    program_expect(RUN(EVALUATE "-q --photographs $DIR/flat --pairs 9 --refine 2 --json --sheet $DIR/s.png "
                                "-o $DIR/r.json",
                       models),
                   0);
    json_t *root = report(program_output);
    assert_int_equal(number_of(root, NULL, "pairs"), 9);
    assert_int_equal(number_of(root, NULL, "retrieval_candidates"), 9);
    assert_int_equal(number_of(root, NULL, "refine"), 2);
    assert_int_equal(number_of(root, "photographs", "pictures"), 7);
    assert_int_equal(number_of(root, "photographs", "persons"), 5);
    number_of(root, NULL, "expression_agrees");
    number_of(root, "shuffled", "expression_agrees");
    number_of(root, NULL, "psnr_same_face");
    /* The tiny generator paints no faces; those of samples/ are. */
    NEAR(number_of(root, NULL, "one_well_framed_face"), 0, 0);
    assert_true(number_of(root, NULL, "one_well_framed_face_of_photographs") > 0.8);
    assert_true(number_of(root, NULL, "seam_gradient") > 0); /* of the one that was cut out */
    assert_int_equal(number_of(root, "frechet", "n"), 9);
    NEAR(number_of(root, "frechet", "ratio"),
         number_of(root, "frechet", "distance") / number_of(root, "frechet", "mapper_alone"), 1e-4);
    /* Two steps towards the pair bring the identity nearer than none. */
    const json_t *alone = json_object_get(root, "mapper_alone");
    assert_true(number_of(root, "train", "id_kept") > number_of(alone, "train", "id_kept"));
    idem_image sheet;
    picture_load(&sheet, program_folder, "s.png");
    assert_true(sheet.width > 9 * 64 && sheet.height > 3 * 64);
    idem_image_free(&sheet);
    /* Folders for persons say the same. Without refining it is the mapper alone. */
    program_expect(RUN(EVALUATE "-q --photographs $DIR/lfw --pairs 9 --refine 0 --json", models), 0);
    json_t *plain = report(program_output);
    assert_true(json_equal(json_object_get(plain, "judge"), json_object_get(alone, "judge")));
    assert_true(json_equal(json_object_get(plain, "train"), json_object_get(alone, "train")));
    NEAR(number_of(plain, "frechet", "distance"), number_of(root, "frechet", "mapper_alone"), 1e-6);
    json_decref(plain);
    json_decref(root);
}

static void what_cannot_be_paired_is_named(void **state) {
    (void)state;
    photograph_need_models();
    assert_int_equal(tiny_write(program_folder), 0);
    save_people();
    const char *models = photograph_models();
    assert_int_equal(RUN("mkdir $DIR/one && cp $DIR/flat/A_* $DIR/one && echo bad > $DIR/one/B_1.png; " EVALUATE
                         "-q --photographs $DIR/one --pairs 4",
                         models),
                     1);
    assert_true(program_says("passed over: ") && program_says("B_1.png") && program_says("expected two persons"));
    assert_int_equal(RUN("mkdir $DIR/none; " EVALUATE "-q --photographs $DIR/none", models), 1);
    assert_true(program_says("0 pictures"));
    assert_int_equal(RUN(EVALUATE "--photographs $DIR/flat --identity a --attributes b", models), 2);
    assert_int_equal(RUN(EVALUATE "--sheet s.png", models), 2);
    assert_true(program_says("--photographs"));
    assert_int_equal(RUN(EVALUATE "--photographs $DIR/flat --pairs 2 --refine 0 --sheet $DIR/flat/A_1.png", models), 2);
    /* Text, with a table. */
    assert_int_equal(RUN(EVALUATE "--photographs $DIR/flat --pairs 3 --refine 1", models), 0);
    assert_true(program_says("seed ") && program_says("1 steps of refining") && program_says("3 photographs of ") &&
                program_says("mapper alone:") && program_says("one well-framed face"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_tell_the_person),
        cmocka_unit_test(pairs_are_of_two_persons),
        cmocka_unit_test(another_photograph_of_the_person_is_right),
        cmocka_unit_test_setup_teardown(photographs_are_measured, program_enter, program_leave),
        cmocka_unit_test_setup_teardown(what_cannot_be_paired_is_named, program_enter, program_leave),
    };
    return cmocka_run_group_tests_name("people", tests, NULL, NULL);
}
