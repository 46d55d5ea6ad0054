/* Two folders, before and after anonymising, as pairs of files with their person. A person is a picture's folder, or at
 * the top of the tree its name without "_NUMBER" ("Ann_Veneman_0002.jpg"). Two pictures are partners if their paths
 * below the folders are equal without the extension. */
#ifndef IDEM_MEASURE_ANONYMITY_LIST_H
#define IDEM_MEASURE_ANONYMITY_LIST_H

#include <stddef.h>

#include "data/picture_tree.h"

typedef struct {
    size_t original; /* picture of the first tree */
    size_t anonymised;
    int person; /* from 0 */
} idem_anonymity_pair;

typedef struct {
    idem_anonymity_pair *at;
    size_t n;
    int persons;
    size_t without; /* originals that have no partner */
    idem_picture_tree *trees[2];
} idem_anonymity_list;

/* -1: a folder cannot be listed, there is no pair, or memory is short. */
int idem_anonymity_list_open(idem_anonymity_list *list, const char *originals, const char *anonymised);
void idem_anonymity_list_free(idem_anonymity_list *list);

#endif
