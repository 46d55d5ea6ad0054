/* What an iteration says of itself. */
#ifndef IDEM_TRAIN_GAN_REPORT_H
#define IDEM_TRAIN_GAN_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* NaN where the iteration had no such step. */
typedef struct {
    int64_t iteration, pictures; /* completed, shown */
    bool skipped;                /* something was not finite */
    double d_loss, g_loss, r1;
    double path;     /* mean path length so far; NaN without such a step */
    double sign;     /* mean sign of D on real pictures */
    double heads;    /* part of the heads on features in d_loss */
    double rebuilt;  /* loss of the pictures whose codes are known, as graph.h has it */
    double strength; /* of the augmentation */
} idem_gan_report;

#endif
