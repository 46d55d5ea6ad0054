/* Sources: the files of identities or attributes, and their faces. */
#ifndef IDEM_CLI_SOURCES_H
#define IDEM_CLI_SOURCES_H

#include "cli/reading.h"

typedef struct {
    const char *path, *name;     /* borrowed */
    int first, n;                /* its faces in the set; n 0: the file was skipped */
    idem_photograph *photograph; /* without its pixels, if photographs are kept */
    idem_view thumb;             /* of its first face, if wanted; owned */
} idem_source;

typedef struct {
    idem_source *at;
    idem_faces *faces;
    double *outside;     /* [faces]: share of the frame outside its photograph */
    int n, bad;          /* files; skipped files: bad is never cleared */
    double outside_most; /* never cleared */
    /* set by the caller between open and the first read */
    int which;   /* face of a photograph: reading.h */
    int thumbs;  /* largest side of thumbs; 0: none are wanted */
    bool places; /* photographs are kept, to put faces back */
    /* private */
    const idem_choice *choice;
    int size, capacity, rows;
} idem_sources;

/* codes: IDEM_CODE_OF_...; keep: pictures of faces are kept, for refinement. The context and the choice must outlive s.
 */
int idem_sources_open(idem_sources *s, idem_context *context, const idem_choice *choice, int codes, bool keep);
void idem_sources_free(idem_sources *s);

/* Reads the reader's next picture, of this path and name. A picture that is unreadable or has no such face is reported,
 * counted in bad, and has no faces; -1 if it is the `only` one, or if no other can be read either (interrupted, a
 * network is missing). */
int idem_sources_read(idem_sources *s, idem_reader *reader, const char *path, const char *name, bool only);
/* A copy of a picture [size, size, 3], at most `side` wide, for display; its rgb is malloc'ed. */
int idem_sources_thumb(idem_view *thumb, const uint8_t *picture, int size, int side);
/* Removes all files, faces and codes. */
void idem_sources_clear(idem_sources *s);
/* Removes skipped files from the list. */
void idem_sources_keep_good(idem_sources *s);

#endif
