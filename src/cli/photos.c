#define _GNU_SOURCE
#include "cli/photos.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"
#include "learn/model.h"

enum { PATH_SIZE = 4096 };

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
