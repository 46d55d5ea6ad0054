#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/json.h"
#include "cli/models.h"
#include "idem.h"

/* ---- JSON ---- */

/* Appends to root's lists of networks that fit and that do not fit. */
static void add_networks(json_t *root, const idem_contents *c) {
    json_t *fits = json_array(), *misfits = json_array();
    for (size_t i = 0; i < c->networks; i++) {
        const idem_network_about *f = &c->network[i];
        char text[480];
        snprintf(text, sizeof text, *f->prefix ? "%s (%s): %s" : "%s%s: %s", f->name, f->prefix, f->about);
        json_array_append_new(f->fits ? fits : misfits, idem_json_name(text));
    }
    json_object_set_new(root, "networks", fits);
    json_object_set_new(root, "misfits", misfits);
}

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

static json_t *tensors_json(const idem_tensor_about *t, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_pack("{s:o, s:o, s:s}", "name", idem_json_name(t[i].name), "shape",
                                              shape_json(t[i].rank, t[i].shape), "dtype", t[i].dtype));
    return list;
}

static json_t *metadata_json(const idem_contents *c) {
    if (c->is_onnx)
        return json_pack("{s:o, s:I, s:I}", "producer", idem_json_name(c->producer), "opset", (json_int_t)c->opset,
                         "ir_version", (json_int_t)c->ir_version);
    json_t *metadata = json_object();
    for (size_t i = 0; i < c->metadata_count; i++)
        set_clean(metadata, c->metadata[i].key, idem_json_name(c->metadata[i].value));
    return metadata;
}

static json_t *contents_json(const idem_contents *c, const char *path) {
    json_t *root = json_pack("{s:o, s:s, s:I, s:s}", "file", idem_json_name(path), "format", c->format, "bytes",
                             (json_int_t)c->bytes, "sha256", c->sha256);
    add_networks(root, c);
    json_object_set_new(root, "metadata", metadata_json(c));
    if (c->is_onnx) {
        json_t *operators = json_object();
        for (size_t i = 0; i < c->ops; i++)
            set_clean(operators, c->op[i].name, json_integer(c->op[i].nodes));
        json_object_set_new(root, "inputs", tensors_json(c->input, c->inputs));
        json_object_set_new(root, "outputs", tensors_json(c->output, c->outputs));
        json_object_set_new(root, "operators", operators);
    }
    json_object_set_new(root, "numbers", json_integer(c->numbers));
    json_object_set_new(root, "tensors", tensors_json(c->tensor, c->tensors));
    if (c->known)
        json_object_set_new(root, "registry", json_string(c->known));
    return root;
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

int idem_cli_inspect(const char *path, bool as_json) {
    idem_contents *c = idem_inspect(path);
    json_t *root = c ? contents_json(c, path) : NULL;
    idem_free_contents(c);
    if (root && as_json)
        return idem_json_print(root, 17);
    if (root)
        print_text(root);
    json_decref(root);
    return root ? 0 : -1;
}
