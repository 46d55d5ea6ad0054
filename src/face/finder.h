/* The finder: from a whole photograph to its faces with 68 landmarks and head pose. Networks are opened once and serve
 * any number of photographs.
 *
 *     idem_finder *f = idem_finder_new(&(idem_finder_files){detect, landmark, NULL}, NULL);
 *     idem_found *faces;
 *     int n = idem_finder_run(f, &photo, NULL, &faces);
 *     free(faces);
 *
 * Faces are looked for upright, on either side and on their head. A face counts when its landmarks, looked for again in
 * the face's own frame, come out where they were. Coordinates are unit coordinates of the photograph (crop.h). */
#ifndef IDEM_FACE_FINDER_H
#define IDEM_FACE_FINDER_H

#include "engine/plan.h"
#include "face/detect.h"
#include "face/landmarks.h"
#include "media/image.h"

/* Faces as wide as a sixtieth of the photograph are looked for (of a square as large; in panoramas smaller ones), but
 * none of fewer pixels than the detector can see. */
enum { IDEM_FIND_SMALLEST = 60 };

typedef struct {
    idem_box box; /* the detector's, not clipped; of a turned face the upright box of its sides */
    float score;  /* the detector's, 0 .. 1 */
    bool sure;    /* the score is above IDEM_DETECT_CONFIDENCE and the landmarks are confirmed */
    float points[IDEM_POINTS][2];
    float yaw, pitch, roll; /* degrees; NaN without a pose network */
} idem_found;

typedef struct {
    const char *detect, *landmark, *pose; /* fr_detect, fr_landmark, fr_pose; pose NULL: not wanted */
} idem_finder_files;

typedef enum {
    IDEM_FIND_ALL,
    IDEM_FIND_LARGEST, /* quicker: the largest, all others of at least half its width, and what else turns up */
} idem_search;

typedef struct {
    idem_search search;
    float confidence; /* above 0: also faces that are not sure, whose score is above this (from 0.3 on) */
    int max;          /* the largest so many; 0: all that are found */
} idem_find_options;

typedef struct idem_finder idem_finder;

idem_finder *idem_finder_new(const idem_finder_files *files, const idem_plan_options *options);
/* The same of the networks in `models` (idem_models_find); pose: with fr_pose too. NULL also when one is not there. */
idem_finder *idem_finder_open(const char *models, bool pose, const idem_plan_options *options);
void idem_finder_free(idem_finder *f); /* NULL is allowed */

/* The faces, largest first, into *out, which the caller frees (NULL when there is none); returns how many. options
 * NULL: all zero. -1: memory is short, or interrupted. */
int idem_finder_run(idem_finder *f, const idem_image *photo, const idem_find_options *options, idem_found **out);

/* Landmarks of faces that were found in a smaller copy of the photograph, looked for again in this one; those of a face
 * that is not seen again stay. */
int idem_finder_refine(idem_finder *f, const idem_image *photo, idem_found *faces, int n);

/* Faces of one picture of a clip in the next: looked at where they are said to be, which costs little. faces[i] is
 * where it is now if seen[i], else as it was. */
int idem_finder_follow(idem_finder *f, const idem_image *photo, idem_found *faces, int n, bool *seen);

/* Whether a picture is a face in its frame (align.h) already, its corners off by less than `most` of the side in the
 * mean. 1: *out is the face; 0: it is not square, or is to be looked for. Much cheaper than a search. */
int idem_finder_sees_frame(idem_finder *f, const idem_image *picture, double most, idem_found *out);

#endif
