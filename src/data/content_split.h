/* A random order of pictures by the contents of their files, the held-out ones first: names do not matter, and files
 * with equal content are held out together or not at all. */
#ifndef IDEM_DATA_CONTENT_SPLIT_H
#define IDEM_DATA_CONTENT_SPLIT_H

#include "data/picture_cache.h"

/* order [count of c], held_out <= count: held-out ones first. A function of the seed, of `stream` (a short name for its
 * random numbers) and of the contents. -1 also if that number cannot be held out without splitting files with equal
 * content; dir: for that message. */
int idem_content_split(uint32_t *order, const idem_picture_cache *c, const char *dir, uint64_t seed, const char *stream,
                       size_t held_out);

#endif
