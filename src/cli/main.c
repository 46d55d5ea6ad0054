#define _GNU_SOURCE
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/clock.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/library.h"
#include "cli/models.h"
#include "cli/completion.h"
#include "cli/options.h"
#include "cli/profile.h"
#include "cli/progress.h"
#include "cli/spin.h"
#include "cli/terms.h"

typedef struct {
    const char *name, *group, *summary;
    int (*run)(int argc, char **argv);
} command;

#define COMMAND_ROW(symbol, name, group, summary) {name, group, summary, idem_cmd_##symbol},
static const command commands[] = {IDEM_COMMANDS(COMMAND_ROW)};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* Prints the message; finds the name of a damaged model in the library's message. */
static void say_failure(const char *message) {
    char model[IDEM_CLI_MODEL_BYTES];
    idem_cli_mute(false);
    char *said = idem_cli_terms(message);
    if (idem_cli_model_damaged(message, model))
        idem_cli_say("idem: %s; the file is damaged: fetch it again with `idem model fetch %s`", said ? said : message,
                     model);
    else
        idem_cli_say("idem: %s", said ? said : message);
    free(said);
}

int idem_cli_failed(void) {
    idem_progress_clear();
    char message[1024]; /* looking at files may replace it */
    /* This process was interrupted, or another rank; any other failure was caused by the interruption. */
    const bool interrupted = idem_cli_stop || idem_error_kind() == IDEM_ERROR_INTERRUPTED,
               other = idem_cli_stop && idem_error_kind() != IDEM_ERROR_INTERRUPTED;
    snprintf(message, sizeof message, "%s", other ? "interrupted" : idem_last_error());
    say_failure(message);
    return interrupted ? 130 : 1;
}

const char *idem_cli_summary(const char *name) {
    name += strncmp(name, "idem ", 5) ? 0 : 5;
    for (int i = 0; i < COMMANDS; i++)
        if (strlen(commands[i].name) == strcspn(name, " ") && !strncmp(name, commands[i].name, strcspn(name, " ")))
            return commands[i].summary;
    return "";
}

static int longest_name(void) {
    size_t longest = 0;
    for (int i = 0; i < COMMANDS; i++)
        longest = strlen(commands[i].name) > longest ? strlen(commands[i].name) : longest;
    return (int)longest;
}

/* For an installed program; in the source tree they are in the current folder. */
static void print_examples_folder(void) {
    char folder[PATH_MAX];
    if (!idem_find_shipped("", folder, sizeof folder) && *folder == '/') {
        *strrchr(folder, '/') = 0;
        idem_cli_print("The samples/ and models/ of the examples are in %s.", folder);
    }
}

static void print_help(void) {
    puts("Usage: idem COMMAND [OPTION...]\n"
         "Separates a face's identity from everything else and recombines them.");
    for (int i = 0; i < COMMANDS; i++) {
        bool first = true;
        for (int k = 0; k < i; k++)
            first = first && strcmp(commands[k].group, commands[i].group) != 0;
        if (!first)
            continue;
        printf("\n%s\n", commands[i].group);
        for (int k = i; k < COMMANDS; k++)
            if (!strcmp(commands[k].group, commands[i].group))
                printf("  %-*s  %s\n", longest_name(), commands[k].name, commands[k].summary);
    }
    puts("\nMore\n"
         "  idem COMMAND --help      options with their defaults, and examples\n"
         "  idem --version           version of the program\n"
         "  idem --completion SHELL  a script that completes commands and options in bash or zsh\n");
    print_examples_folder();
    puts("Start with `idem doctor`. Ctrl-C stops cleanly and saves; a second one kills.\n"
         "Exit codes: 0 ok, 1 failed, 2 wrong usage, 130 interrupted.");
}

/* The manual page of the program; those of commands come from their option tables (man.h). */
static void print_man(void) {
    puts(".TH IDEM 1 \"\" \"idem " IDEM_VERSION "\" \"User commands\"\n"
         ".SH NAME\nidem \\- separate a face\\(aqs identity from everything else and recombine them\n"
         ".SH SYNOPSIS\n.B idem\nCOMMAND [OPTION...]\n.SH COMMANDS");
    for (int i = 0; i < COMMANDS; i++)
        printf(".TP\n.BR idem\\-%s (1)\n%s\n", commands[i].name, commands[i].summary);
    puts(".SH ENVIRONMENT\n.TP\n.B IDEM_MODELS\nfolder of the fetched models (default: $XDG_CACHE_HOME/idem, else "
         "~/.cache/idem; in a source tree its models/cache)\n"
         ".TP\n.B IDEM_PLUGINS\nfolder to look for plug\\-ins in first (idem\\-heif.so)\n"
         ".TP\n.B IDEM_MAX_ISA\nthe widest instructions that kernels may use: plain, avx2 or avx512 (default: those of "
         "the processor)\n"
         ".SH EXIT STATUS\n0 ok, 1 failed, 2 wrong usage, 130 interrupted. Ctrl\\-C stops cleanly and saves; a second "
         "one "
         "kills.");
}

/* Whether at most `edits` insertions, removals or replacements turn a into b. */
static bool similar(const char *a, const char *b, int edits) {
    while (*a && *a == *b) {
        a++;
        b++;
    }
    if (!*a && !*b)
        return true;
    return edits > 0 && ((*a && *b && similar(a + 1, b + 1, edits - 1)) || (*a && similar(a + 1, b, edits - 1)) ||
                         (*b && similar(a, b + 1, edits - 1)));
}

static int unknown_command(const char *name) {
    const char *near = NULL;
    for (int i = 0; i < COMMANDS; i++)
        if (similar(name, commands[i].name, 2))
            near = commands[i].name;
    if (near)
        idem_cli_say("idem: unknown command \"%s\"; did you mean \"%s\"?", name, near);
    else
        idem_cli_say("idem: unknown command \"%s\"; `idem --help` lists them", name);
    return 2;
}

static int run(const command *c, int argc, char **argv) {
    char name[64];
    snprintf(name, sizeof name, "idem %s", c->name);
    argv[0] = name;
    if (idem_check_machine())
        return idem_cli_usage("%s", idem_last_error());
    int code = c->run(argc, argv);
    bool printed = !fflush(stdout);
    idem_cli_profile_end();
    /* Results that did not reach stdout are a failure. */
    if (!printed && code == 0) {
        idem_cli_fail_as(IDEM_ERROR_INTERNAL, "cannot write to standard output");
        return idem_cli_failed();
    }
    return code;
}

int idem_cli_run(int argc, char **argv) {
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(argv[0], commands[i].name))
            return run(&commands[i], argc, argv);
    return unknown_command(argv[0]);
}

static int print_completion(const char *shell) {
    const char *names[COMMANDS], *summaries[COMMANDS];
    for (int i = 0; i < COMMANDS; i++) {
        names[i] = commands[i].name;
        summaries[i] = commands[i].summary;
    }
    return idem_completion_print(shell, names, summaries, COMMANDS);
}

int main(int argc, char **argv) {
    idem_spin_briefly(argv);
    setvbuf(stderr, NULL, _IOLBF, BUFSIZ); /* whole lines if several processes write to one file */
    idem_cli_catch_signals(idem_cli_cancel);
    idem_set_log(idem_cli_log, NULL);
    if (argc < 2) {
        print_help();
        return 2;
    }
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || (!strcmp(name, "help") && argc == 2)) {
        print_help();
        return 0;
    }
    if (!strcmp(name, "--man")) {
        print_man();
        return 0;
    }
    if (!strcmp(name, "--version") || !strcmp(name, "-V")) {
        puts("idem " IDEM_VERSION);
        return 0;
    }
    if (!strcmp(name, IDEM_COMPLETION_OPTION))
        return print_completion(argc > 2 ? argv[2] : "");
    if (!strcmp(name, "help")) {
        static char help_option[] = "--help";
        char *help_argv[] = {argv[2], help_option, NULL};
        return idem_cli_run(2, help_argv);
    }
    return idem_cli_run(argc - 1, argv + 1);
}
