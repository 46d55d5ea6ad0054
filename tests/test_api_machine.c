/* The machine through the public header: what it has, how fast its kernels are, where the time of networks goes. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "idem.h"
#include "support/program.h"
#include "support/tiny.h"

static const char *dir; /* NULL: models are missing */

static int set_up(void **state) {
    (void)state;
    return tiny_make(&dir);
}

static void refused(int status, const char *why) {
    assert_int_equal(status, -1);
    assert_non_null(strstr(idem_last_error(), why));
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INPUT);
}

static void the_machine_is_described(void **state) {
    (void)state;
    idem_machine_info m = {.struct_size = sizeof m};
    setenv("IDEM_MAX_ISA", "plain", 1);
    assert_int_equal(idem_set_threads(1), 0);
    assert_int_equal(idem_get_machine(&m), 0);
    assert_true(*m.cpu && m.threads == 1 && m.cores >= 1 && m.online >= m.cores);
    assert_true(m.memory > 1e8 && m.available > 0 && m.available <= m.memory);
    assert_true(m.onednn[0] >= '2' && m.onednn[1] == '.');
    assert_string_equal(m.isa, "plain");
    assert_true(strcmp(m.isa_of_cpu, "avx512") && strcmp(m.isa_of_cpu, "bf16") ? !strstr(m.features, "avx512vl")
                                                                               : !!strstr(m.features, "avx512f"));
    assert_true(!strcmp(m.isa_of_cpu, "bf16") == !!strstr(m.features, "avx512bf16"));
    refused(idem_set_precision(9), "precision is 9, expected 1 to 3");
    assert_int_equal(idem_set_threads(0), 0);
    m.struct_size--;
    refused(idem_get_machine(&m), "sizeof(idem_machine_info)");
    refused(idem_get_machine(NULL), "struct_size is 0");
    refused(idem_set_threads(-1), "threads is -1");
    setenv("IDEM_MAX_ISA", "sse9", 1);
    refused(idem_check_machine(), "sse9");
    unsetenv("IDEM_MAX_ISA");
    assert_int_equal(idem_check_machine(), 0);
}

static void kernels_are_timed(void **state) {
    (void)state;
    idem_kernel_speed speed[IDEM_KERNELS];
    assert_int_equal(idem_measure_kernels(speed, 0.05, NULL), 0);
    for (int i = 0; i < IDEM_KERNELS; i++)
        assert_true(strstr(speed[i].what, "channels") && *speed[i].kernel && speed[i].gflops > 0.01);
    volatile sig_atomic_t stop = 1;
    assert_int_equal(idem_measure_kernels(speed, 100, &stop), -1);
    assert_int_equal(idem_error_kind(), IDEM_ERROR_INTERRUPTED);
    refused(idem_measure_kernels(NULL, 1, NULL), "NULL");
    refused(idem_measure_kernels(speed, 0, NULL), "seconds is not above 0");
}

static void times_add_up(void **state) {
    (void)state;
    tiny_need(dir);
    idem_options o;
    idem_options_default(&o);
    o.generator = tiny_path(dir, "generator.safetensors");
    o.generator_only = 1;
    o.batch = o.threads = 1;
    idem_start_profile();
    idem_context *c = idem_open(&o);
    assert_non_null(c);
    idem_info info = {.struct_size = sizeof info};
    assert_int_equal(idem_get_info(c, &info), 0);
    uint8_t *rgb = malloc(3 * (size_t)info.size * (size_t)info.size * 3);
    assert_int_equal(idem_sample(c, 1, 0.7f, 3, NULL, rgb), 0);
    idem_close(c);
    free(rgb);
    idem_profile *p = idem_get_profile();
    assert_non_null(p);
    assert_true(p->plans >= 1 && p->runs >= 3 && p->seconds > 0 && p->nodes > p->ops && p->ops > 3);
    double sums[2] = {0};
    for (int k = 0; k < 2; k++) {
        const idem_timing *rows = k ? p->op : p->node;
        for (int i = 0; i < (k ? p->ops : p->nodes); i++) {
            assert_true((rows[i].name == NULL) == k && *rows[i].op && rows[i].runs > 0);
            assert_true(!i || rows[i].seconds <= rows[i - 1].seconds);
            assert_true(k || rows[i].nodes == 1);
            sums[k] += rows[i].seconds;
        }
    }
    assert_true(sums[0] > 0 && sums[0] <= p->seconds * 1.001);
    assert_float_equal(sums[0], sums[1], 1e-6 * sums[0]);
    idem_free_profile(p);
    idem_stop_profile();
    p = idem_get_profile();
    assert_true(p && p->plans == 0 && p->nodes == 0 && p->ops == 0);
    idem_free_profile(p);
    idem_free_profile(NULL);
}

/* examples/machine.c says what idem doctor does. */
static void the_example_runs(void **state) {
    (void)state;
    program_expect(program_run(dir, "${IDEM%%/*}/examples/example_machine"), 0);
    assert_true(program_says("oneDNN ") && program_says("3x3, 64 channels, 32x32, forward"));
    program_expect(program_run(dir, "IDEM_MAX_ISA=sse9 ${IDEM%%/*}/examples/example_machine"), 1);
    assert_true(program_says("sse9"));
    tiny_need(dir);
    program_expect(program_run(dir, "${IDEM%%/*}/examples/example_machine $DIR/generator.safetensors"), 0);
    assert_true(program_says("2 plans, ") && program_says("styled "));
    program_expect(program_run(dir, "${IDEM%%/*}/examples/example_machine /nowhere.safetensors"), 1);
    assert_true(program_says("/nowhere.safetensors"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_machine_is_described), cmocka_unit_test(kernels_are_timed),
                                       cmocka_unit_test(times_add_up), cmocka_unit_test(the_example_runs)};
    return cmocka_run_group_tests(tests, set_up, tiny_leave);
}
