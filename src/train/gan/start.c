#include "train/gan/start.h"

#include <stdio.h>
#include <string.h>

#include "train/gan/graph.h"
#include "train/gan/grow.h"
#include "train/gan/widen.h"
#include "nets/stylegan2.h"

static bool below(const char *name, const char *prefix) {
    return !strncmp(name, prefix, strlen(prefix));
}

/* 1: taken, 0: `from` has no such tensor, -1: failed. */
static int take(idem_weight *to, const idem_weights *from, const char *name, idem_gan_new made, idem_gan_new read) {
    const idem_weight *w = idem_weights_find(from, name);
    if (!w)
        return 0;
    return idem_gan_widen(to, w, made, read) ? -1 : 1;
}

static int take_g(idem_weight *to, const idem_weights *from, const char *prefix) {
    char name[160];
    const char *rest = to->name + sizeof IDEM_GAN_G - 1;
    snprintf(name, sizeof name, "%s%s", prefix, rest);
    const int taken = take(to, from, name, IDEM_GAN_UNREAD, IDEM_GAN_UNREAD);
    if (!taken && below(rest, "to_rgbs.") && strstr(rest, ".conv.weight"))
        memset(to->data, 0, (size_t)idem_shape_count(&to->shape) * sizeof *to->data);
    return taken < 0 ? -1 : 0;
}

static int take_head(idem_weight *to, const idem_weights *from) {
    char a[64], b[64];
    const idem_weight *w = idem_weights_find(from, to->name);
    if (!w)
        return 0;
    if (idem_shape_count(&w->shape) != idem_shape_count(&to->shape))
        return idem_fail("%s: is %s in the networks to start from, expected %s", w->name, idem_shape_text(&w->shape, a),
                         idem_shape_text(&to->shape, b));
    idem_weight_read(w, to->data);
    return 0;
}

/* Number of blocks of D that halve the picture. */
static int d_blocks(const idem_weights *w) {
    char name[64];
    for (int i = 1;; i++) {
        snprintf(name, sizeof name, IDEM_GAN_D "convs.%d.skip.1.weight", i);
        if (!idem_weights_find(w, name))
            return i - 1;
    }
}

/* blocks: of `to`; shift: how many fewer `from` has. Block 0 reads RGB, so it fits only at the same side. The minibatch
 * standard deviation is computed on the last block's output. */
static int take_d(idem_weight *to, const idem_weights *from, int blocks, int shift) {
    char name[160];
    int i = 0, read = 0;
    const bool in_block = sscanf(to->name, IDEM_GAN_D "convs.%d.%n", &i, &read) == 1 && read;
    if (!in_block) {
        const bool first = below(to->name, IDEM_GAN_D "final_conv.0.");
        return take(to, from, to->name, IDEM_GAN_UNREAD, first ? IDEM_GAN_MUTE : IDEM_GAN_UNREAD) < 0 ? -1 : 0;
    }
    if (i ? i <= shift : shift > 0)
        return 0;
    const bool last = i == blocks && !below(to->name + read, "conv1.");
    snprintf(name, sizeof name, IDEM_GAN_D "convs.%d.%s", i - shift, to->name + read);
    return take(to, from, name, last ? IDEM_GAN_MUTE : IDEM_GAN_UNREAD, IDEM_GAN_UNREAD) < 0 ? -1 : 0;
}

static int take_all(idem_weights *w, const idem_weights *from, const char *prefix) {
    const int had = d_blocks(from), blocks = d_blocks(w), shift = blocks - had;
    int status = 0;
    for (size_t i = 0; i < idem_weights_count(w) && !status; i++) {
        idem_weight *to = idem_weights_at(w, i);
        if (below(to->name, IDEM_GAN_G))
            status = take_g(to, from, prefix);
        else if (below(to->name, IDEM_GAN_D) && had && shift >= 0)
            status = take_d(to, from, blocks, shift);
        else if (below(to->name, IDEM_GAN_HEADS_PREFIX))
            status = take_head(to, from);
    }
    if (!status && had && shift > 0)
        status = idem_gan_grow(w, from, shift);
    return status;
}

void idem_gan_silence(idem_weights *w) {
    for (size_t i = 0; i < idem_weights_count(w); i++) {
        idem_weight *strength = idem_weights_at(w, i);
        if (below(strength->name, IDEM_GAN_G) && strstr(strength->name, ".noise.weight"))
            strength->data[0] = 0;
    }
}

int idem_gan_start_from(idem_weights *w, const char *path) {
    idem_weights *from;
    idem_stylegan2 about;
    if (idem_weights_load(&from, path))
        return -1;
    int status = idem_stylegan2_open(&about, from, NULL);
    if (!status && about.layout != IDEM_STYLEGAN2_CONVERSION)
        status = idem_fail("is in the layout of StyleGAN2-ADA, expected the one of the PyTorch conversion");
    status = status || take_all(w, from, about.prefix) ? -1 : 0;
    idem_weights_free(from);
    return status ? idem_fail_more("%s: %s", path, idem_error()) : 0;
}
