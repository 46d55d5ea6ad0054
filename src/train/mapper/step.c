#include "train/mapper/step.h"

#include <math.h>

#define AVERAGE_MOMENTUM 0.1f

/* Whether all numbers that the steps use are finite. */
static bool is_finite(const idem_training_graph *g, idem_turn turn, const idem_plan *plan, const idem_train_report *r) {
    if (!isfinite(r->loss) || idem_adam_check(g->adam_main[turn.cross], plan))
        return false;
    return !turn.adversarial || (isfinite(r->l_adversarial + r->l_critic + r->r1) &&
                                 !idem_adam_check(g->adam_adversarial, plan) && !idem_adam_check(g->adam_critic, plan));
}

static void read_losses(const idem_training_graph *g, const idem_recipe *recipe, idem_turn turn, const idem_plan *plan,
                        idem_train_report *r) {
    *r = (idem_train_report){.cross = turn.cross,
                             .adversarial = turn.adversarial,
                             .l_id = (double)idem_plan_scalar(plan, g->l_id),
                             .l_landmark = (double)idem_plan_scalar(plan, g->l_landmark),
                             .l_rec = NAN,
                             .l_adversarial = NAN,
                             .l_critic = NAN,
                             .r1 = NAN,
                             .l_surround = NAN};
    r->loss = recipe->weight_id * r->l_id + recipe->weight_landmark * r->l_landmark;
    if (!turn.cross) {
        r->l_rec = (double)idem_plan_scalar(plan, g->l_rec);
        r->loss += recipe->weight_reconstruction * r->l_rec;
    } else if (g->l_surround) {
        r->l_surround = (double)idem_plan_scalar(plan, g->l_surround);
        r->loss += recipe->weight_surround * r->l_surround;
    }
    if (turn.adversarial) {
        r->l_adversarial = (double)idem_plan_scalar(plan, g->l_adversarial);
        r->l_critic = (double)idem_plan_scalar(plan, g->l_critic);
        r->r1 = (double)idem_plan_scalar(plan, g->r1);
    }
}

int idem_mapper_step(idem_training_graph *g, const idem_recipe *recipe, idem_turn turn, int64_t iteration,
                     idem_average *average, idem_train_report *r, int64_t *without_landmarks) {
    const idem_plan *plan = g->plan[turn.cross][turn.adversarial];
    if (idem_training_graph_run(g, turn.cross, turn.adversarial))
        return -1;
    read_losses(g, recipe, turn, plan, r);
    r->rate = recipe->rate * idem_schedule_rate(recipe, iteration);
    r->skipped = !is_finite(g, turn, plan, r);
    const float with = idem_plan_scalar(plan, g->n_with_landmarks);
    *without_landmarks = recipe->batch - (with >= 0 ? (int64_t)with : 0);
    if (r->skipped)
        return 0;
    idem_adam_step(g->adam_main[turn.cross], plan, r->rate);
    if (turn.adversarial) {
        idem_adam_step(g->adam_adversarial, plan, r->rate * recipe->rate_adversarial);
        idem_adam_step(g->adam_critic, plan, r->rate * recipe->rate_critic);
    }
    idem_running_update(&g->running, plan, AVERAGE_MOMENTUM);
    if (average)
        idem_average_update(average, recipe->ema, iteration);
    return 0;
}
