#define _GNU_SOURCE
#include "cli/shares.h"

#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/failure.h"
#include "idem.h"

/* The digest of all texts, each with its NUL. */
static int digest(char hex[65], const char *const *texts, size_t n) {
    size_t size = 0, at = 0;
    for (size_t i = 0; i < n; i++)
        size += strlen(texts[i]) + 1;
    char *all = idem_cli_table(size, 1);
    for (size_t i = 0; i < n && all; at += strlen(texts[i++]) + 1)
        strcpy(all + at, texts[i]);
    const int status = all ? idem_bytes_sha256(all, size, hex) : -1;
    free(all);
    return status;
}

static int compare(int argc, char *const *argv, const char *const *names, size_t n) {
    char line[65], files[65];
    return digest(line, (const char *const *)argv, (size_t)argc) || digest(files, names, n) ||
                   idem_ranks_same("the version of idem", idem_version()) ||
                   idem_ranks_same("the command line (its digest)", line) ||
                   idem_ranks_same("the list of files (its digest)", files)
               ? -1
               : 0;
}

int idem_shares_join(idem_shares *s, int argc, char *const *argv, const char *const *names, size_t n) {
    idem_ranks ranks = {.struct_size = sizeof ranks};
    if (idem_ranks_join(0, &ranks))
        return -1;
    *s = (idem_shares){ranks.rank, ranks.size, true};
    return s->size > 1 ? compare(argc, argv, names, n) : 0;
}

int idem_shares_leave(const idem_shares *s, int code, bool broke) {
    if (!s->joined)
        return code;
    idem_ranks_leave(broke ? code : 0);
    return broke || !s->rank ? code : 0;
}

bool idem_shares_alone(const char *why, int *code) {
    idem_ranks ranks = {.struct_size = sizeof ranks};
    *code = 0;
    if (idem_ranks_join(0, &ranks)) {
        *code = idem_cli_failed();
        return false;
    }
    if (ranks.size > 1 && !ranks.rank) {
        idem_cli_fail("%d ranks cannot share this out: %s; start one process, without mpirun or srun", ranks.size, why);
        *code = idem_cli_failed();
    }
    idem_ranks_leave(0);
    return ranks.size == 1;
}

char *idem_shares_texts(const idem_shares *s, const char *mine, size_t *most) {
    const size_t ranks = (size_t)s->size, own = mine ? strlen(mine) + 1 : 1;
    size_t *bytes = idem_cli_table(ranks, sizeof *bytes);
    int status = bytes ? idem_ranks_gather(&own, sizeof own, bytes) : -1;
    *most = 1;
    for (size_t r = 0; r < ranks && !status; r++)
        *most = bytes[r] > *most ? bytes[r] : *most;
    free(bytes);
    char *padded = status ? NULL : idem_cli_table(1, *most), *all = padded ? idem_cli_table(ranks, *most) : NULL;
    if (all && mine)
        memcpy(padded, mine, own);
    if (all && idem_ranks_gather(padded, *most, all)) {
        free(all);
        all = NULL;
    }
    free(padded);
    return all;
}
