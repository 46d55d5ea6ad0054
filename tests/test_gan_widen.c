/* Networks with more channels that go on from narrower ones: at first they paint and say the same, at once they learn
 * with all channels. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"
#include "engine/ops.h"
#include "model/average.h"
#include "train/gan/graph.h"
#include "train/gan/start.h"
#include "nets/discriminator.h"
#include "nets/stylegan2.h"
#include "support/fill.h"
#include "support/program.h"

enum { BATCH = 4, SIDE = 16 };

static char dir[] = "/tmp/idem-test-XXXXXX", narrow_path[64];

/* Channels of both networks at 4, 8 and 16 px. */
static const struct {
    int64_t width, width_max; /* 256 and 12: 12, 12, 12; 128 and 12: 12, 12, 8 */
} narrow = {128, 12}, wide = {256, 20};

static idem_gan_recipe recipe(void) {
    idem_gan_recipe r;
    idem_gan_defaults(&r);
    r.size = SIDE;
    r.batch = BATCH;
    r.z_dim = r.w_dim = 8;
    r.width = r.d_width = narrow.width;
    r.width_max = r.d_width_max = narrow.width_max;
    return r;
}

static void widen(idem_gan_recipe *r, bool g, bool d) {
    if (g) {
        r->width = wide.width;
        r->width_max = wide.width_max;
    }
    if (d) {
        r->d_width = wide.width;
        r->d_width_max = wide.width_max;
    }
}

/* A checkpoint's networks, with biases and noise as after some training. */
static int set_up(void **state) {
    (void)state;
    static const idem_average_rule rule[1] = {{"g.", "g_ema."}};
    assert_non_null(mkdtemp(dir));
    snprintf(narrow_path, sizeof narrow_path, "%s/narrow.safetensors", dir);
    const idem_gan_recipe r = recipe();
    idem_weights *w = idem_weights_new();
    assert_int_equal(idem_gan_init(w, &r), 0);
    for (size_t i = 0; i < idem_weights_count(w); i++) {
        idem_weight *t = idem_weights_at(w, i);
        const bool style = strstr(t->name, "modulation.bias");
        if (strstr(t->name, ".bias") || strstr(t->name, ".noise.weight"))
            fixture_fill(t->data, (size_t)idem_shape_count(&t->shape), "", t->name, 0.3, style ? 1 : 0);
    }
    assert_int_equal(idem_average_add(w, rule, 1), 0);
    assert_int_equal(idem_weights_save(w, narrow_path, IDEM_DTYPE_F32), 0);
    idem_weights_free(w);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    return program_run(dir, "rm -rf $DIR");
}

static idem_weights *load_narrow(void) {
    idem_weights *w;
    assert_int_equal(idem_weights_load(&w, narrow_path), 0);
    return w;
}

static idem_weights *start(const idem_gan_recipe *r) {
    idem_weights *w = idem_weights_new();
    assert_int_equal(idem_gan_init(w, r), 0);
    if (idem_gan_start_from(w, narrow_path))
        fail_msg("%s", idem_error());
    return w;
}

/* ---- what the networks make ---- */

/* Malloc'ed values of a node. */
static float *run(idem_node *out) {
    idem_plan *p = idem_plan_new(&out, 1, NULL);
    assert_non_null(p);
    assert_int_equal(idem_plan_run(p), 0);
    const size_t bytes = (size_t)idem_shape_count(&out->shape) * sizeof(float);
    float *values = malloc(bytes);
    assert_non_null(values);
    memcpy(values, idem_plan_value(p, out), bytes);
    idem_plan_free(p);
    return values;
}

/* Pictures of fixed codes, enlarged to `side` as to-RGB layers do. */
static float *painted(idem_weights *w, int side) {
    static const float blur[4] = {0.25f, 0.75f, 0.75f, 0.25f};
    idem_graph *g = idem_graph_new();
    idem_stylegan2 s;
    assert_int_equal(idem_stylegan2_open(&s, w, "g."), 0);
    idem_node *z = idem_input(g, "z", IDEM_SHAPE(BATCH, s.z_dim));
    fixture_fill(z->leaf, (size_t)idem_shape_count(&z->shape), "", "z", 1.7, 0);
    idem_binder b = idem_binder_make(g, w, "g.", false);
    idem_node *x = idem_stylegan2_synthesis(&b, &s, idem_stylegan2_mapping(&b, &s, z), NULL);
    assert_non_null(x);
    while (x->shape.d[2] < side)
        x = idem_filter(x, blur, 4, 2, 1, (int[4]){2, 2, 1, 1});
    float *out = run(x);
    idem_graph_free(g);
    return out;
}

/* What D says of fixed pictures of this side, halved by D's own blur to `seen`. */
static float *judged(idem_weights *w, int side, int seen) {
    static const float blur[4] = {0.125f, 0.375f, 0.375f, 0.125f};
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(BATCH, 3, side, side));
    fixture_fill(x->leaf, (size_t)idem_shape_count(&x->shape), "", "judged", 1, 0);
    while (x->shape.d[2] > seen)
        x = idem_filter(x, blur, 4, 1, 2, (int[4]){1, 1, 1, 1});
    idem_binder b = idem_binder_make(g, w, "d.", false);
    idem_node *y = idem_discriminator(&b, x, 1);
    assert_int_equal(idem_discriminator_finish(&b), 0);
    float *out = run(y);
    idem_graph_free(g);
    return out;
}

/* Within 1e-4 of the largest; frees both. */
static void assert_alike(float *a, float *b, int64_t count) {
    float most = 0, off = 0;
    for (int64_t i = 0; i < count; i++) {
        most = fmaxf(most, fabsf(b[i]));
        off = fmaxf(off, fabsf(a[i] - b[i]));
    }
    if (off > 1e-4f * most || most < 1e-2f)
        fail_msg("off by %g of %g", (double)off, (double)most);
    free(a);
    free(b);
}

/* Both networks, one of them, and both at twice the side. */
static void wide_networks_do_what_narrow_ones_did(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) {
        idem_gan_recipe r = recipe();
        widen(&r, i != 1, i != 0);
        r.size = i == 3 ? 2 * SIDE : SIDE;
        idem_weights *w = start(&r), *from = load_narrow();
        const int side = (int)r.size;
        assert_int_equal(idem_weights_find(w, "g.convs.0.conv.weight")->shape.d[1], i == 1 ? 12 : 20);
        assert_int_equal(idem_weights_find(w, "d.final_linear.0.weight")->shape.d[0], i == 0 ? 12 : 20);
        assert_alike(painted(w, side), painted(from, side), (int64_t)BATCH * 3 * side * side);
        assert_alike(judged(w, side, side), judged(from, side, SIDE), BATCH);
        const idem_weight *head = idem_weights_find(w, "heads.1.middle.weight");
        assert_memory_equal(head->data, idem_weights_find(from, head->name)->data,
                            (size_t)idem_shape_count(&head->shape) * sizeof(float));
        idem_weights_free(w);
        idem_weights_free(from);
    }
}

/* ---- what they learn ---- */

typedef struct {
    idem_weights *weights;
    idem_gan_graph graph;
} training;

static void open_training(training *t, idem_weights *w, idem_gan_recipe r) {
    static const float plain[IDEM_AUGMENT_NUMBERS] = {1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1};
    r.features = 0;
    t->weights = w;
    if (idem_gan_graph_build(&t->graph, w, &r, NULL, NULL))
        fail_msg("%s", idem_error());
    const idem_gan_graph *g = &t->graph;
    fixture_fill(g->real->leaf, (size_t)idem_shape_count(&g->real->shape), "", "real", 1, 0);
    fixture_fill(g->z->leaf, (size_t)idem_shape_count(&g->z->shape), "", "z", 1.7, 0);
    for (int i = 0; i < g->about.n_noise; i++)
        fixture_fill(g->noise[i]->leaf, (size_t)idem_shape_count(&g->noise[i]->shape), "", "noise", 1.7, 0);
    for (int i = 0; i < BATCH; i++) {
        g->mix->leaf[i * g->about.n_ws + 3] = 1;
        memcpy(g->augment_real->leaf + (size_t)i * IDEM_AUGMENT_NUMBERS, plain, sizeof plain);
        memcpy(g->augment_made->leaf + (size_t)i * IDEM_AUGMENT_NUMBERS, plain, sizeof plain);
    }
}

static void iterate(training *t, float losses[3]) {
    const idem_gan_step *steps[3] = {&t->graph.d, &t->graph.r1, &t->graph.g};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(idem_plan_run(steps[i]->plan), 0);
        losses[i] = idem_plan_scalar(steps[i]->plan, steps[i]->loss);
        idem_adam_step(steps[i]->adam, steps[i]->plan, 0.0025);
    }
}

static void close_training(training *t) {
    idem_gan_graph_free(&t->graph);
    idem_weights_free(t->weights);
}

/* The share of a tensor's numbers that differ from the start. */
static double moved(const idem_weight *now, const idem_weight *before) {
    const int64_t count = idem_shape_count(&now->shape);
    float *x = malloc((size_t)count * sizeof *x);
    assert_non_null(x);
    idem_weight_read(now, x);
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++)
        n += x[i] != before->data[i];
    free(x);
    return (double)n / (double)count;
}

static void all_channels_learn(void **state) {
    (void)state;
    idem_gan_recipe r = recipe();
    training t[2];
    float loss[2][3];
    open_training(&t[0], load_narrow(), r);
    widen(&r, true, true);
    idem_weights *before = start(&r);
    open_training(&t[1], start(&r), r);
    for (int i = 0; i < 2; i++) {
        for (int k = 0; k < 2; k++)
            iterate(&t[k], loss[k]);
        if (i == 0) /* D's loss, before any step */
            assert_true(fabsf(loss[1][0] - loss[0][0]) <= 1e-4f * fabsf(loss[0][0]));
    }
    for (int k = 0; k < 3; k++)
        if (fabsf(loss[1][k] - loss[0][k]) > 0.1f * fmaxf(1, fabsf(loss[0][k])))
            fail_msg("loss %d is %g, in the narrow networks %g", k, (double)loss[1][k], (double)loss[0][k]);
    const idem_adam *of[2] = {t[1].graph.g.adam, t[1].graph.d.adam};
    for (int k = 0; k < 2; k++)
        for (size_t i = 0; i < idem_adam_count(of[k]); i++) {
            const idem_weight *now = idem_adam_param(of[k], i);
            const double share = moved(now, idem_weights_find(before, now->name));
            if (share < 0.95)
                fail_msg("%s: %g of it has moved", now->name, share);
        }
    idem_weights_free(before);
    close_training(&t[0]);
    close_training(&t[1]);
}

/* ---- what is refused ---- */

static void refused(const idem_gan_recipe *r, const char *says) {
    idem_weights *w = idem_weights_new();
    assert_int_equal(idem_gan_init(w, r), 0);
    assert_int_equal(idem_gan_start_from(w, narrow_path), -1);
    if (!strstr(idem_error(), says))
        fail_msg("%s", idem_error());
    idem_weights_free(w);
}

static void narrower_networks_are_refused(void **state) {
    (void)state;
    idem_gan_recipe r = recipe();
    r.width_max = 8;
    refused(&r, "[1, 12, 4, 4] in the networks to start from, wider than the [1, 8, 4, 4] here: choose settings.width");
    r = recipe();
    r.d_width = 256;
    r.d_width_max = 8;
    refused(&r, "d.convs.1.conv2.1.weight: is [12, 8, 3, 3]");
    r = recipe();
    r.w_dim = 16;
    refused(&r, "choose the same settings.z, settings.w");
    r = recipe();
    r.size = 2 * SIDE;
    r.d_width_max = 8;
    refused(&r, "settings.d-width");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wide_networks_do_what_narrow_ones_did),
        cmocka_unit_test(all_channels_learn),
        cmocka_unit_test(narrower_networks_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
