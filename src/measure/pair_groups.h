/* Groups of pairs, so that a mean hides nobody: by what networks say of the attribute picture, and by the columns of a
 * table that lies beside the pictures (group_table.h). */
#ifndef IDEM_MEASURE_PAIR_GROUPS_H
#define IDEM_MEASURE_PAIR_GROUPS_H

#include "measure/group_table.h"
#include "measure/observer.h"
#include "measure/pairs.h"

enum { IDEM_GROUPS_MAX = 64, IDEM_GROUPS_OF_COLUMN = 12, IDEM_GROUP_COLUMNS = 8 };

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
/* By the columns of a table, added; by: "identity" or "attributes". A row is of the pair with that name, or else of the
 * pair whose picture has it. Values beyond the IDEM_GROUPS_OF_COLUMN - 1 most frequent are one group, "others"; columns
 * beyond IDEM_GROUP_COLUMNS are left out. Pairs that are not in the table are in no group of it. */
int idem_pair_groups_of_table(idem_pair_groups *g, const idem_group_table *t, const char *by, const idem_pairs *pairs);
void idem_pair_groups_free(idem_pair_groups *g);

#endif
