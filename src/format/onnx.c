/* ONNX files are one protocol-buffers message. protobuf-c unpacks it into the model's arena, within a budget; the
 * resulting plain structs point into it. */
#include "format/onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/bytes.h"
#include "format/onnx.pb-c.h"

typedef Idem__Onnx__Tensor proto_tensor;
typedef Idem__Onnx__Node proto_node;
typedef Idem__Onnx__Graph proto_graph;

enum { SLAB = 1 << 15 };
static const size_t FILE_MOST = (size_t)2 << 30;

typedef struct {
    const char *what;
    idem_onnx *model;
    size_t budget;
    bool exhausted;
    unsigned char *slab;
    size_t slab_left;
} reader;

/* ---- memory ---- */

static void *take(reader *r, size_t bytes) {
    if (bytes > SIZE_MAX / 2)
        return NULL;
    bytes = (bytes + 15) / 16 * 16;
    if (bytes > r->slab_left) {
        size_t slab = bytes > SLAB / 4 ? bytes : SLAB, used = idem_arena_bytes(r->model->arena);
        if (used > r->budget || slab > r->budget - used) {
            r->exhausted = true;
            return idem_fail_null(
                "%s: unpacked, it would take more than %zu MB, out of proportion to its size: refused", r->what,
                r->budget >> 20);
        }
        unsigned char *p = idem_arena_alloc(r->model->arena, slab);
        if (!p || slab == bytes)
            return p;
        r->slab = p;
        r->slab_left = slab;
    }
    void *p = r->slab;
    r->slab += bytes;
    r->slab_left -= bytes;
    return p;
}

static void *take_array(reader *r, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory", r->what);
    return take(r, bytes);
}

static void *proto_alloc(void *user, size_t bytes) {
    return take(user, bytes);
}

static void proto_free(void *user, void *p) {
    (void)user; /* freed with the arena */
    (void)p;
}

/* ---- tensors ---- */

static const struct {
    int data_type;
    idem_dtype dtype;
    bool is_float;
} TYPES[] = {
    {1, IDEM_DTYPE_F32, true},  {2, IDEM_DTYPE_U8, false},  {3, IDEM_DTYPE_I8, false},   {4, IDEM_DTYPE_U16, false},
    {5, IDEM_DTYPE_I16, false}, {6, IDEM_DTYPE_I32, false}, {7, IDEM_DTYPE_I64, false},  {9, IDEM_DTYPE_BOOL, false},
    {10, IDEM_DTYPE_F16, true}, {11, IDEM_DTYPE_F64, true}, {12, IDEM_DTYPE_U32, false}, {16, IDEM_DTYPE_BF16, true},
};

static int find_type(int data_type) {
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (TYPES[i].data_type == data_type)
            return (int)i;
    return -1;
}

static int64_t read_int(const unsigned char *p, idem_dtype t) {
    switch (t) {
    case IDEM_DTYPE_I64:
        return (int64_t)idem_le64(p);
    case IDEM_DTYPE_I32:
        return (int32_t)idem_le32(p);
    case IDEM_DTYPE_U32:
        return idem_le32(p);
    case IDEM_DTYPE_I16:
        return (int16_t)idem_le16(p);
    case IDEM_DTYPE_U16:
        return idem_le16(p);
    case IDEM_DTYPE_I8:
        return (int8_t)*p;
    case IDEM_DTYPE_BOOL:
        return *p != 0;
    default:
        return *p;
    }
}

/* The number of values that the file holds for t, in the field for its type. */
static size_t values_held(const proto_tensor *t, idem_dtype dtype) {
    if (t->raw_data.len)
        return t->raw_data.len % idem_dtype_size(dtype) ? SIZE_MAX : t->raw_data.len / idem_dtype_size(dtype);
    switch (dtype) {
    case IDEM_DTYPE_F32:
        return t->n_float_data;
    case IDEM_DTYPE_F64:
        return t->n_double_data;
    case IDEM_DTYPE_I64:
        return t->n_int64_data;
    default:
        return t->n_int32_data;
    }
}

static float float_value(const proto_tensor *t, idem_dtype dtype, size_t i) {
    unsigned char half[2];
    float x;
    switch (dtype) {
    case IDEM_DTYPE_F32:
        return t->float_data[i];
    case IDEM_DTYPE_F64:
        return (float)t->double_data[i];
    default: /* 16-bit floats are kept as their bits */
        half[0] = (unsigned char)t->int32_data[i];
        half[1] = (unsigned char)(t->int32_data[i] >> 8);
        idem_dtype_read(&x, half, dtype, 1);
        return x;
    }
}

static int fill_values(reader *r, idem_onnx_tensor *out, const proto_tensor *t, int type) {
    const idem_dtype dtype = TYPES[type].dtype;
    const size_t size = idem_dtype_size(dtype);
    const unsigned char *raw = t->raw_data.len ? t->raw_data.data : NULL;
    if (TYPES[type].is_float) {
        float *f = take_array(r, out->count, sizeof *f);
        if (!f)
            return -1;
        if (raw)
            idem_dtype_read(f, raw, dtype, out->count);
        for (size_t i = 0; !raw && i < out->count; i++)
            f[i] = float_value(t, dtype, i);
        out->f = f;
    } else {
        int64_t *x = take_array(r, out->count, sizeof *x);
        if (!x)
            return -1;
        for (size_t i = 0; i < out->count; i++)
            x[i] = raw ? read_int(raw + i * size, dtype) : size == 8 ? t->int64_data[i] : t->int32_data[i];
        out->i = x;
    }
    return 0;
}

/* `of` names the tensor's owner in messages. */
static int read_tensor(reader *r, idem_onnx_tensor *out, const proto_tensor *t, const char *of) {
    char text[64];
    int64_t count;
    if (t->data_location == 1)
        return idem_fail("%s: tensor '%.200s' is stored in another file (external data), which is not supported: save "
                         "the model as a single file",
                         r->what, of);
    int type = find_type(t->data_type);
    if (type < 0)
        return idem_fail("%s: tensor '%.200s' has element type %d, expected floats, integers or booleans", r->what, of,
                         t->data_type);
    if (t->n_dims > IDEM_MAX_RANK)
        return idem_fail("%s: tensor '%.200s' has rank %zu, expected at most %d", r->what, of, t->n_dims,
                         IDEM_MAX_RANK);
    *out = (idem_onnx_tensor){.name = t->name, .shape.rank = (int)t->n_dims};
    for (size_t i = 0; i < t->n_dims; i++)
        out->shape.d[i] = t->dims[i];
    size_t held = values_held(t, TYPES[type].dtype);
    if (!idem_shape_elements(&out->shape, &count) || (uint64_t)count != held)
        return idem_fail("%s: tensor '%.200s' of shape %s holds %zu values: damaged file", r->what, of,
                         idem_shape_text(&out->shape, text), held == SIZE_MAX ? 0 : held);
    out->count = held;
    return fill_values(r, out, t, type);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const idem_onnx_tensor *)a)->name, ((const idem_onnx_tensor *)b)->name);
}

static int read_initialisers(reader *r, const proto_graph *g) {
    idem_onnx_tensor *t = take_array(r, g->n_initializer, sizeof *t);
    if (!t)
        return -1;
    for (size_t i = 0; i < g->n_initializer; i++)
        if (read_tensor(r, &t[i], g->initializer[i], g->initializer[i]->name))
            return -1;
    if (g->n_initializer)
        qsort(t, g->n_initializer, sizeof *t, by_name);
    for (size_t i = 0; i < g->n_initializer; i++)
        if (!*t[i].name || (i && !strcmp(t[i].name, t[i - 1].name)))
            return idem_fail("%s: an initialiser without a name, or two of the name '%.200s': damaged file", r->what,
                             t[i].name);
    r->model->tensors = t;
    r->model->n_tensors = g->n_initializer;
    return 0;
}

/* ---- inputs and outputs ---- */

static int read_values(reader *r, const idem_onnx_value **out, size_t *n_out, Idem__Onnx__ValueInfo **info, size_t n) {
    idem_onnx_value *v = take_array(r, n, sizeof *v);
    size_t kept = 0;
    if (!v)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (idem_onnx_find(r->model, info[i]->name))
            continue;
        idem_onnx_value *x = &v[kept++];
        const Idem__Onnx__TensorType *type = info[i]->type ? info[i]->type->tensor_type : NULL;
        const Idem__Onnx__TensorShape *shape = type ? type->shape : NULL;
        int t = type ? find_type(type->elem_type) : -1;
        *x = (idem_onnx_value){.name = info[i]->name, .rank = -1, .is_float = t >= 0 && TYPES[t].is_float};
        if (!shape)
            continue;
        if (shape->n_dim > IDEM_MAX_RANK)
            return idem_fail("%s: '%.200s' has rank %zu, expected at most %d", r->what, x->name, shape->n_dim,
                             IDEM_MAX_RANK);
        x->rank = (int)shape->n_dim;
        for (size_t k = 0; k < shape->n_dim; k++)
            x->d[k] = shape->dim[k]->dim_value > 0 ? shape->dim[k]->dim_value : -1;
    }
    *out = v;
    *n_out = kept;
    return 0;
}

/* ---- nodes ---- */

static int read_attr(reader *r, idem_onnx_attr *out, const Idem__Onnx__Attribute *a, const idem_onnx_node *n) {
    *out = (idem_onnx_attr){.name = a->name, .type = (idem_onnx_type)a->type, .f = a->f, .i = a->i};
    idem_onnx_tensor *t;
    char *s;
    switch (a->type) {
    case IDEM_ONNX_FLOAT:
    case IDEM_ONNX_INT:
        return 0;
    case IDEM_ONNX_STRING:
        s = take(r, a->s.len + 1);
        if (!s)
            return -1;
        if (a->s.len)
            memcpy(s, a->s.data, a->s.len);
        s[a->s.len] = 0;
        out->s = s;
        return 0;
    case IDEM_ONNX_FLOATS:
        out->floats = a->floats;
        out->count = a->n_floats;
        return 0;
    case IDEM_ONNX_INTS:
        out->ints = a->ints;
        out->count = a->n_ints;
        return 0;
    case IDEM_ONNX_TENSOR:
        t = take(r, sizeof *t);
        if (!t)
            return -1;
        if (!a->t)
            return idem_fail("%s: node %.200s: attribute %.100s has no value: damaged file", r->what, n->name, a->name);
        out->tensor = t;
        if (read_tensor(r, t, a->t, n->name))
            return -1;
        t->name = "";
        return 0;
    case 5:
    case 10:
        return idem_fail("%s: node %.200s (%.50s) contains a sub-graph: loops and conditions are not supported",
                         r->what, n->name, n->op_type);
    default:
        return idem_fail(
            "%s: node %.200s: attribute %.100s has type %d, expected a number, a list of numbers, text or a "
            "tensor",
            r->what, n->name, a->name, a->type);
    }
}

static int read_node(reader *r, idem_onnx_node *out, const proto_node *p, size_t position) {
    if (*p->domain && strcmp(p->domain, "ai.onnx"))
        return idem_fail("%s: node %zu (%.100s) belongs to the operator domain '%.100s', expected the standard one",
                         r->what, position, p->op_type, p->domain);
    if (!*p->op_type || !p->n_output)
        return idem_fail("%s: node %zu has no operator or no output: damaged file", r->what, position);
    char made[80];
    snprintf(made, sizeof made, "%.50s_%zu", p->op_type, position);
    char *name = *p->name ? p->name : take(r, strlen(made) + 1);
    idem_onnx_attr *attrs = take_array(r, p->n_attribute, sizeof *attrs);
    if (!name || !attrs)
        return -1;
    if (!*p->name)
        memcpy(name, made, strlen(made) + 1);
    *out = (idem_onnx_node){.op_type = p->op_type,
                            .name = name,
                            .n_inputs = p->n_input,
                            .n_outputs = p->n_output,
                            .n_attrs = p->n_attribute,
                            .inputs = (const char *const *)p->input,
                            .outputs = (const char *const *)p->output,
                            .attrs = attrs};
    for (size_t i = 0; i < p->n_attribute; i++)
        if (read_attr(r, &attrs[i], p->attribute[i], out))
            return -1;
    return 0;
}

static int read_nodes(reader *r, const proto_graph *g) {
    idem_onnx_node *n = take_array(r, g->n_node, sizeof *n);
    if (!n)
        return -1;
    for (size_t i = 0; i < g->n_node; i++)
        if (read_node(r, &n[i], g->node[i], i))
            return -1;
    r->model->nodes = n;
    r->model->n_nodes = g->n_node;
    return 0;
}

/* ---- order ---- */

/* Defined names, in an open-addressing table. */
typedef struct {
    const char **slot;
    size_t slots;
} name_set;

static const char **find_slot(const name_set *s, const char *name) {
    uint64_t h = 0xcbf29ce484222325u;
    for (const char *c = name; *c; c++)
        h = (h ^ (unsigned char)*c) * 0x100000001b3u;
    size_t i = (h ^ h >> 32) & (s->slots - 1);
    while (s->slot[i] && strcmp(s->slot[i], name))
        i = (i + 1) & (s->slots - 1);
    return &s->slot[i];
}

static int define(const reader *r, name_set *s, const char *name) {
    const char **slot = find_slot(s, name);
    if (*slot)
        return idem_fail("%s: the name '%.200s' is defined twice: damaged file", r->what, name);
    *slot = name;
    return 0;
}

/* Every name is defined once, before it is used. */
static int check_names(const reader *r, name_set *s) {
    const idem_onnx *m = r->model;
    for (size_t i = 0; i < m->n_tensors; i++)
        if (define(r, s, m->tensors[i].name))
            return -1;
    for (size_t i = 0; i < m->n_inputs; i++)
        if (define(r, s, m->inputs[i].name))
            return -1;
    for (size_t i = 0; i < m->n_nodes; i++) {
        const idem_onnx_node *n = &m->nodes[i];
        for (size_t k = 0; k < n->n_inputs; k++)
            if (*n->inputs[k] && !*find_slot(s, n->inputs[k]))
                return idem_fail("%s: node %.200s reads '%.200s', which is not defined before it", r->what, n->name,
                                 n->inputs[k]);
        for (size_t k = 0; k < n->n_outputs; k++)
            if (*n->outputs[k] && define(r, s, n->outputs[k]))
                return -1;
    }
    for (size_t i = 0; i < m->n_outputs; i++)
        if (!*find_slot(s, m->outputs[i].name))
            return idem_fail("%s: no node defines the output '%.200s'", r->what, m->outputs[i].name);
    return 0;
}

static int check_order(const reader *r) {
    const idem_onnx *m = r->model;
    size_t names = m->n_tensors + m->n_inputs, slots = 16;
    for (size_t i = 0; i < m->n_nodes; i++)
        names += m->nodes[i].n_outputs;
    while (slots < 2 * names)
        slots *= 2;
    name_set s = {calloc(slots, sizeof *s.slot), slots};
    if (!s.slot)
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for %zu names", r->what, names);
    int status = check_names(r, &s);
    free(s.slot);
    return status;
}

/* ---- the whole ---- */

static int read_model(reader *r, const unsigned char *bytes, size_t size) {
    ProtobufCAllocator allocator = {proto_alloc, proto_free, r};
    Idem__Onnx__Model *p = idem__onnx__model__unpack(&allocator, size, bytes);
    if (!p && r->exhausted)
        return -1;
    if (!p || !p->graph)
        return idem_fail("%s: not a whole ONNX model: its beginning looks like %s", r->what,
                         idem_looks_like(bytes, size));
    idem_onnx *m = r->model;
    m->ir_version = p->ir_version;
    for (size_t i = 0; i < p->n_opset_import; i++)
        if (!*p->opset_import[i]->domain || !strcmp(p->opset_import[i]->domain, "ai.onnx"))
            m->opset = p->opset_import[i]->version;
    if (m->opset < 1)
        return idem_fail("%s: an ONNX model that names no version of the standard operators: damaged file", r->what);
    m->source = idem_arena_strdup(m->arena, r->what);
    m->producer = idem_arena_printf(m->arena, "%.100s%s%.100s", p->producer_name, *p->producer_version ? " " : "",
                                    p->producer_version);
    const proto_graph *g = p->graph;
    if (!m->source || !m->producer || read_initialisers(r, g) ||
        read_values(r, &m->inputs, &m->n_inputs, g->input, g->n_input) || read_nodes(r, g))
        return -1;
    /* An output may be an initialiser, so none are left out. */
    size_t n_tensors = m->n_tensors;
    m->n_tensors = 0;
    int status = read_values(r, &m->outputs, &m->n_outputs, g->output, g->n_output);
    m->n_tensors = n_tensors;
    return status ? -1 : check_order(r);
}

int idem_onnx_parse(idem_onnx **out, const unsigned char *bytes, size_t size, const char *what) {
    idem_arena *arena = idem_arena_new();
    idem_onnx *m = arena ? idem_arena_alloc(arena, sizeof *m) : NULL;
    if (!m) {
        idem_arena_free(arena);
        return -1;
    }
    m->arena = arena;
    reader r = {.what = what, .model = m, .budget = idem_format_budget(size)};
    if (read_model(&r, bytes, size)) {
        idem_onnx_free(m);
        return -1;
    }
    *out = m;
    return 0;
}

int idem_onnx_load(idem_onnx **out, const char *path) {
    unsigned char *bytes;
    size_t size;
    if (idem_file_read(path, FILE_MOST, &bytes, &size))
        return -1;
    int status = idem_onnx_parse(out, bytes, size, path);
    free(bytes);
    return status;
}

void idem_onnx_free(idem_onnx *m) {
    if (m)
        idem_arena_free(m->arena);
}

const idem_onnx_tensor *idem_onnx_find(const idem_onnx *m, const char *name) {
    if (!m->n_tensors)
        return NULL;
    idem_onnx_tensor key = {.name = name};
    return bsearch(&key, m->tensors, m->n_tensors, sizeof key, by_name);
}

const idem_onnx_attr *idem_onnx_attribute(const idem_onnx_node *n, const char *name) {
    for (size_t i = 0; i < n->n_attrs; i++)
        if (!strcmp(n->attrs[i].name, name))
            return &n->attrs[i];
    return NULL;
}

int64_t idem_onnx_int(const idem_onnx_node *n, const char *name, int64_t fallback) {
    const idem_onnx_attr *a = idem_onnx_attribute(n, name);
    return a && a->type == IDEM_ONNX_INT ? a->i : fallback;
}

float idem_onnx_float(const idem_onnx_node *n, const char *name, float fallback) {
    const idem_onnx_attr *a = idem_onnx_attribute(n, name);
    return a && a->type == IDEM_ONNX_FLOAT ? a->f : fallback;
}

const char *idem_onnx_string(const idem_onnx_node *n, const char *name, const char *fallback) {
    const idem_onnx_attr *a = idem_onnx_attribute(n, name);
    return a && a->type == IDEM_ONNX_STRING ? a->s : fallback;
}

const int64_t *idem_onnx_ints(const idem_onnx_node *n, const char *name, size_t *count) {
    const idem_onnx_attr *a = idem_onnx_attribute(n, name);
    bool found = a && a->type == IDEM_ONNX_INTS;
    *count = found ? a->count : 0;
    return found ? a->ints : NULL;
}
