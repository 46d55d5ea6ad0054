/* Only for src/data: the pictures of a folder tree, their central squares resized once, or pictures made by a callback,
 * stored as bytes in a file that is mapped into memory. A picture is identified by its file's bytes, not by the name.
 *
 * The file: "IDEMPIC3", side and rule (32-bit), number of files, of pictures, bytes of the list (64-bit,
 * little-endian); the pictures of side * side * 3 bytes; the list, by name: size, times of modification and of change
 * in nanoseconds, inode (64-bit), SHA-256 of the bytes (32), 1 if it is a picture, 2 if `make` found nothing in it,
 * else 0 (8-bit), length of the name (32-bit), name. A file whose size, times and inode equal the list's counts as
 * unchanged; other files are read again, and decoded if their content is new. Unreadable files are tried each time,
 * empty ones only if they have changed. */
#ifndef IDEM_DATA_PICTURE_CACHE_H
#define IDEM_DATA_PICTURE_CACHE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/image.h"

typedef struct idem_picture_cache idem_picture_cache;

typedef struct {
    int size; /* side */
    /* Makes the picture of a file, size x size; NULL: its central square. A failure of the kind IDEM_INPUT leaves it
     * out. */
    int (*make)(void *user, const char *path, int size, idem_image *out);
    uint32_t rule; /* version of `make`: pictures of another rule are made again; 0 for central squares */
    bool borrow;   /* `file` is another process's: it must have all pictures, and is only read */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *user, size_t done, size_t count); /* during reading; may be NULL */
    void (*bad)(void *user, const char *why);                /* gets what is left out; may be NULL */
    void *user;
} idem_picture_cache_options;

/* Checks all files; new pictures are in a file beside `file` until kept. If interrupted, with `make`, it keeps the
 * pictures made so far in `file`. */
idem_picture_cache *idem_picture_cache_open(const char *dir, const char *file, const idem_picture_cache_options *o);
void idem_picture_cache_free(idem_picture_cache *c); /* NULL is allowed */
/* Replaces `file` if anything has changed, and maps it; pixels are available then. */
int idem_picture_cache_keep(idem_picture_cache *c);

size_t idem_picture_cache_count(const idem_picture_cache *c); /* pictures, in order of their names */
size_t idem_picture_cache_bad(const idem_picture_cache *c);   /* files and folders left out */
/* Changes since `file` was made: pictures with new content, and missing ones; 0 if there was no file. */
size_t idem_picture_cache_new(const idem_picture_cache *c);
size_t idem_picture_cache_gone(const idem_picture_cache *c);

const char *idem_picture_cache_name(const idem_picture_cache *c, size_t i);          /* below the folder */
const unsigned char *idem_picture_cache_hash(const idem_picture_cache *c, size_t i); /* [32], SHA-256 of the file */
const unsigned char *idem_picture_cache_pixels(const idem_picture_cache *c, size_t i);

#endif
