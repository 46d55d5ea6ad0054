/* Command-line options as tables. An option points to the variable that it sets; the variable's value before parsing is
 * the default, which the help prints, so that help and behaviour cannot differ.
 *
 *     int count = 10;
 *     const char *out = NULL;
 *     idem_shared shared = IDEM_SHARED_DEFAULTS;
 *     const idem_option options[] = {
 *         {IDEM_OPT_INT, "count", 'n', "N", &count, .min = 1, .max = 1e6, .help = "pictures to make"},
 *         {IDEM_OPT_TEXT, "output", 'o', "DIR", &out, .required = true, .help = "folder for the pictures"},
 *         {0}};
 *     idem_parse(&(idem_command_line){.about = "...", .options = options, .shared = IDEM_WITH_SEED | IDEM_WITH_JSON},
 *                argc, argv, &shared, NULL); */
#ifndef IDEM_CLI_OPTIONS_H
#define IDEM_CLI_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    IDEM_OPT_END,    /* ends the table */
    IDEM_OPT_HEADER, /* `help` becomes a heading over the options that follow */
    IDEM_OPT_FLAG,   /* bool; without an argument: sets true */
    IDEM_OPT_TEXT,   /* const char *; NULL: no default */
    IDEM_OPT_TEXTS,  /* idem_texts; also takes the following arguments, up to the next that begins with a dash */
    IDEM_OPT_INT,    /* int */
    IDEM_OPT_LONG,   /* int64_t */
    IDEM_OPT_U64,    /* uint64_t */
    IDEM_OPT_FLOAT,  /* float */
    IDEM_OPT_REAL,   /* double */
    IDEM_OPT_TIME,   /* double, seconds, more than 0; written as HH:MM or HH:MM:SS */
} idem_option_kind;

enum { IDEM_TEXTS_MAX = 8 };
typedef struct {
    const char *at[IDEM_TEXTS_MAX];
    int n;
} idem_texts;

typedef struct {
    idem_option_kind kind;
    const char *name;    /* long name, without dashes */
    int letter;          /* short name, or 0 */
    const char *arg;     /* the argument's name in the help: "FILE"; NULL for flags */
    void *value;         /* variable of the kind's type */
    double min, max;     /* limits of numbers; both 0: only the type's limits; of texts: max is the most texts */
    bool required;       /* must be given */
    bool optional;       /* the argument may be left out; the variable is then unchanged: see was_given */
    bool *was_given;     /* set to true if the option is on the command line; may be NULL */
    const char *choices; /* for texts: "paper|summary"; NULL: anything */
    const char *help;    /* one sentence without a full stop; the default is appended */
} idem_option;

/* Shared options, on request; --profile comes with --threads. Every command has --quiet and --help. */
enum { IDEM_WITH_JSON = 1, IDEM_WITH_SEED = 2, IDEM_WITH_THREADS = 4 };
typedef struct {
    bool json;     /* print one JSON document on stdout instead of text */
    bool quiet;    /* no progress, no notes */
    uint64_t seed; /* of all random numbers */
    int threads;   /* 0: all cores; already set in the engine */
    int precision; /* IDEM_PRECISION_...; already set for what the main thread opens */
    bool profile;  /* print a profile; done by the program (profile.h) */
    int profile_rows;
} idem_shared;
#define IDEM_SHARED_DEFAULTS ((idem_shared){.seed = 1, .profile_rows = 25})

typedef struct {
    const char *args;           /* positional arguments in the usage line: "FILE..."; NULL: none allowed */
    const char *about;          /* a sentence or two above the options; wrapped */
    const char *examples;       /* below the options, unwrapped; NULL: none */
    const idem_option *options; /* ends with {0} */
    int min_args, max_args;     /* number of positional arguments; max -1: any */
    unsigned shared;            /* IDEM_WITH_... */
} idem_command_line;

/* Called once. Sets the variables and *args (NULL-terminated, valid until the process ends, not to be freed; args may
 * be NULL if none are allowed). Returns the number of positional arguments. Wrong usage is explained on stderr and
 * exits 2; --help exits 0. */
int idem_parse(const idem_command_line *line, int argc, char **argv, idem_shared *shared, char ***args);

/* One line "idem NAME: message" and a hint at --help on stderr; returns 2. For checks across options. */
int idem_cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
