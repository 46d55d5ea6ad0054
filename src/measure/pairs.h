/* Pairs to measure on: sources of identity pictures and attribute pictures. Pictures are made or read on request and
 * not kept, so that memory does not depend on the number of pairs. Letters: S the generator's side, W the width of w.
 *
 *     idem_pairs *p = idem_pairs_draw(m, 300, 0.9f, seed, 8, NULL);
 *     idem_pairs_read(p, 0, 8, x_id, x_attr, NULL, NULL); */
#ifndef IDEM_MEASURE_PAIRS_H
#define IDEM_MEASURE_PAIRS_H

#include <stdint.h>

#include "engine/plan.h"
#include "media/listing.h"
#include "model/model.h"

typedef struct idem_pairs idem_pairs;
typedef void idem_pairs_told(void *user, const char *line); /* gets a line of text for display */

/* The functions of a source of pairs; NULL: not supported. Either read or read_many is set. i and which are the
 * source's indices, 0 .. n - 1; pictures [S, S, 3] in [0, 1], may be NULL. */
typedef struct {
    int (*read)(void *self, int i, float *x_id, float *x_attr); /* fails with IDEM_INPUT for an unusable picture */
    int (*read_many)(void *self, const int *which, int n, float *x_id, float *x_attr);
    int (*codes)(void *self, const int *which, int n, float *w_id, float *w_attr); /* the true codes [n, W] */
    const char *(*name)(void *self, int i);                                        /* name of the pair */
    const char *(*path)(void *self, int i, int side); /* side 0: of the identity picture, 1: of the attribute picture */
    const idem_left_out *(*left_out)(void *self);
    void (*free)(void *self);
} idem_pairs_kind;

/* Takes ownership of self, also on failure. */
idem_pairs *idem_pairs_new(const idem_pairs_kind *kind, void *self, int n, int size);
void idem_pairs_free(idem_pairs *p); /* NULL is allowed */

/* Pictures drawn from the generator, truncated by psi, by seed, from a random stream that training never uses; rounded
 * to 8 bits. The model must outlive them. */
idem_pairs *idem_pairs_draw(idem_model *m, int n, float psi, uint64_t seed, int batch, const idem_plan_options *plan);
/* Two folders of aligned pictures (or two files), paired by file name without extension, resized to S x S. told gets a
 * line about files without a partner or unreadable ones; may be NULL. -1: fewer than `least` names in common. */
idem_pairs *idem_pairs_folders(const char *identity, const char *attributes, int size, int least, idem_pairs_told *told,
                               void *user);

/* The largest faces of a folder's photographs, n pairs of different persons (people.h, which keeps their pictures). */
struct idem_people_options;
idem_pairs *idem_pairs_photographs(const char *dir, int n, const struct idem_people_options *options);

/* The truncation that a mapper was trained with, from its file; `otherwise` if not stored. */
double idem_pairs_truncation(const idem_model *m, double otherwise);

int idem_pairs_count(const idem_pairs *p);
int idem_pairs_size(const idem_pairs *p); /* S */
bool idem_pairs_have_codes(const idem_pairs *p);
const char *idem_pairs_name(const idem_pairs *p, int i); /* NULL: no name */
const char *idem_pairs_path(const idem_pairs *p, int i, int side);
const idem_left_out *idem_pairs_left_out(const idem_pairs *p); /* files in the folders that are no pictures */

/* Reads pairs first .. first + n - 1. good [n]: unreadable pairs are marked 0 and reported, and the call continues;
 * NULL: the first unreadable pair is a failure. */
int idem_pairs_read(idem_pairs *p, int first, int n, float *x_id, float *x_attr, uint8_t *good);
/* The same for pairs in any order. */
int idem_pairs_read_which(idem_pairs *p, const int *which, int n, float *x_id, float *x_attr);
int idem_pairs_codes(idem_pairs *p, int first, int n, float *w_id, float *w_attr);
/* Removes the pairs with keep[i] 0; the others move up. */
void idem_pairs_keep(idem_pairs *p, const uint8_t *keep);
int idem_pairs_bad(const idem_pairs *p); /* number of pairs marked by idem_pairs_read */

/* For sources: passes a line to `told`. */
void idem_pairs_tell(const idem_pairs *p, const char *line);
void idem_pairs_listen(idem_pairs *p, idem_pairs_told *told, void *user);

#endif
