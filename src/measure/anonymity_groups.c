#define _GNU_SOURCE
#include "measure/anonymity_groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"

enum { TABLE_MAX = 16 << 20, FIELDS_MAX = 64, GROUPS_MAX = 256 };

/* ---- tables ---- */

struct idem_group_table {
    char *text;
    char **field; /* [rows, fields]; the first row names them */
    int rows, fields;
};

/* The next field of a line: *at moves behind it and its comma. Blanks about it are cut. */
static char *next_field(char **at) {
    char *start = *at, *end = strchr(start, ',');
    *at = end ? end + 1 : NULL;
    end = end ? end : start + strlen(start);
    while (start < end && strchr(" \t\"", *start))
        start++;
    while (end > start && strchr(" \t\"\r", end[-1]))
        end--;
    *end = 0;
    return start;
}

static int take_line(idem_group_table *t, char *line, const char *what, int *room) {
    char *fields[FIELDS_MAX], *at = line;
    int n = 0;
    while (at && n < FIELDS_MAX)
        fields[n++] = next_field(&at);
    if (at || (t->rows && n != t->fields))
        return idem_fail("%s: line %d of the table has %s%d fields, expected %d", what, t->rows + 1,
                         at ? "more than " : "", n, t->rows ? t->fields : FIELDS_MAX);
    t->fields = n;
    if (t->rows == *room) {
        *room = *room ? 2 * *room : 64;
        char **more = realloc(t->field, (size_t)*room * (size_t)n * sizeof *more);
        if (!more)
            return idem_fail_as(IDEM_MEMORY, "%s: out of memory for a table", what);
        t->field = more;
    }
    memcpy(t->field + (size_t)t->rows++ * (size_t)n, fields, (size_t)n * sizeof *fields);
    return 0;
}

idem_group_table *idem_group_table_parse(char *text, const char *what) {
    idem_group_table *t = calloc(1, sizeof *t);
    if (!t) {
        free(text);
        return idem_fail_null_as(IDEM_MEMORY, "%s: out of memory for a table", what);
    }
    t->text = text;
    int room = 0, status = 0;
    for (char *line = text; line && !status;) {
        char *end = strchr(line, '\n'), *next = end ? end + 1 : NULL;
        if (end)
            *end = 0;
        if (line[strspn(line, " \t\r")])
            status = take_line(t, line, what, &room);
        line = next;
    }
    if (!status && (t->rows < 2 || t->fields < 2))
        status = idem_fail(
            "%s: the table has %d lines of %d fields, expected at least a line of names and one of a picture, "
            "of at least 2 fields",
            what, t->rows, t->fields);
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
    if (memchr(bytes, 0, size)) {
        free(bytes);
        return idem_fail_null("%s: is no text", path);
    }
    return idem_group_table_parse((char *)bytes, path);
}

void idem_group_table_free(idem_group_table *t) {
    if (!t)
        return;
    free(t->field);
    free(t->text);
    free(t);
}

/* The row of a picture; -1: it has none. */
static int find_row(const idem_group_table *t, const char *name) {
    const char *dot = strrchr(name, '.');
    const size_t stem = dot ? (size_t)(dot - name) : strlen(name);
    for (int i = 1; i < t->rows; i++) {
        const char *field = t->field[(size_t)i * (size_t)t->fields];
        if (!strcmp(field, name) || (strlen(field) == stem && !strncmp(field, name, stem)))
            return i;
    }
    return -1;
}

/* ---- groups ---- */

typedef struct {
    idem_group at[GROUPS_MAX];
    int n;
    int pictures;
} list;

/* Puts a picture into a group, which is made at its first picture; further groups than GROUPS_MAX are left out. */
static int put(list *l, const char *by, const char *name, int picture) {
    int i = 0;
    while (i < l->n && (strcmp(l->at[i].by, by) || strcmp(l->at[i].name, name)))
        i++;
    if (i == GROUPS_MAX)
        return 0;
    idem_group *g = &l->at[i];
    if (i == l->n) {
        *g = (idem_group){.by = strdup(by), .name = strdup(name), .has = calloc((size_t)l->pictures, 1)};
        l->n++;
        if (!g->by || !g->name || !g->has)
            return idem_fail_as(IDEM_MEMORY, "out of memory for a group of %d pictures", l->pictures);
    }
    g->has[picture] = 1;
    g->n++;
    return 0;
}

/* The classes of fr_expression by number: the network's package does not name them. */
static int put_own(list *l, const idem_anonymity_picture *p, int i) {
    const double yaw = fabs((double)p->pose[IDEM_BEFORE][0]);
    const char *pose = yaw < 15 ? "frontal, below 15 degrees" : yaw < 40 ? "turned, 15 to 40" : "profile, above 40";
    char expression[32] = "class 0";
    expression[6] = (char)('1' + idem_expression_top(p->expression[IDEM_BEFORE]));
    return put(l, "pose", pose, i) || put(l, "expression", expression, i) ||
                   put(l, "size",
                       p->width < 60    ? "below 60 pixels"
                       : p->width < 150 ? "60 to 150 pixels"
                                        : "above 150 pixels",
                       i) ||
                   (yaw < 15 && p->width >= 60 && put(l, "both", "frontal, 60 pixels and more", i))
               ? -1
               : 0;
}

static int put_given(list *l, const idem_group_table *t, const char *name, int picture) {
    const int row = find_row(t, name);
    for (int k = 1; k < t->fields && row >= 0; k++) {
        const char *group = t->field[(size_t)row * (size_t)t->fields + (size_t)k];
        if (*group && put(l, t->field[k], group, picture))
            return -1;
    }
    return 0;
}

static void free_group(idem_group *g) {
    free(g->by);
    free(g->name);
    free(g->has);
}

static int by_names(const void *a, const void *b) {
    const idem_group *p = a, *q = b;
    const int order = strcmp(p->by, q->by);
    return order ? order : strcmp(p->name, q->name);
}

int idem_anonymity_groups(idem_group **groups, const idem_anonymity_pictures *p, const idem_group_table *table) {
    list *l = calloc(1, sizeof *l);
    *groups = NULL;
    if (!l)
        return idem_fail_as(IDEM_MEMORY, "out of memory for groups of pictures");
    l->pictures = p->n;
    int status = 0, kept = 0;
    for (int i = 0; i < p->n && !status; i++)
        status = put_own(l, &p->at[i], i) || (table && put_given(l, table, p->at[i].name, i)) ? -1 : 0;
    for (int i = 0; i < l->n; i++)
        if (!status && l->at[i].n >= IDEM_GROUP_LEAST)
            l->at[kept++] = l->at[i];
        else
            free_group(&l->at[i]);
    if (!status && kept) {
        qsort(l->at, (size_t)kept, sizeof *l->at, by_names);
        if ((*groups = malloc((size_t)kept * sizeof **groups)))
            memcpy(*groups, l->at, (size_t)kept * sizeof **groups);
        else
            status = idem_fail_as(IDEM_MEMORY, "out of memory for %d groups", kept);
    }
    for (int i = 0; i < kept && status; i++)
        free_group(&l->at[i]);
    free(l);
    return status ? -1 : kept;
}

void idem_groups_free(idem_group *groups, int n) {
    for (int i = 0; i < n; i++)
        free_group(&groups[i]);
    free(groups);
}
