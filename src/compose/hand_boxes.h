/* Instructions by hand for the faces of pictures, as a file that one run writes and another reads:
 *
 *     {"pictures": {"holiday/a.jpg": [{"box": [left, top, right, bottom], "do": "replace"}, ...], ...}}
 *
 * Boxes are in pixels of the upright picture; "do" is "replace", "hide", "skip" (the face is unchanged) or "exempt" (an
 * exempt person). Faces that are not listed are handled as found. Clips are listed under "clips" (clip_hand.h). */
#ifndef IDEM_COMPOSE_HAND_BOXES_H
#define IDEM_COMPOSE_HAND_BOXES_H

#include <jansson.h>

#include "compose/anonymise.h"

/* Reads and checks the file; NULL with a message naming the picture and the face. At most 64 MiB. */
json_t *idem_hand_boxes_read(const char *path);
json_t *idem_hand_boxes_parse(const char *text, size_t size, const char *what);
/* The list of a clip; NULL: none. */
const json_t *idem_hand_boxes_clip(const json_t *all, const char *clip);

/* Writes such a file. */
int idem_hand_boxes_write(const char *path, const json_t *all);

/* Of a list, as text. */
int idem_hand_boxes_digest(const json_t *list, char hex[65]);

/* The boxes of a picture, malloc'ed; n 0: none. */
int idem_hand_boxes_of(idem_hand_boxes *boxes, const json_t *all, const char *picture);
/* The faces found, from a run's entries (anonymise_report.h); entries of clips have them as "boxes". */
json_t *idem_hand_boxes_from(const json_t *entries);

#endif
