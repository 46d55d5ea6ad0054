/* Training data: pictures with the generator's codes, drawn on the fly or read from a folder. The next item is a pure
 * function of the seed and the cursor, so the cursor is the whole state to save.
 *
 *     idem_data *d = idem_data_on_the_fly(m, 16, 0.9, seed, NULL);
 *     idem_data_draw(d, cross, x_id->leaf, x_attr->leaf);
 *
 * Letters: B the batch, S the generator's side, W the width of w. Pictures are [B, S, S, 3] floats in [0, 1], rounded
 * to 8 bits as in a PNG. */
#ifndef IDEM_DATA_DATA_H
#define IDEM_DATA_DATA_H

#include <stdbool.h>
#include <stdint.h>

#include "data/photographs.h"
#include "engine/plan.h"
#include "model/model.h"

typedef struct idem_data idem_data;

typedef struct {
    uint64_t pictures, codes; /* drawn so far */
} idem_data_cursor;

/* z by the seed, w truncated by psi on all layers, pictures by G. */
idem_data *idem_data_on_the_fly(idem_model *m, int batch, double psi, uint64_t seed, const idem_plan_options *options);

/* The published layout: DIR/images/00000/00000.png, DIR/ws/00000/00000.npy (float32 [L, W], row 0 serves the critic),
 * DIR either dataset_N or the folder that contains it. 2 * held_out pictures, chosen by the seed, are held out; the
 * others come in a new order each epoch. A thread that never enters the engine decodes pictures ahead. Pictures without
 * a code, and codes without a picture, are left out with a warning. Pictures that are unreadable, or not S x S, are
 * replaced by the next one with a warning. */
idem_data *idem_data_folder(idem_model *m, const char *dir, int batch, uint64_t seed, int held_out);
void idem_data_free(idem_data *d); /* NULL is allowed */

/* Makes B part number `part` of `parts` equal parts of each batch: all parts together draw the same as one data with
 * their total B. */
void idem_data_part(idem_data *d, int part, int parts);

/* From now on `share` of the training pictures are photographs, evenly spread; real codes are unchanged. A batch of
 * attribute pictures is shuffled, so that both kinds are paired. d owns the photographs. */
void idem_data_mix(idem_data *d, idem_photographs *p, double share);
const idem_photographs *idem_data_photographs(const idem_data *d); /* NULL: none */

size_t idem_data_count(const idem_data *d); /* training pictures; 0: endless */
/* Of a folder: 64 hex digits of the names and sizes of its files; false: no folder. */
bool idem_data_digest(const idem_data *d, char hex[65]);

/* The next B (same-face: x_attr becomes a copy) or 2 B pictures (cross-face). */
int idem_data_draw(idem_data *d, bool cross, float *x_id, float *x_attr);
/* Mirrors the B pictures x, each with probability `share`, by the seed and its index first, first + 1 .. in the data.
 */
void idem_data_mirror(const idem_data *d, uint64_t first, double share, float *x);
/* B real codes [B, W], from a separate random stream. */
int idem_data_codes(idem_data *d, float *w);
/* Held-out cross pairs first .. first + n - 1; never among the training pictures, independent of the cursor. */
int idem_data_held_out(idem_data *d, size_t first, size_t n, float *x_id, float *x_attr);
/* The same for held-out photographs, which must exist. */
int idem_data_held_out_photographs(idem_data *d, size_t first, size_t n, float *x_id, float *x_attr);

idem_data_cursor idem_data_tell(const idem_data *d);
void idem_data_seek(idem_data *d, idem_data_cursor at);

#endif
