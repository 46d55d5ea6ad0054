/* Pairs of photographs: the largest faces of different persons. */
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "measure/pairs.h"
#include "measure/people.h"

typedef struct {
    idem_people *people;
    int *of[2]; /* [n]: indices of the identity picture, of the attribute picture */
    size_t picture;
} photographs;

static int read_pair(void *self, int i, float *x_id, float *x_attr) {
    const photographs *p = self;
    float *const x[2] = {x_id, x_attr};
    for (int k = 0; k < 2; k++)
        if (x[k])
            memcpy(x[k], p->people->pictures + (size_t)p->of[k][i] * p->picture, p->picture * sizeof(float));
    return 0;
}

/* No path: faces were already found, so nobody needs to search the file. */
static const char *name(void *self, int i) {
    const photographs *p = self;
    return p->people->at[p->of[0][i]].path;
}

static void forget(void *self) {
    photographs *p = self;
    idem_people_free(p->people);
    free(p->of[0]);
    free(p->of[1]);
    free(p);
}

idem_pairs *idem_pairs_photographs(const char *dir, int n, const idem_people_options *options) {
    static const idem_pairs_kind kind = {.read = read_pair, .name = name, .free = forget};
    photographs *p = n < 2 ? idem_fail_null("%d pairs of photographs, expected 2 or more", n) : calloc(1, sizeof *p);
    if (!p)
        return n < 2 ? NULL : idem_fail_null_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    p->picture = (size_t)options->size * (size_t)options->size * 3;
    p->of[0] = malloc((size_t)n * sizeof(int));
    p->of[1] = malloc((size_t)n * sizeof(int));
    if (!p->of[0] || !p->of[1])
        idem_fail_as(IDEM_MEMORY, "out of memory for %d pairs", n);
    else if ((p->people = idem_people_open(dir, n, options)) && !idem_people_pair(p->people, p->of[0], p->of[1], n))
        return idem_pairs_new(&kind, p, n, options->size);
    forget(p);
    return NULL;
}
