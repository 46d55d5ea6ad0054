/* Interpolation from one identity to another, or from one face's attributes to another's. */
#ifndef IDEM_COMPOSE_WAY_H
#define IDEM_COMPOSE_WAY_H

#include "compose/faces.h"

typedef enum {
    IDEM_WAY_W, /* linear between the ends' codes w */
    IDEM_WAY_Z  /* linear between attribute codes, along the great circle between identity codes */
} idem_way_space;

enum { IDEM_WAY_MOST = 10000 };

/* id and attr hold one or two encoded faces, together at least three. `frames` pictures, at least 2: the first and the
 * last are idem_faces_compose's pictures of the ends; in between the refinement's offsets of the ends are weighted by
 * nearness. rgb [frames, S, S, 3]. */
int idem_way(const idem_faces *id, const idem_faces *attr, idem_way_space space, int frames, int refine, uint8_t *rgb);

#endif
