#define _GNU_SOURCE
#include "measure/anonymity_groups.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

enum { GROUPS_MAX = 256 };

typedef struct {
    idem_group at[GROUPS_MAX];
    int n;
    int pictures;
} list;

/* Adds a picture to a group, which is created at its first picture; groups beyond GROUPS_MAX are left out. */
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
    const int row = idem_group_table_row(t, name), columns = idem_group_table_columns(t);
    for (int k = 0; k < columns && row >= 0; k++) {
        const char *group = idem_group_table_value(t, row, k);
        if (*group && put(l, idem_group_table_title(t, k), group, picture))
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
