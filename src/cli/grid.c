#include "cli/grid.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "cli/assets.h"
#include "media/sheet.h"

typedef char label[16];

/* Rows 1, 2, ...; columns A ... Z, AA ...: the pictures beside them say who it is, and names of files stay out of what
 * may be passed on. */
static void make_label(label text, int i, bool letters) {
    if (!letters) {
        snprintf(text, sizeof(label), "%d", i + 1);
        return;
    }
    char turned[sizeof(label)];
    int n = 0;
    for (int rest = i + 1; rest > 0; rest = (rest - 1) / 26)
        turned[n++] = (char)('A' + (rest - 1) % 26);
    for (int k = 0; k < n; k++)
        text[k] = turned[n - 1 - k];
    text[n] = 0;
}

int idem_grid_save(const char *path, const idem_sources *id, const idem_sources *attr, const idem_image *cells,
                   const idem_model *m) {
    int rows = id->n, columns = attr->n, total = rows + columns + rows * columns;
    const idem_image **list = calloc((size_t)total, sizeof(const idem_image *));
    const char **names = calloc((size_t)(rows + columns), sizeof *names);
    label *labels = calloc((size_t)(rows + columns), sizeof *labels);
    int status = list && names && labels
                     ? 0
                     : idem_fail_as(IDEM_MEMORY, "out of memory for a grid of %d x %d pictures", rows, columns);
    for (int i = 0; i < total && !status; i++) {
        const idem_source *source = i < rows ? &id->at[i] : i < rows + columns ? &attr->at[i - rows] : NULL;
        list[i] = source ? &source->thumb : &cells[i - rows - columns];
        if (!list[i]->rgb) /* could not be made */
            list[i] = NULL;
        if (source) {
            make_label(labels[i], i < rows ? i : i - rows, i >= rows);
            names[i] = labels[i];
        }
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
                            .footer =
                                "made by idem: the inner pictures are synthetic, the outer ones are their sources",
                            .down = list,
                            .along = list + rows,
                            .cells = list + rows + columns};
        status = idem_sheet_draw(&page, &sheet) || idem_picture_save(path, &page, IDEM_SOURCE_COMPOSITE, m) ? -1 : 0;
    }
    idem_image_free(&page);
    free(labels);
    free(names);
    free(list);
    return status;
}
