#define _GNU_SOURCE
#include "engine/pack.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct idem_pack {
    idem_pack *next;
    const idem_node *node;
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

static idem_pack *find(const idem_node *node, const void *key, size_t key_bytes) {
    for (idem_pack *p = packs; node && p; p = p->next)
        if (p->node == node && p->key_bytes == key_bytes && memcmp(p->key, key, key_bytes) == 0)
            return p;
    return NULL;
}

static idem_pack *make(const idem_node *node, const void *key, size_t key_bytes, size_t bytes,
                       int (*fill)(void *order, void *values), void *order) {
    idem_pack *p = calloc(1, sizeof *p);
    if (!p)
        return idem_fail_null("out of memory for reordered weights");
    *p = (idem_pack){.node = node, .key = malloc(key_bytes), .key_bytes = key_bytes, .bytes = bytes, .users = 1};
    p->values = idem_block_alloc(bytes);
    if (!p->key || !p->values) {
        discard(p);
        return idem_fail_null("out of memory for %zu bytes of reordered weights", bytes);
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

idem_pack *idem_pack_get(const idem_node *node, const void *key, size_t key_bytes, size_t bytes,
                         int (*fill)(void *order, void *values), void *order) {
    pthread_mutex_lock(&lock);
    idem_pack *p = find(node, key, key_bytes);
    if (p)
        p->users++;
    else
        p = make(node, key, key_bytes, bytes, fill, order);
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
