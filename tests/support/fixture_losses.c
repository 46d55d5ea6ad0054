/* Fixtures of the training losses: pictures are stored, the other inputs are said in words ("e0,e1 filled with a=1 b=0,
 * shape 3x512"), and values stand in fixture.json. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops.h"
#include "model/losses.h"
#include "model/msssim.h"
#include "nets/mlp.h"
#include "support/fill.h"
#include "support/fixture.h"

typedef struct {
    const char *name;
    idem_node *node;
} target;

/* A plan of these targets, after one run. */
static idem_plan *run(const fixture *f, const target *t, int n) {
    idem_node *nodes[32];
    for (int i = 0; i < n; i++)
        nodes[i] = t[i].node;
    idem_plan *p = idem_plan_new(nodes, n, &(idem_plan_options){.threads = f->threads});
    if (p && idem_plan_run(p)) {
        idem_plan_free(p);
        return NULL;
    }
    return p;
}

static const json_t *get(const json_t *o, const char *key) {
    return json_object_get(o, key);
}

/* ---- pictures ---- */

static idem_node *stored_picture(fixture *f, idem_graph *g, const char *which, int size) {
    char name[32];
    idem_shape shape;
    float *values;
    snprintf(name, sizeof name, "%s%d", which, size);
    if (fixture_read(f, name, &shape, &values))
        return NULL;
    idem_node *n = idem_input(g, name, shape);
    if (n)
        idem_node_write(n, values);
    free(values);
    return n;
}

static int run_case(fixture *f, const json_t *entry) {
    const int size = (int)json_integer_value(get(entry, "size"));
    idem_graph *g = idem_graph_new();
    idem_node *x = stored_picture(f, g, "x", size), *y = stored_picture(f, g, "y", size);
    idem_node *similarity = idem_msssim(x, y), *loss = idem_mean_all(idem_one_minus_msssim(x, y));
    idem_node *l1w = idem_loss_l1w(x, y), *whole = idem_loss_reconstruction(x, y, 1);
    target t[6] = {{"", similarity}, {"", loss}, {"", l1w}, {"", whole}};
    idem_plan *p = NULL;
    if (whole && !idem_gradients(loss, &y, 1, &t[4].node) && !idem_gradients(l1w, &y, 1, &t[5].node))
        p = run(f, t, 6);
    int status = p ? 0 : -1;
    if (p) {
        const json_t *each = get(entry, "msssim");
        const double one_minus = json_number_value(get(entry, "one_minus_msssim_mean")),
                     l1 = json_number_value(get(entry, "l1w_sum"));
        char name[48];
        for (size_t i = 0; i < json_array_size(each); i++) {
            snprintf(name, sizeof name, "msssim%d[%zu]", size, i);
            fixture_check_value(f, name, (int64_t)i < similarity->shape.d[0] ? idem_plan_value(p, similarity)[i] : NAN,
                                json_number_value(json_array_get(each, i)));
        }
        snprintf(name, sizeof name, "scales%d", size);
        fixture_check_value(f, name, idem_msssim_scales(size, size), (double)json_integer_value(get(entry, "scales")));
        snprintf(name, sizeof name, "one_minus_msssim_mean%d", size);
        fixture_check_value(f, name, idem_plan_scalar(p, loss), one_minus);
        snprintf(name, sizeof name, "l1w_sum%d", size);
        fixture_check_value(f, name, idem_plan_scalar(p, l1w), l1);
        snprintf(name, sizeof name, "reconstruction%d", size);
        fixture_check_value(f, name, idem_plan_scalar(p, whole), 0.84 * one_minus + 0.16 * l1);
        snprintf(name, sizeof name, "grad_msssim%d", size);
        status = fixture_check_node(f, name, p, t[4].node);
        snprintf(name, sizeof name, "grad_l1w%d", size);
        status = status || fixture_check_node(f, name, p, t[5].node) ? -1 : 0;
    }
    idem_plan_free(p);
    idem_graph_free(g);
    return status;
}

/* ---- inputs said in words ---- */

/* The number behind "a=" or "b=" at or after `text`. */
static double number_after(const char *text, const char *key) {
    const char *at = text ? strstr(text, key) : NULL;
    return at ? strtod(at + strlen(key), NULL) : NAN;
}

/* "3x51x2" */
static idem_shape shape_after(const char *text, const char *key) {
    idem_shape s = {.rank = 0};
    const char *at = text ? strstr(text, key) : NULL;
    for (at = at ? at + strlen(key) : NULL; at && s.rank < IDEM_MAX_RANK;) {
        char *end;
        const long d = strtol(at, &end, 10);
        if (end == at || d < 1 || d > 1 << 20)
            break;
        s.d[s.rank++] = d;
        at = *end == 'x' ? end + 1 : NULL;
    }
    return s;
}

static idem_node *word_input(const fixture *f, idem_graph *g, const char *name, idem_shape shape, double a, double b) {
    if (shape.rank == 0 || isnan(a) || isnan(b) || idem_shape_count(&shape) > 1 << 24)
        return idem_fail_null("fixture.json does not say how %s is filled", name);
    float *values = malloc((size_t)idem_shape_count(&shape) * sizeof *values);
    idem_node *n = values ? idem_input(g, name, shape) : NULL;
    if (n) {
        fixture_fill(values, (size_t)idem_shape_count(&shape), f->salt, name, a, b);
        idem_node_write(n, values);
    }
    free(values);
    return n;
}

/* A loss of two inputs with a gradient to the second. */
static int run_pair(fixture *f, const char *key, const char *first, const char *second, const char *grad,
                    bool landmark) {
    const json_t *entry = get(f->root, key);
    if (!entry)
        return 0;
    const char *words = json_string_value(get(entry, "inputs"));
    const idem_shape shape = shape_after(words, "shape ");
    idem_graph *g = idem_graph_new();
    idem_node *x = word_input(f, g, first, shape, number_after(words, "a="), number_after(words, "b="));
    idem_node *y = x ? word_input(f, g, second, shape, number_after(words, "a="), number_after(words, "b=")) : NULL;
    target t[2] = {{"", landmark ? idem_loss_landmark(x, y, NULL) : idem_loss_identity(x, y)}};
    idem_plan *p = !idem_gradients(t[0].node, &y, 1, &t[1].node) ? run(f, t, 2) : NULL;
    int status = p ? 0 : -1;
    if (p) {
        fixture_check_value(f, key, idem_plan_scalar(p, t[0].node), json_number_value(get(entry, "value")));
        status = fixture_check_node(f, grad, p, t[1].node);
    }
    idem_plan_free(p);
    idem_graph_free(g);
    return status;
}

/* ---- critic ---- */

enum { CRITIC_LAYERS = 4 };

/* critic.N.* with the shapes of the stored gradients. */
static int fill_critic(fixture *f, const char *words) {
    const double bias_a = number_after(strstr(words, "bias"), "a="), bias_b = number_after(strstr(words, "bias"), "b=");
    for (int i = 0; i < 2 * CRITIC_LAYERS; i++) {
        char file[48];
        idem_shape shape;
        float *values;
        snprintf(file, sizeof file, "grad.critic.%d.%s", i / 2, i % 2 ? "bias" : "weight");
        const fixture_file *at = fixture_find(f, file);
        if (!at)
            return idem_fail("the fixture has no %s.npy, whose shape says how large the critic is", file);
        if (idem_npy_load(at->path, &shape, &values))
            return -1;
        free(values);
        idem_weight *w = idem_weights_add(f->weights, file + 5, shape);
        if (!w)
            return -1;
        const double a = i % 2 ? bias_a : sqrt(3 * 2 / 1.04 / (double)shape.d[shape.rank - 1]);
        fixture_fill(w->data, (size_t)idem_shape_count(&shape), f->salt, file + 5, a, i % 2 ? bias_b : 0);
    }
    return 0;
}

static idem_node *codes(const fixture *f, idem_graph *g, const char *name, const char *words) {
    const char *at = strstr(words, name);
    char key[32];
    snprintf(key, sizeof key, "%s ", name);
    return word_input(f, g, name, shape_after(at, key), number_after(at, "a="), number_after(at, "b="));
}

static int run_critic(fixture *f) {
    const json_t *entry = get(f->root, "critic");
    const char *words = json_string_value(get(entry, "weights"));
    if (!entry)
        return 0;
    if (!words || fill_critic(f, words))
        return words ? -1 : idem_fail("fixture.json: the critic's weights are not described");
    idem_graph *g = idem_graph_new();
    idem_binder b = idem_binder_make(g, f->weights, "", true);
    idem_node *real = codes(f, g, "input.w_real", words), *fake = codes(f, g, "input.w_fake", words);
    idem_node *on_real = idem_mlp(&b, "critic", real, IDEM_MLP_SLOPE),
              *on_fake = idem_mlp(&b, "critic", fake, IDEM_MLP_SLOPE);
    idem_node *bce = idem_critic_loss(on_real, on_fake), *r1 = idem_r1(on_real, real, 10),
              *generator = idem_bce_logits(on_fake, true);
    idem_node *param[2 * CRITIC_LAYERS], *grad[2 * CRITIC_LAYERS], *loss = idem_add(bce, r1);
    const char *name[2 * CRITIC_LAYERS];
    target t[4 + 2 * CRITIC_LAYERS] = {{"bce", bce}, {"r1", r1}, {"generator", generator}, {"grad_w_fake", NULL}};
    const int n = loss ? fixture_wanted_grads(f, g, param, name, 2 * CRITIC_LAYERS) : -1;
    int status =
        n < 0 || idem_gradients(generator, &fake, 1, &t[3].node) || idem_gradients(loss, param, n, grad) ? -1 : 0;
    for (int i = 0; i < n && !status; i++)
        t[4 + i] = (target){name[i], grad[i]};
    idem_plan *p = status ? NULL : run(f, t, 4 + n);
    if (!p)
        status = -1;
    for (int i = 0; i < 3 && !status; i++)
        fixture_check_value(f, t[i].name, idem_plan_scalar(p, t[i].node), json_number_value(get(entry, t[i].name)));
    for (int i = 3; i < 4 + n && !status; i++)
        status = fixture_check_node(f, t[i].name, p, t[i].node);
    idem_plan_free(p);
    idem_graph_free(g);
    return status;
}

int fixture_losses(fixture *f) {
    const json_t *cases = get(f->root, "cases");
    for (size_t i = 0; i < json_array_size(cases); i++)
        if (run_case(f, json_array_get(cases, i)))
            return -1;
    if (run_pair(f, "id", "input.e0", "input.e1", "grad_id", false) ||
        run_pair(f, "landmark", "input.p", "input.q", "grad_landmark", true))
        return -1;
    return run_critic(f);
}
