/* Options of generator training: StyleGAN2's losses on a folder of pictures. */
#ifndef IDEM_TRAIN_GAN_RECIPE_H
#define IDEM_TRAIN_GAN_RECIPE_H

#include "train/fields.h"

typedef struct {
    uint64_t seed;
    int64_t pictures; /* shown in all */
    int64_t batch;
    int64_t size, z_dim, w_dim, mapping_layers;
    int64_t width, width_max;            /* of G: min(width_max, width / side) channels at a side */
    int64_t d_width, d_width_max;        /* of D */
    double rate;                         /* of both */
    double gamma;                        /* R1 */
    int64_t r1_every;                    /* iterations */
    double path;                         /* weight of the path-length regularisation; 0: none */
    int64_t path_every;                  /* iterations */
    double features;                     /* weight of heads on the pose network's features in G's loss; 0: none */
    double features_mobilenet;           /* the same on MobileNetV2's */
    int64_t features_batch;              /* pictures of a batch that they see; 0: all */
    int64_t features_shift;              /* pixels each is moved by at most before they see it */
    double rebuild;                      /* weight of pictures whose codes are known in G's loss; 0: none */
    int64_t rebuild_batch;               /* pictures of a batch that are made from such codes */
    int64_t rebuild_steps;               /* of refining each code */
    int64_t rebuild_first;               /* iterations at the start in which G learns from such codes alone */
    double mixing;                       /* probability of style mixing */
    double ema;                          /* half-life of the average, in pictures */
    int64_t d_first;                     /* iterations at the start in which D learns alone */
    bool no_flip;                        /* do not mirror pictures at random */
    bool no_noise;                       /* strengths of G's noise are 0 and stay so */
    double augment;                      /* strength at the start */
    double augment_target;               /* sign rate the strength is steered to; 0: the strength stays */
    double augment_pictures;             /* pictures over which the strength can go from 0 to 1 */
    int64_t held_out;                    /* pictures that are never shown */
    int64_t log_every, checkpoint_every; /* iterations */
    int64_t sample_every;                /* pictures */
    int64_t distance_every;              /* pictures; 0: never */
    int64_t distance_pictures;           /* on either side of a distance, at most */
} idem_gan_recipe;

extern const idem_fields idem_gan_fields;

void idem_gan_defaults(idem_gan_recipe *r);

/* Channels at side 4 << r. */
int idem_gan_width(int64_t width, int64_t width_max, int r);

/* What a lazy regularisation leaves of a network's rate, and the exponent of its second beta: it takes K + 1 steps
 * where it would have taken K without (Karras et al. 2020). */
double idem_gan_d_share(const idem_gan_recipe *r);
double idem_gan_g_share(const idem_gan_recipe *r);

#endif
