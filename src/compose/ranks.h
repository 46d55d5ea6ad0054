/* Processes that anonymise together, its ranks, as a table of functions. A rank that fails goes on to one last
 * idem_rank_agree; every exchange begins with one, so the others fail there, all with the same message.
 *
 *     if (work(part) || idem_rank_give(ranks, 0, rows, sizeof rows))
 *         status = ranks->ended ? -1 : idem_rank_agree(ranks, -1);
 *
 * All ranks call the same functions in the same order; alone they are copies. */
#ifndef IDEM_COMPOSE_RANKS_H
#define IDEM_COMPOSE_RANKS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    int rank, size;
    /* These wait for ranks at other work. gather: all [size][bytes], the ranks' `mine`, by rank; mine may be its place
     * in all. give: data becomes rank from's. */
    int (*gather)(const void *of, const void *mine, size_t bytes, void *all);
    int (*give)(const void *of, int from, void *data, size_t bytes);
    const void *of;
    bool ended; /* a failure is known to all; nothing more is exchanged */
} idem_rank_table;

#define IDEM_RANK_ALONE ((idem_rank_table){.size = 1})

/* 0 if every rank's status is; else -1 on all, with the message and the kind of the first rank that failed. */
int idem_rank_agree(idem_rank_table *t, int status);

int idem_rank_gather(idem_rank_table *t, const void *mine, size_t bytes, void *all);
int idem_rank_give(idem_rank_table *t, int from, void *data, size_t bytes);

/* Every rank's bytes, of any number: sizes [size]; rank r's begin at r times *stride. malloc'ed; NULL with a message.
 */
void *idem_rank_gather_all(idem_rank_table *t, const void *mine, size_t bytes, size_t *sizes, size_t *stride);
/* A text of rank from's; on the others *text, malloc'ed, is set. */
int idem_rank_give_text(idem_rank_table *t, int from, char **text);
/* -1 on all ranks if a text differs from rank 0's. what: for the message, "the list of files". */
int idem_rank_same(idem_rank_table *t, const char *what, const char *text);

#endif
