/* Instructions by hand for the faces of a clip, over ranges of pictures: the part for clips of the file of
 * hand_boxes.h.
 *
 *     {"clips": {"party.mp4": [{"frames": [0, 95], "box": [left, top, right, bottom], "box_at_end": [...],
 *                               "do": "replace"}, ...]}}
 *
 * frames: the first and the last, from 0. Boxes are in pixels of the upright picture; with box_at_end the box moves
 * linearly from the first frame to the last. A range decides what is done with a face in its box in that frame:
 * "replace": as a sure face; "hide"; "skip": it is unchanged; "exempt": its person is unchanged in all frames of the
 * clip without another range. If there is no face in the box, "replace" and "hide" hide the region, and "skip" keeps a
 * candidate there from being hidden. */
#ifndef IDEM_COMPOSE_CLIP_HAND_H
#define IDEM_COMPOSE_CLIP_HAND_H

#include <jansson.h>

#include "compose/anonymise.h"
#include "compose/clip_cover.h"

typedef struct {
    idem_cover cover;
    idem_by_hand wish;
} idem_hand_range;

typedef struct {
    idem_hand_range *at;
    int n;
} idem_clip_hand;

/* Checks the list of one clip; -1 with a message naming the range. */
int idem_clip_hand_check(const json_t *ranges, const char *clip, const char *what);
/* From a checked list, of a clip of that size; NULL: none. free(hand->at). */
int idem_clip_hand_take(idem_clip_hand *hand, const json_t *ranges, int width, int height);

/* Whether a range applies to a box in a picture. */
bool idem_hand_range_is_on(const idem_hand_range *r, int64_t picture, const idem_box *box);
/* The wish for a box: hide, if any range says so, else that of the nearest range; -1: no range applies. h may be NULL.
 */
int idem_clip_hand_on(const idem_clip_hand *h, int64_t picture, const idem_box *box);
/* said [persons of the tracks]: a bit, 1 << idem_by_hand, per wish for a face of the person. */
void idem_clip_hand_persons(const idem_clip_hand *h, const idem_tracks *t, uint8_t *said);
/* Whether a range is hidden as a region in a picture: it says "hide" or "replace", and contains no face. */
bool idem_hand_range_is_region(const idem_hand_range *r, int64_t picture, const idem_tracks *t);

/* The faces found as a list. what: gives the word of hand_boxes.h for a place; NULL: omitted. Places of a track are
 * joined as long as a linearly moving box is on them. covers are written as hidden; ranges of hand that never contain a
 * face are copied. Both may be NULL. */
typedef const char *idem_clip_hand_what(void *user, int64_t picture, const idem_track_place *place);
json_t *idem_clip_hand_from(const idem_tracks *t, const idem_covers *covers, const idem_clip_hand *hand,
                            idem_clip_hand_what *what, void *user);

#endif
