#define _GNU_SOURCE
#include "engine/pack.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct idem_pack {
    idem_pack *next;
    idem_shape shape;
    uint64_t hash;
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

/* Multiplies and folds, in lanes that do not wait for each other: as quick as memory. */
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

static idem_pack *find(const idem_shape *shape, uint64_t hash, const void *key, size_t key_bytes) {
    for (idem_pack *p = packs; p; p = p->next)
        if (p->hash == hash && idem_shape_equal(&p->shape, shape) && p->key_bytes == key_bytes &&
            memcmp(p->key, key, key_bytes) == 0)
            return p;
    return NULL;
}

static idem_pack *make(const idem_shape *shape, uint64_t hash, const void *key, size_t key_bytes, size_t bytes,
                       int (*fill)(void *order, void *values), void *order) {
    idem_pack *p = calloc(1, sizeof *p);
    if (!p)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for reordered weights");
    *p = (idem_pack){
        .shape = *shape, .hash = hash, .key = malloc(key_bytes), .key_bytes = key_bytes, .bytes = bytes, .users = 1};
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
    p->next = packs;
    packs = p;
    return p;
}

idem_pack *idem_pack_get(idem_frozen operand, const void *key, size_t key_bytes, size_t bytes,
                         int (*fill)(void *order, void *values), void *order) {
    const idem_shape *shape = &operand.node->shape;
    const uint64_t hash = hash_of(operand.values, (size_t)idem_shape_count(shape));
    pthread_mutex_lock(&lock);
    idem_pack *p = find(shape, hash, key, key_bytes);
    if (p)
        p->users++;
    else
        p = make(shape, hash, key, key_bytes, bytes, fill, order);
    pthread_mutex_unlock(&lock);
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
