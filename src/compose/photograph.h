/* A photograph of any size with the wanted faces: from a file, or from a picture in memory. A picture that is already a
 * face in its frame is taken whole. Files are decoded only as large as the faces need, unless the whole photograph is
 * wanted.
 *
 *     const idem_look look = {.input = IDEM_LOOK_AUTO, .face = IDEM_FACE_ALL, .size = 128};
 *     idem_photograph *p = idem_photograph_read(studio, path, &look);     // or _of(image) and _look
 *     for (int i = p->first; i < p->first + p->taken; i++)
 *         idem_photograph_cut(p, studio, i, 128, &picture);               // at any size
 *     idem_photograph_paste(p, studio, i, &painted);                      // decodes the file again at full size
 *     idem_photograph_free(p); */
#ifndef IDEM_COMPOSE_PHOTOGRAPH_H
#define IDEM_COMPOSE_PHOTOGRAPH_H

#include "compose/studio.h"
#include "face/cut.h"

enum { IDEM_FACE_LARGEST = 0, IDEM_FACE_ALL = -1 };

typedef enum {
    IDEM_LOOK_AUTO,    /* decided per picture: whole if it is a face in its frame, else as a photograph */
    IDEM_LOOK_PHOTO,   /* faces are found and cut out */
    IDEM_LOOK_ALIGNED, /* taken whole without looking for faces */
    IDEM_LOOK_PIXELS,  /* no face is searched or taken */
} idem_look_input;

typedef struct {
    idem_look_input input;
    int face; /* index of the face in the order of size, or IDEM_FACE_ALL */
    int size; /* of the pictures that will be cut out: files are decoded as large as that needs; 0: at full size, with
                 transparency */
    const char *hint; /* appended to the note on further faces: " (...)"; NULL: nothing */
} idem_look;

typedef struct idem_photograph {
    idem_photo photo; /* its faces, largest first; taken whole without looking: one face without points */
    char *path;       /* NULL: from memory */
    int first, taken; /* the wanted faces; taken 0: no such face */
    bool whole;       /* the picture was taken whole */
    bool unseen;      /* and its points are unknown */
    bool full;        /* the pixels are the file's at full size, with its transparency */
    bool pasted;      /* a painted face was pasted */
    bool marked;      /* from memory: its bytes are marked as made by idem */
} idem_photograph;

/* NULL with a message: unreadable, a network is missing, memory is short, or interrupted. A missing face is no failure:
 * taken is then 0. Notes are logged: further faces, a profile, a frame far beyond the photograph. Notes on profiles
 * need a studio with poses. */
idem_photograph *idem_photograph_read(idem_studio *s, const char *path, const idem_look *look);
void idem_photograph_free(idem_photograph *p); /* NULL is allowed */

/* For many: they are decoded in a thread ahead of use. paths are borrowed until idem_ahead_free. */
idem_ahead *idem_photograph_ahead(const char *const *paths, size_t n, const idem_look *look);
/* The next photograph, of the given path. */
idem_photograph *idem_photograph_next(idem_studio *s, idem_ahead *ahead, const char *path, const idem_look *look);

/* From memory, in two steps: takes ownership of the image, also on failure; then looks for faces. path: of its file, if
 * any. */
idem_photograph *idem_photograph_of(idem_image *image, const char *path);
int idem_photograph_look(idem_photograph *p, idem_studio *s, const idem_look *look);

/* -1 with a message if there is no such face. */
int idem_photograph_check(const idem_photograph *p, int face);
/* The crop of a face, in parts of the photograph's sides; the whole photograph if it was taken whole. */
int idem_photograph_frame(const idem_photograph *p, int face, idem_crop *frame);
/* The share of its frame outside; 0 if taken whole. */
double idem_photograph_outside(const idem_photograph *p, int face);
/* The face as a picture of size x size pixels. */
int idem_photograph_cut(const idem_photograph *p, const idem_studio *s, int face, int size, idem_image *picture);
/* Pastes a square picture of its frame over the face. The file is decoded again if p has only a part of it. */
int idem_photograph_paste(idem_photograph *p, const idem_studio *s, int face, const idem_image *picture);
/* Frees the pixels: a file is decoded again when needed, with nothing pasted. Pixels from memory are kept. */
void idem_photograph_drop(idem_photograph *p);
/* Loads the pixels at full size. */
int idem_photograph_fill(idem_photograph *p);
/* Whether the file, or the bytes in memory, are marked as made by idem; pixels have no mark. */
bool idem_photograph_is_drawn(const idem_photograph *p);

#endif
