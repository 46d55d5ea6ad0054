/* Tables of text, for printing as Markdown, LaTeX or HTML (html.h). Texts are UTF-8 and are escaped when printed. */
#ifndef IDEM_MEASURE_TEXT_TABLE_H
#define IDEM_MEASURE_TEXT_TABLE_H

#include <stdio.h>

#include "measure/spread.h"

typedef struct {
    char *title, *note;
    int columns, rows; /* without the head; column 0 names the row */
    char **cells;      /* [1 + rows, columns]; row 0 is the head */
} idem_text_table;

/* All texts are copied; cells are initially "". NULL with a message. */
idem_text_table *idem_text_table_new(const char *title, const char *note, int rows, int columns);
void idem_text_table_free(idem_text_table *t); /* NULL is allowed */
/* row 0: the head. If memory is short the table becomes invalid, which idem_text_table_check reports. */
void idem_text_table_set(idem_text_table *t, int row, int column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
int idem_text_table_check(const idem_text_table *t);
const char *idem_text_table_cell(const idem_text_table *t, int row, int column);

/* "0.826 +- 0.019" with the error or, deviation true, with the standard deviation; "-" for an invalid figure. */
typedef enum { IDEM_CELL_MEAN, IDEM_CELL_ERROR, IDEM_CELL_DEVIATION } idem_cell;
void idem_text_table_set_spread(idem_text_table *t, int row, int column, const idem_spread *s, int digits,
                                idem_cell what);
void idem_text_table_set_figure(idem_text_table *t, int row, int column, const idem_figure *f, int digits);

void idem_text_table_markdown(const idem_text_table *t, FILE *to);
void idem_text_table_latex(const idem_text_table *t, FILE *to);

#endif
