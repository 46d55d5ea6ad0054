/* The program from outside: help, wrong usage, exit codes, interruption, inspecting models. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/file.h"
#include "base/sha256.h"
#include "base/status.h"
#include "format/weights.h"
#include "support/program.h"

#define RUN(...) program_run(program_folder, __VA_ARGS__)

/* ---- help and usage ---- */

static void help_lists_every_command_and_each_has_its_own(void **state) {
    (void)state;
    assert_int_equal(RUN("$IDEM --help"), 0);
    assert_true(program_says("Usage: idem COMMAND"));
    char *help = strdup(program_output);
    int commands = 0;
    for (char *line = strtok(help, "\n"); line; line = strtok(NULL, "\n")) {
        char name[64];
        if (sscanf(line, "  %63[a-z-] ", name) != 1 || !strcmp(name, "idem"))
            continue;
        commands++;
        assert_int_equal(RUN("$IDEM %s --help", name), 0);
        assert_true(program_says("Usage: idem "));
        assert_true(program_says(name));
        assert_true(program_says("--quiet"));
        assert_int_equal(RUN("$IDEM %s --no-such-option", name), 2);
        assert_true(program_says("--no-such-option"));
    }
    free(help);
    int files = 0;
    assert_int_equal(RUN("ls src/cli/cmd_*.c src/serve/cmd_*.c | wc -l"), 0);
    assert_int_equal(sscanf(program_output, "%d", &files), 1);
    assert_int_equal(commands, files);
    assert_int_equal(RUN("$IDEM help doctor"), 0);
    assert_true(program_says("default 0"));
    /* Their summaries stand in one column. */
    assert_int_equal(RUN("$IDEM --help | sed -n 's/^\\(  [a-z][a-z-]*   *\\).*/\\1x/p' | awk 'NF == 2 {print "
                         "length($0)}' | sort -u"),
                     0);
    assert_int_equal(program_lines(), 1);
}

static void wrong_usage_exits_2_and_says_what_to_do(void **state) {
    (void)state;
    assert_int_equal(RUN("$IDEM"), 2);
    assert_int_equal(RUN("$IDEM docter"), 2);
    assert_true(program_says("did you mean \"doctor\"?"));
    assert_int_equal(RUN("$IDEM xyzzy-nothing-like-it"), 2);
    assert_true(program_says("--help"));
    assert_int_equal(RUN("$IDEM doctor --threads=-1"), 2);
    assert_true(program_says("\"-1\" is not a number from 0 to 4096"));
    assert_int_equal(RUN("$IDEM doctor --threads=2x"), 2);
    assert_int_equal(RUN("$IDEM doctor --threads="), 2);
    assert_int_equal(RUN("$IDEM doctor --threads=99999999999999999999"), 2);
    static const char *const times[] = {"2", "1:60", "00:00", "1:-5", "0:00:61", "1:00:00:00", "a:00", ""};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        assert_int_equal(RUN("$IDEM train -g x -o y --time-limit '%s'", times[i]), 2);
        assert_true(program_says("is not a time such as 23:30"));
    }
    assert_int_equal(RUN("$IDEM doctor surplus"), 2);
    assert_true(program_says("surplus"));
    assert_int_equal(RUN("$IDEM model"), 2);
    assert_int_equal(RUN("$IDEM model lost"), 2);
    assert_int_equal(RUN("$IDEM model fetch"), 2);
    assert_int_equal(RUN("$IDEM model fetch --all detect"), 2);
    assert_int_equal(RUN("$IDEM model fetch nothing"), 2);
    assert_true(program_says("idem model list"));
    assert_int_equal(RUN("$IDEM model inspect"), 2);
    assert_true(program_says("FILE must be given"));
}

/* groff's warnings on stderr would be in the output; -z prints nothing else. */
static void manual_pages_are_sound(void **state) {
    (void)state;
    assert_int_equal(RUN("$IDEM --man"), 0);
    assert_true(program_says(".TH IDEM 1") && program_says("idem\\-doctor"));
    assert_int_equal(RUN("$IDEM doctor --man"), 0);
    assert_true(program_says(".TH IDEM-DOCTOR 1") && program_says("\\-\\-threads=\\fIN\\fR") &&
                program_says("default 0"));
}

static void groff_has_no_complaint_of_the_manual_pages(void **state) {
    (void)state;
    if (RUN("command -v groff") != 0) {
        print_message("skip: groff is not installed\n");
        skip();
    }
    assert_int_equal(
        RUN("for c in '' $(ls src/cli/cmd_*.c src/serve/cmd_*.c | sed 's/.*cmd_//; s/\\.c$//; s/_/-/g'); do "
            "$IDEM $c --man | groff -man -ww -z || exit; done"),
        0);
    assert_string_equal(program_output, "");
}

static void version_is_printed(void **state) {
    (void)state;
    assert_int_equal(RUN("$IDEM --version"), 0);
    assert_int_equal(strncmp(program_output, "idem 0.", 7), 0);
}

static void output_that_does_not_arrive_is_a_failure(void **state) {
    (void)state;
    assert_int_equal(RUN("$IDEM model list > /dev/full"), 1);
    assert_true(program_says("standard output"));
}

/* ---- doctor ---- */

static void doctor_reports_machine_kernels_and_models(void **state) {
    (void)state;
    assert_int_equal(RUN("$IDEM doctor --json --threads 1"), 0);
    json_error_t error;
    json_t *root = json_loads(program_output, 0, &error);
    assert_non_null(root);
    json_t *machine, *kernels, *models;
    const char *version;
    assert_int_equal(json_unpack(root, "{s:o, s:o, s:o, s:s}", "machine", &machine, "kernels", &kernels, "models",
                                 &models, "onednn", &version),
                     0);
    assert_int_equal(json_integer_value(json_object_get(machine, "threads")), 1);
    assert_true(json_number_value(json_object_get(machine, "memory_mb")) > 100);
    assert_true(json_array_size(kernels) >= 4 && json_array_size(models) >= 6);
    size_t i;
    json_t *row;
    json_array_foreach(kernels, i, row) {
        assert_true(json_number_value(json_object_get(row, "gflops")) > 0);
        assert_true(strlen(json_string_value(json_object_get(row, "kernel"))) > 0);
    }
    json_decref(root);
}

static json_t *doctor(const char *isa) {
    assert_int_equal(RUN("IDEM_MAX_ISA=%s $IDEM doctor --json --threads 1", isa), 0);
    json_t *root = json_loads(program_output, 0, NULL);
    assert_non_null(root);
    return root;
}

/* Every machine can stand for one with less. */
static void doctor_names_what_lesser_machines_run(void **state) {
    (void)state;
    json_t *root = doctor("plain"), *machine = json_object_get(root, "machine"), *row;
    assert_string_equal(json_string_value(json_object_get(machine, "isa")), "plain");
    size_t i;
    json_array_foreach(json_object_get(root, "kernels"), i, row)
        assert_null(strstr(json_string_value(json_object_get(row, "kernel")), "avx"));
    bool wide = strcmp(json_string_value(json_object_get(machine, "isa_of_cpu")), "plain") != 0;
    json_decref(root);
    root = doctor("avx2");
    bool named = false;
    json_array_foreach(json_object_get(root, "kernels"), i, row) {
        const char *kernel = json_string_value(json_object_get(row, "kernel"));
        named = named || strstr(kernel, "avx2");
        assert_null(strstr(kernel, "avx512"));
    }
    assert_true(named == wide);
    json_decref(root);
    assert_int_equal(RUN("IDEM_MAX_ISA=plain $IDEM doctor"), 0);
    assert_true(program_says("uses       neither AVX2 nor AVX-512"));
    assert_true(program_says(wide ? "but IDEM_MAX_ISA limits it to plain" : "slower than with them"));
    assert_int_equal(RUN("$IDEM doctor"), 0);
    bool most = program_says("uses       AVX-512\n") || program_says("uses       AVX-512 with BF16\n");
    assert_true(most || program_says("slower than with "));
    assert_int_equal(RUN("IDEM_MAX_ISA=sse9 $IDEM doctor"), 2);
    assert_true(program_says("IDEM_MAX_ISA is \"sse9\", expected plain, avx2, avx512 or bf16"));
    assert_int_equal(RUN("$IDEM doctor --help"), 0);
    assert_true(program_says("IDEM_MAX_ISA=plain"));
}

static void interruption_exits_130(void **state) {
    (void)state;
    /* It writes what it has before it begins to measure for two seconds. */
    assert_int_equal(
        RUN("$IDEM doctor > $DIR/report & p=$!; for i in $(seq 3000); do test -s $DIR/report && break; sleep "
            "0.02; done; kill -TERM $p; wait $p"),
        130);
    assert_true(program_says("idem: interrupted"));
}

/* Of scripts and tools beside the program: --help does nothing else, unknown options are wrong usage. */
static void scripts_have_help_and_refuse_the_unknown(void **state) {
    (void)state;
    assert_int_equal(
        RUN("for s in scripts/* \"${IDEM%%/*}/tests/check-fixture\"; do h=$($s --help) && [ -n \"$h\" ] || "
            "{ echo $s --help; exit 1; }; r=0; $s --no-such || r=$?; [ $r = 2 ] || { echo $s $r; exit 1; }; "
            "done"),
        0);
}

/* ---- models ---- */

static void inspect_describes_weights(void **state) {
    (void)state;
    idem_weights *w = idem_weights_new();
    assert_non_null(idem_weights_add(w, "mapper.0.weight", IDEM_SHAPE(3, 5)));
    assert_non_null(idem_weights_add(w, "layer4.0.conv2.weight", IDEM_SHAPE(2, 2, 3, 3)));
    assert_int_equal(idem_weights_set_meta(w, "seed", "7\033[2J"), 0);
    char *path = idem_path_join(program_folder, "w.safetensors");
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_F16), 0);
    idem_weights_free(w);
    free(path);
    assert_int_equal(RUN("$IDEM model inspect $DIR/w.safetensors"), 0);
    assert_true(program_says("safetensors") && program_says("51 numbers in 2 tensors") &&
                program_says("mapper.0.weight") && program_says("[3, 5]"));
    assert_true(program_says("[2, 2, 3, 3]") && program_says("float16") &&
                program_says("does not fit: idem mapper M: "));
    assert_true(program_says("seed = 7\\x1B[2J")); /* what could steer a terminal is escaped */
    assert_int_equal(RUN("$IDEM model inspect --json $DIR/w.safetensors"), 0);
    json_error_t error;
    json_t *root = json_loads(program_output, 0, &error);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "numbers")), 51);
    json_decref(root);
}

static void inspect_says_what_a_foreign_file_is(void **state) {
    (void)state;
    program_file(program_folder, "x.png", "\x89PNG\r\n\x1a\nxxxxxxxxxxxxxxxxxxxxxxxx", false);
    assert_int_equal(RUN("$IDEM model inspect $DIR/x.png"), 1);
    assert_true(program_says("PNG picture"));
    assert_int_equal(RUN("$IDEM model inspect $DIR/absent"), 1);
    assert_true(program_says("No such file"));
    assert_int_equal(RUN("$IDEM model inspect $DIR"), 1);
    assert_int_equal(RUN(": > $DIR/empty; $IDEM model inspect $DIR/empty"), 1);
}

/* The library's names of settings and fields become options; names of files do not. */
static void names_of_files_are_no_options(void **state) {
    (void)state;
    static const char *const names[] = {"options.data", "settings.rate", "settings.rate.zip", "a/options.resume"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char said[64];
        snprintf(said, sizeof said, "idem: %s: cannot open: No such file", names[i]);
        assert_int_equal(RUN("cd $DIR && $IDEM model inspect %s", names[i]), 1);
        assert_true(program_says(said));
    }
}

/* ---- SHA-256, which the above trusts: examples of FIPS 180 and lengths around a block against sha256sum ---- */

static void sha256_matches_its_standard(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    char hex[65];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        idem_sha256 s = idem_sha256_make();
        for (const char *c = rows[i][0]; *c; c++)
            idem_sha256_add(&s, c, 1);
        idem_sha256_end(&s, hex);
        assert_string_equal(hex, rows[i][1]);
    }
    char *path = idem_path_join(program_folder, "bytes");
    static const int lengths[] = {54, 55, 56, 57, 63, 64, 65, 119, 120, 128, 100000};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        assert_int_equal(RUN("head -c %d $IDEM > $DIR/bytes; sha256sum < $DIR/bytes", lengths[i]), 0);
        assert_int_equal(idem_sha256_file(path, hex), 0);
        assert_int_equal(strncmp(program_output, hex, 64), 0);
    }
    free(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_lists_every_command_and_each_has_its_own),
        cmocka_unit_test(wrong_usage_exits_2_and_says_what_to_do),
        cmocka_unit_test(manual_pages_are_sound),
        cmocka_unit_test(groff_has_no_complaint_of_the_manual_pages),
        cmocka_unit_test(version_is_printed),
        cmocka_unit_test(output_that_does_not_arrive_is_a_failure),
        cmocka_unit_test(doctor_reports_machine_kernels_and_models),
        cmocka_unit_test(doctor_names_what_lesser_machines_run),
        cmocka_unit_test(interruption_exits_130),
        cmocka_unit_test(scripts_have_help_and_refuse_the_unknown),
        cmocka_unit_test(inspect_describes_weights),
        cmocka_unit_test(inspect_says_what_a_foreign_file_is),
        cmocka_unit_test(names_of_files_are_no_options),
        cmocka_unit_test(sha256_matches_its_standard),
    };
    return cmocka_run_group_tests(tests, program_enter, program_leave);
}
