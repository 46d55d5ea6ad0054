/* Generators and ONNX networks as work. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops.h"
#include "media/image.h"
#include "nets/onnx_graph.h"
#include "nets/stylegan2.h"
#include "support/fill.h"
#include "support/work.h"

int bench_work_plan(bench_work *w) {
    w->plan =
        idem_plan_new(w->targets, w->n_targets, &(idem_plan_options){.threads = w->threads, .profile = w->profile});
    if (!w->plan)
        return -1;
    w->flops = idem_plan_flops(w->plan);
    w->planned = idem_plan_bytes(w->plan);
    w->pictures = w->batch;
    return 0;
}

/* ---- StyleGAN2, filled ---- */

static int add(idem_weights *w, double a, double b, idem_shape shape, const char *format, const char *path) {
    char name[96];
    snprintf(name, sizeof name, format, path);
    idem_weight *t = idem_weights_add(w, name, shape);
    if (!t)
        return -1;
    fixture_fill(t->data, (size_t)idem_shape_count(&shape), "", name, a, b);
    return 0;
}

static int add_convolution(idem_weights *w, const char *path, int64_t in, int64_t out, int64_t kernel) {
    const double unit = sqrt(3);
    if (add(w, unit, 0, IDEM_SHAPE(1, out, in, kernel, kernel), "%s.conv.weight", path) ||
        add(w, unit, 0, IDEM_SHAPE(in, 512), "%s.conv.modulation.weight", path) ||
        add(w, 0.2, 1, IDEM_SHAPE(in), "%s.conv.modulation.bias", path))
        return -1;
    if (kernel == 1)
        return add(w, 0.2, 0, IDEM_SHAPE(1, 3, 1, 1), "%s.bias", path);
    return add(w, 0.1, 0.1, IDEM_SHAPE(1), "%s.noise.weight", path) ||
                   add(w, 0.2, 0, IDEM_SHAPE(out), "%s.activate.bias", path)
               ? -1
               : 0;
}

static int64_t channels(int side) {
    return 32768 / side < 512 ? 32768 / side : 512;
}

static int fill_generator(idem_weights *w, int size) {
    const double unit = sqrt(3);
    char path[32];
    for (int i = 1; i <= 8; i++) {
        snprintf(path, sizeof path, "style.%d", i);
        if (add(w, 100 * unit, 0, IDEM_SHAPE(512, 512), "%s.weight", path) ||
            add(w, 10, 0, IDEM_SHAPE(512), "%s.bias", path))
            return -1;
    }
    if (add(w, 0.2, 0, IDEM_SHAPE(512), "%s", "latent_avg") ||
        add(w, unit, 0, IDEM_SHAPE(1, 512, 4, 4), "%s", "input.input") || add_convolution(w, "conv1", 512, 512, 3) ||
        add_convolution(w, "to_rgb1", 512, 3, 1) || add(w, unit, 0, IDEM_SHAPE(1, 1, 4, 4), "%s", "noises.noise_0"))
        return -1;
    int layer = 0;
    for (int side = 8; side <= size; side *= 2, layer++) {
        int64_t in = channels(side / 2), out = channels(side);
        for (int i = 0; i < 2; i++) {
            snprintf(path, sizeof path, "convs.%d", 2 * layer + i);
            if (add_convolution(w, path, i ? out : in, out, 3))
                return -1;
            snprintf(path, sizeof path, "noises.noise_%d", 2 * layer + 1 + i);
            if (add(w, unit, 0, IDEM_SHAPE(1, 1, side, side), "%s", path))
                return -1;
        }
        snprintf(path, sizeof path, "to_rgbs.%d", layer);
        if (add_convolution(w, path, out, 3, 1))
            return -1;
    }
    return 0;
}

idem_weights *bench_filled_stylegan2(int side) {
    idem_weights *w = idem_weights_new();
    if (w && !fill_generator(w, side))
        return w;
    idem_weights_free(w);
    return NULL;
}

/* ---- generators ---- */

static idem_node *filled_input(idem_graph *g, const char *name, idem_shape shape, double a, double b) {
    idem_node *n = idem_input(g, name, shape);
    size_t count = (size_t)idem_shape_count(&shape);
    float *values = n ? malloc(count * sizeof *values) : NULL;
    if (!values)
        return NULL;
    fixture_fill(values, count, "", name, a, b);
    idem_node_write(n, values);
    free(values);
    return n;
}

static int prepare_weights(bench_work *w, idem_weights *weights) {
    idem_stylegan2 s;
    idem_graph *g = idem_graph_new();
    if (!weights || !g || idem_stylegan2_open(&s, weights, NULL))
        return -1;
    idem_binder b = idem_binder_make(g, weights, s.prefix, false);
    idem_node *code = w->input = filled_input(g, "input.w", IDEM_SHAPE(w->batch, s.w_dim), 1, 0);
    w->targets[w->n_targets++] = idem_stylegan2_synthesis(&b, &s, code, NULL);
    if (!w->targets[0])
        return -1;
    if (w->c->gradient) {
        idem_node *seed = filled_input(g, "cotangent", w->targets[0]->shape, 1, 0);
        if (!seed || idem_gradients_seeded(w->targets[0], seed, &code, 1, &w->targets[w->n_targets++]))
            return -1;
        w->first_value = 1;
    }
    return bench_work_plan(w);
}

int bench_prepare_stylegan2(bench_work *w) {
    return prepare_weights(w, bench_filled_stylegan2(w->c->side));
}

int bench_prepare_generator(bench_work *w) {
    idem_weights *weights;
    return idem_weights_load(&weights, "tests/fixtures/generator-64.safetensors") ? -1 : prepare_weights(w, weights);
}

/* ---- ONNX ---- */

/* Faces of samples/ in turn, as input of the networks: noise would give some of them values that no picture causes. */
static int fill_with_faces(idem_node *x) {
    const int64_t *d = x->shape.d, one = d[1] * d[2] * d[3];
    enum { FACES = 6 };
    for (int64_t n = 0; n < d[0]; n++) {
        char path[64];
        idem_image whole, face;
        snprintf(path, sizeof path, "samples/identities/%d.png", (int)(n % FACES) + 1);
        if (idem_image_load(&whole, path))
            return -1;
        int status = idem_image_resize(&face, &whole, (int)d[3], (int)d[2]);
        idem_image_free(&whole);
        if (status)
            return -1;
        const uint8_t *p = face.rgb;
        float *to = x->leaf + n * one;
        for (int64_t i = 0; i < one; i++)
            to[i] = d[1] == 3 ? ((float)p[i] - 127) / 128
                              : (0.299f * p[3 * i] + 0.587f * p[3 * i + 1] + 0.114f * p[3 * i + 2]) / 256;
        idem_image_free(&face);
    }
    return 0;
}

int bench_prepare_onnx(bench_work *w) {
    const char *folder = getenv("IDEM_MODELS");
    char path[512];
    snprintf(path, sizeof path, "%s/%s.onnx", folder ? folder : "models/cache", w->c->file);
    idem_onnx *m;
    if (idem_onnx_load(&m, path))
        return -1;
    idem_graph *g = idem_graph_new();
    const char *names[8];
    if (!g || m->n_inputs != 1 || m->inputs[0].rank != 4 || m->n_outputs > 8)
        return idem_fail("%s: expected one picture and at most 8 outputs", path);
    const int64_t *d = m->inputs[0].d;
    idem_node *x = w->input = idem_input(g, "input", IDEM_SHAPE(w->batch, d[1], d[2], d[3]));
    for (size_t i = 0; i < m->n_outputs; i++)
        names[i] = m->outputs[i].name;
    w->n_targets = (int)m->n_outputs;
    if (!x || fill_with_faces(x) || idem_onnx_build_many(g, m, x, names, w->n_targets, w->targets))
        return -1;
    idem_onnx_free(m);
    return bench_work_plan(w);
}
