#include "face/lab.h"

#include <math.h>

/* sRGB's primaries (IEC 61966-2-1), rows divided by the white point, and the inverse. */
static const double to_xyz[3][3] = {{0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047},
                                    {0.2126729, 0.7151522, 0.0721750},
                                    {0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883}};
static const double from_xyz[3][3] = {{3.2404542 * 0.95047, -1.5371385, -0.4985314 * 1.08883},
                                      {-0.9692660 * 0.95047, 1.8760108, 0.0415560 * 1.08883},
                                      {0.0556434 * 0.95047, -0.2040259, 1.0572252 * 1.08883}};
static const double knee = 6.0 / 29; /* of CIELAB's cube root */

static double linear(double c) {
    return c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
}

static double encoded(double c) {
    return c <= 0.0031308 ? 12.92 * c : 1.055 * pow(c, 1 / 2.4) - 0.055;
}

void idem_lab_from_rgb(float *lab, const uint8_t *rgb, size_t n) {
    double table[256];
    for (int i = 0; i < 256; i++)
        table[i] = linear(i / 255.0);
    for (size_t i = 0; i < 3 * n; i += 3) {
        double c[3], f[3];
        for (int k = 0; k < 3; k++)
            c[k] = table[rgb[i + (size_t)k]];
        for (int k = 0; k < 3; k++) {
            const double t = to_xyz[k][0] * c[0] + to_xyz[k][1] * c[1] + to_xyz[k][2] * c[2];
            f[k] = t > knee * knee * knee ? cbrt(t) : t / (3 * knee * knee) + 4.0 / 29;
        }
        lab[i] = (float)(116 * f[1] - 16);
        lab[i + 1] = (float)(500 * (f[0] - f[1]));
        lab[i + 2] = (float)(200 * (f[1] - f[2]));
    }
}

void idem_lab_to_rgb(uint8_t *rgb, const float *lab, size_t n) {
    for (size_t i = 0; i < 3 * n; i += 3) {
        const double y = (lab[i] + 16.0) / 116;
        double f[3] = {y + lab[i + 1] / 500.0, y, y - lab[i + 2] / 200.0};
        for (int k = 0; k < 3; k++)
            f[k] = f[k] > knee ? f[k] * f[k] * f[k] : 3 * knee * knee * (f[k] - 4.0 / 29);
        for (int k = 0; k < 3; k++) {
            const double c = from_xyz[k][0] * f[0] + from_xyz[k][1] * f[1] + from_xyz[k][2] * f[2];
            rgb[i + (size_t)k] = (uint8_t)(255 * encoded(fmin(fmax(c, 0), 1)) + 0.5);
        }
    }
}
