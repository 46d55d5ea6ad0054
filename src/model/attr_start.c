#include "model/attr_start.h"

#include <stdio.h>
#include <string.h>

#include "base/status.h"
#include "nets/imagenet.h"
#include "nets/inception3.h"
#include "nets/resnet.h"

enum { NAME_BYTES = 512 };

/* (x - mean) / deviation = scale (2 x - 1) + shift */
static void take_unit_range(idem_weight *conv, idem_weight *running_mean) {
    int64_t area = conv->shape.d[2] * conv->shape.d[3];
    for (int64_t o = 0; o < conv->shape.d[0]; o++)
        for (int c = 0; c < 3; c++) {
            float *w = conv->data + (o * 3 + c) * area, scale = 0.5f / idem_imagenet_deviation[c],
                  shift = (0.5f - idem_imagenet_mean[c]) / idem_imagenet_deviation[c];
            double sum = 0;
            for (int64_t k = 0; k < area; k++) {
                sum += (double)w[k];
                w[k] *= scale;
            }
            running_mean->data[o] -= (float)(sum * (double)shift);
        }
}

static bool is_used(const char *name) {
    const char *end = strrchr(name, '.');
    return strncmp(name, "fc.", 3) && strncmp(name, "AuxLogits.", 10) && !(end && !strcmp(end, ".num_batches_tracked"));
}

static int copy_all(idem_weights *to, const char *prefix, const idem_weights *from) {
    for (size_t i = 0; i < idem_weights_count(from); i++) {
        const idem_weight *w = idem_weights_at(from, i);
        char name[NAME_BYTES];
        if (!is_used(w->name))
            continue;
        snprintf(name, sizeof name, "%s%s", prefix, w->name);
        idem_weight *copy = idem_weights_add(to, name, w->shape);
        if (!copy)
            return -1;
        idem_weight_read(w, copy->data);
    }
    return 0;
}

static int check_and_copy(idem_weights *to, const char *prefix, const idem_weights *from, const char *path) {
    if (idem_inception3_width(from, ""))
        return copy_all(to, prefix, from);
    const idem_weight *conv = idem_weights_find(from, "conv1.weight"),
                      *average = idem_weights_find(from, "bn1.running_mean");
    if (!conv || !average || conv->shape.rank != 4 || conv->shape.d[1] != 3 ||
        idem_shape_count(&average->shape) != conv->shape.d[0] || !idem_resnet_width(from, ""))
        return idem_fail("%s: neither an InceptionV3 (Mixed_7c.*) nor a ResNet (conv1.weight [64, 3, 7, 7], bn1.*, "
                         "layer1.* to layer4.*) with torchvision's names is in it: see \"idem model inspect\"",
                         path);
    if (copy_all(to, prefix, from))
        return -1;
    char name[2][NAME_BYTES];
    snprintf(name[0], sizeof name[0], "%sconv1.weight", prefix);
    snprintf(name[1], sizeof name[1], "%sbn1.running_mean", prefix);
    take_unit_range(idem_weights_find(to, name[0]), idem_weights_find(to, name[1]));
    return 0;
}

int idem_attr_start(idem_weights *to, const char *prefix, const char *path) {
    idem_weights *from;
    if (idem_weights_load(&from, path))
        return -1;
    static const char *const signs[] = {"Conv2d_1a_3x3.conv.weight", "layer1.0.conv1.weight"};
    char place[IDEM_PREFIX_BYTES];
    idem_weights_unwrap(from);
    for (int i = 0; i < 2; i++)
        if (idem_weights_prefixes(from, signs[i], &place, 1) == 1 && *place)
            idem_weights_select(from, place); /* it contains one */
    int status = check_and_copy(to, prefix, from, path);
    idem_weights_free(from);
    return status;
}
