#include "measure/pair_groups.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/status.h"

static idem_pair_group *add(idem_pair_groups *g, const char *by, const char *value) {
    if (g->n == IDEM_GROUPS_MAX)
        return idem_fail_null("more than %d groups of pairs", IDEM_GROUPS_MAX);
    idem_pair_group *to = &g->at[g->n];
    *to = (idem_pair_group){.member = calloc((size_t)g->pairs + 1, 1)};
    if (!to->member)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for groups of %d pairs", g->pairs);
    idem_name_show(to->by, sizeof to->by, by);
    idem_name_show(to->value, sizeof to->value, value);
    g->n++;
    return to;
}

void idem_pair_groups_free(idem_pair_groups *g) {
    for (int i = 0; i < g->n; i++)
        free(g->at[i].member);
    *g = (idem_pair_groups){0};
}

/* Keeps the last group if it is not empty. */
static void keep_unless_empty(idem_pair_groups *g) {
    if (!g->at[g->n - 1].n)
        free(g->at[--g->n].member);
}

/* ---- by networks ---- */

typedef struct {
    const char *name;
    double from, to;
} range;

static int add_ranges(idem_pair_groups *g, const char *by, const range *ranges, int n, const double *x) {
    for (int k = 0; k < n; k++) {
        idem_pair_group *to = add(g, by, ranges[k].name);
        if (!to)
            return -1;
        for (int i = 0; i < g->pairs; i++)
            to->n += to->member[i] = x[i] >= ranges[k].from && x[i] < ranges[k].to;
        keep_unless_empty(g);
    }
    return 0;
}

static int add_expressions(idem_pair_groups *g, const idem_seen *attr) {
    for (int k = 0; k < IDEM_EXPRESSIONS; k++) {
        idem_pair_group *to = add(g, "expression", idem_expressions[k]);
        if (!to)
            return -1;
        for (int i = 0; i < g->pairs; i++) {
            const float *p = attr->expression + (size_t)i * IDEM_EXPRESSIONS;
            int best = 0;
            for (int c = 1; c < IDEM_EXPRESSIONS; c++)
                best = p[c] > p[best] ? c : best;
            to->n += to->member[i] = best == k;
        }
        keep_unless_empty(g);
    }
    return 0;
}

int idem_pair_groups_of_networks(idem_pair_groups *g, const idem_seen *id, const idem_seen *attr, int pairs) {
    static const range looks[] = {{"frontal, below 15 degrees", 0, 15},
                                  {"turned, 15 to 35 degrees", 15, 35},
                                  {"profile, 35 degrees and more", 35, INFINITY}};
    static const range apart[] = {
        {"below 10 degrees", 0, 10}, {"10 to 30 degrees", 10, 30}, {"30 degrees and more", 30, INFINITY}};
    *g = (idem_pair_groups){.pairs = pairs};
    double *turned = malloc((size_t)pairs * sizeof *turned + 1), *off = malloc((size_t)pairs * sizeof *off + 1);
    int status = turned && off ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for groups of %d pairs", pairs);
    for (int i = 0; i < pairs && !status; i++) {
        const double yaw = (double)attr->pose[IDEM_ANGLES * i + IDEM_YAW];
        turned[i] = fabs(yaw);
        off[i] = fabs(yaw - (double)id->pose[IDEM_ANGLES * i + IDEM_YAW]);
    }
    status = status || add_ranges(g, "pose", looks, 3, turned) || add_ranges(g, "yaw apart", apart, 3, off) ||
             add_expressions(g, attr);
    free(turned);
    free(off);
    if (status)
        idem_pair_groups_free(g);
    return status ? -1 : 0;
}

/* ---- by a table ---- */

/* value[columns][pairs]: the table's values of each pair, borrowed; "": none. */
typedef struct {
    int columns;
    const char **value[IDEM_GROUP_COLUMNS];
} values;

static const char *file_name(const char *path) {
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path;
}

/* A pair's name has priority over its picture's name. */
static int row_of(const idem_group_table *t, const idem_pairs *pairs, int i, int side) {
    const char *name = idem_pairs_name(pairs, i), *file = file_name(idem_pairs_path(pairs, i, side));
    const int row = name ? idem_group_table_row(t, name) : -1;
    return row < 0 && file ? idem_group_table_row(t, file) : row;
}

static int take_values(values *v, const idem_group_table *t, const idem_pairs *pairs, int n, int side) {
    const int all = idem_group_table_columns(t);
    v->columns = all < IDEM_GROUP_COLUMNS ? all : IDEM_GROUP_COLUMNS;
    for (int k = 0; k < v->columns; k++)
        if (!(v->value[k] = malloc(((size_t)n + 1) * sizeof *v->value[k])))
            return idem_fail_as(IDEM_MEMORY, "out of memory for groups of %d pairs", n);
    for (int i = 0; i < n; i++) {
        const int row = row_of(t, pairs, i, side);
        for (int k = 0; k < v->columns; k++)
            v->value[k][i] = row < 0 ? "" : idem_group_table_value(t, row, k);
    }
    return 0;
}

static int count_of(const char *const *values, const char *value, int pairs) {
    int n = 0;
    for (int i = 0; i < pairs; i++)
        n += !strcmp(values[i], value);
    return n;
}

/* The most frequent value without a group; NULL: none. */
static const char *next_value(const char *const *values, const idem_pair_groups *g, int first) {
    const char *best = NULL;
    int most = 0;
    for (int i = 0; i < g->pairs; i++) {
        bool taken = !*values[i];
        for (int k = first; k < g->n && !taken; k++)
            taken = g->at[k].member[i];
        const int n = taken ? 0 : count_of(values, values[i], g->pairs);
        if (n > most) {
            most = n;
            best = values[i];
        }
    }
    return best;
}

static int add_column(idem_pair_groups *g, const char *const *values, const char *by) {
    const int first = g->n;
    const char *value;
    while ((value = next_value(values, g, first))) {
        const bool others = g->n - first == IDEM_GROUPS_OF_COLUMN - 1;
        idem_pair_group *to = add(g, by, others ? "others" : value);
        if (!to)
            return -1;
        for (int i = 0; i < g->pairs; i++) {
            bool taken = !*values[i];
            for (int k = first; k < g->n - 1 && others && !taken; k++)
                taken = g->at[k].member[i];
            to->n += to->member[i] = !taken && (others || !strcmp(values[i], value));
        }
    }
    return 0;
}

int idem_pair_groups_of_table(idem_pair_groups *g, const idem_group_table *t, const char *by, const idem_pairs *pairs) {
    values v = {0};
    char title[128];
    int status = take_values(&v, t, pairs, g->pairs, !strcmp(by, "attributes"));
    for (int k = 0; k < v.columns && !status; k++) {
        snprintf(title, sizeof title, "%s: %s", by, idem_group_table_title(t, k));
        status = add_column(g, v.value[k], title);
    }
    for (int k = 0; k < v.columns; k++)
        free(v.value[k]);
    return status;
}
