/* Sources: the faces that identities or attributes come from, read from files that are decoded ahead, as codes.
 * Pictures wait until idem_sources_encode, so that the caller says how many go through the networks at once; what stays
 * of a file are its codes and places, until idem_sources_clear. */
#ifndef IDEM_CLI_SOURCES_H
#define IDEM_CLI_SOURCES_H

#include "cli/photos.h"
#include "model/pipe.h"

enum { IDEM_SOURCE_CODES = 2 };

typedef struct {
    const char *path, *name; /* borrowed */
    int first, n;            /* its faces among all; 0: it was passed over */
    idem_image thumb;        /* of its first face, if wanted */
} idem_source;

/* Where a face is put back. */
typedef struct {
    bool cut_out; /* from a photograph; else the whole picture was taken as it is */
    bool drawn;   /* the file's mark says that idem made it */
    idem_crop frame;
    float points[IDEM_POINTS][2]; /* unit coordinates of the photograph */
} idem_place;

typedef struct {
    idem_source *at;
    idem_place *places;              /* [faces] */
    float *codes[IDEM_SOURCE_CODES]; /* [faces, dim] */
    size_t dim[IDEM_SOURCE_CODES];
    int n, faces, bad; /* files, faces, files passed over: bad is never cleared */
    double outside;    /* largest share of a frame outside its photograph (face/align.h); never cleared */
    /* set by the caller between open and the first read */
    int which;  /* face of a photograph: photos.h */
    int thumbs; /* largest side of thumbs; 0: none are wanted */
    bool keep;  /* the pictures of the faces stay, for idem_sources_picture */
    /* private */
    idem_choice *choice;
    int size;
    idem_pipe *pipes[IDEM_SOURCE_CODES];
    float *waiting;    /* [faces - encoded, S, S, 3] */
    uint8_t *pictures; /* [faces, S, S, 3], if kept */
    int encoded, room, rows, waiting_room, kept_room;
} idem_sources;

/* Codes of the kinds given (pipe.h; as many as pipes are wanted, picture to vector), `batch` faces at once. The model
 * and the choice must outlive s. */
int idem_sources_open(idem_sources *s, idem_model *m, idem_choice *choice, const idem_pipe_kind *kinds, int n,
                      int batch, const idem_plan_options *options);
void idem_sources_free(idem_sources *s);

/* The next picture of `ahead`, whose path and name these are. One that cannot be read or shows no (such) face is said
 * so, counted in bad, and gets no faces; if it is the `only` one, or no other can be read either (interrupted, a
 * network is missing), the result is -1. */
int idem_sources_read(idem_sources *s, idem_ahead *ahead, const char *path, const char *name, bool only);
/* Codes of the faces read since the last call. */
int idem_sources_encode(idem_sources *s);
/* Frees the networks and what only they need; what has been encoded stays. */
void idem_sources_close(idem_sources *s);
/* The kept picture of a face, x [S, S, 3] in [0, 1]. */
void idem_sources_picture(const idem_sources *s, int face, float *x);
/* Faces that wait for it. */
int idem_sources_waiting(const idem_sources *s);
/* Forgets files, places and codes. */
void idem_sources_clear(idem_sources *s);
/* Takes those that were passed over out of the list. */
void idem_sources_keep_good(idem_sources *s);

#endif
