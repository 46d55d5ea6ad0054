/* How well a generator can paint portraits that it was not shown: codes are fitted to the pixels of each (invert.h),
 * the judge says whether it is the person. */
#ifndef IDEM_MEASURE_INVERSION_H
#define IDEM_MEASURE_INVERSION_H

#include "engine/plan.h"
#include "measure/scores.h"

#define IDEM_INVERSION_RATE 0.4 /* of invert.h */

typedef struct {
    const char *generator, *pictures, *models; /* file; folder; NULL: base/models.h */
    const char *output;                        /* folder, made where there is none, for inverted.png */
    int count, steps;                          /* pictures at most, random ones; of each */
    uint64_t seed;
    idem_plan_options plan;
    /* Pictures; done is all at the end, though some could not be read. May be NULL, as the next. */
    void (*progress)(void *user, const char *what, uint64_t done, uint64_t all);
    void (*bad)(void *user, const char *why); /* passed over */
    void *user;
} idem_inversion_options;

typedef struct {
    char generator[17];         /* hash */
    int size, n, bad;           /* side; pictures; those that could not be read */
    double strangers;           /* s0 (scores.h) */
    double each;                /* seconds a picture */
    idem_figure psnr, s, above; /* dB; by the judge; share whose cosine is above IDEM_JUDGE_THRESHOLD */
} idem_inversion;

int idem_inversion_run(idem_inversion *out, const idem_inversion_options *o);

#endif
