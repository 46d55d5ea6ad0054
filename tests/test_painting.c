/* Painting a batch in parts, as in bfloat16: the losses and gradients of a batch are those of its parts painted alone,
 * to the last bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/ops.h"
#include "engine/plan.h"
#include "engine/precision.h"
#include "train/mapper/painting.h"

enum { PART = 16, PARTS = 2, BATCH = PART * PARTS, SIDE = 64, POINTS = 51, LOSSES = 5 };

static idem_model *model;

static int open_model(void **state) {
    (void)state;
    const bool before = idem_bf16_set(true);
    model = idem_model_open("tests/fixtures/generator-64.safetensors");
    idem_bf16_set(before);
    if (!model || idem_model_load_frozen(model, NULL)) {
        printf("skip: %s\n", idem_error());
        idem_model_free(model);
        model = NULL;
    }
    return 0;
}

static int close_model(void **state) {
    (void)state;
    idem_model_free(model);
    return 0;
}

typedef struct {
    float loss[LOSSES]; /* identity, landmarks, reconstruction, surroundings, number with landmarks */
    float slope[2][BATCH * 512];
    int64_t rows;
    size_t bytes;
} result;

static idem_node *input(idem_graph *g, idem_shape shape, const char *name, int64_t first, float a, float b) {
    idem_node *n = idem_input(g, name, shape);
    const int64_t row = idem_shape_count(&shape) / shape.d[0];
    idem_rng r = idem_rng_make(5, name);
    for (int64_t i = -first * row; i < idem_shape_count(&shape); i++) {
        const float x = a + b * (float)idem_rng_normal(&r);
        if (i >= 0)
            n->leaf[i] = x;
    }
    return n;
}

/* Pictures first .. first + n - 1 of a batch of parts * n. */
static void paint(result *out, int64_t first, int64_t n, int parts) {
    idem_recipe recipe;
    idem_recipe_defaults(&recipe);
    recipe.weight_surround = 1;
    const idem_model_info *about = idem_model_about(model);
    idem_graph *g = idem_graph_new();
    idem_painting p = {0};
    const idem_painting_target target = {input(g, IDEM_SHAPE(n, 3, SIDE, SIDE), "x", first, 0.5f, 0.2f),
                                         input(g, IDEM_SHAPE(n, about->id_dim), "id", first, 0, 1),
                                         input(g, IDEM_SHAPE(n, POINTS, 2), "points", first, 80, 20)};
    idem_node *w = input(g, IDEM_SHAPE(n, about->w_dim), "w", first, 0, 1);
    if (idem_paint(&p, model, &recipe, w, &target, parts))
        fail_msg("%s", idem_error());
    idem_node *targets[] = {p.l_id, p.l_landmark, p.l_rec, p.l_surround, p.n_with_landmarks, p.slope[0], p.slope[1]};
    idem_plan *plan = idem_plan_new(targets, LOSSES + 2, &(idem_plan_options){.threads = 1});
    assert_non_null(plan);
    assert_int_equal(idem_plan_run(plan), 0);
    for (int i = 0; i < LOSSES; i++)
        out->loss[i] = idem_plan_scalar(plan, targets[i]);
    assert_true(about->w_dim <= 512);
    for (int cross = 0; cross < 2; cross++)
        idem_plan_read(plan, p.slope[cross], out->slope[cross] + first * about->w_dim);
    out->bytes = idem_plan_bytes(plan);
    idem_plan_free(plan);
    idem_graph_free(g);
}

static void a_batch_is_its_parts(void **state) {
    (void)state;
    if (!model)
        skip();
    static result whole, part[PARTS];
    paint(&whole, 0, BATCH, 1);
    for (int i = 0; i < PARTS; i++)
        paint(&part[i], i * PART, PART, PARTS);
    const int w_dim = idem_model_about(model)->w_dim;
    for (int i = 0; i < LOSSES; i++) {
        const float sum = part[0].loss[i] + part[1].loss[i], expected = i < LOSSES - 1 ? sum / PARTS : sum;
        assert_true(sum > 0);
        assert_memory_equal(&whole.loss[i], &expected, sizeof expected);
    }
    for (int cross = 0; cross < 2; cross++)
        for (int i = 0; i < BATCH * w_dim; i++) {
            const float alone = part[i / (PART * w_dim)].slope[cross][i] / PARTS;
            assert_memory_equal(&whole.slope[cross][i], &alone, sizeof alone);
        }
    assert_true(whole.bytes < part[0].bytes * 5 / 4); /* the parts use the same memory in turn */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_batch_is_its_parts)};
    return cmocka_run_group_tests(tests, open_model, close_model);
}
