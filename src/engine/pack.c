#define _GNU_SOURCE
#include "engine/pack.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/graph_private.h"

/* The node and a hash of its values: a frozen node's values should never change, but a caller may break this rule. */
typedef struct {
    uint64_t graph, hash;
    int node;
} origin;

struct idem_pack {
    idem_pack *next;
    origin from; /* the latest user's */
    idem_shape shape;
    void *key;
    size_t key_bytes, bytes;
    void *values;
    int users;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static idem_pack *packs;

static void discard(idem_pack *p) {
    idem_block_free(p->values, p->bytes);
    free(p->key);
    free(p);
}

/* Multiplies and folds, in independent lanes: as fast as memory. */
static uint64_t hash_of(const float *values, size_t count) {
    enum { LANES = 8 };
    const uint64_t prime = UINT64_C(0x9e3779b97f4a7c55);
    uint64_t lane[LANES], word[LANES];
    for (int i = 0; i < LANES; i++)
        lane[i] = prime * (uint64_t)(i + 1);
    for (size_t at = 0; at < count; at += 2 * LANES) {
        const size_t left = count - at < 2 * LANES ? count - at : 2 * LANES;
        memset(word, 0, sizeof word);
        memcpy(word, values + at, left * sizeof *values);
        for (int i = 0; i < LANES; i++) {
            lane[i] = (lane[i] ^ word[i]) * prime;
            lane[i] ^= lane[i] >> 32;
        }
    }
    uint64_t hash = count;
    for (int i = 0; i < LANES; i++) {
        hash = (hash ^ lane[i]) * prime;
        hash ^= hash >> 32;
    }
    return hash;
}

static idem_pack *make(const idem_shape *shape, const void *key, size_t key_bytes, size_t bytes,
                       int (*fill)(void *order, void *values), void *order) {
    idem_pack *p = calloc(1, sizeof *p);
    if (!p)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for reordered weights");
    *p = (idem_pack){.shape = *shape, .key = malloc(key_bytes), .key_bytes = key_bytes, .bytes = bytes};
    p->values = idem_block_alloc(bytes);
    if (!p->key || !p->values) {
        discard(p);
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for %zu bytes of reordered weights", bytes);
    }
    memcpy(p->key, key, key_bytes);
    if (fill(order, p->values)) {
        discard(p);
        return NULL;
    }
    return p;
}

static bool same_form(const idem_pack *p, const void *key, size_t key_bytes) {
    return p->key_bytes == key_bytes && memcmp(p->key, key, key_bytes) == 0;
}

static idem_pack *find_origin(const origin *from, const void *key, size_t key_bytes) {
    for (idem_pack *p = packs; p; p = p->next)
        if (p->from.node == from->node && p->from.graph == from->graph && p->from.hash == from->hash &&
            same_form(p, key, key_bytes))
            return p;
    return NULL;
}

static idem_pack *find_equal(const idem_pack *like) {
    for (idem_pack *p = packs; p; p = p->next)
        if (p->bytes == like->bytes && idem_shape_equal(&p->shape, &like->shape) &&
            same_form(p, like->key, like->key_bytes) && memcmp(p->values, like->values, p->bytes) == 0)
            return p;
    return NULL;
}

idem_pack *idem_pack_get(idem_frozen operand, const void *key, size_t key_bytes, size_t bytes,
                         int (*fill)(void *order, void *values), void *order) {
    const idem_shape *shape = &operand.node->shape;
    const origin from = {idem_graph_serial(operand.node->graph),
                         hash_of(operand.values, (size_t)idem_shape_count(shape)), operand.node->id};
    pthread_mutex_lock(&lock);
    idem_pack *p = find_origin(&from, key, key_bytes);
    if (p)
        p->users++;
    pthread_mutex_unlock(&lock);
    if (p)
        return p;
    /* Without the lock: a fill runs on a team of threads, which must not wait for a thread that waits for the lock. */
    idem_pack *made = make(shape, key, key_bytes, bytes, fill, order);
    if (!made)
        return NULL;
    pthread_mutex_lock(&lock);
    p = find_equal(made);
    if (!p) {
        made->next = packs;
        p = packs = made;
    }
    p->from = from;
    p->users++;
    pthread_mutex_unlock(&lock);
    if (p != made)
        discard(made);
    return p;
}

void idem_pack_release(idem_pack *p) {
    if (!p)
        return;
    pthread_mutex_lock(&lock);
    if (--p->users == 0) {
        idem_pack **at = &packs;
        while (*at != p)
            at = &(*at)->next;
        *at = p->next;
        discard(p);
    }
    pthread_mutex_unlock(&lock);
}

const void *idem_pack_values(const idem_pack *p) {
    return p->values;
}
