/* The evaluator in situations whose figures are known, and idem evaluate from outside. */
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

#include "base/models.h"
#include "base/file.h"
#include "base/rng.h"
#include "measure/evaluate.h"
#include "measure/witness.h"
#include "data/data.h"
#include "media/image.h"
#include "model/pipe.h"
#include "support/program.h"
#include "support/tiny.h"

enum { PAIRS = 8, BATCH = 3, SIDE = 64, NUMBERS = SIDE * SIDE * 3, MIXING_ROWS = 2 * (10 - 1) };

static const char *dir; /* NULL: models are missing, most tests are skipped */
static idem_model *model;
static idem_evaluator *evaluator;
static float *identity, *attributes; /* [PAIRS, S, S, 3] faces of the shipped generator */
static int measured;

#define NEAR(got, want, tol) assert_true(fabs((double)(got) - (double)(want)) <= (tol))

static void on_measured(void *user, int pictures) {
    *(int *)user += pictures;
}

static int draw_faces(void) {
    const idem_model_info *info = idem_model_about(model);
    size_t half = (size_t)PAIRS * (size_t)info->z_dim;
    float *z = malloc(2 * half * sizeof *z);
    identity = malloc(2 * PAIRS * NUMBERS * sizeof *identity);
    attributes = identity + PAIRS * NUMBERS;
    idem_rng r = idem_rng_make(4, "faces");
    idem_rng_fill_normal(&r, z, 2 * half);
    idem_pipe *p = idem_pipe_new(model, IDEM_PIPE_SAMPLE, BATCH, 1, NULL);
    int status =
        p ? idem_pipe_run(p, 2 * PAIRS, (const float *const[]){z, NULL}, (float *const[]){NULL, identity}) : -1;
    idem_pipe_free(p);
    free(z);
    idem_image_quantise(identity, 2 * PAIRS * NUMBERS);
    return status;
}

static bool has_witnesses(void) {
    char path[4096];
    if (!idem_models_find(path, sizeof path, NULL, "fr_pose.onnx") &&
        !idem_models_find(path, sizeof path, NULL, "face_recognition_model-weights_manifest.json"))
        return true;
    printf("skip: %s\n", idem_error());
    return false;
}

static int set_up(void **state) {
    (void)state;
    if (!has_witnesses())
        return 0;
    if (tiny_make(&dir))
        return -1;
    if (!dir)
        return 0;
    model = idem_model_open("tests/fixtures/generator-64.safetensors");
    if (model && !idem_model_load_frozen(model, NULL) && !draw_faces())
        evaluator = idem_evaluator_new(model, NULL, BATCH, NULL);
    if (!evaluator) {
        fprintf(stderr, "%s\n", idem_error());
        return -1;
    }
    idem_evaluator_watch(evaluator, on_measured, &measured);
    return 0;
}

static int tear_down(void **state) {
    idem_evaluator_free(evaluator);
    idem_model_free(model);
    free(identity);
    return tiny_leave(state);
}

static void give_pairs(void) {
    assert_int_equal(idem_evaluator_pictures(evaluator, PAIRS, identity, attributes, 1), 0);
}

/* ---- known situations ---- */

static void the_identity_picture_keeps_all_identity(void **state) {
    (void)state;
    tiny_need(dir);
    measured = 0;
    give_pairs();
    assert_int_equal(measured, 2 * PAIRS);
    idem_report r;
    assert_int_equal(idem_evaluator_outputs(evaluator, identity, &r), 0);
    assert_int_equal(measured, 3 * PAIRS);
    const idem_identity_scores *both[2] = {&r.train, &r.judge};
    for (int i = 0; i < 2; i++) {
        NEAR(both[i]->cos_id_out.mean, 1, 1e-6);
        NEAR(both[i]->id_kept.mean, 1, 1e-5);
        NEAR(both[i]->id_kept.error, 0, 1e-5);
        NEAR(both[i]->cos_attr_out.mean, both[i]->cos_id_attr.mean, 1e-6);
        assert_true(both[i]->attr_leak.mean < 0.5);
        assert_true(both[i]->strangers < 0.95);
    }
    NEAR(r.retrieval_train.mean, 1, 0);
    NEAR(r.retrieval_judge.mean, 1, 0);
    assert_true(r.nme.mean > 0.01 && r.landmark_mse160.mean > 1 && r.colour.mean > 0.02);
    assert_true(r.yaw.n >= 1 && r.yaw.mean >= 10); /* by the choice of the pairs it counts */
    assert_int_equal(r.pairs, PAIRS);
    assert_false(idem_figure_holds(&r.psnr_same_face));
}

/* A face and its mirror image look as far to the one side as to the other. A crop that is not the pose network's own
 * shows here first. */
static void mirrored_faces_look_the_other_way(void **state) {
    (void)state;
    tiny_need(dir);
    enum { FACES = 2 * PAIRS };
    float *both = malloc(2 * FACES * NUMBERS * sizeof *both), pose[2 * FACES][IDEM_ANGLES], yaw[2 * FACES];
    memcpy(both, identity, FACES * NUMBERS * sizeof *both);
    for (int i = 0; i < FACES * SIDE * SIDE; i++)
        memcpy(both + FACES * NUMBERS + 3 * i, identity + 3 * (i / SIDE * SIDE + SIDE - 1 - i % SIDE),
               3 * sizeof *both);
    idem_witness *w = idem_witness_new(NULL, idem_model_frame(model), SIDE, BATCH, NULL);
    assert_non_null(w);
    assert_int_equal(idem_witness_run(w, 2 * FACES, both, NULL, pose[0]), 0);
    for (int i = 0; i < 2 * FACES; i++)
        yaw[i] = pose[i][IDEM_YAW];
    double sum = 0, squares[2] = {0};
    for (int i = 0; i < FACES; i++) {
        sum += (double)(yaw[i] * yaw[FACES + i]);
        for (int side = 0; side < 2; side++)
            squares[side] += (double)(yaw[side * FACES + i] * yaw[side * FACES + i]);
    }
    assert_true(sum / sqrt(squares[0] * squares[1]) < -0.8);
    idem_witness_free(w);
    free(both);
}

static void the_attribute_picture_has_all_attributes(void **state) {
    (void)state;
    tiny_need(dir);
    give_pairs();
    idem_report r;
    assert_int_equal(idem_evaluator_outputs(evaluator, attributes, &r), 0);
    const idem_identity_scores *both[2] = {&r.train, &r.judge};
    for (int i = 0; i < 2; i++) {
        NEAR(both[i]->cos_attr_out.mean, 1, 1e-6);
        NEAR(both[i]->attr_leak.mean, 1, 1e-5);
        NEAR(both[i]->cos_id_out.mean, both[i]->cos_id_attr.mean, 1e-6);
        assert_true(both[i]->id_kept.mean < 0.5);
    }
    NEAR(r.nme.mean, 0, 0);
    NEAR(r.landmark_mse160.mean, 0, 0);
    NEAR(r.colour.mean, 0, 0);
    NEAR(r.yaw.mean, 0, 0);
    assert_true(r.yaw.n >= 1);
    /* Against the shuffled ones it has nothing to do with them. */
    assert_true(r.nme_shuffled.mean > 0.01 && r.colour_shuffled.mean > 0.02 && r.yaw_shuffled.mean > 0);
    assert_true(r.retrieval_train.mean < 0.7);
}

/* Colours are measured outside the face only: painting over the middle of the attribute picture changes nothing. */
static void colour_does_not_see_the_face(void **state) {
    (void)state;
    tiny_need(dir);
    give_pairs();
    float *out = malloc(PAIRS * NUMBERS * sizeof *out);
    memcpy(out, attributes, PAIRS * NUMBERS * sizeof *out);
    for (int i = 0; i < PAIRS; i++)
        for (int y = 28; y < 44; y++) /* about the nose: (0.49, 0.61) of the side */
            for (int x = 24; x < 40; x++)
                for (int c = 0; c < 3; c++)
                    out[i * NUMBERS + (y * SIDE + x) * 3 + c] = 0;
    idem_report r;
    assert_int_equal(idem_evaluator_outputs(evaluator, out, &r), 0);
    NEAR(r.colour.mean, 0, 0);
    assert_true(r.nme.mean > 0);
    for (int i = 0; i < PAIRS; i++) /* but the corner counts */
        out[i * NUMBERS] = out[i * NUMBERS] > 0.5f ? 0 : 1;
    assert_int_equal(idem_evaluator_outputs(evaluator, out, &r), 0);
    assert_true(r.colour.mean > 0);
    free(out);
}

static void same_reports(const json_t *a, const json_t *b) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)a, key, value) {
        if (json_is_object(value))
            same_reports(value, json_object_get(b, key));
        else if (json_is_number(value))
            NEAR(json_number_value(value), json_number_value(json_object_get(b, key)), 1e-9);
    }
}

static void baselines_are_copies_and_mixtures(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(idem_evaluator_sample(evaluator, 4, 0.9f, 6), 0);
    assert_int_equal(idem_evaluator_sample(evaluator, 3, 0.9f, 6), 0); /* replaces the pairs before */
    float *noise = malloc(3 * NUMBERS * sizeof *noise);
    idem_rng r = idem_rng_make(1, "noise");
    for (int i = 0; i < 3 * NUMBERS; i++)
        noise[i] = idem_rng_uniform(&r);
    idem_report mapper, same;
    assert_int_equal(idem_evaluator_outputs(evaluator, noise, &mapper), 0);
    free(noise);
    json_t *rows = idem_evaluator_baselines(evaluator, 100, &same);
    assert_non_null(rows);
    assert_int_equal(json_array_size(rows), 2 + MIXING_ROWS);
    assert_int_equal(same.pairs, 3);
    NEAR(same.train.id_kept.mean, mapper.train.id_kept.mean, 0);
    NEAR(same.colour_shuffled.mean, mapper.colour_shuffled.mean, 0);
    const json_t *copy = json_array_get(rows, 0);
    assert_string_equal(json_string_value(json_object_get(copy, "name")), "identity picture");
    NEAR(json_number_value(json_object_get(json_object_get(copy, "judge"), "id_kept")), 1, 1e-5);
    copy = json_array_get(rows, 1);
    assert_string_equal(json_string_value(json_object_get(copy, "name")), "attribute picture");
    NEAR(json_number_value(json_object_get(copy, "nme")), 0, 0);
    /* The more layers are from the attribute picture, the less identity: first row 1-9, last of the first way 9-9. */
    const json_t *most = json_array_get(rows, 2), *least = json_array_get(rows, 2 + MIXING_ROWS / 2 - 1);
    assert_string_equal(json_string_value(json_object_get(most, "name")), "mixing: layers 1-9 from attributes");
    assert_string_equal(json_string_value(json_object_get(least, "name")), "mixing: layers 9-9 from attributes");
    assert_true(json_number_value(json_object_get(json_object_get(most, "train"), "id_kept")) <
                json_number_value(json_object_get(json_object_get(least, "train"), "id_kept")));
    assert_true(json_number_value(json_object_get(most, "nme")) < json_number_value(json_object_get(least, "nme")));
    assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 1 + MIXING_ROWS), "name")),
                        "mixing: layers 0-8 from attributes");
    /* Noise keeps nothing, so the attribute picture with its NME of 0 or a mixture beats it; a perfect mapper wins. */
    assert_true(idem_report_beats(&same, rows).mean == 0);
    idem_report perfect = same;
    perfect.train.id_kept.mean = 1.1;
    idem_figure verdict = idem_report_beats(&perfect, rows);
    assert_true(verdict.mean == 1 && !idem_figure_holds(&verdict)); /* three pairs prove nothing */
    perfect.pairs = 30;
    verdict = idem_report_beats(&perfect, rows);
    assert_true(idem_figure_holds(&verdict));
    /* Given pictures have no codes to mix. The copies' figures are those of the same pictures as outputs. */
    give_pairs();
    json_t *two = idem_evaluator_baselines(evaluator, PAIRS, NULL);
    assert_int_equal(json_array_size(two), 2);
    idem_report direct;
    assert_int_equal(idem_evaluator_outputs(evaluator, identity, &direct), 0);
    json_t *report = idem_report_json(&direct);
    same_reports(report, json_array_get(two, 0));
    json_decref(report);
    json_decref(two);
    json_decref(rows);
}

static void a_mapper_is_measured_as_its_outputs_are(void **state) {
    (void)state;
    tiny_need(dir);
    give_pairs();
    idem_report r, again, direct;
    assert_int_equal(idem_evaluator_mapper(evaluator, &r), -1); /* there is none yet */
    assert_int_equal(idem_model_new_mapper(model, 3, true, NULL), 0);
    assert_int_equal(idem_evaluator_mapper(evaluator, &r), 0);
    assert_int_equal(idem_evaluator_mapper(evaluator, &again), 0);
    NEAR(r.train.id_kept.mean, again.train.id_kept.mean, 0);
    NEAR(r.nme.mean, again.nme.mean, 0);
    assert_true(r.psnr_same_face.n == PAIRS && r.psnr_same_face.mean > 3 && r.psnr_same_face.mean < 40);
    assert_true(r.seconds_per_picture > 0);
    idem_pipe *p = idem_pipe_new(model, IDEM_PIPE_COMPOSE, BATCH, 1, NULL);
    float *out = malloc(PAIRS * NUMBERS * sizeof *out);
    assert_int_equal(idem_pipe_run(p, PAIRS, (const float *const[]){identity, attributes}, (float *const[]){NULL, out}),
                     0);
    idem_pipe_free(p);
    assert_int_equal(idem_evaluator_outputs(evaluator, out, &direct), 0);
    free(out);
    NEAR(r.train.id_kept.mean, direct.train.id_kept.mean, 1e-9);
    NEAR(r.judge.attr_leak.mean, direct.judge.attr_leak.mean, 1e-9);
    NEAR(r.nme.mean, direct.nme.mean, 1e-9);
    NEAR(r.colour.mean, direct.colour.mean, 1e-9);
    NEAR(r.yaw.mean, direct.yaw.mean, 1e-9);
}

static void impossible_requests_are_refused(void **state) {
    (void)state;
    tiny_need(dir);
    idem_report r;
    assert_null(idem_evaluator_new(model, NULL, 0, NULL));
    assert_null(idem_evaluator_new(model, "/nowhere", 1, NULL));
    assert_non_null(strstr(idem_error(), "face_recognition_model"));
    assert_int_equal(idem_evaluator_sample(evaluator, 1, 1, 1), -1);
    assert_non_null(strstr(idem_error(), "expected 2 or more"));
    assert_int_equal(idem_evaluator_mapper(evaluator, &r), -1); /* the pairs before are gone with the failure */
    assert_non_null(strstr(idem_error(), "no pairs"));
    assert_int_equal(idem_evaluator_outputs(evaluator, identity, &r), -1);
    assert_null(idem_evaluator_baselines(evaluator, 2, NULL));
    give_pairs();
    assert_null(idem_evaluator_baselines(evaluator, 0, NULL));
    idem_evaluator_free(NULL);
}

/* ---- reports ---- */

static void reports_have_nulls_for_what_was_not_measured(void **state) {
    (void)state;
    idem_report r = {.nme = {.mean = 0.5, .error = 0.1, .n = 4, .needs = 1},
                     .yaw = {.needs = 1, .error = NAN, .of = "turned pairs"},
                     .landmark_mse160 = {.mean = 7, .error = NAN, .n = 1, .needs = 1},
                     .pairs = 4,
                     .candidates = 4};
    json_t *j = idem_report_json(&r), *errors = json_object_get(j, "standard_errors");
    NEAR(json_number_value(json_object_get(j, "nme")), 0.5, 0);
    NEAR(json_number_value(json_object_get(errors, "nme")), 0.1, 0);
    assert_true(json_is_null(json_object_get(errors, "landmark_mse160"))); /* one pair has no error */
    assert_true(json_is_null(json_object_get(j, "psnr_same_face")));
    assert_true(json_is_null(json_object_get(j, "yaw_difference")));
    assert_true(json_is_null(json_object_get(json_object_get(j, "judge"), "retrieval_top1")));
    assert_int_equal(json_integer_value(json_object_get(j, "retrieval_candidates")), 4);
    const json_t *needs = json_object_get(j, "needs"), *yaw = json_object_get(needs, "yaw_difference");
    assert_int_equal(json_object_size(needs), 1);
    assert_int_equal(json_integer_value(json_object_get(yaw, "needs")), 1);
    assert_int_equal(json_integer_value(json_object_get(yaw, "has")), 0);
    assert_string_equal(json_string_value(json_object_get(yaw, "of")), "turned pairs");
    json_decref(j);
    r.landmark_mse160.mean = NAN;
    assert_null(idem_report_json(&r));
    assert_non_null(strstr(idem_error(), "landmark_mse160 is not a number"));
}

/* ---- the command ---- */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define EVALUATE "$IDEM evaluate -g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads 1 "

static void assert_numbers(const json_t *j, const char *const *keys) {
    for (int i = 0; keys[i]; i++) {
        if (!json_is_number(json_object_get(j, keys[i])))
            print_message("no number: %s\n", keys[i]);
        assert_true(json_is_number(json_object_get(j, keys[i])));
    }
}

static void assert_complete(const json_t *j, const char *may_be_null) {
    static const char *const people[] = {"cos_id_out", "cos_attr_out",  "cos_id_attr",    "id_kept",
                                         "attr_leak",  "cos_strangers", "retrieval_top1", NULL};
    static const char *const rest[] = {"nme", "landmark_mse160", "colour_outside_face", "pairs", "yaw_pairs", NULL};
    assert_numbers(json_object_get(j, "train"), people);
    assert_numbers(json_object_get(j, "judge"), people);
    assert_numbers(j, rest);
    assert_non_null(json_object_get(j, "yaw_difference")); /* null when no pair is 10 degrees apart */
    assert_non_null(json_object_get(j, "psnr_same_face"));
    if (!may_be_null)
        assert_true(json_is_number(json_object_get(j, "psnr_same_face")));
    assert_numbers(json_object_get(j, "shuffled"), (const char *const[]){"nme", "colour_outside_face", NULL});
}

static void the_command_prints_and_writes_every_figure(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(
        RUN(EVALUATE "-q --pairs 3 --baselines --baseline-pairs 2 --batch 2 --seed 5 --json -o $DIR/r.json"), 0);
    json_t *root = json_loads(program_output, 0, NULL);
    assert_non_null(root);
    assert_complete(root, NULL);
    assert_numbers(root,
                   (const char *const[]){"pictures_per_second", "seconds", "peak_rss_mb", "seed", "truncation", NULL});
    assert_int_equal(json_integer_value(json_object_get(root, "pairs")), 3);
    assert_int_equal(json_integer_value(json_object_get(root, "seed")), 5);
    assert_true(json_number_value(json_object_get(root, "peak_rss_mb")) > 10);
    assert_true(json_is_null(json_object_get(root, "beats_baselines"))); /* of two pairs */
    const json_t *beats = json_object_get(json_object_get(root, "needs"), "beats_baselines");
    assert_int_equal(json_integer_value(json_object_get(beats, "needs")), 30);
    assert_int_equal(json_integer_value(json_object_get(root, "retrieval_candidates")), 3);
    size_t i;
    json_t *row, *rows = json_object_get(root, "baselines");
    assert_int_equal(json_array_size(rows), 2 + MIXING_ROWS);
    json_array_foreach(rows, i, row) {
        assert_complete(row, "psnr_same_face");
        assert_int_equal(json_integer_value(json_object_get(row, "pairs")), 2);
    }
    char *path = idem_path_join(dir, "r.json");
    json_t *file = json_load_file(path, 0, NULL);
    assert_true(json_equal(root, file));
    free(path);
    json_decref(file);
    /* The same again, but for the times. */
    assert_int_equal(RUN(EVALUATE "-q --pairs 3 --batch 2 --seed 5 --json"), 0);
    json_t *again = json_loads(program_output, 0, NULL);
    assert_true(json_equal(json_object_get(root, "train"), json_object_get(again, "train")));
    assert_true(json_equal(json_object_get(root, "judge"), json_object_get(again, "judge")));
    assert_true(json_equal(json_object_get(root, "shuffled"), json_object_get(again, "shuffled")));
    json_decref(again);
    json_decref(root);
}

static void the_command_takes_folders_and_prints_tables(void **state) {
    (void)state;
    tiny_need(dir);
    assert_int_equal(RUN("cd '%s/samples' && mkdir $DIR/who $DIR/how && cp identities/*.png $DIR/who && "
                         "for i in 1 2 3; do cp attributes/$(echo $i | tr 123 abc).png $DIR/how/$i.png; done && "
                         "echo bad > $DIR/how/4.png",
                         IDEM_SOURCE_DIR),
                     0);
    assert_int_equal(RUN(EVALUATE "--identity $DIR/who --attributes $DIR/how --baselines"), 1); /* one file is bad */
    assert_true(program_says("source found first among 3 ") &&
                program_says("- beats_baselines: needs 30 pairs, has 3"));
    assert_true(program_says("3 pairs") && program_says("identity kept") &&
                program_says("passed over: 5, 6 have no partners in "));
    assert_true(program_says("how/4.png") && program_says("attribute picture") && program_says("pictures a second"));
    assert_int_equal(RUN(EVALUATE "-q --identity $DIR/how/1.png --attributes $DIR/how/1.png"), 1);
    assert_true(program_says("expected 2 or more"));
}

static void the_command_refuses(void **state) {
    (void)state;
    assert_int_equal(program_run("/tmp", "$IDEM evaluate --identity x"), 2);
    assert_true(program_says("go together"));
    assert_int_equal(program_run("/tmp", "$IDEM evaluate --pairs 1"), 2);
    assert_int_equal(program_run("/tmp", "$IDEM evaluate --truncation 2"), 2);
    tiny_need(dir);
    /* Before anything is measured. */
    assert_int_equal(RUN(EVALUATE "--pairs 100000 -o $DIR/none/r.json"), 1);
    assert_true(program_says("none/r.json"));
    assert_int_equal(program_lines(), 1);
    assert_int_equal(RUN(EVALUATE "--pairs 100000 -m '' -o $DIR/r2.json; code=$?; ls -A $DIR | grep r2; exit $code"),
                     1);
    assert_true(program_says("no mapper to evaluate"));
    assert_int_equal(program_lines(), 1);
    assert_int_equal(RUN(EVALUATE "-q --identity $DIR --attributes /nowhere"), 1);
    assert_int_equal(program_lines(), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_identity_picture_keeps_all_identity),
        cmocka_unit_test(the_attribute_picture_has_all_attributes),
        cmocka_unit_test(mirrored_faces_look_the_other_way),
        cmocka_unit_test(colour_does_not_see_the_face),
        cmocka_unit_test(baselines_are_copies_and_mixtures),
        cmocka_unit_test(a_mapper_is_measured_as_its_outputs_are),
        cmocka_unit_test(impossible_requests_are_refused),
        cmocka_unit_test(reports_have_nulls_for_what_was_not_measured),
        cmocka_unit_test(the_command_prints_and_writes_every_figure),
        cmocka_unit_test(the_command_takes_folders_and_prints_tables),
        cmocka_unit_test(the_command_refuses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
