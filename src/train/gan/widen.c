#include "train/gan/widen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/gan/graph.h"

/* A tensor's memory: [out][in][taps]. */
typedef struct {
    int64_t out, in, taps;
} layout;

static layout layout_of(const idem_shape *s, bool of_d, int64_t taps) {
    const bool flat = of_d && s->rank == 2; /* D's linear layers: inputs are channels times positions */
    int first = 0;
    while (!of_d && first < s->rank - 1 && s->d[first] == 1)
        first++; /* [1, O, I, K, K] */
    layout l = {1, 1, 1};
    if (first < s->rank)
        l.out = s->d[first];
    if (first + 1 < s->rank)
        l.in = s->d[first + 1];
    for (int i = first + 2; i < s->rank; i++)
        l.taps *= s->d[i];
    if (flat && l.in % taps == 0) {
        l.in /= taps;
        l.taps = taps;
    }
    return l;
}

/* Whether a tensor's input and output channels depend on the widths. */
static void follows(const char *name, bool *in, bool *out) {
    const bool of_d = !strncmp(name, IDEM_GAN_D, sizeof IDEM_GAN_D - 1);
    const char *rest = name + sizeof IDEM_GAN_G - 1;
    *in = of_d || strstr(name, ".conv.weight");
    *out = of_d || (strncmp(rest, "style.", 6) && strncmp(rest, "noises.", 7));
}

static int check(const idem_weight *to, const idem_weight *from, const layout *n, const layout *o, int64_t least) {
    char a[64], b[64];
    bool in, out;
    follows(to->name, &in, &out);
    if (n->taps != o->taps || o->in < least || (!in && n->in != o->in) || (!out && n->out != o->out))
        return idem_fail("%s: is %s in the networks to start from, here it is %s: only channels may differ, so choose "
                         "the same settings.z, settings.w and settings.mapping-layers",
                         from->name, idem_shape_text(&from->shape, a), idem_shape_text(&to->shape, b));
    if (o->in > n->in || o->out > n->out)
        return idem_fail("%s: is %s in the networks to start from, wider than the %s here: choose settings.width, "
                         "settings.width-max, settings.d-width and settings.d-width-max at least as large as theirs",
                         from->name, idem_shape_text(&from->shape, a), idem_shape_text(&to->shape, b));
    return 0;
}

static void fill(float *to, const layout *n, const float *from, const layout *o, idem_gan_new made, idem_gan_new read) {
    const size_t tap = (size_t)n->taps;
    const bool deviation = read == IDEM_GAN_MUTE;
    const int64_t kept = o->in - deviation, added = n->in - o->in;
    const float gain = sqrtf((float)n->in / (float)o->in);
    for (int64_t r = 0; r < n->out; r++) {
        float *row = to + (size_t)(r * n->in) * tap;
        if (r >= o->out) {
            if (made == IDEM_GAN_MUTE)
                memset(row, 0, (size_t)n->in * tap * sizeof *row);
            continue;
        }
        const float *old = from + (size_t)(r * o->in) * tap;
        for (size_t i = 0; i < (size_t)kept * tap; i++)
            row[i] = old[i] * gain;
        if (!deviation) {
            memset(row + (size_t)kept * tap, 0, (size_t)added * tap * sizeof *row);
            continue;
        }
        /* The mean of the deviations is over more channels, and the new ones are 0. */
        const float share = (float)(n->in - 1) / (float)kept;
        for (size_t i = 0; i < tap; i++)
            row[(size_t)(n->in - 1) * tap + i] = old[(size_t)kept * tap + i] * gain * share;
    }
}

int idem_gan_widen(idem_weight *to, const idem_weight *from, idem_gan_new made, idem_gan_new read) {
    enum { LAST = 4 * 4 }; /* positions of the layer before D's linear layers */
    const bool of_d = !strncmp(to->name, IDEM_GAN_D, sizeof IDEM_GAN_D - 1);
    const int64_t taps = strstr(to->name, "final_linear.0") ? LAST : 1;
    const layout n = layout_of(&to->shape, of_d, taps), o = layout_of(&from->shape, of_d, taps);
    if (check(to, from, &n, &o, read == IDEM_GAN_MUTE ? 2 : 1))
        return -1;
    float *old = malloc((size_t)idem_shape_count(&from->shape) * sizeof *old);
    if (!old)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the tensor %s", from->name);
    idem_weight_read(from, old);
    fill(to->data, &n, old, &o, made, read);
    free(old);
    return 0;
}
