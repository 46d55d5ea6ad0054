/* Convolution and batch norm, the unit of all encoders of pictures here, with stored statistics or the batch's, and its
 * initial weights.
 *
 *     idem_running_list running = {0};
 *     idem_binder b = idem_binder_make(graph, weights, "E_attr.", true);
 *     idem_node *e = idem_resnet(&b, x, IDEM_BATCH_STATS, &running);
 *     if (!e || idem_resnet_finish(&b)) ...
 *     // every running.item[i].stats is a target of the training plan
 *     idem_plan_run(plan); idem_running_update(&running, plan, 0.1f); */
#ifndef IDEM_NETS_NORM_CONV_H
#define IDEM_NETS_NORM_CONV_H

#include "base/rng.h"
#include "engine/ops.h"
#include "engine/plan.h"
#include "nets/bind.h"

typedef enum {
    IDEM_FIXED_STATS, /* stored averages, folded into the convolutions; at plan time if the binder is frozen */
    IDEM_APART_STATS, /* stored averages, applied after the convolutions: rounded as in PyTorch */
    IDEM_BATCH_STATS, /* statistics of the batch; the stored averages are updated after a run */
} idem_norm_stats;

/* Batch statistics of one normalisation and the averages they update. */
typedef struct {
    idem_node *stats; /* [2, C]: mean, biased variance */
    idem_weight *mean, *var;
    double count; /* numbers in each statistic */
} idem_running;

enum { IDEM_MAX_RUNNING = 192 };
typedef struct {
    const idem_sharing *sharing; /* the batch consists of all parts; NULL: of this process only */
    int n;
    idem_running item[IDEM_MAX_RUNNING];
} idem_running_list;

/* average = (1 - momentum) average + momentum * batch, with the unbiased variance, as PyTorch does. Every stats node
 * must be a target of the plan. */
void idem_running_update(const idem_running_list *l, const idem_plan *p, float momentum);

/* How to build a network's units. */
typedef struct {
    idem_binder *binder;
    idem_norm_stats stats;
    idem_running_list *running; /* filled with BATCH_STATS; else not read */
    float eps;
    idem_rng *fresh; /* not NULL: creates missing tensors (idem_norm_conv_init) instead of reporting them */
} idem_norm_conv_kind;

typedef struct {
    int out;           /* width of new weights; existing ones have their own */
    int height, width; /* of the kernel */
    int stride;
    bool valid; /* no padding; else half the kernel on all sides */
} idem_norm_conv_shape;

/* x [N, I, H, W] -> [N, O, H', W']; `conv` and `norm` are the names of the two parts below the binder's prefix
 * (conv.weight [O, I, KH, KW]; norm.weight, bias, running_mean, running_var [O]). No activation. */
idem_node *idem_norm_conv(const idem_norm_conv_kind *k, idem_node *x, const char *conv, const char *norm,
                          idem_norm_conv_shape s);

/* Adds the tensors of one unit below prefix: Kaiming normal (fan out), norm 1 and 0, averages 0 and 1. */
int idem_norm_conv_init(idem_weights *w, const char *prefix, const char *conv, const char *norm, idem_shape weight,
                        idem_rng *rng);

#endif
