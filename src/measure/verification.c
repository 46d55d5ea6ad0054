#include "measure/verification.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"

enum { FOLDS = 10 };

typedef struct {
    double score;
    int same, fold;
} pair;

static int by_score(const void *a, const void *b) {
    double x = ((const pair *)a)->score, y = ((const pair *)b)->score;
    return (x > y) - (x < y);
}

/* The threshold of the highest accuracy on sorted pairs outside a fold: the centre of the widest gap among equals. */
static double best_threshold(const pair *p, int n, int without) {
    int right = 0, most = -1;
    for (int i = 0; i < n; i++)
        right += p[i].fold != without && p[i].same;
    double before = -HUGE_VAL, best = 0, widest = -1;
    for (int i = 0; i <= n; i++) { /* the threshold is below pair i */
        if (i < n && p[i].fold == without)
            continue;
        double score = i < n ? p[i].score : HUGE_VAL, gap = isinf(before) || isinf(score) ? 0 : score - before;
        if (score > before && (right > most || (right == most && gap > widest))) {
            most = right;
            widest = gap;
            best = isinf(before) ? (isinf(score) ? 0 : score - 1e-6) : isinf(score) ? before : (before + score) / 2;
        }
        if (i < n) {
            right += p[i].same ? -1 : 1;
            before = score;
        }
    }
    return best;
}

static idem_figure accuracy_of(const pair *p, int n, int folds) {
    double rate[FOLDS];
    for (int fold = 0; fold < folds; fold++) {
        double threshold = best_threshold(p, n, fold);
        int right = 0, count = 0;
        for (int i = 0; i < n; i++)
            if (p[i].fold == fold) {
                right += (p[i].score > threshold) == (p[i].same == 1);
                count++;
            }
        rate[fold] = (double)right / count;
    }
    return idem_figure_of(rate, folds);
}

/* The limiting kind of pairs of a figure on both kinds: the one with too few, else the impostors. */
static idem_figure resting_on(const idem_verification *v, double mean, double error, int64_t impostors) {
    const bool few_genuine = v->genuine < FOLDS && v->impostor >= impostors;
    return (idem_figure){.mean = mean,
                         .error = error,
                         .n = few_genuine ? v->genuine : v->impostor,
                         .needs = few_genuine ? FOLDS : impostors,
                         .of = few_genuine ? "pairs of one person" : "pairs of two persons"};
}

int idem_verification_of(idem_verification *v, const double *score, const uint8_t *same, int n, double far) {
    *v = (idem_verification){.far = far};
    for (int i = 0; i < n; i++) {
        v->genuine += same[i] == 1;
        if (!isfinite(score[i]))
            return idem_fail("verification: the score of pair %d is not finite", i);
    }
    v->impostor = n - v->genuine;
    int fewer = v->genuine < v->impostor ? v->genuine : v->impostor;
    if (fewer < 2)
        return idem_fail("%d pairs of one person and %d of two can be compared, expected at least 2 of each",
                         v->genuine, v->impostor);
    pair *p = malloc((size_t)n * sizeof *p);
    if (!p)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    int folds = fewer < FOLDS ? fewer : FOLDS, seen[2] = {0};
    for (int i = 0; i < n; i++) {
        int kind = same[i] == 1, of_kind = kind ? v->genuine : v->impostor;
        p[i] = (pair){score[i], kind, (int)((long long)seen[kind]++ * folds / of_kind)};
    }
    qsort(p, (size_t)n, sizeof *p, by_score);
    const idem_figure accuracy = idem_figure_of_share(accuracy_of(p, n, folds), n);
    v->accuracy = resting_on(v, accuracy.mean, accuracy.error, FOLDS);
    v->threshold = resting_on(v, best_threshold(p, n, -1), NAN, FOLDS);
    /* The number of impostors allowed above. */
    int allowed = (int)(far * v->impostor), above = 0, accepted = 0, i = n;
    while (i-- > 0) {
        if (!p[i].same && above++ == allowed)
            break;
    }
    const double limit = p[i].score;
    for (int k = 0; k < n; k++)
        accepted += p[k].same && p[k].score > limit;
    free(p);
    idem_figure tar = {.mean = (double)accepted / v->genuine};
    tar.error = sqrt(tar.mean * (1 - tar.mean) / v->genuine);
    tar = idem_figure_of_share(tar, v->genuine);
    v->far_threshold = resting_on(v, limit, NAN, idem_needs_of_rate(far));
    v->tar = resting_on(v, tar.mean, tar.error, idem_needs_of_rate(far));
    return 0;
}
