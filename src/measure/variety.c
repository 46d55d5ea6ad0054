#include "measure/variety.h"

#include <math.h>
#include <stdio.h>

#include "measure/figures.h"

enum { LEAST = 2 };

static idem_figure deviation(const float *x, int n, int stride) {
    double mean = 0, square = 0;
    for (int i = 0; i < n; i++)
        mean += (double)x[i * stride] / n;
    for (int i = 0; i < n; i++)
        square += pow((double)x[i * stride] - mean, 2) / (n - 1);
    return (idem_figure){
        .mean = sqrt(square), .error = sqrt(square / (2.0 * (n - 1))), .n = n, .needs = LEAST, .of = "pictures"};
}

static idem_figure share(int count, int n) {
    const double mean = (double)count / n;
    const idem_figure f = {
        .mean = mean, .error = sqrt(mean * (1 - mean) / (n - 1)), .n = n, .needs = LEAST, .of = "pictures"};
    return idem_figure_of_share(f, n);
}

idem_variety idem_variety_of(const idem_seen *s, int n) {
    idem_variety v;
    int most[IDEM_EXPRESSIONS] = {0}, faces = 0;
    for (int i = 0; i < n; i++) {
        const float *p = s->expression + (size_t)i * IDEM_EXPRESSIONS;
        int best = 0;
        for (int k = 1; k < IDEM_EXPRESSIONS; k++)
            best = p[k] > p[best] ? k : best;
        most[best]++;
        faces += s->face[i] != 0;
    }
    for (int k = 0; k < IDEM_ANGLES; k++)
        v.angle[k] = deviation(s->pose + k, n, IDEM_ANGLES);
    for (int k = 0; k < IDEM_EXPRESSIONS; k++)
        v.expression[k] = share(most[k], n);
    v.faces = share(faces, n);
    return v;
}

int idem_variety_put(json_t *report, const idem_variety *v) {
    static const char *const angles[IDEM_ANGLES] = {"yaw_deviation", "pitch_deviation", "roll_deviation"};
    char key[64];
    for (int k = 0; k < IDEM_ANGLES; k++)
        if (idem_figure_put(report, angles[k], &v->angle[k]))
            return -1;
    for (int k = 0; k < IDEM_EXPRESSIONS; k++) {
        snprintf(key, sizeof key, "expression_%s", idem_expressions[k]);
        if (idem_figure_put(report, key, &v->expression[k]))
            return -1;
    }
    return idem_figure_put(report, "faces", &v->faces);
}
