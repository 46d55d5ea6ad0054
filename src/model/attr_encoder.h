/* E_attr: which network it is (told by its tensors, "E_attr.*"), whose batch-norm statistics it uses in training
 * (metadata "attr.norm"; absent: running), and the side at which it sees pictures ("attr.side"; absent: their own). */
#ifndef IDEM_MODEL_ATTR_ENCODER_H
#define IDEM_MODEL_ATTR_ENCODER_H

#include "nets/norm_conv.h"

#define IDEM_ATTR_NETS "resnet18|resnet50|inception3"
#define IDEM_ATTR_NORMS "frozen|running"

/* All NULL or 0: a fresh ResNet-18 with running statistics, for pictures as they are. */
typedef struct {
    const char *net;   /* one of IDEM_ATTR_NETS; NULL: what `start` holds, else resnet18 */
    const char *start; /* a file of torchvision's that the weights come from; NULL: random ones */
    const char *norm;  /* frozen: the stored statistics, never changed, gamma and beta learn; running: the batch's,
                          averaged; NULL: frozen for an InceptionV3 from a file, else running */
    int side; /* larger pictures are averaged to it, so they are a multiple; 0: what is stored, else their own */
} idem_attr_choice;

/* Tensors that may go unused (idem_binder_finish). */
#define IDEM_ATTR_SPARE "fc.*|AuxLogits.*|*.num_batches_tracked"

/* The rest is for src/model only. prefix: "E_attr." or that of its average. */

/* Fresh or started tensors, and the metadata. */
int idem_attr_init(idem_weights *w, const char *prefix, const idem_attr_choice *c, idem_rng *rng);
/* From now on it sees pictures at this side. */
int idem_attr_set_side(idem_weights *w, int side);
/* What is there fits the choice. -1 with a message that names both. */
int idem_attr_check(const idem_weights *w, const char *prefix, const idem_attr_choice *c);
/* Numbers of the code; 0 when there is no such network. */
int idem_attr_width(const idem_weights *w, const char *prefix);
/* x [N, 3, H, W] in [0, 1] -> [N, width], from the binder's prefix on, averaged to attr.side first. An InceptionV3 sees
 * it resized to 299 x 299 (bilinear), a ResNet in its own size, both in [-1, 1]. running NULL: evaluation. The caller
 * finishes the binder, with IDEM_ATTR_SPARE. */
idem_node *idem_attr_node(idem_binder *b, idem_node *x, idem_running_list *running);

#endif
