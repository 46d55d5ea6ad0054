/* idem encode: the codes of faces, for programs of the user's own. The only command that writes any. */
#define _GNU_SOURCE
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/status.h"
#include "cli/assets.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/left_out.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"
#include "cli/sources.h"
#include "face/align.h"
#include "format/npy_rows.h"

typedef struct {
    idem_model_files networks;
    const char *output;
    int batch;
    idem_choice choice;
    idem_shared shared;
    idem_model *model;
    idem_sources faces;
    idem_npy_rows codes[IDEM_SOURCE_CODES]; /* identity, attributes */
    idem_writer list;
    int files, rows;
    bool ended; /* all files were looked at */
} job;

static const char *const names[IDEM_SOURCE_CODES] = {"identity.npy", "attributes.npy"};

/* ---- what is written ---- */

/* For nobody else's eyes, as long as nobody says otherwise. */
static void make_private(const idem_writer *w) {
    fchmod(fileno(w->stream), S_IRUSR | S_IWUSR);
}

static int open_outputs(job *j) {
    for (int i = 0; i < IDEM_SOURCE_CODES; i++) {
        char *path = idem_path_join(j->output, names[i]);
        int status = path ? idem_npy_rows_open(&j->codes[i], path, j->faces.dim[i]) : -1;
        free(path);
        if (status)
            return -1;
        make_private(&j->codes[i].out);
    }
    char *path = idem_path_join(j->output, "list.json");
    int status = path ? idem_writer_open(&j->list, path) : -1;
    free(path);
    if (status)
        return -1;
    make_private(&j->list);
    const idem_model_info *m = idem_model_about(j->model);
    fprintf(j->list.stream, "{\"kind\": \"biometric data\",\n\"generator\": \"%s\", \"mapper\": \"%s\",\n", m->hash,
            m->mapper ? m->mapper : "");
    for (int i = 0; i < IDEM_SOURCE_CODES; i++)
        fprintf(j->list.stream, "\"%s\": {\"file\": \"%s\", \"numbers\": %zu},\n", i ? "attributes" : "identity",
                names[i], j->faces.dim[i]);
    fprintf(j->list.stream, "\"rows\": [");
    return 0;
}

/* A row of the codes: the photograph, which of its faces, and how much of its frame is outside. */
static int list_row(job *j, const char *path, int face, const idem_place *place) {
    json_t *o = json_pack("{s:o, s:i}", "file", idem_json_name(path), "face", face + 1);
    if (!o)
        return idem_fail_as(IDEM_MEMORY, "%s: out of memory for the list", path);
    fprintf(j->list.stream, "%s\n", j->rows++ ? "," : "");
    json_object_set_new(o, "outside", json_real(place->cut_out ? idem_align_outside(&place->frame) : 0));
    json_dumpf(o, j->list.stream, JSON_REAL_PRECISION(4));
    json_decref(o);
    return 0;
}

static int write_block(job *j) {
    int chosen = j->faces.which == IDEM_FACE_ALL ? 0 : j->faces.which;
    for (int i = 0; i < j->faces.n; i++)
        for (int face = 0; face < j->faces.at[i].n; face++)
            if (list_row(j, j->faces.at[i].path, chosen + face, &j->faces.places[j->faces.at[i].first + face]))
                return -1;
    for (int i = 0; i < IDEM_SOURCE_CODES; i++)
        idem_npy_rows_add(&j->codes[i], j->faces.codes[i], (size_t)j->faces.faces);
    return 0;
}

static int commit_outputs(job *j) {
    if (!j->rows)
        return idem_fail("none of %d files gave a face; nothing is written", j->files);
    fprintf(j->list.stream, j->ended ? "]}\n" : "],\n\"ended_early\": true}\n");
    return idem_npy_rows_commit(&j->codes[0]) || idem_npy_rows_commit(&j->codes[1]) || idem_writer_commit(&j->list) ? -1
                                                                                                                    : 0;
}

/* After a failure: what is done stays, and is said. */
static int keep_outputs(job *j) {
    if (!j->rows || commit_outputs(j))
        return -1;
    return idem_fail_more("%s; the codes of %d face%s are in %s", idem_error(), j->rows, j->rows == 1 ? "" : "s",
                          j->output);
}

static void abort_outputs(job *j) {
    for (int i = 0; i < IDEM_SOURCE_CODES; i++)
        idem_writer_abort(&j->codes[i].out);
    idem_writer_abort(&j->list);
}

/* ---- command ---- */

/* A batch of files at a time: nothing of them stays in memory. */
static int encode_all(job *j, const char *const *paths, idem_ahead *ahead) {
    idem_progress_start("encoding", "pictures", (uint64_t)j->files, 0, j->shared.quiet || j->files == 1);
    for (int first = 0; first < j->files; first += j->batch) {
        idem_sources_clear(&j->faces);
        for (int i = first; i < j->files && i < first + j->batch; i++)
            if (idem_sources_read(&j->faces, ahead, paths[i], NULL, j->files == 1))
                return -1;
        if (idem_sources_encode(&j->faces) || write_block(j))
            return -1;
        idem_progress_update((uint64_t)(first + j->faces.n), "%d faces", j->rows);
    }
    idem_progress_finish();
    return 0;
}

static int run(job *j, const char *const *paths) {
    static const idem_pipe_kind kinds[IDEM_SOURCE_CODES] = {IDEM_PIPE_IDENTITY, IDEM_PIPE_ATTRIBUTES};
    idem_plan_options options = {.threads = j->shared.threads, .stop = &idem_cli_stop};
    j->choice.options = options;
    j->choice.quiet = j->shared.quiet;
    if (!(j->model = idem_asset_model(&j->networks)))
        return -1;
    int batch = j->files < j->batch ? j->files : j->batch;
    if (idem_sources_open(&j->faces, j->model, &j->choice, kinds, IDEM_SOURCE_CODES, batch, &options) ||
        idem_dir_make(j->output) || open_outputs(j))
        return -1;
    j->faces.which = idem_choice_which(&j->choice);
    idem_ahead *ahead = idem_choice_ahead(&j->choice, paths, (size_t)j->files);
    int status = ahead ? encode_all(j, paths, ahead) : -1;
    idem_ahead_free(ahead);
    j->ended = !status;
    if (status)
        idem_progress_clear();
    return status ? keep_outputs(j) : commit_outputs(j);
}

static int report(const job *j) {
    if (j->shared.json)
        printf("{\n  \"rows\": %d,\n  \"identity\": %zu,\n  \"attributes\": %zu,\n  \"unreadable\": %d,\n  "
               "\"other_files\": %zu%s\n}\n",
               j->rows, j->faces.dim[0], j->faces.dim[1], j->faces.bad, idem_left_out_files(),
               j->ended ? "" : ",\n  \"ended_early\": true");
    else if (!j->shared.quiet && j->ended)
        idem_cli_print("codes of %d face%s in %s: biometric data, keep them like a password", j->rows,
                       j->rows == 1 ? "" : "s", j->output);
    if (!j->ended)
        return -1;
    idem_left_out_say(j->shared.quiet);
    return j->faces.bad ? idem_fail("%d of %d files gave no face; the codes of the others are in %s", j->faces.bad,
                                    j->files, j->output)
                        : 0;
}

int idem_cmd_encode(int argc, char **argv) {
    job j = {.batch = 8, .choice = IDEM_CHOICE_DEFAULT, .shared = IDEM_SHARED_DEFAULTS};
    const idem_option options[] = {
        {IDEM_OPT_TEXT, "output", 'o', "DIR", &j.output, .required = true,
         .help = "folder for identity.npy, attributes.npy (a row a face) and list.json (whose face each row is)"},
        IDEM_CHOICE_ROWS(j.choice, "which face of a photograph: largest, a number from 1 in the order of size, or all"),
        IDEM_MODEL_ROWS(j.networks),
        {IDEM_OPT_INT, "batch", 0, "N", &j.batch, .min = 1, .max = 256,
         .help = "pictures at once; another number rounds otherwise, in the last bits of a code"},
        {0}};
    idem_command_line line = {
        .args = "FILE|DIR...",
        .about =
            "Writes the codes of faces as NumPy arrays of 32-bit floats: who it is (a unit vector, by the recogniser) "
            "and everything else (by the mapper's encoder). Codes are biometric data: whoever has an identity code can "
            "find the person again in other pictures, and like a fingerprint it cannot be changed once it is out. "
            "Handle them like passwords: write them only with a reason and the person's consent (in the EU they are a "
            "special category under article 9 of the GDPR), keep them no longer than needed, share them with nobody. "
            "The files are made readable for their owner alone. No other command writes codes of faces.",
        .examples = "  idem encode samples/identities/1.png -o codes/\n"
                    "  idem encode people/ -o codes/ --face all --json\n",
        .options = options,
        .min_args = 1,
        .max_args = -1,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS};
    char **args;
    int given = idem_parse(&line, argc, argv, &j.shared, &args);
    if (idem_choice_check(&j.choice, true) || idem_output_folder(j.output))
        return 2;
    size_t n = 0;
    char **paths = idem_photo_list(args, given, &n);
    j.files = (int)n;
    int status = paths ? run(&j, (const char *const *)paths) : -1;
    if (!status || j.rows)
        status = report(&j) || status ? -1 : 0;
    abort_outputs(&j);
    idem_sources_free(&j.faces);
    idem_choice_free(&j.choice);
    idem_model_free(j.model);
    idem_names_free(paths, n);
    return status ? idem_cli_failed() : 0;
}
