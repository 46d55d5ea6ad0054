/* E_id from a file: what each preprocessing shows the network, and a mapper that remembers its recogniser. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/models.h"
#include "base/file.h"
#include "engine/plan.h"
#include "face/recogniser.h"
#include "model/model.h"
#include "nets/inception_resnet.h"
#include "nets/onnx_graph.h"
#include "support/fill.h"
#include "support/program.h"
#include "support/tiny.h"

enum { SIDE = 64, BATCH = 2 };

static const char *dir; /* NULL: downloaded networks are missing */
static char feature[PATH_MAX];

static const float five[5][2] = {
    {0.375f, 0.472f}, {0.621f, 0.473f}, {0.488f, 0.613f}, {0.380f, 0.729f}, {0.617f, 0.730f}};
static const float template_112[5][2] = {
    {38.2946f, 51.6963f}, {73.5318f, 51.5014f}, {56.0252f, 71.7366f}, {41.5493f, 92.3655f}, {70.7299f, 92.2041f}};

static const char *in_dir(const char *name) {
    return tiny_path(dir, name);
}

static idem_recogniser *opened(const char *path, const char *preprocess) {
    idem_recogniser *r = idem_recogniser_open(path, preprocess);
    if (!r)
        fail_msg("%s", idem_error());
    return r;
}

/* ---- what the network sees ---- */

/* The part of the picture each one is said to look at. */
static idem_crop crop_of(const char *preprocess) {
    idem_crop crop;
    float points[5][2];
    for (int i = 0; i < 10; i++)
        (&points[0][0])[i] = ((&template_112[0][0])[i] + 0.5f) / 112;
    if (!strcmp(preprocess, "vggface2"))
        return idem_crop_from_box(&(idem_box){0.15f, 0.15f, 0.85f, 0.85f});
    if (!strcmp(preprocess, "facenet")) {
        const float eyes = 0.4f, nose = 0.595f, mouth = 0.77f;
        const float box[5][2] = {{0.31f, eyes}, {0.69f, eyes}, {0.5f, nose}, {0.345f, mouth}, {0.655f, mouth}};
        memcpy(points, box, sizeof points);
    }
    assert_int_equal(idem_crop_fit(&crop, (const float(*)[2])points, five, 5, 1, 1), 0);
    return crop;
}

static float scaled(const char *preprocess, const float *pixel, int channel) {
    static const float bgr[3] = {91.4953f, 103.8827f, 131.0912f};
    if (!strcmp(preprocess, "vggface2"))
        return pixel[2 - channel] * 255 - bgr[channel];
    const float p = pixel[channel] * 255;
    return !strcmp(preprocess, "fr_feature")    ? (p - 127) / 128
           : !strcmp(preprocess, "insightface") ? (p - 127.5f) / 127.5f
                                                : (p - 127.5f) / 128;
}

/* The network on an input made by plain code. */
static idem_node *plainly(idem_graph *g, const idem_recogniser_info *about, idem_weights *weights, const float *x) {
    const int side = about->side;
    idem_node *in = idem_input(g, "in", IDEM_SHAPE(BATCH, 3, side, side));
    const idem_crop crop = crop_of(about->preprocess);
    idem_sparse map;
    float *cut = malloc((size_t)side * (size_t)side * 3 * sizeof *cut);
    assert_non_null(cut);
    assert_int_equal(idem_crop_map(&map, &crop, side, side, SIDE, SIDE, IDEM_BORDER_EDGE), 0);
    for (int n = 0; n < BATCH; n++) {
        idem_crop_apply(cut, x + n * SIDE * SIDE * 3, 3, &map);
        for (int i = 0; i < side * side * 3; i++)
            in->leaf[n * side * side * 3 + i] = scaled(about->preprocess, cut + i / 3 * 3, i % 3);
    }
    idem_crop_map_free(&map);
    free(cut);
    if (weights) {
        idem_binder b = idem_binder_make(g, weights, "", false);
        return idem_inception_resnet(&b, in);
    }
    idem_onnx *m;
    assert_int_equal(idem_onnx_load(&m, feature), 0);
    idem_node *y = idem_onnx_build(g, m, in, NULL);
    idem_onnx_free(m);
    return y;
}

static void compare(const char *path, const char *preprocess, const char *expected, int dim) {
    idem_recogniser *r = opened(path, preprocess);
    const idem_recogniser_info *about = idem_recogniser_about(r);
    assert_string_equal(about->preprocess, expected);
    assert_int_equal(about->dim, dim);
    assert_int_equal(strlen(about->hash), 16);
    idem_weights *weights = NULL;
    if (about->inception_resnet)
        assert_int_equal(idem_weights_load(&weights, path), 0);
    idem_graph *g = idem_graph_new();
    idem_frame frame;
    assert_int_equal(idem_frame_from_five(&frame, five), 0);
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(BATCH, 3, SIDE, SIDE));
    fixture_fill(x->leaf, BATCH * SIDE * SIDE * 3, "", expected, 0.5, 0.5);
    idem_node *t[3] = {idem_recogniser_face(r, x, &frame), plainly(g, about, weights, x->leaf)};
    if (!t[0] || !t[1] || idem_gradients(idem_sum_all(t[0]), &x, 1, &t[2]))
        fail_msg("%s", idem_error());
    idem_plan *p = idem_plan_new(t, 3, NULL);
    assert_non_null(p);
    assert_int_equal(idem_plan_run(p), 0);
    const float *got = idem_plan_value(p, t[0]), *want = idem_plan_value(p, t[1]), *dx = idem_plan_value(p, t[2]);
    double most = 0, error = 0, slope = 0;
    for (int i = 0; i < BATCH * dim; i++) {
        most = fmax(most, fabs((double)want[i]));
        error = fmax(error, fabs((double)got[i] - (double)want[i]));
    }
    for (int i = 0; i < BATCH * SIDE * SIDE * 3; i++)
        slope += fabs((double)dx[i]);
    assert_true(most > 0 && error < 1e-4 * most);
    assert_true(slope > 0 && isfinite(slope));
    idem_plan_free(p);
    idem_graph_free(g);
    idem_weights_free(weights);
    idem_recogniser_free(r);
}

static void preprocessings(void **state) {
    (void)state;
    tiny_need(dir);
    compare(feature, "fr_feature", "fr_feature", 512);
    compare(feature, "insightface", "insightface", 512);
    compare(feature, "vggface2", "vggface2", 512);
    compare(in_dir("facenet.safetensors"), NULL, "facenet", 64);
    compare(in_dir("facenet.safetensors"), "insightface", "insightface", 64);
}

static void the_whole_picture(void **state) {
    (void)state;
    tiny_need(dir);
    idem_recogniser *r = opened(in_dir("facenet.safetensors"), NULL);
    idem_graph *g = idem_graph_new();
    idem_weights *weights;
    assert_int_equal(idem_weights_load(&weights, in_dir("facenet.safetensors")), 0);
    idem_binder b = idem_binder_make(g, weights, "", false);
    idem_node *x = idem_input(g, "x", IDEM_SHAPE(1, 3, 160, 160)), *y = idem_input(g, "y", x->shape);
    fixture_fill(x->leaf, 160 * 160 * 3, "", "whole", 0.5, 0.5);
    for (int i = 0; i < 160 * 160 * 3; i++)
        y->leaf[i] = 2 * x->leaf[i] - 1;
    idem_node *t[2] = {idem_recogniser_whole(r, x), idem_inception_resnet(&b, y)};
    idem_plan *p = idem_plan_new(t, 2, NULL);
    assert_non_null(p);
    assert_int_equal(idem_plan_run(p), 0);
    for (int i = 0; i < 64; i++)
        assert_float_equal(idem_plan_value(p, t[0])[i], idem_plan_value(p, t[1])[i], 1e-4);
    idem_plan_free(p);
    idem_graph_free(g);
    idem_weights_free(weights);
    idem_recogniser_free(r);
}

static void refused(const char *path, const char *preprocess, const char *why) {
    assert_null(idem_recogniser_open(path, preprocess));
    if (!strstr(idem_error(), why))
        fail_msg("expected \"%s\" in: %s", why, idem_error());
}

static void what_is_no_recogniser_is_refused(void **state) {
    (void)state;
    tiny_need(dir);
    char landmark[PATH_MAX];
    assert_int_equal(idem_models_find(landmark, sizeof landmark, NULL, "fr_landmark.onnx"), 0);
    refused(feature, NULL, "does not store its preprocessing");
    refused(feature, "other", "\"other\"");
    refused(landmark, "insightface", "[N, 3, S, S]");
    refused(in_dir("generator.safetensors"), NULL, "no InceptionResnetV1");
    refused(in_dir("nowhere.onnx"), "insightface", "nowhere.onnx");
    refused("README.md", NULL, "README.md");
}

/* ---- a mapper remembers ---- */

#define RUN(...) program_run(dir, __VA_ARGS__)
#define TRAIN "$IDEM train -g $DIR/generator.safetensors --threads 1 --batch 2 --eval-pairs 2 --checkpoint-every 1 -q "

/* What a fresh mapper is saved with. */
static void training_stores_the_recogniser(void **state) {
    (void)state;
    tiny_need(dir);
    for (int other = 0; other < 2; other++) {
        idem_weights *w;
        idem_model *m = idem_model_open("tests/fixtures/generator-64.safetensors"); /* says where its faces are */
        assert_non_null(m);
        if (other)
            assert_int_equal(idem_model_choose_recogniser(m, in_dir("facenet.safetensors"), NULL), 0);
        assert_int_equal(idem_model_load_frozen(m, NULL), 0);
        assert_int_equal(idem_model_about(m)->id_dim, other ? 64 : 512);
        assert_int_equal(idem_model_new_mapper(m, 1, true, NULL), 0);
        assert_int_equal(idem_model_save_mapper(m, in_dir("fresh.safetensors"), IDEM_DTYPE_F16), 0);
        idem_model_free(m);
        assert_int_equal(idem_weights_load(&w, in_dir("fresh.safetensors")), 0);
        const char *net = idem_weights_meta(w, "identity.net"), *kind = idem_weights_meta(w, "identity.preprocess");
        assert_int_equal(net != NULL, other);
        if (other)
            assert_true(!strcmp(net, "facenet.safetensors") && !strcmp(kind, "facenet"));
        idem_weights_free(w);
    }
}

static void a_mapper_belongs_to_its_recogniser(void **state) {
    (void)state;
    tiny_need(dir);
    const char *pictures = "-i samples/identities/1.png -a samples/attributes/a.png";
    assert_int_equal(tiny_write_narrow_mapper(in_dir("mapper.safetensors"), in_dir("facenet.safetensors"),
                                              in_dir("narrow.safetensors")),
                     0);
    program_expect(RUN("cp %s $DIR/other.onnx", feature), 0);
    program_expect(RUN(TRAIN
                       "-m $DIR/mapper.safetensors -o $DIR/no --identity-net $DIR/other.onnx --identity-preprocess "
                       "insightface"),
                   1);
    assert_true(program_says("was trained with the recogniser fr_feature.onnx"));
    program_expect(RUN(TRAIN "-o $DIR/no --identity-net $DIR/other.onnx"), 1);
    assert_true(program_says("does not store its preprocessing"));
    program_expect(RUN(TRAIN "-o $DIR/no --identity-preprocess insightface"), 2);
    /* The same run in one part and in two; a part that is told another recogniser, or none, is refused. */
    const char *facenet = "--identity-net $DIR/facenet.safetensors";
    program_expect(RUN(TRAIN "-m $DIR/narrow.safetensors -o $DIR/run --iterations 2 %s", facenet), 0);
    program_expect(RUN(TRAIN "-m $DIR/narrow.safetensors -o $DIR/parts --iterations 1 %s", facenet), 0);
    program_expect(RUN(TRAIN "-o $DIR/parts --resume --iterations 2"), 1);
    assert_true(program_says("facenet.safetensors") && program_says("--identity-net"));
    program_expect(RUN(TRAIN "-o $DIR/parts --resume --identity-net $DIR/other.onnx --identity-preprocess facenet"), 1);
    assert_true(program_says("was trained with the recogniser facenet.safetensors"));
    program_expect(RUN(TRAIN "-o $DIR/parts --resume --iterations 2 %s", facenet), 0);
    program_expect(RUN("cmp $DIR/run/mapper.safetensors $DIR/parts/mapper.safetensors"), 0);
    const char *model = "-g $DIR/generator.safetensors -m $DIR/run/mapper.safetensors";
    program_expect(RUN("$IDEM compose %s %s -o $DIR/out.png", model, pictures), 1);
    assert_true(program_says("--identity-net"));
    program_expect(RUN("$IDEM compose %s %s -o $DIR/out.png %s", model, pictures, facenet), 0);
    /* By name, in the folder of the downloaded networks. */
    program_expect(
        RUN("mkdir $DIR/models && cp %s $DIR/facenet.safetensors $DIR/models && cp \"$(dirname %s)\"/fr_[dl]* "
            "$DIR/models",
            feature, feature),
        0);
    program_expect(RUN("IDEM_MODELS=$DIR/models $IDEM compose %s %s -o $DIR/named.png", model, pictures), 0);
    program_expect(RUN("cmp $DIR/out.png $DIR/named.png"), 0);
    program_expect(RUN("$IDEM evaluate %s -n 2 --identity-net $DIR/other.onnx", model), 1);
    assert_true(program_says("was trained with the recogniser facenet.safetensors"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preprocessings),
        cmocka_unit_test(the_whole_picture),
        cmocka_unit_test(what_is_no_recogniser_is_refused),
        cmocka_unit_test(training_stores_the_recogniser),
        cmocka_unit_test(a_mapper_belongs_to_its_recogniser),
    };
    if (tiny_make(&dir))
        return 1;
    if (dir && (tiny_write_facenet(in_dir("facenet.safetensors")) ||
                idem_models_find(feature, sizeof feature, NULL, "fr_feature.onnx")))
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tiny_remove(dir);
    return failed;
}
