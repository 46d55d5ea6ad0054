/* The outline along which a painted face is cut out for pasting: a closed line around the face, between a smallest one
 * that contains brows, eyes, mouth and nearly the whole jaw, and a largest one. It follows places where the face and
 * the photograph agree: around a fringe, along the hair line, off a collar (the optimal boundary of Jia et al. 2006,
 * "Drag-and-Drop Pasting").
 *
 * The outline is given by its distances from a centre along rays, in parts of the frame's side; ray i has the angle 2
 * pi i / IDEM_SEAM_RAYS, from the x axis downwards. */
#ifndef IDEM_FACE_SEAM_H
#define IDEM_FACE_SEAM_H

enum { IDEM_SEAM_RAYS = 192 };

typedef struct {
    double centre[2]; /* in the frame's unit square */
    double least[IDEM_SEAM_RAYS], usual[IDEM_SEAM_RAYS], most[IDEM_SEAM_RAYS];
} idem_seam_band;

/* points: the 68 landmarks in the frame's unit square; margin: free border at the frame's edge. -1: points that are not
 * finite, or lie on a line. */
int idem_seam_band_of(idem_seam_band *band, const float (*points)[2], double margin);

/* The outline of least cost; cost [side, side] over the frame, 0: both agree, 1: they differ completely. */
int idem_seam_find(float radius[IDEM_SEAM_RAYS], const idem_seam_band *band, const float *cost, int side);

/* Distance of a point of the frame inside the outline, along its ray; negative outside. */
double idem_seam_inside(const float radius[IDEM_SEAM_RAYS], const double centre[2], double u, double v);

#endif
