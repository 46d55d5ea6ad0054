/* How commands read pictures that may be photographs. */
#ifndef IDEM_CLI_READING_H
#define IDEM_CLI_READING_H

#include <stdbool.h>

#include "cli/options.h"
#include "idem.h"

/* For the help, after "faces". */
#define IDEM_FACES_SOUGHT                                                                                              \
    " are found upright, turned by 90 degrees to either side and upside down, down to a sixtieth of the photograph's " \
    "longer side"

/* Which faces to take. */
typedef struct {
    const char *input; /* "auto", "photo" or "aligned" */
    const char *face;  /* "largest", "all", or a number from 1, in the order of size */
} idem_choice;
#define IDEM_CHOICE_DEFAULT ((idem_choice){.input = "auto", .face = "largest"})
/* Rows of an option table; faces: "largest" and so on, as the command has it. */
#define IDEM_CHOICE_ROWS(c, faces)                                                                                     \
    {IDEM_OPT_HEADER, .help = "Photographs"},                                                                          \
        {IDEM_OPT_TEXT,                                                                                                \
         "input",                                                                                                      \
         0,                                                                                                            \
         "KIND",                                                                                                       \
         &(c).input,                                                                                                   \
         .choices = "auto|photo|aligned",                                                                              \
         .help = "whether faces are found and cut out, or pictures taken whole; auto decides per picture"},            \
    {                                                                                                                  \
        IDEM_OPT_TEXT, "face", 0, "FACE", &(c).face, .help = faces "; faces" IDEM_FACES_SOUGHT                         \
    }
/* Checks that `face` is one of the above, "all" only if `all`: 0, or 2 with an explanation. */
int idem_choice_check(const idem_choice *c, bool all);
/* Which face of a photograph: IDEM_LARGEST_FACE, a number from 0, or IDEM_ALL_FACES. */
int idem_choice_which(const idem_choice *c);

/* The library's reading options for pictures of that size; which: as above. */
idem_reading idem_choice_reading(const idem_choice *c, int which, int size);
/* A reader of the files, for idem_choice_next. */
idem_reader *idem_choice_reader(idem_context *context, const idem_choice *c, const char *const *paths, int n, int size);
/* The reader's next photograph, of the given path, with the faces that `which` selects. NULL with a message if it is
 * unreadable or has no such face. */
idem_photograph *idem_choice_next(idem_reader *reader, const idem_choice *c, const char *path, int which, int size);

#endif
