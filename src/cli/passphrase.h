/* Passphrases, from a file or from the terminal. */
#ifndef IDEM_CLI_PASSPHRASE_H
#define IDEM_CLI_PASSPHRASE_H

#include <stdbool.h>
#include <stddef.h>

enum { IDEM_PASSPHRASE_MOST = 4096 };

/* From the file, without its last newline; file NULL: asked on the terminal without echo, twice if new. Returns the
 * length; -1 with a message. */
int idem_passphrase_get(char passphrase[IDEM_PASSPHRASE_MOST], const char *file, bool is_new, const char *what);

#endif
