/* Manual pages from the same tables as the help: `idem COMMAND --man` prints one, the build installs them. */
#ifndef IDEM_CLI_MAN_H
#define IDEM_CLI_MAN_H

#include "cli/options.h"

/* The page of a command called "idem NAME", on stdout. rows: its options and the shared ones, n of them; help[i] is the
 * text of row i with its default. */
void idem_man_print(const char *name, const idem_command_line *line, const idem_option *rows, char *const *help, int n);

#endif
