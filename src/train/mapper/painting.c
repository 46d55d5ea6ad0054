#include "train/mapper/painting.h"

#include <stdlib.h>
#include <string.h>

#include "engine/ops.h"
#include "model/losses.h"

enum { PART_PIXELS = 256 * 256 };

/* Pictures of a part. */
static int64_t part_of(const idem_model_info *info, int64_t batch) {
    int64_t part = info->bf16 ? PART_PIXELS / (info->size * info->size) : batch;
    part = part < 1 ? 1 : part < batch ? part : batch;
    while (batch % part)
        part--;
    return part;
}

static idem_node *surround(const idem_model *m, idem_node *x, idem_node *y) {
    const size_t side = (size_t)idem_model_about(m)->size;
    uint8_t *outside = malloc(side * side);
    if (!outside)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a mask");
    idem_node *loss =
        idem_frame_outside(idem_model_frame(m), (int)side, outside) ? NULL : idem_loss_surround(x, y, outside);
    free(outside);
    return loss;
}

/* Pictures that go together. parts: of this size in the batch of all ranks. */
static int paint_part(idem_painting *p, idem_model *m, const idem_recipe *r, idem_node *w,
                      const idem_painting_target *target, int parts) {
    idem_node *y = idem_model_picture(m, w);
    p->l_id = idem_loss_identity(target->identity, idem_model_identity(m, y));
    idem_node *points = idem_scale(idem_model_landmarks(m, y), IDEM_LANDMARK_UNITS);
    idem_node *mask = idem_mul(idem_landmark_mask(target->points), idem_landmark_mask(points));
    p->n_with_landmarks = idem_sum_all(mask);
    p->l_landmark = idem_loss_landmark(target->points, points, mask);
    p->l_rec = idem_loss_reconstruction(target->attr, y, parts);
    if (r->weight_surround > 0 && !(p->l_surround = surround(m, target->attr, y)))
        return -1;
    idem_node *both =
        idem_add(idem_scale(p->l_id, (float)r->weight_id), idem_scale(p->l_landmark, (float)r->weight_landmark));
    idem_node *same = idem_add(both, idem_scale(p->l_rec, (float)r->weight_reconstruction));
    idem_node *cross = p->l_surround ? idem_add(both, idem_scale(p->l_surround, (float)r->weight_surround)) : both;
    return idem_gradients(same, &w, 1, &p->slope[0]) || idem_gradients(cross, &w, 1, &p->slope[1]) ? -1 : 0;
}

static idem_node *rows(idem_node *x, int64_t first, int64_t n) {
    return idem_slice(x, 0, first, n, 1);
}

/* Means of losses, sums of numbers, all rows of gradients. */
static int join(idem_painting *p, const idem_painting *part, int parts) {
    *p = part[0];
    for (int i = 1; i < parts; i++) {
        p->l_id = idem_add(p->l_id, part[i].l_id);
        p->l_landmark = idem_add(p->l_landmark, part[i].l_landmark);
        p->l_rec = idem_add(p->l_rec, part[i].l_rec);
        p->l_surround = idem_add(p->l_surround, part[i].l_surround);
        p->n_with_landmarks = idem_add(p->n_with_landmarks, part[i].n_with_landmarks);
    }
    const float share = 1.0f / (float)parts;
    p->l_id = idem_scale(p->l_id, share);
    p->l_landmark = idem_scale(p->l_landmark, share);
    p->l_rec = idem_scale(p->l_rec, share);
    p->l_surround = idem_scale(p->l_surround, share);
    for (int cross = 0; cross < 2; cross++) {
        idem_node *slope[parts];
        for (int i = 0; i < parts; i++)
            slope[i] = part[i].slope[cross];
        p->slope[cross] = idem_scale(idem_concat(slope, parts, 0), share);
    }
    return p->slope[0] && p->slope[1] ? 0 : -1;
}

int idem_paint(idem_painting *p, idem_model *m, const idem_recipe *r, idem_node *w, const idem_painting_target *target,
               int ranks) {
    if (!w || !target->identity || !target->points)
        return -1;
    const int64_t n = part_of(idem_model_about(m), w->shape.d[0]);
    const int parts = (int)(w->shape.d[0] / n);
    idem_painting part[parts];
    memset(part, 0, sizeof part);
    if (parts == 1)
        return paint_part(p, m, r, w, target, ranks);
    for (int i = 0; i < parts; i++) {
        const idem_painting_target some = {rows(target->attr, i * n, n), rows(target->identity, i * n, n),
                                           rows(target->points, i * n, n)};
        if (paint_part(&part[i], m, r, rows(w, i * n, n), &some, parts * ranks))
            return -1;
    }
    return join(p, part, parts);
}
