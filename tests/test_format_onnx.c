/* src/format/onnx.c. The files were written by the onnx package (tests/oracle/format_onnx.py). */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/status.h"
#include "format/onnx.h"

static void test_graph(void **state) {
    (void)state;
    idem_onnx *m = NULL;
    assert_int_equal(idem_onnx_load(&m, "tests/fixtures/format/all.onnx"), 0);
    assert_int_equal(m->ir_version, 7);
    assert_int_equal(m->opset, 13);
    assert_string_equal(m->producer, "oracle 2");
    assert_int_equal(m->n_inputs, 1); /* "scalar" is listed as an input, but has a value */
    assert_string_equal(m->inputs[0].name, "x");
    assert_true(m->inputs[0].is_float);
    assert_int_equal(m->inputs[0].rank, 4);
    static const int64_t DIMS[] = {-1, 3, -1, 8};
    assert_memory_equal(m->inputs[0].d, DIMS, sizeof DIMS);
    assert_int_equal(m->n_outputs, 2);
    assert_string_equal(m->outputs[1].name, "last");
    assert_int_equal(m->outputs[0].rank, -1);
    assert_int_equal(m->n_nodes, 3);
    assert_string_equal(m->nodes[0].op_type, "Constant");
    assert_string_equal(m->nodes[0].name, "constant");
    assert_string_equal(m->nodes[2].name, "Relu_2"); /* made up */
    idem_onnx_free(m);
}

static void test_attributes(void **state) {
    (void)state;
    idem_onnx *m = NULL;
    assert_int_equal(idem_onnx_load(&m, "tests/fixtures/format/all.onnx"), 0);
    const idem_onnx_attr *value = idem_onnx_attribute(&m->nodes[0], "value");
    assert_int_equal(value->type, IDEM_ONNX_TENSOR);
    assert_true(idem_shape_equal(&value->tensor->shape, &IDEM_SHAPE(2, 2)));
    assert_int_equal(value->tensor->count, 4);
    assert_true(value->tensor->f[3] == 4);
    const idem_onnx_node *n = &m->nodes[1];
    assert_int_equal(n->n_inputs, 4);
    assert_string_equal(n->inputs[1], "");
    assert_string_equal(n->inputs[3], "c");
    assert_int_equal(n->n_outputs, 2);
    assert_int_equal(n->n_attrs, 5);
    assert_int_equal(idem_onnx_int(n, "i", 5), -7);
    assert_int_equal(idem_onnx_int(n, "none", 5), 5);
    assert_int_equal(idem_onnx_int(n, "f", 5), 5); /* of another type */
    assert_true(idem_onnx_float(n, "f", 1) == 0.25f);
    assert_string_equal(idem_onnx_string(n, "s", "x"), "text");
    assert_string_equal(idem_onnx_string(n, "i", "x"), "x");
    size_t count = 9;
    const int64_t *ints = idem_onnx_ints(n, "ints", &count);
    assert_int_equal(count, 3);
    assert_int_equal(ints[1], -2);
    assert_null(idem_onnx_ints(n, "floats", &count));
    assert_int_equal(count, 0);
    const idem_onnx_attr *floats = idem_onnx_attribute(n, "floats");
    assert_int_equal(floats->type, IDEM_ONNX_FLOATS);
    assert_int_equal(floats->count, 2);
    assert_true(floats->floats[1] == -0.5f);
    assert_null(idem_onnx_attribute(n, "g"));
    idem_onnx_free(m);
}

static void test_tensors(void **state) {
    (void)state;
    idem_onnx *m = NULL;
    assert_int_equal(idem_onnx_load(&m, "tests/fixtures/format/all.onnx"), 0);
    int floats = 0, integers = 0;
    for (size_t i = 0; i < m->n_tensors; i++) {
        const idem_onnx_tensor *t = &m->tensors[i];
        assert_ptr_equal(idem_onnx_find(m, t->name), t);
        assert_true(!t->f != !t->i);
        if (t->count != 3)
            continue;
        bool is_bool = strstr(t->name, "bool"); /* 0, 1, 1; all others 0, 1, 3 */
        assert_int_equal(t->shape.rank, *t->name == 'r' && !strstr(t->name, "bfloat") ? 2 : 1);
        if (t->f) {
            assert_true(t->f[0] == 0 && t->f[1] == 1 && t->f[2] == 3);
            floats++;
        } else {
            assert_true(t->i[0] == 0 && t->i[1] == 1 && t->i[2] == (is_bool ? 1 : 3));
            integers++;
        }
    }
    assert_int_equal(floats, 7); /* float, half, double, each raw and listed; bfloat16 raw */
    assert_int_equal(integers, 14);
    assert_int_equal(idem_onnx_find(m, "raw.negative")->i[0], -2);
    assert_int_equal(idem_onnx_find(m, "list.negative")->i[1], -1);
    assert_true(idem_onnx_find(m, "scalar")->f[0] == 2.5f);
    assert_int_equal(idem_onnx_find(m, "scalar")->shape.rank, 0);
    assert_int_equal(idem_onnx_find(m, "none")->count, 0);
    assert_null(idem_onnx_find(m, "x"));
    idem_onnx_free(m);
}

static void test_refusals(void **state) {
    (void)state;
    static const char *const CASES[][2] = {
        {"order.onnx", "reads 'h', which is not defined before it"},
        {"twice.onnx", "'y' is defined twice"},
        {"output.onnx", "no node defines the output 'nowhere'"},
        {"domain.onnx", "com.example"},
        {"loop.onnx", "contains a sub-graph"},
        {"strings.onnx", "attribute words has type 8"},
        {"text.onnx", "element type 8"},
        {"rank7.onnx", "rank 7"},
        {"short.onnx", "holds 3 values"},
        {"external.onnx", "external data"},
        {"dtypes.pt", "looks like a zip archive"},
        {"all.safetensors", "looks like safetensors"},
        {"legacy.pt", "looks like a legacy PyTorch pickle"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char path[100];
        idem_onnx *m = NULL;
        snprintf(path, sizeof path, "tests/fixtures/format/%s", CASES[i][0]);
        idem_error_clear();
        assert_int_equal(idem_onnx_load(&m, path), -1);
        assert_null(m);
        if (!strstr(idem_error(), path) || !strstr(idem_error(), CASES[i][1]))
            fail_msg("message is \"%s\", expected the path and \"%s\"", idem_error(), CASES[i][1]);
    }
}

static void test_models(void **state) {
    (void)state;
    static const struct {
        const char *file, *input;
        int64_t d[4];
        size_t nodes, tensors;
    } MODELS[] = {
        {"fr_detect.onnx", "input", {1, 3, 240, 320}, 175, 122},
        {"fr_landmark.onnx", "input", {1, 1, 64, 64}, 79, 86},
        {"fr_feature.onnx", "input", {1, 3, 112, 112}, 96, 134},
        {"fr_pose.onnx", "input", {1, 3, 224, 224}, 207, 118},
        {"fr_expression.onnx", "input", {1, 3, 224, 224}, 375, 429},
    };
    const char *models = getenv("IDEM_MODELS");
    for (size_t i = 0; i < sizeof MODELS / sizeof *MODELS; i++) {
        char path[1000];
        snprintf(path, sizeof path, "%s/%s", models ? models : "models/cache", MODELS[i].file);
        if (access(path, R_OK)) {
            print_message("skip: %s is not there (scripts/setup fetches it)\n", path);
            skip();
        }
        idem_onnx *m = NULL;
        assert_int_equal(idem_onnx_load(&m, path), 0);
        assert_int_equal(m->opset, 9);
        assert_int_equal(m->n_inputs, 1);
        assert_string_equal(m->inputs[0].name, MODELS[i].input);
        assert_memory_equal(m->inputs[0].d, MODELS[i].d, sizeof MODELS[i].d);
        assert_int_equal(m->n_nodes, MODELS[i].nodes);
        assert_int_equal(m->n_tensors, MODELS[i].tensors);
        idem_onnx_free(m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph),    cmocka_unit_test(test_attributes), cmocka_unit_test(test_tensors),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
