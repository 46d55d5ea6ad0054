#include "compose/hand_boxes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/status.h"

enum { FILE_MOST = 64 << 20 };
static const char *const wishes[] = {
    [IDEM_BY_HAND_HIDE] = "hide", [IDEM_BY_HAND_SKIP] = "skip", [IDEM_BY_HAND_REPLACE] = "replace"};
enum { WISHES = sizeof wishes / sizeof *wishes };

static int wish_of(const char *text) {
    for (int i = 0; text && i < WISHES; i++)
        if (!strcmp(text, wishes[i]))
            return i;
    return -1;
}

static int take_box(float box[4], const json_t *j) {
    bool good = json_is_array(j) && json_array_size(j) == 4;
    for (size_t i = 0; i < 4 && good; i++) {
        const json_t *number = json_array_get(j, i);
        good = json_is_number(number) && fabs(json_number_value(number)) < 1e6;
        box[i] = (float)json_number_value(number);
    }
    return good && box[2] > box[0] && box[3] > box[1] ? 0 : -1;
}

static int check_faces(const char *picture, const json_t *faces, const char *what) {
    size_t i;
    const json_t *face;
    float box[4];
    if (!json_is_array(faces))
        return idem_fail("%s: \"%s\" is no list of faces", what, picture);
    json_array_foreach(faces, i, face) {
        if (take_box(box, json_object_get(face, "box")))
            return idem_fail("%s: \"%s\": the \"box\" of face %zu is not four numbers: left, top, right, bottom", what,
                             picture, i + 1);
        if (wish_of(json_string_value(json_object_get(face, "do"))) < 0)
            return idem_fail("%s: \"%s\": \"do\" of face %zu is not \"replace\", \"hide\" or \"skip\"", what, picture,
                             i + 1);
    }
    return 0;
}

json_t *idem_hand_boxes_parse(const char *text, size_t size, const char *what) {
    json_error_t error;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return idem_fail_null("%s: line %d: %s", what, error.line, error.text);
    const char *picture;
    json_t *faces, *pictures = json_object_get(root, "pictures");
    int status = json_is_object(pictures) ? 0 : idem_fail("%s: has no object \"pictures\"", what);
    if (!status)
        json_object_foreach(pictures, picture, faces) {
            status = check_faces(picture, faces, what);
            if (status)
                break;
        }
    if (!status)
        return root;
    json_decref(root);
    return NULL;
}

json_t *idem_hand_boxes_read(const char *path) {
    unsigned char *bytes;
    size_t size;
    if (idem_file_read(path, FILE_MOST, &bytes, &size))
        return NULL;
    json_t *root = idem_hand_boxes_parse((const char *)bytes, size, path);
    free(bytes);
    return root;
}

int idem_hand_boxes_of(idem_hand_boxes *boxes, const json_t *all, const char *picture) {
    const json_t *faces = json_object_get(json_object_get(all, "pictures"), picture);
    const size_t n = json_array_size(faces);
    *boxes = (idem_hand_boxes){0};
    if (!n)
        return 0;
    idem_hand_box *at = calloc(n, sizeof *at);
    if (!at)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu faces", n);
    for (size_t i = 0; i < n; i++) {
        const json_t *face = json_array_get(faces, i);
        take_box(at[i].box, json_object_get(face, "box"));
        at[i].wish = (idem_by_hand)wish_of(json_string_value(json_object_get(face, "do")));
    }
    *boxes = (idem_hand_boxes){at, (int)n};
    return 0;
}

json_t *idem_hand_boxes_from(const json_t *pictures) {
    json_t *all = json_object(), *root = all ? json_pack("{s:o}", "pictures", all) : NULL;
    size_t i, k;
    const json_t *picture, *face;
    json_array_foreach(pictures, i, picture) {
        json_t *faces = json_array();
        json_array_foreach(json_object_get(picture, "faces"), k, face) {
            const char *done = json_string_value(json_object_get(face, "done"));
            json_array_append_new(faces, json_pack("{s:O, s:s}", "box", json_object_get(face, "box"), "do",
                                                   !strcmp(done, "recomposed") ? "replace"
                                                   : !strcmp(done, "hidden")   ? "hide"
                                                                               : "skip"));
        }
        json_object_set_new(all, json_string_value(json_object_get(picture, "picture")), faces);
    }
    return root ? root : idem_fail_null_as(IDEM_MEMORY, "out of memory for the boxes of faces");
}
