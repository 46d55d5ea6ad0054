/* idem compose: the identity of one face, everything else of another. */
#define _GNU_SOURCE
#include <jansson.h>
#include <math.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/combinations.h"
#include "cli/command.h"
#include "cli/failure.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/library.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"
#include "cli/sources.h"

enum { GRID_MAX = 40 }; /* its side in pictures */

typedef struct {
    idem_model_files files;
    const char *identity, *attributes, *output;
    bool pairs, no_grid, folder, keep_size;
    int batch, refine;
    idem_choice choice;
} settings;

/* A face of a picture to make. */
typedef struct {
    idem_combination *to;
    int face; /* of the attribute picture */
} task;

typedef struct {
    settings *s;
    const idem_shared *shared;
    idem_context *context;
    idem_info model;
    idem_file_list *list;
    idem_files id_files, attr_files;
    const char **order; /* paths in the order of reading, borrowed */
    idem_reader *reader;
    idem_sources id, attr;
    int without_partner, incomplete, faces, failed;
    idem_combinations made;
    int written;
    bool ended;  /* all were read */
    task *tasks; /* this and the next two: [batch] */
    idem_pairing *pairs;
    uint8_t *rgb;    /* [batch, S, S, 3] */
    idem_view *grid; /* [cells]: id.n * attr.n, each owned; NULL: no grid */
    int cells;
} job;

static int smaller(int a, int b) {
    return a < b ? a : b;
}

static size_t picture_bytes(const job *j) {
    return (size_t)j->model.size * (size_t)j->model.size * 3;
}

/* ---- making it ---- */

static int open_side(job *j, idem_sources *side, int code, int pictures) {
    if (idem_set_batch(j->context, smaller(pictures, j->s->batch)) ||
        idem_sources_open(side, j->context, &j->s->choice, code, j->s->refine != 0))
        return -1;
    if (code == IDEM_CODE_OF_ATTRIBUTES) {
        side->which = idem_choice_which(&j->s->choice);
        side->places = j->s->keep_size;
    }
    return 0;
}

/* Buffers of a batch of faces. */
static int open_batch(job *j, int pictures) {
    int batch = smaller(pictures, j->s->batch);
    j->tasks = idem_cli_table((size_t)batch, sizeof *j->tasks);
    j->pairs = idem_cli_table((size_t)batch, sizeof *j->pairs);
    j->rgb = idem_cli_table((size_t)batch, picture_bytes(j));
    return j->tasks && j->pairs && j->rgb ? idem_set_batch(j->context, batch) : -1;
}

/* A result failed: continue with the others, unless none can be made. */
static int pass_over(job *j, idem_combination *c) {
    idem_photograph *photograph = j->attr.at[c->attr].photograph;
    if (!j->s->folder || idem_error_kind() != IDEM_ERROR_INPUT)
        return -1;
    idem_cli_say("idem: passed over: %s", idem_last_error());
    if (photograph)
        idem_drop_pixels(photograph);
    c->failed = true;
    j->failed++;
    return 0;
}

/* The picture of a face; with --keep-size the attribute photograph with all its faces pasted. */
static int save(job *j, const task *t, const uint8_t *rgb) {
    const idem_source *attr = &j->attr.at[t->to->attr];
    idem_photograph *photograph = attr->photograph;
    idem_photograph_info info = {.struct_size = sizeof info};
    const idem_writing writing = idem_cli_writing(IDEM_ORIGIN_GENERATED);
    if (photograph && idem_get_photograph_info(photograph, &info))
        return -1;
    if (!photograph || info.whole)
        return idem_write_view(j->context, t->to->path, &(idem_view){rgb, j->model.size, j->model.size}, &writing);
    int status = idem_paste_face(j->context, photograph, info.first + t->face, rgb);
    if (!status && t->face == attr->n - 1)
        status = idem_write_photograph_as(j->context, t->to->path, photograph, &writing);
    if (status || t->face == attr->n - 1)
        idem_drop_pixels(photograph);
    return status;
}

/* The grid shows the first face of a picture. */
static int show(job *j, const task *t, const uint8_t *rgb) {
    if (!j->grid || t->face)
        return 0;
    return idem_sources_thumb(&j->grid[t->to->id * j->attr.n + t->to->attr], rgb, j->model.size, IDEM_GRID_PIXELS);
}

/* The first `count` tasks. */
static int run_tasks(job *j, int count) {
    for (int i = 0; i < count; i++) {
        const task *t = &j->tasks[i];
        j->pairs[i] = (idem_pairing){j->id.at[t->to->id].first, j->attr.at[t->to->attr].first + t->face};
    }
    if (idem_compose_faces(j->id.faces, j->attr.faces, j->pairs, count, j->s->refine, NULL, j->rgb))
        return -1;
    for (int i = 0; i < count; i++) {
        const task *t = &j->tasks[i];
        const uint8_t *rgb = j->rgb + (size_t)i * picture_bytes(j);
        if (t->to->failed)
            continue;
        int status = save(j, t, rgb) || show(j, t, rgb) ? -1 : 0;
        if (status && pass_over(j, t->to))
            return -1;
        j->faces += !status;
        j->written += !status && t->face == j->attr.at[t->to->attr].n - 1;
        idem_progress_update((uint64_t)(j->written + j->incomplete + j->failed), NULL);
    }
    return 0;
}

/* The list, a batch of faces at a time. */
static int compose(job *j, int batch) {
    int count = 0;
    for (int i = 0; i < j->made.n; i++)
        for (int face = 0; face < j->attr.at[j->made.at[i].attr].n; face++) {
            j->tasks[count++] = (task){&j->made.at[i], face};
            if (count == batch && run_tasks(j, count))
                return -1;
            count %= batch;
        }
    return count ? run_tasks(j, count) : 0;
}

static int open_reader(job *j, size_t n) {
    if (n > INT_MAX)
        return idem_cli_fail("%zu are too many pictures", n);
    j->reader = n ? idem_choice_reader(j->context, &j->s->choice, j->order, (int)n, j->model.size) : NULL;
    return j->reader || !n ? 0 : -1;
}

/* ---- all combinations ---- */

/* One network after the other: their weights in the kernels' layout take most of the memory. */
static int read_side(job *j, idem_sources *side, int code, const idem_files *files, bool grid, const char *doing) {
    if (idem_files_check(files, files->n) || open_side(j, side, code, files->n))
        return -1;
    side->thumbs = grid ? IDEM_GRID_PIXELS : 0;
    idem_progress_start(doing, "pictures", (uint64_t)files->n, 0, j->shared->quiet || !j->s->folder);
    int status = 0;
    for (int i = 0; i < files->n && !status; i++) {
        status = idem_sources_read(side, j->reader, files->paths[i], files->names[i], !files->folder);
        if (!status && (idem_waiting_faces(side->faces) >= j->s->batch || i == files->n - 1))
            status = idem_encode_faces(side->faces);
        idem_progress_update((uint64_t)i + 1, NULL);
    }
    idem_progress_clear();
    idem_sources_keep_good(side);
    if (!status)
        status = idem_free_networks(j->context, IDEM_FREE_PAINTING);
    if (!status)
        status = idem_files_check(files, side->n);
    return status;
}

static int list_all(job *j) {
    if (idem_combinations_clear(&j->made, (size_t)j->id.n * (size_t)j->attr.n))
        return -1;
    for (int i = 0; i < j->id.n; i++)
        for (int k = 0; k < j->attr.n; k++)
            if (idem_combinations_add(&j->made, i, k, j->id.at[i].name, j->attr.at[k].name))
                return -1;
    return idem_combinations_differ(&j->made);
}

static int save_grid(job *j, const char *path) {
    const idem_writing writing = idem_cli_writing(IDEM_ORIGIN_COMPOSITE);
    idem_view *down = idem_cli_table((size_t)j->id.n, sizeof *down),
              *along = idem_cli_table((size_t)j->attr.n, sizeof *along);
    for (int i = 0; i < j->id.n && down; i++)
        down[i] = j->id.at[i].thumb;
    for (int i = 0; i < j->attr.n && along; i++)
        along[i] = j->attr.at[i].thumb;
    int status =
        down && along ? idem_write_grid(j->context, path, down, j->id.n, along, j->attr.n, j->grid, &writing) : -1;
    free(down);
    free(along);
    return status;
}

static int run_combinations(job *j) {
    int n = j->id_files.n, k = j->attr_files.n;
    bool grid = j->s->folder && !j->s->no_grid;
    if (grid && (n > GRID_MAX || k > GRID_MAX)) {
        if (!j->shared->quiet)
            idem_cli_say("idem: no grid.png: it holds %d identities and %d attributes at most", GRID_MAX, GRID_MAX);
        grid = false;
    }
    if (!(j->order = idem_cli_table((size_t)n + (size_t)k, sizeof *j->order)))
        return -1;
    memcpy(j->order, j->id_files.paths, (size_t)n * sizeof *j->order);
    memcpy(j->order + n, j->attr_files.paths, (size_t)k * sizeof *j->order);
    int pictures = n && k > INT_MAX / n ? INT_MAX : n * k;
    for (int i = 0; i < n; i++)
        for (int l = 0; l < k; l++)
            if (idem_combinations_check(&j->made, j->id_files.names[i], j->attr_files.names[l]))
                return -1;
    if (open_reader(j, (size_t)n + (size_t)k) ||
        read_side(j, &j->id, IDEM_CODE_OF_IDENTITY, &j->id_files, grid, "encoding identities") ||
        read_side(j, &j->attr, IDEM_CODE_OF_ATTRIBUTES, &j->attr_files, grid, "encoding attributes"))
        return -1;
    if (idem_free_networks(j->context, IDEM_FREE_FINDER) || open_batch(j, pictures) || list_all(j) ||
        (j->s->folder && idem_dir_make(j->s->output)) ||
        (grid && !(j->grid = idem_cli_table((size_t)(j->cells = j->id.n * j->attr.n), sizeof *j->grid))))
        return -1;
    idem_progress_start("composing", "pictures", (uint64_t)j->made.n, 0, j->shared->quiet || !j->s->folder);
    if (compose(j, smaller(pictures, j->s->batch)))
        return -1;
    idem_progress_finish();
    char *path = grid ? idem_path_join(j->s->output, "grid.png") : NULL;
    int status = grid && (!path || save_grid(j, path)) ? -1 : 0;
    free(path);
    return status;
}

/* ---- pairs ---- */

/* Partners of the identities' files in both lists, [n]; reports files without one. */
static int match(job *j, int *partner) {
    int n = 0;
    for (int i = 0; i < j->id_files.n; i++) {
        partner[i] = idem_files_find(&j->attr_files, j->id_files.names[i]);
        n += partner[i] >= 0;
        if (partner[i] < 0)
            idem_cli_say("idem: passed over: %s has no partner in %s", j->id_files.names[i], j->s->attributes);
    }
    for (int i = 0; i < j->attr_files.n; i++)
        if (idem_files_find(&j->id_files, j->attr_files.names[i]) < 0)
            idem_cli_say("idem: passed over: %s has no partner in %s", j->attr_files.names[i], j->s->identity);
    j->without_partner = j->id_files.n + j->attr_files.n - 2 * n;
    return n ? n
             : idem_cli_fail(
                   "%s and %s have no file names in common; --pairs needs the same name for both files of a pair",
                   j->s->identity, j->s->attributes);
}

/* Reads and makes pairs first .. first + count - 1, then frees them. */
static int run_block(job *j, const int (*pairs)[2], int first, int count, int batch) {
    idem_sources_clear(&j->id);
    idem_sources_clear(&j->attr);
    if (idem_combinations_clear(&j->made, (size_t)count))
        return -1;
    for (int side = 0; side < 2; side++) {
        idem_sources *to = side ? &j->attr : &j->id;
        const idem_files *files = side ? &j->attr_files : &j->id_files;
        for (int i = first; i < first + count; i++)
            if (idem_sources_read(to, j->reader, files->paths[pairs[i][side]], files->names[pairs[i][side]], false))
                return -1;
        if (idem_encode_faces(to->faces))
            return -1;
    }
    for (int i = 0; i < count; i++) {
        if (!j->id.at[i].n || !j->attr.at[i].n || !idem_combinations_fit(&j->made, j->id.at[i].name, NULL))
            j->incomplete++;
        else if (idem_combinations_add(&j->made, i, i, j->id.at[i].name, NULL))
            return -1;
    }
    return compose(j, batch);
}

static int run_matched(job *j, int (*pairs)[2], int n) {
    int batch = smaller(n, j->s->batch), read = 0;
    if (!(j->order = idem_cli_table(2 * (size_t)n, sizeof *j->order)))
        return -1;
    for (int first = 0; first < n; first += batch)
        for (int side = 0; side < 2; side++)
            for (int i = first; i < smaller(first + batch, n); i++)
                j->order[read++] = side ? j->attr_files.paths[pairs[i][1]] : j->id_files.paths[pairs[i][0]];
    if (open_reader(j, 2 * (size_t)n) || open_side(j, &j->id, IDEM_CODE_OF_IDENTITY, n) ||
        open_side(j, &j->attr, IDEM_CODE_OF_ATTRIBUTES, n) || open_batch(j, n) || idem_dir_make(j->s->output))
        return -1;
    idem_progress_start("composing", "pairs", (uint64_t)n, 0, j->shared->quiet || !j->s->folder);
    for (int first = 0; first < n; first += batch)
        if (run_block(j, (const int(*)[2])pairs, first, smaller(batch, n - first), batch))
            return -1;
    idem_progress_finish();
    return 0;
}

static int run_pairs(job *j) {
    int *partner = idem_cli_table((size_t)j->id_files.n, sizeof *partner), count = partner ? match(j, partner) : -1,
        n = 0;
    int(*pairs)[2] = count > 0 ? idem_cli_table((size_t)count, sizeof *pairs) : NULL;
    for (int i = 0; i < j->id_files.n && pairs; i++)
        if (partner[i] >= 0) {
            pairs[n][0] = i;
            pairs[n++][1] = partner[i];
        }
    int status = pairs ? 0 : -1;
    for (int i = 0; i < n && !status; i++)
        status = idem_combinations_check(&j->made, j->id_files.names[pairs[i][0]], NULL);
    if (!status)
        status = run_matched(j, pairs, n);
    free(pairs);
    free(partner);
    return status;
}

/* ---- command ---- */

static int look_at_inputs(const settings *s, const idem_files *files) {
    return s->folder ? idem_overwrite_folder(s->output, files->paths, (size_t)files->n,
                                             s->pairs ? "*.png" : "@(*--*|grid).png")
                     : idem_overwrite_file(s->output, files->given);
}

static int run(job *j) {
    if (idem_combinations_open(&j->made, j->s->output, j->s->folder, j->s->pairs))
        return -1;
    int status = j->s->pairs ? run_pairs(j) : run_combinations(j);
    j->ended = !status;
    if (status)
        idem_progress_clear();
    return status;
}

static int print_json(const job *j, double seconds) {
    json_t *report = json_pack("{s:i, s:i, s:i, s:i, s:i, s:o, s:b, s:f}", "pictures", j->written, "faces", j->faces,
                               "unreadable", j->id.bad + j->attr.bad, "without_partner", j->without_partner,
                               "not_written", j->failed + j->made.too_long, "output", idem_json_name(j->s->output),
                               "grid", j->grid && j->ended, "seconds", seconds);
    json_object_set_new(report, "other_files", json_integer((json_int_t)idem_files_passed_over(j->list, NULL, 0)));
    json_object_set_new(report, "outside_most", json_real(fmax(j->id.outside_most, j->attr.outside_most)));
    if (!j->ended)
        json_object_set_new(report, "ended_early", json_true());
    return idem_json_print(report, 17);
}

/* After a failure: finished results are kept and counted in the message. */
static int say_what_is_done(const job *j) {
    if (!j->s->folder || !j->written)
        return -1;
    return idem_cli_fail_more("%s; %d of %d picture%s are done, in %s", idem_last_error(), j->written,
                              j->s->pairs ? j->id_files.n : j->made.n, j->made.n == 1 ? "" : "s", j->s->output);
}

static int run_and_report(job *j) {
    double start = idem_cli_seconds();
    int status = run(j) ? say_what_is_done(j) : 0;
    if (j->shared->json && (!status || j->written) && print_json(j, idem_cli_seconds() - start))
        return -1;
    if (status)
        return -1;
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

static void free_job(job *j) {
    for (int i = 0; j->grid && i < j->cells; i++)
        free((uint8_t *)j->grid[i].rgb);
    idem_combinations_free(&j->made);
    free(j->grid);
    free(j->tasks);
    free(j->pairs);
    free(j->rgb);
    idem_sources_free(&j->attr);
    idem_sources_free(&j->id);
    idem_close_reader(j->reader);
    free(j->order);
    idem_free_file_list(j->list);
    idem_cli_close(j->context);
}

static bool is_file(const char *path) {
    return idem_path_exists(path) && !idem_path_is_dir(path);
}

/* Whether results go into a folder; 2 with an explanation for wrong usage. */
static int look_at_paths(settings *s) {
    size_t n = strlen(s->output);
    if (idem_choice_which(&s->choice) == IDEM_ALL_FACES && (!s->keep_size || !strcmp(s->choice.input, "aligned")))
        return idem_cli_usage(s->keep_size ? "--face all looks for faces, which --input aligned excludes"
                                           : "--face all pastes every face into its photograph: it needs --keep-size");
    if (s->pairs && (is_file(s->identity) || is_file(s->attributes)))
        return idem_cli_usage("--pairs needs two folders; %s is a file",
                              is_file(s->identity) ? s->identity : s->attributes);
    s->folder = s->pairs || idem_path_is_dir(s->identity) || idem_path_is_dir(s->attributes) ||
                idem_path_is_dir(s->output) || (n && s->output[n - 1] == '/');
    if (!s->folder && (n < 5 || strcasecmp(s->output + n - 4, ".png")))
        return idem_cli_usage("%s: pictures are written as PNG; give a name that ends in .png, or a folder", s->output);
    return s->folder ? 0 : idem_output_name(s->output);
}

static int open_model(job *j) {
    j->model.struct_size = sizeof j->model;
    /* Poses are used only in notes. */
    j->context = idem_cli_open(&j->s->files, j->shared, !j->shared->quiet);
    return j->context ? idem_get_info(j->context, &j->model) : -1;
}

int idem_cmd_compose(int argc, char **argv) {
    settings s = {.files.refines = true, .batch = 8, .refine = IDEM_REFINE_BY_DEFAULT, .choice = IDEM_CHOICE_DEFAULT};
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
    job j = {.s = &s, .shared = &shared, .list = idem_new_file_list()};
    j.id_files.given = s.identity;
    j.attr_files.given = s.attributes;
    int status = j.list ? idem_files_list(j.list, &j.id_files, &j.attr_files) : -1;
    if (!status && s.folder && j.id_files.n && j.attr_files.n)
        usage = idem_output_folder(s.output);
    if (!status && !usage)
        usage = look_at_inputs(&s, &j.id_files) || look_at_inputs(&s, &j.attr_files) ? 2 : 0;
    if (!status && !usage)
        status = open_model(&j) ? -1 : run_and_report(&j);
    free_job(&j);
    return usage ? usage : status ? idem_cli_failed() : 0;
}
