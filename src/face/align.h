/* The FFHQ frame: the square that the widespread alignment script (Karras et al. 2019, on dlib's 68 points) cuts around
 * a face, and in which FFHQ-like generators paint. With e the vector between the eye centres and m the one from their
 * middle to the middle of the mouth corners, its half side is the direction of e - rot90(m), as long as the larger of
 * 2.0 |e| and 1.8 |m|; its centre lies a tenth of m below the middle of the eyes. */
#ifndef IDEM_FACE_ALIGN_H
#define IDEM_FACE_ALIGN_H

#include "face/crop.h"
#include "media/image.h"

/* The frame as a crop: unit coordinates of the frame to unit coordinates of a photograph of width x height pixels.
 * points: 68 landmarks in unit coordinates of the photograph. -1: points that coincide or are not finite. */
int idem_align_frame(idem_crop *frame, const float (*points)[2], int width, int height);

/* The frame as a picture of side x side pixels, antialiased. Where it reaches beyond the photograph, the photograph is
 * mirrored, and blurred and faded to its median colour with the distance. */
int idem_align_picture(idem_image *out, const idem_image *photo, const idem_crop *frame, int side);

/* The share of a frame that is outside its photograph, so that what is there is made up: 0 to 1, by the exact area; 1
 * for a frame without an area. From IDEM_OUTSIDE_MUCH on it is worth a remark. */
double idem_align_outside(const idem_crop *frame);
#define IDEM_OUTSIDE_MUCH 0.2

/* Length of the frame's side in pixels of a photograph of width x height. */
double idem_align_side(const idem_crop *frame, int width, int height);

/* How far the frame's corners are from those of the whole picture, in parts of its side: mean. */
double idem_align_off(const idem_crop *frame);

#endif
