/* The options of a training recipe: a table of a struct's fields, from which the command line, the metadata of a
 * checkpoint and the check on resume are derived. */
#ifndef IDEM_TRAIN_FIELDS_H
#define IDEM_TRAIN_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/weights.h"

/* uint64_t, int64_t, double, bool */
enum { IDEM_FIELD_TEXT = 32 };  /* bytes of a value as text */
enum { IDEM_FIELDS_MOST = 64 }; /* of a recipe; checked where each is defined */

typedef enum { IDEM_FIELD_SEED, IDEM_FIELD_COUNT, IDEM_FIELD_REAL, IDEM_FIELD_FLAG } idem_field_kind;

typedef struct {
    const char *name; /* the option's name without leading dashes */
    idem_field_kind kind;
    size_t offset;
    double low, high;   /* accepted range; unused for seeds and flags */
    const char *preset; /* the default, as text */
    bool may_change;    /* on resume */
    const char *help;
} idem_field;

typedef struct {
    const char *recipe; /* stored with the options */
    const idem_field *row;
    int n;
} idem_fields;

void idem_fields_defaults(const idem_fields *t, void *options);
/* NULL without a message if there is no such field. */
const idem_field *idem_fields_find(const idem_fields *t, const char *name);
/* From text; flags take 0 or 1. -1: not a number, or outside the field's range. */
int idem_field_set(const idem_field *f, void *options, const char *text);
/* The same from a number; a seed must be a whole number of at most 2^53. */
int idem_field_set_number(const idem_field *f, void *options, double value);
/* Exact text of a field's value; returns text. */
const char *idem_field_get(const idem_field *f, const void *options, char text[IDEM_FIELD_TEXT]);
size_t idem_field_bytes(const idem_field *f); /* of the value in the struct */

/* Metadata "option.NAME" and "recipe". load: options missing in the file, from an earlier version, have their defaults;
 * -1: another recipe, or an invalid value. */
int idem_fields_store(const idem_fields *t, const void *options, idem_weights *w);
int idem_fields_load(const idem_fields *t, void *options, const idem_weights *w);
/* Copies every field that was not given from `saved`; given[i] is for row i. */
int idem_fields_merge(const idem_fields *t, void *options, const void *saved, const bool *given);
/* -1 with a message naming both values if `next` differs from `saved` in a field that may not change. */
int idem_fields_check_resume(const idem_fields *t, const void *saved, const void *next);
int idem_field_refuse(const idem_field *f, const void *saved, const void *next); /* sets that message; always -1 */

#endif
