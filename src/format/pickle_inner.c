/* pickle.dump writes each tensor's storage as the bytes of a legacy PyTorch file whose object is that storage. The same
 * machine reads the inner file, with a separate stack, so that the bounds apply to all of them together. */
#include "format/pickle_private.h"

#include "format/bytes.h"
#include "format/torch_private.h"

typedef idem_pickle_value value;
typedef idem_pickle_machine machine;

static int read_file(machine *m, const idem_pickle_storage **out) {
    value v;
    if (idem_pickle_run(m, &v))
        return -1;
    if (v.kind != IDEM_PICKLE_INT || v.i != IDEM_TORCH_LEGACY_VERSION)
        return idem_pickle_damaged(m, "numbers in a file of an unknown version");
    if (idem_pickle_run(m, &v) || idem_torch_check_machine(m->what, &v) || idem_pickle_run(m, &v))
        return -1;
    if (v.kind != IDEM_PICKLE_STORAGE)
        return idem_pickle_damaged(m, "a file of numbers that holds something else");
    /* It is the storage just created, so it may be modified. */
    idem_pickle_storage *s = (idem_pickle_storage *)v.storage;
    uint64_t bytes;
    if (idem_pickle_run(m, &v)) /* the list of keys: exactly one */
        return -1;
    if (m->end - m->p < 8 || idem_le64(m->p) != (uint64_t)s->count ||
        __builtin_mul_overflow((uint64_t)s->count, (uint64_t)idem_dtype_size(s->dtype), &bytes) ||
        bytes > (uint64_t)(m->end - m->p - 8))
        return idem_pickle_damaged(m, "a tensor's numbers are incomplete");
    s->data = m->p + 8;
    *out = s;
    return 0;
}

int idem_pickle_inner_storage(machine *m, const unsigned char *bytes, size_t size) {
    if (m->inner || !idem_torch_is_legacy(bytes, size))
        return idem_pickle_damaged(m, "a tensor's numbers are not a PyTorch file");
    machine inner = *m;
    inner.p = bytes + IDEM_TORCH_LEGACY_MAGIC;
    inner.end = bytes + size;
    inner.stack = inner.memo = NULL;
    inner.depth = inner.stack_capacity = inner.memo_capacity = inner.memo_count = 0;
    inner.inner = true;
    const idem_pickle_storage *s = NULL;
    int status = read_file(&inner, &s);
    idem_pickle_drop(&inner);
    m->bytes = inner.bytes;
    m->slab = inner.slab;
    m->slab_left = inner.slab_left;
    m->storages = inner.storages;
    m->n_storages = inner.n_storages;
    return status ? -1 : idem_pickle_push(m, (value){.kind = IDEM_PICKLE_STORAGE, .storage = s});
}
