#define _GNU_SOURCE
#include "measure/text_table.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

static char **cell(const idem_text_table *t, int row, int column) {
    return &t->cells[(size_t)row * (size_t)t->columns + (size_t)column];
}

idem_text_table *idem_text_table_new(const char *title, const char *note, int rows, int columns) {
    idem_text_table *t = calloc(1, sizeof *t);
    if (!t)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a table");
    t->columns = columns;
    t->rows = rows;
    t->title = strdup(title);
    t->note = strdup(note ? note : "");
    t->cells = calloc((size_t)(rows + 1) * (size_t)columns, sizeof *t->cells);
    if (t->title && t->note && t->cells)
        return t;
    idem_text_table_free(t);
    return idem_fail_null_as(IDEM_MEMORY, "out of memory for a table");
}

void idem_text_table_free(idem_text_table *t) {
    if (!t)
        return;
    for (int i = 0; t->cells && i < (t->rows + 1) * t->columns; i++)
        free(t->cells[i]);
    free(t->cells);
    free(t->title);
    free(t->note);
    free(t);
}

void idem_text_table_set(idem_text_table *t, int row, int column, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text;
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    free(*cell(t, row, column));
    *cell(t, row, column) = text;
}

/* Empty cells are ""; NULL means out of memory. */
int idem_text_table_check(const idem_text_table *t) {
    for (int i = 0; i < (t->rows + 1) * t->columns; i++)
        if (!t->cells[i])
            return idem_fail_as(IDEM_MEMORY, "out of memory for a table");
    return 0;
}

const char *idem_text_table_cell(const idem_text_table *t, int row, int column) {
    const char *text = *cell(t, row, column);
    return text ? text : "";
}

void idem_text_table_set_spread(idem_text_table *t, int row, int column, const idem_spread *s, int digits,
                                idem_cell what) {
    const double after = what == IDEM_CELL_DEVIATION ? s->deviation : s->mean.error;
    if (!idem_figure_holds(&s->mean) || !isfinite(s->mean.mean))
        idem_text_table_set(t, row, column, "-");
    else if (what == IDEM_CELL_MEAN || !isfinite(after))
        idem_text_table_set(t, row, column, "%.*f", digits, s->mean.mean);
    else
        idem_text_table_set(t, row, column, "%.*f ± %.*f", digits, s->mean.mean, digits, after);
}

void idem_text_table_set_figure(idem_text_table *t, int row, int column, const idem_figure *f, int digits) {
    idem_text_table_set_spread(t, row, column, &(idem_spread){.mean = *f}, digits, IDEM_CELL_ERROR);
}

/* ---- Markdown ---- */

static void markdown_text(const char *text, FILE *to) {
    for (; *text; text++) {
        if (strchr("|*_`<>[]\\", *text))
            fputc('\\', to);
        fputc(*text, to);
    }
}

void idem_text_table_markdown(const idem_text_table *t, FILE *to) {
    fprintf(to, "### ");
    markdown_text(t->title, to);
    fprintf(to, "\n\n");
    for (int row = 0; row <= t->rows; row++) {
        fputc('|', to);
        for (int k = 0; k < t->columns; k++) {
            fputc(' ', to);
            markdown_text(idem_text_table_cell(t, row, k), to);
            fprintf(to, " |");
        }
        fputc('\n', to);
        for (int k = 0; k < t->columns && !row; k++)
            fprintf(to, k ? "---:|" : "|---|");
        if (!row)
            fputc('\n', to);
    }
    if (*t->note) {
        fputc('\n', to);
        markdown_text(t->note, to);
        fputc('\n', to);
    }
    fputc('\n', to);
}

/* ---- LaTeX ---- */

static void latex_text(const char *text, FILE *to) {
    for (; *text; text++)
        if (strchr("&%$#_{}", *text))
            fprintf(to, "\\%c", *text);
        else if (*text == '\\')
            fprintf(to, "\\textbackslash{}");
        else if (*text == '~')
            fprintf(to, "\\textasciitilde{}");
        else if (*text == '^')
            fprintf(to, "\\textasciicircum{}");
        else if (*text == '<' || *text == '>')
            fprintf(to, "$%c$", *text);
        else if (!strncmp(text, "±", strlen("±"))) {
            fprintf(to, "$\\pm$");
            text += strlen("±") - 1;
        } else
            fputc(*text, to);
}

void idem_text_table_latex(const idem_text_table *t, FILE *to) {
    fprintf(to, "\\begin{table}\n\\centering\n\\caption{");
    latex_text(t->title, to);
    fprintf(to, ". ");
    latex_text(t->note, to);
    fprintf(to, "}\n\\begin{tabular}{l");
    for (int k = 1; k < t->columns; k++)
        fputc('r', to);
    fprintf(to, "}\n\\hline\n");
    for (int row = 0; row <= t->rows; row++) {
        for (int k = 0; k < t->columns; k++) {
            fprintf(to, k ? " & " : "");
            latex_text(idem_text_table_cell(t, row, k), to);
        }
        fprintf(to, row ? " \\\\\n" : " \\\\\n\\hline\n");
    }
    fprintf(to, "\\hline\n\\end{tabular}\n\\end{table}\n\n");
}
