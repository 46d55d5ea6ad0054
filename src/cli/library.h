/* The library as commands open it: one context, which Ctrl-C cancels. */
#ifndef IDEM_CLI_LIBRARY_H
#define IDEM_CLI_LIBRARY_H

#include "cli/options.h"
#include "idem.h"

/* What a model is made of. NULL: the shipped generator and mapper, the recogniser the mapper was trained with. */
typedef struct {
    const char *generator, *mapper, *identity_net;
    bool refines; /* set by commands that do without a mapper: mapper "" then still brings the recogniser */
} idem_model_files;
/* Rows of an option table. */
#define IDEM_MODEL_ROWS(f)                                                                                             \
    {IDEM_OPT_HEADER, .help = "Model"},                                                                                \
        {IDEM_OPT_TEXT, "generator",    'g',                                                                           \
         "FILE",        &(f).generator, .help = "StyleGAN2 weights; the shipped one if not given"},                    \
        {IDEM_OPT_TEXT, "mapper",    'm',                                                                              \
         "FILE",        &(f).mapper, .help = "what idem train made; the shipped one if not given"},                    \
    {                                                                                                                  \
        IDEM_OPT_TEXT, "identity-net", 0, "FILE", &(f).identity_net,                                                   \
            .help = "the recogniser the mapper was trained with; looked for by name among the downloaded networks if " \
                    "not given"                                                                                        \
    }

/* Files as given, else the shipped ones, whose paths are kept here. */
typedef struct {
    const char *generator, *mapper;
    char shipped[2][4096];
} idem_cli_model;
/* -1: a shipped file is not there. */
int idem_cli_find_model(idem_cli_model *model, const idem_model_files *files);

/* A context of these models with one picture at a time; NULL with a message. pose: as idem_options has it. files NULL:
 * none, for photographs alone. mapper "": the generator alone. */
idem_context *idem_cli_open(const idem_model_files *files, const idem_shared *shared, int pose);
void idem_cli_close(idem_context *context); /* NULL is allowed */
/* For the handler of signals. */
void idem_cli_cancel(void);

/* PNG files of that origin (IDEM_ORIGIN_...), in which nothing is random. */
idem_writing idem_cli_writing(int origin);

/* --refine when it is not given. */
enum { IDEM_REFINE_BY_DEFAULT = IDEM_REFINE_AS_MARKED, IDEM_REFINE_LIMIT = 1000 };
/* Row of an option table for an int that is IDEM_REFINE_BY_DEFAULT at first. */
#define IDEM_REFINE_ROW(steps)                                                                                         \
    {                                                                                                                  \
        IDEM_OPT_INT, "refine", 0, "K", &(steps),                                                                      \
            .min = IDEM_REFINE_BY_DEFAULT, .max = IDEM_REFINE_LIMIT,                                                   \
            .help =                                                                                                    \
                "fit each result to its two pictures in K steps, 10 to 30 ms of a core each at 128 pixels: in "        \
                "photographs identity, pose and surroundings come much nearer; 0: the mapper's own answer; -1: 25, "   \
                "but 0 where idem drew both pictures"                                                                  \
    }

#endif
