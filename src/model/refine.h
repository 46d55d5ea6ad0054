/* Refinement: test-time optimisation of one pair's code, one row per layer (W+), from the mapper's answer. The mapper
 * is trained for all people; a few steps of the paper's losses fit the code to this pair. Gradients come only from the
 * training recogniser, the landmark network and the attribute picture's surroundings, never from a witness.
 *
 *     idem_refine_options o = idem_refine_defaults(25);
 *     idem_refine *r = idem_refine_new(m, &o, NULL);
 *     idem_refine_run(r, x_id, x_attr, false, ws, NULL);   // ws [L, W]: input: the start; output: the refined code
 *
 * Every pair is processed alone, so its bytes depend only on the pair, the options, the thread count and the machine.
 * Letters: S the generator's side, L rows of ws, W the width of w. */
#ifndef IDEM_MODEL_REFINE_H
#define IDEM_MODEL_REFINE_H

#include "engine/plan.h"
#include "model/model.h"

typedef struct {
    int steps;   /* of Adam, beta 0.9 and 0.99; 0: codes are unchanged */
    double rate; /* learning rate; warm-up over 5 steps, then a cosine decay to a twentieth */
    double fine; /* factor on the rate for the rows of the finer half of the layers except the last: texture, colour and
                    light */
    /* Weights of the losses. */
    double identity;       /* 1 - cosine to the identity picture, by E_id, under a small random similarity */
    double landmark;       /* mean squared difference of 51 points to the attribute picture's, in 160-pixel units */
    double surround;       /* mean |x - y| outside the face (idem_loss_surround) */
    double colours;        /* excess of the face's chroma over that of both pictures' faces (idem_gamut_loss) */
    double leak;           /* cosine to the attribute picture's person, if positive; 0 for one picture on both sides */
    double reconstruction; /* only for one picture on both sides: idem_loss_reconstruction */
    double start;          /* mean squared distance to the start */
    double natural;        /* the same in idem_code_metric, which weights rare directions */
    double rows;           /* mean squared distance of the rows to their mean */
} idem_refine_options;

idem_refine_options idem_refine_defaults(int steps);

typedef struct {
    int steps; /* number taken; fewer than requested if a step was not finite and the last good code was kept */
    double first, last; /* total loss at the first and the last step */
    double cosine;      /* to the identity picture at the last step */
} idem_refined;

typedef struct idem_refine idem_refine;

/* m needs its frozen networks and must outlive r. plan NULL: all zero. */
idem_refine *idem_refine_new(idem_model *m, const idem_refine_options *options, const idem_plan_options *plan);
int idem_refine_lacks_networks(void);  /* -1 with idem_refine_new's message for missing networks */
void idem_refine_free(idem_refine *r); /* NULL is allowed */

/* Sets steps and rate (idem_refine_options) from the next pair on. */
void idem_refine_set_pace(idem_refine *r, int steps, double rate);

/* One pair. x_id, x_attr: pictures [S, S, 3] in [0, 1] in the generator's frame, which may be the same; same: one
 * picture on both sides. ws [L, W]. about may be NULL. -1: interrupted or memory is short; ws is then unchanged. */
int idem_refine_run(idem_refine *r, const float *x_id, const float *x_attr, bool same, float *ws, idem_refined *about);
/* The same for an identity vector [id_dim] of unit length without a picture; the allowed colours of the face then come
 * only from x_attr. */
int idem_refine_person(idem_refine *r, const float *person, const float *x_attr, float *ws, idem_refined *about);

/* Both with another initial code than the one it is kept near: start [L, W], the mapper's; ws as above. */
int idem_refine_run_from(idem_refine *r, const float *x_id, const float *x_attr, bool same, const float *start,
                         float *ws, idem_refined *about);
int idem_refine_person_from(idem_refine *r, const float *person, const float *x_attr, const float *start, float *ws,
                            idem_refined *about);

#endif
