/* A set of faces of any number of photographs, as pictures in the generator's frame and as codes. Pictures wait until
 * idem_faces_encode, so that the caller decides how many run through the networks at once; only codes and, optionally,
 * pictures are kept.
 *
 *     idem_faces *who = idem_faces_new(studio, IDEM_CODE_IDENTITY, true), *how = ...;
 *     idem_faces_add(who, photograph); ...
 *     idem_faces_encode(who);
 *     const idem_face_pair pairs[] = {{0, 0}, {0, 1}};                       // both with the first identity
 *     idem_faces_compose(who, how, pairs, 2, IDEM_REFINE_BY_MARK, NULL, rgb); // rgb [2, S, S, 3] */
#ifndef IDEM_COMPOSE_FACES_H
#define IDEM_COMPOSE_FACES_H

#include "compose/photograph.h"

enum { IDEM_CODE_IDENTITY = 1, IDEM_CODE_ATTRIBUTES = 2, IDEM_CODES = 2 };

typedef struct idem_faces {
    idem_studio *studio;
    unsigned codes;          /* kinds of codes made: bits of the above */
    bool keep;               /* keep pictures after encoding */
    int n, encoded;          /* faces; faces with codes: the others wait */
    float *code[IDEM_CODES]; /* [n, dim]; NULL: not made */
    size_t dim[IDEM_CODES];
    bool *drawn;       /* [n]: the file is marked as made by idem; set only if pictures are kept */
    uint8_t *pictures; /* [n, S, S, 3], or only of those that wait */
    int capacity, pictures_capacity;
} idem_faces;

/* The studio has a generator and must outlive the set. NULL with a message. */
idem_faces *idem_faces_new(idem_studio *s, unsigned codes, bool keep);
void idem_faces_free(idem_faces *f); /* NULL is allowed */

/* Appends the taken faces of a photograph (p->taken may be 0). The photograph is not needed afterwards. */
int idem_faces_add(idem_faces *f, const idem_photograph *p);
int idem_faces_encode(idem_faces *f);
void idem_faces_clear(idem_faces *f);

/* The picture of a face [S, S, 3] that is kept or waiting. */
const uint8_t *idem_faces_picture(const idem_faces *f, int face);

/* A picture to make: indices of the identity and the attributes in the two sets. */
typedef struct {
    int id, attr;
} idem_face_pair;

/* n pictures of encoded faces: ws [n, L, W] and rgb [n, S, S, 3], either may be NULL. refine: steps per picture, or
 * IDEM_REFINE_BY_MARK (studio.h); unless it is 0 both sets must keep their pictures. */
int idem_faces_compose(const idem_faces *id, const idem_faces *attr, const idem_face_pair *pairs, int n, int refine,
                       float *ws, uint8_t *rgb);

/* Its first check: whether both sets have the codes and pictures that composing reads. */
int idem_faces_check(const idem_faces *id, const idem_faces *attr, int refine);

#endif
