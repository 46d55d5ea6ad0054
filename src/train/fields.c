#include "train/fields.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double EXACT = 9007199254740992; /* 2^53: whole numbers that a double holds */

void idem_fields_defaults(const idem_fields *t, void *options) {
    for (int i = 0; i < t->n; i++)
        idem_field_set(&t->row[i], options, t->row[i].preset);
}

const idem_field *idem_fields_find(const idem_fields *t, const char *name) {
    for (int i = 0; i < t->n; i++)
        if (!strcmp(t->row[i].name, name))
            return &t->row[i];
    return NULL;
}

static int set_seed(uint64_t *to, const char *text) {
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (end == text || *end || errno || strchr(text, '-'))
        return idem_fail("seed: \"%s\" is not a whole number from 0 to 18446744073709551615", text);
    *to = value;
    return 0;
}

/* text: the given value */
static int set_value(const idem_field *f, void *at, double value, const char *text) {
    if (value < f->low || value > f->high)
        return idem_fail("%s: %s is outside the accepted range, %.15g to %.15g", f->name, text, f->low, f->high);
    if (f->kind == IDEM_FIELD_REAL) {
        *(double *)at = value;
        return 0;
    }
    if (value != floor(value))
        return idem_fail("%s: %s is not a whole number", f->name, text);
    if (f->kind == IDEM_FIELD_FLAG)
        *(bool *)at = value != 0;
    else
        *(int64_t *)at = (int64_t)value;
    return 0;
}

int idem_field_set(const idem_field *f, void *options, const char *text) {
    void *at = (char *)options + f->offset;
    if (f->kind == IDEM_FIELD_SEED)
        return set_seed(at, text);
    char *end;
    const double value = strtod(text, &end);
    return end == text || *end || !isfinite(value) ? idem_fail("%s: \"%s\" is not a number", f->name, text)
                                                   : set_value(f, at, value, text);
}

int idem_field_set_number(const idem_field *f, void *options, double value) {
    char text[IDEM_FIELD_TEXT];
    snprintf(text, sizeof text, "%.15g", value);
    if (!isfinite(value))
        return idem_fail("%s: %s is not a finite number", f->name, text);
    if (f->kind != IDEM_FIELD_SEED)
        return set_value(f, (char *)options + f->offset, value, text);
    if (value < 0 || value > EXACT || value != floor(value))
        return idem_fail("seed: %s is not a whole number from 0 to %.0f; give larger ones as text", text, EXACT);
    *(uint64_t *)((char *)options + f->offset) = (uint64_t)value;
    return 0;
}

size_t idem_field_bytes(const idem_field *f) {
    static const size_t bytes[] = {[IDEM_FIELD_SEED] = sizeof(uint64_t),
                                   [IDEM_FIELD_COUNT] = sizeof(int64_t),
                                   [IDEM_FIELD_REAL] = sizeof(double),
                                   [IDEM_FIELD_FLAG] = sizeof(bool)};
    return bytes[f->kind];
}

const char *idem_field_get(const idem_field *f, const void *options, char text[32]) {
    const void *at = (const char *)options + f->offset;
    switch (f->kind) {
    case IDEM_FIELD_SEED:
        snprintf(text, 32, "%" PRIu64, *(const uint64_t *)at);
        break;
    case IDEM_FIELD_COUNT:
        snprintf(text, 32, "%" PRId64, *(const int64_t *)at);
        break;
    case IDEM_FIELD_REAL: /* the shortest text that reads back as the same number */
        for (int digits = 6; digits <= 17; digits++) {
            snprintf(text, 32, "%.*g", digits, *(const double *)at);
            if (strtod(text, NULL) == *(const double *)at)
                break;
        }
        break;
    case IDEM_FIELD_FLAG:
        snprintf(text, 32, "%d", *(const bool *)at);
        break;
    }
    return text;
}

int idem_fields_store(const idem_fields *t, const void *options, idem_weights *w) {
    char key[64], text[32];
    for (int i = 0; i < t->n; i++) {
        snprintf(key, sizeof key, "option.%s", t->row[i].name);
        if (idem_weights_set_meta(w, key, idem_field_get(&t->row[i], options, text)))
            return -1;
    }
    return idem_weights_set_meta(w, "recipe", t->recipe);
}

int idem_fields_load(const idem_fields *t, void *options, const idem_weights *w) {
    const char *recipe = idem_weights_meta(w, "recipe");
    if (!recipe || strcmp(recipe, t->recipe))
        return idem_fail("the recipe is \"%s\", expected \"%s\"", recipe ? recipe : "", t->recipe);
    char key[64];
    idem_fields_defaults(t, options);
    for (int i = 0; i < t->n; i++) {
        snprintf(key, sizeof key, "option.%s", t->row[i].name);
        const char *text = idem_weights_meta(w, key);
        if (text && idem_field_set(&t->row[i], options, text))
            return -1;
    }
    return 0;
}

int idem_fields_merge(const idem_fields *t, void *options, const void *saved, const bool *given) {
    for (int i = 0; i < t->n; i++) {
        char text[32];
        if (!given[i] && idem_field_set(&t->row[i], options, idem_field_get(&t->row[i], saved, text)))
            return -1;
    }
    return 0;
}

int idem_field_refuse(const idem_field *f, const void *saved, const void *next) {
    char before[32], now[32];
    return idem_fail(
        "settings.%s is %s but the run has %s: leave it out to continue that run, or start another in a new folder",
        f->name, idem_field_get(f, next, now), idem_field_get(f, saved, before));
}

int idem_fields_check_resume(const idem_fields *t, const void *saved, const void *next) {
    for (int i = 0; i < t->n; i++) {
        char before[32], now[32];
        const idem_field *f = &t->row[i];
        if (!f->may_change && strcmp(idem_field_get(f, saved, before), idem_field_get(f, next, now)))
            return idem_field_refuse(f, saved, next);
    }
    return 0;
}
