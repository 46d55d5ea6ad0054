/* The finder: from a whole photograph to its faces with 68 landmarks and head pose. Networks are opened once and serve
 * any number of photographs.
 *
 *     idem_finder *f = idem_finder_new(&(idem_finder_files){detect, landmark, NULL}, NULL);
 *     idem_found faces[IDEM_FACES_MAX];
 *     int n = idem_finder_run(f, &photo, faces, IDEM_FACES_MAX);
 *
 * Coordinates are unit coordinates of the photograph (crop.h). */
#ifndef IDEM_FACE_FINDER_H
#define IDEM_FACE_FINDER_H

#include "engine/plan.h"
#include "face/detect.h"
#include "media/image.h"

enum { IDEM_FACES_MAX = 64, IDEM_POINTS = 68 };

typedef struct {
    idem_box box; /* the detector's, not clipped */
    float score;
    float points[IDEM_POINTS][2];
    float yaw, pitch, roll; /* degrees; NaN without a pose network */
} idem_found;

typedef struct {
    const char *detect, *landmark, *pose; /* fr_detect, fr_landmark, fr_pose; pose NULL: not wanted */
} idem_finder_files;

typedef struct idem_finder idem_finder;

idem_finder *idem_finder_new(const idem_finder_files *files, const idem_plan_options *options);
void idem_finder_free(idem_finder *f); /* NULL is allowed */

/* Writes up to max faces, largest first, and returns how many; 0: none. -1: memory is short, or interrupted. */
int idem_finder_run(idem_finder *f, const idem_image *photo, idem_found *out, int max);

#endif
