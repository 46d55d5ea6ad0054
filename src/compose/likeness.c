#include "compose/likeness.h"

#include <math.h>
#include <stdlib.h>

#include "base/status.h"
#include "measure/verification.h"
#include "nets/judge.h"

double idem_unit_cosine(const float *a, const float *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)a[i] * (double)b[i];
    return sum;
}

void idem_unit_mix(float *to, const float *other, const float *person, double share, size_t n) {
    double squares = 0;
    for (size_t i = 0; i < n; i++) {
        const double v = (1 - fmax(share, 0)) * (double)other[i] + share * (double)person[i];
        to[i] = (float)v;
        squares += v * v;
    }
    for (size_t i = 0; i < n; i++)
        to[i] /= (float)fmax(sqrt(squares), 1e-12);
}

int idem_likeness_measure(idem_studio *s, const idem_image *photo, const idem_was *was, idem_likeness *l) {
    const int dim = idem_studio_feature_dim(s);
    float *feature = dim > 0 ? malloc((size_t)dim * sizeof *feature) : NULL, judge[IDEM_JUDGE_DIM];
    if (!feature)
        return dim < 1 ? -1 : idem_fail_as(IDEM_MEMORY, "out of memory for a face");
    const int status = idem_studio_embed(s, photo, was->points, feature, judge);
    if (!status) {
        l->feature = idem_unit_cosine(feature, was->feature, (size_t)dim);
        l->judge = idem_unit_cosine(judge, was->judge, IDEM_JUDGE_DIM);
        l->above = l->feature > IDEM_FEATURE_THRESHOLD || l->judge > IDEM_JUDGE_THRESHOLD;
    }
    free(feature);
    return status;
}

int idem_likeness_hide(idem_studio *s, idem_image *photo, const idem_region *region, idem_hiding fallback,
                       const idem_region *but, int n, const idem_was *was, idem_likeness *l) {
    for (idem_hiding how = fallback; how <= IDEM_HIDE_SOLID; how++) {
        if (idem_hide(photo, region, how, but, n))
            return -1;
        if (!was)
            return 0;
        if (idem_likeness_measure(s, photo, was, l))
            return -1;
        if (!l->above)
            return 0;
    }
    l->above = false; /* a single colour shows nobody: networks' results on it are meaningless */
    return 0;
}
