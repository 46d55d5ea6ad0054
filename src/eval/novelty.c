#include "eval/novelty.h"

#include <stdlib.h>

#include "base/status.h"

enum { STRANGER_PAIRS = 5000 };

static double cosine(const float *a, const float *b, int dim) {
    double sum = 0;
    for (int i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static void count_pairs(idem_novelty_figures *f, const idem_novelty_set *s, int dim, double threshold) {
    int64_t above = 0;
    for (int i = 0; i < s->n; i++)
        for (int k = 0; k < i; k++)
            above += cosine(s->plain + (size_t)i * (size_t)dim, s->plain + (size_t)k * (size_t)dim, dim) > threshold;
    f->pairs = (int64_t)s->n * (s->n - 1) / 2;
    f->share = (double)above / (double)f->pairs;
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

/* s [n] is room for the figures. */
static void measure(idem_novelty_figures *f, const idem_novelty_set *set, const float *training, int n, int dim,
                    double threshold, double strangers, double *s, idem_nearest *nearest) {
    count_pairs(f, set, dim, threshold);
    for (int i = 0; i < set->n; i++) {
        idem_nearest best = find_nearest(set, i, training, n, dim);
        best.s = s[i] = (best.s - strangers) / (1 - strangers);
        if (i == 0 || s[i] > f->nearest_most)
            f->nearest_most = s[i];
        if (nearest)
            nearest[i] = best;
    }
    f->nearest = idem_figure_of(s, set->n);
}

int idem_novelty_of(idem_novelty *out, const idem_novelty_set *samples, const idem_novelty_set *portraits,
                    const float *training, int n_training, int dim, double threshold, uint64_t seed,
                    idem_nearest *nearest) {
    *out = (idem_novelty){0};
    if (samples->n < 2 || portraits->n < 2 || n_training < 2)
        return idem_fail("%d samples, %d portraits apart and %d training pictures, expected at least 2 of each",
                         samples->n, portraits->n, n_training);
    double *s = malloc((size_t)(samples->n > portraits->n ? samples->n : portraits->n) * sizeof *s);
    if (!s)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the figures of a generator");
    const double s0 = out->strangers = idem_score_strangers(training, n_training, dim, STRANGER_PAIRS, seed);
    measure(&out->samples, samples, training, n_training, dim, threshold, s0, s, nearest);
    measure(&out->portraits, portraits, training, n_training, dim, threshold, s0, s, NULL);
    free(s);
    return 0;
}

bool idem_novelty_varied(const idem_novelty *v) {
    return v->samples.share <= 2 * v->portraits.share;
}

bool idem_novelty_new(const idem_novelty *v) {
    return v->samples.nearest.mean <= v->portraits.nearest.mean;
}
