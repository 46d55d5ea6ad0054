#define _GNU_SOURCE
#include "serve/terms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* idem_decode_photograph's name of its input. */
static const char picture[] = "the picture in memory: ";
static const char options[] = "options.";

/* Writes the option of idem serve for the field of idem_options that `text` begins with; returns the field's length, 0
 * if there is none. */
static size_t say_option(FILE *to, const char *text) {
    const size_t begin = sizeof options - 1;
    const size_t n = strncmp(text, options, begin) ? 0 : strspn(text + begin, "abcdefghijklmnopqrstuvwxyz_");
    if (!n)
        return 0;
    fputs("idem serve --", to);
    for (size_t i = 0; i < n; i++)
        fputc(text[begin + i] == '_' ? '-' : text[begin + i], to);
    return begin + n;
}

char *idem_serve_terms(const char *message, const char *field) {
    char *out = NULL;
    size_t size, n;
    FILE *to = open_memstream(&out, &size);
    if (!to)
        return NULL;
    if (field) {
        fprintf(to, "%s: ", field);
        if (!strncmp(message, picture, sizeof picture - 1))
            message += sizeof picture - 1;
    }
    for (char before = ' '; *message; before = message[n - 1], message += n) {
        n = strchr(" (", before) ? say_option(to, message) : 0;
        if (!n) {
            fputc(*message, to);
            n = 1;
        }
    }
    if (!fclose(to))
        return out;
    free(out);
    return NULL;
}
