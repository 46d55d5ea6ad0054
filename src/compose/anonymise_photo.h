/* Anonymising a photograph, by the rules of anonymise.h: plans it (photo_plan.h), then paints and hides. */
#ifndef IDEM_COMPOSE_ANONYMISE_PHOTO_H
#define IDEM_COMPOSE_ANONYMISE_PHOTO_H

#include "compose/photo_plan.h"

/* photo: upright, sRGB; changed in place. Faces, largest first, into *faces, malloc'ed; their number. hand may be NULL.
 * -1: interrupted, memory is short, a network is missing; the photograph must then not be used. */
int idem_anonymise_photo(idem_anonymiser *a, idem_image *photo, const idem_hand_boxes *hand,
                         idem_anonymised_face **faces);

/* Its second half: by a plan whose surrogates are chosen. */
int idem_anonymise_photo_paint(idem_anonymiser *a, idem_image *photo, const idem_photo_plan *plan,
                               idem_anonymised_face **faces);

#endif
