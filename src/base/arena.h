/* Memory that is freed all at once. An arena owns all its blocks; blocks are zeroed and 64-byte aligned.
 *
 *     idem_arena *a = idem_arena_new();
 *     int *x = idem_arena_alloc(a, 10 * sizeof *x);
 *     idem_arena_free(a); */
#ifndef IDEM_BASE_ARENA_H
#define IDEM_BASE_ARENA_H

#include <stddef.h>

#include "base/status.h"

typedef struct idem_arena idem_arena;

idem_arena *idem_arena_new(void);    /* NULL when memory is short */
void idem_arena_free(idem_arena *a); /* NULL is allowed */

/* Zeroed, aligned to 64 bytes; size 0 gives a valid pointer. NULL with a message when memory is short. */
void *idem_arena_alloc(idem_arena *a, size_t bytes);

/* count * size with the product checked. */
void *idem_arena_array(idem_arena *a, size_t count, size_t size);

char *idem_arena_strdup(idem_arena *a, const char *s);
char *idem_arena_printf(idem_arena *a, const char *format, ...) IDEM_PRINTF(2, 3);

/* Bytes allocated so far, including alignment. */
size_t idem_arena_bytes(const idem_arena *a);

/* 64-byte aligned zeroed memory outside any arena, for large single blocks (uses huge pages where they pay).
 * idem_block_free takes the same size. */
void *idem_block_alloc(size_t bytes);
void idem_block_free(void *block, size_t bytes);

#endif
