#define _GNU_SOURCE
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN = 64, CHUNK = 1 << 16 };

typedef struct chunk {
    struct chunk *next;
    size_t size, used;
    char *data;
} chunk;

struct idem_arena {
    chunk *head;
    size_t bytes;
};

static size_t round_up(size_t n, size_t to) {
    return (n + to - 1) / to * to;
}

idem_arena *idem_arena_new(void) {
    idem_arena *a = calloc(1, sizeof *a);
    if (!a)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for an arena");
    return a;
}

void idem_arena_free(idem_arena *a) {
    if (!a)
        return;
    for (chunk *c = a->head, *next; c; c = next) {
        next = c->next;
        free(c->data);
        free(c);
    }
    free(a);
}

void *idem_arena_alloc(idem_arena *a, size_t bytes) {
    if (bytes > SIZE_MAX / 2)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory: %zu bytes asked for", bytes);
    size_t need = round_up(bytes ? bytes : 1, ALIGN);
    chunk *c = a->head;
    if (!c || c->size - c->used < need) {
        size_t size = need > CHUNK ? need : CHUNK;
        c = calloc(1, sizeof *c);
        if (c)
            c->data = aligned_alloc(ALIGN, size);
        if (!c || !c->data) {
            free(c);
            return idem_fail_null_as(IDEM_MEMORY, "out of memory: %zu bytes asked for", bytes);
        }
        c->size = size;
        /* A block with its own chunk is linked after the head, whose free space stays in use. */
        if (a->head && size > CHUNK) {
            c->next = a->head->next;
            a->head->next = c;
        } else {
            c->next = a->head;
            a->head = c;
        }
    }
    void *p = c->data + c->used;
    c->used += need;
    a->bytes += need;
    memset(p, 0, need);
    return p;
}

void *idem_arena_array(idem_arena *a, size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return idem_fail_null_as(IDEM_MEMORY, "out of memory: %zu items of %zu bytes asked for", count, size);
    return idem_arena_alloc(a, bytes);
}

char *idem_arena_strdup(idem_arena *a, const char *s) {
    size_t n = strlen(s) + 1;
    char *p = idem_arena_alloc(a, n);
    if (p)
        memcpy(p, s, n);
    return p;
}

char *idem_arena_printf(idem_arena *a, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *p = n < 0 ? NULL : idem_arena_alloc(a, (size_t)n + 1);
    if (p)
        vsnprintf(p, (size_t)n + 1, format, again);
    va_end(again);
    return p;
}

size_t idem_arena_bytes(const idem_arena *a) {
    return a->bytes;
}

/* Blocks use huge pages where possible: with small pages a network's values are scattered randomly over the
 * second-level cache, and every 4 KB needs a page look-up. What would fill less than three quarters of a huge page gets
 * small ones: a network has a block for each of its weights, most of which end shortly after a whole huge page. */
enum { HUGE_PAGE = 2 << 20 };

static size_t block_size(size_t bytes) {
    size_t size = round_up(bytes ? bytes : 1, 4096), rest = size % HUGE_PAGE;
    return rest < HUGE_PAGE / 4 * 3 ? size : size - rest + HUGE_PAGE;
}

void *idem_block_alloc(size_t bytes) {
    size_t size = block_size(bytes), more = size < HUGE_PAGE ? 0 : HUGE_PAGE;
    char *p = size + more < bytes ? MAP_FAILED
                                  : mmap(NULL, size + more, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory: %zu bytes asked for", bytes);
    if (!more)
        return p;
    size_t before = round_up((size_t)p, HUGE_PAGE) - (size_t)p;
    if (before)
        munmap(p, before);
    if (more > before)
        munmap(p + before + size, more - before);
    madvise(p + before, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); /* only advice: failure does not matter */
    return p + before;
}

void idem_block_free(void *block, size_t bytes) {
    if (block)
        munmap(block, block_size(bytes));
}
