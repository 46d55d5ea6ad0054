#include "format/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"

typedef idem_pickle_value value;

/* What a name on the list does when it is called. */
typedef enum { CALL_NONE, CALL_DICT, CALL_TENSOR, CALL_PARAMETER, CALL_TUPLE, NEW_NAMESPACE } action;

static const struct {
    const char *module, *name;
    action call;
} NAMES[] = {
    {"collections", "OrderedDict", CALL_DICT},
    {"torch._utils", "_rebuild_tensor_v2", CALL_TENSOR},
    {"torch._utils", "_rebuild_parameter", CALL_PARAMETER},
    {"torch._utils", "_rebuild_parameter_with_state", CALL_PARAMETER},
    {"torch", "Size", CALL_TUPLE},
    {"argparse", "Namespace", NEW_NAMESPACE},
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

/* Bounds of the whole machine: stack, memo and objects together. */
static const size_t MEMORY_MOST = (size_t)28 << 20;
enum { SLAB = 1 << 15 };

typedef struct {
    idem_arena *arena;
    const unsigned char *p, *end;
    const char *what;
    size_t bytes; /* taken so far */
    unsigned char *slab;
    size_t slab_left;
    value *stack, *memo;
    size_t depth, stack_room, memo_room, memo_count; /* memo_count: for MEMOIZE */
} machine;

/* ---- memory ---- */

static int charge(machine *m, size_t bytes) {
    if (bytes > MEMORY_MOST - m->bytes)
        return idem_fail("%s: its pickle wants more than %zu MB of objects: refused", m->what, MEMORY_MOST >> 20);
    m->bytes += bytes;
    return 0;
}

/* Small objects are cut from slabs: the arena's own blocks are never below 64 bytes. */
static void *take_memory(machine *m, size_t bytes) {
    bytes = (bytes + 7) / 8 * 8;
    if (bytes > m->slab_left) {
        size_t slab = bytes > SLAB / 4 ? bytes : SLAB;
        if (charge(m, slab))
            return NULL;
        unsigned char *p = idem_arena_alloc(m->arena, slab);
        if (!p || slab == bytes)
            return p;
        m->slab = p;
        m->slab_left = slab;
    }
    void *p = m->slab;
    m->slab += bytes;
    m->slab_left -= bytes;
    return p;
}

static int grow(machine *m, value **array, size_t *room, size_t need) {
    if (need <= *room)
        return 0;
    size_t more = *room ? *room : 64;
    while (more < need)
        more *= 2;
    if (charge(m, (more - *room) * sizeof(value)))
        return -1;
    value *p = realloc(*array, more * sizeof *p);
    if (!p)
        return idem_fail("%s: out of memory for a pickle", m->what);
    memset(p + *room, 0, (more - *room) * sizeof *p);
    *array = p;
    *room = more;
    return 0;
}

/* ---- stack ---- */

static int push(machine *m, value v) {
    if (grow(m, &m->stack, &m->stack_room, m->depth + 1))
        return -1;
    m->stack[m->depth++] = v;
    return 0;
}

static int damaged(const machine *m, const char *why) {
    return idem_fail("%s: damaged pickle: %s", m->what, why);
}

/* The topmost value, which may not be a mark. */
static value *top(machine *m) {
    if (!m->depth || m->stack[m->depth - 1].kind == IDEM_PICKLE_MARK) {
        damaged(m, "its stack is empty");
        return NULL;
    }
    return &m->stack[m->depth - 1];
}

static int pop(machine *m, value *v) {
    value *t = top(m);
    if (!t)
        return -1;
    *v = *t;
    m->depth--;
    return 0;
}

/* Position behind the last mark; the mark is forgotten by setting depth to one before it. */
static int find_mark(machine *m, size_t *first) {
    for (size_t i = m->depth; i > 0; i--)
        if (m->stack[i - 1].kind == IDEM_PICKLE_MARK) {
            *first = i;
            return 0;
        }
    return damaged(m, "a mark is missing");
}

static int append(machine *m, idem_pickle_items *t, const value *v, size_t n) {
    if (t->count + n > t->room) {
        size_t room = t->count + n > 2 * t->room ? t->count + n : 2 * t->room;
        value *item = take_memory(m, room * sizeof *item);
        if (!item)
            return -1;
        if (t->count)
            memcpy(item, t->item, t->count * sizeof *item);
        t->item = item;
        t->room = room;
    }
    if (n)
        memcpy(t->item + t->count, v, n * sizeof *v);
    t->count += n;
    return 0;
}

static int push_items(machine *m, idem_pickle_kind kind, const value *v, size_t n) {
    idem_pickle_items *t = take_memory(m, sizeof *t);
    if (!t || append(m, t, v, n))
        return -1;
    return push(m, (value){.kind = kind, .items = t});
}

/* The last n values, or those above the mark (n < 0), become one tuple, list or dictionary. */
static int collect(machine *m, idem_pickle_kind kind, int n) {
    size_t first = 0, mark = 0;
    if (n < 0) {
        if (find_mark(m, &first))
            return -1;
        mark = 1;
    } else {
        if (m->depth < (size_t)n)
            return damaged(m, "its stack is empty");
        first = m->depth - (size_t)n;
    }
    size_t count = m->depth - first;
    if (kind == IDEM_PICKLE_DICT && count % 2)
        return damaged(m, "a key without a value");
    m->depth = first - mark;
    /* What was popped is still there: a push happens only after the copy. */
    return push_items(m, kind, m->stack + first, count);
}

static int append_to(machine *m, idem_pickle_kind kind, size_t first, size_t keep) {
    size_t count = m->depth - first;
    m->depth = keep;
    value *t = top(m);
    if (!t)
        return -1;
    if (t->kind != kind || (kind == IDEM_PICKLE_DICT && count % 2))
        return damaged(m, "items for something that is neither list nor dictionary");
    return append(m, t->items, m->stack + first, count);
}

static int append_last(machine *m, idem_pickle_kind kind, size_t n) {
    if (m->depth < n + 1)
        return damaged(m, "its stack is empty");
    return append_to(m, kind, m->depth - n, m->depth - n);
}

static int append_marked(machine *m, idem_pickle_kind kind) {
    size_t first = 0;
    return find_mark(m, &first) ? -1 : append_to(m, kind, first, first - 1);
}

/* ---- names and calls ---- */

static bool same(const char *s, size_t n, const char *word) {
    return strlen(word) == n && !memcmp(s, word, n);
}

static int push_global(machine *m, const char *module, size_t nm, const char *name, size_t nn) {
    for (int i = 0; i < N_NAMES; i++)
        if (same(module, nm, NAMES[i].module) && same(name, nn, NAMES[i].name))
            return push(m, (value){.kind = IDEM_PICKLE_GLOBAL, .i = i});
    if (same(module, nm, "torch") || same(module, nm, "torch.cuda"))
        for (int i = 0; i < N_STORAGES; i++)
            if (same(name, nn, STORAGES[i].name))
                return push(m, (value){.kind = IDEM_PICKLE_GLOBAL, .i = N_NAMES + i});
    nm = nm < 100 ? nm : 100;
    nn = nn < 100 ? nn : 100;
    if (nm >= 9 && !memcmp(module, "__torch__", 9))
        return idem_fail("%s: a TorchScript program (%.*s), expected a file of weights: save model.state_dict() with "
                         "torch.save",
                         m->what, (int)nm, module);
    return idem_fail("%s: its pickle asks for '%.*s.%.*s', which a file of weights may not name: refused, nothing was "
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
        return damaged(m, "a tensor without storage, offset, size and stride");
    const idem_pickle_items *size = a->item[2].items, *stride = a->item[3].items;
    if (size->count > IDEM_MAX_RANK || stride->count != size->count)
        return idem_fail("%s: a tensor of rank %zu with %zu strides, expected at most %d and as many", m->what,
                         size->count, stride->count, IDEM_MAX_RANK);
    idem_pickle_tensor *t = take_memory(m, sizeof *t);
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
    return push(m, (value){.kind = IDEM_PICKLE_TENSOR, .tensor = t});
}

static int call_dict(machine *m, const idem_pickle_items *a) {
    idem_pickle_items *d = take_memory(m, sizeof *d);
    if (!d)
        return -1;
    if (a->count > 1 || (a->count == 1 && a->item[0].kind != IDEM_PICKLE_LIST))
        return damaged(m, "an OrderedDict of something that is no list");
    for (size_t i = 0; a->count && i < a->item[0].items->count; i++) {
        const value *pair = &a->item[0].items->item[i];
        if ((pair->kind != IDEM_PICKLE_LIST && pair->kind != IDEM_PICKLE_TUPLE) || pair->items->count != 2)
            return damaged(m, "an OrderedDict of something that is no list of pairs");
        if (append(m, d, pair->items->item, 2))
            return -1;
    }
    return push(m, (value){.kind = IDEM_PICKLE_DICT, .items = d});
}

static int call(machine *m) {
    value args, f;
    if (pop(m, &args) || pop(m, &f))
        return -1;
    if (f.kind != IDEM_PICKLE_GLOBAL || args.kind != IDEM_PICKLE_TUPLE)
        return damaged(m, "a call of something that is no function");
    const idem_pickle_items *a = args.items;
    switch (f.i < N_NAMES ? NAMES[f.i].call : CALL_NONE) {
    case CALL_DICT:
        return call_dict(m, a);
    case CALL_TENSOR:
        return call_tensor(m, a);
    case CALL_PARAMETER:
        if (!a->count || a->item[0].kind != IDEM_PICKLE_TENSOR)
            return damaged(m, "a parameter without a tensor");
        return push(m, a->item[0]);
    case CALL_TUPLE:
        if (a->count != 1 || a->item[0].kind != IDEM_PICKLE_TUPLE)
            return damaged(m, "a size that is no tuple");
        return push(m, a->item[0]);
    default:
        return damaged(m, "a call of something that is no function");
    }
}

static int new_object(machine *m) {
    value args, f;
    if (pop(m, &args) || pop(m, &f))
        return -1;
    if (f.kind != IDEM_PICKLE_GLOBAL || f.i >= N_NAMES || NAMES[f.i].call != NEW_NAMESPACE)
        return damaged(m, "a new object of something that is no class");
    if (push_items(m, IDEM_PICKLE_DICT, NULL, 0))
        return -1;
    m->stack[m->depth - 1].items->open = true;
    return 0;
}

/* Attributes of an OrderedDict (PyTorch's _metadata) are of no use here; those of a Namespace are its contents. */
static int build(machine *m) {
    value state;
    if (pop(m, &state))
        return -1;
    value *t = top(m);
    if (!t)
        return -1;
    if (t->kind != IDEM_PICKLE_DICT)
        return damaged(m, "attributes for something that has none");
    if (!t->items->open)
        return 0;
    if (state.kind != IDEM_PICKLE_DICT)
        return damaged(m, "attributes that are no dictionary");
    return append(m, t->items, state.items->item, state.items->count);
}

/* ('storage', torch.FloatStorage, key, location, count) */
static int persistent(machine *m) {
    value v;
    if (pop(m, &v))
        return -1;
    const idem_pickle_items *t = v.kind == IDEM_PICKLE_TUPLE ? v.items : NULL;
    if (!t || t->count < 5 || t->item[0].kind != IDEM_PICKLE_STRING ||
        !same(t->item[0].s, t->item[0].length, "storage") || t->item[1].kind != IDEM_PICKLE_GLOBAL ||
        t->item[1].i < N_NAMES || t->item[2].kind != IDEM_PICKLE_STRING || small_int(&t->item[4]) < 0)
        return damaged(m, "a reference that is no storage of numbers");
    size_t n = t->item[2].length;
    if (n == 0 || n > 100 || memchr(t->item[2].s, 0, n))
        return damaged(m, "a storage without a proper name");
    idem_pickle_storage *s = take_memory(m, sizeof *s);
    char *key = take_memory(m, n + 1);
    if (!s || !key)
        return -1;
    memcpy(key, t->item[2].s, n);
    *s = (idem_pickle_storage){key, STORAGES[t->item[1].i - N_NAMES].dtype, t->item[4].i};
    return push(m, (value){.kind = IDEM_PICKLE_STORAGE, .storage = s});
}

/* ---- reading ---- */

static const unsigned char *bytes_of(machine *m, size_t n) {
    if ((size_t)(m->end - m->p) < n) {
        idem_fail("%s: the pickle is truncated", m->what);
        return NULL;
    }
    const unsigned char *p = m->p;
    m->p += n;
    return p;
}

/* A little-endian number of n bytes, unsigned. */
static int number(machine *m, size_t n, uint64_t *x) {
    const unsigned char *p = bytes_of(m, n);
    if (!p)
        return -1;
    *x = 0;
    for (size_t i = 0; i < n; i++)
        *x |= (uint64_t)p[i] << (8 * i);
    return 0;
}

static int push_int(machine *m, size_t n, bool is_signed) {
    uint64_t x;
    if (n > 8)
        return idem_fail("%s: an integer of %zu bytes in its pickle, at most 8 are read", m->what, n);
    if (number(m, n, &x))
        return -1;
    if (is_signed && n && n < 8 && x >> (8 * n - 1))
        x |= ~(uint64_t)0 << (8 * n);
    return push(m, (value){.kind = IDEM_PICKLE_INT, .i = (int64_t)x});
}

/* A string whose length takes n bytes. */
static int push_string(machine *m, size_t n) {
    uint64_t length;
    if (number(m, n, &length))
        return -1;
    const unsigned char *p = length > UINT32_MAX ? NULL : bytes_of(m, (size_t)length);
    if (!p)
        return idem_fail("%s: a string of %llu bytes reaches beyond its pickle: truncated?", m->what,
                         (unsigned long long)length);
    return push(m, (value){.kind = IDEM_PICKLE_STRING, .length = (uint32_t)length, .s = (const char *)p});
}

static int push_float(machine *m) {
    const unsigned char *p = bytes_of(m, 8);
    if (!p)
        return -1;
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) /* big-endian, the only such place */
        bits = bits << 8 | p[i];
    double f;
    memcpy(&f, &bits, sizeof f);
    return push(m, (value){.kind = IDEM_PICKLE_FLOAT, .f = f});
}

/* Text up to the end of the line. */
static int line(machine *m, const char **s, size_t *n) {
    const unsigned char *end = memchr(m->p, '\n', (size_t)(m->end - m->p));
    if (!end)
        return idem_fail("%s: the pickle is truncated", m->what);
    *s = (const char *)m->p;
    *n = (size_t)(end - m->p);
    m->p = end + 1;
    return 0;
}

static int global_line(machine *m) {
    const char *module, *name;
    size_t nm, nn;
    return line(m, &module, &nm) || line(m, &name, &nn) ? -1 : push_global(m, module, nm, name, nn);
}

static int global_stack(machine *m) {
    value name, module;
    if (pop(m, &name) || pop(m, &module))
        return -1;
    if (name.kind != IDEM_PICKLE_STRING || module.kind != IDEM_PICKLE_STRING)
        return damaged(m, "a name that is no text");
    return push_global(m, module.s, module.length, name.s, name.length);
}

static int memo_put(machine *m, size_t n) {
    uint64_t at = m->memo_count;
    const value *v;
    if ((n && number(m, n, &at)) || !(v = top(m)))
        return -1;
    if (at >= MEMORY_MOST / sizeof(value))
        return damaged(m, "a memo number out of all proportion");
    value keep = *v;
    if (grow(m, &m->memo, &m->memo_room, (size_t)at + 1))
        return -1;
    m->memo[at] = keep;
    m->memo_count++;
    return 0;
}

static int memo_get(machine *m, size_t n) {
    uint64_t at;
    if (number(m, n, &at))
        return -1;
    if (at >= m->memo_room || m->memo[at].kind == IDEM_PICKLE_NONE)
        return damaged(m, "a memo number that was never set");
    return push(m, m->memo[at]);
}

static int long_int(machine *m) {
    uint64_t n;
    return number(m, 1, &n) ? -1 : push_int(m, (size_t)n, true);
}

static int pop_mark(machine *m) {
    size_t first = 0;
    if (find_mark(m, &first))
        return -1;
    m->depth = first - 1;
    return 0;
}

static int step(machine *m, unsigned char op) {
    value v;
    switch (op) {
    case 0x80: /* PROTO */
        return bytes_of(m, 1) ? 0 : -1;
    case 0x95: /* FRAME: only a hint */
        return bytes_of(m, 8) ? 0 : -1;
    case '(':
        return push(m, (value){.kind = IDEM_PICKLE_MARK});
    case '0':
        return pop(m, &v);
    case '1':
        return pop_mark(m);
    case 'N':
        return push(m, (value){.kind = IDEM_PICKLE_NONE});
    case 0x88:
    case 0x89:
        return push(m, (value){.kind = IDEM_PICKLE_BOOL, .i = op == 0x88});
    case 'J':
        return push_int(m, 4, true);
    case 'K':
        return push_int(m, 1, false);
    case 'M':
        return push_int(m, 2, false);
    case 0x8a: /* LONG1 */
        return long_int(m);
    case 'G':
        return push_float(m);
    case 'X': /* BINUNICODE, BINSTRING, BINBYTES */
    case 'T':
    case 'B':
        return push_string(m, 4);
    case 0x8c: /* SHORT_BINUNICODE, SHORT_BINSTRING, SHORT_BINBYTES */
    case 'U':
    case 'C':
        return push_string(m, 1);
    case 0x8d: /* BINUNICODE8 */
        return push_string(m, 8);
    case ')':
        return collect(m, IDEM_PICKLE_TUPLE, 0);
    case 't':
        return collect(m, IDEM_PICKLE_TUPLE, -1);
    case 0x85:
    case 0x86:
    case 0x87:
        return collect(m, IDEM_PICKLE_TUPLE, op - 0x84);
    case ']':
        return collect(m, IDEM_PICKLE_LIST, 0);
    case 'l':
        return collect(m, IDEM_PICKLE_LIST, -1);
    case 'a':
        return append_last(m, IDEM_PICKLE_LIST, 1);
    case 'e':
        return append_marked(m, IDEM_PICKLE_LIST);
    case '}':
        return collect(m, IDEM_PICKLE_DICT, 0);
    case 'd':
        return collect(m, IDEM_PICKLE_DICT, -1);
    case 's':
        return append_last(m, IDEM_PICKLE_DICT, 2);
    case 'u':
        return append_marked(m, IDEM_PICKLE_DICT);
    case 'q':
        return memo_put(m, 1);
    case 'r':
        return memo_put(m, 4);
    case 0x94: /* MEMOIZE */
        return memo_put(m, 0);
    case 'h':
        return memo_get(m, 1);
    case 'j':
        return memo_get(m, 4);
    case 'c':
        return global_line(m);
    case 0x93: /* STACK_GLOBAL */
        return global_stack(m);
    case 'R':
        return call(m);
    case 0x81: /* NEWOBJ */
        return new_object(m);
    case 'b':
        return build(m);
    case 'Q':
        return persistent(m);
    default:
        return idem_fail("%s: pickle opcode 0x%02x is not one that weights need: refused", m->what, op);
    }
}

int idem_pickle_read(idem_arena *arena, value *root, const unsigned char *bytes, size_t size, size_t *used,
                     const char *what) {
    machine m = {.arena = arena, .p = bytes, .end = bytes + size, .what = what};
    int status = 0;
    while (!status) {
        const unsigned char *op = bytes_of(&m, 1);
        if (!op)
            status = -1;
        else if (*op == '.')
            break;
        else
            status = step(&m, *op);
    }
    if (!status)
        status = pop(&m, root);
    if (!status && used)
        *used = (size_t)(m.p - bytes);
    free(m.stack);
    free(m.memo);
    return status;
}
