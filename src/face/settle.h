/* From a candidate of the detector to a face, or to the knowledge that it is none. A face's frame is a fixed point:
 * what is found when the face is looked at again in its frame is that frame. So a candidate is looked at until its
 * frame stays. Turned faces end up upright in their frames; what is no face, and landmarks that are wrong, do not
 * settle, or the views of the landmark network disagree. */
#ifndef IDEM_FACE_SETTLE_H
#define IDEM_FACE_SETTLE_H

#include "face/landmarks.h"
#include "face/scan.h"

typedef struct {
    idem_candidate box; /* as last seen, turned as the frame is */
    idem_crop frame;    /* align.h */
    float points[IDEM_POINTS][2];
    double off;    /* how far the frame moved at the last look: mean of its corners, in parts of its side */
    double spread; /* of the landmark network's views (landmarks.h) */
} idem_face_seen;

/* Spread below which a single look is enough: nine in ten faces of real photographs; of faces looked at upside down
 * none. */
#define IDEM_PLAIN_SPREAD 0.011

typedef struct {
    idem_face_seen *at;
    int n, capacity;
} idem_faces_seen; /* free(at) */

int idem_faces_seen_add(idem_faces_seen *list, const idem_face_seen *face);
/* Whether a box is that of a face of the list: about the same middle and size, however turned. */
bool idem_faces_seen_has(const idem_faces_seen *list, const idem_candidate *box);
/* Whether a face of the list leaves nothing to be seen in a box: it is the face's, or a smaller one amid it. A face on
 * which the views disagree rules out only boxes turned as itself: it may be the wrong reading of a turned one. */
bool idem_faces_seen_explain(const idem_faces_seen *list, const idem_candidate *box);
/* Adds a face, or puts it in the place of worse readings of the same. */
int idem_faces_seen_improve(idem_faces_seen *list, const idem_face_seen *face);

typedef struct {
    idem_scanner *scanner;
    idem_landmarks *landmarks;
} idem_settler;

/* Scores below this are not worth a look. */
#define IDEM_CANDIDATE_CONFIDENCE 0.3f

/* face->box is a candidate. 1: it is a face; 0: none, or one of those known, and face->box is as it came. -1: memory is
 * short, or interrupted. */
int idem_settle(const idem_settler *n, const idem_pyramid *photo, idem_face_seen *face, const idem_faces_seen *known);
/* One look at a face whose frame is known, about; box and points follow. 1: seen; 0: not; -1 as above. */
int idem_settle_look(const idem_settler *n, const idem_pyramid *photo, idem_face_seen *face,
                     idem_landmarks_effort effort);
/* Landmarks and frame of the box as it is. 1: they are there; 0: they coincide; -1 as above. */
int idem_settle_points(const idem_settler *n, const idem_pyramid *photo, idem_face_seen *face);

#endif
