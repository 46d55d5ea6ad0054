/* The networks that look at photographs, opened from the folder of downloaded models, for commands. */
#ifndef IDEM_CLI_PHOTOS_H
#define IDEM_CLI_PHOTOS_H

#include "cli/options.h"
#include "face/cut.h"
#include "face/embed.h"

/* NULL with a message that names what is missing and the command that fetches it. */
idem_finder *idem_asset_finder(bool pose, const idem_plan_options *options);
idem_embedder *idem_asset_embedder(bool judge, const idem_plan_options *options);

/* Says that there are several faces and how to take the others (" (...)" or ""; NULL: says nothing of them), and that
 * this one is a profile. */
void idem_photo_remark(const idem_photo *photo, const char *path, int face, const char *others);

/* What to take from pictures that may be photographs. */
typedef struct {
    const char *input;         /* "auto", "photo" or "aligned" */
    const char *face;          /* "largest", "all", or a number from 1, in the order of size */
    idem_plan_options options; /* of the finder */
    idem_finder *finder;       /* opened at first need, freed by idem_choice_free */
    bool quiet;
} idem_choice;
#define IDEM_CHOICE_DEFAULT ((idem_choice){.input = "auto", .face = "largest"})
/* For the help, after "faces". */
#define IDEM_FACES_SOUGHT                                                                                              \
    " are looked for upright, on either side and on their head, down to a sixtieth of the photograph's longer side"
/* Rows of an option table; faces: "largest" and so on, as the command has it. */
#define IDEM_CHOICE_ROWS(c, faces)                                                                                     \
    {IDEM_OPT_HEADER, .help = "Photographs"},                                                                          \
        {IDEM_OPT_TEXT,                                                                                                \
         "input",                                                                                                      \
         0,                                                                                                            \
         "KIND",                                                                                                       \
         &(c).input,                                                                                                   \
         .choices = "auto|photo|aligned",                                                                              \
         .help = "whether faces are looked for and cut out, or pictures taken whole; auto looks at each"},             \
    {                                                                                                                  \
        IDEM_OPT_TEXT, "face", 0, "FACE", &(c).face, .help = faces "; faces" IDEM_FACES_SOUGHT                         \
    }
void idem_choice_free(idem_choice *c);
/* Whether `face` is one of the above, "all" only if `all`; wrong usage is explained and gives 2, else 0. */
int idem_choice_check(const idem_choice *c, bool all);

/* Which face of a photograph: a number from 0, in the order of size, or all. */
enum { IDEM_FACE_LARGEST = 0, IDEM_FACE_ALL = -1 };
int idem_choice_which(const idem_choice *c);

/* The pictures of a list, decoded ahead as c needs them; paths as idem_ahead_new. */
idem_ahead *idem_choice_ahead(const idem_choice *c, const char *const *paths, size_t n);
/* The next of them, whose path is given: its faces as `which` says, in *cuts, to be freed with idem_cuts_free. A square
 * picture whose only face lies in the frame already is taken as it is unless c says "photo", whatever its size. How
 * many; -1: not readable, or no (such) face. */
int idem_choice_next(idem_cut **cuts, idem_ahead *ahead, const char *path, int size, int which, idem_choice *c);
/* One face of one file. */
int idem_choice_load(idem_cut *cut, const char *path, int size, int which, idem_choice *c);

/* "a.jpg", "b/" ... to the picture files they mean: files as they are, folders by their pictures' names, sorted
 * (what else is in them: left_out.h). NULL
 * with a message; free with idem_names_free. */
char **idem_photo_list(char *const *paths, int n, size_t *count);

#endif
