/* The pictures of a folder and its subfolders, by name; media/listing.h decides which files are pictures. Unreadable
 * ones are left out, with a stored message: a locked folder, a dead link, a link to a folder that contains it. */
#ifndef IDEM_DATA_PICTURE_TREE_H
#define IDEM_DATA_PICTURE_TREE_H

#include <stddef.h>

#include "media/image.h"

typedef struct idem_picture_tree idem_picture_tree;

/* NULL if `dir` itself cannot be listed. */
idem_picture_tree *idem_picture_tree_open(const char *dir);
/* Also lists films (listing.h), of which only count and names are available. */
idem_picture_tree *idem_picture_tree_open_films(const char *dir);
void idem_picture_tree_free(idem_picture_tree *t); /* NULL is allowed */

size_t idem_picture_tree_count(const idem_picture_tree *t); /* may be 0 */
/* Below the folder; sorted by strcmp. */
const char *idem_picture_tree_name(const idem_picture_tree *t, size_t i);
const char *idem_picture_tree_path(const idem_picture_tree *t, size_t i);

/* Files that are no pictures; opening logs some of their names. */
size_t idem_picture_tree_others(const idem_picture_tree *t);

/* Messages about what was left out. */
size_t idem_picture_tree_bad_count(const idem_picture_tree *t);
const char *idem_picture_tree_bad(const idem_picture_tree *t, size_t i);

/* 64 hex digits of the files' names and sizes: identifies the list. */
void idem_picture_tree_digest(const idem_picture_tree *t, char hex[65]);

int idem_picture_tree_load(const idem_picture_tree *t, size_t i, idem_image *out);
/* The central square of picture i, resized (Lanczos) to size x size. */
int idem_picture_tree_square(const idem_picture_tree *t, size_t i, int size, idem_image *out);

#endif
