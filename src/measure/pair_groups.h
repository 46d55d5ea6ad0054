/* Groups of pairs: by networks' results on the attribute picture, and by the columns of a table beside the pictures
 * (group_table.h). */
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

/* By the attribute picture's yaw and expression, and by the difference of both pictures' yaws. Empty groups are left
 * out. */
int idem_pair_groups_of_networks(idem_pair_groups *g, const idem_seen *id, const idem_seen *attr, int pairs);
/* By the columns of a table, added; by: "identity" or "attributes". A row belongs to the pair of that name, else to the
 * pair with a picture of that name. Values beyond the IDEM_GROUPS_OF_COLUMN - 1 most frequent form one group, "others";
 * columns beyond IDEM_GROUP_COLUMNS are left out. Pairs that are not in the table are in none of its groups. */
int idem_pair_groups_of_table(idem_pair_groups *g, const idem_group_table *t, const char *by, const idem_pairs *pairs);
void idem_pair_groups_free(idem_pair_groups *g);

#endif
