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
#include "compose/anonymise_round.h"
#include "compose/anonymise_state.h"
#include "compose/hand_boxes.h"
#include "compose/project.h"
#include "data/picture_tree.h"

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
    idem_picture_tree *exempt; /* pictures of persons to be left alone; NULL: none */
    size_t unreadable;
    bool in_clip; /* the state on disk is from before a clip, which continues from it */
    double saved;
    idem_rank_table ranks;
    const idem_anonymise_file **turn; /* photographs of the round that is being filled [ranks] */
    int n_turn;
} run;

/* ---- beginning ---- */

static int describe_options(run *r) {
    const idem_anonymise_options *o = &r->o->options;
    char similarity[32] = "none", hand[65] = "none", exempt[65] = "none";
    if (r->hand && idem_hand_boxes_digest(r->hand, hand))
        return -1;
    if (r->exempt)
        idem_picture_tree_digest(r->exempt, exempt);
    if (!isnan(o->similarity))
        snprintf(similarity, sizeof similarity, "%.4f", o->similarity);
    snprintf(r->options, sizeof r->options,
             "generator %.16s%s, %s, fallback %d, similarity %s, refine %d, smallest face %d, unsure %.2f, quality %d"
             "%s%s%s, boxes %.16s, exempt %.16s",
             idem_studio_about(r->studio)->hash, r->o->project ? ", a project" : "",
             o->linkage == IDEM_UNLINKABLE ? "unlinkable" : "keep-person", (int)o->fallback, similarity, o->refine,
             o->min_face, o->unsure, r->o->quality, r->o->no_audio ? ", no sound" : "", r->o->strict ? ", strict" : "",
             r->o->rename ? ", renamed" : "", hand, exempt);
    return 0;
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
    int faces = 0, status = 0;
    for (size_t i = 0; !status && r->exempt && i < idem_picture_tree_count(r->exempt); i++) {
        idem_image im;
        if (idem_picture_tree_load(r->exempt, i, &im)) {
            status = -1; /* exempt persons must be known */
            break;
        }
        const int n = idem_anonymiser_exempt(r->anonymiser, &im);
        idem_image_free(&im);
        faces += n;
        status = n < 0 ? -1 : 0;
    }
    if (!status && r->exempt && !faces)
        status = idem_fail("%s: shows no face, expected faces of exempt persons", r->o->exempt);
    return status;
}

/* Only rank 0's. */
static int save_state(run *r) {
    static const uint8_t none[IDEM_SECRET];
    const bool has_project = r->o->project != NULL;
    r->saved = idem_clock();
    if (r->ranks.rank)
        return 0;
    if (has_project && (idem_project_keep(&r->project, r->anonymiser) ||
                        idem_project_write(&r->project, r->o->project, r->o->passphrase, r->o->passphrase_size)))
        return -1;
    return idem_anonymise_state_save(r->state, has_project ? NULL : r->anonymiser, has_project ? none : r->secret,
                                     r->options, r->done);
}

/* All ranks must have the same files and options. */
static int compare(run *r) {
    size_t bytes = sizeof r->options, at;
    for (size_t i = 0; i < r->files.n; i++)
        bytes += strlen(r->files.at[i].name) + 1;
    char *text = malloc(bytes);
    if (!text)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a list of %zu files", r->files.n);
    at = (size_t)sprintf(text, "%s", r->options);
    for (size_t i = 0; i < r->files.n; i++)
        at += (size_t)sprintf(text + at, "\n%s", r->files.at[i].name);
    const int status = idem_rank_same(&r->ranks, "the list of files, or an option,", text);
    free(text);
    return status;
}

/* From rank 0 to the others: all that the run has begun with. */
static int hand_out(run *r) {
    idem_rank_table *t = &r->ranks;
    char *done = t->rank ? NULL : json_dumps(r->done, JSON_COMPACT);
    int status = t->rank || done ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for the state of a run");
    if (!status)
        status = idem_rank_give(t, 0, r->secret, sizeof r->secret) || idem_rank_give_text(t, 0, &done) ? -1 : 0;
    if (!status && t->rank) {
        r->done = json_loads(done, 0, NULL);
        r->anonymiser = r->done ? idem_anonymiser_new(r->studio, &r->o->options, r->secret)
                                : idem_fail_null_as(IDEM_MEMORY, "out of memory for the state of a run");
        status = r->anonymiser ? 0 : -1;
        if (r->anonymiser && r->o->project)
            idem_anonymiser_set_by_number(r->anonymiser);
    }
    free(done);
    return status || idem_anonymise_state_give(t, 0, r->anonymiser) ? -1 : 0;
}

static int begin(run *r) {
    const idem_anonymise_run_options *o = r->o;
    if (!(r->turn = calloc((size_t)r->ranks.size, sizeof *r->turn)))
        return idem_fail_as(IDEM_MEMORY, "out of memory for %d ranks", r->ranks.size);
    const bool muted = idem_log_mute(r->ranks.rank > 0); /* rank 0 has the same to say */
    const int status = idem_anonymise_files_list(&r->files, o->inputs, o->n_inputs, o->output, o->rename) ||
                               (o->exempt && !(r->exempt = idem_picture_tree_open(o->exempt)))
                           ? -1
                           : 0;
    idem_log_mute(muted);
    if (status || (o->boxes && !(r->hand = idem_hand_boxes_read(o->boxes))) || idem_dir_make(o->output) ||
        !(r->state = idem_path_join(o->output, IDEM_ANONYMISE_STATE)))
        return -1;
    if (describe_options(r) || (r->ranks.size > 1 && compare(r)))
        return -1;
    if ((!r->ranks.rank && open_anonymiser(r)) || (r->ranks.size > 1 && hand_out(r)) || take_exempt(r) || save_state(r))
        return -1;
    idem_surrogates_set_ranks(idem_anonymiser_surrogates(r->anonymiser), &r->ranks);
    return 0;
}

/* ---- files ---- */

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
    if (idem_anonymise_entry_add(r->done, f->name, idem_anonymise_clip_json(f->name, clip)))
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
    int status =
        path && !idem_anonymise_folder_make(path) ? idem_anonymise_clip(r->anonymiser, f->from, path, &o, &clip) : -1;
    if (!status)
        status = add_clip(r, f, &clip);
    r->in_clip = status && idem_error_kind() != IDEM_INPUT && idem_error_kind() != IDEM_MISSING;
    free(path);
    free(clip.persons);
    json_decref(clip.boxes);
    return status;
}

/* A clip that cannot be read is passed over, as is every clip without the plug-in. */
static int try_clip(run *r, const idem_anonymise_file *f) {
    if (!do_clip(r, f))
        return 0;
    if (idem_error_kind() != IDEM_INPUT && idem_error_kind() != IDEM_MISSING)
        return -1;
    idem_log(IDEM_LOG_WARNING, "passed over: %s", idem_error());
    r->unreadable++;
    return 0;
}

/* Rank 0's clip, and what it leaves, for the others. */
static int take_clip(run *r, const idem_anonymise_file *f) {
    idem_surrogates *s = idem_anonymiser_surrogates(r->anonymiser);
    const size_t before = json_array_size(r->done);
    char *entry = NULL;
    idem_surrogates_set_ranks(s, NULL);
    if (!r->ranks.rank && try_clip(r, f))
        return -1;
    idem_surrogates_set_ranks(s, &r->ranks);
    if (r->ranks.size == 1)
        return 0;
    if (!r->ranks.rank) {
        const bool made = json_array_size(r->done) > before;
        entry = made ? json_dumps(json_array_get(r->done, before), JSON_COMPACT) : strdup("");
        if (!entry)
            return idem_fail_as(IDEM_MEMORY, "out of memory for the report's entry of a clip");
    }
    int status = idem_rank_give_text(&r->ranks, 0, &entry);
    if (!status && r->ranks.rank && *entry)
        status = idem_anonymise_entry_add(r->done, f->name, json_loads(entry, 0, NULL));
    r->unreadable += !status && r->ranks.rank && !*entry;
    free(entry);
    return status || idem_anonymise_state_give(&r->ranks, 0, r->anonymiser) ? -1 : 0;
}

static int take_turn(run *r) {
    idem_anonymise_round round = {.anonymiser = r->anonymiser,
                                  .ranks = &r->ranks,
                                  .files = &r->files,
                                  .output = r->o->output,
                                  .strict = r->o->strict,
                                  .hand = r->hand,
                                  .done = r->done};
    const int status = r->n_turn ? idem_anonymise_round_run(&round, r->turn, r->n_turn) : 0;
    r->unreadable += round.unreadable;
    r->n_turn = 0;
    return status;
}

static int do_all(run *r) {
    for (size_t i = 0; i < r->files.n; i++) {
        if (idem_studio_stopped(r->studio))
            return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
        const idem_anonymise_file *f = &r->files.at[i];
        const bool todo = !is_done(r, f->name);
        if (todo && !f->film)
            r->turn[r->n_turn++] = f;
        if (r->n_turn == r->ranks.size || i + 1 == r->files.n || (todo && f->film))
            if (take_turn(r))
                return -1;
        if (todo && f->film && take_clip(r, f))
            return -1;
        if (idem_clock() - r->saved > state_every && save_state(r))
            return -1;
        if (!r->n_turn)
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
    const bool writes = !r->ranks.rank, writes_boxes = writes && r->o->boxes_out;
    json_t *boxes = writes_boxes ? idem_hand_boxes_from(r->done) : NULL;
    if (writes_boxes && (!boxes || idem_hand_boxes_write(r->o->boxes_out, boxes))) {
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
    const int status = !page     ? idem_fail_as(IDEM_MEMORY, "out of memory for a report")
                       : !writes ? 0
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
    idem_picture_tree_free(r->exempt);
    json_decref(r->done);
    free(r->state);
    free(r->turn);
    idem_project_free(&r->project);
    explicit_bzero(r->secret, sizeof r->secret);
}

/* Saves the state of a run that ends early; keeps the message of its failure. */
static int break_off(run *r) {
    char why[1024];
    const idem_kind kind = (idem_kind)idem_error_kind();
    snprintf(why, sizeof why, "%s", idem_error());
    if (!r->in_clip)
        save_state(r);
    return idem_fail_as(kind, "%s", why);
}

static int finish(run *r, json_t **out) {
    if (save_state(r) || report(r, out))
        return -1;
    return !r->ranks.rank && unlink(r->state)
               ? idem_fail_as(IDEM_INTERNAL, "%s: contains codes of faces and cannot be removed; remove it by hand",
                              r->state)
               : 0;
}

int idem_anonymise_run(idem_studio *s, const idem_anonymise_run_options *o, json_t **out) {
    run r = {.studio = s, .o = o, .ranks = o->ranks};
    *out = NULL;
    const bool muted = idem_studio_mute(s, true);
    const int begun = begin(&r);
    int status = begun ? -1 : do_all(&r);
    if (status)
        status = idem_rank_agree(&r.ranks, -1);
    if (status && !begun)
        status = break_off(&r);
    if (!status)
        status = idem_rank_agree(&r.ranks, finish(&r, out));
    if (status) {
        json_decref(*out);
        *out = NULL;
    }
    end(&r);
    idem_studio_mute(s, muted);
    return status;
}
