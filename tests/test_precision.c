/* bfloat16 in the larger convolutions of a generator, through include/idem.h: how far pictures differ, who shares
 * weights, and that a training goes on with the precision with which it began. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "idem.h"
#include "support/program.h"

#define RUN(...) program_run(program_folder, __VA_ARGS__)
enum { PICTURES = 4, BYTES = PICTURES * 128 * 128 * 3 };
#define GENERATOR "models/generator-128.safetensors"

static idem_context *open_with(int precision) {
    idem_options o;
    idem_options_default(&o);
    o.generator = GENERATOR;
    o.generator_only = 1;
    o.threads = 1;
    o.precision = precision;
    idem_context *c = idem_open(&o);
    if (!c)
        fail_msg("%s", idem_last_error());
    return c;
}

static void sample(idem_context *c, uint8_t *rgb) {
    assert_int_equal(idem_sample(c, 3, 0.7f, PICTURES, NULL, rgb), 0);
}

/* dB */
static double psnr(const uint8_t *a, const uint8_t *b) {
    double sum = 0;
    for (int i = 0; i < BYTES; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return 10 * log10(255.0 * 255 * BYTES / sum);
}

static void pictures_differ_by_less_than_a_level(void **state) {
    (void)state;
    static uint8_t f32[BYTES], bf16[BYTES], again[BYTES];
    idem_context *a = open_with(IDEM_PRECISION_F32), *b = open_with(IDEM_PRECISION_BF16); /* both alive: not shared */
    sample(a, f32);
    sample(b, bf16);
    sample(b, again);
    assert_memory_equal(bf16, again, BYTES);
    sample(a, again);
    assert_memory_equal(f32, again, BYTES);
    idem_close(a);
    idem_close(b);
    const double db = psnr(f32, bf16);
    if (!(db >= 45 && db < 70))
        fail_msg("bfloat16 and float32 differ by %.1f dB, expected 45 to 70", db);
    idem_machine_info m = {.struct_size = sizeof m};
    assert_int_equal(idem_get_machine(&m), 0);
    a = open_with(IDEM_PRECISION_AUTO);
    sample(a, again);
    idem_close(a);
    const bool faster = m.precision_auto == IDEM_PRECISION_BF16;
    assert_true(faster ? !strcmp(m.isa, "bf16") && !strstr(m.cpu, "Intel") : m.precision_auto == IDEM_PRECISION_F32);
    assert_memory_equal(again, faster ? bf16 : f32, BYTES);
}

static void a_thread_has_a_precision(void **state) {
    (void)state;
    static uint8_t own[BYTES], chosen[BYTES];
    assert_int_equal(idem_set_precision(IDEM_PRECISION_BF16), 0);
    idem_context *a = open_with(IDEM_PRECISION_THREAD);
    assert_int_equal(idem_set_precision(IDEM_PRECISION_F32), 0);
    idem_context *b = open_with(IDEM_PRECISION_BF16), *c = open_with(IDEM_PRECISION_THREAD);
    sample(a, own);
    sample(b, chosen);
    assert_memory_equal(own, chosen, BYTES);
    sample(c, own);
    assert_true(memcmp(own, chosen, BYTES));
    idem_close(a);
    idem_close(b);
    idem_close(c);
    idem_options o;
    idem_options_default(&o);
    o.precision = IDEM_PRECISION_AUTO + 1;
    assert_null(idem_open(&o));
    assert_non_null(strstr(idem_last_error(), "precision is 4, expected 0 to 3"));
    assert_int_equal(idem_set_precision(IDEM_PRECISION_THREAD), -1);
}

static void a_training_keeps_its_precision(void **state) {
    (void)state;
#define TRAIN                                                                                                          \
    "$IDEM train-generator -q -d samples/identities --threads 1 --size 32 --batch 4 --width 512 --width-max 16 "       \
    "--d-width 512 --d-width-max 16 --z 8 --w 8 --features 0 --distance-every 0 --mapping-layers 1 --seed 3 "
    program_expect(RUN(TRAIN "--pictures 8 --precision bf16 -o $DIR/two"), 0);
    program_expect(RUN(TRAIN "--pictures 16 -o $DIR/two --resume"), 1);
    assert_true(program_says("--precision is f32 but the run's is bf16"));
    program_expect(RUN(TRAIN "--pictures 16 --precision bf16 -o $DIR/two --resume"), 0);
    program_expect(RUN(TRAIN "--pictures 16 --precision bf16 -o $DIR/one"), 0);
    program_expect(RUN(TRAIN "--pictures 16 -o $DIR/f32"), 0);
    program_expect(RUN("cd $DIR && cmp one/generator.safetensors two/generator.safetensors && "
                       "! cmp -s one/generator.safetensors f32/generator.safetensors"),
                   0);
    program_expect(RUN("$IDEM doctor --precision f16"), 2);
    assert_true(program_says("\"f16\" is none of f32|bf16|auto"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(pictures_differ_by_less_than_a_level),
                                       cmocka_unit_test(a_thread_has_a_precision),
                                       cmocka_unit_test(a_training_keeps_its_precision)};
    return cmocka_run_group_tests(tests, program_enter, program_leave);
}
