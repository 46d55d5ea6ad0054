#include "cli/reading.h"

#include <stdlib.h>
#include <string.h>

#include "cli/failure.h"

enum { FACE_MAX = 1000000, NO_CHOICE = -2 };

static int parse_face(const char *face) {
    if (!strcmp(face, "largest"))
        return IDEM_LARGEST_FACE;
    if (!strcmp(face, "all"))
        return IDEM_ALL_FACES;
    char *end;
    long n = strtol(face, &end, 10);
    return *face && !*end && n >= 1 && n <= FACE_MAX ? (int)n - 1 : NO_CHOICE;
}

int idem_choice_which(const idem_choice *c) {
    return parse_face(c->face);
}

int idem_choice_check(const idem_choice *c, bool all) {
    int face = parse_face(c->face);
    return face >= IDEM_LARGEST_FACE || (all && face == IDEM_ALL_FACES)
               ? 0
               : idem_cli_usage("--face: \"%s\" is neither largest%s nor a number from 1 to %d", c->face,
                                all ? ", all" : "", FACE_MAX);
}

idem_reading idem_choice_reading(const idem_choice *c, int which, int size) {
    idem_reading r;
    idem_reading_default(&r);
    r.input = !strcmp(c->input, "auto")      ? IDEM_INPUT_AUTO
              : !strcmp(c->input, "aligned") ? IDEM_INPUT_ALIGNED
                                             : IDEM_INPUT_PHOTO;
    r.face = which;
    r.size = size;
    return r;
}

idem_reader *idem_choice_reader(idem_context *context, const idem_choice *c, const char *const *paths, int n,
                                int size) {
    const idem_reading r = idem_choice_reading(c, idem_choice_which(c), size);
    return idem_open_reader(context, paths, n, &r);
}

/* In terms of the command line. */
static int say_why(const idem_choice *c, const char *path, int which, int found) {
    if (!strcmp(c->input, "aligned"))
        return idem_cli_fail(
            "%s: is taken as one aligned face, but --face %d was asked for; --input photo looks for faces", path,
            which + 1);
    if (!found)
        return idem_cli_fail("%s: no face found; for pictures that are already aligned use --input aligned", path);
    return idem_cli_fail("%s: has %d face%s, --face %d was asked for", path, found, found == 1 ? "" : "s", which + 1);
}

idem_photograph *idem_choice_next(idem_reader *reader, const idem_choice *c, const char *path, int which, int size) {
    const idem_reading r = idem_choice_reading(c, which, size);
    idem_photograph *p = idem_next_photograph_as(reader, &r);
    idem_photograph_info info = {.struct_size = sizeof info};
    if (!p || idem_get_photograph_info(p, &info) || info.taken)
        return p;
    say_why(c, path, which, info.faces);
    idem_free_photograph(p);
    return NULL;
}
