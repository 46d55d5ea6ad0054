/* Lifetimes to offsets: values that are never live at the same time share bytes of one buffer. */
#ifndef IDEM_ENGINE_LAYOUT_H
#define IDEM_ENGINE_LAYOUT_H

#include <stddef.h>

typedef struct {
    size_t bytes;
    int first, last; /* first and last step of its lifetime */
    size_t offset;   /* result: a multiple of 64 */
} idem_span;

/* Places every span, largest first at the lowest gap that fits (Pisarchyk and Lee 2020, "greedy by size").
 * Returns 0 and the buffer's size; -1 when memory is short. */
int idem_layout(idem_span *spans, int n, size_t *total);

#endif
