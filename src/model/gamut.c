#include "model/gamut.h"

#include <stdlib.h>

#include "engine/ops.h"

enum { CHROMAS = 2, TAIL = 50 }; /* 1 / TAIL of the pixels at either end are left out */

static int ascending(const void *a, const void *b) {
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static float chroma_of(const float *pixel, int which) {
    return which ? (pixel[0] + pixel[1]) / 2 - pixel[2] : pixel[0] - pixel[1];
}

int idem_gamut_find(const float *const *pictures, int n, int side, const uint8_t *outside,
                    float bounds[IDEM_GAMUT_NUMBERS]) {
    float *all = malloc((size_t)side * (size_t)side * sizeof *all);
    if (!all)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the colours of a face");
    for (int k = 0; k < n; k++)
        for (int c = 0; c < CHROMAS; c++) {
            int count = 0;
            for (int i = 0; i < side * side; i++)
                if (!outside[i])
                    all[count++] = chroma_of(pictures[k] + 3 * i, c);
            qsort(all, (size_t)count, sizeof *all, ascending);
            const float least = all[count / TAIL], most = all[count - 1 - count / TAIL];
            bounds[2 * c] = k && bounds[2 * c] < least ? bounds[2 * c] : least;
            bounds[2 * c + 1] = k && bounds[2 * c + 1] > most ? bounds[2 * c + 1] : most;
        }
    free(all);
    return 0;
}

/* [1, 1, S, S] of 1 over their number where the face is, else 0. */
static idem_node *face_mask(idem_graph *g, int64_t side, const uint8_t *outside) {
    float *mask = idem_arena_array(idem_graph_arena(g), (size_t)(side * side), sizeof *mask);
    if (!mask)
        return NULL;
    int64_t n = 0;
    for (int64_t i = 0; i < side * side; i++)
        n += !outside[i];
    for (int64_t i = 0; i < side * side; i++)
        mask[i] = outside[i] ? 0 : 1.0f / (float)n;
    return idem_const(g, "gamut.face", IDEM_SHAPE(1, 1, side, side), mask);
}

static idem_node *bound(idem_node *bounds, int which) {
    return idem_reshape(idem_slice(bounds, 1, which, 1, 1), IDEM_SHAPE(1, 1, 1, 1));
}

idem_node *idem_gamut_loss(idem_node *y, idem_node *bounds, const uint8_t *outside) {
    if (!y || !bounds)
        return NULL;
    idem_node *red = idem_slice(y, 1, 0, 1, 1), *green = idem_slice(y, 1, 1, 1, 1), *blue = idem_slice(y, 1, 2, 1, 1);
    idem_node *chroma[CHROMAS] = {idem_sub(red, green), idem_sub(idem_scale(idem_add(red, green), 0.5f), blue)};
    idem_node *beyond[CHROMAS];
    for (int c = 0; c < CHROMAS; c++)
        beyond[c] = idem_add(idem_relu(idem_sub(bound(bounds, 2 * c), chroma[c])),
                             idem_relu(idem_sub(chroma[c], bound(bounds, 2 * c + 1))));
    return idem_sum_all(idem_mul(idem_add(beyond[0], beyond[1]), face_mask(y->graph, y->shape.d[2], outside)));
}
