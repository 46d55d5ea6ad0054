/* Novelty and diversity of a trained generator: how near its samples are to the training pictures, compared with
 * held-out portraits, by the judge (measure/novelty.h), and how much both vary (measure/variety.h). */
#ifndef IDEM_TRAIN_GAN_PROOF_H
#define IDEM_TRAIN_GAN_PROOF_H

#include "engine/plan.h"
#include "measure/novelty.h"
#include "measure/variety.h"

typedef struct {
    const char *generator, *data,
        *models;               /* file; folder of its training pictures; models: may be NULL (base/models.h) */
    const char *output;        /* folder for nearest.png and a cache of the data; created if missing */
    int count;                 /* samples, 2 or more */
    double truncation;         /* of their codes */
    uint64_t seed;             /* of their codes */
    int held_out;              /* held-out pictures of the data; 0: as stored in the file, else 200 */
    const uint64_t *data_seed; /* seed of that choice; NULL: as stored in the file, else 1 */
    const char *apart;         /* folder of portraits that it was not trained on, instead of these; may be NULL */
    idem_plan_options plan;
    void (*progress)(void *user, const char *what, uint64_t done, uint64_t all); /* pictures; may be NULL */
    void (*bad)(void *user, const char *why);                                    /* an unreadable file; may be NULL */
    void *user;
} idem_gan_proof_options;

typedef struct {
    char generator[17]; /* hash */
    int size, held_out;
    const char *held_out_by; /* "option", "file", "assumed" or "folder" */
    size_t training, bad;    /* pictures; files that could not be read */
    idem_novelty novelty;
    idem_variety samples, portraits;
} idem_gan_proof;

int idem_gan_prove(idem_gan_proof *out, const idem_gan_proof_options *o);

#endif
