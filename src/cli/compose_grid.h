/* grid.png of idem compose: the first face of every combination, under its attributes, beside its identity. */
#ifndef IDEM_CLI_COMPOSE_GRID_H
#define IDEM_CLI_COMPOSE_GRID_H

#include "cli/shares.h"
#include "cli/sources.h"

enum { IDEM_GRID_MOST = 40 }; /* its side in pictures */

typedef struct {
    idem_view *at; /* [rows][columns], each owned; .rgb NULL: there is none */
    int rows, columns, size;
} idem_compose_grid;

/* For pictures [size, size, 3]. */
int idem_compose_grid_open(idem_compose_grid *g, int rows, int columns, int size);
void idem_compose_grid_free(idem_compose_grid *g);
int idem_compose_grid_show(idem_compose_grid *g, int row, int column, const uint8_t *rgb);
/* Every rank's pictures, each of which only one has shown, come to all. */
int idem_compose_grid_gather(idem_compose_grid *g, const idem_shares *s);
int idem_compose_grid_save(const idem_compose_grid *g, idem_context *context, const char *folder,
                           const idem_sources *down, const idem_sources *along);

#endif
