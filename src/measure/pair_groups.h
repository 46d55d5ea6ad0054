/* Groups of pairs, so that a mean hides nobody: by what networks say of the attribute picture, and by the columns of a
 * table that lies beside the pictures.
 *
 * The table is groups.csv (UTF-8, commas, a field in double quotes may hold commas, "" for a quote; LF or CR LF): its
 * first line has names of columns, the first column the pictures' names as pairs have them. */
#ifndef IDEM_MEASURE_PAIR_GROUPS_H
#define IDEM_MEASURE_PAIR_GROUPS_H

#include "measure/observer.h"
#include "measure/pairs.h"

enum { IDEM_GROUPS_MAX = 64, IDEM_GROUPS_OF_COLUMN = 12, IDEM_GROUP_COLUMNS = 8 };
#define IDEM_GROUPS_FILE "groups.csv"

typedef struct {
    char by[40];     /* "pose", "expression", "identity: age" */
    char value[40];  /* "frontal, below 15 degrees" */
    int n;           /* pairs */
    uint8_t *member; /* [pairs] */
} idem_pair_group;

typedef struct {
    int n, pairs;
    idem_pair_group at[IDEM_GROUPS_MAX];
} idem_pair_groups;

/* By the attribute picture's yaw and expression, and by how far the yaws of both pictures are apart. Groups without a
 * pair are left out. */
int idem_pair_groups_of_networks(idem_pair_groups *g, const idem_seen *id, const idem_seen *attr, int pairs);
/* By the columns of a table, added; by: "identity" or "attributes". Values beyond the IDEM_GROUPS_OF_COLUMN - 1 most
 * frequent are one group, "others"; columns beyond IDEM_GROUP_COLUMNS are not read. Pairs that are not in the table are
 * in no group of it. -1: it cannot be read; the message has the line. */
int idem_pair_groups_of_table(idem_pair_groups *g, const char *path, const char *by, const idem_pairs *pairs);
int idem_pair_groups_parse(idem_pair_groups *g, char *text, const char *path, const char *by, const idem_pairs *pairs);
void idem_pair_groups_free(idem_pair_groups *g);

#endif
