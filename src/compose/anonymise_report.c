#include "compose/anonymise_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/name.h"
#include "base/status.h"
#include "measure/verification.h"

enum { LOOK_MOST = 100 };

static json_t *no_memory(void) {
    return idem_fail_null_as(IDEM_MEMORY, "out of memory for a report");
}

/* null if not measured. */
static json_t *number(double x) {
    return isfinite(x) ? json_real(x) : json_null();
}

static json_t *face_json(const idem_anonymised_face *f) {
    json_t *j = json_pack("{s:[f,f,f,f], s:f, s:b, s:o, s:s, s:o, s:o}", "box", (double)f->box[0], (double)f->box[1],
                          (double)f->box[2], (double)f->box[3], "score", (double)f->score, "sure", f->sure, "yaw",
                          number((double)f->yaw), "done", idem_face_done_names[f->done], "cosine_recogniser",
                          number(f->feature), "cosine_judge", number(f->judge));
    if (j && f->why)
        json_object_set_new(j, "why", json_string(f->why));
    if (j && f->person >= 0)
        json_object_set_new(j, "person", json_integer(f->person + 1));
    return j;
}

json_t *idem_anonymise_picture_json(const char *name, int width, int height, const idem_anonymised_face *faces, int n,
                                    const idem_rewritten *rewritten) {
    char *shown = idem_name_shown(name);
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(list, face_json(&faces[i]));
    json_t *j = shown ? json_pack("{s:s, s:i, s:i, s:o, s:b}", "picture", shown, "width", width, "height", height,
                                  "faces", list, "written", rewritten != NULL)
                      : NULL;
    free(shown);
    if (j && rewritten) {
        json_object_set_new(j, "encoded_anew", json_boolean(rewritten->anew));
        json_object_set_new(j, "share_replaced", json_real(rewritten->replaced));
        json_object_set_new(j, "largest_difference_outside", json_integer(rewritten->largest_outside));
    }
    return j ? j : no_memory();
}

/* ---- clips ---- */

static json_t *person_json(const idem_clip_person *p) {
    const double n = (double)p->recomposed;
    json_t *j = json_pack("{s:I, s:I, s:I, s:I}", "frames", (json_int_t)p->pictures, "recomposed",
                          (json_int_t)p->recomposed, "hidden", (json_int_t)p->hidden, "exempt", (json_int_t)p->exempt);
    static const char *const keys[2][2] = {{"cosine_recogniser", "highest_cosine_recogniser"},
                                           {"cosine_judge", "highest_cosine_judge"}};
    for (int k = 0; k < 2 && j; k++) {
        json_object_set_new(j, keys[k][0], number(n > 0 ? p->sum[k] / n : NAN));
        json_object_set_new(j, keys[k][1], number(n > 0 ? p->most[k] : NAN));
    }
    if (j && p->person >= 0)
        json_object_set_new(j, "person", json_integer(p->person + 1));
    return j;
}

json_t *idem_anonymise_clip_json(const char *name, const idem_anonymised_clip *clip) {
    const idem_clip_counts *c = &clip->counts;
    char *shown = idem_name_shown(name);
    json_t *persons = json_array(), *look = json_array();
    for (int i = 0; i < clip->n_persons; i++)
        json_array_append_new(persons, person_json(&clip->persons[i]));
    for (int i = 0; i < c->n_look; i++)
        json_array_append_new(look,
                              json_pack("{s:I, s:s}", "frame", (json_int_t)c->look[i].picture, "why", c->look[i].why));
    json_t *j = shown ? json_pack("{s:s, s:i, s:i, s:I, s:f, s:b, s:b, s:i}", "clip", shown, "width", clip->width,
                                  "height", clip->height, "frames", (json_int_t)c->pictures, "seconds", c->seconds,
                                  "written", clip->written, "sound", clip->has_sound, "damaged", clip->damaged)
                      : NULL;
    free(shown);
    if (!j) {
        json_decref(persons);
        json_decref(look);
        return no_memory();
    }
    const struct {
        const char *key;
        int64_t n;
    } counts[] = {{"frames_changed", c->changed},
                  {"faces", c->faces},
                  {"recomposed", c->recomposed},
                  {"hidden", c->hidden},
                  {"exempt", c->exempt},
                  {"skipped", c->skipped},
                  {"above", c->above},
                  {"hidden_elsewhere", c->covered},
                  {"too_like", c->too_like}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_object_set_new(j, counts[i].key, json_integer((json_int_t)counts[i].n));
    json_object_set_new(j, "similarity_off",
                        number(c->recomposed && c->off > 0 ? c->off / (double)c->recomposed : NAN));
    json_object_set_new(j, "codec", json_string(clip->codec));
    json_object_set_new(j, "why_codec", json_string(clip->why));
    json_object_set_new(j, "not_copied", json_string(clip->left));
    json_object_set_new(j, "persons", persons);
    json_object_set_new(j, "look", look);
    if (clip->boxes)
        json_object_set(j, "boxes", clip->boxes);
    return j;
}

static json_t *those(const json_t *entries, const char *key) {
    json_t *list = json_array(), *entry;
    size_t i;
    json_array_foreach(entries, i, entry) if (json_object_get(entry, key)) json_array_append(list, entry);
    return list;
}

json_t *idem_anonymise_pictures(const json_t *entries) {
    return those(entries, "picture");
}

json_t *idem_anonymise_clips(const json_t *entries) {
    return those(entries, "clip");
}

/* ---- all ---- */

typedef struct {
    int pictures, unwritten, without, anew, faces, done[IDEM_FACE_DONE], unsure, outside;
    int measured, above; /* recomposed faces */
    double sum[2], most[2], off;
    int clips, clips_damaged, clips_unwritten, with_sound, persons;
    json_int_t frames, frames_changed, clip_faces, clip_recomposed, clip_hidden, elsewhere;
} totals;

static double value(const json_t *o, const char *key) {
    return json_number_value(json_object_get(o, key));
}

static idem_face_done done_of(const json_t *face) {
    const char *text = json_string_value(json_object_get(face, "done"));
    int i = 0;
    while (i < IDEM_FACE_DONE - 1 && (!text || strcmp(text, idem_face_done_names[i])))
        i++;
    return (idem_face_done)i;
}

static void add_face(totals *t, const json_t *face, double wanted) {
    const idem_face_done done = done_of(face);
    const double cosine[2] = {value(face, "cosine_recogniser"), value(face, "cosine_judge")};
    t->faces++;
    t->done[done]++;
    t->unsure += !json_is_true(json_object_get(face, "sure"));
    if (done != IDEM_FACE_RECOMPOSED)
        return;
    for (int k = 0; k < 2; k++) {
        t->sum[k] += cosine[k];
        t->most[k] = t->measured ? fmax(t->most[k], cosine[k]) : cosine[k];
    }
    t->above += cosine[0] > IDEM_FEATURE_THRESHOLD || cosine[1] > IDEM_JUDGE_THRESHOLD;
    t->off += isnan(wanted) ? 0 : fabs(cosine[0] - wanted);
    t->measured++;
}

static json_int_t whole(const json_t *o, const char *key) {
    return json_integer_value(json_object_get(o, key));
}

static void add_clip(totals *t, const json_t *clip) {
    const json_t *persons = json_object_get(clip, "persons"), *one;
    size_t i;
    t->clips++;
    t->clips_unwritten += !json_is_true(json_object_get(clip, "written"));
    t->clips_damaged += whole(clip, "damaged") > 0;
    t->with_sound += json_is_true(json_object_get(clip, "sound"));
    t->frames += whole(clip, "frames");
    t->frames_changed += whole(clip, "frames_changed");
    t->clip_faces += whole(clip, "faces");
    t->clip_recomposed += whole(clip, "recomposed");
    t->clip_hidden += whole(clip, "hidden");
    t->elsewhere += whole(clip, "hidden_elsewhere");
    t->above += (int)whole(clip, "above");
    t->off += value(clip, "similarity_off") * value(clip, "recomposed");
    json_array_foreach(persons, i, one) {
        static const char *const mean[2] = {"cosine_recogniser", "cosine_judge"}, *const most[2] = {
                                                                                      "highest_cosine_recogniser",
                                                                                      "highest_cosine_judge"};
        const int n = (int)whole(one, "recomposed");
        t->persons++;
        for (int k = 0; k < 2 && n; k++) {
            t->sum[k] += n * value(one, mean[k]);
            t->most[k] = t->measured ? fmax(t->most[k], value(one, most[k])) : value(one, most[k]);
        }
        t->measured += n;
    }
}

static totals total(const json_t *pictures, double wanted) {
    totals t = {0};
    size_t i, k;
    const json_t *picture, *face;
    json_array_foreach(pictures, i, picture) {
        const json_t *faces = json_object_get(picture, "faces");
        if (json_object_get(picture, "clip")) {
            add_clip(&t, picture);
            continue;
        }
        t.pictures++;
        t.unwritten += !json_is_true(json_object_get(picture, "written"));
        t.anew += json_is_true(json_object_get(picture, "encoded_anew"));
        t.without += json_array_size(faces) == 0;
        const int outside = (int)value(picture, "largest_difference_outside");
        t.outside = outside > t.outside ? outside : t.outside;
        json_array_foreach(faces, k, face) add_face(&t, face, wanted);
    }
    return t;
}

static json_t *recogniser(const totals *t, int k, double threshold, double alike) {
    return json_pack("{s:f, s:f, s:o, s:o, s:o}", "threshold", threshold, "far", IDEM_THRESHOLD_FAR, "mean_cosine",
                     number(t->measured ? t->sum[k] / t->measured : NAN), "highest_cosine",
                     number(t->measured ? t->most[k] : NAN), "share_of_new_faces_alike", number(alike));
}

json_t *idem_anonymise_summary(const json_t *pictures, const idem_anonymise_options *options,
                               const idem_surrogates *surrogates) {
    const totals t = total(pictures, options->similarity);
    double alike[2];
    idem_surrogates_alike(surrogates, &alike[0], &alike[1]);
    json_t *j =
        json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:o, s:o}", "pictures", t.pictures,
                  "not_written", t.unwritten, "without_a_face", t.without, "encoded_anew", t.anew, "faces", t.faces,
                  "recomposed", t.done[IDEM_FACE_RECOMPOSED], "hidden", t.done[IDEM_FACE_HIDDEN], "exempt",
                  t.done[IDEM_FACE_EXEMPT], "skipped", t.done[IDEM_FACE_SKIPPED], "unsure", t.unsure,
                  "recomposed_above_a_threshold", t.above, "largest_difference_outside", t.outside, "linkage",
                  options->linkage == IDEM_UNLINKABLE ? "unlinkable" : "keep-person", "recogniser",
                  recogniser(&t, 0, IDEM_FEATURE_THRESHOLD, alike[0]), "judge",
                  recogniser(&t, 1, IDEM_JUDGE_THRESHOLD, alike[1]));
    const struct {
        const char *key;
        json_int_t n;
    } clips[] = {{"clips", t.clips},
                 {"clips_not_written", t.clips_unwritten},
                 {"clips_damaged", t.clips_damaged},
                 {"clips_with_sound", t.with_sound},
                 {"clip_persons", t.persons},
                 {"clip_frames", t.frames},
                 {"clip_frames_changed", t.frames_changed},
                 {"clip_faces", t.clip_faces},
                 {"clip_recomposed", t.clip_recomposed},
                 {"clip_hidden", t.clip_hidden},
                 {"clip_hidden_elsewhere", t.elsewhere}};
    for (size_t i = 0; i < sizeof clips / sizeof *clips && j; i++)
        json_object_set_new(j, clips[i].key, json_integer(clips[i].n));
    if (j && !isnan(options->similarity)) {
        json_object_set_new(j, "similarity_wanted", json_real(options->similarity));
        json_object_set_new(j, "similarity_off", number(t.measured ? t.off / t.measured : NAN));
    }
    return j ? j : no_memory();
}

/* ---- where to look ---- */

typedef struct {
    const char *picture, *reason;
    double concern;
} concern;

static void concerns(concern *c, double to, const char *reason) {
    if (to > c->concern) {
        c->concern = to;
        c->reason = reason;
    }
}

static concern concern_of_clip(const json_t *clip) {
    concern c = {.picture = json_string_value(json_object_get(clip, "clip"))};
    if (!whole(clip, "faces"))
        concerns(&c, 3, "no face was found");
    if (whole(clip, "exempt") + whole(clip, "skipped"))
        concerns(&c, 4, "a face was left as it was");
    if (whole(clip, "hidden"))
        concerns(&c, 2, "a face was hidden in some frames");
    if (whole(clip, "hidden_elsewhere"))
        concerns(&c, 1, "a place was hidden where no face is followed");
    return c;
}

static concern concern_of(const json_t *picture) {
    if (json_object_get(picture, "clip"))
        return concern_of_clip(picture);
    concern c = {.picture = json_string_value(json_object_get(picture, "picture"))};
    const json_t *faces = json_object_get(picture, "faces"), *face;
    size_t i;
    if (!json_array_size(faces))
        concerns(&c, 3, "no face was found");
    json_array_foreach(faces, i, face) {
        const idem_face_done done = done_of(face);
        if (done == IDEM_FACE_SKIPPED || done == IDEM_FACE_EXEMPT)
            concerns(&c, 4, "a face was left as it was");
        if (done == IDEM_FACE_HIDDEN)
            concerns(&c, json_is_true(json_object_get(face, "sure")) ? 2 : 1,
                     json_is_true(json_object_get(face, "sure")) ? "a face was hidden"
                                                                 : "what may be a face was hidden");
        if (done == IDEM_FACE_RECOMPOSED && value(face, "cosine_recogniser") > IDEM_FEATURE_THRESHOLD - 0.05)
            concerns(&c, 2.5, "a new face is nearly too like the person");
    }
    return c;
}

static int worst_first(const void *a, const void *b) {
    const concern *p = a, *q = b;
    return p->concern != q->concern ? (p->concern < q->concern) - (p->concern > q->concern)
                                    : strcmp(p->picture, q->picture);
}

json_t *idem_anonymise_look_first(const json_t *pictures) {
    const size_t n = json_array_size(pictures);
    concern *list = malloc((n ? n : 1) * sizeof *list);
    json_t *out = json_array();
    if (!list || !out) {
        free(list);
        json_decref(out);
        return no_memory();
    }
    for (size_t i = 0; i < n; i++)
        list[i] = concern_of(json_array_get(pictures, i));
    qsort(list, n, sizeof *list, worst_first);
    for (size_t i = 0; i < n && i < LOOK_MOST && list[i].concern > 0; i++)
        json_array_append_new(out, json_pack("{s:s, s:s}", "picture", list[i].picture, "reason", list[i].reason));
    free(list);
    return out;
}
