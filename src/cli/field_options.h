/* The fields of a training recipe as options of a command. */
#ifndef IDEM_CLI_FIELD_OPTIONS_H
#define IDEM_CLI_FIELD_OPTIONS_H

#include "cli/options.h"
#include "train/fields.h"

/* Appends one option per field behind the n that are there; recipe: the struct; given[i]: whether field i was. Returns
 * the new number of options. */
int idem_field_options(idem_option *options, int n, const idem_fields *t, void *recipe, bool *given);

#endif
