/* Refinement: the loss falls, both persons and poses come nearer, and every pair is worked on as if alone. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/models.h"
#include "base/rng.h"
#include "data/data.h"
#include "media/image.h"
#include "model/pipe.h"
#include "model/metric.h"
#include "model/refine.h"

enum { FACES = 3, SIDE = 64, NUMBERS = SIDE * SIDE * 3, STEPS = 8 };

static idem_model *model; /* NULL: networks are missing, all tests are skipped */
static float *faces;      /* [FACES, S, S, 3] */
static size_t codes;      /* numbers of ws */

static int draw_faces(void) {
    const size_t z_dim = (size_t)idem_model_about(model)->z_dim;
    float *z = malloc(FACES * z_dim * sizeof *z);
    faces = malloc(FACES * NUMBERS * sizeof *faces);
    idem_rng r = idem_rng_make(11, "faces");
    idem_rng_fill_normal(&r, z, FACES * z_dim);
    idem_pipe *p = idem_pipe_new(model, IDEM_PIPE_SAMPLE, FACES, 0.9f, NULL);
    int status = p ? idem_pipe_run(p, FACES, (const float *const[]){z, NULL}, (float *const[]){NULL, faces}) : -1;
    idem_pipe_free(p);
    free(z);
    idem_image_quantise(faces, FACES * NUMBERS);
    return status;
}

static int set_up(void **state) {
    (void)state;
    char path[4096];
    if (idem_models_find(path, sizeof path, NULL, "fr_feature.onnx")) {
        printf("skip: %s\n", idem_error());
        return 0;
    }
    model = idem_model_open("tests/fixtures/generator-64.safetensors");
    if (!model || idem_model_load_frozen(model, NULL) || draw_faces()) {
        fprintf(stderr, "%s\n", idem_error());
        return -1;
    }
    codes = (size_t)idem_model_about(model)->layers * (size_t)idem_model_about(model)->w_dim;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    idem_model_free(model);
    free(faces);
    return 0;
}

static idem_refine *open_refine(idem_refine_options options) {
    idem_refine *r = idem_refine_new(model, &options, NULL);
    assert_non_null(r);
    return r;
}

/* ws of the mean w. */
static float *mean_code(void) {
    const idem_model_info *info = idem_model_about(model);
    float *ws = malloc(codes * sizeof *ws);
    for (size_t i = 0; i < codes; i++)
        ws[i] = info->mean_w[i % (size_t)info->w_dim];
    return ws;
}

static const float *face(int i) {
    return faces + (size_t)i * NUMBERS;
}

static void need_model(void) {
    if (!model)
        skip();
}

static void loss_falls_and_the_person_comes(void **state) {
    (void)state;
    need_model();
    idem_refine *r = open_refine(idem_refine_defaults(STEPS));
    float *ws = mean_code();
    idem_refined about;
    assert_int_equal(idem_refine_run(r, face(0), face(1), false, ws, &about), 0);
    assert_int_equal(about.steps, STEPS);
    assert_true(about.last < 0.7 * about.first);
    assert_true(about.cosine > 0.2); /* of strangers 0 +- 0.1 */
    free(ws);
    idem_refine_free(r);
}

static double length(const double *d, const float *metric, int width) {
    double sum = 0;
    for (int k = 0; k < width; k++) {
        double x = 0;
        for (int i = 0; i < width; i++)
            x += d[i] * (metric ? (double)metric[i * width + k] : i == k);
        sum += x * x;
    }
    return sqrt(sum);
}

/* Where codes differ much a step is short, elsewhere long. */
static void distances_are_in_deviations_of_codes(void **state) {
    (void)state;
    need_model();
    enum { N = 64 };
    const idem_model_info *info = idem_model_about(model);
    const int W = info->w_dim, Z = info->z_dim;
    float *metric = malloc((size_t)W * (size_t)W * sizeof *metric), *z = malloc((size_t)N * (size_t)Z * sizeof *z),
          *w = malloc((size_t)N * (size_t)W * sizeof *w);
    double *d = malloc((size_t)W * sizeof *d), own = 0, other = 0;
    assert_int_equal(idem_code_metric(model, 0.1, metric, NULL), 0);
    idem_rng r = idem_rng_make(5, "codes");
    idem_rng_fill_normal(&r, z, (size_t)N * (size_t)Z);
    idem_pipe *p = idem_pipe_new(model, IDEM_PIPE_MAPPING, N, 1, NULL);
    assert_int_equal(idem_pipe_run(p, N, (const float *const[]){z, NULL}, (float *const[]){w, NULL}), 0);
    idem_pipe_free(p);
    for (int i = 0; i + 1 < N; i += 2) {
        for (int k = 0; k < W; k++)
            d[k] = (double)w[i * W + k] - (double)w[(i + 1) * W + k];
        own += length(d, metric, W) / length(d, NULL, W);
        for (int k = 0; k < W; k++)
            d[k] = (double)z[k % Z + i * Z];
        other += length(d, metric, W) / length(d, NULL, W);
    }
    assert_true(own < 0.7 * other);
    free(metric);
    free(z);
    free(w);
    free(d);
}

static double squared_error(const float *ws, const float *picture) {
    idem_pipe *p = idem_pipe_new(model, IDEM_PIPE_LAYERS, 1, 1, NULL);
    float *out = malloc(NUMBERS * sizeof *out);
    assert_non_null(p);
    assert_int_equal(idem_pipe_run(p, 1, (const float *const[]){ws, NULL}, (float *const[]){out, NULL}), 0);
    double sum = 0;
    for (int i = 0; i < NUMBERS; i++)
        sum += (double)(out[i] - picture[i]) * (double)(out[i] - picture[i]);
    free(out);
    idem_pipe_free(p);
    return sum / NUMBERS;
}

static void one_picture_on_both_sides_is_rebuilt(void **state) {
    (void)state;
    need_model();
    idem_refine *r = open_refine(idem_refine_defaults(STEPS));
    float *ws = mean_code();
    const double before = squared_error(ws, face(1));
    assert_int_equal(idem_refine_run(r, face(1), face(1), true, ws, NULL), 0);
    assert_true(squared_error(ws, face(1)) < 0.6 * before);
    free(ws);
    idem_refine_free(r);
}

static void a_pair_does_not_depend_on_those_before_it(void **state) {
    (void)state;
    need_model();
    const size_t bytes = codes * sizeof(float);
    idem_refine *r = open_refine(idem_refine_defaults(STEPS));
    float *alone = mean_code(), *after = mean_code(), *other = mean_code();
    assert_int_equal(idem_refine_run(r, face(0), face(1), false, alone, NULL), 0);
    assert_int_equal(idem_refine_run(r, face(2), face(0), false, other, NULL), 0);
    assert_int_equal(idem_refine_run(r, face(2), face(2), true, other, NULL), 0);
    assert_int_equal(idem_refine_run(r, face(0), face(1), false, after, NULL), 0);
    assert_memory_equal(alone, after, bytes);
    assert_memory_not_equal(alone, other, bytes);
    idem_refine_free(r);
    free(alone);
    free(after);
    free(other);
}

static void no_steps_change_nothing(void **state) {
    (void)state;
    need_model();
    idem_refine *r = open_refine(idem_refine_defaults(0));
    float *ws = mean_code(), *start = mean_code();
    idem_refined about;
    assert_int_equal(idem_refine_run(r, face(0), face(1), false, ws, &about), 0);
    assert_memory_equal(ws, start, codes * sizeof(float));
    assert_int_equal(about.steps, 0);
    free(ws);
    free(start);
    idem_refine_free(r);
}

/* A rate that throws the code out of all bounds: what was good last is kept, and told. */
static void a_step_that_is_not_finite_is_taken_back(void **state) {
    (void)state;
    need_model();
    idem_refine_options options = idem_refine_defaults(STEPS);
    options.rate = 1e38;
    idem_refine *r = open_refine(options);
    float *ws = mean_code(), *start = mean_code();
    idem_refined about;
    assert_int_equal(idem_refine_run(r, face(0), face(1), false, ws, &about), 0);
    assert_true(about.steps > 0 && about.steps < STEPS);
    for (size_t i = 0; i < codes; i++)
        assert_true(isfinite(ws[i]));
    assert_memory_equal(ws, start, codes * sizeof(float));
    free(ws);
    free(start);
    idem_refine_free(r);
}

static void a_stop_leaves_the_code(void **state) {
    (void)state;
    need_model();
    volatile sig_atomic_t stop = 1;
    idem_refine_options options = idem_refine_defaults(STEPS);
    idem_refine *r = idem_refine_new(model, &options, &(idem_plan_options){.stop = &stop});
    assert_non_null(r);
    float *ws = mean_code(), *start = mean_code();
    assert_int_equal(idem_refine_run(r, face(0), face(1), false, ws, NULL), -1);
    assert_int_equal(idem_error_kind(), IDEM_INTERRUPTED);
    assert_memory_equal(ws, start, codes * sizeof(float));
    free(ws);
    free(start);
    idem_refine_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_falls_and_the_person_comes),
        cmocka_unit_test(distances_are_in_deviations_of_codes),
        cmocka_unit_test(one_picture_on_both_sides_is_rebuilt),
        cmocka_unit_test(a_pair_does_not_depend_on_those_before_it),
        cmocka_unit_test(no_steps_change_nothing),
        cmocka_unit_test(a_step_that_is_not_finite_is_taken_back),
        cmocka_unit_test(a_stop_leaves_the_code),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
