/* idem model convert from outside. That PyTorch reads what it writes, and paints the same pictures from it, is shown by
 * tests/oracle/convert_generator.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/status.h"
#include "format/weights.h"
#include "media/image.h"
#include "support/format.h"
#include "support/program.h"
#include "support/tiny.h"

#define RUN(...) program_run(program_folder, __VA_ARGS__)

static idem_weights *load(const char *name) {
    char *path = idem_path_join(program_folder, name);
    idem_weights *w = NULL;
    if (idem_weights_load(&w, path))
        fail_msg("%s", idem_error());
    free(path);
    return w;
}

static void types_and_dictionaries_survive(void **state) {
    (void)state;
    static const char *const files[] = {"dtypes.pt", "legacy-dtypes.pt", "all.safetensors"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        for (int torch = 0; torch < 2; torch++) {
            const char *out = torch ? "t.pth" : "t.safetensors";
            assert_int_equal(RUN("$IDEM model convert -q tests/fixtures/format/%s $DIR/%s", files[i], out), 0);
            assert_string_equal(program_output, "");
            idem_weights *w = load(out), *from = format_load(files[i]);
            assert_int_equal(idem_weights_count(w), idem_weights_count(from));
            for (size_t k = 0; k < idem_weights_count(from); k++) {
                const idem_weight *a = idem_weights_at(from, k), *b = idem_weights_find(w, a->name);
                assert_non_null(b);
                assert_true(idem_shape_equal(&a->shape, &b->shape));
                assert_int_equal(b->dtype, IDEM_DTYPE_F32);
                assert_memory_equal(a->data, b->data, (size_t)idem_shape_count(&a->shape) * sizeof *a->data);
            }
            idem_weights_free(w);
            idem_weights_free(from);
        }
    assert_int_equal(RUN("$IDEM model convert tests/fixtures/format/in-deep.pt $DIR/deep.safetensors --half"), 0);
    assert_true(program_says("2 tensors as float16"));
    idem_weights *w = load("deep.safetensors");
    format_expect_values(w, "conv.weight", IDEM_SHAPE(3, 5), "float16");
    idem_weights_free(w);
}

/* What a shipped generator carries with it. */
static void metadata_is_added(void **state) {
    (void)state;
    if (!tiny_has_models())
        skip();
    assert_int_equal(RUN("$IDEM model convert tests/fixtures/generator-64.safetensors $DIR/bare.pt --half && "
                         "$IDEM model convert $DIR/bare.pt $DIR/g.safetensors --half --frame --licence 'for a test' "
                         "--origin 'of a test'"),
                     0);
    idem_weights *w = load("g.safetensors"), *from = NULL;
    assert_int_equal(idem_weights_load(&from, "tests/fixtures/generator-64.safetensors"), 0);
    assert_string_equal(idem_weights_meta(w, "licence"), "for a test");
    assert_string_equal(idem_weights_meta(w, "origin"), "of a test");
    float found[2], stored[2]; /* the left eye */
    assert_int_equal(sscanf(idem_weights_meta(w, "frame.five"), "%f %f", &found[0], &found[1]), 2);
    assert_int_equal(sscanf(idem_weights_meta(from, "frame.five"), "%f %f", &stored[0], &stored[1]), 2);
    for (int i = 0; i < 2; i++)
        assert_float_equal(found[i], stored[i], 0.01);
    idem_weights_free(w);
    idem_weights_free(from);
    assert_int_equal(RUN("$IDEM model convert $DIR/bare.pt $DIR/other.pt --origin x"), 2);
    assert_true(program_says("need .safetensors"));
}

static void onnx_gives_its_constants(void **state) {
    (void)state;
    assert_int_equal(RUN("$IDEM model convert tests/fixtures/format/all.onnx $DIR/o.safetensors"), 0);
    idem_weights *w = load("o.safetensors");
    format_expect_list(w, "raw.negative", IDEM_SHAPE(2), (float[]){-2, -1});
    format_expect_list(w, "list.half", IDEM_SHAPE(3), (float[]){0, 1, 3});
    format_expect_list(w, "scalar", IDEM_SCALAR, (float[]){2.5f});
    idem_weights_free(w);
}

/* Picture i of a folder of `idem sample`. */
static void sample_load(idem_image *im, const char *folder, int side, int i) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s/dataset_%d/images/00000/%05d.png", program_folder, folder, side, i);
    assert_int_equal(idem_image_load(im, path), 0);
}

/* The other layout paints the same pictures. */
static void a_pkl_becomes_a_checkpoint(void **state) {
    (void)state;
    assert_int_equal(RUN("$IDEM model convert tests/fixtures/format/ada3.pkl $DIR/ada.pt && "
                         "for g in tests/fixtures/format/ada3.pkl $DIR/ada.pt; do "
                         "$IDEM sample -q -g $g -n 2 --seed 4 --threads 1 -o $DIR/${g##*.} || exit 3; done"),
                     0);
    idem_weights *w = load("ada.pt");
    format_expect(w, "g_ema.convs.0.conv.blur.kernel", IDEM_SHAPE(4, 4), "float32");
    format_expect(w, "latent_avg", IDEM_SHAPE(6), "float32");
    idem_weights_free(w);
    int range[2] = {255, 0};
    for (int i = 0; i < 2; i++) {
        idem_image im[2];
        for (int k = 0; k < 2; k++)
            sample_load(&im[k], k ? "pt" : "pkl", 8, i);
        for (int p = 0; p < 8 * 8 * 3; p++) {
            assert_true(abs(im[0].rgb[p] - im[1].rgb[p]) <= 1);
            range[0] = im[0].rgb[p] < range[0] ? im[0].rgb[p] : range[0];
            range[1] = im[0].rgb[p] > range[1] ? im[0].rgb[p] : range[1];
        }
        idem_image_free(&im[0]);
        idem_image_free(&im[1]);
    }
    assert_true(range[1] - range[0] > 50); /* pictures, not one colour */
}

/* As the architectures orig and resnet leave it. */
static void a_generator_without_a_to_rgb_layer(void **state) {
    (void)state;
    assert_int_equal(RUN("$IDEM model convert -q tests/fixtures/format/ada3.pkl $DIR/whole.safetensors"), 0);
    idem_weights *w = load("whole.safetensors"), *part = idem_weights_new();
    for (size_t i = 0; i < idem_weights_count(w); i++) {
        const idem_weight *t = idem_weights_at(w, i);
        idem_weight *copy =
            strcmp(t->name, "synthesis.b4.torgb.weight") ? idem_weights_add(part, t->name, t->shape) : NULL;
        if (copy)
            idem_weight_read(t, copy->data);
    }
    assert_int_equal(idem_weights_count(part) + 1, idem_weights_count(w));
    char *path = idem_path_join(program_folder, "part.safetensors");
    assert_int_equal(idem_weights_save(part, path, IDEM_DTYPE_F32), 0);
    free(path);
    idem_weights_free(part);
    idem_weights_free(w);
    assert_int_equal(RUN("$IDEM sample -q -g $DIR/part.safetensors -n 1 -o $DIR/part"), 1);
    assert_true(program_says("part.safetensors: ") && program_says("synthesis.b4.torgb.weight is missing: "));
    assert_true(program_says("\"orig\" and \"resnet\" are not supported"));
    assert_int_equal(program_lines(), 1);
}

static void a_generator_keeps_its_tensors(void **state) {
    (void)state;
    assert_int_equal(RUN("$IDEM model convert tests/fixtures/generator-64.safetensors $DIR/g.pt && "
                         "$IDEM model convert $DIR/g.pt $DIR/g.safetensors"),
                     0);
    idem_weights *w = load("g.safetensors"), *from = NULL;
    assert_int_equal(idem_weights_load(&from, "tests/fixtures/generator-64.safetensors"), 0);
    for (size_t k = 0; k < idem_weights_count(from); k++) {
        const idem_weight *a = idem_weights_at(from, k), *b = idem_weights_find(w, a->name);
        assert_non_null(b);
        assert_memory_equal(a->data, b->data, (size_t)idem_shape_count(&a->shape) * sizeof *a->data);
    }
    idem_weights_free(w);
    idem_weights_free(from);
}

/* The largest difference between the first pictures of two folders of `idem sample`. */
static int difference(const char *a, const char *b, int side) {
    idem_image im[2];
    for (int k = 0; k < 2; k++)
        sample_load(&im[k], k ? b : a, side, 0);
    int most = 0;
    for (int p = 0; p < side * side * 3; p++)
        most = abs(im[0].rgb[p] - im[1].rgb[p]) > most ? abs(im[0].rgb[p] - im[1].rgb[p]) : most;
    idem_image_free(&im[0]);
    idem_image_free(&im[1]);
    return most;
}

/* What is spread by 4 and truncated to a quarter of that is what it was; in both layouts. */
static void a_generator_is_spread(void **state) {
    (void)state;
    static const struct {
        const char *file;
        int side;
    } rows[] = {{"tests/fixtures/generator-64.safetensors", 64}, {"tests/fixtures/format/ada3.pkl", 8}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(RUN("rm -rf $DIR/as-it-was $DIR/back $DIR/wide; "
                             "$IDEM model convert -q %s $DIR/w.safetensors --spread 4 && "
                             "sample() { $IDEM sample -q -n 1 --seed 4 -g $1 -t "
                             "$2 -o $DIR/$3; } && "
                             "sample %s 1 as-it-was && sample $DIR/w.safetensors 0.25 back && "
                             "sample $DIR/w.safetensors 1 wide",
                             rows[i].file, rows[i].file),
                         0);
        assert_true(difference("as-it-was", "back", rows[i].side) <= 1);
        assert_true(difference("as-it-was", "wide", rows[i].side) > 8);
    }
    assert_int_equal(RUN("$IDEM model convert -q $DIR/w.safetensors $DIR/w2.safetensors --spread 2"), 0);
    idem_weights *w = load("w2.safetensors");
    assert_string_equal(idem_weights_meta(w, "spread"), "8");
    assert_int_equal(idem_weights_set_meta(w, "spread", "wide"), 0);
    char *path = idem_path_join(program_folder, "nonsense.safetensors");
    assert_int_equal(idem_weights_save(w, path, IDEM_DTYPE_F16), 0);
    free(path);
    idem_weights_free(w);
    assert_int_equal(RUN("$IDEM model convert $DIR/nonsense.safetensors $DIR/m.safetensors --spread 2"), 1);
    assert_true(program_says("\"spread\" is \"wide\""));
    assert_int_equal(RUN("$IDEM model convert models/mapper-128.safetensors $DIR/m.safetensors --spread 2"), 1);
    assert_true(program_says("models/mapper-128.safetensors: "));
    assert_int_equal(program_lines(), 1);
    assert_int_equal(RUN("$IDEM model convert tests/fixtures/generator-64.safetensors $DIR/m.safetensors --spread 0"),
                     2);
}

static void refusals(void **state) {
    (void)state;
    assert_int_equal(RUN("$IDEM model convert tests/fixtures/generator-64.safetensors $DIR/x.bin"), 2);
    assert_true(program_says(".safetensors, .pt, .pth"));
    assert_int_equal(RUN("$IDEM model convert tests/fixtures/generator-64.safetensors"), 2);
    assert_int_equal(RUN("$IDEM model convert README.md $DIR/x.pt"), 1);
    assert_int_equal(RUN("$IDEM model convert tests/fixtures/format/external.onnx $DIR/x.pt"), 1);
    assert_true(program_says("external data"));
    assert_int_equal(RUN("$IDEM model convert tests/fixtures/format/dtypes.pt /nowhere/at/all.pt"), 1);
    assert_true(program_says("/nowhere/at/all.pt"));
    assert_int_equal(RUN("ls $DIR/x.*"), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_and_dictionaries_survive),
        cmocka_unit_test(metadata_is_added),
        cmocka_unit_test(onnx_gives_its_constants),
        cmocka_unit_test(a_pkl_becomes_a_checkpoint),
        cmocka_unit_test(a_generator_keeps_its_tensors),
        cmocka_unit_test(a_generator_is_spread),
        cmocka_unit_test(refusals),
        cmocka_unit_test(a_generator_without_a_to_rgb_layer),
    };
    return cmocka_run_group_tests(tests, program_enter, program_leave);
}
