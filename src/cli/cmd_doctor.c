/* idem doctor: what this machine can do. */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/doctor_mpi.h"
#include "cli/json.h"
#include "cli/models.h"
#include "cli/options.h"
#include "idem.h"

static json_t *machine_json(const idem_machine_info *m) {
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:f, s:f}", "cpu", m->cpu, "features", m->features, "isa",
                     m->isa, "isa_of_cpu", m->isa_of_cpu, "cores", m->cores, "cores_online", m->online, "threads",
                     m->threads, "memory_mb", m->memory * 1e-6, "available_mb", m->available * 1e-6);
}

static const char *shown(const char *isa) {
    return !strcmp(isa, "bf16")     ? "AVX-512 with BF16"
           : !strcmp(isa, "avx512") ? "AVX-512"
           : !strcmp(isa, "avx2")   ? "AVX2"
                                    : "neither AVX2 nor AVX-512";
}

/* Which instructions are used, and which the processor does not have: without them everything is slower. */
static void print_isa(const char *runs, const char *has) {
    const bool avx2 = !strcmp(has, "avx2");
    printf("uses       %s", shown(runs));
    if (strcmp(runs, has))
        printf("; it has %s, but IDEM_MAX_ISA limits it to %s\n", shown(has), runs);
    else if (!strcmp(has, "avx512") || !strcmp(has, "bf16"))
        printf("\n");
    else
        printf("; %sresults differ only by rounding, and are slower than with %s\n", avx2 ? "no AVX-512: " : "",
               avx2 ? "it" : "them");
}

static void print_machine(const idem_machine_info *m) {
    printf("processor  %s\n", m->cpu);
    printf("features   %s\n", m->features[0] ? m->features : "none that kernels use");
    print_isa(m->isa, m->isa_of_cpu);
    printf("precision  %s%s\n",
           m->precision_auto == IDEM_PRECISION_F32
               ? "f32; bf16 is possible, but not faster: that needs AVX512_BF16 of AMD"
               : "f32; --precision bf16 or auto is faster for generators",
           strstr(m->features, "amx_bf16") ? "; AMX is not used" : "");
    printf("cores      %d of %d may be used, %d threads will be\n", m->cores, m->online, m->threads);
    printf("memory     %.1f GB, %.1f GB free\n", m->memory * 1e-9, m->available * 1e-9);
}

/* Adds the version of oneDNN and an array of {what, kernel, gflops} to `root`, or prints them. */
static int report_kernels(json_t *root, const char *version, bool as_json) {
    idem_kernel_speed rows[IDEM_KERNELS];
    if (!as_json) {
        printf("kernels    oneDNN %s; two seconds of convolutions, batch 8:\n", version);
        fflush(stdout);
    }
    if (idem_measure_kernels(rows, 2, &idem_cli_stop))
        return -1;
    json_t *list = json_array();
    for (int i = 0; i < IDEM_KERNELS; i++) {
        json_array_append_new(list, json_pack("{s:s, s:s, s:f}", "what", rows[i].what, "kernel", rows[i].kernel,
                                              "gflops", rows[i].gflops));
        if (!as_json)
            printf("           %-36s %-22s %6.1f GFLOP/s\n", rows[i].what, rows[i].kernel, rows[i].gflops);
    }
    json_object_set_new(root, "onednn", json_string(version));
    json_object_set_new(root, "kernels", list);
    return 0;
}

/* Adds an array of {name, state} to `root`, or prints them. */
static int report_models(json_t *root, bool as_json) {
    char folder[IDEM_CLI_FOLDER_BYTES];
    idem_model_list *list = idem_cli_models(NULL, folder);
    int status = list ? 0 : -1;
    bool complete = true;
    json_t *models = json_array();
    for (int i = 0; list && i < list->models && !status; i++) {
        int state;
        status = idem_check_listed_model(&list->model[i], folder, &state);
        if (status)
            break;
        complete = complete && state == IDEM_LISTED_OK;
        json_array_append_new(
            models, json_pack("{s:s, s:s}", "name", list->model[i].name, "state", idem_cli_model_state(state)));
        if (!as_json)
            printf("%s%-10s %s\n", i ? "           " : "models     ", list->model[i].name, idem_cli_model_state(state));
    }
    if (!status && !complete && !as_json)
        printf("           fetch what is missing with: idem model fetch --all\n");
    if (!status)
        json_object_set_new(root, "models_folder", idem_json_name(folder));
    json_object_set_new(root, "models", models);
    idem_free_model_list(list);
    return status;
}

int idem_cmd_doctor(int argc, char **argv) {
    idem_shared shared = IDEM_SHARED_DEFAULTS;
    bool mpi = false;
    const idem_option options[] = {{IDEM_OPT_FLAG, "mpi", 0, NULL, &mpi,
                                    .help = "instead: check the connection of the processes that mpirun or srun "
                                            "started, and measure how fast they sum numbers"},
                                   {0}};
    idem_command_line line = {
        .about =
            "Reports on this machine: processor, memory, which kernels run and how fast (measured for two "
            "seconds), which models are present. IDEM_MAX_ISA=plain, avx2, avx512 or bf16 limits the instructions of "
            "kernels, here and in every command; results then differ only by rounding.",
        .examples = "  idem doctor\n  IDEM_MAX_ISA=plain idem doctor\n  mpirun -np 2 idem doctor --mpi\n",
        .options = options,
        .shared = IDEM_WITH_JSON | IDEM_WITH_THREADS};
    idem_parse(&line, argc, argv, &shared, NULL);
    if (mpi)
        return idem_doctor_mpi(shared.json);
    idem_machine_info machine = {.struct_size = sizeof machine};
    if (idem_get_machine(&machine))
        return idem_cli_failed();
    json_t *root = json_pack("{s:s, s:o}", "version", IDEM_VERSION, "machine", machine_json(&machine));
    if (!shared.json)
        print_machine(&machine);
    int status = report_kernels(root, machine.onednn, shared.json) || report_models(root, shared.json) ? -1 : 0;
    if (!status && shared.json)
        status = idem_json_print(root, 6);
    else
        json_decref(root);
    return status ? idem_cli_failed() : 0;
}
