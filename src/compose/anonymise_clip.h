/* Anonymising a clip: every person who is followed becomes a surrogate by the rules of anonymise.h, the same in all
 * pictures; what cannot be painted is hidden, in each picture by itself: small, cut, in profile, not found over a
 * longer gap, still taken for the person by a recogniser; with it what may be a face, and the place of a face in the
 * pictures before it was first found and after it was last. Metadata of the source is not written; sound is, unless
 * no_audio. */
#ifndef IDEM_COMPOSE_ANONYMISE_CLIP_H
#define IDEM_COMPOSE_ANONYMISE_CLIP_H

#include "compose/clip_faces.h"
#include "compose/video_faces.h"

typedef struct {
    idem_clip_counts counts;
    int n_persons;
    idem_clip_person *persons; /* free() */
    int width, height;
    bool has_sound, written; /* written: false by `strict` alone */
    int damaged;             /* places */
    char damage[256], codec[16], why[300], left[300];
    json_t *boxes; /* what was found, to be edited (clip_hand.h); to be released */
} idem_anonymised_clip;

typedef struct {
    int quality; /* video_write.h */
    bool no_audio;
    bool strict;           /* a clip with a face that stayed too like the person is not written */
    const char *run;       /* what its pictures depend on besides the clip: a run goes on only with the same */
    const json_t *hand;    /* what is said of it by hand (clip_hand.h), checked; NULL: nothing */
    const uint8_t *secret; /* [IDEM_SECRET] */
    idem_video_progress *progress;
    void *user;
} idem_anonymise_clip_options;

/* Goes on where a run of the same was broken off. out: to be freed of its persons and boxes in every case. -1 of the
 * kind IDEM_INPUT: nothing of it is left; of another kind: finished parts lie beside `to`. */
int idem_anonymise_clip(idem_anonymiser *a, const char *from, const char *to, const idem_anonymise_clip_options *o,
                        idem_anonymised_clip *out);

#endif
