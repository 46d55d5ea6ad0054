#include "api/settings.h"

#include <stdlib.h>
#include <string.h>

#include "base/status.h"
#include "train/gan/recipe.h"
#include "train/mapper/recipe.h"
#include "train/summary/recipe.h"

static const struct {
    const idem_fields *fields;
    size_t bytes;
} recipes[] = {{&idem_recipe_fields, sizeof(idem_recipe)},
               {&idem_summary_fields, sizeof(idem_summary_recipe)},
               {&idem_gan_fields, sizeof(idem_gan_recipe)}};
enum { RECIPES = sizeof recipes / sizeof *recipes };

_Static_assert((int)IDEM_SETTING_SEED == (int)IDEM_FIELD_SEED && (int)IDEM_SETTING_COUNT == (int)IDEM_FIELD_COUNT &&
                   (int)IDEM_SETTING_REAL == (int)IDEM_FIELD_REAL && (int)IDEM_SETTING_FLAG == (int)IDEM_FIELD_FLAG,
               "kinds of idem/train.h and fields.h");
_Static_assert((int)IDEM_SETTING_TEXT == (int)IDEM_FIELD_TEXT && (int)IDEM_SETTINGS_MOST == (int)IDEM_FIELDS_MOST,
               "a value as text; settings of a recipe");

const char *idem_recipe_name(int i) {
    return i >= 0 && i < RECIPES ? recipes[i].fields->recipe : NULL;
}

static idem_settings *make(int i) {
    idem_settings *s = calloc(1, sizeof *s);
    if (!s)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for settings");
    s->fields = recipes[i].fields;
    s->values = calloc(1, recipes[i].bytes);
    s->given = calloc((size_t)s->fields->n, sizeof *s->given);
    if (!s->values || !s->given) {
        idem_settings_free(s);
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for settings");
    }
    idem_fields_defaults(s->fields, s->values);
    return s;
}

idem_settings *idem_settings_new(const char *recipe) {
    for (int i = 0; recipe && i < RECIPES; i++)
        if (!strcmp(recipe, recipes[i].fields->recipe))
            return make(i);
    return idem_fail_null("idem_settings_new: \"%s\" is no recipe; idem_recipe_name lists them", recipe ? recipe : "");
}

void idem_settings_free(idem_settings *s) {
    if (!s)
        return;
    free(s->values);
    free(s->given);
    free(s);
}

int idem_settings_count(const idem_settings *s) {
    return s ? s->fields->n : idem_fail("idem_settings_count: settings is NULL; idem_settings_new gives some");
}

int idem_settings_info(const idem_settings *s, int i, idem_setting_info *info) {
    if (!s || !info)
        return idem_fail("idem_settings_info: an argument is NULL");
    if (info->struct_size != sizeof *info)
        return idem_fail("idem_settings_info: struct_size is %zu, expected %zu; set it to sizeof(idem_setting_info)",
                         info->struct_size, sizeof *info);
    if (i < 0 || i >= s->fields->n)
        return idem_fail("idem_settings_info: there is no setting %d, they are numbered 0 to %d", i, s->fields->n - 1);
    const idem_field *f = &s->fields->row[i];
    *info = (idem_setting_info){.struct_size = sizeof *info,
                                .name = f->name,
                                .help = f->help,
                                .preset = f->preset,
                                .kind = (int)f->kind,
                                .low = f->low,
                                .high = f->high,
                                .may_change = f->may_change};
    return 0;
}

static const idem_field *find(const char *call, const idem_settings *s, const char *name, const void *value) {
    if (!s || !name || !value)
        return idem_fail_null("%s: an argument is NULL", call);
    const idem_field *f = idem_fields_find(s->fields, name);
    return f ? f : idem_fail_null("%s: the recipe \"%s\" has no setting \"%s\"", call, s->fields->recipe, name);
}

int idem_settings_set(idem_settings *s, const char *name, const char *text) {
    const idem_field *f = find("idem_settings_set", s, name, text);
    if (!f || idem_field_set(f, s->values, text))
        return -1;
    s->given[f - s->fields->row] = true;
    return 0;
}

int idem_settings_set_number(idem_settings *s, const char *name, double value) {
    const idem_field *f = find("idem_settings_set_number", s, name, &value);
    if (!f || idem_field_set_number(f, s->values, value))
        return -1;
    s->given[f - s->fields->row] = true;
    return 0;
}

int idem_settings_get(const idem_settings *s, const char *name, char text[IDEM_SETTING_TEXT]) {
    const idem_field *f = find("idem_settings_get", s, name, text);
    if (!f)
        return -1;
    idem_field_get(f, s->values, text);
    return 0;
}

int idem_settings_take(const char *call, const idem_settings *s, const idem_fields *fields, void *recipe, bool *given) {
    for (int i = 0; i < fields->n; i++)
        given[i] = s && s->fields == fields && s->given[i];
    idem_fields_defaults(fields, recipe);
    if (!s)
        return 0;
    if (s->fields != fields)
        return idem_fail("%s: the settings are of the recipe \"%s\", expected \"%s\"", call, s->fields->recipe,
                         fields->recipe);
    for (int i = 0; i < fields->n; i++)
        memcpy((char *)recipe + fields->row[i].offset, (const char *)s->values + fields->row[i].offset,
               idem_field_bytes(&fields->row[i]));
    return 0;
}
