/* What each preprocessing of a recogniser shows its network, and an InceptionResnetV1's vector of it, against numpy,
 * PyTorch and Pillow (tests/oracle/recogniser_crop.py). */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/status.h"
#include "engine/plan.h"
#include "face/recogniser.h"
#include "model/losses.h"
#include "support/digest.h"
#include "support/fill.h"
#include "support/tiny.h"

static json_t *root;
static const char *net; /* an InceptionResnetV1, narrow */
static digest_count count;

static int number(const json_t *o, const char *key) {
    return (int)json_integer_value(json_object_get(o, key));
}

static idem_recogniser *opened(const char *preprocess) {
    idem_recogniser *r = idem_recogniser_open(net, preprocess);
    if (!r)
        fail_msg("%s", idem_error());
    return r;
}

/* picture.SIDE as an input of the graph. */
static idem_node *picture(idem_graph *g, int side) {
    char name[32];
    const idem_shape shape = IDEM_SHAPE(1, 3, side, side);
    float *x = malloc((size_t)idem_shape_count(&shape) * sizeof *x);
    assert_non_null(x);
    snprintf(name, sizeof name, "picture.%d", side);
    fixture_fill(x, (size_t)idem_shape_count(&shape), count.salt, name, 0.5, 0.5);
    idem_node *in = idem_input(g, "x", shape);
    idem_node_write(in, x);
    free(x);
    return in;
}

static idem_frame frame_of(const json_t *c) {
    const json_t *points = json_object_get(c, "five");
    float five[5][2];
    idem_frame frame;
    for (size_t i = 0; i < 10; i++)
        five[i / 2][i % 2] = (float)json_number_value(json_array_get(json_array_get(points, i / 2), i % 2));
    assert_int_equal(idem_frame_from_five(&frame, (const float(*)[2])five), 0);
    return frame;
}

static idem_plan *ran(idem_node *const *targets, int n) {
    idem_plan *p = targets[0] ? idem_plan_new(targets, n, NULL) : NULL;
    if (!p || idem_plan_run(p))
        fail_msg("%s", idem_error());
    return p;
}

static float *values_of(const idem_plan *p, const idem_node *n) {
    float *x = malloc((size_t)idem_shape_count(&n->shape) * sizeof *x);
    assert_non_null(x);
    idem_plan_read(p, n, x);
    return x;
}

static void check_crop(const json_t *c) {
    const char *name = json_string_value(json_object_get(c, "name"));
    const char *preprocess = json_string_value(json_object_get(c, "preprocess"));
    const idem_frame frame = frame_of(c);
    idem_recogniser *r = opened(preprocess);
    assert_string_equal(idem_recogniser_about(r)->preprocess, preprocess);
    idem_graph *g = idem_graph_new();
    idem_node *y = idem_recogniser_input(r, picture(g, number(c, "picture")), &frame);
    idem_plan *p = ran(&y, 1);
    const json_t *at = json_object_get(c, "at"), *want = json_object_get(c, "values");
    float *x = values_of(p, y);
    assert_true(y->shape.rank == 4 && y->shape.d[1] == 3 && y->shape.d[2] == 160 && y->shape.d[3] == 160);
    digest_check(&count, "crop", name, x, (size_t)idem_shape_count(&y->shape), json_object_get(c, "digest"));
    for (size_t i = 0; i < json_array_size(at); i++)
        digest_compare(&count, "value", name, (double)x[json_integer_value(json_array_get(at, i))],
                       json_number_value(json_array_get(want, i)), preprocess[0] == 'v' ? 128 : 1);
    free(x);
    idem_plan_free(p);
    idem_graph_free(g);
    idem_recogniser_free(r);
}

static void the_network_is_shown_what_the_oracle_shows(void **state) {
    (void)state;
    size_t i;
    json_t *c;
    json_array_foreach(json_object_get(root, "cases"), i, c) check_crop(c);
    digest_report(&count, "what the network is shown");
}

static void its_vector_and_gradient_are_the_oracles(void **state) {
    (void)state;
    const json_t *c = json_object_get(root, "network"), *want = json_object_get(c, "embedding");
    const idem_frame frame = frame_of(c);
    idem_recogniser *r = opened("facenet");
    idem_graph *g = idem_graph_new();
    idem_node *x = picture(g, number(c, "picture")), *t[2] = {idem_recogniser_face(r, x, &frame), NULL};
    assert_non_null(t[0]);
    const int dim = (int)t[0]->shape.d[1];
    assert_int_equal(dim, json_array_size(want));
    idem_node *cotangent = idem_input(g, "cotangent", t[0]->shape);
    fixture_fill(cotangent->leaf, (size_t)dim, count.salt, "cotangent", 1, 0);
    /* The vector may have any length: the oracle's is of unit length. */
    idem_node *unit = idem_l2_normalise(t[0]);
    t[0] = unit;
    assert_int_equal(idem_gradients(idem_sum_all(idem_mul(unit, cotangent)), &x, 1, &t[1]), 0);
    idem_plan *p = ran(t, 2);
    float *e = values_of(p, t[0]), *dx = values_of(p, t[1]);
    for (int i = 0; i < dim; i++)
        digest_compare(&count, "vector", "", (double)e[i], json_number_value(json_array_get(want, (size_t)i)), 1);
    digest_check(&count, "gradient", "gradient", dx, (size_t)idem_shape_count(&x->shape),
                 json_object_get(c, "gradient"));
    digest_report(&count, "vector and gradient");
    free(e);
    free(dx);
    idem_plan_free(p);
    idem_graph_free(g);
    idem_recogniser_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_network_is_shown_what_the_oracle_shows),
        cmocka_unit_test(its_vector_and_gradient_are_the_oracles),
    };
    json_error_t error;
    const char *dir = tiny_folder();
    if (!dir || !(root = json_load_file("tests/fixtures/recogniser-crop/fixture.json", 0, &error)))
        return 1;
    net = tiny_path(dir, "facenet.safetensors");
    count.salt = json_string_value(json_object_get(root, "salt"));
    count.tolerance = json_number_value(json_object_get(root, "tolerance"));
    if (tiny_write_facenet(net))
        return 1;
    char *path = strdup(net); /* tiny_path's last four are good */
    net = path;
    const int failed = path ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
    free(path);
    json_decref(root);
    tiny_remove(dir);
    return failed;
}
