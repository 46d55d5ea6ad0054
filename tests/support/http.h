/* Requests to a server of this machine, byte by byte: right ones and wrong ones. Short memory ends the program. */
#ifndef IDEM_TESTS_SUPPORT_HTTP_H
#define IDEM_TESTS_SUPPORT_HTTP_H

#include <stddef.h>

/* malloc'ed; a 0 follows. */
typedef struct {
    char *bytes;
    size_t size;
} http_blob;

http_blob http_blob_of(const void *bytes, size_t size);
http_blob http_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
http_blob http_repeated(const char *what, int n);
http_blob http_join(http_blob a, http_blob b); /* takes both */

/* The address that idem serve prints. -1: it is none. */
int http_open(const char *url);
const char *http_token(void);

/* The start line and headers with {host}, {auth} (Host and token) and {length} filled in, then the body, which it
 * takes. */
http_blob http_request(const char *head, http_blob body);

enum { HTTP_CLOSED = -1, HTTP_HANGS = -2, HTTP_NOT_THERE = -3 };
/* Sent whole; and nobody waits for the answer; and no more is sent; byte by byte, slowly. */
typedef enum { HTTP_PLAIN, HTTP_CUT, HTTP_HALF, HTTP_DRIPS } http_manner;

/* The status of the answer, or one of the above. answer: all of it, for the caller to free; NULL: not wanted. */
int http_ask(http_blob request, http_manner how, http_blob *answer);

double http_now(void); /* seconds */

#endif
