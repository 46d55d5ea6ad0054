#define _GNU_SOURCE
#include "serve/guard.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

int idem_guard_init(idem_guard *guard, const char *address, int port, int loopback) {
    unsigned char bits[IDEM_GUARD_TOKEN / 2];
    *guard = (idem_guard){0};
    if (getrandom(bits, sizeof bits, 0) != (ssize_t)sizeof bits)
        return -1;
    for (size_t i = 0; i < sizeof bits; i++)
        snprintf(guard->token + 2 * i, 3, "%02x", bits[i]);
    const char *open = strchr(address, ':') ? "[" : "", *close = *open ? "]" : "";
    snprintf(guard->hosts[0], sizeof guard->hosts[0], "%s%s%s:%d", open, address, close, port);
    if (loopback)
        snprintf(guard->hosts[1], sizeof guard->hosts[1], "localhost:%d", port);
    return 0;
}

int idem_guard_knows(const idem_guard *guard, const char *text) {
    unsigned char differs = 0;
    if (!text || strlen(text) != IDEM_GUARD_TOKEN)
        return 0;
    for (int i = 0; i < IDEM_GUARD_TOKEN; i++)
        differs |= (unsigned char)(text[i] ^ guard->token[i]);
    return !differs;
}

static int is_host(const idem_guard *guard, const char *host) {
    for (int i = 0; i < IDEM_GUARD_HOSTS; i++)
        if (*guard->hosts[i] && !strcasecmp(host, guard->hosts[i]))
            return 1;
    return 0;
}

const char *idem_guard_refuses(const idem_guard *guard, const idem_guard_request *r) {
    static const char http[] = "http://", bearer[] = "Bearer ";
    if (!r->host || !is_host(guard, r->host))
        return "the Host of the request is not the address that idem serve printed";
    if (r->origin && (strncmp(r->origin, http, sizeof http - 1) || !is_host(guard, r->origin + sizeof http - 1)))
        return "the request comes from another page (Origin)";
    if (r->site && strcmp(r->site, "same-origin") && strcmp(r->site, "none"))
        return "the request comes from another page (Sec-Fetch-Site)";
    const char *header = r->authorization && !strncmp(r->authorization, bearer, sizeof bearer - 1)
                             ? r->authorization + sizeof bearer - 1
                             : NULL;
    if (!idem_guard_knows(guard, r->cookie) && !idem_guard_knows(guard, header) && !idem_guard_knows(guard, r->query))
        return "the request has no right token: open the address that idem serve printed, or send its t as "
               "\"Authorization: Bearer\"";
    return NULL;
}
