/* Training data: pictures with the generator's own codes, drawn on the fly or read from a folder. What comes next is a
 * pure function of the seed and the cursor, so a cursor is all there is to save.
 *
 *     idem_data *d = idem_data_on_the_fly(m, 16, 0.9, seed, NULL);
 *     idem_data_draw(d, cross, x_id->leaf, x_attr->leaf);
 *
 * Letters: B the batch, S the generator's side, W the width of w. Pictures are [B, S, S, 3] floats in [0, 1], rounded
 * to 8 bits as a PNG would hold them. */
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
 * DIR either dataset_N or the folder that holds it. A seeded choice of 2 * held_out pictures is kept apart; the others
 * come in a new order each time all were seen. Pictures are decoded ahead by a thread that never enters the engine. A
 * picture without its code, or a code without its picture, is named in a warning and left out.
 * One that cannot be read, or is not S x S, is named in a warning, and the next stands in for it. */
idem_data *idem_data_folder(idem_model *m, const char *dir, int batch, uint64_t seed, int held_out);
void idem_data_free(idem_data *d); /* NULL is allowed */

/* B becomes one of `parts` equal parts of each batch, number `part` of them: all parts together draw what one data of
 * their B together would. Not with photographs, whose order is of a whole batch. */
void idem_data_part(idem_data *d, int part, int parts);

/* From now on `share` of the training pictures are photographs, evenly spread; real codes stay as they are. A batch of
 * attribute pictures is shuffled, so that both kinds meet each other. The photographs belong to d. */
void idem_data_mix(idem_data *d, idem_photographs *p, double share);
const idem_photographs *idem_data_photographs(const idem_data *d); /* NULL: there are none */

size_t idem_data_count(const idem_data *d); /* training pictures; 0: without end */
/* Of a folder: 64 hex digits of the names and sizes of its files; false: there is none. */
bool idem_data_digest(const idem_data *d, char hex[65]);

/* The next B (same-face: x_attr becomes a copy) or 2 B pictures (cross-face). */
int idem_data_draw(idem_data *d, bool cross, float *x_id, float *x_attr);
/* Mirrors the B pictures x, each with probability `share`, by the seed and its place first, first + 1 .. in the data.
 */
void idem_data_mirror(const idem_data *d, uint64_t first, double share, float *x);
/* B real codes [B, W], from a stream of their own. */
int idem_data_codes(idem_data *d, float *w);
/* Held-out cross pairs first .. first + n - 1; never among the training pictures, independent of the cursor. */
int idem_data_held_out(idem_data *d, size_t first, size_t n, float *x_id, float *x_attr);
/* The same of held-out photographs, which must be there. */
int idem_data_held_out_photographs(idem_data *d, size_t first, size_t n, float *x_id, float *x_attr);

idem_data_cursor idem_data_tell(const idem_data *d);
void idem_data_seek(idem_data *d, idem_data_cursor at);

#endif
