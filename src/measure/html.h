/* A page in one file: text, tables, pictures and plots, without external resources. It follows the reader's light or
 * dark theme. All texts are UTF-8 and are escaped.
 *
 *     idem_html *h = idem_html_new("Report", "300 pairs");
 *     idem_html_heading(h, "Cross pairs");
 *     idem_html_table(h, table);
 *     idem_html_picture(h, &sheet, &marks, "the first pairs");
 *     idem_html_write(h, "report.html");
 *     idem_html_free(h);
 *
 * Failures are kept and reported by idem_html_write. */
#ifndef IDEM_MEASURE_HTML_H
#define IDEM_MEASURE_HTML_H

#include <stdio.h>

#include "measure/text_table.h"
#include "media/image.h"

typedef struct idem_html idem_html;

idem_html *idem_html_new(const char *title, const char *lead); /* lead: a paragraph per line; NULL: none */
void idem_html_free(idem_html *h);                             /* NULL is allowed */

void idem_html_heading(idem_html *h, const char *text);
void idem_html_text(idem_html *h, const char *text); /* a paragraph per line */
void idem_html_table(idem_html *h, const idem_text_table *t);
/* A PNG in the page; marks as in idem_image_save_png, NULL: none. */
void idem_html_picture(idem_html *h, const idem_image *im, const idem_marks *marks, const char *caption);
/* For writing trusted markup, as plots do. */
FILE *idem_html_stream(idem_html *h);
/* Writes text with special characters escaped, for use between tags and in quoted attributes. */
void idem_html_escape(FILE *to, const char *text);

/* Writes the page aside, then renames. -1 also after earlier failures. */
int idem_html_write(idem_html *h, const char *path);

#endif
