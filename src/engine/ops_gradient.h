/* Shared by the gradients of several operator files. */
#ifndef IDEM_ENGINE_OPS_GRADIENT_H
#define IDEM_ENGINE_OPS_GRADIENT_H

#include "engine/graph.h"

/* Avoids storing a repeated gradient (such as a mean's) at full size if the next operator repeats it: returns the node
 * before dy's idem_broadcast if that, together with `other`, broadcasts to dy's shape; else dy. NULL passes. */
idem_node *idem_unrepeated(idem_node *dy, const idem_node *other);

/* Sum of x * y to `shape`; x may be of any shape that broadcasts to y's. */
idem_node *idem_product_sum(idem_node *x, idem_node *y, const idem_shape *shape);

/* dy * (x > 0 ? above : below); x has dy's shape. No gradient reaches x. */
idem_node *idem_step_mask(idem_node *dy, idem_node *x, float above, float below);

/* Both gradients of x * scale, x [N, C, H, W] and scale [N, C, 1, 1], in one pass: *dx = d * scale and *dscale = the
 * sums of d * x, where d is dy, or with y (not NULL): dy * (y > 0 ? above : below). 0 or -1. */
int idem_scale_gradients(idem_node *dy, idem_node *y, float above, float below, idem_node *x, idem_node *scale,
                         idem_node **dx, idem_node **dscale);
/* Whether the shapes fit and are large enough to pay. */
bool idem_scale_gradients_fit(const idem_node *x, const idem_node *scale);

/* The first bytes of x's value under another shape, memory order kept: a view. */
idem_node *idem_head(idem_node *x, idem_shape shape);

#endif
