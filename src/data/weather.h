/* Another light, lens and film for a picture, drawn by chance: photographs that a mapper is trained on differ in who is
 * on them, those that it will be given also in how they were taken. */
#ifndef IDEM_DATA_WEATHER_H
#define IDEM_DATA_WEATHER_H

#include "base/rng.h"

/* x [side, side, 3] in [0, 1], changed in place and left in it. strength 0 .. 1, 0 changes nothing; at 1: softness of
 * up to side / 64 pixels (deviation of a Gaussian; half of the pictures stay as sharp as they are), colours moved to
 * grey or away from it by up to a half, gain and gamma of up to a third each, 8 % of a channel's gain, noise of up to
 * 0.03. memory [side * side * 3]. */
void idem_weather(float *x, int side, double strength, idem_rng *rng, float *memory);

#endif
