/* A candidate that may be a face: a detection below the threshold of sure faces. It is hidden unless it is another
 * reading of a sure face, or is not seen again when its place is looked at separately. */
#ifndef IDEM_COMPOSE_CANDIDATE_H
#define IDEM_COMPOSE_CANDIDATE_H

#include "compose/hide.h"
#include "compose/studio.h"

/* The core of a sure face, in parts of its region: no other face can be there. */
#define IDEM_FACE_CORE 0.75

/* Whether a candidate is in the core of a sure face, or is centred on one of similar size. */
bool idem_candidate_is_reading(const idem_image *photo, const idem_box *candidate, const idem_box *sure,
                               const idem_region *sure_region);

/* Whether it is seen again in the part of the photograph around it, at other scales and places of the scan. unsure:
 * least score. 1, 0; -1. */
int idem_candidate_is_seen_again(idem_studio *s, const idem_image *photo, const idem_box *candidate, double unsure);

#endif
