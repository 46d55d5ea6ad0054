/* Access to the local server. Every other page in the browser can reach a server on this machine's loopback (by
 * requests to 127.0.0.1, and by names that resolve to it), so each request needs a secret, the right host name, and no
 * sign of another page. */
#ifndef IDEM_SERVE_GUARD_H
#define IDEM_SERVE_GUARD_H

enum { IDEM_GUARD_TOKEN = 32, IDEM_GUARD_HOSTS = 3 };

typedef struct {
    char token[IDEM_GUARD_TOKEN + 1]; /* hex, 128 random bits */
    char hosts[IDEM_GUARD_HOSTS][80]; /* "127.0.0.1:8080"; unused ones are "" */
} idem_guard;

/* The relevant headers of a request; NULL: absent. */
typedef struct {
    const char *host, *origin, *site; /* headers Host, Origin, Sec-Fetch-Site */
    const char *cookie;               /* the cookie IDEM_GUARD_COOKIE */
    const char *authorization;        /* header: "Bearer TOKEN" */
    const char *query;                /* ?t=TOKEN, which opens the page */
} idem_guard_request;
#define IDEM_GUARD_COOKIE "idem"

/* Makes a secret for a server at that address; -1: the system has no random numbers. loopback: localhost is accepted
 * too. */
int idem_guard_init(idem_guard *guard, const char *address, int port, int loopback);

/* NULL if the request may be answered, else one sentence with the reason. */
const char *idem_guard_refuses(const idem_guard *guard, const idem_guard_request *request);

/* Whether the text is the secret, in constant time. text may be NULL. */
int idem_guard_knows(const idem_guard *guard, const char *text);

#endif
