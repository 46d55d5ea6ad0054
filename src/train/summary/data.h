/* Pictures of a folder tree (with or without class sub-folders) for the recipe `summary`: every picture once per epoch
 * in random order, a random square crop of it, resized. Everything is a pure function of the seed and the picture's
 * number. */
#ifndef IDEM_TRAIN_SUMMARY_DATA_H
#define IDEM_TRAIN_SUMMARY_DATA_H

#include <stddef.h>
#include <stdint.h>

typedef struct idem_summary_data idem_summary_data;

/* crop: side of the square, at most the picture's shorter side; size: the side it is resized to. */
idem_summary_data *idem_summary_data_open(const char *dir, int crop, int size, uint64_t seed);
void idem_summary_data_free(idem_summary_data *d); /* NULL is allowed */
size_t idem_summary_data_count(const idem_summary_data *d);

/* 64 hex digits of the files' names and sizes. */
void idem_summary_data_digest(const idem_summary_data *d, char hex[65]);

/* Called once per folder that is left out, immediately, and once per unreadable file, at its turn. */
void idem_summary_data_watch(idem_summary_data *d, void (*bad)(void *user, const char *why), void *user);

/* Items first .. first + n - 1 of the endless stream: [n, size, size, 3] in [0, 1]. Unreadable pictures are replaced by
 * the next of the epoch's order; -1 if none is readable. */
int idem_summary_data_take(idem_summary_data *d, uint64_t first, size_t n, float *x);

#endif
