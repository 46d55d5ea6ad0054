#include "measure/anonymity_utility.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

enum { SIDE = IDEM_ANONYMITY_SIDE, EYE_LEFT = 36, EYE_RIGHT = 45, POSES = 3 };

/* Columns of figures, each followed by its control. */
enum { FOUND, NME, POSE = NME + 2, EXPRESSION = POSE + 2 * POSES, COLOUR = EXPRESSION + 2, COLUMNS = COLOUR + 2 };

/* Mean distance of the points of a picture after to those of another before, both in their frames. */
static double nme(const idem_anonymity_picture *after, const idem_anonymity_picture *before) {
    const float(*a)[2] = (const float(*)[2])after->points[IDEM_AFTER],
          (*b)[2] = (const float(*)[2])before->points[IDEM_BEFORE];
    const double eyes = hypot((double)(b[EYE_LEFT][0] - b[EYE_RIGHT][0]), (double)(b[EYE_LEFT][1] - b[EYE_RIGHT][1]));
    double sum = 0;
    for (int i = 0; i < IDEM_POINTS; i++)
        sum += hypot((double)(a[i][0] - b[i][0]), (double)(a[i][1] - b[i][1]));
    return sum / IDEM_POINTS / fmax(eyes, 1e-6);
}

/* Outside the ellipse about a face in its frame. */
static bool is_outside(int x, int y) {
    const double u = ((x + 0.5) / SIDE - 0.5) / 0.36, v = ((y + 0.5) / SIDE - 0.55) / 0.45;
    return u * u + v * v > 1;
}

static double colour(const idem_anonymity_pictures *p, int after, int before) {
    const size_t pixels = (size_t)SIDE * SIDE * 3;
    const uint8_t *a = p->aligned[IDEM_AFTER] + (size_t)after * pixels,
                  *b = p->aligned[IDEM_BEFORE] + (size_t)before * pixels;
    double sum = 0, n = 0;
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            if (is_outside(x, y)) {
                const size_t at = 3 * ((size_t)y * SIDE + (size_t)x);
                for (size_t c = at; c < at + 3; c++)
                    sum += fabs((double)a[c] - b[c]) / 255;
                n += 3;
            }
    return sum / n;
}

/* Difference in degrees; roll wraps at half a turn. */
static double angle(float a, float b) {
    return fabs(remainder((double)a - (double)b, 360));
}

static void measure(double *column[COLUMNS], int row, const idem_anonymity_pictures *p, int i, int other) {
    const idem_anonymity_picture *a = &p->at[i], *b = &p->at[other];
    double value[COLUMNS];
    value[FOUND] = !a->hidden;
    value[NME] = nme(a, a);
    value[NME + 1] = nme(a, b);
    for (int k = 0; k < POSES; k++) {
        value[POSE + 2 * k] = angle(a->pose[IDEM_AFTER][k], a->pose[IDEM_BEFORE][k]);
        value[POSE + 2 * k + 1] = angle(a->pose[IDEM_AFTER][k], b->pose[IDEM_BEFORE][k]);
    }
    const int top = idem_expression_top(a->expression[IDEM_AFTER]);
    value[EXPRESSION] = top == idem_expression_top(a->expression[IDEM_BEFORE]);
    value[EXPRESSION + 1] = top == idem_expression_top(b->expression[IDEM_BEFORE]);
    value[COLOUR] = colour(p, i, i);
    value[COLOUR + 1] = colour(p, i, other);
    for (int c = NME; c < EXPRESSION && a->hidden; c += 2)
        value[c] = value[c + 1];
    if (a->hidden)
        value[EXPRESSION] = 0;
    for (int c = 0; c < COLUMNS; c++)
        column[c][row] = value[c];
}

static idem_figure figure(const double *x, int n) {
    idem_figure f = idem_figure_of(x, n);
    f.of = "pictures";
    return f;
}

static idem_figure share(const double *x, int n) {
    return idem_figure_of_share(figure(x, n), n);
}

int idem_anonymity_utility_of(idem_anonymity_utility *u, const idem_anonymity_pictures *p, const uint8_t *wanted,
                              uint64_t seed) {
    const size_t n = (size_t)p->n;
    *u = (idem_anonymity_utility){0};
    if (n < 2)
        return idem_fail("%zu pictures before and after: expected at least 2", n);
    double *numbers = malloc(COLUMNS * n * sizeof *numbers), *column[COLUMNS];
    int *order = malloc(n * sizeof *order), rows = 0;
    if (!numbers || !order) {
        free(numbers);
        free(order);
        return idem_fail_as(IDEM_MEMORY, "out of memory for the figures of %zu pictures", n);
    }
    for (int c = 0; c < COLUMNS; c++)
        column[c] = numbers + (size_t)c * n;
    idem_score_shuffle(order, p->n, seed);
    for (int i = 0; i < p->n; i++)
        if (!wanted || wanted[i])
            measure(column, rows++, p, i, order[i]);
    u->found = share(column[FOUND], rows);
    u->nme = figure(column[NME], rows);
    u->nme_shuffled = figure(column[NME + 1], rows);
    for (int k = 0; k < POSES; k++) {
        u->pose[k] = figure(column[POSE + 2 * k], rows);
        u->pose_shuffled[k] = figure(column[POSE + 2 * k + 1], rows);
    }
    u->expression = share(column[EXPRESSION], rows);
    u->expression_shuffled = share(column[EXPRESSION + 1], rows);
    u->colour = figure(column[COLOUR], rows);
    u->colour_shuffled = figure(column[COLOUR + 1], rows);
    free(numbers);
    free(order);
    return 0;
}
