#include "measure/pair_groups.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/name.h"
#include "base/status.h"

enum { TABLE_MAX = 16 << 20, FIELDS = IDEM_GROUP_COLUMNS + 1 };

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

/* The last group if somebody is in it. */
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

/* The fields of a line in place, at most `most`; returns how many, or -1 for a quote that is not closed or not alone.
 */
static int split(char *line, char **fields, int most) {
    int n = 0;
    for (char *p = line; n < most; p++) {
        char *to = p;
        fields[n++] = to;
        if (*p == '"') {
            for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
                p += *p == '"';
                *to++ = *p;
            }
            if (*p++ != '"' || (*p && *p != ','))
                return -1;
        } else {
            while (*p && *p != ',')
                p++;
            to = p;
        }
        const bool last = !*p;
        *to = 0;
        if (last)
            return n;
    }
    return n;
}

/* value[columns][pairs]: what the table says; borrowed from its text, NULL: nothing. */
typedef struct {
    int columns;
    const char *title[IDEM_GROUP_COLUMNS];
    const char **value[IDEM_GROUP_COLUMNS];
} table;

static int take_line(table *t, char **fields, int n, const idem_pairs *pairs, int side) {
    int found = 0;
    for (int i = 0; i < idem_pairs_count(pairs); i++) {
        const char *name = idem_pairs_name(pairs, i), *path = idem_pairs_path(pairs, i, side);
        const char *file = path ? strrchr(path, '/') : NULL;
        file = file ? file + 1 : path;
        if ((!name || strcmp(name, fields[0])) && (!file || strcmp(file, fields[0])))
            continue;
        for (int k = 1; k < n && k <= t->columns; k++)
            t->value[k - 1][i] = fields[k];
        found++;
    }
    return found;
}

static int count_of(const table *t, int column, const char *value, int pairs) {
    int n = 0;
    for (int i = 0; i < pairs; i++)
        n += t->value[column][i] && !strcmp(t->value[column][i], value);
    return n;
}

/* The most frequent value that no group has yet; NULL: there is none. */
static const char *next_value(const table *t, int column, const idem_pair_groups *g, int first) {
    const char *best = NULL;
    int most = 0;
    for (int i = 0; i < g->pairs; i++) {
        const char *v = t->value[column][i];
        bool taken = !v || !*v;
        for (int k = first; k < g->n && !taken; k++)
            taken = g->at[k].member[i];
        const int n = taken ? 0 : count_of(t, column, v, g->pairs);
        if (n > most) {
            most = n;
            best = v;
        }
    }
    return best;
}

static int add_column(idem_pair_groups *g, const table *t, int column, const char *by) {
    char title[128];
    snprintf(title, sizeof title, "%s: %s", by, t->title[column]);
    const int first = g->n;
    const char *value;
    while ((value = next_value(t, column, g, first))) {
        const bool others = g->n - first == IDEM_GROUPS_OF_COLUMN - 1;
        idem_pair_group *to = add(g, title, others ? "others" : value);
        if (!to)
            return -1;
        for (int i = 0; i < g->pairs; i++) {
            const char *v = t->value[column][i];
            bool taken = !v || !*v;
            for (int k = first; k < g->n - 1 && others && !taken; k++)
                taken = g->at[k].member[i];
            to->n += to->member[i] = !taken && (others || !strcmp(v, value));
        }
    }
    return 0;
}

static int parse(idem_pair_groups *g, table *t, char *text, const char *path, const char *by, const idem_pairs *pairs) {
    char *fields[FIELDS];
    int line = 0;
    if (!strncmp(text, "\xEF\xBB\xBF", 3))
        text += 3;
    for (char *next; text && *text; text = next) {
        next = strchr(text, '\n');
        if (next)
            *next++ = 0;
        const size_t length = strlen(text);
        if (length && text[length - 1] == '\r')
            text[length - 1] = 0;
        line++;
        if (!*text)
            continue;
        const int n = split(text, fields, FIELDS);
        if (n < 2)
            return idem_fail("%s: line %d has %s, expected a name and at least one value between commas", path, line,
                             n < 0 ? "a quote that does not end its field" : "one field");
        if (t->columns) {
            take_line(t, fields, n, pairs, !strcmp(by, "attributes"));
            continue;
        }
        t->columns = n - 1;
        for (int k = 0; k < t->columns; k++) {
            t->title[k] = fields[k + 1];
            t->value[k] = calloc((size_t)g->pairs + 1, sizeof *t->value[k]);
            if (!t->value[k])
                return idem_fail_as(IDEM_MEMORY, "out of memory for groups of %d pairs", g->pairs);
        }
    }
    for (int k = 0; k < t->columns; k++)
        if (add_column(g, t, k, by))
            return -1;
    return 0;
}

int idem_pair_groups_parse(idem_pair_groups *g, char *text, const char *path, const char *by, const idem_pairs *pairs) {
    table t = {0};
    const int status = parse(g, &t, text, path, by, pairs);
    for (int k = 0; k < IDEM_GROUP_COLUMNS; k++)
        free(t.value[k]);
    return status;
}

int idem_pair_groups_of_table(idem_pair_groups *g, const char *path, const char *by, const idem_pairs *pairs) {
    unsigned char *text;
    size_t size;
    if (idem_file_read(path, TABLE_MAX, &text, &size))
        return -1;
    const int status = memchr(text, 0, size) ? idem_fail("%s: is no text: it has a zero byte", path)
                                             : idem_pair_groups_parse(g, (char *)text, path, by, pairs);
    free(text);
    return status;
}
