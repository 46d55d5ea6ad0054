/* The complete list of names that a pickle may use, and their effects. No code from the file is run. */
#include "format/pickle_private.h"

#include <string.h>

#include "format/bytes.h"

typedef idem_pickle_value value;
typedef idem_pickle_machine machine;

/* The effect of calling a name of the list. */
typedef enum {
    CALL_NONE,
    CALL_DICT,
    CALL_TENSOR,
    CALL_PARAMETER,
    CALL_TUPLE,
    CALL_MODULE,
    CALL_STORAGE,
    CALL_OPAQUE,
    NEW_NAMESPACE
} action;

static const struct {
    const char *module, *name;
    action call;
} NAMES[] = {
    {"collections", "OrderedDict", CALL_DICT},
    {"torch._utils", "_rebuild_tensor_v2", CALL_TENSOR},
    {"torch._utils", "_rebuild_tensor", CALL_TENSOR}, /* before 0.4 */
    {"torch._utils", "_rebuild_parameter", CALL_PARAMETER},
    {"torch._utils", "_rebuild_parameter_with_state", CALL_PARAMETER},
    {"torch.nn.parameter", "Parameter", CALL_PARAMETER}, /* before 0.4 */
    {"torch", "Size", CALL_TUPLE},
    {"argparse", "Namespace", NEW_NAMESPACE},
    /* In NVIDIA's files. */
    {"torch_utils.persistence", "_reconstruct_persistent_obj", CALL_MODULE},
    {"torch.storage", "_load_from_bytes", CALL_STORAGE},
    {"dnnlib.util", "EasyDict", NEW_NAMESPACE},
    {"builtins", "set", CALL_OPAQUE},
    {"__builtin__", "set", CALL_OPAQUE},
    {"numpy", "dtype", CALL_OPAQUE},
    {"numpy.core.multiarray", "scalar", CALL_OPAQUE},
    {"numpy._core.multiarray", "scalar", CALL_OPAQUE},
    {"_codecs", "encode", CALL_OPAQUE},
};
enum { N_NAMES = sizeof NAMES / sizeof *NAMES };

static const struct {
    const char *name;
    idem_dtype dtype;
} STORAGES[] = {
    {"FloatStorage", IDEM_DTYPE_F32},  {"HalfStorage", IDEM_DTYPE_F16}, {"BFloat16Storage", IDEM_DTYPE_BF16},
    {"DoubleStorage", IDEM_DTYPE_F64}, {"LongStorage", IDEM_DTYPE_I64}, {"IntStorage", IDEM_DTYPE_I32},
    {"ShortStorage", IDEM_DTYPE_I16},  {"CharStorage", IDEM_DTYPE_I8},  {"ByteStorage", IDEM_DTYPE_U8},
    {"BoolStorage", IDEM_DTYPE_BOOL},
};
enum { N_STORAGES = sizeof STORAGES / sizeof *STORAGES };

static bool same(const char *s, size_t n, const char *word) {
    return strlen(word) == n && !memcmp(s, word, n);
}

int idem_pickle_global(machine *m, const char *module, size_t nm, const char *name, size_t nn) {
    for (int i = 0; i < N_NAMES; i++)
        if (same(module, nm, NAMES[i].module) && same(name, nn, NAMES[i].name))
            return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_GLOBAL, .i = i});
    if (same(module, nm, "torch") || same(module, nm, "torch.cuda"))
        for (int i = 0; i < N_STORAGES; i++)
            if (same(name, nn, STORAGES[i].name))
                return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_GLOBAL, .i = N_NAMES + i});
    if (nm >= 13 && !memcmp(module, "dnnlib.tflib.", 13))
        return idem_fail("%s: a TensorFlow network of NVIDIA's: convert it with their legacy.py to the .pkl of "
                         "StyleGAN2-ADA for PyTorch",
                         m->what);
    nm = nm < 100 ? nm : 100;
    nn = nn < 100 ? nn : 100;
    if (nm >= 9 && !memcmp(module, "__torch__", 9))
        return idem_fail("%s: a TorchScript program (%.*s), expected a file of weights: save model.state_dict() with "
                         "torch.save",
                         m->what, (int)nm, module);
    return idem_fail("%s: its pickle uses '%.*s.%.*s', which is not allowed in a file of weights: refused, nothing was "
                     "run. If you trust it, load it in Python and torch.save its state_dict()",
                     m->what, (int)nm, module, (int)nn, name);
}

static int64_t small_int(const value *v) {
    return v->kind == IDEM_PICKLE_INT ? v->i : -1;
}

/* args: storage, offset, size, stride, requires_grad, hooks[, metadata] */
static int call_tensor(machine *m, const idem_pickle_items *a) {
    if (a->count < 4 || a->item[0].kind != IDEM_PICKLE_STORAGE || small_int(&a->item[1]) < 0 ||
        a->item[2].kind != IDEM_PICKLE_TUPLE || a->item[3].kind != IDEM_PICKLE_TUPLE)
        return idem_pickle_damaged(m, "a tensor without storage, offset, size and stride");
    const idem_pickle_items *size = a->item[2].items, *stride = a->item[3].items;
    if (size->count > IDEM_MAX_RANK || stride->count != size->count)
        return idem_fail("%s: a tensor of rank %zu with %zu strides, expected at most %d and as many", m->what,
                         size->count, stride->count, IDEM_MAX_RANK);
    idem_pickle_tensor *t = idem_pickle_take(m, sizeof *t);
    if (!t)
        return -1;
    t->storage = a->item[0].storage;
    t->offset = a->item[1].i;
    t->shape.rank = (int)size->count;
    int64_t last = t->offset, step, count;
    bool good = true;
    for (int i = 0; i < t->shape.rank; i++) {
        t->shape.d[i] = small_int(&size->item[i]);
        t->stride[i] = small_int(&stride->item[i]);
        good = good && t->shape.d[i] >= 0 && t->stride[i] >= 0;
        if (good && t->shape.d[i] > 0)
            good = !__builtin_mul_overflow(t->shape.d[i] - 1, t->stride[i], &step) &&
                   !__builtin_add_overflow(last, step, &last);
    }
    if (!good || !idem_shape_elements(&t->shape, &count) || (count && last >= t->storage->count))
        return idem_fail("%s: a tensor reaches beyond its storage '%.50s' of %lld values: damaged file", m->what,
                         t->storage->key, (long long)t->storage->count);
    return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_TENSOR, .tensor = t});
}

static int call_dict(machine *m, const idem_pickle_items *a) {
    idem_pickle_items *d = idem_pickle_take(m, sizeof *d);
    if (!d)
        return -1;
    if (a->count > 1 || (a->count == 1 && a->item[0].kind != IDEM_PICKLE_LIST))
        return idem_pickle_damaged(m, "an OrderedDict of something other than a list");
    for (size_t i = 0; a->count && i < a->item[0].items->count; i++) {
        const value *pair = &a->item[0].items->item[i];
        if ((pair->kind != IDEM_PICKLE_LIST && pair->kind != IDEM_PICKLE_TUPLE) || pair->items->count != 2)
            return idem_pickle_damaged(m, "an OrderedDict of something other than a list of pairs");
        if (idem_pickle_append(m, d, pair->items->item, 2))
            return -1;
    }
    return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_DICT, .items = d});
}

/* The value of a text key, the first if there are several; NULL: none. */
static const value *lookup(const value *d, const char *key) {
    for (size_t i = 0; d && d->kind == IDEM_PICKLE_DICT && i + 1 < d->items->count; i += 2) {
        const value *k = &d->items->item[i];
        if (k->kind == IDEM_PICKLE_STRING && same(k->s, k->length, key))
            return &d->items->item[i + 1];
    }
    return NULL;
}

/* args: {type, version, module_src, class_name, state}. Of a PyTorch module's state, reads the parts of a state_dict;
 * ignores all other objects. */
static int call_module(machine *m, const idem_pickle_items *a) {
    static const char *const PARTS[] = {"_parameters", "_buffers", "_modules"};
    if (a->count != 1 || a->item[0].kind != IDEM_PICKLE_DICT)
        return idem_pickle_damaged(m, "an object with source text, but without a description");
    const value *state = lookup(&a->item[0], "state");
    if (!lookup(state, "_parameters"))
        return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_OPAQUE});
    idem_pickle_items *all = idem_pickle_take(m, sizeof *all);
    if (!all)
        return -1;
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++) {
        const value *part = lookup(state, PARTS[i]);
        if (part && part->kind == IDEM_PICKLE_DICT && idem_pickle_append(m, all, part->items->item, part->items->count))
            return -1;
    }
    return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_DICT, .items = all});
}

int idem_pickle_call(machine *m) {
    value args, f;
    if (idem_pickle_pop(m, &args) || idem_pickle_pop(m, &f))
        return -1;
    if (f.kind != IDEM_PICKLE_GLOBAL || args.kind != IDEM_PICKLE_TUPLE)
        return idem_pickle_damaged(m, "a call of something other than a function");
    const idem_pickle_items *a = args.items;
    switch (f.i < N_NAMES ? NAMES[f.i].call : CALL_NONE) {
    case CALL_DICT:
        return call_dict(m, a);
    case CALL_TENSOR:
        return call_tensor(m, a);
    case CALL_PARAMETER:
        if (!a->count || a->item[0].kind != IDEM_PICKLE_TENSOR)
            return idem_pickle_damaged(m, "a parameter without a tensor");
        return idem_pickle_push(m, a->item[0]);
    case CALL_TUPLE:
        if (a->count != 1 || a->item[0].kind != IDEM_PICKLE_TUPLE)
            return idem_pickle_damaged(m, "a size that is not a tuple");
        return idem_pickle_push(m, a->item[0]);
    case CALL_MODULE:
        return call_module(m, a);
    case CALL_STORAGE:
        if (a->count != 1 || a->item[0].kind != IDEM_PICKLE_STRING)
            return idem_pickle_damaged(m, "numbers that are not bytes");
        return idem_pickle_inner_storage(m, (const unsigned char *)a->item[0].s, a->item[0].length);
    case CALL_OPAQUE:
        return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_OPAQUE});
    default:
        return idem_pickle_damaged(m, "a call of something other than a function");
    }
}

int idem_pickle_new(machine *m) {
    value args, f;
    if (idem_pickle_pop(m, &args) || idem_pickle_pop(m, &f))
        return -1;
    if (f.kind != IDEM_PICKLE_GLOBAL || f.i >= N_NAMES || NAMES[f.i].call != NEW_NAMESPACE)
        return idem_pickle_damaged(m, "a new object of something other than a class");
    if (idem_pickle_push_items(m, IDEM_PICKLE_DICT, NULL, 0))
        return -1;
    m->stack[m->depth - 1].items->open = true;
    return 0;
}

/* Attributes of an OrderedDict (PyTorch's _metadata) are ignored; those of a Namespace are its contents. */
int idem_pickle_build(machine *m) {
    value state;
    if (idem_pickle_pop(m, &state))
        return -1;
    value *t = idem_pickle_top(m);
    if (!t)
        return -1;
    if (t->kind == IDEM_PICKLE_TENSOR || t->kind == IDEM_PICKLE_OPAQUE) /* requires_grad and its hooks */
        return 0;
    if (t->kind != IDEM_PICKLE_DICT)
        return idem_pickle_damaged(m, "attributes for something that has none");
    if (!t->items->open)
        return 0;
    if (state.kind != IDEM_PICKLE_DICT)
        return idem_pickle_damaged(m, "attributes that are not a dictionary");
    return idem_pickle_append(m, t->items, state.items->item, state.items->count);
}

/* ('storage', torch.FloatStorage, key, location, count[, None]) */
int idem_pickle_persistent(machine *m) {
    value v;
    if (idem_pickle_pop(m, &v))
        return -1;
    const idem_pickle_items *t = v.kind == IDEM_PICKLE_TUPLE ? v.items : NULL;
    if (t && t->count > 5 && t->item[5].kind != IDEM_PICKLE_NONE)
        return idem_fail(
            "%s: a storage that is a view of another one (PyTorch before 0.4): save the file again with a newer "
            "PyTorch",
            m->what);
    if (!t || t->count < 5 || t->item[0].kind != IDEM_PICKLE_STRING ||
        !same(t->item[0].s, t->item[0].length, "storage") || t->item[1].kind != IDEM_PICKLE_GLOBAL ||
        t->item[1].i < N_NAMES || t->item[2].kind != IDEM_PICKLE_STRING || small_int(&t->item[4]) < 0)
        return idem_pickle_damaged(m, "a reference to something other than a storage of numbers");
    size_t n = t->item[2].length;
    if (n == 0 || n > 100 || memchr(t->item[2].s, 0, n))
        return idem_pickle_damaged(m, "a storage without a proper name");
    idem_pickle_storage *s = idem_pickle_take(m, sizeof *s);
    char *key = idem_pickle_take(m, n + 1);
    if (!s || !key)
        return -1;
    memcpy(key, t->item[2].s, n);
    *s = (idem_pickle_storage){
        .key = key, .dtype = STORAGES[t->item[1].i - N_NAMES].dtype, .count = t->item[4].i, .next = m->storages};
    m->storages = s;
    m->n_storages++;
    return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_STORAGE, .storage = s});
}
