#include "cli/compose_grid.h"

#include <stdlib.h>
#include <string.h>

#include "cli/failure.h"
#include "cli/library.h"

int idem_compose_grid_open(idem_compose_grid *g, int rows, int columns, int size) {
    *g = (idem_compose_grid){idem_cli_table((size_t)rows * (size_t)columns, sizeof *g->at), rows, columns, size};
    return g->at ? 0 : -1;
}

void idem_compose_grid_free(idem_compose_grid *g) {
    for (int i = 0; g->at && i < g->rows * g->columns; i++)
        free((uint8_t *)g->at[i].rgb);
    free(g->at);
    *g = (idem_compose_grid){0};
}

int idem_compose_grid_show(idem_compose_grid *g, int row, int column, const uint8_t *rgb) {
    return idem_sources_thumb(&g->at[row * g->columns + column], rgb, g->size, IDEM_GRID_PIXELS);
}

/* all: [ranks][1 + bytes], each beginning with whether it has the picture. */
static int gather_cell(idem_view *cell, const idem_shares *s, int side, uint8_t *mine, uint8_t *all) {
    const size_t bytes = (size_t)side * (size_t)side * 3;
    mine[0] = cell->rgb != NULL;
    if (cell->rgb)
        memcpy(mine + 1, cell->rgb, bytes);
    if (idem_ranks_gather(mine, 1 + bytes, all))
        return -1;
    for (int r = 0; r < s->size && !cell->rgb; r++) {
        const uint8_t *theirs = all + (size_t)r * (1 + bytes);
        uint8_t *rgb = theirs[0] ? idem_cli_table(bytes, 1) : NULL;
        if (theirs[0] && !rgb)
            return -1;
        if (rgb)
            *cell = (idem_view){memcpy(rgb, theirs + 1, bytes), side, side};
    }
    return 0;
}

int idem_compose_grid_gather(idem_compose_grid *g, const idem_shares *s) {
    const int side = g->size < IDEM_GRID_PIXELS ? g->size : IDEM_GRID_PIXELS;
    const size_t bytes = 1 + (size_t)side * (size_t)side * 3;
    if (s->size == 1)
        return 0;
    uint8_t *mine = idem_cli_table(bytes, 1), *all = idem_cli_table((size_t)s->size, bytes);
    int status = mine && all ? 0 : -1;
    for (int i = 0; i < g->rows * g->columns && !status; i++)
        status = gather_cell(&g->at[i], s, side, mine, all);
    free(mine);
    free(all);
    return status;
}

int idem_compose_grid_save(const idem_compose_grid *g, idem_context *context, const char *folder,
                           const idem_sources *down, const idem_sources *along) {
    const idem_writing writing = idem_cli_writing(IDEM_ORIGIN_COMPOSITE);
    char *path = idem_path_in(folder, "grid.png");
    idem_view *side = idem_cli_table((size_t)g->rows, sizeof *side),
              *top = idem_cli_table((size_t)g->columns, sizeof *top);
    for (int i = 0; i < g->rows && side; i++)
        side[i] = down->at[i].thumb;
    for (int i = 0; i < g->columns && top; i++)
        top[i] = along->at[i].thumb;
    const int status =
        path && side && top ? idem_write_grid(context, path, side, g->rows, top, g->columns, g->at, &writing) : -1;
    free(side);
    free(top);
    free(path);
    return status;
}
