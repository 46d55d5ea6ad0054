/* The faces of a clip that is anonymised: who each person becomes, what is painted and what is hidden in each picture,
 * and what was reached. The part of anonymise_clip.h that knows no file.
 *
 *     idem_clip_faces *f = idem_clip_faces_new(anonymiser, tracks, maybes);
 *     painter = idem_clip_painter_new(studio, tracks, idem_clip_faces_brush(f), 0);
 *     ... idem_clip_faces_see(f, &frame), before the painter gets it
 *     ... idem_clip_faces_finish(f, &frame, why), after the painter gave it back */
#ifndef IDEM_COMPOSE_CLIP_FACES_H
#define IDEM_COMPOSE_CLIP_FACES_H

#include "compose/anonymise.h"
#include "compose/clip_hand.h"
#include "compose/video_brush.h"
#include "media/video.h"

enum { IDEM_CLIP_LOOK = 24 /* pictures of a clip that are named */ };

/* Somebody in it. */
typedef struct {
    int person;                         /* of the run, from 0; -1: not told */
    int64_t pictures;                   /* in which the face is followed */
    int64_t recomposed, hidden, exempt; /* pictures */
    double sum[2], most[2];             /* cosines of recomposed faces with the person: recogniser, judge */
} idem_clip_person;

typedef struct {
    int64_t picture;
    char why[80];
} idem_clip_look;

/* Of pictures so far. */
typedef struct {
    int64_t pictures, changed;         /* in all; with a face painted or hidden */
    int64_t faces, recomposed, hidden; /* followed faces */
    int64_t exempt, skipped, above;    /* above: recomposed, and above a threshold: with a similarity only */
    int64_t covered;                   /* places that were hidden without a face that is followed */
    int64_t too_like;                  /* hidden as idem_too_like */
    double seconds;
    double off; /* sum over recomposed faces: from the similarity asked for */
    int n_look;
    idem_clip_look look[IDEM_CLIP_LOOK];
} idem_clip_counts;

typedef struct idem_clip_faces idem_clip_faces;

/* All is borrowed. hand: NULL is allowed. NULL with a message. */
idem_clip_faces *idem_clip_faces_new(idem_anonymiser *a, const idem_tracks *t, const idem_maybes *maybes,
                                     const idem_clip_hand *hand);
void idem_clip_faces_free(idem_clip_faces *f); /* NULL is allowed */

idem_clip_brush *idem_clip_faces_brush(idem_clip_faces *f);

/* Whether anybody becomes somebody else. */
bool idem_clip_faces_paint(const idem_clip_faces *f);

/* A picture as it was, in order. */
int idem_clip_faces_see(idem_clip_faces *f, const idem_video_frame *frame);
/* The same picture, painted: hides, measures, counts. why: it deserves a look; NULL: the painter knows no reason. */
int idem_clip_faces_finish(idem_clip_faces *f, idem_video_frame *frame, const char *why);

const idem_clip_counts *idem_clip_faces_counts(const idem_clip_faces *f);
int idem_clip_faces_persons(const idem_clip_faces *f, const idem_clip_person **persons);

/* What was found, to be edited (clip_hand.h). */
json_t *idem_clip_faces_boxes(idem_clip_faces *f);

/* What was counted so far and whose faces they are, as bytes: [idem_clip_faces_size]. Taking them back fails where the
 * faces are others. */
size_t idem_clip_faces_size(const idem_clip_faces *f);
void idem_clip_faces_keep(const idem_clip_faces *f, const uint8_t secret[IDEM_SECRET], uint8_t *bytes);
int idem_clip_faces_take(idem_clip_faces *f, const uint8_t secret[IDEM_SECRET], const uint8_t *bytes);

#endif
