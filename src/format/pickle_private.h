/* The state of the pickle machine, shared by pickle.c (opcodes) and pickle_call.c (names and calls). */
#ifndef IDEM_FORMAT_PICKLE_PRIVATE_H
#define IDEM_FORMAT_PICKLE_PRIVATE_H

#include "format/pickle.h"

typedef struct {
    idem_arena *arena;
    const unsigned char *p, *end;
    const char *what;
    size_t bytes; /* taken so far */
    unsigned char *slab;
    size_t slab_left;
    idem_pickle_value *stack, *memo;
    size_t depth, stack_capacity, memo_capacity, memo_count; /* memo_count: for MEMOIZE */
    const idem_pickle_storage *storages;
    size_t n_storages;
    bool inner; /* in a file inside the pickle, which may not contain another */
} idem_pickle_machine;

/* pickle.c: all fail with a message. */
void *idem_pickle_take(idem_pickle_machine *m, size_t bytes); /* zeroed, charged to the machine's bounds */
int idem_pickle_push(idem_pickle_machine *m, idem_pickle_value v);
int idem_pickle_pop(idem_pickle_machine *m, idem_pickle_value *v);
idem_pickle_value *idem_pickle_top(idem_pickle_machine *m); /* NULL: none */
int idem_pickle_append(idem_pickle_machine *m, idem_pickle_items *t, const idem_pickle_value *v, size_t n);
int idem_pickle_push_items(idem_pickle_machine *m, idem_pickle_kind kind, const idem_pickle_value *v, size_t n);
int idem_pickle_damaged(const idem_pickle_machine *m, const char *why);

/* Runs one pickle from m->p to its end. */
int idem_pickle_run(idem_pickle_machine *m, idem_pickle_value *root);
/* Frees stack and memo. */
void idem_pickle_drop(idem_pickle_machine *m);

/* pickle_inner.c: a storage whose bytes are a PyTorch file. */
int idem_pickle_inner_storage(idem_pickle_machine *m, const unsigned char *bytes, size_t size);

/* pickle_call.c: the opcodes GLOBAL, REDUCE, NEWOBJ, BUILD and BINPERSID. */
int idem_pickle_global(idem_pickle_machine *m, const char *module, size_t nm, const char *name, size_t nn);
int idem_pickle_call(idem_pickle_machine *m);
int idem_pickle_new(idem_pickle_machine *m);
int idem_pickle_build(idem_pickle_machine *m);
int idem_pickle_persistent(idem_pickle_machine *m);

#endif
