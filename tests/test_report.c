/* idem report from outside, and through the public library. */
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
#include "idem.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* NULL: models are missing */

#define NEAR(got, want, tol) assert_true(fabs((double)(got) - (double)(want)) <= (tol))

static double number(const json_t *o, const char *key) {
    const json_t *x = json_object_get(o, key);
    if (!json_is_number(x))
        print_message("no number: %s\n", key);
    assert_true(json_is_number(x));
    return json_number_value(x);
}

/* ---- the command ---- */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define REPORT "$IDEM report -q -g $DIR/generator.safetensors -m $DIR/mapper.safetensors --threads 1 --batch 4 "
#define SHIPPED "$IDEM report --threads 1 --batch 4 "

static int set_up(void **state) {
    (void)state;
    char path[4096];
    static const char *const needed[] = {"fr_pose.onnx", "fr_expression.onnx", "fr_detect.onnx",
                                         "face_recognition_model-weights_manifest.json", "mobilenet_v2.shard1.min.js"};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++)
        if (idem_models_find(path, sizeof path, NULL, needed[i])) {
            printf("skip: %s\n", idem_last_error());
            return 0;
        }
    if (tiny_make(&dir) || (dir && tiny_write_facenet(tiny_path(dir, "facenet.safetensors"))))
        return -1;
    return 0;
}

static json_t *report(const char *name) {
    char path[512];
    snprintf(path, sizeof path, "%s/report.json", tiny_path(dir, name));
    json_t *root = json_load_file(path, 0, NULL);
    assert_non_null(root);
    return root;
}

static const json_t *figure(const json_t *root, size_t row, const char *key) {
    return json_object_get(json_object_get(json_array_get(json_object_get(root, "rows"), row), "figures"), key);
}

static void the_command_measures_drawn_pairs(void **state) {
    (void)state;
    tiny_need(dir);
    program_expect(
        RUN(REPORT
            "--pairs 5 -o $DIR/r --refine 1 --compare $DIR/mapper.safetensors --witness $DIR/facenet.safetensors"),
        0);
    assert_int_equal(RUN("cd $DIR/r && ls report.html report.md report.tex report.json pairs.csv && wc -l < pairs.csv"),
                     0);
    assert_true(program_says("31")); /* six rows of five pairs, and a head */
    json_t *root = report("r"), *rows = json_object_get(root, "rows");
    assert_int_equal(json_array_size(rows), 6);
    assert_int_equal(json_integer_value(json_object_get(root, "pairs")), 5);
    assert_int_equal(json_array_size(json_object_get(root, "recognisers")), 3);
    /* The same mapper again is the same row. */
    assert_true(json_equal(json_object_get(json_array_get(rows, 0), "figures"),
                           json_object_get(json_array_get(rows, 5), "figures")));
    NEAR(number(figure(root, 1, "judge.id_kept"), "mean"), 1, 1e-5);
    NEAR(number(figure(root, 1, "witness.cos_id_out"), "mean"), 1, 1e-5);
    NEAR(number(figure(root, 2, "pose_l2"), "mean"), 0, 1e-6);
    NEAR(number(figure(root, 2, "structure_outside_face"), "mean"), 1, 1e-6);
    assert_true(json_is_null(figure(root, 0, "train.retrieval_top5"))); /* of five sources all are among the first */
    assert_true(json_is_null(figure(root, 1, "same_psnr")));            /* a copy rebuilds nothing */
    const json_t *needs = json_object_get(json_array_get(rows, 0), "needs");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(needs, "train.retrieval_top5"), "needs")), 10);
    const json_t *frechet = json_object_get(json_array_get(rows, 2), "frechet");
    NEAR(number(frechet, "distance"), 0, 1e-3);
    assert_string_equal(json_string_value(json_object_get(frechet, "features")), "MobileNetV2 of nsfwjs 4.3.0");
    assert_true(number(figure(root, 0, "w_distance"), "mean") > 0);
    /* Without a face nothing is dropped: the tiny generator paints none. */
    const json_t *failures = json_object_get(json_array_get(rows, 0), "failures");
    assert_int_equal(json_integer_value(json_object_get(failures, "no_face")), 5);
    assert_int_equal(json_integer_value(json_object_get(figure(root, 0, "nme"), "n")), 5);
    json_decref(root);
}

static void the_command_says_in_a_line_what_is_wrong(void **state) {
    (void)state;
    assert_int_equal(program_run("/tmp", "$IDEM report"), 2);
    assert_int_equal(program_run("/tmp", "$IDEM report -o x --refine 1,a"), 2);
    assert_int_equal(program_run("/tmp", "$IDEM report -o x --identity y"), 2);
    tiny_need(dir);
    /* Another input than a recogniser's. */
    assert_int_equal(
        RUN(REPORT "--pairs 2 -o $DIR/e1 --witness %s/models/cache/fr_landmark.onnx:insightface", IDEM_SOURCE_DIR), 1);
    assert_int_equal(program_lines(), 1);
    assert_true(program_says("fr_landmark.onnx"));
    /* No names in common. */
    assert_int_equal(RUN("mkdir $DIR/who $DIR/how $DIR/none && cp %s/samples/identities/[123].png $DIR/who && "
                         "cp %s/samples/attributes/a.png $DIR/none",
                         IDEM_SOURCE_DIR, IDEM_SOURCE_DIR),
                     0);
    assert_int_equal(RUN(REPORT "-o $DIR/e2 --identity $DIR/who --attributes $DIR/none"), 1);
    assert_int_equal(program_lines(), 1);
    assert_true(program_says("have 0 pictures of the same name"));
}

static void folders_lose_what_is_no_good(void **state) {
    (void)state;
    tiny_need(dir);
    /* 1 and 2 are good; 3 shows no face; 4 has no partner. */
    program_expect(RUN("cd $DIR && mkdir -p a b && cp %s/samples/identities/[1234].png a && "
                       "for i in 1 2; do cp %s/samples/attributes/$(echo $i | tr 12 ab).png b/$i.png; done && "
                       "$IDEM sample -q -g $DIR/generator.safetensors -n 1 -o $DIR/noise >/dev/null 2>&1; "
                       "cp $(find $DIR/noise -name '*.png' | head -1) b/3.png && "
                       "printf 'name,age\\n1,old\\n2,young\\n' > b/groups.csv",
                       IDEM_SOURCE_DIR, IDEM_SOURCE_DIR),
                   0);
    program_expect(RUN("cd %s && " SHIPPED "-q -o $DIR/f --identity $DIR/a --attributes $DIR/b", IDEM_SOURCE_DIR), 0);
    assert_true(program_says("passed over: 4 has no partner in "));
    assert_true(program_says("/b/3.png: no face is found in this attribute picture"));
    json_t *root = report("f");
    assert_int_equal(json_integer_value(json_object_get(root, "pairs")), 2);
    assert_int_equal(json_integer_value(json_object_get(root, "left_out")), 1);
    assert_int_equal(json_array_size(json_object_get(root, "rows")), 3); /* no codes, so no mixing */
    size_t i;
    json_t *g, *groups = json_object_get(json_array_get(json_object_get(root, "rows"), 0), "groups");
    int ages = 0;
    json_array_foreach(groups, i, g) ages += !strcmp(json_string_value(json_object_get(g, "by")), "attributes: age");
    assert_int_equal(ages, 2);
    json_decref(root);
}

/* ---- the public library ---- */

typedef struct {
    int told, stop_at;
    uint64_t done, all;
} listener;

static int on_progress(void *user, const char *what, uint64_t done, uint64_t all) {
    listener *l = user;
    assert_non_null(what);
    assert_true(done <= all && (!l->told || done >= l->done));
    l->done = done;
    l->all = all;
    return l->stop_at && ++l->told >= l->stop_at;
}

static void the_library_reports(void **state) {
    (void)state;
    idem_measure_report_options o = {0};
    char *json = NULL;
    assert_int_equal(idem_measure_report(&o, &json), -1);
    assert_non_null(strstr(idem_last_error(), "idem_measure_report_options_default"));
    idem_measure_report_options_default(&o);
    assert_int_equal(idem_measure_report(&o, &json), -1);
    assert_non_null(strstr(idem_last_error(), "generator is NULL"));
    o.generator = o.mapper = "/nowhere";
    o.pairs = 1;
    assert_int_equal(idem_measure_report(&o, &json), -1);
    assert_non_null(strstr(idem_last_error(), "pairs is 1"));
    o.pairs = 3;
    o.refines = 1;
    o.refine = (const int[]){0};
    assert_int_equal(idem_measure_report(&o, &json), -1);
    assert_non_null(strstr(idem_last_error(), "refine[0] is 0"));
    o.refines = 0;
    o.identity = "x";
    assert_int_equal(idem_measure_report(&o, &json), -1);
    assert_non_null(strstr(idem_last_error(), "go together"));
    o.identity = NULL;
    tiny_need(dir);
    char generator[512], mapper[512];
    snprintf(generator, sizeof generator, "%s/generator.safetensors", dir);
    snprintf(mapper, sizeof mapper, "%s/mapper.safetensors", dir);
    o.generator = generator;
    o.mapper = mapper;
    o.threads = 1;
    o.batch = 4;
    o.seed = UINT64_MAX;
    listener l = {0};
    o.watch = (idem_measure_watch){.user = &l, .progress = on_progress};
    assert_int_equal(idem_measure_report(&o, &json), 0);
    assert_true(l.done == l.all && l.all > 6);
    assert_non_null(strstr(json, "\"seed\": 18446744073709551615,"));
    json_t *root = json_loads(strstr(json, ",") ? json : "", JSON_DECODE_INT_AS_REAL, NULL);
    assert_int_equal(json_number_value(json_object_get(root, "pairs")), 3);
    json_decref(root);
    idem_measure_free(json);
    program_expect(RUN("${IDEM%%/*}/examples/example_measure $DIR/generator.safetensors $DIR/mapper.safetensors 2 "
                       "$DIR/ex >$DIR/ex.json && cmp $DIR/ex.json $DIR/ex/report.json && ls $DIR/ex/report.html"),
                   0);
    program_expect(RUN("${IDEM%%/*}/examples/example_measure"), 2);
    l = (listener){.stop_at = 2};
    assert_int_equal(idem_measure_report(&o, &json), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INTERRUPTED);
    assert_null(json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_command_measures_drawn_pairs),
        cmocka_unit_test(the_command_says_in_a_line_what_is_wrong),
        cmocka_unit_test(folders_lose_what_is_no_good),
        cmocka_unit_test(the_library_reports),
    };
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
