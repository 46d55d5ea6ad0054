/* idem sample: pictures of a generator with their codes, in the layout that training reads. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/json.h"
#include "cli/library.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"

enum { PATH_BYTES = 4096, SHEET_MAX = 400 };

typedef struct {
    const char *generator, *output, *sheet;
    int64_t count;
    int cutoff, batch;
    double truncation;
    idem_shared shared;
    /* while running */
    char root[PATH_BYTES]; /* DIR/dataset_SIZE */
    idem_context *context;
    idem_info model;
    int made;
} sample;

static void parse(sample *a, int argc, char **argv) {
    const idem_option options[] = {
        {IDEM_OPT_TEXT, "generator", 'g', "FILE", &a->generator, .required = true, .help = "StyleGAN2 weights"},
        {IDEM_OPT_TEXT, "output", 'o', "DIR", &a->output, .required = true,
         .help = "becomes DIR/dataset_SIZE/images/00000/00000.png and DIR/dataset_SIZE/ws/00000/00000.npy"},
        {IDEM_OPT_LONG, "count", 'n', "N", &a->count, .min = 1, .max = 1e8, .help = "pictures in all"},
        {IDEM_OPT_REAL, "truncation", 't', "PSI", &a->truncation, .min = 0, .max = 2,
         .help = "pulls codes to the mean: 0: the mean face, 1: not at all"},
        {IDEM_OPT_INT, "cutoff", 'c', "L", &a->cutoff, .min = -1, .max = 64,
         .help = "truncate only the first L layers; -1: all"},
        {IDEM_OPT_INT, "batch", 'b', "N", &a->batch, .min = 1, .max = 256,
         .help = "pictures per batch; another batch size rounds differently: a byte in ten thousand may be one higher "
                 "or lower"},
        {IDEM_OPT_TEXT, "sheet", 0, "FILE", &a->sheet,
         .help = "also write a PNG that shows the first pictures (at most 400)"},
        {0},
    };
    const idem_command_line line = {
        .about =
            "Samples pictures from a generator and stores each with its code w (float32, one row per layer). Picture i "
            "depends only on the seed and i; existing files are kept, so a stopped command can simply be repeated.",
        .examples = "  idem sample -g models/generator-128.safetensors -n 5000 -t 0.9 -o data\n"
                    "  idem sample -g models/generator-128.safetensors -n 40 --seed 7 -o out --sheet out/sheet.png",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_SEED | IDEM_WITH_THREADS,
    };
    idem_parse(&line, argc, argv, &a->shared, NULL);
}

/* ---- making ---- */

static void show_progress(void *user, int done, int of) {
    (void)user;
    (void)of;
    idem_progress_update((uint64_t)done, NULL);
}

static int make_all(sample *a) {
    const idem_model_files files = {.generator = a->generator, .mapper = ""};
    idem_sampling sampling;
    idem_sampling_default(&sampling);
    sampling.seed = a->shared.seed;
    sampling.truncation = a->truncation;
    sampling.cutoff = a->cutoff;
    a->model.struct_size = sizeof a->model;
    if (!(a->context = idem_cli_open(&files, &a->shared, 0)) || idem_get_info(a->context, &a->model) ||
        idem_set_batch(a->context, a->batch) || idem_set_progress(a->context, show_progress, NULL))
        return -1;
    if (snprintf(a->root, sizeof a->root, "%s/dataset_%d", a->output, a->model.size) >= (int)sizeof a->root)
        return idem_cli_fail("%.100s...: the path is too long", a->output);
    idem_progress_start("sampling", "pictures", (uint64_t)a->count, 0, a->shared.quiet);
    if (idem_sample_folder(a->context, a->output, &sampling, (int)a->count, &a->made))
        return -1;
    idem_progress_finish();
    return 0;
}

/* ---- the sheet ---- */

static int draw_sheet(const sample *a, const idem_view *views, int n) {
    char title[160];
    snprintf(title, sizeof title, "Samples of generator %s, seed %" PRIu64 ", truncation %g", a->model.generator,
             a->shared.seed, a->truncation);
    const idem_page page = {
        .struct_size = sizeof page, .title = title, .footer = "idem: synthetic faces, nobody's portrait"};
    idem_writing writing;
    idem_writing_default(&writing);
    writing.format = IDEM_FORMAT_AS_PNG;
    writing.origin = IDEM_ORIGIN_GENERATED;
    writing.seed = &a->shared.seed;
    return idem_write_page(a->context, a->sheet, views, n, &page, &writing);
}

static int make_sheet(sample *a) {
    const int n = a->count < SHEET_MAX ? (int)a->count : SHEET_MAX;
    const size_t bytes = (size_t)a->model.size * (size_t)a->model.size * 3;
    uint8_t *rgb = idem_cli_table((size_t)n, bytes);
    idem_view *views = idem_cli_table((size_t)n, sizeof *views);
    int status = rgb && views ? 0 : -1;
    for (int i = 0; i < n && !status; i++) {
        char path[PATH_BYTES + 64];
        snprintf(path, sizeof path, "%s/images/%05d/%05d.png", a->root, i / 1000 * 1000, i);
        status = idem_read_picture(a->context, path, rgb + (size_t)i * bytes);
        views[i] = (idem_view){rgb + (size_t)i * bytes, a->model.size, a->model.size};
    }
    if (!status)
        status = draw_sheet(a, views, n);
    free(views);
    free(rgb);
    return status;
}

static int report(const sample *a) {
    if (a->shared.json) {
        return idem_json_print(json_pack("{s:o, s:I, s:I, s:o, s:f, s:s}", "folder", idem_json_name(a->root), "count",
                                         (json_int_t)a->count, "made", (json_int_t)a->made, "seed",
                                         idem_json_u64(a->shared.seed), "truncation", a->truncation, "generator",
                                         a->model.generator),
                               9);
    } else if (!a->shared.quiet) {
        idem_cli_say("%" PRId64 " pictures of %dx%d in %s, %d of them new, seed %" PRIu64, a->count, a->model.size,
                     a->model.size, a->root, a->made, a->shared.seed);
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
    int status = make_all(&a) || (a.sheet && make_sheet(&a)) ? -1 : 0;
    if (status)
        idem_progress_clear();
    else
        status = report(&a);
    int code = status ? idem_cli_failed() : 0;
    idem_cli_close(a.context);
    return code;
}
