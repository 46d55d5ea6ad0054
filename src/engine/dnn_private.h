/* Shared by dnn.c, dnn_conv.c and dnn_matmul.c: the only files that include the library's header. */
#ifndef IDEM_ENGINE_DNN_PRIVATE_H
#define IDEM_ENGINE_DNN_PRIVATE_H

#include <dnnl.h>

#include "engine/dnn.h"

enum { DNN_MAX_IN = 3 };

/* What the conversion of one operand or result between the engine's order and the library's needs. */
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

dnnl_engine_t idem_dnn_engine(void); /* NULL with a message when the library does not start */

/* Operand: its DNNL_ARG_, the engine's layout of it, the query that names the layout the primitive wants. */
typedef struct {
    int arg;
    dnnl_memory_desc_t md;
    dnnl_query_t query;
    int index; /* bias is weights 1 */
    idem_frozen frozen;
} dnn_operand;

/* Makes primitive, memories and reorders for a described operation (consumes nothing). */
idem_dnn *idem_dnn_make(const_dnnl_op_desc_t desc, dnnl_primitive_desc_t hint, const float *leaky,
                        const dnn_operand *in, int n_in, const dnn_operand *out, size_t out_count, const char *name);
/* A primitive descriptor with the scratch memory kept by the caller; leaky not NULL: the result is multiplied by *leaky
 * where negative. NULL with a message. */
dnnl_primitive_desc_t idem_dnn_describe(const_dnnl_op_desc_t desc, dnnl_primitive_desc_t hint, const float *leaky,
                                        const char *name);

const char *idem_dnn_status(dnnl_status_t s);

#endif
