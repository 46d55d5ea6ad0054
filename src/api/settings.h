/* Only for src/api: the settings of a recipe are the fields of its struct (train/fields.h), with a flag for each that
 * was set. */
#ifndef IDEM_API_SETTINGS_H
#define IDEM_API_SETTINGS_H

#include <stdbool.h>

#include "idem.h"
#include "train/fields.h"

struct idem_settings {
    const idem_fields *fields;
    void *values; /* the recipe's struct */
    bool *given;  /* of field i */
};

/* Copies the settings into a recipe's struct, which gets the defaults for NULL. given: one flag per field. -1: they
 * belong to another recipe. call: for the message. */
int idem_settings_take(const char *call, const idem_settings *s, const idem_fields *fields, void *recipe, bool *given);

#endif
