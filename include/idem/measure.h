/* Measuring (part of idem.h).
 *
 *     idem_measure_report_options o;
 *     idem_measure_report_options_default(&o);
 *     o.generator = "models/generator-128.safetensors";
 *     o.mapper = "models/mapper-128.safetensors";
 *     o.output = "report";
 *     if (idem_measure_report(&o, NULL))
 *         fprintf(stderr, "%s\n", idem_last_error());
 *
 * Results are JSON, as the program prints them; docs/evaluation.md explains each key. Figures with too few pairs are
 * null. Measurements in several threads are independent. */
#ifndef IDEM_MEASURE_H
#define IDEM_MEASURE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "idem/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Callbacks of a measurement. They are called by the measuring thread, may be NULL, and get `user`. */
typedef struct {
    void *user;
    /* Set it to nonzero to stop the measurement, from any thread or a signal handler; the call fails with
     * IDEM_ERROR_INTERRUPTED. May be NULL. */
    volatile sig_atomic_t *stop;
    /* what: a word or two, such as "measuring"; units are mostly pictures. Return nonzero to stop. */
    int (*progress)(void *user, const char *what, uint64_t done, uint64_t all);
    void (*note)(void *user, const char *line); /* what was left out or skipped, and why */
} idem_measure_watch;

/* Frees a text returned by a function below; NULL is allowed. */
IDEM_API void idem_measure_free(char *json);

/* Sets all to 0 but struct_size, the first field of every struct below. */
IDEM_API void idem_measure_init(void *options, size_t struct_size);

/* ---- the paper's tables ---- */

typedef struct {
    size_t struct_size;       /* set by idem_measure_report_options_default */
    idem_measure_watch watch; /* may be all zero */

    const char *generator, *mapper; /* files; must be set */
    const char *models;             /* folder of the other networks; NULL: where `idem model fetch` puts them */
    const char *identity_net;       /* file of the recogniser the mapper was trained with; NULL: found by its name */

    /* Pairs: drawn from the generator; or from two folders of aligned pictures, matched by file name; or of the persons
     * in a folder of photographs. */
    int pairs;                         /* 2 or more; from two folders at most as many as they have */
    uint64_t seed;                     /* of everything random */
    double truncation;                 /* of drawn pairs; negative: the mapper's */
    const char *identity, *attributes; /* folders, or both NULL. groups.csv in either assigns pairs to groups */
    const char *photographs;           /* folder, or NULL */

    /* Rows of the table beside the mapper, the two copied pictures, and style mixing at its best crossover. */
    const int *refine; /* [refines]: a row per number of refinement steps, 1 to 1000 */
    int refines;
    const char *const *compare; /* [compares]: files of further mappers of the same generator */
    int compares;

    /* Networks. */
    const char *const *witness; /* [witnesses], at most 6: files of further recognisers; FILE:KIND for an ONNX network,
                                   KIND as idem_options.identity_preprocess */
    int witnesses;
    const char *fid_net; /* weights of the published FID's InceptionV3 for Frechet distances; NULL: MobileNetV2 */
    int batch;           /* pictures per batch, 1 to 256; 0: 10. Another batch size rounds differently */
    int threads;         /* 0: OMP_NUM_THREADS, or all cores this process may use */

    const char *output; /* folder, created if missing, for report.html (one file with tables, plots, pictures and the
                           applications), report.md, report.tex, report.json and pairs.csv; NULL: none */
} idem_measure_report_options;

/* 300 pairs, seed 1, the mapper's truncation. */
IDEM_API void idem_measure_report_options_init(idem_measure_report_options *options, size_t struct_size);
static inline void idem_measure_report_options_default(idem_measure_report_options *options) {
    idem_measure_report_options_init(options, sizeof *options);
}

/* json: the text of report.json, to be freed with idem_measure_free; NULL: not wanted. A given pair with a picture that
 * is unreadable or shows no face is noted, left out, and counted as `left_out`; at least 2 pairs must remain. */
IDEM_API int idem_measure_report(const idem_measure_report_options *options, char **json);

/* ---- the quick look ---- */

typedef struct {
    size_t struct_size;       /* set by idem_measure_mapper_options_default */
    idem_measure_watch watch; /* all this and the next as above */

    const char *generator, *mapper, *models, *identity_net;
    int pairs;
    uint64_t seed;
    double truncation;
    const char *identity, *attributes, *photographs;
    int batch, threads;

    int refine;         /* refinement steps per pair; -1: 25 of photographs, else none */
    int baselines;      /* 1: measure also copying and style mixing at every crossover; not of photographs */
    int baseline_pairs; /* on the first of the pairs */
    const char *output; /* file for the JSON; NULL: none */
    const char *sheet;  /* of photographs: PNG of the first 48 pairs; NULL: none */
} idem_measure_mapper_options;

/* 300 pairs, 100 for baselines, seed 1, the mapper's own truncation, refine -1. */
IDEM_API void idem_measure_mapper_options_init(idem_measure_mapper_options *options, size_t struct_size);
static inline void idem_measure_mapper_options_default(idem_measure_mapper_options *options) {
    idem_measure_mapper_options_init(options, sizeof *options);
}

/* What `idem evaluate --json` prints, to be freed with idem_measure_free; json NULL: not wanted. */
IDEM_API int idem_measure_mapper(const idem_measure_mapper_options *options, char **json);

/* ---- Frechet distances and spectra of sets ---- */

typedef struct {
    size_t struct_size;       /* set by idem_measure_distance_options_default */
    idem_measure_watch watch; /* may be all zero */
    const char *a, *b;        /* each a folder (the central squares of all pictures below it) or a generator's file */
    int count;                /* most pictures of each, 4 or more; chosen at random from a folder */
    int size;                 /* side to which all pictures are resized first; 0: the smaller generator's, or 256 */
    double truncation;        /* of a generator's codes, 0 to 1 */
    uint64_t seed;
    const char *models, *fid_net; /* as in idem_measure_report_options */
    int spectrum;                 /* 1: power spectra by period instead of the distance; size must be a power of two */
    int threads;                  /* 0: OMP_NUM_THREADS, or all cores this process may use */
} idem_measure_distance_options;

/* 5,000 pictures of each, truncation 1, seed 1. */
IDEM_API void idem_measure_distance_options_init(idem_measure_distance_options *options, size_t struct_size);
static inline void idem_measure_distance_options_default(idem_measure_distance_options *options) {
    idem_measure_distance_options_init(options, sizeof *options);
}

/* What `idem distance --json` prints, to be freed with idem_measure_free; json may be NULL. Unreadable pictures are
 * noted, left out, and counted as `unreadable`. */
IDEM_API int idem_measure_distance(const idem_measure_distance_options *options, char **json);

/* ---- a generator: novelty of its people, and portraits it was not trained on ---- */

typedef struct {
    size_t struct_size;       /* set by idem_measure_generator_options_default */
    idem_measure_watch watch; /* may be all zero */
    const char *generator;    /* file of a StyleGAN2; this and the next two must be set */
    const char *data;         /* folder of its training pictures */
    const char *output;       /* folder, created if missing, for report.json, nearest.png (samples beside the training
                                 pictures nearest to them: not to be passed on) and a cache of the data */
    int count;                /* samples, 2 to 10,000 */
    double truncation;        /* of their codes, 0 to 1 */
    int held_out; /* number of pictures of `data` that its training held out, 2 or more; 0: as stored in its file, or
                     200 */
    const uint64_t *data_seed; /* seed of the training, which chose them; NULL: as stored in its file, or 1 */
    uint64_t seed;             /* of the samples */
    const char *models;        /* folder of the networks; NULL: where `idem model fetch` puts them */
    int threads;               /* 0: OMP_NUM_THREADS, or all cores this process may use */
    const char *apart;         /* folder of portraits of the same kind that it was not trained on, instead of pictures
                                 held out of `data`: held_out must be 0 and data_seed NULL; may be NULL */
} idem_measure_generator_options;

/* 200 samples, truncation 1, seed 1. */
IDEM_API void idem_measure_generator_options_init(idem_measure_generator_options *options, size_t struct_size);
static inline void idem_measure_generator_options_default(idem_measure_generator_options *options) {
    idem_measure_generator_options_init(options, sizeof *options);
}

/* json: the text of report.json, to be freed with idem_measure_free. unreadable: number of unreadable pictures, which
 * are noted and left out. Both may be NULL. */
IDEM_API int idem_measure_generator(const idem_measure_generator_options *options, char **json, int *unreadable);

typedef struct {
    size_t struct_size;       /* set by idem_measure_inversion_options_default */
    idem_measure_watch watch; /* may be all zero */
    const char *generator;    /* file of a StyleGAN2; this and the next two must be set */
    const char *pictures;     /* folder of portraits in the generator's frame */
    const char *output;       /* folder, created if missing, for inversion.json and inverted.png */
    int count;                /* most portraits, chosen at random, 2 to 10,000 */
    int steps;                /* steps that fit one code per layer to the pixels of each, 1 to 100,000 */
    uint64_t seed;
    const char *models; /* this and the next as above */
    int threads;
} idem_measure_inversion_options;

/* 200 portraits, 200 steps, seed 1. */
IDEM_API void idem_measure_inversion_options_init(idem_measure_inversion_options *options, size_t struct_size);
static inline void idem_measure_inversion_options_default(idem_measure_inversion_options *options) {
    idem_measure_inversion_options_init(options, sizeof *options);
}

/* How well the generator can paint portraits that it was not trained on: the text of inversion.json; the rest as above.
 */
IDEM_API int idem_measure_inversion(const idem_measure_inversion_options *options, char **json, int *unreadable);

/* ---- whether two photographs show one person ---- */

/* Which face of a photograph with several: its number from 1 in the order of size, or one of these. */
enum {
    IDEM_PAIR_FACE_USUAL = 0,    /* the largest; if another face matches, the verdict is unsure */
    IDEM_PAIR_FACE_ANY = -1,     /* the two most similar faces */
    IDEM_PAIR_FACE_LARGEST = -2, /* the largest; other faces are ignored */
};

typedef struct {
    size_t struct_size;       /* set by idem_measure_pair_options_default */
    idem_measure_watch watch; /* may be all zero */
    int face_a, face_b;       /* of either photograph; for lists they must be equal */
    const char *models;       /* folder of the networks; NULL: where `idem model fetch` puts them */
    int threads;              /* 0: OMP_NUM_THREADS, or all cores this process may use */
} idem_measure_pair_options;

IDEM_API void idem_measure_pair_options_init(idem_measure_pair_options *options, size_t struct_size);
static inline void idem_measure_pair_options_default(idem_measure_pair_options *options) {
    idem_measure_pair_options_init(options, sizeof *options);
}

/* A verdict on two photographs, as `idem verify --json` prints it, and `match`: the faces other than the largest that
 * match. json, to be freed with idem_measure_free, may be NULL. This proves nobody's identity. */
IDEM_API int idem_measure_pair(const idem_measure_pair_options *options, const char *a, const char *b, char **json);
/* Accuracy of the verdicts on a list of pairs (formats: docs/evaluation.md), as `idem verify --pairs --json` prints it.
 * root: folder that its paths are relative to; NULL: the list's folder. Unusable pictures are noted; unreadable ones
 * are counted as `unreadable`. */
IDEM_API int idem_measure_pair_list(const idem_measure_pair_options *options, const char *list, const char *root,
                                    char **json);

/* ---- re-identification in anonymised pictures ---- */

typedef struct {
    size_t struct_size;       /* set by idem_measure_anonymity_options_default */
    idem_measure_watch watch; /* may be all zero; units are pairs of pictures */
    const char *originals,
        *anonymised; /* folders; must be set. Two pictures are partners if their paths below the folders are equal
                        without the extension. A person is a picture's folder, or its file name without _NUMBER */
    const char *train_originals,
        *train_anonymised; /* the same of other people, to train attacks on; both NULL: no attack is trained */
    int train_pairs;       /* most of these, 20 to 1,000,000 */
    const char *groups;    /* table of groups (CSV); NULL: groups.csv among the originals, if present */
    uint64_t seed;         /* of everything random */
    const char *models;    /* folder of the networks; NULL: where `idem model fetch` puts them */
    int threads;           /* 0: OMP_NUM_THREADS, or all cores this process may use */
} idem_measure_anonymity_options;

/* 2,000 pairs to train on, seed 1. */
IDEM_API void idem_measure_anonymity_options_init(idem_measure_anonymity_options *options, size_t struct_size);
static inline void idem_measure_anonymity_options_default(idem_measure_anonymity_options *options) {
    idem_measure_anonymity_options_init(options, sizeof *options);
}

/* What `idem measure-anonymity --json` prints, to be freed with idem_measure_free; json NULL: not wanted
 * (docs/anonymise.md explains each key). Pairs that are unreadable, or whose original shows no face, are noted, left
 * out, and counted as `unreadable`. */
IDEM_API int idem_measure_anonymity(const idem_measure_anonymity_options *options, char **json);

#ifdef __cplusplus
}
#endif

#endif
