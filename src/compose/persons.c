#include "compose/persons.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "measure/verification.h"
#include "nets/judge.h"

/* The judge need only agree: at its own threshold one person in ten would be taken for two. */
static const double judge_agrees = IDEM_JUDGE_THRESHOLD - 0.02;

struct idem_persons {
    size_t dim, row; /* a row: the sum of the faces' vectors, feature and judge, and their number */
    float *rows;
    int n, room;
};

idem_persons *idem_persons_new(int dim) {
    idem_persons *p = calloc(1, sizeof *p);
    if (!p)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for persons");
    p->dim = (size_t)dim;
    p->row = p->dim + IDEM_JUDGE_DIM + 1;
    return p;
}

void idem_persons_free(idem_persons *p) {
    if (!p)
        return;
    free(p->rows);
    free(p);
}

int idem_persons_count(const idem_persons *p) {
    return p->n;
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
    for (int i = 0; i < p->n; i++) {
        const float *row = p->rows + (size_t)i * p->row;
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

static int make_room(idem_persons *p, int n) {
    if (n <= p->room)
        return 0;
    const size_t room = (size_t)(n > 2 * p->room ? n : 2 * p->room);
    float *rows = realloc(p->rows, room * p->row * sizeof *rows);
    if (!rows)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu persons", room);
    p->rows = rows;
    p->room = (int)room;
    return 0;
}

int idem_persons_add(idem_persons *p, int person, const float *feature, const float *judge) {
    if (person < 0) {
        if (make_room(p, p->n + 1))
            return -1;
        person = p->n++;
        memset(p->rows + (size_t)person * p->row, 0, p->row * sizeof *p->rows);
    }
    float *row = p->rows + (size_t)person * p->row;
    for (size_t i = 0; i < p->dim; i++)
        row[i] += feature[i];
    for (size_t i = 0; i < IDEM_JUDGE_DIM; i++)
        row[p->dim + i] += judge[i];
    row[p->row - 1]++;
    return person;
}

size_t idem_persons_width(const idem_persons *p) {
    return p->row;
}

void idem_persons_copy(const idem_persons *p, float *rows) {
    memcpy(rows, p->rows, (size_t)p->n * p->row * sizeof *rows);
}

int idem_persons_take(idem_persons *p, const float *rows, int n) {
    if (make_room(p, n))
        return -1;
    memcpy(p->rows, rows, (size_t)n * p->row * sizeof *rows);
    p->n = n;
    return 0;
}
