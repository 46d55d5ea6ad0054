/* The colours a face may have, as far as two photographs of faces tell: codes that are fitted to a pair leave the
 * pictures that the generator was trained on, and the first thing to go wrong there is colour (green teeth, violet
 * shadows), which neither a recogniser nor landmarks mind. Chroma is (red - green, (red + green) / 2 - blue) of numbers
 * in [0, 1]. */
#ifndef IDEM_MODEL_GAMUT_H
#define IDEM_MODEL_GAMUT_H

#include <stdint.h>

#include "engine/graph.h"

enum { IDEM_GAMUT_NUMBERS = 4 }; /* least and most of either chroma */

/* n pictures [side, side, 3] in [0, 1]; outside [side * side]: 1 where a pixel is not of the face, elsewhere 0, once at
 * least. Of each picture all but the 2 % of the face's pixels at either end of a chroma count. 0 or -1 (memory). */
int idem_gamut_find(const float *const *pictures, int n, int side, const uint8_t *outside,
                    float bounds[IDEM_GAMUT_NUMBERS]);

/* How far the face of y [1, 3, S, S] in [0, 1] is beyond bounds [1, IDEM_GAMUT_NUMBERS], the mean over its pixels. */
idem_node *idem_gamut_loss(idem_node *y, idem_node *bounds, const uint8_t *outside);

#endif
