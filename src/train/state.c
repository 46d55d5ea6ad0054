#include "train/state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES = 32 * IDEM_STATE_NUMBERS };

/* Doubles in hexadecimal, which is exact. Returns the bytes written. */
static size_t put_number(char *text, size_t capacity, idem_state_kind kind, const void *at, int i) {
    switch (kind) {
    case IDEM_STATE_INT:
        return (size_t)snprintf(text, capacity, "%d", ((const int *)at)[i]);
    case IDEM_STATE_I64:
        return (size_t)snprintf(text, capacity, "%" PRId64, ((const int64_t *)at)[i]);
    case IDEM_STATE_U64:
        return (size_t)snprintf(text, capacity, "%" PRIu64, ((const uint64_t *)at)[i]);
    case IDEM_STATE_DOUBLE:
        return (size_t)snprintf(text, capacity, "%a", ((const double *)at)[i]);
    }
    return 0;
}

static void take_number(char **text, idem_state_kind kind, void *at, int i) {
    long number;
    switch (kind) {
    case IDEM_STATE_INT:
        number = strtol(*text, text, 10);
        ((int *)at)[i] = (int)number;
        if (number != (int)number)
            errno = ERANGE;
        break;
    case IDEM_STATE_I64:
        ((int64_t *)at)[i] = strtoll(*text, text, 10);
        break;
    case IDEM_STATE_U64:
        ((uint64_t *)at)[i] = strtoull(*text, text, 10);
        break;
    case IDEM_STATE_DOUBLE:
        ((double *)at)[i] = strtod(*text, text);
        break;
    }
}

int idem_state_store(const idem_state_field *fields, int n, const void *state, idem_weights *w) {
    for (int k = 0; k < n; k++) {
        const idem_state_field *f = &fields[k];
        char text[TEXT_BYTES];
        size_t used = 0;
        for (int i = 0; i < f->count; i++) {
            if (i)
                text[used++] = ' ';
            used += put_number(text + used, sizeof text - used, f->kind, (const char *)state + f->offset, i);
        }
        if (idem_weights_set_meta(w, f->key, text))
            return -1;
    }
    return 0;
}

int idem_state_load(const idem_state_field *fields, int n, void *state, const idem_weights *w) {
    for (int k = 0; k < n; k++) {
        const idem_state_field *f = &fields[k];
        const char *text = idem_weights_meta(w, f->key);
        if (!text)
            return idem_fail("metadata has no \"%s\"", f->key);
        char *end = (char *)text;
        errno = 0;
        for (int i = 0; i < f->count; i++) {
            char *from = end;
            take_number(&end, f->kind, (char *)state + f->offset, i);
            if (end == from)
                return idem_fail("metadata \"%s\" is \"%s\", expected %d numbers", f->key, text, f->count);
        }
        if (*end || errno == ERANGE)
            return idem_fail("metadata \"%s\" is \"%s\", expected %d numbers", f->key, text, f->count);
    }
    return 0;
}
