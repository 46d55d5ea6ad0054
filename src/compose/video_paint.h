/* Painting over time: pictures of a clip go in and come out in order, with a delay, with their faces painted. Attribute
 * codes and the fits of faces are smoothed over the pictures before and after, within a track; a brush (video_brush.h)
 * paints. */
#ifndef IDEM_COMPOSE_VIDEO_PAINT_H
#define IDEM_COMPOSE_VIDEO_PAINT_H

#include "compose/video_brush.h"
#include "media/video.h"

enum { IDEM_CLIP_REACH = 2 /* pictures to either side over which a code or colour is smoothed */ };

typedef struct {
    int painted, bridged, outside;
    const char *why; /* reason for a review; NULL: none */
} idem_clip_painted;

typedef struct idem_clip_painter idem_clip_painter;

/* Logs a warning for clips in HDR, which the networks were not trained on. */
void idem_clip_warn_of_light(const idem_video *v);

/* Borrows all arguments. first: number of the first picture. */
idem_clip_painter *idem_clip_painter_new(idem_studio *s, const idem_tracks *tracks, idem_clip_brush *brush,
                                         int64_t first);
void idem_clip_painter_free(idem_clip_painter *p); /* NULL is allowed */

/* Adds the next picture and takes ownership of it. */
int idem_clip_painter_put(idem_clip_painter *p, idem_video_frame *frame);
/* Ends the input. */
int idem_clip_painter_end(idem_clip_painter *p);
/* 1: the next finished picture; 0: none yet. */
int idem_clip_painter_take(idem_clip_painter *p, idem_video_frame *frame, idem_clip_painted *about);

/* The state for continuing after picture `number`, taken last; owned by p. The continued run begins 2 IDEM_CLIP_REACH
 * pictures earlier and drops those. */
const void *idem_clip_painter_state(const idem_clip_painter *p, int64_t number, size_t *size);
/* Before the first picture. -1: of another job. */
int idem_clip_painter_restore(idem_clip_painter *p, const void *state, size_t size);

#endif
