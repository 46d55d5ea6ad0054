/* A pipe runs one part of the ensemble on any number of items, in batches of a fixed size, from and to plain arrays,
 * without exposing graphs. An item's result does not depend on the others in its batch.
 *
 *     idem_pipe *p = idem_pipe_new(m, IDEM_PIPE_COMPOSE, 8, 1, NULL);
 *     idem_pipe_run(p, n, (const float *const[]){x_id, x_attr}, (float *const[]){NULL, pictures});
 *
 * Pictures are [S, S, 3] floats; inputs are in [0, 1]; outputs may overshoot (clip before writing or measuring). */
#ifndef IDEM_MODEL_PIPE_H
#define IDEM_MODEL_PIPE_H

#include <stddef.h>

#include "engine/plan.h"
#include "model/model.h"

typedef enum {
    IDEM_PIPE_MAPPING,    /* z [Z] -> w [W], truncated by psi */
    IDEM_PIPE_SAMPLE,     /* z [Z] -> w [W], truncated by psi; picture */
    IDEM_PIPE_PICTURE,    /* w [W] -> picture */
    IDEM_PIPE_LAYERS,     /* ws [L, W] -> picture */
    IDEM_PIPE_IDENTITY,   /* picture -> unit vector [id_dim] */
    IDEM_PIPE_LANDMARKS,  /* picture -> [51, 2], the whole picture is 0 .. 1 */
    IDEM_PIPE_ATTRIBUTES, /* picture -> [attr_dim] */
    IDEM_PIPE_CODE,       /* identity [id_dim], attributes [attr_dim] -> w [W] */
    IDEM_PIPE_MAP,        /* identity [id_dim], attributes [attr_dim] -> w [W]; picture */
    IDEM_PIPE_COMPOSE,    /* identity picture, attribute picture -> w [W]; picture */
} idem_pipe_kind;

enum { IDEM_PIPE_PORTS = 2 };

typedef struct idem_pipe idem_pipe;

/* Only the first two kinds read psi. options NULL: all zero. The model must outlive the pipe. */
idem_pipe *idem_pipe_new(idem_model *m, idem_pipe_kind kind, int batch, float psi, const idem_plan_options *options);
void idem_pipe_free(idem_pipe *p); /* NULL is allowed */

/* n items: in[i] has n times the i-th input, out[i] gets n times the i-th output; an output may be NULL. -1:
 * interrupted; IDEM_INTERNAL if a network, named by the message, gives numbers that are not finite. */
int idem_pipe_run(idem_pipe *p, size_t n, const float *const *in, float *const *out);

/* Numbers per item of an input or output; 0 if there is none of that index. */
size_t idem_pipe_in_size(const idem_pipe *p, int i);
size_t idem_pipe_out_size(const idem_pipe *p, int i);
idem_plan *idem_pipe_plan(const idem_pipe *p); /* for its size, its profile, and to share its buffer */

#endif
