/* The captioned grid: identities down the side, attributes along the top, every combination inside. */
#ifndef IDEM_CLI_GRID_H
#define IDEM_CLI_GRID_H

#include "cli/sources.h"

enum { IDEM_GRID_MAX = 40, IDEM_GRID_SIDE = 256 }; /* its side in pictures, a picture's in pixels */

/* A PNG of the sources' thumbs and of cells [id->n * attr->n]. */
int idem_grid_save(const char *path, const idem_sources *id, const idem_sources *attr, const idem_image *cells,
                   const idem_model *m);

#endif
