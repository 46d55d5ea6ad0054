/* Frozen operands in a kernel's layout, made once and shared by the kernels of all plans. */
#ifndef IDEM_ENGINE_PACK_H
#define IDEM_ENGINE_PACK_H

#include <stddef.h>

#include "engine/graph.h"

/* A frozen operand: its values, and their node. values NULL: the operand is not frozen. */
typedef struct {
    const idem_node *node;
    const float *values;
} idem_frozen;

typedef struct idem_pack idem_pack;

/* The pack of an operand in the form named by key, `bytes` bytes (zeroed, 64-byte aligned) that fill writes. Packs are
 * shared: an existing one with the same key for the same node, or with the same bytes for a node of another graph, is
 * returned instead. NULL with a message on failure, also of fill. */
idem_pack *idem_pack_get(idem_frozen operand, const void *key, size_t key_bytes, size_t bytes,
                         int (*fill)(void *order, void *values), void *order);
void idem_pack_release(idem_pack *p); /* NULL is allowed */

const void *idem_pack_values(const idem_pack *p);

#endif
