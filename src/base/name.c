#include "base/name.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

/* Bytes of the UTF-8 character at text; 0: invalid, also for overlong forms and surrogates. */
static int character(const unsigned char *text, uint32_t *code) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    int n = *text < 0x80 ? 1 : *text < 0xC0 ? 0 : *text < 0xE0 ? 2 : *text < 0xF0 ? 3 : *text < 0xF8 ? 4 : 0;
    *code = n == 1 ? *text : *text & (0x7Fu >> n);
    for (int i = 1; i < n; i++) {
        if ((text[i] & 0xC0) != 0x80) /* also at the terminating NUL */
            return 0;
        *code = *code << 6 | (text[i] & 0x3Fu);
    }
    return n && *code >= least[n] && *code <= 0x10FFFF && (*code < 0xD800 || *code > 0xDFFF) ? n : 0;
}

static bool is_plain(uint32_t code) {
    return code >= 0x20 && code != '\\' && (code < 0x7F || code > 0x9F);
}

size_t idem_name_show(char *out, size_t size, const char *name) {
    const unsigned char *at = (const unsigned char *)name;
    size_t length = 0, kept = 0;
    while (*at) {
        uint32_t code;
        int taken = character(at, &code);
        bool plain = taken && is_plain(code);
        taken = taken ? taken : 1;
        char piece[4 * 4 + 1];
        int n = 0;
        for (int i = 0; i < taken; i++)
            n += plain ? (piece[n] = (char)at[i], 1) : snprintf(piece + n, 5, "\\x%02X", at[i]);
        if (kept == length && length + (size_t)n < size) {
            memcpy(out + length, piece, (size_t)n);
            kept += (size_t)n;
        }
        length += (size_t)n;
        at += taken;
    }
    if (size)
        out[kept] = 0;
    return length;
}

char *idem_name_shown(const char *name) {
    size_t size = idem_name_show(NULL, 0, name) + 1;
    char *out = malloc(size);
    if (!out)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a name");
    idem_name_show(out, size, name);
    return out;
}
