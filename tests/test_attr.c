/* E_attr: an InceptionV3 or ResNets, frozen or running statistics, and the published sizes at 256 pixels. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops.h"
#include "train/mapper/trainer.h"
#include "nets/inception3.h"
#include "nets/resample.h"
#include "nets/stylegan2.h"
#include "support/fill.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* NULL: downloaded networks are missing */

static const char *in_dir(const char *name) {
    return tiny_path(dir, name);
}

static idem_model *opened(const char *generator) {
    idem_model *m = idem_model_open(generator);
    if (!m || idem_model_load_frozen(m, NULL))
        fail_msg("%s", idem_error());
    return m;
}

static float *numbers_of(const idem_model *m, const char *name, size_t *count) {
    const idem_weight *w = idem_weights_find(idem_model_trained(m), name);
    assert_non_null(w);
    *count = (size_t)idem_shape_count(&w->shape);
    float *x = malloc(*count * sizeof *x);
    idem_weight_read(w, x);
    return x;
}

/* ---- which network ---- */

static void an_inception_sees_299_pixels(void **state) {
    (void)state;
    tiny_need(dir);
    idem_weights *w;
    idem_model *m = opened(in_dir("framed.safetensors"));
    const idem_attr_choice choice = {.start = in_dir("inception.safetensors")};
    assert_int_equal(idem_model_new_mapper(m, 1, false, &choice), 0);
    assert_int_equal(idem_model_about(m)->attr_dim, 128);
    assert_string_equal(idem_weights_meta(idem_model_trained(m), "attr.norm"), "frozen");
    assert_null(idem_weights_find(idem_model_trained(m), "E_attr.AuxLogits.fc.weight"));
    assert_int_equal(idem_weights_load(&w, in_dir("inception.safetensors")), 0);
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(2, 3, 64, 64));
    fixture_fill(x->leaf, 2 * 3 * 64 * 64, "", "faces", 0.5, 0.5);
    idem_binder b = idem_binder_make(g, w, "", false);
    idem_node *t[2] = {
        idem_model_attributes(m, x, NULL),
        idem_inception3(&b, idem_affine(idem_resample_bilinear(x, 299, 299), 2, -1), IDEM_FIXED_STATS, NULL)};
    idem_plan *p = idem_plan_new(t, 2, NULL);
    assert_non_null(p);
    assert_int_equal(idem_plan_run(p), 0);
    for (int i = 0; i < 2 * 128; i++)
        assert_float_equal(idem_plan_value(p, t[0])[i], idem_plan_value(p, t[1])[i], 1e-5);
    idem_plan_free(p);
    idem_graph_free(g);
    idem_weights_free(w);
    idem_model_free(m);
}

static void names_and_files(void **state) {
    (void)state;
    tiny_need(dir);
    const struct {
        idem_attr_choice choice;
        int width; /* 0: refused */
        const char *says;
    } cases[] = {
        {{.net = NULL}, 512, "running"},
        {{.net = "resnet50", .norm = "frozen"}, 2048, "frozen"},
        {{.net = "inception3"}, 2048, "running"},
        {{.net = "resnet18", .start = in_dir("inception.safetensors")}, 0, "inception3"},
        {{.start = in_dir("generator.safetensors")}, 0, "Mixed_7c"},
        {{.net = "vgg"}, 0, "vgg"},
        {{.norm = "melted"}, 0, "melted"},
    };
    idem_model *m = opened("tests/fixtures/generator-64.safetensors");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int status = idem_model_new_mapper(m, 1, false, &cases[i].choice);
        const char *said = status ? idem_error() : idem_weights_meta(idem_model_trained(m), "attr.norm");
        assert_int_equal(status, cases[i].width ? 0 : -1);
        if (!strstr(said, cases[i].says))
            fail_msg("expected \"%s\" in: %s", cases[i].says, said);
        if (cases[i].width)
            assert_int_equal(idem_model_about(m)->attr_dim, cases[i].width);
    }
    idem_model_free(m);
}

/* ---- at which side it sees pictures ---- */

static void larger_pictures_are_averaged(void **state) {
    (void)state;
    tiny_need(dir);
    idem_model *m[2] = {opened(in_dir("framed.safetensors")), opened(in_dir("framed.safetensors"))};
    assert_int_equal(idem_model_new_mapper(m[0], 1, false, &(idem_attr_choice){.side = 16}), 0);
    assert_int_equal(idem_model_new_mapper(m[1], 1, false, NULL), 0);
    assert_string_equal(idem_weights_meta(idem_model_trained(m[0]), "attr.side"), "16");
    assert_int_equal(idem_model_check_attributes(m[0], &(idem_attr_choice){.side = 32}), -1);
    assert_int_equal(idem_model_check_attributes(m[1], &(idem_attr_choice){.side = 32}), -1);
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(2, 3, 64, 64));
    fixture_fill(x->leaf, 2 * 3 * 64 * 64, "", "faces", 0.5, 0.5);
    idem_node *small = idem_avgpool(x, idem_window_make(4, 4, 0), false);
    idem_node *t[4] = {idem_model_attributes(m[0], x, NULL), idem_model_attributes(m[1], small, NULL),
                       idem_model_attributes(m[0], small, NULL), idem_model_attributes(m[1], x, NULL)};
    idem_plan *p = idem_plan_new(t, 4, NULL);
    assert_non_null(p);
    assert_int_equal(idem_plan_run(p), 0);
    double differ = 0;
    for (int i = 0; i < 2 * 512; i++) {
        assert_float_equal(idem_plan_value(p, t[0])[i], idem_plan_value(p, t[1])[i], 1e-5);
        assert_float_equal(idem_plan_value(p, t[0])[i], idem_plan_value(p, t[2])[i], 1e-5);
        differ += fabs((double)idem_plan_value(p, t[0])[i] - (double)idem_plan_value(p, t[3])[i]);
    }
    assert_true(differ > 1);
    assert_null(idem_model_attributes(m[0], idem_input(g, "odd", IDEM_SHAPE(1, 3, 40, 40)), NULL));
    assert_non_null(strstr(idem_error(), "no multiple"));
    assert_int_equal(idem_weights_set_meta(idem_model_trained(m[0]), "attr.side", "16 px"), 0);
    assert_null(idem_model_attributes(m[0], x, NULL));
    assert_non_null(strstr(idem_error(), "\"16 px\", expected the side"));
    idem_plan_free(p);
    idem_graph_free(g);
    idem_model_free(m[0]);
    idem_model_free(m[1]);
}

/* ---- statistics ---- */

static bool changes(const char *norm, const char *name) {
    idem_recipe recipe;
    idem_recipe_defaults(&recipe);
    recipe.batch = 2;
    recipe.eval_pairs = 2;
    idem_model *m = opened(in_dir("framed.safetensors"));
    const idem_trainer_setup setup = {.attr = {.start = in_dir("inception.safetensors"), .norm = norm},
                                      .run = {.threads = 1}};
    idem_trainer *t = idem_trainer_new(m, &recipe, &setup);
    idem_train_report r;
    if (!t)
        fail_msg("%s", idem_error());
    size_t n;
    float *before = numbers_of(m, name, &n);
    if (idem_trainer_step(t, &r))
        fail_msg("%s", idem_error());
    assert_true(!r.skipped && isfinite(r.loss));
    float *after = numbers_of(m, name, &n);
    const bool differ = memcmp(before, after, n * sizeof *before) != 0;
    free(before);
    free(after);
    idem_trainer_free(t);
    idem_model_free(m);
    return differ;
}

static void frozen_statistics_stay(void **state) {
    (void)state;
    tiny_need(dir);
    assert_false(changes("frozen", "E_attr.Mixed_6b.branch1x1.bn.running_var"));
    assert_true(changes("frozen", "E_attr.Mixed_6b.branch1x1.bn.weight"));
    assert_true(changes("running", "E_attr.Mixed_6b.branch1x1.bn.running_var"));
}

/* ---- a run in one part and in two ---- */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define TRAIN                                                                                                          \
    "$IDEM train -g $DIR/framed.safetensors --threads 1 --batch 2 --eval-pairs 2 --checkpoint-every 1 --mean-bias -q "

static void a_run_resumes_bit_for_bit(void **state) {
    (void)state;
    tiny_need(dir);
    const char *const norms[] = {"frozen", "running"};
    for (int i = 0; i < 2; i++) {
        char attr[200];
        snprintf(attr, sizeof attr, "--attr-net $DIR/inception.safetensors --attr-norm %s", norms[i]);
        program_expect(RUN(TRAIN "-o $DIR/run --iterations 2 %s", attr), 0);
        program_expect(RUN(TRAIN "-o $DIR/parts --iterations 1 %s", attr), 0);
        program_expect(RUN(TRAIN "-o $DIR/parts --resume --attr-norm %s", norms[1 - i]), 1);
        assert_true(program_says("was requested"));
        program_expect(RUN(TRAIN "-o $DIR/parts --resume --iterations 2"), 0);
        program_expect(
            RUN("cmp $DIR/run/mapper.safetensors $DIR/parts/mapper.safetensors && rm -r $DIR/run $DIR/parts"), 0);
    }
    program_expect(RUN(TRAIN "-o $DIR/no --attr-net resnet18 --attr-start $DIR/inception.safetensors"), 1);
    assert_true(program_says("inception3") && program_says("resnet18"));
    program_expect(
        RUN(TRAIN "-o $DIR/no --attr-net $DIR/inception.safetensors --attr-start $DIR/inception.safetensors"), 2);
    program_expect(RUN(TRAIN "-o $DIR/no --attr-norm other"), 2);
}

/* ---- from one generator to another ---- */

#define OTHER_FIVE "0.375 0.5 0.625 0.5 0.5 0.625 0.375 0.75 0.625 0.75"

/* The framed generator in half precision, its faces elsewhere. */
static void write_other(void) {
    idem_weights *w;
    assert_int_equal(idem_weights_load(&w, in_dir("framed.safetensors")), 0);
    assert_string_not_equal(idem_weights_meta(w, "frame.five"), OTHER_FIVE);
    assert_int_equal(idem_weights_set_meta(w, "frame.five", OTHER_FIVE), 0);
    assert_int_equal(idem_weights_save(w, in_dir("other.safetensors"), IDEM_DTYPE_F16), 0);
    idem_weights_free(w);
}

static void a_mapper_is_adapted(void **state) {
    (void)state;
    tiny_need(dir);
#define OTHER                                                                                                          \
    "$IDEM train -g $DIR/other.safetensors --threads 1 --batch 2 --eval-pairs 2 --checkpoint-every 1 -q -m "           \
    "$DIR/of_first/mapper.safetensors "
    program_expect(RUN(TRAIN "-o $DIR/of_first --iterations 1"), 0);
    write_other();
    program_expect(RUN(OTHER "-o $DIR/no --iterations 1"), 1);
    assert_true(program_says("was trained for the generator"));
    program_expect(RUN(OTHER "-o $DIR/adapted --iterations 2 --adapt --attr-side 32"), 0);
    program_expect(RUN(OTHER "-o $DIR/parts --iterations 1 --adapt --attr-side 32"), 0);
    program_expect(RUN("$IDEM train -g $DIR/other.safetensors -q -o $DIR/parts --resume --iterations 2"), 0);
    program_expect(RUN("cmp $DIR/adapted/mapper.safetensors $DIR/parts/mapper.safetensors"), 0);
    program_expect(RUN("$IDEM model inspect --json $DIR/adapted/mapper.safetensors | grep '\"attr.side\": \"32\"'"), 0);
    program_expect(
        RUN("$IDEM model inspect --json $DIR/adapted/mapper.safetensors | grep '\"frame.five\": \"" OTHER_FIVE "\"'"),
        0);
    program_expect(RUN("$IDEM evaluate -g $DIR/other.safetensors -m $DIR/adapted/mapper.safetensors --pairs 2 -q"), 0);
    program_expect(RUN("$IDEM evaluate -g $DIR/framed.safetensors -m $DIR/adapted/mapper.safetensors --pairs 2 -q"), 1);
    program_expect(RUN("$IDEM train -g $DIR/other.safetensors -o $DIR/no --adapt"), 2);
    program_expect(
        RUN("$IDEM model convert -q $DIR/generator.safetensors $DIR/bare.safetensors --half && $IDEM train -g "
            "$DIR/bare.safetensors -m $DIR/of_first/mapper.safetensors --adapt -o $DIR/no"),
        1);
    assert_true(program_says("--frame"));
#undef OTHER
}

/* ---- the published sizes ---- */

static void write_generator_256(const char *path) {
    idem_weights *w = idem_weights_new();
    idem_rng rng = idem_rng_make(3, "generator 256");
    const idem_stylegan2_dims dims = {256, 512, 512, 8, {16, 16, 16, 16, 8, 8, 8}};
    assert_int_equal(idem_stylegan2_init(w, "", &dims, &rng), 0);
    assert_int_equal(idem_weights_save(w, in_dir("bare-256.safetensors"), IDEM_DTYPE_F32), 0);
    idem_weights_free(w);
    assert_int_equal(tiny_write_framed(in_dir("bare-256.safetensors"), path), 0);
}

/* E_attr InceptionV3 with 2048 numbers at 299 pixels, M 2560-2048-1024-512-512: on one batch again and again the
 * identity loss falls. */
static void published_sizes_train_at_256(void **state) {
    (void)state;
    tiny_need(dir);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", in_dir("generator-256.safetensors"));
    write_generator_256(path);
    idem_model *m = opened(path);
    idem_recipe recipe;
    idem_recipe_defaults(&recipe);
    recipe.batch = 2;
    recipe.rate = 1e-3;
    recipe.cross_every = 1;
    idem_trainer *t =
        idem_trainer_new(m, &recipe, &(idem_trainer_setup){.attr = {.net = "inception3", .norm = "frozen"}});
    if (!t)
        fail_msg("%s", idem_error());
    size_t parameters = 0;
    for (size_t i = 0; i < idem_weights_count(idem_model_trained(m)); i++) {
        const idem_weight *w = idem_weights_at(idem_model_trained(m), i);
        parameters += strncmp(w->name, "mapper.", 7) ? 0 : (size_t)idem_shape_count(&w->shape);
    }
    assert_int_equal(parameters, 8130560);
    assert_int_equal(idem_model_about(m)->attr_dim, 2048);
    const size_t picture = 256 * 256 * 3;
    float *x = malloc(4 * picture * sizeof *x), *w = malloc(2 * 512 * sizeof *w);
    assert_true(x && w);
    fixture_fill(x, 4 * picture, "", "x", 0.5, 0.5);
    fixture_fill(w, 2 * 512, "", "w", 1, 0);
    double first = 0, last = 0;
    for (int i = 0; i < 3; i++) {
        idem_train_report r;
        if (idem_trainer_step_on(t, x, x + 2 * picture, w, &r))
            fail_msg("%s", idem_error());
        assert_true(!r.skipped && isfinite(r.loss));
        first = i ? first : r.l_id;
        last = r.l_id;
    }
    if (last >= first)
        fail_msg("identity loss %g, then %g", first, last);
    free(x);
    free(w);
    idem_trainer_free(t);
    idem_model_free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_inception_sees_299_pixels), cmocka_unit_test(names_and_files),
        cmocka_unit_test(larger_pictures_are_averaged), cmocka_unit_test(frozen_statistics_stay),
        cmocka_unit_test(a_run_resumes_bit_for_bit),    cmocka_unit_test(a_mapper_is_adapted),
        cmocka_unit_test(published_sizes_train_at_256),
    };
    if (tiny_make(&dir))
        return 1;
    if (dir && (tiny_write_inception3(in_dir("inception.safetensors")) ||
                tiny_write_framed(in_dir("generator.safetensors"), in_dir("framed.safetensors"))))
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tiny_remove(dir);
    return failed;
}
