/* TensorFlow.js models packed as JavaScript modules, as in npm packages for browsers: the weights manifest is an object
 * literal with unquoted keys, a shard is base64 in a string. Nothing is executed. */
#define _GNU_SOURCE
#include "format/weights.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"

static const size_t MODULE_MOST = (size_t)2 << 20, SHARD_MOST = (size_t)64 << 20;

/* ---- the manifest ---- */

/* Bytes from the '[' at text up to and including its ']', ignoring brackets in strings; 0: it does not end. */
static size_t list_length(const char *text, size_t n) {
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < n; i++) {
        if (quoted && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        else if (!quoted && text[i] == '[')
            depth++;
        else if (!quoted && text[i] == ']' && --depth == 0)
            return i + 1;
    }
    return 0;
}

static bool in_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* Adds quotes around words and a 0 before a bare point: at most three bytes for each. */
static size_t to_json(char *out, const char *js, size_t n) {
    size_t at = 0;
    for (size_t i = 0; i < n;) {
        const char c = js[i];
        if (c == '"') {
            do {
                if (js[i] == '\\' && i + 1 < n)
                    out[at++] = js[i++];
                out[at++] = js[i++];
            } while (i < n && js[i] != '"');
            if (i < n)
                out[at++] = js[i++];
        } else if (isalpha((unsigned char)c) || c == '_' || c == '$') {
            out[at++] = '"';
            while (i < n && in_word(js[i]))
                out[at++] = js[i++];
            out[at++] = '"';
        } else if (isdigit((unsigned char)c) || c == '.') {
            if (c == '.')
                out[at++] = '0';
            while (i < n && (isalnum((unsigned char)js[i]) || js[i] == '.' ||
                             ((js[i] == '-' || js[i] == '+') && (js[i - 1] == 'e' || js[i - 1] == 'E'))))
                out[at++] = js[i++];
        } else {
            out[at++] = c;
            i++;
        }
    }
    return at;
}

static char *find_manifest(const unsigned char *js, size_t n, const char *what, size_t *size) {
    static const char key[] = "weightsManifest:";
    const char *start = memmem(js, n, key, sizeof key - 1);
    start = start ? start + sizeof key - 1 : NULL;
    const size_t left = start ? n - (size_t)(start - (const char *)js) : 0;
    const size_t length = left && *start == '[' ? list_length(start, left) : 0;
    if (!length)
        return idem_fail_null("%s: no \"weightsManifest:[...]\" in it: not a TensorFlow.js model packed as a module",
                              what);
    char *json = malloc(3 * length);
    if (!json)
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for its manifest", what);
    *size = to_json(json, start, length);
    return json;
}

/* ---- a shard ---- */

static int digit(unsigned char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Base64 of n characters to `out`, 3/4 n bytes at most. The count, or -1: an invalid character. */
static long decode(unsigned char *out, const char *text, size_t n) {
    long count = 0;
    unsigned bits = 0;
    int held = 0;
    while (n && text[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        const int d = digit((unsigned char)text[i]);
        if (d < 0)
            return -1;
        bits = (bits << 6 | (unsigned)d) & 0xffffff;
        if ((held += 6) >= 8) {
            held -= 8;
            out[count++] = (unsigned char)(bits >> held);
        }
    }
    return count;
}

static unsigned char *find_values(const unsigned char *js, size_t n, const char *what, size_t *size) {
    static const char key[] = "exports=\"";
    const char *start = memmem(js, n, key, sizeof key - 1);
    start = start ? start + sizeof key - 1 : NULL;
    const char *end = start ? memchr(start, '"', n - (size_t)(start - (const char *)js)) : NULL;
    if (!end)
        return idem_fail_null("%s: no exports=\"...\" in its shard: not one packed as a module", what);
    unsigned char *bin = malloc((size_t)(end - start) + 1);
    const long count = bin ? decode(bin, start, (size_t)(end - start)) : 0;
    *size = (size_t)count;
    if (bin && count >= 0)
        return bin;
    if (!bin)
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for its values", what);
    free(bin);
    return idem_fail_null("%s: the text of its shard is not base64", what);
}

int idem_manifest_js_parse(idem_weights **out, const unsigned char *model, size_t model_size,
                           const unsigned char *shard, size_t shard_size, const char *what) {
    size_t json_size = 0, bin_size = 0;
    char *json = find_manifest(model, model_size, what, &json_size);
    unsigned char *bin = json ? find_values(shard, shard_size, what, &bin_size) : NULL;
    const int status = bin ? idem_manifest_parse(out, (unsigned char *)json, json_size, bin, bin_size, what) : -1;
    free(json);
    free(bin);
    return status;
}

int idem_manifest_js_load(idem_weights **out, const char *model, const char *shard) {
    unsigned char *text[2] = {NULL, NULL};
    size_t size[2];
    const int status = idem_file_read(model, MODULE_MOST, &text[0], &size[0]) ||
                               idem_file_read(shard, SHARD_MOST, &text[1], &size[1]) ||
                               idem_manifest_js_parse(out, text[0], size[0], text[1], size[1], model)
                           ? -1
                           : 0;
    free(text[0]);
    free(text[1]);
    return status;
}
