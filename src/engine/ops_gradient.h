/* What the gradients of several operator files share. */
#ifndef IDEM_ENGINE_OPS_GRADIENT_H
#define IDEM_ENGINE_OPS_GRADIENT_H

#include "engine/graph.h"

/* A repeated gradient (of a mean, say) need not exist at full size where the next operator repeats it anyway: the node
 * before its idem_broadcast if that, together with `other`, broadcasts to dy's shape; else dy. NULL passes. */
idem_node *idem_unrepeated(idem_node *dy, const idem_node *other);

/* Sum of x * y to `shape`; x may be of any shape that broadcasts to y's. */
idem_node *idem_product_sum(idem_node *x, idem_node *y, const idem_shape *shape);

/* dy * (x > 0 ? above : below); x has dy's shape. No gradient reaches x. */
idem_node *idem_step_mask(idem_node *dy, idem_node *x, float above, float below);

#endif
