#include "face/detect.h"

#include <math.h>
#include <stdlib.h>

static int better_first(const void *a, const void *b) {
    const idem_face *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    /* Equal scores: a fixed order, so that the result does not depend on the sort. */
    return x->box.x0 != y->box.x0 ? (x->box.x0 < y->box.x0 ? -1 : 1)
                                  : (x->box.y0 > y->box.y0) - (x->box.y0 < y->box.y0);
}

static float area(const idem_box *b) {
    return (b->x1 - b->x0) * (b->y1 - b->y0);
}

static float overlap_of(const idem_box *a, const idem_box *b) {
    float w = fminf(a->x1, b->x1) - fmaxf(a->x0, b->x0), h = fminf(a->y1, b->y1) - fmaxf(a->y0, b->y0);
    if (w <= 0 || h <= 0)
        return 0;
    return w * h / (area(a) + area(b) - w * h);
}

int idem_detect_select(idem_face *out, int max, const float *scores, const float *boxes, int n, float confidence,
                       float overlap) {
    idem_face *candidates = malloc((size_t)(n > 0 ? n : 1) * sizeof *candidates);
    if (!candidates)
        return idem_fail_as(IDEM_MEMORY, "detector: out of memory for %d boxes", n);
    size_t count = 0;
    for (int i = 0; i < n; i++) {
        const float *b = boxes + 4 * i;
        float score = scores[2 * i + 1];
        bool finite = isfinite(b[0]) && isfinite(b[1]) && isfinite(b[2]) && isfinite(b[3]);
        if (score > confidence && finite && b[2] > b[0] && b[3] > b[1])
            candidates[count++] = (idem_face){{b[0], b[1], b[2], b[3]}, score};
    }
    qsort(candidates, count, sizeof *candidates, better_first);
    int kept = 0;
    for (size_t i = 0; i < count && kept < max; i++) {
        bool free_place = true;
        for (int k = 0; k < kept && free_place; k++)
            free_place = overlap_of(&candidates[i].box, &out[k].box) <= overlap;
        if (free_place)
            out[kept++] = candidates[i];
    }
    free(candidates);
    return kept;
}
