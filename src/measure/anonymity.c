#include "measure/anonymity.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"
#include "measure/verification.h"

const int idem_anonymity_percentiles[IDEM_ANONYMITY_PERCENTILES] = {5, 25, 50, 75, 95, 100};

enum { IMPOSTORS_MOST = 4000000 }; /* if there are more, they are sampled by seed */

static double cosine(const float *a, const float *b, int dim) {
    double sum = 0;
    for (int i = 0; i < dim; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

static const float *row(const float *rows, int i, int dim) {
    return rows + (size_t)i * (size_t)dim;
}

static void *array(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size);
    return p ? p : idem_fail_null_as(IDEM_MEMORY, "out of memory for %zu pairs of faces", n);
}

/* ---- shares, with the errors of persons ---- */

/* A person's contribution to a share: hits and trials. */
typedef struct {
    double hits, of;
} part;

/* sum of hits / sum of trials; its error by the linearised ratio over persons (Cochran 1977, 6.4). */
static idem_figure share_of(const part *p, int persons) {
    double hits = 0, of = 0, squares = 0;
    int counted = 0;
    for (int i = 0; i < persons; i++) {
        hits += p[i].hits;
        of += p[i].of;
        counted += p[i].of > 0;
    }
    if (of <= 0)
        return (idem_figure){.mean = NAN, .error = NAN, .n = 0, .needs = 1, .of = "pairs of one person"};
    const double rate = hits / of;
    for (int i = 0; i < persons; i++) {
        const double apart = p[i].hits - rate * p[i].of;
        squares += apart * apart;
    }
    idem_figure f = {.mean = rate, .error = NAN, .n = (int64_t)of, .needs = 1, .of = "pairs of one person"};
    if (counted > 1) {
        f.error = sqrt(squares * counted / (counted - 1)) / of;
        f = idem_figure_of_share(f, counted);
    }
    return f;
}

/* ---- persons ---- */

typedef struct {
    const idem_anonymity_set *s;
    int persons;
    int *person;   /* [n], 0 .. persons - 1 */
    int *pictures; /* [persons] */
} people;

static void free_people(people *p) {
    free(p->person);
    free(p->pictures);
}

typedef struct {
    int number, at;
} numbered;

static int by_number(const void *a, const void *b) {
    const numbered *p = a, *q = b;
    return p->number != q->number ? (p->number > q->number) - (p->number < q->number)
                                  : (p->at > q->at) - (p->at < q->at);
}

static int find_people(people *p, const idem_anonymity_set *s) {
    const size_t n = (size_t)s->n;
    *p = (people){.s = s};
    numbered *sorted = array(n, sizeof *sorted);
    p->person = array(n, sizeof *p->person);
    p->pictures = array(n, sizeof *p->pictures);
    if (!sorted || !p->person || !p->pictures) {
        free(sorted);
        return -1;
    }
    for (int i = 0; i < s->n; i++)
        sorted[i] = (numbered){s->person[i], i};
    qsort(sorted, n, sizeof *sorted, by_number);
    for (int i = 0; i < s->n; i++) {
        if (i == 0 || sorted[i].number != sorted[i - 1].number)
            p->persons++;
        const int person = p->persons - 1;
        p->person[sorted[i].at] = person;
        p->pictures[person]++;
    }
    free(sorted);
    return 0;
}

/* ---- pairs of originals ---- */

typedef struct {
    double *score;
    uint8_t *same;
    int n;
} pairs;

static int pairs_of_originals(pairs *out, const people *p, uint64_t seed) {
    const idem_anonymity_set *s = p->s;
    int64_t genuine = 0;
    for (int i = 0; i < p->persons; i++)
        genuine += (int64_t)p->pictures[i] * (p->pictures[i] - 1) / 2;
    const int64_t all = (int64_t)s->n * (s->n - 1) / 2;
    const double keep = fmin(1, (double)IMPOSTORS_MOST / (double)(all - genuine + 1));
    const size_t capacity = (size_t)genuine + (size_t)fmin((double)(all - genuine), 1.1 * IMPOSTORS_MOST);
    *out = (pairs){.score = array(capacity, sizeof *out->score), .same = array(capacity, 1)};
    if (!out->score || !out->same)
        return -1;
    idem_rng rng = idem_rng_make(seed, "anonymity.impostors");
    for (int i = 0; i < s->n; i++)
        for (int k = i + 1; k < s->n && (size_t)out->n < capacity; k++) {
            const bool same = p->person[i] == p->person[k];
            if (!same && keep < 1 && idem_rng_uniform(&rng) >= keep)
                continue;
            out->score[out->n] = cosine(row(s->original, i, s->dim), row(s->original, k, s->dim), s->dim);
            out->same[out->n++] = same;
        }
    return 0;
}

/* ---- genuine pairs ---- */

/* Share of the genuine pairs (probe A, gallery B) with a wanted A that are above a limit. */
static idem_figure tar_of(const people *p, const float *probe, const float *gallery, double limit,
                          const uint8_t *wanted) {
    const idem_anonymity_set *s = p->s;
    part *parts = array((size_t)p->persons, sizeof *parts);
    if (!parts)
        return (idem_figure){.mean = NAN, .error = NAN};
    for (int a = 0; a < s->n; a++)
        for (int b = 0; b < s->n; b++)
            if (a != b && p->person[a] == p->person[b] && (!wanted || wanted[a])) {
                parts[p->person[a]].of++;
                parts[p->person[a]].hits += cosine(row(probe, a, s->dim), row(gallery, b, s->dim), s->dim) > limit;
            }
    const idem_figure f = share_of(parts, p->persons);
    free(parts);
    return f;
}

/* Of the genuine pairs of originals above the limit, the share that is not above it with the anonymised A. */
static idem_figure lost_of(const people *p, double limit) {
    const idem_anonymity_set *s = p->s;
    part *parts = array((size_t)p->persons, sizeof *parts);
    if (!parts)
        return (idem_figure){.mean = NAN, .error = NAN};
    for (int a = 0; a < s->n; a++)
        for (int b = 0; b < s->n; b++)
            if (a != b && p->person[a] == p->person[b] &&
                cosine(row(s->original, a, s->dim), row(s->original, b, s->dim), s->dim) > limit) {
                parts[p->person[a]].of++;
                parts[p->person[a]].hits +=
                    cosine(row(s->anonymised, a, s->dim), row(s->original, b, s->dim), s->dim) <= limit;
            }
    const idem_figure f = share_of(parts, p->persons);
    free(parts);
    return f;
}

/* ---- rank 1 ---- */

/* The mean product over all choices of `drawn` of the n numbers: mean[j] is that of j of the first i numbers. */
static double mean_product(const double *x, int n, int drawn, double *mean) {
    memset(mean, 0, (size_t)(drawn + 1) * sizeof *mean);
    mean[0] = 1;
    for (int i = 1; i <= n; i++)
        for (int j = i < drawn ? i : drawn; j > 0; j--)
            mean[j] = (mean[j] * (i - j) + mean[j - 1] * x[i - 1] * j) / i;
    return mean[drawn];
}

/* The probability that B ranks before one picture each of `drawn` others: score[n]: the probe's to all; scratch
 * [persons * 2 + drawn + 1]. */
static double first_of(const people *p, const double *score, int a, int b, int drawn, double *scratch) {
    double *behind = scratch, *mean = scratch + p->persons;
    for (int q = 0; q < p->persons; q++)
        behind[q] = 0;
    for (int i = 0; i < p->s->n; i++)
        behind[p->person[i]] += score[i] < score[b];
    int n = 0;
    for (int q = 0; q < p->persons; q++)
        if (q != p->person[a])
            behind[n++] = behind[q] / p->pictures[q];
    return mean_product(behind, n, drawn, mean);
}

static idem_figure rank1_of(const people *p, const float *probe, const float *gallery, int candidates,
                            const uint8_t *wanted) {
    const idem_anonymity_set *s = p->s;
    const int others = p->persons - 1, drawn = candidates > 0 && candidates - 1 < others ? candidates - 1 : others;
    part *parts = array((size_t)p->persons, sizeof *parts);
    double *score = array((size_t)s->n, sizeof *score), *scratch = array(2 * (size_t)p->persons + 1, sizeof *scratch);
    idem_figure f = {.mean = NAN, .error = NAN};
    for (int a = 0; a < s->n && parts && score && scratch; a++) {
        if (p->pictures[p->person[a]] < 2 || (wanted && !wanted[a]))
            continue;
        for (int i = 0; i < s->n; i++)
            score[i] = cosine(row(probe, a, s->dim), row(gallery, i, s->dim), s->dim);
        for (int b = 0; b < s->n; b++)
            if (b != a && p->person[b] == p->person[a]) {
                parts[p->person[a]].of++;
                parts[p->person[a]].hits += first_of(p, score, a, b, drawn, scratch);
            }
    }
    if (parts && score && scratch)
        f = share_of(parts, p->persons);
    free(parts);
    free(score);
    free(scratch);
    return f;
}

static idem_figure reid_of(const people *p) {
    const idem_anonymity_set *s = p->s;
    part *parts = array((size_t)p->persons, sizeof *parts);
    if (!parts)
        return (idem_figure){.mean = NAN, .error = NAN};
    for (int a = 0; a < s->n; a++) {
        const float *at = row(s->anonymised, a, s->dim);
        const double own = cosine(at, row(s->original, a, s->dim), s->dim);
        bool first = true;
        for (int b = 0; b < s->n && first; b++)
            first = b == a || cosine(at, row(s->original, b, s->dim), s->dim) < own;
        parts[p->person[a]].of++;
        parts[p->person[a]].hits += first;
    }
    idem_figure f = share_of(parts, p->persons);
    f.of = "pictures";
    free(parts);
    return f;
}

/* ---- equal error rate ---- */

typedef struct {
    double score;
    bool same;
} scored;

static int by_score(const void *a, const void *b) {
    const double x = ((const scored *)a)->score, y = ((const scored *)b)->score;
    return (x > y) - (x < y);
}

/* The score at which the share of genuine pairs at or below it equals that of impostor pairs above it. */
static int find_eer(idem_figure *eer, const people *p, uint64_t seed) {
    const idem_anonymity_set *s = p->s;
    const double keep = fmin(1, (double)IMPOSTORS_MOST / ((double)s->n * s->n));
    const size_t capacity = (size_t)(1.1 * fmin((double)s->n * s->n, IMPOSTORS_MOST)) + (size_t)s->n * 64;
    scored *list = array(capacity, sizeof *list);
    if (!list)
        return -1;
    idem_rng rng = idem_rng_make(seed, "anonymity.eer");
    size_t n = 0, same = 0;
    for (int a = 0; a < s->n; a++)
        for (int b = 0; b < s->n && n < capacity; b++) {
            const bool genuine = p->person[a] == p->person[b];
            if (a == b || (!genuine && keep < 1 && idem_rng_uniform(&rng) >= keep))
                continue;
            list[n++] = (scored){cosine(row(s->anonymised, a, s->dim), row(s->original, b, s->dim), s->dim), genuine};
            same += genuine;
        }
    qsort(list, n, sizeof *list, by_score);
    double below = 0, above = (double)(n - same), best = 2, rate = NAN;
    for (size_t i = 0; i < n; i++) {
        below += list[i].same;
        above -= !list[i].same;
        if (i + 1 < n && !(list[i + 1].score > list[i].score))
            continue;
        const double missed = below / (double)same, passed = above / (double)(n - same);
        if (fabs(missed - passed) < best) {
            best = fabs(missed - passed);
            rate = (missed + passed) / 2;
        }
    }
    free(list);
    int persons = 0;
    for (int i = 0; i < p->persons; i++)
        persons += p->pictures[i] > 1;
    *eer = (idem_figure){.mean = rate,
                         .error = sqrt(rate * (1 - rate) / persons),
                         .n = (int64_t)same,
                         .needs = 10,
                         .of = "pairs of one person"};
    return 0;
}

/* ---- cosines ---- */

static int by_value(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* x is sorted. Percentile q: the value that a share q of x does not exceed. */
static idem_spread spread_of(double *x, int n) {
    idem_spread spread = {.mean = idem_figure_of(x, n)};
    qsort(x, (size_t)n, sizeof *x, by_value);
    for (int i = 0; i < IDEM_ANONYMITY_PERCENTILES; i++)
        spread.percentile[i] = n ? x[(int)ceil(idem_anonymity_percentiles[i] / 100.0 * n) - 1] : NAN;
    return spread;
}

static int find_spreads(idem_anonymity *a, const people *p) {
    const idem_anonymity_set *s = p->s;
    double *self = array((size_t)s->n, sizeof *self), *other = array((size_t)a->genuine, sizeof *other);
    int n = 0, status = self && other ? 0 : -1;
    for (int i = 0; i < s->n && !status; i++) {
        const float *at = row(s->anonymised, i, s->dim);
        self[i] = cosine(at, row(s->original, i, s->dim), s->dim);
        if (!isfinite(self[i]))
            status = idem_fail_as(IDEM_INTERNAL, "anonymity: the vector of picture %d is not finite", i);
        for (int k = 0; k < s->n; k++)
            if (k != i && p->person[k] == p->person[i])
                other[n++] = cosine(at, row(s->original, k, s->dim), s->dim);
    }
    if (!status) {
        a->self = spread_of(self, s->n);
        a->other = spread_of(other, n);
        a->self.mean.of = "pictures";
        a->other.mean.of = "pairs of one person";
    }
    free(self);
    free(other);
    return status;
}

/* ---- all ---- */

/* A share at the originals' threshold needs the same n as the threshold. */
static idem_figure resting_on(idem_figure f, const idem_figure *threshold) {
    if (!idem_figure_holds(threshold)) {
        f.n = threshold->n;
        f.needs = threshold->needs;
        f.of = threshold->of;
    }
    return f;
}

static idem_figure plain(double value) {
    return (idem_figure){.mean = value, .error = NAN, .n = 1, .needs = 1};
}

static int measure(idem_anonymity *a, const people *p, double known, uint64_t seed) {
    const idem_anonymity_set *s = p->s;
    pairs of_originals = {0};
    idem_verification v;
    int status =
        pairs_of_originals(&of_originals, p, seed) ||
                idem_verification_of(&v, of_originals.score, of_originals.same, of_originals.n, IDEM_THRESHOLD_FAR)
            ? -1
            : 0;
    free(of_originals.score);
    free(of_originals.same);
    if (status)
        return -1;
    a->impostor = v.impostor;
    a->threshold = v.far_threshold;
    a->threshold_best = v.threshold;
    const double limit = v.far_threshold.mean;
    a->tar_before = resting_on(tar_of(p, s->original, s->original, limit, NULL), &a->threshold);
    a->tar = resting_on(tar_of(p, s->anonymised, s->original, limit, NULL), &a->threshold);
    a->lost = resting_on(lost_of(p, limit), &a->threshold);
    a->parrot_tar = resting_on(tar_of(p, s->anonymised, s->anonymised, limit, NULL), &a->threshold);
    a->lost_best = resting_on(lost_of(p, v.threshold.mean), &a->threshold_best);
    a->tar_known = tar_of(p, s->anonymised, s->original, known, NULL);
    a->rank1_before = rank1_of(p, s->original, s->original, 0, NULL);
    a->rank1 = rank1_of(p, s->anonymised, s->original, 0, NULL);
    a->rank1_100 = rank1_of(p, s->anonymised, s->original, IDEM_ANONYMITY_GALLERY, NULL);
    a->parrot_rank1 = rank1_of(p, s->anonymised, s->anonymised, 0, NULL);
    a->chance = plain(1.0 / p->persons);
    a->chance_100 = plain(1.0 / fmin(p->persons, IDEM_ANONYMITY_GALLERY));
    a->reid = reid_of(p);
    return find_eer(&a->eer, p, seed) || find_spreads(a, p) ? -1 : 0;
}

int idem_anonymity_of(idem_anonymity *a, const idem_anonymity_set *s, double known, uint64_t seed) {
    people p;
    *a = (idem_anonymity){0};
    int status = find_people(&p, s);
    a->persons = p.persons;
    for (int i = 0; i < p.persons; i++) {
        a->with_another += p.pictures[i] > 1;
        a->genuine += (int64_t)p.pictures[i] * (p.pictures[i] - 1);
    }
    if (!status && (a->with_another < 2 || a->persons < 2))
        status = idem_fail("anonymity: %d persons, %d of them with two pictures or more; expected at least 2 such",
                           a->persons, a->with_another);
    if (!status)
        status = measure(a, &p, known, seed);
    free_people(&p);
    return status;
}

idem_figure idem_anonymity_rank1(const idem_anonymity_set *s, int candidates, double *chance) {
    people p;
    idem_figure f = {.mean = NAN, .error = NAN};
    *chance = NAN;
    if (!find_people(&p, s)) {
        f = rank1_of(&p, s->anonymised, s->original, candidates, NULL);
        *chance = 1.0 / (candidates > 0 && candidates < p.persons ? candidates : p.persons);
    }
    free_people(&p);
    return f;
}

idem_figure idem_anonymity_tar(const idem_anonymity_set *s, double threshold, const uint8_t *wanted) {
    people p;
    idem_figure f = {.mean = NAN, .error = NAN};
    if (!find_people(&p, s))
        f = tar_of(&p, s->anonymised, s->original, threshold, wanted);
    free_people(&p);
    return f;
}

idem_figure idem_anonymity_rank1_of(const idem_anonymity_set *s, const uint8_t *wanted) {
    people p;
    idem_figure f = {.mean = NAN, .error = NAN};
    if (!find_people(&p, s))
        f = rank1_of(&p, s->anonymised, s->original, 0, wanted);
    free_people(&p);
    return f;
}
