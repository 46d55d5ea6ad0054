/* What may be a face: a detection that is none for sure. It is hidden where it is not another reading of a sure face,
 * and is seen again when the place is looked at by itself. */
#ifndef IDEM_COMPOSE_CANDIDATE_H
#define IDEM_COMPOSE_CANDIDATE_H

#include "compose/hide.h"
#include "compose/studio.h"

/* The middle of a sure face, in parts of its region: nothing else is there. */
#define IDEM_FACE_CORE 0.75

/* Whether a candidate lies in the middle of a sure face, or has the middle of one of about its size. */
bool idem_candidate_is_reading(const idem_image *photo, const idem_box *candidate, const idem_box *sure,
                               const idem_region *sure_region);

/* Whether it is seen in a part of the photograph about it, in other scales and places of the scan. unsure: score from
 * which on. 1, 0; -1. */
int idem_candidate_is_seen_again(idem_studio *s, const idem_image *photo, const idem_box *candidate, double unsure);

#endif
