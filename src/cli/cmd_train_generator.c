/* idem train-generator: a StyleGAN2 from a folder of pictures. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/field_options.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"
#include "cli/train_progress.h"
#include "cli/train_report.h"
#include "idem.h"

typedef struct {
    idem_train_view view; /* first: the watch's `user` is both */
    idem_train_generator_options o;
    bool resume;
    idem_shared shared;
    idem_field_options fields;
    int64_t pictures;                     /* shown */
    double d_loss, g_loss, sign, rebuilt; /* smoothed */
    idem_train_result result;
} train;

static void parse(train *a, int argc, char **argv) {
    const idem_option fixed[] = {
        {IDEM_OPT_TEXT, "data", 'd', "DIR", &a->o.data, .required = true,
         .help = "folder tree of pictures (PNG, JPEG, WebP, HEIC or AVIF); their middle squares are used, those that "
                 "cannot be read are "
                 "named and left out"},
        {IDEM_OPT_TEXT, "output", 'o', "RUN", &a->o.run, .required = true,
         .help =
             "folder for checkpoints, generator.safetensors, metrics.jsonl, events, samples and the cache of the data"},
        {IDEM_OPT_FLAG, "resume", 'r', NULL, &a->resume,
         .help = "continue the run in RUN bit for bit, with its own options; start it if there is none"},
        IDEM_TIME_LIMIT(&a->view.time_limit),
        {IDEM_OPT_TEXT, "start", 0, "FILE", &a->o.start,
         .help = "take the generator's weights from this one, of the same or a lower resolution, with as many channels "
                 "or fewer; from a checkpoint of another run, the discriminator's too. What is new has no effect at "
                 "first"},
        {IDEM_OPT_TEXT, "mapper", 'm', "FILE", &a->o.mapper,
         .help = "a mapper of the generator --start, which finds codes of the pictures for --rebuild; they are kept in "
                 "RUN"},
        {IDEM_OPT_HEADER, .help = "The recipe"},
    };
    idem_option options[sizeof fixed / sizeof fixed[0] + IDEM_SETTINGS_MOST + 1] = {0};
    memcpy(options, fixed, sizeof fixed);
    idem_field_options_add(&a->fields, "generator", options, sizeof fixed / sizeof fixed[0]);
    const idem_command_line line = {
        .about =
            "Trains a StyleGAN2 generator: style mixing, residual discriminator, non-saturating loss, lazy R1, a "
            "moving "
            "average of the weights, augmentation that adapts to the data. All options are stored in the checkpoints. "
            "Ctrl-C saves a checkpoint; --resume continues as if nothing had happened.",
        .examples = "  idem train-generator -d portraits -o out/gen --size 64\n"
                    "  idem train-generator -d portraits -o out/gen --resume\n"
                    "  idem train-generator -d portraits -o out/gen128 --size 128 \\\n"
                    "      --start out/gen/checkpoint-0000062500.safetensors",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS,
    };
    idem_parse(&line, argc, argv, &a->shared, NULL);
}

static void words(void *command, const idem_train_progress *p, char *text, size_t size) {
    train *a = command;
    a->pictures = p->done;
    idem_train_smooth(&a->d_loss, idem_train_number(p->figure, p->figures, "d_loss"));
    idem_train_smooth(&a->g_loss, idem_train_number(p->figure, p->figures, "g_loss"));
    idem_train_smooth(&a->sign, idem_train_number(p->figure, p->figures, "sign"));
    idem_train_smooth(&a->rebuilt, idem_train_number(p->figure, p->figures, "rebuilt"));
    int n = a->rebuilt > 0 ? snprintf(text, size, "rebuilt %.3f, ", a->rebuilt) : 0;
    n += snprintf(text + n, size - (size_t)n, "D %.3f, G %.3f, ", a->d_loss, a->g_loss);
    if (a->sign != 0) /* without --d-weight there is none */
        n += snprintf(text + n, size - (size_t)n, "sign rate %.2f, ", a->sign);
    snprintf(text + n, size - (size_t)n, "augmentation %.2f", idem_train_number(p->figure, p->figures, "strength"));
}

static void started(void *user, const idem_train_start *s) {
    train *a = user;
    const idem_settings *r = s->settings;
    char seed[IDEM_SETTING_TEXT] = "";
    if (a->resume && !s->resumed && !a->shared.quiet)
        idem_cli_say("%s holds no checkpoint: the run begins, with the options of this command", a->o.run);
    if (!a->shared.quiet && !idem_settings_get(r, "seed", seed))
        idem_cli_say("seed %s, %" PRId64
                     " pictures of %.0f px, batch %.0f, rate %g, %.0f MB of activations, %d threads",
                     seed, s->pictures, idem_setting_number(r, "size"), idem_setting_number(r, "batch"),
                     idem_setting_number(r, "rate"), s->activation_mb, s->threads);
    a->pictures = s->done;
    idem_train_view_start(&a->view, s);
}

static int print_report(const train *a, const idem_train_result *r) {
    return idem_train_print(json_pack("{s:b, s:I, s:I, s:I, s:f, s:f}", "finished", r->finished, "pictures",
                                      (json_int_t)a->pictures, "iteration", (json_int_t)r->iteration, "iterations",
                                      (json_int_t)r->iterations, "seconds", r->seconds, "peak_rss_mb", r->peak_mb));
}

static int train_it(void *command) {
    train *a = command;
    a->result.struct_size = sizeof a->result;
    a->view.quiet = a->shared.quiet;
    a->view.unit = "pictures";
    a->view.left_out = "passed over";
    a->view.words = words;
    idem_train_view_begin(&a->view);
    a->view.watch.started = started;
    a->o.watch = &a->view.watch;
    a->o.settings = a->fields.settings;
    a->o.resume = a->resume;
    a->o.threads = a->shared.threads;
    return idem_train_generator(&a->o, &a->result);
}

static int report(void *command) {
    const train *a = command;
    idem_progress_finish();
    const int code = a->shared.json ? print_report(a, &a->result) : 0;
    if (code || !a->result.left_out)
        return code;
    idem_cli_say("idem: %" PRId64 " picture%s of %s could not be read; the generator is trained on the others",
                 a->result.left_out, a->result.left_out == 1 ? "" : "s", a->o.data);
    return 1;
}

int idem_cmd_train_generator(int argc, char **argv) {
    train a = {.shared = IDEM_SHARED_DEFAULTS};
    idem_train_generator_options_default(&a.o);
    parse(&a, argc, argv);
    int code;
    if (idem_field_options_apply(&a.fields))
        code = idem_cli_failed();
    else if (a.o.start && idem_overwrite_folder(a.o.run, &a.o.start, 1, "@(generator|checkpoint-*).safetensors"))
        code = 2;
    else
        code = idem_train_as_rank(&a, train_it, report);
    idem_field_options_free(&a.fields);
    return code;
}
