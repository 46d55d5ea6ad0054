/* idem encode: writes the codes of faces for other programs. No other command writes them. */
#define _GNU_SOURCE
#include <jansson.h>
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
#include "cli/sources.h"

enum { CODES = 2 }; /* of identity, of attributes */

typedef struct {
    idem_model_files networks;
    const char *output;
    int batch;
    idem_choice choice;
    idem_shared shared;
    idem_context *context;
    idem_info model;
    idem_sources faces;
    idem_table *tables[CODES];
    idem_new_file *list;
    idem_file_list *given; /* what is to be encoded */
    int files, rows;
    int made;   /* the folder of the output */
    bool ended; /* all files were looked at */
} job;

static const char *const names[CODES] = {"identity.npy", "attributes.npy"};

/* ---- what is written ---- */

static int numbers_of(const job *j, int i) {
    return i ? j->model.attribute_dim : j->model.identity_dim;
}

static int open_outputs(job *j) {
    for (int i = 0; i < CODES; i++) {
        char *path = idem_path_in(j->output, names[i]);
        j->tables[i] = path ? idem_open_table(path, numbers_of(j, i), 1) : NULL;
        free(path);
        if (!j->tables[i])
            return -1;
    }
    char *path = idem_path_in(j->output, "list.json");
    j->list = path ? idem_file_create(path, 1) : NULL;
    free(path);
    if (!j->list)
        return -1;
    FILE *to = idem_file_stream(j->list);
    fprintf(to, "{\"kind\": \"biometric data\",\n\"generator\": \"%s\", \"mapper\": \"%s\",\n", j->model.generator,
            j->model.mapper);
    for (int i = 0; i < CODES; i++)
        fprintf(to, "\"%s\": {\"file\": \"%s\", \"numbers\": %d},\n", i ? "attributes" : "identity", names[i],
                numbers_of(j, i));
    fprintf(to, "\"rows\": [");
    return 0;
}

/* A row of the codes: the photograph, which of its faces, and how much of its frame is outside. */
static int list_row(job *j, const char *path, int face, double outside) {
    json_t *o = json_pack("{s:o, s:i}", "file", idem_json_name(path), "face", face + 1);
    if (!o)
        return idem_cli_fail_as(IDEM_ERROR_MEMORY, "%s: out of memory for the list", path);
    FILE *to = idem_file_stream(j->list);
    fprintf(to, "%s\n", j->rows++ ? "," : "");
    json_object_set_new(o, "outside", json_real(outside));
    json_dumpf(o, to, JSON_REAL_PRECISION(4));
    json_decref(o);
    return 0;
}

static int write_block(job *j) {
    int chosen = j->faces.which == IDEM_ALL_FACES ? 0 : j->faces.which;
    for (int i = 0; i < j->faces.n; i++)
        for (int face = 0; face < j->faces.at[i].n; face++)
            if (list_row(j, j->faces.at[i].path, chosen + face, j->faces.outside[j->faces.at[i].first + face]))
                return -1;
    const int n = idem_count_faces(j->faces.faces);
    for (int i = 0; i < CODES && n; i++) {
        const float *codes = idem_face_codes(j->faces.faces, i ? IDEM_CODE_OF_ATTRIBUTES : IDEM_CODE_OF_IDENTITY);
        if (!codes || idem_add_rows(j->tables[i], codes, n))
            return -1;
    }
    return 0;
}

static int commit_outputs(job *j) {
    if (!j->rows)
        return idem_cli_fail("none of %d files gave a face; nothing is written", j->files);
    fprintf(idem_file_stream(j->list), j->ended ? "]}\n" : "],\n\"ended_early\": true}\n");
    for (int i = 0; i < CODES; i++) {
        idem_table *table = j->tables[i];
        j->tables[i] = NULL;
        if (idem_finish_table(table))
            return -1;
    }
    idem_new_file *list = j->list;
    j->list = NULL;
    return idem_file_finish(list);
}

/* After a failure: finished rows are kept and reported. */
static int keep_outputs(job *j) {
    if (!j->rows || commit_outputs(j))
        return -1;
    return idem_cli_fail_more("%s; the codes of %d face%s are in %s", idem_last_error(), j->rows,
                              j->rows == 1 ? "" : "s", j->output);
}

static void abort_outputs(job *j) {
    for (int i = 0; i < CODES; i++)
        idem_abandon_table(j->tables[i]);
    idem_file_abandon(j->list);
}

/* ---- command ---- */

/* One batch of files at a time is in memory. */
static int encode_all(job *j, const char *const *paths, idem_reader *reader) {
    idem_progress_start("encoding", "pictures", (uint64_t)j->files, 0, j->shared.quiet || j->files == 1);
    for (int first = 0; first < j->files; first += j->batch) {
        idem_sources_clear(&j->faces);
        for (int i = first; i < j->files && i < first + j->batch; i++)
            if (idem_sources_read(&j->faces, reader, paths[i], NULL, j->files == 1))
                return -1;
        if (idem_encode_faces(j->faces.faces) || write_block(j))
            return -1;
        idem_progress_update((uint64_t)(first + j->faces.n), "%d faces", j->rows);
    }
    idem_progress_finish();
    return 0;
}

static int open_all(job *j) {
    j->model.struct_size = sizeof j->model;
    /* Poses are used only in notes. */
    if (!(j->context = idem_cli_open(&j->networks, &j->shared, !j->shared.quiet)) ||
        idem_get_info(j->context, &j->model) || idem_set_batch(j->context, j->files < j->batch ? j->files : j->batch) ||
        idem_sources_open(&j->faces, j->context, &j->choice, IDEM_CODE_OF_IDENTITY | IDEM_CODE_OF_ATTRIBUTES, false))
        return -1;
    j->faces.which = idem_choice_which(&j->choice);
    return idem_folder_make(j->output, &j->made) || open_outputs(j) ? -1 : 0;
}

static int run(job *j, const char *const *paths) {
    if (open_all(j))
        return -1;
    idem_reader *reader = idem_choice_reader(j->context, &j->choice, paths, j->files, j->model.size);
    int status = reader ? encode_all(j, paths, reader) : -1;
    idem_close_reader(reader);
    j->ended = !status;
    if (status)
        idem_progress_clear();
    return status ? keep_outputs(j) : commit_outputs(j);
}

static int report(const job *j) {
    if (j->shared.json)
        printf("{\n  \"rows\": %d,\n  \"identity\": %d,\n  \"attributes\": %d,\n  \"unreadable\": %d,\n  "
               "\"other_files\": %zu%s\n}\n",
               j->rows, j->model.identity_dim, j->model.attribute_dim, j->faces.bad,
               idem_files_passed_over(j->given, NULL, 0), j->ended ? "" : ",\n  \"ended_early\": true");
    else if (!j->shared.quiet && j->ended)
        idem_cli_print("codes of %d face%s in %s: biometric data, keep them like a password", j->rows,
                       j->rows == 1 ? "" : "s", j->output);
    if (!j->ended)
        return -1;
    idem_files_say_others(j->given, j->shared.quiet);
    return j->faces.bad ? idem_cli_fail("%d of %d files gave no face; the codes of the others are in %s", j->faces.bad,
                                        j->files, j->output)
                        : 0;
}

int idem_cmd_encode(int argc, char **argv) {
    job j = {.batch = 8, .choice = IDEM_CHOICE_DEFAULT, .shared = IDEM_SHARED_DEFAULTS};
    const idem_option options[] = {
        {IDEM_OPT_TEXT, "output", 'o', "DIR", &j.output, .required = true,
         .help = "folder for identity.npy, attributes.npy (one row per face) and list.json (the photograph and face of "
                 "each row)"},
        IDEM_CHOICE_ROWS(j.choice, "which face of a photograph: largest, a number from 1 in the order of size, or all"),
        IDEM_MODEL_ROWS(j.networks),
        {IDEM_OPT_INT, "batch", 0, "N", &j.batch, .min = 1, .max = 256,
         .help = "pictures per batch; another batch size rounds the last bits of a code differently"},
        {0}};
    idem_command_line line = {
        .args = "FILE|DIR...",
        .about =
            "Writes the codes of faces as NumPy arrays of 32-bit floats: the identity (a unit vector, by the "
            "recogniser) and everything else (by the mapper's encoder). Codes are biometric data: whoever has an "
            "identity code can find the person again in other pictures, and like a fingerprint it cannot be changed "
            "once it is out. Handle them like passwords: write them only with a reason and the person's consent (in "
            "the EU they are a special category under article 9 of the GDPR), keep them no longer than needed, share "
            "them with nobody. Only their owner can read the files. No other command gives codes of faces away: what "
            "others keep of them is in docs/formats.md.",
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
    j.given = idem_new_file_list();
    int status = j.given ? idem_photo_list(j.given, args, given) : -1;
    j.files = idem_count_files(j.given);
    if (!status)
        status = run(&j, idem_file_paths(j.given));
    if (!status || j.rows)
        status = report(&j) || status ? -1 : 0;
    abort_outputs(&j);
    if (j.made)
        rmdir(j.output); /* fails if anything is in it */
    idem_sources_free(&j.faces);
    idem_cli_close(j.context);
    idem_free_file_list(j.given);
    return status ? idem_cli_failed() : 0;
}
