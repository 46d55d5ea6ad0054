/* The first pass over a clip: whose face is where in every picture (face/track.h). All faces are looked for in every
 * IDEM_VIDEO_SEARCH_EVERYth picture and after cuts; in between those that are known are followed, and those that a
 * search finds new are followed back to where they began. */
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
    double from, to; /* seconds; faces outside are not looked for. to 0: the end */
    idem_video_progress *progress;
    void *user;
    bool judge;    /* vectors of tracks have the judge's 128 numbers after fr_feature's */
    double unsure; /* what may be a face and has more than this score is kept in maybes; 0: it is not looked for */
    idem_maybes *maybes;        /* to be freed by the caller; NULL: not wanted */
    const idem_clip_hand *hand; /* what it says is to be replaced is a face, also where it is found with less */
} idem_video_faces_options;

/* To be freed by idem_tracks_free. NULL with a message. */
idem_tracks *idem_video_faces(idem_studio *s, const char *path, const idem_video_faces_options *options);

#endif
