#define _GNU_SOURCE
#include "cli/photos.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/models.h"
#include "base/file.h"
#include "base/status.h"
#include "cli/left_out.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "model/model.h"
#include "media/format.h"

enum {
    PATH_SIZE = 4096,
    YAW_PROFILE = 60, /* degrees from which half of the face is out of sight */
    FACE_MAX = 1000000
};

idem_finder *idem_asset_finder(bool pose, const idem_plan_options *options) {
    char detect[PATH_SIZE], landmark[PATH_SIZE], angles[PATH_SIZE];
    if (idem_models_find(detect, sizeof detect, NULL, "fr_detect.onnx") ||
        idem_models_find(landmark, sizeof landmark, NULL, "fr_landmark.onnx") ||
        (pose && idem_models_find(angles, sizeof angles, NULL, "fr_pose.onnx")))
        return NULL;
    return idem_finder_new(&(idem_finder_files){detect, landmark, pose ? angles : NULL}, options);
}

idem_embedder *idem_asset_embedder(bool judge, const idem_plan_options *options) {
    char feature[PATH_SIZE], second[PATH_SIZE];
    if (idem_models_find(feature, sizeof feature, NULL, "fr_feature.onnx") ||
        (judge && idem_models_find(second, sizeof second, NULL, "face_recognition_model-weights_manifest.json")))
        return NULL;
    return idem_embedder_new(feature, judge ? second : NULL, options);
}

void idem_photo_remark(const idem_photo *photo, const char *path, int face, const char *others) {
    if (photo->n > 1 && others)
        idem_cli_say("idem: %s: has %d faces; the largest is taken%s", path, photo->n, others);
    if (fabsf(photo->faces[face].yaw) > YAW_PROFILE)
        idem_cli_say("idem: %s: a profile (yaw %.0f degrees); the frame may be off", path,
                     (double)photo->faces[face].yaw);
}

/* ---- photographs and pictures in the frame ---- */

/* Poses are for remarks alone, so their network may be absent. */
static idem_finder *open_finder(const idem_choice *c) {
    char pose[PATH_SIZE];
    return idem_asset_finder(!c->quiet && !idem_models_find(pose, sizeof pose, NULL, "fr_pose.onnx"), &c->options);
}

void idem_choice_free(idem_choice *c) {
    idem_finder_free(c->finder);
    c->finder = NULL;
}

/* -2: not a choice. */
static int parse_face(const char *face) {
    if (!strcmp(face, "largest"))
        return IDEM_FACE_LARGEST;
    if (!strcmp(face, "all"))
        return IDEM_FACE_ALL;
    char *end;
    long n = strtol(face, &end, 10);
    return *face && !*end && n >= 1 && n <= FACE_MAX ? (int)n - 1 : -2;
}

int idem_choice_which(const idem_choice *c) {
    return parse_face(c->face);
}

int idem_choice_check(const idem_choice *c, bool all) {
    int face = parse_face(c->face);
    return face >= IDEM_FACE_LARGEST || (all && face == IDEM_FACE_ALL)
               ? 0
               : idem_cli_usage("--face: \"%s\" is neither largest%s nor a number from 1 to %d", c->face,
                                all ? ", all" : "", FACE_MAX);
}

static int wanted(int which) {
    return which == IDEM_FACE_ALL ? INT_MAX : which + 1;
}

/* What idem drew in just this size is taken whole even where it shows no face: samples of a young generator. */
static bool is_drawn(const idem_photo *photo, const char *path, int size) {
    char text[8];
    return photo->width == size && photo->height == size && !idem_png_text(path, "Software", text, sizeof text) &&
           !strcmp(text, "idem");
}

static int cut_faces(idem_cut **cuts, idem_photo *photo, const char *path, int size, int which, idem_choice *c) {
    bool all = which == IDEM_FACE_ALL;
    if (idem_photo_find(photo, c->finder, path, size, wanted(which)))
        return -1;
    if (photo->n == 0 && which <= 0 && !strcmp(c->input, "auto") && is_drawn(photo, path, size))
        return idem_cut_whole(*cuts, photo, size) ? -1 : 1;
    if (photo->n == 0)
        return idem_fail("%s: no face found; pictures that are aligned already are taken with --input aligned", path);
    if (which >= photo->n)
        return idem_fail("%s: has %d face%s, --face %d was asked for", path, photo->n, photo->n == 1 ? "" : "s",
                         which + 1);
    bool may_be_aligned = !strcmp(c->input, "auto") && !(all && photo->n > 1);
    int first = all ? 0 : which, n = all ? photo->n : 1;
    idem_cut *room = realloc(*cuts, (size_t)n * sizeof *room);
    if (!room)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d faces", n);
    *cuts = room;
    for (int i = 0; i < n && !c->quiet; i++)
        idem_photo_remark(photo, path, first + i, which == IDEM_FACE_LARGEST ? "" : NULL);
    for (int i = 0; i < n; i++)
        if (idem_cut_face(&room[i], photo, first + i, size, may_be_aligned)) {
            for (int k = 0; k < i; k++)
                idem_image_free(&room[k].picture);
            return -1;
        }
    return n;
}

idem_ahead *idem_choice_ahead(const idem_choice *c, const char *const *paths, size_t n) {
    return strcmp(c->input, "aligned") ? idem_photo_ahead(paths, n, wanted(idem_choice_which(c)))
                                       : idem_ahead_new(paths, n, 0);
}

/* A picture that is a face in its frame is known at a look, where the largest face is wanted. */
static int look_at(idem_cut **cuts, idem_photo *photo, const char *path, int size, int which, idem_choice *c) {
    if (!c->finder && !(c->finder = open_finder(c)))
        return -1;
    const int whole =
        which == IDEM_FACE_LARGEST && !strcmp(c->input, "auto") ? idem_cut_at_a_look(*cuts, photo, c->finder, size) : 0;
    return whole ? whole : cut_faces(cuts, photo, path, size, which, c);
}

int idem_choice_next(idem_cut **cuts, idem_ahead *ahead, const char *path, int size, int which, idem_choice *c) {
    idem_photo photo;
    int n;
    if (idem_photo_next(&photo, ahead))
        return -1;
    if (!(*cuts = malloc(sizeof **cuts)))
        n = idem_fail_as(IDEM_MEMORY, "out of memory for a face");
    else if (strcmp(c->input, "aligned"))
        n = look_at(cuts, &photo, path, size, which, c);
    else
        n = which > 0 ? idem_fail("%s: is taken as one aligned face, --face %d was asked for; --input photo looks for "
                                  "faces",
                                  path, which + 1)
            : idem_cut_whole(*cuts, &photo, size) ? -1
                                                  : 1;
    if (n < 0) {
        free(*cuts);
        *cuts = NULL;
    }
    idem_photo_close(&photo);
    return n;
}

int idem_choice_load(idem_cut *cut, const char *path, int size, int which, idem_choice *c) {
    idem_cut *cuts = NULL;
    idem_ahead *ahead = idem_choice_ahead(c, &path, 1);
    int n = ahead ? idem_choice_next(&cuts, ahead, path, size, which, c) : -1;
    idem_ahead_free(ahead);
    if (n < 0)
        return -1;
    *cut = cuts[0];
    cuts[0].picture = (idem_image){0};
    idem_cuts_free(cuts, n);
    return 0;
}

/* ---- lists of files ---- */

typedef struct {
    char **names;
    size_t count, room;
} list;

/* Takes the path over. */
static int add(list *l, char *path) {
    if (path && l->count + 1 >= l->room) {
        size_t room = l->room ? 2 * l->room : 64;
        char **names = realloc(l->names, room * sizeof *names);
        if (!names) {
            free(path);
            return idem_fail_as(IDEM_MEMORY, "out of memory for a list of files");
        }
        l->names = names;
        l->room = room;
    }
    if (!path)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a list of files");
    l->names[l->count++] = path;
    l->names[l->count] = NULL;
    return 0;
}

static int add_folder(list *l, const char *dir) {
    idem_listing in;
    if (idem_left_out_list(&in, dir))
        return -1;
    int status = in.n_pictures ? 0 : idem_fail("%s: has no picture (" IDEM_FORMATS ")", dir);
    for (size_t i = 0; i < in.n_pictures && !status; i++)
        status = add(l, idem_path_join(dir, in.pictures[i]));
    idem_listing_free(&in);
    return status;
}

char **idem_photo_list(char *const *paths, int n, size_t *count) {
    list l = {0};
    for (int i = 0; i < n; i++)
        if (idem_path_is_dir(paths[i]) ? add_folder(&l, paths[i]) : add(&l, strdup(paths[i]))) {
            idem_names_free(l.names, l.count);
            return NULL;
        }
    *count = l.count;
    return l.names;
}
