/* The captioned grid: identities down the side, attributes along the top, every combination inside. Rows are called 1,
 * 2, ..., columns A ... Z, AA ...: names of files stay out of what may be passed on. */
#ifndef IDEM_COMPOSE_GRID_H
#define IDEM_COMPOSE_GRID_H

#include "media/image.h"

enum { IDEM_GRID_SIDE = 256 }; /* pictures are not shown larger */

/* A picture without pixels leaves its place empty. down [rows], along [columns], cells [rows, columns]. */
int idem_grid_draw(idem_image *page, const idem_image *down, int rows, const idem_image *along, int columns,
                   const idem_image *cells);

#endif
