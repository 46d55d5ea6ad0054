/* Shared by dnn*.c, the only files that include the library's header. They support two versions of its interface, 2
 * (Debian 12) and 3 (Debian 13); differences are in dnn_v2.c and dnn_v3.c, of which only one has content. */
#ifndef IDEM_ENGINE_DNN_PRIVATE_H
#define IDEM_ENGINE_DNN_PRIVATE_H

#include <dnnl.h>

#include "engine/dnn.h"

enum { DNN_MAX_IN = 3 };

/* A memory descriptor, for reading. */
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t dnn_md;
#else
typedef const dnnl_memory_desc_t *dnn_md;
#endif

/* Floats in the engine's order. Without padding: part of a pack's key. */
typedef struct {
    dnnl_dim_t rank; /* 0: absent */
    dnnl_dims_t dims, strides;
} dnn_layout;

/* y = op(x, weight) + bias, or a gradient of it; a matrix product is c = a b + bias in the same places. */
typedef enum { DNN_INFERENCE, DNN_TRAINING, DNN_DATA, DNN_WEIGHT, DNN_MATMUL } dnn_kind;
typedef enum { DNN_AT_X, DNN_AT_WEIGHT, DNN_AT_BIAS, DNN_AT_Y, DNN_PLACES } dnn_place;

typedef struct {
    dnn_kind kind;
    dnn_layout layout[DNN_PLACES];
    bool any_weight;                                 /* the library chooses the order of the weight */
    dnnl_dims_t stride, dilation, pad_low, pad_high; /* of convolutions; dilation 0: neighbours */
    const float *leaky;                              /* not NULL: negative results are multiplied by it */
} dnn_task;

/* The conversion of one operand or result between the engine's order and the library's. */
typedef struct {
    dnnl_primitive_t primitive; /* NULL: the orders are the same */
    dnnl_memory_t from, to;
    size_t offset; /* of the converted values in the scratch memory */
} dnn_reorder;

struct idem_dnn {
    dnnl_primitive_t primitive;
    int n_in;
    int arg[DNN_MAX_IN], out_arg; /* DNNL_ARG_... */
    dnnl_memory_t in[DNN_MAX_IN], out, pad;
    dnn_reorder before[DNN_MAX_IN], after;
    idem_pack *pack[DNN_MAX_IN]; /* frozen operands, reordered once */
    size_t pad_offset, scratch, out_count;
    char kernel[64];
};

dnnl_engine_t idem_dnn_engine(void); /* NULL with a message if the library does not start */

/* Primitive, memories and reorders of a task; only the weight can be frozen. */
idem_dnn *idem_dnn_make(const dnn_task *t, idem_frozen weight, const char *name);

/* ---- dnn_v2.c, dnn_v3.c ---- */

/* strides NULL: the library chooses the order. On failure *md is NULL. */
dnnl_status_t idem_dnn_md_create(dnn_md *md, dnnl_dim_t rank, const dnnl_dims_t dims, dnnl_data_type_t type,
                                 const dnnl_dim_t *strides);
void idem_dnn_md_destroy(dnn_md md); /* NULL is allowed */

/* Bytes that are the same for equal descriptors; bytes NULL: only their number. */
dnnl_status_t idem_dnn_md_bytes(dnn_md md, void *bytes, size_t *size);

/* Appends: x -> slope * x where x is negative. */
dnnl_status_t idem_dnn_append_leaky(dnnl_post_ops_t ops, float slope);

/* The primitive descriptor of a task; hint: that of the forward training pass, which gradients need. */
dnnl_status_t idem_dnn_describe(dnnl_primitive_desc_t *pd, const dnn_task *t, const dnn_md md[DNN_PLACES],
                                dnnl_primitive_attr_t attr, dnnl_engine_t engine, dnnl_primitive_desc_t hint);

#endif
