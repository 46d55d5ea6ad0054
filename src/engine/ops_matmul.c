/* Matrix products, closed under differentiation, and the linear layer, which is one with a bias. */
#include "engine/dnn.h"
#include "engine/op.h"
#include "engine/ops.h"

extern const idem_op idem_op_matmul;

/* ---- constructors ---- */

static idem_node *product(idem_node *a, idem_node *b, idem_node *bias, bool ta, bool tb) {
    int r = a->shape.rank, first = r == 3;
    bool ranks = (r == 2 || r == 3) && b->shape.rank == r;
    const int64_t *as = a->shape.d + first, *bs = b->shape.d + first;
    if (!ranks || as[!ta] != bs[tb] || (first && a->shape.d[0] != b->shape.d[0])) {
        char x[64], y[64];
        return idem_fail_null("matmul of %s: %s%s times %s%s does not fit; expected [M, K] x [K, N] or batches of both",
                              a->name, idem_shape_text(&a->shape, x), ta ? " transposed" : "",
                              idem_shape_text(&b->shape, y), tb ? " transposed" : "");
    }
    idem_matmul_dims d = {.batch = first ? a->shape.d[0] : 1,
                          .m = as[ta],
                          .k = as[!ta],
                          .n = bs[!tb],
                          .ta = ta,
                          .tb = tb,
                          .bias = bias != NULL};
    idem_shape shape = first ? IDEM_SHAPE(d.batch, d.m, d.n) : IDEM_SHAPE(d.m, d.n);
    idem_node *in[] = {a, b, bias};
    return idem_node_new(&idem_op_matmul, shape, in, bias ? 3 : 2, &d, sizeof d);
}

idem_node *idem_matmul(idem_node *a, idem_node *b, bool ta, bool tb) {
    return a && b ? product(a, b, NULL, ta, tb) : NULL;
}

idem_node *idem_linear(idem_node *x, idem_node *weight, idem_node *bias) {
    if (!x || !weight)
        return NULL;
    char a[64];
    if (x->shape.rank != 2 || weight->shape.rank != 2 || x->shape.d[1] != weight->shape.d[1]) {
        char b[64];
        return idem_fail_null("linear of %s: weight %s %s does not fit input %s; expected [O, I] and [N, I]", x->name,
                              weight->name, idem_shape_text(&weight->shape, a), idem_shape_text(&x->shape, b));
    }
    if (bias && (bias->shape.rank != 1 || bias->shape.d[0] != weight->shape.d[0]))
        return idem_fail_null("linear of %s: bias %s has shape %s, expected [%lld]", x->name, bias->name,
                              idem_shape_text(&bias->shape, a), (long long)weight->shape.d[0]);
    return product(x, weight, bias, false, true);
}

/* ---- running ---- */

static int prepare(idem_step *s) {
    const idem_matmul_dims *d = s->node->attr;
    idem_frozen b = {0};
    if (s->node->in[1]->frozen)
        b = (idem_frozen){s->node->in[1], s->in[1]};
    s->state = idem_dnn_matmul(d, b, s->node->name);
    if (!s->state)
        return -1;
    s->scratch_bytes = idem_dnn_scratch(s->state);
    s->unread = !idem_dnn_reads(s->state, 1);
    return 0;
}

static void forward(const idem_step *s) {
    idem_dnn_run(s->state, (const float *const *)s->in, s->out, s->scratch);
}

static void release(idem_step *s) {
    idem_dnn_free(s->state);
    s->state = NULL;
}

static void cost(const idem_node *n, double *flops, double *bytes) {
    const idem_matmul_dims *d = n->attr;
    *flops = 2.0 * (double)d->batch * (double)d->m * (double)d->k * (double)d->n;
    *bytes = (double)sizeof(float) * (double)d->batch * (double)(d->m * d->k + d->k * d->n + d->m * d->n);
}

static int gradient(idem_node *n, idem_node *dy, const bool *want, idem_node **dx) {
    const idem_matmul_dims *d = n->attr;
    idem_node *a = n->in[0], *b = n->in[1];
    if (want[0])
        dx[0] = d->ta ? idem_matmul(b, dy, d->tb, true) : idem_matmul(dy, b, false, !d->tb);
    if (want[1])
        dx[1] = d->tb ? idem_matmul(dy, a, true, d->ta) : idem_matmul(a, dy, !d->ta, false);
    if (d->bias && want[2])
        dx[2] = idem_reshape(idem_reduce_sum(dy, IDEM_SHAPE(1, d->n), 1), IDEM_SHAPE(d->n));
    for (int k = 0; k < n->n_in; k++)
        if (want[k] && !dx[k])
            return -1;
    return 0;
}

const idem_op idem_op_matmul = {
    .name = "matmul", .prepare = prepare, .forward = forward, .release = release, .gradient = gradient, .cost = cost};
