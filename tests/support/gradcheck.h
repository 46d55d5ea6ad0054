/* Checks an operator against a double-precision reference: its value, its first gradient and, where wanted, its second,
 * by differences of the reference. The engine's gradients never check themselves. */
#ifndef IDEM_TESTS_SUPPORT_GRADCHECK_H
#define IDEM_TESTS_SUPPORT_GRADCHECK_H

#include "support/reference.h"

enum { GC_INPUTS = 5 };

typedef enum {
    GC_NORMAL,   /* mean 0, variance 1 */
    GC_POSITIVE, /* 0.5 .. 2 */
    GC_AWAY,     /* normal, but not within 0.1 of 0, where kinks are */
    GC_DISTINCT, /* a shuffled ladder: no two values closer than 0.01 */
    GC_FAR,      /* normal around 50: sums of squares must not cancel */
} gc_fill;

/* Numbers that make a case; each operator reads those it needs. */
typedef struct {
    int i[8];
    float f[4];
    idem_shape shape;
    idem_window win;
} gc_param;

typedef struct {
    const char *op;   /* the row this is a check of: a node of it must be in the graph, gradients included */
    const char *what; /* tells cases apart */
    int order;        /* 0: value only, 1: gradients, 2: gradients of gradients */
    int n;            /* inputs */
    idem_shape in[GC_INPUTS];
    gc_fill fill[GC_INPUTS];
    idem_node *(*build)(idem_node *const *in, const gc_param *p);
    ref_tensor (*reference)(const ref_tensor *in, const gc_param *p);
    gc_param p;
} gc_case;

/* Value against the reference, gradients with respect to every input, runs on one and two threads. 0, or -1 with a
 * message. */
int gc_check(const gc_case *c);

#endif
