/* Photographs with the vectors of their faces, by the training recogniser and by the judge. Each photograph is decoded
 * ahead of the networks; only its vectors are kept. */
#ifndef IDEM_MEASURE_GALLERY_H
#define IDEM_MEASURE_GALLERY_H

#include <stdbool.h>

#include "engine/plan.h"

enum { IDEM_GALLERY_ALL = -1, IDEM_GALLERY_LARGEST = 0 };

typedef struct {
    const char *path; /* borrowed */
    int which;        /* index of the face in the order of size, if there are several; IDEM_GALLERY_ALL: all of them */
    /* set by the gallery */
    int found;    /* faces in the photograph */
    int first, n; /* rows of the faces taken; n 0: none, or unreadable */
} idem_gallery_picture;

typedef struct {
    int face;       /* of its photograph, from 0 */
    double outside; /* share of its frame outside the photograph (face/align.h) */
} idem_gallery_face;

typedef struct {
    idem_gallery_picture *pictures;
    int n, unreadable;        /* unreadable: files that cannot be read or measured, without those without a face */
    idem_gallery_face *faces; /* [rows] */
    float *feature, *judge;   /* [rows, dim], [rows, IDEM_JUDGE_DIM]: unit vectors */
    int rows, dim;
    int capacity; /* private */
} idem_gallery;

typedef struct {
    const char *models; /* the folder of the networks; NULL: as in base/models.h */
    idem_plan_options plan;
    bool strict; /* the first unusable picture is a failure; else it is reported and skipped */
    void (*progress)(void *user, int done, int all); /* may be NULL, as the next */
    void (*bad)(void *user, const char *why);
    void *user;
} idem_gallery_options;

/* Reads the n pictures set by the caller. */
int idem_gallery_read(idem_gallery *g, const idem_gallery_options *options);
void idem_gallery_free(idem_gallery *g); /* the caller owns the pictures */

/* The most similar pair of faces of two pictures (rows), by the training recogniser. */
typedef struct {
    int row[2];
    double feature, judge; /* cosines */
} idem_gallery_pair;
idem_gallery_pair idem_gallery_best(const idem_gallery *g, const idem_gallery_picture *a,
                                    const idem_gallery_picture *b);
/* The first faces of both. */
idem_gallery_pair idem_gallery_first(const idem_gallery *g, const idem_gallery_picture *a,
                                     const idem_gallery_picture *b);

#endif
