/* Pairs to measure on: where the identity picture and the attribute picture of each come from. Pictures are made or
 * read when they are asked for and not kept, so that any number of pairs costs no memory. Letters: S the generator's
 * side, W the width of w.
 *
 *     idem_pairs *p = idem_pairs_draw(m, 300, 0.9f, seed, 8, NULL);
 *     idem_pairs_read(p, 0, 8, x_id, x_attr, NULL, NULL);
 */
#ifndef IDEM_MEASURE_PAIRS_H
#define IDEM_MEASURE_PAIRS_H

#include <stdint.h>

#include "engine/plan.h"
#include "media/listing.h"
#include "model/model.h"

typedef struct idem_pairs idem_pairs;
typedef void idem_pairs_told(void *user, const char *line); /* a line of text for people */

/* What a source of pairs can do; NULL where it cannot. One of read and read_many is there. i and which are the source's
 * own numbers, 0 .. n - 1; pictures [S, S, 3] in [0, 1], NULL: not wanted. */
typedef struct {
    int (*read)(void *self, int i, float *x_id, float *x_attr); /* IDEM_INPUT for a picture that is no good */
    int (*read_many)(void *self, const int *which, int n, float *x_id, float *x_attr);
    int (*codes)(void *self, const int *which, int n, float *w_id, float *w_attr); /* the true codes [n, W] */
    const char *(*name)(void *self, int i);                                        /* what the pair is called */
    const char *(*path)(void *self, int i, int side); /* side 0: of the identity picture, 1: of the attribute picture */
    const idem_left_out *(*left_out)(void *self);
    void (*free)(void *self);
} idem_pairs_kind;

/* Takes self over, also when it fails. */
idem_pairs *idem_pairs_new(const idem_pairs_kind *kind, void *self, int n, int size);
void idem_pairs_free(idem_pairs *p); /* NULL is allowed */

/* The generator's own pictures, truncated by psi, of a seed and a stream that training never draws from; rounded to 8
 * bits. The model must outlive them. */
idem_pairs *idem_pairs_draw(idem_model *m, int n, float psi, uint64_t seed, int batch, const idem_plan_options *plan);
/* Two folders of aligned pictures (or two files), paired by file name without ending, resized to S x S. told
 * hears of those that have no partner or cannot be read; may be NULL. -1: fewer than `least` names in common. */
idem_pairs *idem_pairs_folders(const char *identity, const char *attributes, int size, int least, idem_pairs_told *told,
                               void *user);

/* The largest faces of a folder's photographs, n pairs of different persons (people.h, which keeps their pictures). */
struct idem_people_options;
idem_pairs *idem_pairs_photographs(const char *dir, int n, const struct idem_people_options *options);

/* The truncation a mapper was trained with, from its file; `otherwise` where that does not say. */
double idem_pairs_truncation(const idem_model *m, double otherwise);

int idem_pairs_count(const idem_pairs *p);
int idem_pairs_size(const idem_pairs *p); /* S */
bool idem_pairs_have_codes(const idem_pairs *p);
const char *idem_pairs_name(const idem_pairs *p, int i); /* NULL: it has none */
const char *idem_pairs_path(const idem_pairs *p, int i, int side);
const idem_left_out *idem_pairs_left_out(const idem_pairs *p); /* files of folders that are no pictures */

/* Pairs first .. first + n - 1. good [n]: pairs whose pictures cannot be read are marked 0, told, and the call goes on;
 * NULL: the first such is the failure. */
int idem_pairs_read(idem_pairs *p, int first, int n, float *x_id, float *x_attr, uint8_t *good);
/* Pairs of any order. */
int idem_pairs_read_which(idem_pairs *p, const int *which, int n, float *x_id, float *x_attr);
int idem_pairs_codes(idem_pairs *p, int first, int n, float *w_id, float *w_attr);
/* Forgets the pairs whose keep[i] is 0; the others move up. */
void idem_pairs_keep(idem_pairs *p, const uint8_t *keep);
int idem_pairs_bad(const idem_pairs *p); /* pairs that idem_pairs_read has marked */

/* For sources: a line to whoever listens. */
void idem_pairs_tell(const idem_pairs *p, const char *line);
void idem_pairs_listen(idem_pairs *p, idem_pairs_told *told, void *user);

#endif
