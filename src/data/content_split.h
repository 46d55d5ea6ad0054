/* A random order of pictures, the first of them to be held out, by the contents of their files: names do not matter,
 * and files of one content are held out together or not at all. */
#ifndef IDEM_DATA_CONTENT_SPLIT_H
#define IDEM_DATA_CONTENT_SPLIT_H

#include "data/picture_cache.h"

/* order [count of c], held_out <= count: those held out first. A function of the seed, of `stream` (a short name for
 * its random numbers) and of the contents. -1 also when no so many can be held out without splitting files of one
 * content; dir: for that message. */
int idem_content_split(uint32_t *order, const idem_picture_cache *c, const char *dir, uint64_t seed, const char *stream,
                       size_t held_out);

#endif
