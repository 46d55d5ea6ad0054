/* The recipe `summary`: it trains on the embedded generator, resumes bit for bit, and its mapper says what it is not.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "train/summary/data.h"
#include "train/summary/trainer.h"
#include "media/image.h"
#include "support/origin.h"
#include "support/xmp.h"
#include "support/digest.h"
#include "support/fill.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir;

static const char *in_dir(const char *name) {
    return tiny_path(dir, name);
}

#define RUN(...) program_run(dir, __VA_ARGS__)
#define TRAIN                                                                                                          \
    "$IDEM train --recipe summary -g $DIR/generator.safetensors -d samples --identity-net $DIR/facenet.safetensors "   \
    "--threads 1 --batch 2 --checkpoint-every 1 --log-every 1 -q "

/* On one batch of samples again and again, the loss falls; not at once, for its rate is high. */
static void it_trains_on_the_embedded_generator(void **state) {
    (void)state;
    enum { BATCH = 4, STEPS = 24, PICTURE = 64 * 64 * 3 };
    idem_summary_recipe recipe;
    idem_summary_defaults(&recipe);
    assert_true(recipe.batch == 32 && recipe.rate == 0.001 && recipe.alpha == 0.5 && recipe.beta == 0.5);
    recipe.batch = BATCH;
    idem_model *m = idem_model_open("tests/fixtures/generator-64.safetensors");
    if (!m || idem_model_choose_recogniser(m, in_dir("facenet.safetensors"), NULL) ||
        idem_model_load_recogniser(m, NULL))
        fail_msg("%s", idem_error());
    idem_summary_trainer *t = idem_summary_trainer_new(m, &recipe, &(idem_summary_setup){.run = {.threads = 1}});
    if (!t)
        fail_msg("%s", idem_error());
    static float x[BATCH * PICTURE];
    idem_summary_data *data = idem_summary_data_open("samples/identities", 256, 64, 1);
    assert_non_null(data);
    assert_int_equal(idem_summary_data_take(data, 0, BATCH, x), 0);
    idem_summary_data_free(data);
    double first = 0, last = 0;
    for (int i = 0; i < STEPS; i++) {
        idem_summary_report r;
        if (idem_summary_trainer_step_on(t, x, &r))
            fail_msg("%s", idem_error());
        assert_false(r.skipped);
        assert_true(fabs(r.loss - 0.5 * (r.l_r + r.l_d)) < 1e-5);
        assert_true(fabs(r.l_r - r.pixels - r.features) < 1e-5);
        assert_true(r.l_d >= 2 - 1e-5); /* 2 + 2 sim^2 */
        first = i ? first : r.loss;
        last = r.loss;
    }
    if (last >= first)
        fail_msg("loss %g, then %g", first, last);
    idem_summary_trainer_free(t);
    idem_model_free(m);
}

/* ---- against PyTorch ---- */

static double number(const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    assert_true(json_is_number(v));
    return json_number_value(v);
}

/* x of a tensor against the digest of its name, for all of a list. */
static void check_all(digest_count *c, const json_t *wanted, const idem_weights *w, const char *adam,
                      const idem_weights *start) {
    const char *name;
    json_t *want;
    json_object_foreach((json_t *)wanted, name, want) {
        char moment[100];
        snprintf(moment, sizeof moment, "adam.%s.m", name);
        const idem_weight *t = idem_weights_find(w, adam ? moment : name);
        assert_non_null(t);
        const size_t count = (size_t)idem_shape_count(&t->shape);
        float *x = malloc(count * sizeof *x);
        idem_weight_read(t, x);
        for (size_t i = 0; i < count; i++)
            x[i] = adam ? 10 * x[i] : x[i] - idem_weights_find(start, name)->data[i]; /* m = (1 - 0.9) g */
        digest_check(c, adam ? "gradient" : "step", name, x, count, want);
        free(x);
    }
}

static void check_losses(digest_count *c, const idem_summary_report *r, const json_t *want) {
    const struct {
        const char *key;
        double got;
    } terms[] = {{"loss", r->loss},     {"l_r", r->l_r},           {"l_d", r->l_d},
                 {"pixels", r->pixels}, {"features", r->features}, {"likeness", r->likeness}};
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++)
        digest_compare(c, terms[i].key, "", terms[i].got, number(want, terms[i].key), number(want, terms[i].key));
}

static void iterations_equal_pytorch(void **state) {
    (void)state;
    json_error_t error;
    json_t *about = json_load_file("tests/fixtures/summary-iteration/fixture.json", 0, &error);
    assert_non_null(about);
    const char *salt = json_string_value(json_object_get(about, "salt"));
    digest_count count = {.salt = salt, .tolerance = number(about, "tolerance")};
    idem_weights *generator = tiny_fill(json_object_get(about, "generator"),
                                        json_string_value(json_object_get(about, "generator_salt"))),
                 *start = tiny_fill(json_object_get(about, "trained"), salt);
    assert_true(generator && start);
    assert_int_equal(idem_weights_save(generator, in_dir("oracle.safetensors"), IDEM_DTYPE_F32), 0);
    idem_weights_free(generator);
    idem_model *m = idem_model_open(in_dir("oracle.safetensors"));
    if (!m || idem_model_choose_recogniser(m, in_dir("facenet.safetensors"), NULL) ||
        idem_model_load_recogniser(m, NULL))
        fail_msg("%s", idem_error());
    idem_summary_recipe recipe;
    idem_summary_defaults(&recipe);
    recipe.batch = (int64_t)number(about, "batch");
    idem_summary_trainer *t = idem_summary_trainer_new(m, &recipe, &(idem_summary_setup){.run = {.threads = 1}});
    if (!t)
        fail_msg("%s", idem_error());
    idem_weights *trained = idem_summary_trainer_about(t)->tensors;
    for (size_t i = 0; i < idem_weights_count(start); i++)
        idem_weight_write(idem_weights_find(trained, idem_weights_at(start, i)->name), idem_weights_at(start, i)->data);
    enum { PICTURES = 2, AREA = 64 * 64 };
    static float rows[PICTURES * 3 * AREA], x[PICTURES * 3 * AREA];
    assert_int_equal(recipe.batch, PICTURES);
    for (int it = 0; it < 2; it++) {
        char name[16];
        idem_summary_report r;
        snprintf(name, sizeof name, "x.%d", it);
        fixture_fill(rows, PICTURES * 3 * AREA, salt, name, 0.5, 0.5);
        for (int i = 0; i < PICTURES * 3 * AREA; i++) /* channel, row, column to row, column, channel */
            x[(i / (3 * AREA) * AREA + i % AREA) * 3 + i / AREA % 3] = rows[i];
        if (idem_summary_trainer_step_on(t, x, &r))
            fail_msg("%s", idem_error());
        check_losses(&count, &r, json_array_get(json_object_get(about, "iterations"), (size_t)it));
        digest_report(&count, "losses of an iteration");
        if (it == 0) {
            check_all(&count, json_object_get(about, "gradients"), trained, "adam", NULL);
            digest_report(&count, "gradients");
            count.tolerance = number(about, "weight_tolerance");
            check_all(&count, json_object_get(about, "weights"), trained, NULL, start);
            digest_report(&count, "weights behind one iteration");
        }
    }
    idem_summary_trainer_free(t);
    idem_model_free(m);
    idem_weights_free(start);
    json_decref(about);
}

static void count_bad(void *user, const char *why) {
    assert_non_null(strstr(why, "tree/a/1.png: "));
    ++*(int *)user;
}

/* Crops lie in the picture, differ, are the same again, and every picture comes once an epoch. */
static void crops_are_random_and_repeat(void **state) {
    (void)state;
    enum { SIDE = 8, N = 3, PICTURE = SIDE * SIDE * 3 };
    program_expect(RUN("mkdir -p $DIR/tree/a $DIR/tree/b"), 0);
    for (int i = 0; i < N; i++) { /* blue says which picture, red and green say where */
        idem_image im;
        char name[32];
        assert_int_equal(idem_image_new(&im, 40, 24 + i), 0);
        for (int p = 0; p < im.width * im.height; p++) {
            im.rgb[3 * p] = (uint8_t)(5 * (p % im.width));
            im.rgb[3 * p + 1] = (uint8_t)(5 * (p / im.width));
            im.rgb[3 * p + 2] = (uint8_t)(80 * i);
        }
        snprintf(name, sizeof name, "tree/%s/%d.png", i ? "a" : "b", i);
        assert_int_equal(idem_image_save_png(&im, in_dir(name), NULL), 0);
        idem_image_free(&im);
    }
    idem_summary_data *d = idem_summary_data_open(in_dir("tree"), SIDE, SIDE, 7);
    assert_non_null(d);
    assert_int_equal(idem_summary_data_count(d), N);
    static float x[4 * N * PICTURE], again[N * PICTURE];
    assert_int_equal(idem_summary_data_take(d, 0, 4 * N, x), 0);
    assert_int_equal(idem_summary_data_take(d, N, N, again), 0);
    assert_memory_equal(again, x + N * PICTURE, sizeof again);
    bool moved = false;
    for (int e = 0; e < 4; e++) {
        int seen = 0;
        for (int i = 0; i < N; i++) {
            const float *p = x + (e * N + i) * PICTURE;
            seen |= 1 << (int)(p[2] * 255 / 80 + 0.5f);
            const float left = p[0] * 51, top = p[1] * 51;
            assert_true(left >= 0 && left <= 32 && top >= 0 && top <= 18);
            assert_float_equal(p[3 * (SIDE - 1)] * 51, left + SIDE - 1, 1e-3); /* not resized: the crop's own pixels */
            moved = moved || left != x[0] * 51;
        }
        assert_int_equal(seen, 7);
    }
    assert_true(moved);
    idem_summary_data_free(d);
    /* One that cannot be read is told once, and others stand in for it. */
    program_expect(RUN("echo text > $DIR/tree/a/1.png"), 0);
    int told = 0;
    assert_non_null(d = idem_summary_data_open(in_dir("tree"), SIDE, SIDE, 7));
    idem_summary_data_watch(d, count_bad, &told);
    assert_int_equal(idem_summary_data_take(d, 0, 4 * N, x), 0);
    for (int i = 0; i < 4 * N; i++)
        assert_true((int)(x[i * PICTURE + 2] * 255 / 80 + 0.5f) != 1);
    assert_int_equal(told, 1);
    idem_summary_data_free(d);
    program_expect(RUN("for i in b/0 a/2; do echo text > $DIR/tree/$i.png; done"), 0);
    assert_non_null(d = idem_summary_data_open(in_dir("tree"), SIDE, SIDE, 7));
    assert_int_equal(idem_summary_data_take(d, 0, 1, x), -1);
    assert_non_null(strstr(idem_error(), ".png: "));
    idem_summary_data_free(d);
    assert_null(idem_summary_data_open("src/base", SIDE, SIDE, 7));
    assert_non_null(strstr(idem_error(), "0 pictures"));
}

static void a_run_resumes_bit_for_bit(void **state) {
    (void)state;
    program_expect(RUN(TRAIN "-o $DIR/run --iterations 3"), 0);
    program_expect(RUN(TRAIN "-o $DIR/parts --iterations 2"), 0);
    program_expect(RUN(TRAIN "-o $DIR/parts --resume --iterations 3"), 0);
    program_expect(RUN("cmp $DIR/run/mapper.safetensors $DIR/parts/mapper.safetensors && "
                       "cmp $DIR/run/checkpoint-0000000003.safetensors $DIR/parts/checkpoint-0000000003.safetensors"),
                   0);
    program_expect(RUN("ls $DIR/run/training.png"), 0);
    origin_synthetic(dir, "run/samples/grid-0000000003.png", XMP_COMPOSITE, NULL, NULL, "1", 4);
    program_expect(RUN(TRAIN "-o $DIR/parts --resume --beta 1"), 1);
    assert_true(program_says("--beta is 1"));
    /* A checkpoint that asks for two thousand million threads. */
    idem_weights *w;
    assert_int_equal(RUN("rm $DIR/parts/checkpoint-0000000002.safetensors"), 0);
    char *path = idem_path_join(dir, "parts/checkpoint-0000000003.safetensors");
    assert_int_equal(idem_weights_load(&w, path), 0);
    assert_int_equal(idem_weights_set_meta(w, "run.threads", "2000000000"), 0);
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_F32), 0);
    idem_weights_free(w);
    free(path);
    program_expect(RUN(TRAIN "-o $DIR/parts --resume --iterations 4"), 1);
    assert_true(program_says("numbers that no run has"));
    /* The other recipe's run, and its programs. */
    program_expect(RUN("$IDEM train -g $DIR/generator.safetensors -o $DIR/run --resume -q"), 1);
    program_expect(
        RUN("$IDEM compose -g $DIR/generator.safetensors -m $DIR/run/mapper.safetensors -i samples/identities/1.png "
            "-a samples/attributes/a.png -o $DIR/out.png"),
        1);
    assert_true(program_says("a mapper of the recipe summary"));
    program_expect(RUN("$IDEM model inspect $DIR/run/mapper.safetensors"), 0);
    assert_true(program_says("idem mapper of the recipe summary: 12288 numbers to 64"));
}

static void unreadable_pictures_are_named(void **state) {
    (void)state;
    program_expect(RUN("mkdir $DIR/few && cp samples/identities/[12].png $DIR/few && echo text > $DIR/few/3.png && "
                       "cd $DIR && $IDEM train --recipe summary -g generator.safetensors -d few --identity-net "
                       "facenet.safetensors --threads 1 --batch 2 -q -o few-run --iterations 2"),
                   1);
    assert_true(program_says("idem: passed over: few/3.png: "));
    assert_true(program_says("idem: 1 picture of few could not be read; the others are trained on\n"));
    assert_int_equal(program_lines(), 2);
    program_expect(RUN("test -s $DIR/few-run/mapper.safetensors"), 0);
    program_expect(RUN("cd $DIR && mv few/1.png few/9.png && $IDEM train --recipe summary -g generator.safetensors -d "
                       "few --identity-net facenet.safetensors -q -o few-run --iterations 3 --resume"),
                   1);
    assert_true(program_says("idem: few: names or sizes of its files differ from those of the run's data"));
}

static void options_are_checked(void **state) {
    (void)state;
    program_expect(RUN(TRAIN "--dry-run --json"), 0);
    assert_true(program_says("seconds_per_iteration") && program_says("plan_mb"));
    program_expect(RUN(TRAIN), 2);
    assert_true(program_says("--output is missing"));
    program_expect(RUN("$IDEM train --recipe=summary -g $DIR/generator.safetensors -d samples -o $DIR/no "
                       "--identity-preprocess facenet"),
                   2);
    assert_true(program_says("--identity-net"));
    if (tiny_has_models()) { /* the recogniser that is there */
        program_expect(RUN("$IDEM train --recipe summary -g $DIR/generator.safetensors -d samples -o $DIR/own --batch "
                           "2 --iterations 1 --threads 1 -q"),
                       0);
        program_expect(RUN("$IDEM train --recipe summary -g $DIR/generator.safetensors -d samples -o $DIR/own "
                           "--iterations 2 --resume -q"),
                       0);
    }
    program_expect(RUN(TRAIN "-o $DIR/no --gamma 3"), 2);
    program_expect(
        RUN("$IDEM train --recipe summary -g $DIR/generator.safetensors -d nowhere -o $DIR/no --identity-net "
            "$DIR/facenet.safetensors -q"),
        1);
    assert_true(program_says("nowhere"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_trains_on_the_embedded_generator), cmocka_unit_test(iterations_equal_pytorch),
        cmocka_unit_test(crops_are_random_and_repeat),         cmocka_unit_test(a_run_resumes_bit_for_bit),
        cmocka_unit_test(unreadable_pictures_are_named),       cmocka_unit_test(options_are_checked),
    };
    dir = tiny_folder();
    if (!dir || tiny_write(dir) || tiny_write_facenet(in_dir("facenet.safetensors")))
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tiny_remove(dir);
    return failed;
}
