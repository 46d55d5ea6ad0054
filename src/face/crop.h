/* Crops: the part of a picture that a face network sees, as an affine map between unit coordinates, and as a
 * differentiable resampling.
 *
 * Coordinates are continuous: pixel i of a side of S covers [i, i + 1), its centre is i + 0.5, and unit coordinates are
 * x = (i + 0.5) / S. The top left corner is (0, 0), the bottom right (1, 1). A crop maps unit coordinates of the target
 * (what the network sees) to unit coordinates of the source picture:
 *     source x = m[0] * x + m[1] * y + m[2];   source y = m[3] * x + m[4] * y + m[5]
 * so one crop serves a generator of any size. */
#ifndef IDEM_FACE_CROP_H
#define IDEM_FACE_CROP_H

#include <stdbool.h>

#include "engine/ops.h"

typedef struct {
    float m[6];
} idem_crop;

typedef struct {
    float x0, y0, x1, y1; /* corners in unit coordinates of the picture */
} idem_box;

/* The 112x112 five-point template of the recogniser in unit coordinates: eyes (left in the picture first), nose, mouth
 * corners. */
extern const float idem_template_112[5][2];

/* The box stretched to the whole target. */
idem_crop idem_crop_from_box(const idem_box *box);
/* The least-squares similarity (Umeyama 1991, no mirroring) that maps n template points (unit coordinates of a square
 * target) to the same points in the picture (unit coordinates of a picture of width x height pixels). -1: fewer than 2
 * points, equal points, or numbers that are not finite. */
int idem_crop_fit(idem_crop *crop, const float (*template_points)[2], const float (*points)[2], int n, int width,
                  int height);
/* Eye means 36-41 and 42-47, nose 30, mouth corners 48 and 54 of 68 landmarks [68][2]. */
void idem_points_five(float five[5][2], const float (*points68)[2]);
/* n points from target to source coordinates; out may be in. */
void idem_crop_points(float (*out)[2], const float (*in)[2], int n, const idem_crop *crop);
/* Source to target; -1 if the crop is degenerate. */
int idem_crop_invert(idem_crop *out, const idem_crop *crop);

typedef enum { IDEM_BORDER_EDGE, IDEM_BORDER_ZERO } idem_border; /* outside the source: its nearest pixel, or 0 */

/* The crop as a sparse map from H x W source pixels to h x w target pixels. Bilinear; if the crop shrinks, the triangle
 * is stretched by the scale (antialiased), for each source axis. Weights of one target sum to 1 (less beyond a zero
 * border). The caller frees it with idem_crop_map_free. */
int idem_crop_map(idem_sparse *out, const idem_crop *crop, int h, int w, int H, int W, idem_border border);
void idem_crop_map_free(idem_sparse *map);
/* Applies a map to interleaved floats: out [rows, channels], in [columns, channels]. */
void idem_crop_apply(float *out, const float *in, int channels, const idem_sparse *map);

/* ---- in the graph; x: [N, 3, H, W] in [0, 1] ---- */
/* [N, C, H, W] -> [N, C, h, w], edges replicated */
idem_node *idem_crop_node(idem_node *x, const idem_crop *crop, int h, int w);
/* fr_landmark's input: crop to 64 x 64, grey 0.299 R + 0.587 G + 0.114 B, p / 256 -> [N, 1, 64, 64] */
idem_node *idem_crop_landmark_input(idem_node *x, const idem_crop *crop);
/* The landmark net's output [N, 136] (68 points in target coordinates) to points first .. 67 in whole-picture unit
 * coordinates times `units`: [N, 68 - first, 2]. first 17 drops the jaw. */
idem_node *idem_crop_landmark_points(idem_node *out136, const idem_crop *crop, int first, float units);

#endif
