#include "format/pickle_private.h"

#include <stdlib.h>
#include <string.h>

#include "format/bytes.h"

typedef idem_pickle_value value;
typedef idem_pickle_machine machine;

/* Bound for stack, memo and objects of the machine together. */
static const size_t MEMORY_MOST = (size_t)28 << 20;
enum { SLAB = 1 << 15 };

/* ---- memory ---- */

static int charge(machine *m, size_t bytes) {
    if (bytes > MEMORY_MOST - m->bytes)
        return idem_fail("%s: its pickle needs more than %zu MB of objects: refused", m->what, MEMORY_MOST >> 20);
    m->bytes += bytes;
    return 0;
}

/* Small objects are cut from slabs: the arena's own blocks are never below 64 bytes. */
void *idem_pickle_take(machine *m, size_t bytes) {
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

static int grow(machine *m, value **array, size_t *capacity, size_t need) {
    if (need <= *capacity)
        return 0;
    size_t more = *capacity ? *capacity : 64;
    while (more < need)
        more *= 2;
    if (charge(m, (more - *capacity) * sizeof(value)))
        return -1;
    value *p = realloc(*array, more * sizeof *p);
    if (!p)
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for a pickle", m->what);
    memset(p + *capacity, 0, (more - *capacity) * sizeof *p);
    *array = p;
    *capacity = more;
    return 0;
}

/* ---- stack ---- */

int idem_pickle_push(machine *m, value v) {
    if (grow(m, &m->stack, &m->stack_capacity, m->depth + 1))
        return -1;
    m->stack[m->depth++] = v;
    return 0;
}

int idem_pickle_damaged(const machine *m, const char *why) {
    return idem_fail("%s: damaged pickle: %s", m->what, why);
}

/* The topmost value, which may not be a mark. */
value *idem_pickle_top(machine *m) {
    if (!m->depth || m->stack[m->depth - 1].kind == IDEM_PICKLE_MARK) {
        idem_pickle_damaged(m, "its stack is empty");
        return NULL;
    }
    return &m->stack[m->depth - 1];
}

int idem_pickle_pop(machine *m, value *v) {
    value *t = idem_pickle_top(m);
    if (!t)
        return -1;
    *v = *t;
    m->depth--;
    return 0;
}

/* Position after the last mark; setting depth to one less removes the mark. */
static int find_mark(machine *m, size_t *first) {
    for (size_t i = m->depth; i > 0; i--)
        if (m->stack[i - 1].kind == IDEM_PICKLE_MARK) {
            *first = i;
            return 0;
        }
    return idem_pickle_damaged(m, "a mark is missing");
}

int idem_pickle_append(machine *m, idem_pickle_items *t, const value *v, size_t n) {
    if (t->count + n > t->capacity) {
        size_t capacity = t->count + n > 2 * t->capacity ? t->count + n : 2 * t->capacity;
        value *item = idem_pickle_take(m, capacity * sizeof *item);
        if (!item)
            return -1;
        if (t->count)
            memcpy(item, t->item, t->count * sizeof *item);
        t->item = item;
        t->capacity = capacity;
    }
    if (n)
        memcpy(t->item + t->count, v, n * sizeof *v);
    t->count += n;
    return 0;
}

int idem_pickle_push_items(machine *m, idem_pickle_kind kind, const value *v, size_t n) {
    idem_pickle_items *t = idem_pickle_take(m, sizeof *t);
    if (!t || idem_pickle_append(m, t, v, n))
        return -1;
    return idem_pickle_push(m, (value){.kind = kind, .items = t});
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
            return idem_pickle_damaged(m, "its stack is empty");
        first = m->depth - (size_t)n;
    }
    size_t count = m->depth - first;
    if (kind == IDEM_PICKLE_DICT && count % 2)
        return idem_pickle_damaged(m, "a key without a value");
    m->depth = first - mark;
    /* The popped values are still valid: a push happens only after the copy. */
    return idem_pickle_push_items(m, kind, m->stack + first, count);
}

static int append_to(machine *m, idem_pickle_kind kind, size_t first, size_t keep) {
    size_t count = m->depth - first;
    m->depth = keep;
    value *t = idem_pickle_top(m);
    if (!t)
        return -1;
    if (t->kind != kind || (kind == IDEM_PICKLE_DICT && count % 2))
        return idem_pickle_damaged(m, "items for something that is neither list nor dictionary");
    return idem_pickle_append(m, t->items, m->stack + first, count);
}

static int append_last(machine *m, idem_pickle_kind kind, size_t n) {
    if (m->depth < n + 1)
        return idem_pickle_damaged(m, "its stack is empty");
    return append_to(m, kind, m->depth - n, m->depth - n);
}

static int append_marked(machine *m, idem_pickle_kind kind) {
    size_t first = 0;
    return find_mark(m, &first) ? -1 : append_to(m, kind, first, first - 1);
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
    return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_INT, .i = (int64_t)x});
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
    return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_STRING, .length = (uint32_t)length, .s = (const char *)p});
}

static int push_float(machine *m) {
    const unsigned char *p = bytes_of(m, 8);
    if (!p)
        return -1;
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) /* big-endian, unlike all other numbers */
        bits = bits << 8 | p[i];
    double f;
    memcpy(&f, &bits, sizeof f);
    return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_FLOAT, .f = f});
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
    return line(m, &module, &nm) || line(m, &name, &nn) ? -1 : idem_pickle_global(m, module, nm, name, nn);
}

static int global_stack(machine *m) {
    value name, module;
    if (idem_pickle_pop(m, &name) || idem_pickle_pop(m, &module))
        return -1;
    if (name.kind != IDEM_PICKLE_STRING || module.kind != IDEM_PICKLE_STRING)
        return idem_pickle_damaged(m, "a name that is no text");
    return idem_pickle_global(m, module.s, module.length, name.s, name.length);
}

static int memo_put(machine *m, size_t n) {
    uint64_t at = m->memo_count;
    const value *v;
    if ((n && number(m, n, &at)) || !(v = idem_pickle_top(m)))
        return -1;
    if (at >= MEMORY_MOST / sizeof(value))
        return idem_pickle_damaged(m, "a memo number that is too large");
    value keep = *v;
    if (grow(m, &m->memo, &m->memo_capacity, (size_t)at + 1))
        return -1;
    m->memo[at] = keep;
    m->memo_count++;
    return 0;
}

static int memo_get(machine *m, size_t n) {
    uint64_t at;
    if (number(m, n, &at))
        return -1;
    if (at >= m->memo_capacity || m->memo[at].kind == IDEM_PICKLE_NONE)
        return idem_pickle_damaged(m, "a memo number that was never set");
    return idem_pickle_push(m, m->memo[at]);
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
        return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_MARK});
    case '0':
        return idem_pickle_pop(m, &v);
    case '1':
        return pop_mark(m);
    case 'N':
        return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_NONE});
    case 0x88:
    case 0x89:
        return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_BOOL, .i = op == 0x88});
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
    case 0x8d: /* BINUNICODE8, BINBYTES8 */
    case 0x8e:
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
    case 0x8f: /* EMPTY_SET */
        return idem_pickle_push(m, (value){.kind = IDEM_PICKLE_OPAQUE});
    case 0x90: /* ADDITEMS: to a set, which is ignored */
        return pop_mark(m);
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
        return idem_pickle_call(m);
    case 0x81: /* NEWOBJ */
        return idem_pickle_new(m);
    case 'b':
        return idem_pickle_build(m);
    case 'Q':
        return idem_pickle_persistent(m);
    default:
        return idem_fail("%s: pickle opcode 0x%02x is not needed for weights: refused", m->what, op);
    }
}

int idem_pickle_run(machine *m, value *root) {
    m->depth = m->memo_count = 0;
    if (grow(m, &m->stack, &m->stack_capacity, 64)) /* so that the stack is never NULL */
        return -1;
    for (;;) {
        const unsigned char *op = bytes_of(m, 1);
        if (!op)
            return -1;
        if (*op == '.')
            return idem_pickle_pop(m, root);
        if (step(m, *op))
            return -1;
    }
}

void idem_pickle_drop(machine *m) {
    m->bytes -= (m->stack_capacity + m->memo_capacity) * sizeof(value);
    free(m->stack);
    free(m->memo);
    m->stack = m->memo = NULL;
    m->depth = m->stack_capacity = m->memo_capacity = m->memo_count = 0;
}

int idem_pickle_read(idem_arena *arena, idem_pickle *out, const unsigned char *bytes, size_t size, const char *what) {
    machine m = {.arena = arena, .p = bytes, .end = bytes + size, .what = what};
    size_t before = idem_arena_bytes(arena); /* earlier pickles count too */
    m.bytes = before < MEMORY_MOST ? before : MEMORY_MOST;
    int status = idem_pickle_run(&m, &out->root);
    out->used = (size_t)(m.p - bytes);
    out->storages = m.storages;
    out->n_storages = m.n_storages;
    idem_pickle_drop(&m);
    return status;
}
