#include "measure/novelty.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"

enum { STRANGER_PAIRS = 5000 };

static double cosine(const float *a, const float *b, int dim) {
    double sum = 0;
    for (int i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

/* The share's error is the jackknife's for a mean over pairs: twice that of the rows' shares, s [n]. */
static void count_pairs(idem_novelty_figures *f, const idem_novelty_set *set, int dim, double threshold, double far,
                        double *s) {
    const int64_t n = set->n;
    for (int i = 0; i < n; i++)
        s[i] = 0;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++) {
            const int above =
                cosine(set->plain + (size_t)i * (size_t)dim, set->plain + (size_t)k * (size_t)dim, dim) > threshold;
            s[i] += (double)above / (double)(n - 1);
            s[k] += (double)above / (double)(n - 1);
        }
    f->share = idem_figure_of(s, set->n);
    f->share.error *= 2;
    f->share = idem_figure_of_share(f->share, n * (n - 1) / 2);
    f->share.n = n * (n - 1) / 2;
    f->share.needs = idem_needs_of_rate(far);
}

static idem_nearest find_nearest(const idem_novelty_set *s, int i, const float *training, int n, int dim) {
    idem_nearest best = {.s = -2};
    for (int k = 0; k < n; k++)
        for (int way = 0; way < 2; way++) {
            const float *row = (way ? s->mirrored : s->plain) + (size_t)i * (size_t)dim;
            const double c = cosine(row, training + (size_t)k * (size_t)dim, dim);
            if (c > best.s)
                best = (idem_nearest){.which = k, .s = c, .mirrored = way == 1};
        }
    return best;
}

/* s [n]: scratch. */
static void measure(idem_novelty_figures *f, const idem_novelty_set *set, const float *training, int n, int dim,
                    double threshold, double far, double strangers, double *s, idem_nearest *nearest) {
    f->n = set->n;
    count_pairs(f, set, dim, threshold, far, s);
    for (int i = 0; i < set->n; i++) {
        idem_nearest best = find_nearest(set, i, training, n, dim);
        best.s = s[i] = (best.s - strangers) / fmax(1 - strangers, 1e-6);
        if (i == 0 || s[i] > f->nearest_most)
            f->nearest_most = s[i];
        if (nearest)
            nearest[i] = best;
    }
    f->nearest = idem_figure_of(s, set->n);
    f->nearest.of = "pictures";
}

int idem_novelty_of(idem_novelty *out, const idem_novelty_set *samples, const idem_novelty_set *portraits,
                    const float *training, int n_training, int dim, double threshold, double far, uint64_t seed,
                    idem_nearest *nearest) {
    *out = (idem_novelty){0};
    if (samples->n < 2 || portraits->n < 2 || n_training < 2)
        return idem_fail("%d samples, %d portraits apart and %d training pictures, expected at least 2 of each",
                         samples->n, portraits->n, n_training);
    double *s = malloc((size_t)(samples->n > portraits->n ? samples->n : portraits->n) * sizeof *s);
    if (!s)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the figures of a generator");
    const double s0 = out->strangers = idem_score_strangers(training, n_training, dim, STRANGER_PAIRS, seed);
    measure(&out->samples, samples, training, n_training, dim, threshold, far, s0, s, nearest);
    measure(&out->portraits, portraits, training, n_training, dim, threshold, far, s0, s, NULL);
    free(s);
    return 0;
}

/* The verdicts count pictures, of which n have n (n - 1) / 2 pairs. */
static idem_figure at_most(idem_figure a, idem_figure b, const idem_novelty *v, int64_t least) {
    a.n = v->samples.n;
    b.n = v->portraits.n;
    a.of = "samples, and as many portraits";
    return idem_figure_at_most(&a, &b, least);
}

idem_figure idem_novelty_varied(const idem_novelty *v) {
    idem_figure twice = v->portraits.share;
    twice.mean *= 2;
    twice.error *= 2;
    return at_most(v->samples.share, twice, v, (int64_t)ceil((1 + sqrt(1 + 8 * (double)twice.needs)) / 2));
}

idem_figure idem_novelty_new(const idem_novelty *v) {
    return at_most(v->samples.nearest, v->portraits.nearest, v, IDEM_NEEDS_VERDICT);
}
