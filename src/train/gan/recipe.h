/* Options of generator training: StyleGAN2's losses on a folder of pictures. */
#ifndef IDEM_TRAIN_GAN_RECIPE_H
#define IDEM_TRAIN_GAN_RECIPE_H

#include "train/fields.h"

typedef struct {
    uint64_t seed;
    int64_t pictures; /* shown in total */
    int64_t batch;
    int64_t size, z_dim, w_dim, mapping_layers;
    int64_t width, width_max;            /* of G: min(width_max, width / side) channels at a side */
    int64_t d_width, d_width_max;        /* of D */
    double rate;                         /* of both */
    double gamma;                        /* R1 */
    int64_t r1_every;                    /* iterations */
    double path;                         /* weight of the path-length regularisation; 0: none */
    int64_t path_every;                  /* iterations */
    double features;                     /* weight in G's loss of heads on the pose network's features; 0: none */
    double features_mobilenet;           /* the same for MobileNetV2's features */
    int64_t features_batch;              /* pictures per batch for the heads; 0: all */
    int64_t features_shift;              /* maximum random translation of these, in pixels */
    double features_blur;                /* standard deviation in pixels of a Gaussian before these; 0: none */
    double d_weight;                     /* of D in G's loss; 0: no D, only heads */
    double rebuild;                      /* weight in G's loss of pictures with known codes; 0: none */
    double rebuild_edges;                /* weight beside that loss of differences between neighbours */
    double rebuild_features;             /* weight beside that loss of the distance of features */
    int64_t rebuild_batch;               /* pictures per batch generated from such codes */
    int64_t rebuild_steps;               /* of refining a code */
    int64_t rebuild_first;               /* first iterations, in which G learns from such codes only */
    double rebuild_rate;                 /* of these codes in these iterations; 0: they stay */
    bool rebuild_mapping;                /* the mapping network follows these codes instead of learning */
    double mixing;                       /* probability of style mixing */
    double ema;                          /* half-life of the average, in pictures */
    int64_t d_first;                     /* first iterations, in which only D learns */
    bool no_flip;                        /* do not mirror pictures at random */
    bool no_noise;                       /* the strengths of G's noise are 0 and stay 0 */
    double augment;                      /* strength at the start */
    double augment_target;               /* target of the sign rate that controls the strength; 0: fixed strength */
    double augment_pictures;             /* pictures in which the strength can rise from 0 to 1 */
    int64_t held_out;                    /* pictures that are never shown */
    int64_t log_every, checkpoint_every; /* iterations */
    int64_t sample_every;                /* pictures */
    int64_t distance_every;              /* pictures; 0: never */
    int64_t distance_pictures;           /* maximum of samples and of training pictures for a distance */
} idem_gan_recipe;

extern const idem_fields idem_gan_fields;

void idem_gan_defaults(idem_gan_recipe *r);

/* -1 if the generator would have no discriminator. */
int idem_gan_recipe_check(const idem_gan_recipe *r);

/* Channels at side 4 << r. */
int idem_gan_width(int64_t width, int64_t width_max, int r);

/* Factor on a network's rate, and exponent of its second beta, under lazy regularisation: K + 1 steps instead of K
 * (Karras et al. 2020). */
double idem_gan_d_share(const idem_gan_recipe *r);
double idem_gan_g_share(const idem_gan_recipe *r);

#endif
