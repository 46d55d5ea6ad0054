#define _GNU_SOURCE
#include "compose/anonymise_run.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/status.h"
#include "compose/anonymise_clip.h"
#include "compose/anonymise_files.h"
#include "compose/anonymise_page.h"
#include "compose/anonymise_report.h"
#include "compose/anonymise_state.h"
#include "compose/hand_boxes.h"
#include "compose/project.h"
#include "data/picture_tree.h"
#include "model/origin.h"

/* Seconds between two states on disk. */
static const double state_every = 10;

typedef struct {
    idem_studio *studio;
    const idem_anonymise_run_options *o;
    idem_anonymise_files files;
    idem_anonymiser *anonymiser;
    uint8_t secret[IDEM_SECRET];
    idem_project project;
    char options[512]; /* as stored in the state */
    char *state;       /* its path */
    json_t *hand, *done;
    size_t unreadable;
    bool in_clip; /* the state on disk is from before a clip, which continues from it */
    double saved;
} run;

/* ---- beginning ---- */

static void describe_options(run *r) {
    const idem_anonymise_options *o = &r->o->options;
    char similarity[32] = "none";
    if (!isnan(o->similarity))
        snprintf(similarity, sizeof similarity, "%.4f", o->similarity);
    snprintf(r->options, sizeof r->options,
             "generator %.16s%s, %s, fallback %d, similarity %s, refine %d, smallest face %d, unsure %.2f, quality %d"
             "%s%s%s%s",
             idem_studio_about(r->studio)->hash, r->o->project ? ", a project" : "",
             o->linkage == IDEM_UNLINKABLE ? "unlinkable" : "keep-person", (int)o->fallback, similarity, o->refine,
             o->min_face, o->unsure, r->o->quality, r->o->no_audio ? ", no sound" : "", r->o->strict ? ", strict" : "",
             r->o->rename ? ", renamed" : "", r->o->exempt ? ", with exempted persons" : "");
}

static int take_secret(run *r) {
    if (!r->o->test_seed)
        return idem_secret_draw(r->secret, sizeof r->secret);
    idem_secret_of_test_seed(r->secret, *r->o->test_seed);
    return 0;
}

/* Opens the project, or makes a new one; takes its secret. */
static int open_project(run *r) {
    const idem_anonymise_run_options *o = r->o;
    const char *generator = idem_studio_about(r->studio)->hash;
    if (o->options.linkage != IDEM_KEEP_PERSON || o->test_seed)
        return idem_fail("a project keeps one new face per person by its own secret, and cannot be combined with %s",
                         o->test_seed ? "seed" : "unlinkable faces");
    if (!o->passphrase || !o->passphrase_size)
        return idem_fail("%s: a project needs a passphrase", o->project);
    if (idem_path_exists(o->project) ? idem_project_read(&r->project, o->project, o->passphrase, o->passphrase_size)
                                     : idem_project_make(&r->project, generator))
        return -1;
    if (strcmp(r->project.generator, generator))
        return idem_fail("%s: was made with another generator (%s, this one is %s): its faces cannot be drawn again",
                         o->project, r->project.generator, generator);
    memcpy(r->secret, r->project.secret, sizeof r->secret);
    return 0;
}

/* Continues an interrupted run, or begins a new one. Persons of a project are stored only in it, not in the state. */
static int open_anonymiser(run *r) {
    idem_anonymise_state *state = NULL;
    const bool has_project = r->o->project != NULL;
    if (idem_path_exists(r->state)) {
        if (!(state = idem_anonymise_state_read(r->state, r->options, r->secret)))
            return -1;
    } else if (!has_project && take_secret(r)) {
        return -1;
    }
    int status =
        (has_project && open_project(r)) || !(r->anonymiser = idem_anonymiser_new(r->studio, &r->o->options, r->secret))
            ? -1
            : 0;
    if (!status)
        status = state ? idem_anonymise_state_take(state, has_project ? NULL : r->anonymiser, &r->done)
                 : (r->done = json_array()) ? 0
                                            : -1;
    idem_anonymise_state_free(state);
    if (!status && has_project) {
        idem_anonymiser_set_by_number(r->anonymiser);
        status = idem_project_take(&r->project, r->anonymiser);
    }
    return status;
}

static int take_exempt(run *r) {
    if (!r->o->exempt)
        return 0;
    idem_picture_tree *t = idem_picture_tree_open(r->o->exempt);
    int faces = 0, status = t ? 0 : -1;
    for (size_t i = 0; !status && i < idem_picture_tree_count(t); i++) {
        idem_image im;
        if (idem_picture_tree_load(t, i, &im)) {
            status = -1; /* exempt persons must be known */
            break;
        }
        const int n = idem_anonymiser_exempt(r->anonymiser, &im);
        idem_image_free(&im);
        faces += n;
        status = n < 0 ? -1 : 0;
    }
    if (!status && !faces)
        status = idem_fail("%s: shows no face, expected faces of exempt persons", r->o->exempt);
    idem_picture_tree_free(t);
    return status;
}

static int save_state(run *r) {
    static const uint8_t none[IDEM_SECRET];
    const bool has_project = r->o->project != NULL;
    r->saved = idem_clock();
    if (has_project && (idem_project_keep(&r->project, r->anonymiser) ||
                        idem_project_write(&r->project, r->o->project, r->o->passphrase, r->o->passphrase_size)))
        return -1;
    return idem_anonymise_state_save(r->state, has_project ? NULL : r->anonymiser, has_project ? none : r->secret,
                                     r->options, r->done);
}

static int begin(run *r) {
    const idem_anonymise_run_options *o = r->o;
    if (idem_anonymise_files_list(&r->files, o->inputs, o->n_inputs, o->output, o->rename) ||
        (o->boxes && !(r->hand = idem_hand_boxes_read(o->boxes))) || idem_dir_make(o->output) ||
        !(r->state = idem_path_join(o->output, IDEM_ANONYMISE_STATE)))
        return -1;
    describe_options(r);
    return open_anonymiser(r) || take_exempt(r) || save_state(r) ? -1 : 0;
}

/* ---- one file ---- */

static bool is_done(const run *r, const char *name) {
    size_t i;
    const json_t *picture;
    json_array_foreach(r->done, i, picture) {
        const char *was = json_string_value(json_object_get(picture, "file"));
        if (was && !strcmp(was, name))
            return true;
    }
    return false;
}

/* With another extension if the format changes. */
static char *result_path(const run *r, const idem_anonymise_file *f, const idem_rewrite *w) {
    const char *ending = idem_rewrite_ending(w), *slash = strrchr(f->name, '/'),
               *dot = strrchr(slash ? slash : f->name, '.');
    char *path = NULL;
    if (ending)
        return asprintf(&path, "%s/%.*s%s", r->o->output, dot ? (int)(dot - f->name) : (int)strlen(f->name), f->name,
                        ending) < 0
                   ? idem_fail_null_as(IDEM_MEMORY, "out of memory for a path")
                   : path;
    return idem_path_join(r->o->output, f->name);
}

static int make_parent(const char *path) {
    char *copy = strdup(path), *slash = copy ? strrchr(copy, '/') : NULL;
    int status = copy ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for a path");
    if (slash) {
        *slash = 0;
        status = idem_dir_make(copy);
    }
    free(copy);
    return status;
}

static bool has(const idem_anonymised_face *faces, int n, idem_face_done done, const char *why) {
    for (int i = 0; i < n; i++)
        if (faces[i].done == done && (!why || (faces[i].why && !strcmp(faces[i].why, why))))
            return true;
    return false;
}

static int write_result(run *r, const idem_anonymise_file *f, const idem_rewrite *w, const idem_image *im,
                        const idem_anonymised_face *faces, int n, idem_rewritten *about) {
    idem_origin origin;
    idem_origin_of(&origin, IDEM_SOURCE_COMPOSITE, idem_studio_model(r->studio), NULL);
    const bool painted = has(faces, n, IDEM_FACE_RECOMPOSED, NULL);
    char *path = result_path(r, f, w);
    const int status = !path || make_parent(path) ||
                               idem_rewrite_save(w, im, path, painted ? &origin.marks : &idem_marks_no_source, about)
                           ? -1
                           : 0;
    free(path);
    return status;
}

/* 0; -1. */
static int do_file(run *r, const idem_anonymise_file *f) {
    idem_image im;
    idem_hand_boxes hand;
    idem_anonymised_face *faces = NULL;
    idem_rewritten about;
    idem_rewrite *w = idem_rewrite_open(f->from, &im);
    if (!w)
        return -1;
    int status = idem_hand_boxes_of(&hand, r->hand, f->name), n = 0;
    if (!status)
        status = (n = idem_anonymiser_run(r->anonymiser, &im, &hand, &faces)) < 0 ? -1 : 0;
    const bool held = r->o->strict && !status && has(faces, n, IDEM_FACE_HIDDEN, idem_too_like);
    if (!status && !held)
        status = write_result(r, f, w, &im, faces, n, &about);
    json_t *entry =
        status ? NULL : idem_anonymise_picture_json(f->name, im.width, im.height, faces, n, held ? NULL : &about);
    if (entry)
        json_object_set_new(entry, "file", json_string(f->name)); /* unchanged bytes, if they are UTF-8 */
    status = entry && !json_array_append_new(r->done, entry) ? 0 : -1;
    if (!status && held)
        idem_log(IDEM_LOG_WARNING, "%s: not written: a face could not be made unlike the person", f->from);
    free((void *)(uintptr_t)hand.at);
    free(faces);
    idem_image_free(&im);
    idem_rewrite_free(w);
    return status;
}

typedef struct {
    const run *r;
    const char *clip;
} listener;

static void tell_of_clip(void *user, int pass, int64_t done, int64_t of) {
    const listener *l = user;
    if (l->r->o->clip_progress)
        l->r->o->clip_progress(l->r->o->user, l->clip, pass, done, of);
}

static int add_clip(run *r, const idem_anonymise_file *f, const idem_anonymised_clip *clip) {
    json_t *entry = idem_anonymise_clip_json(f->name, clip);
    if (entry)
        json_object_set_new(entry, "file", json_string(f->name));
    if (!entry || json_array_append_new(r->done, entry))
        return -1;
    if (!clip->written)
        idem_log(IDEM_LOG_WARNING, "%s: not written: a face could not be made unlike the person", f->from);
    if (!clip->damaged)
        return 0;
    idem_log(IDEM_LOG_WARNING, "%s: is damaged in %d place%s (%s); the result holds what could be read", f->from,
             clip->damaged, clip->damaged == 1 ? "" : "s", clip->damage);
    return 0;
}

/* The options that its pictures depend on. */
static int describe_clip(const run *r, const json_t *hand, char *text, size_t n) {
    char hex[65] = "none";
    if (hand && idem_hand_boxes_digest(hand, hex))
        return -1;
    snprintf(text, n, "%s, boxes %s", r->options, hex);
    return 0;
}

/* Surrogates of a clip depend on the state before it, so that they can be drawn again. */
static int do_clip(run *r, const idem_anonymise_file *f) {
    idem_surrogates *s = idem_anonymiser_surrogates(r->anonymiser);
    idem_surrogates_set_drawn(s, idem_surrogates_drawn(s));
    if (save_state(r))
        return -1;
    idem_anonymised_clip clip = {0};
    const json_t *hand = idem_hand_boxes_clip(r->hand, f->name);
    char text[sizeof r->options + 80];
    if (describe_clip(r, hand, text, sizeof text))
        return -1;
    listener hears = {r, f->from};
    const idem_anonymise_clip_options o = {.quality = r->o->quality,
                                           .no_audio = r->o->no_audio,
                                           .strict = r->o->strict,
                                           .run = text,
                                           .hand = hand,
                                           .secret = r->secret,
                                           .progress = tell_of_clip,
                                           .user = &hears};
    char *path = idem_path_join(r->o->output, f->name);
    r->in_clip = true;
    int status = path && !make_parent(path) ? idem_anonymise_clip(r->anonymiser, f->from, path, &o, &clip) : -1;
    if (!status)
        status = add_clip(r, f, &clip);
    r->in_clip = status && idem_error_kind() != IDEM_INPUT && idem_error_kind() != IDEM_MISSING;
    free(path);
    free(clip.persons);
    json_decref(clip.boxes);
    return status;
}

/* Whether the run can continue with the others. */
static bool is_passed_over(const idem_anonymise_file *f) {
    return idem_error_kind() == IDEM_INPUT || (f->film && idem_error_kind() == IDEM_MISSING);
}

static int do_all(run *r) {
    for (size_t i = 0; i < r->files.n; i++) {
        if (idem_studio_stopped(r->studio))
            return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
        const idem_anonymise_file *f = &r->files.at[i];
        if (!is_done(r, f->name) && (f->film ? do_clip(r, f) : do_file(r, f))) {
            if (!is_passed_over(f))
                return -1;
            idem_log(IDEM_LOG_WARNING, "passed over: %s", idem_error());
            r->unreadable++;
        }
        if (idem_clock() - r->saved > state_every && save_state(r))
            return -1;
        idem_studio_tell(r->studio, (int)(i + 1), (int)r->files.n);
    }
    return 0;
}

/* ---- end ---- */

static int write_json(const char *path, const json_t *j) {
    char *text = json_dumps(j, JSON_INDENT(1) | JSON_REAL_PRECISION(4));
    const int status =
        text ? idem_file_write(path, text, strlen(text)) : idem_fail_as(IDEM_MEMORY, "out of memory for %s", path);
    free(text);
    return status;
}

static int report(run *r, json_t **out) {
    json_t *boxes = r->o->boxes_out ? idem_hand_boxes_from(r->done) : NULL;
    if (r->o->boxes_out && (!boxes || idem_hand_boxes_write(r->o->boxes_out, boxes))) {
        json_decref(boxes);
        return -1;
    }
    json_decref(boxes);
    size_t i;
    json_t *picture;
    json_array_foreach(r->done, i, picture) {
        json_object_del(picture, "file");
        json_object_del(picture, "boxes");
    }
    json_t *summary = idem_anonymise_summary(r->done, &r->o->options, idem_anonymiser_surrogates(r->anonymiser)),
           *look = summary ? idem_anonymise_look_first(r->done) : NULL;
    if (!look) {
        json_decref(summary);
        return -1;
    }
    json_object_set_new(summary, "unreadable", json_integer((json_int_t)(r->unreadable + r->files.bad)));
    json_object_set_new(summary, "other_files", json_integer((json_int_t)r->files.others));
    *out = json_pack("{s:o, s:o, s:o, s:o}", "summary", summary, "look_first", look, "pictures",
                     idem_anonymise_pictures(r->done), "clips", idem_anonymise_clips(r->done));
    char *path = *out ? idem_path_join(r->o->output, "anonymise-report.json") : NULL;
    char *page = path ? idem_path_join(r->o->output, "anonymise-report.html") : NULL;
    const int status = !page ? idem_fail_as(IDEM_MEMORY, "out of memory for a report")
                       : write_json(path, *out) || idem_anonymise_page_write(page, *out) ? -1
                                                                                         : 0;
    free(path);
    free(page);
    return status;
}

static void end(run *r) {
    idem_anonymiser_free(r->anonymiser);
    idem_anonymise_files_free(&r->files);
    json_decref(r->hand);
    json_decref(r->done);
    free(r->state);
    idem_project_free(&r->project);
    explicit_bzero(r->secret, sizeof r->secret);
}

int idem_anonymise_run(idem_studio *s, const idem_anonymise_run_options *o, json_t **out) {
    run r = {.studio = s, .o = o};
    *out = NULL;
    const bool muted = idem_studio_mute(s, true);
    int status = begin(&r);
    if (!status && do_all(&r)) {
        /* Keeps the message of the failure that ended the run. */
        char why[1024];
        const idem_kind kind = (idem_kind)idem_error_kind();
        snprintf(why, sizeof why, "%s", idem_error());
        if (!r.in_clip)
            save_state(&r);
        status = idem_fail_as(kind, "%s", why);
    }
    if (!status)
        status = save_state(&r) || report(&r, out) ? -1 : 0;
    if (!status && unlink(r.state))
        status = idem_fail_as(IDEM_INTERNAL, "%s: contains codes of faces and cannot be removed; remove it by hand",
                              r.state);
    if (status) {
        json_decref(*out);
        *out = NULL;
    }
    end(&r);
    idem_studio_mute(s, muted);
    return status;
}
