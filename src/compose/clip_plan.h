/* Plans: decide before painting what is done with each face of an anonymised clip, and the surrogate of each person. */
#ifndef IDEM_COMPOSE_CLIP_PLAN_H
#define IDEM_COMPOSE_CLIP_PLAN_H

#include "compose/clip_hand.h"

typedef struct idem_clip_plan idem_clip_plan;

/* Chooses surrogates. Borrows all arguments; hand may be NULL. NULL with a message. */
idem_clip_plan *idem_clip_plan_new(idem_anonymiser *a, const idem_tracks *t, const idem_clip_hand *hand);
void idem_clip_plan_free(idem_clip_plan *f); /* NULL is allowed */

typedef struct {
    bool skipped, exempt; /* unchanged: by hand; as an exempt person */
    const char *why;      /* reason if hidden; NULL: painted or unchanged */
} idem_clip_fate;
idem_clip_fate idem_clip_plan_of(const idem_clip_plan *f, int64_t picture, const idem_track_place *place);
/* "replace", "hide", "skip" or "exempt". */
const char *idem_clip_fate_word(const idem_clip_fate *f);

/* [persons of the tracks]. */
bool idem_clip_plan_exempt(const idem_clip_plan *f, int person);
const float *idem_clip_plan_code(const idem_clip_plan *f, int person); /* [id_dim]; NULL: never painted */
int idem_clip_plan_person(const idem_clip_plan *f, int person);        /* of the run, from 0; -1: unknown */

#endif
