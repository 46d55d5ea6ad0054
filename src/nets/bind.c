#include "nets/bind.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum { NAME_MAX_BYTES = 512 };

idem_binder idem_binder_make(idem_graph *g, idem_weights *w, const char *prefix, bool trainable) {
    return (idem_binder){.graph = g, .weights = w, .prefix = prefix ? prefix : "", .trainable = trainable};
}

static void full_name(const idem_binder *b, char name[NAME_MAX_BYTES], const char *format, va_list args) {
    size_t n = (size_t)snprintf(name, NAME_MAX_BYTES, "%s", b->prefix);
    if (n < NAME_MAX_BYTES)
        vsnprintf(name + n, NAME_MAX_BYTES - n, format, args);
}

static void note_problem(idem_binder *b, const char *text) {
    size_t n = strlen(b->first);
    snprintf(b->first + n, sizeof b->first - n, "%s%s", n ? "; " : "", text);
}

static void note_damage(idem_binder *b, const idem_weight *w) {
    const int64_t at = idem_weight_damage(w);
    if (at < 0)
        return;
    char text[NAME_MAX_BYTES + 160];
    snprintf(text, sizeof text, "%s: number %lld of %lld is %g", w->name, (long long)at + 1,
             (long long)idem_shape_count(&w->shape), (double)w->data[at]);
    b->damaged++;
    note_problem(b, text);
}

/* Shapes of the same numbers in the same order: equal without their dimensions of 1. */
static bool shape_fits(const idem_shape *have, const idem_shape *want) {
    int i = 0, j = 0;
    for (;;) {
        while (i < have->rank && have->d[i] == 1)
            i++;
        while (j < want->rank && want->d[j] == 1)
            j++;
        if (i == have->rank || j == want->rank)
            return i == have->rank && j == want->rank;
        if (have->d[i++] != want->d[j++])
            return false;
    }
}

/* The same tensor bound twice in one graph must be one node, or its gradient would be split between two. */
static idem_node *find_bound(const idem_graph *g, const float *data, const idem_shape *shape) {
    for (int i = 0, n = idem_graph_size(g); i < n; i++) {
        idem_node *node = idem_graph_node(g, i);
        if (node->leaf == data && idem_shape_equal(&node->shape, shape))
            return node;
    }
    return NULL;
}

idem_node *idem_bind(idem_binder *b, idem_shape shape, const char *name_format, ...) {
    char name[NAME_MAX_BYTES], text[NAME_MAX_BYTES + 160], have[64], want[64];
    va_list args;
    va_start(args, name_format);
    full_name(b, name, name_format, args);
    va_end(args);
    idem_weight *w = idem_weights_find(b->weights, name);
    if (!w) {
        b->missing++;
        snprintf(text, sizeof text, "%s is missing", name);
        note_problem(b, text);
        return idem_const_fill(b->graph, shape, 0);
    }
    if (!w->used) /* later, training may have changed its numbers */
        note_damage(b, w);
    w->used = true;
    if (!shape_fits(&w->shape, &shape)) {
        b->misshapen++;
        snprintf(text, sizeof text, "%s is %s, expected %s", name, idem_shape_text(&w->shape, have),
                 idem_shape_text(&shape, want));
        note_problem(b, text);
        return idem_const_fill(b->graph, shape, 0);
    }
    if (w->shape.rank != shape.rank || !idem_shape_equal(&w->shape, &shape)) {
        /* Memory order depends on the rank alone, so the weight takes the shape it is used with. */
        if (w->channels_last) {
            idem_fail("%s: already bound as %s, now wanted as %s", name, idem_shape_text(&w->shape, have),
                      idem_shape_text(&shape, want));
            return NULL;
        }
        w->shape = shape;
    }
    if (shape.rank == 4 && !w->channels_last && idem_weight_channels_last(w))
        return NULL;
    idem_node *n = find_bound(b->graph, w->data, &shape);
    return n ? n : idem_param(b->graph, name, shape, w->data, b->trainable);
}

bool idem_bind_has(const idem_binder *b, const char *name_format, ...) {
    char name[NAME_MAX_BYTES];
    va_list args;
    va_start(args, name_format);
    full_name(b, name, name_format, args);
    va_end(args);
    return idem_weights_find(b->weights, name) != NULL;
}

idem_shape idem_bind_shape(const idem_binder *b, const char *name_format, ...) {
    char name[NAME_MAX_BYTES];
    va_list args;
    va_start(args, name_format);
    full_name(b, name, name_format, args);
    va_end(args);
    const idem_weight *w = idem_weights_find(b->weights, name);
    return w ? w->shape : IDEM_SCALAR;
}

/* '*' stands for any run of characters; n bytes of pattern. */
static bool matches(const char *pattern, size_t n, const char *text) {
    if (n == 0)
        return *text == 0;
    if (*pattern == '*')
        return matches(pattern + 1, n - 1, text) || (*text && matches(pattern, n, text + 1));
    return *pattern == *text && matches(pattern + 1, n - 1, text + 1);
}

static bool is_spare(const char *name, const char *spare) {
    while (spare && *spare) {
        size_t n = strcspn(spare, "|");
        if (matches(spare, n, name))
            return true;
        spare += n + (spare[n] == '|');
    }
    return false;
}

int idem_binder_finish(idem_binder *b, const char *what, const char *spare) {
    if (b->missing || b->misshapen)
        return idem_fail("%s: %d tensors missing and %d of another shape than expected (%s); is this the right file?",
                         what, b->missing, b->misshapen, b->first);
    if (b->damaged)
        return idem_fail("%s: %d tensors hold numbers that are not finite (%s): the file is damaged; get or make it "
                         "again",
                         what, b->damaged, b->first);
    size_t n_prefix = strlen(b->prefix), unused = 0;
    char names[200] = "";
    for (size_t i = 0; i < idem_weights_count(b->weights); i++) {
        const idem_weight *w = idem_weights_at(b->weights, i);
        if (w->used || strncmp(w->name, b->prefix, n_prefix) != 0 || is_spare(w->name + n_prefix, spare))
            continue;
        size_t end = strlen(names);
        if (unused++ < 4)
            snprintf(names + end, sizeof names - end, "%s%s", end ? ", " : "", w->name);
    }
    if (unused)
        idem_log(IDEM_LOG_WARNING, "%s: %zu tensors of the file are not used: %s%s", what, unused, names,
                 unused > 4 ? ", ..." : "");
    return 0;
}
