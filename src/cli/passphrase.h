/* Passphrases, from a file or from the terminal. */
#ifndef IDEM_CLI_PASSPHRASE_H
#define IDEM_CLI_PASSPHRASE_H

#include <stdbool.h>
#include <stddef.h>

enum { IDEM_PASSPHRASE_MOST = 4096 };

/* From the file, whose last newline does not count; file NULL: asked on the terminal without showing it, twice where it
 * is new. The length; -1 with a message. */
int idem_passphrase_get(char passphrase[IDEM_PASSPHRASE_MOST], const char *file, bool is_new, const char *what);

#endif
