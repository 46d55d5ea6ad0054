/* The state of a training run as metadata of its checkpoint: a table of a struct's fields, each one text "run.NAME"
 * that reads back as exactly the same numbers. */
#ifndef IDEM_TRAIN_STATE_H
#define IDEM_TRAIN_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "format/weights.h"

typedef enum { IDEM_STATE_INT, IDEM_STATE_I64, IDEM_STATE_U64, IDEM_STATE_DOUBLE } idem_state_kind;

typedef struct {
    const char *key;
    idem_state_kind kind;
    size_t offset;
    int count; /* numbers, contiguous; at most IDEM_STATE_NUMBERS */
} idem_state_field;

enum { IDEM_STATE_NUMBERS = 16 };

int idem_state_store(const idem_state_field *fields, int n, const void *state, idem_weights *w);
/* -1 if a field is absent or invalid. */
int idem_state_load(const idem_state_field *fields, int n, void *state, const idem_weights *w);

#endif
