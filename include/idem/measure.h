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

#ifdef __cplusplus
}
#endif

#endif
