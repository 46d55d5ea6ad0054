/* Inversion: what a generator painted is found again, each picture as if alone; and the command that measures it. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/models.h"
#include "base/rng.h"
#include "base/status.h"
#include "measure/invert.h"
#include "model/pipe.h"
#include "measure/scores.h"
#include "nets/stylegan2.h"
#include "support/origin.h"
#include "support/program.h"
#include "support/xmp.h"

enum { SIDE = 16, N = 3, NUMBERS = SIDE * SIDE * 3 };

static char dir[] = "/tmp/idem-test-XXXXXX";
static float pictures[N * NUMBERS];

static idem_model *open_small(void) {
    char path[64];
    snprintf(path, sizeof path, "%s/small.safetensors", dir);
    idem_model *m = idem_model_open(path);
    if (!m)
        fail_msg("%s", idem_error());
    return m;
}

/* A small generator, and what it paints of three codes. */
static int set_up(void **state) {
    (void)state;
    char path[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/small.safetensors", dir);
    const idem_stylegan2_dims dims = {.size = SIDE, .z_dim = 8, .w_dim = 8, .mapping_layers = 2, .widths = {16, 16, 8}};
    idem_rng rng = idem_rng_make(3, "small");
    idem_weights *w = idem_weights_new();
    assert_int_equal(idem_stylegan2_init(w, "", &dims, &rng), 0);
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_F32), 0);
    idem_weights_free(w);
    idem_model *m = open_small();
    idem_pipe *p = idem_pipe_new(m, IDEM_PIPE_SAMPLE, N, 1, NULL);
    float z[N * 8];
    idem_rng_fill_normal(&rng, z, N * 8);
    assert_int_equal(idem_pipe_run(p, N, (const float *const[]){z}, (float *const[]){NULL, pictures}), 0);
    idem_pipe_free(p);
    idem_model_free(m);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return program_run(dir, "rm -rf $DIR");
}

static void invert(int steps, int batch, int n, const float *x, float *found, float *ws) {
    idem_model *m = open_small();
    idem_invert *v = idem_invert_new(m, &(idem_invert_options){.steps = steps, .rate = 0.1}, batch, NULL);
    if (!v || idem_invert_run(v, n, x, found, ws))
        fail_msg("%s", idem_error());
    idem_invert_free(v);
    idem_model_free(m);
}

static void what_was_painted_is_found(void **state) {
    (void)state;
    static float few[N * NUMBERS], many[N * NUMBERS];
    invert(1, 2, N, pictures, few, NULL);
    invert(150, 2, N, pictures, many, NULL);
    for (int i = 0; i < N; i++) {
        const double before = idem_score_psnr(pictures + i * NUMBERS, few + i * NUMBERS, 1, SIDE).mean,
                     after = idem_score_psnr(pictures + i * NUMBERS, many + i * NUMBERS, 1, SIDE).mean;
        if (after < before + 10 || after < 25)
            fail_msg("picture %d: %g dB after one step, %g dB after all", i, before, after);
    }
}

/* Whatever its place in a batch, and whatever was worked on before. */
static void each_is_found_as_if_alone(void **state) {
    (void)state;
    static float together[N * NUMBERS], alone[NUMBERS];
    idem_model *m = open_small();
    const size_t codes = (size_t)(idem_model_about(m)->layers * idem_model_about(m)->w_dim);
    float *ws = malloc(N * codes * sizeof *ws), *one = malloc(codes * sizeof *one);
    assert_true(ws && one);
    invert(20, 2, N, pictures, together, ws);
    for (int i = 0; i < N; i++) {
        invert(20, 1, 1, pictures + i * NUMBERS, alone, one);
        for (int k = 0; k < NUMBERS; k++)
            assert_true(fabsf(alone[k] - together[i * NUMBERS + k]) < 1e-3f);
        for (size_t k = 0; k < codes; k++)
            assert_true(fabsf(one[k] - ws[(size_t)i * codes + k]) < 1e-3f);
    }
    /* The codes are those of the pictures. */
    idem_pipe *p = idem_pipe_new(m, IDEM_PIPE_LAYERS, 1, 1, NULL);
    assert_int_equal(idem_pipe_run(p, 1, (const float *const[]){ws}, (float *const[]){alone}), 0);
    for (int k = 0; k < NUMBERS; k++)
        assert_true(fabsf(alone[k] - together[k]) < 1e-4f);
    idem_pipe_free(p);
    idem_model_free(m);
    free(ws);
    free(one);
}

static void it_can_be_interrupted(void **state) {
    (void)state;
    static float found[NUMBERS];
    volatile sig_atomic_t stop = 0;
    idem_model *m = open_small();
    idem_invert *v =
        idem_invert_new(m, &(idem_invert_options){.steps = 5, .rate = 0.1}, 1, &(idem_plan_options){.stop = &stop});
    assert_non_null(v);
    stop = 1;
    assert_int_equal(idem_invert_run(v, 1, pictures, found, NULL), -1);
    assert_int_equal(idem_error_kind(), IDEM_INTERRUPTED);
    idem_invert_free(v);
    idem_model_free(m);
}

static void the_command_measures(void **state) {
    (void)state;
    char path[4096];
    if (idem_models_find(path, sizeof path, NULL, "fr_pose.onnx") ||
        idem_models_find(path, sizeof path, NULL, "face_recognition_model-weights_manifest.json")) {
        print_message("skip: %s\n", idem_error());
        skip();
    }
#define INVERT                                                                                                         \
    "$IDEM evaluate-generator -g tests/fixtures/generator-64.safetensors --invert samples/identities -n 3 --quiet "
    json_t *report[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(program_run(dir, INVERT "--steps %d -o $DIR/%d", i ? 40 : 1, i), 0);
        assert_true(program_says("3 pictures of samples/identities at 64 px"));
        json_error_t error;
        snprintf(path, sizeof path, "%s/%d/inversion.json", dir, i);
        assert_non_null(report[i] = json_load_file(path, 0, &error));
        assert_int_equal(json_integer_value(json_object_get(report[i], "n")), 3);
        assert_true(json_is_number(json_object_get(report[i], "S")));
    }
    assert_true(json_number_value(json_object_get(report[1], "psnr")) >
                json_number_value(json_object_get(report[0], "psnr")) + 3);
    json_decref(report[0]);
    json_decref(report[1]);
    origin_synthetic(dir, "1/inverted.png", XMP_COMPOSITE, NULL, NULL, "1", 4);
    assert_int_equal(program_run(dir, INVERT "-o $DIR/2 -d samples"), 2);
    assert_true(program_says("give either --data or --invert"));
#undef INVERT
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_painted_is_found),
        cmocka_unit_test(each_is_found_as_if_alone),
        cmocka_unit_test(it_can_be_interrupted),
        cmocka_unit_test(the_command_measures),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
