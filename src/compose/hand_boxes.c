#include "compose/hand_boxes.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/status.h"
#include "compose/clip_hand.h"
#include "compose/hand_box.h"

enum { FILE_MOST = 64 << 20 };
static int check_faces(const char *picture, const json_t *faces, const char *what) {
    size_t i;
    const json_t *face;
    float box[4];
    if (!json_is_array(faces))
        return idem_fail("%s: \"%s\" is no list of faces", what, picture);
    json_array_foreach(faces, i, face) {
        if (idem_hand_box_take(box, json_object_get(face, "box")))
            return idem_fail("%s: \"%s\": the \"box\" of face %zu is not four numbers: left, top, right, bottom", what,
                             picture, i + 1);
        if (idem_hand_wish(json_string_value(json_object_get(face, "do"))) < 0)
            return idem_fail("%s: \"%s\": \"do\" of face %zu is not " IDEM_HAND_WISHES, what, picture, i + 1);
    }
    return 0;
}

json_t *idem_hand_boxes_parse(const char *text, size_t size, const char *what) {
    json_error_t error;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return idem_fail_null("%s: line %d: %s", what, error.line, error.text);
    const char *name;
    json_t *list, *pictures = json_object_get(root, "pictures"), *clips = json_object_get(root, "clips");
    int status = json_is_object(pictures) || (!pictures && json_is_object(clips))
                     ? 0
                     : idem_fail("%s: has no object \"pictures\", and no \"clips\"", what);
    if (!status && clips && !json_is_object(clips))
        status = idem_fail("%s: \"clips\" is no object", what);
    if (!status)
        json_object_foreach(pictures, name, list) {
            status = check_faces(name, list, what);
            if (status)
                break;
        }
    if (!status)
        json_object_foreach(clips, name, list) {
            status = idem_clip_hand_check(list, name, what);
            if (status)
                break;
        }
    if (!status)
        return root;
    json_decref(root);
    return NULL;
}

int idem_hand_boxes_write(const char *path, const json_t *all) {
    char *text = json_dumps(all, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    const int status =
        text ? idem_file_write(path, text, strlen(text)) : idem_fail_as(IDEM_MEMORY, "out of memory for %s", path);
    free(text);
    return status;
}

int idem_hand_boxes_digest(const json_t *list, char hex[65]) {
    char *text = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
    idem_sha256 sha = idem_sha256_make();
    if (!text)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the boxes of faces");
    idem_sha256_add(&sha, text, strlen(text));
    idem_sha256_end(&sha, hex);
    free(text);
    return 0;
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

const json_t *idem_hand_boxes_clip(const json_t *all, const char *clip) {
    return json_object_get(json_object_get(all, "clips"), clip);
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
        idem_hand_box_take(at[i].box, json_object_get(face, "box"));
        at[i].wish = (idem_by_hand)idem_hand_wish(json_string_value(json_object_get(face, "do")));
    }
    *boxes = (idem_hand_boxes){at, (int)n};
    return 0;
}

static json_t *faces_from(const json_t *faces) {
    json_t *out = json_array();
    size_t i;
    const json_t *face;
    json_array_foreach(faces, i, face) {
        const char *done = json_string_value(json_object_get(face, "done"));
        json_array_append_new(out, json_pack("{s:O, s:s}", "box", json_object_get(face, "box"), "do",
                                             !strcmp(done, "recomposed") ? "replace"
                                             : !strcmp(done, "hidden")   ? "hide"
                                             : !strcmp(done, "exempt")   ? "exempt"
                                                                         : "skip"));
    }
    return out;
}

json_t *idem_hand_boxes_from(const json_t *entries) {
    json_t *pictures = json_object(), *clips = json_object();
    size_t i;
    const json_t *entry;
    json_array_foreach(entries, i, entry) {
        const char *clip = json_string_value(json_object_get(entry, "clip"));
        if (clip)
            json_object_set(clips, clip, json_object_get(entry, "boxes"));
        else
            json_object_set_new(pictures, json_string_value(json_object_get(entry, "picture")),
                                faces_from(json_object_get(entry, "faces")));
    }
    json_t *root = json_pack("{s:o, s:o}", "pictures", pictures, "clips", clips);
    return root ? root : idem_fail_null_as(IDEM_MEMORY, "out of memory for the boxes of faces");
}
