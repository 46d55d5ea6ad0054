/* idem compose: one face's identity, another's everything else. */
#define _GNU_SOURCE
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "cli/assets.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "face/paste.h"
#include "learn/pipe.h"
#include "media/sheet.h"

enum { GRID_MAX = 40, GRID_SIDE = 256 }; /* of the captioned grid: its side in pictures, a picture's in pixels */

typedef struct {
    const char *generator, *mapper, *identity, *attributes, *output;
    bool pairs, no_grid, folder, keep_size;
    int batch;
    idem_choice choice;
} settings;

/* One picture to make. */
typedef struct {
    int id, attr;
    char *path;
} combination;

typedef struct {
    settings *s;
    const idem_shared *shared;
    idem_model *model;
    idem_pictures id, attr;
    int without_partner;
    combination *list;
    int n, written;
    float *id_codes, *attr_codes;
    idem_pipe *map;
    idem_image *grid; /* [id.n * attr.n] cells; NULL: no grid */
} job;

static void *array(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size);
    return p ? p : idem_fail_null("out of memory for a table of %zu", n);
}

/* ---- what to make ---- */

static int add(job *j, int id, int attr) {
    char *name;
    int length = j->s->pairs ? asprintf(&name, "%s.png", j->id.names[id])
                             : asprintf(&name, "%s--%s.png", j->id.names[id], j->attr.names[attr]);
    if (length < 0)
        return idem_fail("out of memory for a file name");
    combination *c = &j->list[j->n++];
    *c = (combination){id, attr, j->s->folder ? idem_path_join(j->s->output, name) : strdup(j->s->output)};
    free(name);
    return c->path ? 0 : idem_fail("out of memory for a file name");
}

static int list_pairs(job *j) {
    for (int i = 0; i < j->id.n; i++) {
        int partner = idem_pictures_find(&j->attr, j->id.names[i]);
        if (partner >= 0) {
            if (add(j, i, partner))
                return -1;
            continue;
        }
        idem_cli_say("idem: passed over: %s has no partner in %s", j->id.names[i], j->s->attributes);
        j->without_partner++;
    }
    for (int i = 0; i < j->attr.n; i++)
        if (idem_pictures_find(&j->id, j->attr.names[i]) < 0) {
            idem_cli_say("idem: passed over: %s has no partner in %s", j->attr.names[i], j->s->identity);
            j->without_partner++;
        }
    return j->n ? 0
                : idem_fail("%s and %s have no file names in common; --pairs wants the same name for both halves of a "
                            "pair",
                            j->s->identity, j->s->attributes);
}

static int by_path(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "a--b" with "c" and "a" with "b--c" would go to one file. */
static int check_names(const job *j) {
    const char **paths = array((size_t)j->n, sizeof *paths);
    if (!paths)
        return -1;
    for (int i = 0; i < j->n; i++)
        paths[i] = j->list[i].path;
    qsort(paths, (size_t)j->n, sizeof *paths, by_path);
    int status = 0;
    for (int i = 1; i < j->n && !status; i++)
        if (!strcmp(paths[i - 1], paths[i]))
            status = idem_fail("two combinations would both be called %s; rename a picture", paths[i]);
    free(paths);
    return status;
}

static int list_combinations(job *j) {
    if (j->id.n > INT_MAX / j->attr.n)
        return idem_fail("%d identities times %d attributes are too many pictures", j->id.n, j->attr.n);
    j->list = array(j->s->pairs ? (size_t)j->id.n : (size_t)j->id.n * (size_t)j->attr.n, sizeof *j->list);
    if (!j->list)
        return -1;
    int status = j->s->pairs ? list_pairs(j) : 0;
    for (int i = 0; i < j->id.n && !j->s->pairs && !status; i++)
        for (int k = 0; k < j->attr.n && !status; k++)
            status = add(j, i, k);
    return status || check_names(j) ? -1 : 0;
}

/* ---- making it ---- */

static idem_plan_options plan_options(const job *j) {
    return (idem_plan_options){.threads = j->shared->threads, .stop = &idem_cli_stop};
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

/* Codes of all pictures. */
static float *encode(const job *j, idem_pipe_kind kind, const idem_pictures *p) {
    idem_plan_options options = plan_options(j);
    int batch = smaller(p->n, j->s->batch), status = 0;
    idem_pipe *pipe = idem_pipe_new(j->model, kind, batch, 1, &options);
    if (!pipe)
        return NULL;
    size_t dim = idem_pipe_out_size(pipe, 0);
    float *codes = array((size_t)p->n * dim, sizeof *codes),
          *x = array((size_t)batch * idem_pipe_in_size(pipe, 0), sizeof *x);
    if (!codes || !x)
        status = -1;
    idem_progress_start(kind == IDEM_PIPE_IDENTITY ? "encoding identities" : "encoding attributes", "pictures",
                        (uint64_t)p->n, 0, j->shared->quiet || !j->s->folder);
    for (int first = 0; first < p->n && !status; first += batch) {
        int count = smaller(p->n - first, batch);
        idem_pictures_to_float(p, first, count, x);
        status = idem_pipe_run(pipe, (size_t)count, (const float *const[]){x, NULL},
                               (float *const[]){codes + (size_t)first * dim, NULL});
        idem_progress_update((uint64_t)(first + count), NULL);
    }
    idem_progress_clear();
    idem_pipe_free(pipe);
    free(x);
    if (!status)
        return codes;
    free(codes);
    return NULL;
}

/* Keeps a picture for the grid, no larger than it is shown there. */
static int keep(idem_image *cell, idem_image *im) {
    if (im->width <= GRID_SIDE) {
        *cell = *im;
        *im = (idem_image){0};
        return 0;
    }
    return idem_image_resize(cell, im, GRID_SIDE, GRID_SIDE);
}

/* The picture, or with --keep-size its attribute photograph with the face in it. */
static int save(const job *j, const combination *c, const idem_image *im) {
    const idem_place *place = &j->attr.places[c->attr];
    if (!j->s->keep_size || !place->cut_out)
        return idem_picture_save(c->path, im, j->model);
    idem_image photo;
    if (idem_image_load(&photo, place->path))
        return -1;
    int status = idem_paste(&photo, im, &place->frame, (const float(*)[2])place->points);
    if (!status)
        status = idem_picture_save(c->path, &photo, j->model);
    idem_image_free(&photo);
    return status;
}

/* count pictures from their codes; buffers hold a batch each. */
static int compose(job *j, const combination *list, int count, float *id, float *attr, float *y) {
    size_t id_dim = idem_pipe_in_size(j->map, 0), attr_dim = idem_pipe_in_size(j->map, 1);
    size_t numbers = idem_pipe_out_size(j->map, 1);
    int size = idem_model_about(j->model)->size;
    for (int i = 0; i < count; i++) {
        memcpy(id + (size_t)i * id_dim, j->id_codes + (size_t)list[i].id * id_dim, id_dim * sizeof *id);
        memcpy(attr + (size_t)i * attr_dim, j->attr_codes + (size_t)list[i].attr * attr_dim, attr_dim * sizeof *attr);
    }
    if (idem_pipe_run(j->map, (size_t)count, (const float *const[]){id, attr}, (float *const[]){NULL, y}))
        return -1;
    for (int i = 0; i < count; i++) {
        idem_image im;
        if (idem_image_from_float(&im, y + (size_t)i * numbers, size, size, 0, 1))
            return -1;
        int status = save(j, &list[i], &im);
        if (!status && j->grid)
            status = keep(&j->grid[list[i].id * j->attr.n + list[i].attr], &im);
        idem_image_free(&im);
        if (status)
            return -1;
        j->written++;
        idem_progress_update((uint64_t)j->written, NULL);
    }
    return 0;
}

/* A batch at a time, so that memory does not grow with the number of pictures. */
static int compose_all(job *j) {
    idem_plan_options options = plan_options(j);
    int batch = smaller(j->n, j->s->batch);
    j->id_codes = encode(j, IDEM_PIPE_IDENTITY, &j->id);
    j->attr_codes = j->id_codes ? encode(j, IDEM_PIPE_ATTRIBUTES, &j->attr) : NULL;
    j->map = j->attr_codes ? idem_pipe_new(j->model, IDEM_PIPE_MAP, batch, 1, &options) : NULL;
    if (!j->map)
        return -1;
    float *id = array((size_t)batch * idem_pipe_in_size(j->map, 0), sizeof *id);
    float *attr = array((size_t)batch * idem_pipe_in_size(j->map, 1), sizeof *attr);
    float *y = array((size_t)batch * idem_pipe_out_size(j->map, 1), sizeof *y);
    int status = id && attr && y ? 0 : -1;
    idem_progress_start("composing", "pictures", (uint64_t)j->n, 0, j->shared->quiet || !j->s->folder);
    for (int first = 0; first < j->n && !status; first += batch)
        status = compose(j, j->list + first, smaller(j->n - first, batch), id, attr, y);
    if (!status)
        idem_progress_finish();
    free(id);
    free(attr);
    free(y);
    return status;
}

/* ---- grid ---- */

static int draw_grid(const job *j, const char *path) {
    int rows = j->id.n, columns = j->attr.n, total = rows + columns + rows * columns;
    idem_image *images = array((size_t)(rows + columns), sizeof *images), page = {0};
    const idem_image **list = array((size_t)total, sizeof(const idem_image *));
    int status = images && list ? 0 : -1;
    for (int i = 0; i < total && !status; i++) {
        if (i < rows + columns)
            images[i] = i < rows ? idem_pictures_at(&j->id, i) : idem_pictures_at(&j->attr, i - rows);
        list[i] = i < rows + columns ? &images[i] : &j->grid[i - rows - columns];
    }
    idem_sheet sheet = {.rows = rows,
                        .columns = columns,
                        .row_labels = (const char *const *)j->id.names,
                        .column_labels = (const char *const *)j->attr.names,
                        .row_axis = "identity",
                        .column_axis = "attributes",
                        .title = "identity of the row, everything else of the column",
                        .footer = "made by idem: synthetic pictures"};
    if (!status) {
        sheet.down = list;
        sheet.along = list + rows;
        sheet.cells = list + rows + columns;
        status = idem_sheet_draw(&page, &sheet) || idem_picture_save(path, &page, j->model) ? -1 : 0;
    }
    idem_image_free(&page);
    free(images);
    free(list);
    return status;
}

/* ---- command ---- */

static int run(job *j) {
    int size = idem_model_about(j->model)->size;
    idem_choice *choice = &j->s->choice;
    choice->options = plan_options(j);
    choice->quiet = j->shared->quiet;
    if (idem_pictures_choose(&j->id, j->s->identity, size, choice) ||
        idem_pictures_choose(&j->attr, j->s->attributes, size, choice) || list_combinations(j) ||
        (j->s->folder && idem_dir_make(j->s->output)))
        return -1;
    bool grid = j->s->folder && !j->s->pairs && !j->s->no_grid;
    if (grid && (j->id.n > GRID_MAX || j->attr.n > GRID_MAX)) {
        idem_cli_say("idem: no grid.png: it holds %d identities and %d attributes at most", GRID_MAX, GRID_MAX);
        grid = false;
    }
    if (grid && !(j->grid = array((size_t)j->n, sizeof *j->grid)))
        return -1;
    char *path = grid ? idem_path_join(j->s->output, "grid.png") : NULL;
    int status = (grid && !path) || compose_all(j) || (grid && draw_grid(j, path)) ? -1 : 0;
    free(path);
    return status;
}

static int print_json(const job *j, double seconds) {
    json_t *report = json_pack("{s:i, s:i, s:i, s:s, s:b, s:f}", "pictures", j->written, "unreadable",
                               j->id.bad + j->attr.bad, "without_partner", j->without_partner, "output", j->s->output,
                               "grid", j->grid != NULL, "seconds", seconds);
    int status = report && !json_dumpf(report, stdout, JSON_INDENT(2)) ? 0 : idem_fail("cannot print the report");
    putchar('\n');
    json_decref(report);
    return status;
}

static int run_and_report(job *j) {
    double start = idem_clock();
    if (run(j) || (j->shared->json && print_json(j, idem_clock() - start)))
        return -1;
    int unreadable = j->id.bad + j->attr.bad;
    if (unreadable)
        return idem_fail("%d of the files given could not be read; %d pictures of the others are done", unreadable,
                         j->written);
    if (j->without_partner)
        return idem_fail("%d of the files given have no partner; %d pairs are done", j->without_partner, j->written);
    return 0;
}

static void free_job(job *j) {
    for (int i = 0; i < j->n; i++)
        free(j->list[i].path);
    for (int i = 0; j->grid && i < j->n; i++)
        idem_image_free(&j->grid[i]);
    free(j->list);
    free(j->grid);
    free(j->id_codes);
    free(j->attr_codes);
    idem_pipe_free(j->map);
    idem_choice_free(&j->s->choice);
    idem_pictures_free(&j->id);
    idem_pictures_free(&j->attr);
    idem_model_free(j->model);
}

static bool is_file(const char *path) {
    return idem_path_exists(path) && !idem_path_is_dir(path);
}

/* Whether results go into a folder; wrong usage is explained and gives 2. */
static int look_at_paths(settings *s) {
    size_t n = strlen(s->output);
    if (s->pairs && (is_file(s->identity) || is_file(s->attributes)))
        return idem_cli_usage("--pairs wants two folders; %s is a file",
                              is_file(s->identity) ? s->identity : s->attributes);
    s->folder = s->pairs || idem_path_is_dir(s->identity) || idem_path_is_dir(s->attributes) ||
                idem_path_is_dir(s->output) || (n && s->output[n - 1] == '/');
    if (!s->folder && (n < 5 || strcasecmp(s->output + n - 4, ".png")))
        return idem_cli_usage("%s: pictures are written as PNG; give a name that ends in .png, or a folder", s->output);
    return 0;
}

int idem_cmd_compose(int argc, char **argv) {
    settings s = {.batch = 8, .choice = IDEM_CHOICE_DEFAULT};
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    const idem_option options[] = {
        {IDEM_OPT_TEXT, "identity", 'i', "FILE|DIR", &s.identity, .required = true,
         .help = "who: a picture or a folder"},
        {IDEM_OPT_TEXT, "attributes", 'a', "FILE|DIR", &s.attributes, .required = true,
         .help = "pose, expression, hair, light, background: a picture or a folder"},
        {IDEM_OPT_TEXT, "output", 'o', "FILE|DIR", &s.output, .required = true,
         .help = "PNG for one pair, else a folder: one file per combination and grid.png"},
        {IDEM_OPT_FLAG, "pairs", 'p', NULL, &s.pairs,
         .help = "two folders: pair files of the same name instead of all combinations"},
        {IDEM_OPT_FLAG, "no-grid", 0, NULL, &s.no_grid, .help = "do not draw grid.png"},
        IDEM_CHOICE_ROWS(s.choice),
        {IDEM_OPT_FLAG, "keep-size", 'k', NULL, &s.keep_size,
         .help = "put the face back into the attribute photograph, at its full size"},
        {IDEM_OPT_HEADER, .help = "Model"},
        {IDEM_OPT_TEXT, "generator", 'g', "FILE", &s.generator,
         .help = "StyleGAN2 weights; the shipped one if not given"},
        {IDEM_OPT_TEXT, "mapper", 'm', "FILE", &s.mapper, .help = "what idem train made; the shipped one if not given"},
        {IDEM_OPT_INT, "batch", 0, "N", &s.batch, .min = 1, .max = 256, .help = "pictures at once"},
        {0}};
    idem_command_line line = {
        .about =
            "Makes pictures with the identity of one face and everything else of another. In photographs the face is "
            "found and cut out; pictures that are aligned as the generator's own are taken whole. Files that cannot be "
            "read, show no face or have no partner are named; the others are done, and the exit code is 1.",
        .examples = "  idem compose -i samples/a.png -a samples/b.png -o out.png\n"
                    "  idem compose -i people/ -a poses/ -o combined/\n"
                    "  idem compose -i person.jpg -a holiday.jpg --keep-size -o new.png\n"
                    "  idem compose --pairs -i left/ -a right/ -o paired/\n",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS};
    idem_parse(&line, argc, argv, &shared, NULL);
    int usage = idem_choice_check(&s.choice) ? 2 : look_at_paths(&s);
    if (usage)
        return usage;
    job j = {.s = &s, .shared = &shared, .model = idem_asset_model(s.generator, s.mapper)};
    int status = j.model ? run_and_report(&j) : -1;
    free_job(&j);
    return status ? idem_cli_failed() : 0;
}
