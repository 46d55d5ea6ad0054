/* ResNets in torchvision's layout (conv1, bn1, layerX.Y.convZ, downsample): ResNet-18, 34 with basic blocks, 50, 101,
 * 152 with bottlenecks, told by the tensors. Output: the average pool, [N, 512] or [N, 2048]; `fc` is not used. Any
 * picture size.
 *
 *     idem_running_list running = {0};
 *     idem_binder b = idem_binder_make(graph, weights, "E_attr.", true);
 *     idem_node *e = idem_resnet(&b, x, IDEM_RESNET_BATCH_STATS, &running);
 *     if (!e || idem_resnet_finish(&b)) ...
 *     // every running.item[i].stats is a target of the training plan
 *     idem_plan_run(plan); idem_running_update(&running, plan, 0.1f);
 */
#ifndef IDEM_NETS_RESNET_H
#define IDEM_NETS_RESNET_H

#include "base/rng.h"
#include "engine/plan.h"
#include "nets/bind.h"

typedef enum {
    IDEM_RESNET_FIXED_STATS, /* stored averages, folded into the convolutions; at plan time if the binder is frozen */
    IDEM_RESNET_BATCH_STATS, /* statistics of the batch; the stored averages are updated after a run */
} idem_resnet_stats;

/* Batch statistics of one normalisation and the averages they update. */
typedef struct {
    idem_node *stats; /* [2, C]: mean, biased variance */
    idem_weight *mean, *var;
    double count; /* numbers behind each statistic */
} idem_running;

enum { IDEM_MAX_RUNNING = 192 };
typedef struct {
    int n;
    idem_running item[IDEM_MAX_RUNNING];
} idem_running_list;

/* x [N, 3, H, W] -> [N, 512 or 2048]. running: filled with BATCH_STATS, may be NULL otherwise. */
idem_node *idem_resnet(idem_binder *b, idem_node *x, idem_resnet_stats stats, idem_running_list *running);
int idem_resnet_finish(idem_binder *b);

/* average = (1 - momentum) average + momentum * batch, with the unbiased variance, as PyTorch does. Every stats node
 * must be a target of the plan. */
void idem_running_update(const idem_running_list *l, const idem_plan *p, float momentum);

/* Adds the tensors of a ResNet of this depth (18, 34, 50, 101, 152) below prefix: convolutions Kaiming normal (fan
 * out), norms 1 and 0, averages 0 and 1: torchvision's start. */
int idem_resnet_init(idem_weights *w, const char *prefix, int depth, idem_rng *rng);
/* Width of the output: 512 or 2048; 0 if there is no ResNet below prefix. */
int idem_resnet_width(const idem_weights *w, const char *prefix);

#endif
