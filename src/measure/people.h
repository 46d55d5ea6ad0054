/* Photographs of persons to be composed with each other: the pictures of a folder and the folders in it, the largest
 * face of each cut out as the generator would paint it (face/cut.h), and pairs of different persons.
 *
 * Whose photograph it is says the file's place: pictures in a folder below DIR show one person (Name/Name_0001.jpg, as
 * in Labeled Faces in the Wild); of those in DIR itself the ones whose names are equal up to the last _NUMBER do
 * (Name_0001.jpg); any other shows a person of its own.
 *
 *     idem_people *p = idem_people_open("lfw", 300, &(idem_people_options){.size = 128, .seed = 1});
 *     idem_people_pair(p, id, attr, 300);        // indices of pictures
 */
#ifndef IDEM_MEASURE_PEOPLE_H
#define IDEM_MEASURE_PEOPLE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "face/crop.h"
#include "face/landmarks.h"

typedef struct {
    const char *path;
    int person;   /* 0, 1, .. in order of the names */
    bool cut_out; /* from a photograph; else the picture was in the frame and taken whole */
    idem_crop frame;
    float points[IDEM_POINTS][2]; /* unit coordinates of the photograph */
} idem_person_picture;

typedef struct {
    int n;                   /* pictures */
    int persons;             /* that have one of them */
    int bad;                 /* files without a face, or that cannot be read */
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
    const char *models; /* the folder of the networks that find faces; NULL: as base/models.h says */
    const volatile sig_atomic_t *stop;
    void (*progress)(void *user, int done, int count); /* while faces are looked for; may be NULL */
    void (*bad)(void *user, const char *why);          /* what is left out; may be NULL */
    void *user;
} idem_people_options;

/* `most` pictures, chosen by the seed; fewer where the folder has fewer. NULL when not even two persons are found, or
 * interrupted. */
idem_people *idem_people_open(const char *dir, int most, const idem_people_options *o);
void idem_people_free(idem_people *p); /* NULL is allowed */

/* n pairs of pictures of different persons, by the seed: of each n = p->n pairs that follow each other every picture is
 * once the identity picture and once the attribute picture. -1: one person has more than half of the pictures. */
int idem_people_pair(const idem_people *p, int *id, int *attr, int n);

/* The length of the part of a name below DIR that tells the person. */
size_t idem_people_person(const char *name);

#endif
