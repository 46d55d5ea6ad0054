/* idem_measure_generator and idem_measure_inversion. */
#include <stdlib.h>
#include <string.h>

#include "api/measuring.h"
#include "base/file.h"
#include "base/status.h"
#include "measure/figures.h"
#include "measure/inversion.h"
#include "measure/verification.h"
#include "train/gan/proof.h"

enum { COUNT_MIN = 2, COUNT_MAX = 10000, STEPS_MAX = 100000, HELD_OUT_MAX = 1000000, DIGITS = 6 };

static void tell(void *measuring, const char *what, uint64_t done, uint64_t all) {
    idem_measuring_tell(measuring, what, done, all);
}

static int check_paths(const char *call, const char *generator, const char *name, const char *pictures,
                       const char *output) {
    return generator && pictures && output ? 0
                                           : idem_fail("%s: %s is NULL, expected a %s", call,
                                                       !generator  ? "generator"
                                                       : !pictures ? name
                                                                   : "output",
                                                       generator ? "folder" : "file");
}

static int check_count(const char *call, int count) {
    return count >= COUNT_MIN && count <= COUNT_MAX
               ? 0
               : idem_fail("%s: count is %d, expected %d to %d", call, count, COUNT_MIN, COUNT_MAX);
}

/* The report as text, also in its file; NULL with a message. Releases j. */
static char *write_report(json_t *j, const char *output, const char *name, const uint64_t *seed) {
    char *text = j ? idem_measuring_text(j, DIGITS, seed) : NULL, *path = text ? idem_path_join(output, name) : NULL;
    const int status = path ? idem_file_write(path, text, strlen(text)) : -1;
    free(path);
    if (!status)
        return text;
    free(text);
    return NULL;
}

static json_t *no_memory(void) {
    return idem_fail_null_as(IDEM_MEMORY, "out of memory for a report");
}

static void clear(char **json, int *unreadable) {
    if (json)
        *json = NULL;
    if (unreadable)
        *unreadable = 0;
}

/* ---- new people, and their diversity ---- */

void idem_measure_generator_options_init(idem_measure_generator_options *options, size_t struct_size) {
    idem_measure_init(options, struct_size);
    if (!options || struct_size < sizeof *options)
        return;
    options->count = 200;
    options->truncation = 1;
    options->seed = 1;
}

static int check_generator(const char *call, const idem_measure_generator_options *o) {
    if (idem_struct_check(call, o, sizeof *o) || check_paths(call, o->generator, "data", o->data, o->output) ||
        check_count(call, o->count))
        return -1;
    if (o->held_out && (o->held_out < COUNT_MIN || o->held_out > HELD_OUT_MAX))
        return idem_fail("%s: held_out is %d, expected 0, or %d to %d", call, o->held_out, COUNT_MIN, HELD_OUT_MAX);
    if (o->apart && (o->held_out || o->data_seed))
        return idem_fail("%s: apart is %s, and held_out or data_seed is given: either the portraits are in a folder of "
                         "their own, or they are chosen from data",
                         call, o->apart);
    return o->truncation >= 0 && o->truncation <= 1
               ? 0
               : idem_fail("%s: truncation is %g, expected 0 to 1", call, o->truncation);
}

static int put_figures(json_t *report, const char *key, const idem_novelty_figures *f, const idem_variety *v) {
    json_t *o =
        json_pack("{s:i, s:I, s:f}", "n", f->n, "pairs", (json_int_t)f->share.n, "nearest_S_most", f->nearest_most);
    if (json_object_set_new(report, key, o))
        return idem_fail_as(IDEM_MEMORY, "out of memory for a report");
    return idem_figure_put(o, "share_above", &f->share) || idem_figure_put(o, "nearest_S", &f->nearest) ||
                   idem_variety_put(o, v)
               ? -1
               : 0;
}

static json_t *proof_json(const idem_gan_proof *p, double truncation) {
    const idem_novelty *v = &p->novelty;
    const idem_figure varied = idem_novelty_varied(v), is_new = idem_novelty_new(v);
    json_t *o = json_pack("{s:s, s:i, s:f, s:I, s:i, s:s, s:i, s:f, s:f}", "generator", p->generator, "size", p->size,
                          "truncation", truncation, "training_pictures", (json_int_t)p->training, "held_out",
                          v->portraits.n, "held_out_by", p->held_out_by, "seed", 0, "threshold", IDEM_JUDGE_THRESHOLD,
                          "strangers", v->strangers);
    if (!o)
        return no_memory();
    if (!put_figures(o, "samples", &v->samples, &p->samples) &&
        !put_figures(o, "portraits", &v->portraits, &p->portraits) && !idem_figure_put_verdict(o, "varied", &varied) &&
        !idem_figure_put_verdict(o, "new", &is_new))
        return o;
    json_decref(o);
    return NULL;
}

int idem_measure_generator(const idem_measure_generator_options *options, char **json, int *unreadable) {
    static const char call[] = "idem_measure_generator";
    idem_measuring m;
    clear(json, unreadable);
    if (check_generator(call, options) || idem_measuring_begin(&m, call, &options->watch, options->threads))
        return -1;
    const idem_gan_proof_options o = {.generator = options->generator,
                                      .data = options->data,
                                      .models = options->models,
                                      .output = options->output,
                                      .count = options->count,
                                      .truncation = options->truncation,
                                      .seed = options->seed,
                                      .held_out = options->held_out,
                                      .data_seed = options->data_seed,
                                      .apart = options->apart,
                                      .plan = m.plan,
                                      .progress = tell,
                                      .bad = idem_measuring_on_bad,
                                      .user = &m};
    idem_gan_proof proof;
    char *text = idem_gan_prove(&proof, &o)
                     ? NULL
                     : write_report(proof_json(&proof, o.truncation), o.output, "report.json", &options->seed);
    if (unreadable)
        *unreadable = (int)proof.bad;
    const int status = text ? 0 : -1;
    idem_measuring_give(text, json);
    return idem_measuring_end(&m, status);
}

/* ---- portraits outside the training data ---- */

void idem_measure_inversion_options_init(idem_measure_inversion_options *options, size_t struct_size) {
    idem_measure_init(options, struct_size);
    if (!options || struct_size < sizeof *options)
        return;
    options->count = 200;
    options->steps = 200;
    options->seed = 1;
}

static json_t *inversion_json(const idem_inversion *v, int steps) {
    json_t *o = json_pack("{s:s, s:i, s:i, s:i, s:f, s:i, s:f, s:f, s:f}", "generator", v->generator, "size", v->size,
                          "n", v->n, "steps", steps, "rate", IDEM_INVERSION_RATE, "seed", 0, "threshold",
                          IDEM_JUDGE_THRESHOLD, "strangers", v->strangers, "seconds_a_picture", v->each);
    if (!o)
        return no_memory();
    if (!idem_figure_put(o, "psnr", &v->psnr) && !idem_figure_put(o, "S", &v->s) &&
        !idem_figure_put(o, "share_above", &v->above))
        return o;
    json_decref(o);
    return NULL;
}

int idem_measure_inversion(const idem_measure_inversion_options *options, char **json, int *unreadable) {
    static const char call[] = "idem_measure_inversion";
    idem_measuring m;
    clear(json, unreadable);
    if (idem_struct_check(call, options, sizeof *options) ||
        check_paths(call, options->generator, "pictures", options->pictures, options->output) ||
        check_count(call, options->count))
        return -1;
    if (options->steps < 1 || options->steps > STEPS_MAX)
        return idem_fail("%s: steps is %d, expected 1 to %d", call, options->steps, STEPS_MAX);
    if (idem_measuring_begin(&m, call, &options->watch, options->threads))
        return -1;
    const idem_inversion_options o = {.generator = options->generator,
                                      .pictures = options->pictures,
                                      .models = options->models,
                                      .output = options->output,
                                      .count = options->count,
                                      .steps = options->steps,
                                      .seed = options->seed,
                                      .plan = m.plan,
                                      .progress = tell,
                                      .bad = idem_measuring_on_bad,
                                      .user = &m};
    idem_inversion v;
    char *text = idem_inversion_run(&v, &o)
                     ? NULL
                     : write_report(inversion_json(&v, o.steps), o.output, "inversion.json", &options->seed);
    if (unreadable)
        *unreadable = v.bad;
    const int status = text ? 0 : -1;
    idem_measuring_give(text, json);
    return idem_measuring_end(&m, status);
}
