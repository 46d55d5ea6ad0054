/* ONNX operators as graphs, against plain loops: models are written down here as structs. */
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
#include "nets/onnx_graph.h"

enum { MAX = 8 };

/* ---- a model under construction ---- */

typedef struct {
    idem_onnx m;
    idem_onnx_value in, out[2];
    idem_onnx_node node[MAX];
    idem_onnx_attr attr[MAX][6];
    const char *inputs[MAX][5], *outputs[MAX][2];
    idem_onnx_tensor tensor[MAX];
} model;

static void model_start(model *b, idem_shape input, int64_t opset) {
    memset(b, 0, sizeof *b);
    b->in = (idem_onnx_value){.name = "x", .rank = input.rank, .is_float = true};
    memcpy(b->in.d, input.d, sizeof b->in.d);
    b->out[0] = (idem_onnx_value){.name = "y", .rank = -1, .is_float = true};
    b->m = (idem_onnx){.source = "model",
                       .opset = opset,
                       .n_inputs = 1,
                       .n_outputs = 1,
                       .inputs = &b->in,
                       .outputs = b->out,
                       .nodes = b->node,
                       .tensors = b->tensor};
}

/* inputs and outputs are '|'-separated names, which must be literals of at most 7 characters each. */
static idem_onnx_node *add(model *b, const char *op, const char *inputs, const char *outputs) {
    static char names[64][8];
    static int used;
    const size_t i = b->m.n_nodes++;
    idem_onnx_node *n = &b->node[i];
    *n = (idem_onnx_node){
        .op_type = op, .name = op, .inputs = b->inputs[i], .outputs = b->outputs[i], .attrs = b->attr[i]};
    for (int side = 0; side < 2; side++) {
        const char *at = side ? outputs : inputs;
        while (*at) {
            const size_t len = strcspn(at, "|");
            char *name = names[used++ % 64];
            snprintf(name, 8, "%.*s", (int)len, at);
            if (side)
                b->outputs[i][n->n_outputs++] = name;
            else
                b->inputs[i][n->n_inputs++] = name;
            at += len + (at[len] == '|');
        }
    }
    return n;
}

static void attr_int(model *b, const char *name, int64_t value) {
    const size_t i = b->m.n_nodes - 1;
    b->attr[i][b->node[i].n_attrs++] = (idem_onnx_attr){.name = name, .type = IDEM_ONNX_INT, .i = value};
}

static void attr_ints(model *b, const char *name, const int64_t *values, size_t count) {
    const size_t i = b->m.n_nodes - 1;
    b->attr[i][b->node[i].n_attrs++] =
        (idem_onnx_attr){.name = name, .type = IDEM_ONNX_INTS, .ints = values, .count = count};
}

static void tensor(model *b, const char *name, idem_shape shape, const float *f, const int64_t *i) {
    b->tensor[b->m.n_tensors++] =
        (idem_onnx_tensor){.name = name, .shape = shape, .count = (size_t)idem_shape_count(&shape), .f = f, .i = i};
}

#define INTS(...) (const int64_t[]){__VA_ARGS__}, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)

/* ---- running ---- */

static float pattern(int64_t i) {
    return (float)((i * 37 + 11) % 101) / 50 - 1;
}

typedef struct {
    idem_graph *g;
    idem_plan *p;
    idem_node *x, *y;
    float *in, *out; /* row-major */
} result;

static result run(model *b, idem_shape input) {
    result r = {.g = idem_graph_new()};
    const size_t count = (size_t)idem_shape_count(&input);
    r.x = idem_input(r.g, "x", input);
    r.in = malloc(count * sizeof *r.in);
    for (size_t i = 0; i < count; i++)
        r.in[i] = pattern((int64_t)i);
    idem_node_write(r.x, r.in);
    r.y = idem_onnx_build(r.g, &b->m, r.x, NULL);
    if (!r.y)
        printf("%s\n", idem_error());
    assert_non_null(r.y);
    r.p = idem_plan_new(&r.y, 1, NULL);
    assert_non_null(r.p);
    assert_int_equal(idem_plan_run(r.p), 0);
    r.out = malloc((size_t)idem_shape_count(&r.y->shape) * sizeof *r.out);
    idem_plan_read(r.p, r.y, r.out);
    return r;
}

static void done(result *r) {
    idem_plan_free(r->p);
    idem_graph_free(r->g);
    free(r->in);
    free(r->out);
}

static void expect_shape(const result *r, idem_shape want) {
    char a[64], b[64];
    assert_string_equal(idem_shape_text(&r->y->shape, a), idem_shape_text(&want, b));
}

static void fails(model *b, idem_shape input, const char *part) {
    idem_graph *g = idem_graph_new();
    assert_null(idem_onnx_build(g, &b->m, idem_input(g, "x", input), NULL));
    if (!strstr(idem_error(), part))
        printf("message: %s\n", idem_error());
    assert_non_null(strstr(idem_error(), part));
    idem_graph_free(g);
}

/* ---- tests ---- */

static void unknown_operators_and_shapes_are_named(void **state) {
    (void)state;
    model b;
    model_start(&b, IDEM_SHAPE(1, 3), 9);
    add(&b, "Relu", "x", "h");
    add(&b, "Frobnicate", "h", "y")->name = "layer_17";
    fails(&b, IDEM_SHAPE(1, 3), "layer_17");
    fails(&b, IDEM_SHAPE(1, 3), "Frobnicate");
    fails(&b, IDEM_SHAPE(1, 4), "[1, 4]");
    model_start(&b, IDEM_SHAPE(1, 3), 9);
    add(&b, "Softmax", "x", "y");
    attr_int(&b, "axis", 2);
    fails(&b, IDEM_SHAPE(1, 3), "axis 2");
}

static void slices_follow_pythons_rules(void **state) {
    (void)state;
    model b;
    model_start(&b, IDEM_SHAPE(1, 10, 6), 10);
    tensor(&b, "s", IDEM_SHAPE(2), NULL, (const int64_t[]){-9, 1});
    tensor(&b, "e", IDEM_SHAPE(2), NULL, (const int64_t[]){INT64_MAX, -1});
    tensor(&b, "a", IDEM_SHAPE(2), NULL, (const int64_t[]){1, -1});
    tensor(&b, "t", IDEM_SHAPE(2), NULL, (const int64_t[]){3, 2});
    add(&b, "Slice", "x|s|e|a|t", "y");
    result r = run(&b, IDEM_SHAPE(2, 10, 6));
    expect_shape(&r, IDEM_SHAPE(2, 3, 2)); /* rows 1, 4, 7; columns 1, 3 */
    for (int n = 0; n < 2; n++)
        for (int i = 0; i < 3; i++)
            for (int k = 0; k < 2; k++)
                assert_true(r.out[(n * 3 + i) * 2 + k] == r.in[(n * 10 + 1 + 3 * i) * 6 + 1 + 2 * k]);
    done(&r);
}

static void shapes_are_computed_and_the_batch_follows(void **state) {
    (void)state;
    model b;
    model_start(&b, IDEM_SHAPE(1, 4, 2, 3), 9);
    tensor(&b, "zero", IDEM_SCALAR, NULL, (const int64_t[]){0});
    tensor(&b, "rest", IDEM_SHAPE(1), NULL, (const int64_t[]){-1});
    tensor(&b, "fixed", IDEM_SHAPE(3), NULL, (const int64_t[]){1, 6, 4});
    add(&b, "Shape", "x", "s");
    add(&b, "Gather", "s|zero", "n");
    add(&b, "Unsqueeze", "n", "n1");
    attr_ints(&b, "axes", INTS(0));
    add(&b, "Concat", "n1|rest", "to");
    attr_int(&b, "axis", 0);
    add(&b, "Reshape", "x|to", "flat");
    add(&b, "Reshape", "flat|fixed", "y"); /* written for a batch of 1 */
    result r = run(&b, IDEM_SHAPE(5, 4, 2, 3));
    expect_shape(&r, IDEM_SHAPE(5, 6, 4));
    for (int i = 0; i < 5 * 24; i++)
        assert_true(r.out[i] == r.in[i]);
    done(&r);
}

static void pads_and_transposes(void **state) {
    (void)state;
    model b;
    model_start(&b, IDEM_SHAPE(1, 2, 3, 3), 9);
    add(&b, "Pad", "x", "h");
    attr_ints(&b, "pads", INTS(0, 0, 1, -1, 0, 0, 0, 2));
    b.attr[0][b.node[0].n_attrs++] = (idem_onnx_attr){.name = "value", .type = IDEM_ONNX_FLOAT, .f = 7};
    add(&b, "Transpose", "h", "y");
    attr_ints(&b, "perm", INTS(0, 2, 3, 1));
    result r = run(&b, IDEM_SHAPE(1, 2, 3, 3));
    expect_shape(&r, IDEM_SHAPE(1, 4, 4, 2));
    for (int c = 0; c < 2; c++)
        for (int y = 0; y < 4; y++)
            for (int x = 0; x < 4; x++) {
                const float want = y < 1 || x > 1 ? 7 : r.in[(c * 3 + y - 1) * 3 + x + 1];
                assert_true(fabsf(r.out[(y * 4 + x) * 2 + c] - want) < 1e-6f);
            }
    done(&r);
}

/* Pooling with the end rounded up; the divisor counts declared padding, not what rounding adds. */
static void pools_round_up(void **state) {
    (void)state;
    for (int maximum = 0; maximum < 2; maximum++)
        for (int count_pad = 0; count_pad < 2; count_pad++) {
            model b;
            model_start(&b, IDEM_SHAPE(1, 1, 6, 6), 10);
            add(&b, maximum ? "MaxPool" : "AveragePool", "x", "y");
            attr_ints(&b, "kernel_shape", INTS(3, 3));
            attr_ints(&b, "strides", INTS(2, 2));
            attr_ints(&b, "pads", INTS(1, 0, 0, 0));
            attr_int(&b, "ceil_mode", 1);
            attr_int(&b, "count_include_pad", count_pad);
            result r = run(&b, IDEM_SHAPE(2, 1, 6, 6));
            expect_shape(&r, IDEM_SHAPE(2, 1, 3, 3)); /* heights: 7 rows fit exactly; widths: 6 need one more */
            for (int n = 0; n < 2; n++)
                for (int oy = 0; oy < 3; oy++)
                    for (int ox = 0; ox < 3; ox++) {
                        double sum = 0, most = -1e9;
                        int inside = 0, declared = 0;
                        for (int k = 0; k < 9; k++) {
                            const int y = oy * 2 - 1 + k / 3, x = ox * 2 + k % 3;
                            declared += x < 6;
                            if (y < 0 || x >= 6)
                                continue;
                            const double v = r.in[(n * 6 + y) * 6 + x];
                            inside++;
                            sum += v;
                            most = v > most ? v : most;
                        }
                        const double want = maximum ? most : sum / (count_pad ? declared : inside);
                        assert_true(fabs(r.out[(n * 3 + oy) * 3 + ox] - want) < 1e-6);
                    }
            done(&r);
        }
}

/* A batch norm behind a convolution folds into it: same numbers as when the convolution's output is read by others too.
 */
static void batch_norm_folds(void **state) {
    (void)state;
    float weight[4 * 2 * 9], bias[4], gamma[4], beta[4], mean[4], var[4];
    for (int i = 0; i < 72; i++)
        weight[i] = pattern(i * 3 + 1);
    for (int i = 0; i < 4; i++) {
        bias[i] = pattern(i), gamma[i] = 1 + pattern(i + 4) / 2, beta[i] = pattern(i + 9), mean[i] = pattern(i + 20);
        var[i] = 1.5f + pattern(i + 30);
    }
    for (int separate = 0; separate < 2; separate++) {
        model b;
        model_start(&b, IDEM_SHAPE(1, 2, 5, 5), 9);
        tensor(&b, "w", IDEM_SHAPE(4, 2, 3, 3), weight, NULL);
        tensor(&b, "b", IDEM_SHAPE(4), bias, NULL);
        tensor(&b, "g", IDEM_SHAPE(4), gamma, NULL);
        tensor(&b, "be", IDEM_SHAPE(4), beta, NULL);
        tensor(&b, "m", IDEM_SHAPE(4), mean, NULL);
        tensor(&b, "v", IDEM_SHAPE(4), var, NULL);
        add(&b, "Conv", "x|w|b", "c");
        add(&b, "BatchNormalization", "c|g|be|m|v", separate ? "n" : "y");
        if (separate) {
            add(&b, "Sub", "n|c", "d");
            add(&b, "Add", "d|c", "y");
        }
        result r = run(&b, IDEM_SHAPE(2, 2, 5, 5));
        expect_shape(&r, IDEM_SHAPE(2, 4, 3, 3));
        for (int n = 0; n < 2; n++)
            for (int o = 0; o < 4; o++)
                for (int p = 0; p < 9; p++) {
                    double sum = bias[o];
                    for (int k = 0; k < 18; k++)
                        sum += (double)weight[o * 18 + k] *
                               r.in[((n * 2 + k / 9) * 5 + p / 3 + k % 9 / 3) * 5 + p % 3 + k % 3];
                    const double want = (sum - mean[o]) / sqrt(var[o] + 1e-5) * gamma[o] + beta[o];
                    assert_true(fabs(r.out[(n * 4 + o) * 9 + p] - want) < 1e-4);
                }
        done(&r);
    }
}

static void softmax_flattens_before_opset_13(void **state) {
    (void)state;
    for (int64_t opset = 9; opset <= 13; opset += 4) {
        model b;
        model_start(&b, IDEM_SHAPE(1, 3, 4), opset);
        add(&b, "Softmax", "x", "y");
        attr_int(&b, "axis", 1);
        result r = run(&b, IDEM_SHAPE(2, 3, 4));
        for (int n = 0; n < 2; n++)
            for (int i = 0; i < 12; i++) {
                double sum = 0;
                for (int k = 0; k < 12; k++)
                    sum += opset < 13 || k % 4 == i % 4 ? exp(r.in[n * 12 + k]) : 0;
                assert_true(fabs(r.out[n * 12 + i] - exp(r.in[n * 12 + i]) / sum) < 1e-6);
            }
        done(&r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_operators_and_shapes_are_named),
        cmocka_unit_test(slices_follow_pythons_rules),
        cmocka_unit_test(shapes_are_computed_and_the_batch_follows),
        cmocka_unit_test(pads_and_transposes),
        cmocka_unit_test(pools_round_up),
        cmocka_unit_test(batch_norm_folds),
        cmocka_unit_test(softmax_flattens_before_opset_13),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
