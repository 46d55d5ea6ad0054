/* ONNX files as plain structs for building graphs; nothing is executed or inferred. Everything is in the model's arena
 * until idem_onnx_free.
 *
 *     idem_onnx *m;
 *     if (idem_onnx_load(&m, "net.onnx"))
 *         return -1;
 *     for (size_t i = 0; i < m->n_nodes; i++) {               // in an order of execution
 *         const idem_onnx_node *n = &m->nodes[i];
 *         int64_t group = idem_onnx_int(n, "group", 1);
 *         ...
 *     }
 *     idem_onnx_free(m); */
#ifndef IDEM_FORMAT_ONNX_H
#define IDEM_FORMAT_ONNX_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "engine/graph.h"

/* A constant: an initialiser or the value of a tensor attribute, row-major. Floating-point types become float32,
 * integers and booleans int64: exactly one of f and i is set. Rank at most IDEM_MAX_RANK; unlike elsewhere, a dimension
 * may be 0 (an empty list of sizes); then count is 0. */
typedef struct {
    const char *name; /* "" in attributes */
    idem_shape shape;
    size_t count;
    const float *f;
    const int64_t *i;
} idem_onnx_tensor;

typedef enum {
    IDEM_ONNX_FLOAT = 1,
    IDEM_ONNX_INT = 2,
    IDEM_ONNX_STRING = 3,
    IDEM_ONNX_TENSOR = 4,
    IDEM_ONNX_FLOATS = 6,
    IDEM_ONNX_INTS = 7,
} idem_onnx_type;

typedef struct {
    const char *name;
    idem_onnx_type type;
    float f;                        /* FLOAT */
    int64_t i;                      /* INT */
    const char *s;                  /* STRING */
    size_t count;                   /* FLOATS, INTS */
    const float *floats;            /* FLOATS */
    const int64_t *ints;            /* INTS */
    const idem_onnx_tensor *tensor; /* TENSOR */
} idem_onnx_attr;

typedef struct {
    const char *op_type; /* "Conv" */
    const char *name;    /* made from op_type and position if the file has none */
    size_t n_inputs, n_outputs, n_attrs;
    const char *const *inputs; /* "" is an omitted optional input */
    const char *const *outputs;
    const idem_onnx_attr *attrs;
} idem_onnx_node;

/* A graph input or output. Unknown and symbolic dimensions are -1; rank is -1 if the file has no shape. */
typedef struct {
    const char *name;
    int rank;
    int64_t d[IDEM_MAX_RANK];
    bool is_float; /* float32, float16 or double; else integers */
} idem_onnx_value;

typedef struct {
    idem_arena *arena;
    const char *source;        /* the file */
    int64_t ir_version, opset; /* of the default domain */
    const char *producer;      /* "pytorch 1.1" */
    size_t n_inputs, n_outputs, n_nodes, n_tensors;
    const idem_onnx_value *inputs; /* without those that have an initialiser (old files list them too) */
    const idem_onnx_value *outputs;
    const idem_onnx_node *nodes;     /* each reads only values defined before it: checked */
    const idem_onnx_tensor *tensors; /* the initialisers, sorted by name */
} idem_onnx;

/* -1 with a message: not ONNX, damaged, tensors in other files, sub-graphs, other operator domains, unsupported element
 * types or ranks, names used before their definition or never defined. Models above 2 GB are refused. */
int idem_onnx_load(idem_onnx **out, const char *path);
int idem_onnx_parse(idem_onnx **out, const unsigned char *bytes, size_t size, const char *what);
void idem_onnx_free(idem_onnx *m); /* NULL is allowed */
/* Whether the file's first bytes are those of an ONNX model; -1 with a message if it cannot be read. */
int idem_onnx_is(const char *path, bool *onnx);

const idem_onnx_tensor *idem_onnx_find(const idem_onnx *m, const char *name); /* an initialiser; NULL, no message */

/* An attribute of any type; NULL, without a message, if the node has none of that name. */
const idem_onnx_attr *idem_onnx_attribute(const idem_onnx_node *n, const char *name);
/* The value, or `fallback` if the attribute is absent or of another type. */
int64_t idem_onnx_int(const idem_onnx_node *n, const char *name, int64_t fallback);
float idem_onnx_float(const idem_onnx_node *n, const char *name, float fallback);
const char *idem_onnx_string(const idem_onnx_node *n, const char *name, const char *fallback);
/* The list and its length, or NULL and 0. */
const int64_t *idem_onnx_ints(const idem_onnx_node *n, const char *name, size_t *count);

#endif
