/* The networks that look at photographs, opened from the folder of downloaded models, for commands. */
#ifndef IDEM_CLI_PHOTOS_H
#define IDEM_CLI_PHOTOS_H

#include "cli/options.h"
#include "face/embed.h"
#include "face/photo.h"

/* NULL with a message that names what is missing and the command that fetches it. */
idem_finder *idem_asset_finder(bool pose, const idem_plan_options *options);
idem_embedder *idem_asset_embedder(bool judge, const idem_plan_options *options);

/* What to take from a picture that may be a photograph. */
typedef struct {
    const char *input;         /* "auto", "photo" or "aligned" */
    const char *face;          /* "largest", or a number from 1, in the order of size */
    idem_plan_options options; /* of the finder */
    idem_finder *finder;       /* opened at first need, freed by idem_choice_free */
    bool quiet;
} idem_choice;
#define IDEM_CHOICE_DEFAULT ((idem_choice){.input = "auto", .face = "largest"})
/* Rows of an option table. */
#define IDEM_CHOICE_ROWS(c)                                                                                            \
    {IDEM_OPT_HEADER, .help = "Photographs"},                                                                          \
        {IDEM_OPT_TEXT,                                                                                                \
         "input",                                                                                                      \
         0,                                                                                                            \
         "KIND",                                                                                                       \
         &(c).input,                                                                                                   \
         .choices = "auto|photo|aligned",                                                                              \
         .help = "whether faces are looked for and cut out, or pictures taken whole; auto looks at each"},             \
    {                                                                                                                  \
        IDEM_OPT_TEXT, "face", 0, "N", &(c).face,                                                                      \
            .help = "which face of a photograph: largest, or a number from 1 in the order of size"                     \
    }
void idem_choice_free(idem_choice *c);
/* Whether `face` is one of the above; wrong usage is explained and gives 2, else 0. */
int idem_choice_check(const idem_choice *c);

/* Where a picture of the frame came from. */
typedef struct {
    bool cut_out; /* from a photograph; else the whole picture was taken as it is */
    char *path;   /* of the file */
    idem_crop frame;
    float points[IDEM_POINTS][2]; /* unit coordinates of the photograph */
} idem_place;

/* A file as a picture of size x size in the generator's frame. A picture of just that size, or a square one whose face
 * lies in the frame already, is taken as it is unless c says "photo". -1: not readable, or no (such) face. */
int idem_choice_load(idem_image *out, idem_place *place, const char *path, int size, idem_choice *c);

/* "a.jpg", "b/" ... to the picture files they mean: files as they are, folders by their pictures' names, sorted. NULL
 * with a message; free with idem_names_free. */
char **idem_photo_list(char *const *paths, int n, size_t *count);

#endif
