/* One iteration of generator training (D, R1, G step) against tests/oracle/gan_iteration.py: the same start and data,
 * filled by the rule of tests/fixtures/README.md. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "engine/ops.h"
#include "train/gan/graph.h"
#include "support/digest.h"
#include "support/fill.h"

typedef struct {
    json_t *about;
    digest_count count;
    idem_weights *weights;
    idem_gan_graph graph;
} bench;

static double number(const json_t *o, const char *key) {
    const json_t *v = json_object_get(o, key);
    assert_true(json_is_number(v));
    return json_number_value(v);
}

/* A gradient that is nothing must be exactly that; it has no scale to be compared by. */
static void check_digest(bench *b, const char *what, const char *name, const float *x, size_t count,
                         const json_t *want) {
    if (json_number_value(json_array_get(want, 0)) != 0) {
        digest_check(&b->count, what, name, x, count, want);
        return;
    }
    b->count.compared++;
    for (size_t i = 0; i < count; i++)
        assert_true(x[i] == 0);
}

/* ---- the same start and data ---- */

static float *start_of(const bench *b, const json_t *row, size_t count) {
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    fixture_fill(values, count, b->count.salt, json_string_value(json_object_get(row, "name")), number(row, "a"),
                 number(row, "b"));
    return values;
}

/* Every tensor of the list and no other is there, but for blur kernels and stored noise. */
static void set_start(bench *b, const idem_gan_recipe *r) {
    size_t i, found = 0;
    json_t *row;
    b->weights = idem_weights_new();
    assert_int_equal(idem_gan_init(b->weights, r), 0);
    for (size_t k = 0; k < idem_weights_count(b->weights); k++)
        found += !strstr(idem_weights_at(b->weights, k)->name, ".kernel") &&
                 !strstr(idem_weights_at(b->weights, k)->name, "noises.");
    const json_t *rows = json_object_get(b->about, "tensors");
    assert_int_equal(found, json_array_size(rows));
    json_array_foreach(rows, i, row) {
        idem_weight *w = idem_weights_find(b->weights, json_string_value(json_object_get(row, "name")));
        const json_t *shape = json_object_get(row, "shape");
        assert_non_null(w);
        assert_int_equal(w->shape.rank, json_array_size(shape));
        for (int k = 0; k < w->shape.rank; k++)
            assert_int_equal(w->shape.d[k], json_integer_value(json_array_get(shape, (size_t)k)));
        const size_t count = (size_t)idem_shape_count(&w->shape);
        float *values = start_of(b, row, count);
        idem_weight_write(w, values);
        free(values);
    }
}

static void fill_node(const bench *b, idem_node *n, const char *name, double a, double mean) {
    const size_t count = (size_t)idem_shape_count(&n->shape);
    float *values = malloc(count * sizeof *values);
    assert_non_null(values);
    fixture_fill(values, count, b->count.salt, name, a, mean);
    idem_node_write(n, values);
    free(values);
}

static void fill_step(const bench *b, const char *step) {
    const idem_gan_graph *t = &b->graph;
    char name[48];
    snprintf(name, sizeof name, "z.%s", step);
    fill_node(b, t->z, name, sqrt(3), 0);
    snprintf(name, sizeof name, "mix.%s", step);
    fill_node(b, t->mix, name, 1, 0);
    for (int64_t i = 0; i < idem_shape_count(&t->mix->shape); i++)
        t->mix->leaf[i] = t->mix->leaf[i] > 0;
    for (int i = 0; i < t->about.n_noise; i++) {
        snprintf(name, sizeof name, "noise.%d.%s", i, step);
        fill_node(b, t->noise[i], name, sqrt(3), 0);
    }
}

static void fill_augment(const bench *b, idem_node *n, const char *which) {
    static const float base[IDEM_AUGMENT_NUMBERS] = {1, 0, 0, 0, 1, 0, 1, 0, 0, 0,  1,
                                                     0, 0, 0, 1, 0, 0, 0, 5, 6, 14, 13};
    char name[48];
    snprintf(name, sizeof name, "augment.%s", which);
    fill_node(b, n, name, 0.2, 0);
    for (int64_t i = 0; i < idem_shape_count(&n->shape); i++) {
        const int k = (int)(i % IDEM_AUGMENT_NUMBERS);
        n->leaf[i] = base[k] + (k < IDEM_AUGMENT_BOX ? n->leaf[i] : 0);
    }
}

/* ---- the iteration ---- */

/* Gradients as the plan left them: before the step that takes them. */
static void check_gradients(bench *b, const idem_gan_step *s, const char *step) {
    const json_t *want = json_object_get(json_object_get(b->about, "gradients"), step);
    assert_int_equal(idem_adam_count(s->adam), json_object_size(want));
    for (size_t i = 0; i < idem_adam_count(s->adam); i++) {
        const idem_weight *w = idem_adam_param(s->adam, i);
        const size_t count = (size_t)idem_shape_count(&w->shape);
        float *g = malloc(count * sizeof *g);
        assert_non_null(g);
        const float *value = idem_plan_value(s->plan, idem_adam_grad(s->adam, i));
        if (w->shape.rank == 4)
            idem_to_rowmajor(g, value, &w->shape);
        else
            memcpy(g, value, count * sizeof *g);
        const json_t *digest = json_object_get(want, w->name);
        assert_non_null(digest);
        check_digest(b, step, w->name, g, count, digest);
        free(g);
    }
}

static void take_step(bench *b, const idem_gan_step *s, const char *step) {
    if (idem_plan_run(s->plan))
        fail_msg("%s", idem_error());
    const double want = number(json_object_get(b->about, "losses"), step);
    digest_compare(&b->count, "loss", step, (double)idem_plan_scalar(s->plan, s->loss), want, fabs(want));
    check_gradients(b, s, step);
    digest_report(&b->count, step);
    idem_adam_step(s->adam, s->plan, number(b->about, "rate"));
}

static void check_weights(bench *b) {
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(b->about, "tensors"), i, row) {
        const char *name = json_string_value(json_object_get(row, "name"));
        const idem_weight *w = idem_weights_find(b->weights, name);
        const size_t count = (size_t)idem_shape_count(&w->shape);
        float *x = malloc(count * sizeof *x), *start = start_of(b, row, count);
        assert_non_null(x);
        idem_weight_read(w, x);
        for (size_t k = 0; k < count; k++)
            x[k] -= start[k];
        check_digest(b, "weight", name, x, count, json_object_get(json_object_get(b->about, "weights"), name));
        free(x);
        free(start);
    }
    digest_report(&b->count, "weights");
}

static void check_iteration(const char *file) {
    bench b = {0};
    json_error_t error;
    b.about = json_load_file(file, 0, &error);
    assert_non_null(b.about);
    b.count.salt = json_string_value(json_object_get(b.about, "salt"));
    b.count.tolerance = number(b.about, "tolerance");
    idem_gan_recipe r;
    idem_gan_defaults(&r);
    r.features = 0;
    r.batch = (int64_t)number(b.about, "batch");
    r.size = (int64_t)number(b.about, "size");
    r.z_dim = r.w_dim = (int64_t)number(b.about, "dim");
    r.mapping_layers = (int64_t)number(b.about, "mapping");
    r.width = r.d_width = 192;
    r.width_max = r.d_width_max = 16;
    r.gamma = number(b.about, "gamma");
    r.r1_every = (int64_t)number(b.about, "r1_every");
    const json_t *path = json_object_get(b.about, "path");
    r.path = number(path, "weight");
    r.path_every = (int64_t)number(path, "every");
    set_start(&b, &r);
    if (idem_gan_graph_build(&b.graph, b.weights, &r, NULL, NULL))
        fail_msg("%s", idem_error());
    fill_node(&b, b.graph.real, "real", 1, 0);
    fill_augment(&b, b.graph.augment_real, "real");
    fill_augment(&b, b.graph.augment_made, "made");
    fill_step(&b, "d");
    take_step(&b, &b.graph.d, "d");
    const double sign = number(json_object_get(b.about, "losses"), "sign");
    assert_float_equal(idem_plan_scalar(b.graph.d.plan, b.graph.sign), sign, 1e-6);
    take_step(&b, &b.graph.r1, "r1");
    fill_step(&b, "g");
    take_step(&b, &b.graph.g, "g");
    if (r.path > 0) {
        fill_step(&b, "path");
        fill_node(&b, b.graph.path_noise, "path_noise", sqrt(3), 0);
        b.graph.path_mean->leaf[0] = (float)number(path, "mean");
        take_step(&b, &b.graph.path, "path");
        const double moved = number(json_object_get(b.about, "losses"), "path_mean");
        assert_float_equal(idem_plan_value(b.graph.path.plan, b.graph.path_moved)[0], moved, 1e-5 * moved);
    }
    check_weights(&b);
    idem_gan_graph_free(&b.graph);
    idem_weights_free(b.weights);
    json_decref(b.about);
}

static void one_iteration_equals_pytorch(void **state) {
    (void)state;
    check_iteration(IDEM_SOURCE_DIR "/tests/fixtures/gan-iteration/fixture.json");
}

static void path_lengths_equal_pytorch(void **state) {
    (void)state;
    check_iteration(IDEM_SOURCE_DIR "/tests/fixtures/gan-path/fixture.json");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_iteration_equals_pytorch),
                                       cmocka_unit_test(path_lengths_equal_pytorch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
