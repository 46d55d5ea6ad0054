#include "compose/ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/status.h"

typedef struct {
    int kind; /* IDEM_NO_ERROR: none */
    char why[1024];
} failure;

static int no_memory(const idem_rank_table *t) {
    return idem_fail_as(IDEM_MEMORY, "out of memory for messages of %d ranks", t->size);
}

int idem_rank_agree(idem_rank_table *t, int status) {
    if (t->size == 1 || t->ended)
        return status;
    failure mine = {.kind = IDEM_NO_ERROR}, *all = malloc((size_t)t->size * sizeof *all);
    if (status) {
        mine.kind = idem_error_kind();
        snprintf(mine.why, sizeof mine.why, "%s", idem_error());
    }
    int all_status = all ? t->gather(t->of, &mine, sizeof mine, all) : no_memory(t);
    for (int r = 0; r < t->size && !all_status; r++)
        if (all[r].kind != IDEM_NO_ERROR)
            all_status = idem_fail_as((idem_kind)all[r].kind, "%s", all[r].why);
    free(all);
    t->ended = all_status;
    return all_status;
}

int idem_rank_gather(idem_rank_table *t, const void *mine, size_t bytes, void *all) {
    if (t->size == 1) {
        if (bytes)
            memmove(all, mine, bytes);
        return 0;
    }
    if (idem_rank_agree(t, 0))
        return -1;
    t->ended = t->gather(t->of, mine, bytes, all) != 0;
    return t->ended ? -1 : 0;
}

int idem_rank_give(idem_rank_table *t, int from, void *data, size_t bytes) {
    if (t->size == 1)
        return 0;
    if (idem_rank_agree(t, 0))
        return -1;
    t->ended = t->give(t->of, from, data, bytes) != 0;
    return t->ended ? -1 : 0;
}

void *idem_rank_gather_all(idem_rank_table *t, const void *mine, size_t bytes, size_t *sizes, size_t *stride) {
    const size_t ranks = (size_t)t->size;
    *stride = 0;
    if (idem_rank_gather(t, &bytes, sizeof bytes, sizes))
        return NULL;
    for (size_t r = 0; r < ranks; r++)
        *stride = sizes[r] > *stride ? sizes[r] : *stride;
    char *all = calloc(ranks, *stride + 1);
    if (!all) {
        no_memory(t);
        return NULL;
    }
    if (bytes)
        memcpy(all + (size_t)t->rank * *stride, mine, bytes);
    if (!*stride || !idem_rank_gather(t, all + (size_t)t->rank * *stride, *stride, all))
        return all;
    free(all);
    return NULL;
}

int idem_rank_give_text(idem_rank_table *t, int from, char **text) {
    size_t bytes = t->rank == from ? strlen(*text) + 1 : 0;
    if (idem_rank_give(t, from, &bytes, sizeof bytes))
        return -1;
    if (t->rank != from && !(*text = malloc(bytes)))
        return no_memory(t);
    return idem_rank_give(t, from, *text, bytes);
}

int idem_rank_same(idem_rank_table *t, const char *what, const char *text) {
    char mine[65], *all = malloc((size_t)t->size * sizeof mine);
    idem_sha256 sha = idem_sha256_make();
    idem_sha256_add(&sha, text, strlen(text));
    idem_sha256_end(&sha, mine);
    int status = all ? idem_rank_gather(t, mine, sizeof mine, all) : no_memory(t);
    for (int r = 1; r < t->size && !status; r++)
        if (memcmp(all + (size_t)r * sizeof mine, all, sizeof mine)) {
            status = idem_fail("%s differs on ranks 0 and %d: start all ranks with the same", what, r);
            t->ended = true; /* all ranks see it */
        }
    free(all);
    return status;
}
