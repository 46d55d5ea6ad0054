#define _GNU_SOURCE
#include "cli/photos.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "face/align.h"
#include "learn/model.h"

enum { PATH_SIZE = 4096 };

/* A square picture whose frame is no further from its borders is aligned already; samples of a generator are within 6
 * %. */
static const double in_frame = 0.08;

idem_finder *idem_asset_finder(bool pose, const idem_plan_options *options) {
    char detect[PATH_SIZE], landmark[PATH_SIZE], angles[PATH_SIZE];
    if (idem_model_find(detect, sizeof detect, NULL, "fr_detect.onnx") ||
        idem_model_find(landmark, sizeof landmark, NULL, "fr_landmark.onnx") ||
        (pose && idem_model_find(angles, sizeof angles, NULL, "fr_pose.onnx")))
        return NULL;
    return idem_finder_new(&(idem_finder_files){detect, landmark, pose ? angles : NULL}, options);
}

idem_embedder *idem_asset_embedder(bool judge, const idem_plan_options *options) {
    char feature[PATH_SIZE], second[PATH_SIZE];
    if (idem_model_find(feature, sizeof feature, NULL, "fr_feature.onnx") ||
        (judge && idem_model_find(second, sizeof second, NULL, "face_recognition_model-weights_manifest.json")))
        return NULL;
    return idem_embedder_new(feature, judge ? second : NULL, options);
}

/* ---- photographs and pictures in the frame ---- */

void idem_choice_free(idem_choice *c) {
    idem_finder_free(c->finder);
    c->finder = NULL;
}

/* Number of the face, from 0; -1: not a choice. */
static int face_number(const idem_choice *c) {
    if (!strcmp(c->face, "largest"))
        return 0;
    char *end;
    long n = strtol(c->face, &end, 10);
    return *c->face && !*end && n >= 1 && n <= IDEM_FACES_MAX ? (int)n - 1 : -1;
}

int idem_choice_check(const idem_choice *c) {
    return face_number(c) >= 0
               ? 0
               : idem_cli_usage("--face: \"%s\" is neither largest nor a number from 1 to %d", c->face, IDEM_FACES_MAX);
}

/* How far the frame's corners are from those of the whole picture, in parts of its side: mean. */
static double off_frame(const idem_crop *frame) {
    static const float corners[4][2] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};
    float at[4][2];
    double sum = 0;
    idem_crop_points(at, corners, 4, frame);
    for (int i = 0; i < 4; i++)
        sum += hypot((double)at[i][0] - corners[i][0], (double)at[i][1] - corners[i][1]) / 4;
    return sum;
}

static int cut_out(idem_image *out, idem_place *place, idem_photo *photo, const char *path, int size, idem_choice *c) {
    int face = face_number(c);
    if (!c->finder && !(c->finder = idem_asset_finder(false, &c->options)))
        return -1;
    if (idem_photo_find(photo, c->finder, path, size, face + 1))
        return -1;
    if (photo->n == 0)
        return idem_fail("%s: no face found; pictures that are aligned already are taken with --input aligned", path);
    if (face >= photo->n)
        return idem_fail("%s: has %d faces, --face %d was asked for", path, photo->n, face + 1);
    if (photo->n > 1 && !strcmp(c->face, "largest") && !c->quiet)
        idem_cli_say("idem: %s: has %d faces; the largest is taken (--face N takes another)", path, photo->n);
    memcpy(place->points, photo->faces[face].points, sizeof place->points);
    if (idem_align_frame(&place->frame, (const float(*)[2])place->points, photo->width, photo->height))
        return -1;
    bool square = photo->width == photo->height;
    if (square && !strcmp(c->input, "auto") && off_frame(&place->frame) < in_frame)
        return idem_image_resize(out, &photo->image, size, size);
    place->cut_out = true;
    return idem_align_picture(out, &photo->image, &place->frame, size);
}

int idem_choice_load(idem_image *out, idem_place *place, const char *path, int size, idem_choice *c) {
    *place = (idem_place){.frame = {{1, 0, 0, 0, 1, 0}}};
    *out = (idem_image){0};
    if (!strcmp(c->input, "aligned")) {
        idem_image file;
        if (idem_image_load(&file, path))
            return -1;
        int status = idem_image_resize(out, &file, size, size);
        idem_image_free(&file);
        return status;
    }
    idem_photo photo;
    if (idem_photo_load(&photo, path))
        return -1;
    int status;
    if (photo.width == size && photo.height == size && !strcmp(c->input, "auto")) {
        *out = photo.image;
        photo.image = (idem_image){0};
        status = 0;
    } else {
        status = cut_out(out, place, &photo, path, size, c);
    }
    idem_photo_close(&photo);
    if (!status && place->cut_out && !(place->path = strdup(path)))
        status = idem_fail("out of memory for a path");
    return status;
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
            return idem_fail("out of memory for a list of files");
        }
        l->names = names;
        l->room = room;
    }
    if (!path)
        return idem_fail("out of memory for a list of files");
    l->names[l->count++] = path;
    l->names[l->count] = NULL;
    return 0;
}

static int add_folder(list *l, const char *dir) {
    char **names;
    size_t count;
    if (idem_dir_list(dir, ".png|.jpg|.jpeg|.webp", &names, &count))
        return -1;
    int status = count ? 0 : idem_fail("%s: has no picture (PNG, JPEG or WebP)", dir);
    for (size_t i = 0; i < count && !status; i++)
        status = add(l, idem_path_join(dir, names[i]));
    idem_names_free(names, count);
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
