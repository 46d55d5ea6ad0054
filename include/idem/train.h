/* Training (part of idem.h).
 *
 *     idem_settings *s = idem_settings_new("paper");
 *     idem_settings_set(s, "iterations", "4000");
 *     idem_train_mapper_options o;
 *     idem_train_mapper_options_default(&o);
 *     o.generator = "models/generator-128.safetensors";
 *     o.run = "out/run";
 *     o.settings = s;
 *     o.resume = 1;
 *     if (idem_train_mapper(&o, NULL))
 *         fprintf(stderr, "%s\n", idem_last_error());
 *     idem_settings_free(s);
 *
 * A training locks its folder `run` and writes there: checkpoint-*.safetensors, the trained network, metrics.jsonl (one
 * JSON object per line); for mappers also training.png, events (TensorBoard) and samples. A stopped training saves a
 * checkpoint and fails with IDEM_ERROR_INTERRUPTED; a resumed one ends with the same bytes as an uninterrupted one
 * (same machine, same threads). Trainings in several threads are independent if each has its own folder. */
#ifndef IDEM_TRAIN_H
#define IDEM_TRAIN_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "idem/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the settings of a recipe ---- */

/* Recipes: "paper" (idem_train_mapper), "summary" (idem_train_summary), "generator" (idem_train_generator). NULL if i
 * is beyond the last. */
IDEM_API const char *idem_recipe_name(int i);

/* Values of all settings of a recipe, initially the defaults. One thread at a time may use it. */
typedef struct idem_settings idem_settings;
IDEM_API idem_settings *idem_settings_new(const char *recipe);
IDEM_API void idem_settings_free(idem_settings *settings); /* NULL is allowed */

enum {
    IDEM_SETTING_SEED,  /* a whole number from 0 to 2^64 - 1 */
    IDEM_SETTING_COUNT, /* a whole number from low to high */
    IDEM_SETTING_REAL,  /* a number from low to high */
    IDEM_SETTING_FLAG   /* 0 or 1 */
};
typedef struct {
    size_t struct_size; /* set by the caller to sizeof(idem_setting_info) */
    const char *name;   /* "weight-id"; the program's option is --weight-id */
    const char *help;   /* one sentence without a full stop */
    const char *preset; /* the default, as text */
    int kind;           /* IDEM_SETTING_... */
    double low, high;   /* of counts and reals */
    int may_change;     /* 1: may change when a run is resumed; other settings must keep the run's values */
} idem_setting_info;

IDEM_API int idem_settings_count(const idem_settings *settings);
/* Setting i, 0 .. count - 1. The texts last as long as the library. */
IDEM_API int idem_settings_info(const idem_settings *settings, int i, idem_setting_info *info);
/* Sets one; -1 if there is no such setting or the value is invalid. When a run is resumed, settings that were not set
 * take the run's values. */
IDEM_API int idem_settings_set(idem_settings *settings, const char *name, const char *text);
IDEM_API int idem_settings_set_number(idem_settings *settings, const char *name, double value);
enum { IDEM_SETTING_TEXT = 32, IDEM_SETTINGS_MOST = 64 /* no recipe has more */ };
/* Gets one as NUL-terminated text that idem_settings_set reads back as the same value. */
IDEM_API int idem_settings_get(const idem_settings *settings, const char *name, char text[IDEM_SETTING_TEXT]);

/* ---- callbacks ---- */

/* One figure. Figures of an evaluation have n and needs. */
typedef struct {
    const char *name; /* as in metrics.jsonl */
    double value;     /* NaN: there is none */
    double error;     /* standard error of a mean; NaN: unknown */
    int64_t n, needs; /* number of items of the mean, and the least number for a value: below it `value` is NaN. Both 0
                         if nothing is counted */
    const char *of;   /* unit of n: "pairs" */
} idem_train_figure;

enum {
    IDEM_TRAIN_READING,   /* pictures of the data */
    IDEM_TRAIN_FINDING,   /* faces in photographs */
    IDEM_TRAIN_MEASURING, /* iterations that are timed */
    IDEM_TRAIN_LEARNING,  /* iterations; in a generator's training pictures shown */
    IDEM_TRAIN_ENCODING   /* pictures whose codes are found, for the setting "rebuild" */
};
typedef struct {
    size_t struct_size;
    int phase;
    int64_t done, all;               /* in the phase's unit; `done` includes what was done before resuming */
    double seconds;                  /* in this phase, by this call */
    double seconds_left;             /* of this phase, at the rate so far; negative: unknown yet */
    int64_t iteration;               /* completed */
    int skipped;                     /* 1: losses or gradients were not finite and no step was taken */
    const idem_train_figure *figure; /* losses of the iteration that was just completed */
    int figures;
} idem_train_progress;

/* Passed to `started` before the first iteration. */
typedef struct {
    size_t struct_size;
    int resumed;                   /* 1: from a checkpoint */
    int64_t done, all;             /* iterations; in a generator's training pictures shown */
    const idem_settings *settings; /* the values in use; valid during the call */
    int64_t pictures;              /* training pictures of `data`; 0: drawn on the fly */
    int64_t photographs,
        held_out; /* in a mapper's training: photographs; held-out pairs of further photographs, never trained on */
    int threads;  /* thread count */
    double activation_mb, state_mb; /* memory of one iteration; of weights and moments. MB: 10^6 bytes */
} idem_train_start;

/* Figures of held-out pairs, which are never trained on. Figures of photographs are named "photo_...", those of the
 * second recogniser, which no training uses, "judge_...". */
typedef struct {
    size_t struct_size;
    int64_t iteration;
    const idem_train_figure *figure;
    int figures;
} idem_train_evaluation;

enum {
    IDEM_TRAIN_NOTE,    /* a note on the run */
    IDEM_TRAIN_LEFT_OUT /* an unusable picture, and why */
};

/* Functions are called by the training thread, may be NULL, and get `user`. Their arguments are valid until they
 * return. */
typedef struct {
    size_t struct_size; /* set by idem_train_watch_default */
    void *user;
    /* Set it to nonzero to stop the training, from any thread or a signal handler. May be NULL. */
    volatile sig_atomic_t *stop;
    /* Seconds since the call: once they are over the training finishes its iteration (at least one), saves a checkpoint
     * and returns 0, with result.finished 0. 0: no limit. */
    double time_limit;
    /* Return nonzero to stop. */
    int (*progress)(void *user, const idem_train_progress *progress);
    void (*started)(void *user, const idem_train_start *start);
    void (*evaluated)(void *user, const idem_train_evaluation *evaluation);
    void (*note)(void *user, int kind, const char *text);
    void (*line)(void *user, const char *json); /* each line of metrics.jsonl, without the newline */
} idem_train_watch;

/* Result of a training; also filled if it was stopped. */
typedef struct {
    size_t struct_size;             /* set by the caller to sizeof(idem_train_result) */
    int finished;                   /* 1: the run is at its end; 0: it was stopped, or at its time limit */
    int64_t iteration;              /* completed */
    int64_t iterations;             /* of this call */
    double seconds;                 /* of this call, from the first iteration on */
    double stepping;                /* seconds of it in iterations, without evaluations and samples */
    int64_t left_out;               /* unusable pictures */
    double activation_mb, state_mb; /* as in idem_train_start */
    double peak_mb;                 /* peak memory of this process */
} idem_train_result;

/* ---- training ---- */

/* Sets all to 0 but struct_size, the first field of every struct below. */
IDEM_API void idem_train_init(void *options, size_t struct_size);

typedef struct {
    size_t struct_size;            /* set by idem_train_mapper_options_default */
    const idem_settings *settings; /* of the recipe "paper"; NULL: the defaults */
    const idem_train_watch *watch; /* may be NULL */
    const char *run;               /* folder, created if missing */
    int resume;                    /* 1: continue the newest checkpoint of `run`, or begin if there is none */
    int threads;                   /* 0: all cores, or the run's thread count */
    int measure;                   /* 1: only time a few iterations: nothing is written, `run` is not read */

    const char *generator;   /* weights of a StyleGAN2, which are not trained; must be set */
    const char *data;        /* folder of pictures and codes that `idem sample` made; NULL: drawn on the fly */
    const char *photographs; /* folder tree of photographs; the setting "photograph-share" (0.5 unless set) is their
                                share of the pictures. Also needed to resume. NULL: none */
    const char *mapper;      /* mapper to start from; NULL: random weights */
    int adapt;               /* 1: `mapper` may be another generator's */
    const char *models;      /* folder of the other networks; NULL: where `idem model fetch` puts them */

    const char *identity_net;        /* file of the recogniser for identity codes; NULL: fr_feature */
    const char *identity_preprocess; /* its preprocessing, as in idem_options; NULL: the network's own */
    const char *attribute_net;   /* "resnet18", "resnet50" or "inception3"; NULL: that of attribute_start or `mapper`,
                                    else "resnet18" */
    const char *attribute_start; /* ImageNet weights (torchvision's file) to start the attribute encoder from; NULL:
                                    random weights */
    const char *attribute_norm;  /* its batch-norm statistics, "frozen" or "running"; NULL: the default */
    int attribute_side;          /* pictures are averaged to this side for it; 0: unchanged, or as in `mapper` */
    int trap_nan;                /* 1: fail at the first node with a number that is not finite */
} idem_train_mapper_options;

/* Trains attribute encoder and mapper; writes RUN/mapper.safetensors. result may be NULL. */
IDEM_API int idem_train_mapper(const idem_train_mapper_options *options, idem_train_result *result);

typedef struct {
    size_t struct_size;            /* set by idem_train_summary_options_default */
    const idem_settings *settings; /* of the recipe "summary"; NULL: the defaults */
    const idem_train_watch *watch; /* this and the next five as above */
    const char *run;
    int resume, threads, measure;

    const char *generator, *models;                 /* as above */
    const char *data;                               /* folder tree of pictures; must be set */
    const char *identity_net, *identity_preprocess; /* as above */
} idem_train_summary_options;

/* Trains the mapper of the recipe "summary", for comparison; writes RUN/mapper.safetensors. */
IDEM_API int idem_train_summary(const idem_train_summary_options *options, idem_train_result *result);

typedef struct {
    size_t struct_size;            /* set by idem_train_generator_options_default */
    const idem_settings *settings; /* of the recipe "generator"; NULL: the defaults */
    const idem_train_watch *watch; /* these as above */
    const char *run;
    int resume, threads;

    const char *data;   /* folder tree of pictures; must be set */
    const char *start;  /* weights of a generator to start from, or a checkpoint of another run; NULL: random weights */
    const char *mapper; /* with the setting "rebuild": a mapper of the generator `start`, which finds the codes of the
                           pictures; NULL on resume: the codes have been found */
} idem_train_generator_options;

/* Trains a StyleGAN2; writes RUN/generator.safetensors. */
IDEM_API int idem_train_generator(const idem_train_generator_options *options, idem_train_result *result);

static inline void idem_train_watch_default(idem_train_watch *watch) {
    idem_train_init(watch, sizeof *watch);
}
static inline void idem_train_mapper_options_default(idem_train_mapper_options *options) {
    idem_train_init(options, sizeof *options);
}
static inline void idem_train_summary_options_default(idem_train_summary_options *options) {
    idem_train_init(options, sizeof *options);
}
static inline void idem_train_generator_options_default(idem_train_generator_options *options) {
    idem_train_init(options, sizeof *options);
}

/* Draws the losses and evaluations of a run's metrics.jsonl as a page of charts, as a training does at each evaluation.
 */
IDEM_API int idem_draw_training(const char *run, const char *png);

#ifdef __cplusplus
}
#endif

#endif
