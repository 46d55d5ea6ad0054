/* What a person says by hand of the faces of a clip, over ranges of pictures: the part of the file of hand_boxes.h that
 * is about clips.
 *
 *     {"clips": {"party.mp4": [{"frames": [0, 95], "box": [left, top, right, bottom], "box_at_end": [...],
 *                               "do": "replace"}, ...]}}
 *
 * frames: the first and the last, from 0. Boxes are in pixels of the upright picture; with box_at_end the box moves
 * evenly from the first frame to the last. A range says what becomes of a face that lies in its box in that frame:
 * "replace" as if it had surely been found, "hide", "skip": it stays; "exempt": its person stays in all frames of the
 * clip of which no other range says otherwise. Where no face lies in it, "replace" and "hide" hide the region, and
 * "skip" leaves alone what would be hidden there. */
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

/* Checks the list of one clip; -1 with a message that names the range. */
int idem_clip_hand_check(const json_t *ranges, const char *clip, const char *what);
/* From a checked list, of a clip of that size; NULL: none. free(hand->at). */
int idem_clip_hand_take(idem_clip_hand *hand, const json_t *ranges, int width, int height);

/* Whether a range is about what lies in a box in a picture. */
bool idem_hand_range_is_on(const idem_hand_range *r, int64_t picture, const idem_box *box);
/* What is said of a box: to be hidden, if any range says so, or else what the nearest one says; -1: none is about it. h
 * may be NULL. */
int idem_clip_hand_on(const idem_clip_hand *h, int64_t picture, const idem_box *box);
/* said [persons of the tracks]: a bit, 1 << idem_by_hand, for each thing that is said of a face of the person. */
void idem_clip_hand_persons(const idem_clip_hand *h, const idem_tracks *t, uint8_t *said);
/* Whether a range is to be hidden as a region in a picture: it says "hide" or "replace", and no face lies in it. */
bool idem_hand_range_is_region(const idem_hand_range *r, int64_t picture, const idem_tracks *t);

/* A file of what was found. what: of a place, NULL: it is left out; the word of hand_boxes.h. Places of a track are
 * taken together as long as a box that moves evenly lies on them. covers are written as hidden; ranges of hand in which
 * no face ever lies, as they are. Both may be NULL. */
typedef const char *idem_clip_hand_what(void *user, int64_t picture, const idem_track_place *place);
json_t *idem_clip_hand_from(const idem_tracks *t, const idem_covers *covers, const idem_clip_hand *hand,
                            idem_clip_hand_what *what, void *user);

#endif
