#define _GNU_SOURCE
#include "cli/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/failure.h"

static int without_newline(char *text, size_t n) {
    while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    text[n] = 0;
    return (int)n;
}

static int from_file(char *passphrase, const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f)
        return idem_cli_fail("%s: %s", path, strerror(errno));
    const size_t n = fread(passphrase, 1, IDEM_PASSPHRASE_MOST, f);
    const bool bad = ferror(f) || n == IDEM_PASSPHRASE_MOST;
    fclose(f);
    if (bad)
        return idem_cli_fail("%s: cannot be read, or has %d bytes or more", path, IDEM_PASSPHRASE_MOST);
    return without_newline(passphrase, n);
}

/* Reads one line without echo. */
static int ask(char *passphrase, int terminal, const char *question) {
    struct termios was, quiet;
    if (tcgetattr(terminal, &was))
        return idem_cli_fail("the terminal cannot be used; give --passphrase-file");
    quiet = was;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    dprintf(terminal, "%s: ", question);
    tcsetattr(terminal, TCSAFLUSH, &quiet);
    const ssize_t n = read(terminal, passphrase, IDEM_PASSPHRASE_MOST - 1);
    tcsetattr(terminal, TCSAFLUSH, &was);
    dprintf(terminal, "\n");
    return n < 0 ? idem_cli_fail("no passphrase was read") : without_newline(passphrase, (size_t)n);
}

static int from_terminal(char *passphrase, bool is_new, const char *what) {
    char question[256], again[IDEM_PASSPHRASE_MOST];
    const int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0)
        return idem_cli_fail("there is no terminal to ask for the passphrase of %s; give --passphrase-file", what);
    snprintf(question, sizeof question, "%s of %s", is_new ? "new passphrase" : "passphrase", what);
    int n = ask(passphrase, terminal, question);
    if (n > 0 && is_new) {
        const int k = ask(again, terminal, "once more");
        n = k < 0 ? -1 : k == n && !memcmp(again, passphrase, (size_t)n) ? n : idem_cli_fail("the passphrases differ");
        explicit_bzero(again, sizeof again);
    }
    close(terminal);
    return n;
}

int idem_passphrase_get(char passphrase[IDEM_PASSPHRASE_MOST], const char *file, bool is_new, const char *what) {
    const int n = file ? from_file(passphrase, file) : from_terminal(passphrase, is_new, what);
    return n == 0 ? idem_cli_fail("the passphrase of %s is empty", what) : n;
}
