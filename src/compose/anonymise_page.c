#define _GNU_SOURCE
#include "compose/anonymise_page.h"

#include <stdio.h>
#include <string.h>

#include "measure/html.h"

static double number(const json_t *o, const char *key) {
    return json_number_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key) {
    const char *s = json_string_value(json_object_get(o, key));
    return s ? s : "";
}

static void put(idem_html *h, idem_text_table *t) {
    if (t)
        idem_html_table(h, t);
    idem_text_table_free(t);
}

static void put_counts(idem_html *h, const json_t *summary) {
    static const char *const rows[][2] = {
        {"pictures", "pictures"},
        {"not_written", "not written (strict)"},
        {"unreadable", "files that could not be read"},
        {"without_a_face", "pictures without a face"},
        {"encoded_anew", "pictures that had to be encoded again"},
        {"largest_difference_outside", "largest difference where nothing was changed, of 255"},
        {"faces", "faces"},
        {"recomposed", "recomposed"},
        {"hidden", "hidden"},
        {"exempt", "exempt"},
        {"skipped", "left by hand"},
        {"recomposed_above_a_threshold", "recomposed, and above a threshold"}};
    enum { ROWS = sizeof rows / sizeof *rows };
    idem_text_table *t = idem_text_table_new("What was done", "", ROWS, 2);
    for (int i = 0; t && i < ROWS; i++) {
        idem_text_table_set(t, i + 1, 0, "%s", rows[i][1]);
        idem_text_table_set(t, i + 1, 1, "%.0f", number(summary, rows[i][0]));
    }
    put(h, t);
}

static void put_clips(idem_html *h, const json_t *summary, const json_t *clips) {
    static const char *const heads[] = {"clip",       "frames", "changed",          "persons", "faces",
                                        "recomposed", "hidden", "hidden elsewhere", "sound",   "look at frames"};
    enum { HEADS = sizeof heads / sizeof *heads };
    static const char *const counts[] = {"frames", "frames_changed",  NULL, "faces", "recomposed",
                                         "hidden", "hidden_elsewhere"};
    size_t i, k;
    const json_t *clip, *look;
    if (!json_array_size(clips))
        return;
    idem_text_table *t = idem_text_table_new(
        "Clips",
        number(summary, "clips_with_sound") > 0 ? "Sound was kept: a voice identifies. Faces are counted in each frame."
                                                : "Faces are counted in each frame.",
        (int)json_array_size(clips), HEADS);
    for (int c = 0; t && c < HEADS; c++)
        idem_text_table_set(t, 0, c, "%s", heads[c]);
    json_array_foreach(clips, i, clip) {
        const int row = (int)i + 1;
        char frames[400] = "";
        if (!t)
            break;
        idem_text_table_set(t, row, 0, "%s%s", text(clip, "clip"),
                            json_is_true(json_object_get(clip, "written")) ? "" : " (not written)");
        for (int c = 0; c < 7; c++)
            if (counts[c])
                idem_text_table_set(t, row, c + 1, "%.0f", number(clip, counts[c]));
        idem_text_table_set(t, row, 3, "%zu", json_array_size(json_object_get(clip, "persons")));
        idem_text_table_set(t, row, 8, "%s", json_is_true(json_object_get(clip, "sound")) ? "kept" : "none");
        json_array_foreach(json_object_get(clip, "look"), k, look) {
            const size_t n = strlen(frames);
            snprintf(frames + n, sizeof frames - n, "%s%.0f: %s", n ? "; " : "", number(look, "frame"),
                     text(look, "why"));
        }
        idem_text_table_set(t, row, 9, "%s", frames);
    }
    put(h, t);
}

static void put_likeness(idem_html *h, const json_t *summary) {
    static const char *const rows[][2] = {{"recogniser", "training recogniser"}, {"judge", "judge"}};
    static const char *const keys[] = {"threshold", "mean_cosine", "highest_cosine", "share_of_new_faces_alike"};
    static const char *const heads[] = {"threshold (FAR 0.1 %)", "mean", "highest",
                                        "new faces: pairs above the threshold"};
    idem_text_table *t =
        idem_text_table_new("Cosine of the new face to the person",
                            "Alike pairs: of the new faces with each other; persons may be confused by them.", 2, 5);
    for (int k = 0; t && k < 4; k++)
        idem_text_table_set(t, 0, k + 1, "%s", heads[k]);
    for (int i = 0; t && i < 2; i++) {
        const json_t *r = json_object_get(summary, rows[i][0]);
        idem_text_table_set(t, i + 1, 0, "%s", rows[i][1]);
        for (int k = 0; k < 4; k++)
            if (json_is_number(json_object_get(r, keys[k])))
                idem_text_table_set(t, i + 1, k + 1, "%.3f", number(r, keys[k]));
            else
                idem_text_table_set(t, i + 1, k + 1, "-");
    }
    put(h, t);
}

static void put_look(idem_html *h, const json_t *look) {
    idem_text_table *t = idem_text_table_new("Look at these first", "", (int)json_array_size(look), 2);
    size_t i;
    const json_t *one;
    json_array_foreach(look, i, one) {
        if (!t)
            break;
        idem_text_table_set(t, (int)i + 1, 0, "%s", text(one, "picture"));
        idem_text_table_set(t, (int)i + 1, 1, "%s", text(one, "reason"));
    }
    put(h, t);
}

static void put_face(idem_text_table *t, int row, const json_t *picture, const json_t *face) {
    const json_t *box = json_object_get(face, "box"), *person = json_object_get(face, "person");
    idem_text_table_set(t, row, 0, "%s", text(picture, "picture"));
    idem_text_table_set(t, row, 1, "%.0f, %.0f", json_number_value(json_array_get(box, 0)),
                        json_number_value(json_array_get(box, 1)));
    idem_text_table_set(t, row, 2, "%.0f",
                        json_number_value(json_array_get(box, 2)) - json_number_value(json_array_get(box, 0)));
    idem_text_table_set(t, row, 3, "%s%s%s", text(face, "done"), *text(face, "why") ? ": " : "", text(face, "why"));
    if (json_is_integer(person))
        idem_text_table_set(t, row, 4, "%d", (int)json_integer_value(person));
    if (json_is_number(json_object_get(face, "cosine_recogniser"))) {
        idem_text_table_set(t, row, 5, "%.3f", number(face, "cosine_recogniser"));
        idem_text_table_set(t, row, 6, "%.3f", number(face, "cosine_judge"));
    }
}

static void put_faces(idem_html *h, const json_t *pictures) {
    static const char *const heads[] = {"picture", "left, top", "width", "done", "person", "recogniser", "judge"};
    size_t i, k;
    const json_t *picture, *face;
    int rows = 0, row = 0;
    json_array_foreach(pictures, i, picture) rows += (int)json_array_size(json_object_get(picture, "faces"));
    rows = rows < IDEM_PAGE_FACES ? rows : IDEM_PAGE_FACES;
    if (!rows)
        return;
    idem_text_table *t = idem_text_table_new("Every face", "", rows, 7);
    for (int c = 0; t && c < 7; c++)
        idem_text_table_set(t, 0, c, "%s", heads[c]);
    json_array_foreach(pictures, i, picture)
        json_array_foreach(json_object_get(picture, "faces"), k, face) if (t && row < rows)
            put_face(t, ++row, picture, face);
    put(h, t);
}

int idem_anonymise_page_write(const char *path, const json_t *report) {
    idem_html *h = idem_html_new(
        "Anonymised pictures",
        "Every face was replaced by that of a person who does not exist, or was hidden. What can still identify a "
        "person: hair, ears, tattoos, clothes, the place, companions; in clips voice and gait.");
    if (!h)
        return -1;
    const json_t *summary = json_object_get(report, "summary");
    if (number(summary, "pictures") + number(summary, "unreadable") > 0)
        put_counts(h, summary);
    put_clips(h, summary, json_object_get(report, "clips"));
    put_likeness(h, summary);
    put_look(h, json_object_get(report, "look_first"));
    put_faces(h, json_object_get(report, "pictures"));
    const int status = idem_html_write(h, path);
    idem_html_free(h);
    return status;
}
