/* Pictures on the way from one identity to another, or from one face's attributes to another's. */
#ifndef IDEM_COMPOSE_WAY_H
#define IDEM_COMPOSE_WAY_H

#include "compose/faces.h"

typedef enum {
    IDEM_WAY_W, /* straight between the ends' codes w */
    IDEM_WAY_Z  /* straight between attribute codes, along the great circle between identity codes */
} idem_way_space;

enum { IDEM_WAY_MOST = 10000 };

/* id and attr hold one encoded face or two, and together at least three. `frames` pictures, from 2: the first and the
 * last are what idem_faces_compose makes of the ends; between them what refining added to an end counts as much as the
 * end is near. rgb [frames, S, S, 3]. */
int idem_way(const idem_faces *id, const idem_faces *attr, idem_way_space space, int frames, int refine, uint8_t *rgb);

#endif
