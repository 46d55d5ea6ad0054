#include "compose/persons.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "compose/code_rows.h"
#include "measure/verification.h"
#include "nets/judge.h"

/* The judge only needs to agree: with its own threshold one person in ten would become two. */
static const double judge_agrees = IDEM_JUDGE_THRESHOLD - 0.02;

struct idem_persons {
    size_t dim;
    idem_code_rows all; /* sums of the vectors of a person's faces, feature and judge, and their number */
};

idem_persons *idem_persons_new(int dim) {
    idem_persons *p = calloc(1, sizeof *p);
    if (!p)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for persons");
    p->dim = (size_t)dim;
    p->all.width = p->dim + IDEM_JUDGE_DIM + 1;
    return p;
}

void idem_persons_free(idem_persons *p) {
    if (!p)
        return;
    free(p->all.at);
    free(p);
}

int idem_persons_count(const idem_persons *p) {
    return p->all.n;
}

static double cosine(const float *a, const float *b, size_t n) {
    double ab = 0, aa = 0, bb = 0;
    for (size_t i = 0; i < n; i++) {
        ab += (double)a[i] * (double)b[i];
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
    }
    return ab / fmax(sqrt(aa * bb), 1e-12);
}

static int find(const idem_persons *p, const float *feature, const float *judge, double judge_least, const int *others,
                int n) {
    int best = -1;
    double most = IDEM_FEATURE_THRESHOLD;
    for (int i = 0; i < p->all.n; i++) {
        const float *row = idem_code_row(&p->all, i);
        bool other = false;
        for (int k = 0; k < n; k++)
            other = other || others[k] == i;
        const double alike = other ? -1 : cosine(row, feature, p->dim);
        if (alike > most && cosine(row + p->dim, judge, IDEM_JUDGE_DIM) > judge_least) {
            most = alike;
            best = i;
        }
    }
    return best;
}

int idem_persons_find(const idem_persons *p, const float *feature, const float *judge, const int *others, int n) {
    return find(p, feature, judge, judge_agrees, others, n);
}

int idem_persons_find_exact(const idem_persons *p, const float *feature, const float *judge) {
    return find(p, feature, judge, IDEM_JUDGE_THRESHOLD, NULL, 0);
}

int idem_persons_add(idem_persons *p, int person, const float *feature, const float *judge) {
    if (person < 0) {
        if (idem_code_rows_reserve(&p->all, p->all.n + 1, "persons"))
            return -1;
        person = p->all.n++;
        memset(idem_code_row(&p->all, person), 0, p->all.width * sizeof *p->all.at);
    }
    float *row = idem_code_row(&p->all, person);
    for (size_t i = 0; i < p->dim; i++)
        row[i] += feature[i];
    for (size_t i = 0; i < IDEM_JUDGE_DIM; i++)
        row[p->dim + i] += judge[i];
    row[p->all.width - 1]++;
    return person;
}

size_t idem_persons_width(const idem_persons *p) {
    return p->all.width;
}

void idem_persons_copy(const idem_persons *p, float *rows) {
    idem_code_rows_copy(&p->all, rows);
}

int idem_persons_take(idem_persons *p, const float *rows, int n) {
    return idem_code_rows_take(&p->all, rows, n, "persons");
}
