/* groups.csv: a table beside the pictures with their groups (UTF-8, at most 16 MiB). The first line names the columns,
 * the first column is a picture's name, without folders; its extension may be left out. Fields are separated by commas;
 * one in double quotes may contain commas, "" for a quote. Blanks around unquoted fields are removed. Lines end with LF
 * or CR LF; empty ones are skipped. All lines have the same number of fields, and names are unique.
 *
 *     idem_group_table *t = idem_group_table_read("pictures/groups.csv");
 *     const int row = idem_group_table_row(t, "a.jpg");
 *     if (row >= 0)
 *         printf("%s: %s\n", idem_group_table_title(t, 0), idem_group_table_value(t, row, 0));
 *     idem_group_table_free(t); */
#ifndef IDEM_MEASURE_GROUP_TABLE_H
#define IDEM_MEASURE_GROUP_TABLE_H

#include <stddef.h>

#define IDEM_GROUPS_FILE "groups.csv"
enum { IDEM_GROUP_FIELDS = 64 /* of a line, including the name */ };

typedef struct idem_group_table idem_group_table;

/* NULL with a message with the line number. */
idem_group_table *idem_group_table_read(const char *path);
/* size bytes of text; what: its name in messages. */
idem_group_table *idem_group_table_parse(const char *text, size_t size, const char *what);
void idem_group_table_free(idem_group_table *t); /* NULL is allowed */

int idem_group_table_columns(const idem_group_table *t); /* without the column of names */
/* Of column k, from 0. Valid as long as the table. */
const char *idem_group_table_title(const idem_group_table *t, int k);
/* The row of a picture; -1: none. */
int idem_group_table_row(const idem_group_table *t, const char *name);
/* "": in no group of this column. */
const char *idem_group_table_value(const idem_group_table *t, int row, int k);

#endif
