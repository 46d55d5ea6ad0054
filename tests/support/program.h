/* Runs the program idem from outside, as a shell would. */
#ifndef IDEM_TESTS_SUPPORT_PROGRAM_H
#define IDEM_TESTS_SUPPORT_PROGRAM_H

#include <stdbool.h>

/* What the last run said on both streams; owned here. */
extern char *program_output;

/* For cmocka: an empty folder of one's own, and its removal. */
extern const char *program_folder;
int program_enter(void **state);
int program_leave(void **state);

/* Runs a shell command in which $IDEM is the program of the build this test belongs to and $DIR is dir; the exit code,
 * or -1. */
int program_run(const char *dir, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same, but sends SIGINT once the file `sign` of dir is there (it must come before the program ends and within two
 * minutes); what was said goes to our own streams. The exit code, or minus the signal that ended it. */
int program_interrupt(const char *dir, const char *sign, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Runs one that must succeed: the largest amount of memory that it, or a program started by it, held at a time, in KB.
 */
long program_peak(const char *dir, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Writes DIR/NAME; the test fails when it cannot. */
void program_file(const char *dir, const char *name, const char *text, bool executable);

/* Fails the test, and shows what the last run said, unless its code is the one wanted. */
void program_expect(int code, int wanted);

/* Is this in what the last run said? Prints all of it if not. */
bool program_says(const char *text);

/* Lines that the last run said. */
int program_lines(void);

#endif
