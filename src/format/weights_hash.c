#include <stdio.h>
#include <string.h>

#include "format/weights.h"

static uint64_t fnv(uint64_t h, const void *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        h = (h ^ ((const unsigned char *)bytes)[i]) * 0x100000001B3u;
    return h;
}

/* The state of hashing one tensor. */
typedef struct {
    uint64_t h;
    const unsigned char *at;
    size_t left;
    bool counts;
} hashing;

enum { LANES = 4 }; /* tensors at a time: within a tensor, each byte depends on the product of the byte before */

/* Hashes the next n bytes of each. */
static void hash_lanes(hashing lane[LANES], size_t n) {
    uint64_t h[LANES];
    for (int k = 0; k < LANES; k++)
        h[k] = lane[k].h;
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < LANES; k++)
            h[k] = (h[k] ^ lane[k].at[i]) * 0x100000001B3u;
    for (int k = 0; k < LANES; k++) {
        lane[k].h = h[k];
        lane[k].at += n;
        lane[k].left -= n;
    }
}

static hashing hash_begin(const idem_weight *t, bool counts(const char *name)) {
    uint64_t h = fnv(0xCBF29CE484222325u, t->name, strlen(t->name) + 1);
    return (hashing){.counts = !counts || counts(t->name),
                     .h = fnv(h, t->shape.d, (size_t)t->shape.rank * sizeof t->shape.d[0]),
                     .at = (const unsigned char *)t->data,
                     .left = (size_t)idem_shape_count(&t->shape) * sizeof(float)};
}

static void print_hash(char hash[17], uint64_t sum) {
    snprintf(hash, 17, "%016llx", (unsigned long long)sum);
}

void idem_weights_hash(char hash[17], const idem_weights *w) {
    idem_weights_hash_some(hash, hash, w, NULL);
}

void idem_weights_hash_some(char some[17], char all[17], const idem_weights *w, bool counts(const char *name)) {
    size_t count = idem_weights_count(w), next = 0;
    uint64_t sum = 0, sum_some = 0;
    hashing lane[LANES];
    for (; next < LANES && next < count; next++)
        lane[next] = hash_begin(idem_weights_at(w, next), counts);
    int lanes = (int)next;
    while (next < count) {
        size_t least = lane[0].left;
        for (int k = 1; k < LANES; k++)
            least = lane[k].left < least ? lane[k].left : least;
        hash_lanes(lane, least);
        for (int k = 0; k < LANES; k++)
            if (!lane[k].left && next < count) {
                sum += lane[k].h;
                sum_some += lane[k].counts ? lane[k].h : 0;
                lane[k] = hash_begin(idem_weights_at(w, next++), counts);
            }
    }
    for (int k = 0; k < lanes; k++) {
        const uint64_t h = fnv(lane[k].h, lane[k].at, lane[k].left);
        sum += h;
        sum_some += lane[k].counts ? h : 0;
    }
    print_hash(all, sum);
    print_hash(some, sum_some);
}
