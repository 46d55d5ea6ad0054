/* ONNX files of opset 9 to 17: one network as PyTorch exports it at each, and small models of the operators whose form
 * changed in between, against what PyTorch computes (tests/oracle/onnx_opsets.py). All files are written for a batch of
 * one and run with two. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/plan.h"
#include "format/weights.h"
#include "nets/onnx_graph.h"

#define FOLDER "tests/fixtures/opsets/"

typedef struct {
    idem_shape shape;
    float *data;
} array;

static array load(const char *name) {
    char path[200];
    array a;
    snprintf(path, sizeof path, FOLDER "%s.npy", name);
    if (idem_npy_load(path, &a.shape, &a.data))
        fail_msg("%s", idem_error());
    return a;
}

static idem_onnx *open_model(const char *name) {
    char path[200];
    idem_onnx *m;
    snprintf(path, sizeof path, FOLDER "%s.onnx", name);
    if (idem_onnx_load(&m, path))
        fail_msg("%s", idem_error());
    return m;
}

static void expect(const char *name, const char *input, const char *output) {
    array x = load(input), want = load(output);
    idem_onnx *m = open_model(name);
    idem_graph *g = idem_graph_new();
    idem_node *in = idem_input(g, "x", x.shape), *y = idem_onnx_build(g, m, in, NULL);
    if (!y)
        fail_msg("%s", idem_error());
    idem_node_write(in, x.data);
    char got[64], wanted[64];
    if (!idem_shape_equal(&y->shape, &want.shape))
        fail_msg("%s: shape is %s, expected %s", name, idem_shape_text(&y->shape, got),
                 idem_shape_text(&want.shape, wanted));
    idem_plan *p = idem_plan_new(&y, 1, NULL);
    assert_non_null(p);
    assert_int_equal(idem_plan_run(p), 0);
    const size_t count = (size_t)idem_shape_count(&want.shape);
    float *out = malloc(count * sizeof *out);
    idem_plan_read(p, y, out);
    double worst = 0, most = 0;
    for (size_t i = 0; i < count; i++) {
        worst = fmax(worst, fabs((double)out[i] - want.data[i]));
        most = fmax(most, fabs((double)want.data[i]));
    }
    if (!(worst <= 3e-6 * most))
        fail_msg("%s: off by %g, the largest value is %g", name, worst, most);
    free(out);
    idem_plan_free(p);
    idem_graph_free(g);
    idem_onnx_free(m);
    free(x.data);
    free(want.data);
}

static void every_opset_of_an_exported_network(void **state) {
    (void)state;
    for (int opset = 9; opset <= 17; opset++) {
        char name[16];
        snprintf(name, sizeof name, "net-%d", opset);
        expect(name, "net.x", "net.y");
    }
}

static void operators_whose_form_changed(void **state) {
    (void)state;
    static const char *const names[] = {
        "upsample",     "upsample-linear", "resize",         "resize-size", "resize-scale",
        "resize-cubic", "resize-corners",  "resize-nearest", "reduce",      "reduce-input",
        "softmax-flat", "softmax",         "clip",           "clip-min",    "clip-max",
        "pad",          "pad-input",       "slice",          "slice-step",  "axes",
        "axes-input",   "dropout",         "batch-norm",     "hard",        "expand"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char output[32];
        snprintf(output, sizeof output, "%s.y", names[i]);
        expect(names[i], "made.x", output);
    }
}

static void what_cannot_be_built_is_named(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"old", "old.onnx: its operators are of opset 8, expected 9 to 17: export it with opset_version=17"},
        {"new", "new.onnx: its operators are of opset 18, expected 9 to 17"},
        {"dropout-training", "dropout-training.onnx: dropout_0 (Dropout): is in training mode"},
        {"batch-norm-training",
         "batch-norm-training.onnx: batchnormalization_0 (BatchNormalization): is in training mode"},
        {"unknown", "unknown.onnx: node celu_1 is a Celu, an ONNX operator that is not supported"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        idem_onnx *m = open_model(rows[i][0]);
        idem_graph *g = idem_graph_new();
        assert_null(idem_onnx_build(g, m, idem_input(g, "x", IDEM_SHAPE(2, 4, 5, 6)), NULL));
        if (!strstr(idem_error(), rows[i][1]))
            fail_msg("message is \"%s\", expected \"%s\"", idem_error(), rows[i][1]);
        idem_graph_free(g);
        idem_onnx_free(m);
    }
    idem_onnx *m;
    assert_int_equal(idem_onnx_load(&m, "tests/fixtures/format/external.onnx"), -1);
    assert_non_null(strstr(idem_error(), "is stored in another file (external data), which is not supported"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_opset_of_an_exported_network),
        cmocka_unit_test(operators_whose_form_changed),
        cmocka_unit_test(what_cannot_be_built_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
