#include "train/summary/samples.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "media/sheet.h"
#include "model/origin.h"

enum { SHEET_COLUMNS = 8 };

static int draw_sheet(const idem_summary_samples *s, idem_image *page) {
    const int side = idem_summary_side(s->model), batch = (int)s->recipe->batch;
    const int n = batch < SHEET_COLUMNS ? batch : SHEET_COLUMNS;
    const size_t picture = (size_t)side * (size_t)side * 3;
    const float *rows[2] = {s->graph->x->leaf, idem_plan_value(s->graph->plan, s->graph->y)};
    idem_image cells[2 * SHEET_COLUMNS] = {0};
    const idem_image *list[2 * SHEET_COLUMNS];
    char title[96];
    int status = 0;
    for (int i = 0; i < 2 * n && !status; i++) {
        status = idem_image_from_float(&cells[i], rows[i / n] + (size_t)(i % n) * picture, side, side, 0, 1);
        list[i] = &cells[i];
    }
    snprintf(title, sizeof title, "Pictures, and the results, after %" PRId64 " iterations", s->run->state->iteration);
    if (!status)
        status = idem_sheet_list(page, &(idem_sheet){.title = title}, list, 2 * n, n);
    for (int i = 0; i < 2 * n; i++)
        idem_image_free(&cells[i]);
    return status;
}

static int save_mapper(const idem_summary_samples *s) {
    char *path = idem_path_join(s->run->path, "mapper.safetensors");
    idem_weights *w = idem_weights_new();
    int status = path && w ? 0 : -1;
    for (size_t i = 0; i < idem_weights_count(s->run->tensors) && !status; i++) {
        const idem_weight *from = idem_weights_at(s->run->tensors, i);
        if (strncmp(from->name, "pixel_mapper.", 13))
            continue;
        idem_weight *to = idem_weights_add(w, from->name, from->shape);
        status = to ? 0 : -1;
        if (to)
            idem_weight_read(from, to->data);
    }
    if (!status)
        status = idem_fields_store(&idem_summary_fields, s->recipe, w) ||
                         idem_weights_set_meta(w, "format", "idem pixel mapper") ||
                         idem_weights_set_meta(w, "generator", idem_model_about(s->model)->hash) ||
                         idem_model_store_recogniser(s->model, w) || idem_weights_save(w, path, IDEM_DTYPE_F16)
                     ? -1
                     : 0;
    idem_weights_free(w);
    free(path);
    return status;
}

int idem_summary_samples_write(const idem_summary_samples *s) {
    idem_image page;
    idem_origin origin;
    if (draw_sheet(s, &page))
        return -1;
    idem_origin_of(&origin, IDEM_SOURCE_COMPOSITE, s->model, &s->recipe->seed);
    const int status =
        idem_run_sheet(s->run, "grid", "samples", s->run->state->iteration, &page, &origin.marks) || save_mapper(s) ? -1
                                                                                                                    : 0;
    idem_image_free(&page);
    return status;
}
