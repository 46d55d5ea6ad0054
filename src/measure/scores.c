#include "measure/scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "measure/pair_scores.h"

enum { EVENTS = 10, VERY_MANY = 1000000000 };
enum { POINTS = 51 };

/* Running mean and variance (Welford 1962). */
typedef struct {
    double mean, m2;
    int n;
} tally;

static void count(tally *t, double x) {
    t->n++;
    double d = x - t->mean;
    t->mean += d / t->n;
    t->m2 += d * (x - t->mean);
}

static idem_figure figure(const tally *t) {
    return (idem_figure){
        .mean = t->mean, .error = t->n > 1 ? sqrt(t->m2 / (t->n - 1) / t->n) : NAN, .n = t->n, .needs = 1};
}

idem_figure idem_figure_of(const double *x, int n) {
    tally t = {0};
    for (int i = 0; i < n; i++)
        count(&t, x[i]);
    return figure(&t);
}

idem_figure idem_figure_of_share(idem_figure f, int64_t trials) {
    const double n = (double)trials, k = f.mean * n;
    if (f.error == 0)
        f.error = sqrt((k + 1) * (n - k + 1) / ((n + 2) * (n + 2) * (n + 3)));
    return f;
}

int64_t idem_needs_of_rate(double rate) {
    return (int64_t)ceil(EVENTS / rate - 1e-6);
}

bool idem_figure_holds(const idem_figure *f) {
    return f->needs >= 1 && f->n >= f->needs;
}

double idem_figure_value(const idem_figure *f) {
    return idem_figure_holds(f) ? f->mean : NAN;
}

idem_figure idem_figure_at_most(const idem_figure *a, const idem_figure *b, int64_t least) {
    double above = a->mean - b->mean, sure = 2 * hypot(a->error, b->error);
    idem_figure v = {.mean = !(above > 0),
                     .error = NAN,
                     .n = a->n < b->n ? a->n : b->n,
                     .needs = least < 1 ? 1 : least,
                     .of = a->of};
    if (above > 0 && above < sure) {
        double more = ceil((double)v.n * (sure / above) * (sure / above));
        v.needs = more < VERY_MANY ? (int64_t)fmax(more, (double)v.needs) : VERY_MANY;
    }
    return v;
}

double idem_score_strangers(const float *e, int n, int dim, int pairs, uint64_t seed) {
    return idem_score_strangers_of(e, NULL, n, dim, pairs, seed);
}

double idem_score_strangers_of(const float *e, const int *person, int n, int dim, int pairs, uint64_t seed) {
    idem_rng r = idem_rng_make(seed, "strangers");
    double sum = 0;
    for (int k = 0; k < pairs; k++) {
        uint64_t i, j;
        do {
            i = idem_rng_below(&r, (uint64_t)n);
            j = idem_rng_below(&r, (uint64_t)n - 1);
            j += j >= i;
        } while (person && person[i] == person[j]);
        sum += idem_pair_cosine(e + i * (size_t)dim, e + j * (size_t)dim, dim);
    }
    return pairs > 0 ? sum / pairs : 0;
}

static idem_figure similarity(idem_figure cosines, double strangers) {
    double span = fmax(1 - strangers, 1e-6);
    cosines.mean = (cosines.mean - strangers) / span;
    cosines.error /= span;
    return cosines;
}

void idem_score_identity(idem_identity_scores *s, const float *id, const float *attr, const float *out, int n, int dim,
                         double strangers) {
    tally io = {0}, ao = {0}, ia = {0};
    for (int i = 0; i < n; i++) {
        size_t at = (size_t)i * (size_t)dim;
        count(&io, idem_pair_cosine(id + at, out + at, dim));
        count(&ao, idem_pair_cosine(attr + at, out + at, dim));
        count(&ia, idem_pair_cosine(id + at, attr + at, dim));
    }
    *s = (idem_identity_scores){
        .cos_id_out = figure(&io), .cos_attr_out = figure(&ao), .cos_id_attr = figure(&ia), .strangers = strangers};
    s->id_kept = similarity(s->cos_id_out, strangers);
    s->attr_leak = similarity(s->cos_attr_out, strangers);
}

idem_figure idem_score_retrieval(const float *out, const float *id, int n, int dim, int group) {
    tally t = {0};
    for (int i = 0; i < n; i++) {
        int first, end;
        idem_pair_candidates(i, n, group, &first, &end);
        count(&t, idem_pair_rank(out + (size_t)i * (size_t)dim, id, i, first, end, dim) == 0);
    }
    return idem_figure_of_share(figure(&t), n);
}

idem_figure idem_score_retrieval_of(const float *out, const float *id, const int *person, int n, int dim) {
    tally t = {0};
    for (int i = 0; i < n; i++) {
        double most[2] = {-2, -2}; /* of others, of the person */
        for (int j = 0; j < n; j++) {
            double *to = &most[person[j] == person[i]];
            *to = fmax(*to, idem_pair_cosine(out + (size_t)i * (size_t)dim, id + (size_t)j * (size_t)dim, dim));
        }
        count(&t, most[1] > most[0]);
    }
    return idem_figure_of_share(figure(&t), n);
}

int idem_score_candidates(int n, int group) {
    return n < group ? n : group;
}

idem_figure idem_score_nme(const float *a, const float *b, int n) {
    tally t = {0};
    for (size_t i = 0; i < (size_t)n; i++)
        count(&t, idem_pair_nme(a + i * POINTS * 2, b + i * POINTS * 2));
    return figure(&t);
}

idem_figure idem_score_landmark_mse160(const float *a, const float *b, int n) {
    tally t = {0};
    for (size_t i = 0; i < (size_t)n; i++)
        count(&t, idem_pair_landmark_mse160(a + i * POINTS * 2, b + i * POINTS * 2));
    return figure(&t);
}

idem_figure idem_score_mse(const float *a, const float *b, int n, int size) {
    tally t = {0};
    size_t numbers = (size_t)size * (size_t)size * 3;
    for (size_t i = 0; i < (size_t)n; i++)
        count(&t, idem_pair_mean_square(a + i * numbers, b + i * numbers, numbers));
    return figure(&t);
}

idem_figure idem_score_psnr(const float *a, const float *b, int n, int size) {
    tally t = {0};
    size_t numbers = (size_t)size * (size_t)size * 3;
    for (size_t i = 0; i < (size_t)n; i++)
        count(&t, idem_pair_psnr(idem_pair_mean_square(a + i * numbers, b + i * numbers, numbers)));
    return figure(&t);
}

idem_figure idem_score_colour(const float *a, const float *b, const int *order, int n, int size,
                              const uint8_t *outside) {
    tally t = {0};
    size_t numbers = (size_t)size * (size_t)size * 3;
    for (int i = 0; i < n; i++) {
        const double x =
            idem_pair_colour(a + (size_t)i * numbers, b + (size_t)(order ? order[i] : i) * numbers, size, outside);
        if (!isnan(x))
            count(&t, x);
    }
    return figure(&t);
}

idem_figure idem_score_yaw(const float *out, const float *want, const float *from, int n, double apart) {
    tally t = {0};
    for (int i = 0; i < n; i++)
        if (fabs((double)from[i] - want[i]) >= apart)
            count(&t, fabs((double)out[i] - want[i]));
    idem_figure f = figure(&t);
    f.of = "pairs whose pictures look in different directions";
    return f;
}

void idem_score_shuffle(int *order, int n, uint64_t seed) {
    idem_rng r = idem_rng_make(seed, "shuffled attributes");
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int i = n - 1; i > 0; i--) { /* Sattolo 1986: a single cycle, so no element stays in place */
        int j = (int)idem_rng_below(&r, (uint64_t)i), k = order[i];
        order[i] = order[j];
        order[j] = k;
    }
}

void idem_score_reorder(float *out, const float *x, const int *order, int n, size_t width) {
    for (int i = 0; i < n; i++)
        memcpy(out + (size_t)i * width, x + (size_t)order[i] * width, width * sizeof(float));
}
