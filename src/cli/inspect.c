#define _GNU_SOURCE
#include "cli/inspect.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/status.h"
#include "cli/json.h"
#include "cli/registry.h"
#include "format/bytes.h"
#include "format/onnx.h"
#include "format/weights.h"
#include "nets/identify.h"

enum { NETWORKS = 32 };

/* ---- what is known of it ---- */

/* Into root's lists of networks that fit and that do not. */
static void add_networks(json_t *root, const idem_network *found, int n) {
    json_t *fits = json_array(), *misfits = json_array();
    for (int i = 0; i < n; i++) {
        const idem_network *f = &found[i];
        char text[480];
        snprintf(text, sizeof text, *f->prefix ? "%s (%s): %s" : "%s%s: %s", f->name, f->prefix, f->about);
        json_array_append_new(f->fits ? fits : misfits, idem_json_name(text));
    }
    json_object_set_new(root, "networks", fits);
    json_object_set_new(root, "misfits", misfits);
}

/* The registry's line about a file with this hash; NULL when it has none. */
static json_t *find_in_registry(const char *hash) {
    idem_arena *a = idem_arena_new();
    idem_registry r = {0};
    json_t *found = NULL;
    if (a && idem_registry_open(&r, a, NULL) == 0)
        for (int i = 0; i < r.n && !found; i++)
            for (int k = 0; k < r.models[i].n_files && !found; k++)
                if (!strcmp(r.models[i].files[k].sha256, hash))
                    found = json_sprintf("%s: %s", r.models[i].name, r.models[i].what);
    idem_registry_close(&r);
    idem_arena_free(a);
    return found;
}

/* ---- descriptions ---- */

/* object[key] = value, with the key cleaned. */
static void set_clean(json_t *object, const char *key, json_t *value) {
    json_t *clean = idem_json_name(key);
    json_object_set_new(object, json_string_value(clean), value);
    json_decref(clean);
}

static json_t *shape_json(int rank, const int64_t *d) {
    if (rank < 0)
        return json_null();
    json_t *shape = json_array();
    for (int i = 0; i < rank; i++)
        json_array_append_new(shape, json_integer(d[i]));
    return shape;
}

static json_t *tensor_json(const char *name, int rank, const int64_t *d, const char *dtype) {
    return json_pack("{s:o, s:o, s:s}", "name", idem_json_name(name), "shape", shape_json(rank, d), "dtype", dtype);
}

static int describe_weights(json_t *root, const char *path) {
    idem_weights *w;
    if (idem_weights_load(&w, path))
        return -1;
    json_t *tensors = json_array(), *metadata = json_object();
    json_int_t numbers = 0;
    for (size_t i = 0; i < idem_weights_count(w); i++) {
        const idem_weight *t = idem_weights_at(w, i);
        json_array_append_new(tensors, tensor_json(t->name, t->shape.rank, t->shape.d, idem_dtype_name(t->dtype)));
        numbers += idem_shape_count(&t->shape);
    }
    const char *key, *value;
    for (size_t i = 0; idem_weights_meta_at(w, i, &key, &value) == 0; i++)
        set_clean(metadata, key, idem_json_name(value));
    idem_network found[NETWORKS];
    add_networks(root, found, idem_identify(w, found, NETWORKS));
    json_object_set_new(root, "metadata", metadata);
    json_object_set_new(root, "numbers", json_integer(numbers));
    json_object_set_new(root, "tensors", tensors);
    idem_weights_free(w);
    return 0;
}

static json_t *values_json(const idem_onnx_value *values, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(
            list, tensor_json(values[i].name, values[i].rank, values[i].d, values[i].is_float ? "float" : "integer"));
    return list;
}

static int describe_onnx(json_t *root, const char *path) {
    idem_onnx *m;
    if (idem_onnx_load(&m, path))
        return -1;
    json_t *operators = json_object(), *tensors = json_array();
    json_int_t numbers = 0;
    for (size_t i = 0; i < m->n_nodes; i++) {
        json_t *count = json_object_get(operators, m->nodes[i].op_type);
        set_clean(operators, m->nodes[i].op_type, json_integer(json_integer_value(count) + 1));
    }
    for (size_t i = 0; i < m->n_tensors; i++) {
        const idem_onnx_tensor *t = &m->tensors[i];
        json_array_append_new(tensors, tensor_json(t->name, t->shape.rank, t->shape.d, t->f ? "float32" : "int64"));
        numbers += (json_int_t)t->count;
    }
    idem_network found;
    idem_identify_onnx(m, &found);
    add_networks(root, &found, 1);
    json_object_set_new(root, "metadata",
                        json_pack("{s:o, s:I, s:I}", "producer", idem_json_name(m->producer ? m->producer : ""),
                                  "opset", (json_int_t)m->opset, "ir_version", (json_int_t)m->ir_version));
    json_object_set_new(root, "inputs", values_json(m->inputs, m->n_inputs));
    json_object_set_new(root, "outputs", values_json(m->outputs, m->n_outputs));
    json_object_set_new(root, "operators", operators);
    json_object_set_new(root, "numbers", json_integer(numbers));
    json_object_set_new(root, "tensors", tensors);
    idem_onnx_free(m);
    return 0;
}

/* ---- text ---- */

static void print_tensors(const char *title, const json_t *list) {
    size_t i, k;
    json_t *t, *d;
    if (!json_array_size(list))
        return;
    printf("%s\n", title);
    json_array_foreach(list, i, t) {
        char shape[128] = "[";
        size_t n = 1;
        const json_t *axes = json_object_get(t, "shape");
        json_array_foreach(axes, k, d) if (n < sizeof shape - 32) n +=
            (size_t)snprintf(shape + n, sizeof shape - n, k ? ", %lld" : "%lld", (long long)json_integer_value(d));
        printf("  %-52s %-22s %s\n", json_string_value(json_object_get(t, "name")),
               json_is_null(axes) ? "any shape" : strcat(shape, "]"), json_string_value(json_object_get(t, "dtype")));
    }
}

static void print_pairs(const char *title, json_t *object) {
    const char *key;
    json_t *value;
    if (!json_object_size(object))
        return;
    printf("%s\n", title);
    json_object_foreach(object, key, value) {
        if (json_is_string(value))
            printf("  %s = %s\n", key, json_string_value(value));
        else
            printf("  %s = %lld\n", key, (long long)json_integer_value(value));
    }
}

static void print_text(const json_t *root) {
    size_t i;
    json_t *network;
    printf("%s: %s, %.2f MB, %lld numbers in %zu tensors\n", json_string_value(json_object_get(root, "file")),
           json_string_value(json_object_get(root, "format")),
           (double)json_integer_value(json_object_get(root, "bytes")) * 1e-6,
           (long long)json_integer_value(json_object_get(root, "numbers")),
           json_array_size(json_object_get(root, "tensors")));
    printf("SHA-256 %s\n", json_string_value(json_object_get(root, "sha256")));
    if (json_object_get(root, "registry"))
        printf("known as %s\n", json_string_value(json_object_get(root, "registry")));
    json_array_foreach(json_object_get(root, "networks"), i, network) printf("fits: %s\n", json_string_value(network));
    json_array_foreach(json_object_get(root, "misfits"), i, network)
        printf("does not fit: %s\n", json_string_value(network));
    print_pairs("metadata", json_object_get(root, "metadata"));
    print_tensors("inputs (-1: any size)", json_object_get(root, "inputs"));
    print_tensors("outputs", json_object_get(root, "outputs"));
    print_pairs("operators", json_object_get(root, "operators"));
    print_tensors("tensors", json_object_get(root, "tensors"));
}

/* ---- the file ---- */

/* What the first bytes look like, and the size. */
static int look(const char *path, const char **format, json_int_t *bytes) {
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

static const char ONNX[] = "an ONNX model";

/* The same without the article: "an ONNX model". */
static const char *without_article(const char *s) {
    return !strncmp(s, "an ", 3) ? s + 3 : !strncmp(s, "a ", 2) ? s + 2 : s;
}

int idem_inspect(const char *path, bool as_json) {
    const char *format;
    json_int_t bytes = 0;
    char hash[65];
    if (look(path, &format, &bytes) || idem_sha256_file(path, hash))
        return -1;
    bool onnx = !strcmp(format, ONNX);
    if (!strcmp(format, "a zip archive"))
        format = "PyTorch checkpoint";
    else if (!strcmp(format, "a text file"))
        format = "weights manifest";
    json_t *root = json_pack("{s:o, s:s, s:I, s:s}", "file", idem_json_name(path), "format", without_article(format),
                             "bytes", bytes, "sha256", hash);
    int status = onnx ? describe_onnx(root, path) : describe_weights(root, path);
    json_t *known = find_in_registry(hash);
    if (known)
        json_object_set_new(root, "registry", known);
    if (!status && as_json)
        return idem_json_print(root, 17);
    if (!status)
        print_text(root);
    json_decref(root);
    return status;
}
