/* The captioned grid: identities at the left, attributes at the top, every combination inside. Rows are labelled 1, 2,
 * ..., columns A ... Z, AA ...: no file names, as grids may be published. */
#ifndef IDEM_COMPOSE_GRID_H
#define IDEM_COMPOSE_GRID_H

#include "media/image.h"

enum { IDEM_GRID_SIDE = 256 }; /* largest side of the pictures */

/* The place of a picture without pixels stays empty. down [rows], along [columns], cells [rows, columns]. */
int idem_grid_draw(idem_image *page, const idem_image *down, int rows, const idem_image *along, int columns,
                   const idem_image *cells);

#endif
