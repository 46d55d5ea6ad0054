/* The first pass over a clip: finds and tracks the faces of every picture (face/track.h). All faces are searched in
 * every IDEM_VIDEO_SEARCH_EVERYth picture and after cuts; in between known faces are tracked, and new ones are tracked
 * back to their beginning. */
#ifndef IDEM_COMPOSE_VIDEO_FACES_H
#define IDEM_COMPOSE_VIDEO_FACES_H

#include "compose/clip_hand.h"
#include "compose/studio.h"
#include "face/track.h"
#include "media/video.h"

enum { IDEM_VIDEO_SEARCH_EVERY = 12 };

/* done pictures of total (0: unknown) in pass 1 or 2. */
typedef void idem_video_progress(void *user, int pass, int64_t done, int64_t total);

typedef struct {
    double from, to; /* seconds; no search outside. to 0: the end */
    idem_video_progress *progress;
    void *user;
    bool judge;                 /* append the judge's 128 numbers to fr_feature's in vectors of tracks */
    double unsure;              /* candidates with a score above this go to maybes; 0: none */
    idem_maybes *maybes;        /* freed by the caller; may be NULL */
    const idem_clip_hand *hand; /* faces that it marks "replace" count also with a lower score */
} idem_video_faces_options;

/* Freed by the caller with idem_tracks_free. NULL with a message. */
idem_tracks *idem_video_faces(idem_studio *s, const char *path, const idem_video_faces_options *options);

#endif
