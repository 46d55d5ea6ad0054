#include "train/summary/graph.h"

#include <string.h>

#include "engine/ops.h"
#include "train/parameters.h"
#include "nets/mlp.h"

enum { MOST_SIDE = 256 };
static const char M[] = "pixel_mapper";

int idem_summary_side(const idem_model *m) {
    const int size = idem_model_about(m)->size;
    return size < MOST_SIDE ? size : MOST_SIDE;
}

int idem_summary_init(idem_weights *w, const idem_model *m, idem_rng *rng) {
    const int side = idem_summary_side(m);
    return idem_pixel_mapper_init(w, 3 * side * side, idem_model_about(m)->z_dim, rng);
}

/* Mean over squares of side `by`. */
static idem_node *shrink(idem_node *y, int by) {
    return by == 1 ? y : idem_avgpool(y, idem_window_make(by, by, 0), false);
}

static idem_node *mean_square(idem_node *a, idem_node *b) {
    return idem_mean_all(idem_square(idem_sub(a, b)));
}

static void build_losses(idem_summary_graph *t, idem_model *m, idem_weights *trained, const idem_summary_recipe *r) {
    const int side = idem_summary_side(m);
    t->x = idem_input(t->graph, "x", IDEM_SHAPE(r->batch, 3, side, side));
    idem_binder b = idem_binder_make(t->graph, trained, "", true);
    idem_node *z = idem_mlp(&b, M, idem_reshape(t->x, IDEM_SHAPE(r->batch, 3 * (int64_t)side * side)), 0);
    if (z && idem_binder_finish(&b, "M of the recipe summary", "*"))
        z = NULL;
    t->y = shrink(idem_model_picture(m, idem_model_mapping(m, z)), idem_model_about(m)->size / side);
    idem_node *before = idem_model_likeness(m, t->x), *after = idem_model_likeness(m, t->y);
    t->pixels = mean_square(t->x, t->y);
    t->features = mean_square(before, after);
    t->l_r = idem_add(t->pixels, t->features);
    idem_node *sim = idem_dot(before, after, IDEM_SHAPE(r->batch, 1));
    t->likeness = idem_mean_all(sim);
    t->l_d = idem_add(idem_mean_all(idem_square(idem_affine(sim, 1, -1))),
                      idem_mean_all(idem_square(idem_affine(sim, 1, 1))));
    t->loss = idem_add(idem_scale(t->l_r, (float)r->alpha), idem_scale(t->l_d, (float)r->beta));
}

int idem_summary_graph_build(idem_summary_graph *t, idem_model *m, idem_weights *trained, const idem_summary_recipe *r,
                             const idem_plan_options *options) {
    *t = (idem_summary_graph){.graph = idem_graph_new()};
    if (!t->graph)
        return -1;
    build_losses(t, m, trained, r);
    idem_parameters p;
    if (!t->loss || idem_parameters_collect(&p, t->graph, trained, M, NULL) ||
        !(t->adam = idem_parameters_optimiser(&p, t->loss, trained, "adam")))
        return -1;
    idem_adam_set(t->adam, 0.9, 0.999, 1e-8); /* PyTorch's defaults, as in the pseudo code */
    idem_node *const scalars[] = {t->y, t->pixels, t->features, t->l_r, t->l_d, t->loss, t->likeness};
    enum { SCALARS = sizeof scalars / sizeof *scalars };
    idem_node **targets = idem_arena_array(idem_graph_arena(t->graph), (size_t)p.n + SCALARS, sizeof *targets);
    if (!targets)
        return -1;
    memcpy(targets, scalars, sizeof scalars);
    memcpy(targets + SCALARS, p.grads, (size_t)p.n * sizeof *targets);
    t->plan = idem_plan_new(targets, SCALARS + p.n, options);
    return t->plan ? 0 : -1;
}

void idem_summary_graph_free(idem_summary_graph *t) {
    idem_adam_free(t->adam);
    idem_plan_free(t->plan);
    if (t->graph)
        idem_graph_free(t->graph);
}
