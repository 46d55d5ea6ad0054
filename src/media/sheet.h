/* Contact sheets: pictures in a grid on one page, with captions.
 *
 *                attributes
 *               [A] [B] [C]      along, column_labels
 *    identity
 *       [1]     1A  1B  1C       down, row_labels | cells, captions
 *       [2]     2A  2B  2C
 *
 * Pointers are borrowed for the call. Everything but rows, columns and cells may be NULL or 0; texts are UTF-8. */
#ifndef IDEM_MEDIA_SHEET_H
#define IDEM_MEDIA_SHEET_H

#include "media/image.h"

typedef struct {
    int rows, columns;
    const idem_image *const *cells;                       /* [rows * columns]; a NULL picture leaves its place empty */
    const idem_image *const *down, *const *along;         /* [rows] and [columns]: header pictures */
    const char *const *row_labels, *const *column_labels; /* [rows] and [columns] */
    const char *const *captions;                          /* [rows * columns], below each cell */
    const char *title, *row_axis, *column_axis, *footer;
    /* Longest side of a picture on the page. 0: unchanged, except that pictures below 128 px are enlarged by a whole
     * factor to 128 or more and those above 256 px are reduced to 256. */
    int side;
} idem_sheet;

/* The sides of the page may not exceed 32767. 0 or -1. */
int idem_sheet_draw(idem_image *out, const idem_sheet *s);

/* n pictures in rows of `columns`; only the texts, captions [n] and side of s are used. */
int idem_sheet_list(idem_image *out, const idem_sheet *s, const idem_image *const *pictures, int n, int columns);

#endif
