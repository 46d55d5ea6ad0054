/* The face detector on parts of a photograph, of any size and at any turn: gives candidates, to be tested later. */
#ifndef IDEM_FACE_SCAN_H
#define IDEM_FACE_SCAN_H

#include "engine/plan.h"
#include "face/pyramid.h"

#define IDEM_QUARTER 1.57079632679489662

/* A box that stands upright in a part that may be turned. */
typedef struct {
    double x, y, width, height; /* its centre and sides in pixels of the photograph; the sides along its own axes */
    double turn;                /* radians; positive: clockwise as seen */
    float score;
} idem_candidate;

/* The box as a crop: its unit square to unit coordinates of the photograph. */
idem_crop idem_candidate_crop(const idem_candidate *c, const idem_image *photo);

typedef struct {
    idem_candidate *at;
    int n, capacity;
} idem_candidates; /* free(at) */

typedef struct idem_scanner idem_scanner;

/* The network at path (fr_detect) in that graph. */
idem_scanner *idem_scanner_new(idem_graph *graph, const char *path, const idem_plan_options *options);
void idem_scanner_free(idem_scanner *s);             /* NULL is allowed */
idem_plan *idem_scanner_plan(const idem_scanner *s); /* to be shared */

/* All below append candidates that score above `confidence`. -1: memory is short, or interrupted. */

/* One part around (x, y), IDEM_DETECT_WIDTH x IDEM_DETECT_HEIGHT of the detector's pixels, each of `scale` pixels of
 * the photograph. */
int idem_scan_part(idem_scanner *s, idem_candidates *list, const idem_pyramid *photo, double x, double y, double scale,
                   double turn, float confidence);

/* The whole photograph in the detector's pixels, resized once for all turns. */
typedef struct {
    float *rgb; /* [height, width, 3] */
    int width, height;
    double step_x, step_y; /* pixels of the photograph to one of these */
} idem_scan_view;

/* -1: memory is short. */
int idem_scan_view_make(idem_scan_view *v, const idem_pyramid *photo, double scale);
void idem_scan_view_free(idem_scan_view *v);
/* Lifts the shadows, as the detector misses faces in the dark. False: there are none, and the view is unchanged. */
bool idem_scan_view_lift(idem_scan_view *v);

/* The whole view in parts, turned by 0 .. 3 quarters; parts overlap by IDEM_SCAN_OVERLAP pixels. */
enum { IDEM_SCAN_OVERLAP = 48 };
int idem_scan_all(idem_scanner *s, idem_candidates *list, const idem_scan_view *view, int quarters, float confidence);

#endif
