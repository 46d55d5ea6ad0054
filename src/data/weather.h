/* Random changes of light, lens and film of a picture: training photographs differ mainly in their persons, a mapper's
 * inputs also in how they were taken. */
#ifndef IDEM_DATA_WEATHER_H
#define IDEM_DATA_WEATHER_H

#include "base/rng.h"

/* x [side, side, 3] in [0, 1], changed in place, results are in [0, 1]. strength 0 .. 1, 0 changes nothing; at 1: blur
 * of up to side / 64 pixels (standard deviation of a Gaussian; half of the pictures stay sharp), saturation changed by
 * up to a half, gain and gamma by up to a third each, gains of channels by 8 %, noise of up to 0.03. memory [side *
 * side * 3]. */
void idem_weather(float *x, int side, double strength, idem_rng *rng, float *memory);

#endif
