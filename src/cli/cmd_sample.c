/* idem sample: pictures of a generator with their codes, in the layout that training reads. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/rng.h"
#include "base/status.h"
#include "cli/command.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"
#include "model/origin.h"
#include "model/pipe.h"
#include "train/run_folder.h"
#include "media/sheet.h"

enum { PATH_BYTES = 4096, SHEET_MAX = 400 };

typedef struct {
    const char *generator, *output, *sheet;
    int64_t count;
    int cutoff, batch;
    double truncation;
    idem_shared shared;
    /* while running */
    char root[PATH_BYTES]; /* DIR/dataset_SIZE */
    idem_model *model;
    idem_pipe *mapping, *layers;
    float *z, *w, *ws, *pictures;
    idem_run_folder *folder; /* DIR/dataset_SIZE: two processes would write one file at once */
    idem_image *kept;        /* for the sheet */
    int64_t n_kept, made;
} sample;

static void parse(sample *a, int argc, char **argv) {
    const idem_option options[] = {
        {IDEM_OPT_TEXT, "generator", 'g', "FILE", &a->generator, .required = true, .help = "StyleGAN2 weights"},
        {IDEM_OPT_TEXT, "output", 'o', "DIR", &a->output, .required = true,
         .help = "becomes DIR/dataset_SIZE/images/00000/00000.png and DIR/dataset_SIZE/ws/00000/00000.npy"},
        {IDEM_OPT_LONG, "count", 'n', "N", &a->count, .min = 1, .max = 1e8, .help = "pictures in all"},
        {IDEM_OPT_REAL, "truncation", 't', "PSI", &a->truncation, .min = 0, .max = 2,
         .help = "pulls codes to the mean: 0 the mean face, 1 not at all"},
        {IDEM_OPT_INT, "cutoff", 'c', "L", &a->cutoff, .min = -1, .max = 64,
         .help = "truncate only the first L layers; -1: all alike"},
        {IDEM_OPT_INT, "batch", 'b', "N", &a->batch, .min = 1, .max = 256,
         .help =
             "pictures at a time; another number rounds otherwise: a byte in ten thousand may be one higher or lower"},
        {IDEM_OPT_TEXT, "sheet", 0, "FILE", &a->sheet,
         .help = "also a PNG that shows the first pictures (at most 400)"},
        {0},
    };
    const idem_command_line line = {
        .about = "Samples pictures from a generator and stores each with its code w (float32, a row for every layer). "
                 "Picture i "
                 "depends on the seed and i alone; files that are there already are not made again, so a stopped "
                 "command can "
                 "simply be repeated.",
        .examples = "  idem sample -g models/generator-128.safetensors -n 5000 -t 0.9 -o data\n"
                    "  idem sample -g models/generator-128.safetensors -n 40 --seed 7 -o out --sheet out/sheet.png",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_SEED | IDEM_WITH_THREADS,
    };
    idem_parse(&line, argc, argv, &a->shared, NULL);
}

/* ---- places ---- */

static int item_path(char path[PATH_BYTES], const sample *a, const char *kind, int64_t i, const char *suffix) {
    int n =
        snprintf(path, PATH_BYTES, "%s/%s/%05" PRId64 "/%05" PRId64 "%s", a->root, kind, i / 1000 * 1000, i, suffix);
    return n < PATH_BYTES ? 0 : idem_fail("%.100s...: the path is too long", a->root);
}

static int make_folders(const sample *a, int64_t i) {
    char path[PATH_BYTES];
    return item_path(path, a, "images", i, "") || (*strrchr(path, '/') = 0, idem_dir_make(path)) ||
                   item_path(path, a, "ws", i, "") || (*strrchr(path, '/') = 0, idem_dir_make(path))
               ? -1
               : 0;
}

static int is_there(bool *there, const sample *a, int64_t i) {
    char image[PATH_BYTES], code[PATH_BYTES];
    if (item_path(image, a, "images", i, ".png") || item_path(code, a, "ws", i, ".npy"))
        return -1;
    *there = idem_path_exists(image) && idem_path_exists(code);
    return 0;
}

/* What sample.json says the folder holds. NULL with a message. */
static char *claim_text(const sample *a, const char *generator) {
    char seed[32];
    snprintf(seed, sizeof seed, "%" PRIu64, a->shared.seed);
    json_t *said = json_pack("{s:s, s:s, s:f, s:i}", "generator", generator, "seed", seed, "truncation", a->truncation,
                             "cutoff", a->cutoff);
    char *text = json_dumps(said, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(9));
    json_decref(said);
    return text ? text : idem_fail_null_as(IDEM_MEMORY, "out of memory for sample.json");
}

/* The generator may be named by the hash that was stored once. */
static bool is_same_claim(const sample *a, const char *found) {
    json_t *said = json_loads(found, 0, NULL);
    const char *generator = json_string_value(json_object_get(said, "generator"));
    char *text = generator && idem_model_is(a->model, generator) ? claim_text(a, generator) : NULL;
    const bool same = text && !strcmp(found, text);
    free(text);
    json_decref(said);
    return same;
}

/* Pictures of two seeds in one folder would not be a sample of anything. */
static int say_what_it_holds(const sample *a) {
    char path[PATH_BYTES + 16], *text = claim_text(a, idem_model_about(a->model)->hash);
    if (!text)
        return -1;
    snprintf(path, sizeof path, "%s/sample.json", a->root);
    int status = 0;
    if (idem_path_exists(path)) {
        unsigned char *found;
        size_t size;
        status = idem_file_read(path, 4096, &found, &size);
        if (!status && !is_same_claim(a, (const char *)found))
            status = idem_fail("%s: the folder was made with other options: choose another folder, or delete it", path);
        free(found);
    } else {
        status = idem_file_write(path, text, strlen(text));
    }
    free(text);
    return status;
}

/* ---- making ---- */

/* w [W] to ws [L, W]: the first cutoff layers truncated. */
static void spread(const sample *a, float *ws, const float *w) {
    const idem_model_info *info = idem_model_about(a->model);
    for (int l = 0; l < info->layers; l++)
        for (int k = 0; k < info->w_dim; k++) {
            float mean = info->mean_w[k];
            bool pulled = a->cutoff < 0 || l < a->cutoff;
            ws[l * info->w_dim + k] = pulled ? mean + (float)a->truncation * (w[k] - mean) : w[k];
        }
}

static int store(sample *a, int64_t i, const float *picture, const float *ws) {
    const idem_model_info *info = idem_model_about(a->model);
    char path[PATH_BYTES], index[32], psi[32];
    snprintf(index, sizeof index, "%" PRId64, i);
    snprintf(psi, sizeof psi, "%g", a->truncation);
    idem_origin origin;
    idem_origin_of(&origin, IDEM_SOURCE_GENERATED, a->model, &a->shared.seed);
    idem_origin_add(&origin, "index", index);
    idem_origin_add(&origin, "truncation", psi);
    idem_image im;
    const idem_shape shape = IDEM_SHAPE(info->layers, info->w_dim);
    if (idem_image_from_float(&im, picture, info->size, info->size, 0, 1))
        return -1;
    /* The code first: a picture that is there has its code. */
    int status = item_path(path, a, "ws", i, ".npy") || idem_npy_save(path, &shape, ws) ||
                 item_path(path, a, "images", i, ".png") || idem_image_save_png(&im, path, &origin.marks);
    idem_image_free(&im);
    return status ? -1 : 0;
}

static int make_batch(sample *a, int64_t first, int n) {
    const idem_model_info *info = idem_model_about(a->model);
    size_t ws = (size_t)info->layers * (size_t)info->w_dim, picture = (size_t)info->size * (size_t)info->size * 3;
    idem_rng r = idem_rng_make(a->shared.seed, "sample");
    r.counter = (uint64_t)first * 2 * (uint64_t)info->z_dim;
    idem_rng_fill_normal(&r, a->z, (size_t)n * (size_t)info->z_dim);
    if (idem_pipe_run(a->mapping, (size_t)n, (const float *const[]){a->z}, (float *const[]){a->w}))
        return -1;
    for (int i = 0; i < n; i++)
        spread(a, a->ws + (size_t)i * ws, a->w + (size_t)i * (size_t)info->w_dim);
    if (idem_pipe_run(a->layers, (size_t)n, (const float *const[]){a->ws}, (float *const[]){a->pictures}) ||
        make_folders(a, first) || make_folders(a, first + n - 1))
        return -1;
    for (int i = 0; i < n; i++) {
        bool there;
        if (is_there(&there, a, first + i) ||
            (!there && store(a, first + i, a->pictures + (size_t)i * picture, a->ws + (size_t)i * ws)))
            return -1;
        a->made += !there;
    }
    return 0;
}

static int make_all(sample *a) {
    idem_progress_start("sampling", "pictures", (uint64_t)a->count, 0, a->shared.quiet);
    for (int64_t first = 0; first < a->count; first += a->batch) {
        int n = a->count - first < a->batch ? (int)(a->count - first) : a->batch;
        bool all = true;
        for (int i = 0; i < n && all; i++)
            if (is_there(&all, a, first + i))
                return -1;
        if (idem_cli_stop)
            return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
        if (!all && make_batch(a, first, n))
            return -1;
        idem_progress_update((uint64_t)(first + n), NULL);
    }
    idem_progress_finish();
    return 0;
}

/* ---- the sheet ---- */

static int draw_sheet(const sample *a) {
    const idem_image *pictures[SHEET_MAX];
    char title[160];
    for (int64_t i = 0; i < a->n_kept; i++)
        pictures[i] = &a->kept[i];
    snprintf(title, sizeof title, "Samples of generator %s, seed %" PRIu64 ", truncation %g",
             idem_model_about(a->model)->hash, a->shared.seed, a->truncation);
    int columns = 1;
    while (columns * columns < a->n_kept)
        columns++;
    idem_image page;
    const idem_sheet sheet = {.title = title, .footer = "idem: synthetic faces, nobody's portrait"};
    if (idem_sheet_list(&page, &sheet, pictures, (int)a->n_kept, columns))
        return -1;
    idem_origin origin;
    idem_origin_of(&origin, IDEM_SOURCE_GENERATED, a->model, &a->shared.seed);
    int status = idem_image_save_png(&page, a->sheet, &origin.marks);
    idem_image_free(&page);
    return status;
}

static int make_sheet(sample *a) {
    a->n_kept = a->count < SHEET_MAX ? a->count : SHEET_MAX;
    a->kept = calloc((size_t)a->n_kept, sizeof *a->kept);
    if (!a->kept)
        return idem_fail_as(IDEM_MEMORY, "out of memory for the sheet");
    char path[PATH_BYTES];
    for (int64_t i = 0; i < a->n_kept; i++)
        if (item_path(path, a, "images", i, ".png") || idem_image_load(&a->kept[i], path))
            return -1;
    return draw_sheet(a);
}

static int open_all(sample *a) {
    if (!(a->model = idem_model_open(a->generator)))
        return -1;
    const idem_model_info *info = idem_model_about(a->model);
    size_t n = (size_t)a->batch;
    int length = snprintf(a->root, sizeof a->root, "%s/dataset_%d", a->output, info->size);
    if (length >= (int)sizeof a->root)
        return idem_fail("%.100s...: the path is too long", a->output);
    const idem_plan_options options = {.threads = a->shared.threads, .stop = &idem_cli_stop};
    if (!(a->mapping = idem_pipe_new(a->model, IDEM_PIPE_MAPPING, a->batch, 1, &options)) ||
        !(a->layers = idem_pipe_new(a->model, IDEM_PIPE_LAYERS, a->batch, 1, &options)))
        return -1;
    a->z = malloc(n * (size_t)info->z_dim * sizeof *a->z);
    a->w = malloc(n * (size_t)info->w_dim * sizeof *a->w);
    a->ws = malloc(n * (size_t)info->w_dim * (size_t)info->layers * sizeof *a->ws);
    a->pictures = malloc(n * (size_t)info->size * (size_t)info->size * 3 * sizeof *a->pictures);
    if (!a->z || !a->w || !a->ws || !a->pictures)
        return idem_fail_as(IDEM_MEMORY, "out of memory for a batch of %d: lower --batch", a->batch);
    return !(a->folder = idem_run_folder_claim(a->root)) || say_what_it_holds(a) ? -1 : 0;
}

static int report(const sample *a) {
    const idem_model_info *info = idem_model_about(a->model);
    if (a->shared.json) {
        return idem_json_print(json_pack("{s:o, s:I, s:I, s:o, s:f, s:s}", "folder", idem_json_name(a->root), "count",
                                         (json_int_t)a->count, "made", (json_int_t)a->made, "seed",
                                         idem_json_u64(a->shared.seed), "truncation", a->truncation, "generator",
                                         info->hash),
                               9);
    } else if (!a->shared.quiet) {
        idem_cli_say("%" PRId64 " pictures of %dx%d in %s, %" PRId64 " of them new, seed %" PRIu64, a->count,
                     info->size, info->size, a->root, a->made, a->shared.seed);
    }
    return 0;
}

int idem_cmd_sample(int argc, char **argv) {
    sample a = {.count = 100, .cutoff = -1, .batch = 8, .truncation = 0.7, .shared = IDEM_SHARED_DEFAULTS};
    parse(&a, argc, argv);
    if (idem_output_folder(a.output))
        return 2;
    if (a.sheet && idem_overwrite_file(a.sheet, a.generator))
        return 2;
    int status = open_all(&a) || make_all(&a) || (a.sheet && make_sheet(&a)) ? -1 : 0;
    if (status)
        idem_progress_clear();
    else
        status = report(&a);
    int code = status ? idem_cli_failed() : 0;
    for (int64_t i = 0; i < a.n_kept && a.kept; i++)
        idem_image_free(&a.kept[i]);
    free(a.kept);
    free(a.z);
    free(a.w);
    free(a.ws);
    free(a.pictures);
    idem_pipe_free(a.layers);
    idem_pipe_free(a.mapping);
    idem_model_free(a.model);
    idem_run_folder_release(a.folder);
    return code;
}
