/* Shell completion from the option tables: `idem --completion SHELL` prints the whole script. Each command, and each of
 * its verbs ("model list"), prints its part when called with --completion=SHELL; so does the manual (man.h). */
#ifndef IDEM_CLI_COMPLETION_H
#define IDEM_CLI_COMPLETION_H

#include "cli/options.h"

#define IDEM_COMPLETION_OPTION "--completion"

/* argv: the commands' names and summaries, n of each. An exit code; 2, with a line on stderr, for an unknown shell. */
int idem_completion_print(const char *shell, const char *const *names, const char *const *summaries, int n);

/* The part of `name` ("idem compose"), with the help of each row. */
void idem_completion_command(const char *shell, const char *name, const idem_command_line *line,
                             const idem_option *rows, char *const *help, int n);

#endif
