#include "measure/group_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"

enum { TABLE_MAX = 16 << 20 };

typedef struct {
    char **fields; /* [t->fields] */
    int line;      /* of the file, from 1 */
} row;

struct idem_group_table {
    char *text;
    char **field; /* [rows, fields]; the first row names them */
    row *sorted;  /* [rows - 1] by name */
    int *line;    /* [rows] */
    int rows, fields, capacity;
};

static int no_memory(const char *what) {
    return idem_fail_as(IDEM_MEMORY, "%s: out of memory for a table", what);
}

/* ---- lines ---- */

/* A quoted field, unquoted in place; *at moves to the comma or the end after it. NULL: no closing quote. */
static char *take_quoted(char **at) {
    char *start = *at + 1, *to = start, *p = start;
    for (; *p && (*p != '"' || p[1] == '"'); p++) {
        p += *p == '"';
        *to++ = *p;
    }
    if (!*p)
        return NULL;
    p += 1 + strspn(p + 1, " \t");
    *to = 0;
    *at = p;
    return !*p || *p == ',' ? start : NULL;
}

static char *take_plain(char **at) {
    char *start = *at, *end = start + strcspn(start, ",");
    *at = end;
    while (end > start && strchr(" \t", end[-1]))
        end--;
    if (end < *at)
        *end = 0;
    return start;
}

/* Splits a line into fields, in place. Returns their number; 0: a quote does not end its field; IDEM_GROUP_FIELDS + 1:
 * too many. */
static int split(char *line, char **fields) {
    int n = 0;
    for (char *p = line;; p++) {
        p += strspn(p, " \t");
        if (n == IDEM_GROUP_FIELDS)
            return n + 1;
        if (!(fields[n++] = *p == '"' ? take_quoted(&p) : take_plain(&p)))
            return 0;
        const bool last = !*p;
        *p = 0;
        if (last)
            return n;
    }
}

static int check_fields(const idem_group_table *t, int n, const char *what, int line) {
    if (!n)
        return idem_fail("%s: line %d has a quote that does not end its field", what, line);
    if (n < 2)
        return idem_fail("%s: line %d has one field, expected a name and at least one value between commas", what,
                         line);
    if (n > IDEM_GROUP_FIELDS)
        return idem_fail("%s: line %d has more than %d fields", what, line, IDEM_GROUP_FIELDS);
    return t->rows && n != t->fields
               ? idem_fail("%s: line %d has %d fields, expected %d as in the first line", what, line, n, t->fields)
               : 0;
}

static int take_line(idem_group_table *t, char *line, const char *what, int number) {
    char *fields[IDEM_GROUP_FIELDS];
    const int n = split(line, fields);
    if (check_fields(t, n, what, number))
        return -1;
    t->fields = n;
    if (t->rows == t->capacity) {
        const int capacity = t->capacity ? 2 * t->capacity : 64;
        char **field = realloc(t->field, (size_t)capacity * (size_t)n * sizeof *field);
        t->field = field ? field : t->field;
        int *lines = field ? realloc(t->line, (size_t)capacity * sizeof *lines) : NULL;
        t->line = lines ? lines : t->line;
        if (!lines)
            return no_memory(what);
        t->capacity = capacity;
    }
    memcpy(t->field + (size_t)t->rows * (size_t)n, fields, (size_t)n * sizeof *fields);
    t->line[t->rows++] = number;
    return 0;
}

/* ---- the table ---- */

static int by_name(const void *a, const void *b) {
    const row *p = a, *q = b;
    const int order = strcmp(p->fields[0], q->fields[0]);
    return order ? order : (p->line > q->line) - (p->line < q->line);
}

static int sort_rows(idem_group_table *t, const char *what) {
    const int n = t->rows - 1;
    if (n < 1)
        return idem_fail("%s: has no line of a picture, expected a line of names and at least one of a picture", what);
    if (!(t->sorted = malloc((size_t)n * sizeof *t->sorted)))
        return no_memory(what);
    for (int i = 0; i < n; i++)
        t->sorted[i] = (row){t->field + (size_t)(i + 1) * (size_t)t->fields, t->line[i + 1]};
    qsort(t->sorted, (size_t)n, sizeof *t->sorted, by_name);
    for (int i = 1; i < n; i++)
        if (!strcmp(t->sorted[i].fields[0], t->sorted[i - 1].fields[0]))
            return idem_fail("%s: line %d is of the same picture as line %d", what, t->sorted[i].line,
                             t->sorted[i - 1].line);
    return 0;
}

static int parse(idem_group_table *t, size_t size, const char *what) {
    static const char mark[] = "\xEF\xBB\xBF";
    int number = 0;
    if (memchr(t->text, 0, size))
        return idem_fail("%s: is no text: it has a zero byte", what);
    char *line = t->text + (strncmp(t->text, mark, strlen(mark)) ? 0 : strlen(mark));
    while (line) {
        char *end = strchr(line, '\n'), *next = end ? end + 1 : NULL;
        end = end ? end : line + strlen(line);
        *end = 0;
        if (end > line && end[-1] == '\r')
            end[-1] = 0;
        number++;
        if (line[strspn(line, " \t")] && take_line(t, line, what, number))
            return -1;
        line = next;
    }
    return sort_rows(t, what);
}

idem_group_table *idem_group_table_parse(const char *text, size_t size, const char *what) {
    idem_group_table *t = calloc(1, sizeof *t);
    int status = t && (t->text = malloc(size + 1)) ? 0 : no_memory(what);
    if (!status) {
        memcpy(t->text, text, size);
        t->text[size] = 0;
        status = parse(t, size, what);
    }
    if (!status)
        return t;
    idem_group_table_free(t);
    return NULL;
}

idem_group_table *idem_group_table_read(const char *path) {
    unsigned char *bytes;
    size_t size;
    if (idem_file_read(path, TABLE_MAX, &bytes, &size))
        return NULL;
    idem_group_table *t = idem_group_table_parse((const char *)bytes, size, path);
    free(bytes);
    return t;
}

void idem_group_table_free(idem_group_table *t) {
    if (!t)
        return;
    free(t->sorted);
    free(t->line);
    free(t->field);
    free(t->text);
    free(t);
}

int idem_group_table_columns(const idem_group_table *t) {
    return t->fields - 1;
}

const char *idem_group_table_title(const idem_group_table *t, int k) {
    return t->field[k + 1];
}

/* Compares a row's name with the first n bytes of a picture's name. */
static int find(const idem_group_table *t, const char *name, size_t n) {
    int low = 0, high = t->rows - 1;
    while (low < high) {
        const int middle = low + (high - low) / 2;
        const char *field = t->sorted[middle].fields[0];
        const int order = strncmp(field, name, n);
        if (!order && !field[n])
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

int idem_group_table_row(const idem_group_table *t, const char *name) {
    const char *dot = strrchr(name, '.');
    const int whole = find(t, name, strlen(name));
    return whole >= 0 || !dot ? whole : find(t, name, (size_t)(dot - name));
}

const char *idem_group_table_value(const idem_group_table *t, int r, int k) {
    return t->sorted[r].fields[k + 1];
}
