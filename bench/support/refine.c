/* One step of refining codes as work: forward and gradient of the losses to the rows of ws, at the shipped generator.
 * Pictures, persons and landmarks are filled numbers; what is left out beside model/refine.c costs little: the random
 * similarity, the distances of codes, Adam. */
#include "engine/ops.h"
#include "model/losses.h"
#include "model/model.h"
#include "support/fill.h"
#include "support/work.h"

static idem_node *filled(idem_graph *g, const char *name, idem_shape shape, double a, double b) {
    idem_node *n = idem_input(g, name, shape);
    if (n)
        fixture_fill(n->leaf, (size_t)idem_shape_count(&shape), "", name, a, b);
    return n;
}

int bench_prepare_refine(bench_work *w) {
    idem_model *m = idem_model_open("models/generator-128.safetensors");
    idem_graph *g = idem_graph_new();
    if (!m || !g || idem_model_load_frozen(m, NULL))
        return -1;
    const idem_model_info *about = idem_model_about(m);
    const int64_t n = w->batch, side = about->size;
    idem_node *ws = filled(g, "ws", IDEM_SHAPE(n, about->layers, about->w_dim), 1, 0);
    idem_node *x = filled(g, "attr", IDEM_SHAPE(n, 3, side, side), 0.5, 0.5);
    idem_node *persons = filled(g, "persons", IDEM_SHAPE(2, about->id_dim), 0.08, 0);
    idem_node *wanted = filled(g, "wanted", IDEM_SHAPE(n, IDEM_LANDMARKS, 2), 80, 80);
    idem_node *y = idem_model_picture(m, ws);
    idem_node *cosines = idem_matmul(idem_model_identity(m, y), persons, false, true);
    idem_node *identity = idem_scale(idem_mean_all(idem_slice(cosines, 1, 0, 1, 1)), -1);
    idem_node *leak = idem_scale(idem_mean_all(idem_relu(idem_slice(cosines, 1, 1, 1, 1))), 0.3f);
    idem_node *points = idem_scale(idem_model_landmarks(m, y), IDEM_LANDMARK_UNITS);
    idem_node *landmark = idem_scale(idem_loss_landmark(wanted, points, NULL), 1e-3f);
    idem_node *surround = idem_mean_all(idem_abs(idem_sub(x, y)));
    w->targets[0] = idem_add(idem_add(identity, leak), idem_add(landmark, surround));
    if (!w->targets[0] || idem_gradients(w->targets[0], &ws, 1, &w->targets[1]))
        return -1;
    w->n_targets = 2;
    w->first_value = 1;
    return bench_work_plan(w);
}
