#define _GNU_SOURCE
#include "cli/terms.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idem.h"

/* Fields that messages name, and their options. */
static const char *const terms[][2] = {{"options.adapt", "--adapt"},         {"options.attribute_side", "--attr-side"},
                                       {"options.data", "--data"},           {"options.identity_net", "--identity-net"},
                                       {"options.mapper", "--mapper"},       {"options.photographs", "--photographs"},
                                       {"options.precision", "--precision"}, {"options.rename", "--rename"},
                                       {"options.resume", "--resume"},       {"options.start", "--start"},
                                       {"options.threads", "--threads"},     {"the same call", "the same command"}};
static const char prefix[] = "settings.";

static bool is_setting(const char *name, size_t n) {
    bool found = false;
    for (int r = 0; idem_recipe_name(r) && !found; r++) {
        idem_settings *s = idem_settings_new(idem_recipe_name(r));
        for (int i = 0; s && i < idem_settings_count(s) && !found; i++) {
            idem_setting_info info = {.struct_size = sizeof info};
            found = !idem_settings_info(s, i, &info) && strlen(info.name) == n && !strncmp(info.name, name, n);
        }
        idem_settings_free(s);
    }
    return found;
}

/* Whether a term ends at `end`: a file name may equal a term or begin with one, as "options.data: cannot open". */
static bool ends(const char *end) {
    return !isalnum((unsigned char)*end) && !strchr("_-/:", *end) && !(*end == '.' && isalnum((unsigned char)end[1]));
}

/* Writes the option for the term that `text` begins with; returns the term's length, 0 if there is none. */
static size_t say_term(FILE *to, const char *text) {
    for (size_t i = 0; i < sizeof terms / sizeof *terms; i++) {
        const size_t n = strlen(terms[i][0]);
        if (!strncmp(text, terms[i][0], n) && (!text[n] || ends(text + n))) {
            fputs(terms[i][1], to);
            return n;
        }
    }
    if (strncmp(text, prefix, sizeof prefix - 1))
        return 0;
    const char *name = text + sizeof prefix - 1;
    const size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if ((name[n] && !ends(name + n)) || !is_setting(name, n))
        return 0;
    fprintf(to, "--%.*s", (int)n, name);
    if (name[n] != '=')
        return sizeof prefix - 1 + n;
    fputc(' ', to);
    return sizeof prefix + n;
}

char *idem_cli_terms(const char *text) {
    char *out = NULL;
    size_t size, n;
    FILE *to = open_memstream(&out, &size);
    if (!to)
        return NULL;
    for (bool start = true; *text; text += n) {
        n = start ? say_term(to, text) : 0;
        if (!n) {
            fputc(*text, to);
            n = 1;
        }
        start = !isalnum((unsigned char)text[n - 1]) && !strchr("_-/.", text[n - 1]);
    }
    if (!fclose(to))
        return out;
    free(out);
    return NULL;
}
