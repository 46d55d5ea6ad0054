/* A page on this machine, and its JSON interface: `idem serve`. Nothing is written to disk or sent elsewhere; no file
 * names are kept. */
#ifndef IDEM_SERVE_SERVER_H
#define IDEM_SERVE_SERVER_H

#include <stddef.h>

#include "idem.h"

typedef struct {
    const char *address; /* numeric, of IPv4 or IPv6 */
    int port;            /* 0: any free port */
    const char *samples; /* folder with identities/1.png ... 6.png and attributes/a.png ... f.png; NULL: none */
} idem_server_options;

typedef struct idem_server idem_server;

/* Answers requests in its threads with the context, which belongs to the server until it is closed. NULL with the
 * reason in error[n]. */
idem_server *idem_server_open(idem_context *context, const idem_server_options *options, char *error, size_t n);
/* Cancels current work. NULL is allowed. */
void idem_server_close(idem_server *server);

/* The address to open, with the token. */
const char *idem_server_url(const idem_server *server);
/* Only this machine can reach the server. */
int idem_server_is_local(const idem_server *server);

#endif
