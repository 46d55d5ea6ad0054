/* The faces of an anonymised clip: the surrogate of each person, which faces are painted or hidden in each picture, and
 * the likeness reached. The part of anonymise_clip.h without files.
 *
 *     idem_clip_faces *f = idem_clip_faces_new(anonymiser, tracks, maybes);
 *     painter = idem_clip_painter_new(studio, tracks, idem_clip_faces_brush(f), 0);
 *     ... idem_clip_faces_see(f, &frame), before the painter gets it
 *     ... idem_clip_faces_finish(f, &frame, why), after the painter returned it */
#ifndef IDEM_COMPOSE_CLIP_FACES_H
#define IDEM_COMPOSE_CLIP_FACES_H

#include "compose/anonymise.h"
#include "compose/clip_hand.h"
#include "compose/video_brush.h"
#include "media/video.h"

enum { IDEM_CLIP_LOOK = 24 /* most pictures of a clip named for review */ };

/* A person of the clip. */
typedef struct {
    int person;                         /* of the run, from 0; -1: unknown */
    int64_t pictures;                   /* number of pictures with the tracked face */
    int64_t recomposed, hidden, exempt; /* pictures */
    double sum[2], most[2];             /* cosines of recomposed faces with the person: recogniser, judge */
} idem_clip_person;

typedef struct {
    int64_t picture;
    char why[80];
} idem_clip_look;

/* Counts so far. */
typedef struct {
    int64_t pictures, changed;         /* all; with a face painted or hidden */
    int64_t faces, recomposed, hidden; /* tracked faces */
    int64_t exempt, skipped, above;    /* above: recomposed and above a threshold, only with a similarity */
    int64_t covered;                   /* hidden places without a tracked face */
    int64_t too_like;                  /* hidden with the reason idem_too_like */
    double seconds;
    double off; /* sum over recomposed faces of the deviation from the requested similarity */
    int n_look;
    idem_clip_look look[IDEM_CLIP_LOOK];
} idem_clip_counts;

typedef struct idem_clip_faces idem_clip_faces;

/* Borrows all arguments. hand may be NULL. NULL with a message. */
idem_clip_faces *idem_clip_faces_new(idem_anonymiser *a, const idem_tracks *t, const idem_maybes *maybes,
                                     const idem_clip_hand *hand);
void idem_clip_faces_free(idem_clip_faces *f); /* NULL is allowed */

idem_clip_brush *idem_clip_faces_brush(idem_clip_faces *f);

/* Whether any person is replaced. */
bool idem_clip_faces_paint(const idem_clip_faces *f);

/* Takes the next picture before painting. */
int idem_clip_faces_see(idem_clip_faces *f, const idem_video_frame *frame);
/* The same picture, painted: hides, measures, counts. why: the painter's reason for a review; NULL: none. */
int idem_clip_faces_finish(idem_clip_faces *f, idem_video_frame *frame, const char *why);

const idem_clip_counts *idem_clip_faces_counts(const idem_clip_faces *f);
int idem_clip_faces_persons(const idem_clip_faces *f, const idem_clip_person **persons);

/* The faces found, for editing (clip_hand.h). */
json_t *idem_clip_faces_boxes(idem_clip_faces *f);

/* The counts so far and the identity of the faces, as bytes: [idem_clip_faces_size]. Restoring fails if the faces are
 * different. */
size_t idem_clip_faces_size(const idem_clip_faces *f);
void idem_clip_faces_keep(const idem_clip_faces *f, const uint8_t secret[IDEM_SECRET], uint8_t *bytes);
int idem_clip_faces_take(idem_clip_faces *f, const uint8_t secret[IDEM_SECRET], const uint8_t *bytes);

#endif
