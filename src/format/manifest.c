/* The weights manifest of TensorFlow.js: a list of groups, {"weights": [{"name", "shape", "dtype", "quantization"},
 * ...], "paths": ["a.bin", ...]}; the values are stored in the order of the list, the shards one after the other. */
#define _GNU_SOURCE
#include "format/weights.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "format/bytes.h"

static const size_t BIN_MOST = (size_t)1 << 30;

static const struct {
    const char *name;
    idem_dtype dtype;
} TYPES[] = {
    {"float32", IDEM_DTYPE_F32}, {"float16", IDEM_DTYPE_F16}, {"int32", IDEM_DTYPE_I32},
    {"uint16", IDEM_DTYPE_U16},  {"uint8", IDEM_DTYPE_U8},    {"bool", IDEM_DTYPE_BOOL},
};

static int find_type(const json_t *j, idem_dtype *dtype) {
    const char *name = json_string_value(j);
    for (size_t i = 0; name && i < sizeof TYPES / sizeof *TYPES; i++)
        if (!strcmp(TYPES[i].name, name)) {
            *dtype = TYPES[i].dtype;
            return 0;
        }
    return -1;
}

static int read_weight(idem_weights *w, const json_t *j, const unsigned char *bin, size_t size, size_t *at,
                       const char *what) {
    const char *name = json_string_value(json_object_get(j, "name"));
    const json_t *shape = json_object_get(j, "shape"), *q = json_object_get(j, "quantization");
    idem_dtype dtype, stored;
    idem_shape s = IDEM_SCALAR;
    if (!name || !json_is_array(shape))
        return idem_fail("%s: an entry of the manifest has no name or no shape", what);
    if (find_type(json_object_get(j, "dtype"), &dtype))
        return idem_fail("%s: tensor %.200s: unknown dtype, expected float32, float16, int32, uint8 or bool", what,
                         name);
    if (json_array_size(shape) > IDEM_MAX_RANK)
        return idem_fail("%s: tensor %.200s: rank %zu, expected at most %d", what, name, json_array_size(shape),
                         IDEM_MAX_RANK);
    s.rank = (int)json_array_size(shape);
    for (int i = 0; i < s.rank; i++) {
        const json_t *d = json_array_get(shape, (size_t)i);
        if (!json_is_integer(d) || json_integer_value(d) < 1)
            return idem_fail("%s: tensor %.200s: dimension %d is not a whole number from 1 up", what, name, i);
        s.d[i] = json_integer_value(d);
    }
    stored = dtype;
    if (q && find_type(json_object_get(q, "dtype"), &stored))
        return idem_fail("%s: tensor %.200s: unknown quantization, expected uint8, uint16 or float16", what, name);
    const json_t *scale = json_object_get(q, "scale"), *min = json_object_get(q, "min");
    bool linear = stored == IDEM_DTYPE_U8 || stored == IDEM_DTYPE_U16;
    if (q && linear && (!json_is_number(scale) || !json_is_number(min)))
        return idem_fail("%s: tensor %.200s: its quantization lacks scale and min", what, name);
    char text[64];
    int64_t count;
    size_t bytes;
    if (!idem_shape_elements(&s, &count) || __builtin_mul_overflow((size_t)count, idem_dtype_size(stored), &bytes) ||
        bytes > size - *at)
        return idem_fail("%s: tensor %.200s %s of %s does not fit in the %zu bytes left of %zu: the .bin file is "
                         "truncated or belongs to another manifest",
                         what, name, idem_shape_text(&s, text), idem_dtype_name(stored), size - *at, size);
    idem_weight *t = idem_weights_add_from(w, what, name, s);
    if (!t)
        return -1;
    t->dtype = stored;
    idem_dtype_read(t->data, bin + *at, stored, (size_t)count);
    *at += bytes;
    if (q && linear) {
        double by = json_number_value(scale), from = json_number_value(min);
        for (int64_t i = 0; i < count; i++)
            t->data[i] = (float)(t->data[i] * by + from);
    }
    return 0;
}

static json_t *parse_json(const unsigned char *json, size_t size, const char *what) {
    json_error_t error;
    if (idem_json_check(json, size, what))
        return NULL;
    json_t *root = json_loadb((const char *)json, size, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return idem_fail_null("%s: not a weights manifest: line %d: %s", what, error.line, error.text);
    if (!json_is_array(root) || !json_is_array(json_object_get(json_array_get(root, 0), "weights"))) {
        json_decref(root);
        return idem_fail_null("%s: JSON, but not a weights manifest: expected a list of groups with \"weights\" and "
                              "\"paths\"",
                              what);
    }
    return root;
}

static int read_groups(idem_weights **out, const json_t *root, const unsigned char *bin, size_t size,
                       const char *what) {
    idem_weights *w = idem_weights_new();
    if (!w)
        return -1;
    size_t g, i, at = 0;
    json_t *group, *entry;
    json_array_foreach(root, g, group) {
        json_array_foreach(json_object_get(group, "weights"), i, entry) {
            if (read_weight(w, entry, bin, size, &at, what)) {
                idem_weights_free(w);
                return -1;
            }
        }
    }
    if (at != size) {
        idem_weights_free(w);
        return idem_fail("%s: the tensors take %zu bytes, the .bin files hold %zu: they do not belong together", what,
                         at, size);
    }
    *out = w;
    return 0;
}

int idem_manifest_parse(idem_weights **out, const unsigned char *json, size_t json_size, const unsigned char *bin,
                        size_t bin_size, const char *what) {
    json_t *root = parse_json(json, json_size, what);
    if (!root)
        return -1;
    int status = read_groups(out, root, bin, bin_size, what);
    json_decref(root);
    return status;
}

/* Appends one shard, a plain file name beside the manifest. */
static int append_shard(unsigned char **bin, size_t *size, const char *json_path, const char *name) {
    if (!name || !*name || strchr(name, '/') || *name == '.')
        return idem_fail("%s: a path of the manifest is not a plain file name: %s", json_path,
                         name ? name : "not text");
    const char *slash = strrchr(json_path, '/');
    char *dir = slash ? strndup(json_path, (size_t)(slash - json_path + 1)) : strdup(".");
    char *path = dir ? idem_path_join(dir, name) : NULL;
    free(dir);
    if (!path)
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory", json_path);
    unsigned char *shard;
    size_t n;
    int status = idem_file_read(path, BIN_MOST, &shard, &n);
    free(path);
    if (status)
        return -1;
    if (n > BIN_MOST - *size) {
        free(shard);
        return idem_fail("%s: its .bin files hold more than %zu bytes", json_path, BIN_MOST);
    }
    unsigned char *grown = realloc(*bin, *size + n + 1);
    if (grown) {
        memcpy(grown + *size, shard, n);
        *bin = grown;
        *size += n;
    }
    free(shard);
    return grown ? 0 : idem_fail_as(IDEM_MEMORY, "%s: out of memory for its .bin files", json_path);
}

static int read_shards(const json_t *root, const char *path, unsigned char **bin, size_t *size) {
    size_t g, i;
    json_t *group, *name;
    json_array_foreach(root, g, group) {
        json_array_foreach(json_object_get(group, "paths"), i, name) {
            if (append_shard(bin, size, path, json_string_value(name)))
                return -1;
        }
    }
    return 0;
}

int idem_manifest_load(idem_weights **out, const char *json_path) {
    unsigned char *text, *bin = NULL;
    size_t n, size = 0;
    if (idem_file_read(json_path, (size_t)2 << 20, &text, &n))
        return -1;
    json_t *root = parse_json(text, n, json_path);
    free(text);
    if (!root)
        return -1;
    int status = read_shards(root, json_path, &bin, &size);
    if (!status)
        status = read_groups(out, root, bin, size, json_path);
    free(bin);
    json_decref(root);
    return status;
}
