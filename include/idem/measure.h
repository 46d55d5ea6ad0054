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
 * Results are JSON, as the program prints them: docs/evaluation.md says what each key means. Figures that too few pairs
 * cannot carry are null. Measurements of several threads do not meet. */
#ifndef IDEM_MEASURE_H
#define IDEM_MEASURE_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "idem/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a measurement tells while it works. Functions are called by the thread that measures, may be NULL, and get
 * `user`. */
typedef struct {
    void *user;
    /* Becomes nonzero when the measurement should stop, which then fails with IDEM_ERROR_INTERRUPTED: by anyone, at any
     * time; also by another thread, or a signal handler. May be NULL. */
    volatile sig_atomic_t *stop;
    /* what: a word or two, as "measuring"; units are mostly pictures. Nonzero: stop. */
    int (*progress)(void *user, const char *what, uint64_t done, uint64_t all);
    void (*note)(void *user, const char *line); /* what was left out, and why; what was passed over */
} idem_measure_watch;

/* Frees a text that a function below gave; NULL is allowed. */
IDEM_API void idem_measure_free(char *json);

/* Sets all to 0 but struct_size, which every struct below begins with. */
IDEM_API void idem_measure_init(void *options, size_t struct_size);

/* ---- the paper's tables ---- */

typedef struct {
    size_t struct_size;       /* set by idem_measure_report_options_default */
    idem_measure_watch watch; /* may be all zero */

    const char *generator, *mapper; /* files; must be set */
    const char *models;             /* folder of the other networks; NULL: where `idem model fetch` puts them */
    const char *identity_net;       /* file of the recogniser the mapper was trained with; NULL: found by its name */

    /* Pairs: drawn from the generator; or of two folders of aligned pictures, by file name; or of the persons in a
     * folder of photographs. */
    int pairs;                         /* 2 or more; two folders give as many as they have */
    uint64_t seed;                     /* of everything random */
    double truncation;                 /* of pairs that are drawn; negative: the mapper's own */
    const char *identity, *attributes; /* folders, or NULL both. groups.csv in either says which pairs are groups */
    const char *photographs;           /* folder, or NULL */

    /* Rows beside the mapper, both pictures copied, and style mixing at its best crossover. */
    const int *refine; /* [refines]: pairs refined in so many steps, 1 to 1000 */
    int refines;
    const char *const *compare; /* [compares]: files of further mappers of the same generator */
    int compares;

    /* Networks. */
    const char *const *witness; /* [witnesses], at most 6: files of further recognisers; FILE:KIND for an ONNX network,
                                   KIND as idem_options has it for identity_preprocess */
    int witnesses;
    const char *fid_net; /* weights of the published FID's InceptionV3 for Frechet distances; NULL: MobileNetV2 */
    int batch;           /* pictures at once, 1 to 256; 0: 10. Another number rounds otherwise */
    int threads;         /* 0: OMP_NUM_THREADS, or all cores this process may use */

    const char *output; /* folder, made where there is none, for report.html (one file with tables, plots, pictures and
                           the applications), report.md, report.tex, report.json and pairs.csv; NULL: none */
} idem_measure_report_options;

/* 300 pairs, seed 1, the mapper's own truncation. */
IDEM_API void idem_measure_report_options_init(idem_measure_report_options *options, size_t struct_size);
static inline void idem_measure_report_options_default(idem_measure_report_options *options) {
    idem_measure_report_options_init(options, sizeof *options);
}

/* json: the text of report.json, to be freed with idem_measure_free; NULL: not wanted. A given pair with a picture that
 * cannot be read or shows no face is noted, left out, and counted as `left_out`; 2 pairs must be left. */
IDEM_API int idem_measure_report(const idem_measure_report_options *options, char **json);

/* ---- the quick look ---- */

typedef struct {
    size_t struct_size;       /* set by idem_measure_mapper_options_default */
    idem_measure_watch watch; /* all these as above */

    const char *generator, *mapper, *models, *identity_net;
    int pairs;
    uint64_t seed;
    double truncation;
    const char *identity, *attributes, *photographs;
    int batch, threads;

    int refine;         /* pairs are refined in so many steps; -1: 25 of photographs, else none */
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
    const char *a, *b;        /* each a folder (the middle squares of all pictures below it) or a generator's file */
    int count;                /* pictures of each at most, 4 or more: random ones of a folder */
    int size;                 /* all pictures are resized to this side first; 0: to the smaller generator's, or 256 */
    double truncation;        /* of a generator's codes, 0 to 1 */
    uint64_t seed;
    const char *models, *fid_net; /* as idem_measure_report_options has them */
    int spectrum;                 /* 1: the power spectra by period instead of the distance; size is a power of two */
    int threads;                  /* 0: OMP_NUM_THREADS, or all cores this process may use */
} idem_measure_distance_options;

/* 5,000 pictures of each, not truncated, seed 1. */
IDEM_API void idem_measure_distance_options_init(idem_measure_distance_options *options, size_t struct_size);
static inline void idem_measure_distance_options_default(idem_measure_distance_options *options) {
    idem_measure_distance_options_init(options, sizeof *options);
}

/* What `idem distance --json` prints, to be freed with idem_measure_free; json NULL: not wanted. Pictures that cannot
 * be read are noted, left out, and counted as `unreadable`. */
IDEM_API int idem_measure_distance(const idem_measure_distance_options *options, char **json);

/* ---- a generator: people of its own, and portraits it was not shown ---- */

typedef struct {
    size_t struct_size;       /* set by idem_measure_generator_options_default */
    idem_measure_watch watch; /* may be all zero */
    const char *generator;    /* file of a StyleGAN2; must be set, as the two that follow */
    const char *data;         /* folder of the pictures it was trained on */
    const char *output; /* folder, made where there is none, for report.json, nearest.png (samples beside the training
                           pictures nearest to them: not to be passed on) and a cache of the data */
    int count;          /* samples, 2 to 10,000 */
    double truncation;  /* of their codes, 0 to 1 */
    int held_out;       /* pictures of `data` that its training held out, 2 or more; 0: as its file says, or 200 */
    const uint64_t *data_seed; /* seed of the training, by which they were chosen; NULL: as its file says, or 1 */
    uint64_t seed;             /* of the samples */
    const char *models;        /* folder of the networks; NULL: where `idem model fetch` puts them */
    int threads;               /* 0: OMP_NUM_THREADS, or all cores this process may use */
} idem_measure_generator_options;

/* 200 samples, not truncated, seed 1. */
IDEM_API void idem_measure_generator_options_init(idem_measure_generator_options *options, size_t struct_size);
static inline void idem_measure_generator_options_default(idem_measure_generator_options *options) {
    idem_measure_generator_options_init(options, sizeof *options);
}

/* What report.json holds, to be freed with idem_measure_free, and how many pictures could not be read, which are noted
 * and left out; both may be NULL. */
IDEM_API int idem_measure_generator(const idem_measure_generator_options *options, char **json, int *unreadable);

typedef struct {
    size_t struct_size;       /* set by idem_measure_inversion_options_default */
    idem_measure_watch watch; /* may be all zero */
    const char *generator;    /* file of a StyleGAN2; must be set, as the two that follow */
    const char *pictures;     /* folder of portraits in the generator's frame */
    const char *output;       /* folder, made where there is none, for inversion.json and inverted.png */
    int count;                /* portraits at most, random ones, 2 to 10,000 */
    int steps;                /* in which codes of every layer are fitted to the pixels of each, 1 to 100,000 */
    uint64_t seed;
    const char *models; /* these as above */
    int threads;
} idem_measure_inversion_options;

/* 200 portraits, 200 steps, seed 1. */
IDEM_API void idem_measure_inversion_options_init(idem_measure_inversion_options *options, size_t struct_size);
static inline void idem_measure_inversion_options_default(idem_measure_inversion_options *options) {
    idem_measure_inversion_options_init(options, sizeof *options);
}

/* How well it can paint portraits that it was not shown: what inversion.json holds; the rest as above. */
IDEM_API int idem_measure_inversion(const idem_measure_inversion_options *options, char **json, int *unreadable);

/* ---- whether two photographs show one person ---- */

/* Which face of a photograph that has several: a number from 1 in the order of size, or one of these. */
enum {
    IDEM_PAIR_FACE_USUAL = 0,    /* the largest; other faces that match make the verdict of a pair unsure */
    IDEM_PAIR_FACE_ANY = -1,     /* the faces that are most alike */
    IDEM_PAIR_FACE_LARGEST = -2, /* the largest, whatever the others are */
};

typedef struct {
    size_t struct_size;       /* set by idem_measure_pair_options_default */
    idem_measure_watch watch; /* may be all zero */
    int face_a, face_b;       /* of either photograph; of a list's both alike */
    const char *models;       /* folder of the networks; NULL: where `idem model fetch` puts them */
    int threads;              /* 0: OMP_NUM_THREADS, or all cores this process may use */
} idem_measure_pair_options;

IDEM_API void idem_measure_pair_options_init(idem_measure_pair_options *options, size_t struct_size);
static inline void idem_measure_pair_options_default(idem_measure_pair_options *options) {
    idem_measure_pair_options_init(options, sizeof *options);
}

/* A verdict on two photographs, as `idem verify --json` prints it, and `match`: faces other than the largest that do.
 * json, to be freed with idem_measure_free, may be NULL. This proves nobody's identity. */
IDEM_API int idem_measure_pair(const idem_measure_pair_options *options, const char *a, const char *b, char **json);
/* How well that can be told, on a list of pairs (docs/evaluation.md has its formats), as `idem verify --pairs --json`
 * prints it. root: folder that its paths begin at; NULL: the list's own. Pictures that are no good are noted; those
 * that cannot be read are counted as `unreadable`. */
IDEM_API int idem_measure_pair_list(const idem_measure_pair_options *options, const char *list, const char *root,
                                    char **json);

/* ---- whether people can be recognised in anonymised pictures ---- */

typedef struct {
    size_t struct_size;                 /* set by idem_measure_anonymity_options_default */
    idem_measure_watch watch;           /* may be all zero; units are pairs of pictures */
    const char *originals, *anonymised; /* folders; must be set. Pictures are partners when they have one path below
                                           their folders, but for the ending; a person is the folder that a picture
                                           lies in, or its name up to the last _NUMBER */
    const char *train_originals, *train_anonymised; /* the same of other people, which attacks learn from; or NULL both:
                                                       no attack learns */
    int train_pairs;                                /* of these at most, 20 to 1,000,000 */
    const char *groups; /* table of groups (CSV); NULL: groups.csv among the originals, if there is one */
    uint64_t seed;      /* of everything random */
    const char *models; /* folder of the networks; NULL: where `idem model fetch` puts them */
    int threads;        /* 0: OMP_NUM_THREADS, or all cores this process may use */
} idem_measure_anonymity_options;

/* 2,000 pairs to learn from, seed 1. */
IDEM_API void idem_measure_anonymity_options_init(idem_measure_anonymity_options *options, size_t struct_size);
static inline void idem_measure_anonymity_options_default(idem_measure_anonymity_options *options) {
    idem_measure_anonymity_options_init(options, sizeof *options);
}

/* What `idem measure-anonymity --json` prints, to be freed with idem_measure_free; json NULL: not wanted
 * (docs/anonymise.md says what each key means). Pairs that cannot be read, or whose original shows no face, are noted,
 * left out, and counted as `unreadable`. */
IDEM_API int idem_measure_anonymity(const idem_measure_anonymity_options *options, char **json);

#ifdef __cplusplus
}
#endif

#endif
