/* Commands whose files are shared out among ranks (idem/ranks.h). All ranks run the same command on the same files, and
 * each works on its share. Rank 0 makes the report. A command that no launcher has started is the only rank. */
#ifndef IDEM_CLI_SHARES_H
#define IDEM_CLI_SHARES_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int rank, size;
    bool joined;
} idem_shares;
#define IDEM_SHARES_ALONE ((idem_shares){.size = 1})

/* Joins the launcher's ranks, if any, and compares version, command line and the names of the n files. */
int idem_shares_join(idem_shares *s, int argc, char *const *argv, const char *const *names, size_t n);
/* The last call; returns the exit code. A rank that `broke` ends all others with the code; otherwise all ranks get
 * here, and rank 0's code is the only one that is not 0. */
int idem_shares_leave(const idem_shares *s, int code, bool broke);

/* For a command that cannot be shared out: true if no launcher has started others; else it must return *code, and rank
 * 0 says why. why: "persons are ...". */
bool idem_shares_alone(const char *why, int *code);

/* Every rank's text, in the order of ranks, each in *most bytes with its NUL; free it. mine: NULL is "". NULL with a
 * message. */
char *idem_shares_texts(const idem_shares *s, const char *mine, size_t *most);

#endif
