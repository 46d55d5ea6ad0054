/* The one context of a command, which Ctrl-C cancels. */
#ifndef IDEM_CLI_LIBRARY_H
#define IDEM_CLI_LIBRARY_H

#include "cli/options.h"
#include "idem.h"

/* The files of a model. NULL: the shipped generator and mapper, the recogniser that the mapper was trained with. */
typedef struct {
    const char *generator, *mapper, *identity_net;
    bool refines; /* set by commands that work without a mapper: mapper "" then still loads the recogniser */
} idem_model_files;
/* Rows of an option table. */
#define IDEM_MODEL_ROWS(f)                                                                                             \
    {IDEM_OPT_HEADER, .help = "Model"},                                                                                \
        {IDEM_OPT_TEXT, "generator",    'g',                                                                           \
         "FILE",        &(f).generator, .help = "StyleGAN2 weights; the shipped one if not given"},                    \
        {IDEM_OPT_TEXT, "mapper",    'm',                                                                              \
         "FILE",        &(f).mapper, .help = "mapper from idem train; the shipped one if not given"},                  \
    {                                                                                                                  \
        IDEM_OPT_TEXT, "identity-net", 0, "FILE", &(f).identity_net,                                                   \
            .help = "the recogniser that the mapper was trained with; found by name among the downloaded networks if " \
                    "not given"                                                                                        \
    }

/* The given files, else the shipped ones, whose paths are stored here. */
typedef struct {
    const char *generator, *mapper;
    char shipped[2][4096];
} idem_cli_model;
/* -1 if a shipped file is missing. */
int idem_cli_find_model(idem_cli_model *model, const idem_model_files *files);

/* A context of these models with batch 1; NULL with a message. pose: as in idem_options. files NULL: no models, only
 * for photographs. mapper "": only the generator. */
idem_context *idem_cli_open(const idem_model_files *files, const idem_shared *shared, int pose);
void idem_cli_close(idem_context *context); /* NULL is allowed */
/* For the signal handler. */
void idem_cli_cancel(void);

/* For commands that read clips: what takes 1 MB and more, such as a picture, goes back to the system when it is freed.
 * By glibc's own rule it would stay in the heap of the thread that decoded it. */
void idem_cli_keep_no_pictures(void);

/* PNG files of that origin (IDEM_ORIGIN_...), in which nothing is random. */
idem_writing idem_cli_writing(int origin);

/* Default of --refine. */
enum { IDEM_REFINE_BY_DEFAULT = IDEM_REFINE_AS_MARKED, IDEM_REFINE_LIMIT = 1000 };
/* Row of an option table for an int that is IDEM_REFINE_BY_DEFAULT at first. */
#define IDEM_REFINE_ROW(steps)                                                                                         \
    {                                                                                                                  \
        IDEM_OPT_INT, "refine", 0, "K", &(steps),                                                                      \
            .min = IDEM_REFINE_BY_DEFAULT, .max = IDEM_REFINE_LIMIT,                                                   \
            .help =                                                                                                    \
                "refine each result in K steps, 30 to 60 ms of a core each at 128 pixels: in "                         \
                "photographs identity, pose and surroundings are kept much better; 0: the mapper's answer; -1: 25, "   \
                "but 0 if idem drew both pictures"                                                                     \
    }

#endif
