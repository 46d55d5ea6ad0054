/* NVIDIA's StyleGAN2-ADA files, and networks inside the dictionaries that training programs save them in. The files
 * were written by Python (tests/oracle/format_nvidia.py, format_torch.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"
#include "support/format.h"
#include "support/hostile.h"
#include "support/program.h"
#include "support/tiny.h"

/* ---- NVIDIA's files ---- */

static void expect_generator(const char *file) {
    static const char TRACE[] = "/tmp/idem-was-here";
    unlink(TRACE);
    idem_weights *w = format_load(file);
    assert_int_equal(access(TRACE, F_OK), -1); /* the source text in it was not run */
    assert_int_equal(idem_weights_count(w), 37);
    format_expect(w, "G_ema.synthesis.b4.const", IDEM_SHAPE(4, 4, 4), "float32");
    format_expect(w, "G_ema.synthesis.b8.conv0.weight", IDEM_SHAPE(4, 4, 3, 3), "float32");
    format_expect(w, "G_ema.synthesis.b8.conv1.noise_strength", IDEM_SCALAR, "float32");
    format_expect(w, "G_ema.mapping.w_avg", IDEM_SHAPE(6), "float32");
    format_expect(w, "G_ema.mapping.fc1.bias", IDEM_SHAPE(6), "float32");
    for (size_t k = 0; k < 37; k++) { /* in the order of its state_dict */
        const idem_weight *t = idem_weights_at(w, k);
        for (int64_t i = 0; i < idem_shape_count(&t->shape); i++)
            if (t->data[i] != format_value(i + 7 * (int64_t)k, "float32") / 8)
                fail_msg("%s: value %lld of %s is %g", file, (long long)i, t->name, (double)t->data[i]);
    }
    idem_weights_unwrap(w);
    format_expect(w, "mapping.w_avg", IDEM_SHAPE(6), "float32");
    idem_weights_free(w);
}

static void test_protocol3(void **state) {
    (void)state;
    expect_generator("ada3.pkl");
}
static void test_protocol4(void **state) {
    (void)state;
    expect_generator("ada4.pkl");
}

static void test_sample(void **state) {
    (void)state;
    const char *dir = tiny_folder();
    assert_non_null(dir);
    assert_int_equal(program_run(dir, "$IDEM sample -q -g tests/fixtures/format/ada3.pkl -n 2 --seed 4 -o $DIR/s3 && "
                                      "$IDEM sample -q -g tests/fixtures/format/ada4.pkl -n 2 --seed 4 -o $DIR/s4"),
                     0);
    assert_int_equal(program_run(dir, "cd $DIR && cmp s3/dataset_8/images/00000/00001.png "
                                      "s4/dataset_8/images/00000/00001.png && ls s3/dataset_8/images/00000"),
                     0);
    assert_string_equal(program_output, "00000.png\n00001.png\n");
    tiny_remove(dir);
    free(program_output);
    program_output = NULL;
}

/* ---- what else a pickle that stands alone may be ---- */

static void assert_pkl(const char *pickle, size_t size, const char *words) {
    char *path = format_temporary(pickle, size);
    format_assert_load_fails(path, words);
    format_discard(path);
}

static void test_refusals(void **state) {
    (void)state;
#define PKL(text, words) assert_pkl(text, sizeof(text) - 1, words)
    PKL("\x80\x03"
        "cdnnlib.tflib.network\nNetwork\nq\x01.",
        "TensorFlow network of NVIDIA's");
    PKL("\x80\x03"
        "csklearn.linear_model\nRidge\n)\x81.",
        "'sklearn.linear_model.Ridge'");
    PKL("\x80\x03}q\x01X\x01\0\0\0aK\x01s.........", "without tensors");
    PKL("\x80\x03"
        "ctorch.storage\n_load_from_bytes\nC\x03"
        "abc\x85R.",
        "not a PyTorch file");
    PKL("\x80\x03"
        "ctorch.storage\n_load_from_bytes\nK\x01\x85R......",
        "not bytes");
    PKL("\x80\x03"
        "ctorch_utils.persistence\n_reconstruct_persistent_obj\nK\x01\x85R.",
        "without a description");
    /* A tensor whose numbers are elsewhere: only an archive has such. */
    blob b = hostile_tensor(0, 4, 1, 4);
    assert_pkl((const char *)b.data, b.size, "are missing");
    blob_drop(&b);
}

/* ---- dictionaries around a network ---- */

static void test_unwrap(void **state) {
    (void)state;
    static const struct {
        const char *file;
        size_t tensors;
    } CASES[] = {{"in-g_ema.pt", 3}, {"in-G_ema.pt", 2},  {"in-params_ema.pt", 2}, {"in-state_dict.pt", 2},
                 {"in-model.pt", 2}, {"in-module.pt", 2}, {"in-deep.pt", 2},       {"in-bare.pt", 2}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        idem_weights *w = format_load(CASES[i].file);
        idem_weights_unwrap(w);
        format_expect_values(w, "conv.weight", IDEM_SHAPE(3, 5), "float32");
        format_expect_values(w, "conv.bias", IDEM_SHAPE(3), "float32");
        assert_int_equal(idem_weights_count(w), CASES[i].tensors);
        if (!i)
            format_expect_values(w, "latent_avg", IDEM_SHAPE(7), "float32");
        idem_weights_free(w);
    }
    /* Before some of the names it is no wrapper. */
    idem_weights *w = format_load("in-part.pt");
    idem_weights_unwrap(w);
    format_expect_values(w, "module.conv.weight", IDEM_SHAPE(3, 5), "float32");
    assert_int_equal(idem_weights_count(w), 3);
    idem_weights_free(w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_protocol3), cmocka_unit_test(test_protocol4), cmocka_unit_test(test_sample),
        cmocka_unit_test(test_refusals),  cmocka_unit_test(test_unwrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
