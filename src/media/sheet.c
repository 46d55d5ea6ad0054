#include "media/sheet.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/status.h"
#include "media/canvas.h"

enum { SHOW_MIN = 128, SHOW_MAX = 256, CELLS_MAX = 100000 };

static const uint32_t INK = 0x1d2330, SOFT_INK = 0x5b6472, BAND = 0xe9edf3, EMPTY = 0xf6f7f9;

typedef struct {
    const idem_sheet *s;
    int count;                   /* of cells; at most rows * columns: the last row may be short */
    int cell_width, cell_height; /* of one picture on the page */
    double gap, margin;
    idem_pen title, axis, label, caption, footer;
    double label_height, caption_height;
    double axis_strip;                  /* width of the turned text left of the header column */
    double header_width, header_height; /* of header column and header row; 0: none */
    double body_x, body_y;              /* of the first cell */
    double top_y;                       /* of the header row */
    double column_step, row_step;
    double width, height;
} layout;

static void widest(const idem_image *const *list, int n, int *width, int *height) {
    for (int i = 0; list && i < n; i++) {
        if (list[i] && list[i]->width > *width)
            *width = list[i]->width;
        if (list[i] && list[i]->height > *height)
            *height = list[i]->height;
    }
}

/* Size on the page of a picture scaled to fit into the cell, sides in proportion. */
static void fit(const layout *l, const idem_image *im, int *width, int *height) {
    double scale = fmin((double)l->cell_width / im->width, (double)l->cell_height / im->height);
    *width = (int)lround(fmax(1, im->width * scale));
    *height = (int)lround(fmax(1, im->height * scale));
}

static int size_cells(layout *l) {
    const idem_sheet *s = l->s;
    int width = 0, height = 0;
    widest(s->cells, l->count, &width, &height);
    if (width == 0) {
        widest(s->down, s->rows, &width, &height);
        widest(s->along, s->columns, &width, &height);
    }
    if (width == 0)
        return idem_fail("contact sheet: all %d x %d pictures are missing", s->columns, s->rows);
    int longest = width > height ? width : height;
    double scale = 1;
    if (s->side > 0)
        scale = (double)s->side / longest;
    else if (longest < SHOW_MIN)
        scale = (SHOW_MIN + longest - 1) / longest;
    else if (longest > SHOW_MAX)
        scale = (double)SHOW_MAX / longest;
    l->cell_width = (int)lround(fmax(1, width * scale));
    l->cell_height = (int)lround(fmax(1, height * scale));
    return 0;
}

static void choose_pens(layout *l) {
    double unit = fmin(fmax(l->cell_width / 128.0, 0.85), 1.6);
    l->gap = round(6 * unit);
    l->margin = round(22 * unit);
    l->title = (idem_pen){round(21 * unit), true, INK};
    l->axis = (idem_pen){round(15 * unit), true, SOFT_INK};
    l->label = (idem_pen){round(13 * unit), false, INK};
    l->caption = (idem_pen){round(12.5 * unit), false, INK};
    l->footer = (idem_pen){round(12 * unit), false, SOFT_INK};
}

/* A page narrower than its title would break it into many lines. */
static double least_width(const layout *l, idem_canvas *c) {
    double title = idem_canvas_text_width(c, &l->title, l->s->title) + 2 * l->margin;
    return fmin(title, 30 * l->title.size);
}

static double label_column(const layout *l, idem_canvas *c) {
    double width = 0;
    for (int i = 0; i < l->s->rows; i++)
        width = fmax(width, idem_canvas_text_width(c, &l->label, l->s->row_labels[i]));
    return ceil(fmin(width, 2.0 * fmax(l->cell_width, 100)));
}

static void place(layout *l, idem_canvas *c) {
    const idem_sheet *s = l->s;
    double pad = l->gap;
    l->label_height = round(l->label.size * 1.6);
    l->caption_height = s->captions ? round(l->caption.size * 1.6) : 0;
    l->axis_strip = s->row_axis ? round(l->axis.size * 1.9) : 0;
    l->header_width = s->down ? l->cell_width + 2 * pad : s->row_labels ? label_column(l, c) + 2 * pad : 0;
    l->header_height =
        (s->along ? l->cell_height + 2 * pad : 0) + (s->column_labels ? l->label_height - (s->along ? pad : 0) : 0);
    l->column_step = l->cell_width + l->gap;
    l->row_step = l->cell_height + l->caption_height + l->gap;
    if (s->down && s->row_labels && !s->captions)
        l->row_step += l->label_height;
    l->body_x = l->margin + l->axis_strip + l->header_width + (l->header_width > 0 ? 2 * l->gap : 0);
    double body_width = s->columns * l->column_step - l->gap;
    l->width = ceil(fmax(l->body_x + body_width + l->margin + (s->along ? pad : 0), least_width(l, c)));
    double text_width = l->width - 2 * l->margin;
    double y = l->margin;
    y += idem_canvas_paragraph(c, &l->title, 0, 0, text_width, s->title, false) + (s->title ? l->gap : 0);
    if (s->column_axis)
        y += round(l->axis.size * 1.7);
    l->top_y = y;
    l->body_y = y + l->header_height + (l->header_height > 0 ? 2 * l->gap : 0);
    y = l->body_y + s->rows * l->row_step - l->gap + (s->down ? pad : 0);
    if (s->footer)
        y += 2 * l->gap + idem_canvas_paragraph(c, &l->footer, 0, 0, text_width, s->footer, false);
    l->height = ceil(y + l->margin);
}

static int draw_picture(const layout *l, idem_canvas *c, double x, double y, const idem_image *im) {
    int width, height;
    fit(l, im, &width, &height);
    int left = (int)lround(x) + (l->cell_width - width) / 2, top = (int)lround(y) + (l->cell_height - height) / 2;
    if (width == im->width && height == im->height) {
        idem_canvas_picture(c, left, top, im);
        return 0;
    }
    idem_image shown;
    int status = width > im->width ? idem_image_resize_lanczos(&shown, im, width, height)
                                   : idem_image_resize(&shown, im, width, height);
    if (status < 0)
        return -1;
    idem_canvas_picture(c, left, top, &shown);
    idem_image_free(&shown);
    return 0;
}

static int draw_header_row(const layout *l, idem_canvas *c) {
    const idem_sheet *s = l->s;
    double pad = l->gap, y = l->top_y, body = s->columns * l->column_step - l->gap;
    if (s->along)
        idem_canvas_fill(c, l->body_x - pad, y, body + 2 * pad, l->header_height, pad, BAND);
    double label_y = y + l->label.size * 1.15 + (s->along ? pad + l->cell_height : 0);
    for (int i = 0; i < s->columns; i++) {
        double x = l->body_x + i * l->column_step;
        if (s->along && s->along[i] && draw_picture(l, c, x, y + pad, s->along[i]) < 0)
            return -1;
        if (s->column_labels)
            idem_canvas_text(c, &l->label, x + l->cell_width / 2.0, label_y, l->cell_width, IDEM_CENTRE,
                             s->column_labels[i]);
    }
    return 0;
}

static int draw_header_column(const layout *l, idem_canvas *c) {
    const idem_sheet *s = l->s;
    double pad = l->gap, x = l->margin + l->axis_strip;
    if (s->down)
        idem_canvas_fill(c, x, l->body_y - pad, l->header_width, s->rows * l->row_step - l->gap + 2 * pad, pad, BAND);
    for (int i = 0; i < s->rows; i++) {
        double y = l->body_y + i * l->row_step;
        if (s->down && s->down[i] && draw_picture(l, c, x + pad, y, s->down[i]) < 0)
            return -1;
        if (s->row_labels && s->down)
            idem_canvas_text(c, &l->label, x + l->header_width / 2, y + l->cell_height + l->label.size * 1.15,
                             l->cell_width, IDEM_CENTRE, s->row_labels[i]);
        else if (s->row_labels)
            idem_canvas_text(c, &l->label, x + l->header_width - pad, y + l->cell_height / 2.0 + l->label.size * 0.35,
                             l->header_width - 2 * pad, IDEM_RIGHT, s->row_labels[i]);
    }
    return 0;
}

static int draw_cells(const layout *l, idem_canvas *c) {
    const idem_sheet *s = l->s;
    for (int i = 0; i < l->count; i++) {
        double x = l->body_x + i % s->columns * l->column_step, y = l->body_y + i / s->columns * l->row_step;
        if (!s->cells[i])
            idem_canvas_fill(c, x, y, l->cell_width, l->cell_height, 2, EMPTY);
        else if (draw_picture(l, c, x, y, s->cells[i]) < 0)
            return -1;
        if (s->captions)
            idem_canvas_text(c, &l->caption, x + l->cell_width / 2.0, y + l->cell_height + l->caption.size * 1.2,
                             l->cell_width, IDEM_CENTRE, s->captions[i]);
    }
    return 0;
}

static int draw(const layout *l, idem_canvas *c) {
    const idem_sheet *s = l->s;
    double text_width = l->width - 2 * l->margin;
    idem_canvas_paragraph(c, &l->title, l->margin, l->margin, text_width, s->title, true);
    idem_canvas_text(c, &l->axis, l->body_x, l->top_y - l->axis.size * 0.6, l->width - l->body_x - l->margin, IDEM_LEFT,
                     s->column_axis);
    double body_height = s->rows * l->row_step - l->gap;
    idem_canvas_text_up(c, &l->axis, l->margin + l->axis.size, l->body_y, body_height, IDEM_RIGHT, s->row_axis);
    if (draw_header_row(l, c) < 0 || draw_header_column(l, c) < 0 || draw_cells(l, c) < 0)
        return -1;
    double footer = idem_canvas_paragraph(c, &l->footer, 0, 0, text_width, s->footer, false);
    idem_canvas_paragraph(c, &l->footer, l->margin, l->height - l->margin - footer, text_width, s->footer, true);
    return 0;
}

static int make(idem_image *out, const idem_sheet *s, int count) {
    *out = (idem_image){0};
    layout l = {.s = s, .count = count};
    idem_canvas c;
    if (size_cells(&l) < 0)
        return -1;
    choose_pens(&l);
    if (idem_canvas_open(&c, 1, 1) < 0)
        return -1;
    place(&l, &c);
    if (idem_canvas_close(&c, NULL) < 0 || idem_canvas_open(&c, (int)fmin(l.width, 1e6), (int)fmin(l.height, 1e6)) < 0)
        return -1;
    if (draw(&l, &c) < 0) {
        idem_canvas_close(&c, NULL);
        return -1;
    }
    return idem_canvas_close(&c, out);
}

int idem_sheet_draw(idem_image *out, const idem_sheet *s) {
    *out = (idem_image){0};
    if (s->rows < 1 || s->columns < 1 || s->rows > CELLS_MAX / s->columns || !s->cells)
        return idem_fail("contact sheet: %d rows of %d pictures, expected at least one of each and at most %d in all",
                         s->rows, s->columns, CELLS_MAX);
    return make(out, s, s->rows * s->columns);
}

int idem_sheet_list(idem_image *out, const idem_sheet *s, const idem_image *const *pictures, int n, int columns) {
    *out = (idem_image){0};
    if (n < 1 || n > CELLS_MAX || columns < 1)
        return idem_fail("contact sheet: %d pictures in rows of %d, expected 1 to %d and at least 1", n, columns,
                         CELLS_MAX);
    idem_sheet plain = {.title = s->title, .footer = s->footer, .captions = s->captions, .side = s->side};
    plain.cells = pictures;
    plain.columns = columns < n ? columns : n;
    plain.rows = (n + plain.columns - 1) / plain.columns;
    return make(out, &plain, n);
}
