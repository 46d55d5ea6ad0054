/* Pictures to measure, of equal size: those of a folder tree, in random order, or a generator's samples. */
#ifndef IDEM_DATA_PICTURE_SOURCE_H
#define IDEM_DATA_PICTURE_SOURCE_H

#include "engine/plan.h"

typedef struct idem_picture_source idem_picture_source;

/* path: a folder, or a generator's weights, with codes truncated by psi. Order and codes by seed. */
idem_picture_source *idem_picture_source_open(const char *path, float psi, uint64_t seed,
                                              const idem_plan_options *options);
void idem_picture_source_free(idem_picture_source *s); /* NULL is allowed */

size_t idem_picture_source_others(const idem_picture_source *s); /* files of a folder that are no pictures */
size_t idem_picture_source_count(const idem_picture_source *s);  /* of a folder; SIZE_MAX of a generator */
int idem_picture_source_side(const idem_picture_source *s);      /* of the generator's pictures; 0 of a folder */

/* The next n pictures, resized (Lanczos) if they are not size x size: [n, size, size, 3] in [0, 1]. Returns their
 * number, less at a folder's end; -1. Unreadable files and folders are passed to `bad` (may be NULL) and left out. */
int idem_picture_source_next(idem_picture_source *s, size_t n, int size, float *x,
                             void (*bad)(void *user, const char *why), void *user);

#endif
