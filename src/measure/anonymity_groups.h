/* Groups of pictures for which anonymising may work better or worse: by pose, expression and size of the original face,
 * and by the columns of a table beside the pictures (group_table.h). */
#ifndef IDEM_MEASURE_ANONYMITY_GROUPS_H
#define IDEM_MEASURE_ANONYMITY_GROUPS_H

#include <stdint.h>

#include "measure/anonymity_utility.h"
#include "measure/group_table.h"

enum { IDEM_GROUP_LEAST = 5 /* least pictures of a measured group */ };

typedef struct {
    char *by, *name; /* "pose", "frontal" */
    uint8_t *has;    /* [n] */
    int n;           /* pictures in it */
    /* set by the report */
    idem_figure tar[2], rank1[2]; /* by recogniser and judge */
    idem_anonymity_utility utility;
} idem_group;

/* All groups of at least IDEM_GROUP_LEAST pictures, in a malloc'ed array. table: NULL is allowed. The number, or -1. */
int idem_anonymity_groups(idem_group **groups, const idem_anonymity_pictures *p, const idem_group_table *table);
void idem_groups_free(idem_group *groups, int n);

#endif
