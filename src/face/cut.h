/* A face in the generator's frame, from a picture that is already aligned or from a photograph: a square picture whose
 * only face lies in the frame (align.h) is taken whole, else the face is cut out in its frame. */
#ifndef IDEM_FACE_CUT_H
#define IDEM_FACE_CUT_H

#include "face/photo.h"

typedef struct {
    idem_image picture;           /* size x size */
    bool cut_out;                 /* from a photograph; else the whole picture was taken */
    idem_crop frame;              /* in the photograph */
    float points[IDEM_POINTS][2]; /* unit coordinates of the photograph */
} idem_cut;
void idem_cuts_free(idem_cut *cuts, int n); /* the array too */

/* Version of the rule, for stored results. */
#define IDEM_CUT_RULE "largest face, whole within 0.08, 1"

/* The whole picture, without points; it may be moved out of `photo`. */
int idem_cut_whole(idem_cut *cut, idem_photo *photo, int size);
/* One of the faces found; the whole picture if allowed and if it is square with the face in its frame. */
int idem_cut_face(idem_cut *cut, const idem_photo *photo, int face, int size, bool may_be_whole);
/* Whether a square picture whose only face has this frame is taken whole. */
bool idem_cut_is_whole(const idem_crop *frame);
/* Before the search: 1 and the face if one look shows that the picture is a face in its frame (none can be larger), 0,
 * or -1. */
int idem_cut_sees_whole(const idem_photo *photo, idem_finder *f, int size, idem_found *face);
/* Before the search: 1 and the whole picture if one look shows that it is a face in its frame (none can be larger), 0,
 * or -1. */
int idem_cut_at_a_look(idem_cut *cut, idem_photo *photo, idem_finder *f, int size);

/* All steps: the largest face of a file. 0; 1 with a message: it has no face; or -1. The caller frees the picture. */
int idem_cut_file(idem_cut *cut, idem_finder *f, const char *path, int size);
/* The same, only its picture. */
int idem_cut_largest(idem_image *picture, idem_finder *f, const char *path, int size);

#endif
