/* A page on this machine, and its JSON interface: `idem serve`. Nothing is written to disk, nothing is sent elsewhere,
 * no names of files are kept. */
#ifndef IDEM_SERVE_SERVER_H
#define IDEM_SERVE_SERVER_H

#include <stddef.h>

#include "idem.h"

typedef struct {
    const char *address; /* numeric, of IPv4 or IPv6 */
    int port;            /* 0: any that is free */
    const char *samples; /* folder with identities/1.png ... 6.png and attributes/a.png ... f.png; NULL: none */
} idem_server_options;

typedef struct idem_server idem_server;

/* Answers requests, in threads of its own, with the context, which is the server's until it is closed. NULL, and why in
 * error[n]. */
idem_server *idem_server_open(idem_context *context, const idem_server_options *options, char *error, size_t n);
/* Ends the work at hand. NULL is allowed. */
void idem_server_close(idem_server *server);

/* The address to open, with the token. */
const char *idem_server_url(const idem_server *server);

#endif
