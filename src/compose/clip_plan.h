/* Plans: what becomes of each face of a clip that is anonymised, before any is painted, and who each person becomes. */
#ifndef IDEM_COMPOSE_CLIP_PLAN_H
#define IDEM_COMPOSE_CLIP_PLAN_H

#include "compose/clip_hand.h"

typedef struct idem_clip_plan idem_clip_plan;

/* Chooses surrogates. All is borrowed; hand may be NULL. NULL with a message. */
idem_clip_plan *idem_clip_plan_new(idem_anonymiser *a, const idem_tracks *t, const idem_clip_hand *hand);
void idem_clip_plan_free(idem_clip_plan *f); /* NULL is allowed */

typedef struct {
    bool skipped, exempt; /* left, by hand; because of who it is */
    const char *why;      /* hidden; NULL: to be painted, or left */
} idem_clip_fate;
idem_clip_fate idem_clip_plan_of(const idem_clip_plan *f, int64_t picture, const idem_track_place *place);
/* "replace", "hide", "skip" or "exempt". */
const char *idem_clip_fate_word(const idem_clip_fate *f);

/* [persons of the tracks]. */
bool idem_clip_plan_exempt(const idem_clip_plan *f, int person);
const float *idem_clip_plan_code(const idem_clip_plan *f, int person); /* [id_dim]; NULL: it is nowhere painted */
int idem_clip_plan_person(const idem_clip_plan *f, int person);        /* of the run, from 0; -1: not told */

#endif
