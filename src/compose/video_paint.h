/* Painting over time: pictures of a clip go in and come out in order, some later, with their faces painted. Attribute
 * codes and how faces are fitted in are smoothed over the pictures before and after, within a track; a brush
 * (video_brush.h) paints. */
#ifndef IDEM_COMPOSE_VIDEO_PAINT_H
#define IDEM_COMPOSE_VIDEO_PAINT_H

#include "compose/video_brush.h"
#include "media/video.h"

enum { IDEM_CLIP_REACH = 2 /* pictures to either side that a code or colour is smoothed over */ };

typedef struct {
    int painted, bridged, outside;
    const char *why; /* it deserves a look; NULL: it does not */
} idem_clip_painted;

typedef struct idem_clip_painter idem_clip_painter;

/* Says in the log that a clip's light is none that the networks know, if it is so. */
void idem_clip_warn_of_light(const idem_video *v);

/* All is borrowed. first: pictures come from this number on. */
idem_clip_painter *idem_clip_painter_new(idem_studio *s, const idem_tracks *tracks, idem_clip_brush *brush,
                                         int64_t first);
void idem_clip_painter_free(idem_clip_painter *p); /* NULL is allowed */

/* The next picture, which is taken over. */
int idem_clip_painter_put(idem_clip_painter *p, idem_video_frame *frame);
/* No more come. */
int idem_clip_painter_end(idem_clip_painter *p);
/* 1: the next picture that is done; 0: none yet. */
int idem_clip_painter_take(idem_clip_painter *p, idem_video_frame *frame, idem_clip_painted *about);

/* What a run that goes on after picture `number`, taken last, needs; in memory of p. It begins 2 IDEM_CLIP_REACH
 * pictures earlier and drops those. */
const void *idem_clip_painter_state(const idem_clip_painter *p, int64_t number, size_t *size);
/* Before the first picture. -1: it is of another job. */
int idem_clip_painter_restore(idem_clip_painter *p, const void *state, size_t size);

#endif
