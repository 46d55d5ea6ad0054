/* Inside src/data only: the pictures of a folder tree, their middle squares resized once, or what else is made of them,
 * and kept as bytes in a file that is mapped into memory. A picture is what its file's bytes are, whatever the file is
 * called.
 *
 * The file: "IDEMPIC3", side and rule (32-bit), number of files, of pictures, bytes of the list (64-bit,
 * little-endian); the pictures of side * side * 3 bytes; the list, by name: size, times of modification and of change
 * in nanoseconds, inode (64-bit), SHA-256 of the bytes (32), 1 if it is a picture, 2 if `make` found nothing in it,
 * else 0 (8-bit), length of the name (32-bit), name. A file whose size, times and inode are those of the list is taken
 * to be unchanged; of others the bytes are read again, and decoded if they are new. What could not be read is tried
 * each time, what had nothing in it when it has changed. */
#ifndef IDEM_DATA_PICTURE_CACHE_H
#define IDEM_DATA_PICTURE_CACHE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "media/image.h"

typedef struct idem_picture_cache idem_picture_cache;

typedef struct {
    int size; /* side */
    /* Makes the picture of a file, size x size; NULL: its middle square. A failure of the kind IDEM_INPUT leaves it
     * out.
     */
    int (*make)(void *user, const char *path, int size, idem_image *out);
    uint32_t rule; /* names what `make` does: pictures of another rule are made anew; 0 of middle squares */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *user, size_t done, size_t count); /* while files are read; may be NULL */
    void (*bad)(void *user, const char *why);                /* what is left out; may be NULL */
    void *user;
} idem_picture_cache_options;

/* Looks at all files; what is new stands beside `file` until it is kept. Interrupted, with `make`, it keeps in `file`
 * what it has made so far. */
idem_picture_cache *idem_picture_cache_open(const char *dir, const char *file, const idem_picture_cache_options *o);
void idem_picture_cache_free(idem_picture_cache *c); /* NULL is allowed */
/* Replaces `file` if anything has changed, and maps it: pixels may be asked for. */
int idem_picture_cache_keep(idem_picture_cache *c);

size_t idem_picture_cache_count(const idem_picture_cache *c); /* pictures, in order of their names */
size_t idem_picture_cache_bad(const idem_picture_cache *c);   /* files and folders left out */
/* Since `file` was made: pictures of other content than all it had, and such as are no more; 0 if there was none. */
size_t idem_picture_cache_new(const idem_picture_cache *c);
size_t idem_picture_cache_gone(const idem_picture_cache *c);

const char *idem_picture_cache_name(const idem_picture_cache *c, size_t i);          /* below the folder */
const unsigned char *idem_picture_cache_hash(const idem_picture_cache *c, size_t i); /* [32], SHA-256 of the file */
const unsigned char *idem_picture_cache_pixels(const idem_picture_cache *c, size_t i);

#endif
