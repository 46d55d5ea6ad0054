/* InceptionResnetV1, the face recogniser of facenet-pytorch, with that project's names: 160 x 160 pictures in [-1, 1]
 * to 512 numbers, which the caller normalises to unit length. The classifier (`logits`) is not used. */
#ifndef IDEM_NETS_INCEPTION_RESNET_H
#define IDEM_NETS_INCEPTION_RESNET_H

#include "nets/bind.h"

enum { IDEM_INCEPTION_RESNET_SIDE = 160 };

/* x [N, 3, 160, 160] (or other sides of at least 80) -> [N, 512], not normalised. Stored statistics. */
idem_node *idem_inception_resnet(idem_binder *b, idem_node *x);
int idem_inception_resnet_finish(idem_binder *b);

#endif
