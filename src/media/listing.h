/* The contents of a folder: its pictures, and its other files and folders. A file is a picture by its ending
 * (format.h), or, without an ending, by its first bytes. Names that begin with a dot are ignored.
 *
 *     idem_listing l;
 *     if (idem_listing_read(&l, dir)) ...
 *     for (size_t i = 0; i < l.n_pictures; i++) ... l.pictures[i] ...
 *     idem_left_out_add(&left_out, &l, false);
 *     idem_listing_free(&l);
 *     idem_left_out_text(&left_out, text, sizeof text);   // "3 files of other kinds passed over: a.txt, b.md, c.mp4"
 */
#ifndef IDEM_MEDIA_LISTING_H
#define IDEM_MEDIA_LISTING_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    char **pictures, **others, **folders; /* names, each list sorted by strcmp */
    size_t n_pictures, n_others, n_folders;
} idem_listing;
int idem_listing_read(idem_listing *l, const char *dir);
void idem_listing_free(idem_listing *l);

/* Whether this existing file, not a folder, is a picture. */
bool idem_is_picture(const char *path);

/* Whether it has the ending of a film that idem can also write: mp4, mov, mkv, webm. */
bool idem_is_film(const char *path);

/* Counts files that are left out, over any number of folders. */
enum { IDEM_LEFT_OUT_NAMED = 3 };
typedef struct {
    size_t files, folders;
    size_t named;
    char first[IDEM_LEFT_OUT_NAMED][256];
} idem_left_out;
/* Adds one file. */
void idem_left_out_add_file(idem_left_out *o, const char *name);
/* Adds the other files of a listing. folders: also counts folders, which are not searched. */
void idem_left_out_add(idem_left_out *o, const idem_listing *l, bool folders);
/* One sentence without a full stop; "" if nothing was left out. */
const char *idem_left_out_text(const idem_left_out *o, char *text, size_t n);

#endif
