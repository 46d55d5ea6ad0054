/* Progress on stderr: on a terminal one line redrawn at most ten times a second with rate and time left, elsewhere a
 * plain line every ten seconds. Silent when quiet. One at a time.
 *
 *     idem_progress_start("training", "it", total, 0, shared.quiet);
 *     for (...) idem_progress_update(i + 1, "loss %.4f", loss);
 *     idem_progress_finish();
 */
#ifndef IDEM_CLI_PROGRESS_H
#define IDEM_CLI_PROGRESS_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

/* total 0: unknown. done: steps done before (a resumed run), which do not count in the rate. */
void idem_progress_start(const char *what, const char *unit, uint64_t total, uint64_t done, bool quiet);
/* note: a few words after the numbers; NULL: none. Cheap enough to call at every step. */
void idem_progress_update(uint64_t done, const char *note, ...) __attribute__((format(printf, 2, 3)));
/* Leaves the last state as a line with the total time. */
void idem_progress_finish(void);
/* Removes the line; for failures. */
void idem_progress_clear(void);

/* Print a line on stderr, without breaking the progress line, and on stdout; the format has no newline. Texts are
 * displayed as by idem_printable. */
void idem_cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void idem_cli_print(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* From now on the first prints nothing: another process of the command says the same. Failures are printed anyway. */
void idem_cli_mute(bool mute);
/* For idem_set_log: all lines, or only warnings. */
void idem_cli_log(void *user, int level, const char *line);
void idem_cli_log_warnings(void *user, int level, const char *line);
/* The line as text, for other outputs: malloc'ed, NULL if memory is short. */
char *idem_cli_line(const char *format, va_list args);

/* "1:05", "2:03:09", "3 d 4 h" into text[32]; returns text. */
const char *idem_duration_text(double seconds, char text[32]);

#endif
