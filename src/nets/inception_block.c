#include "nets/inception_block.h"

#include <stdio.h>

#include "engine/ops.h"

enum { MAX_JOINED = 8, NAME_BYTES = 96 };

idem_node *idem_inception_unit(const idem_norm_conv_kind *k, idem_node *x, const char *name, idem_norm_conv_shape s) {
    char conv[NAME_BYTES + 8], norm[NAME_BYTES + 8];
    snprintf(conv, sizeof conv, "%s.conv", name);
    snprintf(norm, sizeof norm, "%s.bn", name);
    return idem_relu(idem_norm_conv(k, x, conv, norm, s));
}

idem_node *idem_inception_block(const idem_norm_conv_kind *k, const char *name, idem_node *x, idem_node *pooled,
                                const idem_inception_row *rows, int n, int width) {
    idem_node *joined[MAX_JOINED], *from = x, *last = x;
    int n_joined = 0;
    for (int i = 0; i < n && x; i++) {
        const idem_inception_row *r = &rows[i];
        char unit[NAME_BYTES];
        from = r->from == IDEM_FROM_INPUT  ? x
               : r->from == IDEM_FROM_POOL ? pooled
               : r->from == IDEM_FROM_LAST ? last
                                           : from;
        last = from;
        if (r->name) {
            snprintf(unit, sizeof unit, "%s.%s", name, r->name);
            last = idem_inception_unit(k, from, unit,
                                       (idem_norm_conv_shape){.out = r->out ? r->out : width,
                                                              .height = r->height,
                                                              .width = r->width,
                                                              .stride = r->stride,
                                                              .valid = r->stride > 1});
        }
        if (r->joined && n_joined == MAX_JOINED)
            return idem_fail_null("%s: more than %d branches", name, MAX_JOINED);
        if (r->joined)
            joined[n_joined++] = last;
    }
    return x ? idem_concat(joined, n_joined, 1) : NULL;
}
