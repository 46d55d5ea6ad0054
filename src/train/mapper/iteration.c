#include "train/mapper/iteration.h"

#include <math.h>
#include <string.h>

#include "engine/op.h"
#include "train/mapper/schedule.h"

#define AVERAGE_MOMENTUM 0.1f

/* ---- the steps ---- */

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
                             .l_id = (double)idem_plan_scalar(plan, g->painted.l_id),
                             .l_landmark = (double)idem_plan_scalar(plan, g->painted.l_landmark),
                             .l_rec = NAN,
                             .l_adversarial = NAN,
                             .l_critic = NAN,
                             .r1 = NAN,
                             .l_surround = NAN};
    r->loss = recipe->weight_id * r->l_id + recipe->weight_landmark * r->l_landmark;
    if (!turn.cross) {
        r->l_rec = (double)idem_plan_scalar(plan, g->painted.l_rec);
        r->loss += recipe->weight_reconstruction * r->l_rec;
    } else if (g->painted.l_surround) {
        r->l_surround = (double)idem_plan_scalar(plan, g->painted.l_surround);
        r->loss += recipe->weight_surround * r->l_surround;
    }
    if (turn.adversarial) {
        r->l_adversarial = (double)idem_plan_scalar(plan, g->l_adversarial);
        r->l_critic = (double)idem_plan_scalar(plan, g->l_critic);
        r->r1 = (double)idem_plan_scalar(plan, g->r1);
    }
}

static void take_steps(const idem_mapper_iteration *t, idem_turn turn, const idem_plan *plan, double rate) {
    const idem_training_graph *g = t->graph;
    idem_adam_step(g->adam_main[turn.cross], plan, rate);
    if (turn.adversarial) {
        idem_adam_step(g->adam_adversarial, plan, rate * t->recipe->rate_adversarial);
        idem_adam_step(g->adam_critic, plan, rate * t->recipe->rate_critic);
    }
    idem_running_update(&g->running, plan, AVERAGE_MOMENTUM);
    if (t->average)
        idem_average_update(t->average, t->recipe->ema, t->state->run.iteration);
}

/* With the current inputs of the graph. */
static int learn(const idem_mapper_iteration *t, idem_turn turn, idem_train_report *r) {
    idem_training_graph *g = t->graph;
    const idem_plan *plan = g->plan[turn.cross][turn.adversarial];
    const int64_t iteration = t->state->run.iteration;
    if (idem_training_graph_run(g, turn.cross, turn.adversarial))
        return -1;
    read_losses(g, t->recipe, turn, plan, r);
    r->iteration = iteration + 1;
    r->rate = t->recipe->rate * idem_schedule_rate(t->recipe, iteration);
    r->skipped = !is_finite(g, turn, plan, r);
    const float with = idem_plan_scalar(plan, g->painted.n_with_landmarks);
    t->state->skipped_landmarks += t->recipe->batch - (with >= 0 ? (int64_t)with : 0);
    t->state->cursor = idem_data_tell(t->data);
    if (!r->skipped)
        take_steps(t, turn, plan, r->rate);
    return 0;
}

/* ---- the inputs ---- */

static void give(idem_node *input, const float *values) {
    memcpy(input->leaf, values, (size_t)idem_shape_count(&input->shape) * sizeof *values);
}

static void give_mirrored(const idem_mapper_iteration *t) {
    const idem_training_graph *g = t->graph;
    if (!g->x_mirrored)
        return;
    give(g->x_mirrored, g->x_id->leaf);
    idem_data_mirror(t->data, 0, 1, g->x_mirrored->leaf);
}

static int draw(const idem_mapper_iteration *t, idem_turn turn) {
    const idem_training_graph *g = t->graph;
    const double mirrored = t->recipe->mirror_identity;
    if (idem_data_draw(t->data, turn.cross, g->x_id->leaf, g->x_attr->leaf))
        return -1;
    if (!turn.cross && mirrored > 0)
        idem_data_mirror(t->data, t->state->cursor.pictures, mirrored, g->x_id->leaf);
    give_mirrored(t);
    return turn.adversarial ? idem_data_codes(t->data, g->w_real->leaf) : 0;
}

int idem_mapper_iterate(const idem_mapper_iteration *t, idem_train_report *r) {
    const idem_turn turn = idem_schedule_turn(t->recipe, t->state->run.iteration);
    if (!draw(t, turn) && !learn(t, turn, r))
        return 0;
    idem_data_seek(t->data, t->state->cursor);
    return -1;
}

int idem_mapper_iterate_on(const idem_mapper_iteration *t, const float *x_id, const float *x_attr, const float *w_real,
                           idem_train_report *r) {
    const idem_turn turn = idem_schedule_turn(t->recipe, t->state->run.iteration);
    give(t->graph->x_id, x_id);
    give(t->graph->x_attr, turn.cross ? x_attr : x_id);
    give(t->graph->w_real, w_real);
    give_mirrored(t);
    return learn(t, turn, r);
}
