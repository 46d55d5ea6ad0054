/* Photographs of persons to compose with each other: the pictures of a folder and its subfolders, the largest face of
 * each cut out in the generator's frame (face/cut.h), and pairs of different persons.
 *
 * The path identifies the person: pictures in a folder below DIR show one person (Name/Name_0001.jpg, as in Labeled
 * Faces in the Wild); so do those in DIR itself whose names without _NUMBER are equal (Name_0001.jpg); any other
 * picture shows a separate person.
 *
 *     idem_people *p = idem_people_open("lfw", 300, &(idem_people_options){.size = 128, .seed = 1});
 *     idem_people_pair(p, id, attr, 300);        // indices of pictures */
#ifndef IDEM_MEASURE_PEOPLE_H
#define IDEM_MEASURE_PEOPLE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "face/crop.h"
#include "face/landmarks.h"
#include "measure/share.h"

typedef struct {
    const char *path;
    int person;   /* 0, 1, .. in order of the names */
    bool cut_out; /* from a photograph; else the picture was taken whole */
    idem_crop frame;
    float points[IDEM_POINTS][2]; /* unit coordinates of the photograph */
} idem_person_picture;

typedef struct {
    int n;                   /* pictures */
    int persons;             /* persons with at least one picture */
    int bad;                 /* files without a face, or unreadable */
    idem_person_picture *at; /* [n] */
    float *pictures;         /* [n, S, S, 3] in [0, 1] */
    /* private */
    int size;
    uint64_t seed;
    struct idem_picture_tree *tree;
} idem_people;

typedef struct idem_people_options {
    int size; /* S */
    uint64_t seed;
    int threads;
    const char *models; /* the folder of the networks that find faces; NULL: as in base/models.h */
    const idem_measure_share
        *share; /* ranks that look for faces together, in the same folder; NULL: this process alone */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *user, int done, int count); /* during the search for faces; may be NULL */
    void (*bad)(void *user, const char *why);          /* gets what is left out; may be NULL */
    void *user;
} idem_people_options;

/* At most `most` pictures, chosen by the seed. NULL if fewer than two persons are found, or interrupted. */
idem_people *idem_people_open(const char *dir, int most, const idem_people_options *o);
void idem_people_free(idem_people *p); /* NULL is allowed */

/* n pairs of pictures of different persons, by the seed: in each round of p->n pairs every picture is once the identity
 * picture and once the attribute picture. -1: one person has more than half of the pictures. */
int idem_people_pair(const idem_people *p, int *id, int *attr, int n);

/* The length of the part of a path below DIR that identifies the person. */
size_t idem_people_person(const char *name);

#endif
