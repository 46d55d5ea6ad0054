/* The FFHQ frame: the square that the widespread alignment script (Karras et al. 2019, on dlib's 68 points) cuts around
 * a face; FFHQ-like generators paint faces in it. With e the vector between the eye centres and m the one from their
 * middle to the middle of the mouth corners, its half side is the direction of e - rot90(m), as long as the larger of
 * 2.0 |e| and 1.8 |m|; its centre lies a tenth of m below the middle of the eyes. */
#ifndef IDEM_FACE_ALIGN_H
#define IDEM_FACE_ALIGN_H

#include "face/crop.h"
#include "media/image.h"

/* The frame as a crop: unit coordinates of the frame to unit coordinates of a photograph of width x height pixels.
 * points: 68 landmarks in unit coordinates of the photograph. -1: points that coincide or are not finite. */
int idem_align_frame(idem_crop *frame, const float (*points)[2], int width, int height);

/* The frame as a picture of side x side pixels, antialiased. Beyond its borders the photograph is mirrored, blurred and
 * faded to its median colour with increasing distance. */
int idem_align_picture(idem_image *out, const idem_image *photo, const idem_crop *frame, int side);

/* The share of a frame outside its photograph, where pixels are filled in: 0 to 1, by the exact area; 1 for a frame
 * without an area. From IDEM_OUTSIDE_MUCH on it deserves a note. */
double idem_align_outside(const idem_crop *frame);
#define IDEM_OUTSIDE_MUCH 0.2

/* Length of the frame's side in pixels of a photograph of width x height. */
double idem_align_side(const idem_crop *frame, int width, int height);

/* Mean distance of the frame's corners from those of the whole picture, divided by its side. */
double idem_align_off(const idem_crop *frame);

#endif
