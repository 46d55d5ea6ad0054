#include "model/average.h"

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

const idem_average_rule idem_average_mapper[IDEM_AVERAGE_MAPPER_RULES] = {{"E_attr.", IDEM_AVERAGE_PREFIX "E_attr."},
                                                                          {"mapper.", IDEM_AVERAGE_PREFIX "mapper."}};

/* The average's name, if a rule covers the tensor. */
static bool average_name(char full[NAME_BYTES], const char *name, const idem_average_rule *rules, int n) {
    for (int i = 0; i < n; i++) {
        size_t length = strlen(rules[i].from);
        if (!strncmp(name, rules[i].from, length)) {
            snprintf(full, NAME_BYTES, "%s%s", rules[i].to, name + length);
            return true;
        }
    }
    return false;
}

bool idem_average_covers(const char *name) {
    char full[NAME_BYTES];
    return average_name(full, name, idem_average_mapper, IDEM_AVERAGE_MAPPER_RULES);
}

bool idem_average_kept(const idem_weights *trained) {
    return idem_average_of(trained, "mapper.0.weight") != NULL;
}

idem_weight *idem_average_of(const idem_weights *trained, const char *name) {
    char full[NAME_BYTES];
    return average_name(full, name, idem_average_mapper, IDEM_AVERAGE_MAPPER_RULES) ? idem_weights_find(trained, full)
                                                                                    : NULL;
}

int idem_average_add(idem_weights *trained, const idem_average_rule *rules, int n) {
    const size_t count = idem_weights_count(trained);
    for (size_t i = 0; i < count; i++) {
        const idem_weight *w = idem_weights_at(trained, i);
        char full[NAME_BYTES];
        if (!average_name(full, w->name, rules, n))
            continue;
        idem_weight *average = idem_weights_add(trained, full, w->shape);
        if (!average)
            return -1;
        idem_weight_read(w, average->data);
    }
    return 0;
}

static int pair(item *p, const idem_weights *trained, const idem_weight *w, const char *name) {
    idem_weight *average = idem_weights_find(trained, name);
    if (!average)
        return idem_fail("%s is missing: the run was started without an average", name);
    if (w->channels_last && !average->channels_last) {
        average->shape = w->shape; /* binding may have dropped dimensions of 1 */
        if (idem_weight_channels_last(average))
            return -1;
    }
    *p = (item){w->data, average->data, idem_shape_count(&w->shape)};
    return p->count == idem_shape_count(&average->shape) ? 0 : idem_fail("%s has another size than %s", name, w->name);
}

idem_average *idem_average_new(idem_weights *trained, const idem_average_rule *rules, int n) {
    const size_t count = idem_weights_count(trained);
    idem_average *a = calloc(1, sizeof *a);
    item *items = calloc(count + 1, sizeof *items);
    if (!a || !items) {
        free(a);
        free(items);
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for the average of the weights");
    }
    a->items = items;
    for (size_t i = 0; i < count; i++) {
        const idem_weight *w = idem_weights_at(trained, i);
        char full[NAME_BYTES];
        if (average_name(full, w->name, rules, n) && pair(&items[a->n++], trained, w, full)) {
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
