/* The settings of a training recipe as options of a command.
 *
 *     idem_field_options f;
 *     n = idem_field_options_add(&f, "paper", options, n);    // 0: out of memory
 *     idem_parse(...);
 *     idem_field_options_apply(&f);                           // f.settings is for the library
 *     idem_field_options_free(&f); */
#ifndef IDEM_CLI_FIELD_OPTIONS_H
#define IDEM_CLI_FIELD_OPTIONS_H

#include "cli/options.h"
#include "idem.h"

typedef struct {
    idem_settings *settings;
    union {
        uint64_t seed;
        int64_t count;
        double real;
        bool flag;
    } value[IDEM_SETTINGS_MOST];
    bool given[IDEM_SETTINGS_MOST];
    char *help[IDEM_SETTINGS_MOST]; /* names of settings and fields replaced by options (terms.h) */
} idem_field_options;

/* Appends one option per setting to the n options, which have room for IDEM_SETTINGS_MOST and an end behind them;
 * returns the new number of options. */
int idem_field_options_add(idem_field_options *f, const char *recipe, idem_option *options, int n);
/* After parsing: sets the given settings. 0 or -1. */
int idem_field_options_apply(idem_field_options *f);
void idem_field_options_free(idem_field_options *f);

/* The value of a setting as a number; of a seed use idem_settings_get. */
double idem_setting_number(const idem_settings *settings, const char *name);

#endif
