#include "model/pipe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finite.h"
#include "engine/ops.h"
#include "engine/threads.h"

struct idem_pipe {
    idem_pipe_kind kind;
    const char *generator; /* the model's file */
    idem_graph *graph;
    idem_plan *plan;
    int batch, n_in, n_out;
    idem_node *in[IDEM_PIPE_PORTS], *out[IDEM_PIPE_PORTS];
};

static idem_node *input_rows(idem_pipe *p, const char *name, int width) {
    return p->in[p->n_in++] = idem_input(p->graph, name, IDEM_SHAPE(p->batch, width));
}

static idem_node *input_picture(idem_pipe *p, const char *name, int size) {
    return p->in[p->n_in++] = idem_input(p->graph, name, IDEM_SHAPE(p->batch, 3, size, size));
}

static void build(idem_pipe *p, idem_model *m, idem_pipe_kind kind, float psi) {
    const idem_model_info *info = idem_model_about(m);
    idem_node *w = NULL, *id, *attr;
    switch (kind) {
    case IDEM_PIPE_MAPPING:
    case IDEM_PIPE_SAMPLE:
        w = idem_model_truncate(m, idem_model_mapping(m, input_rows(p, "z", info->z_dim)), psi);
        p->out[p->n_out++] = w;
        if (kind == IDEM_PIPE_SAMPLE)
            p->out[p->n_out++] = idem_model_picture(m, w);
        break;
    case IDEM_PIPE_PICTURE:
        p->out[p->n_out++] = idem_model_picture(m, input_rows(p, "w", info->w_dim));
        break;
    case IDEM_PIPE_LAYERS:
        p->in[p->n_in++] = idem_input(p->graph, "ws", IDEM_SHAPE(p->batch, info->layers, info->w_dim));
        p->out[p->n_out++] = idem_model_picture(m, p->in[0]);
        break;
    case IDEM_PIPE_IDENTITY:
        p->out[p->n_out++] = idem_model_identity(m, input_picture(p, "x", info->size));
        break;
    case IDEM_PIPE_LANDMARKS:
        p->out[p->n_out++] = idem_model_landmarks(m, input_picture(p, "x", info->size));
        break;
    case IDEM_PIPE_ATTRIBUTES:
        p->out[p->n_out++] = idem_model_attributes(m, input_picture(p, "x", info->size), NULL);
        break;
    case IDEM_PIPE_CODE:
    case IDEM_PIPE_MAP:
    case IDEM_PIPE_COMPOSE:
        if (kind != IDEM_PIPE_COMPOSE) {
            id = input_rows(p, "id", info->id_dim);
            attr = input_rows(p, "attr", info->attr_dim);
        } else {
            id = idem_model_identity(m, input_picture(p, "x_id", info->size));
            attr = idem_model_attributes(m, input_picture(p, "x_attr", info->size), NULL);
        }
        w = idem_model_map(m, id, attr, false);
        p->out[p->n_out++] = w;
        if (kind != IDEM_PIPE_CODE)
            p->out[p->n_out++] = idem_model_picture(m, w);
        break;
    }
}

idem_pipe *idem_pipe_new(idem_model *m, idem_pipe_kind kind, int batch, float psi, const idem_plan_options *options) {
    idem_pipe *p = calloc(1, sizeof *p);
    if (!p)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a pipe");
    p->kind = kind;
    p->generator = idem_model_about(m)->path;
    p->batch = batch;
    p->graph = idem_graph_new();
    if (p->graph) {
        const idem_team before =
            idem_team_enter(options ? options->threads : 0); /* graphs also depend on the thread count */
        idem_model_build_begin(m);
        build(p, m, kind, psi);
        idem_model_build_end(m);
        p->plan = idem_plan_new(p->out, p->n_out, options);
        idem_team_leave(&before);
    }
    if (!p->plan) {
        idem_pipe_free(p);
        return NULL;
    }
    return p;
}

void idem_pipe_free(idem_pipe *p) {
    if (!p)
        return;
    idem_plan_free(p->plan);
    idem_graph_free(p->graph);
    free(p);
}

static size_t item_size(const idem_pipe *p, const idem_node *n) {
    return (size_t)idem_shape_count(&n->shape) / (size_t)p->batch;
}

size_t idem_pipe_in_size(const idem_pipe *p, int i) {
    return i < p->n_in ? item_size(p, p->in[i]) : 0;
}

size_t idem_pipe_out_size(const idem_pipe *p, int i) {
    return i < p->n_out ? item_size(p, p->out[i]) : 0;
}

idem_plan *idem_pipe_plan(const idem_pipe *p) {
    return p->plan;
}

/* The network of an output, for messages. */
static void name_network(const idem_pipe *p, int output, char *text, size_t size) {
    switch (p->kind) {
    case IDEM_PIPE_IDENTITY:
        snprintf(text, size, "the recogniser");
        return;
    case IDEM_PIPE_LANDMARKS:
        snprintf(text, size, "the landmark network");
        return;
    case IDEM_PIPE_ATTRIBUTES:
        snprintf(text, size, "the mapper's attribute encoder");
        return;
    case IDEM_PIPE_CODE:
    case IDEM_PIPE_MAP:
    case IDEM_PIPE_COMPOSE:
        snprintf(text, size, output ? "the generator %s" : "the mapper for %s", p->generator);
        return;
    case IDEM_PIPE_MAPPING:
    case IDEM_PIPE_SAMPLE:
        snprintf(text, size, output ? "the generator %s" : "the mapping network of %s", p->generator);
        return;
    case IDEM_PIPE_PICTURE:
    case IDEM_PIPE_LAYERS:
        snprintf(text, size, "the generator %s", p->generator);
        return;
    }
}

/* The message names the first network with a wrong output, so unrequested outputs are checked too. */
static int check_outputs(const idem_pipe *p, size_t count) {
    for (int i = 0; i < p->n_out; i++) {
        const float *x = idem_plan_value(p->plan, p->out[i]);
        const size_t n = count * item_size(p, p->out[i]);
        char name[4200];
        if (idem_find_not_finite(x, n) == n)
            continue;
        name_network(p, i, name, sizeof name);
        return idem_check_finite(x, n, name);
    }
    return 0;
}

int idem_pipe_run(idem_pipe *p, size_t n, const float *const *in, float *const *out) {
    for (size_t first = 0; first < n; first += (size_t)p->batch) {
        size_t count = n - first < (size_t)p->batch ? n - first : (size_t)p->batch;
        for (int i = 0; i < p->n_in; i++) {
            size_t size = item_size(p, p->in[i]);
            memcpy(p->in[i]->leaf, in[i] + first * size, count * size * sizeof(float));
            const size_t at = idem_find_not_finite(p->in[i]->leaf, count * size);
            if (at < count * size)
                return idem_fail("input %s: number %zu of item %zu is %f, expected finite numbers", p->in[i]->name,
                                 at % size, first + at / size, (double)p->in[i]->leaf[at]);
        }
        if (idem_plan_run(p->plan) || check_outputs(p, count))
            return -1;
        for (int i = 0; i < p->n_out; i++) {
            size_t size = item_size(p, p->out[i]);
            if (out[i])
                memcpy(out[i] + first * size, idem_plan_value(p->plan, p->out[i]), count * size * sizeof(float));
        }
    }
    return 0;
}
