/* idem_guard_refuses on any request: six lines are its headers; one that begins with "-" was not sent. Whoever is let
 * in has the token, the right host, and comes from no other page. Seeds: right, cookie, forged. */
#define _GNU_SOURCE
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "serve/guard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char token[] = "0123456789abcdef0123456789abcdef";

static int is_ours(const char *host) {
    return !strcasecmp(host, "127.0.0.1:8080") || !strcasecmp(host, "localhost:8080");
}

static void check_let_in(const idem_guard_request *r) {
    const int knows =
        (r->cookie && !strcmp(r->cookie, token)) || (r->query && !strcmp(r->query, token)) ||
        (r->authorization && !strncmp(r->authorization, "Bearer ", 7) && !strcmp(r->authorization + 7, token));
    if (!knows || !r->host || !is_ours(r->host) ||
        (r->origin && (strncmp(r->origin, "http://", 7) || !is_ours(r->origin + 7))) ||
        (r->site && strcmp(r->site, "same-origin") && strcmp(r->site, "none")))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1), *line[6] = {0};
    idem_guard guard;
    if (!text || idem_guard_init(&guard, "127.0.0.1", 8080, 1))
        abort();
    memcpy(guard.token, token, sizeof token);
    memcpy(text, data, size);
    text[size] = 0;
    char *rest = text;
    for (int i = 0; i < 6 && rest; i++) {
        line[i] = strsep(&rest, "\n");
        if (*line[i] == '-')
            line[i] = NULL;
    }
    const idem_guard_request r = {line[0], line[1], line[2], line[3], line[4], line[5]};
    const char *why = idem_guard_refuses(&guard, &r);
    if (!why)
        check_let_in(&r);
    else if (!*why)
        abort();
    free(text);
    return 0;
}
