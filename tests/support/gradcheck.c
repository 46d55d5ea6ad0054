#include "support/gradcheck.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "engine/op.h"
#include "engine/plan.h"

/* The scalar whose gradients are taken is L = sum(y * cotangent); the one of the second order is
 * G = sum over inputs of sum(dL/dinput * direction). The cotangent is one more variable of G. */
enum { VARIABLES = GC_INPUTS + 1, PROBES = 40 };

typedef struct {
    const gc_case *c;
    int64_t count[VARIABLES];
    float *value[VARIABLES], *direction[GC_INPUTS]; /* row-major */
    idem_graph *graph;
    idem_node *in[VARIABLES], *along[GC_INPUTS];
    idem_node *y, *first[GC_INPUTS], *second[VARIABLES];
    float *got[1 + GC_INPUTS + VARIABLES]; /* y, first, second: row-major */
    int64_t size[1 + GC_INPUTS + VARIABLES];
    int n_got;
} check;

static void fill(idem_rng *r, float *x, int64_t n, gc_fill how) {
    uint32_t *order = malloc((size_t)n * sizeof *order);
    for (int64_t i = 0; i < n; i++) {
        order[i] = (uint32_t)i;
        float z = idem_rng_normal(r);
        x[i] = how == GC_POSITIVE ? 0.5f + 1.5f * (float)idem_rng_uniform(r) : how == GC_FAR ? 50 + z : z;
        if (how == GC_AWAY && fabsf(z) < 0.1f)
            x[i] = z < 0 ? z - 0.1f : z + 0.1f;
    }
    if (how == GC_DISTINCT) {
        idem_rng_shuffle(r, order, (size_t)n);
        for (int64_t i = 0; i < n; i++)
            x[i] = 0.01f * (float)((int64_t)order[i] - n / 2);
    }
    free(order);
}

/* ---- differences of the reference ---- */

/* L at the variables plus s * (all inputs' directions) plus t at element e of variable v. */
static double loss_at(const check *k, double s, int v, int64_t e, double t) {
    const gc_case *c = k->c;
    ref_tensor in[GC_INPUTS];
    for (int i = 0; i < c->n; i++) {
        in[i] = ref_new(c->in[i]);
        for (int64_t j = 0; j < k->count[i]; j++)
            in[i].v[j] = (double)k->value[i][j] + s * (double)k->direction[i][j];
        if (i == v)
            in[i].v[e] += t;
    }
    ref_tensor y = c->reference(in, &c->p);
    double sum = 0;
    for (int64_t j = 0; j < k->count[c->n]; j++)
        sum += y.v[j] * ((double)k->value[c->n][j] + (v == c->n && j == e ? t : 0));
    ref_reset();
    return sum;
}

static double first_difference(const check *k, int v, int64_t e) {
    const double h = 1e-5;
    return (loss_at(k, 0, v, e, h) - loss_at(k, 0, v, e, -h)) / (2 * h);
}

static double second_difference(const check *k, int v, int64_t e) {
    const double h = 1e-4;
    double plus = loss_at(k, h, v, e, h) - loss_at(k, -h, v, e, h);
    double minus = loss_at(k, h, v, e, -h) - loss_at(k, -h, v, e, -h);
    return (plus - minus) / (4 * h * h);
}

/* Compares up to PROBES evenly spread elements; largest: the greatest of them all, which errors are relative to. */
static int compare(const check *k, const char *what, int v, const float *got,
                   double (*difference)(const check *, int, int64_t), double tolerance) {
    int64_t n = k->count[v], step = (n + PROBES - 1) / PROBES;
    double largest = 0, worst = 0, want_worst = 0;
    int64_t place = 0;
    for (int64_t e = 0; e < n; e++)
        largest = fmax(largest, fabs((double)got[e]));
    for (int64_t e = 0; e < n; e += step) {
        double want = difference(k, v, e), error = fabs((double)got[e] - want);
        largest = fmax(largest, fabs(want));
        if (error > worst || isnan(error)) {
            worst = error;
            want_worst = want;
            place = e;
        }
    }
    if (worst <= tolerance * largest + 1e-5)
        return 0;
    return idem_fail("%s, %s: %s gradient of variable %d, element %lld is %g, expected %g", k->c->op, k->c->what, what,
                     v, (long long)place, (double)got[place], want_worst);
}

/* ---- the graph ---- */

static int build(check *k) {
    const gc_case *c = k->c;
    k->graph = idem_graph_new();
    for (int i = 0; i < c->n; i++) {
        k->in[i] = idem_input(k->graph, "in", c->in[i]);
        idem_node_write(k->in[i], k->value[i]);
    }
    k->y = c->build(k->in, &c->p);
    if (!k->y)
        return -1;
    idem_node *cotangent = k->in[c->n] = idem_input(k->graph, "cotangent", k->y->shape);
    if (c->order >= 1 && idem_gradients_seeded(k->y, cotangent, k->in, c->n, k->first))
        return -1;
    if (c->order >= 2) {
        idem_node *sum = NULL;
        for (int i = 0; i < c->n; i++) {
            k->along[i] = idem_input(k->graph, "direction", c->in[i]);
            idem_node_write(k->along[i], k->direction[i]);
            idem_node *part = idem_dot(k->first[i], k->along[i], IDEM_SCALAR);
            sum = sum ? idem_add(sum, part) : part;
        }
        if (idem_gradients(sum, k->in, c->n + 1, k->second))
            return -1;
    }
    for (int id = 0; id < idem_graph_size(k->graph); id++)
        if (strcmp(idem_graph_node(k->graph, id)->op->name, c->op) == 0)
            return 0;
    return idem_fail("%s, %s: no node of that operator in the graph", c->op, c->what);
}

static int run(check *k, int threads, bool keep) {
    const gc_case *c = k->c;
    idem_node *targets[1 + GC_INPUTS + VARIABLES];
    int n = 0;
    targets[n++] = k->y;
    for (int i = 0; c->order >= 1 && i < c->n; i++)
        targets[n++] = k->first[i];
    for (int i = 0; c->order >= 2 && i <= c->n; i++)
        targets[n++] = k->second[i];
    idem_plan *p = idem_plan_new(targets, n, &(idem_plan_options){.threads = threads, .trap_nan = true});
    if (!p || idem_plan_run(p) || idem_plan_run(p)) { /* twice: a run must not live on what the last one left */
        idem_plan_free(p);
        return -1;
    }
    int status = 0;
    k->n_got = n;
    for (int i = 0; i < n && !status; i++) {
        int64_t size = k->size[i] = idem_shape_count(&targets[i]->shape);
        float *x = calloc((size_t)size, sizeof *x);
        idem_plan_read(p, targets[i], x);
        if (keep) {
            k->got[i] = x;
            continue;
        }
        double largest = 0, error = 0;
        for (int64_t j = 0; j < size; j++) {
            largest = fmax(largest, fabs((double)x[j]));
            error = fmax(error, fabs((double)x[j] - (double)k->got[i][j]));
        }
        free(x);
        if (error > 1e-6 * largest * (threads == 2 ? 0 : 1))
            status = idem_fail("%s, %s: target %d differs by %g (of %g) on %d threads", c->op, c->what, i, error,
                               largest, threads);
    }
    idem_plan_free(p);
    return status;
}

static int compare_value(const check *k) {
    const gc_case *c = k->c;
    ref_tensor in[GC_INPUTS];
    for (int i = 0; i < c->n; i++) {
        in[i] = ref_new(c->in[i]);
        for (int64_t j = 0; j < k->count[i]; j++)
            in[i].v[j] = (double)k->value[i][j];
    }
    ref_tensor y = c->reference(in, &c->p);
    int status = 0;
    if (!idem_shape_equal(&y.shape, &k->y->shape)) {
        char a[64], b[64];
        status = idem_fail("%s, %s: shape %s, expected %s", c->op, c->what, idem_shape_text(&k->y->shape, a),
                           idem_shape_text(&y.shape, b));
    }
    double largest = 0, error = 0;
    for (int64_t j = 0; !status && j < k->size[0]; j++) {
        largest = fmax(largest, fabs(y.v[j]));
        double e = fabs(y.v[j] - (double)k->got[0][j]);
        error = e > error || isnan(e) ? e : error;
    }
    if (!status && !(error <= 2e-6 * largest))
        status = idem_fail("%s, %s: value is off by %g (of %g)", c->op, c->what, error, largest);
    ref_reset();
    return status;
}

static int check_all(check *k) {
    const gc_case *c = k->c;
    /* Two threads twice are the same to the bit; one thread is the same within rounding. */
    if (build(k))
        return -1;
    if (idem_shape_count(&k->y->shape) != k->count[c->n])
        return idem_fail("%s, %s: %lld elements, expected %lld", c->op, c->what,
                         (long long)idem_shape_count(&k->y->shape), (long long)k->count[c->n]);
    idem_node_write(k->in[c->n], k->value[c->n]);
    if (run(k, 2, true) || run(k, 2, false) || run(k, 1, false) || compare_value(k))
        return -1;
    for (int i = 0; c->order >= 1 && i < c->n; i++)
        if (compare(k, "first", i, k->got[1 + i], first_difference, 1e-4))
            return -1;
    for (int i = 0; c->order >= 2 && i <= c->n; i++)
        if (compare(k, "second", i, k->got[1 + c->n + i], second_difference, 3e-4))
            return -1;
    return 0;
}

int gc_check(const gc_case *c) {
    check k = {.c = c};
    idem_rng r = idem_rng_make(7, c->op);
    /* The result's size, from the reference. */
    ref_tensor in[GC_INPUTS];
    for (int i = 0; i < c->n; i++) {
        k.count[i] = ref_count(&c->in[i]);
        k.value[i] = malloc((size_t)k.count[i] * sizeof(float));
        k.direction[i] = malloc((size_t)k.count[i] * sizeof(float));
        fill(&r, k.value[i], k.count[i], c->fill[i]);
        fill(&r, k.direction[i], k.count[i], GC_NORMAL);
        in[i] = ref_new(c->in[i]);
        for (int64_t j = 0; j < k.count[i]; j++)
            in[i].v[j] = (double)k.value[i][j];
    }
    ref_tensor y = c->reference(in, &c->p);
    k.count[c->n] = ref_count(&y.shape);
    k.value[c->n] = malloc((size_t)k.count[c->n] * sizeof(float));
    fill(&r, k.value[c->n], k.count[c->n], GC_NORMAL);
    ref_reset();
    int status = check_all(&k);
    for (int i = 0; i < VARIABLES; i++)
        free(k.value[i]);
    for (int i = 0; i < GC_INPUTS; i++)
        free(k.direction[i]);
    for (int i = 0; i < k.n_got; i++)
        free(k.got[i]);
    idem_graph_free(k.graph);
    return status;
}
