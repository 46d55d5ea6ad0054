#include "learn/attr_encoder.h"

#include <string.h>

#include "engine/ops.h"
#include "learn/attr_start.h"
#include "nets/inception3.h"
#include "nets/resample.h"
#include "nets/resnet.h"

static const char NORM[] = "attr.norm", FROZEN[] = "frozen", RUNNING[] = "running", INCEPTION[] = "inception3";

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

/* ResNets of other depths come from files, and have no name here. */
static const char *name_of(const idem_weights *w, const char *prefix) {
    if (is_inception(w, prefix))
        return INCEPTION;
    const int width = idem_resnet_width(w, prefix);
    return width == 512 ? "resnet18" : width == 2048 ? "resnet50" : "another ResNet";
}

int idem_attr_check(const idem_weights *w, const char *prefix, const idem_attr_choice *c) {
    if (c->net && strcmp(c->net, name_of(w, prefix)))
        return idem_fail("E_attr is %s in this file, %s was asked for: leave it out, or start another run",
                         name_of(w, prefix), c->net);
    if (c->norm && strcmp(c->norm, norm_of(w)))
        return idem_fail("the batch-norm statistics of E_attr are %s in this file, %s was asked for: leave it out, or "
                         "start another run",
                         norm_of(w), c->norm);
    return 0;
}

int idem_attr_init(idem_weights *w, const char *prefix, const idem_attr_choice *c, idem_rng *rng) {
    if (c->start ? idem_attr_start(w, prefix, c->start) : fresh(w, prefix, c->net, rng))
        return -1;
    const char *norm = c->norm ? c->norm : c->start && is_inception(w, prefix) ? FROZEN : RUNNING;
    if (strcmp(norm, FROZEN) && strcmp(norm, RUNNING))
        return idem_fail("\"%s\": batch-norm statistics are " IDEM_ATTR_NORMS, norm);
    return idem_weights_set_meta(w, NORM, norm) || idem_attr_check(w, prefix, c) ? -1 : 0;
}

idem_node *idem_attr_node(idem_binder *b, idem_node *x, idem_running_list *running) {
    const bool batch = running && strcmp(norm_of(b->weights), FROZEN) != 0;
    const idem_norm_stats stats = batch ? IDEM_BATCH_STATS : IDEM_FIXED_STATS;
    if (is_inception(b->weights, b->prefix)) {
        x = idem_resample_bilinear(x, IDEM_INCEPTION3_SIDE, IDEM_INCEPTION3_SIDE);
        return idem_inception3(b, idem_affine(x, 2, -1), stats, running);
    }
    return idem_resnet(b, idem_affine(x, 2, -1), stats, running);
}
