#include "cli/grid.h"

#include <stdlib.h>

#include "base/status.h"
#include "cli/assets.h"
#include "media/sheet.h"

int idem_grid_save(const char *path, const idem_sources *id, const idem_sources *attr, const idem_image *cells,
                   const idem_model *m) {
    int rows = id->n, columns = attr->n, total = rows + columns + rows * columns;
    const idem_image **list = calloc((size_t)total, sizeof(const idem_image *));
    const char **names = calloc((size_t)(rows + columns), sizeof *names);
    int status = list && names ? 0 : idem_fail("out of memory for a grid of %d x %d pictures", rows, columns);
    for (int i = 0; i < total && !status; i++) {
        const idem_source *source = i < rows ? &id->at[i] : i < rows + columns ? &attr->at[i - rows] : NULL;
        list[i] = source ? &source->thumb : &cells[i - rows - columns];
        if (source)
            names[i] = source->name;
    }
    idem_image page = {0};
    if (!status) {
        idem_sheet sheet = {.rows = rows,
                            .columns = columns,
                            .row_labels = names,
                            .column_labels = names + rows,
                            .row_axis = "identity",
                            .column_axis = "attributes",
                            .title = "identity of the row, everything else of the column",
                            .footer = "made by idem: synthetic pictures",
                            .down = list,
                            .along = list + rows,
                            .cells = list + rows + columns};
        status = idem_sheet_draw(&page, &sheet) || idem_picture_save(path, &page, m) ? -1 : 0;
    }
    idem_image_free(&page);
    free(names);
    free(list);
    return status;
}
