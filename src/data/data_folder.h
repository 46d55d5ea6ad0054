/* Only for src/data: pictures and codes of a folder in the published layout, decoded ahead of use. The order is a pure
 * function of the seed: item k of the picture stream is the (k mod n)-th of the (k / n)-th permutation. */
#ifndef IDEM_DATA_DATA_FOLDER_H
#define IDEM_DATA_DATA_FOLDER_H

#include <stddef.h>
#include <stdint.h>

typedef struct idem_data_reader idem_data_reader;

/* Lists the files, holds out 2 * held_out of them and starts the thread that decodes `ahead` batches of items early. */
idem_data_reader *idem_data_reader_new(const char *dir, int size, int w_dim, uint64_t seed, int batch, int held_out);
void idem_data_reader_free(idem_data_reader *r);          /* NULL is allowed */
size_t idem_data_reader_count(const idem_data_reader *r); /* training pictures */

/* 64 hex digits of the names and sizes of all pictures, including held-out ones, and of their codes. */
void idem_data_reader_digest(const idem_data_reader *r, char hex[65]);

/* Items first .. first + n - 1 of the picture stream, n <= batch, as [n, S, S, 3] in [0, 1]. Cheapest in order.
 * Unreadable pictures are replaced by the next of the stream with a warning; -1 if none is readable. */
int idem_data_reader_take(idem_data_reader *r, uint64_t first, size_t n, float *x);
/* The same for the code stream: row 0 of each ws file, [n, W]. */
int idem_data_reader_codes(idem_data_reader *r, uint64_t first, size_t n, float *w);
/* Held-out pictures of one side (0 identity, 1 attributes); -1 if one of them is unreadable. */
int idem_data_reader_held_out(idem_data_reader *r, int side, size_t first, size_t n, float *x);

#endif
