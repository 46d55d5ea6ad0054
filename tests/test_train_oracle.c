/* Ten iterations of the recipe `paper` against tests/oracle/train_iteration.py: the same start, codes and rates, filled
 * by the rule of tests/fixtures/README.md. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "face/frame.h"
#include "model/pipe.h"
#include "train/mapper/trainer.h"
#include "support/digest.h"
#include "support/fill.h"

typedef struct {
    json_t *about;
    digest_count count;
    int batch;
    idem_model *model;
    idem_trainer *trainer;
    idem_pipe *sample;
    float *start[256]; /* of every trained tensor, in the list's order */
} bench;

static double number(const json_t *o, const char *key) {
    json_t *v = json_object_get(o, key);
    assert_true(json_is_number(v));
    return json_number_value(v);
}

static const char *text(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    assert_non_null(s);
    return s;
}

/* A filled tensor of the fixture's lists, malloc'ed. */
static float *fill_row(const bench *b, const json_t *row, idem_shape *shape) {
    const json_t *d = json_object_get(row, "shape");
    shape->rank = (int)json_array_size(d);
    for (int i = 0; i < shape->rank; i++)
        shape->d[i] = json_integer_value(json_array_get(d, (size_t)i));
    size_t count = (size_t)idem_shape_count(shape);
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    fixture_fill(values, count, b->count.salt, text(row, "name"), number(row, "a"), number(row, "b"));
    return values;
}

/* ---- the same start ---- */

static void write_generator(const bench *b, const char *path) {
    idem_weights *w = idem_weights_new();
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(b->about, "generator"), i, row) {
        idem_shape shape;
        float *values = fill_row(b, row, &shape);
        idem_weight *t = idem_weights_add(w, text(row, "name"), shape);
        assert_non_null(t);
        memcpy(t->data, values, (size_t)idem_shape_count(&shape) * sizeof *values);
        free(values);
    }
    float five[5][2], box[4];
    const json_t *points = json_object_get(b->about, "five");
    for (size_t k = 0; k < 10; k++)
        five[k / 2][k % 2] = (float)json_number_value(json_array_get(json_array_get(points, k / 2), k % 2));
    for (size_t k = 0; k < 4; k++)
        box[k] = (float)json_number_value(json_array_get(json_object_get(b->about, "landmark_box"), k));
    idem_frame frame;
    assert_int_equal(idem_frame_from_five(&frame, (const float(*)[2])five), 0);
    frame.landmark = idem_crop_from_box(&(idem_box){box[0], box[1], box[2], box[3]});
    for (size_t k = 0; k < 6; k++)
        assert_float_equal(frame.recogniser.m[k],
                           json_number_value(json_array_get(json_object_get(b->about, "recogniser_crop"), k)), 1e-6);
    assert_int_equal(idem_frame_store(&frame, w), 0);
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_F32), 0);
    idem_weights_free(w);
}

static void set_trained(bench *b) {
    idem_weights *trained = idem_model_trained(b->model);
    size_t i, parameters = 0;
    json_t *row;
    json_array_foreach(json_object_get(b->about, "trained"), i, row) {
        idem_shape shape;
        assert_true(i < sizeof b->start / sizeof b->start[0]);
        b->start[i] = fill_row(b, row, &shape);
        idem_weight *t = idem_weights_find(trained, text(row, "name"));
        if (!t || !idem_shape_equal(&t->shape, &shape))
            fail_msg("%s: not a tensor of the trainer, or of another shape", text(row, "name"));
        idem_weight_write(t, b->start[i]);
    }
    /* Everything that is trained has its moments: nothing was left at the trainer's own start. */
    for (size_t k = 0; k < idem_weights_count(trained); k++) {
        char moment[200];
        snprintf(moment, sizeof moment, "adam.%s.m", idem_weights_at(trained, k)->name);
        bool main_step = idem_weights_find(trained, moment);
        snprintf(moment, sizeof moment, "adam_critic.%s.m", idem_weights_at(trained, k)->name);
        parameters += main_step || idem_weights_find(trained, moment);
    }
    assert_int_equal(parameters, i);
}

/* unpublished: with the terms that the published recipe has not. */
static bool open_bench(bench *b, bool unpublished) {
    json_error_t error;
    char path[] = "/tmp/idem-oracle-XXXXXX";
    b->about = json_load_file(IDEM_SOURCE_DIR "/tests/fixtures/train-iteration/fixture.json", 0, &error);
    assert_non_null(b->about);
    b->count.salt = text(b->about, "salt");
    b->count.tolerance = number(b->about, "tolerance");
    b->batch = (int)number(b->about, "batch");
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    write_generator(b, path);
    b->model = idem_model_open(path);
    remove(path);
    if (!b->model)
        fail_msg("%s", idem_error());
    if (idem_model_load_frozen(b->model, NULL)) {
        print_message("skip: %s\n", idem_error());
        return false;
    }
    idem_recipe recipe;
    idem_recipe_defaults(&recipe);
    recipe.batch = b->batch;
    recipe.rate = number(b->about, "rate");
    recipe.mirror_target = unpublished;
    recipe.weight_surround = unpublished ? number(b->about, "surround_weight") : 0;
    b->trainer = idem_trainer_new(b->model, &recipe, &(idem_trainer_setup){0});
    if (!b->trainer)
        fail_msg("%s", idem_error());
    set_trained(b);
    b->sample = idem_pipe_new(b->model, IDEM_PIPE_SAMPLE, b->batch, (float)number(b->about, "truncation"), NULL);
    assert_non_null(b->sample);
    return true;
}

static void close_bench(bench *b) {
    idem_pipe_free(b->sample);
    idem_trainer_free(b->trainer);
    idem_model_free(b->model);
    for (size_t i = 0; i < sizeof b->start / sizeof b->start[0]; i++)
        free(b->start[i]);
    json_decref(b->about);
}

/* ---- gradients and weights ---- */

/* The first step leaves (1 - beta1) g in each first moment, and so the gradients themselves. */
static void check_gradients(bench *b, const char *adam, const char *key) {
    const char *name;
    json_t *want;
    json_object_foreach(json_object_get(json_object_get(b->about, "gradients"), key), name, want) {
        char moment[200];
        snprintf(moment, sizeof moment, "%s.%s.m", adam, name);
        idem_weight *m = idem_weights_find(idem_model_trained(b->model), moment);
        if (!m)
            fail_msg("%s: the optimiser has no such moment", moment);
        size_t count = (size_t)idem_shape_count(&m->shape);
        float *g = malloc(count * sizeof *g);
        idem_weight_read(m, g);
        for (size_t i = 0; i < count; i++)
            g[i] *= 10;
        digest_check(&b->count, adam, name, g, count, want);
        free(g);
    }
}

static size_t trained_index(const bench *b, const char *name) {
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(b->about, "trained"), i, row) if (!strcmp(text(row, "name"), name)) return i;
    return SIZE_MAX;
}

/* Changes of the weights since the start, and running statistics as they are. */
static void check_weights(bench *b, const char *after) {
    const char *name;
    json_t *want;
    json_object_foreach(json_object_get(json_object_get(b->about, "weights"), after), name, want) {
        idem_weight *w = idem_weights_find(idem_model_trained(b->model), name);
        assert_non_null(w);
        size_t count = (size_t)idem_shape_count(&w->shape), at = trained_index(b, name);
        float *x = malloc(count * sizeof *x);
        idem_weight_read(w, x);
        for (size_t i = 0; i < count && at != SIZE_MAX; i++)
            x[i] -= b->start[at][i];
        digest_check(&b->count, after, name, x, count, want);
        free(x);
    }
}

/* ---- ten iterations ---- */

static void sample(const bench *b, const char *which, int iteration, float *w, float *x) {
    char name[48];
    int z_dim = idem_model_about(b->model)->z_dim;
    float *z = malloc((size_t)b->batch * (size_t)z_dim * sizeof *z);
    snprintf(name, sizeof name, "z.%s.%d", which, iteration);
    fixture_fill(z, (size_t)b->batch * (size_t)z_dim, b->count.salt, name, sqrt(3), 0);
    assert_int_equal(idem_pipe_run(b->sample, (size_t)b->batch, (const float *const[]){z}, (float *const[]){w, x}), 0);
    free(z);
}

/* Takes the step of an iteration on its filled codes' pictures. */
static void step(const bench *b, int iteration, idem_train_report *r) {
    const idem_model_info *info = idem_model_about(b->model);
    const size_t numbers = (size_t)b->batch * (size_t)info->size * (size_t)info->size * 3,
                 codes = (size_t)b->batch * (size_t)info->w_dim;
    float *x_id = malloc(numbers * sizeof *x_id), *x_attr = malloc(numbers * sizeof *x_attr);
    float *w = malloc(codes * sizeof *w), *w_real = malloc(codes * sizeof *w_real);
    sample(b, "id", iteration, w, x_id);
    sample(b, "attr", iteration, w, x_attr);
    sample(b, "real", iteration, w_real, NULL);
    if (idem_trainer_step_on(b->trainer, x_id, x_attr, w_real, r))
        fail_msg("%s", idem_error());
    free(x_id);
    free(x_attr);
    free(w);
    free(w_real);
}

static void check_losses(bench *b, int iteration, const idem_train_report *r, const json_t *want) {
    const struct {
        const char *key;
        double got;
    } terms[] = {{"total", r->loss},
                 {"id", r->l_id},
                 {"landmark", r->l_landmark},
                 {"reconstruction", r->l_rec},
                 {"adversarial", r->l_adversarial},
                 {"bce", r->l_critic},
                 {"r1", r->r1}};
    char name[32];
    snprintf(name, sizeof name, "of iteration %d", iteration);
    assert_int_equal(r->cross, json_is_true(json_object_get(want, "cross")));
    assert_int_equal(r->adversarial, json_is_true(json_object_get(want, "adversarial_step")));
    assert_false(r->skipped);
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++) {
        const json_t *value = json_object_get(want, terms[i].key);
        if (value)
            digest_compare(&b->count, terms[i].key, name, terms[i].got, json_number_value(value),
                           fabs(json_number_value(value)));
        else
            assert_true(isnan(terms[i].got));
    }
}

static void ten_iterations_equal_pytorch(void **state) {
    (void)state;
    bench b = {0};
    if (!open_bench(&b, false)) {
        close_bench(&b);
        skip();
    }
    const json_t *iterations = json_object_get(b.about, "iterations");
    double trained = 0, tolerance = b.count.tolerance;
    assert_int_equal(json_array_size(iterations), 10);
    for (int it = 0; it < 10; it++) {
        const json_t *want = json_array_get(iterations, (size_t)it);
        idem_train_report r;
        step(&b, it, &r);
        check_losses(&b, it, &r, want);
        double still = number(want, "untrained_landmark");
        trained = fmax(trained, fabs(r.l_landmark - still) / still);
        if (it == 0) {
            digest_report(&b.count, "losses of one iteration");
            check_gradients(&b, "adam", "plain");
            check_gradients(&b, "adam_adversarial", "adversarial");
            check_gradients(&b, "adam_critic", "critic");
            digest_report(&b.count, "gradients of one iteration");
            b.count.tolerance = number(b.about, "weight_tolerance");
            check_weights(&b, "1");
            digest_report(&b.count, "weights behind one iteration");
            b.count.tolerance = tolerance;
        }
    }
    digest_report(&b.count, "losses of ten iterations");
    b.count.tolerance = number(b.about, "weight_tolerance");
    check_weights(&b, "10");
    digest_report(&b.count, "weights behind ten iterations");
    assert_true(trained > 100 * tolerance); /* the steps mattered far more than the tolerance */
    close_bench(&b);
}

static void terms_that_were_not_published_equal_pytorch(void **state) {
    (void)state;
    bench b = {0};
    if (!open_bench(&b, true)) {
        close_bench(&b);
        skip();
    }
    idem_train_report r;
    step(&b, 0, &r);
    const json_t *want = json_object_get(b.about, "unpublished"),
                 *plain = json_array_get(json_object_get(b.about, "iterations"), 0);
    const struct {
        const char *key;
        double got;
    } terms[] = {{"total", r.loss}, {"id", r.l_id}, {"landmark", r.l_landmark}, {"surround", r.l_surround}};
    for (size_t i = 0; i < sizeof terms / sizeof terms[0]; i++)
        digest_compare(&b.count, terms[i].key, "of iteration 0", terms[i].got, number(want, terms[i].key),
                       number(want, terms[i].key));
    /* It is another target, by more than the tolerance. */
    assert_true(fabs(number(want, "id") / number(plain, "id") - 1) > 10 * b.count.tolerance);
    check_gradients(&b, "adam", "unpublished");
    digest_report(&b.count, "terms that were not published");
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ten_iterations_equal_pytorch),
                                       cmocka_unit_test(terms_that_were_not_published_equal_pytorch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
