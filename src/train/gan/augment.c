#include "train/gan/augment.h"

#include <math.h>
#include <string.h>

#include "engine/ops.h"

#define PI 3.14159265358979323846

/* A warp maps positions of the result to positions of the source, so the last transformation of a picture is multiplied
 * first. */
typedef struct {
    double a, b, c, d, e, f; /* x' = a x + b y + c, y' = d x + e y + f */
} affine;

/* m after by: by is applied first. */
static void chain(affine *m, affine by) {
    const affine o = *m;
    m->a = o.a * by.a + o.b * by.d;
    m->b = o.a * by.b + o.b * by.e;
    m->c = o.a * by.c + o.b * by.f + o.c;
    m->d = o.d * by.a + o.e * by.d;
    m->e = o.d * by.b + o.e * by.e;
    m->f = o.d * by.c + o.e * by.f + o.f;
}

static bool happens(idem_rng *rng, double probability) {
    return idem_rng_uniform(rng) < probability;
}

static double between(idem_rng *rng, double lo, double hi) {
    return lo + (hi - lo) * idem_rng_uniform(rng);
}

static void draw_warp(float *out, int side, double p, idem_rng *rng) {
    affine m = {1, 0, 0, 0, 1, 0};
    if (happens(rng, p)) {
        const double eighth = (double)side / 8;
        chain(&m, (affine){1, 0, rint(between(rng, -eighth, eighth)), 0, 1, rint(between(rng, -eighth, eighth))});
    }
    if (happens(rng, p)) {
        const double s = exp2(0.2 * (double)idem_rng_normal(rng));
        chain(&m, (affine){1 / s, 0, 0, 0, 1 / s, 0});
    }
    if (happens(rng, p)) {
        const double t = between(rng, -PI / 6, PI / 6);
        chain(&m, (affine){cos(t), -sin(t), 0, sin(t), cos(t), 0});
    }
    if (happens(rng, p)) {
        const double s = exp2(0.1 * (double)idem_rng_normal(rng));
        chain(&m, (affine){1 / s, 0, 0, 0, s, 0});
    }
    const double all[6] = {m.a, m.b, m.c, m.d, m.e, m.f};
    for (int i = 0; i < 6; i++)
        out[i] = (float)all[i];
}

/* m = by * m, 3x3. */
static void multiply(double m[9], const double by[9]) {
    double old[9];
    memcpy(old, m, sizeof old);
    for (int i = 0; i < 9; i++)
        m[i] = by[i / 3 * 3] * old[i % 3] + by[i / 3 * 3 + 1] * old[3 + i % 3] + by[i / 3 * 3 + 2] * old[6 + i % 3];
}

/* Rotates colours about the grey axis by t and scales their distance from it by s. */
static void turn_colours(double m[9], double t, double s) {
    double by[9];
    const double c = s * cos(t), z = s * sin(t) / sqrt(3), grey = (1 - c) / 3;
    for (int i = 0; i < 9; i++) {
        const int step = (i % 3 - i / 3 + 3) % 3;
        by[i] = grey + (step == 0 ? c : step == 1 ? -z : z);
    }
    multiply(m, by);
}

static void draw_colours(float *matrix, float *offset, double p, idem_rng *rng) {
    double m[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, shift = 0;
    if (happens(rng, p))
        shift = 0.2 * (double)idem_rng_normal(rng);
    if (happens(rng, p)) {
        const double s = exp2(0.5 * (double)idem_rng_normal(rng));
        for (int i = 0; i < 9; i++)
            m[i] *= s;
        shift *= s;
    }
    if (happens(rng, p))
        turn_colours(m, between(rng, -PI, PI), 1);
    if (happens(rng, p))
        turn_colours(m, 0, exp2((double)idem_rng_normal(rng)));
    for (int i = 0; i < 9; i++)
        matrix[i] = (float)m[i];
    for (int c = 0; c < 3; c++)
        offset[c] = (float)shift; /* the last two keep grey unchanged */
}

static void draw_box(float *box, int side, double p, idem_rng *rng) {
    memset(box, 0, 4 * sizeof *box);
    if (!happens(rng, p / 2))
        return;
    const double quarter = (double)side / 4, x = between(rng, 0, side), y = between(rng, 0, side);
    box[0] = (float)(x - quarter);
    box[1] = (float)(y - quarter);
    box[2] = (float)(x + quarter);
    box[3] = (float)(y + quarter);
}

void idem_gan_augment(float *numbers, int64_t n, int side, double strength, idem_rng *rng) {
    for (int64_t i = 0; i < n; i++, numbers += IDEM_AUGMENT_NUMBERS) {
        const uint64_t start = rng->counter;
        draw_warp(numbers + IDEM_AUGMENT_WARP, side, strength, rng);
        draw_colours(numbers + IDEM_AUGMENT_COLOUR, numbers + IDEM_AUGMENT_OFFSET, strength, rng);
        draw_box(numbers + IDEM_AUGMENT_BOX, side, strength, rng);
        rng->counter = start + IDEM_GAN_AUGMENT_DRAWS;
    }
}

void idem_gan_shift(float *numbers, int64_t n, int most, idem_rng *rng) {
    memset(numbers, 0, (size_t)n * IDEM_AUGMENT_NUMBERS * sizeof *numbers);
    for (int64_t i = 0; i < n; i++, numbers += IDEM_AUGMENT_NUMBERS) {
        float *warp = numbers + IDEM_AUGMENT_WARP, *colour = numbers + IDEM_AUGMENT_COLOUR;
        warp[0] = warp[4] = colour[0] = colour[4] = colour[8] = 1;
        for (int axis = 0; axis < 2; axis++)
            warp[2 + 3 * axis] = (float)floor(between(rng, -most, most + 1));
    }
}
