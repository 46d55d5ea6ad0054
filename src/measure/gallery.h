/* Photographs with the vectors of their faces, by the training recogniser and by the judge. Each photograph is decoded
 * ahead of the networks; what stays of it are its vectors. */
#ifndef IDEM_MEASURE_GALLERY_H
#define IDEM_MEASURE_GALLERY_H

#include <stdbool.h>

#include "engine/plan.h"

enum { IDEM_GALLERY_ALL = -1, IDEM_GALLERY_LARGEST = 0 };

typedef struct {
    const char *path; /* borrowed */
    int which;        /* a face from 0, in the order of size, where there are several; IDEM_GALLERY_ALL: all of them */
    /* set by the gallery */
    int found;    /* faces in the photograph */
    int first, n; /* rows of the faces taken; n 0: it has none, or cannot be read */
} idem_gallery_picture;

typedef struct {
    int face;       /* of its photograph, from 0 */
    double outside; /* share of its frame outside the photograph (face/align.h) */
} idem_gallery_face;

typedef struct {
    idem_gallery_picture *pictures;
    int n, unreadable;        /* files that cannot be read or measured; those without a face are not among them */
    idem_gallery_face *faces; /* [rows] */
    float *feature, *judge;   /* [rows, dim], [rows, IDEM_JUDGE_DIM]: unit vectors */
    int rows, dim;
    int capacity; /* private */
} idem_gallery;

typedef struct {
    const char *models; /* the folder of the networks; NULL: as base/models.h says */
    idem_plan_options plan;
    bool strict; /* the first picture that is no good is the failure; else it is told and passed over */
    void (*progress)(void *user, int done, int all); /* may be NULL, as the next */
    void (*bad)(void *user, const char *why);
    void *user;
} idem_gallery_options;

/* Reads the n pictures that are in place. */
int idem_gallery_read(idem_gallery *g, const idem_gallery_options *options);
void idem_gallery_free(idem_gallery *g); /* the pictures are the caller's */

/* The pair of faces of two pictures (rows) that is most alike by the training recogniser. */
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
