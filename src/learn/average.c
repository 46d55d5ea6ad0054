#include "learn/average.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

enum { NAME_BYTES = 512 };

typedef struct {
    const float *weight;
    float *average;
    int64_t count;
} item;

struct idem_average {
    size_t n;
    item *items;
};

bool idem_average_covers(const char *name) {
    return !strncmp(name, "E_attr.", 7) || !strncmp(name, "mapper.", 7);
}

bool idem_average_kept(const idem_weights *trained) {
    return idem_average_of(trained, "mapper.0.weight") != NULL;
}

idem_weight *idem_average_of(const idem_weights *trained, const char *name) {
    char full[NAME_BYTES];
    snprintf(full, sizeof full, IDEM_AVERAGE_PREFIX "%s", name);
    return idem_weights_find(trained, full);
}

int idem_average_add(idem_weights *trained) {
    size_t n = idem_weights_count(trained);
    for (size_t i = 0; i < n; i++) {
        const idem_weight *w = idem_weights_at(trained, i);
        char full[NAME_BYTES];
        if (!idem_average_covers(w->name))
            continue;
        snprintf(full, sizeof full, IDEM_AVERAGE_PREFIX "%s", w->name);
        idem_weight *average = idem_weights_add(trained, full, w->shape);
        if (!average)
            return -1;
        idem_weight_read(w, average->data);
    }
    return 0;
}

static int pair(item *p, const idem_weights *trained, const idem_weight *w) {
    idem_weight *average = idem_average_of(trained, w->name);
    if (!average)
        return idem_fail("%s%s is missing: the run was started without --ema", IDEM_AVERAGE_PREFIX, w->name);
    if (w->channels_last && !average->channels_last) {
        average->shape = w->shape; /* binding may have dropped dimensions of 1 */
        if (idem_weight_channels_last(average))
            return -1;
    }
    *p = (item){w->data, average->data, idem_shape_count(&w->shape)};
    return p->count == idem_shape_count(&average->shape)
               ? 0
               : idem_fail("%s%s has another size than %s", IDEM_AVERAGE_PREFIX, w->name, w->name);
}

idem_average *idem_average_new(idem_weights *trained) {
    size_t n = idem_weights_count(trained);
    idem_average *a = calloc(1, sizeof *a);
    item *items = calloc(n + 1, sizeof *items);
    if (!a || !items) {
        free(a);
        free(items);
        return idem_fail_null("out of memory for the average of the weights");
    }
    a->items = items;
    for (size_t i = 0; i < n; i++) {
        const idem_weight *w = idem_weights_at(trained, i);
        if (idem_average_covers(w->name) && pair(&items[a->n++], trained, w)) {
            idem_average_free(a);
            return NULL;
        }
    }
    return a;
}

void idem_average_free(idem_average *a) {
    if (a)
        free(a->items);
    free(a);
}

void idem_average_update(idem_average *a, double decay, int64_t t) {
    double early = (1 + (double)t) / (10 + (double)t);
    float share = (float)(1 - (decay < early ? decay : early));
    for (size_t i = 0; i < a->n; i++) {
        const item *p = &a->items[i];
        for (int64_t k = 0; k < p->count; k++)
            p->average[k] += share * (p->weight[k] - p->average[k]);
    }
}
