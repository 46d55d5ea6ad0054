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
 * A training owns its folder `run` while it works, and writes there: checkpoint-*.safetensors, the trained network,
 * metrics.jsonl (one JSON object a line), of mappers training.png, events (TensorBoard) and samples. Stopped, it saves
 * a checkpoint and fails with IDEM_ERROR_INTERRUPTED; resumed, it ends with the bytes that it would have ended with
 * (same machine, same threads). Trainings of several threads do not meet, if each has its own folder. */
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

/* Recipes: "paper" (idem_train_mapper), "summary" (idem_train_summary), "generator" (idem_train_generator). NULL: i is
 * beyond the last. */
IDEM_API const char *idem_recipe_name(int i);

/* Values of all settings of a recipe, with the defaults at first. One thread at a time. */
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
    const char *help;   /* a sentence, without a full stop */
    const char *preset; /* the default, as text */
    int kind;           /* IDEM_SETTING_... */
    double low, high;   /* of counts and reals */
    int may_change;     /* when a run is resumed; the others must stay as the run was started with */
} idem_setting_info;

IDEM_API int idem_settings_count(const idem_settings *settings);
/* Setting i, 0 .. count - 1. The texts last as long as the library. */
IDEM_API int idem_settings_info(const idem_settings *settings, int i, idem_setting_info *info);
/* -1: there is no such setting, or it cannot have this value. A setting that was set stays so when a run is resumed;
 * the others are then the run's. */
IDEM_API int idem_settings_set(idem_settings *settings, const char *name, const char *text);
IDEM_API int idem_settings_set_number(idem_settings *settings, const char *name, double value);
enum { IDEM_SETTING_TEXT = 32 };
/* As text that idem_settings_set reads as the same value, 0-terminated. */
IDEM_API int idem_settings_get(const idem_settings *settings, const char *name, char text[IDEM_SETTING_TEXT]);

/* ---- what a training tells while it works ---- */

/* One number; those of an evaluation say what they rest on. */
typedef struct {
    const char *name; /* as in metrics.jsonl */
    double value;     /* NaN: there is none */
    double error;     /* standard error of a mean; NaN: unknown */
    int64_t n, needs; /* how many it is the mean of, and the least that carries it: with fewer `value` is NaN. Both 0
                         where nothing is counted */
    const char *of;   /* what n counts: "pairs" */
} idem_train_figure;

enum {
    IDEM_TRAIN_READING,   /* pictures of the data */
    IDEM_TRAIN_FINDING,   /* faces in photographs */
    IDEM_TRAIN_MEASURING, /* iterations whose time is taken */
    IDEM_TRAIN_LEARNING   /* iterations; pictures shown, of a generator's training */
};
typedef struct {
    size_t struct_size;
    int phase;
    int64_t done, all;               /* in the phase's unit; `done` counts what was done before a resumption too */
    double seconds;                  /* in this phase, by this call */
    double seconds_left;             /* of this phase, at the rate so far; negative: not known yet */
    int64_t iteration;               /* completed */
    int skipped;                     /* losses or gradients were not finite: no step was taken */
    const idem_train_figure *figure; /* losses of the iteration that was just completed */
    int figures;
} idem_train_progress;

/* Before the first iteration. */
typedef struct {
    size_t struct_size;
    int resumed;                    /* there was a checkpoint */
    int64_t done, all;              /* iterations; pictures shown, of a generator's training */
    const idem_settings *settings;  /* as they are used; valid during the call */
    int64_t pictures;               /* training pictures of `data`; 0: they are drawn on the fly */
    int64_t photographs, held_out;  /* of a mapper's training: photographs; pairs of further ones, never trained on */
    int threads;                    /* that work */
    double activation_mb, state_mb; /* memory of one iteration; weights and moments. MB: 10^6 bytes */
} idem_train_start;

/* Figures of held-out pairs, which are never trained on. Those of photographs are named "photo_...", those of the
 * second recogniser, which takes no part in training, "judge_...". */
typedef struct {
    size_t struct_size;
    int64_t iteration;
    const idem_train_figure *figure;
    int figures;
} idem_train_evaluation;

enum {
    IDEM_TRAIN_NOTE,    /* about the run */
    IDEM_TRAIN_LEFT_OUT /* a picture that cannot be used, and why */
};

/* Functions are called by the thread that trains, may be NULL, and get `user`. What they get is valid until they
 * return.
 */
typedef struct {
    size_t struct_size; /* set by idem_train_watch_default */
    void *user;
    /* Becomes nonzero when the training should stop: by anyone, at any time; also by another thread, or a signal
     * handler. May be NULL. */
    volatile sig_atomic_t *stop;
    /* Nonzero: stop. */
    int (*progress)(void *user, const idem_train_progress *progress);
    void (*started)(void *user, const idem_train_start *start);
    void (*evaluated)(void *user, const idem_train_evaluation *evaluation);
    void (*note)(void *user, int kind, const char *text);
    void (*line)(void *user, const char *json); /* each line of metrics.jsonl, without its end */
} idem_train_watch;

/* What was done; filled also when the training was stopped. */
typedef struct {
    size_t struct_size;             /* set by the caller to sizeof(idem_train_result) */
    int64_t iteration;              /* completed */
    int64_t iterations;             /* of this call */
    double seconds;                 /* of this call, from the first iteration on */
    double stepping;                /* seconds of them in iterations: evaluations and samples apart */
    int64_t left_out;               /* pictures that could not be used */
    double activation_mb, state_mb; /* as idem_train_start has them */
    double peak_mb;                 /* the most memory that this process has held */
} idem_train_result;

/* ---- training ---- */

/* Sets all to 0 but struct_size, which every struct below begins with. */
IDEM_API void idem_train_init(void *options, size_t struct_size);

typedef struct {
    size_t struct_size;            /* set by idem_train_mapper_options_default */
    const idem_settings *settings; /* of the recipe "paper"; NULL: the defaults */
    const idem_train_watch *watch; /* may be NULL */
    const char *run;               /* folder; made where there is none */
    int resume;                    /* continue the newest checkpoint of `run`, or begin if there is none */
    int threads;                   /* 0: all cores, or those the run was started with */
    int measure; /* take the time of a few iterations instead: nothing is written, `run` is not read */

    const char *generator;   /* weights of a StyleGAN2, which stay as they are; must be set */
    const char *data;        /* folder of pictures and codes that `idem sample` made; NULL: drawn on the fly */
    const char *photographs; /* folder tree of photographs, of which the setting "photograph-share" of the pictures are
                                (0.5 unless set); needed again to resume. NULL: none */
    const char *mapper;      /* start from this one; NULL: random weights */
    int adapt;               /* which may be another generator's */
    const char *models;      /* folder of the other networks; NULL: where `idem model fetch` puts them */

    const char *identity_net;        /* file of the recogniser that the identity comes from; NULL: fr_feature */
    const char *identity_preprocess; /* how it wants pictures, as in idem_options; NULL: its own */
    const char *attribute_net;       /* "resnet18", "resnet50" or "inception3"; NULL: what attribute_start or `mapper`
                                        holds, else "resnet18" */
    const char *attribute_start;     /* ImageNet weights (torchvision's file) to start it from; NULL: random ones */
    const char *attribute_norm;      /* statistics of its batch norms, "frozen" or "running"; NULL: the usual */
    int attribute_side;              /* it sees pictures averaged to this side; 0: as they are, or as `mapper` has it */
    int trap_nan;                    /* fail at the first node with a number that is not finite */
} idem_train_mapper_options;

/* Trains attribute encoder and mapper: RUN/mapper.safetensors. result may be NULL. */
IDEM_API int idem_train_mapper(const idem_train_mapper_options *options, idem_train_result *result);

typedef struct {
    size_t struct_size;            /* set by idem_train_summary_options_default */
    const idem_settings *settings; /* of the recipe "summary"; NULL: the defaults */
    const idem_train_watch *watch; /* these six as above */
    const char *run;
    int resume, threads, measure;

    const char *generator, *models;                 /* as above */
    const char *data;                               /* folder tree of pictures; must be set */
    const char *identity_net, *identity_preprocess; /* as above */
} idem_train_summary_options;

/* Trains the mapper of the recipe "summary", which is there for comparison: RUN/mapper.safetensors. */
IDEM_API int idem_train_summary(const idem_train_summary_options *options, idem_train_result *result);

typedef struct {
    size_t struct_size;            /* set by idem_train_generator_options_default */
    const idem_settings *settings; /* of the recipe "generator"; NULL: the defaults */
    const idem_train_watch *watch; /* these as above */
    const char *run;
    int resume, threads;

    const char *data;  /* folder tree of pictures; must be set */
    const char *start; /* weights of a generator to start from, or a checkpoint of another run; NULL: random ones */
} idem_train_generator_options;

/* Trains a StyleGAN2: RUN/generator.safetensors. */
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

/* Draws the losses and evaluations of a run's metrics.jsonl as a page of charts, as a training does by itself at each
 * evaluation. */
IDEM_API int idem_draw_training(const char *run, const char *png);

#ifdef __cplusplus
}
#endif

#endif
