#include "measure/crossover.h"

#include <stdlib.h>

#include "base/status.h"
#include "measure/scores.h"
#include "media/image.h"

typedef struct {
    double kept, nme;
} trial;

typedef struct {
    const idem_crossover_search *of;
    idem_seen seen;
    float *x[2];    /* [n, S, S, 3]: the pairs */
    float *y;       /* [batch, S, S, 3] */
    size_t numbers; /* of a picture */
} work;

int idem_crossover_pictures(const idem_model *m, int n) {
    return (2 * (idem_model_about(m)->layers - 1) + 1) * n;
}

static int try_method(work *w, idem_method *x, trial *to) {
    const idem_crossover_search *s = w->of;
    const int dim = idem_observer_about(s->observer, IDEM_RECOGNISER_TRAIN)->dim;
    *to = (trial){0};
    for (int first = 0; first < s->n; first += s->batch) {
        const int some = s->n - first < s->batch ? s->n - first : s->batch;
        const size_t picture = (size_t)first * w->numbers;
        if (idem_method_run(x, s->pairs, first, some, w->x[0] + picture, w->x[1] + picture, false, w->y, NULL))
            return -1;
        idem_image_quantise(w->y, (size_t)some * w->numbers);
        if (idem_observer_glance(s->observer, some, w->y, &w->seen, 0))
            return -1;
        const size_t at = (size_t)first * (size_t)dim, points = (size_t)first * IDEM_POINT_NUMBERS;
        idem_identity_scores scores;
        idem_score_identity(&scores, s->id->id[0] + at, s->attr->id[0] + at, w->seen.id[0], some, dim, s->strangers);
        to->kept += scores.id_kept.mean * some / s->n;
        to->nme += idem_score_nme(w->seen.points, s->attr->points + points, some).mean * some / s->n;
        if (s->measured)
            s->measured(s->user, some);
    }
    return 0;
}

static bool is_better(const trial *a, const trial *b, double nme) {
    if ((a->nme <= nme) != (b->nme <= nme))
        return a->nme <= nme;
    return a->nme <= nme ? a->kept > b->kept : a->nme < b->nme;
}

static idem_method *mixing(const idem_crossover_search *s, int k) {
    return idem_method_mixing(s->model, k / 2 + 1, k % 2, s->batch, &s->plan);
}

static idem_method *find(work *w) {
    const idem_crossover_search *s = w->of;
    const int all = 2 * (idem_model_about(s->model)->layers - 1);
    trial mapper, best = {0};
    int found = -1;
    if (idem_pairs_read(s->pairs, 0, s->n, w->x[0], w->x[1], NULL) || try_method(w, s->mapper, &mapper))
        return NULL;
    for (int k = 0; k < all; k++) {
        trial t;
        idem_method *x = mixing(s, k);
        const int status = x ? try_method(w, x, &t) : -1;
        idem_method_free(x);
        if (status)
            return NULL;
        if (found < 0 || is_better(&t, &best, mapper.nme)) {
            best = t;
            found = k;
        }
    }
    return mixing(s, found);
}

idem_method *idem_crossover_find(const idem_crossover_search *s) {
    const size_t size = (size_t)idem_pairs_size(s->pairs), batch = (size_t)s->batch;
    work w = {.of = s, .numbers = size * size * 3};
    if (idem_seen_new(&w.seen, s->observer, s->batch, false))
        return NULL;
    for (int k = 0; k < 2; k++)
        w.x[k] = malloc((size_t)s->n * w.numbers * sizeof(float));
    w.y = malloc(batch * w.numbers * sizeof(float));
    idem_method *x = w.x[0] && w.x[1] && w.y
                         ? find(&w)
                         : idem_fail_null_as(IDEM_MEMORY, "out of memory for %d pictures", 3 * s->batch);
    free(w.x[0]);
    free(w.x[1]);
    free(w.y);
    idem_seen_free(&w.seen);
    return x;
}
