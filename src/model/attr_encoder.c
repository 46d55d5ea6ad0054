#include "model/attr_encoder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/ops.h"
#include "model/attr_start.h"
#include "nets/inception3.h"
#include "nets/resample.h"
#include "nets/resnet.h"

enum { SIDE_MOST = 4096 };
static const char NORM[] = "attr.norm", SIDE[] = "attr.side", FROZEN[] = "frozen", RUNNING[] = "running",
                  INCEPTION[] = "inception3";

static bool is_inception(const idem_weights *w, const char *prefix) {
    return idem_inception3_width(w, prefix) > 0;
}

int idem_attr_width(const idem_weights *w, const char *prefix) {
    const int width = idem_resnet_width(w, prefix);
    return width ? width : idem_inception3_width(w, prefix);
}

static const char *norm_of(const idem_weights *w) {
    const char *norm = idem_weights_meta(w, NORM);
    return norm ? norm : RUNNING;
}

static int fresh(idem_weights *w, const char *prefix, const char *net, idem_rng *rng) {
    if (!net || !strcmp(net, "resnet18"))
        return idem_resnet_init(w, prefix, 18, rng);
    if (!strcmp(net, "resnet50"))
        return idem_resnet_init(w, prefix, 50, rng);
    if (!strcmp(net, INCEPTION))
        return idem_inception3_init(w, prefix, rng);
    return idem_fail("\"%s\" is no attribute encoder; there are " IDEM_ATTR_NETS ", and files of torchvision's", net);
}

/* 0 if not stored; -1 with a message. */
static int side_of(const idem_weights *w) {
    const char *text = idem_weights_meta(w, SIDE);
    char *end;
    const long side = text ? strtol(text, &end, 10) : 0;
    if (text && (end == text || *end || side < 1 || side > SIDE_MOST))
        return idem_fail("\"%s\" is \"%.20s\", expected the side of pictures in pixels, 1 to %d", SIDE, text,
                         SIDE_MOST);
    return (int)side;
}

int idem_attr_set_side(idem_weights *w, int side) {
    char text[16];
    if (side < 1 || side > SIDE_MOST)
        return idem_fail("the attribute encoder cannot see pictures of %d pixels, expected 1 to %d", side, SIDE_MOST);
    snprintf(text, sizeof text, "%d", side);
    return idem_weights_set_meta(w, SIDE, text);
}

/* ResNets of other depths come only from files, and have no name here. */
static const char *name_of(const idem_weights *w, const char *prefix) {
    if (is_inception(w, prefix))
        return INCEPTION;
    const int width = idem_resnet_width(w, prefix);
    return width == 512 ? "resnet18" : width == 2048 ? "resnet50" : "another ResNet";
}

int idem_attr_check(const idem_weights *w, const char *prefix, const idem_attr_choice *c) {
    if (c->net && strcmp(c->net, name_of(w, prefix)))
        return idem_fail("E_attr is %s in this file, but %s was requested: leave it out, or start another run",
                         name_of(w, prefix), c->net);
    if (c->norm && strcmp(c->norm, norm_of(w)))
        return idem_fail("the batch-norm statistics of E_attr are %s in this file, but %s was requested: leave it out, "
                         "or start another run",
                         norm_of(w), c->norm);
    const int side = side_of(w);
    if (side < 0 || !c->side || c->side == side)
        return side < 0 ? -1 : 0;
    char seen[48] = "as they are";
    if (side)
        snprintf(seen, sizeof seen, "averaged to %d pixels", side);
    return idem_fail("E_attr sees pictures %s in this file, but %d was requested: leave it out, or start another run, "
                     "from a mapper with options.adapt",
                     seen, c->side);
}

int idem_attr_init(idem_weights *w, const char *prefix, const idem_attr_choice *c, idem_rng *rng) {
    if (c->start ? idem_attr_start(w, prefix, c->start) : fresh(w, prefix, c->net, rng))
        return -1;
    const char *norm = c->norm ? c->norm : c->start && is_inception(w, prefix) ? FROZEN : RUNNING;
    if (strcmp(norm, FROZEN) && strcmp(norm, RUNNING))
        return idem_fail("\"%s\": batch-norm statistics are " IDEM_ATTR_NORMS, norm);
    if (c->side && idem_attr_set_side(w, c->side))
        return -1;
    return idem_weights_set_meta(w, NORM, norm) || idem_attr_check(w, prefix, c) ? -1 : 0;
}

/* Every pixel is the mean of its block. */
static idem_node *seen(const idem_weights *w, idem_node *x) {
    const int side = side_of(w);
    if (side < 0 || !x)
        return NULL;
    const int64_t h = x->shape.d[2], factor = side ? h / side : 1;
    if (!side || h <= side)
        return x;
    if (h != x->shape.d[3] || factor * side != h)
        return idem_fail_null("E_attr sees pictures averaged to %d pixels, but these have %lld x %lld, which is no "
                              "multiple; train one whose options.attribute_side divides theirs",
                              side, (long long)x->shape.d[3], (long long)h);
    return idem_avgpool(x, idem_window_make((int)factor, (int)factor, 0), false);
}

idem_node *idem_attr_node(idem_binder *b, idem_node *x, idem_running_list *running) {
    const bool batch = running && strcmp(norm_of(b->weights), FROZEN) != 0;
    const idem_norm_stats stats = batch ? IDEM_BATCH_STATS : IDEM_FIXED_STATS;
    x = seen(b->weights, x);
    if (is_inception(b->weights, b->prefix)) {
        x = idem_resample_bilinear(x, IDEM_INCEPTION3_SIDE, IDEM_INCEPTION3_SIDE);
        return idem_inception3(b, idem_affine(x, 2, -1), stats, running);
    }
    return idem_resnet(b, idem_affine(x, 2, -1), stats, running);
}
