/* The contents of a file of weights (include/idem/models.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/status.h"
#include "format/bytes.h"
#include "format/onnx.h"
#include "format/registry.h"
#include "format/weights.h"
#include "idem.h"
#include "nets/identify.h"

enum { NETWORKS = 32 };

typedef struct {
    idem_contents about; /* first: the caller's pointer */
    idem_arena *arena;   /* lists, and texts without another owner */
    idem_weights *weights;
    idem_onnx *onnx;
} contents;

/* ---- networks ---- */

static int add_networks(contents *c, const idem_network *found, int n) {
    idem_network_about *list = idem_arena_array(c->arena, (size_t)n, sizeof *list);
    if (!list)
        return -1;
    for (int i = 0; i < n; i++) {
        const char *prefix = idem_arena_strdup(c->arena, found[i].prefix),
                   *about = idem_arena_strdup(c->arena, found[i].about);
        if (!prefix || !about)
            return -1;
        list[i] = (idem_network_about){found[i].name, prefix, about, found[i].fits};
    }
    c->about.network = list;
    c->about.networks = (size_t)n;
    return 0;
}

/* The list's entry for a file with this hash; stays NULL without one. */
static void find_in_list(contents *c) {
    idem_registry r;
    if (idem_registry_open(&r, c->arena, NULL))
        return;
    for (int i = 0; i < r.n && !c->about.known; i++)
        for (int k = 0; k < r.models[i].n_files && !c->about.known; k++)
            if (!strcmp(r.models[i].files[k].sha256, c->about.sha256))
                c->about.known = idem_arena_printf(c->arena, "%s: %s", r.models[i].name, r.models[i].what);
    idem_registry_close(&r);
}

/* ---- tensors ---- */

static int describe_weights(contents *c, const char *path) {
    if (idem_weights_load(&c->weights, path))
        return -1;
    const size_t n = idem_weights_count(c->weights);
    size_t texts = 0;
    const char *key, *value;
    while (!idem_weights_meta_at(c->weights, texts, &key, &value))
        texts++;
    idem_tensor_about *tensors = idem_arena_array(c->arena, n, sizeof *tensors);
    idem_metadata *metadata = idem_arena_array(c->arena, texts, sizeof *metadata);
    if (!tensors || !metadata)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const idem_weight *t = idem_weights_at(c->weights, i);
        /* Copied: looking for networks may change a shape. */
        idem_shape *shape = idem_arena_alloc(c->arena, sizeof *shape);
        if (!shape)
            return -1;
        *shape = t->shape;
        tensors[i] = (idem_tensor_about){t->name, idem_dtype_name(t->dtype), shape->rank, shape->d};
        c->about.numbers += idem_shape_count(shape);
    }
    for (size_t i = 0; i < texts; i++)
        idem_weights_meta_at(c->weights, i, &metadata[i].key, &metadata[i].value);
    c->about.tensor = tensors;
    c->about.tensors = n;
    c->about.metadata = metadata;
    c->about.metadata_count = texts;
    idem_network found[NETWORKS];
    return add_networks(c, found, idem_identify(c->weights, found, NETWORKS));
}

static idem_tensor_about *list_values(contents *c, const idem_onnx_value *values, size_t n) {
    idem_tensor_about *list = idem_arena_array(c->arena, n, sizeof *list);
    for (size_t i = 0; list && i < n; i++)
        list[i] =
            (idem_tensor_about){values[i].name, values[i].is_float ? "float" : "integer", values[i].rank, values[i].d};
    return list;
}

typedef struct {
    const char *name;
    size_t first; /* node with this operator */
    int64_t nodes;
} op_count;

static int by_name(const void *a, const void *b) {
    const op_count *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order ? order : (x->first > y->first) - (x->first < y->first);
}

static int by_first(const void *a, const void *b) {
    const op_count *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

/* In the order of the first nodes; a hostile file may have as many operators as nodes. */
static int count_operators(contents *c) {
    const idem_onnx *m = c->onnx;
    op_count *all = idem_arena_array(c->arena, m->n_nodes, sizeof *all);
    if (!all)
        return -1;
    for (size_t i = 0; i < m->n_nodes; i++)
        all[i] = (op_count){m->nodes[i].op_type, i, 1};
    if (m->n_nodes)
        qsort(all, m->n_nodes, sizeof *all, by_name);
    size_t n = 0;
    for (size_t i = 0; i < m->n_nodes; i++)
        if (n && !strcmp(all[n - 1].name, all[i].name))
            all[n - 1].nodes++;
        else
            all[n++] = all[i];
    if (n)
        qsort(all, n, sizeof *all, by_first);
    idem_operator_count *list = idem_arena_array(c->arena, n, sizeof *list);
    for (size_t i = 0; list && i < n; i++)
        list[i] = (idem_operator_count){all[i].name, all[i].nodes};
    c->about.op = list;
    c->about.ops = n;
    return list ? 0 : -1;
}

static int describe_onnx(contents *c, const char *path) {
    if (idem_onnx_load(&c->onnx, path))
        return -1;
    const idem_onnx *m = c->onnx;
    idem_tensor_about *tensors = idem_arena_array(c->arena, m->n_tensors, sizeof *tensors);
    if (!tensors)
        return -1;
    for (size_t i = 0; i < m->n_tensors; i++) {
        const idem_onnx_tensor *t = &m->tensors[i];
        tensors[i] = (idem_tensor_about){t->name, t->f ? "float32" : "int64", t->shape.rank, t->shape.d};
        c->about.numbers += (int64_t)t->count;
    }
    c->about.tensor = tensors;
    c->about.tensors = m->n_tensors;
    c->about.is_onnx = 1;
    c->about.producer = m->producer ? m->producer : "";
    c->about.opset = m->opset;
    c->about.ir_version = m->ir_version;
    c->about.input = list_values(c, m->inputs, m->n_inputs);
    c->about.inputs = m->n_inputs;
    c->about.output = list_values(c, m->outputs, m->n_outputs);
    c->about.outputs = m->n_outputs;
    idem_network found;
    idem_identify_onnx(m, &found);
    return c->about.input && c->about.output && !count_operators(c) ? add_networks(c, &found, 1) : -1;
}

/* ---- the file ---- */

/* The apparent format by the first bytes, and the size. */
static int look(const char *path, const char **format, int64_t *bytes) {
    unsigned char head[4096];
    FILE *f = fopen(path, "rb");
    if (!f)
        return idem_fail("%s: cannot open: %s", path, strerror(errno));
    size_t n = fread(head, 1, sizeof head, f);
    int failed = ferror(f) ? errno : 0;
    if (!failed && fseek(f, 0, SEEK_END) == 0)
        *bytes = ftell(f);
    fclose(f);
    if (failed)
        return idem_fail("%s: cannot read: %s", path, strerror(failed));
    *format = idem_looks_like(head, n);
    return 0;
}

static const char *without_article(const char *s) {
    return !strncmp(s, "an ", 3) ? s + 3 : !strncmp(s, "a ", 2) ? s + 2 : s;
}

static int inspect(contents *c, const char *path) {
    const char *format;
    if (!(c->arena = idem_arena_new()) || look(path, &format, &c->about.bytes) ||
        idem_sha256_file(path, c->about.sha256))
        return -1;
    const bool onnx = !strcmp(format, "an ONNX model");
    c->about.format = !strcmp(format, "a zip archive") ? "PyTorch checkpoint"
                      : !strcmp(format, "a text file") ? "weights manifest"
                                                       : without_article(format);
    if (onnx ? describe_onnx(c, path) : describe_weights(c, path))
        return -1;
    find_in_list(c);
    return 0;
}

idem_contents *idem_inspect(const char *path) {
    if (!path)
        return idem_fail_null("idem_inspect: path is NULL");
    contents *c = calloc(1, sizeof *c);
    if (!c)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for what is in %s", path);
    if (!inspect(c, path))
        return &c->about;
    idem_free_contents(&c->about);
    return NULL;
}

void idem_free_contents(idem_contents *about) {
    contents *c = (contents *)about;
    if (!c)
        return;
    idem_weights_free(c->weights);
    idem_onnx_free(c->onnx);
    idem_arena_free(c->arena);
    free(c);
}
