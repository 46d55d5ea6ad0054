/* What a written picture says of itself, read chunk by chunk. A failure here fails the test that called. */
#ifndef IDEM_TESTS_SUPPORT_ORIGIN_H
#define IDEM_TESTS_SUPPORT_ORIGIN_H

#include <stddef.h>

/* A whole file; the caller frees it. */
unsigned char *origin_read(const char *dir, const char *name, size_t *size);

/* A PNG has sizes, pixels, the texts that src/model/origin.h and the commands know, an XMP packet of that source
 * (support/xmp.h; NULL: no packet), and nothing else; how many texts there are. */
int origin_chunks(const char *name, const unsigned char *data, size_t size, const char *source);

/* The same of the file DIR/NAME. */
int origin_file(const char *dir, const char *name, const char *source);

/* DIR/NAME, a PNG, has just this text, or none (NULL). */
void origin_text(const char *dir, const char *name, const char *key, const char *want);

/* A synthetic picture: source, tool, generator (NULL: of any hash), mapper (NULL: none), seed, and no other chunks;
 * `texts` of them. */
void origin_synthetic(const char *dir, const char *name, const char *source, const char *generator, const char *mapper,
                      const char *seed, int texts);

#endif
