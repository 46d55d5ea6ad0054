/* The landmark network: 68 points of a face with a known box. Its results are averaged over views of the face, which
 * cancels most of its jitter and asymmetry. */
#ifndef IDEM_FACE_LANDMARKS_H
#define IDEM_FACE_LANDMARKS_H

#include "engine/plan.h"
#include "face/pyramid.h"

enum { IDEM_POINTS = 68 };

typedef struct idem_landmarks idem_landmarks;

/* The network at path (fr_landmark) in that graph. options.share: a plan of the graph, or NULL. */
idem_landmarks *idem_landmarks_new(idem_graph *graph, const char *path, const idem_plan_options *options);
void idem_landmarks_free(idem_landmarks *l); /* NULL is allowed */

/* Number of views: enough to locate the face, or all. */
typedef enum { IDEM_LANDMARKS_QUICK, IDEM_LANDMARKS_FULL } idem_landmarks_effort;

/* box: the detector's as a crop (unit square of the box to the photograph), turned with the face within 30 degrees.
 * points in unit coordinates of the photograph. -1 also if the points coincide or are not finite. */
int idem_landmarks_run(idem_landmarks *l, const idem_pyramid *photo, const idem_crop *box, idem_landmarks_effort effort,
                       float (*points)[2], double *spread);

#endif
