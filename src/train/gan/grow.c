#include "train/gan/grow.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "train/gan/graph.h"

/* A leaky ReLU of slope 0.2 is invertible on x and -x together: l(x) - l(-x) = 1.2 x. So the picture passes the new
 * layers as six channels, x and -x of each colour, and every layer takes the difference. */
enum { COLOURS = 3, CARRIERS = 2 * COLOURS, TAPS = 9, CENTRE = 4 };
#define TAKEN 1.2f /* x of the difference of two carriers */

/* A tensor's memory: [out][in][taps]. */
typedef struct {
    float *data;
    int64_t out, in, taps;
    float rate; /* sqrt(in taps): weights are divided by it at use */
} layer;

static int find_tensor(const idem_weight **t, const idem_weights *w, const char *name) {
    *t = idem_weights_find(w, name);
    return *t ? 0 : idem_fail("there is no tensor \"%s\": start from another checkpoint", name);
}

static int find(layer *l, const idem_weights *w, const char *format, int block) {
    char name[64];
    snprintf(name, sizeof name, format, block);
    const idem_weight *t;
    if (find_tensor(&t, w, name))
        return -1;
    const int64_t *d = t->shape.d, count = idem_shape_count(&t->shape);
    const bool conv = t->shape.rank == 4;
    *l = (layer){t->data, d[0], conv ? d[1] : 1, conv ? count / (d[0] * d[1]) : 1, 1};
    l->rate = sqrtf((float)(l->in * l->taps));
    return 0;
}

/* Zeroes row o. */
static float *cleared(const layer *l, int64_t o) {
    float *row = l->data + o * l->in * l->taps;
    memset(row, 0, (size_t)(l->in * l->taps) * sizeof *row);
    return row;
}

/* Row o becomes `factor` times the colour c, whose channels have the gain `carried`. */
static void read_colour(const layer *l, int64_t o, int c, float factor, float carried) {
    const float weight = factor * l->rate / (TAKEN * carried);
    float *row = l->data + o * l->in * l->taps;
    const int64_t centre = l->taps == TAPS ? CENTRE : 0;
    row[c * l->taps + centre] = weight;
    row[(c + COLOURS) * l->taps + centre] = -weight;
}

/* Rows whose outputs are x and -x, from channels with the gain `carried`. */
static void carry(const layer *l, float carried) {
    for (int o = 0; o < CARRIERS; o++) {
        cleared(l, o);
        read_colour(l, o, o % COLOURS, o < COLOURS ? 1 : -1, carried);
    }
}

/* Rows after the new blocks: gain times the activation of `rgb` on the picture. */
static void finish(const layer *l, const layer *bias, const layer *rgb, const layer *rgb_bias, float carried) {
    const float gain = sqrtf(2);
    for (int64_t o = 0; o < rgb->out; o++) {
        cleared(l, o);
        for (int c = 0; c < COLOURS; c++)
            read_colour(l, o, c, gain * rgb->data[o * COLOURS + c] / rgb->rate, carried);
        bias->data[o] = gain * rgb_bias->data[o];
    }
}

/* The layer from RGB of `from`: [N, 3, 1, 1] and [N]; the new blocks end in `out` >= N channels. */
static int check_small(const idem_weights *from, int64_t out) {
    char got[2][64];
    const idem_weight *t[2];
    if (find_tensor(&t[0], from, IDEM_GAN_D "convs.0.0.weight") ||
        find_tensor(&t[1], from, IDEM_GAN_D "convs.0.1.bias"))
        return -1;
    const idem_shape *s = &t[0]->shape;
    if (s->rank == 4 && s->d[0] <= out && s->d[1] == COLOURS && idem_shape_count(s) == s->d[0] * COLOURS &&
        idem_shape_count(&t[1]->shape) == s->d[0])
        return 0;
    return idem_fail("the discriminator's layer from RGB is %s with a bias %s, expected [N, 3, 1, 1] with [N] and N at "
                     "most %lld: choose settings.d-width and settings.d-width-max at least as large as theirs, or "
                     "start from another "
                     "checkpoint",
                     idem_shape_text(s, got[0]), idem_shape_text(&t[1]->shape, got[1]), (long long)out);
}

int idem_gan_grow(idem_weights *w, const idem_weights *from, int blocks) {
    layer rgb, first, last, last_bias, skip;
    layer small = {0}, small_bias = {0}; /* read for the last block */
    if (find(&rgb, w, IDEM_GAN_D "convs.0.0.weight", 0))
        return -1;
    for (int o = 0; o < CARRIERS; o++)
        cleared(&rgb, o)[o % COLOURS] = o < COLOURS ? 1 : -1;
    float carried = sqrtf(2) / rgb.rate;
    for (int i = 1; i <= blocks; i++) {
        if (find(&first, w, IDEM_GAN_D "convs.%d.conv1.0.weight", i) ||
            find(&last, w, IDEM_GAN_D "convs.%d.conv2.1.weight", i) ||
            find(&last_bias, w, IDEM_GAN_D "convs.%d.conv2.2.bias", i) ||
            find(&skip, w, IDEM_GAN_D "convs.%d.skip.1.weight", i))
            return -1;
        if (i == blocks && (check_small(from, last.out) || find(&small, from, IDEM_GAN_D "convs.0.0.weight", 0) ||
                            find(&small_bias, from, IDEM_GAN_D "convs.0.1.bias", 0)))
            return -1;
        carry(&first, carried);
        carried = sqrtf(2);
        for (int64_t o = 0; o < (i == blocks ? small.out : skip.out); o++)
            cleared(&skip, o);
        if (i == blocks)
            finish(&last, &last_bias, &small, &small_bias, carried);
        else
            carry(&last, carried);
        carried = 1; /* the gain of conv2 and the division of the sum cancel out */
    }
    return 0;
}
