/* Instructions by hand for one face: parts of the files of hand_boxes.h and clip_hand.h. */
#ifndef IDEM_COMPOSE_HAND_BOX_H
#define IDEM_COMPOSE_HAND_BOX_H

#include <jansson.h>

#include "compose/anonymise.h"

#define IDEM_HAND_WISHES "\"replace\", \"hide\", \"skip\" or \"exempt\""

/* An idem_by_hand; -1: invalid. text may be NULL. */
int idem_hand_wish(const char *text);
const char *idem_hand_word(idem_by_hand wish);
/* Left, top, right, bottom. -1: invalid. */
int idem_hand_box_take(float box[4], const json_t *j);

#endif
