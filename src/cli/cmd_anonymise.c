/* idem anonymise: replaces every face, keeps everything else. */
#define _GNU_SOURCE
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/json.h"
#include "cli/library.h"
#include "cli/options.h"
#include "cli/passphrase.h"
#include "cli/progress.h"
#include "cli/shares.h"
#include "cli/reading.h"
#include "idem.h"

typedef struct {
    idem_model_files files;
    const char *output, *fallback, *exempt, *boxes, *boxes_out, *key, *passphrase_file;
    bool keep_person, unlinkable, strict, rename, similarity_given, seed_given, no_audio;
    double similarity, unsure;
    int refine, min_face, quality;
    uint64_t seed;
    idem_shared shared;
    idem_shares shares;
} settings;

static double number(const json_t *j, const char *key) {
    return json_number_value(json_object_get(j, key));
}

/* ---- text ---- */

/* Prints "1 face", "2 faces". */
static void print_count(const char *before, double n, const char *what) {
    printf("%s%.0f %s%s", before, n, what, n == 1 ? "" : "s");
}

static void print_recogniser(const json_t *summary, const char *key, const char *label) {
    const json_t *r = json_object_get(summary, key), *alike = json_object_get(r, "share_of_new_faces_alike");
    printf("%-19s  %9.3f  %9.3f  %9.3f", label, number(r, "threshold"), number(r, "mean_cosine"),
           number(r, "highest_cosine"));
    if (json_is_number(alike))
        printf("  %9.1f %%\n", 100 * json_number_value(alike));
    else
        printf("  %11s\n", "-");
}

static void print_clips(const json_t *summary) {
    print_count("", number(summary, "clips"), "clip");
    print_count(", ", number(summary, "clip_frames"), "frame");
    printf(", %.0f of them changed", number(summary, "clip_frames_changed"));
    print_count(": ", number(summary, "clip_persons"), "person");
    print_count("; ", number(summary, "clip_faces"), "face");
    printf(" in frames: %.0f recomposed, %.0f hidden", number(summary, "clip_recomposed"),
           number(summary, "clip_hidden"));
    print_count("; ", number(summary, "clip_hidden_elsewhere"), "other place");
    puts(" hidden");
    if (number(summary, "clips_not_written") > 0) {
        print_count("", number(summary, "clips_not_written"), "clip");
        puts(" not written (--strict)");
    }
    if (number(summary, "clips_with_sound") > 0)
        printf("sound was kept in %.0f: a voice identifies; --no-audio drops it\n",
               number(summary, "clips_with_sound"));
}

static void print_pictures(const json_t *summary) {
    print_count("", number(summary, "pictures"), "picture");
    print_count(", ", number(summary, "faces"), "face");
    printf(": %.0f recomposed, %.0f hidden", number(summary, "recomposed"), number(summary, "hidden"));
    if (number(summary, "exempt") + number(summary, "skipped") > 0)
        printf(", %.0f unchanged (%.0f exempt, %.0f by hand)", number(summary, "exempt") + number(summary, "skipped"),
               number(summary, "exempt"), number(summary, "skipped"));
    print_count("; ", number(summary, "without_a_face"), "picture");
    puts(" without a face");
    if (number(summary, "not_written") > 0) {
        print_count("", number(summary, "not_written"), "picture");
        puts(" not written (--strict)");
    }
}

static void print_text(const settings *s, const json_t *report) {
    const json_t *summary = json_object_get(report, "summary"), *look = json_object_get(report, "look_first"), *one;
    if (number(summary, "clips") > 0)
        print_clips(summary);
    if (number(summary, "pictures") > 0 || number(summary, "clips") == 0)
        print_pictures(summary);
    if (number(summary, "recomposed") + number(summary, "clip_recomposed") > 0) {
        printf("\n%-19s  %9s  %9s  %9s  %11s\n", "cosine to the person", "threshold", "mean", "highest", "alike pairs");
        print_recogniser(summary, "recogniser", "training recogniser");
        print_recogniser(summary, "judge", "judge");
        if (s->similarity_given)
            printf("similarity: %.2f requested; mean deviation by the training recogniser %.3f\n",
                   number(summary, "similarity_wanted"), number(summary, "similarity_off"));
        printf("thresholds: 0.1 %% of pairs of two persons are above; alike pairs: of the new faces with each other\n");
    }
    if (number(summary, "pictures") > 0) {
        printf("\nlargest difference outside faces: %.0f of 255", number(summary, "largest_difference_outside"));
        if (number(summary, "encoded_anew") > 0) {
            print_count(" (", number(summary, "encoded_anew"), "picture");
            printf(" had to be encoded again)");
        }
    }
    printf("\n%s/anonymise-report.json: every face", s->output);
    print_count("; ", (double)json_array_size(look), "file");
    printf(" to look at first%s\n", json_array_size(look) ? ":" : "");
    for (size_t i = 0; i < json_array_size(look) && i < 5; i++) {
        one = json_array_get(look, i);
        idem_cli_print("  %s: %s", json_string_value(json_object_get(one, "picture")),
                       json_string_value(json_object_get(one, "reason")));
    }
}

static int print_json(const json_t *report) {
    json_t *j = json_object();
    json_object_set(j, "summary", json_object_get(report, "summary"));
    json_object_set(j, "look_first", json_object_get(report, "look_first"));
    return idem_json_print(j, 6);
}

/* ---- run ---- */

enum { NOTHING, FILES, SEARCH, PAINTING };

/* State of the progress line. */
typedef struct {
    int shown;
    bool had_clips; /* their time is shown apart from the last line's */
    char label[200];
} watch;

static void show(watch *w, int what, const char *label, const char *unit, int64_t of) {
    if (w->shown == what)
        return;
    if (w->shown != NOTHING)
        idem_progress_clear();
    idem_progress_start(label, unit, (uint64_t)of, 0, false);
    w->shown = what;
}

static void on_progress(void *user, int done, int of) {
    show(user, FILES, "anonymising", "files", of);
    idem_progress_update((uint64_t)done, NULL);
}

static void on_clip(void *user, const char *clip, int pass, int64_t done, int64_t of) {
    const char *slash = strrchr(clip, '/');
    watch *w = user;
    w->had_clips = true;
    snprintf(w->label, sizeof w->label, "%s: %s", slash ? slash + 1 : clip,
             pass == 1 ? "looking for faces" : "painting");
    show(w, pass == 1 ? SEARCH : PAINTING, w->label, "frames", of);
    idem_progress_update((uint64_t)done, NULL);
}

static int hiding_of(const settings *s) {
    return !strcmp(s->fallback, "blur")     ? IDEM_HIDE_BLURRED
           : !strcmp(s->fallback, "pixels") ? IDEM_HIDE_IN_PIXELS
                                            : IDEM_HIDE_IN_ONE_COLOUR;
}

static json_t *anonymise(const settings *s, idem_context *c, char *const *inputs, int n, const char *passphrase,
                         int passphrase_size) {
    idem_anonymising how;
    idem_anonymising_default(&how);
    how.linkage = s->unlinkable ? IDEM_ALL_FACES_NEW : IDEM_ONE_FACE_A_PERSON;
    how.hiding = hiding_of(s);
    how.refine = s->refine;
    how.min_face = s->min_face;
    how.unsure = (float)s->unsure;
    how.wants_similarity = s->similarity_given;
    how.similarity = (float)s->similarity;
    idem_anonymise_job job;
    watch w = {0};
    const bool quiet = s->shared.quiet || s->shares.rank;
    idem_anonymise_job_default(&job);
    job.inputs = (const char *const *)inputs;
    job.n_inputs = n;
    job.output = s->output;
    job.strict = s->strict;
    job.rename = s->rename;
    job.exempt = s->exempt;
    job.project = s->key;
    job.passphrase = passphrase;
    job.passphrase_size = (size_t)passphrase_size;
    job.boxes = s->boxes;
    job.boxes_out = s->boxes_out;
    job.quality = s->quality;
    job.no_audio = s->no_audio;
    job.is_test = s->seed_given;
    job.test_seed = s->seed;
    job.clip_progress = quiet ? NULL : on_clip;
    job.user = &w;
    unsigned char *text = NULL;
    if (!quiet)
        idem_set_progress(c, on_progress, &w);
    const int status = idem_anonymise_files(c, &how, &job, &text);
    if (w.shown != NOTHING)
        (status || w.had_clips ? idem_progress_clear : idem_progress_finish)();
    json_t *report = status ? NULL : json_loads((const char *)text, 0, NULL);
    idem_free_bytes(text);
    return report;
}

static int tell(const settings *s, const json_t *report) {
    int status = 0;
    if (s->shared.json)
        status = print_json(report);
    else
        print_text(s, report);
    const json_t *summary = json_object_get(report, "summary");
    const int bad = (int)number(summary, "unreadable"), damaged = (int)number(summary, "clips_damaged");
    if (!status && bad)
        status = idem_cli_fail("%d file%s could not be read and %s no result", bad, bad == 1 ? "" : "s",
                               bad == 1 ? "has" : "have");
    if (!status && damaged)
        status = idem_cli_fail(damaged == 1 ? "%d clip is damaged: its result holds what could be read"
                                            : "%d clips are damaged: their results hold what could be read",
                               damaged);
    return status;
}

/* *broke: this rank fails, and the others do not know it. A run fails on all ranks; rank 0 says why. */
static int run(const settings *s, char *const *inputs, int n, bool *broke) {
    char passphrase[IDEM_PASSPHRASE_MOST];
    const int size = s->key && !s->shares.rank
                         ? idem_passphrase_get(passphrase, s->passphrase_file, access(s->key, F_OK) != 0, s->key)
                         : 0;
    idem_cli_mute(s->shares.rank); /* all ranks open the same networks */
    idem_context *c = size < 0 ? NULL : idem_cli_open(&s->files, &s->shared, 1);
    idem_cli_mute(false);
    *broke = !c;
    json_t *report = c ? anonymise(s, c, inputs, n, passphrase, size) : NULL;
    explicit_bzero(passphrase, sizeof passphrase);
    idem_cli_close(c);
    const int status = s->shares.rank && c ? 0 : report ? tell(s, report) : -1;
    json_decref(report);
    return status;
}

int idem_cmd_anonymise(int argc, char **argv) {
    settings s = {.fallback = "pixels",
                  .refine = 25,
                  .min_face = 24,
                  .unsure = 0.5,
                  .quality = -1,
                  .shared = IDEM_SHARED_DEFAULTS,
                  .shares = IDEM_SHARES_ALONE};
    const idem_option options[] = {
        {IDEM_OPT_TEXT, "output", 'o', "DIR", &s.output, .required = true,
         .help = "folder for the results, in the same formats and folders, and for anonymise-report.json; not in an "
                 "input folder"},
        {IDEM_OPT_FLAG, "keep-person", 0, NULL, &s.keep_person,
         .help = "one new face per person in all pictures and clips of the run, so who is with whom stays visible (the "
                 "default)"},
        {IDEM_OPT_FLAG, "unlinkable", 0, NULL, &s.unlinkable,
         .help = "one new face per face (in a clip, per person), so that pictures of a person cannot be linked"},
        {IDEM_OPT_TEXT, "key", 0, "FILE", &s.key,
         .help = "project file, encrypted with a passphrase: a person has the same new face in all runs with it; "
                 "without the file nothing leads back to the person; created if missing"},
        {IDEM_OPT_TEXT, "passphrase-file", 0, "FILE", &s.passphrase_file,
         .help = "with --key: a file with the passphrase, or with random bytes; asked on the terminal if not given"},
        {IDEM_OPT_REAL, "similarity", 0, "M", &s.similarity, .min = -0.2, .max = 1, .was_given = &s.similarity_given,
         .help = "wanted cosine to the person by the training recogniser, up to 1; if not given, below the thresholds "
                 "of both recognisers, as for a stranger"},
        {IDEM_OPT_TEXT, "fallback", 0, "HOW", &s.fallback, .choices = "blur|pixels|solid",
         .help = "how to hide a face that cannot be recomposed: tiny, cut, a profile, unsure, or still too similar to "
                 "the person"},
        {IDEM_OPT_INT, "min-face", 0, "N", &s.min_face, .min = 1, .max = 100000,
         .help = "pixels; narrower faces are hidden instead of recomposed"},
        {IDEM_OPT_REAL, "unsure", 0, "S", &s.unsure, .min = 0.3, .max = 1,
         .help =
             "candidates that may be faces are hidden if their detector score is above this (sure faces have 0.65)"},
        {IDEM_OPT_FLAG, "strict", 0, NULL, &s.strict,
         .help =
             "write no picture or clip with a face still too similar to the person (otherwise that face is hidden)"},
        {IDEM_OPT_TEXT, "exempt", 0, "DIR", &s.exempt,
         .help = "pictures of exempt persons: faces that both recognisers match to one of them stay unchanged"},
        {IDEM_OPT_TEXT, "boxes-out", 0, "FILE", &s.boxes_out,
         .help = "write the faces found as JSON, for editing: a box and replace, hide, skip or exempt for each face, "
                 "in clips over a range of frames"},
        {IDEM_OPT_TEXT, "boxes", 0, "FILE", &s.boxes,
         .help = "read such a file: its instructions override the search; boxes and regions to hide may be added"},
        {IDEM_OPT_FLAG, "rename", 0, NULL, &s.rename,
         .help = "number the results instead of keeping names and folders"},
        {IDEM_OPT_INT, "refine", 0, "K", &s.refine, .min = 0, .max = IDEM_REFINE_LIMIT,
         .help = "refinement steps with which each face is fitted to its photograph, 30 to 60 ms of a core each at 128 "
                 "pixels; in a clip a fifth of them from the second frame on"},
        {IDEM_OPT_FLAG, "no-audio", 0, NULL, &s.no_audio,
         .help = "drop the sound of clips, as a voice identifies; it is kept otherwise"},
        {IDEM_OPT_INT, "quality", 0, "Q", &s.quality, .min = -1, .max = 63,
         .help = "of clips: constant rate factor, lower is better and larger; 0: lossless; -1: the codec's default"},
        {IDEM_OPT_U64, "seed", 0, "N", &s.seed, .was_given = &s.seed_given,
         .help = "only for tests: the seed reproduces the new faces; without it they come from a random secret that is "
                 "never written"},
        IDEM_MODEL_ROWS(s.files),
        {0}};
    idem_command_line line = {
        .args = "FILE|DIR...",
        .about =
            "Gives every face the identity of a person who does not exist, with the same pose, expression and light; "
            "the rest of the picture is unchanged: PNG and lossless WebP keep equal pixels, JPEG keeps the "
            "coefficients of all blocks that no face touches. Faces" IDEM_FACES_SOUGHT
            "; faces that cannot be recomposed are hidden. Two recognisers measure the result. Metadata is dropped, "
            "and the result is marked as synthetic in part. What can still identify a person: hair, ears, tattoos, "
            "clothes, the place, companions. Clips (.mp4, .mov, .mkv, .webm) are anonymised too: each tracked person "
            "becomes one new person; hidden are faces that cannot be painted in a frame, candidates that may be faces, "
            "and the place of a face before it was first found and after it was last found. Sound is kept unless "
            "--no-audio is given; a voice identifies, and so does gait. Repeating an interrupted run continues it. "
            "Unreadable files are listed, the others are processed, and the exit code is 1.",
        .examples = "  idem anonymise photographs/ -o anonymised/\n"
                    "  idem anonymise party.jpg -o out/ --unlinkable --fallback solid\n"
                    "  idem anonymise monday/ -o out-monday/ --key study.key\n"
                    "  idem anonymise album/ -o out/ --exempt family/ --boxes-out faces.json\n"
                    "  idem anonymise party.mp4 party/ -o out/ --no-audio\n"
                    "  idem measure-anonymity photographs/ anonymised/\n",
        .options = options,
        .min_args = 1,
        .max_args = -1,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS};
    char **args;
    const int n = idem_parse(&line, argc, argv, &s.shared, &args);
    idem_cli_keep_no_pictures();
    if (s.keep_person && s.unlinkable)
        return idem_cli_usage("--keep-person and --unlinkable contradict each other");
    if (s.key && (s.unlinkable || s.seed_given))
        return idem_cli_usage("--key keeps one new face per person by its own secret, and cannot be combined with --%s",
                              s.unlinkable ? "unlinkable" : "seed");
    if (s.passphrase_file && !s.key)
        return idem_cli_usage("--passphrase-file needs --key");
    bool broke = false;
    const int status = idem_shares_join(&s.shares, argc, argv, NULL, 0) ? -1 : run(&s, args, n, &broke);
    return idem_shares_leave(&s.shares, status ? idem_cli_failed() : 0, broke);
}
