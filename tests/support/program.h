/* Runs the program idem from outside, as a shell would. */
#ifndef IDEM_TESTS_SUPPORT_PROGRAM_H
#define IDEM_TESTS_SUPPORT_PROGRAM_H

#include <stdbool.h>

/* What the last run said on both streams; owned here. */
extern char *program_output;

/* Runs a shell command in which $IDEM is the program of the build this test belongs to and $DIR is dir; the exit code,
 * or -1. */
int program_run(const char *dir, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Is this in what the last run said? Prints all of it if not. */
bool program_says(const char *text);

/* Lines that the last run said. */
int program_lines(void);

#endif
