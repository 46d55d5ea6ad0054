/* idem evaluate-generator: does a generator make people of its own, and many? */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/name.h"
#include "base/rng.h"
#include "base/status.h"
#include "cli/command.h"
#include "cli/inversion.h"
#include "cli/json.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"
#include "cli/report_text.h"
#include "measure/figures.h"
#include "measure/novelty.h"
#include "measure/verification.h"
#include "measure/witness.h"
#include "data/data.h"
#include "train/gan/data.h"
#include "model/origin.h"
#include "model/pipe.h"
#include "media/sheet.h"

enum { BATCH = 8, SHOWN = 32, SHEET_COLUMNS = 8, D = IDEM_JUDGE_DIM };

typedef struct {
    const char *generator, *data, *output;
    const char *invert; /* folder: instead of all else */
    int count, held_out, steps;
    uint64_t data_seed;
    bool held_out_given, data_seed_given;
    bool by_place;           /* a generator of before pictures were held out by content */
    const char *held_out_by; /* "option", "file" or "assumed" */
    double truncation;
    idem_shared shared;
    /* while running */
    idem_model *model;
    idem_gan_data *pictures;
    idem_witness *witness;
    size_t side, picture; /* S; numbers of a picture */
    float *samples;       /* [count, S, S, 3] in [0, 1] */
    float *x, *turned;    /* [BATCH, S, S, 3] */
    float *rows;          /* all descriptors [.., D], as below */
    idem_novelty_set made, apart;
    float *training;
    idem_nearest *nearest;
    idem_novelty figures;
    uint64_t done;
} job;

/* ---- what was held out ---- */

static int read_split(job *j) {
    idem_weights *w;
    if (idem_weights_load(&w, j->generator))
        return -1;
    const char *seed = idem_weights_meta(w, "seed"), *held_out = idem_weights_meta(w, "held_out");
    if (!j->data_seed_given && seed)
        j->data_seed = strtoull(seed, NULL, 10);
    j->held_out_by = j->held_out_given ? "option" : held_out ? "file" : "assumed";
    if (!j->held_out_given && held_out)
        j->held_out = atoi(held_out);
    j->by_place = held_out && !idem_gan_data_split(w);
    idem_weights_free(w);
    if (!strcmp(j->held_out_by, "assumed") && !j->shared.quiet)
        idem_cli_say("%s does not say which pictures it was not shown: the %d portraits may have been among those it "
                     "learnt from",
                     j->generator, j->held_out);
    return j->held_out >= 2 ? 0
                            : idem_fail("%s: %d pictures were held out of its training, expected at least 2",
                                        j->generator, j->held_out);
}

static void on_cache(void *user, size_t done, size_t count) {
    const job *j = user;
    if (done == 1)
        idem_progress_start("reading", "pictures", count, 0, j->shared.quiet);
    idem_progress_update(done, NULL);
    if (done == count)
        idem_progress_finish();
}

static void on_bad(void *user, const char *why) {
    (void)user;
    idem_cli_say("idem: passed over: %s", why);
}

static int open_data(job *j) {
    char name[64];
    snprintf(name, sizeof name, "pictures-%zu.cache", j->side);
    char *cache = idem_path_join(j->output, name);
    const idem_gan_data_options o = {.size = (int)j->side,
                                     .seed = j->data_seed,
                                     .held_out = j->held_out,
                                     .by_place = j->by_place,
                                     .stop = &idem_cli_stop,
                                     .progress = on_cache,
                                     .bad = on_bad,
                                     .user = j};
    j->pictures = cache ? idem_gan_data_open(j->data, cache, &o) : NULL;
    free(cache);
    return j->pictures ? 0 : -1;
}

/* ---- descriptors ---- */

/* Of n <= BATCH pictures in [0, 1], and of their mirror images (NULL: not wanted). */
static int describe(job *j, const float *x, int n, float *plain, float *mirrored) {
    for (int i = 0; i < n && mirrored; i++)
        for (size_t row = 0; row < j->side; row++)
            for (size_t column = 0; column < j->side; column++)
                memcpy(j->turned + (size_t)i * j->picture + (row * j->side + column) * 3,
                       x + (size_t)i * j->picture + (row * j->side + j->side - 1 - column) * 3, 3 * sizeof *x);
    if (idem_cli_stop)
        return idem_fail_as(IDEM_INTERRUPTED, "interrupted");
    if (idem_witness_run(j->witness, n, x, plain, NULL) ||
        (mirrored && idem_witness_run(j->witness, n, j->turned, mirrored, NULL)))
        return -1;
    j->done += (uint64_t)n;
    idem_progress_update(j->done, NULL);
    return 0;
}

static int describe_pictures(job *j, bool held_out, float *plain, float *mirrored) {
    const size_t n = held_out ? idem_gan_data_held_out(j->pictures) : idem_gan_data_count(j->pictures);
    for (size_t first = 0; first < n; first += BATCH) {
        const size_t some = n - first < BATCH ? n - first : BATCH;
        idem_gan_data_look(j->pictures, held_out, first, some, j->x);
        for (size_t i = 0; i < some * j->picture; i++)
            j->x[i] = (j->x[i] + 1) / 2;
        if (describe(j, j->x, (int)some, plain + first * D, mirrored ? mirrored + first * D : NULL))
            return -1;
    }
    return 0;
}

static int describe_samples(job *j) {
    idem_pipe *pipe = idem_pipe_new(j->model, IDEM_PIPE_SAMPLE, BATCH, (float)j->truncation,
                                    &(idem_plan_options){.threads = j->shared.threads, .stop = &idem_cli_stop});
    const size_t z_dim = (size_t)idem_model_about(j->model)->z_dim, n = (size_t)j->count;
    float *z = malloc(n * z_dim * sizeof *z);
    int status = !pipe ? -1 : z ? 0 : idem_fail_as(IDEM_MEMORY, "out of memory for %d codes", j->count);
    if (!status) {
        idem_rng rng = idem_rng_make(j->shared.seed, "novelty.codes");
        idem_rng_fill_normal(&rng, z, n * z_dim);
        status = idem_pipe_run(pipe, n, (const float *const[]){z}, (float *const[]){NULL, j->samples});
    }
    if (!status)
        idem_image_quantise(j->samples, n * j->picture); /* as a file would hold them */
    for (int first = 0; first < j->count && !status; first += BATCH) {
        const int some = j->count - first < BATCH ? j->count - first : BATCH;
        status = describe(j, j->samples + (size_t)first * j->picture, some, (float *)j->made.plain + first * D,
                          (float *)j->made.mirrored + first * D);
    }
    free(z);
    idem_pipe_free(pipe);
    return status;
}

static int make_room(job *j) {
    const size_t count = (size_t)j->count, apart = idem_gan_data_held_out(j->pictures),
                 training = idem_gan_data_count(j->pictures);
    j->samples = malloc(count * j->picture * sizeof *j->samples);
    j->x = malloc(BATCH * j->picture * sizeof *j->x);
    j->turned = malloc(BATCH * j->picture * sizeof *j->turned);
    j->rows = malloc((2 * count + 2 * apart + training) * D * sizeof *j->rows);
    j->nearest = malloc(count * sizeof *j->nearest);
    if (!j->samples || !j->x || !j->turned || !j->rows || !j->nearest || training > 1 << 30)
        return idem_fail_as(IDEM_MEMORY, "out of memory for %zu pictures", training);
    j->made = (idem_novelty_set){j->rows, j->rows + count * D, j->count};
    j->apart = (idem_novelty_set){j->rows + 2 * count * D, j->rows + (2 * count + apart) * D, (int)apart};
    j->training = j->rows + (2 * count + 2 * apart) * D;
    return 0;
}

static int measure(job *j) {
    const idem_plan_options options = {.threads = j->shared.threads, .stop = &idem_cli_stop};
    if (!(j->model = idem_model_open(j->generator)) || idem_model_load_frozen(j->model, NULL))
        return -1;
    j->side = (size_t)idem_model_about(j->model)->size;
    j->picture = j->side * j->side * 3;
    j->witness = idem_witness_new(NULL, idem_model_frame(j->model), (int)j->side, BATCH, &options);
    if (!j->witness || open_data(j) || make_room(j))
        return -1;
    const size_t training = idem_gan_data_count(j->pictures);
    idem_progress_start("measuring", "pictures", training + (uint64_t)j->apart.n + (uint64_t)j->count, 0,
                        j->shared.quiet);
    if (describe_samples(j) || describe_pictures(j, true, (float *)j->apart.plain, (float *)j->apart.mirrored) ||
        describe_pictures(j, false, j->training, NULL))
        return -1;
    idem_progress_finish();
    return idem_novelty_of(&j->figures, &j->made, &j->apart, j->training, (int)training, D, IDEM_JUDGE_THRESHOLD,
                           IDEM_THRESHOLD_FAR, j->shared.seed, j->nearest);
}

/* ---- the sheet: each sample, the nearest ones first, beside its training picture ---- */

static void order_by_nearness(const job *j, int *order) {
    for (int i = 0; i < j->count; i++) {
        int at = i;
        for (; at && j->nearest[order[at - 1]].s < j->nearest[i].s; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

static int draw_sheet(const job *j, const int *order, const char *path) {
    const int n = j->count < SHOWN ? j->count : SHOWN, side = (int)j->side;
    idem_image cells[2 * SHOWN] = {0}, page;
    const idem_image *list[2 * SHOWN];
    char text[2 * SHOWN][64];
    const char *captions[2 * SHOWN];
    int status = 0;
    for (int i = 0; i < 2 * n && !status; i++) {
        const idem_nearest *near = &j->nearest[order[i / 2]];
        const float *x = j->samples + (size_t)order[i / 2] * j->picture;
        if (i % 2) {
            idem_gan_data_look(j->pictures, false, (size_t)near->which, 1, j->x);
            x = j->x;
            idem_name_show(text[i], 41, idem_gan_data_name(j->pictures, false, (size_t)near->which));
        } else {
            snprintf(text[i], sizeof text[i], "sample %d: S %.2f%s", order[i / 2], near->s,
                     near->mirrored ? ", mirrored" : "");
        }
        status = idem_image_from_float(&cells[i], x, side, side, i % 2 ? -1 : 0, 1);
        list[i] = &cells[i];
        captions[i] = text[i];
    }
    const idem_sheet sheet = {.title = "Samples, each beside the training picture nearest to it by the judge",
                              .footer = "holds training pictures: not to be passed on",
                              .captions = captions};
    if (!status && !(status = idem_sheet_list(&page, &sheet, list, 2 * n, SHEET_COLUMNS))) {
        idem_origin origin;
        idem_origin_of(&origin, IDEM_SOURCE_COMPOSITE, j->model, &j->shared.seed);
        status = idem_image_save_png(&page, path, &origin.marks);
        idem_image_free(&page);
    }
    for (int i = 0; i < 2 * n; i++)
        idem_image_free(&cells[i]);
    return status;
}

static int save_sheet(const job *j) {
    int *order = malloc((size_t)j->count * sizeof *order);
    char *path = idem_path_join(j->output, "nearest.png");
    const int status = order && path ? (order_by_nearness(j, order), draw_sheet(j, order, path)) : -1;
    free(order);
    free(path);
    return status;
}

/* ---- the report ---- */

static int put_figures(json_t *report, const char *key, const idem_novelty_figures *f) {
    json_t *o =
        json_pack("{s:i, s:I, s:f}", "n", f->n, "pairs", (json_int_t)f->share.n, "nearest_S_most", f->nearest_most);
    if (json_object_set_new(report, key, o))
        return idem_fail_as(IDEM_MEMORY, "out of memory for a report");
    return idem_figure_put(o, "share_above", &f->share) || idem_figure_put(o, "nearest_S", &f->nearest) ? -1 : 0;
}

static json_t *report_json(const job *j) {
    const idem_novelty *v = &j->figures;
    const idem_figure varied = idem_novelty_varied(v), is_new = idem_novelty_new(v);
    json_t *o =
        json_pack("{s:s, s:i, s:f, s:I, s:i, s:s, s:o, s:f, s:f}", "generator", idem_model_about(j->model)->hash,
                  "size", (int)j->side, "truncation", j->truncation, "training_pictures",
                  (json_int_t)idem_gan_data_count(j->pictures), "held_out", j->apart.n, "held_out_by", j->held_out_by,
                  "seed", idem_json_u64(j->shared.seed), "threshold", IDEM_JUDGE_THRESHOLD, "strangers", v->strangers);
    if (!o)
        return idem_fail_null_as(IDEM_MEMORY, "out of memory for a report");
    if (!put_figures(o, "samples", &v->samples) && !put_figures(o, "portraits", &v->portraits) &&
        !idem_figure_put_verdict(o, "varied", &varied) && !idem_figure_put_verdict(o, "new", &is_new))
        return o;
    json_decref(o);
    return NULL;
}

static void print_row(const json_t *report, const char *label, const char *key, int digits, double scale,
                      const char *unit) {
    printf("%-26s", label);
    idem_report_figure(json_object_get(report, "samples"), key, 9, digits, scale, unit, true);
    idem_report_figure(json_object_get(report, "portraits"), key, 9, digits, scale, unit, true);
}

static void print_verdict(const json_t *report, const char *key, const char *yes, const char *no) {
    const json_t *verdict = json_object_get(report, key);
    printf("  %s\n", json_is_true(verdict) ? yes : json_is_false(verdict) ? no : "-");
}

static void print_report(const json_t *report) {
    char above[64];
    snprintf(above, sizeof above, "pairs above %.3f", IDEM_JUDGE_THRESHOLD);
    printf("%-26s  %9s %-9s  %9s\n", "", "samples", "", "portraits");
    print_row(report, "n", "n", 0, 1, "");
    putchar('\n');
    print_row(report, above, "share_above", 2, 100, " %");
    print_verdict(report, "varied", "at most twice", "MORE THAN TWICE");
    print_row(report, "S of the nearest picture", "nearest_S", 3, 1, "");
    print_verdict(report, "new", "no nearer", "NEARER: it memorises");
    print_row(report, "  the largest", "nearest_S_most", 3, 1, "");
    putchar('\n');
    for (int i = 0; i < 2; i++)
        idem_report_needs(json_object_get(report, i ? "portraits" : "samples"));
    idem_report_needs(report);
}

static int write_report(const job *j) {
    json_t *report = report_json(j);
    char *text = report ? idem_json_text(report, 6) : NULL;
    char *path = idem_path_join(j->output, "report.json");
    int status = !report        ? -1
                 : text && path ? idem_file_write(path, text, strlen(text))
                                : idem_fail_as(IDEM_MEMORY, "out of memory for a report");
    if (!status && j->shared.json)
        puts(text);
    else if (!status)
        print_report(report);
    free(path);
    free(text);
    json_decref(report);
    return status;
}

static void free_all(job *j) {
    idem_gan_data_free(j->pictures);
    idem_witness_free(j->witness);
    idem_model_free(j->model);
    free(j->samples);
    free(j->x);
    free(j->turned);
    free(j->rows);
    free(j->nearest);
}

static int run_inversion(const job *j) {
    const idem_inversion about = {j->generator, j->invert, j->output, j->count, j->steps, j->shared};
    int bad = 0, status = idem_dir_make(j->output) || idem_cli_invert(&about, &bad) ? -1 : 0;
    if (status)
        idem_progress_clear();
    else if (bad)
        status = idem_fail("%d pictures of %s could not be read; the others are measured", bad, j->invert);
    return status ? idem_cli_failed() : 0;
}

static int run_all(job *j) {
    int status = read_split(j) || idem_dir_make(j->output) || measure(j) || save_sheet(j) || write_report(j) ? -1 : 0;
    if (status)
        idem_progress_clear();
    else if (idem_gan_data_bad(j->pictures))
        status = idem_fail("%zu pictures of %s could not be read; the others are measured",
                           idem_gan_data_bad(j->pictures), j->data);
    const int code = status ? idem_cli_failed() : 0;
    free_all(j);
    return code;
}

int idem_cmd_evaluate_generator(int argc, char **argv) {
    job j = {
        .count = 200, .steps = 200, .held_out = 200, .data_seed = 1, .truncation = 1, .shared = IDEM_SHARED_DEFAULTS};
    const idem_option options[] = {
        {IDEM_OPT_TEXT, "generator", 'g', "FILE", &j.generator, .required = true, .help = "StyleGAN2 weights"},
        {IDEM_OPT_TEXT, "data", 'd', "DIR", &j.data, .help = "the pictures it was trained on; not with --invert"},
        {IDEM_OPT_TEXT, "output", 'o', "DIR", &j.output, .required = true,
         .help = "for report.json, nearest.png (samples beside the training pictures nearest to them) and a cache of "
                 "the data; with --invert inversion.json and inverted.png"},
        {IDEM_OPT_INT, "count", 'n', "N", &j.count, .min = 2, .max = 10000, .help = "samples, or pictures to invert"},
        {IDEM_OPT_REAL, "truncation", 't', "PSI", &j.truncation, .min = 0, .max = 1, .help = "of the samples' codes"},
        {IDEM_OPT_INT, "held-out", 0, "N", &j.held_out, .min = 2, .max = 1e6, .was_given = &j.held_out_given,
         .help = "pictures of DIR that its training held out; if not given, as its file says"},
        {IDEM_OPT_U64, "data-seed", 0, "N", &j.data_seed, .was_given = &j.data_seed_given,
         .help = "seed of the training, by which they were chosen; if not given, as its file says"},
        {IDEM_OPT_TEXT, "invert", 0, "DIR", &j.invert,
         .help = "instead of all that: how well can it paint these portraits, which it was not shown? Codes of every "
                 "layer are fitted to the pixels of each, in the generator's frame; the judge says whether it is the "
                 "person. Compares generators of one size"},
        {IDEM_OPT_INT, "steps", 0, "N", &j.steps, .min = 1, .max = 100000, .help = "of fitting, for a portrait"},
        {0}};
    const idem_command_line line = {
        .about = "Measures by the judge, a face recogniser never used in training, whether a generator makes many "
                 "different people (the share of pairs of samples that pass for one person, beside that of portraits) "
                 "and new ones (how near samples are to the nearest training picture, beside portraits that training "
                 "was not shown).",
        .examples = "  idem evaluate-generator -g run/generator.safetensors -d portraits -o proof\n"
                    "  idem evaluate-generator -g run/generator.safetensors --invert held-out -n 500 -o proof\n",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_SEED | IDEM_WITH_THREADS};
    idem_parse(&line, argc, argv, &j.shared, NULL);
    if (!j.data == !j.invert) {
        idem_fail("give either --data or --invert");
        idem_cli_failed();
        return 2;
    }
    if (idem_output_folder(j.output))
        return 2;
    return j.invert ? run_inversion(&j) : run_all(&j);
}
