/* E_attr: its network (recognised by its tensors, "E_attr.*"), its batch-norm statistics in training (metadata
 * "attr.norm"; absent: running), and the side at which it sees pictures ("attr.side"; absent: their side). */
#ifndef IDEM_MODEL_ATTR_ENCODER_H
#define IDEM_MODEL_ATTR_ENCODER_H

#include "nets/norm_conv.h"

#define IDEM_ATTR_NETS "resnet18|resnet50|inception3"
#define IDEM_ATTR_NORMS "frozen|running"

/* All NULL or 0: a new ResNet-18 with running statistics, for pictures at full size. */
typedef struct {
    const char *net;   /* one of IDEM_ATTR_NETS; NULL: that of `start`, else resnet18 */
    const char *start; /* a file of torchvision's with the weights; NULL: random weights */
    const char *norm;  /* frozen: the stored statistics, while gamma and beta learn; running: the batch's, averaged;
                          NULL: frozen for an InceptionV3 from a file, else running */
    int side; /* pictures are averaged to this side, which must divide theirs; 0: the stored side, else their side */
} idem_attr_choice;

/* Tensors that may be unused (idem_binder_finish). */
#define IDEM_ATTR_SPARE "fc.*|AuxLogits.*|*.num_batches_tracked"

/* The rest is only for src/model. prefix: "E_attr." or that of its average. */

/* Adds new or started tensors, and the metadata. */
int idem_attr_init(idem_weights *w, const char *prefix, const idem_attr_choice *c, idem_rng *rng);
/* Sets the side at which it sees pictures. */
int idem_attr_set_side(idem_weights *w, int side);
/* Checks the tensors against the choice. -1 with a message that names both. */
int idem_attr_check(const idem_weights *w, const char *prefix, const idem_attr_choice *c);
/* Numbers of the code; 0 if there is no such network. */
int idem_attr_width(const idem_weights *w, const char *prefix);
/* x [N, 3, H, W] in [0, 1] -> [N, width], from the binder's prefix on, averaged to attr.side first. An InceptionV3 sees
 * it resized to 299 x 299 (bilinear), a ResNet at its size, both in [-1, 1]. running NULL: evaluation. The caller
 * finishes the binder with IDEM_ATTR_SPARE. */
idem_node *idem_attr_node(idem_binder *b, idem_node *x, idem_running_list *running);

#endif
