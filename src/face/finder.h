/* The finder: from a whole photograph to its faces with 68 landmarks and head pose. Networks are opened once and serve
 * any number of photographs.
 *
 *     idem_finder *f = idem_finder_new(&(idem_finder_files){detect, landmark, NULL}, NULL);
 *     idem_found *faces;
 *     int n = idem_finder_run(f, &photo, NULL, &faces);
 *     free(faces);
 *
 * Faces are found upright, turned by 90 degrees to either side and upside down. A face is confirmed if its landmarks,
 * computed again in the face's frame, are at the same places. Coordinates are unit coordinates of the photograph
 * (crop.h). */
#ifndef IDEM_FACE_FINDER_H
#define IDEM_FACE_FINDER_H

#include "engine/plan.h"
#include "face/detect.h"
#include "face/landmarks.h"
#include "media/image.h"

/* The smallest width of a face is a sixtieth of the photograph (of a square of equal area; smaller in panoramas), but
 * not fewer pixels than the detector can see. */
enum { IDEM_FIND_SMALLEST = 60 };

typedef struct {
    idem_box box; /* of the detector, not clipped; for a turned face the upright box around it */
    float score;  /* of the detector, 0 .. 1 */
    bool sure;    /* the score is above IDEM_DETECT_CONFIDENCE and the landmarks are confirmed */
    float points[IDEM_POINTS][2];
    float yaw, pitch, roll; /* degrees; NaN without a pose network */
} idem_found;

typedef struct {
    const char *detect, *landmark, *pose; /* fr_detect, fr_landmark, fr_pose; pose may be NULL */
} idem_finder_files;

typedef enum {
    IDEM_FIND_ALL,
    IDEM_FIND_LARGEST, /* faster: the largest, all others of at least half its width, and further ones found on the way
                        */
} idem_search;

typedef struct {
    idem_search search;
    float confidence; /* above 0: also unsure faces with a score above this (at least 0.3) */
    int max;          /* number of the largest faces to return; 0: all */
    bool in_the_dark; /* looks a second time with shadows lifted; takes up to twice the time */
} idem_find_options;

typedef struct idem_finder idem_finder;

idem_finder *idem_finder_new(const idem_finder_files *files, const idem_plan_options *options);
/* The same with the networks in `models` (idem_models_find); pose: also fr_pose. NULL also if one is missing. */
idem_finder *idem_finder_open(const char *models, bool pose, const idem_plan_options *options);
void idem_finder_free(idem_finder *f); /* NULL is allowed */

/* Writes the faces, largest first, to *out, which the caller frees (NULL if there is none); returns their number.
 * options NULL: all zero. -1: memory is short, or interrupted. */
int idem_finder_run(idem_finder *f, const idem_image *photo, const idem_find_options *options, idem_found **out);

/* Recomputes landmarks of faces found in a smaller copy of the photograph; those of a face that is not seen again are
 * kept. */
int idem_finder_refine(idem_finder *f, const idem_image *photo, idem_found *faces, int n);

/* Follows faces of a clip's frame into the next: looks only at their old places, which is cheap. faces[i] is the new
 * place if seen[i], else unchanged. */
int idem_finder_follow(idem_finder *f, const idem_image *photo, idem_found *faces, int n, bool *seen);

/* Whether a picture is already a face in its frame (align.h), with a mean deviation of its corners below `most` of the
 * side. 1: *out is the face; 0: not square, or a search is needed. Much cheaper than a search. */
int idem_finder_sees_frame(idem_finder *f, const idem_image *picture, double most, idem_found *out);

#endif
