/* Painting pairs of sources' faces: each refined or not, as --refine says and the pictures' marks. */
#ifndef IDEM_CLI_PAINTING_H
#define IDEM_CLI_PAINTING_H

#include "cli/sources.h"
#include "model/painter.h"

/* --refine when it is not given: IDEM_REFINE_STEPS, but 0 where idem drew both pictures. */
enum { IDEM_REFINE_BY_MARK = -1, IDEM_REFINE_STEPS = 25, IDEM_REFINE_MOST = 1000 };
/* Row of an option table for an int that is IDEM_REFINE_BY_MARK at first. */
#define IDEM_REFINE_ROW(steps)                                                                                         \
    {                                                                                                                  \
        IDEM_OPT_INT, "refine", 0, "K", &(steps),                                                                      \
            .min = IDEM_REFINE_BY_MARK, .max = IDEM_REFINE_MOST,                                                       \
            .help =                                                                                                    \
                "fit each result to its two pictures in K steps, 10 to 30 ms of a core each at 128 pixels: in "        \
                "photographs identity, pose and surroundings come much nearer; 0: the mapper's own answer; -1: 25, "   \
                "but 0 where idem drew both pictures"                                                                  \
    }

/* The steps of a pair: what --refine says, and where it says nothing the pictures' marks. */
int idem_refine_steps(int refine, bool id_drawn, bool attr_drawn);

/* Faces of the two sides, by their places among all faces of each side. */
typedef struct {
    int id, attr;
} idem_stroke;

typedef struct {
    idem_model *model;
    const idem_sources *id, *attr;
    idem_plan_options options;
    int batch, steps;
    idem_painter *plain, *refined; /* made at first need */
    idem_pair *pairs;              /* [batch] */
    float *x;                      /* [2, S, S, 3]: the pictures of a refined pair */
} idem_painting;

/* steps: of --refine. The sides keep their pictures unless steps is 0; they and the model must outlive p, the sides
 * from the first run on unchanged in nothing but their lists. */
int idem_painting_open(idem_painting *p, idem_model *m, const idem_sources *id, const idem_sources *attr, int batch,
                       int steps, const idem_plan_options *options);
void idem_painting_free(idem_painting *p);

/* n strokes -> y [n, S, S, 3], may overshoot [0, 1]. */
int idem_painting_run(idem_painting *p, int n, const idem_stroke *strokes, float *y);

#endif
