/* Anonymising a clip: every tracked person becomes a surrogate by the rules of anonymise.h, the same in all pictures.
 * Hidden, decided per picture, are faces that cannot be painted: small, cut, in profile, not found over a longer gap,
 * or still matched by a recogniser; also candidates that may be faces, and the place of a face in the pictures before
 * it was first found and after it was last found. Metadata of the source is not written; sound is, unless no_audio. */
#ifndef IDEM_COMPOSE_ANONYMISE_CLIP_H
#define IDEM_COMPOSE_ANONYMISE_CLIP_H

#include "compose/clip_faces.h"
#include "compose/video_faces.h"

typedef struct {
    idem_clip_counts counts;
    int n_persons;
    idem_clip_person *persons; /* free() */
    int width, height;
    bool has_sound, written; /* written: false only with `strict` */
    int damaged;             /* places */
    char damage[256], codec[16], why[300], left[300];
    json_t *boxes; /* the faces found, for editing (clip_hand.h); released by the caller */
} idem_anonymised_clip;

typedef struct {
    int quality; /* video_write.h */
    bool no_audio;
    bool strict;        /* a clip with a face still too similar to the person is not written */
    const char *run;    /* text of the options that its pictures depend on: a run continues only with the same text */
    const json_t *hand; /* instructions by hand (clip_hand.h), checked; NULL: none */
    const uint8_t *secret; /* [IDEM_SECRET] */
    idem_video_progress *progress;
    void *user;
} idem_anonymise_clip_options;

/* Continues an interrupted run of the same job. The caller frees out's persons and boxes in every case. -1 of the kind
 * IDEM_INPUT: no parts are left; of another kind: finished parts are beside `to`. */
int idem_anonymise_clip(idem_anonymiser *a, const char *from, const char *to, const idem_anonymise_clip_options *o,
                        idem_anonymised_clip *out);

#endif
