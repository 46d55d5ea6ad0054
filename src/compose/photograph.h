/* A photograph of any size with the faces that are wanted of it: from a file, or from a picture in memory. What is
 * already a face in its frame is taken whole. Files are decoded no larger than the faces need, unless the whole
 * photograph is wanted.
 *
 *     const idem_look look = {.input = IDEM_LOOK_AUTO, .face = IDEM_FACE_ALL, .size = 128};
 *     idem_photograph *p = idem_photograph_read(studio, path, &look);     // or _of(image) and _look
 *     for (int i = p->first; i < p->first + p->taken; i++)
 *         idem_photograph_cut(p, studio, i, 128, &picture);               // at any size
 *     idem_photograph_paste(p, studio, i, &painted);                      // decodes the file again, whole
 *     idem_photograph_free(p); */
#ifndef IDEM_COMPOSE_PHOTOGRAPH_H
#define IDEM_COMPOSE_PHOTOGRAPH_H

#include "compose/studio.h"
#include "face/cut.h"

enum { IDEM_FACE_LARGEST = 0, IDEM_FACE_ALL = -1 };

typedef enum {
    IDEM_LOOK_AUTO,    /* each is looked at: whole if it is a face in its frame, else as a photograph */
    IDEM_LOOK_PHOTO,   /* faces are looked for and cut out */
    IDEM_LOOK_ALIGNED, /* taken whole, unseen */
    IDEM_LOOK_PIXELS,  /* no face is looked for or taken */
} idem_look_input;

typedef struct {
    idem_look_input input;
    int face;         /* which one: a number from 0 in the order of size, or IDEM_FACE_ALL */
    int size;         /* of the pictures that will be cut out: files are decoded as large as that needs; 0: whole, and
                         as transparent as they are */
    const char *hint; /* ends the note that there are further faces: " (...)"; NULL: nothing */
} idem_look;

typedef struct idem_photograph {
    idem_photo photo; /* its faces, largest first; of one taken unseen a face without points */
    char *path;       /* NULL: of memory */
    int first, taken; /* the faces that are wanted; taken 0: there is no (such) face */
    bool whole;       /* the one face taken is the whole picture */
    bool unseen;      /* and nobody knows where its points are */
    bool full;        /* the pixels are those of the whole file, with its transparency */
    bool pasted;      /* it shows a painted face */
    bool marked;      /* of memory: the bytes it was decoded from say that idem made it */
} idem_photograph;

/* NULL with a message: it cannot be read, a network is missing, memory is short, or interrupted. That it has no (such)
 * face is no failure: taken is 0 then. Notes go to the log: further faces, a profile, a frame that reaches far beyond
 * the photograph. Notes about profiles want a studio with poses. */
idem_photograph *idem_photograph_read(idem_studio *s, const char *path, const idem_look *look);
void idem_photograph_free(idem_photograph *p); /* NULL is allowed */

/* For many: they are decoded in a thread ahead of use. paths are borrowed until idem_ahead_free. */
idem_ahead *idem_photograph_ahead(const char *const *paths, size_t n, const idem_look *look);
/* The next of them, whose path is given. */
idem_photograph *idem_photograph_next(idem_studio *s, idem_ahead *ahead, const char *path, const idem_look *look);

/* From memory, in two steps: takes the image over also when it fails; and looks for faces. path: of the file it was
 * decoded from, if it was. */
idem_photograph *idem_photograph_of(idem_image *image, const char *path);
int idem_photograph_look(idem_photograph *p, idem_studio *s, const idem_look *look);

/* -1 with a message when there is no such face. */
int idem_photograph_check(const idem_photograph *p, int face);
/* Where it is cut out, in parts of the photograph's sides; the whole photograph where it is taken whole. */
int idem_photograph_frame(const idem_photograph *p, int face, idem_crop *frame);
/* The share of its frame that is outside; 0 where it is taken whole. */
double idem_photograph_outside(const idem_photograph *p, int face);
/* The face as a picture of size x size pixels. */
int idem_photograph_cut(const idem_photograph *p, const idem_studio *s, int face, int size, idem_image *picture);
/* Puts a square picture of its frame where the face is. The file is decoded again if p holds less than all of it. */
int idem_photograph_paste(idem_photograph *p, const idem_studio *s, int face, const idem_image *picture);
/* Frees the pixels: a file's are decoded again when they are needed, with nothing pasted. Those from memory stay. */
void idem_photograph_drop(idem_photograph *p);
/* The pixels of the whole photograph are there. */
int idem_photograph_fill(idem_photograph *p);
/* Whether the mark of the file, or of the bytes in memory, says that idem made it; pixels have none. */
bool idem_photograph_is_drawn(const idem_photograph *p);

#endif
