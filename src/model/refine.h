/* Refinement: test-time optimisation of one pair's code, one row per layer (W+), from the mapper's answer. The mapper
 * is one guess for all people; a few steps of the paper's own losses fit the code to this pair. Gradients come from the
 * training recogniser, the landmark network and the attribute picture's surroundings alone: never from a witness.
 *
 *     idem_refine_options o = idem_refine_defaults(25);
 *     idem_refine *r = idem_refine_new(m, &o, NULL);
 *     idem_refine_run(r, x_id, x_attr, false, ws, NULL);   // ws [L, W]: in the start, out the refined code
 *
 * Every pair is worked on alone, so its bytes depend on nothing but the pair, the options, the thread count and the
 * machine. Letters: S the generator's side, L rows of ws, W the width of w. */
#ifndef IDEM_MODEL_REFINE_H
#define IDEM_MODEL_REFINE_H

#include "engine/plan.h"
#include "model/model.h"

typedef struct {
    int steps;   /* of Adam, beta 0.9 and 0.99; 0: codes stay what they are */
    double rate; /* after a warm-up over 5 steps; falls as a cosine to a twentieth of it */
    double fine; /* times the rate, of the rows of the finer half of the layers but one: texture, colour and light */
    /* Weights of the losses. */
    double identity; /* 1 - cosine to the identity picture, by E_id, seen under a small random similarity */
    double landmark; /* mean squared difference of 51 points to the attribute picture's, in 160-pixel units */
    double surround; /* mean |x - y| outside the face (idem_loss_surround) */
    double colours;  /* how far the face's chroma is beyond that of both pictures' faces (idem_gamut_loss) */
    double leak;     /* cosine to the attribute picture's person where it is positive; one picture on both sides: 0 */
    double reconstruction; /* for one picture on both sides only: idem_loss_reconstruction */
    double start;          /* mean squared distance to the start */
    double natural;        /* the same by idem_code_metric, in which rare directions are far */
    double rows;           /* mean squared distance of the rows to their mean */
} idem_refine_options;

idem_refine_options idem_refine_defaults(int steps);

typedef struct {
    int steps;          /* taken; fewer than asked for when a step was not finite and the last good code was kept */
    double first, last; /* the whole loss at the first and the last step */
    double cosine;      /* to the identity picture at the last step */
} idem_refined;

typedef struct idem_refine idem_refine;

/* m needs its frozen networks and must outlive r. plan NULL: all zero. */
idem_refine *idem_refine_new(idem_model *m, const idem_refine_options *options, const idem_plan_options *plan);
int idem_refine_lacks_networks(void);  /* -1, with what idem_refine_new says without them */
void idem_refine_free(idem_refine *r); /* NULL is allowed */

/* Other steps and another rate (idem_refine_options) from the next pair on. */
void idem_refine_set_pace(idem_refine *r, int steps, double rate);

/* One pair. x_id, x_attr: pictures [S, S, 3] in [0, 1] in the generator's frame, which may be the same; same: one
 * picture on both sides. ws [L, W]. about NULL: not wanted. -1: interrupted or memory is short; ws is then as it was.
 */
int idem_refine_run(idem_refine *r, const float *x_id, const float *x_attr, bool same, float *ws, idem_refined *about);
/* The same towards an identity vector [id_dim] of unit length, of which there need be no picture; what colours a face
 * may have, x_attr alone says then. */
int idem_refine_person(idem_refine *r, const float *person, const float *x_attr, float *ws, idem_refined *about);

/* Both from a code other than the one it is held near: start [L, W], as the mapper gives it; ws as above. */
int idem_refine_run_from(idem_refine *r, const float *x_id, const float *x_attr, bool same, const float *start,
                         float *ws, idem_refined *about);
int idem_refine_person_from(idem_refine *r, const float *person, const float *x_attr, const float *start, float *ws,
                            idem_refined *about);

#endif
