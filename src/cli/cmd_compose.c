/* idem compose: the identity of one face, everything else of another. */
#define _GNU_SOURCE
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/clock.h"
#include "cli/command.h"
#include "cli/compose_job.h"
#include "cli/failure.h"
#include "cli/json.h"
#include "cli/overwrite.h"
#include "cli/progress.h"

/* ---- command ---- */

static int look_at_inputs(const idem_compose_settings *s, const idem_files *files) {
    return s->folder ? idem_overwrite_folder(s->output, files->paths, (size_t)files->n,
                                             s->pairs ? "*.png" : "@(*--*|grid).png")
                     : idem_overwrite_file(s->output, files->given);
}

static int print_json(const idem_compose_job *j, double seconds) {
    json_t *report = json_pack("{s:i, s:i, s:i, s:i, s:i, s:o, s:b, s:f}", "pictures", j->written, "faces", j->faces,
                               "unreadable", j->id.bad + j->attr.bad, "without_partner", j->without_partner,
                               "not_written", j->failed + j->made.too_long, "output", idem_json_name(j->s->output),
                               "grid", j->grid.at && j->ended, "seconds", seconds);
    json_object_set_new(report, "other_files", json_integer((json_int_t)idem_files_passed_over(j->list, NULL, 0)));
    json_object_set_new(report, "outside_most", json_real(fmax(j->id.outside_most, j->attr.outside_most)));
    if (!j->ended)
        json_object_set_new(report, "ended_early", json_true());
    return idem_json_print(report, 17);
}

/* After a failure: finished results are kept and counted in the message. */
static int say_what_is_done(const idem_compose_job *j) {
    if (!j->s->folder || !j->written)
        return -1;
    return idem_cli_fail_more("%s; %d of %d picture%s are done, in %s", idem_last_error(), j->written,
                              j->s->pairs ? j->id_files.n : j->made.n, j->made.n == 1 ? "" : "s", j->s->output);
}

/* Of rank 0; *broke: this is not the end of all. */
static int run_and_report(idem_compose_job *j, bool *broke) {
    double start = idem_cli_seconds();
    int status = idem_compose_job_run(j) ? say_what_is_done(j) : 0;
    const bool report = j->shared->json && !j->shares.rank && (!status || j->written);
    *broke = (report && print_json(j, idem_cli_seconds() - start)) || status;
    if (*broke || j->shares.rank)
        return *broke ? -1 : 0;
    idem_files_say_others(j->list, j->shared->quiet);
    int unreadable = j->id.bad + j->attr.bad;
    const char *plural = j->written == 1 ? "" : "s";
    if (unreadable)
        return idem_cli_fail("%d of the files given could not be read; %d picture%s of the others are done", unreadable,
                             j->written, plural);
    if (j->failed + j->made.too_long)
        return idem_cli_fail("%d of the pictures could not be written; the other %d are done",
                             j->failed + j->made.too_long, j->written);
    if (j->without_partner)
        return idem_cli_fail("%d of the files given have no partner; %d pair%s are done", j->without_partner,
                             j->written, plural);
    return 0;
}

static bool is_file(const char *path) {
    return idem_file_exists(path) && !idem_folder_exists(path);
}

/* Whether results go into a folder; 2 with an explanation for wrong usage. */
static int look_at_paths(idem_compose_settings *s) {
    size_t n = strlen(s->output);
    if (idem_choice_which(&s->choice) == IDEM_ALL_FACES && (!s->keep_size || !strcmp(s->choice.input, "aligned")))
        return idem_cli_usage(s->keep_size ? "--face all looks for faces, which --input aligned excludes"
                                           : "--face all pastes every face into its photograph: it needs --keep-size");
    if (s->pairs && (is_file(s->identity) || is_file(s->attributes)))
        return idem_cli_usage("--pairs needs two folders; %s is a file",
                              is_file(s->identity) ? s->identity : s->attributes);
    s->folder = s->pairs || idem_folder_exists(s->identity) || idem_folder_exists(s->attributes) ||
                idem_folder_exists(s->output) || (n && s->output[n - 1] == '/');
    if (!s->folder && (n < 5 || strcasecmp(s->output + n - 4, ".png")))
        return idem_cli_usage("%s: pictures are written as PNG; give a name that ends in .png, or a folder", s->output);
    return s->folder ? 0 : idem_output_name(s->output);
}

static int open_model(idem_compose_job *j) {
    j->model.struct_size = sizeof j->model;
    /* Poses are used only in notes. */
    j->context = idem_cli_open(&j->s->files, j->shared, !j->shared->quiet);
    return j->context ? idem_get_info(j->context, &j->model) : -1;
}

static int join(idem_compose_job *j, int argc, char **argv) {
    if (idem_shares_join(&j->shares, argc, argv, idem_file_names(j->list), (size_t)idem_count_files(j->list)))
        return -1;
    j->quiet = j->shared->quiet || !j->s->folder || j->shares.rank;
    return 0;
}

int idem_cmd_compose(int argc, char **argv) {
    idem_compose_settings s = {
        .files.refines = true, .batch = 8, .refine = IDEM_REFINE_BY_DEFAULT, .choice = IDEM_CHOICE_DEFAULT};
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    const idem_option options[] = {
        {IDEM_OPT_TEXT, "identity", 'i', "FILE|DIR", &s.identity, .required = true,
         .help = "who: a picture or a folder"},
        {IDEM_OPT_TEXT, "attributes", 'a', "FILE|DIR", &s.attributes, .required = true,
         .help = "pose, expression, hair, light, background: a picture or a folder"},
        {IDEM_OPT_TEXT, "output", 'o', "FILE|DIR", &s.output, .required = true,
         .help = "PNG for one pair, else a folder: one file per combination and grid.png (1, 2, ... and A, B, ... in "
                 "the order of the names)"},
        {IDEM_OPT_FLAG, "pairs", 'p', NULL, &s.pairs,
         .help = "two folders: pair files of the same name instead of all combinations"},
        {IDEM_OPT_FLAG, "no-grid", 0, NULL, &s.no_grid, .help = "do not draw grid.png"},
        IDEM_CHOICE_ROWS(s.choice,
                         "which face of the attribute photograph: largest, a number from 1 in the order of size, "
                         "or all (with --keep-size); the identity is the largest of its photograph"),
        {IDEM_OPT_FLAG, "keep-size", 'k', NULL, &s.keep_size,
         .help = "paste the face, or with --face all every face, into the attribute photograph, at its full size and "
                 "with its transparency"},
        IDEM_REFINE_ROW(s.refine),
        IDEM_MODEL_ROWS(s.files),
        {IDEM_OPT_INT, "batch", 0, "N", &s.batch, .min = 1, .max = 256,
         .help = "pictures per batch; another batch size rounds differently: a byte in ten thousand may be one higher "
                 "or lower"},
        {0}};
    idem_command_line line = {
        .about = "Makes pictures with the identity of one face and everything else of another. In photographs the face "
                 "is found and cut out; pictures in the generator's frame are taken whole. Files that are unreadable, "
                 "show no face or have no partner are listed; the others are processed, and the exit code is 1. "
                 "Without a mapper for its generator (-m '') refinement starts at the mean face, with 100 steps by "
                 "default, and keeps less of the identity.",
        .examples = "  idem compose -i samples/identities/1.png -a samples/attributes/a.png -o out.png\n"
                    "  idem compose -i people/ -a poses/ -o combined/\n"
                    "  idem compose -i person.jpg -a holiday.jpg --keep-size -o new.png\n"
                    "  idem compose -i person.jpg -a group.jpg --keep-size --face all -o everybody.png\n"
                    "  idem compose -g stylegan2-256.pt -m '' --refine 100 -i who.jpg -a how.jpg -o out.png\n"
                    "  idem compose --pairs -i left/ -a right/ -o paired/\n",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS};
    idem_parse(&line, argc, argv, &shared, NULL);
    int usage = idem_choice_check(&s.choice, true) ? 2 : look_at_paths(&s);
    if (usage)
        return usage;
    idem_compose_job j = {.s = &s, .shared = &shared, .shares = IDEM_SHARES_ALONE, .list = idem_new_file_list()};
    j.id_files.given = s.identity;
    j.attr_files.given = s.attributes;
    int status = j.list ? idem_files_list(j.list, &j.id_files, &j.attr_files) : -1;
    if (!status && s.folder && j.id_files.n && j.attr_files.n)
        usage = idem_output_folder(s.output);
    if (!status && !usage)
        usage = look_at_inputs(&s, &j.id_files) || look_at_inputs(&s, &j.attr_files) ? 2 : 0;
    if (usage || status) {
        idem_compose_job_free(&j);
        return usage ? usage : idem_cli_failed();
    }
    bool broke = true;
    status = join(&j, argc, argv) || open_model(&j) ? -1 : run_and_report(&j, &broke);
    const int code = status ? idem_cli_failed() : 0;
    idem_compose_job_free(&j);
    return idem_shares_leave(&j.shares, code, broke);
}
