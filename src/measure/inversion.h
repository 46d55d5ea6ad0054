/* How well a generator can paint portraits that it was not trained on: codes are fitted to the pixels of each
 * (invert.h), and the judge decides whether it shows the person. */
#ifndef IDEM_MEASURE_INVERSION_H
#define IDEM_MEASURE_INVERSION_H

#include "engine/plan.h"
#include "measure/scores.h"

#define IDEM_INVERSION_RATE 0.4 /* of invert.h */

typedef struct {
    const char *generator, *pictures, *models; /* file; folder; NULL: base/models.h */
    const char *output;                        /* folder, created if missing, for inverted.png */
    int count, steps;                          /* most pictures, chosen at random; steps of each */
    uint64_t seed;
    idem_plan_options plan;
    /* In pictures; done is all at the end, even if some are unreadable. This and the next may be NULL. */
    void (*progress)(void *user, const char *what, uint64_t done, uint64_t all);
    void (*bad)(void *user, const char *why); /* a skipped picture */
    void *user;
} idem_inversion_options;

typedef struct {
    char generator[17];         /* hash */
    int size, n, bad;           /* side; pictures; unreadable ones */
    double strangers;           /* s0 (scores.h) */
    double each;                /* seconds per picture */
    idem_figure psnr, s, above; /* dB; by the judge; share whose cosine is above IDEM_JUDGE_THRESHOLD */
} idem_inversion;

int idem_inversion_run(idem_inversion *out, const idem_inversion_options *o);

#endif
