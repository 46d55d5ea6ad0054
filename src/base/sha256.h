/* SHA-256 (FIPS 180-4), to identify files. */
#ifndef IDEM_BASE_SHA256_H
#define IDEM_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t h[8];
    uint64_t bytes;
    unsigned char block[64];
} idem_sha256;

idem_sha256 idem_sha256_make(void);
void idem_sha256_add(idem_sha256 *s, const void *data, size_t size);
void idem_sha256_end(idem_sha256 *s, char hex[65]); /* lower case, NUL-terminated */

/* Of a file's contents, read in pieces. */
int idem_sha256_file(const char *path, char hex[65]);

#endif
