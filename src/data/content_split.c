#include "data/content_split.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/status.h"

enum { HASH = 32, STREAM = 64 };

typedef struct {
    uint64_t key;
    const unsigned char *hash;
    uint32_t index;
} place;

static int compare_places(const void *a, const void *b) {
    const place *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    const int order = memcmp(x->hash, y->hash, HASH);
    return order ? order : x->index < y->index ? -1 : x->index > y->index;
}

/* A random number by seed, equal for files with equal content. */
static uint64_t key_of(uint64_t seed, const char *stream, const unsigned char *hash) {
    static const char digits[] = "0123456789abcdef";
    char name[STREAM + 2 * HASH + 2];
    char *to = name + snprintf(name, STREAM, "%s ", stream);
    for (int i = 0; i < HASH; i++) {
        *to++ = digits[hash[i] >> 4];
        *to++ = digits[hash[i] & 15];
    }
    *to = 0;
    idem_rng rng = idem_rng_make(seed, name);
    return idem_rng_u64(&rng);
}

/* Files with equal content are adjacent in `places`. */
static int hold_out(uint32_t *to, const place *places, size_t count, size_t wanted, const char *dir) {
    size_t apart = 0, others = wanted;
    for (size_t i = 0, n; i < count; i += n) {
        for (n = 1; i + n < count && !memcmp(places[i].hash, places[i + n].hash, HASH);)
            n++;
        const bool held = n <= wanted - apart;
        if (!held && others + n > count)
            return idem_fail("%s: %zu pictures cannot be held out without copies of their files among the others: hold "
                             "out fewer, or remove duplicates",
                             dir, wanted);
        for (size_t k = 0; k < n; k++)
            to[held ? apart++ : others++] = places[i + k].index;
    }
    return 0;
}

int idem_content_split(uint32_t *order, const idem_picture_cache *c, const char *dir, uint64_t seed, const char *stream,
                       size_t held_out) {
    const size_t count = idem_picture_cache_count(c);
    place *places = malloc((count + 1) * sizeof *places);
    if (!places)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the order of %zu pictures", count);
    for (size_t i = 0; i < count; i++) {
        const unsigned char *hash = idem_picture_cache_hash(c, i);
        places[i] = (place){key_of(seed, stream, hash), hash, (uint32_t)i};
    }
    qsort(places, count, sizeof *places, compare_places);
    const int status = hold_out(order, places, count, held_out, dir);
    free(places);
    return status;
}
