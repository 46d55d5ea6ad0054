/* Decides whether a candidate of the detector is a face. A face's frame is a fixed point: looking again at the face in
 * its frame gives the same frame. So a candidate is looked at repeatedly until its frame stays. Turned faces become
 * upright in their frames; non-faces and wrong landmarks do not settle, or the views of the landmark network disagree.
 */
#ifndef IDEM_FACE_SETTLE_H
#define IDEM_FACE_SETTLE_H

#include "face/landmarks.h"
#include "face/scan.h"

typedef struct {
    idem_candidate box; /* as last seen, turned with the frame */
    idem_crop frame;    /* align.h */
    float points[IDEM_POINTS][2];
    double off;    /* mean movement of the frame's corners at the last look, divided by its side */
    double spread; /* of the landmark network's views (landmarks.h) */
} idem_face_seen;

/* Spread below which one look suffices: nine in ten faces of real photographs, no faces seen upside down. */
#define IDEM_PLAIN_SPREAD 0.011

/* Whether the last look shows a face: little movement and spread for its score. */
bool idem_face_seen_holds(const idem_face_seen *face);

typedef struct {
    idem_face_seen *at;
    int n, capacity;
} idem_faces_seen; /* free(at) */

int idem_faces_seen_add(idem_faces_seen *list, const idem_face_seen *face);
/* Whether a box belongs to a face of the list: approximately the same centre and size, at any turn. */
bool idem_faces_seen_has(const idem_faces_seen *list, const idem_candidate *box);
/* Whether a face of the list explains a box: the box is the face's, or a smaller one within it. A face on which the
 * views disagree explains only boxes of its own turn: it may be a misread turned face. */
bool idem_faces_seen_explain(const idem_faces_seen *list, const idem_candidate *box);
/* Whether the views disagree on a face that is turned by more than 60 degrees against every face of the list that is
 * seen clearly better, and there is such a face. People of one photograph are mostly aligned; a misread texture is not.
 */
bool idem_faces_seen_misaligned(const idem_faces_seen *list, const idem_face_seen *face);
/* Adds a face, or replaces worse readings of the same face. */
int idem_faces_seen_improve(idem_faces_seen *list, const idem_face_seen *face);

typedef struct {
    idem_scanner *scanner;
    idem_landmarks *landmarks;
} idem_settler;

/* Candidates with lower scores are not looked at. */
#define IDEM_CANDIDATE_CONFIDENCE 0.3f

/* face->box is a candidate. 1: it is a face; 0: it is none, or a known one, and face->box is unchanged. -1: memory is
 * short, or interrupted. */
int idem_settle(const idem_settler *n, const idem_pyramid *photo, idem_face_seen *face, const idem_faces_seen *known);
/* One look at a face with an approximate frame; updates box and points. 1: seen; 0: not; -1 as above. */
int idem_settle_look(const idem_settler *n, const idem_pyramid *photo, idem_face_seen *face,
                     idem_landmarks_effort effort);
/* Landmarks and frame of the given box. 1: found; 0: they coincide; -1 as above. */
int idem_settle_points(const idem_settler *n, const idem_pyramid *photo, idem_face_seen *face);

#endif
