/* Whether a generator makes people of its own: figures from arrays, and the command. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/models.h"
#include "measure/novelty.h"
#include "measure/variety.h"
#include "model/model.h"
#include "support/origin.h"
#include "support/xmp.h"
#include "support/pictures.h"
#include "support/program.h"
#include "support/tiny.h"
#include "train/gan/data.h"

/* ---- figures ---- */

#define PI 3.14159265358979323846
enum { DIM = 2, N = 4, TRAINING = 3 };

/* Unit vectors by their angle in degrees. */
static void turn(float *rows, const double *degrees, int n) {
    for (int i = 0; i < n; i++) {
        rows[i * DIM] = (float)cos(degrees[i] * PI / 180);
        rows[i * DIM + 1] = (float)sin(degrees[i] * PI / 180);
    }
}

static void figures_by_hand(void **state) {
    (void)state;
    float training[TRAINING * DIM], made[N * DIM], mirrored[N * DIM], apart[2 * DIM];
    turn(training, (double[]){0, 90, 180}, TRAINING);
    turn(made, (double[]){10, 20, 100, 300}, N);
    turn(mirrored, (double[]){45, 45, 92, 300}, N);
    turn(apart, (double[]){0, 60}, 2);
    idem_novelty v;
    idem_nearest nearest[N];
    assert_int_equal(idem_novelty_of(&v, &(idem_novelty_set){made, mirrored, N}, &(idem_novelty_set){apart, apart, 2},
                                     training, TRAINING, DIM, 0.9, 0.001, 1, nearest),
                     0);
    /* 10 and 20 degrees alone are within acos 0.9 = 25.8 degrees of each other. */
    assert_int_equal(v.samples.share.n, 6);
    assert_float_equal(v.samples.share.mean, 1.0 / 6, 1e-9);
    assert_float_equal(v.samples.share.error, 2 * sqrt((2 * 1.0 / 36 + 2 * 1.0 / 36) / 3 / 4), 1e-9);
    assert_float_equal(v.portraits.share.mean, 0, 1e-9);
    assert_float_equal(v.portraits.share.error, sqrt(2.0 / (3 * 3 * 4)), 1e-9); /* none of one pair */
    assert_false(idem_figure_holds(&v.samples.share));                          /* 0.1 % of 6 pairs cannot be seen */
    assert_int_equal(v.samples.share.needs, 10000);
    /* Strangers: 0, 90 and 180 degrees in pairs: 0, 0, -1. */
    assert_float_equal(v.strangers, -1.0 / 3, 0.05);
    const int which[N] = {0, 0, 1, 0};
    const double degrees[N] = {10, 20, 2, 60};
    double sum = 0;
    for (int i = 0; i < N; i++) {
        const double s = (cos(degrees[i] * PI / 180) - v.strangers) / (1 - v.strangers);
        assert_int_equal(nearest[i].which, which[i]);
        assert_int_equal(nearest[i].mirrored, i == 2);
        assert_float_equal(nearest[i].s, s, 1e-6);
        sum += s;
    }
    assert_float_equal(v.samples.nearest.mean, sum / N, 1e-6);
    assert_float_equal(v.samples.nearest_most, nearest[2].s, 1e-9);
    assert_float_equal(v.portraits.nearest_most, 1, 1e-6);
    /* Verdicts of four samples are none. */
    idem_figure varied = idem_novelty_varied(&v), is_new = idem_novelty_new(&v);
    assert_false(idem_figure_holds(&varied) || idem_figure_holds(&is_new));
    assert_int_equal(varied.needs, 142); /* 142 * 141 / 2 >= 10000 */
    v.samples.n = v.portraits.n = 200;
    v.samples.share.error = v.portraits.share.error = v.samples.nearest.error = v.portraits.nearest.error = 1e-3;
    varied = idem_novelty_varied(&v);
    assert_true(idem_figure_holds(&varied) && varied.mean == 0);
    v.portraits.share.mean = v.samples.share.mean / 2;
    assert_true(idem_novelty_varied(&v).mean == 1);
    v.portraits.nearest.mean = v.samples.nearest.mean + 0.01;
    assert_true(idem_novelty_new(&v).mean == 1);
    v.portraits.nearest.mean = v.samples.nearest.mean - 0.01;
    is_new = idem_novelty_new(&v);
    assert_true(idem_figure_holds(&is_new) && is_new.mean == 0);
    assert_int_equal(idem_novelty_of(&v, &(idem_novelty_set){made, mirrored, 1}, &(idem_novelty_set){apart, apart, 2},
                                     training, TRAINING, DIM, 0.9, 0.001, 1, NULL),
                     -1);
}

static void variety_by_hand(void **state) {
    (void)state;
    float pose[] = {10, 1, 0, -10, 1, 3, 0, 1, -3}, expression[3 * IDEM_EXPRESSIONS] = {0};
    uint8_t face[] = {1, 0, 1};
    expression[2] = 0.6f; /* of the first picture */
    expression[3] = 0.4f;
    expression[IDEM_EXPRESSIONS + 2] = 1;
    expression[2 * IDEM_EXPRESSIONS + 6] = 0.3f;
    const idem_seen seen = {.n = 3, .pose = pose, .expression = expression, .face = face};
    const idem_variety v = idem_variety_of(&seen, 3);
    assert_float_equal(v.angle[IDEM_YAW].mean, 10, 1e-9);
    assert_float_equal(v.angle[IDEM_YAW].error, 5, 1e-9);
    assert_float_equal(v.angle[IDEM_PITCH].mean, 0, 1e-9);
    assert_float_equal(v.angle[IDEM_ROLL].mean, 3, 1e-9);
    assert_float_equal(v.expression[2].mean, 2.0 / 3, 1e-9);
    assert_float_equal(v.expression[6].mean, 1.0 / 3, 1e-9);
    assert_float_equal(v.expression[3].mean, 0, 1e-9);
    assert_float_equal(v.faces.mean, 2.0 / 3, 1e-9);
    assert_float_equal(v.faces.error, 1.0 / 3, 1e-9); /* sqrt(2/3 * 1/3 / 2) */
    json_t *report = json_object();
    assert_int_equal(idem_variety_put(report, &v), 0);
    assert_float_equal(json_real_value(json_object_get(report, "yaw_deviation")), 10, 1e-9);
    assert_float_equal(json_real_value(json_object_get(report, "expression_neutral")), 1.0 / 3, 1e-9);
    assert_int_equal(json_object_size(report), IDEM_ANGLES + IDEM_EXPRESSIONS + 2); /* and the errors */
    json_decref(report);
}

/* ---- the command ---- */

/* stated.safetensors: a generator whose file states this number of held-out pictures. */
static void state_held_out(const char *dir, const char *number) {
    char path[4096];
    idem_weights *w;
    snprintf(path, sizeof path, "%s/stated.safetensors", dir);
    assert_int_equal(idem_weights_load(&w, "tests/fixtures/generator-64.safetensors"), 0);
    assert_int_equal(idem_weights_set_meta(w, "held_out", number) | idem_gan_data_store_split(w), 0);
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_F32), 0);
    idem_weights_free(w);
}

static void the_command_measures(void **state) {
    (void)state;
    char path[4096];
    if (!tiny_has_models())
        skip();
    if (idem_models_find(path, sizeof path, NULL, "face_recognition_model.bin")) {
        print_message("skip: %s\n", idem_error());
        skip();
    }
    const char *dir = tiny_folder();
#define MEASURE                                                                                                        \
    "$IDEM evaluate-generator -g tests/fixtures/generator-64.safetensors -d $DIR/data -o $DIR/out -n 6 --seed 3 "
    assert_int_equal(program_run(dir, "mkdir -p $DIR/data && cp samples/identities/*.png samples/attributes/*.png "
                                      "$DIR/data/"),
                     0);
    assert_int_equal(program_run(dir, MEASURE "--held-out 3 --profile"), 0);
    assert_true(program_says("GB/s  node") && program_says("GB/s  operator"));
    assert_true(program_says("pairs above 0.929"));
    assert_true(program_says("yaw deviation, degrees") && program_says("expression neutral"));
    assert_true(program_says("S of the nearest picture") && !program_says("memorises"));
    assert_true(program_says("- new: needs 30 samples, and as many portraits, has 3"));
    assert_true(program_says("- share_above: needs 10000 pairs, has 15"));
    assert_int_equal(program_run(dir,
                                 MEASURE "--held-out 3 --quiet --json > $DIR/a.json; cmp $DIR/a.json - < "
                                         "$DIR/out/report.json; grep -q '\"held_out_by\": \"option\"' $DIR/a.json"),
                     0);
    origin_synthetic(dir, "out/nearest.png", XMP_COMPOSITE, NULL, NULL, "3", 4);
    assert_int_equal(program_run(dir, MEASURE "--held-out 2 --data-seed 9"), 0);
    assert_int_equal(program_run(dir, "echo text > $DIR/data/0.png; " MEASURE "--held-out 3 --json --quiet"), 1);
    assert_true(program_says("/data/0.png: ") && program_says("\"training_pictures\": 9,"));
    assert_true(program_says("could not be read; the others are measured"));
    assert_int_equal(program_run(dir, "rm $DIR/data/0.png"), 0);
    assert_int_equal(program_run(dir, MEASURE), 1);
    assert_true(program_says("does not state its held-out pictures"));
    assert_true(program_says("expected at least 202"));
    /* Portraits in a folder of their own. The first three are training pictures themselves. */
    assert_int_equal(program_run(dir, "mkdir $DIR/apart && cp samples/identities/[123].png $DIR/apart && " MEASURE
                                      "--apart $DIR/apart -q --json >$DIR/b.json && jq -e '.held_out == 3 and "
                                      ".held_out_by == \"folder\" and .training_pictures == 12 and "
                                      ".portraits.nearest_S > 0.999' $DIR/b.json"),
                     0);
    assert_int_equal(program_run(dir,
                                 "mv $DIR/apart/[12].png $DIR && rm $DIR/data/[12].png && mv $DIR/[12].png "
                                 "$DIR/apart && " MEASURE
                                 "--apart $DIR/apart -q --json >$DIR/b.json && jq -e '.training_pictures == 10 and "
                                 ".portraits.nearest_S < 0.9 and .portraits.nearest_S_most > 0.999' $DIR/b.json"),
                     0);
    /* Pictures that its training held out, by its file, are not training pictures. The features of distances are not
     * needed. */
    *strrchr(path, '/') = 0;
    assert_int_equal(program_run(dir, "mkdir $DIR/some && ln -s \"$(realpath '%s')\"/f* $DIR/some", path), 0);
    const char *const stated[] = {"4", "0", "-1"};
    for (int i = 0; i < 3; i++) {
        state_held_out(dir, stated[i]);
        assert_int_equal(
            program_run(dir,
                        "IDEM_MODELS=$DIR/some $IDEM evaluate-generator -g $DIR/stated.safetensors -d $DIR/data -o "
                        "$DIR/stated -n 2 --apart $DIR/apart -q --json"),
            i == 2);
        assert_true(program_says(i == 0   ? "\"training_pictures\": 6,"
                                 : i == 1 ? "\"training_pictures\": 10,"
                                          : "stated.safetensors: -1 pictures were held out of its training"));
    }
    assert_int_equal(program_run(dir, "echo text >$DIR/apart/0.png; " MEASURE "--apart $DIR/apart -q --json"), 1);
    assert_true(program_says("1 pictures of ") && program_says("/data and ") && program_says("/apart could not be"));
    assert_int_equal(program_run(dir, "rm $DIR/apart/0.png; $IDEM evaluate-generator -g x --invert $DIR/apart --apart "
                                      "$DIR/apart -o $DIR/out"),
                     2);
    assert_true(program_says("--apart belongs to --data"));
    assert_int_equal(program_run(dir, MEASURE "--apart $DIR/apart --held-out 3"), 1);
    assert_true(program_says("either the portraits are in a folder of their own, or they are chosen from data"));
    assert_int_equal(program_run(dir, "rm $DIR/apart/[12].png; " MEASURE "--apart $DIR/apart"), 1);
    assert_true(program_says("/apart: 1 pictures (PNG, JPEG, WebP, HEIC or AVIF) were found, expected at least 2"));
    tiny_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_by_hand),
        cmocka_unit_test(variety_by_hand),
        cmocka_unit_test(the_command_measures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
