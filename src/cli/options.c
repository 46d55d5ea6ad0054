#define _GNU_SOURCE
#include "cli/options.h"

#include <argp.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/completion.h"
#include "cli/man.h"
#include "cli/profile.h"
#include "cli/progress.h"
#include "idem.h"

enum { MAX_OPTIONS = 96, HELP_ROWS = 3, KEY_BASE = 0x1000, KEY_USAGE = 0x2000 };

typedef struct {
    const idem_command_line *line;
    idem_option rows[MAX_OPTIONS]; /* the command's options, then the shared ones */
    bool given[MAX_OPTIONS];
    int n;
    char **args;
    int n_args;
    const char *precision;
} parser;

static const char *command_name = "idem"; /* for idem_cli_usage */
static char **positional;                 /* arguments; live until the program ends */

/* ---- conversion ---- */

static const char *number_error(const idem_option *o, const char *text, char error[256]) {
    if (o->min != 0 || o->max != 0)
        snprintf(error, 256, "--%s: \"%s\" is not a number from %g to %g", o->name, text, o->min, o->max);
    else
        snprintf(error, 256, "--%s: \"%s\" is not a number it can take", o->name, text);
    return error;
}

static bool in_range(const idem_option *o, double x) {
    return (o->min == 0 && o->max == 0) || (x >= o->min && x <= o->max);
}

static const char *set_integer(const idem_option *o, const char *text, char error[256]) {
    char *end;
    errno = 0;
    intmax_t x = 0;
    uintmax_t u = 0;
    if (o->kind == IDEM_OPT_U64)
        u = strtoumax(text, &end, 0);
    else
        x = strtoimax(text, &end, 0);
    bool ok = *text && !*end && !errno && in_range(o, o->kind == IDEM_OPT_U64 ? (double)u : (double)x);
    if (o->kind == IDEM_OPT_U64 && strchr(text, '-'))
        ok = false; /* strtoumax wraps it */
    if (o->kind == IDEM_OPT_INT && (x < INT32_MIN || x > INT32_MAX))
        ok = false;
    if (!ok)
        return number_error(o, text, error);
    if (o->kind == IDEM_OPT_U64)
        *(uint64_t *)o->value = u;
    else if (o->kind == IDEM_OPT_LONG)
        *(int64_t *)o->value = x;
    else
        *(int *)o->value = (int)x;
    return NULL;
}

static const char *set_real(const idem_option *o, const char *text, char error[256]) {
    char *end;
    double x = strtod(text, &end);
    if (!*text || *end || !isfinite(x) || !in_range(o, x))
        return number_error(o, text, error);
    if (o->kind == IDEM_OPT_FLOAT)
        *(float *)o->value = (float)x;
    else
        *(double *)o->value = x;
    return NULL;
}

/* HH:MM or HH:MM:SS. */
static const char *set_time(const idem_option *o, const char *text, char error[256]) {
    unsigned hours, minutes, seconds = 0;
    int whole = 0, with_seconds = 0;
    const int parts = sscanf(text, "%5u:%2u%n:%2u%n", &hours, &minutes, &whole, &seconds, &with_seconds);
    const int end = parts == 3 ? with_seconds : parts == 2 ? whole : 0;
    const double time = end ? 3600.0 * hours + 60.0 * minutes + seconds : 0;
    if (strspn(text, "0123456789:") != strlen(text) || !end || text[end] || minutes > 59 || seconds > 59 || time <= 0) {
        snprintf(error, 256, "--%s: \"%s\" is not a time such as 23:30, hours and minutes, or 00:00:45 with seconds",
                 o->name, text);
        return error;
    }
    *(double *)o->value = time;
    return NULL;
}

static bool is_choice(const char *choices, const char *text) {
    size_t n = strlen(text);
    for (const char *c = choices; *c; c += *c == '|') {
        size_t k = strcspn(c, "|");
        if (k == n && !memcmp(c, text, n))
            return true;
        c += k;
    }
    return false;
}

/* The error in the argument; NULL if there is none. */
static const char *set_value(const idem_option *o, char *text, char error[256]) {
    switch (o->kind) {
    case IDEM_OPT_FLAG:
        *(bool *)o->value = true;
        return NULL;
    case IDEM_OPT_TEXT:
        if (o->choices && !is_choice(o->choices, text)) {
            snprintf(error, 256, "--%s: \"%s\" is none of %s", o->name, text, o->choices);
            return error;
        }
        *(const char **)o->value = text;
        return NULL;
    case IDEM_OPT_TEXTS: {
        idem_texts *texts = o->value;
        const int most = o->max > 0 ? (int)o->max : IDEM_TEXTS_MAX;
        if (texts->n == most) {
            snprintf(error, 256, "--%s: \"%s\" is one too many, it takes %d at most", o->name, text, most);
            return error;
        }
        if (!*text) {
            snprintf(error, 256, "--%s is empty: is a variable of the shell not set?", o->name);
            return error;
        }
        texts->at[texts->n++] = text;
        return NULL;
    }
    case IDEM_OPT_INT:
    case IDEM_OPT_LONG:
    case IDEM_OPT_U64:
        return set_integer(o, text, error);
    case IDEM_OPT_FLOAT:
    case IDEM_OPT_REAL:
        return set_real(o, text, error);
    case IDEM_OPT_TIME:
        return set_time(o, text, error);
    case IDEM_OPT_END:
    case IDEM_OPT_HEADER:
        break;
    }
    return NULL;
}

/* ---- help ---- */

static void default_text(const idem_option *o, char text[128]) {
    text[0] = 0;
    switch (o->kind) {
    case IDEM_OPT_TEXT:
        if (*(const char **)o->value)
            snprintf(text, 128, "%s", *(const char **)o->value);
        break;
    case IDEM_OPT_INT:
        snprintf(text, 128, "%d", *(int *)o->value);
        break;
    case IDEM_OPT_LONG:
        snprintf(text, 128, "%" PRId64, *(int64_t *)o->value);
        break;
    case IDEM_OPT_U64:
        snprintf(text, 128, "%" PRIu64, *(uint64_t *)o->value);
        break;
    case IDEM_OPT_FLOAT:
        snprintf(text, 128, "%.6g", (double)*(float *)o->value);
        break;
    case IDEM_OPT_REAL:
        snprintf(text, 128, "%.6g", *(double *)o->value);
        break;
    case IDEM_OPT_FLAG:
    case IDEM_OPT_TEXTS:
    case IDEM_OPT_TIME:
    case IDEM_OPT_END:
    case IDEM_OPT_HEADER:
        break;
    }
}

/* The option's help with its default; malloc'ed. */
static char *help_text(const idem_option *o) {
    char value[128], *text = NULL;
    default_text(o, value);
    int n;
    if (o->required)
        n = asprintf(&text, "%s (must be given)", o->help);
    else if (value[0] && o->choices)
        n = asprintf(&text, "%s: %s (default %s)", o->help, o->choices, value);
    else if (value[0])
        n = asprintf(&text, "%s (default %s)", o->help, value);
    else
        n = asprintf(&text, "%s", o->help);
    return n < 0 ? NULL : text;
}

static struct argp_option argp_row(const idem_option *o, int i, const char *help, int *group) {
    if (o->kind == IDEM_OPT_HEADER)
        return (struct argp_option){.doc = help, .group = ++*group};
    return (struct argp_option){.name = o->name,
                                .key = o->letter ? o->letter : KEY_BASE + i,
                                .arg = o->arg,
                                .flags = o->optional ? OPTION_ARG_OPTIONAL : 0,
                                .doc = help,
                                .group = *group};
}

/* ---- parsing ---- */

static int find_row(const parser *p, int key) {
    for (int i = 0; i < p->n; i++)
        if (p->rows[i].kind != IDEM_OPT_HEADER && (p->rows[i].letter ? p->rows[i].letter : KEY_BASE + i) == key)
            return i;
    return -1;
}

static void check_complete(const parser *p, struct argp_state *state) {
    for (int i = 0; i < p->n; i++)
        if (p->rows[i].required && !p->given[i]) {
            if (p->rows[i].letter)
                argp_error(state, "--%s %s (-%c) must be given", p->rows[i].name, p->rows[i].arg, p->rows[i].letter);
            else
                argp_error(state, "--%s %s must be given", p->rows[i].name, p->rows[i].arg);
        }
    if (p->n_args < p->line->min_args)
        argp_error(state, "%s must be given", p->line->args ? p->line->args : "an argument");
}

static error_t parse_key(int key, char *arg, struct argp_state *state) {
    parser *p = state->input;
    if (key == ARGP_KEY_ARG) {
        if (p->line->max_args >= 0 && p->n_args >= p->line->max_args)
            argp_error(state, "\"%s\" is one argument too many", idem_printable(arg));
        if (!*arg)
            argp_error(state, "an argument is empty: is a variable of the shell not set?");
        p->args[p->n_args++] = arg;
        return 0;
    }
    if (key == ARGP_KEY_END) {
        check_complete(p, state);
        return 0;
    }
    if (key == 'h' || key == '?')
        argp_state_help(state, state->out_stream, ARGP_HELP_STD_HELP);
    if (key == KEY_USAGE)
        argp_state_help(state, state->out_stream, ARGP_HELP_USAGE | ARGP_HELP_EXIT_OK);
    int i = find_row(p, key);
    if (i < 0)
        return ARGP_ERR_UNKNOWN;
    if (p->rows[i].required && p->rows[i].kind == IDEM_OPT_TEXT && !*arg)
        argp_error(state, "--%s is empty: is a variable of the shell not set?", p->rows[i].name);
    char error[256];
    const char *problem = p->rows[i].optional && !arg ? NULL : set_value(&p->rows[i], arg, error);
    while (!problem && p->rows[i].kind == IDEM_OPT_TEXTS && state->next < state->argc &&
           *state->argv[state->next] != '-')
        problem = set_value(&p->rows[i], state->argv[state->next++], error);
    if (problem)
        argp_error(state, "%s", idem_printable(problem));
    p->given[i] = true;
    if (p->rows[i].was_given)
        *p->rows[i].was_given = true;
    return 0;
}

static void add_row(parser *p, idem_option row) {
    assert(p->n < MAX_OPTIONS);
    p->rows[p->n++] = row;
}

static void add_shared(parser *p, idem_shared *s) {
    unsigned with = p->line->shared;
    add_row(p, (idem_option){.kind = IDEM_OPT_HEADER, .help = "As everywhere:"});
    if (with & IDEM_WITH_SEED)
        add_row(p, (idem_option){.kind = IDEM_OPT_U64,
                                 .name = "seed",
                                 .arg = "N",
                                 .value = &s->seed,
                                 .help = "seed of all random numbers; the same seed gives the same bytes (with the "
                                         "same batch, threads and machine)"});
    if (with & IDEM_WITH_THREADS) {
        add_row(p, (idem_option){.kind = IDEM_OPT_INT,
                                 .name = "threads",
                                 .arg = "N",
                                 .value = &s->threads,
                                 .max = IDEM_THREADS_LIMIT,
                                 .help = "thread count; 0: OMP_NUM_THREADS, or all cores"});
        add_row(p, (idem_option){
                       .kind = IDEM_OPT_TEXT,
                       .name = "precision",
                       .arg = "NAME",
                       .value = &p->precision,
                       .choices = "f32|bf16|auto",
                       .help = "what the generator's larger convolutions multiply: bf16 is faster on "
                               "AMD's processors with AVX512_BF16 and changes pictures by about one level of 255; "
                               "auto takes it there"});
        add_row(p, (idem_option){.kind = IDEM_OPT_INT,
                                 .name = "profile",
                                 .arg = "ROWS",
                                 .value = &s->profile_rows,
                                 .max = 1e6,
                                 .optional = true,
                                 .was_given = &s->profile,
                                 .help = "print a profile of all networks on standard error at the end: the ROWS "
                                         "slowest nodes (0: all nodes) and all operators, with GFLOP/s and GB/s"});
    }
    if (with & IDEM_WITH_JSON)
        add_row(p, (idem_option){.kind = IDEM_OPT_FLAG,
                                 .name = "json",
                                 .value = &s->json,
                                 .help = "print one JSON document on standard output instead of text"});
    add_row(p, (idem_option){.kind = IDEM_OPT_FLAG,
                             .name = "quiet",
                             .letter = 'q',
                             .value = &s->quiet,
                             .help = "no progress and no notes on standard error"});
}

/* argp's text format: the text before the vertical tab is above the options, the rest below them. */
static char *doc_text(const idem_command_line *line) {
    char *text;
    if (asprintf(&text, "%s%s%s", line->about, line->examples ? "\vExamples:\n" : "",
                 line->examples ? line->examples : "") < 0)
        return NULL;
    return text;
}

static void free_positional(void) {
    free(positional);
    positional = NULL;
}

int idem_parse(const idem_command_line *line, int argc, char **argv, idem_shared *shared, char ***args) {
    command_name = argv[0];
    parser p = {.line = line, .precision = "f32", .args = calloc((size_t)argc + 1, sizeof *p.args)};
    positional = p.args;
    atexit(free_positional);
    for (const idem_option *o = line->options; o && o->kind != IDEM_OPT_END; o++)
        add_row(&p, *o);
    add_shared(&p, shared);
    struct argp_option options[MAX_OPTIONS + HELP_ROWS + 1] = {0};
    char *help[MAX_OPTIONS] = {0};
    int group = 1;
    for (int i = 0; i < p.n; i++) {
        help[i] = help_text(&p.rows[i]);
        options[i] = argp_row(&p.rows[i], i, help[i], &group);
    }
    /* argp's --help has no -h. */
    static const struct argp_option help_rows[HELP_ROWS] = {
        {.name = "help", .key = 'h', .doc = "give this help list", .group = -1},
        {.key = '?', .flags = OPTION_ALIAS | OPTION_HIDDEN, .group = -1},
        {.name = "usage", .key = KEY_USAGE, .doc = "print a short usage message", .group = -1}};
    memcpy(options + p.n, help_rows, sizeof help_rows);
    if (argc == 2 && !strcmp(argv[1], "--man")) {
        idem_man_print(command_name, line, p.rows, help, p.n);
        exit(fflush(stdout) ? 1 : 0);
    }
    static const char completion[] = IDEM_COMPLETION_OPTION "=";
    if (argc == 2 && !strncmp(argv[1], completion, sizeof completion - 1)) {
        idem_completion_command(argv[1] + sizeof completion - 1, command_name, line, p.rows, help, p.n);
        exit(fflush(stdout) ? 1 : 0);
    }
    struct argp argp = {.options = options, .parser = parse_key, .args_doc = line->args, .doc = doc_text(line)};
    argp_err_exit_status = 2;
    error_t error = p.args ? argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &p) : ENOMEM;
    if (error) {
        fprintf(stderr, "%s: %s\n", command_name, strerror(error));
        exit(1);
    }
    for (int i = 0; i < p.n; i++)
        free(help[i]);
    free((char *)argp.doc);
    if (shared->quiet)
        idem_set_log(idem_cli_log_warnings, NULL);
    if (line->shared & IDEM_WITH_THREADS) {
        idem_set_threads(shared->threads);
        shared->precision = !strcmp(p.precision, "f32")    ? IDEM_PRECISION_F32
                            : !strcmp(p.precision, "bf16") ? IDEM_PRECISION_BF16
                                                           : IDEM_PRECISION_AUTO;
        idem_set_precision(shared->precision);
    }
    if (shared->profile)
        idem_cli_profile_begin(shared->profile_rows);
    if (args)
        *args = p.args;
    return p.n_args;
}

int idem_cli_usage(const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *line = idem_cli_line(format, args);
    va_end(args);
    fprintf(stderr, "%s: %s\nTry `%s --help' for what it takes.\n", command_name, line ? line : "out of memory",
            command_name);
    free(line);
    return 2;
}
