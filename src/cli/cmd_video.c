/* idem video: the faces of a clip get another identity. */
#define _GNU_SOURCE
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/clock.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/json.h"
#include "cli/library.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"

enum { ROLES_MOST = IDEM_TEXTS_MAX * 16 };

typedef struct {
    idem_model_files files;
    const char *output, *identity, *face, *codec, *review, *map, *boxes, *boxes_out;
    double from, to;
    int refine, quality;
    bool no_audio, no_subtitles, drop_metadata, resume;
    idem_shared shared;
    idem_video_role roles[ROLES_MOST];
    int n_roles;
    char *map_text;
    int pass;
} job;

/* "who.jpg=new.jpg,other.jpg=another.jpg" */
static int read_map(job *j) {
    if (!j->map)
        return 0;
    if (!(j->map_text = strdup(j->map)))
        return idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for --map"), 1;
    char *rest = NULL;
    for (char *part = strtok_r(j->map_text, ",", &rest); part; part = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(part, '=');
        if (!equals || equals == part || !equals[1])
            return idem_cli_usage("--map expects WHO=NEW, two photographs, separated by commas; found \"%s\"", part);
        if (j->n_roles == ROLES_MOST)
            return idem_cli_usage("--map takes at most %d persons", ROLES_MOST);
        *equals = 0;
        j->roles[j->n_roles++] = (idem_video_role){part, equals + 1};
    }
    return 0;
}

static void tell(void *user, int pass, int64_t done, int64_t of) {
    job *j = user;
    if (pass != j->pass) {
        if (j->pass)
            idem_progress_finish();
        idem_progress_start(pass == 1 ? "looking for faces" : "painting", "frames", (uint64_t)of, (uint64_t)(done - 1),
                            j->shared.quiet);
        j->pass = pass;
    }
    idem_progress_update((uint64_t)done, NULL);
}

static void print_text(const job *j, const idem_video_report *r, double seconds) {
    if (*r->why && !j->shared.quiet)
        idem_cli_say("idem: %s", r->why);
    if (*r->left && !j->shared.quiet)
        idem_cli_say("idem: not copied: %s", r->left);
    idem_cli_print("%" PRId64 " frames, %.1f s, %d x %d, %s: %" PRId64 " faces of %d of %d person%s in %s", r->frames,
                   r->seconds, r->width, r->height, r->codec, r->faces, r->changed, r->persons,
                   r->persons == 1 ? "" : "s", j->output);
    if (r->bridged)
        idem_cli_print("%" PRId64 " of the faces were not found in their frame, but before and after it", r->bridged);
    if (r->outside)
        idem_cli_print("%" PRId64 " faces are mostly outside their frame and are unchanged", r->outside);
    if (r->hidden)
        idem_cli_print("%" PRId64 " places were hidden by hand", r->hidden);
    if (r->review)
        idem_cli_print("%" PRId64 " frames to review are in %s", r->review, j->review);
    if (!j->shared.quiet && seconds > 0 && r->frames > r->resumed)
        idem_cli_print("%.1f frames/s", (double)(r->frames - r->resumed) / seconds);
}

static int print_json(const job *j, const idem_video_report *r, double seconds) {
    json_t *o =
        json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:i, s:f, s:s, s:s, s:s, s:f}",
                  "output", idem_json_name(j->output), "frames", (json_int_t)r->frames, "resumed",
                  (json_int_t)r->resumed, "faces", (json_int_t)r->faces, "bridged", (json_int_t)r->bridged, "hidden",
                  (json_int_t)r->hidden, "outside", (json_int_t)r->outside, "review", (json_int_t)r->review, "persons",
                  r->persons, "changed", r->changed, "damaged", r->damaged, "width", r->width, "height", r->height,
                  "duration", r->seconds, "codec", r->codec, "why", r->why, "not_copied", r->left, "seconds", seconds);
    return idem_json_print(o, 6);
}

static int run(job *j, const char *clip) {
    static const char *const faces[] = {"largest", "all", "none"};
    idem_video_options o;
    idem_video_report report = {.struct_size = sizeof report};
    idem_video_options_default(&o);
    o.identity = j->identity;
    for (int i = 0; i < 3; i++)
        if (!strcmp(j->face, faces[i]))
            o.faces = i;
    if (j->n_roles && !j->identity)
        o.faces = IDEM_VIDEO_NONE;
    o.roles = j->roles;
    o.n_roles = j->n_roles;
    o.from = j->from;
    o.to = j->to;
    o.refine = j->refine;
    o.review = j->review;
    o.boxes = j->boxes;
    o.boxes_out = j->boxes_out;
    o.codec = j->codec;
    o.quality = j->quality;
    o.drop_metadata = j->drop_metadata;
    o.no_audio = j->no_audio;
    o.no_subtitles = j->no_subtitles;
    o.resume = j->resume;
    o.progress = tell;
    o.user = j;
    const bool paints = o.faces != IDEM_VIDEO_NONE || o.n_roles;
    idem_context *c = idem_cli_open(paints ? &j->files : NULL, &j->shared, 0);
    const double start = idem_cli_seconds();
    int status = c ? idem_compose_video(c, clip, j->output, &o, &report) : -1;
    if (j->pass && !status)
        idem_progress_finish();
    else
        idem_progress_clear();
    const double seconds = idem_cli_seconds() - start;
    if (!status && j->shared.json)
        status = print_json(j, &report, seconds);
    else if (!status)
        print_text(j, &report, seconds);
    if (!status && report.damaged)
        status = idem_cli_fail("%s: is damaged in %d place%s (%s); %s holds what could be read", clip, report.damaged,
                               report.damaged == 1 ? "" : "s", report.damage, j->output);
    idem_cli_close(c);
    return status;
}

int idem_cmd_video(int argc, char **argv) {
    job j = {.face = "largest", .quality = -1, .shared = IDEM_SHARED_DEFAULTS};
    const idem_option options[] = {
        {IDEM_OPT_TEXT, "output", 'o', "OUT", &j.output, .required = true,
         .help = "clip to write: .mp4, .mov, .mkv or .webm; .webp or a folder where the clip is one of these"},
        {IDEM_OPT_TEXT, "identity", 'i', "FILE", &j.identity, .help = "photograph of the new identity"},
        {IDEM_OPT_TEXT, "face", 0, "FACE", &j.face, .choices = "largest|all|none",
         .help = "who gets it: the person seen most, everybody, or nobody (the clip is only encoded again)"},
        {IDEM_OPT_TEXT, "map", 0, "WHO=NEW,...", &j.map,
         .help = "pairs of photographs: a person of the clip, and the identity that replaces it"},
        {IDEM_OPT_REAL, "from", 0, "S", &j.from, .min = 0, .max = 1e7, .help = "second from which faces change"},
        {IDEM_OPT_REAL, "to", 0, "S", &j.to, .min = 0, .max = 1e7,
         .help = "second up to which faces change; 0: the end"},
        {IDEM_OPT_INT, "refine", 0, "K", &j.refine, .min = 0, .max = IDEM_REFINE_LIMIT,
         .help = "refine each face in K steps, starting from the previous frame's code: closer identity, pose and "
                 "surroundings; 4 to 8 are sensible, 30 to 60 ms of a core each"},
        {IDEM_OPT_TEXT, "boxes-out", 0, "FILE", &j.boxes_out,
         .help = "write the faces found as JSON, for editing: for each face, over a range of frames, a box and replace "
                 "or exempt"},
        {IDEM_OPT_TEXT, "boxes", 0, "FILE", &j.boxes,
         .help = "read such a file: over its frames a face in its box is replaced, left unchanged (skip; exempt: its "
                 "person in all frames) or hidden; a box without a face is hidden"},
        {IDEM_OPT_TEXT, "review", 0, "DIR", &j.review,
         .help = "write frames to review there: faces that are hardly found, begin, end, leave"},
        {IDEM_OPT_HEADER, .help = "File"},
        {IDEM_OPT_TEXT, "codec", 0, "CODEC", &j.codec, .choices = "h264|h265|vp9|av1|ffv1",
         .help = "if not given, the clip's, or one that the file can hold"},
        {IDEM_OPT_INT, "quality", 0, "Q", &j.quality, .min = -1, .max = 63,
         .help = "constant rate factor, lower is better and larger; 0: lossless; -1: the codec's default"},
        {IDEM_OPT_FLAG, "no-audio", 0, NULL, &j.no_audio, .help = "leave sound out"},
        {IDEM_OPT_FLAG, "no-subtitles", 0, NULL, &j.no_subtitles, .help = "leave subtitles out"},
        {IDEM_OPT_FLAG, "drop-metadata", 0, NULL, &j.drop_metadata,
         .help = "drop places, devices, dates, covers and data tracks"},
        {IDEM_OPT_FLAG, "resume", 0, NULL, &j.resume,
         .help = "continue an interrupted run; the file equals that of an uninterrupted one"},
        IDEM_MODEL_ROWS(j.files),
        {0}};
    idem_command_line line = {
        .args = "CLIP",
        .about = "Gives the faces of a clip (a film, an animated WebP, a folder of numbered pictures) another "
                 "identity; everything else is kept, frame by frame: time stamps, size, sound, subtitles, chapters, "
                 "and outside of the faces the film's samples. The first pass finds and tracks faces, the second "
                 "paints. Films need FFmpeg's libraries.",
        .examples = "  idem video --identity new.jpg party.mp4 -o new.mp4\n"
                    "  idem video --map anna.jpg=new.jpg,bert.jpg=other.jpg party.mp4 -o new.mp4 --refine 6\n"
                    "  idem video --face none --codec ffv1 party.mp4 -o same.mkv\n",
        .options = options,
        .min_args = 1,
        .max_args = 1,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS};
    char **args;
    idem_parse(&line, argc, argv, &j.shared, &args);
    idem_cli_keep_no_pictures();
    int wrong = read_map(&j);
    if (!wrong && !j.identity && !j.n_roles && strcmp(j.face, "none") != 0)
        wrong = idem_cli_usage("give --identity or --map, or --face none");
    if (!wrong && j.to > 0 && j.to <= j.from)
        wrong = idem_cli_usage("--to %g is not after --from %g", j.to, j.from);
    if (!wrong)
        wrong = idem_output_name(j.output) ? 2 : idem_overwrite_file(j.output, args[0]);
    if (wrong) {
        free(j.map_text);
        return wrong;
    }
    const int status = run(&j, args[0]);
    free(j.map_text);
    return status ? idem_cli_failed() : 0;
}
