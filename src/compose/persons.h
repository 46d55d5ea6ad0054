/* Persons of a run: faces that both recognisers match get one number. A person is stored as the mean of its faces'
 * vectors; faces are added one by one, so a person whose first pictures are dissimilar may get two numbers. */
#ifndef IDEM_COMPOSE_PERSONS_H
#define IDEM_COMPOSE_PERSONS_H

#include <stddef.h>
#include <stdint.h>

typedef struct idem_persons idem_persons;

/* dim: of fr_feature's vectors. */
idem_persons *idem_persons_new(int dim);
void idem_persons_free(idem_persons *p); /* NULL is allowed */
int idem_persons_count(const idem_persons *p);

/* The person of unit vectors feature [dim] and judge [128], different from the n in `others` (faces of one photograph
 * are of different persons); -1: unknown. */
int idem_persons_find(const idem_persons *p, const float *feature, const float *judge, const int *others, int n);
/* The person with cosines above both thresholds of verification; -1: none. */
int idem_persons_find_exact(const idem_persons *p, const float *feature, const float *judge);
/* Adds a face of a person, or of a new person if person is -1. Returns the number; -1: memory is short. */
int idem_persons_add(idem_persons *p, int person, const float *feature, const float *judge);

/* All persons, for storing and restoring: [count, width] floats. */
size_t idem_persons_width(const idem_persons *p);
void idem_persons_copy(const idem_persons *p, float *rows);
int idem_persons_take(idem_persons *p, const float *rows, int n);

#endif
