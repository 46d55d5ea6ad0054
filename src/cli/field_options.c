#include "cli/field_options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/terms.h"

static void *value_of(idem_field_options *f, int i, const idem_setting_info *info) {
    switch (info->kind) {
    case IDEM_SETTING_SEED:
        f->value[i].seed = strtoull(info->preset, NULL, 10);
        return &f->value[i].seed;
    case IDEM_SETTING_COUNT:
        f->value[i].count = strtoll(info->preset, NULL, 10);
        return &f->value[i].count;
    case IDEM_SETTING_REAL:
        f->value[i].real = strtod(info->preset, NULL);
        return &f->value[i].real;
    default:
        f->value[i].flag = info->preset[0] == '1';
        return &f->value[i].flag;
    }
}

int idem_field_options_add(idem_field_options *f, const char *recipe, idem_option *options, int n) {
    static const idem_option_kind kinds[] = {[IDEM_SETTING_SEED] = IDEM_OPT_U64,
                                             [IDEM_SETTING_COUNT] = IDEM_OPT_LONG,
                                             [IDEM_SETTING_REAL] = IDEM_OPT_REAL,
                                             [IDEM_SETTING_FLAG] = IDEM_OPT_FLAG};
    static const char *const args[] = {
        [IDEM_SETTING_SEED] = "S", [IDEM_SETTING_COUNT] = "N", [IDEM_SETTING_REAL] = "X", [IDEM_SETTING_FLAG] = NULL};
    *f = (idem_field_options){.settings = idem_settings_new(recipe)};
    const int count = f->settings ? idem_settings_count(f->settings) : 0;
    for (int i = 0; i < count; i++) {
        idem_setting_info info = {.struct_size = sizeof info};
        if (idem_settings_info(f->settings, i, &info))
            break;
        f->help[i] = idem_cli_terms(info.help);
        options[n++] = (idem_option){.kind = kinds[info.kind],
                                     .name = info.name,
                                     .arg = args[info.kind],
                                     .value = value_of(f, i, &info),
                                     .min = info.low,
                                     .max = info.high,
                                     .was_given = &f->given[i],
                                     .help = f->help[i] ? f->help[i] : info.help};
    }
    return n;
}

int idem_field_options_apply(idem_field_options *f) {
    const int count = f->settings ? idem_settings_count(f->settings) : -1;
    for (int i = 0; i < count; i++) {
        char text[IDEM_SETTING_TEXT];
        idem_setting_info info = {.struct_size = sizeof info};
        if (!f->given[i])
            continue;
        if (idem_settings_info(f->settings, i, &info))
            return -1;
        if (info.kind == IDEM_SETTING_SEED)
            snprintf(text, sizeof text, "%" PRIu64, f->value[i].seed);
        else if (info.kind == IDEM_SETTING_COUNT)
            snprintf(text, sizeof text, "%" PRId64, f->value[i].count);
        else if (info.kind == IDEM_SETTING_REAL)
            snprintf(text, sizeof text, "%.17g", f->value[i].real);
        else
            snprintf(text, sizeof text, "%d", f->value[i].flag);
        if (idem_settings_set(f->settings, info.name, text))
            return -1;
    }
    return count < 0 ? -1 : 0;
}

void idem_field_options_free(idem_field_options *f) {
    idem_settings_free(f->settings);
    for (int i = 0; i < IDEM_SETTINGS_MOST; i++)
        free(f->help[i]);
}

double idem_setting_number(const idem_settings *settings, const char *name) {
    char text[IDEM_SETTING_TEXT];
    return idem_settings_get(settings, name, text) ? 0 : strtod(text, NULL);
}
