/* idem align: the faces of photographs, each cut out in the frame that FFHQ-like generators paint in. */
#define _GNU_SOURCE
#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/library.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"
#include "cli/reading.h"
#include "cli/shares.h"

typedef struct {
    const char *output;
    int size;
    bool all_faces, no_pose;
    int made; /* the folder of results */
    idem_shared shared;
    idem_shares shares;
    idem_context *context;
    uint8_t *rgb; /* [size, size, 3] */
    json_t *skipped;
    int photographs, faces, bad, unnamed; /* unnamed: faces whose file's name would be too long */
    size_t name_most;                     /* bytes of a name in the folder of results */
    bool only;                            /* one file is given: its error is the command's failure */
    char *why;                            /* message of the last skipped file */
    const idem_file_list *list;           /* the given files */
    char **taken;                         /* names of written files, so that none is written twice */
    size_t n_taken, capacity;
} job;

/* What a rank has found in a photograph. */
typedef struct {
    idem_photograph *photo; /* NULL: skipped, or none was left for this rank */
    idem_photograph_info info;
    json_t *faces; /* of the report */
    char *why;     /* it is skipped */
} finding;

/* What all ranks know of it. */
typedef struct {
    int skipped, named; /* named: its file can be, and `faces` are to be written */
    int faces;
} outcome;

/* ---- report ---- */

static json_t *pixels(const float (*points)[2], int n, const idem_photograph_info *photo) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++)
        json_array_append_new(
            list, json_pack("[f, f]", (double)points[i][0] * photo->width, (double)points[i][1] * photo->height));
    return list;
}

/* Positions in pixels of the upright photograph; pixel i covers i .. i + 1. */
static json_t *describe(const idem_photograph_info *photo, const idem_face_info *face) {
    const float *box = face->box_part;
    json_t *o = json_pack("{s:[f, f, f, f], s:f, s:o, s:o}", "box", (double)box[0] * photo->width,
                          (double)box[1] * photo->height, (double)box[2] * photo->width, (double)box[3] * photo->height,
                          "score", (double)face->score, "points", pixels(face->points_part, 68, photo), "frame",
                          pixels(face->frame_part, 4, photo));
    if (o)
        json_object_set_new(o, "outside", json_real(face->outside));
    if (o && isfinite(face->yaw))
        json_object_set_new(o, "pose",
                            json_pack("{s:f, s:f, s:f}", "yaw", (double)face->yaw, "pitch", (double)face->pitch, "roll",
                                      (double)face->roll));
    return o;
}

static int skip(job *j, const char *path, const char *why) {
    if (!j->only && !j->shares.rank)
        idem_cli_say("idem: passed over: %s", why);
    free(j->why);
    if (!(j->why = strdup(why)))
        return idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for the report");
    j->bad++;
    size_t n = strlen(path);
    const char *reason = !strncmp(why, path, n) && !strncmp(why + n, ": ", 2) ? why + n + 2 : why;
    return json_array_append_new(j->skipped,
                                 json_pack("{s:o, s:o}", "file", idem_json_name(path), "why", idem_json_name(reason)))
               ? idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for the report")
               : 0;
}

/* ---- files ---- */

static bool fits(const job *j, const char *name) {
    return strlen(name) <= j->name_most;
}

/* A short enough one for its first face. */
static bool has_name(const job *j, const char *path) {
    char *stem = idem_file_stem(path);
    const bool has = stem && strlen(stem) + strlen(".png") <= j->name_most;
    free(stem);
    return has;
}

/* Names that are too long for the folder are reported before the work. */
static int check_names(job *j, const char *const *paths, size_t n) {
    char *path = idem_path_in(j->output, "x");
    int status = path ? 0 : -1;
    j->name_most = path ? idem_file_name_most(path) : 0;
    free(path);
    for (size_t i = 0; i < n && !status; i++) {
        char *stem = idem_file_stem(paths[i]), *why = NULL;
        size_t length = stem ? strlen(stem) + strlen(".png") : 0;
        if (!stem)
            status = -1;
        else if (length > j->name_most) {
            if (asprintf(&why, "%s: the name of its result has %zu bytes, at most %zu are legal in %s; rename it",
                         paths[i], length, j->name_most, j->output) < 0)
                status = idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for the report");
            else
                status = skip(j, paths[i], why);
            free(why);
        }
        free(stem);
    }
    return status;
}

static bool is_taken(const job *j, const char *name) {
    for (size_t i = 0; i < j->n_taken; i++)
        if (!strcmp(j->taken[i], name))
            return true;
    return false;
}

static char *no_name(void) {
    idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for file names");
    return NULL;
}

/* "stem.png", "stem-2.png" for its second face; "stem_2.png" etc. if another photograph has taken that name. */
static char *new_name(job *j, const char *stem, int face) {
    if (j->n_taken == j->capacity) {
        size_t capacity = j->capacity ? 2 * j->capacity : 64;
        char **taken = realloc(j->taken, capacity * sizeof *taken);
        if (!taken)
            return no_name();
        j->taken = taken;
        j->capacity = capacity;
    }
    char *name = NULL, number[16] = "", again[16] = "";
    if (face)
        snprintf(number, sizeof number, "-%d", face + 1);
    for (int k = 2;; k++) {
        if (asprintf(&name, "%s%s%s.png", stem, again, number) < 0)
            return no_name();
        if (!is_taken(j, name))
            return j->taken[j->n_taken++] = name;
        free(name);
        snprintf(again, sizeof again, "_%d", k);
    }
}

static int write_face(job *j, finding *f, int face, const char *name) {
    idem_face_info info = {.struct_size = sizeof info};
    face += f->info.first;
    if (idem_get_face(f->photo, face, &info) || idem_align_face_at(j->context, f->photo, face, j->size, j->rgb))
        return -1;
    char *path = idem_path_in(j->output, name);
    int status = path ? idem_write_view(j->context, path, &(idem_view){j->rgb, j->size, j->size}, NULL) : -1;
    json_t *o = status ? NULL : describe(&f->info, &info);
    if (!status && (!o || json_object_set_new(o, "file", idem_json_name(name)) || json_array_append_new(f->faces, o)))
        status = idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for the report");
    free(path);
    return status;
}

/* Names the faces of a photograph, which all ranks do alike, and writes them if they are this rank's; f: else NULL. */
static int take_faces(job *j, const char *path, int faces, finding *f) {
    char *stem = idem_file_stem(path);
    int status = stem ? 0 : -1;
    for (int i = 0; i < faces && !status; i++) {
        const char *name = new_name(j, stem, i);
        if (!name) {
            status = -1;
        } else if (!fits(j, name)) {
            if (!j->shares.rank)
                idem_cli_say("idem: passed over: a face: the name of its result, %s, has %zu bytes, at most %zu are "
                             "legal in %s",
                             name, strlen(name), j->name_most, j->output);
            j->unnamed++;
        } else {
            status = f ? write_face(j, f, i, name) : 0;
            j->faces += !status;
        }
    }
    free(stem);
    return status;
}

/* A photograph of the report; free it. */
static char *photograph_text(const char *path, const finding *f) {
    json_t *o = json_pack("{s:o, s:i, s:i, s:i, s:O}", "photograph", idem_json_name(path), "width", f->info.width,
                          "height", f->info.height, "found", f->info.faces, "faces", f->faces);
    char *text = o ? json_dumps(o, JSON_INDENT(1) | JSON_REAL_PRECISION(7)) : NULL;
    json_decref(o);
    if (!text)
        idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for the report");
    return text;
}

static void print_rest(const job *j) {
    printf("],\n\"faces\": %d,\n\"skipped\": ", j->faces);
    json_dumpf(j->skipped, stdout, JSON_INDENT(1));
    printf(",\n\"other_files\": %zu}\n", idem_files_passed_over(j->list, NULL, 0));
}

/* 0, also for a skipped file; -1: interrupted, or memory is short. */
static int look(const char *path, idem_reader *reader, finding *f) {
    f->photo = idem_next_photograph(reader);
    if (!f->photo && idem_error_kind() != IDEM_ERROR_INPUT)
        return -1;
    if (f->photo && (idem_get_photograph_info(f->photo, &f->info) || !(f->faces = json_array())))
        return -1;
    if (!f->photo)
        f->why = strdup(idem_last_error());
    else if (!f->info.faces && asprintf(&f->why, "%s: no face found", path) < 0)
        f->why = NULL;
    return f->why || (f->photo && f->info.faces) ? 0
                                                 : idem_cli_fail_as(IDEM_ERROR_MEMORY, "out of memory for the report");
}

/* The report is printed at once: a folder of any size has one. text: the photograph's, or why it is skipped. */
static int tell(job *j, const char *path, const outcome *o, const char *text) {
    if (o->skipped)
        return skip(j, path, text);
    if (!o->named)
        return 0;
    if (j->shared.json && !j->shares.rank)
        printf("%s\n%s", j->photographs ? "," : "", text);
    j->photographs++;
    return 0;
}

/* Each rank has a photograph, the first of them paths[0]. */
static int align_round(job *j, const char *const *paths, int n, finding *f, outcome *all) {
    const int rank = j->shares.rank;
    const bool mine = rank < n && !f->why && has_name(j, paths[rank]);
    const outcome own = {.skipped = f->why != NULL, .named = mine, .faces = mine ? f->info.taken : 0};
    if (idem_ranks_gather(&own, sizeof own, all))
        return -1;
    for (int r = 0; r < n; r++)
        if (take_faces(j, paths[r], all[r].faces, r == rank ? f : NULL))
            return -1;
    char *text = mine && j->shared.json ? photograph_text(paths[rank], f) : NULL;
    if (mine && j->shared.json && !text)
        return -1;
    size_t most;
    char *texts = idem_shares_texts(&j->shares, f->why ? f->why : text, &most);
    int status = texts ? 0 : -1;
    for (int r = 0; r < n && !status; r++)
        status = tell(j, paths[r], &all[r], texts + (size_t)r * most);
    free(texts);
    free(text);
    return status;
}

static int align(job *j, const char *const *paths, int n, idem_reader *reader, outcome *all) {
    finding f = {.info = {.struct_size = sizeof f.info}};
    const bool works = j->shares.rank < n;
    int status = works ? look(paths[j->shares.rank], reader, &f) : 0;
    if (!status)
        status = align_round(j, paths, n, &f, all);
    json_decref(f.faces);
    free(f.why);
    idem_free_photograph(f.photo);
    return status;
}

/* Of this rank's photographs; free `own` after it. */
static idem_reader *open_reader(job *j, const char *const *paths, size_t n, const char ***own) {
    const size_t rank = (size_t)j->shares.rank, ranks = (size_t)j->shares.size;
    idem_reading reading;
    idem_reading_default(&reading);
    reading.face = j->all_faces ? IDEM_ALL_FACES : IDEM_LARGEST_FACE;
    reading.size = j->size;
    reading.hint = " (--all-faces takes all)";
    int count = 0;
    if (!(*own = idem_cli_table(n, sizeof **own)))
        return NULL;
    for (size_t i = rank; i < n; i += ranks)
        (*own)[count++] = paths[i];
    return idem_open_reader(j->context, *own, count, &reading);
}

static int align_files(job *j, const char *const *paths, size_t n) {
    const size_t ranks = (size_t)j->shares.size;
    const char **own = NULL;
    outcome *all = idem_cli_table(ranks, sizeof *all);
    idem_reader *reader = all ? open_reader(j, paths, n, &own) : NULL;
    int status = reader ? 0 : -1;
    if (!status && j->shared.json && !j->shares.rank)
        printf("{\"size\": %d,\n\"photographs\": [", j->size);
    idem_progress_start("aligning", "photographs", n, 0, j->shared.quiet || n == 1 || j->shares.rank);
    for (size_t i = 0; i < n && !status; i += ranks) {
        const size_t count = n - i < ranks ? n - i : ranks;
        status = align(j, paths + i, (int)count, reader, all);
        idem_progress_update(i + count, "%d faces", j->faces);
    }
    if (status)
        idem_progress_clear();
    else
        idem_progress_finish();
    if (reader && j->shared.json && !j->shares.rank)
        print_rest(j);
    idem_close_reader(reader);
    free(own);
    free(all);
    return status;
}

static int align_all(job *j, const char *const *paths, size_t n) {
    if (idem_folder_make(j->output, &j->made) || !(j->context = idem_cli_open(NULL, &j->shared, j->no_pose ? 0 : 2)) ||
        !(j->rgb = idem_cli_table((size_t)j->size * (size_t)j->size, 3)) || check_names(j, paths, n))
        return -1;
    const int status = align_files(j, paths, n);
    if (status && j->faces)
        idem_cli_fail_more("%s; %d face%s of %d photograph%s are in %s", idem_last_error(), j->faces,
                           j->faces == 1 ? "" : "s", j->photographs, j->photographs == 1 ? "" : "s", j->output);
    return status;
}

/* After all photographs; the exit code. */
static int conclude(const job *j, size_t n) {
    if (j->shares.rank)
        return 0;
    if (j->faces && !j->shared.json && !j->shared.quiet)
        idem_cli_print("%d face%s of %d photograph%s in %s", j->faces, j->faces == 1 ? "" : "s", j->photographs,
                       j->photographs == 1 ? "" : "s", j->output);
    idem_files_say_others(j->list, j->shared.quiet);
    int status = 0;
    if (j->bad)
        status = j->only    ? idem_cli_fail("%s", j->why)
                 : j->faces ? idem_cli_fail("%d of %zu files gave no face; the faces of the others are in %s", j->bad,
                                            n, j->output)
                            : idem_cli_fail("none of %zu files gave a face", n);
    else if (j->unnamed)
        status = idem_cli_fail("%d face%s could not be named; the others are in %s", j->unnamed,
                               j->unnamed == 1 ? "" : "s", j->output);
    return status ? idem_cli_failed() : 0;
}

int idem_cmd_align(int argc, char **argv) {
    job j = {.size = 256, .shared = IDEM_SHARED_DEFAULTS, .shares = IDEM_SHARES_ALONE};
    const idem_option options[] = {
        {IDEM_OPT_TEXT, "output", 'o', "DIR", &j.output, .required = true, .help = "folder for the PNG files"},
        {IDEM_OPT_INT, "size", 's', "N", &j.size, .min = 16, .max = 4096, .help = "side of the pictures in pixels"},
        {IDEM_OPT_FLAG, "all-faces", 'A', NULL, &j.all_faces,
         .help = "take every face of a photograph, largest first, instead of only the largest: a longer search"},
        {IDEM_OPT_FLAG, "no-pose", 0, NULL, &j.no_pose, .help = "do not estimate head pose: faster"},
        {0}};
    idem_command_line line = {
        .args = "FILE|DIR...",
        .about = "Finds the faces of photographs (PNG, JPEG, WebP, HEIC, AVIF; of any size, turned upright by their "
                 "EXIF, transparent places over white) and cuts them out in FFHQ's frame. Faces" IDEM_FACES_SOUGHT
                 ". Files that cannot be read or show no face are passed over and listed; the exit "
                 "code is then 1.",
        .examples = "  idem align samples/identities/1.png -o faces/\n"
                    "  idem align photos/ -o faces/ --size 1024 --all-faces --json > faces.json\n",
        .options = options,
        .min_args = 1,
        .max_args = -1,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS};
    char **args;
    int given = idem_parse(&line, argc, argv, &j.shared, &args);
    if (idem_output_folder(j.output))
        return 2;
    idem_file_list *list = idem_new_file_list();
    int status = list ? idem_photo_list(list, args, given) : -1;
    const char *const *paths = idem_file_paths(list);
    const size_t n = (size_t)idem_count_files(list);
    if (!status && idem_overwrite_folder(j.output, paths, n, "*.png")) {
        idem_free_file_list(list);
        return 2;
    }
    j.list = list;
    j.skipped = json_array();
    j.only = n == 1;
    if (!status)
        status = idem_shares_join(&j.shares, argc, argv, idem_file_names(list), n);
    if (!status)
        status = align_all(&j, paths, n);
    const bool broke = status;
    const int code = status ? idem_cli_failed() : conclude(&j, n);
    json_decref(j.skipped);
    free(j.rgb);
    idem_cli_close(j.context);
    if (j.made)
        rmdir(j.output); /* fails if anything is in it */
    for (size_t i = 0; i < j.n_taken; i++)
        free(j.taken[i]);
    free(j.taken);
    free(j.why);
    idem_free_file_list(list);
    return idem_shares_leave(&j.shares, code, broke);
}
