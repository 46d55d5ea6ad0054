#include "compose/grid.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/status.h"
#include "media/sheet.h"

typedef char label[16];

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

int idem_grid_draw(idem_image *page, const idem_image *down, int rows, const idem_image *along, int columns,
                   const idem_image *cells) {
    if (rows < 1 || columns < 1 || rows > INT16_MAX || columns > INT16_MAX)
        return idem_fail("a grid of %d x %d pictures cannot be drawn", rows, columns);
    const size_t heads = (size_t)rows + (size_t)columns, total = heads + (size_t)rows * (size_t)columns;
    const idem_image **list = calloc(total, sizeof(const idem_image *));
    const char **names = calloc(heads, sizeof *names);
    label *labels = calloc(heads, sizeof *labels);
    int status = list && names && labels
                     ? 0
                     : idem_fail_as(IDEM_MEMORY, "out of memory for a grid of %d x %d pictures", rows, columns);
    for (size_t i = 0; i < total && !status; i++) {
        const idem_image *im = i < (size_t)rows ? &down[i] : i < heads ? &along[i - (size_t)rows] : &cells[i - heads];
        list[i] = im->rgb ? im : NULL;
    }
    for (int i = 0; i < (int)heads && !status; i++) {
        make_label(labels[i], i < rows ? i : i - rows, i >= rows);
        names[i] = labels[i];
    }
    if (!status) {
        const idem_sheet sheet = {
            .rows = rows,
            .columns = columns,
            .row_labels = names,
            .column_labels = names + rows,
            .row_axis = "identity",
            .column_axis = "attributes",
            .title = "identity of the row, everything else of the column",
            .footer = "made by idem: the inner pictures are synthetic, the outer ones are their sources",
            .down = list,
            .along = list + rows,
            .cells = list + heads};
        status = idem_sheet_draw(page, &sheet);
    }
    free(labels);
    free(names);
    free(list);
    return status;
}
