/* The operator table: one row describes an operator completely. Rows are in the ops_*.c files and are listed in
 * op_table.c; tests walk the table, and a row without a finite-difference check fails them. */
#ifndef IDEM_ENGINE_OP_H
#define IDEM_ENGINE_OP_H

#include "engine/graph.h"
#include "engine/threads.h"

/* One node placed in a plan. */
typedef struct idem_step {
    idem_node *node;
    float **in;     /* values of the inputs, of a chain's residual and slopes, and of the rest that its node before read
                       (whose first is in[0]); memory order; set by the plan */
    float *out;     /* the result; may equal in[0] if the row allows it */
    float *scratch; /* scratch_bytes, 64-byte aligned, contents undefined at entry */
    size_t scratch_bytes;           /* set by prepare */
    void *state;                    /* made by prepare, freed by release */
    bool unread;                    /* set by prepare: forward does not read in[1], as state holds it */
    double seconds;                 /* time spent, when profiling */
    int64_t runs;                   /* in this number of runs */
    const struct idem_chain *chain; /* further nodes that this step computes (engine/fuse.h); NULL: none */
    idem_node **from;               /* nodes of in[], owned by the plan */
    int n_from;
    int band, lane; /* of the node, or 0 if the plan does not run them in parallel (lanes.c) */
} idem_step;

typedef struct idem_op {
    const char *name;
    bool in_place; /* out may alias in[0] if shapes are equal and nothing else needs in[0] */
    bool longer;   /* in_place also if out is longer than in[0] */
    bool view;     /* the output is in[0]'s bytes from view_offset on (reshape without reordering): see is_view */
    /* Plan time; NULL: nothing to prepare. May set scratch_bytes and state; reads frozen inputs' values through in[]
     * (set for frozen inputs, NULL for others). Only here are primitives created. 0 or -1. */
    int (*prepare)(idem_step *s);
    /* Run time: computes out from in. Must not allocate or fail. NULL for leaves. */
    void (*forward)(const idem_step *s);
    void (*release)(idem_step *s); /* NULL: state needs no release */
    /* Gradient of a scalar through this node: dy has node's shape; set dx[i] for each i with want[i] (NULL is zero). 0
     * or -1. NULL: no gradient; idem_gradients fails naming the node. */
    int (*gradient)(idem_node *n, idem_node *dy, const bool *want, idem_node **dx);
    /* Floating-point operations and bytes moved by one forward, for profiles; NULL: bytes of inputs and output. */
    void (*cost)(const idem_node *n, double *flops, double *bytes);
    /* Following operations that the kernel can fuse (IDEM_CONV_... of engine/conv.h); NULL: none. */
    int (*takes)(const idem_node *n);
    bool (*is_view)(const idem_node *n);        /* view only for such nodes; NULL: whenever `view` */
    int64_t (*view_offset)(const idem_node *n); /* of a view's first element in in[0]; NULL: 0 */
} idem_op;

/* Every row, NULL-terminated; leaves first. */
extern const idem_op *const idem_op_table[];

/* For constructors: a node of `op` with n inputs (none NULL), a copied attribute block and a known shape. */
idem_node *idem_node_new(const idem_op *op, idem_shape shape, idem_node *const *in, int n, const void *attr,
                         size_t attr_bytes);

/* Results from this size on will not be found in a cache: kernels may write them past the caches (lanes_simd.h), and
 * must issue a fence before they return. */
enum { IDEM_PAST_BYTES = 4 << 20 };

/* Loops compiled once per instruction set and chosen at load time. Use on static functions with plain loops. x86-64
 * levels are used because a processor's name means only that family, and "avx2,fma" is two versions to the compiler.
 * The choice runs before sanitizers start, which they do not support: with them loops are compiled for the compiler's
 * default, or for the level of CMake's IDEM_FIXED_ISA. */
#if defined(__x86_64__) && defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__) &&                               \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && !defined(IDEM_FIXED_ISA)
#define IDEM_MULTIVERSION __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define IDEM_MULTIVERSION
#endif

#endif
