#include "train/mapper/graph.h"

#include <stdlib.h>
#include <string.h>

#include "engine/ops.h"
#include "model/losses.h"
#include "train/parameters.h"

/* The codes w [B, W] of the inputs, and what their pictures should be like. */
static idem_node *codes(idem_training_graph *t, idem_model *m, const idem_recipe *r, idem_painting_target *target) {
    const idem_model_info *info = idem_model_about(m);
    idem_graph *g = t->graph;
    const int64_t batch = r->batch / idem_world_size(t->batch.world);
    t->x_id = idem_input(g, "x_id", IDEM_SHAPE(batch, 3, info->size, info->size));
    t->x_attr = idem_input(g, "x_attr", IDEM_SHAPE(batch, 3, info->size, info->size));
    t->w_real = idem_input(g, "w_real", IDEM_SHAPE(batch, info->w_dim));
    idem_node *id = idem_model_identity(m, t->x_id);
    target->attr = t->x_attr;
    target->points = idem_scale(idem_model_landmarks(m, t->x_attr), IDEM_LANDMARK_UNITS);
    target->identity = id;
    idem_node *w = idem_model_map(m, id, idem_model_attributes(m, t->x_attr, &t->running), true);
    if (r->mirror_target) {
        t->x_mirrored = idem_input(g, "x_mirrored", IDEM_SHAPE(batch, 3, info->size, info->size));
        target->identity = idem_add(id, idem_model_identity(m, t->x_mirrored));
    }
    return w;
}

/* Real and fake codes go through the critic in one batch, so that each of its weights is one leaf. */
static void judge_codes(idem_training_graph *t, idem_model *m, const idem_recipe *r, idem_node *w) {
    const int64_t batch = r->batch / idem_world_size(t->batch.world);
    idem_node *logits = idem_model_critic(m, idem_concat((idem_node *const[]){t->w_real, w}, 2, 0));
    idem_node *real = idem_slice(logits, 0, 0, batch, 1), *fake = idem_slice(logits, 0, batch, batch, 1);
    t->l_adversarial = idem_bce_logits(fake, true);
    t->l_critic = idem_critic_loss(real, fake);
    t->r1 = idem_r1(real, t->w_real, (float)r->gamma);
}

enum { SAME, CROSS, ADVERSARIAL, CRITIC, STEPS };
enum { LOSSES = 8 }; /* most losses of a turn */

/* A number with this gradient to w: the painting has gone backwards already. */
static idem_node *by_codes(idem_node *w, idem_node *slope) {
    return idem_sum_all(idem_mul(w, idem_stop_gradient(slope)));
}

/* One set of gradients and one optimiser per kind of step. The two main optimisers share the moments, by name. */
static int optimisers(idem_training_graph *t, idem_model *m, const idem_recipe *r, idem_node *w,
                      idem_parameters p[STEPS]) {
    if (!t->r1)
        return -1;
    idem_weights *trained = idem_model_trained(m);
    for (int i = 0; i < STEPS; i++)
        if (idem_parameters_collect(&p[i], t->graph, trained, i == CRITIC ? "critic." : "E_attr.",
                                    i == CRITIC ? NULL : "mapper."))
            return -1;
    float half = r->adversarial_halved ? 0.5f : 1.0f;
    idem_node *same = by_codes(w, t->painted.slope[SAME]), *cross = by_codes(w, t->painted.slope[CROSS]);
    idem_node *adversarial = idem_scale(t->l_adversarial, half * (float)r->weight_adversarial);
    idem_node *critic = idem_add(idem_scale(t->l_critic, half), t->r1);
    if (!(t->adam_main[SAME] = idem_parameters_optimiser(&p[SAME], same, trained, "adam")) ||
        !(t->adam_main[CROSS] = idem_parameters_optimiser(&p[CROSS], cross, trained, "adam")) ||
        !(t->adam_adversarial = idem_parameters_optimiser(&p[ADVERSARIAL], adversarial, trained, "adam_adversarial")) ||
        !(t->adam_critic = idem_parameters_optimiser(&p[CRITIC], critic, trained, "adam_critic")))
        return -1;
    idem_adam *all[] = {t->adam_main[SAME], t->adam_main[CROSS], t->adam_adversarial, t->adam_critic};
    for (int i = 0; i < STEPS; i++)
        idem_adam_set_clip(all[i], r->clip);
    return 0;
}

static void add_gradients(idem_node **targets, int *n, idem_node *const *grads, int count) {
    memcpy(targets + *n, grads, (size_t)count * sizeof *grads);
    *n += count;
}

static idem_plan *make_plan(idem_training_graph *t, const idem_parameters *p, bool cross, bool adversarial,
                            const idem_plan_options *options) {
    int capacity = 8 + t->running.n + p[cross].n + p[ADVERSARIAL].n + p[CRITIC].n, n = 0;
    idem_node **targets = malloc((size_t)capacity * sizeof *targets);
    if (!targets)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for planning");
    targets[n++] = t->painted.l_id;
    targets[n++] = t->painted.l_landmark;
    targets[n++] = t->painted.n_with_landmarks;
    for (int i = 0; i < t->running.n; i++)
        targets[n++] = t->running.item[i].stats;
    if (!cross)
        targets[n++] = t->painted.l_rec;
    else if (t->painted.l_surround)
        targets[n++] = t->painted.l_surround;
    add_gradients(targets, &n, p[cross].grads, p[cross].n);
    if (adversarial) {
        targets[n++] = t->l_adversarial;
        targets[n++] = t->l_critic;
        targets[n++] = t->r1;
        add_gradients(targets, &n, p[ADVERSARIAL].grads, p[ADVERSARIAL].n);
        add_gradients(targets, &n, p[CRITIC].grads, p[CRITIC].n);
    }
    idem_plan *plan = idem_plan_new(targets, n, options);
    free(targets);
    return plan;
}

/* ---- running ---- */

/* All losses are means over the part with equal weight, except the number of samples with landmarks. */
int idem_training_graph_run(idem_training_graph *t, bool cross, bool adversarial) {
    idem_node *losses[LOSSES];
    const idem_adam *adams[3] = {t->adam_main[cross], t->adam_adversarial, t->adam_critic};
    const int ranks = idem_world_size(t->batch.world);
    idem_plan *plan = t->plan[cross][adversarial];
    int n = 0;
    losses[n++] = t->painted.l_id;
    losses[n++] = t->painted.l_landmark;
    losses[n++] = t->painted.n_with_landmarks;
    if (!cross)
        losses[n++] = t->painted.l_rec;
    else if (t->painted.l_surround)
        losses[n++] = t->painted.l_surround;
    if (adversarial) {
        losses[n++] = t->l_adversarial;
        losses[n++] = t->l_critic;
        losses[n++] = t->r1;
    }
    if (idem_world_batch_run(&t->batch, plan, losses, n, adams, adversarial ? 3 : 1))
        return -1;
    if (ranks > 1)
        idem_plan_value(plan, t->painted.n_with_landmarks)[0] *= (float)ranks;
    return 0;
}

int idem_training_graph_build(idem_training_graph *t, idem_model *m, const idem_recipe *r, const idem_world *world,
                              const idem_plan_options *options) {
    *t = (idem_training_graph){.graph = idem_graph_new()};
    idem_world_batch_open(&t->batch, world);
    if (idem_world_size(world) > 1)
        t->running.sharing = &t->batch.sharing;
    idem_parameters p[STEPS];
    if (!t->graph)
        return -1;
    idem_painting_target target = {0};
    idem_node *w = codes(t, m, r, &target);
    if (idem_paint(&t->painted, m, r, w, &target, idem_world_size(world)))
        return -1;
    judge_codes(t, m, r, w);
    if (optimisers(t, m, r, w, p))
        return -1;
    idem_plan_options shared = options ? *options : (idem_plan_options){0};
    for (int cross = 0; cross < 2; cross++)
        for (int adversarial = 1; adversarial >= 0; adversarial--) { /* the first needs the most memory */
            if (!(t->plan[cross][adversarial] = make_plan(t, p, cross, adversarial, &shared)))
                return -1;
            shared.share = t->plan[0][1];
        }
    return 0;
}

void idem_training_graph_free(idem_training_graph *t) {
    idem_world_batch_close(&t->batch);
    idem_adam_free(t->adam_main[0]);
    idem_adam_free(t->adam_main[1]);
    idem_adam_free(t->adam_adversarial);
    idem_adam_free(t->adam_critic);
    for (int cross = 1; cross >= 0; cross--)
        for (int adversarial = 0; adversarial < 2; adversarial++) /* the plan that owns the buffer last */
            idem_plan_free(t->plan[cross][adversarial]);
    if (t->graph)
        idem_graph_free(t->graph);
}
