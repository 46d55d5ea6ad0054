/* Pipes give numbers or an error that names the network: a picture of none is never painted, measured or written. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/finite.h"
#include "base/status.h"
#include "format/weights.h"
#include "model/pipe.h"
#include "support/program.h"
#include "support/tiny.h"

enum { Z = 256, SIDE = 64, N = 3 };

/* The generator of the fixtures with numbers of the tensors of that name, or of all that begin so, so large that they
 * overflow further on. */
static const char *damaged(const char *name) {
    idem_weights *w;
    assert_int_equal(idem_weights_load(&w, IDEM_SOURCE_DIR "/tests/fixtures/generator-64.safetensors"), 0);
    for (size_t k = 0; k < idem_weights_count(w); k++) {
        idem_weight *t = idem_weights_at(w, k);
        for (int64_t i = 0; !strncmp(t->name, name, strlen(name)) && i < idem_shape_count(&t->shape); i++)
            t->data[i] = 3e38f;
    }
    const char *path = tiny_path(program_folder, "damaged.safetensors");
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_F32), 0);
    idem_weights_free(w);
    return path;
}

static void assert_refused(const char *name, const char *network) {
    const char *path = damaged(name);
    char says[512];
    snprintf(says, sizeof says, "%s%s gives numbers that are not finite", network, path);
    idem_model *m = idem_model_open(path);
    assert_non_null(m);
    idem_pipe *p = idem_pipe_new(m, IDEM_PIPE_SAMPLE, 2, 0.5f, NULL);
    assert_non_null(p);
    float *z = calloc(N * Z, sizeof *z), *y = calloc((size_t)N * SIDE * SIDE * 3, sizeof *y);
    for (int i = 0; i < N * Z; i++)
        z[i] = (float)(i % 5 - 2);
    assert_int_equal(idem_pipe_run(p, N, (const float *const[]){z, NULL}, (float *const[]){NULL, y}), -1);
    assert_int_equal(idem_error_kind(), IDEM_INTERNAL);
    if (!strstr(idem_error(), says))
        fail_msg("says: %s, wanted: %s", idem_error(), says);
    idem_pipe_free(p);
    idem_model_free(m);
    free(z);
    free(y);
}

static void the_network_is_named(void **state) {
    (void)state;
    assert_refused("convs.2.conv.weight", "the generator ");
    assert_refused("style.", "the mapping network of ");
}

static void nothing_is_written(void **state) {
    (void)state;
    damaged("convs.2.conv.weight");
    program_expect(program_run(program_folder, "cd $DIR && $IDEM sample -q -g damaged.safetensors -n 2 -o out"), 1);
    assert_true(program_says("the generator damaged.safetensors gives numbers that are not finite"));
    assert_int_equal(program_run(program_folder, "test -z \"$(find $DIR/out -name '*.png' -o -name '*.npy')\""), 0);
}

static void inputs_have_to_be_numbers(void **state) {
    (void)state;
    idem_model *m = idem_model_open(IDEM_SOURCE_DIR "/tests/fixtures/generator-64.safetensors");
    assert_non_null(m);
    idem_pipe *p = idem_pipe_new(m, IDEM_PIPE_MAPPING, 2, 1, NULL);
    assert_non_null(p);
    float z[N * Z] = {0}, w[N * Z];
    z[2 * Z + 7] = NAN;
    assert_int_equal(idem_pipe_run(p, N, (const float *const[]){z, NULL}, (float *const[]){w, NULL}), -1);
    assert_string_equal(idem_error(), "input z: number 7 of item 2 is nan, expected finite numbers");
    assert_int_equal(idem_error_kind(), IDEM_INPUT);
    assert_int_equal(idem_pipe_run(p, 2, (const float *const[]){z, NULL}, (float *const[]){w, NULL}), 0);
    idem_pipe_free(p);
    idem_model_free(m);
}

/* Kernels are chosen by the batch, and the library's products round by it: in the last bits. */
static void batches_differ_by_rounding(void **state) {
    (void)state;
    idem_model *m = idem_model_open(IDEM_SOURCE_DIR "/tests/fixtures/generator-64.safetensors");
    assert_non_null(m);
    const size_t numbers = (size_t)N * SIDE * SIDE * 3;
    float *z = calloc(N * Z, sizeof *z), *y[3];
    for (int i = 0; i < N * Z; i++)
        z[i] = (float)(i % 5 - 2) * 0.5f;
    for (int batch = 1; batch <= 3; batch++) {
        idem_pipe *p = idem_pipe_new(m, IDEM_PIPE_SAMPLE, batch, 1, NULL);
        y[batch - 1] = calloc(numbers, sizeof(float));
        assert_int_equal(idem_pipe_run(p, N, (const float *const[]){z, NULL}, (float *const[]){NULL, y[batch - 1]}), 0);
        for (size_t i = 0; i < numbers; i++)
            assert_true(fabsf(y[batch - 1][i] - y[0][i]) < 0.02f / 255);
        idem_pipe_free(p);
    }
    for (int k = 0; k < 3; k++)
        free(y[k]);
    free(z);
    idem_model_free(m);
}

static void the_first_is_found(void **state) {
    (void)state;
    float x[1000] = {0};
    assert_int_equal(idem_find_not_finite(x, 1000), 1000);
    static const size_t at[] = {999, 998, 700, 256, 255, 0};
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        x[at[i]] = i % 2 ? INFINITY : NAN;
        assert_int_equal(idem_find_not_finite(x, 1000), at[i]);
        assert_int_equal(idem_find_not_finite(x, at[i]), at[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_network_is_named), cmocka_unit_test(nothing_is_written),
                                       cmocka_unit_test(inputs_have_to_be_numbers),
                                       cmocka_unit_test(batches_differ_by_rounding),
                                       cmocka_unit_test(the_first_is_found)};
    return cmocka_run_group_tests(tests, program_enter, program_leave);
}
