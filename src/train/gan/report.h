/* The figures of an iteration. */
#ifndef IDEM_TRAIN_GAN_REPORT_H
#define IDEM_TRAIN_GAN_REPORT_H

#include <stdbool.h>
#include <stdint.h>

/* NaN if the iteration had no such step. */
typedef struct {
    int64_t iteration, pictures; /* completed, shown */
    bool skipped;                /* something was not finite */
    double d_loss, g_loss, r1;
    double path;     /* mean path length; NaN without such a step */
    double sign;     /* mean sign of D on real pictures */
    double heads;    /* loss of the heads on features, part of d_loss */
    double rebuilt;  /* loss of pictures with known codes (graph.h) */
    double strength; /* of the augmentation */
} idem_gan_report;

#endif
