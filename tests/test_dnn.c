/* Convolution and matrix products against plain double-precision loops, over usual and odd shapes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/conv.h"
#include "engine/conv_depth.h"
#include "engine/conv_narrow.h"
#include "engine/conv_point.h"
#include "engine/conv_taps.h"
#include "engine/dnn.h"
#include "engine/op.h"
#include "engine/ops.h"
#include "engine/threads.h"
#include "engine/winograd.h"
#include "engine/winograd_weight.h"
#include "support/plain.h"

/* Runs one node without a plan. */
static void run(idem_node *n, float *out) {
    assert_non_null(n);
    float *in[4];
    for (int k = 0; k < n->n_in; k++)
        in[k] = n->in[k]->frozen ? n->in[k]->leaf : NULL;
    idem_step s = {.node = n, .in = in, .out = out};
    if (n->op->prepare(&s))
        fail_msg("%s", idem_error());
    s.scratch = idem_block_alloc(s.scratch_bytes + 64);
    assert_non_null(s.scratch);
    memset(s.scratch, 0xff, s.scratch_bytes); /* NaN: nothing may rely on what scratch holds */
    for (int k = 0; k < n->n_in; k++)
        in[k] = n->in[k]->leaf;
    for (int repeat = 0; repeat < 2; repeat++)
        n->op->forward(&s);
    n->op->release(&s);
    idem_block_free(s.scratch, s.scratch_bytes + 64);
}

static void fill(idem_rng *r, idem_node *n) {
    idem_rng_fill_normal(r, n->leaf, (size_t)idem_shape_count(&n->shape));
}

/* The largest error over the largest value. */
static double error_of(const float *got, const double *want, int64_t n) {
    double largest = 0, error = 0;
    for (int64_t i = 0; i < n; i++) {
        double e = fabs((double)got[i] - want[i]);
        largest = fmax(largest, fabs(want[i]));
        error = e > error || isnan(e) ? e : error;
    }
    return error / largest;
}

static void compare(const float *got, const double *want, int64_t n, const char *what) {
    const double error = error_of(got, want, n);
    if (!(error <= 1e-5))
        fail_msg("%s: error %g of the largest value", what, error);
}

/* bfloat16: all sets round alike, so that two differ less from each other than from the right value. */
static void compare_bf16(const float *got, const double *want, const float *plain, bool whole, int64_t n,
                         const char *what) {
    double *other = malloc((size_t)n * sizeof *other);
    assert_non_null(other);
    for (int64_t i = 0; i < n; i++)
        other[i] = (double)plain[i];
    const double error = error_of(got, want, n), apart = error_of(got, other, n);
    if (!(error <= (whole ? 0.03 : 1e-5)) || (whole && error < 1e-4) || !(apart <= (whole ? 0.5 * error : 1e-5)))
        fail_msg("%s: error %g of the largest value, %g against the plain set", what, error, apart);
    free(other);
}

/* ---- convolution ---- */

/* n, i, h, w, o, kernel h w, stride h w, dilation h w, pad top left bottom right, groups */
static const struct conv_case {
    int n, i, h, w, o;
    idem_window win;
} conv_cases[] = {
    {1, 1, 1, 1, 1, {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {2, 3, 5, 7, 4, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {1, 3, 17, 13, 32, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {2, 3, 23, 23, 16, {{7, 7}, {2, 2}, {1, 1}, {3, 3, 3, 3}, 1, false}},
    {1, 3, 40, 90, 32, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {1, 1, 16, 16, 32, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {3, 1, 9, 9, 8, {{3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {2, 32, 12, 12, 3, {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {3, 20, 5, 21, 4, {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {1, 128, 4, 4, 3, {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {2, 8, 9, 9, 1, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {2, 16, 8, 8, 3, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {1, 32, 8, 8, 32, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {2, 64, 4, 4, 64, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {2, 48, 5, 6, 40, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {1, 17, 7, 5, 19, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {1, 33, 11, 11, 65, {{3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {2, 31, 6, 6, 15, {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {3, 58, 5, 7, 58, {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {1, 256, 9, 11, 12, {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {1, 9, 6, 6, 8, {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {2, 64, 14, 14, 40, {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {2, 16, 9, 9, 24, {{1, 1}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {1, 13, 10, 8, 7, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {2, 32, 17, 17, 16, {{3, 3}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 1, false}}, /* backwards: StyleGAN2's up-sampling */
    {2, 32, 16, 16, 64, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {1, 24, 33, 25, 40, {{3, 3}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {1, 16, 24, 37, 32, {{3, 3}, {2, 2}, {1, 1}, {2, 0, 1, 2}, 1, false}},
    {1, 8, 9, 9, 8, {{3, 3}, {3, 3}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {1, 16, 12, 12, 16, {{3, 3}, {1, 1}, {2, 2}, {2, 2, 2, 2}, 1, false}},
    {1, 16, 13, 11, 8, {{3, 3}, {1, 1}, {3, 3}, {3, 3, 3, 3}, 1, false}},
    {2, 16, 30, 40, 16, {{3, 3}, {1, 1}, {5, 5}, {5, 5, 5, 5}, 1, false}},
    {1, 32, 7, 19, 16, {{3, 3}, {1, 1}, {3, 3}, {3, 0, 6, 3}, 1, false}},
    {1, 16, 3, 9, 16, {{3, 3}, {1, 1}, {4, 4}, {4, 4, 4, 4}, 1, false}},
    {1, 5, 15, 15, 6, {{3, 3}, {1, 1}, {5, 5}, {5, 5, 5, 5}, 1, false}},
    {1, 4, 12, 12, 4, {{3, 3}, {2, 2}, {2, 2}, {2, 2, 2, 2}, 1, false}},
    {1, 8, 10, 10, 8, {{5, 5}, {1, 1}, {1, 1}, {2, 2, 2, 2}, 1, false}},
    {2, 24, 9, 7, 16, {{1, 7}, {1, 1}, {1, 1}, {0, 3, 0, 3}, 1, false}},
    {2, 24, 7, 9, 16, {{7, 1}, {1, 1}, {1, 1}, {3, 0, 3, 0}, 1, false}},
    {1, 16, 8, 8, 24, {{1, 3}, {1, 1}, {1, 1}, {0, 1, 0, 1}, 1, false}},
    {1, 8, 9, 9, 16, {{3, 3}, {1, 1}, {1, 1}, {0, 0, 2, 2}, 1, false}},
    {1, 8, 9, 9, 16, {{3, 3}, {2, 2}, {1, 1}, {0, 1, 1, 0}, 1, false}},
    {2, 3, 8, 10, 16, {{3, 3}, {2, 2}, {1, 1}, {0, 0, 1, 1}, 1, false}},
    {1, 16, 6, 6, 16, {{3, 3}, {1, 1}, {1, 1}, {2, 1, 0, 2}, 1, false}},
    {1, 32, 10, 10, 32, {{3, 3}, {1, 1}, {1, 1}, {0, 1, 2, 1}, 1, false}},
    {2, 16, 10, 10, 16, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 16, false}},
    {2, 64, 12, 12, 64, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 64, false}},
    {1, 128, 9, 9, 128, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 128, false}},
    {2, 13, 8, 8, 13, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 13, false}},
    {2, 24, 1, 1, 24, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 24, false}},
    {1, 16, 5, 2, 16, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 16, false}},
    {1, 20, 9, 13, 20, {{3, 3}, {2, 2}, {1, 1}, {0, 0, 1, 1}, 20, false}},
    {1, 40, 8, 15, 40, {{3, 3}, {1, 1}, {1, 1}, {0, 1, 1, 0}, 40, false}},
    {1, 103, 11, 11, 103, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 103, false}},
    {2, 58, 7, 7, 58, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 58, false}},
    {1, 64, 4, 4, 64, {{4, 4}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 64, false}},
    {1, 32, 7, 7, 32, {{7, 7}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 32, false}},
    {1, 8, 10, 10, 8, {{3, 3}, {1, 1}, {2, 2}, {2, 2, 2, 2}, 8, false}},
    {1, 8, 7, 7, 16, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 8, false}},
    {2, 16, 8, 8, 32, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 2, false}},
    {1, 32, 8, 8, 16, {{3, 3}, {2, 2}, {1, 1}, {1, 1, 1, 1}, 4, false}},
    {1, 6, 9, 9, 9, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 3, false}},
    {2, 12, 6, 6, 8, {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 4, false}},
    {1, 8, 1, 5, 8, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}}, /* taps that reach nothing */
    {1, 512, 2, 2, 64, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {1, 256, 4, 5, 6, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {4, 512, 1, 1, 33, {{1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {1, 128, 2, 2, 2, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {2, 64, 16, 16, 32, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {1, 32, 34, 30, 64, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {1, 96, 21, 9, 32, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {3, 40, 8, 8, 72, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {8, 64, 2, 2, 48, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {5, 128, 4, 4, 128, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {1, 32, 32, 32, 48, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
    {1, 64, 20, 31, 64, {{3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {1, 80, 13, 13, 96, {{3, 3}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1, false}},
    {1, 32, 64, 3, 32, {{3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1, false}},
};

/* Winograd by every vector width this machine has, whether or not it would be chosen, in float and in bfloat16. */
static void check_winograd(idem_node *n, const double *want, float *got, const char *what) {
    const int64_t count = idem_shape_count(&n->shape);
    idem_conv_dims d = *(const idem_conv_dims *)n->attr;
    float *plain = malloc((size_t)count * sizeof *plain);
    assert_non_null(plain);
    for (int turn = 0; turn < 6 && idem_winograd_fits(&d); turn++) {
        const int width = 4 << turn % 3;
        d.win.bf16 = turn >= 3;
        const float *x = n->in[0]->leaf, *weight = n->in[1]->leaf;
        idem_conv_end end = {.bias = n->n_in > 2 ? n->in[2]->leaf : NULL};
        idem_frozen frozen = {n->in[1], n->in[1]->frozen ? weight : NULL};
        idem_winograd *k = idem_winograd_new(&d, frozen, width);
        assert_non_null(k);
        size_t bytes = idem_winograd_scratch(k);
        void *scratch = idem_block_alloc(bytes);
        assert_non_null(scratch);
        memset(scratch, 0xff, bytes);
        char text[200];
        snprintf(text, sizeof text, "%s %s", idem_winograd_kernel(k), what);
        idem_winograd_run(k, x, weight, NULL, &end, got, scratch);
        if (turn == 3)
            memcpy(plain, got, (size_t)count * sizeof *plain);
        if (d.win.bf16)
            compare_bf16(got, want, plain, d.i % 16 == 0 && d.o % 16 == 0, count, text);
        else
            compare(got, want, count, text);
        idem_block_free(scratch, bytes);
        idem_winograd_free(k);
    }
    free(plain);
}

static void check_winograd_weight(idem_node *n, const double *want, float *got, const char *what) {
    const idem_conv_dims *d = n->attr;
    for (int width = 4; width <= 16 && idem_winograd_weight_fits(d); width *= 2) {
        idem_winograd_weight *k = idem_winograd_weight_new(d, width);
        assert_non_null(k);
        size_t bytes = idem_winograd_weight_scratch(k);
        void *scratch = idem_block_alloc(bytes);
        assert_non_null(scratch);
        memset(scratch, 0xff, bytes);
        char text[200];
        snprintf(text, sizeof text, "%s %s", idem_winograd_weight_kernel(k), what);
        idem_winograd_weight_run(k, n->in[0]->leaf, n->in[1]->leaf, got, scratch);
        compare(got, want, idem_shape_count(&n->shape), text);
        idem_block_free(scratch, bytes);
        idem_winograd_weight_free(k);
    }
}

static void check_point(idem_node *n, const double *want, float *got, const char *what) {
    const idem_conv_dims *d = n->attr;
    for (int width = 4; width <= 16 && idem_conv_point_fits(d, n->in[1]->frozen); width *= 2) {
        idem_conv_end end = {.bias = n->n_in > 2 ? n->in[2]->leaf : NULL};
        idem_conv_point *k = idem_conv_point_new(d, (idem_frozen){n->in[1], n->in[1]->leaf}, width);
        assert_non_null(k);
        char text[200];
        snprintf(text, sizeof text, "%s %s", idem_conv_point_kernel(k), what);
        const size_t bytes = idem_conv_point_scratch(k);
        void *scratch = idem_block_alloc(bytes + 64);
        assert_non_null(scratch);
        memset(scratch, 0xff, bytes);
        idem_conv_point_run(k, n->in[0]->leaf, NULL, &end, got, scratch);
        idem_block_free(scratch, bytes + 64);
        compare(got, want, idem_shape_count(&n->shape), text);
        idem_conv_point_free(k);
    }
}

static void check_depth(idem_node *n, const double *want, float *got, const char *what) {
    const idem_conv_dims *d = n->attr;
    for (int width = 4; width <= 16 && idem_conv_depth_fits(d); width *= 2)
        for (int frozen = 0; frozen <= n->in[1]->frozen; frozen++) {
            idem_conv_end end = {.bias = n->n_in > 2 ? n->in[2]->leaf : NULL};
            idem_frozen weight = {n->in[1], frozen ? n->in[1]->leaf : NULL};
            idem_conv_depth *k = idem_conv_depth_new(d, weight, width);
            assert_non_null(k);
            size_t bytes = idem_conv_depth_scratch(k);
            void *scratch = idem_block_alloc(bytes);
            assert_non_null(scratch);
            memset(scratch, 0xff, bytes);
            char text[200];
            snprintf(text, sizeof text, "%s %s", idem_conv_depth_kernel(k), what);
            idem_conv_depth_run(k, n->in[0]->leaf, frozen ? NULL : n->in[1]->leaf, &end, got, scratch);
            compare(got, want, idem_shape_count(&n->shape), text);
            idem_block_free(scratch, bytes);
            idem_conv_depth_free(k);
        }
}

static void check_taps(idem_node *n, const double *want, float *got, const char *what) {
    const idem_conv_dims *d = n->attr;
    if (!idem_conv_taps_fits(d))
        return;
    const float *in[] = {n->in[0]->leaf, n->in[1]->leaf, n->n_in > 2 ? n->in[2]->leaf : NULL};
    idem_conv_taps *k = idem_conv_taps_new(d);
    assert_non_null(k);
    size_t bytes = idem_conv_taps_scratch(k);
    void *scratch = idem_block_alloc(bytes);
    assert_non_null(scratch);
    memset(scratch, 0xff, bytes);
    memset(got, 0xff, (size_t)idem_shape_count(&n->shape) * sizeof *got);
    char text[200];
    snprintf(text, sizeof text, "taps %s", what);
    idem_conv_taps_run(k, in, NULL, got, scratch);
    compare(got, want, idem_shape_count(&n->shape), text);
    idem_block_free(scratch, bytes);
    idem_conv_taps_free(k);
}

static void check_narrow(idem_node *n, const double *want, float *got, const char *what) {
    const idem_conv_dims *d = n->attr;
    if (!idem_conv_narrow_fits(d))
        return;
    idem_conv_narrow *k = idem_conv_narrow_new(d);
    assert_non_null(k);
    size_t bytes = idem_conv_narrow_scratch(k);
    void *scratch = idem_block_alloc(bytes);
    assert_non_null(scratch);
    memset(scratch, 0xff, bytes);
    memset(got, 0xff, (size_t)idem_shape_count(&n->shape) * sizeof *got);
    char text[200];
    snprintf(text, sizeof text, "narrow %s", what);
    idem_conv_narrow_run(k, n->in[0]->leaf, n->in[1]->leaf, got, scratch);
    compare(got, want, idem_shape_count(&n->shape), text);
    idem_block_free(scratch, bytes);
    idem_conv_narrow_free(k);
}

/* The same node with weights that may change and with frozen ones. */
static void check_nodes(idem_node *const n[2], const float *x, const float *w, const float *y, const float *bias) {
    const idem_conv_dims *d = n[0]->attr;
    const idem_window *win = &d->win;
    int64_t count = idem_shape_count(&n[0]->shape);
    double *want = calloc((size_t)count, sizeof *want);
    float *got = malloc((size_t)count * sizeof *got);
    assert_non_null(want);
    assert_non_null(got);
    for (int64_t i = 0; bias && i < count; i++)
        want[i] = (double)bias[i % d->o];
    plain_convolution(d, x, w, y, want);
    for (int frozen = 0; frozen < 2 && n[frozen]; frozen++) {
        char what[160];
        snprintf(what, sizeof what, "%s%s n %d i %d %dx%d o %d kernel %dx%d stride %d dilation %d pad %d groups %d%s",
                 n[0]->op->name, bias ? " + bias" : "", (int)d->n, (int)d->i, (int)d->h, (int)d->w, (int)d->o,
                 win->kernel[0], win->kernel[1], win->stride[0], win->dilation[0], win->pad[0], win->groups,
                 frozen ? " frozen" : "");
        run(n[frozen], got);
        compare(got, want, count, what);
        check_winograd(n[frozen], want, got, what);
        check_winograd_weight(n[frozen], want, got, what);
        check_point(n[frozen], want, got, what);
        check_depth(n[frozen], want, got, what);
        check_taps(n[frozen], want, got, what);
        check_narrow(n[frozen], want, got, what);
    }
    free(want);
    free(got);
}

static void check_conv(const struct conv_case *c) {
    idem_graph *g = idem_graph_new();
    idem_rng rng = idem_rng_make(7, "conv");
    const idem_window *win = &c->win;
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(c->n, c->i, c->h, c->w));
    idem_shape ws = IDEM_SHAPE(c->o, c->i / win->groups, win->kernel[0], win->kernel[1]);
    idem_node *w = idem_input(g, "w", ws), *fixed = idem_const_fill(g, ws, 0),
              *bias = idem_input(g, "b", IDEM_SHAPE(c->o));
    fill(&rng, x);
    fill(&rng, w);
    fill(&rng, bias);
    memcpy(fixed->leaf, w->leaf, (size_t)idem_shape_count(&ws) * sizeof(float));
    idem_node *y[] = {idem_conv(x, w, bias, *win), idem_conv(x, fixed, bias, *win)};
    assert_non_null(y[0]);
    idem_node *dy = idem_input(g, "dy", y[0]->shape);
    fill(&rng, dy);
    idem_node *plain[] = {idem_conv(x, w, NULL, *win), idem_conv(x, fixed, NULL, *win)};
    idem_node *dx[] = {idem_conv_data(dy, w, *win, c->h, c->w), idem_conv_data(dy, fixed, *win, c->h, c->w)};
    idem_node *dw[] = {idem_conv_weight(x, dy, *win), NULL};
    check_nodes(y, x->leaf, w->leaf, NULL, bias->leaf);
    check_nodes(plain, x->leaf, w->leaf, NULL, NULL);
    check_nodes(dx, NULL, w->leaf, dy->leaf, NULL);
    check_nodes(dw, x->leaf, NULL, dy->leaf, NULL);
    idem_graph_free(g);
}

static void test_conv(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof conv_cases / sizeof *conv_cases; i++)
        check_conv(&conv_cases[i]);
}

/* ---- matrix products ---- */

static void check_matmul(int64_t batch, int64_t m, int64_t k, int64_t n, bool ta, bool tb, bool frozen) {
    idem_graph *g = idem_graph_new();
    idem_rng rng = idem_rng_make(9, "matmul");
    idem_shape as = ta ? IDEM_SHAPE(k, m) : IDEM_SHAPE(m, k), bs = tb ? IDEM_SHAPE(n, k) : IDEM_SHAPE(k, n);
    if (batch > 1) {
        as = IDEM_SHAPE(batch, as.d[0], as.d[1]);
        bs = IDEM_SHAPE(batch, bs.d[0], bs.d[1]);
    }
    idem_node *a = idem_input(g, "a", as), *b = frozen ? idem_const_fill(g, bs, 0) : idem_input(g, "b", bs);
    idem_node *bias = idem_input(g, "bias", IDEM_SHAPE(n));
    fill(&rng, a);
    fill(&rng, b);
    fill(&rng, bias);
    bool linear = batch == 1 && !ta && tb;
    idem_node *y = linear ? idem_linear(a, b, bias) : idem_matmul(a, b, ta, tb);
    assert_non_null(y);
    double *want = calloc((size_t)(batch * m * n), sizeof *want);
    assert_non_null(want);
    for (int64_t q = 0; q < batch; q++)
        for (int64_t i = 0; i < m; i++)
            for (int64_t j = 0; j < n; j++) {
                double sum = linear ? (double)bias->leaf[j] : 0;
                for (int64_t l = 0; l < k; l++)
                    sum += (double)a->leaf[q * m * k + (ta ? l * m + i : i * k + l)] *
                           (double)b->leaf[q * k * n + (tb ? j * k + l : l * n + j)];
                want[(q * m + i) * n + j] = sum;
            }
    float *got = malloc((size_t)(batch * m * n) * sizeof *got);
    assert_non_null(got);
    run(y, got);
    char what[120];
    snprintf(what, sizeof what, "matmul %lldx %lldx%lld%s times %lld%s%s", (long long)batch, (long long)m, (long long)k,
             ta ? "'" : "", (long long)n, tb ? "'" : "", frozen ? " frozen" : "");
    compare(got, want, batch * m * n, what);
    free(got);
    free(want);
    idem_graph_free(g);
}

static void test_matmul(void **state) {
    (void)state;
    static const int sizes[][4] = {{1, 1, 1, 1},   {1, 1, 512, 512}, {1, 4, 17, 5},   {1, 16, 640, 300},
                                   {1, 6, 512, 1}, {1, 32, 100, 64}, {1, 3, 2, 7},    {3, 5, 7, 9},
                                   {2, 1, 33, 4},  {1, 40, 64, 48},  {4, 16, 16, 16}, {1, 7, 1, 9},
                                   {1, 1, 64, 10}, {1, 9, 33, 70},   {1, 70, 9, 3}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int mode = 0; mode < 8; mode++)
            check_matmul(sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3], mode & 1, mode & 2, mode & 4);
}

static void one_row_reads_weights_in_place(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *b = idem_const_fill(g, IDEM_SHAPE(512, 512), 1);
    for (int mode = 0; mode < 4; mode++) {
        const idem_matmul_dims d = {1, 1, 512, 512, mode & 1, mode & 2, false};
        idem_dnn *k = idem_dnn_matmul(&d, (idem_frozen){b, b->leaf}, "one row");
        assert_true(k && idem_dnn_reads(k, 1));
        idem_dnn_free(k);
    }
    idem_graph_free(g);
}

/* ---- misuse ---- */

static void expect_message(idem_node *n, const char *part) {
    assert_null(n);
    if (!strstr(idem_error(), part))
        fail_msg("message is \"%s\", expected it to say \"%s\"", idem_error(), part);
}

static void test_messages(void **state) {
    (void)state;
    idem_graph *g = idem_graph_new();
    idem_node *x = idem_input(g, "picture", IDEM_SHAPE(1, 6, 5, 5)), *v = idem_input(g, "vector", IDEM_SHAPE(2, 6));
    idem_node *w = idem_input(g, "filter", IDEM_SHAPE(4, 6, 3, 3)), *b = idem_input(g, "bias", IDEM_SHAPE(5));
    idem_node *dy = idem_input(g, "slope", IDEM_SHAPE(1, 4, 5, 5));
    idem_window win = idem_window_make(3, 1, 1), grouped = win, wide = win, still = win;
    grouped.groups = 4;
    wide.dilation[1] = 9;
    still.stride[0] = 0;
    expect_message(idem_conv(v, w, NULL, win), "vector has shape [2, 6], expected four axes");
    expect_message(idem_conv(x, w, NULL, grouped), "does not fit input [1, 6, 5, 5]");
    expect_message(idem_conv(x, w, b, win), "bias has shape [5], expected [4]");
    expect_message(idem_conv(x, w, NULL, wide), "conv of picture");
    expect_message(idem_conv(x, w, NULL, still), "stride 0x1");
    expect_message(idem_conv_data(dy, w, win, 9, 5), "gives 9x5 positions, expected 5x5");
    expect_message(idem_conv_weight(x, dy, grouped), "4 groups do not divide 6");
    expect_message(idem_matmul(v, v, false, false), "[2, 6] times [2, 6] does not fit");
    expect_message(idem_matmul(b, v, false, false), "[5] times [2, 6]");
    expect_message(idem_linear(v, v, b), "expected [2]");
    expect_message(idem_conv(NULL, w, NULL, win), ""); /* an earlier failure is passed on */
    idem_graph_free(g);
}

/* Kernels of two plans share the reordered copy of frozen weights, and stay right when one of them goes. */
static void test_shared_pack(void **state) {
    (void)state;
    idem_conv_dims d = {.n = 1, .i = 16, .h = 6, .w = 6, .o = 16, .oh = 6, .ow = 6, .win = idem_window_make(3, 1, 1)};
    idem_graph *g = idem_graph_new();
    idem_node *w = idem_const_fill(g, IDEM_SHAPE(16, 16, 3, 3), 0.5f),
              *x = idem_const_fill(g, IDEM_SHAPE(1, 16, 6, 6), 1);
    idem_frozen frozen = {w, w->leaf};
    idem_dnn *a = idem_dnn_conv(&d, frozen, "a"), *b = idem_dnn_conv(&d, frozen, "b");
    assert_non_null(a);
    assert_non_null(b);
    idem_dnn_free(a);
    float out[16 * 6 * 6];
    void *scratch = idem_block_alloc(idem_dnn_scratch(b) + 64);
    idem_dnn_run(b, (const float *const[]){x->leaf, w->leaf}, out, scratch);
    assert_float_equal(out[(1 * 6 + 1) * 16], 72, 1e-4);
    assert_true(strlen(idem_dnn_kernel(b)) > 0);
    idem_block_free(scratch, idem_dnn_scratch(b) + 64);
    idem_dnn_free(b);
    idem_graph_free(g);
}

/* As plans do: a kernel of oneDNN made for more threads than it gets may wait for the others forever. */
static idem_team before;

static int enter(void **state) {
    (void)state;
    before = idem_team_enter(0);
    return 0;
}

static int leave(void **state) {
    (void)state;
    idem_team_leave(&before);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_conv), cmocka_unit_test(test_matmul),
                                       cmocka_unit_test(one_row_reads_weights_in_place),
                                       cmocka_unit_test(test_messages), cmocka_unit_test(test_shared_pack)};
    return cmocka_run_group_tests(tests, enter, leave);
}
