/* The allowed colours of a face, from two photographs of faces: codes fitted to a pair leave the distribution of the
 * generator's training pictures, and colours degrade first (green teeth, violet shadows), to which recognisers and
 * landmarks are insensitive. Chroma is (red - green, (red + green) / 2 - blue) of numbers in [0, 1]. */
#ifndef IDEM_MODEL_GAMUT_H
#define IDEM_MODEL_GAMUT_H

#include <stdint.h>

#include "engine/graph.h"

enum { IDEM_GAMUT_NUMBERS = 4 }; /* least and most of either chroma */

/* n pictures [side, side, 3] in [0, 1]; outside [side * side]: 0 for pixels of the face (at least one), else 1. For
 * each picture the 2 % of the face's pixels at either end of a chroma are ignored. 0 or -1 (memory). */
int idem_gamut_find(const float *const *pictures, int n, int side, const uint8_t *outside,
                    float bounds[IDEM_GAMUT_NUMBERS]);

/* The excess of the face of y [1, 3, S, S] in [0, 1] over bounds [1, IDEM_GAMUT_NUMBERS], mean over its pixels. */
idem_node *idem_gamut_loss(idem_node *y, idem_node *bounds, const uint8_t *outside);

#endif
