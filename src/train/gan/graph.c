#include "train/gan/graph.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/models.h"
#include "base/rng.h"
#include "engine/ops.h"
#include "measure/features.h"
#include "model/losses.h"
#include "model/model.h"
#include "model/msssim.h"
#include "train/parameters.h"
#include "nets/discriminator.h"

enum { LATTICE = 8 };  /* pixels: upsampling leaves patterns of 2, 4 and 8 */
#define PATH_MOVE 0.01 /* of the mean towards a batch's, as published */

/* ---- initial weights ---- */

idem_stylegan2_dims idem_gan_dims(const idem_gan_recipe *r) {
    idem_stylegan2_dims dims = {
        .size = (int)r->size, .z_dim = (int)r->z_dim, .w_dim = (int)r->w_dim, .mapping_layers = (int)r->mapping_layers};
    for (int i = 0; i < IDEM_STYLEGAN2_RESOLUTIONS; i++)
        dims.widths[i] = idem_gan_width(r->width, r->width_max, i);
    return dims;
}

int idem_gan_init(idem_weights *w, const idem_gan_recipe *r) {
    const idem_stylegan2_dims dims = idem_gan_dims(r);
    int d_widths[IDEM_STYLEGAN2_RESOLUTIONS];
    for (int i = 0; i < IDEM_STYLEGAN2_RESOLUTIONS; i++)
        d_widths[i] = idem_gan_width(r->d_width, r->d_width_max, i);
    idem_rng g = idem_rng_make(r->seed, "gan.init.g"), d = idem_rng_make(r->seed, "gan.init.d");
    if (idem_stylegan2_init(w, IDEM_GAN_G, &dims, &g) ||
        idem_discriminator_init(w, IDEM_GAN_D, (int)r->size, d_widths, &d))
        return -1;
    idem_rng pose = idem_rng_make(r->seed, "gan.init.heads"), mobilenet = idem_rng_make(r->seed, "gan.init.mobilenet");
    return (r->features > 0 && idem_gan_heads_init(w, &idem_gan_heads_pose, &pose)) ||
                   (r->features_mobilenet > 0 && idem_gan_heads_init(w, &idem_gan_heads_mobilenet, &mobilenet))
               ? -1
               : 0;
}

/* ---- the losses ---- */

static void make_inputs(idem_gan_graph *t, const idem_gan_recipe *r) {
    idem_graph *g = t->graph;
    const int64_t batch = t->part.batch;
    t->real = idem_input(g, "real", IDEM_SHAPE(batch, 3, r->size, r->size));
    t->z = idem_input(g, "z", IDEM_SHAPE(2 * batch, t->about.z_dim));
    t->mix = idem_input(g, "mix", IDEM_SHAPE(batch, t->about.n_ws, 1));
    t->augment_real = idem_input(g, "augment_real", IDEM_SHAPE(batch, IDEM_AUGMENT_NUMBERS));
    t->augment_made = idem_input(g, "augment_made", IDEM_SHAPE(batch, IDEM_AUGMENT_NUMBERS));
    if (r->rebuild > 0) {
        t->known_ws = idem_input(g, "known_ws", IDEM_SHAPE(r->rebuild_batch, t->about.n_ws, t->about.w_dim));
        t->known = idem_input(g, "known", IDEM_SHAPE(r->rebuild_batch, 3, r->size, r->size));
    }
    for (int i = 0; i < t->about.n_noise; i++) {
        const int side = idem_stylegan2_noise_side(i);
        t->noise[i] = idem_input(g, "noise", IDEM_SHAPE(batch, 1, side, side));
    }
}

/* w1 + mix (w2 - w1): [batch, L, W] of w [2 batch, W] */
static idem_node *mixed(idem_node *mix, idem_node *w, int64_t batch) {
    if (!w)
        return NULL;
    idem_node *half[2];
    for (int i = 0; i < 2; i++)
        half[i] = idem_reshape(idem_slice(w, 0, i * batch, batch, 1), IDEM_SHAPE(batch, 1, w->shape.d[1]));
    return idem_add(half[0], idem_mul(mix, idem_sub(half[1], half[0])));
}

/* w of z; a mapping network that follows known codes does not learn. */
static idem_node *mapped(idem_binder *b, const idem_stylegan2 *about, idem_node *z, const idem_gan_recipe *r) {
    idem_node *w = idem_stylegan2_mapping(b, about, z);
    return w && r->rebuild_mapping ? idem_stop_gradient(w) : w;
}

static idem_node *generate(idem_gan_graph *t, idem_weights *w, const idem_gan_recipe *r) {
    const int64_t batch = t->part.batch;
    idem_binder b = idem_binder_make(t->graph, w, IDEM_GAN_G, true);
    idem_node *ws = mixed(t->mix, mapped(&b, &t->about, t->z, r), batch);
    if (t->known_ws) { /* they replace the last pictures of the batch */
        const int64_t fresh = batch - t->known_ws->shape.d[0];
        ws = idem_concat((idem_node *const[]){idem_slice(ws, 0, 0, fresh, 1), t->known_ws}, 2, 0);
    }
    idem_node *pictures = idem_stylegan2_synthesis(&b, &t->about, ws, t->noise);
    return pictures && !idem_stylegan2_finish(&b, &t->about) ? pictures : NULL;
}

/* The loss on path lengths, through another copy of G with operators that can be differentiated twice. */
static idem_node *path_lengths(idem_gan_graph *t, idem_weights *w, const idem_gan_recipe *r) {
    const int64_t batch = t->part.batch, n = batch > 1 ? batch / 2 : 1;
    idem_stylegan2 about = t->about;
    about.twice = true;
    idem_binder b = idem_binder_make(t->graph, w, IDEM_GAN_G, true);
    idem_node *z[2], *noise[IDEM_GAN_PLANES], *slope;
    for (int i = 0; i < 2; i++)
        z[i] = idem_slice(t->z, 0, i * batch, n, 1);
    for (int i = 0; i < about.n_noise; i++)
        noise[i] = idem_slice(t->noise[i], 0, 0, n, 1);
    idem_node *ws = mixed(idem_slice(t->mix, 0, 0, n, 1), mapped(&b, &about, idem_concat(z, 2, 0), r), n);
    idem_node *pictures = idem_stylegan2_synthesis(&b, &about, ws, noise);
    t->path_noise = idem_input(t->graph, "path_noise", IDEM_SHAPE(n, 3, r->size, r->size));
    t->path_mean = idem_input(t->graph, "path_mean", IDEM_SHAPE(1));
    idem_node *sum = idem_scale(idem_sum_all(idem_mul(pictures, t->path_noise)), 1 / (float)r->size);
    if (!sum || idem_gradients(sum, &ws, 1, &slope))
        return NULL;
    idem_node *lengths = idem_unary(
        idem_reshape(idem_reduce_sum(idem_square(slope), IDEM_SHAPE(n, 1, 1), 1 / (float)about.n_ws), IDEM_SHAPE(n)),
        IDEM_UNARY_SQRT, 0, 0);
    idem_node *mean = idem_reduce_sum(lengths, IDEM_SHAPE(1), (float)PATH_MOVE / (float)(n * t->part.ranks));
    if (t->part.ranks > 1)
        mean = idem_shared_sum(mean, &t->batch.sharing);
    t->path_moved = idem_add(idem_scale(t->path_mean, 1 - (float)PATH_MOVE), mean);
    return idem_scale(idem_mean_all(idem_square(idem_sub(lengths, t->path_moved))), (float)r->path);
}

static idem_node *judge(idem_gan_graph *t, idem_weights *w, idem_node *x, int parts) {
    idem_binder b = idem_binder_make(t->graph, w, IDEM_GAN_D, true);
    idem_node *logits = idem_discriminator(&b, x, parts);
    return logits && !idem_discriminator_finish(&b) ? logits : NULL;
}

/* Adds a term to a loss, which is NULL before its first. */
static int add_term(idem_node **loss, idem_node *term) {
    *loss = *loss ? idem_add(*loss, term) : term;
    return *loss && term ? 0 : -1;
}

/* The first pictures of a batch, blurred, and translated at random. If its last pictures are of known codes, half of
 * the result are these, or all of them if they are fewer. */
static idem_node *seen(idem_node *x, const idem_gan_recipe *r, int ranks, const char *name, idem_node **shift) {
    const int64_t n = (r->features_batch && r->features_batch < r->batch ? r->features_batch : r->batch) / ranks;
    const int64_t fresh = r->batch - (r->rebuild > 0 ? r->rebuild_batch : 0);
    int64_t first = r->rebuild > 0 && fresh > n / 2 ? fresh - n / 2 : 0;
    if (first > r->batch - n)
        first = r->batch - n;
    x = idem_slice(x, 0, first, n, 1);
    x = idem_gan_blurred(x, r->features_blur);
    if (!x || r->features_shift == 0)
        return x;
    *shift = idem_input(x->graph, name, IDEM_SHAPE(n, IDEM_AUGMENT_NUMBERS));
    return idem_augment(x, *shift);
}

static int see_pose(idem_node *const x[2], idem_node *features[2][IDEM_GAN_HEADS_MOST]) {
    idem_onnx *network;
    char path[4096];
    if (idem_models_find(path, sizeof path, NULL, "fr_pose.onnx"))
        return idem_fail_more("%s; or, in a new folder, train without heads on its features: settings.features=0",
                              idem_error());
    if (idem_onnx_load(&network, path))
        return -1;
    const int status =
        idem_gan_features_pose(network, x[0], features[0]) || idem_gan_features_pose(network, x[1], features[1]);
    idem_onnx_free(network);
    return status ? -1 : 0;
}

static int see_mobilenet(idem_gan_graph *t, idem_node *const x[2], idem_node *features[2][IDEM_GAN_HEADS_MOST]) {
    return (!t->mobilenet && idem_features_load_mobilenet(&t->mobilenet, NULL)) ||
                   idem_gan_features_mobilenet(t->mobilenet, x[0], features[0]) ||
                   idem_gan_features_mobilenet(t->mobilenet, x[1], features[1])
               ? -1
               : 0;
}

/* Adds the mean loss of a set of heads to D's loss and, times weight, to G's. features: of real and of generated
 * pictures. */
static int add_heads(idem_gan_graph *t, idem_weights *w, const idem_gan_head_set *set, double weight,
                     idem_node *features[2][IDEM_GAN_HEADS_MOST]) {
    idem_node *logits[2][IDEM_GAN_HEADS_MOST], *d = NULL, *g = NULL;
    for (int made = 0; made < 2; made++)
        if (idem_gan_heads(set, t->graph, w, features[made], logits[made]))
            return -1;
    for (int i = 0; i < set->n; i++)
        if (add_term(&d, idem_critic_loss(logits[0][i], logits[1][i])) ||
            add_term(&g, idem_bce_logits(logits[1][i], true)))
            return -1;
    d = idem_scale(d, 1 / (float)set->n);
    return add_term(&t->heads, d) || add_term(&t->d.loss, d) ||
                   add_term(&t->g.loss, idem_scale(g, (float)weight / (float)set->n))
               ? -1
               : 0;
}

static int build_heads(idem_gan_graph *t, idem_weights *w, const idem_gan_recipe *r, idem_node *shown,
                       idem_node *made) {
    idem_node *const x[2] = {seen(shown, r, t->part.ranks, "shift_real", &t->shift_real),
                             seen(made, r, t->part.ranks, "shift_made", &t->shift_made)};
    idem_node *features[2][IDEM_GAN_HEADS_MOST];
    return (r->features > 0 &&
            (see_pose(x, features) || add_heads(t, w, &idem_gan_heads_pose, r->features, features))) ||
                   (r->features_mobilenet > 0 &&
                    (see_mobilenet(t, x, features) ||
                     add_heads(t, w, &idem_gan_heads_mobilenet, r->features_mobilenet, features)))
               ? -1
               : 0;
}

/* Features [N, C, h, w] divided by their length over the channels at each place. */
static idem_node *directions(idem_node *x) {
    if (!x)
        return NULL;
    const idem_shape places = IDEM_SHAPE(x->shape.d[0], 1, x->shape.d[2], x->shape.d[3]);
    return idem_mul(x, idem_rsqrt(idem_affine(idem_reduce_sum(idem_square(x), places, 1), 1, 1e-6f)));
}

/* The perceptual distance of Zhang et al. 2018 ("The Unreasonable Effectiveness of Deep Features as a Perceptual
 * Metric"), on MobileNetV2's features and without trained weights: per layer the mean over places of the squared
 * difference of the features' directions, mean over layers. Both pictures are moved alike. */
static idem_node *unlike(idem_gan_graph *t, const idem_gan_recipe *r, idem_node *x, idem_node *y) {
    const int layers = idem_gan_heads_mobilenet.n;
    idem_node *features[2][IDEM_GAN_HEADS_MOST], *sum = NULL;
    if (r->features_shift > 0 && !t->shift_known)
        t->shift_known = idem_input(t->graph, "shift_known", IDEM_SHAPE(r->rebuild_batch, IDEM_AUGMENT_NUMBERS));
    if (t->shift_known) {
        x = idem_augment(x, t->shift_known);
        y = idem_augment(y, t->shift_known);
    }
    if (see_mobilenet(t, (idem_node *const[]){x, y}, features))
        return NULL;
    for (int i = 0; i < layers; i++) {
        idem_node *difference = idem_sub(directions(features[0][i]), directions(features[1][i]));
        const float channels = (float)idem_gan_heads_mobilenet.channels[i];
        if (add_term(&sum, idem_scale(idem_mean_all(idem_square(difference)), channels / (float)layers)))
            return NULL;
    }
    return sum;
}

/* Mean |difference of neighbours|, in rows and in columns: it sees a hatch of one level, to which mean |x - y| is blind
 * where the pictures differ by more, and structural similarity too. */
static idem_node *roughness(idem_node *x) {
    idem_node *sum = NULL;
    for (int axis = 2; axis < 4 && x; axis++) {
        const int64_t n = x->shape.d[axis] - 1;
        if (add_term(&sum,
                     idem_mean_all(idem_abs(idem_sub(idem_slice(x, axis, 1, n, 1), idem_slice(x, axis, 0, n, 1))))))
            return NULL;
    }
    return sum;
}

/* Of the pictures generated from known codes, in [0, 1]: 1 - MS-SSIM + mean |x - y|, and weighted the roughness of x -
 * y and the distance of their features. */
static idem_node *rebuilt(idem_gan_graph *t, const idem_gan_recipe *r, idem_node *painted) {
    idem_node *both[2] = {painted, t->known}, *sum = NULL;
    for (int i = 0; i < 2; i++)
        both[i] = idem_affine(both[i], 0.5f, 0.5f);
    idem_node *difference = idem_sub(both[0], both[1]);
    return add_term(&sum, idem_mean_all(idem_one_minus_msssim(both[0], both[1]))) ||
                   add_term(&sum, idem_mean_all(idem_abs(difference))) ||
                   (r->rebuild_edges > 0 &&
                    add_term(&sum, idem_scale(roughness(difference), (float)r->rebuild_edges))) ||
                   (r->rebuild_features > 0 &&
                    add_term(&sum, idem_scale(unlike(t, r, painted, t->known), (float)r->rebuild_features)))
               ? NULL
               : sum;
}

/* A copy of G for known codes only. */
static idem_node *rebuilt_alone(idem_gan_graph *t, idem_weights *w, const idem_gan_recipe *r) {
    const int64_t n = t->known->shape.d[0];
    idem_binder b = idem_binder_make(t->graph, w, IDEM_GAN_G, true);
    idem_node *noise[IDEM_GAN_PLANES];
    for (int i = 0; i < t->about.n_noise; i++)
        noise[i] = idem_slice(t->noise[i], 0, 0, n, 1);
    return rebuilt(t, r, idem_stylegan2_synthesis(&b, &t->about, t->known_ws, noise));
}

/* The losses of the discriminator of pictures, and its part in G's. */
static int build_discriminator(idem_gan_graph *t, idem_weights *w, const idem_gan_recipe *r, idem_node *shown,
                               idem_node *made) {
    const int64_t batch = t->part.batch;
    idem_node *both = judge(t, w, idem_concat((idem_node *const[]){shown, made}, 2, 0), 2);
    idem_node *real = idem_slice(both, 0, 0, batch, 1);
    t->d.loss = idem_critic_loss(real, idem_slice(both, 0, batch, batch, 1));
    t->sign = idem_mean_all(idem_unary(real, IDEM_UNARY_SIGN, 0, 0));
    t->r1.loss = idem_r1(judge(t, w, shown, 1), t->real, (float)r->gamma);
    t->g.loss = idem_scale(idem_bce_logits(judge(t, w, made, 1), true), (float)r->d_weight);
    return t->d.loss && t->sign && t->r1.loss && t->g.loss ? 0 : -1;
}

static int build_losses(idem_gan_graph *t, idem_weights *w, const idem_gan_recipe *r) {
    const int64_t batch = t->part.batch;
    idem_node *painted = generate(t, w, r);
    idem_node *made = idem_augment(painted, t->augment_made);
    idem_node *shown = idem_augment(t->real, t->augment_real);
    if (!made || !shown || (r->d_weight > 0 && build_discriminator(t, w, r, shown, made)))
        return -1;
    if (r->rebuild > 0) {
        t->rebuilt = rebuilt(t, r, idem_slice(painted, 0, batch - r->rebuild_batch, r->rebuild_batch, 1));
        if (r->rebuild_first > 0 && !(t->alone.loss = rebuilt_alone(t, w, r)))
            return -1;
        if (add_term(&t->g.loss, idem_scale(t->rebuilt, (float)r->rebuild)))
            return -1;
    }
    if ((r->features > 0 || r->features_mobilenet > 0) && build_heads(t, w, r, shown, made))
        return -1;
    return r->path > 0 && !(t->path.loss = path_lengths(t, w, r)) ? -1 : 0;
}

/* ---- the steps ---- */

/* factor: of the loss */
static int make_step(idem_gan_step *s, idem_graph *g, idem_weights *w, double factor, const char *prefix,
                     const char *other, const char *adam, double beta2, const idem_plan_options *options) {
    idem_parameters p;
    if (idem_parameters_collect(&p, g, w, prefix, other))
        return -1;
    p.input = s->input;
    if (!(s->adam = idem_parameters_optimiser(&p, idem_scale(s->loss, (float)factor), w, adam)))
        return -1;
    idem_adam_set(s->adam, 0, beta2, 1e-8);
    idem_node **targets = idem_arena_array(idem_graph_arena(g), (size_t)p.n + 4, sizeof *targets);
    if (!targets)
        return -1;
    memcpy(targets, p.grads, (size_t)p.n * sizeof *targets);
    targets[p.n++] = s->loss;
    for (int i = 0; i < 2; i++)
        if (s->also[i])
            targets[p.n++] = s->also[i];
    if ((s->slope = p.slope))
        targets[p.n++] = p.slope;
    s->plan = idem_plan_new(targets, p.n, options);
    return s->plan ? 0 : -1;
}

int idem_gan_graph_build(idem_gan_graph *t, idem_weights *w, const idem_gan_recipe *r, const idem_world *world,
                         const idem_plan_options *options) {
    *t = (idem_gan_graph){.graph = idem_graph_new()};
    idem_world_batch_open(&t->batch, world ? world : idem_world_alone());
    if (!t->graph || idem_stylegan2_open(&t->about, w, IDEM_GAN_G) ||
        idem_gan_part_make(&t->part, r, idem_world_rank(t->batch.world), idem_world_size(t->batch.world)))
        return -1;
    make_inputs(t, r);
    if (build_losses(t, w, r))
        return -1;
    const double d_beta2 = pow(0.99, idem_gan_d_share(r)), g_beta2 = pow(0.99, idem_gan_g_share(r));
    idem_plan_options shared = options ? *options : (idem_plan_options){0};
    t->d.also[0] = t->sign;
    t->d.also[1] = t->heads;
    t->g.also[0] = t->rebuilt;
    t->path.also[0] = t->path_moved;
    t->alone.input = r->rebuild_rate > 0 ? t->known_ws : NULL;
    if (t->r1.loss && make_step(&t->r1, t->graph, w, (double)r->r1_every, IDEM_GAN_D, NULL, "adam_d", d_beta2, &shared))
        return -1;
    shared.share = t->r1.plan;
    if (make_step(&t->d, t->graph, w, 1, IDEM_GAN_D, IDEM_GAN_HEADS_PREFIX, "adam_d", d_beta2, &shared))
        return -1;
    shared.share = idem_gan_graph_owner(t);
    return make_step(&t->g, t->graph, w, 1, IDEM_GAN_G, NULL, "adam_g", g_beta2, &shared) ||
                   (t->alone.loss &&
                    make_step(&t->alone, t->graph, w, 1, IDEM_GAN_G, NULL, "adam_g", g_beta2, &shared)) ||
                   (r->path > 0 && make_step(&t->path, t->graph, w, (double)r->path_every, IDEM_GAN_G, NULL, "adam_g",
                                             g_beta2, &shared))
               ? -1
               : 0;
}

idem_plan *idem_gan_graph_owner(const idem_gan_graph *t) {
    return t->r1.plan ? t->r1.plan : t->d.plan;
}

int idem_gan_graph_run(idem_gan_graph *t, idem_gan_step *s) {
    idem_node *node[3] = {s->loss};
    const idem_adam *const adam[1] = {s->adam};
    int n = 1;
    for (int i = 0; i < 2; i++)
        if (s->also[i])
            node[n++] = s->also[i];
    return idem_world_batch_run(&t->batch, s->plan, node, n, adam, 1);
}

void idem_gan_graph_free(idem_gan_graph *t) {
    idem_world_batch_close(&t->batch);
    idem_gan_step *steps[] = {&t->g, &t->alone, &t->path, &t->d, &t->r1}; /* the buffer's owner is last */
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        idem_adam_free(steps[i]->adam);
        idem_plan_free(steps[i]->plan);
    }
    if (t->graph)
        idem_graph_free(t->graph);
    idem_weights_free(t->mobilenet);
}
