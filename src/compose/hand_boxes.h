/* What a person says by hand of the faces of pictures, as a file that a run writes and another reads:
 *
 *     {"pictures": {"holiday/a.jpg": [{"box": [left, top, right, bottom], "do": "replace"}, ...], ...}}
 *
 * Boxes are in pixels of the upright picture; "do" is "replace", "hide", "skip" (the face stays) or "exempt" (because
 * of who it is). What is not in it stays as idem finds it. Clips stand beside "pictures" as "clips" (clip_hand.h). */
#ifndef IDEM_COMPOSE_HAND_BOXES_H
#define IDEM_COMPOSE_HAND_BOXES_H

#include <jansson.h>

#include "compose/anonymise.h"

/* The whole file, checked; NULL with a message that names the picture and the face. At most 64 MiB. */
json_t *idem_hand_boxes_read(const char *path);
json_t *idem_hand_boxes_parse(const char *text, size_t size, const char *what);
/* The list of a clip; NULL: there is none. */
const json_t *idem_hand_boxes_clip(const json_t *all, const char *clip);

/* Such a file. */
int idem_hand_boxes_write(const char *path, const json_t *all);

/* Of a list, as text. */
int idem_hand_boxes_digest(const json_t *list, char hex[65]);

/* Those of a picture, malloc'ed; none: n 0. */
int idem_hand_boxes_of(idem_hand_boxes *boxes, const json_t *all, const char *picture);
/* What was found, from a run's entries (anonymise_report.h); those of clips have it as "boxes". */
json_t *idem_hand_boxes_from(const json_t *entries);

#endif
