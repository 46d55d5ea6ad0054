/* The loops of docs/engine.md in double precision, against the nodes that the engine runs for them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "engine/ops.h"
#include "engine/plan.h"

enum { N = 2, I = 16, O = 24, S = 8, D = 5, K = 3 };

typedef struct {
    float in[N][I][S][S], w[N][D], weight[O][I][K][K], style_w[I][D], style_b[I], noise[S][S], bias[O], g[N][O][S][S];
} given;

typedef struct {
    double out[N][O][S][S], in[N][I][S][S], w[N][D];
} answer;

static given x;
static answer a;

#define EACH(i, n) for (int i = 0; i < (n); i++)

static double at(double (*plane)[S], int py, int px) {
    return py >= 0 && py < S && px >= 0 && px < S ? plane[py][px] : 0;
}

/* Forward, then both gradients of sum(out * g). */
static void loops(void) {
    static double s[N][I], d[N][O], m[N][I][S][S], c[N][O][S][S], t[N][O][S][S], c_[N][O][S][S], s_[N][I], d_[N][O];
    EACH(n, N) EACH(i, I) {
        s[n][i] = (double)x.style_b[i];
        EACH(k, D) s[n][i] += (double)x.style_w[i][k] * (double)x.w[n][k];
        EACH(py, S) EACH(px, S) m[n][i][py][px] = s[n][i] * (double)x.in[n][i][py][px];
    }
    EACH(n, N) EACH(o, O) {
        double norm = 1e-8;
        EACH(i, I) EACH(ky, K) EACH(kx, K) norm += pow((double)x.weight[o][i][ky][kx] * s[n][i], 2);
        d[n][o] = 1 / sqrt(norm);
        d_[n][o] = 0;
        EACH(py, S) EACH(px, S) {
            double sum = 0;
            EACH(i, I)
            EACH(ky, K) EACH(kx, K) sum += (double)x.weight[o][i][ky][kx] * at(m[n][i], py + ky - 1, px + kx - 1);
            c[n][o][py][px] = sum;
            const double before = sum * d[n][o] + (double)x.noise[py][px] + (double)x.bias[o];
            a.out[n][o][py][px] = sqrt(2) * (before > 0 ? before : 0.2 * before);
            t[n][o][py][px] = (double)x.g[n][o][py][px] * sqrt(2) * (a.out[n][o][py][px] > 0 ? 1 : 0.2);
            c_[n][o][py][px] = t[n][o][py][px] * d[n][o];
            d_[n][o] += t[n][o][py][px] * c[n][o][py][px];
        }
    }
    EACH(n, N) EACH(i, I) {
        s_[n][i] = 0;
        EACH(py, S) EACH(px, S) {
            double sum = 0;
            EACH(o, O)
            EACH(ky, K) EACH(kx, K) sum += (double)x.weight[o][i][ky][kx] * at(c_[n][o], py - ky + 1, px - kx + 1);
            a.in[n][i][py][px] = sum * s[n][i];
            s_[n][i] += sum * (double)x.in[n][i][py][px];
        }
        EACH(o, O) {
            double energy = 0;
            EACH(ky, K) EACH(kx, K) energy += pow((double)x.weight[o][i][ky][kx], 2);
            s_[n][i] += d_[n][o] * -pow(d[n][o], 3) * s[n][i] * energy;
        }
    }
    EACH(n, N) EACH(k, D) {
        a.w[n][k] = 0;
        EACH(i, I) a.w[n][k] += s_[n][i] * (double)x.style_w[i][k];
    }
}

static void compare(const idem_plan *p, const idem_node *n, const double *want) {
    const size_t count = (size_t)idem_shape_count(&n->shape);
    float *got = malloc(count * sizeof *got);
    double largest = 0, error = 0;
    idem_plan_read(p, n, got);
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(want[i]));
        error = fmax(error, fabs((double)got[i] - want[i]));
    }
    free(got);
    assert_true(error < 2e-5 * largest);
}

static void nodes_equal_the_loops(void **state) {
    (void)state;
    idem_rng r = idem_rng_make(7, "styled convolution");
    idem_rng_fill_normal(&r, (float *)&x, sizeof x / sizeof(float));
    loops();
    idem_graph *g = idem_graph_new();
    idem_node *in = idem_input(g, "in", IDEM_SHAPE(N, I, S, S)), *w = idem_input(g, "w", IDEM_SHAPE(N, D));
    idem_node *seed = idem_input(g, "g", IDEM_SHAPE(N, O, S, S));
    idem_node *weight = idem_const(g, "weight", IDEM_SHAPE(O, I, K, K), &x.weight[0][0][0][0]);
    idem_node *style = idem_linear(w, idem_const(g, "style_w", IDEM_SHAPE(I, D), &x.style_w[0][0]),
                                   idem_const(g, "style_b", IDEM_SHAPE(I), x.style_b));
    idem_node *energy = idem_reshape(idem_reduce_sum(idem_square(weight), IDEM_SHAPE(O, I, 1, 1), 1), IDEM_SHAPE(O, I));
    idem_node *demod = idem_rsqrt(idem_affine(idem_matmul(idem_square(style), energy, false, true), 1, 1e-8f));
    idem_node *c =
        idem_conv(idem_mul(in, idem_reshape(style, IDEM_SHAPE(N, I, 1, 1))), weight, NULL, idem_window_make(K, 1, 1));
    idem_node *out = idem_styled(c, demod, idem_const(g, "noise", IDEM_SHAPE(1, 1, S, S), &x.noise[0][0]),
                                 idem_const(g, "bias", IDEM_SHAPE(O), x.bias), 0.2f, sqrtf(2));
    idem_node *grads[2];
    assert_non_null(out);
    assert_int_equal(idem_gradients_seeded(out, seed, (idem_node *const[]){in, w}, 2, grads), 0);
    idem_plan *p = idem_plan_new((idem_node *const[]){out, grads[0], grads[1]}, 3, NULL);
    assert_non_null(p);
    idem_node_write(in, &x.in[0][0][0][0]);
    idem_node_write(w, &x.w[0][0]);
    idem_node_write(seed, &x.g[0][0][0][0]);
    assert_int_equal(idem_plan_run(p), 0);
    compare(p, out, &a.out[0][0][0][0]);
    compare(p, grads[0], &a.in[0][0][0][0]);
    compare(p, grads[1], &a.w[0][0]);
    idem_plan_free(p);
    idem_graph_free(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(nodes_equal_the_loops)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
