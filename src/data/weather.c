#include "data/weather.h"

#include <math.h>

enum { REACH = 6 }; /* largest radius of the blur, in pixels */

static double between(idem_rng *rng, double most) {
    return most * (2 * idem_rng_uniform(rng) - 1);
}

/* Along rows from -> to; to is transposed, so that two calls blur both axes. The edge is repeated. */
static void blur_rows(const float *from, float *to, int side, const float *kernel, int reach) {
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++) {
            float sum[3] = {0};
            for (int k = -reach; k <= reach; k++) {
                const int at = x + k < 0 ? 0 : x + k >= side ? side - 1 : x + k;
                for (int c = 0; c < 3; c++)
                    sum[c] += kernel[k + reach] * from[3 * (y * side + at) + c];
            }
            for (int c = 0; c < 3; c++)
                to[3 * (x * side + y) + c] = sum[c];
        }
}

static void soften(float *x, int side, double sigma, float *memory) {
    const int wanted = (int)ceil(3 * sigma), reach = wanted < REACH ? wanted : REACH;
    float kernel[2 * REACH + 1], sum = 0;
    for (int k = -reach; k <= reach; k++)
        sum += kernel[k + reach] = (float)exp(-k * k / (2 * sigma * sigma));
    for (int k = 0; k <= 2 * reach; k++)
        kernel[k] /= sum;
    blur_rows(x, memory, side, kernel, reach);
    blur_rows(memory, x, side, kernel, reach);
}

void idem_weather(float *x, int side, double strength, idem_rng *rng, float *memory) {
    if (strength <= 0)
        return;
    const double sigma = strength * side / 64 * fmax(0, between(rng, 1)), grey = between(rng, 0.5 * strength),
                 gain = exp(between(rng, 0.3 * strength)), power = exp(between(rng, 0.3 * strength)),
                 noise = strength * 0.03 * idem_rng_uniform(rng);
    double channel[3];
    for (int c = 0; c < 3; c++)
        channel[c] = gain * exp(between(rng, 0.08 * strength));
    if (sigma > 0.2)
        soften(x, side, sigma, memory);
    for (int i = 0; i < side * side; i++) {
        float *p = x + 3 * i;
        const double mean = ((double)p[0] + (double)p[1] + (double)p[2]) / 3;
        for (int c = 0; c < 3; c++) {
            const double v = (double)p[c] + grey * (mean - (double)p[c]),
                         lit = channel[c] * pow(v > 0 ? v : 0, power) + noise * (double)idem_rng_normal(rng);
            p[c] = lit < 0 ? 0 : lit > 1 ? 1 : (float)lit;
        }
    }
}
