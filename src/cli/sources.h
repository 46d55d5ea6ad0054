/* Sources: the files that identities or attributes come from, and their faces. */
#ifndef IDEM_CLI_SOURCES_H
#define IDEM_CLI_SOURCES_H

#include "cli/reading.h"

typedef struct {
    const char *path, *name;     /* borrowed */
    int first, n;                /* its faces in the set; 0: it was passed over */
    idem_photograph *photograph; /* without its pixels, if photographs are kept */
    idem_view thumb;             /* of its first face, if wanted; its own */
} idem_source;

typedef struct {
    idem_source *at;
    idem_faces *faces;
    double *outside;     /* [faces]: share of the frame outside its photograph, where it is made up */
    int n, bad;          /* files; files passed over: bad is never cleared */
    double outside_most; /* never cleared */
    /* set by the caller between open and the first read */
    int which;   /* face of a photograph: reading.h */
    int thumbs;  /* largest side of thumbs; 0: none are wanted */
    bool places; /* photographs are kept, to put faces back */
    /* private */
    const idem_choice *choice;
    int size, capacity, rows;
} idem_sources;

/* codes: IDEM_CODE_OF_...; keep: the faces' pictures stay, for refining. The context and the choice must outlive s. */
int idem_sources_open(idem_sources *s, idem_context *context, const idem_choice *choice, int codes, bool keep);
void idem_sources_free(idem_sources *s);

/* The next picture of the reader, whose path and name these are. One that cannot be read or shows no (such) face is
 * said so, counted in bad, and gets no faces; if it is the `only` one, or no other can be read either (interrupted, a
 * network is missing), the result is -1. */
int idem_sources_read(idem_sources *s, idem_reader *reader, const char *path, const char *name, bool only);
/* A copy of a picture [size, size, 3], at most `side` wide, to be shown; its rgb is malloc'ed. */
int idem_sources_thumb(idem_view *thumb, const uint8_t *picture, int size, int side);
/* Forgets files, faces and codes. */
void idem_sources_clear(idem_sources *s);
/* Takes those that were passed over out of the list. */
void idem_sources_keep_good(idem_sources *s);

#endif
