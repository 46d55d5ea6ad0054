/* idem compose: one face's identity, another's everything else. */
#define _GNU_SOURCE
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/status.h"
#include "cli/assets.h"
#include "cli/command.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "learn/pipe.h"
#include "media/sheet.h"

enum { GRID_MAX = 40 }; /* a side of the captioned grid, in pictures */

typedef struct {
    const char *generator, *mapper, *identity, *attributes, *output;
    bool pairs, no_grid;
    int batch;
} settings;

typedef struct {
    idem_model *model;
    idem_pictures id, attr;
    float *id_codes, *attr_codes;
    size_t id_dim, attr_dim, numbers;
    idem_pipe *map;
    idem_image *grid; /* [id.n * attr.n] cells; NULL: no grid */
    int written;
} job;

/* ---- codes ---- */

static float *encode(const job *j, idem_pipe_kind kind, const idem_pictures *p, const settings *s,
                     const idem_shared *shared) {
    idem_plan_options options = {.threads = shared->threads, .stop = &idem_cli_stop};
    int batch = p->n < s->batch ? p->n : s->batch;
    idem_pipe *pipe = idem_pipe_new(j->model, kind, batch, 1, &options);
    float *codes = pipe ? malloc((size_t)p->n * idem_pipe_out_size(pipe, 0) * sizeof *codes) : NULL;
    if (pipe && !codes)
        idem_fail("out of memory for %d codes", p->n);
    if (codes && idem_pipe_run(pipe, (size_t)p->n, (const float *const[]){p->x, NULL}, (float *const[]){codes, NULL})) {
        free(codes);
        codes = NULL;
    }
    idem_pipe_free(pipe);
    return codes;
}

static int prepare(job *j, const settings *s, const idem_shared *shared, int outputs) {
    const idem_model_info *info = idem_model_about(j->model);
    j->id_dim = (size_t)info->id_dim;
    j->attr_dim = (size_t)info->attr_dim;
    j->numbers = (size_t)info->size * (size_t)info->size * 3;
    j->id_codes = encode(j, IDEM_PIPE_IDENTITY, &j->id, s, shared);
    j->attr_codes = j->id_codes ? encode(j, IDEM_PIPE_ATTRIBUTES, &j->attr, s, shared) : NULL;
    idem_plan_options options = {.threads = shared->threads, .stop = &idem_cli_stop};
    j->map = j->attr_codes
                 ? idem_pipe_new(j->model, IDEM_PIPE_MAP, outputs < s->batch ? outputs : s->batch, 1, &options)
                 : NULL;
    return j->map ? 0 : -1;
}

/* ---- pictures ---- */

/* Composes count pairs (identity index, attribute index) and writes each to its path. */
static int compose(job *j, const int (*pairs)[2], char *const *paths, int count) {
    int size = idem_model_about(j->model)->size, status = 0;
    float *id = malloc((size_t)count * j->id_dim * sizeof *id),
          *attr = malloc((size_t)count * j->attr_dim * sizeof *attr);
    float *y = malloc((size_t)count * j->numbers * sizeof *y);
    if (!id || !attr || !y)
        status = idem_fail("out of memory for %d pictures", count);
    for (int i = 0; i < count && !status; i++) {
        memcpy(id + (size_t)i * j->id_dim, j->id_codes + (size_t)pairs[i][0] * j->id_dim, j->id_dim * sizeof *id);
        memcpy(attr + (size_t)i * j->attr_dim, j->attr_codes + (size_t)pairs[i][1] * j->attr_dim,
               j->attr_dim * sizeof *attr);
    }
    if (!status)
        status = idem_pipe_run(j->map, (size_t)count, (const float *const[]){id, attr}, (float *const[]){NULL, y});
    for (int i = 0; i < count && !status; i++) {
        const float *picture = y + (size_t)i * j->numbers;
        status = idem_picture_save(paths[i], picture, size, j->model, NULL);
        if (!status && j->grid)
            status = idem_image_from_float(&j->grid[pairs[i][0] * j->attr.n + pairs[i][1]], picture, size, size, 0, 1);
        j->written += !status;
        idem_progress_update((uint64_t)j->written, NULL);
    }
    free(id);
    free(attr);
    free(y);
    return status;
}

/* Works through a list of pairs, a batch at a time, so that memory does not grow with their number. */
static int compose_all(job *j, const settings *s, const int (*pairs)[2], int n) {
    char **paths = calloc((size_t)s->batch, sizeof *paths);
    int status = paths ? 0 : idem_fail("out of memory");
    for (int first = 0; first < n && !status; first += s->batch) {
        int count = n - first < s->batch ? n - first : s->batch;
        for (int i = 0; i < count; i++) {
            const int *p = pairs[first + i];
            char name[512];
            if (s->pairs)
                snprintf(name, sizeof name, "%s.png", j->id.stems[p[0]]);
            else
                snprintf(name, sizeof name, "%.240s--%.240s.png", j->id.stems[p[0]], j->attr.stems[p[1]]);
            paths[i] = n == 1 && !s->pairs && !idem_path_is_dir(s->output) ? strdup(s->output)
                                                                           : idem_path_join(s->output, name);
            if (!paths[i])
                status = idem_fail("out of memory");
        }
        if (!status)
            status = compose(j, pairs + first, paths, count);
        for (int i = 0; i < count; i++) {
            free(paths[i]);
            paths[i] = NULL;
        }
    }
    free(paths);
    return status;
}

/* ---- grid ---- */

static int headers(const idem_pictures *p, idem_image *images, const idem_image **list) {
    for (int i = 0; i < p->n; i++) {
        if (idem_image_from_float(&images[i], p->x + (size_t)i * (size_t)p->size * (size_t)p->size * 3, p->size,
                                  p->size, 0, 1))
            return -1;
        list[i] = &images[i];
    }
    return 0;
}

static int draw_grid(const job *j, const settings *s) {
    int rows = j->id.n, columns = j->attr.n, total = rows + columns + rows * columns;
    idem_image *images = calloc((size_t)(rows + columns), sizeof *images), page = {0};
    const idem_image **list = calloc((size_t)total, sizeof(const idem_image *));
    int status = images && list ? 0 : idem_fail("out of memory for a grid");
    if (!status)
        status = headers(&j->id, images, list) || headers(&j->attr, images + rows, list + rows) ? -1 : 0;
    for (int i = 0; i < rows * columns && !status; i++)
        list[rows + columns + i] = &j->grid[i];
    char *path = idem_path_join(s->output, "grid.png");
    if (!status) {
        idem_sheet sheet = {.rows = rows,
                            .columns = columns,
                            .down = list,
                            .along = list + rows,
                            .cells = list + rows + columns,
                            .row_labels = (const char *const *)j->id.stems,
                            .column_labels = (const char *const *)j->attr.stems,
                            .row_axis = "identity",
                            .column_axis = "attributes",
                            .title = "identity of the row, everything else of the column",
                            .footer = "made by idem: synthetic pictures"};
        const char *texts[] = {"Software", "idem", "synthetic", "true", "generator", idem_model_about(j->model)->hash,
                               NULL};
        status = idem_sheet_draw(&page, &sheet) || !path || idem_image_save_png(&page, path, texts) ? -1 : 0;
    }
    for (int i = 0; images && i < rows + columns; i++)
        idem_image_free(&images[i]);
    idem_image_free(&page);
    free(path);
    free(images);
    free(list);
    return status;
}

/* ---- command ---- */

/* The list of pairs to make: malloc'ed, NULL with a message. */
static int (*list_pairs(const job *j, const settings *s, int *n))[2] {
    int most = s->pairs ? j->id.n : j->id.n * j->attr.n;
    int(*pairs)[2] = calloc((size_t)most + 1, sizeof *pairs);
    if (!pairs)
        return idem_fail_null("out of memory for %d pairs", most);
    *n = 0;
    for (int i = 0; i < j->id.n; i++) {
        int partner = s->pairs ? idem_pictures_find(&j->attr, j->id.stems[i]) : -1;
        if (s->pairs && partner < 0)
            idem_cli_say("idem: passed over: %s has no partner of that name in %s", j->id.stems[i], s->attributes);
        for (int k = 0; k < j->attr.n; k++)
            if (!s->pairs || k == partner) {
                pairs[*n][0] = i;
                pairs[(*n)++][1] = k;
            }
    }
    if (*n)
        return pairs;
    free(pairs);
    return idem_fail_null(
        "%s and %s have no file names in common; --pairs wants the same name for both halves of a pair", s->identity,
        s->attributes);
}

static int run(job *j, const settings *s, const idem_shared *shared) {
    int size = idem_model_about(j->model)->size, n;
    if (idem_pictures_load(&j->id, s->identity, size) || idem_pictures_load(&j->attr, s->attributes, size))
        return -1;
    int(*pairs)[2] = list_pairs(j, s, &n);
    if (!pairs)
        return -1;
    bool folder = n > 1 || s->pairs;
    if (folder && !s->pairs && !s->no_grid && j->id.n <= GRID_MAX && j->attr.n <= GRID_MAX)
        j->grid = calloc((size_t)n, sizeof *j->grid);
    int status = folder ? idem_dir_make(s->output) : 0;
    if (!status)
        status = prepare(j, s, shared, n);
    idem_progress_start("composing", "pictures", (uint64_t)n, 0, shared->quiet || !folder);
    if (!status)
        status = compose_all(j, s, pairs, n);
    if (!status && j->grid)
        status = draw_grid(j, s);
    if (!status)
        idem_progress_finish();
    for (int i = 0; j->grid && i < n; i++)
        idem_image_free(&j->grid[i]);
    free(j->grid);
    free(pairs);
    if (!status && j->id.bad + j->attr.bad)
        return idem_fail("%d of the files given could not be read; the pictures of the others are done",
                         j->id.bad + j->attr.bad);
    return status;
}

int idem_cmd_compose(int argc, char **argv) {
    settings s = {.batch = 8};
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
        {IDEM_OPT_HEADER, .help = "Model"},
        {IDEM_OPT_TEXT, "generator", 'g', "FILE", &s.generator,
         .help = "StyleGAN2 weights; the shipped one if not given"},
        {IDEM_OPT_TEXT, "mapper", 'm', "FILE", &s.mapper, .help = "what idem train made; the shipped one if not given"},
        {IDEM_OPT_INT, "batch", 0, "N", &s.batch, .min = 1, .max = 256, .help = "pictures at once"},
        {0}};
    idem_command_line line = {
        .about =
            "Makes pictures with the identity of one face and everything else of another. Pictures must be aligned "
            "as the generator's own are; they are resized to its side.",
        .examples = "  idem compose -i samples/a.png -a samples/b.png -o out.png\n"
                    "  idem compose -i people/ -a poses/ -o combined/\n"
                    "  idem compose --pairs -i left/ -a right/ -o paired/\n",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS};
    idem_parse(&line, argc, argv, &shared, NULL);
    double start = idem_clock();
    job j = {.model = idem_asset_model(s.generator, s.mapper)};
    int status = j.model ? run(&j, &s, &shared) : -1;
    if (!status && shared.json) {
        json_t *report =
            json_pack("{s:i, s:s, s:f}", "pictures", j.written, "output", s.output, "seconds", idem_clock() - start);
        status = report && !json_dumpf(report, stdout, JSON_INDENT(2)) ? 0 : idem_fail("cannot print the report");
        putchar('\n');
        json_decref(report);
    }
    idem_pipe_free(j.map);
    free(j.id_codes);
    free(j.attr_codes);
    idem_pictures_free(&j.id);
    idem_pictures_free(&j.attr);
    idem_model_free(j.model);
    return status ? idem_cli_failed() : 0;
}
